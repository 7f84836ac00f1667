# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_migrate: one step of the module after the other, and a line for each change."""

from __future__ import annotations

import time
from typing import Any

from ansible.utils.display import Display
from ansible_collections.okd.registry.plugins.plugin_utils import _migration
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction

display = Display()


class ActionModule(KubeAction):
    """Copies, step by step."""

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module until it is done; where a step fails, undo."""
        if self._task.check_mode or args.get("state", "copied") != "copied":
            return self.module(_migration.MODULE, args, variables)
        host = variables.get("inventory_hostname")

        def tell(line: str) -> None:
            display.display(f"  [{host}] {line}" if host else f"  {line}")

        def call(options: dict[str, Any]) -> dict[str, Any]:
            return self.module(_migration.MODULE, {**args, **options}, variables)

        return _migration.run(call, {}, tell=tell, clock=time)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one step of the sandbox's helpers within ansible-playbook: no process and no module has to be started for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sandboxlib import steplist
from sandboxlib.processes import SandboxError


class ActionModule(ActionBase):  # type: ignore[misc]
    """``sandbox_step: {name: STEP, part: CONTAINER}``."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the step; its exception is the task's failure."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            result.update(steplist.run(arguments.pop("name"), arguments))
        except SandboxError as error:
            raise AnsibleActionFail(str(error)) from error
        return result

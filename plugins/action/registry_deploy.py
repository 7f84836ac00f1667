# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_deploy: runs the module, then waits for the rollout and tells each change of state.

A module cannot speak while it runs. So the module returns as soon as it has written, and the wait is a row of short
calls of registry_rollout_info, each of which returns when there is something to tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible_collections.okd.registry.plugins.plugin_utils import _rollout_wait
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction, auth_options

DEFAULT_TIMEOUT = 600
INFO = "okd.registry.registry_rollout_info"

display = Display()


class ActionModule(KubeAction):
    """Deploys, then waits."""

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module and, where there is something to wait for, the wait."""
        timeout = _seconds(args.get("wait_timeout", DEFAULT_TIMEOUT))
        result = self.module(self._task.action, args, variables)
        workload = result.get("workload")
        waits = boolean(args.get("wait", True), strict=False) and not self._task.check_mode
        if not waits or result.get("failed") or not workload or (result.get("rollout") or {}).get("done"):
            return result
        return {**result, **self._wait(args, workload, timeout, variables)}

    def _wait(
        self, args: dict[str, Any], workload: dict[str, Any], timeout: float, variables: dict[str, Any]
    ) -> dict[str, Any]:
        keys = {k: args[k] for k in auth_options() if k in args}
        fixed = {**keys, "name": workload["name"], "namespace": workload["namespace"], "kind": workload["kind"]}
        if workload["rolls"] and workload["kind"] == "DeploymentConfig":
            fixed["after"] = workload["version_before"]

        def look(seconds: float, seen: str | None) -> dict[str, Any]:
            return self.module(INFO, {**fixed, "wait": seconds, **({"seen": seen} if seen else {})}, variables)

        what = f"{workload['kind']} {workload['namespace']}/{workload['name']}"
        return _rollout_wait.wait(what, look, timeout=timeout, tell=self._teller(variables), clock=time)

    def _teller(self, variables: dict[str, Any]) -> Callable[[str], None]:
        host = variables.get("inventory_hostname")
        return lambda line: display.display(f"  [{host}] {line}" if host else f"  {line}")


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as exc:
        raise AnsibleActionFail(f"wait_timeout: {value!r} is not a number of seconds") from exc

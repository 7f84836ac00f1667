# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_trust_agent: runs the module, then waits for the agents and tells each change of state.

A module cannot speak while it runs, so the wait is a row of short calls of registry_rollout_info. Where that does not
end well, the module's own wait has the last word: it knows which nodes are not as wanted, and what their agents say.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.okd.registry.plugins.plugin_utils import _rollout_wait
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction, auth_options, seconds

DEFAULT_TIMEOUT = 180
INFO = "okd.registry.registry_rollout_info"

Result = dict[str, Any]


class ActionModule(KubeAction):
    """Finds the kubeconfig, runs the module, and waits."""

    def work(self, args: Result, variables: dict[str, Any]) -> Result:
        """Run the module and, where there is something to wait for, the wait."""
        if self._task.check_mode or args.get("state", "present") != "present" or not _is_true(args.get("wait", True)):
            return self.module(self._task.action, args, variables)
        timeout = seconds(args.get("wait_timeout", DEFAULT_TIMEOUT))
        end = time.monotonic() + timeout
        result = self.module(self._task.action, {**args, "wait": False}, variables)
        if result.get("failed") or not result.get("agent"):
            return result
        rollout = self._wait(args, result["agent"], timeout, variables)
        if rollout.get("done"):
            numbers = {"nodes": rollout["desired"], "ready": rollout["ready"]}
            return {**result, "agent": {**result["agent"], **numbers}}
        left = max(0, int(end - time.monotonic()))
        waited = self.module(self._task.action, {**args, "wait": True, "wait_timeout": left}, variables)
        told: Result = {key: waited[key] for key in ("failed", "msg", "exception", "agent") if key in waited}
        return {**result, **told}

    def _wait(self, args: Result, agent: Result, timeout: float, variables: dict[str, Any]) -> Result:
        """Tell how it goes until it is done or does not get on; what is in the way of a single node is waited out."""
        keys = {k: args[k] for k in auth_options() if k in args}
        fixed = {**keys, "name": agent["name"], "namespace": agent["namespace"], "kind": "DaemonSet"}

        def look(wait: float, seen: str | None) -> Result:
            asked = {**fixed, "wait": wait, **({"seen": seen} if seen else {})}
            answer = self.module(INFO, asked, variables)
            rollout = answer.get("rollout") or {}
            return {**answer, "rollout": {**rollout, "stuck": None}} if rollout.get("stuck") == "probe" else answer

        what = f"DaemonSet {agent['namespace']}/{agent['name']}"
        ended = _rollout_wait.wait(
            what, look, timeout=timeout, tell=self.teller(variables), clock=time
        )  # fmt: skip
        return ended.get("rollout") or {}


def _is_true(value: Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        return True  # the module says what is wrong with it

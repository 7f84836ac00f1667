# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_deploy: runs the module, then waits for the rollout and tells each change of state.

A module cannot speak while it runs. So the module returns as soon as it has written, and the wait is a row of short
calls of registry_rollout_info, each of which returns when there is something to tell. What comes after the wait is the
module's again: it takes away what only the old pods needed, or puts back what was there before.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.okd.registry.plugins.module_utils import _args
from ansible_collections.okd.registry.plugins.plugin_utils import _migration, _rollout_wait
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction, auth_options, seconds

DEFAULT_TIMEOUT = 600
INFO = "okd.registry.registry_rollout_info"
#: Options by which the registry is found.
PLACE = ("name", "namespace")
MASK = "********"  # what Ansible puts in place of a value that must not show

Result = dict[str, Any]


class ActionModule(KubeAction):
    """Deploys, waits, and then tidies up or goes back."""

    def files(self, args: dict[str, Any]) -> tuple[str, ...]:
        """Options that name files, which are looked for on the controller."""
        deploys = args.get("state", "present") in ("present", "redeployed")
        if args.get("state") == "rendered":  # for which no cluster need be there
            return ("credentials",)
        return ("kubeconfig", "credentials") if deploys else ("kubeconfig",)

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> Result:
        """Run the module and, where there is something to wait for, the wait."""
        timeout = seconds(args.get("wait_timeout", DEFAULT_TIMEOUT))
        end = time.monotonic() + timeout
        result = self.module(self._task.action, args, variables)
        if (result.get("migration") or {}).get("needed") and not result.get("failed"):
            result = self._moved(result, args, variables)
        workload, waits = result.get("workload"), _waits(args) and not self._task.check_mode
        aside = result.pop("aside", None)
        if waits and result.get("failed") and result.get("changed") and _goes_back(args):
            return self._back(result, args, timeout, variables)
        if not waits or result.get("failed") or not workload:
            return result
        if not (result.get("rollout") or {}).get("done"):
            told = "" if aside and _goes_back(args) else aside  # who goes back says it then
            result = {**result, **self._wait(args, workload, timeout, variables, told)}
            if result.get("failed"):
                lost = result.pop("lost", False)
                return self._back(result, args, timeout, variables) if _goes_back(args) and not lost else result
        return self._tidied(result, args, end, variables) if result.get("leftovers") else result

    def _moved(self, result: Result, args: Result, variables: dict[str, Any]) -> Result:
        """Have the images copied to the new storage, then the workload written. Until then it is as it was."""
        keys = {k: args[k] for k in (*auth_options(), *PLACE) if k in args}
        moved = _migration.run(
            lambda options: self.module(_migration.MODULE, options, variables),
            {**keys, **_migration.options(result["migration"])},
            tell=self.teller(variables), clock=time,
        )  # fmt: skip
        result = _joined(result, moved)
        if moved.get("failed"):
            return {**result, "workload": None}
        switched = self.module(self._task.action, args, variables)
        why = (switched.get("migration") or {}).get("why")
        if why:
            switched = {**switched, "failed": True, "msg": f"The storage was not switched: {why}. Run again."}
        return {**_joined(result, switched), "migration": moved.get("migration")}

    def _wait(
        self, args: Result, workload: Result, timeout: float, variables: dict[str, Any], aside: str | None = None
    ) -> Result:
        keys = {k: args[k] for k in auth_options() if k in args}
        named = unmasked(workload, args)
        fixed = {**keys, **named, "kind": workload["kind"]}
        if workload["rolls"] and workload["kind"] == "DeploymentConfig":
            fixed["after"] = workload["version_before"]

        def look(wait: float, seen: str | None) -> Result:
            return self.module(INFO, {**fixed, "wait": wait, **({"seen": seen} if seen else {})}, variables)

        what = f"{workload['kind']} {named['namespace']}/{named['name']}"
        return _rollout_wait.wait(
            what, look, timeout=timeout, tell=self.teller(variables), clock=time, aside=aside
        )  # fmt: skip

    def _tidied(self, result: Result, args: Result, end: float, variables: dict[str, Any]) -> Result:
        """Take away what only the old pods needed. The run finds nothing else to do."""
        again = {**{name: value for name, value in args.items() if name != "migrate"}, "state": "present"}
        return _rollout_wait.tidied(
            result, lambda: self.module(self._task.action, again, variables), end=end, clock=time
        )  # fmt: skip

    def _back(self, failed: Result, args: Result, timeout: float, variables: dict[str, Any]) -> Result:
        """Put back what was there before, and wait until that is ready; the task stays failed."""
        self.teller(variables)("the deployment has failed: what it has changed is put back")
        keys = {k: args[k] for k in (*auth_options(), *PLACE, "managed_by") if k in args}
        back = self.module(self._task.action, {**keys, "state": "rolled_back"}, variables)
        workload = back.get("workload")
        if workload and not back.get("failed"):
            back = {**back, **self._wait(args, workload, timeout, variables)}
        return _rollout_wait.after_rollback(failed, back)


def unmasked(workload: Result, args: Result) -> dict[str, str]:
    """Name and namespace of a workload: a hidden value that is part of one (a password "registry") masks it there."""
    asked = {k: args.get(k, _args.COMMON[k]["default"]) for k in PLACE}
    return {k: asked[k] if MASK in workload[k] else workload[k] for k in PLACE}


def _joined(one: Result, other: Result) -> Result:
    """Two results of one task: the later one's, with what both did."""
    lists = ("actions", "diff", "resources", "guards")
    both = {name: [*(one.get(name) or []), *(other.get(name) or [])] for name in lists}
    return {**one, **other, **both, "changed": bool(one.get("changed") or other.get("changed"))}


def _waits(args: Result) -> bool:
    return bool(boolean(args.get("wait", True), strict=False))


def _goes_back(args: Result) -> bool:
    return args.get("on_failure") == "rollback" and args.get("state", "present") in ("present", "redeployed")

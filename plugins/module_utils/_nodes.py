# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_node does: Nodes out of service before docker is restarted, and back into it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, amend, as_yaml
from ansible_collections.okd.registry.plugins.module_utils._build import drain, nodes
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ApiError,
    NotFoundError,
    RefusedError,
    ServerError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import UPDATED, Change

_PAUSE = 2  # as an attempt's number: Api.pause() then waits about 0.4 s
_TOO_MANY = 429  # what an eviction is answered where a PodDisruptionBudget forbids it for now

Object = dict[str, Any]


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work. Raises RegistryError; its details then hold what was done before."""
    registry = Registry.from_params(module.params)
    work = _Work(api, module.params, f"{registry.namespace}/{registry.name}", module.check_mode, module.warn)
    for name in module.params["nodes"]:
        getattr(work, module.params["state"])(name)
    return {**work.result(), "registry": {"name": registry.name, "namespace": registry.namespace}}


class _Work:
    def __init__(
        self, api: Api, params: Mapping[str, Any], registry: str, check_mode: bool, warn: Callable[[str], None]
    ) -> None:
        self._api, self._params, self._registry, self._check, self._warn = api, params, registry, check_mode, warn
        self._outcomes: list[Outcome] = []
        self._actions: list[str] = []
        self._evicted: list[Object] = []
        self._nodes: list[Object] = []

    def result(self) -> dict[str, Any]:
        """The module's return value."""
        changed = bool(self._evicted) or any(one.changed for one in self._outcomes)
        return {**self.told(), "changed": changed, "api_requests": self._api.counts()}

    def told(self) -> dict[str, Any]:
        """What was done so far; an error tells it too."""
        changed = [one for one in self._outcomes if one.changed]
        return {
            "diff": [_difference(one) for one in changed],
            "actions": list(self._actions),
            "resources": [
                *(one.resource for one in self._outcomes),
                *(ObjectRef.of(pod).entry("deleted") for pod in self._evicted),
            ],
            "nodes": [nodes.value(node) for node in self._nodes],
            "evicted": [drain.name_of(pod) for pod in self._evicted],
        }

    # ---- the states

    def cordoned(self, name: str) -> None:
        """No new pods."""
        outcome = self._amend(name, lambda node: nodes.cordon(node, self._registry))
        if outcome.changed:
            self._actions.append(f"Cordoned Node {name} for {self._registry}.")

    def drained(self, name: str) -> None:
        """No new pods, and those that can run elsewhere gone."""
        found = self._plan(name)
        self._refuse(name, found)
        self.cordoned(name)
        if self._check:
            self._note(found.evict)
            return
        # What was scheduled here between the look and the cordon goes too; after it nothing new comes.
        found = self._plan(name)
        self._refuse(name, found)
        self._evict(name, found.evict)

    def uncordoned(self, name: str) -> None:
        """New pods again, if it was us who forbade them."""
        live = self._live(name)
        if self._params["planned"] and self._check and not nodes.is_cordoned(live):
            self._predict_uncordon(live)
            return
        if self._params["only_ready"] and nodes.cordoned_for(live) == self._registry and not nodes.is_ready(live):
            self._nodes.append(live)
            why = _why_not_ready(live)
            self._warn(f"Node {name} stays cordoned: {why}. The next run that finds it well undoes it.")
            return
        outcome = self._amend(name, lambda node: nodes.uncordon(node, self._registry))
        if outcome.changed:
            self._actions.append(f"Uncordoned Node {name}.")

    def ready(self, name: str) -> None:
        """Ready, or wait for it."""
        deadline = time.monotonic() + self._params["timeout"]
        with self._api.waiting():
            live = self._live(name)
            while not nodes.is_ready(live) and not self._check:
                if time.monotonic() > deadline:
                    raise WaitError(
                        f"Node {name} is not ready after {self._params['timeout']} s: {_why_not_ready(live)}. Look at "
                        "the kubelet there (systemctl status kubelet, or origin-node), then run again.",
                        **self.told(),
                    )
                self._api.pause(_PAUSE)
                live = self._live(name)
        self._nodes.append(live)

    # ---- what they are made of

    def _live(self, name: str) -> Object:
        live = self._api.get(nodes.ref(name))
        if live is None:
            raise NotFoundError(
                f"nodes: there is no Node {name} in this cluster; registry_info names those there are.",
                status=404, **self.told(),
            )  # fmt: skip
        return live

    def _amend(self, name: str, edit: Callable[[Object], Object]) -> Outcome:
        self._live(name)
        outcome = amend(self._api, nodes.ref(name), edit, check_mode=self._check)
        self._outcomes.append(outcome)
        self._nodes.append(outcome.live or {})
        return outcome

    def _predict_uncordon(self, live: Object) -> None:
        """In check mode: an earlier task of the run cordons the Node, and it is not cordoned yet."""
        self._nodes.append(live)
        self._actions.append(f"Uncordoned Node {live['metadata']['name']}.")
        change = Change(UPDATED, before=nodes.cordon(deepcopy(live), self._registry), after=live)
        self._outcomes.append(Outcome(ObjectRef.of(live), change, live))

    def _pods(self, name: str) -> list[Object]:
        return self._api.list("v1", "Pod", fields=f"spec.nodeName={name}")

    def _plan(self, name: str) -> drain.Plan:
        params = self._params
        keep = frozenset(params["keep_pods"])
        return drain.plan(self._pods(name), drain.Allowed(params["delete_emptydir_data"], params["force"], keep))

    def _refuse(self, name: str, found: drain.Plan) -> None:
        if found.problems:
            raise RefusedError(f"Node {name} is not drained: {'; '.join(found.problems)}.", **self.told())

    def _note(self, pods: list[Object]) -> None:
        self._evicted += pods
        self._actions += [f"Evicted Pod {drain.name_of(pod)}." for pod in pods]

    def _evict(self, name: str, pods: list[Object]) -> None:
        """Have pods evicted and wait until they are gone; one that a budget protects is asked again meanwhile."""
        version = "policy/v1beta1" if self._api.has("policy/v1beta1") else "policy/v1"
        deadline = time.monotonic() + self._params["timeout"]
        asked: set[str] = set()
        refused: dict[str, str] = {}
        with self._api.waiting():
            while True:
                there = {pod["metadata"]["uid"] for pod in self._pods(name)}
                left = [pod for pod in pods if pod["metadata"]["uid"] in there]
                if not left:
                    return
                if time.monotonic() > deadline:
                    raise WaitError(_stuck(name, self._params["timeout"], left, refused), **self.told())
                for pod in left:
                    uid = pod["metadata"]["uid"]
                    if uid not in asked and self._ask(pod, version, refused):
                        asked.add(uid)
                self._api.pause(_PAUSE)

    def _ask(self, pod: Object, version: str, refused: dict[str, str]) -> bool:
        """Ask for one eviction; whether that was granted, or the pod is gone."""
        body = drain.eviction(pod, version, self._params["grace_period"])
        try:
            self._api.create(body, "eviction", ObjectRef.of(pod))
        except ServerError as exc:
            if exc.status != _TOO_MANY:
                raise
            refused[drain.name_of(pod)] = str(exc)
            return False
        except ApiError as exc:
            if exc.status not in (404, 409):  # gone, or another pod of that name by now
                exc.details.update(self.told())
                raise
            return True
        refused.pop(drain.name_of(pod), None)
        self._note([pod])
        return True


def _difference(outcome: Outcome) -> dict[str, str]:
    header = f"{outcome.ref.api_version} {outcome.ref}"
    before, after = (as_yaml(nodes.shown(side or {})) for side in (outcome.change.before, outcome.change.after))
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def _why_not_ready(node: Object) -> str:
    found = nodes.condition(node)
    said = ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
    return f"its condition Ready is {found.get('status', 'not there')}" + (f" ({said})" if said else "")


def _stuck(name: str, timeout: int, left: list[Object], refused: Mapping[str, str]) -> str:
    words = []
    for pod in left:
        known = refused.get(drain.name_of(pod))
        words.append(f"{drain.name_of(pod)} ({known or 'it was evicted and does not end'})")
    return (
        f"Node {name} is not drained after {timeout} s. Still there: {'; '.join(words)}. Mend what keeps them there, "
        "give them more time, or leave the drain out."
    )

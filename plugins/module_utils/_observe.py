# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a rollout through the API, as often as it takes. What is seen is judged in ``_wait``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _operator_state, _podstate, _wait
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._errors import ApiError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

LOG_LINES = 30
#: Seconds between two looks: the first, the factor by which it grows, the last.
PAUSES = (0.3, 1.5, 2.0)


def locate(api: Api, kind: str, name: str, namespace: str) -> ObjectRef:
    """The workload of a registry; with ``auto`` whichever is there.

    :raises WaitError: when there is none.
    """
    if kind == configs.REF.kind:
        return configs.REF
    if kind != "auto":
        return build.ref(kind, name, namespace)
    with api.waiting():
        for one in build.served(api.has):
            if api.get(build.ref(one, name, namespace)):
                return build.ref(one, name, namespace)
    *some, last = build.API_VERSIONS
    kinds = f"{', '.join(some)} or {last}"
    raise WaitError(f"There is no {kinds} {namespace}/{name}, so there is no rollout: run registry_deploy.", gone=True)


def look(api: Api, ref: ObjectRef, *, after: int | None = None) -> _wait.Rollout:
    """The state of a rollout now: three reads, more only where something is in the way.

    :raises WaitError: when the workload is not there (any more).
    """
    if ref == configs.REF:
        return _operator_state.look(api, lambda deployment: look(api, deployment))
    workload = api.get(ref)
    if workload is None:
        raise WaitError(f"{ref} does not exist, so there is no rollout to wait for: run registry_deploy.", gone=True)
    controller = _controller(api, workload, ref)
    pods = api.list("v1", "Pod", ref.namespace, labels=layout.pods_selector(workload))
    first = _wait.rollout(workload, controller, pods, after=after)
    if first.done or controller is None:
        return first
    deployer = _deployer(api, controller) if _wait.awaits_deployer(controller) else None
    waiting = [*_waiting_pods(controller, pods), *([deployer] if deployer else [])]
    maker = workload if ref.kind == "DaemonSet" else controller
    events = _events(api, maker, waiting, first)
    seen = _wait.rollout(workload, controller, pods, events, after=after, deployer=deployer)
    if seen.stuck != "crash":
        return seen
    logs = _logs(api, controller, pods)
    return _wait.rollout(workload, controller, pods, events, after=after, logs=logs, deployer=deployer)


def _deployer(api: Api, controller: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that rolls a DeploymentConfig's version out (``docker-registry-1-deploy``)."""
    meta = controller["metadata"]
    return api.get(ObjectRef("v1", "Pod", f"{meta['name']}-deploy", meta["namespace"]))


def _controller(api: Api, workload: dict[str, Any], ref: ObjectRef) -> dict[str, Any] | None:
    if ref.kind == "DeploymentConfig":
        if not _wait.version(workload):
            return None
        return api.get(ObjectRef("v1", "ReplicationController", _wait.controller_name(workload), ref.namespace))
    kind = "ControllerRevision" if ref.kind == "DaemonSet" else "ReplicaSet"
    newest = _wait.newest(workload, api.list("apps/v1", kind, ref.namespace, labels=layout.pods_selector(workload)))
    return dict(newest) if newest else None


def _waiting_pods(controller: dict[str, Any], pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = _wait.pods_of(controller, pods)
    alive = [dict(p) for p in own if not p["metadata"].get("deletionTimestamp") and not _podstate.is_ready(p)]
    return sorted(alive, key=_podstate.name_of)


def _events(
    api: Api, maker: dict[str, Any], waiting: list[dict[str, Any]], state: _wait.Rollout
) -> list[dict[str, Any]]:
    """Events of the objects that may say why: the first pods that wait, and what makes pods where some are missing.

    Those who may not read events are told what the pods' status tells.
    """
    about = waiting[:3] + ([maker] if state.updated < state.desired else [])
    found: list[dict[str, Any]] = []
    for obj in about:
        namespace, name = obj["metadata"]["namespace"], _podstate.name_of(obj)
        try:
            found += api.list("v1", "Event", namespace, fields=f"involvedObject.name={name}")
        except ApiError:
            break
    return found


def _logs(api: Api, controller: dict[str, Any], pods: list[dict[str, Any]]) -> dict[str, str]:
    """The last words of a crashed container, as far as they can be had: the runtime may have thrown it away."""
    logs = {}
    for pod in _waiting_pods(controller, pods)[:1]:
        name = _podstate.name_of(pod)
        names = [c["name"] for c in (pod.get("spec") or {}).get("containers") or []]
        container = layout.CONTAINER if layout.CONTAINER in names else None
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        running = any("running" in (s.get("state") or {}) for s in statuses)
        # It may have begun or ended anew since: then the other one has the words.
        for previous in (running, not running):
            try:
                text = api.log(
                    pod["metadata"]["namespace"], name, container=container, tail=LOG_LINES, previous=previous
                )
            except ApiError:
                continue
            if text.strip() and not text.startswith("unable to retrieve container logs"):
                logs[name] = text
                break
    return logs


def watch(
    api: Api,
    ref: ObjectRef,
    *,
    seconds: float,
    seen: str | None = None,
    after: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _wait.Rollout:
    """Look until the state is another than ``seen``, the rollout is over, or ``seconds`` have passed."""
    end, pause = clock() + seconds, PAUSES[0]
    with api.waiting():
        while True:
            state = look(api, ref, after=after)
            left = end - clock()
            if state.done or state.failed or state.line != seen or left <= 0:
                return state
            sleep(min(pause, left))
            pause = min(pause * PAUSES[1], PAUSES[2])

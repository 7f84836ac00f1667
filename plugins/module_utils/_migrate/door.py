# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping pushes out while the last files are copied, and letting them in again.

``readonly``: the live workload gets the variable by which the registry refuses pushes. Its rollout ends every process
that took one; pulls go on. Only for volumes that outlive their pods.

``service``: the selectors of the Services get a label that the pods there are do not have and those to come will. So
nobody new comes to the old pods, and the door opens by itself when the new ones are ready. Then the registry's process
is ended, and with it every established connection; its volume (emptyDir) stays, for the pod does.

Each is noted in the state before it is done, and may be done again at any time.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _observe, _podstate
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, amend
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._errors import ExecError, UnreachableError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import scripts
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import (
    LABEL,
    READ_ONLY,
    READ_ONLY_DOOR,
    READ_ONLY_VALUE,
    SERVICE,
    State,
)

#: Seconds between the moment when no Service has the old pods any more and the end of their processes: for the nodes
#: that learn of it last.
SETTLE = 5.0
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the doors look at.

    :param pods: those that the workload selects, also those on their way out.
    :param services: of the namespace.
    """

    ref: ObjectRef
    workload: Object
    pods: Sequence[Object]
    services: Sequence[Object]


def look(api: Api, ref: ObjectRef, workload: Object) -> Seen:
    """Read it."""
    pods = api.list("v1", "Pod", ref.namespace, labels=layout.selector(workload))
    return Seen(ref, workload, pods, api.list("v1", "Service", ref.namespace))


# ---- what is noted before it is closed -------------------------------------------------------------------------------


def plan(state: State, door: str, seen: Seen) -> State:
    """The state with all that is needed to close the door and to open it again."""
    if door == SERVICE:
        staying = [p for p in seen.pods if not _is_over(p) and not p["metadata"].get("deletionTimestamp")]
        pods = {p["metadata"]["uid"]: _container(p, seen)[0] for p in staying}
        leading = tuple(sorted(s["metadata"]["name"] for s in seen.services if _leads(s, seen.pods)))
        return state.with_(door=door, pods=pods, services=tuple(sorted({*leading, *state.services})))
    there = layout.env(seen.workload).get(READ_ONLY)
    if there is not None:
        return state.with_(door=door, read_only=json.dumps(there, sort_keys=True))
    return state.with_(door=door)


def _leads(service: Object, pods: Sequence[Object]) -> bool:
    chosen = {k: v for k, v in ((service.get("spec") or {}).get("selector") or {}).items() if k != LABEL}
    return bool(chosen) and any(chosen.items() <= (p["metadata"].get("labels") or {}).items() for p in pods)


def _is_over(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _container(pod: Object, seen: Seen) -> tuple[str, bool]:
    """Id of the registry's container in a pod, and whether it runs."""
    name = layout.container_name(seen.workload)
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    one: Object = next((s for s in statuses if s.get("name") == name), {})
    return str(one.get("containerID") or ""), "running" in (one.get("state") or {})


# ---- closing ---------------------------------------------------------------------------------------------------------


def close(
    api: Api, state: State, seen: Seen, *, seconds: float, add: Callable[[Outcome], Any], still: Callable[[], None]
) -> str | None:
    """Go on closing. None once nobody can push any more, else what is waited for.

    :param seconds: to wait at most.
    :param add: takes what was written.
    :param still: raises where somebody else has taken over; asked before each write.
    """
    still()
    if state.door == SERVICE:
        return _close_services(api, state, seen, seconds, add, still)
    if state.door == READ_ONLY_DOOR:
        return _make_read_only(api, state, seen, seconds, add)
    return None if not _alive(seen) else "pods have been started meanwhile"


def closed(state: State, seen: Seen) -> str | None:
    """Why the door is not closed; None when it is. Makes no request."""
    if state.door == SERVICE:
        return _services_open(state, seen) or _not_ended(state, seen)
    if state.door == READ_ONLY_DOOR:
        return _writable(seen)
    return f"{len(_alive(seen))} pods have been started" if _alive(seen) else None


def _alive(seen: Seen) -> list[Object]:
    return [p for p in seen.pods if not _is_over(p)]


def _services_open(state: State, seen: Seen) -> str | None:
    for service in seen.services:
        name, chosen = service["metadata"]["name"], (service.get("spec") or {}).get("selector") or {}
        if chosen.get(LABEL) != state.id and (name in state.services or _leads(service, seen.pods)):
            return f"Service {name} leads to the old pods"
    return None


def _not_ended(state: State, seen: Seen) -> str | None:
    there = {p["metadata"]["uid"]: p for p in seen.pods}
    for uid, before in state.pods.items():
        if uid not in there:
            continue
        now, runs = _container(there[uid], seen)
        if now == before or not runs:
            name = _podstate.name_of(there[uid])
            return f"pod {name}: " + (
                "its process is still the one that took pushes" if now == before else "restarting"
            )
    return None


def lost(state: State, seen: Seen) -> list[str]:
    """Uids of pods that are gone, with what was pushed to them since they were copied last."""
    there = {p["metadata"]["uid"] for p in seen.pods if not _is_over(p) and not p["metadata"].get("deletionTimestamp")}
    return sorted(set(state.pods) - there)


def _close_services(
    api: Api, state: State, seen: Seen, seconds: float, add: Callable[[Outcome], Any], still: Callable[[], None]
) -> str | None:
    for name in state.services:
        add(amend(api, ObjectRef("v1", "Service", name, seen.ref.namespace), lambda live: _select(live, state.id)))
    end = time.monotonic() + max(seconds, SETTLE + 1)
    with api.waiting():
        while _endpoints(api, state, seen):
            if time.monotonic() > end:
                return "the old pods are still among the Service's endpoints"
            time.sleep(0.3)
        time.sleep(SETTLE)
        killed: set[str] = set()
        while True:
            now = look(api, seen.ref, seen.workload)
            for pod in now.pods:
                uid = pod["metadata"]["uid"]
                ident, runs = _container(pod, now)
                if state.pods.get(uid) == ident and runs and uid not in killed:
                    still()
                    _end(api, pod, now)
                    killed.add(uid)
            waiting = _not_ended(state, now)
            if not waiting or time.monotonic() > end:
                return waiting
            time.sleep(0.3)


def _end(api: Api, pod: Object, seen: Seen) -> None:
    """End the registry's process. That the connection breaks off by it is no failure: what counts is looked at."""
    meta = pod["metadata"]
    with contextlib.suppress(ExecError, UnreachableError):
        container = layout.container_name(seen.workload)
        with api.exec(meta["namespace"], meta["name"], container, scripts.end_process(), timeout=10) as run:
            run.finish()


def _endpoints(api: Api, state: State, seen: Seen) -> bool:
    """Whether a Service still has one of the old pods among its endpoints."""
    for name in state.services:
        live = api.get(ObjectRef("v1", "Endpoints", name, seen.ref.namespace)) or {}
        for subset in live.get("subsets") or []:
            for address in [*(subset.get("addresses") or []), *(subset.get("notReadyAddresses") or [])]:
                if (address.get("targetRef") or {}).get("uid") in state.pods:
                    return True
    return False


def _select(live: dict[str, Any], value: str | None) -> dict[str, Any]:
    chosen = {k: v for k, v in (live["spec"].get("selector") or {}).items() if k != LABEL}
    live["spec"]["selector"] = {**chosen, **({LABEL: value} if value else {})}
    return live


def _make_read_only(api: Api, state: State, seen: Seen, seconds: float, add: Callable[[Outcome], Any]) -> str | None:
    variable = {"name": READ_ONLY, "value": READ_ONLY_VALUE}
    add(amend(api, seen.ref, lambda live: _with_variable(live, variable)))
    end = time.monotonic() + seconds
    with api.waiting():
        while True:
            waiting = _writable(look(api, seen.ref, seen.workload))
            if not waiting:
                return None
            if time.monotonic() > end:
                break
            time.sleep(0.5)
    rollout = _observe.look(api, seen.ref)
    late = rollout.stuck and time.time() - state.closing > (rollout.grace or 0) + seconds
    if not rollout.done and (rollout.failed or late):
        raise WaitError(
            f"{seen.ref} cannot be made read-only, so pushes cannot be kept out while the last images are copied:"
            f" {rollout.reason}. See to it that a rollout of the registry as it is comes through, then run again.",
            category=rollout.stuck,
        )
    return f"{waiting} ({rollout.line})"


def _writable(seen: Seen) -> str | None:
    """A pod that may still take pushes, also one on its way out; None when there is none and pulls are served."""
    ready = 0
    for pod in _alive(seen):
        name = layout.container_name(seen.workload)
        containers = pod["spec"].get("containers") or []
        env = {e["name"]: e for c in containers if c.get("name") == name for e in c.get("env") or []}
        if env.get(READ_ONLY, {}).get("value") != READ_ONLY_VALUE:
            return f"pod {_podstate.name_of(pod)} still takes pushes"
        ready += _podstate.is_ready(pod)
    return None if ready or not layout.replicas(seen.workload) else "no read-only pod is ready yet"


def _with_variable(live: dict[str, Any], variable: Mapping[str, Any] | None) -> dict[str, Any]:
    container = layout.container(live)  # a part of ``live``, not a copy
    kept = [e for e in container.get("env") or [] if e.get("name") != READ_ONLY]
    if variable and variable in (container.get("env") or []):
        return live
    container["env"] = [*kept, *([dict(variable)] if variable else [])]
    if not container["env"]:
        del container["env"]
    return live


# ---- opening ---------------------------------------------------------------------------------------------------------


def open_services(api: Api, state: State, seen: Seen, add: Callable[[Outcome], Any], *, check_mode: bool) -> list[str]:
    """Put the selectors back. Names of the Services where that was, or in check mode would be, a change."""
    labelled = [s for s in seen.services if LABEL in ((s.get("spec") or {}).get("selector") or {})]
    names = [
        s["metadata"]["name"]
        for s in labelled
        if s["spec"]["selector"][LABEL] == state.id or s["metadata"]["name"] in state.services
    ]
    for name in names if not check_mode else []:
        add(amend(api, ObjectRef("v1", "Service", name, seen.ref.namespace), lambda live: _select(live, None)))
    return names


def open_workload(api: Api, state: State, seen: Seen, add: Callable[[Outcome], Any], *, check_mode: bool) -> bool:
    """Let the registry take pushes again, as it was set before. Whether that was, or would be, a change."""
    live = layout.env(seen.workload).get(READ_ONLY)
    if state.door != READ_ONLY_DOOR or live is None or live.get("value") != READ_ONLY_VALUE:
        return False
    before = json.loads(state.read_only) if state.read_only else None
    if not check_mode:
        add(amend(api, seen.ref, lambda now: _with_variable(now, before)))
    return True

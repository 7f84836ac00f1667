# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helper of a migration: one that stays from one step to the next, and from one run to the next."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _helper, _podstate
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure
from ansible_collections.okd.registry.plugins.module_utils._build.helper import LABEL, Helper, Volume, is_ours, job
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, RefusedError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._helper import GRACE, Running
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import scripts
from ansible_collections.okd.registry.plugins.module_utils._migrate.route import Route, helper_workload
from ansible_collections.okd.registry.plugins.module_utils._podstate import Cause

#: Annotation of the Job: what the helper was made for; one that was made for something else is replaced.
MADE_FOR = "okd.registry/migration"
#: Seconds after which a helper ends; the next step makes another one.
LIFE = 24 * 3600

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Waiting:
    """A helper that does not run yet, and why."""

    cause: Cause
    since: float


def helper(name: str, namespace: str, route: Route | None, image: str = "") -> Helper:
    """What the helper is to be.

    :param route: None where only its name matters.
    """
    volumes: tuple[Volume, ...] = ()
    if route:
        volumes = (Volume("/target", route.target),)
        if not route.relay:
            volumes = (*volumes, Volume("/source", route.source, read_only=True))
    return Helper(name, namespace, "migrate", scripts.IDLE, volumes, image=image or None, seconds=LIFE)


def attached(
    api: Api, wanted: Helper, workload: Object, template: Mapping[str, Any] | None, route: Route, *, seconds: float
) -> Running | Waiting:
    """The running helper, made where there is none; what keeps it where that takes longer than ``seconds``.

    :raises WaitError: when it lasts; ``category`` is in the details.
    :raises RefusedError: when a Job of that name is somebody else's.
    """
    body = job(wanted, helper_workload(workload, template, route, _host_name(api, route.node)))
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    body["metadata"]["annotations"][MADE_FOR] = mark
    live = api.get(wanted.ref)
    pod = _pod(api, wanted)
    if live is not None and not is_ours(wanted, live):
        _helper.remove(api, wanted)  # says whose it is
        raise RefusedError(f"{wanted.ref} is somebody else's")
    notes = (live or {}).get("metadata", {}).get("annotations") or {}
    over = pod and (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if live is not None and (notes.get(MADE_FOR) != mark or over or live["metadata"].get("deletionTimestamp")):
        _helper.remove(api, wanted)
        live = None
    if live is None:
        ensure(api, wanted.ref, body, check_mode=False)
    end = time.monotonic() + seconds
    with api.waiting():
        while True:
            pod = _pod(api, wanted)
            if pod and (pod.get("status") or {}).get("phase") == "Running" and _started(pod):
                return Running(wanted.namespace, _podstate.name_of(pod), str(pod["spec"].get("nodeName")))
            if time.monotonic() > end:
                return _waiting(api, wanted, pod)
            time.sleep(0.4)


def _waiting(api: Api, wanted: Helper, pod: dict[str, Any] | None) -> Waiting:
    live = pod or api.get(wanted.ref)
    if live is None:
        return Waiting(Cause(None, "gone", "it is not there yet"), 0)
    events = []
    try:
        fields = f"involvedObject.name={_podstate.name_of(live)}"
        events = api.list("v1", "Event", wanted.namespace, fields=fields)
    except ForbiddenError:
        pass
    nothing = Cause(None, "no pod yet", "the Job controller has made no pod for it yet")
    cause = _podstate.cause_of(pod, events) if pod else _podstate.refusal(live, events) or nothing
    since = time.time() - _podstate_time(live)
    if cause.category and since > GRACE[cause.category]:
        raise WaitError(
            f"{wanted.ref}, which is to copy the images, does not run, after {since:.0f} s: {cause.text}.",
            category=cause.category,
        )
    return Waiting(cause, since)


def _podstate_time(obj: Object) -> float:
    """When an object was made, in seconds since 1970."""
    import calendar

    made = str(obj["metadata"].get("creationTimestamp") or "")
    return calendar.timegm(time.strptime(made, "%Y-%m-%dT%H:%M:%SZ")) if made else time.time()


def _pod(api: Api, wanted: Helper) -> dict[str, Any] | None:
    pods = api.list("v1", "Pod", wanted.namespace, labels={LABEL: wanted.name})
    alive = [p for p in pods if not p["metadata"].get("deletionTimestamp")]
    return alive[0] if alive else None


def _started(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return bool(statuses) and all("running" in (s.get("state") or {}) for s in statuses)


def _host_name(api: Api, node: str | None) -> str | None:
    """The host name label of a node, by which the scheduler places pods there: volumes are bound only by it."""
    if not node:
        return None
    try:
        live = api.get(ObjectRef("v1", "Node", node))
    except ForbiddenError:
        live = None
    return str(((live or {}).get("metadata", {}).get("labels") or {}).get("kubernetes.io/hostname") or node)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does with state rolled_back: everything that a failed deployment has changed is put back.

Objects that were there come first, then the workload, so that its pods find what they had; last goes what the
deployment made. A run that is killed in between does the rest when it is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _before, _disruption, _endpoints, _wait
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ATTEMPTS, Outcome, ensure_absent, write
from ansible_collections.okd.registry.plugins.module_utils._before import Before
from ansible_collections.okd.registry.plugins.module_utils._build import rbac
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import pending, switch
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._patch import operations
from ansible_collections.okd.registry.plugins.module_utils._plan import (
    CREATED,
    OWNED,
    UNCHANGED,
    UPDATED,
    Change,
    owned_by_us,
    owned_part,
    plan,
)
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

Object = dict[str, Any]
#: What of an object's metadata people write; the rest is the server's.
_WRITTEN = ("labels", "annotations", "finalizers", "ownerReferences")
#: Beginnings of the names of annotations that controllers, or the API server, keep up to date.
_CONTROLLERS = ("deployment.kubernetes.io/", "deprecated.daemonset.template.generation")
#: Kinds of which several registries share objects, and others own parts.
_SHARED = frozenset({"ServiceAccount", "ClusterRoleBinding", "SecurityContextConstraints"})
#: Kinds that cannot be made smaller again, and that may hold images.
_STORAGE = frozenset({"PersistentVolumeClaim", "PersistentVolume"})


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work with state rolled_back; its return value."""
    registry, result = Registry.from_params(params), Result(api)
    kept = _before.entries(_before.read(registry, api))
    if not kept:
        result.note(f"There is nothing to put back: no deployment of {registry} is unfinished.")
    workload, moved = None, pending.read(api, registry.name, registry.namespace) if kept else None
    for one in kept:
        if one.ref.kind in build.API_VERSIONS and one.object and not switch.is_switched(one.object, moved):
            why = switch.no_way_back(api, one.ref, moved)
            if why:
                raise RefusedError(why)
    for one in _in_order(kept):
        outcome = result.add(put_back(one, registry, api, check_mode=check_mode))
        if one.ref.kind in build.API_VERSIONS and one.object is not None:
            workload = _workload(one.ref, outcome)
            if moved:
                switch.undo(api, one.ref, outcome.live or {}, result, check_mode=check_mode, keep=True)
    if not check_mode:
        _before.forget(registry, api)
    service = api.get(ObjectRef("v1", "Service", registry.name, registry.namespace))
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
    )  # fmt: skip
    return result.finish(registry=value, workload=workload, rollout=None)


def _in_order(kept: list[Before]) -> list[Before]:
    """What was there, the workload, what was not there: each in the order that leaves no pod without what it needs."""
    there = [one for one in kept if one.object is not None and one.ref.kind not in build.API_VERSIONS]
    workloads = [one for one in kept if one.ref.kind in build.API_VERSIONS]
    made = [one for one in reversed(kept) if one.object is None and one.ref.kind not in build.API_VERSIONS]
    return [*there, *workloads, *made]


def _workload(ref: ObjectRef, outcome: Outcome) -> dict[str, Any]:
    return {
        "api_version": ref.api_version,
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace,
        "rolls": build.rolls(outcome.change.fields) or outcome.change.action == CREATED,
        "version_before": _wait.version(outcome.change.before or {}),
    }


def put_back(one: Before, registry: Registry, api: Api, *, check_mode: bool) -> Outcome:
    """Make one object what it was: what others have in it, or keep in it by now, stays."""
    if one.object is None:
        return ensure_absent(
            api, one.ref, check_mode=check_mode, keep=lambda live: _why_it_stays(live, one, registry)
        )  # fmt: skip
    if one.ref.kind in _STORAGE:
        live = api.get(one.ref)
        why = f"{one.ref} stays as it is: what was asked of a claim or volume cannot be taken back."
        return Outcome(one.ref, Change(UNCHANGED, before=live, after=live), live, why)
    ours: Change | None = None  # a write that got no answer, and may have been carried out
    problem: Exception | None = None
    for attempt in range(1, ATTEMPTS + 1):
        live = api.get(one.ref)
        change = restored(live, one.object, owner=one.owner, shared=one.ref.kind in _SHARED)
        if not change.changed or check_mode:
            return Outcome(one.ref, change if change.changed else ours or change, change.after)
        step = change
        if _disruption.must_be_made_anew(one.ref, change):
            ensure_absent(api, one.ref, check_mode=False, live=live)
            step = restored(None, one.object)
        try:
            return Outcome(one.ref, change, write(api, one.ref, step))
        except (AlreadyExistsError, ConflictError, NotFoundError) as exc:
            if step.action == CREATED and isinstance(exc, NotFoundError):  # its namespace is gone
                raise
            problem, ours = exc, change if exc.maybe_done else ours
            api.pause(attempt)
    raise ConflictError(f"{one.ref} kept changing while it was to be put back: run again. {problem}", status=409)


def _why_it_stays(live: Object, one: Before, registry: Registry) -> str | None:
    """Why an object that was not there before must stay, as a sentence; None when it may go."""
    if not owned_by_us(live, one.owner):
        return f"{one.ref} stays: somebody else has made it since."
    marks = live["metadata"].get("annotations") or {}
    others = [key for key in marks if key.startswith(f"{OWNED}-")]
    if one.owner and len(others) > 1:
        return f"{one.ref} stays: another registry uses it too."
    made_for = marks.get(rbac.CREATED_FOR)
    if made_for and made_for != str(registry):
        return f"{one.ref} stays: it was made for {made_for}."
    if one.ref.kind in _STORAGE and (live.get("status") or {}).get("phase") == "Bound":
        return f"{one.ref} stays: it is bound, so there may be something in it. Delete it if there is not."
    return None


def restored(live: Object | None, before: Object, *, owner: str = "", shared: bool = False) -> Change:
    """The change that makes an object what it was. Pure.

    :param live: as it is; None where it was deleted.
    :param shared: others own parts of the object; then only what is or was ours is put back.
    """
    if live is None:
        meta = {k: v for k, v in before["metadata"].items() if k in ("name", "namespace", *_WRITTEN)}
        return Change(CREATED, after={**before, "metadata": meta})
    target = _ours_as_before(live, before, owner) if shared else _as_before(live, before)
    steps = operations(live, target)
    if not steps:
        return Change(UNCHANGED, before=live, after=live)
    patch = [{"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"].get("resourceVersion")}]
    fields = [step.field for step in steps if not step.field.startswith(f"metadata.annotations.{OWNED}")]
    return Change(UPDATED, patch + [step.as_json() for step in steps], live, target, fields)


def _as_before(live: Object, before: Object) -> Object:
    """The whole object, but for what the server and controllers own."""
    meta = {k: v for k, v in live["metadata"].items() if k not in _WRITTEN}
    meta |= {k: v for k, v in before["metadata"].items() if k in _WRITTEN}
    theirs = {k: v for k, v in (live["metadata"].get("annotations") or {}).items() if k.startswith(_CONTROLLERS)}
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if not k.startswith(_CONTROLLERS)} | theirs
    meta = {**meta, "annotations": notes} if notes else {k: v for k, v in meta.items() if k != "annotations"}
    status = {"status": live["status"]} if "status" in live else {}
    return {**{k: v for k, v in before.items() if k != "status"}, "metadata": meta, **status}


def _ours_as_before(live: Object, before: Object, owner: str) -> Object:
    """What we own now goes, what we owned then comes back; what others wrote in between stays."""
    change = plan(live, owned_part(before, owner), owner=owner)
    return change.after or live

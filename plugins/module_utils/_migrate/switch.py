# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the writer of the workload needs of a migration: the proof before the switch, what the new pods get, the end.

The proof is looked up in the cluster, not taken from the caller: the state says that every file was compared and every
blob's digest verified, and the door is looked at once more.

After the switch the selectors still have the label, which the new pods carry: the door opens by itself when they are
ready, also when nobody is there any more to see it. Once no pod without the label is left, :func:`finish` puts the
selectors back to what they were, so that a later rollback, or somebody's own Service, meets nothing strange; the pods
keep the label, for to take it away would be one more rollout. A run that is killed before leaves that to the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _helper
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import door, pending, route, state, steps, worker
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import (
    LABEL,
    PROVED,
    SERVICE,
    State,
)
from ansible_collections.okd.registry.plugins.module_utils._podstate import is_ready
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = Mapping[str, Any]


def unproven(api: Api, ref: ObjectRef, workload: Object, target: Mapping[str, Any], noted: State | None) -> str | None:
    """Why the images are not known to be in ``target``; None when they are, and nobody can push to the old place.

    :param target: the volume source wanted.
    """
    source, _path = route.live_source(workload)
    if noted is None or not noted.is_for(source, target):
        return f"the images in {state.described(source)} have not been copied to {state.described(target)}"
    if noted.phase != PROVED:
        return f"the copy to {state.described(target)} is not finished (phase {noted.phase})"
    return door.closed(noted, door.look(api, ref, workload))


def options(storage: Storage) -> dict[str, Any]:
    """A volume wanted, as registry_migrate's option ``storage`` has it."""
    if storage.claim_name:
        return {"kind": "pvc", "claim_name": storage.claim_name}
    if storage.nfs:
        return {"kind": "nfs", "server": storage.nfs.server, "path": storage.nfs.path}
    if storage.host_path:
        found = {"kind": "host_path", "path": storage.host_path.path}
        return {**found, **({"node": storage.host_path.node} if storage.host_path.node else {})}
    return {"kind": storage.kind}


def template(planned: Object) -> dict[str, Any]:
    """Of a planned pod template only what says who its pods are and where they run; no variables, no volumes."""
    of = layout.template(planned)
    name, spec = layout.container_name(planned), of.get("spec") or {}
    kept = ("name", "image", "imagePullPolicy", "securityContext", "resources")
    container = {key: value for key, value in layout.container(planned).items() if key in kept}
    rest = {k: v for k, v in spec.items() if k not in ("containers", "initContainers", "volumes")}
    notes = (of.get("metadata") or {}).get("annotations") or {}
    return {"metadata": {"annotations": notes}, "spec": {**rest, "containers": [{"name": name, **container}]}}


def is_switched(workload: Object, noted: State | None) -> bool:
    """Whether the live workload has the migration's target already."""
    source = _source(workload)
    return noted is not None and source is not None and state.same(source, noted.target)


def is_for(noted: State, workload: Object, target: Mapping[str, Any]) -> bool:
    """Whether a migration is from where the live workload keeps images to a volume source."""
    source = _source(workload)
    return source is not None and noted.is_for(source, target)


def _source(workload: Object) -> dict[str, Any] | None:
    """Where a live workload keeps images; None where that is no volume, such as a bucket it was given since."""
    try:
        return route.live_source(workload)[0]
    except RefusedError:
        return None


def finish(api: Api, ref: ObjectRef, workload: Object, result: Result, *, check_mode: bool) -> bool:
    """After the switch: put the selectors back and forget the migration. True where pods without the label still live,

    so that it is to be called again when the rollout is done. Without a migration it costs one request.
    """
    where = state.ref(ref.name, ref.namespace or "")
    live = api.get(where)
    noted = state.read(live)
    if noted is None or not is_switched(workload, noted):
        return False
    seen = door.look(api, ref, workload)
    if noted.door == SERVICE:
        alive = [p for p in seen.pods if (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
        marked = [p for p in alive if (p["metadata"].get("labels") or {}).get(LABEL) == noted.id]
        if len(marked) < len(alive) or (not marked and layout.replicas(workload)):
            return True
        for name in door.open_services(api, noted, seen, result.add, check_mode=check_mode):
            if check_mode:
                result.note(f"The selector of Service {ref.namespace}/{name} is put back.")
    result.add(ensure_absent(api, where, check_mode=check_mode, live=live))
    return False


def undo(api: Api, ref: ObjectRef, workload: Object, result: Result, *, check_mode: bool, keep: bool = False) -> bool:
    """Give a migration up that has not been switched: the registry serves as before, the copy stays where it is.

    :param keep: whether a later run may go on with it.
    :returns: whether there was one.
    """
    noted = pending.read(api, ref.name, ref.namespace or "")
    if noted is None or is_switched(workload, noted):
        return False
    for sentence in steps.undo(api, ref, workload, noted, result, check_mode=check_mode, keep=keep):
        result.note(sentence)
    return True


def forget(api: Api, ref: ObjectRef, result: Result, *, check_mode: bool) -> None:
    """Where the registry goes, or is gone: the selectors are as before, and nothing of a migration is left.

    :param ref: of the workload; only its name and namespace count.
    """
    where = state.ref(ref.name, ref.namespace or "")
    live = api.get(where)
    noted = state.read(live)
    if noted is not None:
        services = api.list("v1", "Service", ref.namespace) if noted.door == SERVICE else []
        seen = door.Seen(ref, {}, (), services)
        for name in door.open_services(api, noted, seen, result.add, check_mode=check_mode):
            result.note(f"The selector of Service {ref.namespace}/{name} is as before.")
        result.add(ensure_absent(api, where, check_mode=check_mode, live=live))
    _helper.discard(api, worker.helper(ref.name, ref.namespace or "", None), result.add, check_mode=check_mode)


# ---- a switch that did not become ready ------------------------------------------------------------------------------


def aside(workload: Object, noted: State | None) -> str | None:
    """What the Services do while no pod with the new storage is ready, as a sentence; None where they are open."""
    if noted is None or noted.door != SERVICE or not noted.services or not is_switched(workload, noted):
        return None
    names = ", ".join(f"{workload['metadata']['namespace']}/{name}" for name in noted.services)
    return (
        f"Service {names} leads to no pod until one with {state.described(noted.target)}, where all images are, is"
        " ready."
    )


def no_way_back(api: Api, ref: ObjectRef, noted: State | None) -> str | None:
    """Why a workload that is switched cannot be put back without losing images, in finished sentences.

    None where it can: its volume of before outlives pods, or all the pods whose own volumes were copied are still
    ready, and stay where the workload is as it was. A DeploymentConfig makes new pods for each change, back or forth.
    """
    live = api.get(ref) if noted is not None and noted.door == SERVICE else None
    if noted is None or live is None or not is_switched(live, noted):
        return None
    if ref.kind == "DeploymentConfig":
        why = "which a DeploymentConfig replaces with each change"
    else:
        pods = door.look(api, ref, live).pods
        there = {p["metadata"]["uid"] for p in pods if is_ready(p) and not p["metadata"].get("deletionTimestamp")}
        gone = set(noted.pods) - there
        if noted.pods and not gone:
            return None
        why = f"of which {len(gone)} of {len(noted.pods)} are gone or not ready"
    now = aside(live, noted) or f"All images are in {state.described(noted.target)}."
    return f"{ref} keeps its new storage: before, the images were in the pods themselves, {why}. {now}"

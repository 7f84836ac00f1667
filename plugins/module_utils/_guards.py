# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy refuses, before anything is written: what would break the registry or lose images.

Each guard is a function of what was asked for and what was read; it makes no request. All problems are told at once.
Most guards have a name, by which ``ignore_guards`` overrides them; what no cluster could carry out has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _losses
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, place
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import needs_right_to_bind
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live, replicas
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._guards_storage import (
    VOLUME,
    Problem,
    Seen,
    moves_images,
    storage_problems,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import pending
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]

OPERATOR_NAMESPACE = "openshift-image-registry"
_NOTHING = "; nothing was written"


def problems(spec: DeploySpec, live: Live) -> list[Problem]:
    """All that stands against what was asked for, whether it is overridden or not. Makes no request."""
    if spec.registry.namespace == OPERATOR_NAMESPACE:
        return [
            Problem(
                "",
                f"The workloads in namespace {OPERATOR_NAMESPACE} belong to the image-registry operator, which would"
                " undo every change: set what you want in configs.imageregistry.operator.openshift.io/cluster.",
            )
        ]
    seen = Seen.of(spec, live)
    return [
        *_labels(spec, live),
        *_binding(live),
        *_groups(seen),
        *_drain(spec, live),
        *_port(seen),
        *storage_problems(seen),
    ]


def guard(
    spec: DeploySpec, live: Live, result: Result, *, check_mode: bool, api: Api | None = None
) -> list[dict[str, str]]:
    """Refuse, before anything is written, what would break the registry or lose images.

    :param api: to count what would be lost, where images are what stands against it.
    :returns: what was overridden, for the return value ``guards``.
    :raises RefusedError: with every problem; ``details["guards"]`` has their names.
    """
    found = problems(spec, live)
    later = [one for one in found if check_mode and one.later]
    overridden = [one for one in found if one not in later and one.is_overridden(spec)]
    for one in later:
        result.note(one.later)
    against = [one for one in found if one not in later and one not in overridden]
    if api and any(one.name == VOLUME for one in against):
        against = _counted(against, live, result, api)
    if against:
        raise RefusedError(_text(against), guards=[one.as_dict() for one in against])
    return [one.as_dict() for one in overridden if not one.is_met(spec)]


def guard_again(
    spec: DeploySpec, live: Live, now: Object | None, api: Api, result: Result, *, check_mode: bool
) -> Object | None:
    """The workload of now; guarded anew where somebody has changed it since it was read, so that a write has failed.

    Its status and its notes are nothing that was judged.

    :raises RefusedError: with every problem; what is beside the workload has been written by then.
    """
    if (now or {}).get("spec") == (live.workload or {}).get("spec"):
        return now
    fresh = replace(live, workload=now, storage=live.storage.of(now))
    ref = build.ref(live.kind, spec.registry.name, spec.registry.namespace)
    why = f"{ref} was changed by somebody else while this ran, and was left as it is now."
    try:
        guard(spec, fresh, result, check_mode=check_mode, api=api)
    except RefusedError as exc:
        raise RefusedError(f"{why} {exc.message.replace(_NOTHING, '')}", **exc.details) from exc
    if spec.migrate and now is not None and moves_images(Seen.of(spec, fresh)):
        raise RefusedError(f"{why} Whether all of its images have been copied is looked at anew: run again.")
    return now


def _counted(against: list[Problem], live: Live, result: Result, api: Api) -> list[Problem]:
    """With how much would be lost; without what would lose nothing, since it is known that there is nothing."""
    workload = live.workload or {}
    found, file = place.described(workload, live.storage.want.mount_path, {}, live.storage.file), live.storage.file
    if (found and found["volume_name"] is None) or (file and file.facts is None):
        return against  # in object storage, or who knows where
    counted, left = _losses.count(api, workload, file), []
    for one in against:
        if one.name != VOLUME:
            left.append(one)
        elif one.in_pods and counted.nothing_in_pods:
            result.note(_losses.nothing_pushed(ObjectRef.of(workload)))
        else:
            left.append(one.with_figures(counted.words(in_pods=one.in_pods)))
    return left


def _text(against: list[Problem]) -> str:
    if len(against) == 1:
        return against[0].sentence
    listed = "\n".join(f"{number}. {one.sentence}" for number, one in enumerate(against, 1))
    return f"{len(against)} things stand against this{_NOTHING}.\n{listed}"


def _labels(spec: DeploySpec, live: Live) -> Iterator[Problem]:
    registry, there = spec.registry, layout.selector(live.workload)
    if spec.selector and there and spec.selector != there:
        yield Problem(
            "",
            f"{live.kind} {registry} selects its pods by {_pairs(there)}, which cannot become {_pairs(spec.selector)}:"
            " leave selector out to keep it, or delete the workload first (the Service, and so the address, stays).",
        )
    pods = {**spec.labels, **(spec.selector or there), **pending.labels(live.workload, live.migration)}
    chosen = ((live.service or {}).get("spec") or {}).get("selector") or {}
    if chosen and not chosen.items() <= pods.items():
        yield Problem(
            "",
            f"Service {registry} leads to pods with {_pairs(chosen)}, but the pods would have {_pairs(pods)}, so"
            " nothing would be reached: give both the same labels.",
        )


def _binding(live: Live) -> Iterator[Problem]:
    if live.role and live.binding and live.binding.get("roleRef", {}).get("name") != live.role:
        name = live.binding["metadata"]["name"]
        yield Problem(
            "",
            f"ClusterRoleBinding {name} binds {live.binding.get('roleRef', {}).get('name')}, which cannot become"
            f" {live.role}: set cluster_role to the former, or delete the binding first.",
        )


def _groups(seen: Seen) -> Iterator[Problem]:
    """What ``oadm registry`` refuses too: of the pod as it is going to be, whoever says so, if this run changes it."""
    (groups, fs_group), before = _groups_of(seen.change.after), _groups_of(seen.live.workload)
    if seen.live.workload and (groups, fs_group) == before:
        return
    if 0 in groups:
        yield Problem(
            "groups",
            "supplemental_groups has the group 0 (root): processes in the pod could read and write what belongs to"
            " root on a shared volume. Give the volume a group of its own, and name that.",
        )
    if groups and fs_group is not None:
        yield Problem(
            "groups",
            f"fs_group ({fs_group}) and supplemental_groups ({', '.join(map(str, groups))}) would both be set. A volume"
            " belongs to the one or is shared with the others: use fs_group for a volume of this registry alone (a"
            " claim of block storage), supplemental_groups for a shared one (NFS). What is not in the options is in"
            " the workload already: take it away there.",
        )


def _groups_of(workload: Mapping[str, Any] | None) -> tuple[list[int], int | None]:
    """The supplemental groups of a workload's pods, and the group of their files."""
    found = (layout.template(workload).get("spec") or {}).get("securityContext") or {}
    return list(found.get("supplementalGroups") or []), found.get("fsGroup")


def _drain(spec: DeploySpec, live: Live) -> Iterator[Problem]:
    budget, pods = spec.pod.budget, replicas(spec, live.workload)
    if budget and live.kind != "DaemonSet" and budget.blocks(pods):
        yield Problem(
            "drain",
            f"pod_disruption_budget ({budget}) lets none of {pods} replica{'s' if pods > 1 else ''} be evicted:"
            " every drain of the registry's node would wait for ever. Use more replicas, or max_unavailable: 1.",
        )


def _port(seen: Seen) -> Iterator[Problem]:
    port, after = seen.spec.registry.port, seen.change.after
    ports = [one.get("containerPort") for one in layout.container(seen.live.workload).get("ports") or []]
    proven = port in ports and layout.ready_replicas(seen.live.workload) > 0
    if not proven and needs_right_to_bind(port, layout.container(after), layout.template(after).get("spec") or {}):
        yield Problem(
            "port",
            f"port {port} is below 1024, where an ordinary user, as whom OpenShift runs the registry, may not listen:"
            " the pod would not start. Use a port from 1024 on; a Route leads from 443 to any.",
        )


def _pairs(found: Mapping[str, str]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(found.items()))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does with state absent: the workload goes, and what was made for it alone.

The Service (and so the address), claims and their volumes stay unless they are asked to go; the certificate and its CA
always stay. Images that are in the pods themselves would go with them: that is refused, unless it is allowed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import (
    _accounts,
    _before,
    _disruption,
    _endpoints,
    _helper,
    _leftovers,
    _losses,
    _probe,
    _storage,
)
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import accounts, layout, place, rbac
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper
from ansible_collections.okd.registry.plugins.module_utils._deployspec import AUTO, DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._guards_storage import LOST, VOLUME
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import switch
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

Object = dict[str, Any]


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work with state absent; its return value.

    Rights go first and the account last: killed anywhere, a run leaves nobody with rights but the registry itself.
    """
    spec = DeploySpec.from_params(params)
    registry, result = spec.registry, Result(api)
    kinds = _served(api)
    _fits(spec, kinds, api)
    claims = _claims(spec, kinds, api) if params.get("remove_claims") else []
    users = _accounts.other_users(registry, api)
    going = [
        build.ref(kind, registry.name, registry.namespace) for kind in (kinds if spec.kind == AUTO else [spec.kind])
    ]
    there = {ref: api.get(ref) for ref in going}
    for live in there.values():
        if not _others(spec, live):
            _no_image_lost(spec, api, result, live)
    ran_as = _ran_as(spec, there.values())
    _storage.take_back_rights(spec.storage, registry, api, result, check_mode=check_mode)
    for account in ran_as:
        _accounts.drop_binding(account, registry, users, api, result, check_mode=check_mode)
    switch.forget(api, build.ref(kinds[0], registry.name, registry.namespace), result, check_mode=check_mode)
    probe = Helper(registry.name, registry.namespace, _probe.PURPOSE, ())
    _helper.discard(api, probe, result.add, check_mode=check_mode)
    for ref, live in there.items():
        guarded = functools.partial(_keep_workload, spec, api, result, read=live)
        result.add(ensure_absent(api, ref, check_mode=check_mode, live=live, keep=guarded))
    _beside(spec, api, result, check_mode=check_mode)
    for account in ran_as:
        _accounts.drop(account, registry, users, api, result, check_mode=check_mode)
    for one in claims:
        result.add(ensure_absent(api, ObjectRef.of(one), check_mode=check_mode, live=one))
    service = _service(spec, api, result, remove=bool(params.get("remove_service")), check_mode=check_mode)
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
    )  # fmt: skip
    return result.finish(registry=value, workload=None, rollout=None)


def _ran_as(spec: DeploySpec, workloads: Iterable[Object | None]) -> list[str]:
    """The account of the option, then those of the workloads that go, of now and of before."""
    going = [live for live in workloads if not _others(spec, live)]
    live = sorted({name for one in going for name in accounts.former(one, spec.service_account)})
    return [spec.service_account, *live]


def _keep_workload(spec: DeploySpec, api: Api, result: Result, live: Object, *, read: Object | None) -> str | None:
    why = _others(spec, live)
    if not why:
        _no_image_lost(spec, api, result, live, read=read)
    return why


def _others(spec: DeploySpec, live: Object | None) -> str | None:
    """Why a workload stays, as a sentence; None where it goes, or there is none."""
    if live is None or spec.kind != AUTO or owned_by_us(live):
        return None
    return f"{ObjectRef.of(live)} stays: this collection has never written it. To delete it, name its kind in kind."


def _no_image_lost(
    spec: DeploySpec, api: Api, result: Result, live: Object | None, *, read: Object | None = None
) -> None:
    """Refuse to take away pods that have images of their own.

    :param read: the workload as it was looked at before; one of the same spec is not looked at again.
    """
    if live is None or spec.allow_data_loss or (read is not None and read.get("spec") == live.get("spec")):
        return
    file = _storage.file_of(live, spec.registry.namespace, api)
    where = place.kept(spec.storage.settled(live), live, file)
    if where.kind not in ("emptyDir", "file") or layout.never_ready(live) or layout.has_no_pods(live):
        return
    counted, ref = _losses.count(api, live, file), ObjectRef.of(live)
    if counted.nothing_in_pods:
        result.note(_losses.nothing_pushed(ref))
        return
    raise RefusedError(
        f"{ref}: the images are kept in {where}, and state: absent takes it away;"
        f" {LOST}{counted.words(in_pods=True)}. Move them to other storage first, or say"
        " allow_data_loss: true if they may be.",
        guards=[{"name": VOLUME, "message": f"The images are kept in {where}, which state: absent takes away."}],
    )


def _beside(spec: DeploySpec, api: Api, result: Result, *, check_mode: bool) -> None:
    """What features have made for the pods: only ours, and whatever was asked for when it was made."""
    budget = _disruption.read(spec.registry, None, api)
    if budget.ref:
        _disruption.take_away(budget.ref, spec.registry, api, result, live=budget.live, check_mode=check_mode)
    _storage.take_back_secret(spec.storage, spec.registry, api, result, check_mode=check_mode)
    http_secret = ObjectRef("v1", "Secret", spec.http_secret_name, spec.registry.namespace)
    more = [api.get(ref) for ref in (http_secret, _before.ref_of(spec.registry))]
    left = [*_leftovers.find(spec.registry, (), api), *(one for one in more if one and _leftovers.has_ours(one))]
    _leftovers.remove(left, api, result, check_mode=check_mode)


def _claims(spec: DeploySpec, kinds: list[str], api: Api) -> list[Object]:
    """Claims, and volumes of theirs, that were made for this registry.

    :raises RefusedError: where its images are in a claim that was not.
    """
    registry, namespace = str(spec.registry), spec.registry.namespace
    found = {one["metadata"]["name"]: one for one in api.list("v1", "PersistentVolumeClaim", namespace)}
    used = {spec.storage.claim_name or ""}
    for kind in kinds:
        workload = api.get(build.ref(kind, spec.registry.name, namespace))
        volumes = (layout.template(workload).get("spec") or {}).get("volumes") or []
        used |= {str((one.get("persistentVolumeClaim") or {}).get("claimName") or "") for one in volumes}
    foreign = sorted(name for name in used if name in found and not rbac.made_for(found[name], registry))
    if foreign:
        raise RefusedError(
            f"remove_claims: PersistentVolumeClaim {namespace}/{', '.join(foreign)} was not made for this registry, so"
            " it is not ours to delete: leave remove_claims out, and delete it by hand if nobody needs it."
        )
    claims = [one for one in found.values() if rbac.made_for(one, registry)]
    names = [(one.get("spec") or {}).get("volumeName") for one in claims]
    volumes = [api.get(ObjectRef("v1", "PersistentVolume", name)) for name in names if name]
    # Volumes first: they are found by their claims, also by the run that comes after one that was killed.
    return [*(one for one in volumes if one is not None and rbac.made_for(one, registry)), *claims]


def _service(spec: DeploySpec, api: Api, result: Result, *, remove: bool, check_mode: bool) -> Object | None:
    """The Service that stays, None where there is none."""
    ref = ObjectRef("v1", "Service", spec.registry.name, spec.registry.namespace)
    live = api.get(ref)
    if not remove:
        return live
    why = f"{ref} stays: this collection has never written it."
    outcome = ensure_absent(api, ref, check_mode=check_mode, live=live, keep=lambda o: None if owned_by_us(o) else why)
    return result.add(outcome).live


def _served(api: Api) -> list[str]:
    return build.served(api.has)


def _fits(spec: DeploySpec, kinds: list[str], api: Api) -> None:
    """Refuse a kind that the registry has not: its workload would stay, and lose all that it needs."""
    registry = spec.registry
    if spec.kind == AUTO:
        return
    there = [kind for kind in kinds if api.get(build.ref(kind, registry.name, registry.namespace)) is not None]
    others = [kind for kind in there if kind != spec.kind]
    if others:
        raise RefusedError(
            f"{' and '.join(others)} {registry} exists, but kind is {spec.kind}: leave kind out (auto) to take"
            " away what exists."
        )

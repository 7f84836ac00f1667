# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's storage and the cluster: what there is beside the workload, what is made for it, and what is taken back.

Made before the workload: the account's place among the users of the SCC ``privileged`` (host_path), a volume and a
claim, the Secret with the parameters of object storage. Claims and volumes stay, with the images in them. What only
gives rights (the SCC, the Secret) goes as soon as the workload has no use for it, after it was written: a run that was
killed in between leaves it to the next one, which looks again.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _companion, _leftovers
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure
from ansible_collections.okd.registry.plugins.module_utils._build import claim as claims
from ansible_collections.okd.registry.plugins.module_utils._build import configfile, layout, objectstorage, salted, scc
from ansible_collections.okd.registry.plugins.module_utils._build.rbac import marked
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Settings
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HOSTNAME, Storage
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us, plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """What there is beside the workload, read before anything is written.

    :param want: the storage asked for, with what only the cluster can tell.
    :param there: the live objects of ``companions``.
    :param claim: the claim asked for.
    :param classes: the cluster's StorageClasses, where a claim is still to be bound; None if they cannot be read.
    :param volumes: likewise its PersistentVolumes.
    :param scc: None where the cluster has none, or it cannot be read.
    :param secrets: of object storage by name, those that a live registry uses among them.
    :param node: on which a live registry with a directory of its node runs.
    :param nodes: all of the cluster, where nobody has said on which one a directory is; None if they cannot be read.
    :param file: the configuration file that is mounted for a live registry.
    """

    want: Storage
    companions: tuple[Companion, ...] = ()
    there: Mapping[ObjectRef, Object | None] = field(default_factory=dict)
    claim: Object | None = None
    classes: list[Object] | None = None
    volumes: list[Object] | None = None
    has_scc: bool = False
    scc: Object | None = None
    secrets: Mapping[str, Object | None] = field(default_factory=dict)
    node: str | None = None
    file: configfile.File | None = None
    nodes: list[Object] | None = None

    def of(self, workload: Object | None) -> Stored:
        """The same beside a workload that has changed since: of a file that it had not then, nothing is known."""
        where = configfile.source(workload)
        same = self.file and self.file.source == where
        return self if same else replace(self, file=configfile.File(where) if where else None)

    def planned_file(self, settings: Settings, workload: Mapping[str, Any] | None) -> configfile.File | None:
        """The configuration file as it is going to be, with the workload as that is going to be."""
        return configfile.planned(settings.config, settings.names.config, self.file, workload)

    def planned_claim(self, namespace: str) -> Object | None:
        """The claim as it is, or as it is going to be made."""
        if self.claim is None and self.want.new_claim and self.want.claim_name:
            return self.want.new_claim.claim(self.want.claim_name, namespace)
        return self.claim

    def checksums(self) -> dict[str, str]:
        """For the pod's checksum: what of the companions pods read only at their start."""
        return _companion.checksums(self.companions, self.there)

    def planned_secrets(self) -> dict[str, Object | None]:
        """The Secrets as they are going to be."""
        found = dict(self.secrets)
        for one in self.companions:
            if one.ref.kind == "Secret":
                live = self.there.get(one.ref)
                found[one.ref.name] = plan(live, one.desired(live)).after
        return found


def read(
    storage: Storage, registry: Registry, account: str, workload: Object | None, api: Api, *, salt: str,
    seen: Mapping[ObjectRef, Object | None], selector: Mapping[str, str],
) -> Stored:  # fmt: skip
    """Look at everything that this storage, and the one that the live workload has, depend on.

    :param selector: of nodes, as it was asked for.
    :param account: the pods' service account.
    :param salt: for a new Secret; KNOWN_AFTER_APPLY in check mode.
    :param seen: what has been read already.
    """
    namespace = registry.namespace
    names = {storage.secret, *objectstorage.secrets_of(workload)}
    if storage.objects and storage.objects.secret_name:
        names.add(storage.objects.secret_name)
    secrets = {name: api.get(ObjectRef("v1", "Secret", name, namespace)) for name in sorted(names)}
    want = _with_keys(storage.settled(workload), secrets)
    claim = api.get(claim_ref(storage, namespace)) if storage.claim_name else None
    has_scc = api.has(scc.GROUP)
    shared = _scc(api, needed=want.host_path is not None) if has_scc else None
    wanted = _companions(want, registry, account, secrets, salt, claim=claim, has_scc=has_scc)
    known = {ObjectRef("v1", "Secret", name, namespace): one for name, one in secrets.items()}
    known.update({scc.REF: shared, **({claim_ref(storage, namespace): claim} if storage.claim_name else {})})
    there = {one.ref: known[one.ref] if one.ref in known else api.get(one.ref) for one in wanted}
    classes, volumes = _supply(want, claim, api)
    return Stored(
        want=want, companions=tuple(wanted), there=there, claim=claim, classes=classes, volumes=volumes,
        has_scc=has_scc, scc=shared, secrets=secrets, node=_node(want, workload, namespace, api),
        file=file_of(workload, namespace, api, seen), nodes=_nodes(want, selector, api),
    )  # fmt: skip


def claim_ref(storage: Storage, namespace: str) -> ObjectRef:
    """The claim asked for."""
    return ObjectRef("v1", "PersistentVolumeClaim", storage.claim_name or "", namespace)


def file_of(
    workload: Object | None,
    namespace: str,
    api: Api,
    seen: Mapping[ObjectRef, Object | None] = MappingProxyType({}),
    *,
    told: bool = False,
) -> configfile.File | None:
    """The configuration file that is mounted for a live registry; one in others' Secret may be nobody's to read.

    :param told: raise ForbiddenError then, instead of taking it for a file of which nothing is known.
    """
    where = configfile.source(workload)
    if where is None:
        return None
    found = None
    if where.kind in ("Secret", "ConfigMap") and where.name:
        ref = ObjectRef("v1", where.kind, where.name, namespace)
        with contextlib.nullcontext() if told else contextlib.suppress(ForbiddenError):
            found = seen[ref] if ref in seen else api.get(ref)
    return configfile.read(where, found)


def _with_keys(storage: Storage, secrets: Mapping[str, Object | None]) -> Storage:
    """With the parameters that the user's Secret has."""
    objects = storage.objects
    if not objects or not objects.secret_name:
        return storage
    keys = tuple(sorted(objectstorage.decoded(secrets.get(objects.secret_name))))
    return replace(storage, objects=replace(objects, secret_keys=keys))


def _scc(api: Api, *, needed: bool) -> Object | None:
    try:
        return api.get(scc.REF)
    except ForbiddenError:
        if needed:
            raise
        return None


def _supply(want: Storage, claim: Object | None, api: Api) -> tuple[list[Object] | None, list[Object] | None]:
    """What a claim could be bound to, where that is still open; classes also where a claim is to grow."""
    if not want.claim_name or (claim is None and want.new_claim is None):
        return None, None
    bound = ((claim or {}).get("status") or {}).get("phase") == "Bound"
    grows = want.new_claim and claim and claims.requested(claim) != want.new_claim.size
    classes = _all(api, "storage.k8s.io/v1", "StorageClass") if not bound or grows else None
    return classes, None if bound else _all(api, "v1", "PersistentVolume")


def _all(api: Api, api_version: str, kind: str) -> list[Object] | None:
    """All objects of a kind; None for somebody who may not look."""
    try:
        return api.list(api_version, kind)
    except ForbiddenError:
        return None


def _node(want: Storage, workload: Object | None, namespace: str, api: Api) -> str | None:
    """The node whose directory a live registry uses, where its workload does not say."""
    source = layout.volume_source(layout.volume(workload, layout.mount_at(workload, want.mount_path)))
    selector = (layout.template(workload).get("spec") or {}).get("nodeSelector") or {}
    if not want.host_path or not source or source[0] != "hostPath" or HOSTNAME in selector:
        return None
    pods = api.list("v1", "Pod", namespace, labels=layout.selector(workload))
    nodes = {(pod.get("spec") or {}).get("nodeName") for pod in pods} - {None}
    return nodes.pop() if len(nodes) == 1 else None


def _nodes(want: Storage, selector: Mapping[str, str], api: Api) -> list[Object] | None:
    """The nodes, of which the selector may lead to one."""
    open_ = want.host_path is not None and want.host_path.node is None and HOSTNAME not in selector
    return _all(api, "v1", "Node") if open_ else None


# ---- what is made ----------------------------------------------------------------------------------------------------


def _companions(
    want: Storage, registry: Registry, account: str, secrets: Mapping[str, Object | None], salt: str, *,
    claim: Object | None, has_scc: bool,
) -> list[Companion]:  # fmt: skip
    namespace, found = registry.namespace, []
    if want.host_path and has_scc:
        found.append(
            Companion(scc.REF, lambda live: scc.membership(live, account, namespace), owner=str(registry))
        )  # fmt: skip
    new, name = want.new_claim, want.claim_name
    if new and name and want.nfs and new.volume:
        uid = ((claim or {}).get("metadata") or {}).get("uid")
        volume = functools.partial(
            claims.nfs_volume, new.volume, claim=name, namespace=namespace, server=want.nfs.server,
            path=want.nfs.path, options=want.nfs.options, size=new.size, bound_to=uid,
        )  # fmt: skip
        where = ObjectRef("v1", "PersistentVolume", new.volume)
        found.append(Companion(where, lambda live: marked(volume(live=live), str(registry), live)))
    if new and name:
        found.append(
            Companion(
                claim_ref(want, namespace), lambda live: marked(new.claim(name, namespace, live), str(registry), live)
            )
        )
    objects = want.objects
    if objects:
        given = objectstorage.decoded(secrets.get(objects.secret_name or ""))
        further = "\n".join(f"{key}={content.hex()}" for key, content in sorted(given.items()))
        found.append(
            Companion(
                ObjectRef("v1", "Secret", want.secret, namespace),
                lambda live: salted.secret(want.secret, namespace, objects.parameters, salt, live),
                identity=lambda own: salted.identity(own, further),
            )
        )
    return found


# ---- what is taken back ----------------------------------------------------------------------------------------------


def take_back(stored: Stored, registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    """Rights and credentials of storage that the workload no longer has."""
    if not stored.want.host_path and stored.scc:
        _leave_scc(stored.scc, registry, api, result, check_mode=check_mode)
    if not stored.want.objects:
        _drop_secret(stored.secrets.get(stored.want.secret), api, result, check_mode=check_mode)


def has_leftovers(stored: Stored, registry: Registry) -> bool:
    """Whether :func:`take_back` has something to do."""
    entry = not stored.want.host_path and stored.scc and owned_by_us(stored.scc, str(registry))
    secret = stored.secrets.get(stored.want.secret)
    return bool(entry or (not stored.want.objects and _leftovers.has_ours(secret)))


def take_back_rights(storage: Storage, registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    """What the account was allowed for the sake of storage, whatever that was."""
    if api.has(scc.GROUP):
        shared = _scc(api, needed=storage.host_path is not None)
        if shared:
            _leave_scc(shared, registry, api, result, check_mode=check_mode)


def take_back_secret(storage: Storage, registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    """The credentials of object storage, whatever storage there was. Images stay where they are."""
    live = api.get(ObjectRef("v1", "Secret", storage.secret, registry.namespace))
    _drop_secret(live, api, result, check_mode=check_mode)


def _leave_scc(live: Object, registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    owner = str(registry)
    if owned_by_us(live, owner):
        result.add(ensure(api, scc.REF, scc.without(), check_mode=check_mode, live=live, owner=owner))


def _drop_secret(live: Object | None, api: Api, result: Result, *, check_mode: bool) -> None:
    if live is not None and _leftovers.has_ours(live):
        _leftovers.remove([live], api, result, check_mode=check_mode)

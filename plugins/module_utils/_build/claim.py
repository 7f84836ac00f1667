# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims and volumes that are made for a registry, and whether a claim can ever be bound. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._fields import quantity
from ansible_collections.okd.registry.plugins.module_utils._plan import REMOVE, owns

#: Modes with which pods on several nodes can have a volume.
SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})
DEFAULT_MODES = ("ReadWriteOnce",)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
#: Of classes whose volumes somebody makes by hand.
NO_PROVISIONER = "kubernetes.io/no-provisioner"
#: On claims and volumes before Kubernetes 1.6, as on OpenShift 3; it wins over the field where both are said
#: (kubernetes/kubernetes, pkg/apis/core/v1/helper, GetPersistentVolumeClaimClass).
_CLASS_OLD = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS_OLD = "storageclass.beta.kubernetes.io/is-default-class"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class NewClaim:
    """A claim that is made where it is not there.

    :param size: a quantity, such as ``20Gi``.
    :param storage_class: None for the cluster's default; "" for none, so that only a volume made by hand fits.
    :param access_modes: None for :data:`DEFAULT_MODES`.
    :param volume: name of the PersistentVolume it is for.
    """

    size: str
    storage_class: str | None = None
    access_modes: tuple[str, ...] | None = None
    volume: str | None = None

    def claim(self, name: str, namespace: str, live: Object | None = None) -> dict[str, Any]:
        """The claim. Of one that is there, only the size can change; a foreign one of that size is left alone."""
        spec: dict[str, Any]
        if live is None:
            spec = {"accessModes": list(self.access_modes or DEFAULT_MODES)}
            if self.storage_class is not None:
                spec["storageClassName"] = self.storage_class
            if self.volume:
                spec["volumeName"] = self.volume
        else:
            there = live.get("spec") or {}
            fields = ("accessModes", "storageClassName", "volumeName")
            spec = {field: there[field] for field in fields if field in there and owns(live, "spec", field)}
        if live is None or owns(live, "spec", "resources", "requests", "storage") or _grows(self.size, live):
            spec["resources"] = {"requests": {"storage": self.size}}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace},
            **({"spec": spec} if spec else {}),
        }

    def cannot_become(self, live: Object, storage_class: Object | None) -> str | None:
        """Why a claim that is there cannot be made what is wanted, as the end of a sentence; None when it can.

        :param storage_class: the class of the live claim; None where it is not known.
        """
        spec = live.get("spec") or {}
        has, wants = quantity(requested(live)), quantity(self.size)
        if has is not None and wants is not None and wants < has:
            return f"asks for {requested(live)}; a claim cannot shrink to {self.size}"
        if _grows(self.size, live) and storage_class is not None and not storage_class.get("allowVolumeExpansion"):
            name = storage_class["metadata"]["name"]
            return f"cannot grow from {requested(live)} to {self.size}: StorageClass {name} does not allow expansion"
        modes = list(spec.get("accessModes") or [])
        if self.access_modes and sorted(self.access_modes) != sorted(modes):
            return f"has the access modes {', '.join(modes)}, which cannot become {', '.join(self.access_modes)}"
        there = class_name(live)
        if self.storage_class is not None and there is not None and there != self.storage_class:
            return f"has storage class {there!r}, which cannot become {self.storage_class!r}"
        if self.volume and spec.get("volumeName") and spec["volumeName"] != self.volume:
            return f"is bound to PersistentVolume {spec['volumeName']}, not to {self.volume}"
        return None


def nfs_volume(
    name: str, *, claim: str, namespace: str, server: str, path: str, options: Iterable[str], size: str,
    live: Object | None = None, bound_to: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A PersistentVolume for one claim alone: the only way to give an NFS mount its options.

    :param live: one that a deleted claim has left (Released) is that claim's for ever, until its identity is taken out.
    :param bound_to: uid of the claim that there is now.
    """
    owner: dict[str, Any] = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace, "name": claim}
    whose = (((live or {}).get("spec") or {}).get("claimRef") or {}).get("uid")
    if ((live or {}).get("status") or {}).get("phase") == "Released" and whose and whose != bound_to:
        owner |= {"uid": REMOVE, "resourceVersion": REMOVE}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "mountOptions": list(options),
            "claimRef": owner,
            "nfs": {"server": server, "path": path},
        },
    }


def requested(claim: Object | None) -> str:
    """The size that a claim asks for."""
    resources = ((claim or {}).get("spec") or {}).get("resources") or {}
    return str((resources.get("requests") or {}).get("storage") or "0")


def _grows(size: str, live: Object) -> bool:
    wants, has = quantity(size), quantity(requested(live))
    return wants is not None and has is not None and wants > has


def for_one_node(claim: Object | None) -> bool:
    """Whether only one node at a time can mount a claim."""
    modes = ((claim or {}).get("spec") or {}).get("accessModes") or []
    return bool(modes) and SHARED.isdisjoint(modes)


def default_class(classes: Iterable[Object]) -> Object | None:
    """The StorageClass that a claim without one gets."""
    for one in classes:
        notes = (one.get("metadata") or {}).get("annotations") or {}
        if "true" in (notes.get(DEFAULT_CLASS), notes.get(_DEFAULT_CLASS_OLD)):
            return one
    return None


def class_name(made: Object) -> str | None:
    """The name of the class of a claim or a volume; "" is that of none, None says nothing."""
    notes = (made.get("metadata") or {}).get("annotations") or {}
    name: str | None = notes.get(_CLASS_OLD, (made.get("spec") or {}).get("storageClassName"))
    return name


def class_of(claim: Object, classes: Iterable[Object] | None) -> Object | None:
    """The StorageClass of a claim; None where it has none, or it is not known."""
    name = class_name(claim)
    if name is None:
        return default_class(classes or ())
    return next((c for c in classes or () if c["metadata"]["name"] == name), None)


def unbindable(claim: Object, classes: Sequence[Object] | None, volumes: Sequence[Object] | None) -> str | None:
    """Why a claim that is not bound never will be, as the end of a sentence; None when it may, or is.

    :param classes: all of the cluster; None where they cannot be read, and then nothing is said.
    :param volumes: likewise.
    """
    if (claim.get("status") or {}).get("phase") == "Bound" or classes is None or volumes is None:
        return None
    spec = claim.get("spec") or {}
    found = class_of(claim, classes)
    if found is not None and found.get("provisioner") != NO_PROVISIONER and not spec.get("volumeName"):
        return None
    if any(_fits(claim, volume) for volume in volumes):
        return None
    return _why_not(claim, exists=found is not None)


def _why_not(claim: Object, *, exists: bool) -> str:
    """Why no volume fits.

    :param exists: whether the claim's class is there.
    """
    spec = claim.get("spec") or {}
    name, size, modes = class_name(claim), requested(claim), ", ".join(spec.get("accessModes") or [])
    if spec.get("volumeName"):
        return f"is for PersistentVolume {spec['volumeName']}, which is not there, or is another claim's"
    none = f"no PersistentVolume without class is free with {size} and {modes}"
    if name is None:
        return f"names no storage class, the cluster has no default one, and {none}"
    if name == "":
        return f"asks for a volume without class, and {none}"
    lacks = "which makes no volumes" if exists else "which does not exist"
    return f"has storage class {name}, {lacks}, and no PersistentVolume of that class is free with {size} and {modes}"


def _fits(claim: Object, volume: Object) -> bool:
    """Whether a volume could be bound to a claim. Errs on the side of yes."""
    wants, has = claim.get("spec") or {}, volume.get("spec") or {}
    room, size = quantity((has.get("capacity") or {}).get("storage", "0")), quantity(requested(claim))
    labels = (wants.get("selector") or {}).get("matchLabels") or {}
    name = (volume.get("metadata") or {}).get("name")
    return (
        _free_for(claim, has.get("claimRef") or {})
        and wants.get("volumeName") in (None, "", name)
        and (class_name(volume) or "") == (class_name(claim) or "")
        and (room is None or size is None or room >= size)
        and labels.items() <= ((volume.get("metadata") or {}).get("labels") or {}).items()
        and set(wants.get("accessModes") or []) <= set(has.get("accessModes") or [])
    )


def _free_for(claim: Object, owner: Object) -> bool:
    """Whether a volume is nobody's, or waits for this very claim.

    :param owner: the volume's ``claimRef``. One that was released keeps that of the claim it had.
    """
    meta = claim.get("metadata") or {}
    if not owner:
        return True
    same = (owner.get("namespace"), owner.get("name")) == (meta.get("namespace"), meta.get("name"))
    return same and owner.get("uid") in (None, "", meta.get("uid"))

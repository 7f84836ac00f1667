# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where to where images are to be copied, and which way they can go. Pure.

A volume that outlives its pods is mounted by the helper, beside the target; where it cannot be mounted twice, or is a
pod's own (emptyDir), the files go from the registry's pod through the API server into the helper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import claim as claims
from ansible_collections.okd.registry.plugins.module_utils._build import layout, objectstorage
from ansible_collections.okd.registry.plugins.module_utils._build.storage import ROOT_ENV, Storage, live_path
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._migrate.content import TREE
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import (
    NO_DOOR,
    READ_ONLY_DOOR,
    SERVICE,
    described,
    same,
)

Object = Mapping[str, Any]
#: Volumes that any number of nodes mount at once.
_SHARED = frozenset({"nfs", "glusterfs", "cephfs", "azureFile", "quobyte"})


@dataclass(frozen=True)
class Route:
    """How images get from one volume to another.

    :param source: the live volume's source, such as ``{"nfs": {…}}``.
    :param path: where registry pods have it mounted.
    :param sub: directory of the volume that is mounted there (``subPath``); "" for all of it.
    :param tree: the directory with the registry's files, from the volume's top (or from ``sub``).
    :param relay: whether files go through registry pods and the API server.
    :param node: of the helper, where its source is to be mounted on one node only.
    :param pods: the live registry pods that have started.
    """

    source: Mapping[str, Any]
    target: Mapping[str, Any]
    path: str
    sub: str
    tree: str
    relay: bool
    node: str | None
    door: str
    pods: tuple[Object, ...] = ()

    @property
    def words(self) -> str:
        """From where to where, for people."""
        return f"from {described(self.source)} to {described(self.target)}"


def live_source(workload: Object) -> tuple[dict[str, Any], str]:
    """The volume source in which a live registry keeps images, and where it is mounted.

    :raises RefusedError: for a registry that keeps them in no volume.
    """
    bucket = objectstorage.location(workload, {})
    path = live_path(workload)
    found = layout.volume_source(layout.volume(workload, layout.mount_at(workload, path)))
    if bucket or found is None:
        where = f"in object storage ({bucket[0]})" if bucket else f"in no volume (nothing is mounted at {path})"
        raise RefusedError(
            f"{workload['kind']} {_name(workload)} keeps its images {where}, from where nothing can be copied here: use"
            " the storage provider's own tool, or skopeo sync from the old registry to a new one."
        )
    return {found[0]: found[1]}, path


def needed(workload: Object | None, target: Mapping[str, Any]) -> str | None:
    """Why there is nothing to copy, as a sentence; None where there may be."""
    if workload is None:
        return "There is no registry yet, so there are no images to copy."
    source, _path = live_source(workload)
    if not target:
        raise RefusedError(
            "Images can be copied to a volume (pvc, nfs, host_path), not to object storage: use the storage provider's"
            " own tool, or skopeo sync from the old registry to a new one."
        )
    if same(source, target):
        return f"The registry keeps its images in {described(target)} already."
    if "emptyDir" in target:
        raise RefusedError(
            "Images are not copied into pods (storage.kind: ephemeral), where the next rollout would lose them: choose"
            " another storage."
        )
    if "emptyDir" in source and layout.never_ready(workload):
        return "The registry has never been ready, so nothing was pushed to it."
    if "emptyDir" in source and layout.has_no_pods(workload):
        return "The registry has no pods, and its images were in the pods (emptyDir): there are none to copy."
    return None


def route(
    workload: Object, storage: Storage, pods: Sequence[Object], claim: Object | None, *, relay: bool = False
) -> Route:
    """The way.

    :param pods: those that the workload selects.
    :param claim: the claim that the live registry has, where it has one.
    :param relay: whether the source is known not to be mountable a second time.
    :raises RefusedError: where there is no way.
    """
    source, path = live_source(workload)
    mount = layout.mounted(workload, path)
    told = str(layout.env(workload).get(ROOT_ENV, {}).get("value") or "").rstrip("/")
    below = told[len(path.rstrip("/")) + 1 :] if told.startswith(f"{path.rstrip('/')}/") else ""
    started = tuple(p for p in pods if (p.get("status") or {}).get("phase") == "Running")
    kind = next(iter(source))
    nodes = {p["spec"].get("nodeName") for p in started} - {None}
    one_node = kind != "emptyDir" and not _is_shared(kind, claim)
    if kind == "hostPath" and len(nodes) > 1:
        raise RefusedError(
            f"{workload['kind']} {_name(workload)} has pods on {len(nodes)} nodes, each with a directory of its own:"
            " copy these together by hand, or let the registry have one node first."
        )
    wants = storage.host_path.node if storage.host_path else None
    modes = ((claim or {}).get("spec") or {}).get("accessModes") or []
    through_pods = (
        kind == "emptyDir"
        or relay
        or modes == ["ReadWriteOncePod"]
        or bool(one_node and wants and nodes and wants not in nodes)
    )
    if through_pods and not started:
        raise RefusedError(
            f"The images of {_name(workload)} can only be read in a pod of the registry, and none is running: start one"
            " (replicas: 1, with the storage as it is), then run again."
        )
    if kind == "hostPath" and not nodes:
        raise RefusedError(
            f"The images of {_name(workload)} are on one node, and no pod runs that tells which: start one (replicas:"
            " 1, with the storage as it is), then run again."
        )
    if not through_pods and one_node and len(nodes) > 1:
        raise RefusedError(
            f"The pods of {_name(workload)} are on {len(nodes)} nodes, though {described(source)} can be mounted on one"
            " only: scale it to one pod first."
        )
    node = str(nodes.pop()) if one_node and nodes and not through_pods else wants if kind == "emptyDir" else None
    door = SERVICE if kind == "emptyDir" else READ_ONLY_DOOR if layout.replicas(workload) or started else NO_DOOR
    return Route(
        source=source, target=storage.source(), path=path, sub=str(mount.get("subPath") or "").strip("/"),
        tree=f"{below}/{TREE}".strip("/"), relay=through_pods, node=node, door=door, pods=started,
    )  # fmt: skip


def _is_shared(kind: str, claim: Object | None) -> bool:
    if kind == "persistentVolumeClaim":
        return not claims.for_one_node(claim)
    return kind in _SHARED


def _name(workload: Object) -> str:
    meta = workload["metadata"]
    return f"{meta['namespace']}/{meta['name']}"


def helper_workload(workload: Object, template: Mapping[str, Any] | None, route: Route, node: str | None) -> Object:
    """Who the helper is: as the pods that are going to have the target; privileged where a node's directory is read.

    :param template: of those pods; None for the live ones.
    :param node: the node's host name label, where it has to be there.
    """
    of = dict(template or layout.template(workload))
    spec = dict(of.get("spec") or {})
    name = layout.container_name(workload)
    container = dict(next((c for c in spec.get("containers") or [] if c.get("name") == name), {}))
    if not container.get("image"):
        container["image"] = layout.container(workload).get("image")
    container["name"] = name
    if "hostPath" in route.target or ("hostPath" in route.source and not route.relay):
        container["securityContext"] = {**(container.get("securityContext") or {}), "privileged": True}
    spec["containers"] = [container]
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        spec.pop("affinity", None)
    return {**workload, "spec": {"template": {**of, "spec": spec}}}

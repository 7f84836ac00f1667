# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which place a registry's images are, and what a change of the workload would leave behind. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout, objectstorage
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import File
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HOSTNAME, ROOT_ENV, SETTINGS, Storage

#: Annotation of a workload: where its images are, where an object of the user's says it, who may change that in place.
NOTED = "okd.registry/images"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where images are. Two that are equal are the same place.

    :param kind: a volume's kind, ``object``, or ``file``: only a configuration file that cannot be read would say.
    :param node: of a directory on a node, where it is known; one that is not known counts as the same.
    """

    kind: str
    where: tuple[str, ...] = ()
    node: str | None = None

    def same(self, other: Place) -> bool:
        """Whether images in the one are images in the other."""
        apart = self.node and other.node and self.node != other.node
        return (self.kind, self.where) == (other.kind, other.where) and not apart

    def note(self) -> str | None:
        """For the annotation; None for a place that is not known well enough to be compared with later."""
        if self.kind == "file" or any("=<" in part for part in self.where):
            return None
        return json.dumps([self.kind, *self.where])

    def __str__(self) -> str:
        if self.kind == "object":
            return objectstorage.location_text(self.where)
        if self.kind == "file":
            return f"the place that the configuration file in {self.where[0]} names (which cannot be read)"
        if self.kind == "hostPath":
            return f"the directory {self.where[0]} of {f'node {self.node}' if self.node else 'its node'}"
        known = {
            "emptyDir": "the pod itself (emptyDir)",
            "persistentVolumeClaim": f"claim {''.join(self.where)}",
            "nfs": f"NFS {':'.join(self.where)}",
        }
        return known.get(self.kind, f"a volume of kind {self.kind}")


def abandons(
    want: Storage,
    live: Object | None,
    planned: Object | None,
    *,
    replicas: int,
    rolls: bool,
    secrets: Mapping[str, Object | None] | None = None,
    new_secrets: Mapping[str, Object | None] | None = None,
    file: File | None = None,
    new_file: File | None = None,
    node: str | None = None,
) -> str | None:
    """What pushed images a write would leave behind, as a sentence; None when it leaves none.

    :param planned: the object as the write would leave it.
    :param replicas: pods that are to be.
    :param rolls: whether the write changes the pod template, so that pods are replaced.
    :param secrets: those that name a live registry's bucket, by name, as they are.
    :param new_secrets: as they are going to be.
    :param file: the configuration file that is mounted for a live registry.
    :param new_file: as it is going to be.
    :param node: on which a live registry runs, where its workload does not say.
    """
    before, after = leaves(
        want, live, planned, secrets=secrets or {}, new_secrets=new_secrets or {}, file=file, new_file=new_file
    )
    if live is None or before is None:
        return None
    if before.kind == "hostPath" and before.node is None:
        before = replace(before, node=node)
    unused = layout.never_ready(live) or layout.has_no_pods(live)
    if before.kind == "emptyDir":
        if unused:
            return None
        if before.same(after) and not rolls:
            if replicas < layout.replicas(live):
                return "the images are kept in the pods themselves (emptyDir), of which this change takes some away"
            return None
    if not before.same(after):
        new = after if after.kind in ("object", "file") else want
        return f"the images are kept in {before}, which the pod would give up for {new}"
    return (
        "the images are kept in the pod itself (emptyDir), which this change replaces"
        if after.kind == "emptyDir"
        else None
    )


def described(
    workload: Object | None, mount_path: str, secrets: Mapping[str, Object | None], file: File | None = None
) -> dict[str, Any] | None:
    """Where a workload keeps its images, for results."""
    bucket = _bucket(workload, secrets, file)
    found = bucket.where if bucket else None
    if found is None:
        volume = layout.storage(workload, mount_path)
        # What the API fills in is nothing to tell.
        return {**volume, "source": {k: v for k, v in volume["source"].items() if v != ""}} if volume else None
    source = dict(part.partition("=")[::2] for part in found[1:])
    return {"kind": found[0], "volume_name": None, "mount_path": None, "source": source}


def leaves(
    want: Storage,
    live: Object | None,
    planned: Object | None,
    *,
    secrets: Mapping[str, Object | None],
    new_secrets: Mapping[str, Object | None],
    file: File | None = None,
    new_file: File | None = None,
) -> tuple[Place | None, Place]:
    """Where the images are, None where there is no such place, and where the registry would look for them."""
    after = _bucket(planned, new_secrets, new_file)
    after = after or _volume(layout.volume_source({"name": "", **want.source()}), planned) or Place("emptyDir")
    if after.kind == "emptyDir":
        after = _unknown(new_file) or after
    places = [found] if (found := _bucket(live, secrets, file)) else _mounted(want, live, planned)
    if all(place.kind == "emptyDir" for place in places) and (unknown := _unknown(file)):
        places = [unknown]
    noted = _noted(live)
    # A volume that somebody has exchanged is seen in the workload. What a file has said since is not: it may not even
    # be read by a pod yet.
    if noted and places and "object" in (noted.kind, places[0].kind):
        places = [noted]
    if live is None or not places:
        return None, after
    return next((place for place in places if place.same(after)), places[0]), after


def _noted(workload: Object | None) -> Place | None:
    """Where the images were when the workload was written."""
    text = ((workload or {}).get("metadata", {}).get("annotations") or {}).get(NOTED)
    try:
        kind, *where = json.loads(text) if text else [""]
    except ValueError:
        return None
    return Place(kind, tuple(map(str, where))) if kind else None


def _bucket(workload: Object | None, secrets: Mapping[str, Object | None], file: File | None) -> Place | None:
    said = file.facts if file else None
    found = objectstorage.location(
        workload, secrets, driver=said.driver if said else None, parameters=said.place if said else None
    )
    return Place("object", found) if found else None


def _unknown(file: File | None) -> Place | None:
    """The place that a file names which cannot be read. A volume that outlives the pod counts as the place, though."""
    return Place("file", (str(file.source), file.source.key)) if file and file.facts is None else None


def _volume(source: tuple[str, dict[str, Any]] | None, workload: Object | None) -> Place | None:
    """A volume's place; None for what holds no images."""
    if source is None or source[0] in SETTINGS:
        return None
    kind, fields = source
    if kind == "hostPath":
        selector = (layout.template(workload).get("spec") or {}).get("nodeSelector") or {}
        return Place(kind, (str(fields.get("path") or "").rstrip("/"),), selector.get(HOSTNAME))
    parts = {"emptyDir": (), "persistentVolumeClaim": ("claimName",), "nfs": ("server", "path")}
    if kind in parts:
        return Place(kind, tuple(str(fields.get(name) or "").rstrip("/") or "/" for name in parts[kind]))
    return Place(kind, (json.dumps(fields, sort_keys=True),))


def _mounted(want: Storage, live: Object | None, planned: Object | None) -> list[Place]:
    """Which volumes may have a live registry's images: what is at the wanted path, else what would not stay there.

    Nothing is at the wanted path when another one is asked for: then the images are in what is mounted elsewhere.
    """
    name = layout.mount_at(live, want.mount_path)
    if name:
        found = [_volume(layout.volume_source(layout.volume(live, name)), live)]
    else:
        told = str(layout.env(live).get(ROOT_ENV, {}).get("value") or "/registry").rstrip("/")
        found = []
        for mount in layout.container(live).get("volumeMounts") or []:
            path = mount.get("mountPath", "")
            there = _volume(layout.volume_source(layout.volume(live, mount["name"])), live)
            still = _volume(layout.volume_source(layout.volume(planned, layout.mount_at(planned, path))), planned)
            if there and (path.rstrip("/") == told or still is None or not there.same(still)):
                found.append(there)
    return [place for place in found if place]

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
from ansible_collections.okd.registry.plugins.module_utils._build.storage import (
    DEFAULT_PATH,
    HOSTNAME,
    ROOT_ENV,
    SETTINGS,
    Storage,
    live_path,
)

#: Annotation of a workload: where its images are, where an object of the user's says it, who may change that in place.
NOTED = "okd.registry/images"

#: What there stands before a place's ``inside``.
_INSIDE = "inside="
#: Where the registry's own driver has its images, when a file chooses that driver and no directory.
_DRIVERS_ROOT = "/var/lib/registry"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where images are. Two that are equal are the same place.

    :param kind: a volume's kind, ``object``, or ``file``: only a configuration file that cannot be read would say.
    :param node: of a directory on a node, where it is known; one that is not known counts as the same.
    :param inside: the directory of a volume that outlives the pod, from its top and without slashes at its ends.
    """

    kind: str
    where: tuple[str, ...] = ()
    node: str | None = None
    inside: str = ""

    def same(self, other: Place) -> bool:
        """Whether images in the one are images in the other."""
        apart = self.node and other.node and self.node != other.node
        return self._whole == other._whole and not apart

    @property
    def _whole(self) -> tuple[str, ...]:
        """Kind and place in one; of what has a path of its own, the directory may be said in either part."""
        if self.kind in ("nfs", "hostPath"):
            return (self.kind, *self.where[:-1], f"{self.where[-1]}/{self.inside}".rstrip("/").replace("//", "/"))
        return (self.kind, *self.where, self.inside)

    def note(self) -> str | None:
        """For the annotation; None for a place that is not known well enough to be compared with later."""
        if self.kind == "file" or any("=<" in part for part in self.where):
            return None
        return json.dumps([self.kind, *self.where, *([f"{_INSIDE}{self.inside}"] if self.inside else [])])

    def __str__(self) -> str:
        return f"directory {self.inside} of {self._volume}" if self.inside else self._volume

    @property
    def _volume(self) -> str:
        if self == OUTSIDE:
            return "the container itself (the registry's root directory is on no volume)"
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


#: On no volume: images go with the container, as those in an emptyDir go with the pod.
OUTSIDE = Place("emptyDir", ("container",))


def root(workload: Object | None, file: File | None) -> str | None:
    """The directory in which a registry is told to keep images; None where neither a variable nor its file says it."""
    told = str(layout.env(workload).get(ROOT_ENV, {}).get("value") or "").rstrip("/")
    return told or (None if ROOT_ENV in layout.env(workload) else _filed(file))


def below_mount(workload: Object | None, file: File | None) -> str | None:
    """The directory of images from the top of their mount, "" for the top; None where ``_migrate`` would look elsewhere.

    It looks at what is mounted at the registry's usual path, and knows of a directory in there from the variable only.
    """
    usual = live_path(workload)
    path = root(workload, file) or usual
    mount = _over(workload, path)
    if mount is None or not layout.same_path(mount["mountPath"], usual):
        return None
    below = path[len(mount["mountPath"].rstrip("/")) :].strip("/")
    return None if below and root(workload, None) is None else below


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
        new = after if after.kind in ("object", "file") or after.inside or after == OUTSIDE else want
        return f"the images are kept in {before}, which the pod would give up for {new}"
    return f"the images are kept in {before}, which this change replaces" if after.kind == "emptyDir" else None


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
    after = after or _at(planned, root(planned, new_file) or want.mount_path)
    if after.kind == "emptyDir":
        after = _unknown(new_file) or after
    places = _places(want, live, planned, secrets, file)
    places = _as_noted(_noted(live), places, told_by_file=root(live, None) is None and _filed(file) is not None)
    if live is None or not places:
        return None, after
    return next((place for place in places if place.same(after)), places[0]), after


def kept(want: Storage, live: Object, file: File | None) -> Place:
    """Where a live registry keeps its images.

    :param want: with the path that the live registry has.
    """
    return _places(want, live, None, {}, file)[0]


def _places(
    want: Storage, live: Object | None, planned: Object | None, secrets: Mapping[str, Object | None], file: File | None
) -> list[Place]:
    """Where a live registry's images may be."""
    places = [found] if (found := _bucket(live, secrets, file)) else _mounted(want, live, planned, file)
    unknown = _unknown(file)
    return [unknown] if unknown and all(place.kind == "emptyDir" for place in places) else places


def _as_noted(noted: Place | None, places: list[Place], *, told_by_file: bool) -> list[Place]:
    """The places, or where images were when the workload was written, of what the workload itself does not show.

    A volume that somebody has exchanged is seen in the workload. What a file has said since is not: it may not even be
    read by a pod yet.
    """
    if not noted or not places:
        return places
    seen = places[0]
    if "object" in (noted.kind, seen.kind) or (told_by_file and OUTSIDE in (noted, seen)):
        return [noted]
    if told_by_file and (noted.kind, noted.where) == (seen.kind, seen.where):
        return [replace(seen, inside=noted.inside)]
    return places


def _noted(workload: Object | None) -> Place | None:
    """Where the images were when the workload was written."""
    text = ((workload or {}).get("metadata", {}).get("annotations") or {}).get(NOTED)
    try:
        kind, *where = json.loads(text) if text else [""]
    except ValueError:
        return None
    inside = where.pop()[len(_INSIDE) :] if where and str(where[-1]).startswith(_INSIDE) else ""
    return Place(kind, tuple(map(str, where)), inside=inside) if kind else None


def _filed(file: File | None) -> str | None:
    """The directory that a configuration file says, for the driver that keeps images in one."""
    said = file.facts if file else None
    return said.root or _DRIVERS_ROOT if said and said.driver == "filesystem" else None


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


def _over(workload: Object | None, path: str) -> dict[str, Any] | None:
    """The mount that a directory of the container is in; None where it is in none."""
    mounts = reversed(layout.container(workload).get("volumeMounts") or [])
    over = [m for m in mounts if f"{path.rstrip('/')}/".startswith(f"{m.get('mountPath', '').rstrip('/')}/")]
    return max(over, key=lambda mount: len(mount["mountPath"].rstrip("/")), default=None)


def _at(workload: Object | None, path: str) -> Place:
    """The place that a directory of the container is."""
    mount = _over(workload, path)
    found = _volume(layout.volume_source(layout.volume(workload, mount["name"])), workload) if mount else None
    if mount is None or found is None:
        return OUTSIDE
    if found.kind == "emptyDir":
        return found  # all of it goes with the pod
    parts = [mount.get("subPath") or mount.get("subPathExpr") or "", path[len(mount["mountPath"].rstrip("/")) :]]
    return replace(found, inside="/".join(part.strip("/") for part in parts if part.strip("/")))


def _mounted(want: Storage, live: Object | None, planned: Object | None, file: File | None) -> list[Place]:
    """Where a live registry's images may be: in the directory that it is told, else in what is mounted.

    That is what is at the wanted path, else what would not stay there. Nothing is at the wanted path when another one
    is asked for: then the images are in what is mounted elsewhere.
    """
    told = root(live, file)
    if told:
        return [_at(live, told)]
    if layout.mount_at(live, want.mount_path):
        return [_at(live, want.mount_path)]
    found = []
    for mount in layout.container(live).get("volumeMounts") or []:
        path = mount.get("mountPath", "")
        there = _at(live, path)
        if there != OUTSIDE and (layout.same_path(path, DEFAULT_PATH) or not there.same(_at(planned, path))):
            found.append(there)
    return found or [OUTSIDE]

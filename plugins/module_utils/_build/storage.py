# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a registry keeps its images, as a part of its pod: a volume at a path, or variables of a driver. Pure.

What a change of it would leave behind is in ``_build/place``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout, objectstorage
from ansible_collections.okd.registry.plugins.module_utils._build.claim import NewClaim
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import DRIVER_ENV, ObjectStorage
from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount, Part
from ansible_collections.okd.registry.plugins.module_utils._plan import owns

#: Where the registry keeps images. OpenShift's images say /registry, those of the distribution /var/lib/registry.
ROOT_ENV = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
DEFAULT_PATH = "/registry"
DEFAULT_VOLUME = "registry-storage"
HOSTNAME = "kubernetes.io/hostname"
#: Volumes that hold settings, never images.
SETTINGS = frozenset({"secret", "configMap", "downwardAPI", "projected"})
#: Where images have their configuration file; one mounted there is the user's.
_CONFIG_PLACES = ("/config.yml", "/etc/docker/registry", "/etc/distribution", "/etc/registry")

Object = Mapping[str, Any]
Source = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Nfs:
    """An export.

    :param options: of the mount. With any, it takes a PersistentVolume and a claim; else the pod mounts it itself.
    """

    server: str
    path: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"NFS {self.server}:{self.path}"


@dataclass(frozen=True)
class HostPath:
    """A directory of one node.

    :param node: the node's host name label; None where the pod options choose the node.
    """

    path: str
    node: str | None = None

    def __str__(self) -> str:
        return f"the directory {self.path} of {f'node {self.node}' if self.node else 'its node'}"


@dataclass(frozen=True)
class Storage:
    """Where the pod keeps images: with nothing said, in the pod itself (``emptyDir``).

    :param claim_name: of a PersistentVolumeClaim.
    :param new_claim: what the claim is to be, where we make it.
    :param path_told: whether the user gave the path; a live registry's is kept otherwise. See :meth:`settled`.
    :param name_told: whether the user gave the volume's name; a live one is kept otherwise.
    :param secret: name of our Secret with the parameters of ``objects``.
    """

    claim_name: str | None = None
    mount_path: str = DEFAULT_PATH
    volume_name: str = DEFAULT_VOLUME
    new_claim: NewClaim | None = None
    nfs: Nfs | None = None
    host_path: HostPath | None = None
    objects: ObjectStorage | None = None
    path_told: bool = True
    name_told: bool = False
    secret: str = field(default="registry-storage-parameters", compare=False)

    @property
    def kind(self) -> str:
        """As the option ``storage.kind`` calls it."""
        if self.objects:
            return self.objects.driver
        if self.nfs:
            return "nfs"
        return "host_path" if self.host_path else "pvc" if self.claim_name else "ephemeral"

    def __str__(self) -> str:
        if self.claim_name and not self.nfs:
            return f"claim {self.claim_name}"
        return str(self.objects or self.nfs or self.host_path or "ephemeral storage (emptyDir)")

    def source(self) -> dict[str, Any]:
        """The volume source; ``{}`` for object storage."""
        if self.objects:
            return {}
        if self.claim_name:
            return {"persistentVolumeClaim": {"claimName": self.claim_name}}
        if self.nfs:
            return {"nfs": {"server": self.nfs.server, "path": self.nfs.path}}
        return {"hostPath": {"path": self.host_path.path}} if self.host_path else {"emptyDir": {}}

    def settled(self, live: Object | None) -> Storage:
        """With the path at which a live registry has its images, where no other was asked for."""
        return self if self.path_told else replace(self, mount_path=live_path(live))

    def part(self, live: Object | None = None) -> Part:
        """What the pod gets; of a live one, volumes and mounts keep their names."""
        if self.objects:
            env = {**dict.fromkeys(_other_drivers(live, self.objects.driver)), **self.objects.env(self.secret)}
            return Part(env=env, mounts=self.objects.mounts(self.secret), gone=_scratch(live, self.mount_path))
        checksum = {"nfs_options": ",".join(self.nfs.options)} if self.nfs and self.nfs.options else {}
        mount, gone = self._mount(live)
        if not self.host_path:
            return Part(mounts=(mount,), gone=gone, checksum=checksum)
        pod = {"nodeSelector": {HOSTNAME: self.host_path.node}} if self.host_path.node else {}
        return Part(mounts=(mount,), gone=gone, pod=pod, container={"securityContext": {"privileged": True}})

    def _mount(self, live: Object | None) -> tuple[Mount, tuple[str, ...]]:
        """The volume at its path, and names of volumes that go with the one it replaces."""
        there = layout.mount_at(live, self.mount_path)
        kept = None if self.name_told and there != self.volume_name else there
        if kept and not self._holds(live, kept) and self._twin(live):
            kept = None
        if kept and (self._holds(live, kept) or not _mounted_elsewhere(live, kept, self.mount_path)):
            return self._reused(live, kept), ()
        gone = _scratch(live, self.mount_path)
        if there and self._holds(live, there) and not _mounted_elsewhere(live, there, self.mount_path):
            gone = (there,)  # it gets another name
        twin = self._twin(live)
        if twin and twin not in gone:
            return self._reused(live, twin), gone
        return Mount(self.mount_path, self.source(), self._free_name(live), named=True), gone

    def _reused(self, live: Object | None, volume: str) -> Mount:
        """A live volume; one that others mount elsewhere is not made ours, for it would go with us one day."""
        theirs = not _is_our_volume(live, volume) and _mounted_elsewhere(live, volume, self.mount_path)
        return Mount(self.mount_path, {} if theirs else self.source(), volume, named=True)

    def _twin(self, live: Object | None) -> str | None:
        """A volume that others added, with the claim that is wanted, as the document's ``oc volume --name=v1 -t pvc``.

        It is used as it is: a pod with two volumes of one claim may never start.
        """
        if not self.claim_name or self.name_told:
            return None
        found = [v["name"] for v in _volumes(live) if self._holds(live, v["name"])]
        return next((name for name in found if not _is_our_volume(live, name)), None)

    def _holds(self, live: Object | None, volume: str) -> bool:
        """Whether a live volume has the wanted source already."""
        there = layout.volume_source(layout.volume(live, volume))
        wanted = next(iter(self.source().items()))
        return there is not None and there[0] == wanted[0] and wanted[1].items() <= there[1].items()

    def _free_name(self, live: Object | None) -> str:
        """A name that no volume of others has."""
        there = layout.mount_at(live, self.mount_path)
        others = {v["name"] for v in _volumes(live) if v["name"] != there and not _is_our_volume(live, v["name"])}
        if there and _mounted_elsewhere(live, there, self.mount_path):
            others.add(there)
        name, number = self.volume_name, 1
        while name in others:
            number += 1
            name = f"{self.volume_name}-{number}"
        return name


def live_path(live: Object | None) -> str:
    """Where a live registry's images are mounted, by what it is told, else by where its images have them."""
    told = str(layout.env(live).get(ROOT_ENV, {}).get("value") or "").rstrip("/")
    for path in (told, DEFAULT_PATH, "/var/lib/registry"):
        source = layout.volume_source(layout.volume(live, layout.mount_at(live, path))) if path else None
        if source and source[0] not in SETTINGS:
            return path
    return DEFAULT_PATH


def _volumes(live: Object | None) -> list[dict[str, Any]]:
    return (layout.template(live).get("spec") or {}).get("volumes") or []


def _mounts(live: Object | None, volume: str | None) -> list[tuple[str, str]]:
    """Container and path of each mount of a volume."""
    pod = layout.template(live).get("spec") or {}
    everyone = [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]
    return [
        (c.get("name", ""), m.get("mountPath", ""))
        for c in everyone for m in c.get("volumeMounts") or [] if m.get("name") == volume
    ]  # fmt: skip


def _is_our_volume(live: Object | None, volume: str) -> bool:
    return owns(live, "spec", "template", "spec", "volumes", f"={volume}")


def _mounted_elsewhere(live: Object | None, volume: str, path: str) -> bool:
    mine = layout.container(live).get("name")
    return any((c, p.rstrip("/")) != (mine, path.rstrip("/")) for c, p in _mounts(live, volume))


def _scratch(live: Object | None, path: str) -> tuple[str, ...]:
    """An emptyDir at the path, whoever put it there (``oadm registry`` does), that nothing else mounts."""
    name = layout.mount_at(live, path)
    source = layout.volume_source(layout.volume(live, name))
    if name and source and source[0] == "emptyDir" and not _mounted_elsewhere(live, name, path):
        return (name,)
    return ()


def _other_drivers(live: Object | None, driver: str) -> list[str]:
    """Variables of a live registry that choose another driver, whoever set them: with two it does not start."""
    found = [name for name in layout.env(live) if objectstorage.driver_of(name) not in (None, driver)]
    return sorted(found)


def is_configured(env: Mapping[str, Any], live: Object | None, *, replaced: tuple[str, ...] = ()) -> bool:
    """Whether somebody else says where images are kept: another driver, another directory, a configuration file.

    Two drivers at once, and the registry does not start.

    :param env: the user's variables.
    :param replaced: paths at which we mount a configuration file of the user's, whatever is there now.
    """
    values: dict[str, str | None] = {
        name: str(entry.get("value") or "") for name, entry in layout.env(live).items() if not is_ours(live, name)
    }
    values.update(env)
    if any(_configures_storage(name, value) for name, value in values.items() if value is not None):
        return True
    there = layout.container(live)
    words = [*(there.get("command") or []), *(there.get("args") or [])]
    if any(str(word).endswith((".yml", ".yaml")) for word in words):
        return True
    paths = [mount.get("mountPath", "") for mount in there.get("volumeMounts") or []]
    paths = [path for path in paths if path not in replaced and not _is_our_mount(live, path)]
    return any(path == place or path.startswith(f"{place}/") for path in paths for place in _CONFIG_PLACES)


def _configures_storage(name: str, value: Any) -> bool:
    if name in (ROOT_ENV, "REGISTRY_CONFIGURATION_PATH"):
        return True
    if name == DRIVER_ENV:
        return value != "filesystem"
    return objectstorage.driver_of(name) not in (None, "filesystem")


def _is_our_mount(live: Object | None, path: str) -> bool:
    name = layout.container_name(live)
    return owns(live, "spec", "template", "spec", "containers", f"={name}", "volumeMounts", f"={path}")


def is_ours(live: Object | None, variable: str) -> bool:
    """Whether we have set a variable of a live workload."""
    name = layout.container_name(live)
    return owns(live, "spec", "template", "spec", "containers", f"={name}", "env", f"={variable}")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a registry keeps its images: as a volume of its pod, and what a change of it would leave behind. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount, Part
from ansible_collections.okd.registry.plugins.module_utils._plan import owns

#: Where the registry keeps images. OpenShift's images say /registry, those of the distribution /var/lib/registry.
ROOT_ENV = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
_STORAGE_ENV = re.compile(r"REGISTRY_STORAGE_([A-Z0-9]+)(?:_.*)?")
#: What stands beside the driver in the section ``storage`` of a registry's configuration.
_NO_OTHER_DRIVER = frozenset({"FILESYSTEM", "DELETE", "CACHE", "MAINTENANCE", "REDIRECT", "TAG"})
#: Where images have their configuration file; one mounted there is the user's.
_CONFIG_PLACES = ("/config.yml", "/etc/docker/registry", "/etc/distribution", "/etc/registry")
#: Volumes that hold settings, never images.
_SETTINGS = frozenset({"secret", "configMap", "downwardAPI", "projected"})


@dataclass(frozen=True)
class Storage:
    """Where the pod keeps images.

    :param claim_name: of a PersistentVolumeClaim; None keeps them in the pod (``emptyDir``).
    """

    claim_name: str | None = None
    mount_path: str = "/registry"
    volume_name: str = "registry-storage"

    def source(self) -> dict[str, Any]:
        """The volume source."""
        if self.claim_name:
            return {"persistentVolumeClaim": {"claimName": self.claim_name}}
        return {"emptyDir": {}}

    def __str__(self) -> str:
        return f"claim {self.claim_name}" if self.claim_name else "ephemeral storage (emptyDir)"

    def part(self) -> Part:
        """The volume at its path."""
        return Part(mounts=(Mount(self.mount_path, self.source(), self.volume_name),))


def is_configured(env: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Whether somebody else says where images are kept: another driver, another directory, a configuration file.

    Two drivers at once, and the registry does not start.

    :param env: the user's variables.
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
    return any(path == place or path.startswith(f"{place}/") for path in paths for place in _CONFIG_PLACES)


def _configures_storage(name: str, value: Any) -> bool:
    if name in (ROOT_ENV, "REGISTRY_CONFIGURATION_PATH"):
        return True
    if name == "REGISTRY_STORAGE":
        return value != "filesystem"
    found = _STORAGE_ENV.fullmatch(name)
    return found is not None and found[1] not in _NO_OTHER_DRIVER


def is_ours(live: Mapping[str, Any] | None, variable: str) -> bool:
    """Whether we have set a variable of a live workload."""
    name = layout.container_name(live)
    return owns(live, "spec", "template", "spec", "containers", f"={name}", "env", f"={variable}")


def abandons(
    want: Storage, live: Mapping[str, Any] | None, planned: Mapping[str, Any] | None,
    *, replicas: int, rolls: bool
) -> str | None:
    """What pushed images a write would leave behind, as a sentence; None when it leaves none.

    :param planned: the object as the write would leave it.
    :param replicas: pods that are to be.
    :param rolls: whether the write changes the pod template, so that pods are replaced.
    """
    sources = _sources(want, live, planned)
    if live is None or not sources:
        return None
    after = next(iter(want.source().items()))
    before = next((source for source in sources if _same(source, after)), sources[0])
    unused = layout.never_ready(live) or layout.has_no_pods(live)
    if before[0] == "emptyDir":
        if unused:
            return None
        if _same(before, after) and not rolls:
            if replicas < layout.replicas(live):
                return "the images are kept in the pods themselves (emptyDir), of which this change takes some away"
            return None
    if not _same(before, after):
        return f"the images are kept in {_source_text(before)}, which the pod would give up for {want}"
    return (
        "the images are kept in the pod itself (emptyDir), which this change replaces"
        if after[0] == "emptyDir"
        else None
    )


def _same(one: tuple[str, Mapping[str, Any]], other: tuple[str, Mapping[str, Any]]) -> bool:
    return one[0] == other[0] and one[1].get("claimName") == other[1].get("claimName")


def _sources(
    want: Storage, live: Mapping[str, Any] | None, planned: Mapping[str, Any] | None
) -> list[tuple[str, dict[str, Any]]]:
    """Where a live registry may have its images: what is mounted at the wanted path, else what would not stay there.

    Nothing is at the wanted path when another one is asked for: then the images are in what is mounted elsewhere.
    """
    name = layout.mount_at(live, want.mount_path)
    if name:
        found = [layout.volume_source(layout.volume(live, name))]
    else:
        told = str(layout.env(live).get(ROOT_ENV, {}).get("value") or "/registry").rstrip("/")
        found = []
        for mount in layout.container(live).get("volumeMounts") or []:
            path, source = mount.get("mountPath", ""), layout.volume_source(layout.volume(live, mount["name"]))
            still = layout.volume_source(layout.volume(planned, layout.mount_at(planned, path)))
            if path.rstrip("/") == told or still is None or (source and not _same(source, still)):
                found.append(source)
    return [source for source in found if source and source[0] not in _SETTINGS]


def _source_text(source: tuple[str, dict[str, Any]]) -> str:
    kind, fields = source
    known = {
        "emptyDir": "the pod itself (emptyDir)",
        "persistentVolumeClaim": f"claim {fields.get('claimName')}",
        "nfs": f"NFS {fields.get('server')}:{fields.get('path')}",
        "hostPath": f"the node's directory {fields.get('path')}",
    }
    return known.get(kind, f"a volume of kind {kind}")

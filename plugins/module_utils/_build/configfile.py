# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configuration file a workload's pods read, and what that says about where images are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.config import PATH_ENV, Config, Facts, facts
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

#: Where images have their file, when neither arguments nor variables name one.
_USUAL = (
    "/config.yml", "/etc/docker/registry/config.yml", "/etc/distribution/config.yml", "/etc/registry/config.yml",
)  # fmt: skip
_VOLUMES = {"secret": ("Secret", "secretName"), "configMap": ("ConfigMap", "name")}

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where a file lies.

    :param kind: ``Secret`` or ``ConfigMap``; of another volume its kind, and then ``name`` is the volume's.
    :param key: in that object; "" where the volume has no such file.
    """

    kind: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class File:
    """A file that a registry reads.

    :param facts: None where it is not there, or cannot be read.
    """

    source: Source
    facts: Facts | None = None


def source(workload: Object | None) -> Source | None:
    """Of the file that is mounted for the registry; None where it has its image's own.

    The order is the registry's: an argument, the variable, then what its image has (distribution, registry.go:
    resolveConfiguration).
    """
    there = layout.container(workload)
    words = [str(word) for word in (*(there.get("command") or []), *(there.get("args") or []))]
    told = [word for word in words if word.endswith((".yml", ".yaml"))][-1:]
    told = told or [str(v) for v in [layout.env(workload).get(PATH_ENV, {}).get("value")] if v]
    return next((found for found in (_mounted(workload, path) for path in told or _USUAL) if found), None)


def _mounted(workload: Object | None, path: str) -> Source | None:
    mounts = layout.container(workload).get("volumeMounts") or []
    over = [m for m in mounts if f"{path}/".startswith(f"{m.get('mountPath', '').rstrip('/')}/")]
    if not over:
        return None
    mount = max(over, key=lambda m: len(m["mountPath"].rstrip("/")))
    below = path[len(mount["mountPath"].rstrip("/")) :].strip("/")
    file = "/".join(part for part in (str(mount.get("subPath") or "").strip("/"), below) if part)
    kind, fields = layout.volume_source(layout.volume(workload, mount["name"])) or ("", {})
    if kind not in _VOLUMES:
        return Source(f"{kind} volume".strip(), mount["name"], file)
    called, field = _VOLUMES[kind]
    items = fields.get("items")
    key = file if not items else next((i.get("key", "") for i in items if i.get("path") == file), "")
    return Source(called, str(fields.get(field) or ""), key)


def read(where: Source, live: Object | None) -> File:
    """The file as it is.

    :param live: the Secret or ConfigMap; None where it is not there, or nobody may read it.
    """
    data = (live or {}).get("data") or {}
    known = value(live, where.key) if where.kind == "Secret" else str(data.get(where.key) or "").encode()
    if live is None or not known:
        return File(where)
    try:
        return File(where, facts("config", known.decode("utf-8", "replace")))
    except OptionError:
        return File(where)


def planned(config: Config | None, own_secret: str, before: File | None, workload: Object | None) -> File | None:
    """The file as it is going to be.

    :param config: the user's, if any.
    :param own_secret: name of our Secret, which has ``config`` where no object of the user's does.
    :param before: the live registry's.
    :param workload: as it is going to be.
    """
    where = source(workload)
    if where is None:
        return None
    if config and where.name == (config.config_map or config.secret or own_secret):
        return File(where, None if config.text is None else config.facts)
    return before if before and before.source == where else File(where)

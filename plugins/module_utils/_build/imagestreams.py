# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image streams as ``oc get imagestreams`` shows them: each with its repository in the registry, and its tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._endpoints import host_of
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip

API_VERSION = "image.openshift.io/v1"
KIND = "ImageStream"
#: Masters of OpenShift 3 that are told no name ask this Service for its address, and no other one.
_ASKED = "docker-registry.default.svc"


def values(found: Iterable[Mapping[str, Any]], endpoints: Iterable[str]) -> list[dict[str, Any]]:
    """The ``image_streams`` return value: those with a repository, by namespace and name.

    :param endpoints: the registry's names now; a repository by another one is ``stale``, where it is this registry's.
    """
    known = set(endpoints)
    held = [stream for stream in found if (stream.get("status") or {}).get("dockerImageRepository")]
    ours = is_integrated(known, {host_of(_registry(stream)) for stream in held})
    streams = [_value(stream, known, ours=ours) for stream in held]
    return sorted(streams, key=lambda stream: (stream["namespace"], stream["name"]))


def is_integrated(endpoints: Iterable[str], hosts: Collection[str], *, others: Collection[str] = ()) -> bool:
    """Whether a registry is the one in which the cluster has its image streams' repositories.

    That is the one that they name. Where they name none that is there, since its address is another one now, it is the
    one whose address the cluster asks for.

    :param endpoints: the registry's names now.
    :param hosts: those in the repositories of all image streams.
    :param others: addresses that other Services have.
    """
    names = {host_of(each) for each in endpoints}
    if not names.isdisjoint(hosts):
        return True
    return _ASKED in names and all(is_ip(host) and host not in others for host in hosts)


def _registry(stream: Mapping[str, Any]) -> str:
    return str(stream["status"]["dockerImageRepository"]).partition("/")[0]


def _value(stream: Mapping[str, Any], known: set[str], *, ours: bool) -> dict[str, Any]:
    meta, status = stream["metadata"], stream["status"]
    repository = str(status["dockerImageRepository"])
    registry = _registry(stream)
    return {
        "namespace": str(meta.get("namespace") or ""),
        "name": str(meta["name"]),
        "repository": repository,
        "public_repository": status.get("publicDockerImageRepository") or None,
        "registry": registry,
        "stale": ours and registry not in known,
        "tags": [_tag(tag, known) for tag in status.get("tags") or []],
    }


def _tag(tag: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """A tag by its newest item, which may be in another registry (an imported image)."""
    newest: Mapping[str, Any] = next(iter(tag.get("items") or []), {})
    reference = newest.get("dockerImageReference")
    return {
        "tag": str(tag["tag"]),
        "digest": newest.get("image"),
        "reference": reference,
        "created": newest.get("created"),
        "ours": str(reference or "").partition("/")[0] in known,
    }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image streams as ``oc get imagestreams`` shows them: each with its repository in the registry, and its tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

API_VERSION = "image.openshift.io/v1"
KIND = "ImageStream"


def values(found: Iterable[Mapping[str, Any]], endpoints: Iterable[str]) -> list[dict[str, Any]]:
    """The ``image_streams`` return value: those with a repository, by namespace and name.

    :param endpoints: the registry's names now; a repository by another one is ``stale``.
    """
    known = set(endpoints)
    streams = [_value(stream, known) for stream in found if (stream.get("status") or {}).get("dockerImageRepository")]
    return sorted(streams, key=lambda stream: (stream["namespace"], stream["name"]))


def _value(stream: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    meta, status = stream["metadata"], stream["status"]
    repository = str(status["dockerImageRepository"])
    registry = repository.partition("/")[0]
    return {
        "namespace": str(meta.get("namespace") or ""),
        "name": str(meta["name"]),
        "repository": repository,
        "public_repository": status.get("publicDockerImageRepository") or None,
        "registry": registry,
        "stale": registry not in known,
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

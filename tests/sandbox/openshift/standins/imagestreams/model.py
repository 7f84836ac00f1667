# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a push makes of an image stream. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Push:
    """An image that was pushed by a tag."""

    namespace: str
    name: str
    tag: str
    digest: str


def pushes(envelope: Mapping[str, Any]) -> Iterator[Push]:
    """What of a registry's notification (distribution's envelope of events) belongs into image streams.

    Blobs have no tag; repositories that are not called ``<project>/<name>`` have no stream.
    """
    for event in envelope.get("events") or []:
        target = event.get("target") or {}
        namespace, slash, name = str(target.get("repository") or "").partition("/")
        tag, digest = target.get("tag"), target.get("digest")
        if event.get("action") == "push" and slash and "/" not in name and tag and digest:
            yield Push(namespace, name, str(tag), str(digest))


def status(before: Mapping[str, Any] | None, push: Push, registry: str, created: str) -> Json:
    """A stream's status after a push: the newest image of a tag is its first item.

    :param before: the stream's status until then.
    :param registry: address and port of the registry's Service, as OpenShift writes it, whatever name was pushed to.
    :param created: the time, RFC 3339.
    """
    repository = f"{registry}/{push.namespace}/{push.name}"
    tags: list[Json] = [dict(tag) for tag in (before or {}).get("tags") or []]
    mine = next((tag for tag in tags if tag["tag"] == push.tag), None)
    if mine is None:
        mine = {"tag": push.tag, "items": []}
        tags.append(mine)
    items = mine.get("items") or []
    if not items or items[0]["image"] != push.digest:
        reference = f"{repository}@{push.digest}"
        newest = {"created": created, "dockerImageReference": reference, "image": push.digest, "generation": 1}
        mine["items"] = [newest, *items]
    return {"dockerImageRepository": repository, "tags": sorted(tags, key=lambda tag: str(tag["tag"]))}

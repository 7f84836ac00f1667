# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API in memory: objects by path, merge patches, resourceVersions that make late writers lose."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standins.kubeapi import ApiError

Json = dict[str, Any]


def merge(target: Json, patch: Json) -> Json:
    """RFC 7386."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merge(result.get(key) or {}, value)
        else:
            result[key] = value
    return result


class MemoryApi:
    """What Controller and Router need of the API client, without a network."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.writes: list[str] = []
        self.refuse: dict[str, ApiError] = {}
        self._version = 0

    def put(self, path: str, item: Json) -> None:
        """Set an object, as somebody else's write."""
        self._version += 1
        stored = copy.deepcopy(item)
        stored["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = stored

    def find(self, path: str) -> Json | None:
        item = self.objects.get(path)
        return copy.deepcopy(item) if item else None

    def get(self, path: str) -> Json:
        parts = urlsplit(path)
        labels = dict(pair.split("=") for pair in parse_qs(parts.query).get("labelSelector", []))
        items = [
            item
            for key, item in self.objects.items()
            if key.startswith(parts.path + "/") and labels.items() <= (item["metadata"].get("labels") or {}).items()
        ]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": copy.deepcopy(items)}

    def watch(self, path: str, resource_version: str) -> Iterator[Json]:
        raise NotImplementedError

    def create(self, path: str, body: Json) -> Json:
        self._maybe_refuse("create")
        key = f"{path}/{body['metadata']['name']}"
        if key in self.objects:
            raise ApiError(409, f"{key} already exists", reason="AlreadyExists")
        self.writes.append(f"create {body['metadata']['name']}")
        new = copy.deepcopy(body)
        new["metadata"]["generation"] = 1
        self.put(key, new)
        return copy.deepcopy(self.objects[key])

    def patch(self, path: str, body: Json) -> Json:
        status = path.endswith("/status")
        key = path.removesuffix("/status")
        self._maybe_refuse("patch")
        item = self.objects.get(key)
        if item is None:
            raise ApiError(404, f"{key} not found", reason="NotFound")
        wanted = (body.get("metadata") or {}).get("resourceVersion")
        if wanted and wanted != item["metadata"]["resourceVersion"]:
            raise ApiError(409, "the object has been modified", reason="Conflict")
        self.writes.append(
            f"patch {path.rsplit('/', 2 if status else 1)[-2 if status else -1]}{'/status' if status else ''}"
        )
        if status:
            changed = {**item, "status": merge(item.get("status") or {}, body["status"])}
        else:
            changed = merge(item, {key: value for key, value in body.items() if key != "status"})
            if changed.get("spec") != item.get("spec"):
                changed["metadata"] = {**changed["metadata"], "generation": item["metadata"].get("generation", 1) + 1}
        self.put(key, changed)
        return copy.deepcopy(self.objects[key])

    def delete(self, path: str) -> None:
        self.writes.append(f"delete {path.rsplit('/', 1)[-1]}")
        self.objects.pop(path, None)

    def _maybe_refuse(self, what: str) -> None:
        error = self.refuse.pop(what, None)
        if error:
            raise error

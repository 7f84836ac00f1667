# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory, below the client: paths, JSON Patch, resourceVersions and the errors that go with them.

It fills in no defaults and checks no schema; the molecule scenarios have a real one for that.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.okd.registry.plugins.module_utils._api import Answer, Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, collection_path

Json = dict[str, Any]
OPENSHIFT_3 = ("apps", "apps.openshift.io", "route.openshift.io", "rbac.authorization.k8s.io")
OPENSHIFT_4 = (*OPENSHIFT_3, "config.openshift.io")
KUBERNETES = ("apps", "rbac.authorization.k8s.io")
_OBJECT = re.compile(r"(/api/v1|/apis/[^/]+/[^/]+)(/namespaces/[^/]+)?/([^/]+)(?:/([^/]+))?(?:/(log))?$")


class MemoryCluster:
    """A transport for Api. ``objects`` by path; ``requests`` as (method, path)."""

    description = "memory"

    def __init__(self, groups: tuple[str, ...] = OPENSHIFT_3) -> None:
        self.groups = groups
        self.objects: dict[str, Json] = {}
        self.requests: list[tuple[str, str]] = []
        self.logs: dict[str, str] = {}
        self.before_write: Callable[[], None] | None = None
        self._version = 0

    def api(self) -> Api:
        return Api(lambda: self, sleep=lambda _seconds: None)

    def put(self, obj: Json) -> Json:
        """Set an object, as somebody else's write."""
        ref = ObjectRef.of(obj)
        self._version += 1
        stored = copy.deepcopy(obj)
        before = self.objects.get(ref.path, {}).get("metadata", {})
        meta = stored["metadata"]
        meta.setdefault("uid", before.get("uid") or f"uid-{self._version}")
        meta["resourceVersion"] = str(self._version)
        self.objects[ref.path] = stored
        return stored

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = "default") -> Json | None:
        return copy.deepcopy(self.objects.get(ObjectRef(api_version, kind, name, namespace).path))

    def writes(self) -> list[str]:
        return [f"{method} {path}" for method, path in self.requests if method != "GET"]

    # ---- Transport ----

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        parts = urlsplit(url)
        self.requests.append((method, parts.path))
        if parts.path == "/apis":
            return _json({"groups": [{"name": g, "versions": [{"version": "v1"}]} for g in self.groups]})
        found = _OBJECT.match(parts.path)
        assert found, parts.path
        name = unquote(found[4]) if found[4] else None
        if found[5] == "log":
            # Of the container before, where a test has that.
            key = f"{name} before" if "previous=True" in parts.query else name or ""
            return Answer(200, self.logs.get(key, self.logs.get(name or "", "")).encode())
        if method != "GET" and self.before_write:
            hook, self.before_write = self.before_write, None
            hook()
        value = json.loads(body) if body else None
        if name is None:
            if method == "POST":
                return self._create(parts.path, value)
            return self._list(parts.path, parse_qs(parts.query))
        return self._object(method, parts.path, value, {"name": name, "kind": found[3]})

    def _object(self, method: str, path: str, value: Any, details: Json) -> Answer:
        live = self.objects.get(path)
        if live is None:
            return _status(404, "NotFound", f'"{details["name"]}" not found', details)
        if method == "GET":
            return _json(live)
        return self._patch(path, live, value) if method == "PATCH" else self._delete(path, live, value)

    def port_forward(self, *_args: Any) -> Any:
        raise NotImplementedError

    def _list(self, path: str, query: dict[str, list[str]]) -> Answer:
        labels = dict(p.split("=") for p in query.get("labelSelector", [""])[0].split(",") if p)
        fields = dict(p.split("=") for p in query.get("fieldSelector", [""])[0].split(",") if p)
        items = [
            o for key, o in sorted(self.objects.items())
            if key.rsplit("/", 1)[0] == path
            and labels.items() <= (o["metadata"].get("labels") or {}).items()
            and all(_at(o, field) == wanted for field, wanted in fields.items())
        ]  # fmt: skip
        return _json({"items": items})

    def _create(self, path: str, obj: Json) -> Answer:
        key = ObjectRef.of(obj).path
        assert key.startswith(path)
        if key in self.objects:
            return _status(409, "AlreadyExists", "exists already", {"name": obj["metadata"]["name"]})
        obj["metadata"]["generation"] = 1
        return _json(self.put(obj), 201)

    def _patch(self, path: str, live: Json, steps: list[Json]) -> Answer:
        changed = copy.deepcopy(live)
        for step in steps:
            _apply(changed, step)
        if changed["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            return _status(409, "Conflict", "the object has been modified", {"name": live["metadata"]["name"]})
        if changed.get("spec") != live.get("spec"):
            changed["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
        return _json(self.put(changed))

    def _delete(self, path: str, live: Json, options: Json) -> Answer:
        wanted = (options or {}).get("preconditions") or {}
        if any(live["metadata"][k] != v for k, v in wanted.items()):
            return _status(409, "Conflict", "changed", {"name": live["metadata"]["name"]})
        del self.objects[path]
        return _json({"kind": "Status", "status": "Success"})


def _at(obj: Json, field: str) -> Any:
    value: Any = obj
    for part in field.split("."):
        value = (value or {}).get(part)
    return value


def _apply(obj: Json, step: Json) -> None:
    *parents, last = [p.replace("~1", "/").replace("~0", "~") for p in step["path"].split("/")[1:]]
    place: Any = obj
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if isinstance(place, list):
        if step["op"] == "add":
            place.insert(len(place) if last == "-" else int(last), step["value"])
        elif step["op"] == "remove":
            del place[int(last)]
        else:
            place[int(last)] = step["value"]
    elif step["op"] == "remove":
        del place[last]
    else:
        assert step["op"] == "add" or last in place, step
        place[last] = step["value"]


def _json(value: Json, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _status(code: int, reason: str, message: str, details: Json) -> Answer:
    return _json({"kind": "Status", "reason": reason, "message": message, "details": details}, code)


def path_of(api_version: str, kind: str, namespace: str = "default") -> str:
    return collection_path(api_version, kind, namespace)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of which some cannot be read, with a registry of others' making on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Answer
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError
from memory_cluster import KUBERNETES, MemoryCluster

Json = dict[str, Any]
NAME = {"name": "docker-registry", "namespace": "default"}
LABELS = {"app": "registry"}


class Partly(MemoryCluster):
    """``answers`` are HTTP statuses by a part of the path; selectors and reviews are kept, which say ``review``."""

    def __init__(self, groups: tuple[str, ...] = KUBERNETES) -> None:
        super().__init__(groups)
        self.answers: dict[str, int] = {}
        self.selectors: list[str] = []
        self.reviews: list[Json] = []
        self.review: Json = {}

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        status = next((code for part, code in self.answers.items() if part in url), None)
        if status:
            said = {"kind": "Status", "reason": "Broken", "message": f"{url} says {status}"}
            return Answer(status, json.dumps(said).encode())
        if "reviews" in url:
            self.reviews.append(json.loads(body or b"{}"))
            return Answer(201, json.dumps({"status": self.review}).encode())
        if "labelSelector" in url:  # all there are belong to the registry
            self.selectors.append(url.partition("?")[2])
            url = url.partition("?")[0]
        return super().send(method, url, body, content_type)

    def websocket(self, *_args: Any) -> tuple[int, bytes]:
        return 403, b""

    @contextlib.contextmanager
    def port_forward(self, *_args: Any) -> Iterator[Any]:
        raise ForbiddenError("You may not forward ports.")
        yield

    def run(self, kind: str = "Deployment", *, containers: list[Json] | None = None, **pod: Any) -> Json:
        """A Service, a workload of a container with what is said of it, and a pod that serves."""
        version = "apps.openshift.io/v1" if kind == "DeploymentConfig" else "apps/v1"
        selector: Json = LABELS if kind == "DeploymentConfig" else {"matchLabels": LABELS}
        made = containers or [{"name": "registry", "image": "registry:2", **pod.pop("container", {})}]
        spec = {"containers": made, **pod}
        self.put({"apiVersion": "v1", "kind": "Service", "metadata": NAME,
                  "spec": {"clusterIP": "172.30.1.1", "selector": LABELS}})  # fmt: skip
        status = {"phase": "Running", "podIP": "10.1.1.1", "conditions": [{"type": "Ready", "status": "True"}],
                  "containerStatuses": [{"name": one["name"]} for one in made]}  # fmt: skip
        self.put({"apiVersion": "v1", "kind": "Pod", "spec": spec, "status": status,
                  "metadata": {"name": "docker-registry-1-a", "namespace": "default", "labels": LABELS}})  # fmt: skip
        return self.put({
            "apiVersion": version, "kind": kind, "metadata": dict(NAME),
            "spec": {"replicas": 1, "selector": selector, "template": {"metadata": {"labels": LABELS}, "spec": spec}},
        })  # fmt: skip

    def keep(self, kind: str, name: str, **data: str) -> Json:
        """A Secret or ConfigMap."""
        meta = {"name": name, "namespace": "default"}
        return self.put({"apiVersion": "v1", "kind": kind, "metadata": meta, "data": data})


def mounted(path: str, **source: Any) -> tuple[list[Json], list[Json]]:
    """Mounts and volumes of one source at a path."""
    return [{"name": "v", "mountPath": path}], [{"name": "v", **source}]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes, Services and EndpointSlices for tests."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def make_route(
    name: str,
    host: str | None = None,
    *,
    namespace: str = "default",
    created: int = 1,
    termination: str | None = "passthrough",
    to: str = "docker-registry",
    **spec: Any,
) -> Json:
    """Return a Route; ``created`` is the second in which it was made."""
    tls = {"tls": {"termination": termination}} if termination else {}
    given = {"host": host} if host else {}
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"{namespace}-{name}",
            "resourceVersion": "1",
            "creationTimestamp": f"2026-01-01T00:00:{created:02d}Z",
        },
        "spec": {
            "to": {"kind": "Service", "name": to, "weight": 100},
            "wildcardPolicy": "None",
            **given,
            **tls,
            **spec,
        },
    }


def make_service(name: str = "docker-registry", namespace: str = "default") -> Json:
    """Return a Service; only its name counts."""
    return {"kind": "Service", "metadata": {"name": name, "namespace": namespace}}


def make_slice(
    service: str = "docker-registry",
    *endpoints: tuple[str, bool | None],
    namespace: str = "default",
    ports: dict[str, int] | None = None,
) -> Json:
    """Return an EndpointSlice with addresses that are ready or not (None: does not say)."""
    return {
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": f"{service}-x", "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "ports": [
            {"name": name, "port": port, "protocol": "TCP"} for name, port in (ports or {"5000-tcp": 5000}).items()
        ],
        "endpoints": [
            {"addresses": [address], "conditions": {} if ready is None else {"ready": ready}}
            for address, ready in endpoints
        ],
    }

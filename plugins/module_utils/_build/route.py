# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's Route, and what its status says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, RouteSpec
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us

API_VERSION = "route.openshift.io/v1"


def ref(registry: Registry, name: str) -> ObjectRef:
    """A Route in the registry's namespace."""
    return ObjectRef(API_VERSION, "Route", name, registry.namespace)


def choose(spec: RouteSpec, routes: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The Route to work on, of all in the namespace; None when it is to be made.

    The one of the wanted name; else, among those that lead to the Service, the one with the wanted host, ours, the one
    called like the registry, the oldest. So a Route made by hand (the document's is called ``registry``) is adopted
    rather than doubled: two Routes cannot share a host.
    """
    found = list(routes)
    if spec.name:
        return next((r for r in found if r["metadata"]["name"] == spec.name), None)
    leading = ranked(found, spec.registry, host=spec.host)
    return leading[0] if leading else None


def ranked(
    routes: Iterable[Mapping[str, Any]], registry: Registry, *, host: str | None = None
) -> list[Mapping[str, Any]]:
    """The Routes that lead to the registry's Service, the best to work on first."""
    to = [(r, r["spec"].get("to") or {}) for r in routes]
    leading = [r for r, t in to if t.get("name") == registry.name and t.get("kind") in (None, "Service")]

    def rank(route: Mapping[str, Any]) -> tuple[bool, bool, bool, str, str]:
        meta = route["metadata"]
        return (
            host is None or route["spec"].get("host") != host,
            not owned_by_us(route),
            meta["name"] != registry.name,
            meta.get("creationTimestamp") or "",
            meta["name"],
        )

    return sorted(leading, key=rank)


def ours_beside(
    spec: RouteSpec, chosen: Mapping[str, Any] | None, routes: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What goes with the chosen Route when there is to be none: the other ones that we made for the Service.

    There are several after another name or host was asked for.
    """
    if spec.name:
        return []
    return [route for route in ranked(routes, spec.registry) if route is not chosen and owned_by_us(route)]


def exposed_hosts(routes: Iterable[Mapping[str, Any]], registry: Registry) -> list[str]:
    """The hosts at which clients see the registry's own certificate: those of the passthrough Routes to its Service."""
    leading = ranked(routes, registry)
    hosts = [r["spec"].get("host") for r in leading if (r["spec"].get("tls") or {}).get("termination") == "passthrough"]
    return [host for host in hosts if host]


def desired(spec: RouteSpec, name: str) -> dict[str, Any]:
    """The Route as it is to be: passthrough, so that clients see the registry's own certificate.

    Without a host in the spec the live one stays, or the cluster generates one.
    """
    registry = spec.registry
    body: dict[str, Any] = {
        "to": {"kind": "Service", "name": registry.name},
        "tls": {"termination": spec.termination},
        "host": spec.host,
    }
    metadata = {"name": name, "namespace": registry.namespace, "labels": dict(spec.labels)}
    return {"apiVersion": API_VERSION, "kind": "Route", "metadata": metadata, "spec": body}


@dataclass(frozen=True)
class Admission:
    """What the routers say about a Route.

    :param state: ``admitted``, ``rejected``, or ``pending`` while no router has said anything about this host.
    :param host: the host the routers (or else the Route) have.
    :param router: the router that admitted or rejected it.
    """

    state: str
    host: str | None
    router: str | None = None
    reason: str | None = None
    message: str | None = None


def admission(route: Mapping[str, Any]) -> Admission:
    """What the routers say of a Route, as it is now. One that admits it is enough.

    A word about another host is an old one: the host was changed since.
    """
    host = route["spec"].get("host")
    heard: list[Admission] = []
    for ingress in (route.get("status") or {}).get("ingress") or []:
        if host and ingress.get("host") not in (None, "", host):
            continue
        for condition in ingress.get("conditions") or []:
            if condition.get("type") == "Admitted":
                state = "admitted" if condition.get("status") == "True" else "rejected"
                name, reason, message = ingress.get("routerName"), condition.get("reason"), condition.get("message")
                heard.append(Admission(state, ingress.get("host") or host, name, reason, message))
    admitted = [a for a in heard if a.state == "admitted"]
    return (admitted or heard or [Admission("pending", host)])[0]


def holder(routes: Iterable[Mapping[str, Any]], host: str, own: ObjectRef) -> str | None:
    """Which other Route has a host (``namespace/name``): the oldest, as routers decide. None when none can be seen."""
    others = [
        r["metadata"]
        for r in routes
        if r["spec"].get("host") == host
        and (r["metadata"]["namespace"], r["metadata"]["name"]) != (own.namespace, own.name)
    ]
    if not others:
        return None
    first = min(others, key=lambda m: m.get("creationTimestamp") or "")
    return f"{first['namespace']}/{first['name']}"

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's Route, and what its status says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.foreign import refusal
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import REMOVE, owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._routespec import (
    ALLOWED,
    ALLOWED_NEWER,
    BALANCE,
    EDGE,
    PASSTHROUGH,
    REENCRYPT,
    TIMEOUT,
    RouteSpec,
)

API_VERSION = "route.openshift.io/v1"


def ref(registry: Registry, name: str) -> ObjectRef:
    """A Route in the registry's namespace."""
    return ObjectRef(API_VERSION, "Route", name, registry.namespace)


def choose(spec: RouteSpec, routes: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The Route to work on, of all in the namespace; None when it is to be made.

    The one of the wanted name. With ``beside`` the one that has the host. Else, among those that lead to the Service,
    the one with the wanted host, ours, the one called like the registry, the oldest. So a Route made by hand (the
    document's is called ``registry``) is adopted rather than doubled: two Routes cannot share a host.
    """
    found = list(routes)
    if spec.name:
        return next((r for r in found if r["metadata"]["name"] == spec.name), None)
    leading = ranked(found, spec.registry, host=spec.host)
    if spec.beside:
        leading = [r for r in leading if r["spec"].get("host") == spec.host]
    return leading[0] if leading else None


def new_name(spec: RouteSpec, routes: Iterable[Mapping[str, Any]]) -> str:
    """What a Route that is to be made is called: as asked, or like the registry, with a number where that is taken."""
    if spec.name:
        return spec.name
    taken = {r["metadata"]["name"] for r in routes}
    names = [spec.registry.name, *(f"{spec.registry.name}-{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def leads_to(route: Mapping[str, Any], registry: Registry) -> bool:
    """Whether a Route leads to the registry's Service."""
    to = route["spec"].get("to") or {}
    return to.get("name") == registry.name and to.get("kind") in (None, "Service")


def refuse_foreign(spec: RouteSpec, live: Mapping[str, Any] | None) -> None:
    """Refuse to point a Route of others, which leads to something else, to the registry.

    :raises RefusedError: for one that we neither made or took over nor that leads to the Service.
    """
    if live is None or owned_by_us(live) or leads_to(live, spec.registry):
        return
    to = live["spec"].get("to") or {}
    found = ref(spec.registry, live["metadata"]["name"])
    raise refusal(found, f"leads to {to.get('kind') or 'Service'} {to.get('name')}", other="another name, or none,")


def ranked(
    routes: Iterable[Mapping[str, Any]], registry: Registry, *, host: str | None = None
) -> list[Mapping[str, Any]]:
    """The Routes that lead to the registry's Service, the best to work on first."""
    leading = [route for route in routes if leads_to(route, registry)]

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
    hosts = [r["spec"].get("host") for r in leading if (r["spec"].get("tls") or {}).get("termination") == PASSTHROUGH]
    return [host for host in hosts if host]


def router_hosts(routes: Iterable[Mapping[str, Any]], registry: Registry) -> list[str]:
    """The hosts at which clients see a router's certificate: those of the other Routes to its Service that have TLS."""
    ends = [r["spec"].get("host") for r in ranked(routes, registry) if ends_at_router(r)]
    return list(dict.fromkeys(host for host in ends if host))


def ends_at_router(route: Mapping[str, Any]) -> bool:
    """Whether a router ends TLS for a Route."""
    return (route["spec"].get("tls") or {}).get("termination") in (REENCRYPT, EDGE)


@dataclass(frozen=True)
class Tls:
    """The certificates of a Route whose router ends TLS, as PEM; None for the router's own and, behind it, any CA.

    :param key: secret.
    :param destination_ca: by which the router knows the registry, for re-encryption.
    """

    certificate: str | None = None
    key: str | None = field(default=None, repr=False)
    chain: str | None = None
    destination_ca: str | None = None


def desired(spec: RouteSpec, name: str, tls: Tls | None = None) -> dict[str, Any]:
    """The Route as it is to be.

    Without a host in the spec the live one stays, or the cluster generates one.
    """
    registry, ends = spec.registry, tls or Tls()
    body: dict[str, Any] = {
        "to": {"kind": "Service", "name": registry.name},
        "tls": {
            "termination": spec.termination,
            "insecureEdgeTerminationPolicy": spec.insecure_policy,
            "certificate": ends.certificate,
            "key": ends.key,
            "caCertificate": ends.chain,
            "destinationCACertificate": ends.destination_ca,
        },
        "host": spec.host,
    }
    body["tls"] = {k: v for k, v in body["tls"].items() if v}
    # An upload is many requests, each of which goes on where the one before ended. A router that ends TLS gives each of
    # them to any pod, and storage that pods share (NFS) may not show them at once what another has written.
    annotations: dict[str, Any] = {} if spec.termination == PASSTHROUGH else {BALANCE: "source"}
    annotations |= spec.annotations
    if spec.timeout:
        annotations[TIMEOUT] = spec.timeout
    if spec.allow_ips:
        annotations |= {ALLOWED: " ".join(spec.allow_ips), ALLOWED_NEWER: REMOVE}
    metadata = {"name": name, "namespace": registry.namespace, "labels": dict(spec.labels), "annotations": annotations}
    return {"apiVersion": API_VERSION, "kind": "Route", "metadata": metadata, "spec": body}


@dataclass(frozen=True)
class Admission:
    """What the routers say about a Route.

    :param state: ``admitted``, ``rejected``, or ``pending`` while no router has said anything about this host.
    :param host: the host the routers (or else the Route) have.
    :param router: the router that admitted or rejected it.
    :param canonical: the name under which that router is reached, where it says so: what DNS entries are to lead to.
    """

    state: str
    host: str | None
    router: str | None = None
    reason: str | None = None
    message: str | None = None
    canonical: str | None = None


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
                to = ingress.get("routerCanonicalHostname")
                heard.append(Admission(state, ingress.get("host") or host, name, reason, message, to))
    admitted = [a for a in heard if a.state == "admitted"]
    return (admitted or heard or [Admission("pending", host)])[0]


def value(live: Mapping[str, Any], *, planned: bool = False) -> dict[str, Any] | None:
    """The ``route`` return value for a Route as it is; None when there is none.

    :param planned: in check mode: a host that is missing will be generated.
    """
    if not live:
        return None
    said, tls = admission(live), live["spec"].get("tls") or {}
    annotations = live["metadata"].get("annotations") or {}
    return {
        "kind": "Route",
        "name": live["metadata"]["name"],
        "namespace": live["metadata"].get("namespace"),
        "host": said.host or (KNOWN_AFTER_APPLY if planned else None),
        "termination": tls.get("termination"),
        "insecure_policy": (tls.get("insecureEdgeTerminationPolicy") or "None").lower(),
        "timeout": annotations.get(TIMEOUT),
        "allow_ips": (annotations.get(ALLOWED_NEWER) or annotations.get(ALLOWED) or "").split(),
        "admitted": said.state == "admitted",
        "router": said.router,
        "reason": said.reason,
        "message": said.message,
        "addresses": [said.canonical] if said.canonical else [],
        "port": 443,
        "ours": owned_by_us(live),
    }


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

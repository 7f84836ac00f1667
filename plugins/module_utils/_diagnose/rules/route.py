# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Route that is asked for is there, and a router has admitted each of them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding, Route
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.certificate import covers

ANOTHER = "give the Route another certificate in registry_route_certificate"

_ADVICE = {
    "HostAlreadyClaimed": "take another host, or delete the Route that has this one",
    "RouteNotAdmitted": "mend what the router objects to, or ask those who run it",
}


def there(facts: Facts) -> Iterator[Finding]:
    """A Route has the host that is asked for."""
    asked = facts.asked_host
    if not asked or facts.routes is None or facts.has_service is False:
        return
    if all(_host(route) != asked.lower() for route in facts.routes):
        others = ", ".join(f"{route.ref} has {route.host or 'no host yet'}" for route in facts.routes)
        said = f"no Route leads to Service {facts.registry}"
        if others:
            said = f"no Route that leads to Service {facts.registry} has the host {asked}: {others}"
        yield Finding("route_missing", said, "make it", play("expose"), endpoint=asked.lower())


def admitted(facts: Facts) -> Iterator[Finding]:
    """A router serves each of them; of several with one host, one of them."""
    routes = facts.routes or ()
    served = {_host(route) for route in routes if route.admitted}
    for route in routes:
        if not route.admitted and _host(route) not in served:
            yield _refused(route)


def _host(route: Route) -> str:
    """Its host as endpoints have it; empty while it has none, so that it explains nothing seen at others."""
    return (route.host or "").lower()


def _refused(route: Route) -> Finding:
    if route.router is None and route.reason is None:
        return Finding(
            "router_missing", f"no router has said a word about {route.ref} (host {route.host or 'none yet'})",
            "run a router whose selectors of Routes and namespaces take this one in: oc adm router on OpenShift 3, "
            "oc get ingresscontrollers -n openshift-ingress-operator on OpenShift 4", None, None, _host(route),
            route.ref,
        )  # fmt: skip
    said = ", ".join(filter(None, (route.reason, route.message))) or "no reason given"
    return Finding(
        "route_not_admitted", f"router {route.router} refuses {route.ref} (host {route.host}): {said}",
        _ADVICE.get(route.reason or "", _ADVICE["RouteNotAdmitted"]) + "; registry_route_host says the host",
        None, None, _host(route), route.ref,
    )  # fmt: skip


def own_certificate(facts: Facts) -> Iterator[Finding]:
    """Where a router ends TLS with the Route's own certificate, that one is valid, stays so, and covers the host."""
    for end in facts.router_ends:
        held, expose = end.certificate, play("expose")
        if held is None:
            continue
        if held.days_left is not None and held.days_left < 0:
            yield Finding(
                "route_certificate_expired",
                f"{held.subject} in {end.ref} expired at {held.not_after}",
                ANOTHER, expose, None, end.host, end.ref,
            )  # fmt: skip
        elif held.days_left is not None and held.days_left < facts.soon:
            yield Finding(
                "route_certificate_expires",
                f"{held.subject} in {end.ref} expires at {held.not_after}, in {held.days_left} days",
                ANOTHER, expose, None, end.host, end.ref,
            )  # fmt: skip
        if not covers(held.sans, end.host):
            yield Finding(
                "route_san_missing",
                f"{held.subject} in {end.ref} is for {', '.join(held.sans) or 'no name'}, not {end.host}",
                ANOTHER, expose, None, end.host, end.ref,
            )  # fmt: skip


RULES = (there, admitted, own_certificate)

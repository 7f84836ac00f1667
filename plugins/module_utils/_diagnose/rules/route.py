# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Route is there, and a router has admitted it."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding

_ADVICE = {
    "HostAlreadyClaimed": "take another host, or delete the Route that has this one",
    "RouteNotAdmitted": "mend what the router objects to, or ask those who run it",
}


def admitted(facts: Facts) -> Iterator[Finding]:
    """A router serves it."""
    route = facts.route
    if route is None:
        if facts.asked_host and facts.has_service:
            yield Finding(
                "route_missing", f"no Route leads to Service {facts.registry}", "make it", play("expose"),
                endpoint=facts.asked_host,
            )  # fmt: skip
        return
    host = route.host.lower() if route.host else None
    if route.admitted:
        return
    if route.router is None and route.reason is None:
        yield Finding(
            "router_missing", f"no router has said a word about {route.ref} (host {route.host or 'none yet'})",
            "run a router whose selectors of Routes and namespaces take this one in: oc adm router on OpenShift 3, "
            "oc get ingresscontrollers -n openshift-ingress-operator on OpenShift 4", None, None, host,
            route.ref,
        )  # fmt: skip
    else:
        said = ", ".join(filter(None, (route.reason, route.message))) or "no reason given"
        yield Finding(
            "route_not_admitted", f"router {route.router} refuses {route.ref} (host {route.host}): {said}",
            _ADVICE.get(route.reason or "", _ADVICE["RouteNotAdmitted"]) + "; registry_route_host says the host",
            None, None, host,
            route.ref,
        )  # fmt: skip


RULES = (admitted,)

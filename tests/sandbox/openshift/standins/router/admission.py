# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Routes a router takes: hosts given and claimed, what is not supported, and the status that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from standins.daemon import stamp
from standins.kubeapi import Json
from standins.router import pem

ROUTER_NAME = "router"
GENERATED = "openshift.io/host.generated"
MAX_LABEL = 63
# What may stand in HAProxy's configuration. The Route CRD allows more in a path, among it blanks and quotes.
SAFE_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
SAFE_PATH = re.compile(r"/[A-Za-z0-9._~/%@:+=-]*")


@dataclass(frozen=True)
class Verdict:
    """What the router says about a Route: taken, or why not."""

    admitted: bool
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Admission:
    """All Routes that have a host with their verdicts, oldest first, and hosts for those that have none."""

    verdicts: Sequence[tuple[Json, Verdict]]
    hosts: Mapping[tuple[str, str], str]

    @property
    def admitted(self) -> list[Json]:
        """The Routes to serve."""
        return [route for route, verdict in self.verdicts if verdict.admitted]


def key_of(route: Json) -> tuple[str, str]:
    """Return a Route's namespace and name."""
    return route["metadata"]["namespace"], route["metadata"]["name"]


def age_of(route: Json) -> tuple[str, str]:
    """Return what Routes are ordered by: the time of creation, then the uid."""
    return route["metadata"].get("creationTimestamp", ""), route["metadata"].get("uid", "")


def generated_host(route: Json, domain: str) -> str:
    """Return the host OpenShift's API server would give: name-namespace.domain."""
    namespace, name = key_of(route)
    return f"{name}-{namespace}.{domain}"


def unsupported(route: Json) -> Verdict | None:
    """Return why this router cannot serve a Route, or None."""
    spec = route["spec"]
    termination = (spec.get("tls") or {}).get("termination")
    host, path = spec["host"], spec.get("path") or ""
    labels = host.split(".")
    # The first that holds is said; each is put as OpenShift's router or API server puts it.
    faults = [
        (spec.get("wildcardPolicy", "None") != "None", "RouteNotAdmitted", "wildcard routes are not allowed"),
        (
            not SAFE_HOST.fullmatch(host) or not all(0 < len(label) <= MAX_LABEL for label in labels),
            "InvalidHost",
            f"host name validation errors: spec.host: {host!r} is not a host name",
        ),
        (
            bool(path) and termination == "passthrough",
            "ExtendedValidationFailed",
            "spec.path: passthrough termination does not support paths",
        ),
        (
            bool(path) and not SAFE_PATH.fullmatch(path),
            "ExtendedValidationFailed",
            f"spec.path: {path!r} has characters the sandbox's router does not take",
        ),
        (
            (spec.get("to") or {}).get("kind", "Service") != "Service",
            "ExtendedValidationFailed",
            "spec.to.kind: must reference a Service",
        ),
    ]
    verdict = next((Verdict(False, reason, message) for holds, reason, message in faults if holds), None)
    wrong = None if verdict else _certificates_fault(spec.get("tls") or {})
    return Verdict(False, "ExtendedValidationFailed", wrong) if wrong else verdict


def _certificates_fault(tls: Json) -> str | None:
    """Say what is wrong with the certificates of a Route whose TLS ends in the router, or None."""
    if tls.get("termination") not in {"edge", "reencrypt"}:
        return None
    if not tls.get("certificate"):
        return "spec.tls.certificate: the sandbox's router has no certificate of its own"
    wrong = pem.pair_fault("\n".join([tls["certificate"], tls.get("caCertificate") or ""]), tls.get("key") or "")
    if wrong:
        return f"spec.tls.key: certificate and key cannot be used: {wrong}"
    if tls["termination"] == "edge":
        return None
    if not tls.get("destinationCACertificate"):
        return "spec.tls.destinationCACertificate: the sandbox has no service CA to fall back on"
    wrong = pem.authority_fault(tls["destinationCACertificate"])
    return f"spec.tls.destinationCACertificate: cannot be used: {wrong}" if wrong else None


def admit(routes: Sequence[Json], domain: str) -> Admission:
    """Decide about all Routes.

    The oldest claim wins. As in OpenShift a host belongs to the namespace of its oldest Route, and within
    the namespace a host and path to the oldest Route; a Route that is not supported claims nothing.
    """
    verdicts: list[tuple[Json, Verdict]] = []
    hosts: dict[tuple[str, str], str] = {}
    owners: dict[str, Json] = {}
    taken: dict[tuple[str, str], Json] = {}
    for route in sorted(routes, key=age_of):
        host = (route["spec"].get("host") or "").lower()
        if not host:
            hosts[key_of(route)] = generated_host(route, domain)
            continue
        verdict = unsupported(route) or _claim(route, host, owners, taken)
        verdicts.append((route, verdict))
    return Admission(verdicts, hosts)


def _claim(route: Json, host: str, owners: dict[str, Json], taken: dict[tuple[str, str], Json]) -> Verdict:
    owner = owners.setdefault(host, route)
    namespace, name = key_of(route)
    if key_of(owner)[0] != namespace:
        return Verdict(
            False, "HostAlreadyClaimed", f"a route in another namespace holds {host} and is older than {name}"
        )
    slot = (host, route["spec"].get("path") or "")
    holder = taken.setdefault(slot, route)
    if holder is not route:
        return Verdict(False, "HostAlreadyClaimed", f"route {key_of(holder)[1]} already exposes {host} and is older")
    return Verdict(True)


def ingress_of(route: Json, verdict: Verdict, domain: str, now: datetime) -> list[Json] | None:
    """Return the new ``status.ingress`` of a Route, or None where it says all this already.

    Other routers' entries stay; the time of the condition changes only with what it says.
    """
    entries: list[Json] = list((route.get("status") or {}).get("ingress") or [])
    mine = next((entry for entry in entries if entry.get("routerName") == ROUTER_NAME), None)
    condition: Json = {"type": "Admitted", "status": "True" if verdict.admitted else "False"}
    if not verdict.admitted:
        condition.update(reason=verdict.reason, message=verdict.message)
    entry: Json = {
        "host": route["spec"]["host"],
        "routerName": ROUTER_NAME,
        "routerCanonicalHostname": f"router-default.{domain}",
        "wildcardPolicy": route["spec"].get("wildcardPolicy", "None"),
    }
    old = [dict(c) for c in (mine or {}).get("conditions") or []]
    for known in old:
        known.pop("lastTransitionTime", None)
    if mine and {k: v for k, v in mine.items() if k != "conditions"} == entry and old == [condition]:
        return None
    entry["conditions"] = [{**condition, "lastTransitionTime": stamp(now)}]
    return [entry if other is mine else other for other in entries] if mine else [*entries, entry]

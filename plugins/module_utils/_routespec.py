# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a registry is to be exposed, as a validated value. Pure; what cannot be is refused before anything is touched."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import (
    Registry,
    as_annotations,
    dns_name,
    labels,
    port_number,
    route_host,
)

ROUTE, INGRESS, NODE_PORT, LOAD_BALANCER = "route", "ingress", "node_port", "load_balancer"
KINDS = (ROUTE, INGRESS, NODE_PORT, LOAD_BALANCER)
TERMINATIONS = ("passthrough", "reencrypt", "edge")
ALL = "all"
"""As the kind of what is to go: whatever of these there is."""
PASSTHROUGH, REENCRYPT, EDGE = "passthrough", "reencrypt", "edge"

TIMEOUT = "haproxy.router.openshift.io/timeout"
BALANCE = "haproxy.router.openshift.io/balance"
ALLOWED = "haproxy.router.openshift.io/ip_whitelist"
#: The newer name of the same, which goes before it where a router knows both.
ALLOWED_NEWER = "haproxy.router.openshift.io/ip_allowlist"
#: More of them a router puts into a file that older ones do not have (source: OpenShift's documentation of Routes).
MOST_ADDRESSES = 61
_DURATION = re.compile(r"([1-9][0-9]{0,9})(us|ms|s|m|h|d)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 2147483.647  # seconds; HAProxy counts milliseconds in 31 bits
#: What an option needs ``kind`` to be.
_ONLY = {
    "termination": (ROUTE,), "certificate": (ROUTE,), "destination_ca": (ROUTE,), "insecure_policy": (ROUTE,),
    "timeout": (ROUTE,), "beside": (ROUTE,), "allow_ips": (ROUTE, LOAD_BALANCER), "ingress_class": (INGRESS,),
    "node_port": (NODE_PORT,),
}  # fmt: skip


@dataclass(frozen=True)
class RouteSpec:
    """What leads to the registry from outside.

    :param name: None for the name of the Route that leads to the Service already, else the registry's.
    :param host: None to keep the live host or, at first, let the cluster generate one.
    :param beside: whether a host that no Route to the Service has gets a Route of its own.
    :param insecure_policy: what becomes of plain HTTP, in the API's words; None: nothing is said.
    :param allow_ips: who may come, addresses and networks; empty for all.
    """

    registry: Registry
    name: str | None
    host: str | None
    labels: dict[str, str]
    termination: str = PASSTHROUGH
    kind: str = ROUTE
    beside: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    insecure_policy: str | None = None
    timeout: str | None = None
    allow_ips: tuple[str, ...] = ()
    ingress_class: str | None = None
    node_port: int | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RouteSpec:
        """From the options of registry_route. Raises OptionError."""
        kind = params.get("kind") or ROUTE
        _fit(kind, params)
        name, host = params.get("route_name"), route_host("route_host", params.get("route_host"))
        if params.get("every_kind") and (name or params.get("state") != "absent"):
            raise OptionError(
                "every_kind", True, "is for state absent alone, and without route_name, which is of one kind"
            )
        if params.get("state") == "absent":  # what it was to be does not matter any more
            kind = ALL if params.get("every_kind") else kind
            chosen = dns_name("route_name", name) if name else None
            return cls(Registry.from_params(params), chosen, host, {}, kind=kind)
        if kind == INGRESS and not host:
            raise OptionError("route_host", None, "is required for an Ingress, for which no host is generated")
        return cls(
            registry=Registry.from_params(params),
            name=dns_name("route_name", name) if name else None,
            host=host,
            labels=labels("labels", params.get("labels") or {}),
            termination=params.get("termination") or PASSTHROUGH,
            kind=kind,
            beside=_beside(params, host),
            annotations=_annotations(params),
            insecure_policy=_insecure(params),
            timeout=_timeout(params.get("timeout")),
            allow_ips=tuple(_addresses(params.get("allow_ips") or [])),
            ingress_class=params.get("ingress_class"),
            node_port=port_number("node_port", params["node_port"]) if params.get("node_port") else None,
        )


def _fit(kind: str, params: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing beside others: they would be ignored without a word."""
    for option, kinds in _ONLY.items():
        given = params.get(option)
        if given and kind not in kinds and not (option == "termination" and given == PASSTHROUGH):
            raise OptionError(option, _named(given), f"is for kind {' and '.join(kinds)}, and kind is {kind}")
    termination = params.get("termination") or PASSTHROUGH
    if params.get("certificate") and termination == PASSTHROUGH:
        raise OptionError(
            "certificate",
            _named(params["certificate"]),
            "is for a router that ends TLS: with termination passthrough, clients see the registry's own",
        )
    if params.get("destination_ca") and termination != REENCRYPT:
        raise OptionError("destination_ca", _named(params["destination_ca"]), "is for termination reencrypt alone")


def _named(value: Any) -> Any:
    """An option's value for a message: of dictionaries, which may hold a key, the names alone."""
    return sorted(k for k, v in value.items() if v) if isinstance(value, Mapping) else value


def _beside(params: Mapping[str, Any], host: str | None) -> bool:
    if params.get("beside") and not host:
        raise OptionError("beside", True, "needs route_host: which host is to get a Route of its own")
    if params.get("beside") and params.get("route_name"):
        raise OptionError("beside", True, "is for where route_name is left out: that names the one Route to work on")
    return bool(params.get("beside"))


def _insecure(params: Mapping[str, Any]) -> str | None:
    asked = params.get("insecure_policy")
    if asked == "allow" and (params.get("termination") or PASSTHROUGH) == PASSTHROUGH:
        raise OptionError("insecure_policy", asked, "does not go with termination passthrough: say redirect or none")
    return {"none": "None", "redirect": "Redirect", "allow": "Allow"}[asked] if asked else None


def _annotations(params: Mapping[str, Any]) -> dict[str, str]:
    given = as_annotations("annotations", params.get("annotations") or {})
    for option, names in (("timeout", (TIMEOUT,)), ("allow_ips", (ALLOWED, ALLOWED_NEWER))):
        both = [name for name in names if name in given and params.get(option)]
        if both:
            raise OptionError("annotations", both[0], f"is what {option} says, too: leave one of them out")
    return given


def _timeout(text: str | None) -> str | None:
    """A duration as HAProxy reads it. A router ignores one that it cannot read, so it is refused here."""
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if not found:
        raise OptionError("timeout", text, "is no duration as routers read it: a number and us, ms, s, m, h or d (5m)")
    if int(found[1]) * _SECONDS[found[2]] > _LONGEST:
        raise OptionError("timeout", text, "is longer than HAProxy can count (24 days)")
    return text


def _addresses(given: list[Any]) -> list[str]:
    """Addresses and networks. A router that cannot read one of them lets everybody in, so each is looked at here."""
    found = []
    for one in given:
        try:
            network = ipaddress.ip_network(str(one))
        except ValueError as exc:
            why = f"is no address or network (192.0.2.7, 198.51.100.0/24): {exc}"
            raise OptionError("allow_ips", one, why) from None
        found.append(str(network.network_address) if "/" not in str(one) else str(network))
    if len(found) > MOST_ADDRESSES:
        raise OptionError(
            "allow_ips", f"{len(found)} entries", f"are more than the {MOST_ADDRESSES} that every router takes"
        )
    return list(dict.fromkeys(found))

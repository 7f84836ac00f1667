# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's configuration from Routes, Services and EndpointSlices: a pure function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from standins.kubeapi import Json
from standins.router.admission import Admission, admit, key_of

BALANCE = "haproxy.router.openshift.io/balance"
TIMEOUT = "haproxy.router.openshift.io/timeout"
BALANCES = frozenset({"source", "roundrobin", "leastconn"})
DURATION = re.compile(r"[1-9][0-9]{0,8}(us|ms|s|m|h|d)?")
MAX_WEIGHT = 256


@dataclass(frozen=True)
class Settings:
    """Where HAProxy listens and keeps its control socket; the ports are 80 and 443 except in tests."""

    bind: str
    domain: str
    stats_socket: str
    http_port: int = 80
    https_port: int = 443


@dataclass(frozen=True)
class Server:
    """One pod's port behind a Route."""

    address: str
    port: int
    weight: int


@dataclass(frozen=True)
class Rendered:
    """HAProxy's configuration, and what to tell each Route."""

    config: str
    admission: Admission


def render(routes: Sequence[Json], services: Sequence[Json], slices: Sequence[Json], settings: Settings) -> Rendered:
    """Return the configuration for these objects, the verdict on each Route and the hosts to be given.

    The same objects in any order give the same text.
    """
    admission = admit(routes, settings.domain)
    known = {key_of(service) for service in services}
    secure: list[str] = []
    redirects: list[str] = []
    plain: list[tuple[int, str]] = []
    backends: list[str] = []
    for route in admission.admitted:
        servers = servers_of(route, known, slices)
        if is_passthrough(route):
            secure.append(f"  use_backend {backend_name(route)} if {{ req.ssl_sni -i {host_of(route)} }}")
            if _insecure(route) == "Redirect":
                redirects.append(
                    f"  http-request redirect scheme https if {{ hdr(host),field(1,:) -i {host_of(route)} }}"
                )
            backends += _passthrough_backend(route, servers)
        else:
            path = route["spec"].get("path") or ""
            # The longest path first: HAProxy takes the first rule that fits.
            plain.append((-len(path), _http_rule(route, path)))
            backends += _http_backend(route, servers)
    lines = [
        *_head(settings),
        *_frontends(settings, secure, [*redirects, *(rule for _length, rule in sorted(plain))]),
        *backends,
    ]
    return Rendered("\n".join(lines) + "\n", admission)


def is_passthrough(route: Json) -> bool:
    """Say whether TLS goes through to the pods."""
    return (route["spec"].get("tls") or {}).get("termination") == "passthrough"


def host_of(route: Json) -> str:
    """Return a Route's host in lower case."""
    return str(route["spec"]["host"]).lower()


def backend_name(route: Json) -> str:
    """Return a Route's backend, named as OpenShift's router names it."""
    namespace, name = key_of(route)
    return f"{'be_tcp' if is_passthrough(route) else 'be_http'}:{namespace}:{name}"


def servers_of(route: Json, services: set[tuple[str, str]], slices: Sequence[Json]) -> list[Server]:
    """Return the ready pods behind a Route with their ports and weights, in order of address.

    ``spec.port.targetPort`` names a port of the Service or a pod's port number; without it all ports count.
    """
    namespace = key_of(route)[0]
    wanted = (route["spec"].get("port") or {}).get("targetPort")
    found: set[Server] = set()
    for target in [route["spec"]["to"], *(route["spec"].get("alternateBackends") or [])]:
        if (namespace, target["name"]) not in services:
            continue
        weight = min(int(target.get("weight", 100)), MAX_WEIGHT)
        for part in slices:
            labels = part["metadata"].get("labels") or {}
            if part["metadata"]["namespace"] != namespace or labels.get("kubernetes.io/service-name") != target["name"]:
                continue
            ports = [
                p["port"]
                for p in part.get("ports") or []
                if p.get("port") and (wanted is None or wanted in {p.get("name"), p["port"], str(p["port"])})
            ]
            found.update(Server(address, port, weight) for address in _ready(part) for port in ports)
    return sorted(found, key=lambda server: (server.address, server.port, server.weight))


def _ready(part: Json) -> list[str]:
    # "ready" that is not said means ready (discovery.k8s.io/v1).
    return [
        address
        for endpoint in part.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or []
    ]


def _annotation(route: Json, name: str) -> str:
    return str((route["metadata"].get("annotations") or {}).get(name) or "")


def _insecure(route: Json) -> str:
    return str((route["spec"].get("tls") or {}).get("insecureEdgeTerminationPolicy") or "None")


def _head(settings: Settings) -> list[str]:
    return [
        "# Written by the sandbox's router; do not edit.",
        "global",
        "  maxconn 2000",
        f"  stats socket {settings.stats_socket} mode 600 level admin",
        "  hard-stop-after 1h",
        "defaults",
        "  timeout connect 5s",
        "  timeout client 30s",
        "  timeout client-fin 1s",
        "  timeout server 30s",
        "  timeout server-fin 1s",
        "  timeout http-request 10s",
        "  timeout tunnel 1h",
    ]


def _frontends(settings: Settings, secure: list[str], plain: list[str]) -> list[str]:
    return [
        "frontend public",
        "  mode http",
        f"  bind {settings.bind}:{settings.http_port}",
        *plain,
        "  default_backend openshift_default",
        "frontend public_ssl",
        "  mode tcp",
        f"  bind {settings.bind}:{settings.https_port}",
        "  tcp-request inspect-delay 5s",
        "  tcp-request content accept if { req.ssl_hello_type 1 }",
        *secure,
        "  default_backend no_such_host",
        "backend openshift_default",
        "  mode http",
        '  http-request return status 503 content-type text/plain string "no route has this host"',
        # OpenShift answers with a certificate of its own and a page; here the connection is closed.
        "backend no_such_host",
        "  mode tcp",
        "  tcp-request content reject",
    ]


def _http_rule(route: Json, path: str) -> str:
    rule = f"  use_backend {backend_name(route)} if {{ hdr(host),field(1,:) -i {host_of(route)} }}"
    return f"{rule} {{ path_beg {path} }}" if path else rule


def _servers(servers: list[Server]) -> list[str]:
    check = " check inter 5s" if len(servers) > 1 else ""
    return [f"  server pod:{s.address}:{s.port} {s.address}:{s.port} weight {s.weight}{check}" for s in servers]


def _options(route: Json, balance: str, timeout: str) -> list[str]:
    asked, duration = _annotation(route, BALANCE), _annotation(route, TIMEOUT)
    lines = [f"  balance {asked if asked in BALANCES else balance}"]
    if DURATION.fullmatch(duration):
        lines.append(f"  timeout {timeout} {duration}")
    return lines


def _passthrough_backend(route: Json, servers: list[Server]) -> list[str]:
    return [f"backend {backend_name(route)}", "  mode tcp", *_options(route, "source", "tunnel"), *_servers(servers)]


def _http_backend(route: Json, servers: list[Server]) -> list[str]:
    return [
        f"backend {backend_name(route)}",
        "  mode http",
        "  option forwardfor",
        *_options(route, "leastconn", "server"),
        *_servers(servers),
    ]

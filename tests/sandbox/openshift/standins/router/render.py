# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's configuration from Routes, Services and EndpointSlices: a pure function."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from standins.kubeapi import Json
from standins.router.admission import Admission, admit, key_of

BALANCE = "haproxy.router.openshift.io/balance"
TIMEOUT = "haproxy.router.openshift.io/timeout"
BALANCES = frozenset({"source", "roundrobin", "leastconn"})
# The newer name of the two goes before the older one.
ALLOWED = ("haproxy.router.openshift.io/ip_allowlist", "haproxy.router.openshift.io/ip_whitelist")
DURATION = re.compile(r"[1-9][0-9]{0,8}(us|ms|s|m|h|d)?")
MAX_WEIGHT = 256


@dataclass(frozen=True)
class Settings:
    """Where HAProxy listens and has its files; the ports are 80 and 443 except in tests.

    ``inner_port`` is on the loopback, for what comes by a server name whose TLS ends here.
    """

    bind: str
    domain: str
    stats_socket: str
    http_port: int = 80
    https_port: int = 443
    inner_port: int = 10444
    tls_dir: str = "/var/lib/openshift-router/tls"


@dataclass(frozen=True)
class Server:
    """One pod's port behind a Route."""

    address: str
    port: int
    weight: int


@dataclass(frozen=True)
class Rendered:
    """HAProxy's configuration, the files it names (path to content), and what to tell each Route."""

    config: str
    admission: Admission
    files: Mapping[str, str] = field(default_factory=dict)


def render(routes: Sequence[Json], services: Sequence[Json], slices: Sequence[Json], settings: Settings) -> Rendered:
    """Return the configuration for these objects, the verdict on each Route and the hosts to be given.

    The same objects in any order give the same text.
    """
    admission = admit(routes, settings.domain)
    known = {key_of(service) for service in services}
    secure: list[str] = []
    redirects: list[str] = []
    plain: list[tuple[int, str]] = []
    inner: list[tuple[int, str]] = []
    backends: list[str] = []
    files = _Files(settings.tls_dir)
    listed: dict[str, str] = {}
    for route in admission.admitted:
        servers, path = servers_of(route, known, slices), route["spec"].get("path") or ""
        by_name = f"{{ req.ssl_sni -i {host_of(route)} }}"
        if is_passthrough(route):
            secure.append(f"  use_backend {backend_name(route)} if {by_name}")
            backends += _passthrough_backend(route, servers)
        else:
            if ends_tls(route):
                secure.append(f"  use_backend be_sni if {by_name}")
                inner.append((-len(path), _http_rule(route, path)))
                listed.setdefault(host_of(route), files.add(_bundle(route)))
            if not ends_tls(route) or _insecure(route) == "Allow":
                # The longest path first: HAProxy takes the first rule that fits.
                plain.append((-len(path), _http_rule(route, path)))
            backends += _http_backend(route, servers, files)
        if _insecure(route) == "Redirect":
            redirects.append(f"  http-request redirect scheme https if {{ hdr(host),field(1,:) -i {host_of(route)} }}")
    if listed:
        certificates = files.add("".join(f"{path} {host}\n" for host, path in sorted(listed.items())))
        backends += _inner(settings, certificates, [rule for _length, rule in sorted(inner)])
    lines = [
        *_head(settings),
        *_frontends(settings, list(dict.fromkeys(secure)), [*redirects, *(rule for _length, rule in sorted(plain))]),
        *backends,
    ]
    return Rendered("\n".join(lines) + "\n", admission, files.content)


class _Files:
    """Files named after their content, so that the configuration differs where one of them does."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.content: dict[str, str] = {}

    def add(self, content: str) -> str:
        path = f"{self._directory}/{hashlib.sha256(content.encode()).hexdigest()[:32]}.pem"
        self.content[path] = content
        return path


def _bundle(route: Json) -> str:
    """Return certificate, chain and key of a Route, as HAProxy reads them."""
    tls = route["spec"]["tls"]
    return "".join(f"{tls[part].strip()}\n" for part in ("certificate", "caCertificate", "key") if tls.get(part))


def ends_tls(route: Json) -> bool:
    """Say whether TLS ends in the router."""
    return (route["spec"].get("tls") or {}).get("termination") in {"edge", "reencrypt"}


def is_passthrough(route: Json) -> bool:
    """Say whether TLS goes through to the pods."""
    return (route["spec"].get("tls") or {}).get("termination") == "passthrough"


def host_of(route: Json) -> str:
    """Return a Route's host in lower case."""
    return str(route["spec"]["host"]).lower()


def backend_name(route: Json) -> str:
    """Return a Route's backend, named as OpenShift's router names it."""
    namespace, name = key_of(route)
    kinds = {"passthrough": "be_tcp", "edge": "be_edge_http", "reencrypt": "be_secure"}
    return f"{kinds.get((route['spec'].get('tls') or {}).get('termination'), 'be_http')}:{namespace}:{name}"


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
        "  tune.ssl.default-dh-param 2048",
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


def _servers(servers: list[Server], how: str = "") -> list[str]:
    check = " check inter 5s" if len(servers) > 1 else ""
    return [f"  server pod:{s.address}:{s.port} {s.address}:{s.port} weight {s.weight}{how}{check}" for s in servers]


def _options(route: Json, balance: str, timeout: str) -> list[str]:
    asked, duration = _annotation(route, BALANCE), _annotation(route, TIMEOUT)
    lines = [f"  balance {asked if asked in BALANCES else balance}"]
    if DURATION.fullmatch(duration):
        lines.append(f"  timeout {timeout} {duration}")
    allowed = allowed_of(route)
    if allowed:
        lines += [f"  acl allowlist src {' '.join(allowed)}", "  tcp-request content reject if !allowlist"]
    return lines


def allowed_of(route: Json) -> list[str]:
    """Return who may come; empty for all, also where the list cannot be read, as with OpenShift's router."""
    words = next(filter(None, (_annotation(route, name) for name in ALLOWED)), "").split()
    try:
        return [str(ipaddress.ip_network(word, strict=False)) for word in words]
    except ValueError:
        return []


def _passthrough_backend(route: Json, servers: list[Server]) -> list[str]:
    return [f"backend {backend_name(route)}", "  mode tcp", *_options(route, "source", "tunnel"), *_servers(servers)]


def _http_backend(route: Json, servers: list[Server], files: _Files) -> list[str]:
    how, tls = "", route["spec"].get("tls") or {}
    if tls.get("termination") == "reencrypt":
        # As in OpenShift, a pod has to show a certificate for the Service's name.
        name = f"{route['spec']['to']['name']}.{key_of(route)[0]}.svc"
        how = f" ssl verifyhost {name} verify required ca-file {files.add(tls['destinationCACertificate'])}"
    return [
        f"backend {backend_name(route)}",
        "  mode http",
        "  option forwardfor",
        "  http-request set-header X-Forwarded-Host %[req.hdr(host)]",
        "  http-request set-header X-Forwarded-Port %[dst_port]",
        "  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }",
        "  http-request set-header X-Forwarded-Proto https if { ssl_fc }",
        *_options(route, "leastconn", "server"),
        *_servers(servers, how),
    ]


def _inner(settings: Settings, certificates: str, rules: list[str]) -> list[str]:
    """Return what ends TLS, behind the frontend that looks at server names only."""
    return [
        "backend be_sni",
        "  mode tcp",
        f"  server fe_sni 127.0.0.1:{settings.inner_port} send-proxy",
        "frontend fe_sni",
        "  mode http",
        f"  bind 127.0.0.1:{settings.inner_port} ssl crt-list {certificates} accept-proxy",
        *rules,
        "  default_backend openshift_default",
    ]

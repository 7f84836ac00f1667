# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All names of one registry, computed in one place. Pure.

Certificate names, ``certs.d`` directories, insecure flags that may go, and what is probed all come from this value.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._model import host_port, is_ip

KNOWN_AFTER_APPLY = "(known after apply)"
"""A part that the cluster will choose; only ever in check mode."""

HTTPS_PORT = 443

SERVICE_IP, SERVICE_NAME, ROUTE, EXTRA = "service_ip", "service_name", "route", "extra"


@dataclass(frozen=True)
class Endpoint:
    """One name under which the registry is reached.

    :param host: DNS name or IP address (no brackets), or KNOWN_AFTER_APPLY.
    :param source: ``service_ip``, ``service_name``, ``route`` or ``extra``.
    """

    host: str
    port: int
    source: str

    @property
    def docker(self) -> str:
        """The name as image references and ``certs.d`` directories have it: no port where it is 443."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"

    @property
    def known(self) -> bool:
        return self.host != KNOWN_AFTER_APPLY

    @property
    def is_ip(self) -> bool:
        return is_ip(self.host)


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of one registry, each once, in a fixed order: addresses, service names, routes, extras."""

    items: tuple[Endpoint, ...]

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def docker(self) -> list[str]:
        """Names for image references; ``(known after apply):5000`` for what is not known yet."""
        return [e.docker for e in self.items]

    @property
    def certs_d(self) -> list[str]:
        """Directory names below ``certs.d``; unknown ones left out."""
        return [e.docker for e in self.items if e.known]

    @property
    def hosts(self) -> list[str]:
        """Hosts without ports, each once; unknown ones left out. What a certificate must cover."""
        return list(dict.fromkeys(e.host for e in self.items if e.known))

    @property
    def complete(self) -> bool:
        """Whether every part is known."""
        return all(e.known for e in self.items)


def compute(
    *,
    name: str,
    namespace: str,
    cluster_ips: Sequence[str],
    port: int = 5000,
    cluster_domain: str = "cluster.local",
    route_hosts: Iterable[str] = (),
    extra_hosts: Iterable[str] = (),
) -> Endpoints:
    """The endpoints of a registry.

    :param cluster_ips: the Service's addresses (two on dual-stack clusters); ``(KNOWN_AFTER_APPLY,)`` before there are
        any, in check mode; empty when there is no Service.
    :param extra_hosts: ``host`` (port 443) or ``host:port``.
    :raises OptionError: for an extra host that is none.
    """
    found = [Endpoint(_plain(ip), port, SERVICE_IP) for ip in cluster_ips]
    found += [Endpoint(f"{name}.{namespace}.svc{suffix}", port, SERVICE_NAME) for suffix in ("", f".{cluster_domain}")]
    found += [Endpoint(host.lower(), HTTPS_PORT, ROUTE) for host in route_hosts if host]
    for text in extra_hosts:
        host, extra_port = host_port("extra_hosts", text)
        found.append(Endpoint(host, extra_port or HTTPS_PORT, EXTRA))
    return Endpoints(tuple({(e.host, e.port): e for e in reversed(found)}[key] for key in _order(found)))


def from_service(
    service: Mapping[str, Any] | None, params: Mapping[str, Any], *, route_hosts: Iterable[str] = ()
) -> Endpoints:
    """The endpoints of a registry from its Service (None: not there) and a module's endpoint options.

    :param params: ``name``, ``namespace``, ``port``, ``cluster_domain``, ``route_host``, ``extra_hosts``.
    :param route_hosts: hosts that live Routes have, beside the option ``route_host``.
    """
    routes = [params.get("route_host") or "", *route_hosts]
    return compute(
        name=params["name"],
        namespace=params["namespace"],
        cluster_ips=cluster_ips(service),
        port=params["port"],
        cluster_domain=params["cluster_domain"],
        route_hosts=routes,
        extra_hosts=params.get("extra_hosts") or (),
    )


def cluster_ips(service: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The addresses of a Service (``clusterIPs``, or ``clusterIP`` on API levels before 1.20); none when headless."""
    spec = (service or {}).get("spec") or {}
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return tuple(ip for ip in found if ip and ip != "None")


def host_of(endpoint: str) -> str:
    """The host in a registry's name as docker has it."""
    host, colon, port = endpoint.rpartition(":")
    return (host if colon and port.isdigit() else endpoint).strip("[]").lower()


def is_inside(endpoint: str, name: str, namespace: str, addresses: Iterable[str]) -> bool:
    """Whether a registry's name leads to it within the cluster only, so that its clients have no use for it.

    :param endpoint: as docker has it.
    :param addresses: the Service's own, as cluster_ips() gives them.
    """
    host, service = host_of(endpoint), f"{name}.{namespace}.svc"
    # Another Service of it, in extra_hosts, is reached from within all the same; its domain is not known here.
    other = host.endswith((".svc", ".svc.cluster.local"))
    return host == service or host.startswith(f"{service}.") or other or host in map(_plain, addresses)


def _plain(ip: str) -> str:
    return str(ipaddress.ip_address(ip)) if is_ip(ip) else ip


def _order(found: Iterable[Endpoint]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((e.host, e.port) for e in found))

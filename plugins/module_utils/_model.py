# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as validated values. Pure; everything is refused here before anything is touched."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def default_labels(name: str) -> dict[str, str]:
    """Labels of a registry of which nothing else is said: those of ``oadm registry`` for the usual name.

    Another name has others, since two registries in one namespace must not select each other's pods.
    """
    return {name: "default"}


def is_ip(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def dns_label(option: str, value: str) -> str:
    """A namespace or similar (RFC 1123 label). Raises OptionError."""
    if not _LABEL.fullmatch(value):
        raise OptionError(
            option, value, "must be 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
        )
    return value


def service_name(option: str, value: str) -> str:
    """The name of a Service (RFC 1035 label: Kubernetes before 1.34 refuses one that begins with a digit)."""
    if not _SERVICE_NAME.fullmatch(value):
        raise OptionError(
            option, value, "must be 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not ending in '-'"
        )
    return value


def dns_name(option: str, value: str) -> str:
    """A DNS name (RFC 1123 subdomain), in lower case. Raises OptionError."""
    name = value.lower()
    if len(name) > 253 or not all(_LABEL.fullmatch(part) for part in name.split(".")):
        raise OptionError(
            option, value, "is not a DNS name (letters, digits, '-' and '.', parts of up to 63 characters)"
        )
    return name


def port_number(option: str, value: int) -> int:
    """A TCP port."""
    if not 1 <= value <= 65535:
        raise OptionError(option, value, "is not a port (1 to 65535)")
    return value


def ip_address(option: str, value: str) -> str:
    """An IP address in its usual form."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise OptionError(option, value, "is not an IP address") from None


def labels(option: str, value: Mapping[str, Any]) -> dict[str, str]:
    """Labels or a selector: values as strings. Raises OptionError for keys or values that the API refuses."""
    result = _named_texts(option, value, "a label")
    for key, text in result.items():
        if text and not _QUALIFIED.fullmatch(text):
            raise OptionError(f"{option}.{key}", text, "is not a label value (up to 63 letters, digits, '-', '_', '.')")
    return result


def as_annotations(option: str, value: Mapping[str, Any]) -> dict[str, str]:
    """Annotations: values as strings, of any kind. Raises OptionError for what the API refuses as a name."""
    return _named_texts(option, value, "an annotation")


def _named_texts(option: str, value: Mapping[str, Any], what: str) -> dict[str, str]:
    """Labels or annotations from what YAML makes of them; a value of nothing at all is no text to be guessed."""
    result = {}
    for key, content in value.items():
        prefix, slash, name = str(key).rpartition("/")
        if not _QUALIFIED.fullmatch(name) or (slash and not all(_LABEL.fullmatch(p) for p in prefix.split("."))):
            raise OptionError(option, key, f"is not {what} name ([prefix/]name)")
        if content is None or isinstance(content, (list, tuple, Mapping)):
            raise OptionError(f"{option}.{key}", content, 'is no text: write it in quotes, "" for an empty one')
        result[str(key)] = ("true" if content else "false") if isinstance(content, bool) else str(content)
    return result


def host_port(option: str, value: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``address`` or ``[address]:port`` as (host, port or None).

    Raises OptionError for anything else, with a hint for what people paste: URLs, paths, wildcards.
    """
    text = value.strip()
    if "://" in text or "/" in text:
        raise OptionError(option, value, "must be host or host:port, without scheme and path")
    if "*" in text:
        raise OptionError(option, value, "is a wildcard; an endpoint is one host")
    if is_ip(text):
        return str(ipaddress.ip_address(text)), None
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text)
    host, port = (bracketed[1], bracketed[2]) if bracketed else _split(text)
    if port is not None and not port.isdigit():
        raise OptionError(option, value, "has a port that is no number")
    number = port_number(option, int(port)) if port else None
    if is_ip(host):
        return str(ipaddress.ip_address(host)), number
    if bracketed:
        raise OptionError(option, value, "has brackets around something that is not an IPv6 address")
    name = dns_name(option, host)
    if "." not in name and number is None and name != "localhost":
        raise OptionError(option, value, "needs a port or a dot: docker takes a bare word for a name on Docker Hub")
    return name, number


def _split(text: str) -> tuple[str, str | None]:
    host, colon, port = text.rpartition(":")
    return (host, port) if colon else (text, None)


@dataclass(frozen=True)
class Registry:
    """Which registry is meant, and under which names it is to be reached."""

    name: str
    namespace: str
    port: int
    cluster_domain: str
    route_host: str | None
    extra_hosts: tuple[str, ...]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Registry:
        """From the options that all API-side modules share. Raises OptionError naming the option and its value."""
        for text in params.get("extra_hosts") or []:
            host_port("extra_hosts", text)
        return cls(
            name=service_name("name", params["name"]),
            namespace=dns_label("namespace", params["namespace"]),
            port=port_number("port", 5000 if params.get("port") is None else params["port"]),
            cluster_domain=dns_name("cluster_domain", params.get("cluster_domain") or "cluster.local"),
            route_host=route_host("route_host", params.get("route_host")),
            extra_hosts=tuple(params.get("extra_hosts") or ()),
        )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def route_host(option: str, value: str | None) -> str | None:
    """The host of a Route: a DNS name with a dot and without a port; empty means none."""
    if not value:
        return None
    host, port = host_port(option, value)
    if port is not None:
        raise OptionError(option, value, "must have no port: a Route is reached at 443")
    if is_ip(host):
        raise OptionError(
            option, value, "is an IP address; a Route needs a name, since the router tells Routes apart by it"
        )
    return host


@dataclass(frozen=True)
class ServiceSpec:
    """What the Service is to be.

    :param cluster_ip: the wanted address, None for the live one or, at first, the cluster's choice.
    :param selector: None for the labels, or what an adopted Service selects.
    :param ip_families: ``IPv4`` and ``IPv6``, that of the first address first; empty for the live or the cluster's.
    :param ip_family_policy: None for the live one or, at first, the cluster's.
    """

    registry: Registry
    cluster_ip: str | None
    labels: dict[str, str]
    selector: dict[str, str] | None
    session_affinity: str
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ServiceSpec:
        """From the options of registry_service. Raises OptionError."""
        wanted, chosen = params.get("cluster_ip"), params.get("selector")
        families, policy = tuple(params.get("ip_families") or ()), params.get("ip_family_policy")
        if len(set(families)) != len(families):
            raise OptionError("ip_families", list(families), "has one of the families twice")
        if len(families) > 1 and policy in (None, "SingleStack"):
            raise OptionError(
                "ip_family_policy", policy, "does not fit two ip_families: say PreferDualStack or RequireDualStack"
            )
        family = f"IPv{ipaddress.ip_address(ip_address('cluster_ip', wanted)).version}" if wanted else None
        if family and families and family != families[0]:
            raise OptionError("cluster_ip", wanted, f"is no {families[0]} address, which ip_families names first")
        return cls(
            registry=Registry.from_params(params),
            cluster_ip=ip_address("cluster_ip", wanted) if wanted else None,
            labels=labels("labels", params.get("labels") or default_labels(params["name"])),
            selector=labels("selector", chosen) if chosen else None,
            session_affinity=params.get("session_affinity") or "ClientIP",
            ip_families=families,
            ip_family_policy=policy,
        )

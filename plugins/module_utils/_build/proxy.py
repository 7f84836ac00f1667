# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy through which a registry reaches the world, and what it must not reach through it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name, is_ip

HTTP, HTTPS, NO = "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"
#: The API server as pods reach it. The kubelet puts the address in: every container has this variable
#: (k8s.io/kubernetes pkg/kubelet, makeEnvironment), so nothing has to be read, and nothing gets stale.
API_SERVER = "$(KUBERNETES_SERVICE_HOST)"
_URL = re.compile(
    r"https?://(?:[^/@?#]+@)?(?:(?P<host>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)|\[(?P<address>[0-9a-fA-F:.]+)\])(?::(?P<port>\d{1,5}))?/?"
)


@dataclass(frozen=True)
class Proxy:
    """What to use.

    :param no_proxy: hosts, domains (with a dot before them), addresses and networks, as the user gave them.
    """

    http: str | None = None
    https: str | None = None
    no_proxy: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """The variables for a Secret of ours: URLs with credentials in them."""
        return {name: url for name, url in ((HTTP, self.http), (HTTPS, self.https)) if url and has_credentials(url)}

    def part(self, own_secret: str, *, own: Iterable[str], cluster_domain: str) -> Part:
        """The variables.

        :param own_secret: name of the Secret for URLs with credentials.
        :param own: the registry's own hosts, and others of the cluster that must not be asked for through a proxy.
        """
        env: dict[str, Any] = {}
        for name, url in ((HTTP, self.http), (HTTPS, self.https)):
            if url:
                in_secret = {"secretKeyRef": {"name": own_secret, "key": name}}
                env[name] = in_secret if has_credentials(url) else url
        env[NO] = ",".join(exceptions(self.no_proxy, own, cluster_domain))
        return Part(env=env)


def exceptions(given: Iterable[str], own: Iterable[str], cluster_domain: str) -> list[str]:
    """What goes without the proxy: what the user says, then what a registry in a cluster needs; each once.

    :param own: hosts and addresses; those that a domain in the list covers are left out.
    """
    needed = ["localhost", "127.0.0.1", ".svc", f".{cluster_domain}", API_SERVER]
    found = list(dict.fromkeys([*given, *needed]))
    domains = tuple(entry for entry in found if entry.startswith("."))
    for host in own:
        if host not in found and not host.endswith(domains):
            found.append(host)
    return found


def has_credentials(url: str) -> bool:
    """Whether a proxy's URL has a name or password in it."""
    return "@" in url


def proxy_url(option: str, value: str) -> str:
    """A proxy's URL. Raises OptionError, without the credentials that may be in it."""
    shown = value.rpartition("@")[2]
    if any(c.isspace() or c in ",$" for c in value):
        raise OptionError(option, shown, "has a space, a comma or a $ in it: write such characters as %20, %2C, %24")
    found = _URL.fullmatch(value)
    if not found or not (is_ip(found["address"] or "") or found["host"]) or not 0 < int(found["port"] or 1) <= 65535:
        raise OptionError(option, shown, "is not a proxy: say http://host:port, or https://")
    return value


def exception(option: str, value: str) -> str:
    """One entry of ``no_proxy``: a host, a domain, an address or a network, with a port or not. Raises OptionError."""
    text = value.strip().lower()
    host, colon, port = text.rpartition(":")
    plain = host if colon and port.isdigit() and not is_ip(text) else text
    plain = plain.removeprefix("[").removesuffix("]")
    if text == "*" or is_ip(plain) or _is_network(plain):
        return text
    dns_name(option, plain.removeprefix("*").removeprefix("."))
    # Go knows ".example.com", not "*.example.com" (golang.org/x/net/http/httpproxy takes the star since 2018 only).
    return text.removeprefix("*") if text.startswith("*.") else text


def _is_network(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True

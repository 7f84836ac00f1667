# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names dockerd asks its HTTP proxy for, by the rules of the Go it is built with.

The rules were read in Go's golang.org/x/net/http/httpproxy (since Go 1.11) and in net/http/transport.go before that; a
test holds them against Go itself where it is there.
"""

import ipaddress
import re
from collections import namedtuple

# http, https, none: the values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY (str, "" where unset)
Settings = namedtuple("Settings", "http https none")
NONE = Settings("", "", "")
# networks: whether NO_PROXY may hold networks and ports (Go 1.11; docker 19.03, which is the first built with a newer
# one); fallback: whether HTTP_PROXY also holds for https where HTTPS_PROXY is unset (until Go 1.15)
Dialect = namedtuple("Dialect", "networks fallback")
NEW = Dialect(True, False)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def dialect_for(go_version):
    """Say which rules hold. :param go_version: such as C(go1.13.15), or "" where it is not known"""
    form = re.match(r"go1\.(\d+)", go_version or "")
    minor = int(form.group(1)) if form else 99
    return Dialect(minor >= 11, minor < 16)


def of_environment(environment):
    """Take the settings out of an environment (dict of str to str): names in capitals win, empty values are none."""
    return Settings(*[environment.get(name) or environment.get(name.lower()) or "" for name in VARIABLES])


def variable_of(settings, dialect):
    """Name the variable whose proxy is asked over https; "" where there is none."""
    if settings.https:
        return "HTTPS_PROXY"
    return "HTTP_PROXY" if settings.http and dialect.fallback else ""


def proxied(settings, endpoint, dialect):
    """Say whether a proxy is asked for an endpoint (bool).

    :param endpoint: endpoint.Endpoint
    """
    if not variable_of(settings, dialect) or endpoint.host == "localhost":
        return False
    if endpoint.ip is not None and endpoint.ip.is_loopback:
        return False
    entries = [entry.strip().lower() for entry in settings.none.split(",")]
    covers = _covers if dialect.networks else _covers_old
    if not dialect.networks and settings.none != "*":
        entries = [entry for entry in entries if entry != "*"]
    return not any(covers(entry, endpoint) for entry in entries if entry)


def completed(settings, endpoints, dialect):
    """Give NO_PROXY with what it lacks, so that no proxy is asked for any of the endpoints.

    Hosts and addresses as they are: every version knows these.
    """
    lacking = [endpoint for endpoint in endpoints if proxied(settings, endpoint, dialect)]
    hosts = [_written(endpoint, bracketed=not dialect.networks) for endpoint in lacking]
    parts = [settings.none.strip().rstrip(",")] if settings.none.strip().rstrip(",") else []
    return ",".join(parts + list(dict.fromkeys(hosts)))


def shown(url):
    """Give a proxy's URL without the password that may be in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def _covers(entry, endpoint):
    if entry == "*":
        return True
    network = _network(entry)
    if network is not None:
        return endpoint.ip is not None and endpoint.ip in network
    host, port = _split(entry)
    if port and port != str(endpoint.port):
        return False
    address = _address(host)
    if address is not None:
        return address == endpoint.ip
    if host.startswith("*."):
        host = host[1:]
    return _is_below(host, endpoint.host.lower())


def _covers_old(entry, endpoint):
    """Before Go 1.11: no networks, any port, and a leading dot stands for the domain itself as well."""
    if entry == "*":
        return True
    domain = entry.rpartition(":")[0] if re.search(r":[^\]]*\Z", entry) else entry
    host = _written(endpoint, bracketed=True)
    return host == domain or (domain.startswith(".") and host == domain[1:]) or _is_below(domain, host)


def _written(endpoint, bracketed):
    """Write an endpoint's host as an entry of NO_PROXY: old versions take IPv6 in brackets, new ones bare."""
    host = endpoint.host.lower()
    return "[{}]".format(host) if bracketed and endpoint.ip is not None and endpoint.ip.version == 6 else host


def _is_below(domain, host):
    """Say whether a host is in a domain; one with a leading dot does not stand for itself."""
    if domain.startswith("."):
        return host.endswith(domain)
    return bool(domain) and (host == domain or host.endswith("." + domain))


def _split(entry):
    """Take the port off, as Go does: a text with more than one colon and no brackets has none."""
    form = re.match(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[^:]*)\Z", entry)
    if form is None:
        return entry, ""
    return form.group("v6") if form.group("v6") is not None else form.group("host"), form.group("port")


def _network(entry):
    if "/" not in entry:
        return None
    address, _slash, length = entry.partition("/")
    if _address(address) is None or not re.match(r"\d+\Z", length):
        return None
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a registry, in docker's form: C(host:port), or C(host) where the port is 443; IPv6 in brackets."""

import ipaddress
import re
from collections import namedtuple

from .errors import RefusedError

# In check mode a part may not be known yet: it is this literal, never a guess.
UNKNOWN = "(known after apply)"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_FORM = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}))?\Z")

# text: as docker writes it; host: for sockets (no brackets); port: int; ip: an ipaddress object or None
Endpoint = namedtuple("Endpoint", "text host port ip")


def is_unknown(text):
    """Say whether an endpoint has a part that is only known after apply."""
    return UNKNOWN in text


def parse(text):
    """Read one endpoint.

    :param text: str in docker's form
    :returns: Endpoint
    :raises RefusedError: where it is not a name that can stand in an image reference (and so not one for a directory)
    """
    form = _FORM.match(text)
    host = form.group("host") if form else ""
    port = int(form.group("port") or 443) if form else 0
    bare = host[1:-1] if host.startswith("[") else host
    address = _ip(bare)
    bracketed = host.startswith("[")
    named = not bracketed and (address is not None or _NAME.match(bare))
    if not 0 < port < 65536 or not (named or (bracketed and address is not None and address.version == 6)):
        raise RefusedError(
            "endpoints: {!r} is not a registry's name in docker's form; write host:port, or host where the port is "
            "443, with IPv6 addresses in brackets".format(text)
        )
    return Endpoint(text, bare, port, address)


def server(endpoint):
    """Give what all spellings of one server have in common: host, in lower case or as an address, and port."""
    return endpoint.ip or endpoint.host.lower(), endpoint.port


def _ip(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

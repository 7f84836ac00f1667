# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dockerd makes of --insecure-registry: which words are the flag, and what a value covers.

Source: docker 20.10 and 26 (opts.ListOpts, registry/config.go): the flag may be repeated; a value is one
registry (commas do not separate: dockerd refuses to start with one), compared byte by byte with host[:port] of an
image's name after a leading http:// or https:// is taken off; or a network, which covers every name that resolves
into it. An address without a port does not cover the same address with one.
"""

import ipaddress
from collections import namedtuple

FLAG = b"--insecure-registry"

# value: str; first, last: indexes of the first and last word that carry it; last is None where the flag stands
# at the end and nothing follows it
Flag = namedtuple("Flag", "value first last")


def find(arguments):
    """Find every --insecure-registry in a list of arguments.

    :param arguments: list of bytes
    :returns: list of Flag; an orphan (nothing after it) has the value "" and last None
    """
    found = []
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word == b"--":  # the end of all flags
            break
        if word == FLAG:
            follows = index + 1 < len(arguments)
            value = arguments[index + 1] if follows else b""
            found.append(Flag(_text(value), index, index + 1 if follows else None))
            index += 1
        elif word.startswith(FLAG + b"="):
            found.append(Flag(_text(word[len(FLAG) + 1 :]), index, index))
        index += 1
    return found


def names(value):
    """Give the name that a flag's value stands for: dockerd takes http:// and https:// off."""
    for scheme in ("http://", "https://"):
        if value.lower().startswith(scheme):
            return value[len(scheme) :]
    return value


def network(value):
    """Read a flag's value as a network (an ipaddress network), or None where it is a name."""
    if "/" not in names(value):
        return None
    try:
        return ipaddress.ip_network(names(value), strict=False)
    except ValueError:
        return None


def covered_by(value, addresses):
    """Say which endpoints a network covers.

    :param value: a flag's value
    :param addresses: dict of endpoint (str) to its addresses (list of ipaddress objects)
    :returns: list of endpoints, in the order given; empty where the value is no network
    """
    wanted = network(value)
    if wanted is None:
        return []
    return [endpoint for endpoint, ips in addresses.items() if any(address in wanted for address in ips)]


def _text(value):
    return value.decode("utf-8", "replace")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an address is of the network of Services, by the addresses that Services have. Pure.

No API tells that network on every cluster. Its first address is always the Service kubernetes' own, so that what
covers all Services begins where it does.
"""

from __future__ import annotations

import ipaddress

from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip

#: By family, in bits: a network as it is by default, and the widest that an API server takes.
_USUAL, _WIDEST = {4: 16, 6: 112}, {4: 12, 6: 108}


def may_be_a_service(address: str, facts: Facts) -> bool:
    """Whether a Service may have, or have had, an address; not where no Service of its family is known.

    :param address: an IP address.
    """
    asked = ipaddress.ip_address(address)
    known = [ipaddress.ip_address(text) for text in (*facts.cluster_ips, *(facts.others or ())) if is_ip(text)]
    numbers = [int(one) for one in known if one.version == asked.version]
    if not numbers:
        return False
    usual, widest, bits = _USUAL[asked.version], _WIDEST[asked.version], asked.max_prefixlen
    shared = min(usual, bits - (min(numbers) ^ max(numbers)).bit_length())
    # What no network can cover is several of them.
    away = bits - (shared if shared >= widest else usual)
    return int(asked) >> away in {number >> away for number in numbers}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the host of a Route is a name of the registry's own certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_own_host
short_description: Give the host of a Route where clients see the registry's own certificate there
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - A router that passes TLS through shows the registry's own certificate, which has to cover the host then, and nodes
    have to trust the registry's CA for it. Where TLS ends in the router, the host is no name of the registry's own.
  - This filter is a part of the collection's own roles and playbooks, and no interface; it can change in any release.
positional: termination
options:
  _input:
    description: The host, as in C(registry_route_host); empty where there is none.
    type: str
    required: true
  termination:
    description: Where TLS ends, as in C(registry_route_termination).
    type: str
    choices: [passthrough, reencrypt, edge]
    default: passthrough
"""

EXAMPLES = r"""
- name: Read the registry with the host that its own certificate has to cover
  okd.registry.registry_info:
    route_host: "{{ host | okd.registry.registry_own_host('reencrypt') | default(omit, true) }}"
"""

RETURN = r"""
_value:
  description: The host; empty where there is none, or where it is the router's.
  type: str
  sample: registry.apps.example.com
"""

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._routespec import PASSTHROUGH


def own_host(host: str, termination: str = PASSTHROUGH) -> str:
    """Give the host where TLS ends in the registry, or else an empty text.

    :param host: of the Route; empty where there is none
    :param termination: ``passthrough``, ``reencrypt`` or ``edge``
    """
    return host if termination == PASSTHROUGH else ""


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_own_host": own_host}

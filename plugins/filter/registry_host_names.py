# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names and addresses the inventory knows its hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_host_names
short_description: Tell by which names and addresses the inventory knows hosts
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Gives what O(okd.registry.registry_info#module:inventory) takes, so that the cluster's Nodes can be told by it.
  - Of each host these are the variable C(registry_node_name) where it has one, which is then the only name, or else its
    inventory name and C(ansible_host).
positional: hostvars
options:
  _input:
    description: Inventory names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The C(hostvars) of the play.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Read which Node of the cluster each host is
  okd.registry.registry_info:
    inventory: "{{ groups['registry_nodes'] | okd.registry.registry_host_names(hostvars) }}"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: Host by host, its names and addresses.
  type: dict
  sample:
    node1: [node1, 192.0.2.11]
"""

from collections.abc import Iterable, Mapping
from typing import Any

NODE_NAME = "registry_node_name"


def host_names(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Give each host's names and addresses, without any twice.

    :param hosts: inventory names
    :param hostvars: the play's hostvars
    """
    found = {}
    for host in hosts:
        variables = hostvars[host]
        said = variables.get(NODE_NAME)
        names = [said] if said else [host, variables.get("ansible_host")]
        found[str(host)] = list(dict.fromkeys(str(name) for name in names if name))
    return found


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_host_names": host_names}

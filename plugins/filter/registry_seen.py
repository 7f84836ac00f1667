# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts told of a registry, in the form in which registry_diagnose takes it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_seen
short_description: Gather what hosts told of a registry for M(okd.registry.registry_diagnose)
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the registered results of M(okd.registry.registry_trust_info) and M(okd.registry.registry_check) on several
    hosts into one dictionary, without what is no fact of them. Hosts that were not asked, such as those that
    C(--limit) left out, are not in it.
  - This filter is a part of the collection's own roles and playbooks, and no interface; it can change in any release.
positional: hostvars, trust, check, nodes, clients
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
  trust:
    description: Name of the variable in which each host registered the result of M(okd.registry.registry_trust_info).
    type: str
    required: true
  check:
    description: Name of the variable in which each host registered the result of M(okd.registry.registry_check).
    type: str
    required: true
  nodes:
    description:
      - Those of the hosts that are nodes of the cluster. All others are clients, which use the registry from outside.
        Without it, all are nodes.
    type: list
    elements: str
  clients:
    description:
      - Those of the others that are to use the registry. Of any other one, such as the host on which Ansible runs, it
        is no fact which names it cannot reach. Without it, all are.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: What is wrong with the registry?
  okd.registry.registry_diagnose:
    hosts: >-
      {{ groups['registry_nodes'] | union(groups['registry_clients'])
         | okd.registry.registry_seen(hostvars, 'host_trust', 'host_check', groups['registry_nodes']) }}
"""

RETURN = r"""
_value:
  description: By host, what it told.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

_TRUST = (
    "endpoints", "files", "system_trusts", "router_system_trusts", "insecure", "proxied", "problems", "failed",
    "unreachable", "msg",
)  # fmt: skip
_CHECK = ("results", "not_run", "skipped_steps", "failed", "unreachable", "msg")


def _of(result: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: result[key] for key in keys if key in result} if isinstance(result, Mapping) else {}


def seen(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    trust: str,
    check: str,
    nodes: Iterable[str] | None = None,
    clients: Iterable[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """What each host told.

    :param hosts: inventory names
    :param hostvars: the play's hostvars
    :param trust: the variable with the result of registry_trust_info
    :param check: the variable with the result of registry_check
    :param nodes: those that are nodes, the others being clients; None where all are
    :param clients: those of the others that are to use it; None where all are
    """
    hosts, found = list(hosts), {}
    inside = set(hosts if nodes is None else nodes)
    users = inside | set(hosts if clients is None else clients)
    for host in hosts:
        told = hostvars[host]
        one: dict[str, Any] = {"trust": _of(told.get(trust), _TRUST), "check": _of(told.get(check), _CHECK)}
        one["client"] = host not in inside
        if host not in users:
            one["unlisted"] = True
            one["check"].pop("not_run", None)
        if one["trust"] or one["check"]:
            found[host] = one
    return found


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_seen": seen}

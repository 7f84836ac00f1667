# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes trust as lines that a person can read: node by node, name by name, engine by engine."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_trust_table
short_description: Render what M(okd.registry.registry_trust_info) found, node by node and endpoint by endpoint
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the registered results of M(okd.registry.registry_trust_info) on several hosts into aligned lines of text.
  - Engines of a node that trust a name alike share a line; what else is wrong on a node follows on lines of its own.
positional: hostvars, variable
options:
  _input:
    description: Inventory names of the hosts, in the order in which they are shown.
    type: list
    elements: str
    required: true
  hostvars:
    description: The C(hostvars) of the play.
    type: dict
    required: true
  variable:
    description: Name of the variable under which each host registered its result.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what every node trusts
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | okd.registry.registry_trust_table(hostvars, 'node_trust') }}"
"""

RETURN = r"""
_value:
  description: One line for each node, endpoint and verdict, and one for each problem.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = "not looked at: the node was not reached, or an earlier step failed there"
_OWNERS = {"ours": "", "changed": "changed by somebody since", "foreign": "not written by registry_trust"}

Row = tuple[str, str, str, str]


def _verdict(found: Mapping[str, Any]) -> str:
    """Say in words how one engine stands to one name."""
    parts = ["trusted" if found["state"] == "trusted" else f"{found['state'].upper()}: {found['reason']}"]
    if found["state"] == "trusted":
        parts += [f"{found['days_left']} days left"] if found["days_left"] is not None else []
        parts += [_OWNERS[found["owner"]]] if _OWNERS[found["owner"]] else []
    if not found["verified"]:
        parts.append("NOT VERIFIED: docker runs with an insecure flag for it")
    return ", ".join(parts)


def _rows(host: str, found: Mapping[str, Any] | None) -> list[Row]:
    """Give the rows (host, endpoint, engines, verdict) of one host."""
    if not found or "endpoints" not in found:
        return [(host, "-", "-", str((found or {}).get("msg") or _ABSENT))]
    alike: dict[tuple[str, str], list[str]] = {}
    for each in found["endpoints"]:
        alike.setdefault((each["endpoint"], _verdict(each)), []).append(each["engine"])
    rows = [(host, endpoint, ", ".join(dict.fromkeys(engines)), said) for (endpoint, said), engines in alike.items()]
    told = {each["reason"] for each in found["endpoints"]}
    rows += [(host, "-", "-", problem) for problem in found["problems"] if problem not in told]
    insecure = found["insecure"]
    rows += [
        (
            host,
            ", ".join(network["endpoints"]),
            "docker",
            f"the network {network['value']} in {network['file']} covers it",
        )
        for network in insecure["networks"]
    ]
    rows += [
        (host, "-", "docker", f"runs with {value} as insecure, which no file has any more")
        for value in insecure["stale"]
    ]
    return rows or [(host, "-", "-", "nothing of registry_trust is here")]


def trust_table(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], variable: str) -> list[str]:
    """Render the results of all hosts, aligned.

    :param hosts: inventory names, in the order wanted
    :param hostvars: the play's hostvars
    :param variable: the variable in which each host registered its result; a host without it was not looked at
    """
    rows = [row for host in hosts for row in _rows(host, hostvars[host].get(variable))]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return ["  ".join([f"{row[column]:<{widths[column]}}" for column in range(3)] + [row[3]]) for row in rows]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_trust_table": trust_table}

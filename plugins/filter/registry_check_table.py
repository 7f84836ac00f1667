# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof by use as lines that a person can read: node by node, name by name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_check_table
short_description: Render what M(okd.registry.registry_check) found, node by node and endpoint by endpoint
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the registered results of M(okd.registry.registry_check) on several hosts into aligned lines of text.
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
- name: Show what every node's docker could do
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | okd.registry.registry_check_table(hostvars, 'node_check') }}"
"""

RETURN = r"""
_value:
  description: One line for each node and endpoint.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = "not checked: the node was not reached, or an earlier step failed there"


def _steps(results: Iterable[Mapping[str, Any]]) -> str:
    """Say how the steps of one endpoint went: C(login 0.03 s, push FAILED: …)."""
    return ", ".join(
        f"{result['step']} {result['seconds']:.2f} s" if result["ok"] else f"{result['step']} FAILED: {result['error']}"
        for result in results
    )


def _lines(host: str, found: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Give the rows (host, endpoint, what happened) of one host."""
    results = (found or {}).get("results") or []
    if not results:
        return [(host, "-", str((found or {}).get("msg") or _ABSENT))]
    endpoints = dict.fromkeys(result["endpoint"] for result in results)
    return [
        (host, endpoint, _steps(result for result in results if result["endpoint"] == endpoint))
        for endpoint in endpoints
    ]


def check_table(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], variable: str) -> list[str]:
    """Render the results of all hosts, aligned.

    :param hosts: inventory names, in the order wanted
    :param hostvars: the play's hostvars
    :param variable: the variable in which each host registered its result; a host without it was not checked
    """
    rows = [row for host in hosts for row in _lines(host, hostvars[host].get(variable))]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_check_table": check_table}

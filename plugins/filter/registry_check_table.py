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
- name: Show what every node's engine could do
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | okd.registry.registry_check_table(hostvars, 'node_check') }}"
"""

RETURN = r"""
_value:
  description:
    - A line for each node and endpoint, with the seconds of each step and their sum; C(FAILED), C(warning), or C(-)
      for a step that was not gone through.
    - Then a line for each fault, and for each endpoint that cannot be reached from a host.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = "not checked: the node was not reached, or an earlier step failed there"
#: The module's steps in their order; those that it does not know come last.
_STEPS = (
    "resolve", "tls", "v2", "trust", "login", "push", "monolithic", "chunked", "refused", "pull_tag", "pull",
)  # fmt: skip
_HEAD = ("host", "by", "endpoint")

Found = Mapping[str, Any]


def _cell(result: Found | None) -> str:
    """Say how one step of one endpoint went: its seconds, or that it did not work."""
    if result is None:
        return "-"
    status = result.get("status") or ("ok" if result["ok"] else "failed")
    return {"ok": f"{result['seconds']:.2f}", "failed": "FAILED"}.get(status, status)


def _row(host: str, found: Found, endpoint: str, steps: list[str]) -> list[str]:
    """Give the cells of one endpoint on one host."""
    own = {result["step"]: result for result in found["results"] if result["endpoint"] == endpoint}
    spent = sum(result["seconds"] for result in own.values())
    cells = [_cell(own.get(step)) for step in steps]
    by = own.get("push", {}).get("by") or found.get("engine")
    return [host, str(by or "-"), endpoint, *cells, f"{spent:.2f}" if own else "-"]


def _endpoints(found: Found) -> list[str]:
    """Name the endpoints of a host's result, also those of which nothing was gone through."""
    both = [*(found.get("results") or []), *(found.get("not_run") or [])]
    return list(dict.fromkeys(entry["endpoint"] for entry in both))


def _said(host: str, found: Found | None) -> list[str]:
    """Give the faults of one host as sentences."""
    if not found or not _endpoints(found):
        return [f"{host}: {(found or {}).get('msg') or _ABSENT}"]
    wrong = [result for result in found.get("results") or [] if result.get("error")]
    lines = [f"{host}: {result['step']} {_cell(result)}: {result['error']}" for result in wrong]
    away = {left["endpoint"]: left for left in found.get("not_run") or [] if left["status"] == "unreachable"}
    lines += [f"{host}: {name} cannot be reached from here: {left['error']}" for name, left in away.items()]
    return lines + [f"{host}: left in the engine: {left}" for left in found.get("leftovers") or []]


def check_table(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], variable: str) -> list[str]:
    """Render the results of all hosts, aligned.

    :param hosts: inventory names, in the order wanted
    :param hostvars: the play's hostvars
    :param variable: the variable in which each host registered its result; a host without it was not checked
    """
    known = {host: hostvars[host].get(variable) for host in hosts}
    seen = {result["step"] for found in known.values() for result in (found or {}).get("results") or []}
    steps = [step for step in _STEPS if step in seen] + sorted(seen - set(_STEPS))
    rows = [
        _row(host, found, endpoint, steps) for host, found in known.items() if found for endpoint in _endpoints(found)
    ]
    lines = _aligned([[*_HEAD, *steps, "total"], *rows]) if rows else []
    return lines + [line for host, found in known.items() for line in _said(host, found)]


def _aligned(rows: list[list[str]]) -> list[str]:
    """Bring cells into columns: names to the left, times to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = len(_HEAD)
    return [
        "  ".join(f"{cell:<{width}}" if at < left else f"{cell:>{width}}" for at, (cell, width) in enumerate(row))
        for row in (list(zip(row, widths, strict=True)) for row in rows)
    ]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_check_table": check_table}

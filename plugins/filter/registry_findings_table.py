# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_diagnose found as lines that a person can read: cause, where, what was seen, what mends it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_findings_table
short_description: Render what M(okd.registry.registry_diagnose) found, cause by cause
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the result of M(okd.registry.registry_diagnose) into aligned lines of text. Each cause has a line with its
    name, where it is and what was seen, and below it what mends it and the command that does so.
positional: inventory
options:
  _input:
    description: The result.
    type: dict
    required: true
  inventory:
    description:
      - Sources of the inventory with which commands are to run playbooks, as C(ansible_inventory_sources) has them.
        What is below the working directory is shown as it is called there. Without it, commands are shown as they are
        in the result.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show every cause, with what was seen and what mends it
  ansible.builtin.debug:
    msg: "{{ diagnosis | okd.registry.registry_findings_table(ansible_inventory_sources) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import with_inventory

_WELL = "Nothing is wrong."
_HEAD = ("", "CAUSE", "WHERE", "SEEN, AND WHAT MENDS IT")


def _where(found: Mapping[str, Any]) -> str:
    return str(found.get("host") or found.get("object") or "the registry")


def _rows(found: Mapping[str, Any], inventory: Iterable[str], here: PurePath) -> Iterator[tuple[str, str, str, str]]:
    """The rows of one cause."""
    about = f"{found['title']}: {', '.join(found['endpoints'])}" if found["endpoints"] else str(found["title"])
    yield (str(found["severity"]).upper(), str(found["name"]), _where(found), about)
    for seen in found["evidence"]:
        yield ("", "", "", f"seen: {seen}")
    yield ("", "", "", f"fix:  {found['fix']}")
    if found.get("command"):
        yield ("", "", "", f"run:  {with_inventory(found['command'], inventory, here)}")


def findings_table(result: Mapping[str, Any], inventory: Iterable[str] = ()) -> list[str]:
    """Render a result.

    :param result: what registry_diagnose returned
    :param inventory: sources of the inventory, for the commands
    """
    sources, here = list(inventory), Path.cwd()
    rows = [row for found in result.get("findings") or [] for row in _rows(found, sources, here)]
    not_read = [f"not judged: {said}" for said in result.get("unread") or []]
    if not rows:
        return [_WELL, *not_read]
    rows.insert(0, _HEAD)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([f"{row[column]:<{widths[column]}}" for column in range(3)] + [row[3]]) for row in rows]
    return [*lines, *not_read]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_findings_table": findings_table}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the report on a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_report_table
short_description: Render the report on a registry
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns what P(okd.registry.registry_report#filter) gave into aligned lines of text, without the problems, which
    P(okd.registry.registry_findings_table#filter) renders.
options:
  _input:
    description: The report.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ {'info': found} | okd.registry.registry_report | okd.registry.registry_report_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.okd.registry.plugins.plugin_utils import _report


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_report_table": _report.lines}

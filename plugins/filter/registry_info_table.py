# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render what there is of a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_info_table
short_description: Render what there is of a registry
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the result of M(okd.registry.registry_info) into aligned lines of text - names, pods,
    certificates, Routes, how full the storage is, image streams, and logs.
options:
  _input:
    description: The result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show how it is
  ansible.builtin.debug:
    msg: "{{ found | okd.registry.registry_info_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.okd.registry.plugins.plugin_utils import _state_table


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_info_table": _state_table.lines}

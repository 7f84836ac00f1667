# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render what is in a registry's storage."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_storage_table
short_description: Render what is in a registry's storage
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns the result of M(okd.registry.registry_storage_info) into aligned lines of text - each
    repository, totals, and links that lead nowhere.
options:
  _input:
    description: The result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is stored
  ansible.builtin.debug:
    msg: "{{ stored | okd.registry.registry_storage_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.okd.registry.plugins.plugin_utils import _storage_table


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_storage_table": _storage_table.lines}

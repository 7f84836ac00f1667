# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the report on a registry of what modules told."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_report
short_description: Make the report on a registry of what modules told
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Turns results of this collection's modules into one dictionary, which C(docs/report.schema.json) describes.
options:
  _input:
    description:
      - Results by what they are - C(info) of M(okd.registry.registry_info), C(hosts) of
        P(okd.registry.registry_seen#filter), C(diagnosis) of M(okd.registry.registry_diagnose), C(storage) of
        M(okd.registry.registry_storage_info), and C(now).
      - All may be missing; without C(diagnosis), what is there is judged by the same rules.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ {'info': found} | okd.registry.registry_report }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
"""

from typing import Any

from ansible_collections.okd.registry.plugins.plugin_utils import _report


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_report": _report.build}

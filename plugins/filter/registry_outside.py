# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which of its names a registry is reached from outside of the cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_outside
short_description: Give the names by which a registry is reached from outside of the cluster
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Of a registry's names, those of Services lead there within the cluster only - the addresses of its own, its DNS
    names in whatever cluster domain, and other names that end in C(.svc) or C(.svc.cluster.local). All others, of
    Routes and those that were added, are for clients as well.
options:
  _input:
    description: A registry as RV(okd.registry.registry_info#module:registry) tells it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Read the registry
  okd.registry.registry_info:
  register: found
  delegate_to: localhost

- name: Trust it on a host that is no node
  okd.registry.registry_trust:
    endpoints: "{{ found.registry | okd.registry.registry_outside }}"
    ca_cert: "{{ found.ca_cert }}"
    restart: false
"""

RETURN = r"""
_value:
  description: Names as docker writes them; none where nothing leads to the registry from outside.
  type: list
  elements: str
  sample: [registry.apps.example.com]
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._endpoints import is_inside


def outside(registry: Mapping[str, Any]) -> list[str]:
    """Give the names that lead to the registry from outside.

    :param registry: as registry_info tells it
    """
    name, namespace, addresses = (registry[part] for part in ("name", "namespace", "cluster_ips"))
    return [each for each in registry["endpoints"] if not is_inside(each, name, namespace, addresses)]


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_outside": outside}

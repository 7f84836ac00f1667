# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an uninstall takes away, or has taken away, from the cluster and from nodes: for its question and its report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_gone
short_description: Say what is taken away from the cluster and from nodes and clients
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Reads the results of this collection's modules with C(state=absent), of a run as of a plan (check mode), and gives a
    few sentences that leave open which of the two it was.
  - Hosts on which the same is done share a sentence.
  - This filter is a part of the collection's own roles and playbooks, and no interface; it can change in any release.
positional: hosts, hostvars, variables
options:
  _input:
    description: Results of modules that work on the cluster.
    type: list
    elements: dict
    required: true
  hosts:
    description: Inventory names of nodes and clients.
    type: list
    elements: str
    default: []
  hostvars:
    description: The C(hostvars) of the play.
    type: dict
    default: {}
  variables:
    description: Names of the variables under which each of them registered results of M(okd.registry.registry_trust).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What would go
  ansible.builtin.debug:
    msg: "{{ [workload, route] | okd.registry.registry_gone(groups['registry_nodes'], hostvars, ['node_trust']) }}"
"""

RETURN = r"""
_value:
  description: Sentences; none where nothing goes.
  type: list
  elements: str
  sample:
    - "From the cluster: DeploymentConfig default/docker-registry, Route default/docker-registry."
    - "From 2 hosts (node1, node2): /etc/docker/certs.d/registry.apps.example.com/ca.crt."
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NAMED = 5  # as many hosts are named in a sentence
_FILE = re.compile(r"Remove (?P<path>/.*?): ")
_IN_CLUSTER = {"deleted": "From the cluster", "updated": "Changed in the cluster"}


def _object(resource: Mapping[str, Any]) -> str:
    place = f"{resource['namespace']}/" if resource.get("namespace") else ""
    return f"{resource['kind']} {place}{resource['name']}"


def _done_on(host: Mapping[str, Any], variables: Iterable[str]) -> tuple[str, ...]:
    """What the modules did on one host, in their words."""
    results = [host.get(variable) or {} for variable in variables]
    return tuple(action for result in results for action in result.get("actions") or ())


def _hosts(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} host{'s' if len(names) > 1 else ''} ({', '.join(names[:_NAMED])}{more})"


def gone(
    results: Iterable[Mapping[str, Any]],
    hosts: Iterable[str] = (),
    hostvars: Mapping[str, Mapping[str, Any]] | None = None,
    variables: Sequence[str] = (),
) -> list[str]:
    """Give a sentence for the objects that go, one for those that change, and some for each kind of host.

    :param results: of modules on the cluster; one of a task that was skipped or failed says nothing.
    :param hosts: inventory names of nodes and clients.
    :param variables: under which each of them registered what registry_trust returned.
    """
    resources = [resource for result in results for resource in result.get("resources") or ()]
    found = {
        title: [_object(resource) for resource in resources if resource.get("action") == action]
        for action, title in _IN_CLUSTER.items()
    }
    sentences = [f"{title}: {', '.join(dict.fromkeys(names))}." for title, names in found.items() if names]
    groups: dict[tuple[str, ...], list[str]] = {}
    for host in hosts:
        groups.setdefault(_done_on((hostvars or {})[host], variables), []).append(host)
    for actions, names in groups.items():
        files = [match["path"] for match in map(_FILE.match, actions) if match]
        others = [action for action in actions if not _FILE.match(action)]
        sentences += [f"From {_hosts(names)}: {', '.join(files)}."] if files else []
        sentences += [f"On {_hosts(names)}: {'; '.join(others)}."] if others else []
    return sentences


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_gone": gone}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which hosts a task did not come to a good end, and why: what the next step of a rotation asks before it begins."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_not_done
short_description: Say on which hosts a task did not come to a good end, and why
version_added: 1.0.0
author: okd.registry contributors (@okd-registry)
description:
  - Looks at what a task registered on each host. A host that failed or could not be reached drops out of a play, and
    the next play goes on without it; this filter lets a play on another host see that, and stop.
  - This filter is a part of the collection's own roles and playbooks, and no interface; it can change in any release.
positional: hostvars, variables
options:
  _input:
    description: Inventory names of all hosts on which the task should have succeeded.
    type: list
    elements: str
    required: true
  hostvars:
    description: The C(hostvars) of the play.
    type: dict
    required: true
  variables:
    description:
      - Name of the variable under which each host registered the task's result; of several, in order, the first
        that is no success counts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Go on only when every node trusts the registry
  ansible.builtin.assert:
    that: groups['registry_nodes'] | okd.registry.registry_not_done(hostvars, 'node_trust') | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each host that is not done; empty when all are.
  type: list
  elements: str
  sample:
    - "node2: could not be reached: Failed to connect to the host via ssh"
"""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = "an earlier step failed there, or --limit left it out of this run"
# By its condition, as where OpenShift 4 places the CA itself; a module that skips itself in check mode is no such case.
_SKIPPED = "nothing was done there by this run, so that it cannot be told"


def _why(found: Mapping[str, Any] | None) -> str | None:
    """Say why a registered result is no success; None where it is one."""
    if not found:
        return _ABSENT
    said = str(found.get("msg") or "no reason was given")
    if found.get("unreachable"):
        return f"could not be reached: {said}"
    if found.get("skipped") and "skip_reason" in found:
        return _SKIPPED
    return f"failed: {said}" if found.get("failed") else None


def not_done(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], variables: str | Iterable[str]
) -> list[str]:
    """Give a sentence for each host on which a result is missing or is no success.

    :param hosts: inventory names of all hosts that should have succeeded
    :param hostvars: the play's hostvars
    :param variables: the variables in which each host registered its results, in the order of the tasks
    """
    names = [variables] if isinstance(variables, str) else list(variables)
    found = []
    for host in hosts:
        reasons = (_why(hostvars[host].get(name)) for name in names)
        why = next((reason for reason in reasons if reason is not None), None)
        found += [f"{host}: {why}"] if why is not None else []
    return found


class FilterModule:
    """Register the filter."""

    def filters(self) -> dict[str, Any]:
        """Name the filter as Ansible looks it up."""
        return {"registry_not_done": not_done}

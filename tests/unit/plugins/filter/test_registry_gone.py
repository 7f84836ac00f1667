# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an uninstall says of what it takes away."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.filter.registry_gone import gone

CA = "Remove /etc/docker/certs.d/{}/ca.crt: not wanted any more"


def resource(kind: str, name: str, action: str, namespace: str | None = "default") -> dict[str, Any]:
    return {"kind": kind, "name": name, "namespace": namespace, "action": action}


def test_the_cluster_s_part_is_named_once_and_what_stays_is_not() -> None:
    results = [
        {"resources": [resource("Deployment", "r", "deleted"), resource("Service", "r", "unchanged")]},
        {"skipped": True},
        {"failed": True, "msg": "no"},
        {"resources": [resource("SecurityContextConstraints", "privileged", "updated", None)]},
        {"resources": [resource("Deployment", "r", "deleted")]},
    ]
    assert gone(results) == [
        "From the cluster: Deployment default/r.",
        "Changed in the cluster: SecurityContextConstraints privileged.",
    ]


def test_hosts_on_which_the_same_is_done_share_a_sentence() -> None:
    same = {"gone": {"actions": [CA.format("a"), CA.format("b")]}}
    hostvars: dict[str, dict[str, Any]] = {
        **{f"n{number}": same for number in range(7)},
        "other": {"gone": {"actions": [CA.format("b")]}, "back": {"actions": ["Restart docker"]}},
        "nothing": {"gone": {"actions": []}},
        "unreachable": {},
    }
    assert gone([], hostvars, hostvars, ["gone", "back"]) == [
        "From 7 hosts (n0, n1, n2, n3, n4 and 2 more): /etc/docker/certs.d/a/ca.crt, /etc/docker/certs.d/b/ca.crt.",
        "From 1 host (other): /etc/docker/certs.d/b/ca.crt.",
        "On 1 host (other): Restart docker.",
    ]


def test_where_nothing_goes_nothing_is_said() -> None:
    assert gone([{"resources": [resource("Route", "r", "unchanged")]}], ["n"], {"n": {"gone": {}}}, ["gone"]) == []

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts told, by host, without what is no fact; a host that is a node is no client, whatever else it is."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.filter.registry_seen import FilterModule

seen = FilterModule().filters()["registry_seen"]
TOLD = {"endpoints": [], "changed": False, "invocation": {}}
HOSTVARS: dict[str, dict[str, Any]] = {
    "node1": {"trust": TOLD},
    "node2": {"trust": TOLD, "check": {"results": []}},
    "bastion": {"trust": TOLD},
    "left-out": {},
}


def test_facts_alone_of_hosts_that_were_asked() -> None:
    found = seen(HOSTVARS, HOSTVARS, "trust", "check")
    assert found == {
        "node1": {"trust": {"endpoints": []}, "check": {}, "client": False},
        "node2": {"trust": {"endpoints": []}, "check": {"results": []}, "client": False},
        "bastion": {"trust": {"endpoints": []}, "check": {}, "client": False},
    }


def test_what_its_engine_asks_a_proxy_for_is_a_fact() -> None:
    proxied = [{"endpoint": "r.example", "engine": "docker", "reason": "it asks p"}]
    told = {"node1": {"trust": {"endpoints": [], "proxied": proxied, "registries": []}}}
    assert seen(["node1"], told, "trust", "check")["node1"]["trust"] == {"endpoints": [], "proxied": proxied}


def test_whom_the_system_trusts_is_a_fact() -> None:
    told = {"endpoints": [], "system_trusts": False, "router_system_trusts": True}
    assert seen(["node1"], {"node1": {"trust": {**told, "anchors": []}}}, "trust", "check")["node1"]["trust"] == told


def test_what_a_host_could_not_reach_is_a_fact() -> None:
    away = {"endpoint": "r.example", "step": "resolve", "status": "unreachable", "reason": "unresolved", "error": "no"}
    told = {"bastion": {"check": {"results": [], "not_run": [away], "seconds": 0.1}}}
    of = {"results": [], "not_run": [away]}
    assert seen(["bastion"], told, "trust", "check", [])["bastion"]["check"] == of
    assert seen(["bastion"], told, "trust", "check", [], ["bastion"])["bastion"]["check"] == of
    assert seen(["bastion"], told, "trust", "check", ["bastion"], [])["bastion"]["check"] == of


def test_what_the_control_host_cannot_reach_is_none() -> None:
    told = {"localhost": {"check": {"results": [], "not_run": [{"endpoint": "r.example"}]}}}
    found = seen(["localhost"], told, "trust", "check", ["node1"], ["bastion"])["localhost"]
    assert found == {"trust": {}, "check": {"results": []}, "client": True, "unlisted": True}


def test_a_host_is_a_client_where_it_is_no_node() -> None:
    nodes, clients = ["node1", "node2"], ["bastion", "node2"]  # docs/expose.md has nodes among the clients, too
    found = seen([*nodes, *(one for one in clients if one not in nodes)], HOSTVARS, "trust", "check", nodes)
    assert {host: one["client"] for host, one in found.items()} == {"node1": False, "node2": False, "bastion": True}


def test_without_nodes_all_are_clients() -> None:
    found = seen(iter(["bastion"]), HOSTVARS, "trust", "check", [])
    assert found["bastion"]["client"]

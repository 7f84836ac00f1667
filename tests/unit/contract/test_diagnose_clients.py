# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which hosts diagnose.yml asks whether the engines have the router's CA, and for which names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collection import NAME, ROOT, load_yaml
from evaluated import play_all

CLIENTS, OTHERS = "registry_clients", "registry_nodes"
ROUTERS = ["a.apps.example.com", "b.apps.example.com"]
PATH = {"registry_route_ca_cert_path": "router.crt"}
HOST = {"registry_route_host": "B.apps.example.com"}
ENDS = {"registry_route_termination": "reencrypt"}
NOTHING: list[Any] = [[], ""]

# Of each host its group, its variables, and what is asked about the router: names and CA.
HOSTS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "client": (CLIENTS, {**PATH, **ENDS}, [ROUTERS, "the router's"]),
    # What trust_clients.yml would place there is what it may lack.
    "one-host": (CLIENTS, {**PATH, **ENDS, **HOST}, [ROUTERS[1:], "the router's"]),
    "no-such-host": (CLIENTS, {**PATH, **ENDS, "registry_route_host": "c.example.com"}, [[], "the router's"]),
    # The host that the inventory says passes TLS through, and others do not.
    "beside": (CLIENTS, {**PATH, **HOST}, [ROUTERS, "the router's"]),
    "without-the-ca": (CLIENTS, ENDS, NOTHING),
    "empty": (CLIENTS, {**ENDS, "registry_route_ca_cert_path": ""}, NOTHING),
    "node": (OTHERS, {**PATH, **ENDS}, NOTHING),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each host was asked, of all in one run."""
    folder = tmp_path_factory.mktemp("diagnose_clients")
    (folder / "router.crt").write_text("the router's")
    tasks = load_yaml(ROOT / "roles/registry_diagnose/tasks/host.yml")
    (task,) = [one for one in tasks if f"{NAME}.registry_trust_info" in one]
    options = {key: task[f"{NAME}.registry_trust_info"][key] for key in ("router_endpoints", "router_ca_cert")}
    known = load_yaml(ROOT / "roles/registry_diagnose/vars/main.yml")
    known["__registry_diagnose_cluster"] = {"router_endpoints": ROUTERS}
    told = "{{ [router_endpoints, router_ca_cert | default('')] | to_json }}"
    steps = [
        {"ansible.builtin.set_fact": options, "vars": task["vars"]},
        {"ansible.builtin.copy": {"content": told, "dest": str(folder / "{{ inventory_hostname }}.json")}},
    ]
    play = {"hosts": "all", "gather_facts": False, "vars": known, "tasks": steps}
    groups: dict[str, Any] = {CLIENTS: {"hosts": {}}, OTHERS: {"hosts": {}}}
    for name, (group, variables, _asked) in HOSTS.items():
        groups[group]["hosts"][name] = variables
    play_all(folder, {"book.yml": [play]}, groups)
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in HOSTS}


@pytest.mark.parametrize("name", HOSTS)
def test_who_is_to_have_the_router_s_ca_is_asked_about_it(asked: dict[str, Any], name: str) -> None:
    assert asked[name] == HOSTS[name][2]

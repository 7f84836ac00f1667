# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CA clients get for which hosts, by the variables and by what the cluster has, or why they get none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collection import NAME, ROOT, load_yaml
from evaluated import play_all

SERVICE = ["172.30.124.220:5000", "[fd00:1::5]:5000", "docker-registry.default.svc:5000"]
SERVICE += ["docker-registry.default.svc.cluster.local:5000"]
ROUTE, ROUTER = "registry.apps.example.com", "generated.apps.example.com"
OWN, OF_ROUTE = "default/docker-registry", "default/docker-registry.route"
REENCRYPT = {"registry_route_termination": "reencrypt", "registry_route_ca_cert_path": "router.crt"}


def client(*outside: str, router: list[str] | None = None, **variables: Any) -> dict[str, Any]:
    """Variables of a client, with what the cluster has: more names than the Service's own, and hosts of the router."""
    registry = {"name": "docker-registry", "namespace": "default", "cluster_ips": ["172.30.124.220", "fd00:1::5"]}
    read = {"registry": {**registry, "endpoints": [*SERVICE, *outside]}, "router_endpoints": router or []}
    return {**variables, "registry_cluster_read": {**read, "ca_cert": "the registry's"}}


# Of each client what it is to be given: (record, hosts, CA), or a part of what it is told.
CLIENTS: dict[str, tuple[dict[str, Any], Any]] = {
    "passed-through": (client(ROUTE, registry_route_host=ROUTE), (OWN, [ROUTE], "the registry's")),
    # The variable of the time when TLS ended in the router may stay.
    "passed-through-again": (
        client(ROUTE, registry_route_ca_cert_path="router.crt"), (OWN, [ROUTE], "the registry's"),
    ),
    "load-balancer": (client("192.0.2.10:5000"), (OWN, ["192.0.2.10:5000"], "the registry's")),
    "hex-letters": (client("cafe.de:5000", ROUTE), (OWN, ["cafe.de:5000", ROUTE], "the registry's")),
    "service-alone": (client(), "Neither registry_route_host nor a Route or registry_extra_hosts tells by which host"),
    "reencrypted": (
        client(router=[ROUTER], registry_route_host="Images.example.com", **REENCRYPT),
        (OF_ROUTE, ["images.example.com"], "the router's"),
    ),
    "generated": (
        client(ROUTE, router=[ROUTER], registry_route_generated=True, **REENCRYPT),
        (OF_ROUTE, [ROUTER], "the router's"),
    ),
    "empty": (client(router=[ROUTER], registry_route_host="", **REENCRYPT), (OF_ROUTE, [ROUTER], "the router's")),
    "not-exposed": (
        client(registry_route_generated=True, **REENCRYPT),
        "Neither registry_route_host nor a Route whose TLS ends in the router tells by which host",
    ),
    "not-exposed-anew": (
        client(ROUTE, registry_route_host=ROUTE, **REENCRYPT),
        f"Clients see the certificate of the registry itself at {ROUTE}, by a Route that passes TLS through",
    ),
    "still-reencrypted": (
        client(ROUTE, router=[ROUTE], registry_route_host=ROUTE),
        f"Clients see the certificate of a router at {ROUTE}, by a Route of the termination reencrypt or edge, and",
    ),
    "without-the-router-s-ca": (
        client(router=[ROUTER], registry_route_generated=True, registry_route_termination="edge"),
        "registry_route_termination is edge, so clients see the router's certificate",
    ),
}  # fmt: skip


def tasks() -> list[dict[str, Any]]:
    """The role's tasks, with the cluster read already, and a note of what it is given in the place of our module."""
    found = []
    for task in load_yaml(ROOT / "roles/registry_trust/tasks/clients.yml"):
        arguments = task.pop(f"{NAME}.registry_trust", None)
        if arguments:
            given = [arguments[part] for part in ("registry", "endpoints", "ca_cert") if part in arguments]
            task["ansible.builtin.set_fact"] = {"given": given}
        if "ansible.builtin.include_tasks" in task:
            task["ansible.builtin.include_tasks"] = str(
                ROOT / "roles/registry_trust/tasks" / task["ansible.builtin.include_tasks"]
            )
        found += [] if "ansible.builtin.include_role" in task else [task]
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every client was given, or why it was given nothing: of all of them in one run."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "router.crt").write_text("the router's")
    why = {"ansible.builtin.set_fact": {"given": "{{ ansible_failed_result.msg }}"}}
    given = "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'given'))) | to_json }}"
    note = {"ansible.builtin.copy": {"content": given, "dest": str(folder / "given")}, "run_once": True}
    play = {
        "hosts": "registry_clients",
        "gather_facts": False,
        "vars": load_yaml(ROOT / "roles/registry_trust/vars/main.yml"),
        "tasks": [{"block": tasks(), "rescue": [why]}, note],
    }
    hosts = {name: variables for name, (variables, _told) in CLIENTS.items()}
    play_all(folder, {"book.yml": [play]}, {"registry_clients": {"hosts": hosts}})
    return dict(json.loads((folder / "given").read_text()))


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gets_the_ca_that_it_sees_or_is_told_why_not(told: dict[str, Any], name: str) -> None:
    wanted = CLIENTS[name][1]
    if isinstance(wanted, str):
        assert wanted in " ".join(told[name].split())
    else:
        assert told[name] == list(wanted)

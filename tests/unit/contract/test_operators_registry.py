# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check.yml and trust.yml make of a registry that the image-registry operator has: roles as they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collection import NAME, ROOT, load_yaml
from evaluated import play_all

NAMES = ["image-registry.openshift-image-registry.svc:5000"]


def read(layout: str, ca_cert: str | None, *at_router: str, tls: bool = True) -> dict[str, Any]:
    """What registry_info tells of a registry."""
    registry = {"name": "image-registry", "namespace": "openshift-image-registry", "endpoints": NAMES}
    told = {
        "registry": registry,
        "ca_cert": ca_cert,
        "layout": {"name": layout, "tls": tls},
        "router_endpoints": [*at_router],
    }
    return {"registry_cluster_read": {**told, "unread": [], "node_ca": True}}


# Of each registry by which CA it is checked, and whether nodes are told of it; or a part of what is said.
REGISTRIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "operators": (read("operator", "PEM"), "PEM", "there is nothing to place here"),
    "operators-unread": (
        read("operator", None), "the host's own", "the service CA in its ConfigMap serviceca cannot be read",
    ),
    "own": (read("oadm", "PEM"), "PEM", "PEM"),
    # Without TLS of its own, behind a router that has it.
    "edge": (read("plain", None, "edge.example.com", tls=False), "the host's own", "run playbooks/deploy.yml first"),
    "reencrypted-without-its-ca": (
        read("oadm", None, "a.example.com"), "run playbooks/deploy.yml first", "run playbooks/deploy.yml first",
    ),
    "own-not-yet": (read("oadm", None), "run playbooks/deploy.yml first", "run playbooks/deploy.yml first"),
}  # fmt: skip


def cluster() -> list[dict[str, Any]]:
    """The tasks of registry_cluster, after its look; each host has a registry of its own here."""
    tasks = load_yaml(ROOT / "roles/registry_cluster/tasks/main.yml")
    return [
        {key: value for key, value in task.items() if key != "run_once"}
        for task in tasks
        if f"{NAME}.registry_info" not in task
    ]


def play(role: str, module: str, fact: str, option: str) -> list[dict[str, Any]]:
    """The tasks of a role to the first that calls a module, which notes an option; and why it did not come to that."""
    found = []
    for task in load_yaml(ROOT / "roles" / role / "tasks/main.yml"):
        found += task.get("block", [task])
    tasks: list[dict[str, Any]] = []
    for one in found:
        task = {key: value for key, value in one.items() if key not in ("register", "run_once")}
        if "ansible.builtin.include_role" in task:
            task["ansible.builtin.include_tasks"] = "cluster.yml"
            del task["ansible.builtin.include_role"]
        if "ansible.builtin.include_tasks" in task and "openshift4.yml" in task["ansible.builtin.include_tasks"]:
            del task["ansible.builtin.include_tasks"]
            task[module] = load_yaml(ROOT / "roles" / role / "tasks/openshift4.yml")[0][module]
        arguments = task.pop(module, None)
        if arguments:
            task["ansible.builtin.set_fact"] = {fact: arguments[option], "asked": True}
            return [{"block": [*tasks, task], "rescue": [why(fact)]}]
        tasks.append(task)
    raise AssertionError(f"no {module} in {role}")


def why(fact: str) -> dict[str, Any]:
    return {"ansible.builtin.set_fact": {fact: "{{ ansible_failed_result.msg }}"}}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each registry came to, of all of them in one run."""
    folder = tmp_path_factory.mktemp("operators")
    checked = play("registry_check", f"{NAME}.registry_check", "checked", "ca_cert")
    trusted = play("registry_trust", f"{NAME}.registry_trust_config", "trusted", "trusted_ca")
    given = "{{ {'checked': checked | default(own), 'trusted': trusted} | to_json }}"
    dest = f"{folder}/{{{{ inventory_hostname }}}}.json"
    note = {"ansible.builtin.copy": {"content": given, "dest": dest}, "vars": {"own": "the host's own"}}
    variables = load_yaml(ROOT / "roles/registry_trust/vars/main.yml")
    book = [{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [*checked, *trusted, note]}]
    hosts = {name: variables for name, (variables, *_told) in REGISTRIES.items()}
    play_all(folder, {"book.yml": book, "cluster.yml": cluster()}, {"registry_nodes": {"hosts": hosts}})
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in REGISTRIES}


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_registry_is_checked_by_the_ca_that_there_is_and_its_trust_is_left_to_whose_it_is(
    told: dict[str, dict[str, str]], name: str
) -> None:
    _variables, checked, trusted = REGISTRIES[name]
    assert checked in " ".join(told[name]["checked"].split())
    assert trusted in " ".join(told[name]["trusted"].split())

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation and change of the host do not go on while a node or client is behind: Ansible would, with the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import NAME, ROOT, load_yaml

NODES = ("a", "b", "c")
LOCAL = {"ansible_connection": "local"}
FAILS = {**LOCAL, "fails": True}
# Port 1: nothing listens there, so that ssh is refused at once.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
BOOK = [
    play for name in ("rotate_certificates", "change_route_host") for play in load_yaml(ROOT / f"playbooks/{name}.yml")
]
# The steps on nodes that the next step on the control host depends on, their modules, and what must not happen then.
GATES = {
    "Issue the certificate": ("main", "registry_trust", "the certificate changes"),
    "Withdraw the CA of before": ("proof", "registry_trust", "the CA of before is withdrawn"),
    "Expose the new host": ("main", "registry_trust", "the new Route is made"),
    "Take the old host away": ("proof", "registry_trust", "the old Route is taken away"),
}


def placing(entry: str, module: str) -> dict[str, Any]:
    """The step on nodes or clients, with a command in the place of our module."""
    tasks = [dict(task) for task in load_yaml(ROOT / f"roles/registry_trust/tasks/{entry}.yml")]
    task = next(task for task in tasks if f"{NAME}.{module}" in task)
    kept = {key: task[key] for key in ("name", "register")}
    return {**kept, "ansible.builtin.shell": "{{ 'exit 1' if fails | default(false) else 'exit 0' }}"}


def gate(play: str) -> list[dict[str, Any]]:
    """The role's part of a play's first task, with the variables that it gets there."""
    include = next(one for one in BOOK if one["name"] == play)["tasks"][0]
    assert include["ansible.builtin.include_role"]["tasks_from"] == "everywhere"
    tasks = load_yaml(ROOT / "roles/registry_trust/tasks/everywhere.yml")
    of_role = load_yaml(ROOT / "roles/registry_trust/vars/main.yml")
    return [{**task, "vars": {**of_role, **include["vars"], **task["vars"]}} for task in tasks]


def run(
    folder: Path, play: str, first: dict[str, Any], *arguments: str, client: dict[str, Any] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a step on nodes and clients, the first node special, and what comes before the next on the control host.

    :param client: variables of the one client, so that where it fails, all hosts of a play have; None: there is none.
    """
    entry, module, _ = GATES[play]
    on_nodes = {"hosts": "registry_nodes", "gather_facts": False, "tasks": [placing(entry, module)]}
    (step,) = load_yaml(ROOT / "roles/registry_trust/tasks/clients_step.yml")
    step["block"] = [placing("clients", "registry_trust")]
    on_clients = {"hosts": "registry_clients", "gather_facts": False, "tasks": [step]}
    goes_on = {"name": "goes on", "ansible.builtin.command": "true"}
    control = {"hosts": "registry_control", "gather_facts": False, "tasks": [*gate(play), goes_on]}
    # As JSON, which is YAML: what the loader gives holds types of Ansible's own.
    (folder / "book.yml").write_text(
        yaml.safe_dump(json.loads(json.dumps([on_nodes, on_clients, control], default=str)))
    )
    inventory = {
        "registry_control": {"hosts": {"control": LOCAL}},
        "registry_nodes": {"hosts": {name: first if name == "a" else LOCAL for name in NODES}},
        "registry_clients": {"hosts": {"x": client} if client else {}},
        "all": {"vars": {"ansible_python_interpreter": sys.executable}},
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return subprocess.run(
        [program, "-i", "inventory.yml", "book.yml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("play", GATES)
@pytest.mark.parametrize(
    ("first", "arguments", "why"),
    [
        (FAILS, (), "a: failed: "),
        (UNREACHABLE, (), "a: could not be reached: "),
        (LOCAL, ("--limit", "!a"), "a: an earlier step"),
    ],
    ids=["failed", "unreachable", "left out"],
)
def test_a_node_that_is_behind_stops_it_and_is_named(
    tmp_path: Path, play: str, first: dict[str, Any], arguments: tuple[str, ...], why: str
) -> None:
    done = run(tmp_path, play, first, *arguments)
    assert done.returncode != 0
    assert "[goes on]" not in done.stdout
    assert f"stops before {GATES[play][2]}" in done.stdout, done.stdout
    assert why in done.stdout


@pytest.mark.parametrize("play", GATES)
def test_without_one_it_goes_on(tmp_path: Path, play: str) -> None:
    done = run(tmp_path, play, LOCAL)
    assert done.returncode == 0, done.stdout
    assert "[goes on]" in done.stdout


@pytest.mark.parametrize("play", GATES)
@pytest.mark.parametrize(
    ("client", "why"),
    [(FAILS, "x: failed: "), (UNREACHABLE, "x: could not be reached: ")],
    ids=["failed", "unreachable"],
)
def test_a_client_that_is_behind_stops_it_and_is_named_with_what_else_can_be_said(
    tmp_path: Path, play: str, client: dict[str, Any], why: str
) -> None:
    done = run(tmp_path, play, LOCAL, client=client)
    assert done.returncode != 0
    assert "[goes on]" not in done.stdout
    assert f"stops before {GATES[play][2]}, for 0 of 3 nodes and 1 of 1 clients" in done.stdout, done.stdout
    assert why in done.stdout
    assert "registry_trust_clients_behind=warn" in done.stdout


@pytest.mark.parametrize(
    "said", [{"registry_trust_clients_behind": "warn"}, {"registry_route_termination": "reencrypt"}]
)
def test_without_the_client_it_goes_on_where_that_is_said_or_where_the_client_knows_another_ca(
    tmp_path: Path, said: dict[str, str]
) -> None:
    done = run(tmp_path, "Issue the certificate", LOCAL, "-e", json.dumps(said), client=FAILS)
    assert "[goes on]" in done.stdout, done.stdout


def test_nodes_and_clients_that_are_behind_are_named_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, "Take the old host away", FAILS, client=FAILS)
    assert "for 1 of 3 nodes and 1 of 1 clients" in done.stdout, done.stdout
    assert "a: failed: " in done.stdout
    assert "x: failed: " in done.stdout

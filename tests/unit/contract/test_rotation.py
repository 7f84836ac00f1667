# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation and change of the host do not go on while a node is behind: Ansible would, with those that are left."""

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
    """The step on nodes, with a command in the place of our module."""
    tasks = [dict(task) for task in load_yaml(ROOT / f"roles/registry_trust/tasks/{entry}.yml")]
    task = next(task for task in tasks if f"{NAME}.{module}" in task)
    kept = {key: task[key] for key in ("name", "register")}
    return {**kept, "ansible.builtin.shell": "{{ 'exit 1' if fails | default(false) else 'exit 0' }}"}


def gate(play: str) -> list[dict[str, Any]]:
    """The role's part of a play's first task, with the variables that it gets there."""
    include = next(one for one in BOOK if one["name"] == play)["tasks"][0]
    assert include["ansible.builtin.include_role"]["tasks_from"] == "everywhere"
    tasks = load_yaml(ROOT / "roles/registry_trust/tasks/everywhere.yml")
    return [{**task, "vars": {**include["vars"], **task["vars"]}} for task in tasks]


def run(folder: Path, play: str, first: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a step on three nodes, the first of which is special, and what comes before the next on the control host."""
    entry, module, _ = GATES[play]
    on_nodes = {"hosts": "registry_nodes", "gather_facts": False, "tasks": [placing(entry, module)]}
    goes_on = {"name": "goes on", "ansible.builtin.command": "true"}
    control = {"hosts": "registry_control", "gather_facts": False, "tasks": [*gate(play), goes_on]}
    # As JSON, which is YAML: what the loader gives holds types of Ansible's own.
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps([on_nodes, control], default=str))))
    inventory = {
        "registry_control": {"hosts": {"control": LOCAL}},
        "registry_nodes": {"hosts": {name: first if name == "a" else LOCAL for name in NODES}},
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

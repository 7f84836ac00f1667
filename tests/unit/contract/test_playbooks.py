# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks must do wherever they are run from: keep secrets out of files, and stop in time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import NAME, ROOT, load_yaml

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
HOSTS = ["a", "b", "c", "d"]
FAILS = {"ansible_connection": "local", "fails": True}
# Port 1: nothing listens there, so that ssh is refused at once.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


def plays(path: Path) -> list[dict[str, Any]]:
    """The plays of a playbook, without those that it imports."""
    return [dict(entry) for entry in load_yaml(path) if "hosts" in entry]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_every_play_keeps_the_arguments_of_modules_out_of_files(path: Path) -> None:
    for play in plays(path):
        assert play["vars"]["ansible_pipelining"] is True, play["name"]


def stand_in(task: dict[str, Any]) -> dict[str, Any]:
    """A task with our module replaced by a command that says that it ran, and fails where a host is to fail.

    What asks the cluster is replaced by words: none of it is here.
    """
    for part in ("block", "rescue"):
        if part in task:
            task[part] = [stand_in(dict(inner)) for inner in task[part]]
    if f"{NAME}.registry_node" in task or "ansible.builtin.include_tasks" in task:
        return {"name": task["name"], "ansible.builtin.debug": {"msg": "asks the cluster"}}
    module = f"{NAME}.registry_trust"
    if module not in task:
        return task
    rest = {key: value for key, value in task.items() if key != module}
    script = "echo {{ inventory_hostname }} >> {{ ran }}; {{ 'exit 1' if fails | default(false) else 'exit 0' }}"
    return {**rest, "ansible.builtin.shell": script}


def restarted(folder: Path, serial: int, first: dict[str, Any], *more: str) -> tuple[list[str], int]:
    """Run the plays that restart on four hosts, the first of which is special; say who was restarted, and the status.

    The last play has a host of its own. More are arguments of ansible-playbook.
    """
    tasks = [stand_in(dict(task)) for task in load_yaml(ROOT / "roles/registry_trust/tasks/restart.yml")]
    tasks = [task for task in tasks if "ansible.builtin.include_role" not in task]
    restarts = [play for play in plays(ROOT / "playbooks/trust.yml") if "serial" in play]
    assert len(restarts) == 2
    # As JSON, which is YAML: what the loader gives holds types of Ansible's own.
    book = json.loads(json.dumps([{**play, "tasks": tasks} for play in restarts], default=str))
    (folder / "book.yml").write_text(yaml.safe_dump(book))
    local = {"ansible_connection": "local"}
    read = {"nodes": [], "pods": [], "registry": {"name": "docker-registry", "namespace": "default"}}
    hosts = {name: first if name == "a" else local for name in HOSTS}
    inventory = {
        "registry_restart": {"hosts": hosts},
        "registry_restart_last": {"hosts": {"z": local}},
        "all": {
            "vars": {
                "ansible_python_interpreter": sys.executable,
                "ran": str(folder / "ran"),
                "registry_cluster_read": read,
            }
        },
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "book.yml", "-e", f"registry_trust_serial={serial}", *more],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    ran = (folder / "ran").read_text().split() if (folder / "ran").exists() else []
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    return sorted(ran), done.returncode


@pytest.mark.parametrize(
    ("serial", "first", "ran"),
    [(1, FAILS, ["a"]), (2, FAILS, ["a", "b"]), (1, UNREACHABLE, []), (2, UNREACHABLE, ["b"])],
    ids=["1-failed", "2-failed", "1-unreachable", "2-unreachable"],
)
def test_a_node_that_fails_or_cannot_be_reached_ends_the_run_after_its_batch(
    tmp_path: Path, serial: int, first: dict[str, Any], ran: list[str]
) -> None:
    found, status = restarted(tmp_path, serial, first)
    assert found == ran
    assert status != 0


def test_without_a_failure_every_node_is_restarted(tmp_path: Path) -> None:
    assert restarted(tmp_path, 2, {"ansible_connection": "local"}) == ([*HOSTS, "z"], 0)


def test_more_may_fail_where_that_is_said(tmp_path: Path) -> None:
    """Percent of a batch, as Ansible counts it: one of two is not more than half of them."""
    assert restarted(tmp_path, 2, FAILS, "-e", "registry_trust_max_fail_percentage=50") == ([*HOSTS, "z"], 2)


def first_play(folder: Path, inventory: dict[str, Any], *arguments: str) -> tuple[str, int]:
    """Run the play that looks at how the restarts are going to go on; give what it printed, and its status."""
    play = plays(ROOT / "playbooks/trust.yml")[0]
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps([play], default=str))))
    hosts = {"registry_nodes": {"hosts": {"a": {}, "b": inventory}, "vars": {"ansible_connection": "local"}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(hosts))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "book.yml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return " ".join((done.stdout + done.stderr).split()), done.returncode


@pytest.mark.parametrize(
    ("inventory", "arguments", "refused"),
    [
        ({"registry_trust_serial": 1}, [], None),
        ({"registry_trust_serial": [1, "50%"]}, [], "but the restarts would go on with 1, 0"),
        ({"registry_trust_max_fail_percentage": 20}, [], "say 1, 20, but the restarts would go on with 1, 0"),
        (
            {"registry_trust_serial": 3},
            ["-e", json.dumps({"registry_trust_serial": [1, "50%"], "registry_trust_max_fail_percentage": 20})],
            None,
        ),
    ],
)
def test_a_batch_size_that_would_be_ignored_is_refused(
    tmp_path: Path, inventory: dict[str, Any], arguments: list[str], refused: str | None
) -> None:
    """A play's keywords see no variable of an inventory; that one there has no effect must not go unsaid."""
    said, status = first_play(tmp_path, inventory, *arguments)
    assert (status != 0) == (refused is not None), said
    if refused:
        assert refused in said
        assert "say them with -e" in said

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker on all nodes at once, as casl-ansible and openshift-ansible's handler restart it: here one after another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import NAME, ROOT, load_yaml

HOSTS = ["a", "b", "c"]
MODULE = f"{NAME}.registry_trust"
#: Takes some time, as a restart does, so that two at once are seen.
RESTART = (
    "echo begin {{ inventory_hostname }} >> {{ log }}; sleep {{ pause | default(0.4) }};"
    " echo end {{ inventory_hostname }} >> {{ log }}"
)


def tasks_of(entry: str) -> list[dict[str, Any]]:
    """All calls of the module in a role's entry point, also those within blocks."""
    found, left = [], [dict(task) for task in load_yaml(ROOT / f"roles/registry_trust/tasks/{entry}.yml")]
    while left:
        task = left.pop(0)
        left += [dict(inner) for part in ("block", "rescue", "always") for inner in task.get(part) or []]
        found += [task] if MODULE in task else []
    return found


def restarts(folder: Path, *arguments: str) -> list[str]:
    """Run the plays that may restart docker on three nodes and on the one with the registry; give the log."""
    log = folder / "log"
    task = {"name": "Restart", "ansible.builtin.shell": RESTART}
    playbook = [dict(play) for play in load_yaml(ROOT / "playbooks/trust.yml")]
    plays = [{**play, "tasks": [task]} for play in playbook if str(play.get("hosts")).startswith("registry_restart")]
    assert len(plays) == 2
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps(plays, default=str))))
    variables = {"ansible_python_interpreter": sys.executable, "ansible_connection": "local", "log": str(log)}
    groups = {"registry_restart": HOSTS, "registry_restart_last": ["z"]}
    inventory: dict[str, Any] = {name: {"hosts": {host: {} for host in hosts}} for name, hosts in groups.items()}
    (folder / "inventory.yml").write_text(yaml.safe_dump({**inventory, "all": {"vars": variables}}))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "-f", "10", "book.yml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return log.read_text().splitlines()


def test_docker_restarted_on_all_nodes_at_once(tmp_path: Path) -> None:
    """With as many forks as nodes, the next one begins when the last one has ended; the registry's own is last."""
    assert restarts(tmp_path) == [f"{what} {host}" for host in [*HOSTS, "z"] for what in ("begin", "end")]


def test_who_asks_for_more_at_once_gets_it(tmp_path: Path) -> None:
    """Or the test above could not fail."""
    log = restarts(tmp_path, "-e", "registry_trust_serial=3", "-e", "pause=3")  # forks begin one after another
    assert {line.split()[0] for line in log[:3]} == {"begin"}
    assert log[-2:] == ["begin z", "end z"]


def test_the_play_for_all_nodes_at_once_may_not_restart_docker() -> None:
    calls = tasks_of("main")
    assert len(calls) == 2
    assert [task[MODULE].get("restart") for task in calls] == [False, False]
    assert [task[MODULE].get("restart", True) for task in tasks_of("restart")] == [True]


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.name)
def test_what_may_restart_docker_is_only_in_plays_with_batches(path: Path) -> None:
    for play in load_yaml(path):
        if "'restart'" in str(play.get("tasks")) or "tasks_from: restart" in str(play):
            assert play.get("serial"), play["name"]

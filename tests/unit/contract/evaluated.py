# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the expressions of a role's tasks come to by variables: evaluated by Ansible, of many cases in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml


def run(folder: Path, hosts: dict[str, Any], steps: list[dict[str, Any]], note: str) -> dict[str, Any]:
    """Run tasks on hosts that are nothing but their variables.

    :param note: a template, of which the value is given for each host; where a task fails, it is what that says.
    """
    notes = "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'note'))) | to_json }}"
    last = {"ansible.builtin.copy": {"content": notes, "dest": str(folder / "notes")}, "run_once": True}
    why = {"ansible.builtin.set_fact": {"note": "{{ ansible_failed_result.msg }}"}}
    took = {"ansible.builtin.set_fact": {"note": note}}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"block": [*steps, took], "rescue": [why]}, last]}
    play_all(folder, {"book.yml": [play]}, {"all": {"hosts": hosts}})
    return dict(json.loads((folder / "notes").read_text()))


def play_all(folder: Path, files: dict[str, Any], inventory: dict[str, Any]) -> None:
    """Run a playbook on hosts that are this machine.

    :param files: by name, a playbook book.yml and what that includes.
    :param inventory: one group with its hosts.
    """
    for name, content in files.items():
        # As JSON, which is YAML: what the loader gives holds types of Ansible's own.
        (folder / name).write_text(yaml.safe_dump(json.loads(json.dumps(content, default=str))))
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    local_groups = {name: {**group, "vars": local} for name, group in inventory.items()}
    (folder / "inventory.yml").write_text(yaml.safe_dump(local_groups))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "book.yml"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

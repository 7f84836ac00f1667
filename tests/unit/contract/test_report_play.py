# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play with which site.yml ends tells what the run knows, whatever that is, and asks nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import ROOT

sys.path.insert(0, str(ROOT / "tests/unit/plugins/module_utils/diagnose"))
from healthy import healthy

RAW = healthy()
READ = {"registry_cluster_read": {**RAW["info"], "served": []}}
NODE = {"__registry_check_node": RAW["hosts"]["node1"]["check"]}
PROOF = {"__registry_deploy_proof": RAW["info"]}


def told(folder: Path, control: dict[str, Any], node: dict[str, Any], *arguments: str) -> tuple[str, dict[str, Any]]:
    """Run the play with what hosts have registered; give what it printed, and the report."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {
        "registry_control": {"hosts": {"localhost": {**local, **control}}},
        "registry_nodes": {"hosts": {"node1": {**local, **node}, "node2": local}},
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump(json.loads(json.dumps(inventory))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    report = folder / "report.json"
    done = subprocess.run(
        [program, "-i", str(folder / "inventory.yml"), str(ROOT / "playbooks/report_known.yml"),
         "-e", f"registry_report_path={report}", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    return done.stdout, json.loads(report.read_text()) if report.exists() else {}


def test_of_all_steps(tmp_path: Path) -> None:
    output, report = told(tmp_path, {**READ, **PROOF}, {**READ, **NODE})
    states = {phase["name"]: phase["state"] for phase in report["phases"]}
    assert states == {**dict.fromkeys(states, "ok"), "storage": "unknown"}
    assert {one["host"] for one in report["matrix"]} == {"node1"}
    assert [one["where"] for one in report["certificates"]][-1] == "pod docker-registry-1-a"
    assert report["problems"] == []
    assert "Nothing is wrong." in output


@pytest.mark.parametrize("known", [{}, READ, PROOF], ids=["nothing", "read", "proof"])
def test_of_less(tmp_path: Path, known: dict[str, Any]) -> None:
    _output, report = told(tmp_path, known, {})
    assert report["problems"] == []
    assert bool(report["certificates"]) is bool(known)


def test_a_check_run_tells_it_and_writes_no_file(tmp_path: Path) -> None:
    _output, report = told(tmp_path, PROOF, READ, "--check")
    assert report == {}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play with which site.yml ends tells what the run knows, whatever that is, and asks nobody.

It is shown, too, where a step fails by which the run ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import ROOT, load_yaml

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
    unseen = ["no step of this run has looked at the cluster"] if not known else []
    assert report["unread"] == [*unseen, "no step of this run has looked at hosts"]


def test_a_check_run_tells_it_and_writes_no_file(tmp_path: Path) -> None:
    _output, report = told(tmp_path, PROOF, READ, "--check")
    assert report == {}


def ended(folder: Path, step: str, *, by_site: bool) -> str:
    """Run a step that fails, for there is no kubeconfig, alone or as site.yml does; what was printed in one line."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"registry_control": {"hosts": {"localhost": local}}, "registry_nodes": {"hosts": {"node1": local}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    imports = {
        Path(str(one.get("ansible.builtin.import_playbook"))).stem: one
        for one in load_yaml(ROOT / "playbooks/site.yml")
    }
    asked = imports["deploy" if step in ("address", "certificate", "workload") else step].get("vars")
    book = [{"import_playbook": str(ROOT / f"playbooks/{step}.yml"), "vars": dict(asked or {}) if by_site else {}}]
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps(book))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    known = {
        "registry_kubeconfig": str(folder / "none"),
        "registry_image": "registry:3",
        "registry_storage": {"kind": "ephemeral"},
        "registry_ca": {"cert_path": "/none", "key_path": "/none"},
        "registry_route_host": "r.example.com",
    }
    done = subprocess.run(
        [program, "-i", str(folder / "inventory.yml"), str(folder / "book.yml"), "-e", json.dumps(known)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("step", ["address", "certificate", "workload", "expose", "trust", "check"])
def test_where_a_step_of_site_fails_the_report_is_shown(tmp_path: Path, step: str) -> None:
    said = ended(tmp_path, step, by_site=True)
    assert "HOSTS AND NAMES" in said
    assert "not judged: " in said, "the cluster could not be asked, either"
    failures = said.split("FAILED! => ")
    assert str(tmp_path / "none") in failures[1]
    assert str(tmp_path / "none") in failures[-1].partition("PLAY RECAP")[0], "why it failed comes last, too"


def test_a_step_alone_fails_without_a_report(tmp_path: Path) -> None:
    assert "HOSTS AND NAMES" not in ended(tmp_path, "address", by_site=False)

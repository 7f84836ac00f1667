# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation does not begin where it would shut nodes out: those that no host is, or that an agent writes to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from collection import ROOT, load_yaml

ROLES = ("registry_cert", "registry_cluster", "registry_trust_agent")
# What takes an agent away and leaves every node its CA
AGENT_GOES = "okd.registry.trust_agent -e registry_trust_agent_state=absent -e registry_trust_agent_keep_files=true"
# Stands for every module of ours: notes that it was asked, and has a cluster of the Nodes a and b with a registry.
STAND_IN = """#!/usr/bin/python
import json, pathlib
from ansible.module_utils.basic import _load_params

options = _load_params()
with pathlib.Path(options["log"]).open("a") as log:
    print(options["of"], file=log)
result = {"changed": False, "resources": []}
if options["of"] == "registry_info":
    known = [name for names in (options.get("inventory") or {}).values() for name in names]
    left = [name for name in ("a", "b") if name not in known]
    result.update(
        registry={"name": "docker-registry", "namespace": "default"}, layout={"name": "oadm"}, workload={"kind": "x"},
        certificate={"days_left": 9}, certificate_secret="registry-secret", ca_cert="PEM", node_ca=False, pods=[],
        nodes=[], uncovered=left, unread=[],
    )
    if left and options.get("uncovered") == "fail":
        result.update(failed=True, msg="No host is one of: " + ", ".join(left))
if options["of"] == "registry_trust_agent" and pathlib.Path(options["log"]).with_name("agent").exists():
    result["resources"] = [{"kind": "DaemonSet", "action": "deleted"}]
print(json.dumps(result))
raise SystemExit(0)
"""


def asked(folder: Path, hosts: list[str], *arguments: str) -> tuple[list[str], int, str]:
    """Run what comes before the first change; give the modules asked, the status, and what was printed."""
    log = folder / "log"
    (folder / "library").mkdir()
    (folder / "library/stand_in.py").write_text(STAND_IN)
    for role in ROLES:
        shutil.copytree(ROOT / "roles" / role / "tasks", folder / "roles" / role / "tasks")
    for path in folder.glob("roles/*/tasks/*.yml"):
        text = re.sub(r"okd\.registry\.(registry_\w+)$", r"\1", path.read_text(), flags=re.MULTILINE)
        module = rf"\1stand_in:\n\1  of: \2\n\1  log: {log}"
        path.write_text(re.sub(r"^( +)okd\.registry\.(registry_\w+):$", module, text, flags=re.MULTILINE))
    book = load_yaml(ROOT / "playbooks/rotate_certificates.yml")
    play = json.dumps(next(one for one in book if one["name"] == "Publish both CAs"), default=str)
    (folder / "book.yml").write_text(yaml.safe_dump([json.loads(play.replace("okd.registry.", ""))]))
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    groups = {"registry_control": ["control"], "registry_nodes": hosts}
    inventory = {name: {"hosts": dict.fromkeys(members, local)} for name, members in groups.items()}
    (folder / "inventory.yml").write_text(yaml.safe_dump(json.loads(json.dumps(inventory))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", "book.yml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return log.read_text().split(), done.returncode, done.stdout + done.stderr


def test_a_node_that_no_host_is_stops_it_before_the_first_change(tmp_path: Path) -> None:
    modules, status, said = asked(tmp_path, ["a"])
    assert (modules, status != 0) == (["registry_info"], True), said
    assert "No host is one of: b" in said


@pytest.mark.parametrize("limit", [(), ("--limit", "control,a")], ids=["all", "limit"])
def test_with_a_host_for_every_node_it_goes_on(tmp_path: Path, limit: tuple[str, ...]) -> None:
    """Whatever --limit says: the inventory is what is compared."""
    modules, status, said = asked(tmp_path, ["a", "b"], *limit)
    assert (modules[-1], status) == ("registry_cert", 0), said


@pytest.mark.parametrize("said", ["warn", "ignore"])
def test_who_says_so_goes_on_all_the_same(tmp_path: Path, said: str) -> None:
    modules, status, printed = asked(tmp_path, ["a"], "-e", f"registry_trust_uncovered={said}")
    assert (modules[-1], status) == ("registry_cert", 0), printed


def test_while_there_is_an_agent_it_does_not_begin_and_says_how_that_goes_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "agent").touch()
    modules, status, said = asked(tmp_path, ["a", "b"])
    assert status != 0, said
    assert "registry_cert" not in modules
    assert f"ansible-playbook {AGENT_GOES}" in " ".join(said.replace("\\", "").split())


def test_the_command_that_is_named_is_that_of_the_document_and_the_role_knows_its_variables() -> None:
    """A variable that the role does not hand on would clear every node."""
    assert AGENT_GOES in (ROOT / "docs/rotation.md").read_text()
    task = load_yaml(ROOT / "roles/registry_trust_agent/tasks/main.yml")[0]["okd.registry.registry_trust_agent"]
    for name, variable in re.findall(r"-e (registry_trust_agent_(\w+))=", AGENT_GOES):
        assert name in task[variable]

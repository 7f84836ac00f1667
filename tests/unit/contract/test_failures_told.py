# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that fails on a host is a fact that is told: nobody is said to be well of whom nothing is known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import NAME, ROOT, SECTIONS, load_yaml

sys.path.insert(0, str(ROOT / "tests/unit/plugins/module_utils/diagnose"))
from healthy import healthy

READ = healthy()["info"]
READ["registry"]["endpoints"] = ["127.0.0.1:1"]  # where nothing listens
READ["ca_cert"] = ""
FILES = sorted(path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))


def tasks(content: Any) -> Iterator[Mapping[str, Any]]:
    """All tasks in a file, those in blocks too."""
    for entry in content if isinstance(content, list) else ():
        if isinstance(entry, Mapping):
            yield entry
            for section in SECTIONS:
                yield from tasks(entry.get(section))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_task_of_ours_calls_its_own_failure_none(path: Path) -> None:
    """By C(failed_when: false) Ansible takes the word that it failed out of the result."""
    for task in tasks(load_yaml(path)):
        if any(str(key).startswith(f"{NAME}.") for key in task):
            assert task.get("failed_when") is not False, task["name"]


@pytest.fixture(scope="module", name="report")
def _report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is reported where on one node one module fails, and on the other one the other."""
    folder = tmp_path_factory.mktemp("report")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    nodes = {
        "node1": {
            **local,
            "registry_trust_engines": ["none-such"],
            "registry_check_engine": "client",
            "registry_check_timeout": 1,
        },
        "node2": {**local, "registry_check_engine": "none-such"},
    }
    inventory = {
        "registry_control": {"hosts": {"localhost": {**local, "registry_diagnose_read": READ}}},
        "registry_nodes": {"hosts": nodes},
    }
    look = [dict(play) for play in load_yaml(ROOT / "playbooks/look.yml") if "every host" in play["name"]]
    book = [*look, {"import_playbook": str(ROOT / "playbooks/report_known.yml")}]
    (folder / "inventory.yml").write_text(yaml.safe_dump(json.loads(json.dumps(inventory))))
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps(book))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", str(folder / "inventory.yml"), str(folder / "book.yml"),
         "-e", f"registry_report_path={folder / 'report.json'}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads((folder / "report.json").read_text()))


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_a_host_that_could_not_be_looked_at_is_named(node: str, report: dict[str, Any]) -> None:
    found = [one for one in report["problems"] if one["host"] == node and one["name"] == "host_unknown"]
    assert len(found) == 1, report["problems"]
    assert "none-such" in found[0]["evidence"][0]

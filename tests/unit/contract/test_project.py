# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's files agree with each other: artefact, licence headers, versions."""

from __future__ import annotations

import re

import pytest
from checkout import artifact_files, files, ignored
from collection import ROOT, load_yaml

FILES = files()
PROGRAMS = [
    name
    for name in FILES
    if (ROOT / name).is_file()
    and (ROOT / name).stat().st_size
    and (name.endswith((".py", ".go")) or (ROOT / name).read_bytes().startswith(b"#!"))
]
GALAXY = load_yaml(ROOT / "galaxy.yml")


def test_the_artefact_holds_the_collection_and_nothing_of_the_checkout() -> None:
    tops = {"/".join(name.split("/")[:2]) for name in artifact_files(FILES)}
    tests = ("tests/sandbox", "tests/bench", "tests/api", "tests/tools", "tests/e2e", "tests/unit")
    strangers = (*tests, "inventory/sandbox", "extensions/molecule")
    assert not [top for top in tops if top.startswith((".", *strangers))]
    assert {"plugins/callback", "plugins/doc_fragments", "meta/runtime.yml", "galaxy.yml", "LICENSE"} <= tops


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (".sandbox/admin.kubeconfig", True),
        ("inventory/sandbox/hosts.yml", True),
        ("tests/sandbox/go/kube/main.go", True),
        ("plugins/modules/__pycache__/x.pyc", True),
        ("plugins/modules/registry_info.py", False),
        ("tests/unit/conftest.py", True),
        ("tests/config.yml", False),
        ("roles/registry_deploy/tasks/main.yml", False),
    ],
)
def test_build_ignore_says_what_it_means(path: str, out: bool) -> None:
    assert ignored(path, GALAXY["build_ignore"]) is out


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_states_its_licence(name: str) -> None:
    head = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:6])
    assert "GNU General Public License v3.0+" in head
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in head


def test_the_tested_kubernetes_core_is_one_that_galaxy_yml_allows() -> None:
    manifest = next(
        (ROOT / ".venv" / "lib").glob("python3.*/site-packages/ansible_collections/kubernetes/core/MANIFEST.json")
    )
    found = re.search(r'"version": "(\d+)\.', manifest.read_text(encoding="utf-8"))
    assert found
    lowest, highest = re.findall(r"[<>]=?(\d+)\.", GALAXY["dependencies"]["kubernetes.core"])
    assert int(lowest) <= int(found[1]) < int(highest)


def test_what_the_execution_environment_installs_is_what_the_tests_run_with() -> None:
    wanted = {re.split(r"[>=<]", line)[0].lower() for line in _lines("meta/ee-requirements.txt")}
    locked = {re.split(r"[>=<]", line)[0].lower() for line in _lines("tests/requirements.txt")}
    assert wanted <= locked


def _lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def test_every_end_to_end_test_is_run_by_a_scenario() -> None:
    told = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "extensions/molecule").glob("*/verify.yml"))
    tests = sorted(path.name for path in (ROOT / "tests/e2e").glob("test_*.py"))
    assert [name for name in tests if f"pytest_file: {name}\n" not in told] == []

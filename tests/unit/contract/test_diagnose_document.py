# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/diagnose.md has the causes that the code names, and says truly where each is made."""

from __future__ import annotations

import ast
import re
import shlex

import pytest
from ansible_collections.okd.registry.plugins.module_utils._diagnose import judge
from ansible_collections.okd.registry.plugins.module_utils._diagnose.causes import CAUSES
from collection import ROOT

PAGE = (ROOT / "docs/diagnose.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+?) \| (.+?) \| (\w+) \|$", PAGE, re.MULTILINE)
UNIT = "tests/unit/plugins/module_utils/diagnose/test_diagnose.py"
#: Files in which a cause is made, and by which the scenarios run.
PLACES = {
    "sandbox": [
        "tests/e2e/cluster_faults.py",
        "tests/e2e/test_diagnose_cluster.py",
        "tests/e2e/test_diagnose.py",
        "tests/e2e/test_expose.py",
    ],
    "api": ["tests/api/test_diagnose.py"],
}


def test_the_table_has_every_cause_as_the_code_has_it() -> None:
    assert [row[:3] for row in ROWS] == [(name, cause.severity, cause.title) for name, cause in CAUSES.items()]


def strings(node: ast.AST) -> set[str]:
    """All texts within a piece of code."""
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def made_in(path: str) -> set[str]:
    """Causes that a file makes: those of its Faults, each of which a scenario makes, and those that it asserts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assert):
            found |= strings(node.test)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault":
            found |= strings(node.args[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.parametrize":
            found |= strings(node)
    return found


@pytest.mark.parametrize(("name", "place"), [(row[0], row[5]) for row in ROWS])
def test_a_cause_is_made_where_the_table_says(name: str, place: str) -> None:
    assert name in set().union(*map(made_in, PLACES[place]))


@pytest.mark.parametrize("name", CAUSES)
def test_every_cause_has_a_unit_test(name: str) -> None:
    assert f'"{name}"' in (ROOT / UNIT).read_text(encoding="utf-8")


def test_the_scenarios_run_what_makes_them() -> None:
    for name in ("diagnose", "diagnose_cluster", "expose"):
        verify = (ROOT / f"extensions/molecule/{name}/verify.yml").read_text(encoding="utf-8")
        assert f"pytest_file: test_{name}.py" in verify
    cluster = (ROOT / "tests/e2e/test_diagnose_cluster.py").read_text(encoding="utf-8")
    assert '@pytest.mark.parametrize("fault", FAULTS' in cluster


def test_rules_name_no_other_causes() -> None:
    folder = ROOT / "plugins/module_utils/_diagnose/rules"
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert set(re.findall(r'Finding\(\s*"(\w+)"', text)) <= set(CAUSES)
    assert [name for name in CAUSES if f'"{name}"' not in text] == []
    assert len(judge.RULES) == len(set(judge.RULES))


def test_whoever_shows_commands_says_the_inventory() -> None:
    paths = [path for part in ("roles", "playbooks") for path in (ROOT / part).rglob("*.yml")]
    shown = re.findall(r"registry_findings_table(\S*)", "\n".join(path.read_text(encoding="utf-8") for path in paths))
    assert shown == ["(ansible_inventory_sources"] * 2


def test_the_page_shows_a_command_as_it_is_printed() -> None:
    run = re.findall(r"^ +run:  (.+)$", PAGE, re.MULTILINE)
    asked = re.findall(r"^ansible-playbook -i (\S+) okd\.registry\.diagnose$", PAGE, re.MULTILINE)
    assert [shlex.split(line)[:3] for line in run] == [["ansible-playbook", "-i", asked[0]]]


def test_a_variable_that_a_fix_names_is_one_of_the_collection() -> None:
    folder = ROOT / "plugins/module_utils/_diagnose/rules"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    named = {name for text in [*texts, PAGE] for name in re.findall(r"\bregistry_[a-z_]+\b", text)}
    told = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
    groups = {"registry_nodes", "registry_clients", "registry_control"}
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert sorted(name for name in named - groups - modules if f"\n      {name}:" not in told) == []

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles hand to their modules, by their variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._info import SUBSETS
from collection import NAME, ROOT, load_yaml
from evaluated import run

OWN, ROUTER = ["172.30.1.1:5000", "r.example.com"], ["router.example.com"]
READ = {"registry": {"endpoints": OWN}, "router_endpoints": ROUTER}


def call(role: str, module: str) -> dict[str, Any]:
    """The task of a role's main.yml that calls a module, blocks included."""
    tasks = load_yaml(ROOT / "roles" / role / "tasks/main.yml")
    every = [each for task in tasks for each in task.get("block", [task])]
    return dict(next(task for task in every if f"{NAME}.{module}" in task))


def given(folder: Path, role: str, module: str, options: list[str], hosts: dict[str, Any]) -> dict[str, Any]:
    """What a module is given of some options, by the variables of each host; None where one is left out."""
    task = call(role, module)
    taken = {option: task[f"{NAME}.{module}"][option] for option in options}
    facts = {"vars": task["vars"], "ansible.builtin.set_fact": {**taken, "here": True}}
    return run(folder, hosts, [facts], "{{ [" + ", ".join(f"{each} | default(none)" for each in options) + "] }}")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What registry_info is asked for, of all cases in one run."""
    variables: dict[str, dict[str, Any]] = {
        "plain": {}, "ten": {"registry_info_tail": "10"}, "none": {"registry_info_tail": 0},
        "none-of-logs": {"registry_info_tail": "0", "registry_info_subset": ["logs", "served"]},
        "none-of-all": {"registry_info_tail": "0", "registry_info_subset": ["all"]},
        "none-as-text": {"registry_info_tail": "0", "registry_info_subset": "served, logs"},
        "nothing": {"registry_info_tail": "0", "registry_info_subset": []},
        "all-as-text": {"registry_info_subset": "all"},
    }  # fmt: skip
    return given(
        tmp_path_factory.mktemp("info"), "registry_info", "registry_info", ["gather_subset", "logs"], variables
    )


@pytest.mark.parametrize(
    ("case", "subset", "tail"),
    [
        ("plain", ["served", "storage"], 20),
        ("ten", ["served", "storage"], 10),
        ("none", ["served", "storage"], None),
        ("none-of-logs", ["served"], None),
        ("none-of-all", sorted({*SUBSETS} - {"logs"}), None),
        ("none-as-text", ["served"], None),
        ("nothing", [], None),
        ("all-as-text", ["all"], 20),
    ],
)
def test_no_line_of_a_log_is_shown_where_that_is_said(
    asked: dict[str, Any], case: str, subset: list[str], tail: int | None
) -> None:
    """A log that is asked for by C(gather_subset) alone is all of it."""
    found, logs = asked[case]
    assert sorted(found) == subset
    assert (None if logs is None else int(logs["tail"])) == tail


def test_which_names_are_checked(tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {
        "plain": {}, "empty": {"registry_check_endpoints": []}, "one": {"registry_check_endpoints": OWN[:1]},
        "router": {"registry_check_endpoints": ROUTER}, "both": {"registry_check_endpoints": OWN[1:] + ROUTER},
        "text": {"registry_check_endpoints": f"{OWN[0]}, {ROUTER[0]}"}, "no text": {"registry_check_endpoints": ""},
    }  # fmt: skip
    hosts = {name: {"registry_cluster_read": READ, **variables} for name, variables in hosts.items()}
    assert given(tmp_path, "registry_check", "registry_check", ["endpoints", "router_endpoints"], hosts) == {
        "plain": [OWN, ROUTER], "empty": [OWN, ROUTER], "one": [OWN[:1], []], "router": [[], ROUTER],
        "both": [OWN[1:], ROUTER], "text": [OWN[:1], ROUTER], "no text": [OWN, ROUTER],
    }  # fmt: skip


def test_on_which_host_a_directory_is_prepared(tmp_path: Path) -> None:
    """Of which nobody says where it is, nobody can prepare it."""
    selected = {"registry_node_selector": {"kubernetes.io/hostname": "node1.example.com"}}
    hosts: dict[str, dict[str, Any]] = {
        "node1": {"registry_storage": {}, **selected}, "said": {"registry_storage": {"node": "node2"}, **selected},
        "named": {"registry_storage": {"host": "node3"}}, "other": {"registry_storage": {"host": "node3", "node": "n"}},
        "nobody": {"registry_storage": {}}, "zone": {"registry_storage": {}, "registry_node_selector": {"zone": "a"}},
    }  # fmt: skip
    task = load_yaml(ROOT / "roles/registry_deploy/tasks/host_path.yml")[0]
    facts = {"ansible.builtin.set_fact": {"there": "{{ __registry_deploy_host }}"}, "vars": task["vars"]}
    assert run(tmp_path, hosts, [{**facts, "when": task["when"]}], "{{ there | default(none) }}") == {
        "node1": "node1", "said": "node2", "named": "node3", "other": "node3", "nobody": None, "zone": None,
    }  # fmt: skip

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules keep what they promise to each other and to their users: action group, attributes, examples, calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from collection import (
    ROOT,
    Task,
    errors_of,
    example_tasks,
    load_yaml,
    module_docs,
    module_names,
    option_of,
    our_tasks,
    tasks_of_files,
)

PREFIX = "ansible_collections.okd.registry.plugins.modules"
AUTH_FRAGMENT_OPTION = "kubeconfig"  # of kubernetes.core.k8s_auth_options: only modules that talk to the API have it
MODULES = module_names()
# They change nothing, and are not called *_info all the same, because of this.
READERS = {
    "registry_diagnose": "it judges and advises, and does not only return facts; it is the name users were promised",
    "registry_check": "it proves by doing: its push stays in the registry, though nothing is configured by it",
}
WRITERS = [name for name in MODULES if not name.endswith("_info") and name not in READERS]
# Modules whose check mode cannot be full, and why.
PARTIAL = {"registry_check": "what it says can only be known from a push and a pull"}
GROUP = load_yaml(ROOT / "meta" / "runtime.yml")["action_groups"]["registry"]


@pytest.mark.skipif(not MODULES, reason="no modules yet")
def test_every_member_of_the_action_group_exists() -> None:
    assert sorted(set(GROUP) - set(MODULES)) == []


def test_the_action_group_is_sorted_and_names_nothing_twice() -> None:
    assert sorted(set(GROUP)) == GROUP


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_in_the_action_group_if_and_only_if_it_talks_to_the_api(name: str) -> None:
    doc = module_docs(name)[0]
    talks_to_api = AUTH_FRAGMENT_OPTION in doc["options"]
    assert (name in GROUP) == talks_to_api
    assert ("action_group" in doc["attributes"]) == talks_to_api


@pytest.mark.parametrize("name", MODULES)
def test_a_module_states_its_attributes(name: str) -> None:
    attributes = module_docs(name)[0].get("attributes") or {}
    for wanted in ("check_mode", "diff_mode", "idempotent"):
        assert attributes.get(wanted, {}).get("support"), f"{name} does not state {wanted}"
        if attributes[wanted]["support"] not in ("full", "N/A"):
            assert attributes[wanted].get("details"), f"{name}: say in the details what {wanted} does not cover"


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_is_full_but_where_there_is_a_reason(name: str) -> None:
    wanted = "partial" if name in PARTIAL else "full"
    assert module_docs(name)[0]["attributes"]["check_mode"]["support"] == wanted


def test_the_libraries_that_modules_document_are_those_of_the_execution_environment() -> None:
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    told = [text for name in MODULES for text in module_docs(name)[0].get("requirements") or ()]
    documented = {pair for text in told for pair in re.findall(r"([\w-]+) >= ([\d.]+)", text)}
    # jsonpatch is for modules of kubernetes.core.
    assert documented | {("jsonpatch", "1.32")} == {
        ("python", "3.10"),
        *(tuple(line.split(">=")) for line in lines if ">=" in line),
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_tasks_that_the_module_accepts(name: str) -> None:
    tasks = example_tasks(name)
    assert [task for task in tasks if task.module == name], f"the examples of {name} never call it"
    problems = [error for task in tasks for error in errors_of(task, required=True)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_documents_what_it_did(name: str) -> None:
    returns = module_docs(name)[2]
    assert (returns["actions"]["type"], returns["actions"]["elements"]) == ("list", "str")
    assert (returns["diff"]["type"], returns["diff"]["elements"]) == ("list", "dict")


@pytest.mark.parametrize("name", sorted(set(WRITERS) & set(GROUP)))
def test_a_writer_of_the_group_documents_the_common_returns(name: str) -> None:
    assert {"resources", "registry", "api_requests"} <= module_docs(name)[2].keys()


def test_exceptions_have_a_module() -> None:
    assert {*READERS, *PARTIAL} <= {*MODULES}
    assert "registry_trust" in WRITERS


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("registry_check", {"endpoints": ["two words"]}),
        ("registry_trust", {"registry": "a/b", "endpoints": ["two words"], "ca_cert": "x"}),
        ("registry_trust_info", {"endpoints": ["two words"]}),
        ("registry_storage_info", {"path": "/nowhere"}),
        ("registry_storage_info", {"kubeconfig": "/nowhere"}),
        *((name, {"kubeconfig": "/nowhere"}) for name in ("registry_info", "registry_service")),
    ],
)
def test_what_is_always_returned_comes_with_a_failure_too(
    name: str, params: dict[str, Any], run_module: Callable[..., dict[str, Any]]
) -> None:
    found = run_module(import_module(f"{PREFIX}.{name}"), params, check=True)
    always = {key for key, value in module_docs(name)[2].items() if value["returned"].startswith("always")}
    assert found["failed"]
    assert always <= found.keys()


@pytest.mark.skipif(not MODULES, reason="no modules yet")
def test_every_call_of_a_module_in_roles_and_playbooks_is_one_that_it_accepts() -> None:
    problems = [error for task in tasks_of_files() for error in errors_of(task, required=False)]
    assert not problems, "\n".join(problems)


def test_the_search_for_tasks_looks_into_plays_and_blocks() -> None:
    task = {"name": "x", "okd.registry.registry_info": {"name": "y"}}
    content = [{"hosts": "all", "tasks": [{"block": [task], "rescue": [task]}]}, task]
    assert [found.args for found in our_tasks(content, "here")] == [{"name": "y"}] * 3


@pytest.mark.skipif("registry_service" not in MODULES, reason="no registry_service yet")
@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"nmae": "{{ registry_name | default(omit) }}"}, "nmae"),
        ({"name": "{{ registry_name | default(omit) }}"}, None),
        ({"port": "{{ registry_port | default(omit) }}", "state": "gone"}, "state"),
        ({"state": "gone"}, "state"),
        ({"labels": "{{ labels }}"}, None),
        ({"name": "x"}, None),
    ],
)
def test_wrong_arguments_are_found(args: dict[str, object], complaint: str | None) -> None:
    for required in (True, False):
        errors = errors_of(Task("here", "registry_service", args), required=required)
        assert bool(errors) == bool(complaint)
        assert complaint is None or complaint in errors[0]


def test_wrong_suboptions_are_found_also_where_values_are_left_out() -> None:
    ca = {"cert_path": "{{ a | default(omit) }}", "kye_path": "{{ b | default(omit) }}"}
    assert "kye_path" in errors_of(Task("here", "registry_cert", {"ca": ca}), required=False)[0]


def test_an_option_is_known_by_its_aliases() -> None:
    assert option_of("registry_info", "verify_ssl") == option_of("registry_info", "validate_certs")
    with pytest.raises(LookupError, match="registry_info has no option nmae"):
        option_of("registry_info", "nmae")


def test_a_module_that_does_not_exist_is_found() -> None:
    assert errors_of(Task("here", "registry_nosuch", {}), required=True) == [
        "here: there is no module okd.registry.registry_nosuch"
    ]

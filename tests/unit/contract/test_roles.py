# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role states its variables in meta/argument_specs.yml, and its defaults are the same ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import (
    NAME,
    ROOT,
    load_yaml,
    module_names,
    option_of,
    options_of,
    role_names,
    specs,
    tasks_of_files,
)

ROLES = role_names()
MODULES = module_names()
MISSING = sorted({task.module for task in tasks_of_files()} - set(MODULES))
# A variable with a default, or one that is a whole expression.
USED = r"\b(registry_\w+) \| default\(|{{ (registry_\w+) }}"
LITERAL = r"\b(registry_\w+) \| default\(((?!omit)[^()]+)\)"
#: Variables of which each role tells what they are to it, and why that is not the same.
OTHER_WORDS = {
    "registry_allow_data_loss": "what may be lost: by a change of the workload, or with it",
    "registry_certificate_renew_before_days": "a certificate is issued anew, or only told",
    "registry_cluster_ip": "the Service gets it, or a certificate is planned for it",
    "registry_image": "the preflight is of no use to the operator's registry, which needs none",
    "registry_kubeconfig": "logins may be by another one",
    "registry_managed_by": "how the registry is made, or whether the operator's own goes",
    "registry_namespace": "it must exist only where something is made or changed in it",
    "registry_route_ca_cert_path": "what is verified by it, and by what without it",
    "registry_secret_name": "a Route needs it to cover the host",
    "registry_service_account": "it is made, or goes",
    "registry_trust_agent_image": "the preflight looks at its rights alone",
    "registry_trust_agent_timeout": "it is waited for files, or for them to go",
    "registry_trust_cordon": "the preflight looks at its rights alone",
    "registry_trust_drain": "the preflight looks at its rights alone",
    "registry_trust_restore_insecure": "it goes with registry_trust_state, or with uninstalling",
    "registry_trust_state": "the agent has a state of its own",
    "registry_trust_write_nodes": "what nodes are written for: trust, an agent, a rotation, a change of the host",
}


def inputs(role: str) -> set[str]:
    """The variables that a role's tasks take from outside: used as they are or with a default, not registered there."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "roles" / role / "tasks").rglob("*.yml"))]
    used = {name for text in texts for pair in re.findall(USED, text) for name in pair if name}
    return used - {name for text in texts for name in re.findall(r"register: (\w+)", text)}


def registered_anywhere() -> set[str]:
    """Variables that one role's tasks register for another."""
    files = [path for role in ROLES for path in (ROOT / "roles" / role / "tasks").rglob("*.yml")]
    return {name for path in files for name in re.findall(r"register: (\w+)", path.read_text(encoding="utf-8"))}


def fallbacks(role: str) -> dict[str, list[tuple[str, Any]]]:
    """What a variable that nobody sets amounts to, by variable: in which place, and to which value.

    Either a task says so (C(| default(600))) or leaves the option out (C(| default(omit))), so that the module's own
    default holds. What the role does not use itself, it hands to the roles that it includes: theirs are told then.
    """
    own: dict[str, list[tuple[str, Any]]] = {}
    others: dict[str, list[tuple[str, Any]]] = {}
    for path in sorted((ROOT / "roles").rglob("tasks/*.yml")):
        place = path.relative_to(ROOT).as_posix()
        for name, literal in re.findall(LITERAL, path.read_text(encoding="utf-8")):
            found = own if path.is_relative_to(ROOT / "roles" / role) else others
            found.setdefault(name, []).append((place, yaml.safe_load(literal)))
    for task in tasks_of_files():
        for option, value in task.args.items():
            omitted = re.fullmatch(r"{{ (registry_\w+) \| default\(omit\) }}", str(value))
            if omitted:
                found = own if task.place.startswith(f"roles/{role}/") else others
                default = option_of(task.module, option).get("default")
                found.setdefault(omitted[1], []).append((f"{task.module}.{option}", default))
    return {**others, **own}


def mismatches(
    defaults: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    others: Mapping[str, list[tuple[str, Any]]],
) -> list[str]:
    """Where a role's documented defaults are not the ones that hold.

    C(defaults) is its defaults/main.yml, C(options) its argument_specs, C(others) what C(fallbacks()) found.
    """
    problems = [f"{key} has a default, but no entry in argument_specs" for key in defaults if key not in options]
    for key, option in options.items():
        real = [("defaults/main.yml", defaults[key])] if key in defaults else others.get(key, [])
        if option.get("required") and key in defaults:
            problems.append(f"{key} is required and has a default all the same")
        if "default" in option and not real:
            problems.append(f"{key}: documented default {option['default']!r}, but nothing sets it")
        problems += [
            f"{key}: documented default {option.get('default')!r}, but {value!r} in {place}"
            for place, value in real
            if ("default" in option or key in defaults)
            and "{{" not in str(value)
            and (value or None) != (option.get("default") or None)
        ]
    return problems


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_argument_specs_for_its_entry_points(role: str) -> None:
    entries = specs(role)
    assert "main" in entries
    for entry, spec in entries.items():
        assert spec.get("short_description"), f"{role}/{entry} has no short_description"
        assert (ROOT / "roles" / role / "tasks" / f"{entry}.yml").exists(), f"{role} has no tasks/{entry}.yml"


@pytest.mark.skipif(MISSING, reason=f"modules that the roles call are missing: {', '.join(MISSING)}")
@pytest.mark.parametrize("role", ROLES)
def test_documented_defaults_are_the_ones_that_hold(role: str) -> None:
    defaults = load_yaml(ROOT / "roles" / role / "defaults" / "main.yml") or {}
    problems = mismatches(defaults, options_of(role), fallbacks(role))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_that_a_role_uses_is_in_its_argument_specs(role: str) -> None:
    assert sorted(inputs(role) - options_of(role).keys() - registered_anywhere()) == []


def passed_on() -> list[tuple[str, str, str, str]]:
    """Where a variable goes into an option as it is: role, variable, module, option."""
    found = []
    for task in tasks_of_files():
        for option, value in task.args.items():
            whole = re.fullmatch(r"{{ (registry_\w+)(?: \| default\(omit\))? }}", str(value))
            if whole and task.place.startswith("roles/"):
                found.append((task.place.split("/")[1], whole[1], task.module, option))
    return found


@pytest.mark.skipif(MISSING, reason=f"modules that the roles call are missing: {', '.join(MISSING)}")
def test_a_variable_takes_what_its_option_takes() -> None:
    assert ("registry_deploy", "registry_strategy", "registry_deploy", "strategy") in passed_on()
    for role, variable, module, option in passed_on():
        known = options_of(role).get(variable)
        wanted = option_of(module, option)
        if known is not None and option != "state":  # of which a role offers those that belong to its step
            assert known.get("choices") == wanted.get("choices"), f"{role}: {variable} and {option} of {module}"


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_described_and_named_registry(role: str) -> None:
    for key, option in options_of(role).items():
        assert option.get("description"), f"{role}: {key} has no description"
        assert option.get("type"), f"{role}: {key} has no type"
        assert key.startswith("registry_"), f"{role}: {key} is not named registry_*"


def test_a_variable_means_the_same_in_all_roles() -> None:
    seen: dict[str, tuple[str, Any]] = {}
    for role in ROLES:
        for key, option in options_of(role).items():
            meaning = (option.get("type"), option.get("default"), option.get("elements"))
            first, known = seen.setdefault(key, (role, meaning))
            assert known == meaning, f"{key} is {known} in {first} and {meaning} in {role}"


def descriptions() -> dict[str, dict[tuple[str, ...], str]]:
    """How each variable is described, and where first."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for role in ROLES:
        for entry, spec in specs(role).items():
            for key, option in (spec.get("options") or {}).items():
                said = option["description"]
                text = (said,) if isinstance(said, str) else tuple(said)
                found.setdefault(key, {}).setdefault(text, f"{role}/{entry}")
    return found


def test_a_variable_is_described_by_the_same_words_in_all_roles() -> None:
    """Or a mistake that was mended in one of them would stay in the others."""
    several = {key: sorted(texts.values()) for key, texts in descriptions().items() if len(texts) > 1}
    assert {key: places for key, places in several.items() if key not in OTHER_WORDS} == {}
    assert sorted(OTHER_WORDS.keys() - several.keys()) == [], "described by the same words by now"


def test_mismatches_are_found() -> None:
    options = {
        "a": {"default": 1},
        "b": {"required": True},
        "c": {"default": 7},
        "e": {"default": 3},
        "f": {"default": 5},
        "g": {},
    }
    others = {"c": [("m.c", 8)], "g": [("m.g", [])]}
    assert mismatches({"a": 2, "b": 1, "d": 1, "e": "{{ 3 }}"}, options, others) == [
        "d has a default, but no entry in argument_specs",
        "a: documented default 1, but 2 in defaults/main.yml",
        "b is required and has a default all the same",
        "b: documented default None, but 1 in defaults/main.yml",
        "c: documented default 7, but 8 in m.c",
        "f: documented default 5, but nothing sets it",
    ]


def test_the_search_for_variables_finds_both_ways_of_using_one() -> None:
    text = 'a: "{{ registry_a | default(omit) }}"\nb: "{{ registry_b }}"\nwhen: registry_c | default(true)\n'
    assert {name for pair in re.findall(USED, text) for name in pair if name} == {
        "registry_a",
        "registry_b",
        "registry_c",
    }
    assert re.findall(LITERAL, text) == [("registry_c", "true")]


def test_roles_and_playbooks_read_nothing_outside_the_artefact() -> None:
    for path in [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            code = line.split(" #")[0].strip()
            if not code.startswith("#"):
                assert "inventory/" not in code, f"{Path(path).relative_to(ROOT)}: {line}"
                assert "tests/" not in code, f"{Path(path).relative_to(ROOT)}: {line}"


def test_where_tls_ends_decides_in_one_place_whose_name_the_host_is() -> None:
    """The filter registry_own_host; no task that hands the host on looks at the variable itself."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "roles").rglob("tasks/*.yml"))]
    assert sum(text.count(f"{NAME}.registry_own_host(") for text in texts) >= 7
    assert [
        text for text in texts if re.search(r"route_host: [^\n]*\n?[^\n]* if registry_route_termination", text)
    ] == []

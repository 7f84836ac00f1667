# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(-e NAME=VALUE) gives is text: no expression takes it for a boolean or a number as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from collection import ROOT, load_yaml, options_of, role_names
from jinja2 import Environment, nodes

JINJA = Environment(autoescape=False)  # only to read templates: nothing is rendered
#: Keywords whose value is an expression, and no template.
EXPRESSIONS = ("when", "that", "until", "changed_when", "failed_when")
#: By which filter an option of a type becomes what the type says.
CASTS = {"bool": "bool", "int": "int", "float": "float"}
FILES = sorted(
    path
    for path in [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]
    if path.parent.name in ("tasks", "vars", "playbooks")
)


@cache
def casts() -> dict[str, str]:
    """The filter that each boolean or numeric option of a role needs in an expression."""
    options = [each for role in role_names() for each in options_of(role).items()]
    return {name: CASTS[option["type"]] for name, option in options if option.get("type") in CASTS}


def templates(value: Any, key: str = "", *, expression: bool = False) -> Iterator[tuple[str, str]]:
    """All templates in a file's content, each with the key that it is the value of."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from templates(inner, str(name), expression=name in EXPRESSIONS)
    elif isinstance(value, list):
        for inner in value:
            yield from templates(inner, key, expression=expression)
    elif isinstance(value, str):
        yield key, "{{ (" + value + ") or none }}" if expression else value


def with_default(node: nodes.Node) -> nodes.Node:
    """What a node is without its default."""
    return node.node if isinstance(node, nodes.Filter) and node.name == "default" and node.node else node


def left_out(node: nodes.Node) -> bool:
    """Whether a node is C(NAME | default(omit)): an option of a module, which converts it."""
    filtered = isinstance(node, nodes.Filter) and node.name == "default"
    return filtered and [each.name for each in node.args if isinstance(each, nodes.Name)] == ["omit"]  # type: ignore[attr-defined]


def uncast(node: nodes.Node, known: Mapping[str, str]) -> Iterator[str]:
    """The options that a node uses as they are, and what they lack."""
    if isinstance(node, nodes.Test) and node.name in ("defined", "undefined"):
        return
    inner = with_default(node.node) if isinstance(node, nodes.Filter) and node.node else None
    if isinstance(inner, nodes.Name) and (left_out(node) or node.name == known.get(inner.name)):  # type: ignore[attr-defined]
        return
    if isinstance(node, nodes.Name) and node.name in known:
        yield f"{node.name} without | {known[node.name]}"
    for child in node.iter_child_nodes():
        yield from uncast(child, known)


def problems(content: Any, known: Mapping[str, str]) -> list[str]:
    """What is used as it is in a file's content, but for a value that is handed on whole to who converts it."""
    found = []
    for key, template in templates(content):
        for output in JINJA.parse(template).find_all(nodes.Output):
            whole = len(output.nodes) == 1 and isinstance(with_default(output.nodes[0]), nodes.Name)
            # A variable of the role's own converts nothing.
            found += [] if whole and not key.startswith("__") else list(uncast(output, known))
    return found


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # of regular expressions in templates
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_is_taken_for_a_boolean_or_a_number(path: Path) -> None:
    assert problems(load_yaml(path), casts()) == []


def test_what_is_used_as_it_is_is_found() -> None:
    known = {"yes": "bool", "many": "int"}
    fine = [
        {"when": "not yes | default(false) | bool"},
        {"when": ["many | default(10) | int > 0", "yes is defined"]},
        {"module": {"option": "{{ yes | default(omit) }}", "other": "{{ many | default(7) }}"}},
        {"module": {"option": "{{ (yes | default(omit)) if here else omit }}"}},
        {"msg": "say yes, or {{ 'yes' }} and many"},
        {"vars": {"registry_other": "{{ many }}"}},
    ]
    assert problems(fine, known) == []
    wrong = [
        {"when": "yes"},
        {"when": "not yes | default(false)"},
        {"that": ["a and yes | default(false) or b"]},
        {"msg": "{{ 'a' if yes | default(true) else 'b' }}"},
        {"msg": "{{ (yes and other) | bool }}"},
        {"vars": {"__x": "{{ yes | default(false) }}"}},
        {"vars": {"__x": "{{ {'soon': many | default(30)} }}"}},
    ]
    lacks = ["yes without | bool"] * 6 + ["many without | int"]
    assert [said for each in wrong for said in problems([each], known)] == lacks
    assert {casts()[name] for name in ("registry_trust_write_nodes", "registry_route_keep_before")} == {"bool"}
    assert casts()["registry_certificate_renew_before_days"] == "int"

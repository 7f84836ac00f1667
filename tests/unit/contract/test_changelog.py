# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the changelog: in a form that it shows as it is meant, and nothing that it says by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collection import ROOT, load_yaml, role_names

FRAGMENTS = sorted((ROOT / "changelogs" / "fragments").glob("*.yml"))
RELEASES = load_yaml(ROOT / "changelogs" / "changelog.yaml")["releases"]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
# Semantic markup, which antsibull-changelog shows letter by letter.
MARKUP = re.compile(r"\b(?:[BCEILMOPRUV]|RV|HORIZONTALLINE)\(")


def texts(content: Any) -> Iterator[str]:
    """All texts in a fragment."""
    if isinstance(content, str):
        yield content
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from texts(inner)


def added(kind: str) -> set[str]:
    """The names of all roles or playbooks that fragments and releases announce."""
    places = [load_yaml(path) for path in FRAGMENTS]
    found = [entry["name"] for place in places for entry in place.get(f"add object.{kind}") or ()]
    found += [entry["name"] for one in RELEASES.values() for entry in one.get("objects", {}).get(kind) or ()]
    return set(found)


def internal() -> set[str]:
    """The playbooks that say that they are nothing by themselves."""
    return {path.stem for path in PLAYBOOKS if "By itself it " in path.read_text(encoding="utf-8").split("- name:")[0]}


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_a_fragment_uses_double_backticks_alone(path: Path) -> None:
    assert [text for text in texts(load_yaml(path)) if MARKUP.search(text)] == []


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_a_fragment_does_not_announce_what_the_changelog_lists_by_itself(path: Path) -> None:
    announced = r"(?:- new\.|\(?\bnew (?:module|role|playbook|filter|\w+ callback)\b)"
    assert [text for text in texts(load_yaml(path)) if re.search(announced, text)] == []


@pytest.mark.skipif(bool(RELEASES), reason="there is a release that may have faults")
@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_what_was_never_released_is_not_mended_in_the_changelog(path: Path) -> None:
    assert "bugfixes" not in load_yaml(path)


def test_all_roles_and_playbooks_are_announced() -> None:
    assert added("role") == {*role_names()}
    assert added("playbook") == {path.stem for path in PLAYBOOKS} - internal()


def test_parts_of_other_playbooks_and_of_roles_are_told_as_such() -> None:
    assert internal() == {"look", "stored", "report_known"}
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "`look.yml`, `stored.yml` and `report_known.yml` are parts of other playbooks" in readme
    for name in ("seen", "gone", "not_done", "own_host"):
        told = (ROOT / "plugins" / "filter" / f"registry_{name}.py").read_text(encoding="utf-8")
        assert "no interface; it can change in any release" in " ".join(told.split())


@pytest.mark.parametrize(
    ("text", "found"),
    [("option O(x)", True), ("RV(a.b)", True), ("``V(x)``", True), ("``x`` (V1)", False), ("a CV(x)", False)],
)
def test_markup_is_found(text: str, found: bool) -> None:
    assert bool(MARKUP.search(text)) == found

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/permissions.md says what the code asks for: its tables and roles are those that permissions.py makes."""

from __future__ import annotations

import re
from typing import Any

import permissions
import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Right
from ansible_collections.okd.registry.plugins.module_utils._build.rights import ABSENT, FEATURES, OPERATOR, needed
from collection import ROOT

PAGE = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert permissions.written(PAGE) == PAGE, "run .venv/bin/python tests/unit/contract/permissions.py"


def roles(part: str) -> list[dict[str, Any]]:
    """The objects in one of the page's YAML blocks."""
    text = re.search(rf"<!-- begin {part}[^>]*-->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert text
    return list(yaml.safe_load_all(text[1]))


def allowed(part: str) -> set[Right]:
    """Everything that the roles in a block give."""
    return {
        Right(verb, resource, group, name, CLUSTER if role["kind"] == "ClusterRole" else "")
        for role in roles(part) if "rules" in role
        for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
        for name in rule.get("resourceNames", [""]) for verb in rule["verbs"]
    }  # fmt: skip


@pytest.mark.parametrize("asked", permissions.VARIANTS, ids=lambda a: f"{a.storage.kind}-{a.workload}")
def test_the_whole_role_is_enough_for_every_run(asked: Any) -> None:
    given = {(r.verb, r.resource, r.group, r.where, r.name) for r in allowed("roles")}
    lacking = [
        r for r in needed(asked)
        if not {(r.verb, r.resource, r.group, r.where, name) for name in ("", r.name)} & given
    ]  # fmt: skip
    assert lacking == []


def test_the_whole_role_has_nothing_that_no_run_asks_for() -> None:
    assert allowed("roles") <= {right for asked in permissions.VARIANTS for right in needed(asked)}


def test_no_role_gives_all_of_anything() -> None:
    for right in allowed("roles") | allowed("smallest"):
        assert "*" not in right.verb + right.resource + right.group
        assert right.resource != "secrets" or right.name or right.verb == "create"


def test_every_feature_has_its_lines() -> None:
    for feature in (*FEATURES, *ABSENT, OPERATOR):
        assert f"\n| {feature.title} | `" in PAGE, feature.title


def test_bindings_are_for_the_roles_beside_them() -> None:
    for part in ("roles", "smallest"):
        objects = roles(part)
        assert [o["kind"] for o in objects] == ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]
        for role, binding in zip(objects[::2], objects[1::2], strict=True):
            assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (role["kind"], role["metadata"]["name"])

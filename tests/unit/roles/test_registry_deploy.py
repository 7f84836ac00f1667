# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the role registry_deploy asks for the proof that pods serve TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

TASKS = Path(__file__).parents[3] / "roles" / "registry_deploy" / "tasks" / "main.yml"


@pytest.mark.parametrize(
    ("variables", "proves"),
    [
        ({}, True),
        ({"registry_replicas": 2}, True),
        ({"registry_replicas": "0"}, False),
        ({"registry_replicas": 0}, False),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_registry_without_pods_has_nothing_to_prove(variables: dict[str, Any], proves: bool, check: bool) -> None:
    task = next(t for t in yaml.safe_load(TASKS.read_text()) if "proof.yml" in str(t))
    environment = jinja2.Environment(autoescape=True)
    known = {"ansible_check_mode": check, **variables}
    holds = all(environment.compile_expression(condition)(**known) for condition in task["when"])
    assert holds is (proves and not check)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/options.md: its snippets are tasks that the modules accept, and the options it names are there."""

from __future__ import annotations

import re

import pytest
import yaml
from collection import ROOT, errors_of, module_docs, our_tasks

TEXT = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
#: Options with a value, and of which option they are one.
NAMED = re.findall(r"`([a-z_]+)(?:\.([a-z_]+))?: [^`]*`", TEXT)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_a_snippet_is_accepted(snippet: str) -> None:
    tasks = our_tasks(yaml.safe_load(snippet), "docs/options.md")
    assert tasks
    problems = [error for task in tasks for error in errors_of(task, required=True)]
    assert not problems, "\n".join(problems)


def test_the_options_it_names_are_there() -> None:
    options: dict[str, dict[str, object]] = {}
    for module in ("registry_deploy", "registry_service", "registry_cert"):
        options.update(module_docs(module)[0]["options"])
    missing = []
    for name, sub in NAMED:
        known = options.get(name)
        if known is None or (sub and sub not in (known.get("suboptions") or {})):  # type: ignore[operator]
            missing.append(f"{name}.{sub}" if sub else name)
    assert set(missing) <= {"migrate"}  # comes with the moving of images

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that stand in docs/, so that tests run what readers copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sandbox
import yaml

_FENCE = re.compile(r"^```yaml (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(document: str) -> dict[str, str]:
    """Give the named YAML blocks of a document in docs/ (```` ```yaml NAME````), in their order."""
    return dict(_FENCE.findall((sandbox.ROOT / "docs" / document).read_text(encoding="utf-8")))


def adapted(text: str, places: Mapping[str, str]) -> str:
    """Give a block with the document's examples of names and paths replaced by those of the sandbox."""
    for example, real in places.items():
        text = text.replace(example, real)
    return text


def variables(document: str, name: str, places: Mapping[str, str]) -> dict[str, Any]:
    """Give the variables that a block of a document sets, with the examples in them replaced."""
    return dict(yaml.safe_load(adapted(snippets(document)[name], places)))


def play(text: str, directory: Path, *arguments: str) -> sandbox.Run:
    """Run a block as a playbook on the sandbox."""
    path = directory / "snippet.yml"
    path.write_text(text, encoding="utf-8")
    command = [*sandbox.playbook_command("site.yml", *arguments)]
    command[command.index(str(sandbox.ROOT / "playbooks/site.yml"))] = str(path)
    done = sandbox.run(*command, check=False, timeout=900, cwd=sandbox.ROOT, env=sandbox.environment())
    output = done.stdout + done.stderr
    return sandbox.Run(done.returncode, output, sandbox.recap(output))

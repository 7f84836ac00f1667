# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's code: the files of ``_node`` that it needs, as they are in this collection.

They are asked of whoever imports them (a directory, or the archive that Ansible sends), so that what runs on nodes by
Ansible and what runs there in the agent's pods is one and the same text.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator

# By this import Ansible sends the agent, and all that it imports, along with a module.
from ansible_collections.okd.registry.plugins.module_utils._node import agent

_PACKAGE = agent.__name__.rpartition(".")[0]
_ENTRY = "agent"


def read(source: Callable[[str], str] | None = None) -> dict[str, str]:
    """The agent and all it imports, by the names of their files.

    :param source: gives the text of a module of ``_node`` by its name, "" for the package itself.
    :raises LookupError: for a module whose text cannot be had.
    """
    give = source or _installed
    todo, found = [_ENTRY], {"__init__.py": give("")}
    while todo:
        name = todo.pop()
        if f"{name}.py" not in found:
            text = found[f"{name}.py"] = give(name)
            todo += imported(text)
    return dict(sorted(found.items()))


def imported(text: str) -> Iterator[str]:
    """The modules of its own package that a module of ``_node`` imports, in whichever function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [alias.name for alias in node.names]


def _installed(name: str) -> str:
    full = f"{_PACKAGE}.{name}" if name else _PACKAGE
    spec = importlib.util.find_spec(full)
    text = spec.loader.get_source(full) if spec and spec.loader and hasattr(spec.loader, "get_source") else None
    if text is None:
        raise LookupError(f"the text of {full} cannot be read from where it was imported")
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)  # bytes by Ansible's own importer

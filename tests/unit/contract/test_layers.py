# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import what: the node side only what a Python 3.6 has, one file kubernetes.core, pure parts no I/O."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from collection import ROOT

PLUGINS = ROOT / "plugins"
PREFIX = "ansible_collections.okd.registry.plugins"
NODE_MODULES = ("registry_trust", "registry_trust_info", "registry_check")
# Run on nodes or at the API: what comes with their own import is for nodes, what functions import is not.
BOTH_SIDES = ("registry_login", "registry_storage_info")
# In today's standard library, but not in Python 3.6's.
TOO_NEW = {
    "__future__.annotations",
    "contextvars",
    "dataclasses",
    "graphlib",
    "importlib.metadata",
    "tomllib",
    "zoneinfo",
}
TOO_NEW_NAMES = {"typing": {"Final", "Literal", "Protocol", "TypedDict", "TypeAlias", "Annotated"}}
# What pure code has no use for: each of these is a way to the world outside.
IMPURE = {
    "ansible",
    "http",
    "kubernetes",
    "os",
    "pathlib",
    "requests",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "urllib",
}


def imports(path: Path, source: str | None = None) -> Iterator[str]:
    """All modules that a file imports, with the names taken from them (C(a.b.name)); relative ones made absolute."""
    tree = ast.parse(source if source is not None else path.read_text(encoding="utf-8"))
    package = [*PREFIX.split("."), *path.relative_to(PLUGINS).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_file(name: str) -> Path | None:
    """The file of this collection that an imported name comes from."""
    if not name.startswith(PREFIX + "."):
        return None
    parts = name.removeprefix(PREFIX + ".").split(".")
    for end in (len(parts), len(parts) - 1):
        path = PLUGINS.joinpath(*parts[:end])
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.exists():
                return candidate
    return None


def node_side() -> list[Path]:
    """Every file that is copied to a node: the modules that run there and whatever they import of ours."""
    todo = [PLUGINS / "modules" / f"{name}.py" for name in NODE_MODULES]
    todo += (PLUGINS / "module_utils" / "_node").rglob("*.py")
    found: set[Path] = set()
    while todo:
        path = todo.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        todo += [own for name in imports(path) if (own := own_file(name))]
    return sorted(found)


def at_once(path: Path) -> set[Path]:
    """A file and all of ours that is imported with it, not counting what functions import."""
    todo, found = [path], set()
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += [own for name in imports(path, top_level(path)) if (own := own_file(name))]
    return found


def top_level(path: Path) -> str:
    """A file's text without its functions and classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return "\n".join(ast.unparse(node) for node in tree.body if not isinstance(node, kinds))


def forbidden_on_nodes(names: Iterator[str]) -> list[str]:
    """Those of the imported names that a node may not have."""
    bad = []
    for name in names:
        module, _, last = name.rpartition(".")
        top = name.split(".")[0]
        known = top in sys.stdlib_module_names or name.startswith("ansible.module_utils.") or own_file(name)
        too_new = any(name == new or name.startswith(new + ".") for new in TOO_NEW)
        if not known or too_new or last in TOO_NEW_NAMES.get(module, ()):
            bad.append(name)
    return bad


def python_files(*folders: str) -> list[Path]:
    """The Python files below folders of plugins/."""
    return sorted(path for folder in folders for path in (PLUGINS / folder).rglob("*.py"))


@pytest.mark.parametrize("path", node_side(), ids=lambda path: path.name)
def test_the_node_side_imports_only_an_old_standard_library(path: Path) -> None:
    assert forbidden_on_nodes(imports(path)) == []


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_a_module_of_both_sides_can_be_imported_on_a_node(name: str) -> None:
    bad = {
        file.name: found
        for file in at_once(PLUGINS / "modules" / f"{name}.py")
        if (found := forbidden_on_nodes(imports(file, top_level(file))))
    }
    assert bad == {}


@pytest.mark.parametrize("path", python_files("modules", "module_utils", "action"), ids=lambda path: path.name)
def test_kubernetes_core_is_imported_for_its_client_and_its_argument_spec_only(path: Path) -> None:
    if path.relative_to(PLUGINS).as_posix() not in ("module_utils/_kube.py", "module_utils/_args.py"):
        assert [name for name in imports(path) if name.startswith("ansible_collections.kubernetes.")] == []


@pytest.mark.parametrize("path", python_files("modules", "module_utils", "action"), ids=lambda path: path.name)
def test_one_file_imports_the_kubernetes_library_and_only_where_it_is_needed(path: Path) -> None:
    theirs = [name for name in imports(path) if name.split(".")[0] == "kubernetes"]
    if path.relative_to(PLUGINS).as_posix() != "module_utils/_kube.py":
        assert theirs == []
    else:  # its import takes longer than a task's requests, and the plain connection goes without (_kubeconfig)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        assert theirs
        assert not any("kubernetes" in ast.unparse(node) for node in top)


@pytest.mark.parametrize("path", python_files("module_utils/_build"), ids=lambda path: path.name)
def test_builders_are_pure(path: Path) -> None:
    assert [name for name in imports(path) if name.split(".")[0] in IMPURE] == []


@pytest.mark.parametrize("path", python_files("module_utils"), ids=lambda path: path.name)
def test_module_utils_are_private(path: Path) -> None:
    first = path.relative_to(PLUGINS / "module_utils").parts[0]
    assert first.startswith("_"), f"{first} would be public for ever: begin its name with _"


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("from __future__ import annotations", ["__future__.annotations"]),
        ("from __future__ import absolute_import", []),
        ("import dataclasses, json", ["dataclasses"]),
        ("from typing import Protocol, Dict", ["typing.Protocol"]),
        ("import yaml", ["yaml"]),
        ("from ansible.module_utils.basic import AnsibleModule", []),
        ("def f():\n    import cryptography.x509", ["cryptography.x509"]),
        ("from ansible_collections.kubernetes.core.plugins.module_utils.common import x",
         ["ansible_collections.kubernetes.core.plugins.module_utils.common.x"]),
    ],
)  # fmt: skip
def test_what_a_node_lacks_is_found(source: str, bad: list[str]) -> None:
    assert forbidden_on_nodes(imports(PLUGINS / "modules" / "registry_trust.py", source)) == bad


def test_relative_imports_are_followed() -> None:
    source = "from ..module_utils._node import files\nfrom ..module_utils._node.files import write"
    assert list(imports(PLUGINS / "modules" / "registry_trust.py", source)) == [
        f"{PREFIX}.module_utils._node.files",
        f"{PREFIX}.module_utils._node.files.write",
    ]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's files come back whatever was done to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import node_state
import pytest


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that was saved as a node's /etc is."""
    tree = tmp_path / "live"
    (tree / "docker" / "certs.d").mkdir(parents=True)
    (tree / "sysconfig").mkdir()
    (tree / "sysconfig" / "docker").write_text("OPTIONS=''\n")
    (tree / "sysconfig" / "docker").chmod(0o640)
    (tree / "link").symlink_to("sysconfig/docker")
    name = str(tree).lstrip("/")
    kept = tmp_path / "kept"
    monkeypatch.setattr(node_state, "STORE", kept)
    monkeypatch.setattr(node_state, "TREES", (name,))
    (kept / name).mkdir(parents=True)
    for entry in node_state.entries(tree):
        node_state.copy(tree / entry, kept / name / entry)
    return tree


def state(tree: Path) -> dict[str, tuple[int, str]]:
    """Mode and content (or target) of everything below a directory."""
    found = {}
    for name in node_state.entries(tree):
        path = tree / name
        content = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[name] = (path.lstat().st_mode, content)
    return found


def _link_to_directory(tree: Path) -> None:
    shutil.rmtree(tree / "docker")
    (tree / "docker").symlink_to("/nowhere")


def _file_for_directory(tree: Path) -> None:
    shutil.rmtree(tree / "docker" / "certs.d")
    (tree / "docker" / "certs.d").write_text("a file")


def _directory_for_file(tree: Path) -> None:
    (tree / "sysconfig" / "docker").unlink()
    (tree / "sysconfig" / "docker" / "deep").mkdir(parents=True)


def _new(tree: Path) -> None:
    (tree / "docker" / "certs.d" / "x:5000").mkdir()
    (tree / "docker" / "certs.d" / "x:5000" / "ca.crt").write_text("ca")


CHANGES: list[Callable[[Path], object]] = [
    lambda tree: (tree / "sysconfig" / "docker").write_text("OPTIONS='x'\n"),
    lambda tree: (tree / "sysconfig" / "docker").chmod(0o600),
    lambda tree: (tree / "sysconfig").chmod(0o700),
    lambda tree: (tree / "sysconfig" / "docker").unlink(),
    lambda tree: ((tree / "link").unlink(), (tree / "link").symlink_to("/etc/passwd")),
    lambda tree: ((tree / "link").unlink(), (tree / "link").write_text("a file")),
    lambda tree: shutil.rmtree(tree / "sysconfig"),
    _link_to_directory,
    _file_for_directory,
    _directory_for_file,
    _new,
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_undone_and_said(live: Path, change: Callable[[Path], object]) -> None:
    before = state(live)
    change(live)
    assert state(live) != before
    assert node_state.restore_tree(node_state.TREES[0])
    assert state(live) == before


def test_nothing_changed_is_nothing_said(live: Path) -> None:
    assert node_state.restore_tree(node_state.TREES[0]) == []
    assert state(live)


def test_docker_forgets_where_layers_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = tmp_path / "distribution"
    monkeypatch.setattr(node_state, "REPOSITORIES_OF_LAYERS", records)
    node_state.forget_repositories()
    (records / "v2metadata-by-diffid/sha256").mkdir(parents=True)
    (records / "v2metadata-by-diffid/sha256/59ea").write_text("[]")
    (records / "diffid-by-digest").mkdir()
    node_state.forget_repositories()
    assert list(records.iterdir()) == []

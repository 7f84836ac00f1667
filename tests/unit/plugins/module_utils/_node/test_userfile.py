# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a directory whose owner changes it while root writes there: nothing of root's is touched, wherever he leads.

Each test puts a link in the way at the moment at which it is too late for a look beforehand.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, userfile
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
USER = 1234


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file of root's in a directory of root's."""
    path = tmp_path / "etc" / "config.json"
    path.parent.mkdir()
    path.write_text("precious")
    path.chmod(0o640)
    return path


def untouched(path: Path) -> bool:
    found, folder = path.stat(), path.parent.stat()
    as_it_was = (found.st_uid, stat.S_IMODE(found.st_mode), folder.st_uid) == (0, 0o640, 0)
    return as_it_was and path.read_text() == "precious" and [one.name for one in path.parent.iterdir()] == [path.name]


def in_between(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, attack: Callable[[], None]) -> None:
    """Have something happen before a call, once."""
    real, waiting = getattr(where, name), [attack]

    def call(*arguments: Any, **options: Any) -> Any:
        while waiting:
            waiting.pop()()
        return real(*arguments, **options)

    monkeypatch.setattr(where, name, call)


def test_a_file_is_written_as_its_owner_s_with_all_that_it_had(home: Path) -> None:
    path = home / "a/b/config.json"
    userfile.put(str(path), b"one", 0o600)
    assert {(p.stat().st_uid, stat.S_IMODE(p.stat().st_mode)) for p in (path.parent, path.parent.parent)} == {
        (USER, 0o700)
    }
    with contextlib.suppress(OSError):
        os.setxattr(path, "user.note", b"kept")
    path.chmod(0o644)
    assert userfile.read(str(path)) == (b"one", True)
    userfile.put(str(path), b"two", 0o600)
    assert userfile.read(str(path)) == (b"two", False)
    assert (path.stat().st_uid, path.stat().st_gid) == (USER, USER)
    with contextlib.suppress(OSError):
        assert os.getxattr(path, "user.note") == b"kept"
    userfile.remove(str(path))
    userfile.remove(str(path))
    assert userfile.read(str(path)) == userfile.NOTHING


@pytest.mark.parametrize(("where", "call"), [(files, "copy_attributes"), (os, "fchmod"), (os, "fchown")])
def test_a_link_in_the_place_of_the_half_written_file_is_not_followed(
    home: Path, precious: Path, monkeypatch: pytest.MonkeyPatch, where: Any, call: str
) -> None:
    path = home / "config.json"
    userfile.put(str(path), b"before", 0o600)

    def attack() -> None:
        (beside,) = (one for one in home.iterdir() if one != path)
        beside.unlink()
        beside.symlink_to(precious)

    in_between(monkeypatch, where, call, attack)
    with contextlib.suppress(NodeError):
        userfile.put(str(path), b"token", 0o600)
    assert untouched(precious)


def test_a_directory_that_became_a_link_is_not_entered(home: Path, precious: Path) -> None:
    """After the path was worked out."""
    (home / "x").symlink_to(precious.parent)
    target = str(home / "x/config.json")
    with pytest.raises(NodeError, match=r"home/x/config\.json: cannot be changed, and is as it was: "):
        userfile.put(target, b"token", 0o600)
    assert userfile.read(target) == userfile.NOTHING
    with pytest.raises(NodeError):
        userfile.remove(target)
    assert untouched(precious)


def test_a_directory_that_is_just_made_and_becomes_a_link_is_not_given_away(
    home: Path, precious: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def mkdir(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        (home / ".docker").rmdir()
        (home / ".docker").symlink_to(precious.parent)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(NodeError):
        userfile.put(str(home / ".docker/config.json"), b"token", 0o600)
    assert untouched(precious)


def test_a_pipe_keeps_nobody_waiting(home: Path) -> None:
    os.mkfifo(home / "config.json")
    assert userfile.read(str(home / "config.json")).raw == b""

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all, and no link is followed; and what was written is on record."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, manifest
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError, RefusedError

PATH = "/etc/docker/certs.d/h:5000/ca.crt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/docker/certs.d/h:5000").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def tree(root: Path) -> files.Tree:
    return files.Tree(str(root))


def names(directory: Path) -> list[str]:
    """List a directory."""
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_written_with_its_mode_whatever_the_umask(root: Path, tree: files.Tree) -> None:
    before = os.umask(0o077)
    try:
        tree.write(PATH, b"ca")
        tree.make_directory("/etc/docker/certs.d/new:1")
    finally:
        os.umask(before)
    assert (root / PATH[1:]).read_bytes() == b"ca"
    assert tree.look(PATH).mode == 0o644
    assert tree.look("/etc/docker/certs.d/new:1").mode == 0o755
    assert names(root / "etc/docker/certs.d/h:5000") == ["ca.crt"]


def test_writing_over_a_link_replaces_the_link_and_not_what_it_leads_to(root: Path, tree: files.Tree) -> None:
    target = root / "precious"
    target.write_bytes(b"precious")
    (root / PATH[1:]).symlink_to(target)
    tree.write(PATH, b"ca")
    assert target.read_bytes() == b"precious"
    assert tree.look(PATH).kind == "file"


@pytest.mark.parametrize("what", ["etc/docker", "etc/docker/certs.d", "etc/docker/certs.d/h:5000"])
def test_a_link_on_the_way_is_refused_by_name(root: Path, tree: files.Tree, what: str) -> None:
    place = root / what
    place.rename(root / "moved")
    place.symlink_to(root / "moved")
    with pytest.raises(RefusedError, match=f"/{what}: is not a directory but a link"):
        tree.write(PATH, b"ca")
    with pytest.raises(RefusedError, match=f"/{what}: is not a directory but a link"):
        tree.look(PATH)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    root: Path, tree: files.Tree, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    tree.write(PATH, b"old")

    def fail(_descriptor: int, _raw: bytes) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(files.os, "write", fail)
    with pytest.raises(NodeError, match=rf"{PATH}: cannot be changed, and is as it was: {os.strerror(error)}"):
        tree.write(PATH, b"new")
    with pytest.raises(NodeError, match="cannot be changed, and is as it was"):
        tree.replace(PATH, b"new")
    assert (root / PATH[1:]).read_bytes() == b"old"
    assert names(root / "etc/docker/certs.d/h:5000") == ["ca.crt"]


def test_what_a_killed_run_left_half_written_is_taken_away_by_the_next(root: Path, tree: files.Tree) -> None:
    (root / "etc/docker/certs.d/h:5000/.ca.crt.okd-registry").write_bytes(b"half")
    tree.write(PATH, b"ca")
    assert names(root / "etc/docker/certs.d/h:5000") == ["ca.crt"]


def test_a_file_of_others_keeps_owner_mode_and_the_link_to_it(root: Path, tree: files.Tree) -> None:
    (root / "etc/sysconfig").mkdir()
    real = root / "etc/default-docker"
    real.write_bytes(b"A=1\n")
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 12, 34)
    owner = (real.stat().st_uid, real.stat().st_gid)
    (root / "etc/sysconfig/docker").symlink_to(real)
    tree.replace("/etc/sysconfig/docker", b"A=2\n")
    assert (root / "etc/sysconfig/docker").is_symlink()
    assert real.read_bytes() == b"A=2\n"
    assert real.stat().st_mode & 0o7777 == 0o640
    assert (real.stat().st_uid, real.stat().st_gid) == owner
    assert names(root / "etc") == ["default-docker", "docker", "sysconfig"]


def test_extended_attributes_stay(root: Path, tree: files.Tree) -> None:
    tree.write(PATH, b"old")
    try:
        os.setxattr(root / PATH[1:], "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no user attributes")
    tree.replace(PATH, b"new")
    assert os.getxattr(root / PATH[1:], "user.note") == b"kept"


def test_only_empty_directories_go(root: Path, tree: files.Tree) -> None:
    tree.write(PATH, b"ca")
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    assert (root / PATH[1:]).exists()
    tree.remove(PATH)
    tree.remove(PATH)
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    assert names(root / "etc/docker/certs.d") == []


def test_of_two_runs_at_once_the_second_waits_and_says_who_it_waited_for(tree: files.Tree) -> None:
    order: list[str] = []

    def second() -> None:
        with tree.lock("/var/lib/lock", 10):
            order.append("second")

    with tree.lock("/var/lib/lock", 10):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    with (
        tree.lock("/var/lib/lock", 10),
        pytest.raises(NodeError, match="another run has been at work on this node"),
        tree.lock("/var/lib/lock", 0.2),
    ):
        pytest.fail("two held the lock")


def test_a_lock_that_was_taken_away_between_opening_and_locking_it_is_taken_anew(
    root: Path, tree: files.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = files._locked
    calls: list[int] = []

    def overtaken(descriptor: int) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:  # its holder tidies up, and somebody else makes a new one
            (root / "var/lib/lock").unlink()
            (root / "var/lib/lock").touch()
        return locked(descriptor)

    monkeypatch.setattr(files, "_locked", overtaken)
    with tree.lock("/var/lib/lock", 10):
        assert len(calls) == 2


def test_a_lock_whose_directory_was_taken_away_is_taken_in_a_new_one(
    root: Path, tree: files.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that waits for the lock finds nothing in its place: its holder has tidied up."""
    path = root / "var/lib/records"
    locked = files._locked
    calls: list[int] = []

    def overtaken(descriptor: int) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            (path / "lock").unlink()
            path.rmdir()
            return False
        return locked(descriptor)

    monkeypatch.setattr(files, "_locked", overtaken)
    tree.make_directory("/var/lib/records", 0o700)
    with tree.lock("/var/lib/records/lock", 10):
        assert (path / "lock").exists()
        assert path.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_run_left_half_written_keeps_no_directory(root: Path, tree: files.Tree) -> None:
    folder = root / "etc/docker/certs.d/h:5000"
    (folder / ".ca.crt.okd-registry").write_bytes(b"half")
    (folder / "client.key").write_bytes(b"key")
    assert tree.look("/etc/docker/certs.d/h:5000").entries == ("client.key",)
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    assert names(folder) == [".ca.crt.okd-registry", "client.key"]
    (folder / "client.key").unlink()
    assert tree.look("/etc/docker/certs.d/h:5000").entries == ()
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    assert not folder.exists()
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    folder.symlink_to("/etc")
    tree.remove_directory("/etc/docker/certs.d/h:5000")
    assert folder.is_symlink()


def test_records_come_back_as_they_were_and_go_when_there_is_nothing_left(root: Path, tree: files.Tree) -> None:
    records = manifest.Records(tree, "default/docker-registry")
    kept = manifest.Manifest({PATH: manifest.Entry("12", ["34"], False)}, ["/etc/docker"])
    records.save(kept)
    assert records.path == "/var/lib/okd-registry/default_docker-registry.json"
    assert tree.look(records.path).mode == 0o600
    assert records.load() == kept
    other = manifest.Records(tree, "default/other")
    assert other.load() == manifest.EMPTY
    assert other.others() == [manifest.Other("default/docker-registry", kept, False)]
    assert records.others() == []
    of_route = manifest.Records(tree, "default/docker-registry.route")
    assert of_route.others() == [manifest.Other("default/docker-registry", kept, True)]
    of_route.save(kept)
    assert records.others() == [manifest.Other("default/docker-registry.route", kept, True)]
    records.save_sibling(manifest.EMPTY)
    assert (of_route.load(), records.load()) == (manifest.EMPTY, kept)
    records.save(manifest.EMPTY)
    records.tidy()
    assert names(root / "var/lib") == []


def test_a_restart_that_was_begun_is_remembered_byte_by_byte(tree: files.Tree) -> None:
    records = manifest.Records(tree, "default/docker-registry")
    assert records.unfinished_restart() is None
    records.begin_restart([manifest.Change("/etc/sysconfig/docker", b"\xff\n", b"new")])
    assert records.unfinished_restart() == [("/etc/sysconfig/docker", b"\xff\n", files.sha256(b"new"))]
    records.end_restart()
    assert records.unfinished_restart() is None


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 1, "files": {"a": 1}, "directories": []}']
)
def test_a_damaged_record_is_named_and_nothing_is_guessed(root: Path, tree: files.Tree, raw: bytes) -> None:
    (root / "var/lib/okd-registry").mkdir()
    (root / "var/lib/okd-registry/default_docker-registry.json").write_bytes(raw)
    with pytest.raises(RefusedError, match=r"default_docker-registry\.json: cannot be understood"):
        manifest.Records(tree, "default/docker-registry").load()


@pytest.mark.parametrize("registry", ["docker-registry", "a/b/c", "../x/y", "Default/x", "a_b/c", "/x", "a/"])
def test_a_registry_is_named_by_namespace_and_name(tree: files.Tree, registry: str) -> None:
    with pytest.raises(RefusedError, match="is not of the form namespace/name"):
        manifest.Records(tree, registry)

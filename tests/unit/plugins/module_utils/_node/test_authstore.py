# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with logins on a disk, and credential helpers as programs that keep what they are told."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import authstore, bearer
from ansible_collections.okd.registry.plugins.module_utils._node import login as logins
from ansible_collections.okd.registry.plugins.module_utils._node.authfile import Login
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError, RefusedError

A, B = "172.30.124.220:5000", "registry.example.com"
ALICE = Login("alice", "sha256~token")
# Keeps logins in a file beside it, and notes its arguments: a secret must never be among them.
HELPER = """#!/usr/bin/env python3
import json, pathlib, sys
here = pathlib.Path(__file__).parent
kept = json.loads((here / "kept").read_text()) if (here / "kept").exists() else {}
with (here / "arguments").open("a") as log:
    print(*sys.argv[1:], file=log)
told = sys.stdin.read()
if sys.argv[1] == "get":
    if told not in kept:
        print("credentials not found in native keychain"); sys.exit(1)
    print(json.dumps(kept[told])); sys.exit(0)
if sys.argv[1] == "store":
    one = json.loads(told)
    if one["Username"] == "nobody":
        print("no room for " + one["Secret"]); sys.exit(1)
    kept[one["ServerURL"]] = one
else:
    kept.pop(told, None)
(here / "kept").write_text(json.dumps(kept))
"""


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a helper that is called keeper."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker-credential-keeper"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def asked(
    path: Path, login: Login | None = ALICE, *, check: bool = False, endpoints: tuple[str, ...] = (A, B)
) -> logins.Request:
    return logins.Request(str(path), list(endpoints), login, None, False, None, 1, check)


@pytest.mark.parametrize(
    ("auth_file", "env", "path"),
    [
        ("docker", {}, str(Path.home() / ".docker/config.json")),
        ("docker", {"DOCKER_CONFIG": "/c"}, "/c/config.json"),
        ("podman", {}, "/run/containers/1000/auth.json"),
        ("podman", {"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/containers/auth.json"),
        ("podman", {"XDG_RUNTIME_DIR": "/x", "REGISTRY_AUTH_FILE": "/a"}, "/a"),
        ("~/x.json", {}, str(Path.home() / "x.json")),
    ],
)
def test_where_the_file_is(auth_file: str, env: dict[str, str], path: str) -> None:
    assert authstore.place(auth_file, env, 1000) == path


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(RefusedError, match="neither docker nor podman nor an absolute path"):
        authstore.place("config.json", {}, 0)


def test_a_file_is_made_changed_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a/b/config.json"
    first = logins.log_in(asked(path))
    assert first["changed"]
    assert first["actions"] == [f"Logged in at {name} as alice in {path}." for name in (A, B)]
    before = path.stat()
    assert not logins.log_in(asked(path))["changed"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert logins.log_in(asked(path, Login("alice", "new"), check=True))["changed"]
    assert path.stat().st_ino == before.st_ino
    second = logins.log_in(asked(path, Login("alice", "new")))
    assert second["changed"]
    assert second["diff"][0]["before"] != second["diff"][0]["after"]
    assert "new\n" not in json.dumps(second)
    assert [entry.name for entry in path.parent.iterdir()] == ["config.json"]


def test_a_file_that_others_may_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    logins.log_in(asked(path))
    path.chmod(0o644)
    done = logins.log_in(asked(path))
    assert done["changed"]
    assert done["actions"] == [f"Nobody but its owner may read {path} any more."]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, path = tmp_path / "real/logins", tmp_path / "config.json"
    target.write_text('{"auths": {}, "x": 1}')
    path.symlink_to(target)
    logins.log_in(asked(path))
    assert path.is_symlink()
    assert json.loads(target.read_text())["x"] == 1
    assert logins.log_out(asked(path, None))["changed"]
    assert path.is_symlink()


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NFS without its lock service says it."""

    def none(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(authstore.fcntl, "flock", none)
    assert logins.log_in(asked(tmp_path / "config.json"))["changed"]
    assert list(json.loads((tmp_path / "config.json").read_text())["auths"]) == [A, B]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A directory of root's, at a place that nobody can get to, for a test that is nobody."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own are closed to others
    folder.chmod(0o755)
    yield folder
    os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (0o711, "the directory .*/d cannot be opened: Permission denied; run this as whose it is"),
        (0o755, "cannot be read: Permission denied; run this as whose it is"),
    ],
)
def test_a_file_that_is_closed_to_this_user_is_named(as_nobody: Path, mode: int, said: str) -> None:
    path = as_nobody / "d/config.json"
    path.parent.mkdir()
    path.write_text("{}")
    path.chmod(0o600)
    path.parent.chmod(mode)
    os.seteuid(65534)
    with pytest.raises(NodeError, match=said):
        logins.log_in(asked(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_file_that_cannot_be_removed_is_named(as_nobody: Path) -> None:
    path = as_nobody / "config.json"
    logins.log_in(asked(path))
    os.chown(path, 65534, 65534)
    os.seteuid(65534)
    with pytest.raises(NodeError, match=r"config\.json: cannot be changed, and is as it was: Permission denied"):
        logins.log_out(asked(path, None))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of others")
def test_what_root_makes_belongs_to_whose_directory_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 1234, 1234)
    path = home / ".docker/config.json"
    logins.log_in(asked(path))
    assert [(p.stat().st_uid, p.stat().st_gid) for p in (path.parent, path)] == [(1234, 1234)] * 2
    os.chown(path, 4321, 4321)
    logins.log_in(asked(path, Login("alice", "new")))
    assert (path.stat().st_uid, path.stat().st_gid) == (4321, 4321)


def test_a_file_with_nothing_left_in_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert not logins.log_out(asked(path, None))["changed"]
    logins.log_in(asked(path))
    assert logins.log_out(asked(path, None, check=True))["changed"]
    assert path.exists()
    assert logins.log_out(asked(path, None, endpoints=(A,)))["changed"]
    assert list(json.loads(path.read_text())["auths"]) == [B]
    assert logins.log_out(asked(path, None))["changed"]
    assert not path.exists()


@pytest.mark.parametrize("setting", [{"credsStore": "keeper"}, {"credHelpers": {A: "keeper", B: "keeper"}}])
def test_a_helper_gets_the_logins_of_its_endpoints(tmp_path: Path, keeper: Path, setting: dict[str, object]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(setting))
    path.chmod(0o600)
    done = logins.log_in(asked(path))
    assert done["actions"][0] == f"Logged in at {A} as alice in docker-credential-keeper ({path})."
    kept = json.loads((keeper / "kept").read_text())
    assert kept[A] == {"ServerURL": A, "Username": "alice", "Secret": ALICE.secret}
    assert json.loads(path.read_text()) == {**setting, "auths": {A: {}, B: {}}}  # as docker login leaves it
    assert not logins.log_in(asked(path))["changed"]
    assert set((keeper / "arguments").read_text().split()) == {"get", "store"}
    assert logins.log_out(asked(path, None))["changed"]
    assert json.loads((keeper / "kept").read_text()) == {}
    assert json.loads(path.read_text()) == {**setting, "auths": {}}
    assert not logins.log_out(asked(path, None))["changed"]


def test_a_helper_that_fails_is_named_without_the_secret(tmp_path: Path, keeper: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"credsStore": "keeper"}')
    with pytest.raises(NodeError, match=r"docker-credential-keeper store .*: no room for \*\*\*\*\*\*\*\*$"):
        logins.log_in(asked(path, Login("nobody", "hunter22")))
    assert json.loads(path.read_text()) == {"credsStore": "keeper"}


def test_a_helper_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"credHelpers": {B: "nosuch"}}))
    with pytest.raises(RefusedError, match="docker-credential-nosuch, which is not in the PATH"):
        logins.log_in(asked(path))
    assert logins.log_in(asked(path, endpoints=(A,)))["changed"]


def test_without_a_login_to_use_again_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    done = logins.log_in(asked(path, Login("alice", None)))
    assert done == {"reused": False, "why": "there is no login of alice on this host yet", "changed": False}
    logins.log_in(asked(path))
    done = logins.log_in(asked(path, Login("alice", None), endpoints=("127.0.0.1:9",)))
    assert "no login of alice" in done["why"]
    done = logins.log_in(asked(path, Login("alice", None))._replace(endpoints=[A, "127.0.0.1:9"]))
    assert "is not proven to hold" in done["why"]


@pytest.mark.parametrize(
    ("token", "expires"),
    [
        ("sha256~abc", None),
        ("a.b.c", None),
        ("e30.eyJleHAiOjE3MDAwMDAwMDB9.x", 1700000000.0),
        ("e30.eyJleHAiOnRydWV9.x", None),
        ("e30.W10.x", None),
    ],
)
def test_when_a_token_expires(token: str, expires: float | None) -> None:
    assert bearer.expiry(token) == expires


@pytest.mark.parametrize(
    ("user", "system", "account"),
    [
        ("alice", False, None),
        ("system:admin", True, None),
        ("system:node:node1", True, None),
        ("system:serviceaccount:test:builder", False, ("test", "builder")),
        ("system:serviceaccount:test", False, None),
        (None, False, None),
    ],
)
def test_who_is_a_system_user(user: str | None, system: bool, account: tuple[str, str] | None) -> None:
    assert (bearer.is_system(user), bearer.account(user)) == (system, account)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="NOT CHECKED: no Skopeo, which reads these files as podman does")
def test_skopeo_finds_the_logins_and_no_more_once_they_are_gone(tmp_path: Path, keeper: Path) -> None:
    def whose(path: Path, endpoint: str) -> str:
        command = ["skopeo", "login", "--get-login", "--authfile", str(path), endpoint]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr

    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {"quay.io": {"auth": "eDp5"}}, "credHelpers": {B: "keeper"}}))
    logins.log_in(asked(path))
    assert [whose(path, name) for name in (A, B, "quay.io")] == ["alice", "alice", "x"]
    assert list(json.loads((keeper / "kept").read_text())) == [B]
    logins.log_out(asked(path, None))
    assert whose(path, "quay.io") == "x"
    assert all("alice" not in whose(path, name) for name in (A, B))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that run in pods, run by this machine's shell and, where there is one, by busybox."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._migrate import content, scripts

BUSYBOX = os.environ.get("OKD_REGISTRY_BUSYBOX") or shutil.which("busybox")
SHELLS = ["GNU", pytest.param("busybox", marks=pytest.mark.skipif(not BUSYBOX, reason="no busybox here"))]
LINK = "docker/registry/v2/repositories/test/a/_manifests/tags/1/current/link"


class Pod:
    """Two directories, and the programs of one kind."""

    def __init__(self, top: Path, kind: str) -> None:
        self.source, self.target = top / "old", top / "new"
        (self.target / content.OWN).mkdir(parents=True)
        self.source.mkdir()
        self.path = os.environ["PATH"]
        if kind == "busybox":
            programs = top / "bin"
            programs.mkdir()
            subprocess.run([str(BUSYBOX), "--install", "-s", str(programs)], check=True)
            self.path = str(programs)

    def put(self, path: str, text: bytes) -> str:
        (self.source / path).parent.mkdir(parents=True, exist_ok=True)
        (self.source / path).write_bytes(text)
        return path

    def run(self, command: list[str], feed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        there = [word.replace("/target", str(self.target)) for word in command]
        program = shutil.which(there[0], path=self.path)
        assert program
        return subprocess.run(
            [program, *there[1:]], input=feed, capture_output=True, env={"PATH": self.path}, check=False
        )

    def files(self, base: Path) -> content.Files:
        done = self.run(scripts.listing(str(base), "docker"))
        assert done.returncode == 0, done.stderr
        return content.parse(done.stdout.decode())


@pytest.fixture(params=SHELLS)
def pod(tmp_path: Path, request: pytest.FixtureRequest) -> Pod:
    """A place to run commands in."""
    return Pod(tmp_path, request.param)


def blob(text: bytes) -> str:
    digest = hashlib.sha256(text).hexdigest()
    return f"docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"


def names(*paths: str) -> bytes:
    return b"".join(scripts.lines(paths))


def test_everything_is_listed_but_unfinished_uploads(pod: Pod) -> None:
    data = pod.put(blob(b"x"), b"x")
    pod.put(LINK, b"sha256:1")
    pod.put("docker/registry/v2/repositories/test/a/_uploads/1/data", b"half")
    found = pod.files(pod.source)
    assert found.blobs == {data: 1}
    assert {p: o.digest for p, o in found.others.items()} == {LINK: hashlib.sha256(b"sha256:1").hexdigest()}
    assert pod.files(pod.target) == content.Files()


def test_a_directory_that_is_not_there_is_told(pod: Pod) -> None:
    assert pod.run(scripts.listing("/nowhere", "docker")).returncode == 3


def test_a_batch_goes_through_tar(pod: Pod) -> None:
    paths = [pod.put(blob(b"x"), b"x"), pod.put(LINK, b"sha256:1")]
    packed = pod.run(scripts.pack(str(pod.source)), names(*paths))
    assert packed.returncode == 0, packed.stderr
    done = pod.run(scripts.unpack(), packed.stdout)
    assert done.returncode == 0, done.stderr
    assert content.lacking(pod.files(pod.source), pod.files(pod.target)) == []


def test_a_batch_is_copied_beside(pod: Pod) -> None:
    paths = [pod.put(blob(b"x"), b"x"), pod.put(LINK, b"sha256:1")]
    done = pod.run(scripts.copy(str(pod.source)), names(*paths))
    assert done.returncode == 0, done.stderr
    assert content.lacking(pod.files(pod.source), pod.files(pod.target)) == []
    assert [p.name for p in (pod.target / content.OWN).iterdir()] == []


@pytest.mark.parametrize("beside", [True, False])
def test_a_large_file_comes_in_pieces_and_is_no_file_before_the_last(
    pod: Pod, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "PIECE", 2 * 1024 * 1024)
    text = os.urandom(5 * 1024 * 1024 + 7)
    path = pod.put(blob(text), text)
    for number in range(3):
        assert pod.files(pod.target).blobs == {}
        assert pod.run(scripts.finish_pieces(path, len(text))).returncode == 8
        if beside:
            done = pod.run(scripts.own_piece(str(pod.source), path, number))
        else:
            piece = pod.run(scripts.piece(str(pod.source), path, number)).stdout
            done = pod.run(scripts.put_piece(path, number), piece)
        assert done.returncode == 0, done.stderr
        size, _, name = pod.run(scripts.parts()).stdout.decode().strip().partition(" ")
        assert (int(size), name) == (min((number + 1) * scripts.PIECE, len(text)), scripts.part(path))
    assert pod.run(scripts.finish_pieces(path, len(text))).returncode == 0
    assert (pod.target / path).read_bytes() == text


def test_a_piece_behind_a_gap_is_refused(pod: Pod) -> None:
    assert pod.run(scripts.put_piece("docker/x", 3), b"x").returncode == 7


def test_digests_are_those_of_the_content(pod: Pod) -> None:
    right, wrong = pod.put(blob(b"x"), b"x"), pod.put(blob(b"y"), b"not y")
    done = pod.run(scripts.digests(str(pod.source)), names(right, wrong))
    assert content.mismatched(done.stdout.decode()) == ([right], [wrong])


def test_the_group_may_write_afterwards(pod: Pod) -> None:
    path = pod.target / LINK
    path.parent.mkdir(parents=True)
    path.write_text("x")
    path.chmod(0o600)
    path.parent.chmod(0o755)
    done = pod.run(scripts.permissions("docker"))
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o777 == 0o660
    assert path.parent.stat().st_mode & 0o777 == 0o775


def test_notes_are_written_and_read(pod: Pod) -> None:
    assert pod.run(scripts.read_note("n")).stdout == b""
    pod.run(scripts.write_note("n"), b"one\n")
    pod.run(scripts.append_note("n"), b"two\n")
    assert pod.run(scripts.read_note("n")).stdout == b"one\ntwo\n"
    pod.run(scripts.drop_note("n"))
    assert pod.run(scripts.read_note("n")).stdout == b""


def test_what_is_removed_leaves_no_empty_tag_behind(pod: Pod) -> None:
    other = LINK.replace("/tags/1/", "/tags/2/")
    paths = [
        pod.put(blob(b"x"), b"x"),
        pod.put(blob(b"y"), b"y"),
        pod.put(LINK, b"sha256:1"),
        pod.put(other, b"sha256:2"),
    ]
    assert pod.run(scripts.copy(str(pod.source)), names(*paths)).returncode == 0
    for path in paths[1::2]:
        (pod.source / path).unlink()
    gone = content.surplus(pod.files(pod.source), pod.files(pod.target))
    assert gone == [other, paths[1]], "links first"
    done = pod.run(scripts.remove(), names(*gone))
    assert done.returncode == 0, done.stderr
    assert pod.files(pod.target).blobs == {paths[0]: 1}
    assert [p.name for p in (pod.target / LINK).parents[2].iterdir()] == ["1"]
    assert (pod.target / content.OWN).is_dir()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a storage: any tree, listed by this machine's find, by busybox' and without find, counted by hand."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import (
    storagefind,
    storagelook,
    storagerecords,
    storagereport,
    storagescan,
    storagewalk,
)
from hypothesis import given, settings
from hypothesis import strategies as st

BUSYBOX = os.environ.get("OKD_REGISTRY_BUSYBOX") or shutil.which("busybox")
WAYS = [
    "mounted",
    "GNU",
    pytest.param("busybox", marks=pytest.mark.skipif(not BUSYBOX, reason="there is no busybox here")),
]
OPTIONS = storagereport.Options(3600, 1000)
DIGESTS = [hashlib.sha256(bytes([n])).hexdigest() for n in range(8)]
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with busybox' programs and no others."""
    where = tmp_path_factory.mktemp("bin")
    if BUSYBOX:
        subprocess.run([BUSYBOX, "--install", "-s", str(where)], check=True)
    return where


class Lister:
    """Lists a directory in one of the ways, as ``storagelook.look`` wants it."""

    def __init__(self, way: str, root: Path, programs: Path, cut: int = 4096) -> None:
        self.way, self.root, self.cut = way, root, cut
        self.path = str(programs) if way == "busybox" else os.environ["PATH"]

    def _run(self, command: list[str]) -> storagelook.Ended:
        shell = shutil.which(command[0], path=self.path)
        assert shell
        done = subprocess.run([shell, *command[1:]], capture_output=True, env={"PATH": self.path}, check=False)
        self.output = done.stdout
        return storagelook.Ended(done.returncode, done.stderr[-storagelook._STDERR :].decode())

    def feed(self, walk: storagewalk.Walk) -> str | None:
        if self.way == "mounted":
            return storagelook.Mounted(str(self.root)).feed(walk)
        ended = self._run(storagefind.listing(str(self.root)))
        for start in range(0, len(self.output), self.cut):
            walk.feed(self.output[start : start + self.cut])
        return storagelook.judge(ended, walk, str(self.root), "here")

    def recheck(self, paths: list[str]) -> set[str]:
        if self.way == "mounted":
            return storagelook.Mounted(str(self.root)).recheck(paths)
        self._run(storagefind.recheck(str(self.root), paths))
        return set(self.output.decode().splitlines())


Look = Callable[..., dict[str, Any]]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def look(way: str, root: Path, programs: Path, options: Any = OPTIONS, cut: int = 4096) -> dict[str, Any]:
    return dict(storagelook.look(Lister(way, root, programs, cut), options))


# ---- trees that are made --------------------------------------------------------------------------------------------


@dataclass
class Repo:
    """What is written for a repository."""

    layers: set[str] = field(default_factory=set)
    revisions: dict[str, set[str]] = field(default_factory=dict)  # with their signatures
    tags: dict[str, str | None] = field(default_factory=dict)  # "" an empty link, None no current one
    uploads: dict[str, tuple[int, int, bool]] = field(default_factory=dict)  # bytes, seconds old, has startedat
    places: set[str] = field(default_factory=set)  # of layers whose link is gone
    emptied: set[str] = field(default_factory=set)  # layers whose link is empty


@dataclass
class Storage:
    blobs: dict[str, int] = field(default_factory=dict)
    repos: dict[str, Repo] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)


DIGEST = st.sampled_from(DIGESTS)
REPO = st.builds(
    Repo,
    layers=st.sets(DIGEST, max_size=6),
    revisions=st.dictionaries(DIGEST, st.sets(DIGEST, max_size=2), max_size=4),
    tags=st.dictionaries(
        st.sampled_from(["1", "latest", "v1.0_x", "index", "current"]), DIGEST | st.none() | st.just("")
    ),
    uploads=st.dictionaries(
        st.uuids().map(str), st.tuples(st.integers(0, 5000), st.integers(0, 9000), st.booleans()), max_size=3
    ),
    places=st.sets(DIGEST, max_size=2),
    emptied=st.sets(DIGEST, max_size=1),
)
NAMES = st.sampled_from(
    ["p1/pause", "p1", "p1/pause/inner", "a b/c", "revisions/tags", "p_2/x", "blobs", "uploads/data"]
)
STORAGE = st.builds(
    Storage,
    blobs=st.dictionaries(DIGEST, st.integers(0, 9999)),
    repos=st.dictionaries(NAMES, REPO, max_size=5),
    others=st.dictionaries(
        st.sampled_from(["note", "x/y", "docker/x", "docker/registry/v2/z", "docker/registry/v2/repositories/readme",
                         "docker/registry/v2/blobs/sha256/f"]),
        st.integers(0, 99),
    ),
)  # fmt: skip


def write(root: Path, storage: Storage, now: int) -> None:
    """Make the files."""

    def put(path: str, content: bytes | int, age: int = 0) -> None:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else b"x" * content)
        os.utime(place, (now - age, now - age))

    v2 = "docker/registry/v2"
    for digest, size in storage.blobs.items():
        put(f"{v2}/blobs/sha256/{digest[:2]}/{digest}/data", size)
    for name, repo in storage.repos.items():
        write_repository(root, put, f"{v2}/repositories/{name}", repo)
    for path, size in storage.others.items():
        if not (root / path).exists():
            put(path, size)
    (root / "lost+found").mkdir()
    put("lost+found/x", 5)


def write_repository(root: Path, put: Callable[..., None], top: str, repo: Repo) -> None:
    def link(path: str, digest: str | None) -> None:
        put(f"{path}/link", f"sha256:{digest}".encode() if digest else b"")

    (root / top / "_layers").mkdir(parents=True, exist_ok=True)
    for digest in repo.places:
        (root / top / "_layers/sha256" / digest).mkdir(parents=True)
    for digest in repo.layers | repo.emptied:
        link(f"{top}/_layers/sha256/{digest}", None if digest in repo.emptied else digest)
    for digest, signatures in repo.revisions.items():
        link(f"{top}/_manifests/revisions/sha256/{digest}", digest)
        for signature in signatures:
            link(f"{top}/_manifests/revisions/sha256/{digest}/signatures/sha256/{signature}", signature)
    for tag, named in repo.tags.items():
        link(f"{top}/_manifests/tags/{tag}/index/sha256/{DIGESTS[0]}", DIGESTS[0])
        if named is not None:
            link(f"{top}/_manifests/tags/{tag}/current", named)
    for key, (size, age, begun) in repo.uploads.items():
        put(f"{top}/_uploads/{key}/data", size, age)
        put(f"{top}/_uploads/{key}/hashstates/sha256/0", 7, age)
        if begun:
            put(f"{top}/_uploads/{key}/startedat", b"no time", age)


# ---- the same, counted by hand --------------------------------------------------------------------------------------


def links(repo: Repo) -> set[str]:
    return repo.layers | repo.emptied | set(repo.revisions) | set().union(*repo.revisions.values())


def expected_totals(storage: Storage) -> dict[str, int]:
    repos = storage.repos.values()
    users = {digest: sum(digest in links(repo) for repo in repos) for digest in DIGESTS}
    shared = [size for digest, size in storage.blobs.items() if users[digest] > 1]
    loose = [size for digest, size in storage.blobs.items() if not users[digest]]
    uploads = [upload for repo in repos for upload in repo.uploads.values()]
    return {
        "repositories": len(storage.repos),
        "tags": sum(len(repo.tags) for repo in repos),
        "revisions": sum(len(repo.revisions) for repo in repos),
        "signatures": sum(len(found) for repo in repos for found in repo.revisions.values()),
        "layers": sum(len(repo.layers | repo.emptied) for repo in repos),
        "blobs": len(storage.blobs),
        "bytes": sum(storage.blobs.values()),
        "shared_blobs": len(shared),
        "shared_bytes": sum(shared),
        "unreferenced_blobs": len(loose),
        "unreferenced_bytes": sum(loose),
        "uploads": len(uploads),
        "upload_bytes": sum(size for size, _age, _begun in uploads),
        "stale_uploads": sum(age >= OPTIONS.stale_after for _size, age, _begun in uploads),
        "broken": len(expected_broken(storage)),
        "unlinked": sum(len(repo.places - repo.layers - repo.emptied) for repo in repos),
        "other_files": len(storage.others),
        "other_bytes": sum(storage.others.values()),
    }


def expected_broken(storage: Storage) -> list[tuple[str, str, str]]:
    found = []
    for name, repo in storage.repos.items():
        found += [(name, "layer", f"sha256:{digest}") for digest in repo.emptied]
        places = [("layer", digest) for digest in repo.layers | repo.emptied]
        places += [("revision", digest) for digest in repo.revisions]
        places += [("signature", digest) for signed in repo.revisions.values() for digest in signed]
        found += [(name, kind, f"sha256:{digest}") for kind, digest in places if digest not in storage.blobs]
        found += [(name, "tag", tag) for tag, named in repo.tags.items() if named not in repo.revisions]
    return sorted(found)


def expected_repository(storage: Storage, name: str) -> dict[str, Any]:
    repo = storage.repos[name]
    there = links(repo) & set(storage.blobs)
    others: set[str] = set().union(*(links(other) for key, other in storage.repos.items() if key != name))
    return {
        "name": name,
        "tags": len(repo.tags),
        "tagged": [
            {"tag": tag, "digest": f"sha256:{named}" if named else None} for tag, named in sorted(repo.tags.items())
        ],
        "revisions": len(repo.revisions),
        "signatures": sum(map(len, repo.revisions.values())),
        "layers": len(repo.layers | repo.emptied),
        "blobs": len(there),
        "bytes": sum(storage.blobs[digest] for digest in there),
        "own_bytes": sum(storage.blobs[digest] for digest in there - others),
        "uploads": len(repo.uploads),
        "upload_bytes": sum(size for size, _age, _begun in repo.uploads.values()),
        "broken": sum(broken[0] == name for broken in expected_broken(storage)),
    }


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25)
@given(storage=STORAGE, cut=st.integers(1, 300), held=st.sampled_from([0, 200, 10_000]))
def test_all_figures_are_those_of_a_count_by_hand(
    way: str, programs: Path, storage: Storage, cut: int, held: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(storagerecords, "HELD", held):
        root = Path(folder)
        now = int(root.stat().st_mtime)
        write(root, storage, now)
        found = look(way, root, programs, cut=cut)
    if found["reason"] is None or (root / storagefind.V2).exists():
        assert found["complete"], found["reason"]
    # an upload that is as old as the limit may be past it by the time of the look
    assert abs(found["totals"].pop("stale_uploads") - (want := expected_totals(storage)).pop("stale_uploads")) <= sum(
        3590 < age < 3600 for repo in storage.repos.values() for _size, age, _begun in repo.uploads.values()
    )
    assert found["totals"] == want
    assert found["repositories"] == [expected_repository(storage, name) for name in sorted(storage.repos)]
    assert sorted((b["repository"], b["kind"], b["name"]) for b in found["broken"]) == expected_broken(storage)
    assert sorted(u["digest"] for u in found["unreferenced"]) == sorted(
        f"sha256:{digest}" for digest in storage.blobs if not any(digest in links(r) for r in storage.repos.values())
    )
    for upload in found["uploads"]:
        size, age, begun = storage.repos[upload["repository"]].uploads[upload["id"]]
        assert upload["bytes"] == size
        assert age <= upload["idle"] <= age + 60
        assert (upload["problem"] is None) == begun


# ---- single cases ---------------------------------------------------------------------------------------------------


def one(**changes: Any) -> Storage:
    """A sound storage of one image with a tag; with changes of its repository."""
    repo = Repo({DIGESTS[0], DIGESTS[1]}, {DIGESTS[2]: set()}, {"1": DIGESTS[2]})
    for name, value in changes.items():
        setattr(repo, name, value)
    return Storage(dict.fromkeys(DIGESTS[:3], 10), {"test/a": repo})


def made(root: Path, storage: Storage) -> Path:
    write(root, storage, int(root.stat().st_mtime))
    return root


def test_a_sound_storage_has_nothing_to_say(way: str, tmp_path: Path, programs: Path) -> None:
    found = look(way, made(tmp_path, one()), programs)
    assert (found["broken"], found["unlinked"], found["uploads"], found["unreferenced"]) == ([], [], [], [])
    assert found["complete"] is True


def test_each_fault_is_named_with_its_file_and_reason(way: str, tmp_path: Path, programs: Path) -> None:
    storage = one(tags={"1": DIGESTS[2], "gone": DIGESTS[5], "none": None, "empty": ""}, emptied={DIGESTS[0]})
    storage.repos["test/a"].layers.discard(DIGESTS[0])
    del storage.blobs[DIGESTS[1]]
    found = look(way, made(tmp_path, storage), programs)
    told = {(broken["kind"], broken["name"]): (broken["path"], broken["reason"]) for broken in found["broken"]}
    top, blob = "repositories/test/a", f"blobs/sha256/{DIGESTS[1][:2]}/{DIGESTS[1]}/data"
    assert told == {
        ("layer", f"sha256:{DIGESTS[0]}"): (f"{top}/_layers/sha256/{DIGESTS[0]}/link", "the link is empty"),
        ("layer", f"sha256:{DIGESTS[1]}"): (
            f"{top}/_layers/sha256/{DIGESTS[1]}/link", f"its blob is not there ({blob})"
        ),
        ("tag", "gone"): (
            f"{top}/_manifests/tags/gone/current/link",
            f"it names sha256:{DIGESTS[5]}, which is no revision of this repository",
        ),
        ("tag", "none"): (f"{top}/_manifests/tags/none/current/link", "it has no current link"),
        ("tag", "empty"): (f"{top}/_manifests/tags/empty/current/link", "its current link is empty"),
    }  # fmt: skip


def test_a_link_of_another_length_is_broken(way: str, tmp_path: Path, programs: Path) -> None:
    root = made(tmp_path, one())
    (root / storagefind.V2 / f"repositories/test/a/_layers/sha256/{DIGESTS[0]}/link").write_text("sha256:abc")
    (broken,) = look(way, root, programs)["broken"]
    assert broken["reason"] == "the link has 10 bytes, which no link has"


def test_signatures_are_neither_layers_nor_images(way: str, tmp_path: Path, programs: Path) -> None:
    storage = one(revisions={DIGESTS[2]: {DIGESTS[3], DIGESTS[4]}})
    storage.blobs[DIGESTS[3]] = 7
    storage.repos["test/b"] = Repo(revisions={DIGESTS[2]: {DIGESTS[3]}})
    found = look(way, made(tmp_path, storage), programs)
    assert {name: found["totals"][name] for name in ("signatures", "revisions", "layers", "broken")} == {
        "signatures": 3, "revisions": 2, "layers": 2, "broken": 1,
    }  # fmt: skip
    assert [(repo["name"], repo["signatures"], repo["blobs"], repo["own_bytes"]) for repo in found["repositories"]] == [
        ("test/a", 2, 4, 20),
        ("test/b", 1, 2, 0),
    ]
    (broken,) = found["broken"]
    assert (broken["kind"], broken["name"]) == ("signature", f"sha256:{DIGESTS[4]}")
    signed = f"repositories/test/a/_manifests/revisions/sha256/{DIGESTS[2]}"
    assert broken["path"] == f"{signed}/signatures/sha256/{DIGESTS[4]}/link"


def test_digests_of_other_kinds(way: str, tmp_path: Path, programs: Path) -> None:
    root = made(tmp_path, one())
    long, v2 = "a1" * 64, root / storagefind.V2
    link = v2 / f"repositories/test/a/_layers/sha512/{long}/link"
    link.parent.mkdir(parents=True)
    link.write_text(f"sha512:{long}")
    (broken,) = look(way, root, programs)["broken"]
    assert (broken["kind"], broken["name"]) == ("layer", f"sha512:{long}")
    blob = v2 / f"blobs/sha512/a1/{long}/data"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"12345")
    found = look(way, root, programs)
    assert (found["totals"]["layers"], found["totals"]["bytes"], found["broken"]) == (3, 35, [])
    link.unlink()
    found = look(way, root, programs)
    assert found["unlinked"] == [{"repository": "test/a", "kind": "layer", "digest": f"sha512:{long}"}]
    assert found["unreferenced"] == [{"digest": f"sha512:{long}", "bytes": 5}]


def test_what_is_no_registry_s_does_not_count_as_one_s(way: str, tmp_path: Path, programs: Path) -> None:
    """Files where a registry has directories; a name that looks like a line of the list."""
    root = made(tmp_path, one())
    v2 = root / storagefind.V2
    stray = hashlib.sha256(b"stray").hexdigest()
    (v2 / f"blobs/sha256/{stray[:2]}").mkdir(exist_ok=True)
    (v2 / f"blobs/sha256/{stray[:2]}/{stray}").write_bytes(b"1")
    (v2 / f"repositories/test/a/_layers/sha256/{stray}").write_bytes(b"22")
    if way == "mounted":
        (v2 / "repositories/test/a/x\n@end").mkdir()
    found = look(way, root, programs)
    assert (found["totals"]["blobs"], found["totals"]["layers"], found["totals"]["unlinked"]) == (3, 2, 0)
    assert (found["totals"]["other_files"], found["totals"]["other_bytes"], found["complete"]) == (2, 3, True)


def test_layers_that_were_deleted_leave_no_room_for_what_else_was_said(tmp_path: Path, programs: Path) -> None:
    """Of what is said, the end is kept: a fault at the beginning is heard however many files are gone after it."""
    lister = Lister("GNU", made(tmp_path, one(places={f"{n:064x}" for n in range(200)})), programs)
    loud = tmp_path / "bin"
    loud.mkdir()
    (loud / "find").write_text(
        f'#!/bin/sh\n{shutil.which("find")} "$@"\n'
        'case "$*" in *"./*/*/* -prune -print"*) echo "find: ./x: Permission denied" >&2;; esac\n'
    )
    (loud / "find").chmod(0o755)
    lister.path = f"{loud}:{lister.path}"
    said = lister.feed(walk := storagewalk.Walk())
    assert said == "Not all could be read: find: ./x: Permission denied."
    assert walk.repositories[b"test/a"].layers == 2


@pytest.mark.parametrize(
    ("killed", "reason"), [("find", "find was killed"), ("stat", "stat: terminated by signal 9; stat was killed")]
)
def test_a_program_that_is_killed_is_no_end(killed: str, reason: str, tmp_path: Path, programs: Path) -> None:
    lister = Lister("GNU", made(tmp_path, one()), programs)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / killed).write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "bin" / killed).chmod(0o755)
    lister.path = f"{tmp_path / 'bin'}:{lister.path}"
    assert reason in str(lister.feed(storagewalk.Walk()))


@pytest.mark.parametrize("missing", ["find", "stat", "xargs", "sed", "tr", "grep", "date"])
def test_a_program_that_is_not_there_is_named(missing: str, tmp_path: Path, programs: Path) -> None:
    for name in {"sh", "find", "stat", "xargs", "sed", "tr", "grep", "date"} - {missing}:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    lister = Lister("GNU", tmp_path, programs)
    lister.path = str(tmp_path)
    with pytest.raises(storagelook.CannotRunError, match=f"{missing}: not found"):
        lister.feed(storagewalk.Walk())


def test_a_tag_s_past_is_not_told(way: str, tmp_path: Path, programs: Path) -> None:
    """The index of a tag has a link for each image that it ever named."""
    root = made(tmp_path, one())
    index = root / storagefind.V2 / "repositories/test/a/_manifests/tags/1/index/sha256"
    for digest in DIGESTS:
        (index / digest).mkdir(exist_ok=True)
        (index / digest / "link").write_text("")
    found = look(way, root, programs)
    assert (found["broken"], found["totals"]["tags"], found["totals"]["other_files"]) == ([], 1, 0)


def test_an_upload_is_as_old_as_it_says(way: str, tmp_path: Path, programs: Path) -> None:
    root = made(tmp_path, one(uploads={"u": (9, 7200, True)}))
    begun = root / storagefind.V2 / "repositories/test/a/_uploads/u/startedat"
    begun.write_text("2001-09-09T03:46:40.5+02:00")
    (upload,) = look(way, root, programs)["uploads"]
    assert abs(upload["age"] - (begun.stat().st_mtime - 1_000_000_000)) < 60
    assert upload["idle"] < 60  # startedat was written just now
    assert (upload["stale"], upload["path"]) == (False, "repositories/test/a/_uploads/u")


def test_an_upload_without_any_file_is_given_up(way: str, tmp_path: Path, programs: Path) -> None:
    root = made(tmp_path, one())
    (root / storagefind.V2 / "repositories/test/a/_uploads/u/hashstates").mkdir(parents=True)
    (upload,) = look(way, root, programs)["uploads"]
    assert (upload["bytes"], upload["idle"], upload["stale"]) == (0, None, True)


def test_the_lists_have_an_end_and_the_totals_have_none(way: str, tmp_path: Path, programs: Path) -> None:
    storage = one(tags=dict.fromkeys("123456", DIGESTS[5]), places=set(DIGESTS[3:6]))
    found = look(way, made(tmp_path, storage), programs, storagereport.Options(1, 2))
    assert (len(found["broken"]), len(found["unlinked"]), len(found["repositories"][0]["tagged"])) == (2, 2, 2)
    assert (found["totals"]["broken"], found["totals"]["unlinked"], found["totals"]["tags"]) == (6, 3, 6)


def test_what_came_meanwhile_is_not_broken(way: str, tmp_path: Path, programs: Path) -> None:
    """The list of blobs is older than the links: what is pushed in between is looked at again."""
    root = made(tmp_path, one())

    class Late(Lister):
        def feed(self, walk: storagewalk.Walk) -> str | None:
            blobs, aside = self.root / storagefind.V2 / "blobs", self.root / "aside"
            blobs.rename(aside)
            said = super().feed(walk)
            aside.rename(blobs)
            return said

    lister = Late(way, root, programs)
    assert storagelook.look(lister, OPTIONS)["broken"] == []


def test_an_empty_root_directory(way: str, tmp_path: Path, programs: Path) -> None:
    found = look(way, tmp_path, programs)
    assert set(found["totals"].values()) == {0}


def test_no_root_directory_is_an_error(way: str, tmp_path: Path, programs: Path) -> None:
    with pytest.raises(storagelook.NodeError, match="nosuch"):
        look(way, tmp_path / "nosuch", programs)


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    root = made(tmp_path, one())
    scandir = os.scandir

    def closed(path: bytes) -> Any:
        if path.endswith(b"_manifests"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(storagescan.os, "scandir", closed)
    found = look("mounted", root, programs)
    assert found["complete"] is False
    assert found["reason"].endswith("test/a/_manifests: Permission denied.")


# ---- the listing, without files -------------------------------------------------------------------------------------


def many(number: int) -> Iterator[bytes]:
    """The listing of so many blobs and links, without files."""
    yield b"@time\n1800000000\n@blobs\n"
    for n in range(number):
        digest = hashlib.sha256(b"%d" % n).hexdigest()
        yield f"f 10 1800000000 ./sha256/{digest[:2]}/{digest}/data\n".encode()
    yield b"@repositories\n"
    for n in range(number):
        digest = hashlib.sha256(b"%d" % n).hexdigest()
        yield f"./p/a{n % 20}/_layers/sha256/{digest}\n".encode()
        yield f"f 71 1800000000 ./p/a{n % 20}/_layers/sha256/{digest}/link\n".encode()
    yield b"@other\n@end\n"


def peak_of(number: int) -> int:
    """The most bytes that were held for so many blobs and links."""
    tracemalloc.start()
    walk = storagewalk.Walk()
    for piece in many(number):
        walk.feed(piece)
    walk.finish()
    totals = storagereport.Report(walk, OPTIONS, lambda _paths: set()).result()["totals"]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (totals["blobs"], totals["layers"], totals["unreferenced_blobs"]) == (number, number, 0)
    assert (totals["unlinked"], totals["broken"], totals["shared_blobs"]) == (0, 0, 0)
    return peak


def test_memory_does_not_grow_with_the_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storagerecords, "HELD", 128 * 1024)
    few, more = peak_of(5_000), peak_of(25_000)
    assert (more - few) / 20_000 < 16  # bytes for a blob and its link, whose digests alone have 64


def test_without_room_for_the_records_it_is_said_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storagerecords, "HELD", 1024)
    monkeypatch.setattr(storagerecords.tempfile, "TemporaryFile", full)
    walk, listing = storagewalk.Walk(), b"".join(many(2000))
    with pytest.raises(storagelook.NodeError, match=r"on this host, in .*TMPDIR.*: No space left on device\."):
        walk.feed(listing)


@pytest.mark.parametrize(
    ("code", "output", "stderr", "error", "text"),
    [
        (3, b"", "sh: cd: line 1: can't cd to /registry: No such file or directory\n", storagelook.NodeError,
         "root: /registry cannot be entered in Pod x"),
        (127, b"", "sh: find: not found\n", storagelook.CannotRunError, "sh: find: not found"),
        (126, b"", "OCI runtime exec failed: executable file not found\n", storagelook.CannotRunError, "OCI"),
        (1, b"", "Error: No such container: abc\n", storagelook.CannotRunError, "No such container: abc"),
        (137, b"@time\n1\n@blobs\n", "", storagelook.NodeError, "ended early, with exit code 137"),
    ],
)  # fmt: skip
def test_a_listing_that_did_not_come_to_its_end(
    code: int, output: bytes, stderr: str, error: type[Exception], text: str
) -> None:
    walk = storagewalk.Walk()
    walk.feed(output)
    with pytest.raises(error, match=text):
        storagelook.judge(storagelook.Ended(code, stderr), walk, "/registry", "Pod x")


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("", None),
        ("find: ./x: No such file or directory\n", None),
        ("find: ./x: Permission denied\n", "Not all could be read: find: ./x: Permission denied."),
    ],
)
def test_files_that_go_meanwhile_are_no_fault(stderr: str, reason: str | None) -> None:
    walk = storagewalk.Walk()
    walk.feed(b"@time\n1\n@blobs\n@repositories\n@said\n@other\n@end\n")
    assert storagelook.judge(storagelook.Ended(4, stderr), walk, "/registry", "Pod x") == reason


@pytest.mark.parametrize("text", [b"", b"x", b"2026-13-01T00:00:00Z", b"\xff", b"2026-01-01 00:00:00"])
def test_what_is_no_time_is_none(text: bytes) -> None:
    assert storagewalk.seconds(text) is None


WORDS = [
    "@blobs", "@repositories", "@said", "@other", "\n", "f 1 2 .", "f 1", "f x 2 .", ".", "/", "/_", "_layers",
    "f 71 2 ./p/_layers/sha256/", "./p/_layers/sha256/",
    "_manifests", "_uploads", "tags", "revisions", "current", "link", "startedat", "data", "sha256", DIGESTS[0], "/1/",
    ":", "\r",
]  # fmt: skip


@settings(max_examples=500)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3)))
def test_no_line_is_too_odd(words: list[str]) -> None:
    walk = storagewalk.Walk()
    walk.feed(b"@time\n1800000000\n" + "".join(words).encode())
    walk.finish()
    result = storagereport.Report(walk, OPTIONS, lambda _paths: set()).result()
    assert all(number >= 0 for number in result["totals"].values())

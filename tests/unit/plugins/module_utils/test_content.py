# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting what a storage holds: any tree, cut into chunks anywhere; real trees by find and stat of GNU and busybox."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _content
from ansible_collections.okd.registry.plugins.module_utils._content import Content, count, sentence
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    ExecRefusedError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._exec import Ended
from hypothesis import given
from hypothesis import strategies as st

V2 = "docker/registry/v2"
DIGESTS = [f"{i:064x}" for i in range(0x10, 0x10 + 12)]
# Names of repositories and tags that look like parts of the layout, too.
WORDS = ["a", "b-c", "blobs", "tags", "current", "link", "data", "latest", "1.0", "sha256"]
sizes = st.integers(0, 10**12)
digests = st.sets(st.sampled_from(DIGESTS))
repository = st.fixed_dictionaries(
    {
        "manifests": digests,
        "layers": digests,
        "signatures": digests,
        "tags": st.sets(st.sampled_from(WORDS)),
        "uploads": st.dictionaries(st.uuids().map(str), sizes, max_size=3),
    }
)
registries = st.fixed_dictionaries(
    {
        "repositories": st.dictionaries(
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("/".join), repository, max_size=5
        ),
        "blobs": st.dictionaries(st.sampled_from(DIGESTS), sizes),
        "others": st.dictionaries(st.sampled_from(["x", "docker/y", "docker/registry/v1/data", "z w/data"]), sizes),
    }
)
Registry = dict[str, Any]


def files(registry: Registry) -> Iterator[tuple[int, str]]:
    """Size and path of all that a listing of the registry has."""
    yield from ((size, path) for path, size in registry["others"].items())
    for digest, size in registry["blobs"].items():
        yield size, f"{V2}/blobs/sha256/{digest[:2]}/{digest}/data"
    for name, found in registry["repositories"].items():
        base = f"{V2}/repositories/{name}"
        manifests = f"{base}/_manifests"
        yield 4096, manifests
        for tag in found["tags"]:
            yield 71, f"{manifests}/tags/{tag}/current/link"
            yield 71, f"{manifests}/tags/{tag}/index/sha256/{DIGESTS[0]}/link"
        for digest in found["manifests"]:
            yield 71, f"{manifests}/revisions/sha256/{digest}/link"
        for digest in found["signatures"]:
            yield 71, f"{manifests}/revisions/sha256/{DIGESTS[0]}/signatures/sha256/{digest}/link"
        for digest in found["layers"]:
            yield 71, f"{base}/_layers/sha256/{digest}/link"
        for upload, size in found["uploads"].items():
            yield 20, f"{base}/_uploads/{upload}/startedat"
            yield size, f"{base}/_uploads/{upload}/data"
            yield 100, f"{base}/_uploads/{upload}/hashstates/sha256/0"


def expected(registry: Registry) -> Content:
    repositories = registry["repositories"].values()
    return Content(
        repositories=len(repositories),
        **{k: sum(len(r[k]) for r in repositories) for k in ("tags", "manifests", "layers", "signatures", "uploads")},
        blobs=len(registry["blobs"]),
        bytes=sum(registry["blobs"].values()),
        upload_bytes=sum(sum(r["uploads"].values()) for r in repositories),
        other_files=len(registry["others"]),
        other_bytes=sum(registry["others"].values()),
    )


@given(registry=registries, data=st.data())
def test_totals_are_those_of_the_tree(registry: Registry, data: st.DataObject) -> None:
    listed = data.draw(st.permutations(list(files(registry))))
    text = "".join(f"{size} /reg/./{path}\n" for size, path in listed).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert count(chunks) == expected(registry)


def test_memory_does_not_grow_with_the_storage() -> None:
    def lines() -> Iterator[bytes]:
        for i in range(60_000):
            yield f"100 /reg/./{V2}/blobs/sha256/{i % 256:02x}/{i:064x}/data\n".encode()

    tracemalloc.start()
    try:
        assert count(lines()).blobs == 60_000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


SOME: Registry = {
    "repositories": {
        "p1/pause": {
            "manifests": {DIGESTS[0]}, "layers": {DIGESTS[1], DIGESTS[2]}, "signatures": {DIGESTS[3]},
            "tags": {"latest", "1.0"}, "uploads": {"u-1": 1000},
        },
        "p1": {"manifests": set(), "layers": set(), "signatures": set(), "tags": set(), "uploads": {}},
    },
    "blobs": dict.fromkeys(DIGESTS[:4], 2500),
    "others": {"x y": 3},
}  # fmt: skip


@pytest.mark.parametrize("tools", ["gnu", "busybox"])
@pytest.mark.parametrize("link", [False, True])
def test_a_real_tree(tools: str, link: bool, tmp_path: Path) -> None:
    box = shutil.which("busybox")
    if tools == "busybox" and not box:
        pytest.skip("there is no busybox here")
    root = tmp_path / "reg"
    for size, path in files(SOME):
        place = root / path
        if path.endswith("/_manifests"):
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"x" * size)
    (root / "lost+found").mkdir()
    (root / "lost+found/x").write_text("x")
    where = root
    if link:
        where = tmp_path / "link"
        where.symlink_to(root)
    command = _content.listing(f"{where}/")
    if box and tools == "busybox":
        bin_ = tmp_path / "bin"
        bin_.mkdir()
        for tool in ("find", "stat"):
            (bin_ / tool).symlink_to(box)
        command = ["/usr/bin/env", f"PATH={bin_}", *command]
    listed = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert count([listed.stdout]) == expected(SOME)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (Content(3, 5, blobs=12, bytes=34_100_000), "3 repositories with 5 tags, 12 blobs, 34.1 MB"),
        (Content(1, 1, blobs=1, bytes=1), "1 repository with 1 tag, 1 blob, 1 byte"),
        (Content(blobs=2, bytes=999_960), "0 repositories with 0 tags, 2 blobs, 1.0 MB"),
        (Content(), "no images"),
        (Content(uploads=1, upload_bytes=1500), "1 upload in progress (1.5 kB)"),
        (Content(other_files=2, other_bytes=20), "2 other files (20 bytes)"),
        (Content(2, 2, blobs=2, complete=False, reason="Late."),
         "at least 2 repositories with 2 tags, 2 blobs, 0 bytes"),
        (Content(complete=False, reason="Late."), "no images seen (Late)"),
        (_content.unknown("No pod runs."), "what is in it is not known (No pod runs)"),
    ],
)  # fmt: skip
def test_sentence(content: Content, text: str) -> None:
    assert sentence(content) == text
    assert content.as_dict()["sentence"] == text


def test_only_what_is_known_to_be_empty_is_empty() -> None:
    assert Content().empty
    assert not Content(complete=False).empty
    assert not _content.unknown("x").empty
    assert not Content(other_files=1).empty
    assert _content.unknown("x").as_dict()["blobs"] is None


class Pod:
    """An API on which a command gives some lines, or an error."""

    def __init__(self, output: list[bytes], ended: Ended | Exception = Ended(0, "")) -> None:  # noqa: B008
        self._output, self._ended = output, ended

    def exec(self, *_args: Any, **_options: Any) -> Pod:
        return self

    def __enter__(self) -> Pod:
        if isinstance(self._ended, Exception):
            raise self._ended
        return self

    def __exit__(self, *_exc: object) -> None: ...

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._output)

    @property
    def ended(self) -> Ended:
        assert isinstance(self._ended, Ended)
        return self._ended

    def list(self, *_args: Any, **_options: Any) -> list[dict[str, Any]]:
        return []


BLOB = f"7 /r/./{V2}/blobs/sha256/10/{DIGESTS[0]}/data\n".encode()


def look(pod: Pod, **options: Any) -> Content:
    return _content.of_pod(pod, "d", "p", "c", "/r", **options)  # type: ignore[arg-type]


def test_a_file_that_went_meanwhile_is_no_fault() -> None:
    found = look(Pod([BLOB], Ended(1, "stat: cannot stat '/r/./docker/x': No such file or directory\n")))
    assert (found.blobs, found.complete) == (1, True)


def test_what_cannot_be_read_is_said() -> None:
    found = look(Pod([BLOB], Ended(1, "find: '/r/./docker/y': Permission denied\n")))
    assert (found.blobs, found.complete) == (1, False)
    assert "docker/y': Permission denied" in (found.reason or "")


def test_counting_has_an_end() -> None:
    times = iter(range(100))
    found = look(Pod([BLOB] * 50), seconds=5, clock=lambda: next(times))
    assert 1 <= found.blobs < 10
    assert not found.complete
    assert found.reason == "Counting was ended after 5 s."


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended(1, "find: /r/.: No such file or directory"), "Listing /r in Pod d/p failed: find: /r/.: No such file"),
        (Ended(127, "sh: stat: not found"), "stat: not found"),
        (ExecRefusedError("Refused (HTTP 403)"), "lets nobody run commands in Pod d/p"),
        (ForbiddenError("Not allowed: user bob cannot create pods/exec"), "user bob cannot"),
        (ExecError("No command could be run in Pod d/p: no such file"), "image without find"),
        (UnreachableError("The connection broke off."), "broke off"),
    ],
)
def test_why_nothing_is_known(ended: Any, said: str) -> None:
    found = look(Pod([], ended))
    assert not found.counted
    assert said in (found.reason or "")


def test_without_a_pod_nothing_is_known() -> None:
    workload = {"kind": "Deployment", "metadata": {"name": "r", "namespace": "d"}}
    found = _content.of_workload(Pod([]), workload, "/r")  # type: ignore[arg-type]
    assert found.reason == "No pod of Deployment d/r runs."

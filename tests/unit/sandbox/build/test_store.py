# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of built things: whole or not there, under a key that stands for what they are made from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store import BuildError, Store, key_of, tree_parts

BUILD = Path(__file__).resolve().parents[3] / "sandbox" / "build"


@given(st.lists(st.text()), st.lists(st.text()))
def test_keys_differ_when_the_parts_do(one: list[str], other: list[str]) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


def test_a_file_counts_by_name_content_and_executable_bit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    seen = [key_of(tree_parts(tmp_path))]
    file.chmod(0o755)
    seen.append(key_of(tree_parts(tmp_path)))
    file.write_text("y")
    seen.append(key_of(tree_parts(tmp_path)))
    file.rename(tmp_path / "b")
    seen.append(key_of(tree_parts(tmp_path)))
    assert len(set(seen)) == 4
    (tmp_path / "b_test.go").write_text("not an input")
    assert key_of(tree_parts(tmp_path, without=("_test.go",))) == seen[-1]


def test_nothing_to_build_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no files"):
        list(tree_parts(tmp_path))


def test_an_artefact_is_there_only_when_its_build_ended_well(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail() -> None:
        with store.building("x", "1") as work:
            (work / "half").write_text("")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not store.has("x", "1")
    with store.building("x", "1") as work:
        (work / "whole").write_text("")
        assert not store.has("x", "1")
    assert store.has("x", "1")
    assert [path.name for path in store.path("x", "1").iterdir()] == ["whole"]


def test_what_a_killed_build_left_is_neither_found_nor_kept(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from store import Store\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "with store.lock('x'), store.building('x', '1') as work:\n"
        "    (work / 'half').write_text(''); print('half', flush=True); time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(BUILD)}
    with subprocess.Popen(
        [sys.executable, "-B", "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as build:
        assert build.stdout is not None
        assert build.stdout.readline() == b"half\n"
        build.send_signal(signal.SIGKILL)
    store = Store(tmp_path)
    assert not store.has("x", "1")
    begun = time.monotonic()
    with store.lock("x"), store.building("x", "2") as work:  # the lock went with the process
        assert list(work.iterdir()) == []
    assert time.monotonic() - begun < 5
    assert [path.name for path in (tmp_path / "artifacts" / "x").iterdir()] == ["2"]


def test_the_least_recently_used_versions_go(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for age, key in enumerate(("a", "b", "c")):
        with store.building("x", key):
            pass
        os.utime(store.path("x", key), (age, age))
    assert store.has("x", "b")  # used now
    with store.building("x", "e"):
        pass
    assert sorted(path.name for path in (tmp_path / "artifacts" / "x").iterdir()) == ["b", "e"]

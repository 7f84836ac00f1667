# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed sandbox left on the cache is removed by whichever Docker daemon has taken the cache over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandboxlib import containers, inputs, ownership, settings, sweep


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The hosts of the daemons that were asked to remove containers; none is started or stopped."""
    hosts: list[str] = []
    monkeypatch.setattr(settings, "RUN_DIR", tmp_path / "run")
    monkeypatch.setattr(containers, "remove_all", lambda host: hosts.append(host) or ["node1"])
    monkeypatch.setattr(inputs, "start_daemon", lambda one: hosts.append(f"start {one.host}"))
    monkeypatch.setattr(inputs, "stop_daemon", lambda one: hosts.append(f"stop {one.host}"))
    return hosts


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Any]:
    """The daemon of a build of another checkout, which has taken the cache over and lives."""
    (tmp_path / "cache").mkdir()
    daemon = inputs.daemon(tmp_path / "new", tmp_path / "cache")
    daemon.data.mkdir()
    daemon.owner.write_text(f"{daemon.state}\n")
    daemon.run.mkdir(parents=True)
    words = [str(daemon.run / "pid"), f"--data-root={daemon.data}"]
    command = [sys.executable, "-c", "print('up', flush=True); input()", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        # Until it speaks, exec may not be done, and /proc shows no command line yet.
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        (daemon.run / "pid").write_text(f"{process.pid}\n")
        yield daemon
        process.kill()
    (daemon.run / "pid").unlink()
    daemon.run.rmdir()


def _record(tmp_path: Path) -> ownership.Record:
    return ownership.Record(checkout="old", state=str(tmp_path / "old"), cache=str(tmp_path / "cache"), since="now")


def test_the_living_daemon_of_a_build_removes_them_and_lives_on(build: Any, asked: list[str], tmp_path: Path) -> None:
    assert sweep._remove_containers(_record(tmp_path)) == ["removed container node1"]
    assert asked == [build.host]


def test_without_one_its_own_daemon_is_started_for_that(build: Any, asked: list[str], tmp_path: Path) -> None:
    (build.run / "pid").write_text("0\n")
    old = inputs.daemon(tmp_path / "old", tmp_path / "cache")
    assert sweep._remove_containers(_record(tmp_path)) == ["removed container node1"]
    assert asked == [f"start {old.host}", old.host, f"stop {old.host}"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes are started once, known for what they are, and never ended on the word of a pid alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxlib import processes
from sandboxlib.processes import Identity, Service

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[str]:
    """A marker of this test's own; whatever carries it ends with the test."""
    value = str(tmp_path / "state")
    yield value
    processes.end((one for one, owner in processes.marked().items() if owner == value), grace=0)


def test_a_service_is_started_once(tmp_path: Path, marker: str) -> None:
    service = Service("sleeper", SLEEP, tmp_path)
    assert service.start(marker=marker)
    first, argv = service.recorded()
    assert first
    assert argv == SLEEP
    assert not service.start(marker=marker)
    assert service.recorded()[0] == first
    assert processes.marked()[first] == marker


def test_other_arguments_mean_another_process(tmp_path: Path, marker: str) -> None:
    Service("sleeper", SLEEP, tmp_path).start(marker=marker)
    before = Service("sleeper", SLEEP, tmp_path).recorded()[0]
    assert Service("sleeper", [*SLEEP, "more"], tmp_path).start(marker=marker)
    assert not processes.alive(before)


def test_a_start_cut_off_before_its_pid_file_leaves_no_second_process(tmp_path: Path, marker: str) -> None:
    service = Service("sleeper", SLEEP, tmp_path)
    service.start(marker=marker)
    stray = service.recorded()[0]
    service.pid_file.unlink()
    assert service.start(marker=marker)
    assert not processes.alive(stray)
    assert list(processes.marked().values()).count(marker) == 1


def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as other:
        try:
            service = Service("sleeper", SLEEP, tmp_path)
            service.pid_file.write_text(json.dumps({"pid": other.pid, "started": 1, "argv": SLEEP}))
            assert service.recorded()[0] is None
            assert not service.stop()
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x", "started": 1}', "[]", "17"])
def test_a_damaged_pid_file_is_no_process(tmp_path: Path, text: str) -> None:
    service = Service("sleeper", SLEEP, tmp_path)
    service.pid_file.write_text(text)
    assert service.recorded() == (None, [])


def test_what_ignores_the_polite_signal_is_ended_all_the_same() -> None:
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        identity = processes.identify(process.pid)
        assert identity
        processes.end([identity], grace=0.2)
        assert not processes.alive(identity)


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        identity = processes.identify(process.pid)
        deadline = time.monotonic() + 10
        while processes.identify(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not processes.alive(identity)


def test_an_identity_is_more_than_a_pid() -> None:
    me = processes.identify(os.getpid())
    assert me
    assert processes.alive(me)
    assert not processes.alive(Identity(me.pid, me.started + 1))

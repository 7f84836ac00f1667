# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One living run a machine; a dead one is no obstacle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxlib import ownership, settings
from sandboxlib.processes import SandboxError

CLUSTER = settings.CLUSTER
HOLDER = """
import sys, time
from pathlib import Path
from sandboxlib import ownership, settings
settings.RUN_DIR = Path(sys.argv[1])
with ownership.run(["sandbox", "run", "make"]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RUN_DIR", tmp_path / "run")
    monkeypatch.setattr(ownership, "LOCK_PATIENCE", 5.0)
    monkeypatch.delenv(settings.RUN_TOKEN, raising=False)


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that is the living run."""
    command = [sys.executable, "-c", HOLDER, str(settings.RUN_DIR)]
    env = {**os.environ, "PYTHONPATH": str(CLUSTER)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_living_run_is_named(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(SandboxError) as refused, ownership.run(["sandbox", "up"]):
        pass
    assert f"process {holder.pid} (sandbox run make) of {settings.CHECKOUT}, since 2" in str(refused.value)
    assert ownership.in_use()


def test_a_killed_run_is_no_obstacle(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert not ownership.in_use()
    with ownership.run(["sandbox", "up"]):
        assert f"process {os.getpid()} (sandbox up)" in ownership.describe_run()
    assert not ownership.in_use()


def test_a_command_within_the_run_is_part_of_it() -> None:
    with ownership.run(["sandbox", "run", "make"]):
        script = HOLDER.replace("time.sleep(60)", "")
        command = [sys.executable, "-c", script, str(settings.RUN_DIR)]
        env = {**os.environ, "PYTHONPATH": str(CLUSTER)}
        inner = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
        assert inner.stdout == "held\n"
        assert ownership.in_use()
        assert "(sandbox run make)" in ownership.describe_run()


def test_the_lock_goes_on_to_children_that_outlive_the_run() -> None:
    with ownership.run(["sandbox", "run", "make"]) as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    assert ownership.in_use()
    child.communicate(b"\n")
    assert not ownership.in_use()


def test_the_record_is_read_as_it_was_written() -> None:
    assert ownership.read_record() is None
    record = ownership.Record("/checkout", "/checkout/.sandbox", "/cache", "2026-01-01 00:00:00")
    ownership.write_record(record)
    assert ownership.read_record() == record
    ownership.write_record(None)
    assert ownership.read_record() is None


def test_a_damaged_record_is_said_to_be_damaged() -> None:
    settings.RUN_DIR.mkdir()
    (settings.RUN_DIR / "sandbox.json").write_text("{}")
    with pytest.raises(SandboxError, match=r"sandbox\.json is damaged"):
        ownership.read_record()

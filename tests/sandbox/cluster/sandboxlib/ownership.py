# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sandbox a machine: who uses it, and what it takes to remove it when its checkout is gone.

The addresses are fixed, so there is one sandbox on a machine. Two things are kept apart under ``/run``:

* ``run.lock`` with ``run.json``: the living run, a process that holds the lock (``sandbox up``, or a whole
  ``sandbox run -- make …``). The kernel drops the lock when the process ends, however it ends.
* ``sandbox.json``: the sandbox that is there, whether or not anybody uses it now, with all that is needed
  to take it away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import settings
from .pki import write
from .processes import SandboxError

LOCK_PATIENCE = 20.0  # seconds for what a killed run left behind (a worker finishing its task) to end


@dataclasses.dataclass(frozen=True)
class Record:
    """The sandbox that is on the machine."""

    checkout: str
    state: str
    cache: str
    since: str


def _path(name: str) -> Path:
    return settings.RUN_DIR / name


def read_record() -> Record | None:
    """The sandbox of this machine, or None when none is recorded."""
    try:
        return Record(**json.loads(_path("sandbox.json").read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise SandboxError(f"{_path('sandbox.json')} is damaged ({error}); remove it and run `sandbox down`") from error


def write_record(record: Record | None) -> None:
    """Record the sandbox before anything of it is made; None when all of it is gone."""
    if record is None:
        _path("sandbox.json").unlink(missing_ok=True)
    else:
        write(_path("sandbox.json"), json.dumps(dataclasses.asdict(record), indent=1).encode())


def now() -> str:
    """The time, for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


def describe_run() -> str:
    """Who holds the machine's sandbox, for messages."""
    try:
        run = json.loads(_path("run.json").read_text())
    except (OSError, ValueError):
        return "a run that has not said who it is yet"
    return f"process {run['pid']} ({run['command']}) of {run['checkout']}, since {run['since']}"


def in_use() -> bool:
    """Whether a living run holds the sandbox."""
    try:
        descriptor = os.open(_path("run.lock"), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def _held_by_our_run() -> bool:
    token = os.environ.get(settings.RUN_TOKEN)
    if not token:
        return False
    try:
        return bool(json.loads(_path("run.json").read_text()).get("token") == token)
    except (OSError, ValueError):
        return False


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_lives() -> bool:
    try:
        pid = int(json.loads(_path("run.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return True
    return Path(f"/proc/{pid}").exists()


@contextlib.contextmanager
def run(command: list[str]) -> Iterator[int]:
    """Be the living run of this machine's sandbox.

    Yields the descriptor of the lock, for children that must keep it while they work. Within a run
    (``sandbox run -- …``) the run's own lock counts. Raises SandboxError naming the run that lives.
    """
    settings.RUN_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(_path("run.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while not _try(descriptor):
            if _held_by_our_run():
                yield descriptor
                return
            if _holder_lives() or time.monotonic() > deadline:
                raise SandboxError(
                    f"the sandbox of this machine is in use by {describe_run()}.\n"
                    "There is one sandbox a machine: wait for that run, or end it."
                )
            time.sleep(0.2)
        token = secrets.token_hex(16)
        write(
            _path("run.json"),
            json.dumps(
                {
                    "pid": os.getpid(),
                    "token": token,
                    "since": now(),
                    "checkout": str(settings.CHECKOUT),
                    "command": shlex.join(command),
                },
                indent=1,
            ).encode(),
        )
        os.environ[settings.RUN_TOKEN] = token
        yield descriptor
        _path("run.json").unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def change() -> Iterator[None]:
    """Change the sandbox: one at a time also within a run; waits for the one before."""
    settings.RUN_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    with lock(_path("change.lock")):
        yield


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file; waits for whoever holds it now."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try(descriptor):
            print(f"waiting for another command that holds {path} …", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

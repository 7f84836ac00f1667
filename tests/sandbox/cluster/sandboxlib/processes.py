# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, recognising and ending processes; a process is never ended on the word of a pid alone."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from . import settings


class SandboxError(Exception):
    """Something the person at the terminal should read: what, on which object, what to do next."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for another: pid and start time (clock ticks since boot)."""

    pid: int
    started: int


def _stat(pid: int) -> tuple[str, int, int] | None:
    """State, parent and start time from ``/proc/PID/stat`` (proc(5): fields 3, 4 and 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return fields[0], int(fields[1]), int(fields[19])


def identify(pid: int) -> Identity | None:
    """The identity of a running process, or None; a zombie does not count as running."""
    stat = _stat(pid)
    return Identity(pid, stat[2]) if stat and stat[0] not in "ZX" else None


def alive(identity: Identity | None) -> bool:
    """Whether exactly this process still runs."""
    return identity is not None and identify(identity.pid) == identity


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with; empty when it is gone or not ours to read."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.partition(b"=") for item in raw.split(b"\0") if b"=" in item)
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, _sep, value in pairs}


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [item.decode(errors="replace") for item in raw.split(b"\0")[:-1]]


def _network(pid: int | str) -> Path | None:
    """The network namespace of a process; None when it is gone."""
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return None


def all_pids() -> Iterable[int]:
    """Every process of this network; another network may have a sandbox of its own (tests/tools/lanes.py)."""
    ours = _network("self")
    found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return (pid for pid in found if _network(pid) == ours)


def marked() -> dict[Identity, str]:
    """All processes that carry the sandbox's marker, with its value (the state directory they belong to)."""
    found: dict[Identity, str] = {}
    for pid in all_pids():
        value = environment(pid).get(settings.MARKER)
        identity = identify(pid) if value else None
        if value and identity:
            found[identity] = value
    return found


def end(identities: Iterable[Identity], *, grace: float = 10.0) -> None:
    """End these very processes: SIGTERM, after ``grace`` seconds SIGKILL, and wait until they are gone."""
    left = [identity for identity in identities if alive(identity)]
    for sig, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        for identity in left:
            if alive(identity):
                os.kill(identity.pid, sig)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            left = [identity for identity in left if alive(identity)]
            time.sleep(0.02)
    if left:
        raise SandboxError(f"processes {[identity.pid for identity in left]} do not end, not even by SIGKILL")


@dataclasses.dataclass(frozen=True)
class Service:
    """A long-running process of the sandbox, with its log and pid file in ``directory``."""

    name: str
    argv: Sequence[str]
    directory: Path
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def pid_file(self) -> Path:
        """JSON: pid, start time, argv."""
        return self.directory / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        """Standard output and error of all its starts."""
        return self.directory / f"{self.name}.log"

    def recorded(self) -> tuple[Identity | None, list[str]]:
        """What the pid file says: the process, if it still is that one, and its arguments."""
        try:
            data = json.loads(self.pid_file.read_text())
            identity = Identity(int(data["pid"]), int(data["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None, []
        return (identity if alive(identity) else None), list(data.get("argv", []))

    def start(self, *, marker: str) -> bool:
        """Start it unless it runs with these very arguments; returns whether it was started."""
        running, argv = self.recorded()
        if running and argv == list(self.argv):
            return False
        if running:
            end([running])
        # A start cut off between fork and pid file leaves a process that only its marker tells.
        end(
            stray for stray, owner in marked().items() if owner == marker and command_line(stray.pid) == list(self.argv)
        )
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                list(self.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.directory,
                env={**os.environ, **self.env, settings.MARKER: marker},
            )
        identity = identify(process.pid)
        record = {"pid": process.pid, "started": identity.started if identity else 0, "argv": list(self.argv)}
        partial = self.pid_file.with_suffix(".pid.new")
        partial.write_text(json.dumps(record))
        partial.replace(self.pid_file)
        return True

    def stop(self) -> bool:
        """End it if the pid file names a living process; returns whether there was one."""
        running, _argv = self.recorded()
        if running:
            end([running])
        self.pid_file.unlink(missing_ok=True)
        return running is not None

    def tail(self, lines: int = 15) -> str:
        """The end of its log, for error messages."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second sandbox beside the machine's, so that scenarios, which mostly wait, run two at a time.

The sandbox has fixed addresses and paths. A lane gives it others of the same names: a network, processes and mounts
of its own (namespaces(7)), with empty directories in place of the state, of C(/run) and of what ssh and molecule keep.
The checkout, its results and the cache are the same. All of a lane ends with its first process.

    lanes.py NAME COMMAND…      runs a command with a sandbox of its own, which is brought up before and down after
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from checkout import ROOT, cache_dir, clean_path

RUN = "/run/okd-registry-sandbox"
MEMORY = 6 * 1024**2  # KiB that must be free for a second sandbox and what is run on it
# The first process of a lane: mounts, the loopback, then only the reaping of those whose parents are gone.
FIRST = """
for directory; do mkdir -p "$directory"; mount -t tmpfs -o mode=0755 tmpfs "$directory"; done
ip link set lo up
echo ready
while :; do sleep 3600 & wait $!; done
"""


def possible() -> bool:
    """Whether this machine can have a second sandbox: root, two processors, memory, the tools."""
    free = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    tools = all(shutil.which(name) for name in ("setpriv", "unshare", "nsenter", "ip"))
    return os.geteuid() == 0 and (os.cpu_count() or 1) >= 2 and int(free.split()[1]) >= MEMORY and tools


class Lane:
    """A set of namespaces; commands are run in it by the words that C(enter) gives."""

    def __init__(self, name: str) -> None:
        """C(name) is part of what its Docker daemon is known by."""
        self.name = name
        self._outer: subprocess.Popen[str] | None = None
        self._lock: IO[str] | None = None  # kept as long as this process lives: its containers are of one cache

    def start(self) -> None:
        """Make the namespaces. Raises OSError or RuntimeError when the machine does not allow it, or it is in use."""
        lock = cache_dir() / "locks" / f"lane-{self.name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        self._lock = lock.open("a")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        directories = [str(ROOT / ".sandbox"), RUN, str(Path.home() / ".ansible")]
        command = [
            # Also when this process, or the thread that calls this, is killed.
            *("setpriv", "--pdeathsig=KILL"),
            *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
            *("sh", "-euc", FIRST, "lane", *directories),
        ]
        self._outer = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._outer.stdout
        if self._outer.stdout.readline() != "ready\n":
            raise RuntimeError(f"{' '.join(command[:9])} ended with {self._outer.wait()}")

    def enter(self) -> list[str]:
        """What to put before a command to run it in the lane."""
        assert self._outer
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        return ["nsenter", f"--target={children[0]}", "--mount", "--net", "--pid", f"--wdns={ROOT}", "--"]

    def environment(self) -> Mapping[str, str]:
        """What its commands must have in their environment."""
        return {"OKD_REGISTRY_LANE": self.name}

    def end(self) -> None:
        """End all that runs in it."""
        if self._outer and self._outer.poll() is None:
            os.killpg(self._outer.pid, signal.SIGKILL)
            self._outer.wait()
        if self._lock:
            self._lock.close()


def main(name: str, *words: str) -> int:
    """The command; returns the exit code of what was run."""
    lane = Lane(name)
    lane.start()
    environment = {**os.environ, "PATH": clean_path(), **lane.environment()}
    sandbox = str(ROOT / "tests" / "sandbox" / "sandbox")

    def run(*command: str) -> int:
        return subprocess.run([*lane.enter(), *command], env=environment, check=False).returncode

    try:
        code = run(sandbox, "up") or run(sandbox, "run", "--", *words)
        run(sandbox, "down")
    finally:
        lane.end()
    return code


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

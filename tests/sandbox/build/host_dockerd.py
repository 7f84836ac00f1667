# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's own Docker daemon on the machine, beside any other that is there.

    host-dockerd start|stop|status|host

Images and containers are in the cache, so one daemon at a time can use a cache. Everything else that the daemon
needs is made from the path of the state directory (SANDBOX_STATE, by default .sandbox of the checkout):

* ``/run/okd-registry-sandbox/docker-<id>``: socket, process id, log of the daemon
* bridge ``okdreg-<id>`` for Docker's default network, so that ``docker0`` is nobody's business
* cgroup ``/okd-registry-<id>``, which all containers are below, so that what a killed daemon left can be found
* a mount namespace of its own, so that no mount is left on the machine

OKD_REGISTRY_LANE tells a second daemon of the same state directory, in namespaces of its own (tests/tools/lanes.py),
which has its own images and containers in the cache.

The daemon writes no firewall rules and does not route between the machine's networks.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import process
import store

RUN = Path("/run/okd-registry-sandbox")
COMMAND = "tests/sandbox/build/host-dockerd"
DOCKER = "/usr/bin/docker"  # other docker commands may come first in PATH
CGROUPS = Path("/sys/fs/cgroup")
# Where any dockerd and its containerd write, whatever directories they are given: ours gets its own.
SHARED = ("/etc/docker", "/run/containerd", "/run/docker")
ALONE = 'while [ "$1" != -- ]; do mkdir -p "$1"; mount -t tmpfs -o mode=0700 tmpfs "$1"; shift; done; shift; exec "$@"'
START_PATIENCE = 60.0  # seconds
STOP_PATIENCE = 30.0


@dataclasses.dataclass(frozen=True)
class Daemon:
    """The daemon of a state directory: everything by which it is known."""

    state: Path
    cache: Path
    lane: str = dataclasses.field(default_factory=lambda: os.environ.get("OKD_REGISTRY_LANE", ""))

    @property
    def ident(self) -> str:
        """Eight digits that stand for the state directory, and the lane."""
        return hashlib.sha256(f"{self.state}{self.lane}".encode()).hexdigest()[:8]

    @property
    def _name(self) -> str:
        return f"docker-{self.lane}" if self.lane else "docker"

    @property
    def run(self) -> Path:
        """Socket, process id, log; on a path short enough for sockets."""
        return RUN / f"docker-{self.ident}"

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self.run}/docker.sock"

    @property
    def data(self) -> Path:
        """Images, containers, volumes."""
        return self.cache / self._name

    @property
    def owner(self) -> Path:
        """Holds the state directory of the daemon that was the last to use the data."""
        return self.cache / f"{self._name}.owner"

    @property
    def bridge(self) -> str:
        """The default network's bridge (at most 15 characters)."""
        return f"okdreg-{self.ident}"

    @property
    def cgroup(self) -> str:
        """The parent of all containers' cgroups."""
        return f"okd-registry-{self.ident}"

    def pid(self) -> int | None:
        """The process id of the living daemon, or None. A number that belongs to another program by now is not it."""
        try:
            pid = int((self.run / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        ours = {str(self.run / "pid").encode(), f"--data-root={self.data}".encode()}
        return pid if ours <= set(command) else None

    def change(self) -> contextlib.AbstractContextManager[None]:
        """To be held while a daemon of this cache is started or stopped."""
        return store.locked(self.cache / "locks" / f"{self._name}.lock")

    def recorded_owner(self) -> Daemon | None:
        """The daemon that was the last to use this cache, alive or not."""
        try:
            return Daemon(Path(self.owner.read_text().strip()), self.cache, self.lane)
        except FileNotFoundError:
            return None

    def docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run docker against this daemon."""
        command = [DOCKER, "-H", self.host, *arguments]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def answers(self) -> bool:
        """Whether the daemon takes requests."""
        return (self.run / "docker.sock").exists() and self.docker("version").returncode == 0


def this_daemon() -> Daemon:
    """The daemon of this checkout, or of SANDBOX_STATE."""
    checkout = Path(__file__).resolve().parents[3]
    state = os.environ.get("SANDBOX_STATE") or os.environ.get("OKD_REGISTRY_SANDBOX_STATE") or checkout / ".sandbox"
    return Daemon(Path(state).absolute(), store.cache_dir())


def command(daemon: Daemon) -> list[str]:
    """The command line of the daemon."""
    dockerd = process.require("dockerd", "docker.io")
    return [
        *("unshare", "--mount", "--propagation", "slave", "sh", "-euc", ALONE, "dockerd", *SHARED, "--", dockerd),
        f"--host={daemon.host}", f"--data-root={daemon.data}", f"--exec-root={daemon.run}/exec",
        "--pidfile", str(daemon.run / "pid"), f"--config-file={daemon.run}/daemon.json",
        f"--bridge={daemon.bridge}", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        "--userland-proxy=false", "--default-address-pool=base=172.29.128.0/17,size=28",
        "--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{daemon.cgroup}",
        "--oom-score-adjust=0", "--shutdown-timeout=5", "--log-level=warn",
    ]  # fmt: skip


def start(daemon: Daemon) -> bool:
    """Start the daemon unless it runs; returns whether it was started.

    What a daemon left that was killed is removed first. Raises BuildError when a living daemon of another state
    directory uses the cache, or this one does not come up.
    """
    with daemon.change():
        if daemon.pid() and daemon.answers():
            return False
        owner = daemon.recorded_owner()
        if owner and owner.state != daemon.state:
            if owner.pid():
                raise store.BuildError(
                    f"{daemon.data} is in use by the Docker daemon of {owner.state} (process {owner.pid()}).\n"
                    f"Stop it (SANDBOX_STATE={owner.state} {COMMAND} stop), or set OKD_REGISTRY_CACHE to another place."
                )
            _clean(owner)
        _clean(daemon)
        daemon.owner.write_text(f"{daemon.state}\n")
        _launch(daemon)
        return True


def _launch(daemon: Daemon) -> None:
    daemon.run.mkdir(parents=True)
    daemon.data.mkdir(exist_ok=True)
    (daemon.run / "daemon.json").write_text("{}\n")
    _ip("link", "add", daemon.bridge, "type", "bridge")
    with (daemon.run / "log").open("ab") as log:
        # Who starts it may give way to others (a build in the background); the nodes in it, for which all wait, do not.
        as_others = ["nice", "-n", str(-os.nice(0))] if os.nice(0) > 0 else []
        child = subprocess.Popen(
            [*as_others, *command(daemon)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )  # fmt: skip
    try:
        _await_answer(daemon, child)
    except BaseException:
        child.kill()
        child.wait()
        _clean(daemon)
        raise


def _await_answer(daemon: Daemon, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while not daemon.answers():
        if child.poll() is not None or time.monotonic() > deadline:
            happened = f"ended with {child.returncode}" if child.returncode is not None else "does not answer"
            raise store.BuildError(f"the sandbox's dockerd {happened}; {process.end_of(daemon.run / 'log')}")
        time.sleep(0.1)


def stop(daemon: Daemon) -> bool:
    """Stop the daemon and remove what it made on the machine; returns whether it ran. The images stay."""
    with daemon.change():
        pid = daemon.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_PATIENCE
            while daemon.pid() and time.monotonic() < deadline:
                time.sleep(0.05)
        _clean(daemon)
    with contextlib.suppress(OSError):  # other files of the sandbox are in it
        RUN.rmdir()
    return pid is not None


def _clean(daemon: Daemon) -> None:
    """Remove what a daemon that does not live any more left behind."""
    pid = daemon.pid()
    if pid:
        os.kill(pid, signal.SIGKILL)
    _end_processes(daemon)
    for bridge in _bridges(daemon):
        if Path(f"/sys/class/net/{bridge}").exists():
            _ip("link", "delete", bridge)
    shutil.rmtree(daemon.run, ignore_errors=True)
    for directory in SHARED:
        with contextlib.suppress(OSError):  # somebody else's files are in it
            Path(directory).rmdir()


def _end_processes(daemon: Daemon) -> None:
    """Kill containerd and its shims (known by their command lines), and all in the containers' cgroups."""
    deadline = time.monotonic() + STOP_PATIENCE
    while pids := [*_helpers(daemon), *_contained(daemon)]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise store.BuildError(f"processes {pids} of the sandbox's containers do not end")
        time.sleep(0.05)
    for directory in sorted(_cgroup_directories(daemon), key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):
            directory.rmdir()


def _helpers(daemon: Daemon) -> Iterator[int]:
    ours = f"{daemon.run}/exec/containerd/".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if words[0].rpartition(b"/")[2].startswith(b"containerd") and any(ours in word for word in words):
                    yield int(entry.name)


def _cgroup_directories(daemon: Daemon) -> list[Path]:
    tops = [CGROUPS / daemon.cgroup, *CGROUPS.glob(f"*/{daemon.cgroup}")]
    return [Path(directory) for top in tops for directory, _, _ in os.walk(top)]


def _contained(daemon: Daemon) -> set[int]:
    pids: set[int] = set()
    for directory in _cgroup_directories(daemon):
        with contextlib.suppress(OSError):
            pids.update(int(pid) for pid in (directory / "cgroup.procs").read_text().split())
    return pids


def _bridges(daemon: Daemon) -> set[str]:
    """The bridges of the daemon's networks that nothing is attached to, from its own records."""
    if daemon.recorded_owner() != daemon:
        return {daemon.bridge}
    try:
        records = (daemon.data / "network" / "files" / "local-kv.db").read_bytes()
    except OSError:
        return {daemon.bridge}
    named = {name.decode() for name in re.findall(rb'"BridgeName":"([^"/]+)"', records)} | {daemon.bridge}
    return {name for name in named if not any(Path(f"/sys/class/net/{name}/brif").glob("*"))}


def _ip(*arguments: str) -> None:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise store.BuildError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")


def main() -> int:
    """The command; returns its exit status. ``status`` ends with 1 when the daemon does not run."""
    parser = argparse.ArgumentParser(prog="host-dockerd", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("action", choices=("start", "stop", "status", "host"), help="host prints the DOCKER_HOST")
    action = parser.parse_args().action
    daemon = this_daemon()
    if action == "host":
        print(daemon.host)
    elif action == "status":
        print(f"running (process {daemon.pid()}), {daemon.host}" if daemon.pid() else f"not running, {daemon.host}")
        return 0 if daemon.pid() and daemon.answers() else 1
    elif action == "start":
        print(f"{'started' if start(daemon) else 'already running'}: {daemon.host}")
    else:
        print("stopped" if stop(daemon) else "was not running")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except store.BuildError as error:
        sys.exit(f"host-dockerd: {error}")

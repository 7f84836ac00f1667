# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a configuration into effect in a running HAProxy (master-worker mode) through its master socket."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

COMMAND = "haproxy"
SOCKET_SECONDS = 5.0
RELOAD_SECONDS = 10.0
POLL_SECONDS = 0.05


class HaproxyError(Exception):
    """HAProxy refuses a configuration, or did not take it over; the message has what it said."""


def check(config: Path) -> None:
    """Raise HaproxyError with HAProxy's own words where a configuration is not valid."""
    try:
        done = subprocess.run([COMMAND, "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise HaproxyError(f"{COMMAND}: {error.strerror}; install haproxy") from error
    if done.returncode:
        raise HaproxyError(f"haproxy -c -f {config}: {(done.stderr or done.stdout).strip()}")


def ask(master: Path, command: str) -> str:
    """Send one command to the master socket and return the answer. Raises OSError where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(SOCKET_SECONDS)
        channel.connect(str(master))
        channel.sendall(f"{command}\n".encode())
        channel.shutdown(socket.SHUT_WR)
        parts = []
        while part := channel.recv(65536):
            parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def current_workers(answer: str) -> set[str]:
    """Return the pids of the workers with the newest configuration, from the answer to ``show proc``.

    Old workers, which only finish their connections, stand under their own heading.
    """
    pids, current = set(), False
    for line in answer.splitlines():
        if line.startswith("#"):
            current = line.strip() == "# workers"
        elif current and line.split()[:2][-1:] == ["worker"]:
            pids.add(line.split()[0])
    return pids


def write(config: Path, text: str, files: Mapping[str, str] | None = None) -> bool:
    """Check a configuration and put it in its place; returns whether it differs from the one there.

    Before it come the files that it names, by their paths: certificates with their keys.

    Raises HaproxyError where HAProxy would not take it: the old one stays.
    """
    if config.is_file() and config.read_text(encoding="utf-8") == text:
        return False
    config.parent.mkdir(parents=True, exist_ok=True)
    for path, content in (files or {}).items():
        _keep(Path(path), content)
    part = config.with_name(f"{config.name}.new")
    part.write_text(text, encoding="utf-8")
    check(part)
    part.replace(config)
    return True


def _keep(path: Path, content: str) -> None:
    """Write a file that nobody else can read; one of this name has this content."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".new")
    part.touch(mode=0o600)
    part.write_text(content, encoding="utf-8")
    part.replace(path)


def forget(directory: Path, files: Iterable[str]) -> None:
    """Remove what a configuration in effect no longer names; HAProxy has it in its memory."""
    kept = {Path(path).name for path in files}
    for path in directory.glob("*.pem"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def reload(master: Path) -> None:
    """Make HAProxy take over its configuration file and wait until new workers run with it.

    Listening sockets are handed over, and open connections stay with the old workers.
    Raises HaproxyError where that does not happen within some seconds.
    """
    try:
        before = current_workers(ask(master, "show proc"))
        ask(master, "reload")
    except OSError as error:
        raise HaproxyError(f"{master}: {error}; is haproxy running?") from error
    answer = ""
    end = time.monotonic() + RELOAD_SECONDS
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        try:
            answer = ask(master, "show proc")
        except OSError as error:  # the master starts itself anew meanwhile
            answer = str(error)
            continue
        now = current_workers(answer)
        if now and not now & before:
            return
    raise HaproxyError(f"no new workers {RELOAD_SECONDS:g} s after the reload: {answer.strip()}")

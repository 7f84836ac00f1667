# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running commands: their output goes to a log, they end when this process does, and failures say what was said."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from store import BuildError

TAIL = 15  # lines of a failed command's output that are shown

# The kernel kills the command when this process dies, even by SIGKILL: no build goes on unseen.
WITH_US = ("setpriv", "--pdeathsig", "KILL")
# The same for everything the command starts, and its mounts go with it: a PID and a mount namespace of its own.
ENCLOSED = (*WITH_US, "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")


def require(command: str, package: str) -> str:
    """The path of a command of the machine. Raises BuildError naming the Debian package that has it."""
    found = shutil.which(command, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise BuildError(f"{command} is not installed: `make setup` installs it (Debian package {package})")
    return found


def end_of(log: Path) -> str:
    """The last lines of a log, for the message of an error."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL:] if log.exists() else []
    return "\n".join([f"the end of {log}:", *("  " + line for line in lines)])


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = WITH_US,
) -> None:
    """Run a command with its output appended to ``log``. Raises BuildError with the end of what it said."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    with log.open("ab") as output:
        output.write(f"$ {shlex.join(words)}\n".encode())
        output.flush()
        result = subprocess.run(
            [*wrapper, *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if result.returncode:
        raise BuildError(f"{shlex.join(words)[:200]}\nended with {result.returncode}; {end_of(log)}")


def output_of(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> str | None:
    """What a command prints, or None when it fails or is not there."""
    try:
        result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None

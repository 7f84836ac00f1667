# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of the sandbox, by the docker command against the sandbox's own daemon."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from . import inputs, settings
from .processes import SandboxError

LABEL = "okd.registry.sandbox/files"  # every container of a sandbox has it
DOCKER = "/usr/bin/docker"  # other docker commands may come first in PATH


def docker(
    *arguments: str, data: bytes | None = None, check: bool = True, host: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run docker against the sandbox's daemon, or the one at ``host``. Raises SandboxError with what it said."""
    command = [DOCKER, "-H", host or inputs.docker_host(), *arguments]
    # input=b"" rather than nothing: a child must not read from the terminal
    result = subprocess.run(command, input=data or b"", capture_output=True, check=False)
    if check and result.returncode:
        said = (result.stderr or result.stdout).decode(errors="replace").strip()
        raise SandboxError(f"docker {' '.join(arguments[:6])}: {said}")
    return result


def status(name: str) -> str:
    """created, running, exited … or absent."""
    result = docker("inspect", "--type=container", "-f", "{{.State.Status}}", name, check=False)
    return result.stdout.decode().strip() if result.returncode == 0 else "absent"


def made_from(name: str, key: str) -> tuple[str, str] | None:
    """The image of a container as it was named, and one of its labels; None when there is no such container."""
    template = '{{.Config.Image}} {{index .Config.Labels "' + key + '"}}'
    result = docker("inspect", "--type=container", "-f", template, name, check=False)
    image, _space, value = result.stdout.decode().strip().partition(" ")
    return (image, value) if result.returncode == 0 else None


def inside(name: str, command: Sequence[str], *, data: bytes | None = None, check: bool = True) -> str:
    """Run a command in a container and return its standard output."""
    result = docker("exec", "-i", name, *command, data=data, check=check)
    return result.stdout.decode(errors="replace")


def start(name: str, archive: bytes) -> bool:
    """Start a container; a new one gets its files (a tar) first. Returns whether it was started.

    One that was created but never started may have been cut off before it had all of them, so it gets them again.
    """
    state = status(name)
    if state == "running":
        return False
    if state == "created":
        docker("cp", "-", f"{name}:/", data=archive)
    docker("start", name)
    return True


def remove_all(host: str) -> list[str]:
    """Remove every container of a sandbox with its volumes, and the network; what a build runs is none of them."""
    ours = ("--filter", f"label={LABEL}")
    names = docker("ps", "-a", *ours, "--format", "{{.Names}}", host=host).stdout.decode().split()
    if names:
        docker("rm", "-f", "-v", *names, host=host)
    docker("network", "rm", settings.NETWORK, check=False, host=host)
    docker("volume", "prune", "-f", host=host)
    return names

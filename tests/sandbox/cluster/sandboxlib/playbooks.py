# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the playbooks beside this package."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from . import inputs, settings

PR_SET_PDEATHSIG = 1  # prctl(2)


def _die_with_parent() -> None:
    """A playbook must not go on when the command that holds the lock was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def variables() -> dict[str, str]:
    """What the playbooks know of the settings."""
    return {
        "sandbox_docker_host": inputs.docker_host(),
        "sandbox_node_image": inputs.artifacts().node_image,
        "sandbox_network": settings.NETWORK,
        "sandbox_subnet": settings.SUBNET,
        "sandbox_gateway": settings.GATEWAY,
        "sandbox_bridge": settings.BRIDGE,
    }


def play(name: str, extra: Mapping[str, str]) -> int:
    """Run one playbook with the checkout's ansible; returns its exit status."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"{name}.yml", "-e", json.dumps(dict(extra))]
    # Whatever the caller's ansible is set to (molecule sets a lot) is not meant for these playbooks.
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    env |= {"ANSIBLE_CONFIG": str(settings.CLUSTER / "ansible.cfg"), "PYTHONPATH": str(settings.CLUSTER)}
    return subprocess.run(
        command, cwd=settings.CLUSTER, env=env, stdin=subprocess.DEVNULL, check=False,
        preexec_fn=_die_with_parent).returncode


def up() -> int:
    """Bring the sandbox up."""
    return play("up", variables())


def reset() -> int:
    """Back to how it was after up."""
    return play("reset", variables())


def down() -> int:
    """Take it away."""
    return play("down", variables())


def check() -> int:
    """Look at every part."""
    return 0


def status() -> int:
    """What is there."""
    return 0

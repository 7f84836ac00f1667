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
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import health, inputs, ownership, settings, sweep
from .processes import SandboxError

PR_SET_PDEATHSIG = 1  # prctl(2)


def _die_with_parent() -> None:
    """A playbook must not go on when the command that holds the lock was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def variables() -> dict[str, str]:
    """What the playbooks know of the settings."""
    return {
        "sandbox_docker_host": inputs.docker_host(),
        "sandbox_node_image": inputs.node_image(),
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
        command, cwd=settings.CLUSTER, env=env, stdin=subprocess.DEVNULL, check=False, preexec_fn=_die_with_parent
    ).returncode


def _install(packages: Sequence[str]) -> None:
    if not packages:
        return
    print(f"installing Debian packages: {' '.join(packages)}", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        if subprocess.run(command, stdin=subprocess.DEVNULL, env=env, check=False).returncode:
            raise SandboxError(f"{' '.join(command)} failed (see above)")


def up() -> int:
    """Bring the sandbox up: packages and artefacts where they are missing, then the playbook."""
    started = time.monotonic()
    for line in sweep.claim():
        print(line, flush=True)
    if not health.problems():
        print(f"The sandbox is up and well ({time.monotonic() - started:.1f} s).")
        return 0
    _install(inputs.missing_packages())
    if left := inputs.claim_daemon():
        print(left, flush=True)
    inputs.start_daemon(inputs.own_daemon())
    inputs.build(inputs.ARTIFACTS)
    failed = play("up", variables())
    if not failed:
        seconds = time.monotonic() - started
        print(f"The sandbox is up after {seconds:.1f} s: nodes node1 to node3 by inventory/sandbox/hosts.yml,")
        print(f"KUBECONFIG={settings.PATHS.admin_kubeconfig}")
    return failed


def reset() -> int:
    """Back to how it was after up."""
    return play("reset", variables())


def down() -> int:
    """Take it away; also the remains of one that was cut off."""
    record = ownership.read_record()
    if record and record.state != str(settings.PATHS.state):
        print(f"The sandbox on this machine is not this checkout's but {record.checkout}'s; it stays.")
        return 0
    return play("down", variables())


def check() -> int:
    """Look at every part; 1 if something is wrong."""
    found = health.findings()
    print("\n".join(health.report(found)))
    return 1 if any(one.problem for one in found) else 0


def status() -> int:
    """What is there, and who uses it."""
    for line in health.status():
        print(line)
    return 0

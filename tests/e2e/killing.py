# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that are killed (kill -9) in the middle of what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sandbox

# Ansible holds a task's header back to its first result, unless skipped ones are shown, too.
SOON = {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true"}


@contextmanager
def playing(
    playbook: str, *arguments: str, inventory: Path = sandbox.INVENTORY, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a playbook beside the test; what still runs of it at the end is killed, with its children.

    :param variables: of its environment, as SOON, with which a task is told when it begins.
    """
    process = subprocess.Popen(
        sandbox.playbook_command(playbook, *arguments, inventory=inventory),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=sandbox.ROOT, env=sandbox.environment(**variables), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def comes_to(process: subprocess.Popen[str], task: str = "") -> bool:
    """Read what a playbook prints until a task (or play) of which *task* is part of the name; say whether one came."""
    assert process.stdout is not None
    return any(line.startswith(("TASK", "PLAY")) and task in line for line in process.stdout)


def killed_at(
    task: str | Sequence[str],
    delay: float,
    playbook: str,
    *arguments: str,
    inventory: Path = sandbox.INVENTORY,
    **variables: str,
) -> bool:
    """Run a playbook, kill it and its children *delay* seconds after *task* was told; say whether it came that far.

    :param task: part of the name of a task, or of a play, as it is printed; of several, one after another, the last.
    """
    names = [task] if isinstance(task, str) else task
    with playing(playbook, *arguments, inventory=inventory, **variables) as process:
        reached = all(comes_to(process, name) for name in names)
        if reached:
            time.sleep(delay)
    return reached


def killed_after(task: str, times: int, playbook: str, *arguments: str) -> bool:
    """Run a playbook and kill it when *task* has ended for the *times*-th time, which the next header tells."""
    with playing(playbook, *arguments, **SOON) as process:
        return all(comes_to(process, task) for _ in range(times)) and comes_to(process)

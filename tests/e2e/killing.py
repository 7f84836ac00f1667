# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that are killed (kill -9) in the middle of what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import sandbox


def killed_at(task: str, delay: float, playbook: str, *arguments: str) -> bool:
    """Run a playbook, kill it and its children *delay* seconds after *task* began; say whether it came that far.

    :param task: part of the name of a task, or of a play, as it is printed.
    """
    process = subprocess.Popen(
        sandbox.playbook_command(playbook, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=sandbox.ROOT, env=sandbox.environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    reached = any(line.startswith(("TASK", "PLAY")) and task in line for line in process.stdout)
    if reached:
        time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return reached

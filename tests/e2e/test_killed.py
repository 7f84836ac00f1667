# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed (kill -9) in the middle of each phase leaves what works working, and the next run goes on.

One chain from a pristine sandbox to a converged one: every run is killed a little later than the last, so that each
phase is hit while it does its work for the first time.
"""

from __future__ import annotations

import os
import random

import pytest
import sandbox
from killing import killed_at

SEED = int(os.environ.get("OKD_REGISTRY_KILL_SEED", "20260101"))
# The task or play at which a run is killed: seconds within which that happens, whether the registry serves by then.
PHASES = {
    "Give the registry its address": (1.0, False),
    "Certify every name of the registry": (1.0, False),
    "Deploy the registry, already on TLS": (1.5, False),
    "proof | Read the certificate": (1.0, True),
    "Expose the registry": (1.0, True),
    "Place the CA": (1.0, True),
    "Change the insecure flag and restart docker": (2.0, True),
    "PLAY [Restart the node that runs the registry]": (4.0, True),
    "Log in, push and pull": (2.0, True),
}


def _nodes_work() -> None:
    for node in sandbox.NODES:
        sandbox.on(
            node,
            "for i in $(seq 60); do docker ps -q >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1",
        )


def _registry_works() -> None:
    """The registry answers on its service address from a node, over TLS."""
    sandbox.on(
        "node2",
        f"for i in $(seq 60); do curl -ksf https://{sandbox.SERVICE_IP}:5000/healthz && exit 0; sleep 0.5; done;exit 1",
    )


@pytest.mark.parametrize("task", PHASES)
def test_a_killed_run_leaves_everything_working(task: str) -> None:
    within, serves = PHASES[task]
    delay = random.Random(f"{SEED} {task}").uniform(0, within)
    assert killed_at(task, delay, "site.yml"), f"site.yml did not come to the task {task!r}"
    _nodes_work()
    if serves:
        _registry_works()


def test_the_next_run_finishes_and_the_one_after_changes_nothing() -> None:
    ended = sandbox.playbook("site.yml")
    assert ended.code == 0, ended.output
    again = sandbox.playbook("site.yml")
    assert (again.code, again.changed) == (0, 0), again.output

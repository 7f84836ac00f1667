# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust while who runs it goes away or is not alone, or a node goes away: all works on, and a rerun finishes.

The tests run in the order in which they stand, on nodes that trust the registry already; each makes those that it
needs as they were at first. What becomes of a module that is killed before each of its own changes is told by its unit
tests.
"""

from __future__ import annotations

import json
import re
import time

import pytest
import sandbox
import trusting
from killing import SOON, comes_to, killed_after, killed_at, playing
from trusting import CORDON

# What is needed for a machine that stops answering to be noticed on a connection that stands; one of its own, since
# one that an earlier run has left open would not look.
IMPATIENT = "-o ServerAliveInterval=2 -o ServerAliveCountMax=2 -o ConnectTimeout=4 -o ControlPath=none"
RESTART = "restart | Change the insecure flag and restart docker"
# Every step of a run that restarts a node, in their order.
STEPS = [
    ("Read the registry's names and CA", 1),
    ("Place the CA for every name", 1),
    ("Note whether docker here must be restarted", 1),
    ("Read the registry's names and CA", 2),
    ("restart | Take the Node out of service", 1),
    (RESTART, 1),
    ("restart | Wait until the control plane holds the Node", 1),
    ("restore | Undo the cordon", 1),
]


def carried_out(output: str) -> list[str]:
    """The tasks that were not skipped (these are not shown), in order; an include does nothing itself."""
    tasks = re.findall(r"^TASK \[(?:\S+ : )?(.*?)\] \**\n(.*)", output, re.MULTILINE)
    done = [name for name, first in tasks if not first.startswith("included:")]
    return [name for name in done if not name.startswith("Validating arguments")]


def test_the_steps_are_all_there_are() -> None:
    """Or the loop below would miss one."""
    trusting.unready("node2")
    done = carried_out(trusting.converged("--limit", "node2", *CORDON).output)
    assert len(done) == len(STEPS), done
    assert [step for step, (task, _times) in zip(done, STEPS, strict=True) if task not in step] == []


@pytest.mark.parametrize(("task", "times"), STEPS)
def test_killed_after_any_step_the_next_run_finishes(task: str, times: int) -> None:
    trusting.unready("node2")
    assert killed_after(task, times, "trust.yml", "--limit", "node2", *CORDON), f"it did not come to {task!r}"
    trusting.works()
    if task == RESTART:
        # Then there is one more step, in which that run is killed, too.
        assert killed_at("Put nodes back into service", 0.5, "trust.yml", "--limit", "node2", **SOON)
        trusting.works()
    trusting.converged("--limit", "node2")


def test_killed_while_docker_is_restarted_the_next_run_finishes() -> None:
    """On the node that runs the registry, where most is at stake."""
    trusting.unready("node1")
    assert killed_at(RESTART, 1.2, "trust.yml", "--limit", "node1", *CORDON, **SOON)
    trusting.works()
    trusting.converged("--limit", "node1")


def test_a_node_that_stops_answering_stays_cordoned_until_a_run_finds_it_well() -> None:
    trusting.unready("node3")
    impatient = ("-e", json.dumps({"ansible_ssh_extra_args": IMPATIENT}))
    with playing("trust.yml", "--limit", "node3", *CORDON, *impatient, **SOON) as process:
        assert comes_to(process, RESTART)
        sandbox.engine("pause", "node3")
        try:
            output, _nothing = process.communicate(timeout=90)
        finally:
            sandbox.engine("unpause", "node3")
    assert process.returncode != 0
    assert "run again when node3 can be reached" in trusting.text(output), output
    assert trusting.cordoned("node3") == (True, "default/docker-registry")
    trusting.works()
    trusting.converged("--limit", "node3")


def test_two_runs_at_once_do_no_harm_and_restart_once() -> None:
    trusting.unready("node2")
    time.sleep(1)
    started = time.time()
    two = ("trust.yml", "--limit", "node2", *CORDON)
    with playing(*two) as one, playing(*two) as other:
        outputs = [process.communicate(timeout=120)[0] for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], outputs
    assert sandbox.docker_starts("node2", started) == 1
    trusting.converged("--limit", "node2")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait: what is told, when it ends, and with which words."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils._podstate import GRACE
from ansible_collections.okd.registry.plugins.plugin_utils import _rollout_wait

WHAT = "DeploymentConfig default/docker-registry"
POD = "pod docker-registry-1-x8k2p"


def state(short="ContainerCreating", **changes):
    base = {
        "revision": "docker-registry-1", "desired": 1, "updated": 1, "ready": 0, "done": False, "failed": False,
        "line": f"docker-registry-1: 0/1 ready, {POD}: {short}", "reason": f"{POD}: {short} it is",
        "stuck": None, "grace": None, "serving": 0,
    }  # fmt: skip
    return {**base, **changes}


DONE = state(line="docker-registry-1: 1/1 ready, done", ready=1, done=True, reason=None)
PULL = state("ImagePullBackOff", stuck="image", grace=30, reason=f'{POD}: Failed to pull image "r:3": manifest unknown')


class World:
    """Time, and states that come at given seconds; a look lasts as long as it is let, unless something is new."""

    def __init__(self, *moments):
        self.moments, self.now, self.told, self.looks = list(moments), 100.0, [], []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def at(self, when):
        return [value for second, value in self.moments if second + 100.0 <= when][-1]

    def look(self, seconds, seen):
        self.looks.append(seconds)
        end = self.now + seconds
        self.now += 0.25  # what a module costs
        while True:
            value = self.at(self.now)
            if value.get("msg"):
                return value
            if value["line"] != seen or value["done"] or value["failed"] or self.now >= end:
                return {"rollout": value}
            self.now += 0.25

    def wait(self, timeout=600):
        return _rollout_wait.wait(WHAT, self.look, timeout=timeout, tell=self.told.append, clock=self)


class TestTells:
    def test_one_line_for_each_change(self):
        world = World((0, state("Pending")), (3, state()), (8, DONE))
        result = world.wait()
        assert world.told == [
            f"docker-registry-1: 0/1 ready, 0 s, {POD}: Pending",
            f"docker-registry-1: 0/1 ready, 3 s, {POD}: ContainerCreating",
            "docker-registry-1: 1/1 ready, 8 s, done",
        ]
        assert "failed" not in result
        assert result["rollout"] == {**DONE, "duration": 8.0}

    def test_done_at_the_first_look(self):
        world = World((0, DONE))
        assert world.wait()["rollout"]["done"]
        assert len(world.looks) == 1

    def test_no_look_lasts_beyond_the_end(self):
        world = World((0, state()))
        world.wait(timeout=25)
        assert max(world.looks) <= _rollout_wait.LOOK
        assert world.now - 100 < 27


class TestEnds:
    def test_an_obstacle_is_borne_for_its_grace(self):
        world = World((0, PULL), (29, DONE))
        assert "failed" not in world.wait()

    def test_an_obstacle_that_lasts(self):
        world = World((0, state()), (5, PULL))
        result = world.wait()
        assert result["failed"]
        assert 30 <= result["rollout"]["duration"] <= 46
        assert f"{WHAT}: docker-registry-1 does not get on" in result["msg"]
        assert 'Failed to pull image "r:3": manifest unknown.' in result["msg"]
        assert "Check the image's name and tag" in result["msg"]

    def test_another_obstacle_starts_anew(self):
        crash = state("CrashLoopBackOff", stuck="crash", grace=30)
        world = World((0, PULL), (20, crash), (45, DONE))
        assert "failed" not in world.wait()

    def test_obstacles_with_a_pause_between_them_start_anew(self):
        world = World((0, PULL), (20, state()), (25, PULL), (50, DONE))
        assert "failed" not in world.wait()

    def test_failed_at_once_with_what_was_seen_before(self):
        gone = state(
            line="docker-registry-1: 0/1 ready, failed", failed=True, updated=0,
            reason='replication controller "docker-registry-1" has failed progressing',
        )  # fmt: skip
        world = World((0, PULL), (10, gone))
        message = world.wait()["msg"]
        assert f"has failed after 10 s: {gone['reason']}; before that, {PULL['reason']}." in message
        assert "Check the image's name" in message

    def test_an_obstacle_of_the_revision_before_is_not_told(self):
        later = state(
            revision="docker-registry-2", failed=True, line="docker-registry-2: 0/1 ready, failed", reason="cancelled"
        )
        assert "manifest unknown" not in World((0, PULL), (5, later)).wait()["msg"]

    def test_time_is_up_with_the_last_reason(self):
        message = World((0, state())).wait(timeout=20)["msg"]
        assert "docker-registry-1 was not done within 20 s (wait_timeout)" in message
        assert f"{POD}: ContainerCreating it is." in message

    def test_old_pods_still_serve(self):
        assert "Pods of the revision before still serve (1)." in World((0, {**PULL, "serving": 1})).wait()["msg"]

    def test_no_time_at_all_is_one_look(self):
        world = World((0, state()))
        assert world.wait(timeout=0)["failed"]
        assert len(world.looks) == 1


class TestLooksThatFail:
    BROKEN = {"failed": True, "msg": "The API server at x cannot be reached."}

    def test_some_are_borne(self):
        world = World((0, state()), (5, self.BROKEN), (9, DONE))
        assert world.wait()["rollout"]["done"]
        assert any("cannot look" in line for line in world.told)

    def test_not_for_ever(self):
        world = World((0, state()), (5, self.BROKEN))
        result = world.wait()
        assert result["failed"]
        assert "cannot be watched: The API server at x cannot be reached." in result["msg"]
        assert result["rollout"]["line"] == state()["line"]

    @pytest.mark.parametrize("why", [{"unreachable": True}, {"gone": True}, {"rule": "- apiGroups"}])
    def test_what_no_time_mends_is_not_waited_for(self, why):
        world = World((0, {**self.BROKEN, **why}))
        assert world.wait()["failed"]
        assert len(world.looks) == 1


@pytest.mark.parametrize("category", GRACE)
def test_every_obstacle_has_a_next_step(category):
    assert _rollout_wait.NEXT_STEPS[category]


class TestTidied:
    RESULT = {"changed": True, "workload": {"name": "r"}, "leftovers": True}

    def tidied(self, *answers, seconds=60):
        world, runs = World((0, DONE)), list(answers)
        result = _rollout_wait.tidied(self.RESULT, lambda: runs.pop(0), end=world.monotonic() + seconds, clock=world)
        return result, runs

    def test_once_where_nothing_is_left(self):
        result, runs = self.tidied({"leftovers": False}, {"leftovers": False})
        assert (result["leftovers"], len(runs)) == (False, 1)

    def test_again_while_old_pods_hold_something_back(self):
        gone = {"resources": [{"name": "r-config", "action": "deleted"}], "leftovers": False}
        result, runs = self.tidied({"leftovers": True}, {"leftovers": True}, gone)
        assert (result["leftovers"], runs, result["resources"]) == (False, [], gone["resources"])

    def test_until_time_is_up_and_then_it_is_told(self):
        result, runs = self.tidied(*[{"leftovers": True}] * 9, seconds=8)
        assert (result["leftovers"], len(runs)) == (True, 6)
        assert not result.get("failed")

    def test_a_failure_ends_it(self):
        result, runs = self.tidied({"failed": True, "msg": "no"}, {"leftovers": False})
        assert (result["failed"], len(runs)) == (True, 1)


@pytest.mark.parametrize(("aside", "said"), [("The Service leads to no pod.", True), ("", False)])
def test_old_pods_that_no_service_leads_to_are_not_said_to_serve(aside, said):
    world = World((0, {**PULL, "serving": 1}))
    message = _rollout_wait.wait(
        WHAT, world.look, timeout=600, tell=world.told.append, clock=world, aside=aside
    )["msg"]  # fmt: skip
    assert "still serve" not in message
    assert ("The Service leads to no pod." in message) is said


def test_what_the_service_does_after_a_rollback_is_said():
    back = {"actions": ["Updated X: spec.", "The selector of Service n/r is as before."], "resources": []}
    told = _rollout_wait.after_rollback({"msg": "No."}, back)
    assert told["msg"].endswith("The selector of Service n/r is as before.")

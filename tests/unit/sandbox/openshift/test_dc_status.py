# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions: what sets their times, and when they are left alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from standins.deploymentconfigs.model import read_config, read_controller
from standins.deploymentconfigs.status import condition, set_condition, status_of
from standins_cluster import Cluster, make_dc

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=5)


def test_a_new_condition_has_both_times() -> None:
    [made] = set_condition([], condition("Progressing", "True", "A", "x"), NOW)
    assert made["lastUpdateTime"] == made["lastTransitionTime"] == "2026-05-01T12:00:00Z"


def test_the_same_status_and_reason_change_nothing_not_even_the_message() -> None:
    before = set_condition([], condition("Progressing", "True", "A", "x"), NOW)
    assert set_condition(before, condition("Progressing", "True", "A", "y"), LATER) == before


def test_another_reason_keeps_the_time_of_transition() -> None:
    before = set_condition([], condition("Progressing", "True", "A", "x"), NOW)
    [after] = set_condition(before, condition("Progressing", "True", "B", "y"), LATER)
    assert after["lastTransitionTime"] == "2026-05-01T12:00:00Z"
    assert after["lastUpdateTime"] == "2026-05-01T12:05:00Z"
    assert after["message"] == "y"


def test_another_status_is_a_transition() -> None:
    before = set_condition([], condition("Available", "True", "", "x"), NOW)
    [after] = set_condition(before, condition("Available", "False", "", "y"), LATER)
    assert after["lastTransitionTime"] == "2026-05-01T12:05:00Z"


def test_other_conditions_stay() -> None:
    before = set_condition([], condition("Available", "True", "", "x"), NOW)
    after = set_condition(before, condition("Progressing", "True", "A", "y"), LATER)
    assert {c["type"] for c in after} == {"Available", "Progressing"}
    assert before[0] in after


def test_old_pods_that_go_are_progress() -> None:
    cluster = Cluster(make_dc(2))
    cluster.settle(5)
    cluster.ready_after = 5.0
    cluster.new_image("registry:2")
    cluster.settle(1)
    created = condition("Progressing", "True", "NewReplicationControllerCreated", "x")
    cluster.dc["status"]["conditions"] = set_condition(cluster.status["conditions"], created, NOW)

    def reason() -> str:
        config = read_config(cluster.dc)
        status = status_of(config, [read_controller(rc) for rc in cluster.rcs.values()], LATER)
        return next(str(c["reason"]) for c in status["conditions"] if c["type"] == "Progressing")

    assert reason() == "NewReplicationControllerCreated"
    cluster.rcs["docker-registry-1"]["status"]["replicas"] -= 1
    assert reason() == "ReplicationControllerUpdated"

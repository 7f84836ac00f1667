# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions: what sets their times, and when they are left alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from standins.deploymentconfigs.status import condition, set_condition

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

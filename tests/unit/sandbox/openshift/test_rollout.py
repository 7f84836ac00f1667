# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of rolling and recreate, by examples and by chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standins.deploymentconfigs.rollout import Pool, Step, fenceposts, portion, recreate, rolling

NOTHING = Pool(0, 0, 0)


@pytest.mark.parametrize(
    ("share", "of", "up", "expected"),
    [
        ("25%", 1, True, 1),
        ("25%", 1, False, 0),
        ("25%", 4, True, 1),
        ("25%", 5, True, 2),
        ("25%", 5, False, 1),
        ("100%", 3, False, 3),
        ("0%", 3, True, 0),
        (2, 10, True, 2),
        ("2", 10, True, 2),
    ],
)
def test_a_share_is_rounded_the_way_its_use_asks(share: int | str, of: int, up: bool, expected: int) -> None:
    assert portion(share, of, round_up=up) == expected


@pytest.mark.parametrize(
    ("surge", "unavailable", "desired", "expected"),
    [
        ("25%", "25%", 1, (1, 0)),
        ("25%", "25%", 8, (2, 2)),
        (0, 0, 3, (0, 1)),
        ("0%", "10%", 3, (0, 1)),
        (0, 9, 3, (0, 3)),
    ],
)
def test_fenceposts_always_leave_room_to_move(
    surge: int | str, unavailable: int | str, desired: int, expected: tuple[int, int]
) -> None:
    assert fenceposts(surge, unavailable, desired) == expected


def test_one_replica_rolls_over_without_a_gap() -> None:
    old = Pool(1, 1, 1)
    assert rolling(NOTHING, old, 1, 1, 0) == Step(1, 1)
    assert rolling(Pool(1, 1, 0), old, 1, 1, 0) == Step(1, 1)
    assert rolling(Pool(1, 1, 1), old, 1, 1, 0) == Step(1, 0)
    assert rolling(Pool(1, 1, 1), NOTHING, 1, 1, 0) == Step(1, 0, complete=True)


def test_without_surge_the_old_pods_make_room() -> None:
    assert rolling(NOTHING, Pool(2, 2, 2), 2, 0, 1) == Step(0, 1)
    assert rolling(NOTHING, Pool(1, 1, 1), 2, 0, 1) == Step(1, 1)


def test_a_broken_old_version_does_not_stop_the_new_one() -> None:
    old, new = Pool(2, 2, 0), NOTHING
    for _ in range(10):
        step = rolling(new, old, 2, 1, 0)
        if step.complete:
            break
        new, old = Pool(step.new, step.new, step.new), Pool(step.old, step.old, 0)
    assert step.complete


def test_recreate_waits_for_terminating_pods_and_for_the_first_new_one() -> None:
    assert recreate(NOTHING, Pool(2, 2, 2), 3, old_pods=2) == Step(0, 0)
    assert recreate(NOTHING, Pool(0, 1, 0), 3, old_pods=2) == Step(0, 0)
    assert recreate(NOTHING, NOTHING, 3, old_pods=1) == Step(0, 0)
    assert recreate(NOTHING, NOTHING, 3, old_pods=0) == Step(1, 0)
    assert recreate(Pool(1, 1, 0), NOTHING, 3, old_pods=0) == Step(1, 0)
    assert recreate(Pool(1, 1, 1), NOTHING, 3, old_pods=0) == Step(3, 0)
    assert recreate(Pool(3, 3, 2), NOTHING, 3, old_pods=0) == Step(3, 0)
    assert recreate(Pool(3, 3, 3), NOTHING, 3, old_pods=0) == Step(3, 0, complete=True)


def test_recreate_of_nothing_is_done() -> None:
    assert recreate(NOTHING, NOTHING, 0, old_pods=0) == Step(0, 0, complete=True)


@given(
    desired=st.integers(0, 12),
    old_start=st.integers(0, 12),
    surge=st.one_of(st.integers(0, 12), st.integers(0, 100).map(lambda n: f"{n}%")),
    unavailable=st.one_of(st.integers(0, 12), st.integers(0, 100).map(lambda n: f"{n}%")),
    ready=st.lists(st.integers(0, 3), min_size=1, max_size=40),
)
def test_rolling_keeps_to_its_limits_and_ends(
    desired: int, old_start: int, surge: int | str, unavailable: int | str, ready: list[int]
) -> None:
    """From a version that is all available: never below the minimum, never above the surge, and it finishes."""
    posts = fenceposts(surge, unavailable, desired)
    minimum = min(old_start, desired - posts[1])
    ceiling = max(old_start, desired + posts[0])
    old, new = Pool(old_start, old_start, old_start), NOTHING
    for turn in range(200):
        step = rolling(new, old, desired, *posts)
        available_now = min(new.available, step.new) + step.old
        assert step.old + step.new <= ceiling
        assert available_now >= minimum
        assert step.new <= desired
        if step.complete:
            assert step.old == 0
            return
        grown = min(step.new, min(new.available, step.new) + ready[turn % len(ready)] + (turn > 100))
        new, old = Pool(step.new, step.new, grown), Pool(step.old, step.old, step.old)
    raise AssertionError("the rollout never ends")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scenarios there is time for."""

from __future__ import annotations

import pace
import parts
import pytest
from pace import Clock

ALL = ["scenario:a", "scenario:b", "scenario:c"]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MINUTES", {"unit": 10.0, "b": 20.0, "c": 10.0})
    monkeypatch.setattr(pace, "SELDOM", ("b", "c"))
    monkeypatch.setattr(pace, "SHORT", 5.0)
    monkeypatch.setattr(pace, "CLOSING", 4.0)
    monkeypatch.setattr(pace, "SLACK", 1.5)


def clock(limit: str, monkeypatch: pytest.MonkeyPatch, *, passed: float = 0.0) -> Clock:
    """A clock some minutes after its beginning."""
    now = [0.0]
    monkeypatch.setattr("pace.time.monotonic", lambda: now[0])
    made = Clock(limit)
    now[0] = passed * 60
    return made


def test_the_longest_begin_first() -> None:
    assert pace.long_first(ALL) == ["scenario:b", "scenario:c", "scenario:a"]


def test_without_a_limit_there_is_time_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = clock("", monkeypatch, passed=10_000)
    endless.took("unit", 1e6)
    assert all(map(endless.fits, ALL))
    assert endless.without_seldom(ALL, lanes=1) == ALL


def test_nothing_is_begun_that_would_not_come_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    late = clock("34", monkeypatch, passed=15)
    assert (late.left, late.fits("scenario:b"), late.fits("scenario:c")) == (15, False, True)
    late.took("lint", 1e6)
    assert late.fits("scenario:c"), "nobody knows how long that takes elsewhere"
    late.took("unit", 12 * 60)
    assert (late.pace, late.fits("scenario:c"), late.fits("scenario:a")) == (1.2, False, True)


@pytest.mark.parametrize(
    ("limit", "lanes", "left"), [("39", 1, "a b c"), ("38", 1, "a c"), ("21.5", 2, "a b c"), ("18", 1, "a")]
)
def test_what_others_do_shortly_is_left_out_where_not_all_can_be(
    limit: str, lanes: int, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = clock(limit, monkeypatch).without_seldom(ALL, lanes=lanes)
    assert [part[-1] for part in chosen] == left.split()


def test_on_a_slow_machine_less_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = clock("42", monkeypatch)
    slow.took("unit", 20 * 60)
    assert slow.without_seldom(ALL, lanes=1) == ["scenario:a", "scenario:c"]


@pytest.mark.parametrize("name", [*pace.MINUTES, *pace.SELDOM])
def test_what_is_named_is_there(name: str) -> None:
    assert name in {*parts.PLAIN, *parts.scenario_names()}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of one bench: repeated measurements, their medians, and the ratio of two of them. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

SECONDS = "s"
REQUESTS = "requests"
ROLLOUTS = "rollouts"
CALLS = "remote calls"
RESTARTS = "restarts"
CPU = "ms of CPU"
MEMORY = "MiB"

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Series:
    """One thing measured several times, in the order in which it was measured.

    :raises ValueError: when there is no measurement, since then there is no median.
    """

    name: str
    values: tuple[float, ...]
    unit: str = SECONDS

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.name}: nothing was measured")

    @property
    def median(self) -> float:
        """The middle of the values: one disturbed run does not move it."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Ratio:
    """Our figure divided by another one; below 1 is less than the other.

    :ivar at_most: the ratio that must hold, if one must.
    :ivar at_least: where it may not be much less either.
    """

    what: str
    ours: Series
    other: Series
    at_most: float | None = None
    at_least: float | None = None

    @property
    def value(self) -> float:
        """The ratio of the medians; infinite where the other's is 0 and ours is not."""
        if self.other.median == 0:
            return 1.0 if self.ours.median == 0 else float("inf")
        return self.ours.median / self.other.median

    @property
    def holds(self) -> bool:
        """Whether it is within its target; a ratio without a target always is."""
        enough = self.at_least is None or self.value >= self.at_least
        return enough and (self.at_most is None or self.value <= self.at_most)


def series(name: str, values: Iterable[float], unit: str = SECONDS) -> Series:
    """A series of any iterable of numbers."""
    return Series(name, tuple(values), unit)


def total(name: str, parts: Iterable[Series]) -> Series:
    """The sums of several series, measurement by measurement.

    :raises ValueError: when they are not equally long, or there is none.
    """
    listed = list(parts)
    return Series(name, tuple(map(sum, zip(*(part.values for part in listed), strict=True))), listed[0].unit)


def alternate(
    contenders: Mapping[str, Callable[[], Outcome]], repetitions: int, *, warm_ups: int = 1
) -> dict[str, list[Outcome]]:
    """Run the contenders in turns (A B A B …), so that what else the machine does meets all of them alike.

    :param repetitions: rounds that count.
    :param warm_ups: rounds before them, whose outcomes are dropped (cold caches).
    :returns: the outcomes that count, by contender, in order.
    """
    kept: dict[str, list[Outcome]] = {name: [] for name in contenders}
    for turn in range(warm_ups + repetitions):
        for name, run in contenders.items():
            outcome = run()
            if turn >= warm_ups:
                kept[name].append(outcome)
    return kept

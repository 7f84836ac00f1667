# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the scenarios take, in which order they begin, and which there is time for.

Where C(OKD_REGISTRY_TEST_MINUTES) says after how many minutes a run is ended from outside, nothing is begun that would
not come to its end, and what still runs shortly before is ended by us: what failed is told either way, and what was
left out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

# Minutes on two processors, beside another sandbox; a machine's own pace is told by them. Scenarios not named are
# short. No long one is left for the end, so they begin first.
MINUTES = {
    "unit": 8.5,
    "api": 20.0,
    "change_host": 18.0,
    "rotate": 15.0,
    "expose": 13.0,
    "diagnose": 12.0,
    "diagnose_cluster": 10.0,
    "uninstall": 9.0,
    "deploy": 8.5,
    "trust": 8.5,
    "site": 8.0,
    "trust_faults": 8.0,
    "deploy_faults": 7.0,
    "faults": 7.0,
    "migrate": 7.0,
    "storage": 6.0,
    "takeover": 5.5,
    "helpers": 5.0,
    "adopt": 5.0,
    "inspect": 4.5,
}
SHORT = 3.5
# Left out before all others: each does at length what others (expose, diagnose) do shortly.
SELDOM = ("change_host", "diagnose_cluster")
SLACK = 1.25  # no two runs of a scenario take equally long
CLOSING = 4.0  # minutes for the sandboxes to go, and for what was left behind to be told


def name_of(part: str) -> str:
    """The scenario's name."""
    return part.removeprefix("scenario:")


def minutes_of(part: str) -> float:
    """How long a scenario takes where MINUTES was measured."""
    return MINUTES.get(name_of(part), SHORT)


def long_first(parts: Iterable[str]) -> list[str]:
    """The order in which scenarios begin."""
    return sorted(parts, key=minutes_of, reverse=True)


class Clock:
    """The time of one run: how much there is, and how fast this machine is."""

    def __init__(self, limit: str | None = None) -> None:
        """C(limit) is in minutes, as in C(OKD_REGISTRY_TEST_MINUTES), which is asked where it is not given."""
        limit = os.environ.get("OKD_REGISTRY_TEST_MINUTES") if limit is None else limit
        self._began = time.monotonic()
        self._end = float(limit) - CLOSING if limit else float("inf")
        self._expected = 0.0
        self._taken = 0.0

    @property
    def left(self) -> float:
        """Minutes until what still runs is ended."""
        return self._end - (time.monotonic() - self._began) / 60

    @property
    def pace(self) -> float:
        """How much longer than MINUTES things take here, 1.0 where nobody knows yet."""
        return self._taken / self._expected if self._expected else 1.0

    def took(self, part: str, seconds: float) -> None:
        """Learn from a part that has come to its end."""
        if name_of(part) in MINUTES or part.startswith("scenario:"):
            self._expected += minutes_of(part)
            self._taken += seconds / 60

    def fits(self, part: str) -> bool:
        """Whether a scenario that begins now would end in time."""
        return minutes_of(part) * self.pace * SLACK <= self.left

    def without_seldom(self, parts: list[str], *, lanes: int) -> list[str]:
        """The parts for which there is time altogether: of SELDOM, those are left out that are too much."""
        chosen = list(parts)
        for name in SELDOM:
            if sum(map(minutes_of, chosen)) * self.pace <= self.left * lanes:
                break
            chosen = [part for part in chosen if name_of(part) != name]
        return chosen

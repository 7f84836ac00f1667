# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the parts of the tests, and the summary that tells it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from checkout import OUTPUT, ROOT

LOGS = OUTPUT / "log"
UNRUN = "not run: the sandbox is not up"
UNENDED = "not run to its end: the time was over"
# What the summary shows of a failed part's log: pytest's, Ansible's, molecule's and the sandbox's own words.
FAILURE = re.compile(r"^(E  |FAILED|ERROR|fatal:|failed:|CRITICAL|sandbox:|make: \*\*\*)|Traceback|\bError\b|\[ERROR\]")
REASON_LINES = 8
REASON_LENGTH = 300


@dataclass(frozen=True)
class Outcome:
    """What became of one part."""

    name: str
    passed: bool
    seconds: float
    note: str = ""

    @property
    def word(self) -> str:
        """For people."""
        return "passed" if self.passed else "FAILED"

    @property
    def time(self) -> str:
        """Minutes and seconds."""
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes}:{seconds:02d}"


def log_of(part: str) -> Path:
    """Where the output of a part is kept."""
    return LOGS / f"{part.replace(':', '-')}.log"


def outcome_of(part: str, code: int, seconds: float) -> Outcome:
    """What became of a part whose command ended with this code."""
    note = "" if code == 0 else f"exit code {code}, {log_of(part).relative_to(ROOT)}"
    return Outcome(part, passed=code == 0, seconds=seconds, note=note)


def second_time(outcome: Outcome) -> Outcome:
    """The outcome of a part that was run once more, which says that it was."""
    first = log_of(f"{outcome.name}-first").relative_to(ROOT)
    note = f"only the second time, see {first}" if outcome.passed else f"{outcome.note}; the first time, too: {first}"
    return replace(outcome, note=note)


def reasons(part: str) -> list[str]:
    """The last lines of a failed part's log that tell of a failure, else its last lines: few, and none too long."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log_of(part).read_text(encoding="utf-8", errors="replace").splitlines()]
        said = [line for line in lines if FAILURE.search(line)] or [line for line in lines if line]
        return [f"    {line[:REASON_LENGTH]}" for line in said[-REASON_LINES:]]
    return []


def summary(outcomes: list[Outcome]) -> list[str]:
    """The table of all parts, why those that failed did, and the line that counts them.

    Where only the end of the output is kept, as a continuous integration may, the reasons are in it.
    """
    width = max(len(outcome.name) for outcome in outcomes)
    unrun = [one.name for one in outcomes if one.note == UNRUN]
    lines = ["", "=== summary ==="]
    lines += [
        f"{one.name:<{width}}  {one.word}  {one.time:>6}  {one.note}".rstrip()
        for one in outcomes
        if one.name not in unrun
    ]
    if unrun:
        lines.append(f"{UNRUN}: {', '.join(unrun)}")
    for one in outcomes:
        if not one.passed and one.name not in unrun:
            lines += [f"why {one.name} failed:", *reasons(one.name)]
    passed = sum(outcome.passed for outcome in outcomes)
    return [*lines, f"{passed} passed, {len(outcomes) - passed} failed"]

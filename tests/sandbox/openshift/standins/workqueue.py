# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue of keys to look at: each at most once at a time, at once or later, and slower after failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")

FIRST_RETRY = 0.2
LONGEST_RETRY = 30.0


class WorkQueue(Generic[Key]):
    """Keys with the time from which they are due; adding one that waits already can only make it due earlier."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds; tests put their own."""
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._changed = threading.Condition()

    def add(self, key: Key, *, after: float = 0.0) -> None:
        """Make a key due ``after`` seconds from now at the latest."""
        with self._changed:
            due = self._clock() + after
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def retry(self, key: Key) -> float:
        """Add a key that failed, later each time; returns the seconds it will wait."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        after = min(FIRST_RETRY * 2.0**failures, LONGEST_RETRY)
        self.add(key, after=after)
        return after

    def forget(self, key: Key) -> None:
        """Forget a key's failures: it succeeded."""
        self._failures.pop(key, None)

    def get(self, timeout: float | None = None) -> Key | None:
        """Take the key that is due first, waiting for it; None when ``timeout`` seconds brought none."""
        end = None if timeout is None else self._clock() + timeout
        with self._changed:
            while True:
                now = self._clock()
                key = min(self._due, key=self._due.__getitem__, default=None)
                if key is not None and self._due[key] <= now:
                    del self._due[key]
                    return key
                limits = [] if key is None else [self._due[key] - now]
                if end is not None:
                    if end <= now:
                        return None
                    limits.append(end - now)
                self._changed.wait(min(limits, default=None))

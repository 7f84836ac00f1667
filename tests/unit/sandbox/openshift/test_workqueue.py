# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that are due, each once, later after failures."""

from __future__ import annotations

import threading

from standins.workqueue import LONGEST_RETRY, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_waits_once_however_often_it_is_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(3):
        queue.add("a")
    queue.add("b")
    assert {queue.get(0), queue.get(0)} == {"a", "b"}
    assert queue.get(0) is None


def test_a_later_add_can_only_bring_it_forward() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add("a", after=10)
    queue.add("a", after=60)
    assert queue.get(0) is None
    clock.now += 10
    assert queue.get(0) == "a"
    queue.add("a", after=60)
    queue.add("a")
    assert queue.get(0) == "a"


def test_failures_wait_longer_each_time_until_forgotten() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    waits = [queue.retry("a") for _ in range(12)]
    assert waits == sorted(waits)
    assert waits[0] < 1 < waits[-1] == LONGEST_RETRY
    queue.forget("a")
    assert queue.retry("a") == waits[0]


def test_waiting_ends_when_something_is_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    got: list[str | None] = []
    waiter = threading.Thread(target=lambda: got.append(queue.get(10)))
    waiter.start()
    queue.add("a")
    waiter.join(5)
    assert got == ["a"]

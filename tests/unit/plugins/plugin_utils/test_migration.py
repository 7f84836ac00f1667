# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a migration as the controller takes them: what is told, what is tried again, what is undone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.plugin_utils import _migration


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


class Module:
    """Answers in turn; the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls = list(answers), []

    def __call__(self, options: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(options["state"])
        if options["state"] == "undone":
            return {"changed": True, "actions": ["The selector is as before."]}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def on(line: str, *, done: bool = False, **more: Any) -> dict[str, Any]:
    return {"changed": True, "actions": [], "migration": {"needed": True, "done": done, "line": line, **more}}


def run(module: Module) -> tuple[dict[str, Any], list[str]]:
    told: list[str] = []
    return _migration.run(module, {"name": "r"}, tell=told.append, clock=Clock()), told


def test_each_change_is_told_once_and_the_end_is_the_result() -> None:
    result, told = run(Module(on("copied 1"), on("copied 1"), on("copied 2"), on("all", done=True, blobs=2)))
    assert [line.split(",")[0] for line in told] == ["migration: copied 1", "migration: copied 2", "migration: all"]
    assert result["migration"] == {"needed": True, "blobs": 2}
    assert "failed" not in result


def test_what_may_pass_is_tried_again() -> None:
    module = Module({"failed": True, "msg": "gone", "passing": True}, on("all", done=True))
    result, _told = run(module)
    assert "failed" not in result
    assert module.calls == ["copied", "copied"]


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "No."}, {"failed": True, "msg": "No.", "passing": True}])
def test_a_failure_is_undone(answer: dict[str, Any]) -> None:
    module = Module(on("copied 1"), answer)
    result, _told = run(module)
    assert result["failed"]
    assert "No." in result["msg"]
    assert "as before" in result["msg"]
    assert module.calls[-1] == "undone"


def test_an_interrupt_is_undone() -> None:
    module = Module(on("copied 1"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(module)
    assert module.calls[-1] == "undone"


def test_what_does_not_get_on_is_given_up() -> None:
    module = Module(on("waiting for the helper: ContainerCreating"))
    result, _told = run(module)
    assert result["failed"]
    assert "ContainerCreating" in result["msg"]
    assert module.calls[-1] == "undone"


def test_a_run_that_was_taken_over_from_leaves_everything_alone() -> None:
    module = Module(on("copied 1"), {"failed": True, "msg": "Another run has it.", "taken_over": True})
    result, _told = run(module)
    assert result["failed"]
    assert "undone" not in module.calls


def test_what_a_killed_run_left_behind_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([7, 7])
    monkeypatch.setattr(_migration.os, "getppid", lambda: next(parents, 1))
    module = Module(on("copied 1"))
    result, _told = run(module)
    assert result["failed"]
    assert module.calls == ["copied"]

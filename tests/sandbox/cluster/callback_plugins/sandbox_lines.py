# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One line for each finished step of the sandbox's playbooks, with the time since the start."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: sandbox_lines
type: stdout
short_description: One line a step
description: One line for each finished step, with the seconds since the start, the part, and what was changed.
"""

SHOWN = 3  # changes named in a line; the rest is counted
DETAIL = ("msg", "stderr", "stdout")


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Steps run beside each other, so each line says which part it is about."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "sandbox_lines"

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._started = time.monotonic()

    def _line(self, host: str, text: str, color: str | None = None) -> None:
        seconds = time.monotonic() - self._started
        self._display.display(f"{seconds:6.1f} s  {host:14} {text}", color=color)

    def v2_runner_on_ok(self, result: Any) -> None:
        """A step is done."""
        task, answer = result.task, result.result
        if task.action.endswith("include_tasks"):
            return
        changes = answer.get("changes") or []
        named = ", ".join(changes[:SHOWN]) + (f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else "")
        text = task.get_name() + (f": {named}" if named else "")
        self._line(result.host.get_name(), text, "yellow" if answer.get("changed") else None)
        if self._display.verbosity:
            for change in changes[SHOWN:]:
                self._line(result.host.get_name(), f"  {change}")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A step failed; say why and nothing else."""
        why = next((str(result.result[key]) for key in DETAIL if result.result.get(key)), "no reason given")
        self._line(result.host.get_name(), f"{result.task.get_name()}: FAILED\n{why}", "red")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Cannot be for local tasks, but must not be silent."""
        self._line(result.host.get_name(), f"{result.task.get_name()}: {result.result.get('msg')}", "red")

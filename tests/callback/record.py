# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback for the tests that appends every task's result to a file, one JSON object a line.

tests/tools/plan.py reads it to compare what a check run announced with what the run then did. Written are three kinds
of lines, C(type) being C(run) (a playbook began), C(task) (one host's result, or that of one item of a loop) and C(end)
(Ansible's own counts). Of a result only what the collection's modules promise is kept; what is hidden by no_log stays
hidden, since Ansible has taken it out before a callback sees it.
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: record
type: aggregate
short_description: Append every task's result to a file as JSON lines
description:
  - For the project's own tests; writes nothing unless E(OKD_REGISTRY_RECORD) names a file.
requirements:
  - to be listed in C(callbacks_enabled)
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase

# What is kept of a module's result. The list holds the promised returns of the collection's modules.
KEPT = (
    "actions",
    "api_requests",
    "certificate",
    "diff",
    "files",
    "insecure",
    "msg",
    "reason",
    "registry",
    "resources",
    "restart_needed",
    "restarted",
    "rollout",
    "state",
)


def kept(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a result that is worth comparing."""
    return {key: result[key] for key in KEPT if result.get(key) not in (None, [], {})}


def task_lines(common: dict[str, Any], result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line for a plain task, one for each item of a loop."""
    items = result.get("results")
    if not isinstance(items, list):
        return [{**common, "item": None, "changed": bool(result.get("changed")), "data": kept(result)}]
    lines = []
    for number, item in enumerate(items):
        one = item if isinstance(item, Mapping) else {}
        label = one.get("_ansible_item_label", one.get("item", number))
        lines.append({**common, "item": str(label), "changed": bool(one.get("changed")), "data": kept(one)})
    return lines


class CallbackModule(CallbackBase):
    """Writes the lines; a run is told from the others in the file by an identifier of its own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.path = os.environ.get("OKD_REGISTRY_RECORD", "")
        self.run = f"{time.time():.6f}-{os.getpid()}"
        self.play = ""
        if self.path:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        else:
            self.disabled = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """A playbook begins."""
        name = str(playbook._file_name)
        self._write({"type": "run", "playbook": name, "check": bool(context.CLIARGS.get("check"))})

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Tasks of the same name are told apart by their play."""
        self.play = play.get_name().strip()

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task went well."""
        self._task(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._task(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task's condition was false."""
        self._task(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host did not answer."""
        self._task(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The playbook has ended."""
        self._write({"type": "end", "stats": {host: stats.summarize(host) for host in stats.processed}})

    def _task(self, result: Any, status: str) -> None:
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        data = result.result if hasattr(result, "result") else result._result
        common = {
            "type": "task",
            "play": self.play,
            "task": task.get_name().strip(),
            "host": host.get_name(),
            "action": getattr(task, "resolved_action", None) or task.action,
            "status": status,
        }
        for line in task_lines(common, data):
            self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        with Path(self.path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"run": self.run, **line}, default=str) + "\n")

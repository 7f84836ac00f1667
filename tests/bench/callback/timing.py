# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback for the benches: when each task began and ended, one JSON object a line, into E(OKD_REGISTRY_TIMING)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: timing
type: aggregate
short_description: Write how long every task took as JSON lines
description:
  - For the project's own benchmarks; writes nothing unless E(OKD_REGISTRY_TIMING) names a file.
  - A task's time goes from its start, before its arguments are templated, to its last host's result.
requirements:
  - to be listed in C(callbacks_enabled)
"""


class CallbackModule(CallbackBase):
    """Keeps the running task and writes a line for each host's result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "timing"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.path = os.environ.get("OKD_REGISTRY_TIMING", "")
        self.number = 0
        self.begun, self.at = time.monotonic(), time.time()
        if not self.path:
            self.disabled = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task begins on its first host."""
        self.number += 1
        self.begun, self.at = time.monotonic(), time.time()

    def v2_runner_on_ok(self, result: Any) -> None:
        """A host is done."""
        self._result(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A host is done, too; the exit code tells that it failed."""
        self._result(result)

    def _result(self, result: Any) -> None:
        task = getattr(result, "task", None) or result._task
        data = result.result if hasattr(result, "result") else result._result
        line = {
            "number": self.number,
            "task": task.get_name().strip(),
            "action": getattr(task, "resolved_action", None) or task.action,
            "began": self.at,
            "seconds": time.monotonic() - self.begun,
            "changed": bool(data.get("changed")),
            "resources": data.get("resources") or [],
        }
        with Path(self.path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")

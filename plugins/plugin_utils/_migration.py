# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration of images, on the controller: step after step of registry_migrate, what is told, and what a failure does.

Knows neither Ansible nor the cluster: it is given a way to call the module, a way to speak, and a clock.

How registry_deploy with ``migrate: true`` and its action plugin use this:

1. The action calls registry_deploy. The module finds that the write would leave images behind (``place.abandons``).
   Unless ``_migrate.switch.unproven(api, ref, live workload, storage.source(), noted)`` is None, it writes the objects
   *beside* the workload (claim, volume, SCC, service account: the helper needs them), leaves the workload alone, and
   returns ``migration: {"needed": True, "storage": switch.options(storage), "template": switch.template(planned),
   "kind": kind, "helper_image": …}``.
2. The action calls :func:`run` with these. It ends with every file compared, every digest verified and pushes kept
   out; or with ``failed`` and ``msg``, and the registry serving as before.
3. The action calls registry_deploy again. The module looks the proof up in the cluster (``unproven`` is None now; no
   word of the caller's counts) and writes the workload: ``pending.labels(live, noted)`` among the labels of the pod
   template, ``pending.env(noted)`` as a Part before the user's settings. Its guard on what the Service selects counts
   these labels among the pods'.
4. When the rollout is done, ``switch.finish(api, ref, live, result, check_mode=…)``, where other leftovers are taken
   back: True while it has to be called again. Every run calls it, so that one that was killed is ended by the next.

Where registry_deploy is called while a migration is noted whose target is not wanted (any more), it calls
``switch.undo`` first. ``pending.labels`` is for every write of the template, also without a migration under way.
Where the rollout after a switch from emptyDir fails, there is a way back only while all the old pods are ready, and
stay (``switch.no_way_back``): the new volume has everything.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

MODULE = "okd.registry.registry_migrate"
#: Steps in a row that may fail (an API server that restarts, a connection that breaks) before it is given up.
PATIENCE = 5
#: Seconds without any progress after which it is given up.
STALLED = 900.0
_PAUSE = 10.0
#: What of a step belongs to the end's result.
_RESULT = (
    "needed", "id", "from", "to", "repositories", "blobs", "bytes", "verified", "damaged", "closed_seconds", "duration",
)  # fmt: skip

Call = Callable[[dict[str, Any]], dict[str, Any]]


class Clock(Protocol):
    """The module ``time``, or a stand-in."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Let time pass."""


def options(migration: Mapping[str, Any]) -> dict[str, Any]:
    """The options of registry_migrate, from the ``migration`` that registry_deploy returns."""
    return {k: migration[k] for k in ("storage", "template", "kind", "helper_image") if migration.get(k)}


def run(call: Call, fixed: dict[str, Any], *, tell: Callable[[str], None], clock: Clock) -> dict[str, Any]:
    """Take steps until the copy is proven.

    :param call: runs registry_migrate with options on the task's host.
    :param fixed: options of every step: name, namespace, connection, and :func:`options`.
    :param tell: shows one line.
    :returns: ``changed``, ``migration``, ``actions``, ``diff``; and ``failed`` with ``msg`` where it did not succeed.
    """
    return _Run(call, fixed, tell, clock).run()


class _Run:
    def __init__(self, call: Call, fixed: dict[str, Any], tell: Callable[[str], None], clock: Clock) -> None:
        self._call, self._fixed, self._tell, self._clock = call, fixed, tell, clock
        self._start = self._last = clock.monotonic()
        self._seen: str | None = None
        self._failures = 0
        self._parent, self._run_id, self._first = os.getppid(), uuid.uuid4().hex[:12], True
        self._whole: dict[str, Any] = {"changed": False, "actions": [], "diff": [], "migration": {"needed": True}}

    def run(self) -> dict[str, Any]:
        """See :func:`run`. Whatever ends it too early (an interrupt too), the registry is let go on as before."""
        try:
            while True:
                if (
                    os.getppid() != self._parent
                ):  # the run was killed, and left its worker process: the next one goes on
                    return {**self._whole, "failed": True, "msg": "The run that this belongs to was killed."}
                answer = self._call({**self._step("copied"), "take_over": self._first})
                self._whole["changed"] |= bool(answer.get("changed"))
                ended = (
                    self._failed(answer) if answer.get("failed") or not answer.get("migration") else self._on(answer)
                )
                if ended is not None:
                    return ended
        except BaseException:
            self._undo()
            raise

    def _step(self, wanted: str) -> dict[str, Any]:
        return {**self._fixed, "state": wanted, "run": self._run_id}

    def _on(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """After a step that went well; the result where it was the last one."""
        told = answer["migration"]
        self._failures, self._first = 0, False
        self._whole["actions"] += answer.get("actions") or []
        self._whole["diff"] += answer.get("diff") or []
        self._whole["migration"] = {k: told[k] for k in _RESULT if k in told}
        if told["line"] != self._seen:
            self._seen, self._last = told["line"], self._clock.monotonic()
            self._tell(self._line(told["line"]))
        if told["done"]:
            return self._whole
        idle = self._clock.monotonic() - self._last
        if idle > STALLED:
            return self._ended(f"does not get on: for {idle / 60:.0f} minutes, {told['line']}")
        return None

    def _line(self, text: str) -> str:
        return f"migration: {text}, {self._clock.monotonic() - self._start:.0f} s"

    def _failed(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """A step that failed: what may pass is tried again. What a guard or the cluster refuses does not pass."""
        said = str(answer.get("msg") or answer.get("module_stderr") or f"no answer ({', '.join(sorted(answer))})")
        self._failures += 1
        if answer.get("taken_over"):
            return {**self._whole, "failed": True, "msg": said}
        if self._failures >= PATIENCE or not answer.get("passing"):
            return self._ended(f"has failed: {said}")
        self._tell(self._line(f"trying again ({said})"))
        self._clock.sleep(min(2.0**self._failures, _PAUSE))
        return None

    def _ended(self, how: str) -> dict[str, Any]:
        undone = self._undo()
        parts = [f"The migration {how.rstrip('.')}."]
        if undone is None:
            parts.append(
                "What keeps pushes out could not be taken back either: run again, or use registry_migrate with state:"
                " undone."
            )
        else:
            parts += [*undone, "The old volume is untouched and the registry serves from it as before."]
        parts.append("What was copied stays in the new volume, and the next run goes on from there.")
        return {**self._whole, "failed": True, "msg": " ".join(parts)}

    def _undo(self) -> list[str] | None:
        """What was taken back, as sentences; None where that failed."""
        for attempt in range(PATIENCE):
            answer = self._call(self._step("undone"))
            if not answer.get("failed"):
                self._whole["changed"] |= bool(answer.get("changed"))
                return list(answer.get("actions") or [])
            if not answer.get("passing"):
                return None
            self._clock.sleep(min(2.0**attempt, _PAUSE))
        return None

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for a rollout, on the controller: what is told, when it ends, and what is then said.

Knows neither Ansible nor the cluster: it is given a way to look, a way to speak, and a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

#: Seconds that one look may take at most, so that a lasting obstacle is noticed in time.
LOOK = 10.0
#: Seconds between two runs that take away what the old pods needed, while these are still on their way out.
AGAIN = 5.0
#: Looks in a row that may fail (an API server that restarts) before the wait is given up.
PATIENCE = 5

NEXT_STEPS = {
    "image": "Check the image's name and tag, and that the nodes can pull it; set image and run again.",
    "config": "Put right what is said there and run again.",
    "crash": "Look at the pod's log (oc logs --previous) and at env; put right what is said there and run again.",
    "schedule": "Check node_selector, the nodes' labels, taints and free resources, and whether the claim is bound.",
    "mount": "Check that the Secret and the claim exist in the namespace and that the node can mount the volume.",
    "probe": "Look at the pod's log: the registry runs, but does not answer at its port as it should (TLS or plain).",
    "refused": "Raise the quota, or let the service account use a suitable security context constraint; run again.",
    "evicted": "Look at the node: it has put the pod out. Run again when it is well.",
}
ANYWAY = "Run again to go on waiting; registry_rollout_info tells how things are."

Look = Callable[[float, "str | None"], dict[str, Any]]


class Clock(Protocol):
    """The module ``time``, or a stand-in."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Let time pass."""


def wait(
    what: str, look: Look, *, timeout: float, tell: Callable[[str], None], clock: Clock, aside: str | None = None
) -> dict[str, Any]:
    """Look until the rollout is done, has failed, is stuck for too long, or ``timeout`` seconds have passed.

    :param what: the workload, for messages.
    :param look: given seconds and the last line, the result of registry_rollout_info.
    :param tell: shows one line.
    :param aside: what is said where the rollout fails, in place of that pods of the revision before still serve.
    :returns: ``rollout``, and ``failed`` with ``msg`` where it did not become ready.
    """
    return _Wait(what, look, timeout, tell, clock, aside).run()


class _Wait:
    def __init__(
        self, what: str, look: Look, timeout: float, tell: Callable[[str], None], clock: Clock, aside: str | None
    ) -> None:
        self._aside = aside
        self._what, self._look, self._timeout, self._tell, self._clock = what, look, timeout, tell, clock
        self._start = clock.monotonic()
        self._stuck: tuple[str, str] | None = None
        self._stuck_since = self._start
        self._obstacle: dict[str, Any] | None = None  # last state that said what is in the way
        self._failures = 0

    def run(self) -> dict[str, Any]:
        """See :func:`wait`."""
        rollout: dict[str, Any] = {}
        seen: str | None = None
        while True:
            left = self._timeout - self._passed()
            answer = self._look(max(0.0, min(LOOK, left)), seen)
            if answer.get("failed") or not answer.get("rollout"):
                ended = self._lost(answer, rollout)
                if ended:
                    return ended
                continue
            self._failures = 0
            rollout = answer["rollout"]
            if rollout["line"] != seen:
                seen = rollout["line"]
                self._tell(self._line(rollout))
            ended = self._verdict(rollout)
            if ended:
                return ended

    def _passed(self) -> float:
        return self._clock.monotonic() - self._start

    def _line(self, rollout: dict[str, Any]) -> str:
        """The line with the time put in after the numbers."""
        numbers, comma, rest = rollout["line"].partition(" ready")
        return f"{numbers}{comma}, {self._passed():.0f} s{rest}"

    def _verdict(self, rollout: dict[str, Any]) -> dict[str, Any] | None:
        if rollout["done"]:
            return {"rollout": self._timed(rollout)}
        stuck_for = self._stuck_for(rollout)
        if rollout["failed"]:
            return self._failure(rollout, f"has failed after {self._passed():.0f} s")
        if rollout["stuck"] and stuck_for >= (rollout["grace"] or 0):
            return self._failure(rollout, f"does not get on: for {stuck_for:.0f} s")
        if self._passed() >= self._timeout:
            return self._failure(rollout, f"was not done within {self._timeout:.0f} s (wait_timeout)")
        return None

    def _stuck_for(self, rollout: dict[str, Any]) -> float:
        """Seconds since the obstacle of now came up; another one, or another revision, starts anew."""
        kind = (rollout["revision"], rollout["stuck"]) if rollout["stuck"] else None
        if kind:
            self._obstacle = rollout
        if kind != self._stuck:
            self._stuck, self._stuck_since = kind, self._clock.monotonic()
        return self._clock.monotonic() - self._stuck_since

    def _timed(self, rollout: dict[str, Any]) -> dict[str, Any]:
        return {**rollout, "duration": round(self._passed(), 1)}

    def _failure(self, rollout: dict[str, Any], how: str) -> dict[str, Any]:
        reason = rollout["reason"] or "no reason is known"
        before = self._obstacle
        # A controller that gives up removes the pods, and with them what they had to say.
        if before and before["revision"] == rollout["revision"] and before["reason"] and before["reason"] not in reason:
            reason += f"; before that, {before['reason']}"
        parts = [f"{self._what}: {rollout['revision'] or 'the rollout'} {how}: {reason}.".replace("..", ".")]
        if self._aside is not None:
            parts += [self._aside] if self._aside else []
        elif rollout.get("serving"):
            parts.append(f"Pods of the revision before still serve ({rollout['serving']}).")
        parts.append(NEXT_STEPS.get(rollout["stuck"] or (before or {}).get("stuck") or "", ANYWAY))
        return {"failed": True, "msg": " ".join(parts), "rollout": self._timed({**rollout, "failed": True})}

    def _lost(self, answer: dict[str, Any], rollout: dict[str, Any]) -> dict[str, Any] | None:
        """A look that failed: an API server may be away for a moment, so some are borne.

        Not so where the host or the workload is gone, or a right is missing (``rule``): no time mends that.
        """
        self._failures += 1
        said = answer.get("msg") or "no answer"
        lasting = answer.get("unreachable") or answer.get("gone") or answer.get("rule")
        if self._failures < PATIENCE and self._passed() < self._timeout and not lasting:
            self._tell(f"{self._what}: cannot look, {self._passed():.0f} s: {said}")
            self._clock.sleep(min(2.0**self._failures, LOOK))
            return None
        text = f"{self._what}: the rollout cannot be watched: {said} {'' if lasting else ANYWAY}".rstrip()
        # Of a rollout that nobody can see, nobody knows that it has failed: no reason to go back.
        return {"failed": True, "lost": True, "msg": text, "rollout": self._timed(rollout) if rollout else None}


# ---- after the wait --------------------------------------------------------------------------------------------------


def tidied(
    result: dict[str, Any], run: Callable[[], dict[str, Any]], *, end: float, clock: Clock
) -> dict[str, Any]:  # fmt: skip
    """The result of a deployment, with what was taken away behind it: at least one run, more while something stays.

    :param run: runs the module again.
    :param end: moment of the clock after which no further one is begun.
    """
    while True:
        result = with_leftovers_removed(result, run())
        if result.get("failed") or not result["leftovers"] or clock.monotonic() >= end:
            return result
        clock.sleep(AGAIN)


def with_leftovers_removed(result: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The result of a deployment with what a second run of the module has taken away behind it.

    The former state that a run keeps for itself is not told: it was made and taken away again within the task.
    """
    if after.get("failed"):
        return {
            **result, "failed": True,
            "msg": f"The rollout is done, but what is no longer needed could not be taken away: {after.get('msg')}",
        }  # fmt: skip
    own = f"{(result.get('workload') or {}).get('name')}-before"
    gone = [one for one in after.get("resources") or [] if one["action"] != "unchanged" and one["name"] != own]
    told = [line for line in after.get("actions") or [] if not line.endswith(f"/{own}.")]
    diff = [one for one in after.get("diff") or [] if not one["before_header"].endswith(f"/{own}")]
    return {
        **result,
        "changed": bool(result.get("changed") or gone),
        "resources": [*(result.get("resources") or []), *gone],
        "actions": [*(result.get("actions") or []), *told],
        "diff": [*(result.get("diff") or []), *diff],
        "leftovers": bool(after.get("leftovers")),
    }


def after_rollback(failed: dict[str, Any], back: dict[str, Any]) -> dict[str, Any]:
    """The result of a deployment that has failed, and of which everything was put back, as far as that went.

    :param failed: with the reason, which stays the task's.
    :param back: the module's result with state rolled_back, and that of the wait after it.
    """
    ready = (back.get("rollout") or {}).get("line")
    if back.get("failed"):
        told = f"What it had changed could not all be put back: {back.get('msg')} Run again."
    elif not back.get("actions"):
        told = "It had changed nothing that had to be put back."
    else:
        told = "What it had changed is as it was before" + (f", and serves ({ready})." if ready else ".")
        doors = [line for line in back["actions"] if line.startswith("The selector of Service")]
        told = " ".join([told, *doors])
    summary = {
        "done": not back.get("failed"),
        "actions": back.get("actions") or [],
        "resources": back.get("resources") or [],
        "rollout": back.get("rollout"),
    }
    return {**failed, "failed": True, "msg": f"{failed.get('msg')} {told}", "rollback": summary}

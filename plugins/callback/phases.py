# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback C(okd.registry.phases): a table of a run's plays at its end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: Ends a run with a table of its phases and says how to finish it
version_added: 1.0.0
description:
  - Prints one line for each phase (play) of the run, with the hosts that took part, the result and the duration.
  - Where a phase failed or was not reached, it also prints how to finish the run. If the phases that are left have
    tags which none of the finished phases has, this is a command line with C(--tags); otherwise it is the same command
    again, since the finished phases find nothing to change.
  - Options that may hold secrets (C(--extra-vars)) are never repeated.
  - Nothing is stored and nothing is sent anywhere. A run of a single play prints nothing.
author:
  - okd.registry contributors (!UNKNOWN)
requirements:
  - to be listed in C(callbacks_enabled) of the Ansible configuration
"""

EXAMPLES = r"""
ansible.cfg: |
  # Switch it on
  [defaults]
  callbacks_enabled = okd.registry.phases

Output: |
  # What the end of a run looks like
  PHASES *********************************************************
  Address: the Service                 1 host     ok           0:02
  Certificate                          1 host     changed      0:01
  Trust on every node                  3 hosts    FAILED       0:04  on node2
  Proof: push and pull                            not reached

  Finish with: ansible-playbook -i hosts.yml playbooks/site.yml --tags trust,check
  (and the other options of this run; phases that are finished change nothing when they run again)
"""

import os
import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase

# The words of the table's third column
OK = "ok"
CHANGED = "changed"
FAILED = "FAILED"
SKIPPED = "skipped"
NO_HOSTS = "no hosts"
NOT_REACHED = "not reached"

UNFINISHED = (FAILED, NOT_REACHED)
COLOURS = {
    OK: C.COLOR_OK,
    CHANGED: C.COLOR_CHANGED,
    FAILED: C.COLOR_ERROR,
    NOT_REACHED: C.COLOR_ERROR,
    SKIPPED: C.COLOR_SKIP,
    NO_HOSTS: C.COLOR_SKIP,
}
# Names that ansible-playbook gives a meaning of its own; as a selection they would say more than the phase.
SPECIAL_TAGS = frozenset({"always", "never", "all", "tagged", "untagged"})


class Phase:
    """What is known of one play: its name and tags, the hosts by outcome, and the seconds it has taken so far."""

    def __init__(self, name: str, tags: Iterable[str] = ()) -> None:
        self.name = name
        self.tags = tuple(sorted(str(tag) for tag in tags if tag not in SPECIAL_TAGS))
        self.started = False
        self.no_hosts = False
        self.seconds = 0.0
        self.hosts: set[str] = set()
        self.changed: set[str] = set()
        self.failed: set[str] = set()
        self.unreachable: set[str] = set()

    @property
    def lost(self) -> set[str]:
        """The hosts on which the phase was not finished."""
        return self.failed | self.unreachable

    @property
    def result(self) -> str:
        """One of the words of the table's third column."""
        if self.lost:
            return FAILED
        if not self.started:
            return NOT_REACHED
        if self.hosts:
            return CHANGED if self.changed else OK
        return NO_HOSTS if self.no_hosts else SKIPPED

    @property
    def note(self) -> str:
        """Names the hosts that were lost, and apart those that could not even be reached."""
        parts = []
        if self.failed:
            parts.append("on " + ", ".join(sorted(self.failed)))
        if self.unreachable:
            parts.append("unreachable: " + ", ".join(sorted(self.unreachable)))
        return "; ".join(parts)


def duration(seconds: float) -> str:
    """Minutes and seconds, with hours only where there are any: C(0:07), C(12:30), C(1:02:03)."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def table(phases: Sequence[Phase]) -> list[tuple[str, str]]:
    """The lines of the table in order, each with the word (a key of C(COLOURS)) that says its result."""
    width = min(max((len(phase.name) for phase in phases), default=0), 60)
    lines = []
    for phase in phases:
        count = len(phase.hosts | phase.lost)
        hosts = f"{count} host{'' if count == 1 else 's'}" if count else ""
        took = duration(phase.seconds) if count else ""
        line = f"{phase.name[:width]:<{width}}  {hosts:<9}  {phase.result:<11}  {took:>7}  {phase.note}"
        lines.append((line.rstrip(), phase.result))
    return lines


def tags_left(phases: Sequence[Phase]) -> list[str] | None:
    """The tags that select every unfinished phase and none of the finished ones, in the order of the phases.

    Returns None where no such choice exists, so that only running everything again is right.
    """
    finished = {tag for phase in phases if phase.result not in UNFINISHED for tag in phase.tags}
    chosen: list[str] = []
    for phase in phases:
        if phase.result in UNFINISHED:
            own = [tag for tag in phase.tags if tag not in finished]
            if not own:
                return None
            if not set(own) & set(chosen):
                chosen.append(own[0])
    return chosen


def short_path(name: str) -> str:
    """An absolute path below the current directory relative to it, all else as it is."""
    inside = os.path.relpath(name)
    return inside if Path(name).is_absolute() and not inside.startswith(os.pardir) else name


def finish_hint(phases: Sequence[Phase], options: dict[str, Any]) -> list[str]:
    """The lines that say how to finish a run, or none when there is nothing to finish.

    C(options) are ansible-playbook's own, as parsed; only inventory, playbooks, limit and tags are looked at.
    """
    if not any(phase.result in UNFINISHED for phase in phases):
        return []
    again = "phases that are finished change nothing when they run again"
    # With a selection in force already, a phase without results may simply not have been asked for.
    selected = list(options.get("tags") or ["all"]) != ["all"] or bool(options.get("skip_tags"))
    tags = None if selected else tags_left(phases)
    playbooks = [str(name) for name in options.get("args") or ()]
    if not tags or not playbooks:
        return [f"To finish, run the same command again ({again})."]
    words = ["ansible-playbook"]
    for source in options.get("inventory") or ():
        words += ["-i", short_path(str(source))]
    words += playbooks
    if options.get("subset"):
        words += ["--limit", str(options["subset"])]
    words += ["--tags", ",".join(tags)]
    return [f"Finish with: {shlex.join(words)}", f"(and the other options of this run; {again})"]


def will_be_rescued(task: Any) -> bool:
    """Whether a failure of this task is caught by a C(rescue) section around it.

    The task stands in the C(block) section of such a block itself or through a block, include or role inside it; a task
    in a C(rescue) or C(always) section is not caught by the same block.
    """
    child, parent = task, getattr(task, "_parent", None)
    while parent is not None:
        if getattr(parent, "rescue", None) and child._uuid not in {
            other._uuid for section in (parent.rescue, parent.always or []) for other in section
        }:
            return True
        child, parent = parent, getattr(parent, "_parent", None)
    return False


def host_of(result: Any) -> str:
    """The name of a result's host; before ansible-core 2.19 the attribute was private."""
    return str((result.host if hasattr(result, "host") else result._host).get_name())


def task_of(result: Any) -> Any:
    """The task of a result; before ansible-core 2.19 the attribute was private."""
    return result.task if hasattr(result, "task") else result._task


class CallbackModule(CallbackBase):
    """Collects the phases while the run goes on and prints them when its statistics are shown."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "okd.registry.phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[str, Phase] = {}
        self.current: Phase | None = None
        self.since = 0.0

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Learns all plays at once, so that those never reached can be named."""
        for play in playbook.get_plays():
            self._phase_of(play)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begins a phase; with C(serial) this is called for each batch of the same play."""
        self._stop_clock()
        self.current = self._phase_of(play)
        self.current.name = play.get_name().strip()  # only now are its variables filled in
        self.current.started = True
        self.since = time.monotonic()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """The current phase's pattern matches no host of the inventory (or of the limit)."""
        if self.current:
            self.current.no_hosts = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """Counts the host, and whether the task changed something."""
        self._count(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Marks the host as lost, unless the failure is ignored or rescued."""
        self._count(result)
        if self.current and not ignore_errors and not will_be_rescued(task_of(result)):
            self.current.failed.add(host_of(result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Marks the host as lost, unless its plays say that this may be."""
        if self.current and not getattr(task_of(result), "ignore_unreachable", False):
            self.current.unreachable.add(host_of(result))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Prints the table."""
        self._stop_clock()
        for phase in self.phases.values():
            # Ansible's own count knows best what was rescued in the end.
            phase.failed = {host for host in phase.failed if stats.failures.get(host)}
        phases = list(self.phases.values())
        if len(phases) < 2:
            return
        self._display.banner("PHASES [CHECK MODE]" if context.CLIARGS.get("check") else "PHASES")
        for line, result in table(phases):
            self._display.display(line, color=COLOURS[result])
        hint = finish_hint(phases, context.CLIARGS)
        if hint:
            self._display.display("")
        for line in hint:
            self._display.display(line)
        self._display.display("")

    def _phase_of(self, play: Any) -> Phase:
        """The phase of a play, made at first sight; copies of a play keep its identifier."""
        if play._uuid not in self.phases:
            self.phases[play._uuid] = Phase(play.get_name().strip(), play.tags)
        return self.phases[play._uuid]

    def _count(self, result: Any) -> None:
        if self.current:
            self.current.hosts.add(host_of(result))
            if result.is_changed():
                self.current.changed.add(host_of(result))

    def _stop_clock(self) -> None:
        if self.current:
            self.current.seconds += time.monotonic() - self.since
            self.current = None

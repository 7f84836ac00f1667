# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(trust): trust of three nodes for one to four names, beside builtin tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchlib import cluster
from benchlib.playbook import BENCH, ROOT, STATE, BenchError, Timed, play, spent, unchanged
from benchlib.report import Report
from benchlib.stats import CALLS, RESTARTS, Ratio, Series, alternate, series

WHOLE = ROOT / "playbooks" / "trust.yml"
PLAYBOOKS = BENCH / "playbooks"
OURS, OTHER, FORGET = (PLAYBOOKS / name for name in ("trust_names.yml", "trust.yml", "trust_forget.yml"))
NODES = ("172.29.0.11", "172.29.0.12", "172.29.0.13")
TASK = "okd.registry.registry_trust"
NAMES = (1, 2, 3, 4)
#: Ours divided by the other's, at four names: at least five times as fast.
TARGET = 0.20


@dataclass(frozen=True)
class Pair:
    """One contender's first run, and the run after it, which found nothing to do."""

    first: Timed
    converged: Timed


def run(repetitions: int) -> Report:
    """Measure three nodes in turns, and count what goes over the wire."""
    cluster.reset()
    for name in ("deploy.yml", "expose.yml"):
        play(ROOT / "playbooks" / name)
    flagged = _with_flags()
    ratios: list[Ratio] = []
    more: list[Series] = []
    for names in reversed(NAMES):
        ratios = [*_times(names, repetitions), *ratios]
        more = [*_counted(names), *more]
    return Report("trust: beside builtin tasks", [*ratios, *_whole(repetitions)], [*more, *flagged])


def _times(names: int, repetitions: int) -> list[Ratio]:
    """First and converged runs for some names, on nodes whose flags are gone."""

    def pair(playbook: Path) -> Callable[[], Pair]:
        def once() -> Pair:
            play(FORGET)
            first = _named(playbook, names)
            return Pair(first, unchanged(_named(playbook, names)))

        return once

    runs = alternate({"ours": pair(OURS), "other": pair(OTHER)}, repetitions)
    said = f"{names} name{'s' if names > 1 else ''}"
    target = TARGET if names == max(NAMES) else None
    found = []
    for kind in ("converged", "first"):
        label = "converged" if kind == "converged" else "first run"
        ours, other = (
            series(f"{label}, {said}: {what}", (spent(getattr(one, kind).tasks) for one in runs[who]))
            for who, what in (("ours", "registry_trust"), ("other", "builtin tasks"))
        )
        found.append(Ratio(f"{label}, {said}", ours, other, at_most=target))
    return found


def _named(playbook: Path, names: int, *arguments: str) -> Timed:
    return play(playbook, "-e", f"names={names}", *arguments)


def _counted(names: int) -> list[Series]:
    """What one run of each takes beside time: commands and transfers over ssh, and restarts of docker."""
    found = []
    for playbook, who in ((OURS, "registry_trust"), (OTHER, "builtin tasks")):
        play(FORGET)
        before = _starts()
        for label in ("first run", "converged"):
            one = _named(playbook, names, "-vvv")
            said = f"{label}, {names} name{'s' if names > 1 else ''}: {who}"
            found.append(series(f"remote calls, {said}", [one.calls], CALLS))
        found.append(series(f"restarts of docker, both runs, {names}: {who}", [_restarts(before)], RESTARTS))
    return found


def _with_flags() -> list[Series]:
    """Restarts where docker runs with the registry's flags, as on the sandbox's nodes at first; then it does no more.

    The other's come in one and the same moment on all nodes, ours one after another, in trust.yml's own play.
    """
    before = _starts()
    play(WHOLE, "-e", "registry_trust_insecure_networks=remove")
    ours = _restarts(before)
    cluster.reset()
    for name in ("deploy.yml", "expose.yml"):
        play(ROOT / "playbooks" / name)
    before = _starts()
    play(OTHER)
    found = [
        series("restarts of docker, nodes with flags: trust.yml", [ours], RESTARTS),
        series("restarts of docker, nodes with flags: builtin tasks", [_restarts(before)], RESTARTS),
    ]
    play(WHOLE, "-e", "registry_trust_insecure_networks=remove")
    return found


def _whole(repetitions: int) -> list[Ratio]:
    """Converged runs of the playbook that people run, beside the whole playbook of builtin tasks."""
    play(WHOLE)
    play(OTHER)  # modes, and what else it sees differently, is settled before anything is measured
    runs = alternate({"ours": lambda: unchanged(play(WHOLE)), "other": lambda: unchanged(play(OTHER))}, repetitions)
    ours, other = runs["ours"], runs["other"]
    builtin = series("builtin tasks", (spent(one.tasks) for one in other))
    task = series("trust.yml's task on the nodes", (spent(one.of(TASK)) for one in ours))
    return [
        Ratio("converged: trust.yml's task on the nodes", task, builtin),
        Ratio("converged: all tasks", series("trust.yml's tasks", (spent(one.tasks) for one in ours)), builtin),
        Ratio(
            "converged: whole playbook",
            series("whole playbook, trust.yml", (one.seconds for one in ours)),
            series("whole playbook, builtin tasks", (one.seconds for one in other)),
        ),
    ]


def _starts() -> tuple[str, ...]:
    """When docker was started on each node."""
    return tuple(_on(node, "systemctl show docker -p ExecMainStartTimestampMonotonic") for node in NODES)


def _restarts(before: tuple[str, ...]) -> int:
    """On how many nodes docker was started since."""
    return sum(was != now for was, now in zip(before, _starts(), strict=True))


def _on(node: str, command: str) -> str:
    done = subprocess.run(
        ["ssh", "-i", str(STATE / "ssh/id_ed25519"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{node}", command],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{command} on {node}: {done.stderr.strip()}")
    return done.stdout.strip()

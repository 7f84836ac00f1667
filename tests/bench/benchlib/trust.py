# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(trust): converged trust of three nodes for four names, beside builtin tasks."""

from __future__ import annotations

from benchlib import cluster
from benchlib.playbook import BENCH, ROOT, play, spent, unchanged
from benchlib.report import Report
from benchlib.stats import Ratio, alternate, series

OURS = ROOT / "playbooks" / "trust.yml"
OTHER = BENCH / "playbooks" / "trust.yml"
TASK = "okd.registry.registry_trust"


def run(repetitions: int) -> Report:
    """Deploy and trust, then measure both, converged, in turns."""
    cluster.reset()
    for name in ("deploy.yml", "expose.yml", "trust.yml"):
        play(ROOT / "playbooks" / name)
    play(OTHER)  # modes, and what else it sees differently, is settled before anything is measured
    runs = alternate({"ours": lambda: unchanged(play(OURS)), "other": lambda: unchanged(play(OTHER))}, repetitions)
    ours, other = runs["ours"], runs["other"]
    builtin = series("builtin tasks", (spent(one.tasks) for one in other))
    return Report(
        "trust: beside builtin tasks",
        [
            Ratio(
                "converged: registry_trust's task",
                series("registry_trust's task", (spent(one.of(TASK)) for one in ours)),
                builtin,
            ),
            Ratio("converged: all tasks", series("trust.yml's tasks", (spent(one.tasks) for one in ours)), builtin),
            Ratio(
                "converged: whole playbook",
                series("whole playbook, trust.yml", (one.seconds for one in ours)),
                series("whole playbook, builtin tasks", (one.seconds for one in other)),
            ),
        ],
    )

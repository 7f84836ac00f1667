# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(check): the proof by use of three nodes by four names, beside one node by one name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from benchlib import cluster
from benchlib.playbook import ROOT, Timed, play, spent
from benchlib.report import Report
from benchlib.stats import CALLS, Ratio, Series, alternate, series

PLAYBOOK = ROOT / "playbooks" / "check.yml"
TASK = "okd.registry.registry_check"
NODES = ("node1", "node2", "node3")
ENDPOINT = "172.30.124.220:5000"
STEPS = ("resolve", "tls", "v2", "trust", "login", "push", "monolithic", "chunked", "pull_tag", "pull")
#: Twelve times as much is to be done in at most so many times the time, though all of it is on one machine; and four
#: times as much on one node.
TARGET, TARGET_ON_ONE = 8.0, 2.5
#: The steps in which every byte goes over the wire; the others are the engine's.
SENT = ("monolithic", "chunked")


def run(repetitions: int) -> Report:
    """Measure one and three nodes, one and all names, in turns."""
    cluster.reset()
    for name in ("deploy.yml", "expose.yml", "trust.yml"):
        play(ROOT / "playbooks" / name)
    cells = {(nodes, every): _cell(nodes, every) for nodes in (1, 3) for every in (False, True)}
    once = cells[1, False]
    once()  # the image is in the registry from here on, as it is at every check but the first one
    named = {f"{nodes} {every}": cell for (nodes, every), cell in cells.items()}
    runs = alternate({**named, "engine": lambda: _check(1, every=False, without=SENT)}, repetitions)
    task = _series("the task", runs, lambda one: spent(one.of(TASK)))
    whole = _series("the playbook", runs, lambda one: one.seconds)
    both = "the whole playbook, three nodes, four names ÷ one node, one name"
    ratios = [
        Ratio(f"{_said(what)} ÷ one node, one name", task[what], task["1 False"], at_most=target)
        for what, target in (("3 True", TARGET), ("1 True", TARGET_ON_ONE), ("3 False", None))
    ]
    return Report(
        "check: three nodes by four names, beside one by one",
        [
            *ratios,
            Ratio(both, whole["3 True"], whole["1 False"]),
            Ratio("one node, one name: without sending layers again ÷ with it", task["engine"], task["1 False"]),
        ],
        _calls(),
    )


def _series(part: str, runs: Mapping[str, list[Timed]], of: Callable[[Timed], float]) -> dict[str, Series]:
    """The times of all contenders. :param part: what of a run is told"""
    return {what: series(f"{_said(what)}: {part}", map(of, found)) for what, found in runs.items()}


def _said(what: str) -> str:
    nodes = "three nodes" if what.startswith("3") else "one node"
    if what == "engine":
        return "one node, one name, without sending layers again"
    return f"{nodes}, {'four names' if what.endswith('True') else 'one name'}"


def _cell(nodes: int, every: bool) -> Callable[[], Timed]:
    return lambda: _check(nodes, every=every)


def _check(nodes: int, *arguments: str, every: bool, without: tuple[str, ...] = ()) -> Timed:
    """One run. :param every: all names, or only the Service's address. :param without: steps that are left out"""
    extra: dict[str, object] = {} if every else {"registry_check_endpoints": [ENDPOINT]}
    if without:
        extra["registry_check_steps"] = [step for step in STEPS if step not in without]
    limit = ",".join(NODES[:nodes])
    return play(PLAYBOOK, "--limit", limit, "-e", json.dumps(extra), *arguments)


def _calls() -> list[Series]:
    """Commands and transfers over ssh: the same however many names there are."""
    found = []
    for every in (False, True):
        label = f"three nodes, {'four names' if every else 'one name'}"
        found.append(series(label, [_check(3, "-vvv", every=every).calls], CALLS))
    return found

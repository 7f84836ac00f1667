# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(trust_many): what a node costs among 10 to 500 simulated ones. It needs no cluster."""

from __future__ import annotations

from benchlib.manynodes import ManyNodes, many_nodes
from benchlib.playbook import unchanged
from benchlib.report import Report
from benchlib.stats import CPU, Ratio, series

#: How many simulated nodes: the cost of a node must not depend on how many there are.
MANY = (10, 50, 100, 500)
BY_ANSIBLE = (10, 50)
FLAT = 1.20
_RUNS = ("first run", "converged")


def run(repetitions: int) -> Report:
    """Measure the cost of a node by how many there are; the fewest are what the others are compared with.

    In processor time, which other work on the machine changes least. Of Ansible's, what each node after the first adds.
    """
    work: dict[tuple[str, int], list[float]] = {}
    runs: dict[tuple[str, int], list[float]] = {}
    with many_nodes(max(MANY)) as nodes:
        for _turn in range(repetitions):
            for number in MANY:
                nodes.forget(number)
                for label in _RUNS:
                    work.setdefault((label, number), []).append(nodes.in_process(number))
            alone = _by_ansible(nodes, 1)
            for number in BY_ANSIBLE:
                for label, cpu in _by_ansible(nodes, number).items():
                    runs.setdefault((label, number), []).append(1000 * (cpu - alone[label]) / (number - 1))
    told = {"the module's work": (work, MANY), "Ansible and module": (runs, BY_ANSIBLE)}
    ratios = [
        ratio
        for what, (costs, numbers) in told.items()
        for label in _RUNS
        for ratio in _flat(f"{what}, {label}", {number: costs[label, number] for number in numbers})
    ]
    return Report("trust_many: the cost of a node among many", ratios)


def _by_ansible(nodes: ManyNodes, number: int) -> dict[str, float]:
    """Processor seconds of a first and a converged run on so many nodes."""
    nodes.forget(number)
    return {"first run": nodes.run(number).cpu, "converged": unchanged(nodes.run(number)).cpu}


def _flat(what: str, costs: dict[int, list[float]]) -> list[Ratio]:
    """The cost of a node among many, divided by that among few."""
    few = min(costs)
    told = {number: series(f"{what}: a node of {number}", values, CPU) for number, values in costs.items()}
    return [
        Ratio(f"{what}: a node of {number} ÷ a node of {few}", told[number], told[few], at_most=FLAT, at_least=1 / FLAT)
        for number in costs
        if number != few
    ]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bench hands over, and how docs/benchmarks.md is written from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchlib.stats import CPU, SECONDS, Ratio, Series

HEAD = """\
# Benchmarks

Written by `make bench` (one bench alone: `make bench BENCH=NAME`; more rounds: `REPETITIONS=N`); changes made by hand
are lost. It runs on the [sandbox](../tests/sandbox/README.md), a three-node cluster on one machine, which it resets.

The figures that count are ratios, **ours divided by the other's**, each from one run in which both took turns (A B A B
…); below 1 is less than the other. They are ratios of medians, and the rounds before the counted ones are dropped.
Seconds are of the machine named and of what else ran on it; all that were measured are told, in the order of measuring.
"""


@dataclass(frozen=True)
class Report:
    """The result of a bench.

    :ivar ratios: the figures that count.
    :ivar more: series that are told, but are part of no ratio.
    """

    title: str
    ratios: Sequence[Ratio]
    more: Sequence[Series] = ()


def number(value: float, unit: str = SECONDS) -> str:
    """A figure as it is shown: times with two decimals, counts without any where they are whole."""
    if unit in (SECONDS, CPU):
        return f"{value:.2f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table's lines; a C(|) in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _with_unit(one: Series) -> str:
    return f"{number(one.median, one.unit)} {one.unit}"


def _ratio_row(ratio: Ratio) -> list[str]:
    target = ""
    if ratio.at_most is not None:
        least = "" if ratio.at_least is None else f"≥ {ratio.at_least:.2f}, "
        target = f"{least}≤ {ratio.at_most:.2f}: " + ("holds" if ratio.holds else "**missed**")
    return [ratio.what, _with_unit(ratio.ours), _with_unit(ratio.other), f"**{ratio.value:.2f}**", target]


def _all_series(report: Report) -> list[Series]:
    listed = [one for ratio in report.ratios for one in (ratio.ours, ratio.other)]
    return list(dict.fromkeys([*listed, *report.more]))


def _series_row(one: Series) -> list[str]:
    shown = " ".join(number(value, one.unit) for value in one.values)
    return [one.name, one.unit, number(one.median, one.unit), shown]


def section(report: Report, text: str, facts: Mapping[str, str]) -> str:
    """A bench's part of the page.

    :param text: Markdown: what was run beside what, and what a reader must know to judge the figures fairly.
    :param facts: of the machine, the versions and the moment, as they were for this bench.
    """
    ratios = table(["what", "ours", "the other", "ratio", "target"], [_ratio_row(one) for one in report.ratios])
    figures = table(["what", "unit", "median", "measured"], [_series_row(one) for one in _all_series(report)])
    paragraphs = [
        f"## {report.title}",
        "\n".join(ratios),
        text.strip(),
        "### All figures",
        "Measured on: " + "; ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "\n".join(figures),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- bench: {name} -->", f"<!-- end of {name} -->"


def sections(page: str) -> dict[str, str]:
    """The benches' parts of an existing page, by name, in its order."""
    found = re.finditer(r"^<!-- bench: (\S+) -->\n(.*?)^<!-- end of \1 -->$", page, re.MULTILINE | re.DOTALL)
    return {part[1]: part[2] for part in found}


def page(old: str, new: Mapping[str, str], order: Sequence[str]) -> str:
    """The whole page: what was measured now, and of the other benches what the old page told.

    :param order: the names of all benches there are; what the old page has of others goes.
    """
    told = {**sections(old), **new}
    parts = [
        "\n".join([_marks(name)[0], told[name].rstrip("\n"), _marks(name)[1], ""]) for name in order if name in told
    ]
    return "\n".join([HEAD, *parts])


def _limits(ratio: Ratio) -> str:
    most = f"at most {ratio.at_most:.2f}"
    return most if ratio.at_least is None else f"at least {ratio.at_least:.2f} and {most}"


def missed(reports: Mapping[str, Report]) -> list[str]:
    """A sentence for each target that does not hold."""
    return [
        f"{name}: {ratio.what}: {ratio.value:.2f}, but {_limits(ratio)} is wanted"
        for name, report in reports.items()
        for ratio in report.ratios
        if ratio.at_most is not None and not ratio.holds
    ]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the collection beside other ways to the same end, and writes docs/benchmarks.md.

    bench.py                  all benches
    bench.py deploy           one; what the page tells of the others stays

C(make bench) runs it within C(tests/sandbox/sandbox run), so that nobody else uses the sandbox meanwhile.
E(REPETITIONS) is the number of rounds that count (5). The exit code is 1 where a target is missed or a bench failed;
what was measured is written anyway.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchlib import check, deploy, document, facts, storage, trust, trust_many
from benchlib.playbook import BENCH, ROOT, BenchError
from benchlib.report import Report, missed, page, section

PAGE = ROOT / "docs" / "benchmarks.md"
TEXTS = BENCH / "texts"
REPETITIONS = 5
#: A bench is a module with C(run(repetitions)), which hands over a report, and texts/<name>.md, which says what is
#: compared. This is also their order on the page.
BENCHES: Mapping[str, Callable[[int], Report]] = {
    "deploy": deploy.run,
    "document": document.run,
    "trust": trust.run,
    "trust_many": trust_many.run,
    "storage": storage.run,
    "check": check.run,
}


def wanted(words: list[str]) -> list[str]:
    """The benches named, in the page's order; all without a name.

    :raises ValueError: for a word that names none.
    """
    unknown = [word for word in words if word not in BENCHES]
    if unknown:
        raise ValueError(f"no bench is called {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return [name for name in BENCHES if not words or name in words]


def rounds() -> int:
    """How many rounds count.

    :raises ValueError: when E(REPETITIONS) is no number above 0.
    """
    given = os.environ.get("REPETITIONS") or str(REPETITIONS)
    if not given.isdigit() or int(given) < 1:
        raise ValueError(f"REPETITIONS: {given!r} is no number above 0")
    return int(given)


def write(name: str, text: str) -> None:
    """Put one bench's part into the page at once, so that it is there whatever becomes of the next bench."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.parent.mkdir(exist_ok=True)
    fresh = PAGE.with_suffix(".new")
    fresh.write_text(page(old, {name: text}, list(BENCHES)), encoding="utf-8")
    fresh.replace(PAGE)


def main(words: list[str]) -> int:
    """Run the benches named; returns the exit code."""
    try:
        names, repetitions = wanted(words), rounds()
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 2
    reports: dict[str, Report] = {}
    failed: list[str] = []
    for name in names:
        began, load = time.monotonic(), os.getloadavg()[0]
        print(f"=== bench {name} ===", flush=True)
        try:
            reports[name] = BENCHES[name](repetitions)
        except BenchError as exc:
            failed.append(name)
            print(f"{name}: {exc}", file=sys.stderr, flush=True)
            continue
        text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
        write(name, section(reports[name], text, facts.gather(load)))
        for ratio in reports[name].ratios:
            print(f"{ratio.value:6.2f}  {ratio.what}", flush=True)
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    for line in missed(reports):
        print(f"MISSED  {line}", flush=True)
    if failed:
        print(f"FAILED  {', '.join(failed)}", flush=True)
    print(f"written: {PAGE.relative_to(ROOT)}", flush=True)
    return 1 if failed or missed(reports) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

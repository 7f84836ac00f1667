# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what a check run announced with what the run then did, from the lines of tests/callback/record.py.

    plan.py RECORD [PLAYBOOK]

takes the last four runs of the playbook (C(converge.yml) unless named) in the record: check, apply, check, apply. The
first two must agree, task by task; the last two must change nothing. What a plan cannot know it says in the words
C((known after apply)), which agree with anything. Secret values are hashed with a key of each run's own, so that any
two hashes agree.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNKNOWN = "(known after apply)"
HASH = re.compile(r"hmac-sha256:[0-9a-f]+")
# Parts of a result that a plan has to state as they will be. Others (waiting, counts, times) belong to the apply alone.
PLANNED = ("actions", "diff", "files", "insecure", "registry", "resources", "restart_needed")
# Parts that a converged run must leave empty.
EMPTY_WHEN_CONVERGED = ("actions", "diff")
OURS = "okd.registry."

Key = tuple[str, str, str, int]


@dataclass
class Run:
    """One playbook's run: its tasks by task, host, item and, for the same again, a number.

    Not by play: which node comes in the last play, because it runs the registry, no plan from an empty cluster knows.
    """

    name: str
    playbook: str
    check: bool
    tasks: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    ended: bool = False

    def add(self, line: Mapping[str, Any]) -> None:
        """Adds a task's line."""
        place = (str(line["task"]), str(line["host"]), str(line["item"]))
        number = 0
        while (*place, number) in self.tasks:
            number += 1
        self.tasks[(*place, number)] = line


def read_runs(lines: Iterable[str]) -> list[Run]:
    """All runs of a record, in order. Raises ValueError for a line that is not one of the recorder's."""
    runs: dict[str, Run] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            if line["type"] == "run":
                runs[line["run"]] = Run(line["run"], str(line["playbook"]), bool(line["check"]))
            elif line["type"] == "task":
                runs[line["run"]].add(line)
            else:
                runs[line["run"]].ended = True
        except (ValueError, KeyError, TypeError) as exc:
            message = f"line {number} of the record is not the recorder's: {exc}"
            raise ValueError(message) from exc
    return list(runs.values())


def pattern_of(planned: str) -> str:
    """A text with unknown parts as a regular expression.

    The unknown is any text within its line; at the end of a line it is any value in YAML, so that lines after it that
    are indented more, or are items of a list, belong to it.
    """
    lines = []
    for line in planned.split("\n"):
        indent = " " * (len(line) - len(line.lstrip("+- ")))
        parts = [re.escape(part) for part in line.split(UNKNOWN)]
        if line.endswith(UNKNOWN):
            parts[-2] = re.sub(r"\\ $", "(?: |$)", parts[-2], flags=re.MULTILINE)
            parts[-1] = f"(?:\n{indent}(?: |- )[^\n]*)*"
        pattern = "[^\n]*".join(parts)
        lines.append(pattern)
    return "\n".join(lines)


def without_hashes(value: Any) -> Any:
    """A text with every keyed hash in it replaced by the same word; anything else as it is."""
    return HASH.sub("hmac-sha256:…", value) if isinstance(value, str) else value


def matches(planned: Any, actual: Any) -> bool:
    """Whether a planned value announces the actual one; the unknown in it stands for any text of one line."""
    if isinstance(planned, str):
        planned, actual = without_hashes(planned), without_hashes(actual)
        if planned.strip() == UNKNOWN:
            return True
        if UNKNOWN not in planned:
            return planned == actual
        return isinstance(actual, str) and re.fullmatch(pattern_of(planned), actual, re.MULTILINE) is not None
    if isinstance(planned, Mapping):
        return (
            isinstance(actual, Mapping)
            and planned.keys() == actual.keys()
            and all(matches(planned[key], actual[key]) for key in planned)
        )
    if isinstance(planned, list):
        return (
            isinstance(actual, list)
            and len(planned) == len(actual)
            and all(matches(one, other) for one, other in zip(planned, actual, strict=True))
        )
    return bool(planned == actual)


def first_difference(planned: Any, actual: Any, path: str = "") -> str:
    """Where two values that do not match differ first, with both values there."""
    if isinstance(planned, Mapping) and isinstance(actual, Mapping):
        for key in [*planned, *(key for key in actual if key not in planned)]:
            if key not in planned or key not in actual or not matches(planned[key], actual[key]):
                return first_difference(planned.get(key), actual.get(key), f"{path}.{key}" if path else str(key))
    if isinstance(planned, list) and isinstance(actual, list):
        for index in range(max(len(planned), len(actual))):
            one = planned[index] if index < len(planned) else None
            other = actual[index] if index < len(actual) else None
            if not matches(one, other):
                return first_difference(one, other, f"{path}[{index}]")
    if isinstance(planned, str) and isinstance(actual, str) and "\n" in planned + actual:
        one_lines, other_lines = planned.split("\n"), actual.split("\n")
        for index in range(max(len(one_lines), len(other_lines))):
            one = one_lines[index] if index < len(one_lines) else None
            other = other_lines[index] if index < len(other_lines) else None
            if not matches(one, other):
                return f"{path} line {index + 1}: planned {one!r}, done {other!r}"
    return f"{path}: planned {planned!r}, done {actual!r}"


def describe(key: Key) -> str:
    """A task's place in words."""
    task, host, item, number = key
    extra = ("" if item == "None" else f" ({item})") + (f" #{number + 1}" if number else "")
    return f"{host}: {task}{extra}"


def header_of(diff: Mapping[str, Any]) -> str:
    """What a diff is of."""
    return str(diff.get("before_header") or "")


def changes_of(diffs: Any, touched: frozenset[str]) -> Any:
    """Diffs, but of what the run has changed before, the changed lines alone.

    A check run has not made the earlier change, so that what is around the later one is not yet as it will be.
    """
    if not isinstance(diffs, list) or not all(isinstance(each, Mapping) for each in diffs):
        return diffs
    return [{**each, **_changed_lines(each)} if header_of(each) in touched else each for each in diffs]


def _changed_lines(diff: Mapping[str, Any]) -> dict[str, str]:
    before, after = (str(diff.get(side) or "").split("\n") for side in ("before", "after"))
    lines = [line for line in difflib.ndiff(before, after) if line[:1] in "+-"]
    return {"before": "", "after": "\n".join(lines)}


def compare(plan: Run, done: Run) -> list[str]:
    """What the check run announced and the apply did not do, or the other way round."""
    problems = []
    touched: set[str] = set()
    for key in dict.fromkeys([*plan.tasks, *done.tasks]):
        one, other = plan.tasks.get(key), done.tasks.get(key)
        would, did = bool(one and one["changed"]), bool(other and other["changed"])
        if would != did:
            told = "announced a change that was not made" if would else "changed something that was not announced"
            missing = " (not reached in the check run)" if one is None else " (not reached)" if other is None else ""
            problems.append(f"{describe(key)}: {told}{missing}")
        if one is None or other is None or not str(other["action"]).startswith(OURS):
            continue
        if str(other["action"]).endswith("_info"):  # says what is there, which a plan does not change
            continue
        for part in PLANNED:
            planned, actual = one["data"].get(part), other["data"].get(part)
            before = frozenset(touched)
            touched |= {header_of(each) for each in planned or ()} if part == "diff" else set()
            if not matches(planned, actual) and not matches(changes_of(planned, before), changes_of(actual, before)):
                problems.append(f"{describe(key)}: {first_difference(planned, actual, part)}")
    return problems


def not_converged(run: Run) -> list[str]:
    """What a run changed, or says it would, that should find everything done."""
    problems = []
    for key, task in run.tasks.items():
        if task["changed"]:
            problems.append(f"{describe(key)}: {'would change' if run.check else 'changed'} something again")
        if str(task["action"]).startswith(OURS):
            problems += [
                f"{describe(key)}: {part} is not empty: {task['data'][part]}"
                for part in EMPTY_WHEN_CONVERGED
                if task["data"].get(part)
            ]
    return problems


def judge(runs: list[Run], playbook: str = "converge.yml") -> list[str]:
    """All problems of the last check, apply, check, apply of a playbook; empty when the plan was true."""
    mine = [run for run in runs if Path(run.playbook).name == playbook][-4:]
    if [run.check for run in mine] != [True, False, True, False]:
        kinds = ", ".join("check" if run.check else "apply" for run in mine) or "none"
        return [f"the record does not end with check, apply, check, apply of {playbook}, but with: {kinds}"]
    names = ("check", "apply", "second check", "second apply")
    problems = [
        f"{name}: the run did not come to its end" for name, run in zip(names, mine, strict=True) if not run.ended
    ]
    plan, done, again_plan, again = mine
    problems += [f"plan: {text}" for text in compare(plan, done)]
    problems += [f"second check: {text}" for text in not_converged(again_plan)]
    problems += [f"second apply: {text}" for text in not_converged(again)]
    return problems


def main(arguments: list[str]) -> int:
    """Prints the problems, or what was compared; returns the exit code."""
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    with Path(arguments[0]).open(encoding="utf-8") as stream:
        runs = read_runs(stream)
    problems = judge(runs, *arguments[1:])
    for problem in problems:
        print(problem)
    if not problems:
        changes = sum(bool(task["changed"]) for task in runs[-3].tasks.values())
        print(f"the plan was true: {len(runs[-3].tasks)} results compared, {changes} of them changes; then nothing")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of a plan with what was done: it finds every kind of untruth, and forgives only what is unknown."""

from __future__ import annotations

import json
from typing import Any

import plan
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan import UNKNOWN, Run, compare, judge, matches, not_converged, read_runs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def task(
    host: str = "node1", *, changed: bool = False, action: str = "okd.registry.registry_trust", **data: Any
) -> dict[str, Any]:
    """A recorded task."""
    return {
        "play": "Trust",
        "task": "Place",
        "host": host,
        "item": None,
        "action": action,
        "changed": changed,
        "data": data,
    }


def run(*tasks: dict[str, Any], check: bool = False) -> Run:
    """A finished run of these tasks."""
    made = Run("1", "/x/converge.yml", check, ended=True)
    for one in tasks:
        made.add(one)
    return made


@given(JSON)
def test_everything_matches_itself(value: Any) -> None:
    assert matches(value, value)


@given(JSON, JSON)
def test_without_unknowns_matching_is_equality(one: Any, other: Any) -> None:
    assert matches(one, other) == (one == other)


@given(JSON)
def test_an_unknown_matches_anything(value: Any) -> None:
    assert matches(UNKNOWN, value)


@pytest.mark.parametrize(
    ("planned", "actual", "same"),
    [
        (f"{UNKNOWN}:5000", "172.30.1.2:5000", True),
        (f"{UNKNOWN}:5000", "172.30.1.2:5001", False),
        (f"ip: {UNKNOWN}\nport: 1\n", "ip: 172.30.1.2\nport: 1\n", True),
        (f"ip: {UNKNOWN}\nport: 1\n", "ip: 172.30.1.2\nmore: x\nport: 1\n", False),
        ({"a": [UNKNOWN, 1]}, {"a": ["x", 1]}, True),
        ({"a": [UNKNOWN]}, {"a": ["x", "y"]}, False),
        ({"a": UNKNOWN}, {}, False),
        ("x", f"{UNKNOWN}", False),
    ],
)
def test_unknowns_inside(planned: Any, actual: Any, same: bool) -> None:
    assert matches(planned, actual) is same


def test_a_true_plan_has_no_problems() -> None:
    planned = task(changed=True, actions=[f"Trust {UNKNOWN}:5000"], diff=[{"after": f"{UNKNOWN}\n"}])
    done = task(changed=True, actions=["Trust 172.30.1.2:5000"], diff=[{"after": "x\n"}], api_requests={"get": 3})
    assert compare(run(planned, check=True), run(done)) == []


@pytest.mark.parametrize(
    ("planned", "done", "problem"),
    [
        (task(changed=True), task(), "announced a change that was not made"),
        (task(), task(changed=True), "changed something that was not announced"),
        (task(files=["/a"]), task(files=["/b"]), "files[0]: planned '/a', done '/b'"),
        (task(actions=["x"]), task(), "actions: planned ['x'], done None"),
        (
            task(diff=[{"after": "a\nb\n"}]),
            task(diff=[{"after": "a\nc\n"}]),
            "diff[0].after line 2: planned 'b', done 'c'",
        ),
        (task(resources=[{"action": "created"}]), task(resources=[{"action": "updated"}]), "resources[0].action"),
    ],
)
def test_an_untrue_plan_is_told(planned: dict[str, Any], done: dict[str, Any], problem: str) -> None:
    problems = compare(run(planned, check=True), run(done))
    assert len(problems) == 1
    assert problem in problems[0]
    assert problems[0].startswith("node1: Place: ")


def test_of_what_is_changed_twice_the_later_changes_count_and_not_what_is_around_them() -> None:
    def users(*names: str) -> str:
        return "users:\n" + "".join(f"- {name}\n" for name in names)

    def twice(first: tuple[str, str], second: tuple[str, str]) -> Run:
        steps = [{"before_header": "SCC", "before": one, "after": other} for one, other in (first, second)]
        return run(*(task(changed=True, diff=[step]) for step in steps))

    done = twice((users("a", "b", "c"), users("b", "c")), (users("b", "c"), users("c")))
    assert compare(twice((users("a", "b", "c"), users("b", "c")), (users("a", "b", "c"), users("a", "c"))), done) == []
    for wrong in (users("a", "b"), users("a", "b", "c")):
        plan_ = twice((users("a", "b", "c"), users("b", "c")), (users("a", "b", "c"), wrong))
        (problem,) = compare(plan_, done)
        assert "diff[0]" in problem
    first = twice((users("a", "b"), users("b")), (users("a", "b"), users("a")))
    assert len(compare(first, twice((users("b"), users("b")), (users("b"), users())))) == 1, "the first counts as it is"


def test_a_change_on_a_host_that_the_plan_left_out_is_told() -> None:
    problems = compare(run(task(), check=True), run(task(), task("node2", changed=True)))
    assert problems == ["node2: Place: changed something that was not announced (not reached in the check run)"]


def test_other_collections_tasks_are_compared_by_changed_alone() -> None:
    one, other = (task(action="ansible.builtin.copy", diff=[text]) for text in ("a", "b"))
    assert compare(run(one, check=True), run(other)) == []


def test_the_same_task_again_is_compared_with_the_same_number() -> None:
    problems = compare(run(task(), task(), check=True), run(task(), task(changed=True)))
    assert problems == ["node1: Place #2: changed something that was not announced"]


def test_a_second_run_must_find_nothing() -> None:
    assert not_converged(run(task())) == []
    assert not_converged(run(task(changed=True), check=True)) == ["node1: Place: would change something again"]
    assert not_converged(run(task(actions=["x"]))) == ["node1: Place: actions is not empty: ['x']"]


def record(*checks: bool, ended: bool = True, changed: bool = False) -> list[str]:
    """The lines of a record with these runs."""
    lines: list[dict[str, Any]] = []
    for number, check in enumerate(checks):
        lines.append({"type": "run", "playbook": "/s/converge.yml", "check": check, "run": str(number)})
        lines.append({"type": "task", "run": str(number), **task(changed=changed)})
        lines += [{"type": "end", "run": str(number)}] if ended else []
    return [json.dumps(line) for line in lines]


def test_the_last_four_runs_count() -> None:
    assert judge(read_runs(record(True, False, True, False))) == []
    assert judge(read_runs(record(False, False, True, False, True, False))) == []
    assert "does not end with check, apply, check, apply" in judge(read_runs(record(True, False)))[0]
    assert "but with: none" in judge([])[0]


def test_a_run_that_was_cut_off_is_told() -> None:
    assert len(judge(read_runs(record(True, False, True, False, ended=False)))) == 4


def test_a_change_in_the_second_round_is_told() -> None:
    assert len(judge(read_runs(record(True, False, True, False, changed=True)))) == 2


def test_a_foreign_line_is_refused_with_its_number() -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_runs([json.dumps({"type": "run", "run": "1", "playbook": "x", "check": True}), "{}"])


def test_the_exit_code(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(record(True, False, True, False)), encoding="utf-8")
    assert plan.main([str(path)]) == 0
    assert "the plan was true" in capsys.readouterr().out
    path.write_text("\n".join(record(True, False)), encoding="utf-8")
    assert plan.main([str(path)]) == 1


MANIFEST = "data:\n  ca.crt: (known after apply)\nkind: ConfigMap"


@pytest.mark.parametrize(
    ("actual", "true"),
    [
        ("data:\n  ca.crt:\n  - subject: CN=x\n    serial: 1\nkind: ConfigMap", True),
        ("data:\n  ca.crt: x\n  more: y\nkind: ConfigMap", False),
        ("data:\n  ca.crt: x\nkind: Secret", False),
    ],
    ids=["a list in YAML", "another key", "another line"],
)
def test_a_value_known_after_apply_may_have_several_lines(actual: str, true: bool) -> None:
    assert matches(MANIFEST, actual) is true


def test_hashes_of_two_runs_agree_and_what_is_around_them_counts() -> None:
    assert matches("a: hmac-sha256:0a1b\nb: 1", "a: hmac-sha256:ffff\nb: 1")
    assert not matches("a: hmac-sha256:0a1b\nb: 1", "a: hmac-sha256:ffff\nb: 2")
    assert not matches("a: hmac-sha256:0a1b", "a: plain")

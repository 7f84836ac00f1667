# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benches' arithmetic and the page they write: medians, ratios, turns, requests, one bench beside another."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import bench
from benchlib import audit, cluster, deploy, playbook
from benchlib.audit import Request
from benchlib.playbook import TaskTime, Timed
from benchlib.report import Report, missed, number, page, section, sections, table
from benchlib.stats import REQUESTS, Ratio, Series, alternate, series

FACTS = {"machine": "a processor, 2 cores"}
SECONDS = st.floats(min_value=0.001, max_value=1000)


def ratio(ours: float, other: float, at_most: float | None = None) -> Ratio:
    """A ratio of two single figures."""
    return Ratio("time", Series("ours", (ours,)), Series("other", (other,)), at_most)


@given(st.lists(SECONDS, min_size=1))
def test_the_median_has_as_many_figures_above_as_below(values: list[float]) -> None:
    median = series("x", values).median
    assert sum(value < median for value in values) <= len(values) / 2
    assert sum(value > median for value in values) <= len(values) / 2


def test_one_disturbed_run_does_not_move_the_median() -> None:
    assert series("x", [1.0, 60.0, 1.2]).median == 1.2


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="whole playbook: nothing was measured"):
        series("whole playbook", [])


@given(SECONDS, SECONDS)
def test_a_ratio_below_one_is_less_than_the_other(ours: float, other: float) -> None:
    assert (ratio(ours, other).value < 1) == (ours < other)


@pytest.mark.parametrize(("ours", "other", "value"), [(1, 4, 0.25), (0, 4, 0), (0, 0, 1), (1, 0, float("inf"))])
def test_ratios_with_zero(ours: float, other: float, value: float) -> None:
    assert ratio(ours, other).value == value


@pytest.mark.parametrize(("ours", "at_most", "holds"), [(3, 0.3, True), (3.01, 0.3, False), (99, None, True)])
def test_a_target_is_an_upper_limit(ours: float, at_most: float | None, holds: bool) -> None:
    assert ratio(ours, 10, at_most).holds is holds


def test_contenders_take_turns_and_the_warm_up_is_dropped() -> None:
    order: list[str] = []

    def contender(name: str) -> Any:
        def run() -> int:
            order.append(name)
            return len(order)

        return run

    kept = alternate({"a": contender("a"), "b": contender("b")}, 2)
    assert order == ["a", "b"] * 3
    assert kept == {"a": [3, 5], "b": [4, 6]}
    assert alternate({"a": contender("a")}, 1, warm_ups=0) == {"a": [7]}


def event(
    verb: str = "get", *, stage: str = "ResponseComplete", user: str = "admin", second: int = 0, **about: str
) -> str:
    """A line of an audit log."""
    return json.dumps(
        {
            "stage": stage,
            "verb": verb,
            "user": {"username": user},
            "userAgent": "okd.registry/1 (linux)",
            "objectRef": about or {"resource": "pods"},
            "requestReceivedTimestamp": f"1970-01-01T00:00:{second:02d}.250000Z",
        }
    )


def test_requests_are_counted_once_and_only_the_users() -> None:
    lines = [
        event(),
        event("watch", second=3),
        event(stage="ResponseStarted"),
        event("patch", user="somebody"),
        event("patch"),
    ]
    assert list(audit.read(lines, "admin")) == [
        Request(0.25, False, "okd.registry"),
        Request(3.25, False, "okd.registry"),
        Request(0.25, True, "okd.registry"),
    ]


@pytest.mark.parametrize(
    ("line", "writes"),
    [
        (event("create", resource="selfsubjectaccessreviews"), False),
        (event("create", resource="pods", subresource="portforward"), False),
        (event("create", resource="secrets"), True),
        (event("update", resource="deploymentconfigs", subresource="status"), True),
        (event("delete", resource="pods"), True),
    ],
)
def test_what_counts_as_a_write(line: str, writes: bool) -> None:
    assert [one.writes for one in audit.read([line], "admin")] == [writes]


def test_requests_of_a_stretch_of_time_are_those_logged_within_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SETTLE", 0)
    log = tmp_path / "audit.log"
    log.write_text(event() + "\n", encoding="utf-8")
    with audit.counted(log, "admin") as found, log.open("a", encoding="utf-8") as more:
        more.write(event("list") + "\n" + event("create") + "\n")
    assert [one.writes for one in found] == [False, True]


def line(number: int, seconds: float, *, changed: bool = False, resources: tuple[Any, ...] = ()) -> str:
    """A line of the timing callback."""
    return json.dumps(
        {
            "number": number,
            "task": "T",
            "action": "a",
            "began": 0.0,
            "seconds": seconds,
            "changed": changed,
            "resources": resources,
        }
    )


def test_a_task_on_several_hosts_takes_as_long_as_the_last() -> None:
    one, two = playbook.read_tasks([line(1, 2.0, changed=True), line(1, 3.0), line(1, 1.0), line(2, 0.5)])
    assert (one.seconds, one.changed, two.seconds, two.changed) == (3.0, True, 0.5, False)


def test_a_converged_run_that_changes_something_ends_the_bench() -> None:
    run = Timed(1.0, (TaskTime("Route docker-registry", "k8s", 0.0, 1.0, changed=True),), ())
    with pytest.raises(playbook.BenchError, match="Route docker-registry"):
        playbook.unchanged(run)


def test_requests_belong_to_the_task_that_ran() -> None:
    tasks = tuple(TaskTime(name, "k8s", began, 1.0, changed=False) for name, began in (("a", 10.0), ("b", 12.0)))
    requests = tuple(Request(at, False, "x") for at in (9.9, 10.0, 10.9, 11.5, 12.5, 13.1))
    run = Timed(4.0, tasks, requests)
    assert (run.sent(run.named({"a"})), run.sent(run.of("k8s")), run.sent(())) == (2, 3, 0)


LIVE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "x",
        "uid": "1",
        "resourceVersion": "2",
        "creationTimestamp": "now",
        "annotations": {cluster.LAST_APPLIED: "{}"},
    },
    "spec": {"clusterIP": "172.30.1.1"},
    "status": {"loadBalancer": {}},
}


def test_what_is_applied_is_the_object_without_the_server_s_part() -> None:
    assert cluster.applicable(LIVE) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"clusterIP": "172.30.1.1"},
    }
    assert LIVE["metadata"]["uid"] == "1"  # type: ignore[index]


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"api_version": "v1", "kind": "Secret", "name": "s", "namespace": "n"}, ("Secret", "s", "-n", "n")),
        (
            {"api_version": "apps.openshift.io/v1", "kind": "DeploymentConfig", "name": "d", "namespace": "n"},
            ("DeploymentConfig.v1.apps.openshift.io", "d", "-n", "n"),
        ),
        (
            {"api_version": "r/v1", "kind": "ClusterRoleBinding", "name": "c", "namespace": None},
            ("ClusterRoleBinding.v1.r", "c"),
        ),
    ],
)
def test_how_kubectl_is_told_a_resource(resource: dict[str, Any], words: tuple[str, ...]) -> None:
    assert cluster.reference(resource) == words


def test_what_is_deleted_is_said_by_its_name_alone() -> None:
    resource = {
        "api_version": "r/v1",
        "kind": "ClusterRoleBinding",
        "name": "c",
        "namespace": None,
        "action": "created",
    }
    assert cluster.identity(resource) == {"apiVersion": "r/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "c"}}


def test_the_other_playbook_is_ours_with_other_tasks() -> None:
    workload = {**LIVE, "kind": "DeploymentConfig"}
    (play,) = deploy.playbook_of(deploy.tasks_for([LIVE, workload]))
    assert {"hosts", "gather_facts", "vars"} <= set(play)
    assert "roles" not in play
    service, last = (task["kubernetes.core.k8s"] for task in play["tasks"])
    assert "wait" not in service
    assert last["wait"] is True
    assert service["definition"] == LIVE


def timed(seconds: float, tasks: dict[str, float], requests: int = 1) -> Timed:
    """A run with these tasks; a name with a dot is an action of ours."""
    made = tuple(
        TaskTime(name, name if "." in name else deploy.K8S, 0.0, spent, changed=False) for name, spent in tasks.items()
    )
    return Timed(seconds, made, (Request(0.5, False, "agent"),) * requests)


def test_the_target_compares_the_same_objects_with_the_same_objects() -> None:
    ours = [timed(4.0, dict.fromkeys(deploy.STEPS, 0.5), 10)]
    other = [timed(6.0, {"Service x": 1.0, "Secret x": 1.0, "DeploymentConfig x": 1.0}, 20)]
    single = [timed(1.5, {"All": 1.0})]
    own = frozenset({"Secret x", "DeploymentConfig x"})
    found = deploy.report(
        {"ours": ours, "other": other}, {"ours": ours, "other": other, "single": single}, own, objects=3
    )
    values = {one.what: (one.value, one.at_most) for one in found.ratios}
    assert values["converged: registry_deploy's task ÷ the tasks for its 2 objects"] == (0.25, 0.30)
    assert values["converged: registry_deploy's task ÷ all 3 tasks"] == (pytest.approx(1 / 6), None)
    assert values["converged: the four steps' tasks ÷ all 3 tasks"] == (pytest.approx(2 / 3), None)
    assert values["converged: the four steps' tasks ÷ all 3 objects in one task"] == (2.0, None)
    assert values["converged: requests of registry_deploy's task ÷ of the tasks for its 2 objects"] == (0.5, None)
    assert values["converged: requests of the whole playbook"] == (0.5, None)
    assert values["first run: whole playbook"] == (pytest.approx(2 / 3), None)
    assert [one.at_most for one in found.ratios if one.at_most] == [0.30]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(1.234, "s", "1.23"), (12, "s", "12.00"), (14.0, REQUESTS, "14"), (14.5, REQUESTS, "14.5")],
)
def test_figures_as_they_are_shown(value: float, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


def test_a_section_tells_ratio_target_text_every_figure_and_the_facts() -> None:
    held = Ratio("time | all", series("ours", [1.0, 3.0, 2.0]), series("other", [8.0, 8.0, 9.0]), 0.30)
    lost = Ratio("rollouts", series("rolled", [2], "rollouts"), series("rolled there", [4], "rollouts"), 0.25)
    text = section(Report("deploy: beside", [held, lost], [series("alone", [0.5])]), "Ours: this.\n\n- A note.", FACTS)
    assert text.startswith("## deploy: beside\n\n| what | ours | the other | ratio | target |\n")
    assert "| time \\| all | 2.00 s | 8.00 s | **0.25** | ≤ 0.30: holds |" in text
    assert "| rollouts | 2 rollouts | 4 rollouts | **0.50** | ≤ 0.25: **missed** |" in text
    assert "\n\nOurs: this.\n\n- A note.\n\n" in text
    assert "| ours | s | 2.00 | 1.00 3.00 2.00 |" in text
    assert "| alone | s | 0.50 | 0.50 |" in text
    assert "Measured on: machine a processor, 2 cores." in text


def test_a_series_of_two_ratios_is_told_once() -> None:
    ours = series("ours", [1.0])
    report = Report("t", [Ratio("a", ours, series("b", [1.0])), Ratio("c", ours, series("d", [1.0]))])
    assert section(report, "", FACTS).count("| ours | s |") == 1


@given(st.lists(st.lists(st.text("ab|*", max_size=5), min_size=2, max_size=2), max_size=4))
def test_a_table_has_as_many_cells_in_each_line(rows: list[list[str]]) -> None:
    lines = table(["x", "y"], rows)
    assert {len(one.replace("\\|", "").split("|")) for one in lines} == {4}


NAMES = st.lists(st.sampled_from(["deploy", "document", "trust"]), unique=True)
TEXTS = st.text("ab#|\n ", max_size=30)


@given(st.dictionaries(st.sampled_from(["deploy", "document", "trust"]), TEXTS), NAMES)
def test_one_bench_leaves_the_others_parts_as_they_are(told: dict[str, str], again: list[str]) -> None:
    order = ["deploy", "document", "trust"]
    before = page("", told, order)
    after = page(before, dict.fromkeys(again, "## new\n"), order)
    assert list(sections(after)) == [name for name in order if name in told or name in again]
    for name, text in sections(after).items():
        assert text == ("## new\n" if name in again else sections(before)[name])
    assert page(after, {}, order) == after


def test_the_part_of_a_bench_that_is_no_more_goes_and_changes_by_hand_too() -> None:
    old = page("", {"old": "## old\n", "deploy": "## deploy\n"}, ["old", "deploy"]) + "scribbled\n"
    assert list(sections(page(old, {}, ["deploy"]))) == ["deploy"]
    assert "scribbled" not in page(old, {}, ["deploy"])


def test_a_missed_target_is_told_with_its_bench() -> None:
    reports = {"deploy": Report("t", [ratio(4, 10, 0.3), ratio(2, 10, 0.3)])}
    assert missed(reports) == ["deploy: time: 0.40, but at most 0.30 is wanted"]


@pytest.fixture(name="paper")
def _paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of its own, and benches that measure nothing."""
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "PAGE", tmp_path / "docs" / "benchmarks.md")
    monkeypatch.setattr(bench.facts, "gather", lambda load: FACTS)
    monkeypatch.setattr(bench, "BENCHES", {"deploy": _fails, "trust": lambda rounds: Report(f"{rounds}", [])})
    monkeypatch.delenv("REPETITIONS", raising=False)
    return tmp_path / "docs" / "benchmarks.md"


def _fails(rounds: int) -> Report:
    raise playbook.BenchError("deploy.yml ended 2")


def test_a_failed_bench_does_not_hide_the_next(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 1
    assert "deploy: deploy.yml ended 2" in capsys.readouterr().err
    assert "## 5\n" in paper.read_text(encoding="utf-8")


def test_one_bench_alone_and_the_number_of_rounds(paper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPETITIONS", "9")
    assert bench.main(["trust"]) == 0
    assert "## 9\n" in paper.read_text(encoding="utf-8")


def test_a_missed_target_is_a_failure(paper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCHES", {"trust": lambda rounds: Report("t", [ratio(4, 10, 0.3)])})
    assert bench.main([]) == 1
    assert "**missed**" in paper.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "rounds", "said"),
    [(["nosuch"], "", "there are deploy, trust"), ([], "0", "REPETITIONS: '0'"), ([], "many", "REPETITIONS")],
)
def test_wrong_words_are_refused_before_anything_runs(
    paper: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    rounds: str,
    said: str,
) -> None:
    monkeypatch.setenv("REPETITIONS", rounds)
    assert bench.main(words) == 2
    assert said in capsys.readouterr().err
    assert not paper.exists()


def test_every_bench_says_what_it_compares() -> None:
    assert {path.stem for path in bench.TEXTS.glob("*.md")} == set(bench.BENCHES)


def test_a_figure_that_must_not_be_much_less_either() -> None:
    def flat(value: float) -> Ratio:
        return Ratio("cost", series("many", [value]), series("few", [1.0]), at_most=1.2, at_least=0.8)

    assert [flat(value).holds for value in (0.7, 0.8, 1.0, 1.2, 1.3)] == [False, True, True, True, False]
    assert missed({"many": Report("t", [flat(0.5)])}) == [
        "many: cost: 0.50, but at least 0.80 and at most 1.20 is wanted"
    ]
    assert "≥ 0.80, ≤ 1.20: holds" in section(Report("t", [flat(1.0)]), "", FACTS)


def test_remote_calls_are_counted_from_what_ansible_tells() -> None:
    told = """\
<172.29.0.11> ESTABLISH SSH CONNECTION FOR USER: root
<172.29.0.11> SSH: EXEC ssh -C -o ControlMaster=auto root@172.29.0.11 '/bin/sh -c ...'
<172.29.0.12> SSH: EXEC sftp -b - -C root@172.29.0.12
ok: [node1] => <x> SSH: EXEC
"""
    assert playbook.remote_calls(told) == 2


def test_the_page_has_every_bench_and_no_figure_misses_its_target() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^<!-- bench: (\w+) -->$", page, re.MULTILINE) == list(bench.BENCHES)
    told = re.findall(r"\| (?:≤|≥) [^|]*: ([^|]*?) \|$", page, re.MULTILINE)
    assert told
    assert set(told) == {"holds"}

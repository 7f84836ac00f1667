# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of all tests: order, one failure not hiding the next, and the summary that CI reads."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import lanes
import outcomes
import pace
import parts
import pytest
from lanes import Lane
from outcomes import Outcome, summary
from parts import Runner, expand, run


@pytest.fixture(autouse=True)
def _two_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("default", "site", "trust"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "molecule.yml").touch()
    monkeypatch.setattr(parts, "MOLECULE", tmp_path)
    for module in (parts, outcomes):
        monkeypatch.setattr(module, "LOGS", tmp_path / "log")
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "ARTIFACTS", tmp_path / "nosuch")
    monkeypatch.setattr(pace, "MINUTES", {})


def test_the_sandbox_comes_before_the_first_scenario_and_once() -> None:
    assert expand(["lint", "scenarios"]) == ["lint", "sandbox", "scenario:site", "scenario:trust"]
    assert expand(["scenario:trust", "site"]) == ["sandbox", "scenario:trust", "scenario:site"]
    assert expand(["unit"]) == ["unit"]


@pytest.fixture
def on_one_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "OUTPUT", tmp_path)
    monkeypatch.setenv("LANES", "1")


@pytest.mark.usefixtures("on_one_sandbox")
@pytest.mark.parametrize(("minutes", "left"), [("60", []), ("9", ["trust"]), ("", [])])
def test_what_there_is_no_time_for_is_left_out_and_that_is_said(
    minutes: str, left: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake({}, monkeypatch)
    monkeypatch.setattr(pace, "SELDOM", ("trust",))
    monkeypatch.setenv("OKD_REGISTRY_TEST_MINUTES", minutes)
    assert parts.main(["scenarios"]) == 0
    printed = capsys.readouterr().out
    assert ("left out of this run for want of time: scenarios trust" in printed) == bool(left)
    assert ("scenario:trust  passed" in printed) == (not left)
    assert "scenario:site" in printed


@pytest.mark.usefixtures("on_one_sandbox")
def test_what_still_runs_when_the_time_is_over_is_ended_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first scenario hangs, and the next is not begun."""
    program = "import time; print('begun', flush=True); time.sleep(0 if {!r} == 'sandbox' else 60)"
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", program.format(part)])
    monkeypatch.setattr(pace, "CLOSING", 0.0)
    monkeypatch.setattr(pace, "SHORT", 0.01)
    monkeypatch.setenv("OKD_REGISTRY_TEST_MINUTES", "0.1")
    assert parts.main(["scenarios"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^scenario:site +FAILED .*not run to its end: the time was over$", printed, re.MULTILINE)
    assert "left out of this run for want of time: scenarios trust" in printed
    assert printed.endswith("1 passed, 1 failed\n")


@pytest.mark.usefixtures("on_one_sandbox")
def test_nothing_begins_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first part takes all of it; the sandbox is then neither brought up nor taken for broken."""
    script = "import sys, time; print('this is', sys.argv[1], flush=True); time.sleep(sys.argv[1] == 'lint' and 60)"
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", script, part])
    monkeypatch.setattr(pace, "CLOSING", 0.0)
    monkeypatch.setenv("OKD_REGISTRY_TEST_MINUTES", "0.05")
    assert parts.main(["lint", "api", "scenarios"]) == 1
    printed = capsys.readouterr().out
    assert re.findall("^this is ([a-z:-]+)$", printed, re.MULTILINE) == ["lint"]
    assert re.search(r"^sandbox +FAILED .*the time was over$", printed, re.MULTILINE)


def test_an_unknown_part_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValueError, match=r"scenario:nosuch; there are lint, .*scenario:site"):
        expand(["scenario:nosuch"])
    with pytest.raises(ValueError, match="default"):
        expand(["scenario:default"])


def fake(codes: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces each part's command by one that says its name and exits as told."""

    def command(part: str) -> list[str]:
        return [sys.executable, "-c", f"print('this is {part}'); raise SystemExit({codes.get(part, 0)})"]

    monkeypatch.setattr(parts, "command_of", command)


def test_a_failure_hides_nothing_after_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fake({"lint": 1, "scenario:site": 3}, monkeypatch)
    outcomes = run(["lint", "unit", "sandbox", "scenario:site", "scenario:trust"], Runner())
    assert [outcome.passed for outcome in outcomes] == [False, True, True, False, True]
    assert outcomes[3].note.startswith("exit code 3, log/scenario-site.log; the first time, too")
    assert "this is scenario:trust" in capsys.readouterr().out
    assert (parts.LOGS / "unit.log").read_text(encoding="utf-8") == "this is unit\n"


def test_the_modules_tests_run_beside_the_scenarios_and_count_for_themselves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scenario waits for what only the other part makes, which it could not if one came after the other."""
    made = "import pathlib, time; there = pathlib.Path('there'); "
    programs = {
        "sandbox": "pass",
        "api": made + "there.touch(); print('this is api'); raise SystemExit(3)",
        "scenario:site": made + "[time.sleep(0.1) for _ in range(100) if not there.exists()]; assert there.exists()",
    }
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", programs[part]])
    outcomes = run(["sandbox", "api", "scenario:site"], Runner())
    assert [(one.name, one.passed, one.note) for one in outcomes] == [
        ("sandbox", True, ""), ("api", False, "exit code 3, log/api.log"), ("scenario:site", True, ""),
    ]  # fmt: skip
    assert "this is api" in capsys.readouterr().out
    outcomes = run(["sandbox", "api"], Runner())
    assert [one.passed for one in outcomes] == [True, False]


@pytest.mark.skipif(not parts.possible(), reason="this machine cannot have two sandboxes: root, memory, unshare")
def test_two_scenarios_run_at_once_each_on_a_sandbox_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each waits for the other; they share the checkout, not the state, the network or the processes."""
    monkeypatch.setenv("LANES", "2")
    script = """
import os, pathlib, sys, time
part = sys.argv[1].removeprefix("scenario:")
lane = os.environ.get("OKD_REGISTRY_LANE", "1")
if part in ("sandbox", "sandbox-down"):
    print(part, "of", lane)
    raise SystemExit
there = pathlib.Path(f"{part}.there")
there.write_text(os.readlink("/proc/self/ns/net"))
other = pathlib.Path(f"{'trust' if part == 'site' else 'site'}.there")
[time.sleep(0.1) for _ in range(300) if not other.exists()]
assert other.read_text() != there.read_text()
state = pathlib.Path(".sandbox")
assert lane == "1" or state.is_mount() and not list(state.iterdir())
(state / part).touch()
time.sleep(1)
assert not (state / other.stem).exists()
"""
    (tmp_path / ".sandbox").mkdir()
    monkeypatch.setattr(lanes, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", script, part])
    outcomes = run(["sandbox", "scenario:site", "scenario:trust"], Runner())
    said = capsys.readouterr().out
    assert [one.passed for one in outcomes] == [True, True, True], said
    assert [one.name for one in outcomes] == ["sandbox", "scenario:site", "scenario:trust"]
    assert "sandbox of 2" in said
    assert "sandbox-down of 2" in said


def test_where_no_second_sandbox_can_be_the_first_does_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refused(Lane):
        def start(self) -> None:
            raise PermissionError("unshare: Operation not permitted")

    monkeypatch.setattr(parts, "Lane", Refused)
    monkeypatch.setattr(parts, "possible", lambda: True)
    fake({"scenario:trust": 3}, monkeypatch)
    outcomes = run(["sandbox", "scenario:site", "scenario:trust"], Runner())
    assert [one.passed for one in outcomes] == [True, True, False]
    assert "no second sandbox on this machine" in capsys.readouterr().out


def test_without_a_sandbox_scenarios_fail_unrun(monkeypatch: pytest.MonkeyPatch) -> None:
    fake({"sandbox": 1}, monkeypatch)
    outcomes = run(["sandbox", "scenario:site"], Runner())
    assert [outcome.passed for outcome in outcomes] == [False, False]
    assert outcomes[1].note == "not run: the sandbox is not up"


def test_a_sandbox_that_does_not_come_up_gets_a_second_chance_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first of another checkout left something behind, which is gone once the sandbox was taken down."""
    left = tmp_path / "left"
    left.touch()
    programs = {
        "sandbox": f"import pathlib; raise SystemExit('sandbox: in the way' if pathlib.Path('{left}').exists() else 0)",
        "sandbox-down": f"import pathlib; pathlib.Path('{left}').unlink()",
        "scenario:site": "pass",
    }
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", programs[part]])
    outcomes = run(["sandbox", "scenario:site"], Runner())
    assert [(one.name, one.passed, one.note) for one in outcomes] == [
        ("sandbox", True, "only the second time, see log/sandbox-first.log"), ("scenario:site", True, ""),
    ]  # fmt: skip
    assert (parts.LOGS / "sandbox-first.log").read_text(encoding="utf-8") == "sandbox: in the way\n"


def test_a_scenario_that_fails_is_run_once_more_after_the_others_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANES", "1")
    order = tmp_path / "order"
    script = """
import pathlib, sys
part = sys.argv[1].removeprefix("scenario:")
order = pathlib.Path("order")
before = order.read_text() if order.exists() else ""
order.write_text(before + part + " ")
raise SystemExit(1 if part == "trust" or part == "site" and part not in before else 0)
"""
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", script, part])
    outcomes = run(["sandbox", "scenario:site", "scenario:trust"], Runner())
    assert order.read_text(encoding="utf-8").split() == ["sandbox", "site", "trust", "site", "trust"]
    assert [(one.name, one.passed, one.note) for one in outcomes] == [
        ("sandbox", True, ""),
        ("scenario:site", True, "only the second time, see log/scenario-site-first.log"),
        (
            "scenario:trust", False,
            "exit code 1, log/scenario-trust.log; the first time, too: log/scenario-trust-first.log",
        ),
    ]  # fmt: skip
    order.unlink()
    monkeypatch.setattr(pace.Clock, "fits", lambda _self, part: part.removeprefix("scenario:") not in order.read_text())
    outcomes = run(["sandbox", "scenario:site", "scenario:trust"], Runner())
    assert order.read_text(encoding="utf-8").split() == ["sandbox", "site", "trust"]
    assert [one.passed for one in outcomes] == [True, False, False]


def test_the_end_of_the_summary_says_why_a_part_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "print('begun'); print('fatal: [node1]: FAILED! => ' + 'x' * 900); print('RECAP'); raise SystemExit(2)"
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", program if part == "sandbox" else ""])
    lines = summary(run(["lint", "sandbox", "scenario:site", "scenario:trust"], Runner()))
    assert lines[-4:-2] == ["not run: the sandbox is not up: scenario:site, scenario:trust", "why sandbox failed:"]
    assert lines[-2].startswith("    fatal: [node1]: FAILED! => xxx")
    assert len(lines[-2]) == 4 + outcomes.REASON_LENGTH
    assert lines[-1] == "1 passed, 3 failed"


def test_a_command_that_is_missing_fails_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "command_of", lambda part: ["/nosuch/tool"])
    assert Runner().part("lint") == Outcome("lint", passed=False, seconds=0, note="tool is missing")


def test_a_process_left_behind_does_not_hold_the_run_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # It keeps the pipe open; were its end waited for, this would take half a minute.
    script = (
        "import subprocess, sys; print('up', flush=True); subprocess.Popen(['sleep', '30'], start_new_session=True)"
    )
    monkeypatch.setattr(parts, "command_of", lambda part: [sys.executable, "-c", script])
    assert Runner().part("sandbox").seconds < 15


def test_the_last_line_counts_parts() -> None:
    lines = summary(
        [Outcome("lint", passed=True, seconds=61.2), Outcome("unit", passed=False, seconds=1, note="exit code 1")]
    )
    assert lines[-1] == "1 passed, 1 failed"
    assert lines[-4:-2] == ["lint  passed    1:01", "unit  FAILED    0:01  exit code 1"]


def test_wrong_words_and_nothing_to_do_are_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert parts.main(["nosuch"]) == 2
    monkeypatch.setattr(parts, "MOLECULE", tmp_path / "empty")
    assert parts.main(["scenarios"]) == 2

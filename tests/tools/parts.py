# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the parts of the tests one after another, whatever fails, and ends with a summary.

    parts.py lint sanity unit scenarios     everything
    parts.py scenario:site                  one scenario, the sandbox brought up before

Each part's output is kept in tests/output/log/<part>.log and shown as it comes; of parts that run beside each other,
when they end. Several scenarios run on two sandboxes (lanes.py; LANES=1: on one). Where OKD_REGISTRY_TEST_MINUTES says
after how many minutes a run is ended from outside, what there is no time for is left out, and named (pace.py). The last
line is C(<n> passed, <n> failed) and counts parts; the exit code is 1 if any failed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import IO

from checkout import BIN, OUTPUT, ROOT, clean_path
from lanes import Lane, possible
from outcomes import LOGS, UNENDED, UNRUN, Outcome, log_of, outcome_of, second_time, summary
from pace import Clock, long_first, name_of

MOLECULE = ROOT / "extensions" / "molecule"
SANDBOX = ROOT / "tests" / "sandbox" / "sandbox"
ARTIFACTS = ROOT / "tests" / "sandbox" / "build" / "artifacts.py"
PYTHON = str(BIN / "python")
MANY_FILES = ROOT / "tests" / "unit" / "plugins" / "module_utils" / "_node" / "test_many_files.py"
SANDBOX_PART = "sandbox"
SANDBOX_DOWN = "sandbox-down"
# Parts that are one command each; the others are the sandbox and the scenarios on it.
PLAIN = ("lint", "sanity", "unit", "files", "api")


def scenario_names() -> list[str]:
    """All scenarios but C(default), which only brings the shared sandbox up and down."""
    found = {path.parent.name for path in MOLECULE.glob("*/molecule.yml")}
    return sorted(found - {"default"})


def needs_sandbox(part: str) -> bool:
    """Whether a part can only run when what the sandbox is made of has been built."""
    return part == "api" or part.startswith("scenario:")


def expand(words: list[str]) -> list[str]:
    """The parts meant by the words of the command line; the sandbox comes in before the first scenario.

    Raises ValueError for a word that names no part.
    """
    known = scenario_names()
    parts: list[str] = []
    for word in words:
        if word == "scenarios":
            parts += [f"scenario:{name}" for name in known]
        elif word in PLAIN or word.removeprefix("scenario:") in known:
            parts.append(word if word in PLAIN else f"scenario:{word.removeprefix('scenario:')}")
        else:
            message = (
                f"no part of the tests: {word}; there are lint, sanity, unit, files, api, scenarios, "
                + ", ".join(f"scenario:{name}" for name in known)
            )
            raise ValueError(message)
    first = next((index for index, part in enumerate(parts) if needs_sandbox(part)), None)
    if first is not None:
        parts.insert(first, SANDBOX_PART)
    return list(dict.fromkeys(parts))


def command_of(part: str) -> list[str]:
    """The command line of a part."""
    if part in {"unit", "files", "api"}:
        # Two workers: both cores, where nothing else wants one. How long each test took is kept.
        pytest = [PYTHON, "-m", "pytest", "-q", "-n", "2", f"--junit-xml={OUTPUT / 'records' / part}.xml"]
        if part == "unit":
            return [*pytest, "--dist", "loadfile", *os.environ.get("PYTEST_ARGS", "").split()]
        if part == "files":
            return [*pytest, str(MANY_FILES)]
        # Each worker has an API server of its own, so that what is no namespace's (Nodes, CRDs) is not shared.
        # Its conftest.py knows which files are to begin first.
        return ["nice", *pytest, "--dist", "loadfile", "--no-loadscope-reorder", str(ROOT / "tests" / "api")]
    if part in {SANDBOX_PART, SANDBOX_DOWN}:
        return [str(SANDBOX), "down" if part == SANDBOX_DOWN else "up"]
    if part.startswith("scenario:"):
        # The sandbox outlives a scenario, also one that fails.
        name = part.removeprefix("scenario:")
        # "run": nobody else takes or changes the machine's sandbox meanwhile.
        molecule = [str(BIN / "molecule"), "test", "-s", name, "--destroy", "never", "--no-command-borders"]
        return [str(SANDBOX), "run", "--", *molecule]
    return [PYTHON, str(ROOT / "tests" / "tools" / f"{part}.py")]


def environment_of(part: str) -> dict[str, str]:
    """The environment of a part: our own tools first, and colours only where somebody sees them."""
    environment = {**os.environ, "PATH": clean_path(), "PYTHONUNBUFFERED": "1"}
    if part == "files":
        environment["HYPOTHESIS_PROFILE"] = "thorough"
    if part in {"unit", "api"}:
        environment["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "ansible.cfg")
    if not sys.stdout.isatty():
        environment |= {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    return environment


def show(stream: IO[str] | None, log: Path) -> None:
    """Copies lines to the terminal and the log as they come, to the stream's end."""
    with log.open("w", encoding="utf-8") as kept:
        for line in stream or ():
            kept.write(line)
            kept.flush()
            sys.stdout.write(line)
            sys.stdout.flush()


def keep_first(part: str) -> None:
    """Keeps the log of a part that failed and is run once more."""
    log_of(part).replace(log_of(f"{part}-first"))


class Runner:
    """Runs parts and the background build, each in a process group of its own that a signal to us ends, too."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []
        self.lane: Lane | None = None
        self.clock = Clock()
        self.left_out: list[str] = []
        LOGS.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.stop)

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Ends what was started, then this process as the signal would have."""
        self.end()
        sys.exit(128 + number)

    def end(self) -> None:
        """Ends what still runs, which after the last part can only be the background build."""
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        if self.lane:
            self.lane.end()

    def start(self, command: list[str], *, environment: dict[str, str], log: Path | None) -> subprocess.Popen[str]:
        """Starts a command; its output goes to the log file, or is piped to us when there is none."""
        with (log or Path(os.devnull)).open("w", encoding="utf-8") as stream:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream if log else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def leaves_out(self, part: str) -> bool:
        """Whether there is no time for a scenario any more; notes that."""
        late = not self.clock.fits(part)
        self.left_out += [name_of(part)] if late else []
        return late

    def of_these(self, parts: list[str]) -> list[str]:
        """The scenarios of these parts for which there is time altogether; notes what is left out."""
        chosen = self.clock.without_seldom(parts, lanes=2 if two_sandboxes() else 1)
        self.left_out += [name_of(part) for part in parts if part not in chosen]
        return [part for part in chosen if part.startswith("scenario:")]

    def watch(self) -> None:
        """Ends what still runs when the time is over, so that it is told what there is to tell."""
        if self.clock.left < threading.TIMEOUT_MAX:
            timer = threading.Timer(max(0, self.clock.left * 60), self.time_over)
            timer.daemon = True
            timer.start()

    def begins(self, part: str) -> bool:
        """Whether a part may still begin: after the time is over nothing does but what takes a sandbox away."""
        return self.clock.left > 0 or part == SANDBOX_DOWN

    def time_over(self) -> None:
        """Ends the parts that run, which fail by that; none begins any more."""
        print("\nthe time is over: what still runs is ended", flush=True)
        for process in list(self.running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)

    def ended(self, part: str, code: int, seconds: float) -> Outcome:
        """What became of a part; from one that passed is learnt how fast this machine is."""
        outcome = outcome_of(part, code, seconds)
        if outcome.passed:
            self.clock.took(part, seconds)
        elif self.clock.left <= 0:
            return replace(outcome, note=UNENDED)
        return outcome

    def part(self, part: str) -> Outcome:
        """Runs one part to its end, showing and keeping its output."""
        if not self.begins(part):
            return Outcome(part, passed=False, seconds=0, note=UNENDED)
        print(f"\n=== {part} ===", flush=True)
        started = time.monotonic()
        command = command_of(part)
        if not shutil.which(command[0]):
            print(f"{command[0]} is missing", flush=True)
            return Outcome(part, passed=False, seconds=0, note=f"{Path(command[0]).name} is missing")
        process = self.start(command, environment=environment_of(part), log=None)
        log = log_of(part)
        reader = threading.Thread(target=show, args=(process.stdout, log), daemon=True)
        reader.start()
        code = process.wait()
        # A process left behind may hold the pipe open for ever; what the part itself said is read by then.
        reader.join(timeout=5)
        self.running.remove(process)
        return self.ended(part, code, time.monotonic() - started)

    def sandbox(self) -> Outcome:
        """Brings the sandbox up; where that fails, once more after all that is left of one was taken away.

        What an ended run of another checkout left behind is not what is tested here.
        """
        first = self.part(SANDBOX_PART)
        if first.passed or not self.begins(SANDBOX_PART):
            return first
        keep_first(SANDBOX_PART)
        print("the sandbox did not come up: it is taken down, and brought up once more", flush=True)
        self.part(SANDBOX_DOWN)
        return second_time(self.part(SANDBOX_PART))

    def quiet(self, part: str, lane: Lane | None = None) -> Outcome:
        """Runs one part to its end beside others, and shows its output then."""
        if not self.begins(part):
            return Outcome(part, passed=False, seconds=0, note=UNENDED)
        started = time.monotonic()
        where = f" on sandbox {lane.name}" if lane else ""
        log = log_of(part)
        print(f"=== {part} begins{where} ({log.relative_to(ROOT)}) ===", flush=True)
        command = [*(lane.enter() if lane else []), *command_of(part)]
        environment = {**environment_of(part), **(lane.environment() if lane else {})}
        process = self.start(command, environment=environment, log=log)
        outcome = self.ended(part, process.wait(), time.monotonic() - started)
        self.running.remove(process)
        text = log.read_text(encoding="utf-8", errors="replace")
        print(f"\n=== {part} ===\n{text}=== {part}: {outcome.word}, {outcome.time} ===", flush=True)
        return outcome

    def build_artifacts(self) -> None:
        """Builds what the sandbox needs while parts that need no sandbox run; C(sandbox up) waits for its lock."""
        if ARTIFACTS.exists():
            command = ["nice", "-n", "10", PYTHON, str(ARTIFACTS), "build"]
            self.start(command, environment={**os.environ, "PATH": clean_path()}, log=LOGS / "artifacts.log")
            print("building the sandbox's parts in the background (tests/output/log/artifacts.log)", flush=True)


def two_sandboxes() -> bool:
    """Whether scenarios run two at a time."""
    return os.environ.get("LANES") != "1" and possible()


def run(parts: list[str], runner: Runner) -> list[Outcome]:
    """Runs all parts; without a sandbox, what needs one fails unrun.

    Those that need no sandbox and the sandbox itself come one after another, then all others beside each other.
    """
    if SANDBOX_PART in parts and parts[0] != SANDBOX_PART:
        runner.build_artifacts()
    outcomes: list[Outcome] = []
    sandbox_up = True
    for part in (one for one in parts if not needs_sandbox(one)):
        outcomes.append(runner.sandbox() if part == SANDBOX_PART else runner.part(part))
        if part == SANDBOX_PART:
            sandbox_up = outcomes[-1].passed
    left = [part for part in parts if needs_sandbox(part)]
    if not sandbox_up:
        return outcomes + [Outcome(part, passed=False, seconds=0, note=UNRUN) for part in left]
    if len(left) == 1:
        return [*outcomes, runner.part(left[0])]
    done = beside(left, runner)
    return outcomes + sorted(done, key=lambda one: left.index(one.name))


def beside(parts: list[str], runner: Runner) -> list[Outcome]:
    """Runs the scenarios; beside them the modules' tests, then, where the machine allows it, a second sandbox.

    Two clusters on one small machine are late at times. A scenario that fails is run once more, from a reset, after all
    others, if there is time for that; the summary says so, and the log of the first time is kept.
    """
    scenarios = deque(long_first(runner.of_these(parts)))
    outcomes: list[Outcome] = []
    failed: dict[str, Outcome] = {}

    def once(part: str, lane: Lane | None) -> None:
        if runner.leaves_out(part):
            return
        outcome = runner.quiet(part, lane)
        if outcome.passed:
            outcomes.append(outcome)
        else:
            failed[part] = outcome
            scenarios.append(part)

    def again(part: str, lane: Lane | None) -> None:
        if not runner.clock.fits(part):
            outcomes.append(failed[part])
            return
        keep_first(part)
        outcomes.append(second_time(runner.quiet(part, lane)))

    def work(lane: Lane | None = None) -> None:
        while scenarios:
            with contextlib.suppress(IndexError):  # the other one took the last
                part = scenarios.popleft()
                (again if part in failed else once)(part, lane)

    def rest() -> None:
        # The modules' tests have an API server of their own. No more than two things at once: there are two processors.
        outcomes.extend(runner.quiet(part) for part in parts if part in PLAIN)
        if scenarios and runner.begins(SANDBOX_PART) and two_sandboxes():
            second_sandbox(work, runner)

    threads = [threading.Thread(target=task, daemon=True) for task in (work, rest)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def second_sandbox(work: Callable[[Lane], None], runner: Runner) -> None:
    """Brings another sandbox up, works on it, and takes it down; without it all is done on the first."""
    lane = runner.lane = Lane("2")
    try:
        lane.start()
        if runner.quiet(SANDBOX_PART, lane).passed:
            work(lane)
            runner.quiet(SANDBOX_DOWN, lane)
    except (OSError, RuntimeError) as exc:
        print(f"no second sandbox on this machine, so one scenario after another: {exc}", flush=True)
    finally:
        lane.end()


def main(words: list[str]) -> int:
    """Runs the parts named; returns the exit code."""
    try:
        parts = expand(words)
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 2
    if not parts:
        print("nothing to run: no scenario exists", file=sys.stderr)
        return 2
    for name in (part.removeprefix("scenario:") for part in parts):
        (OUTPUT / "records" / f"{name}.jsonl").unlink(missing_ok=True)
    runner = Runner()
    runner.watch()
    outcomes = run(parts, runner)
    runner.end()
    if runner.left_out:
        print(f"\nleft out of this run for want of time: scenarios {', '.join(runner.left_out)}", flush=True)
    text = "\n".join(summary(outcomes))
    (OUTPUT / "summary.txt").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

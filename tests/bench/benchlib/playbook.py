# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One timed run of a playbook on the sandbox: wall time, each task's time, and the requests it sent."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Container, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchlib.audit import Request, counted

ROOT = Path(__file__).resolve().parents[3]
BENCH = ROOT / "tests" / "bench"
OUTPUT = ROOT / "tests" / "output" / "bench"
INVENTORY = ROOT / "inventory" / "sandbox" / "hosts.yml"
STATE = ROOT / ".sandbox"
AUDIT_LOG = STATE / "control-plane" / "audit.log"
#: Whom the sandbox's admin.kubeconfig makes one; nothing else on the sandbox is that user.
ADMIN = "system:admin"


class BenchError(Exception):
    """What was to be measured failed, or did something else than what was to be measured."""


@dataclass(frozen=True)
class TaskTime:
    """One task: its name, its action's full name, and the seconds until its last host was done.

    :ivar began: when, in seconds since 1970.
    """

    name: str
    action: str
    began: float
    seconds: float
    changed: bool
    resources: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Timed:
    """One run of a playbook.

    :ivar calls: commands and transfers over ssh, as far as -vvv was asked for and told of them.
    :ivar cpu: seconds of processor time that Ansible and all it started on this machine took.
    """

    seconds: float
    tasks: tuple[TaskTime, ...]
    requests: tuple[Request, ...]
    calls: int = 0
    cpu: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether any task changed something."""
        return any(task.changed for task in self.tasks)

    def of(self, *actions: str) -> tuple[TaskTime, ...]:
        """The tasks of these actions."""
        return tuple(task for task in self.tasks if task.action in actions)

    def named(self, names: Container[str]) -> tuple[TaskTime, ...]:
        """The tasks of these names."""
        return tuple(task for task in self.tasks if task.name in names)

    def sent(self, tasks: Iterable[TaskTime]) -> int:
        """How many requests were sent while these tasks ran."""
        spans = [(task.began, task.began + task.seconds) for task in tasks]
        return sum(any(begin <= one.at <= end for begin, end in spans) for one in self.requests)


def _cpu() -> float:
    """Processor seconds of all processes that have ended and been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def remote_calls(output: str) -> int:
    """How many commands and transfers Ansible's ssh connections tell of with -vvv."""
    return len(re.findall(r"^<[^>]+> SSH: EXEC ", output, re.MULTILINE))


def spent(tasks: Iterable[TaskTime]) -> float:
    """Seconds of all these tasks."""
    return sum(task.seconds for task in tasks)


def read_tasks(lines: Iterable[str]) -> tuple[TaskTime, ...]:
    """The tasks that the callback wrote down, in order; a task on several hosts is one."""
    tasks: dict[int, TaskTime] = {}
    for line in lines:
        one = json.loads(line)
        before = tasks.get(one["number"])
        tasks[one["number"]] = TaskTime(
            one["task"],
            one["action"],
            one["began"],
            max(one["seconds"], before.seconds if before else 0.0),
            one["changed"] or bool(before and before.changed),
            (*(before.resources if before else ()), *one["resources"]),
        )
    return tuple(tasks[number] for number in sorted(tasks))


def environment(timing: Path) -> dict[str, str]:
    """The same for all that is compared: the checkout's ansible.cfg and the callback that takes the times.

    The collection is the checkout, unless E(ANSIBLE_COLLECTIONS_PATH) says where another one lies.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
    return kept | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(ROOT / ".ansible/collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(BENCH / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "timing",
        "ANSIBLE_NOCOLOR": "1",
        "OKD_REGISTRY_TIMING": str(timing),
    }


def play(playbook: Path, *arguments: str, inventory: Path = INVENTORY) -> Timed:
    """Run a playbook.

    :param inventory: the sandbox's, or another one.
    :raises BenchError: with the end of its output, when it fails.
    """
    command: Sequence[str] = [
        str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(inventory), str(playbook), *arguments,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        timing = Path(directory) / "timing.jsonl"
        timing.touch()
        nothing: AbstractContextManager[list[Request]] = contextlib.nullcontext([])
        with counted(AUDIT_LOG, ADMIN) if inventory == INVENTORY else nothing as requests:
            began, cpu = time.monotonic(), _cpu()
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment(timing),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=600,
                check=False,
            )
            seconds, cpu = time.monotonic() - began, _cpu() - cpu
        if done.returncode:
            raise BenchError(f"{playbook.name} ended {done.returncode}:\n{done.stdout[-4000:]}")
        tasks = read_tasks(timing.read_text(encoding="utf-8").splitlines())
        return Timed(seconds, tasks, tuple(requests), remote_calls(done.stdout), cpu)


def unchanged(run: Timed) -> Timed:
    """The run, which had to change nothing.

    :raises BenchError: when it did, since then it is no converged run.
    """
    if run.changed:
        names = ", ".join(task.name for task in run.tasks if task.changed)
        raise BenchError(f"a run that should have found nothing to do changed something: {names}")
    return run

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests know of the sandbox: its nodes, its API, its audit log, and how to run a playbook on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".sandbox"
INVENTORY = ROOT / "inventory/sandbox/hosts.yml"
NODES = {"node1": "172.29.0.11", "node2": "172.29.0.12", "node3": "172.29.0.13"}
SERVICE_IP = "172.30.124.220"
ENDPOINTS = [
    f"{SERVICE_IP}:5000",
    "docker-registry.default.svc:5000",
    "docker-registry.default.svc.cluster.local:5000",
    "registry.apps.sandbox.test",
]
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def run(
    *command: str | Path, check: bool = True, timeout: float = 600, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it printed; with *check*, a failure shows all of it."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout, check=False, **options
    )
    if check and done.returncode:
        raise AssertionError(f"{command} ended {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def kubectl(*arguments: str, check: bool = True, stdin: str | None = None) -> str:
    """Run kubectl as the cluster's administrator and give what it printed."""
    return run(
        STATE / "bin/kubectl", "--kubeconfig", STATE / "admin.kubeconfig", *arguments, check=check, input=stdin
    ).stdout


def objects(*arguments: str) -> list[dict[str, Any]]:
    """Give the objects that ``kubectl get`` lists."""
    return json.loads(kubectl("get", *arguments, "-o", "json"))["items"]


def pods(*arguments: str) -> list[dict[str, Any]]:
    """Give the pods that are to stay: one that ends goes on serving for some seconds."""
    return [pod for pod in objects("pods", *arguments) if "deletionTimestamp" not in pod["metadata"]]


def on(
    node: str, command: str, *, check: bool = True, timeout: float = 120, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a shell command on a node, as root."""
    return run(
        "ssh", "-i", STATE / "ssh/id_ed25519", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{NODES[node]}", command,
        check=check, timeout=timeout, input=stdin,
    )  # fmt: skip


def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the container engine that the sandbox's machines are containers of."""
    daemon = run(ROOT / "tests/sandbox/build/host-dockerd", "host").stdout.strip()
    return run("/usr/bin/docker", "-H", daemon, *arguments)


def in_container(name: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in one of the sandbox's machines through the container engine, where ssh is not there."""
    return engine("exec", name, "sh", "-c", command)


@dataclass(frozen=True)
class Run:
    """How a playbook ended: its exit code, what it printed, and the recap's counters by host."""

    code: int
    output: str
    recap: Mapping[str, Mapping[str, int]]

    @property
    def changed(self) -> int:
        """Say how many tasks changed something, over all hosts."""
        return sum(counters["changed"] for counters in self.recap.values())


def recap(output: str) -> dict[str, dict[str, int]]:
    recap = output.rpartition("PLAY RECAP")[2]
    return {
        line[1]: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[2])}
        for line in re.finditer(r"^(\S+)\s+:\s(ok=.*)$", re.sub(r"\x1b\[[\d;]*m", "", recap), re.MULTILINE)
    }


def playbook_command(name: str, *arguments: str, inventory: Path = INVENTORY) -> list[str]:
    """Give the command that runs one of the collection's playbooks on the sandbox."""
    return [
        str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(inventory),
        str(ROOT / "playbooks" / name), *arguments,
    ]  # fmt: skip


def environment(**variables: str) -> dict[str, str]:
    """Give the environment in which playbooks run, without what a recording scenario may have set."""
    return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **variables}


def playbook(name: str, *arguments: str, timeout: float = 900, **variables: str) -> Run:
    """Run a playbook to its end; a failure is for the caller to judge."""
    done = run(
        *playbook_command(name, *arguments), check=False, timeout=timeout, cwd=ROOT, env=environment(**variables)
    )
    output = done.stdout + done.stderr
    return Run(done.returncode, output, recap(output))


def module(host: str, name: str, options: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """Run a module on a host, with more arguments of C(ansible), and give its result."""
    done = run(
        ROOT / ".venv/bin/ansible", host, "-i", INVENTORY,
        "-m", f"okd.registry.{name}", "-a", json.dumps(options), *arguments,
        check=False, cwd=ROOT, env=environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
    )  # fmt: skip
    found = re.search(rf"^{host} \| (\w+)!? => (\{{.*)", done.stdout, re.MULTILINE | re.DOTALL)
    assert found, done.stdout + done.stderr
    return {"failed": found[1] == "FAILED", **json.JSONDecoder().raw_decode(found[2])[0]}


def audit(since: str = "") -> Iterator[dict[str, Any]]:
    """Give the API server's finished requests from the time *since* (RFC 3339) on."""
    with (STATE / "control-plane/audit.log").open(encoding="utf-8") as log:
        for line in log:
            event = json.loads(line)
            if event["stage"] == "ResponseComplete" and event["requestReceivedTimestamp"] >= since:
                yield event


def is_ours(event: Mapping[str, Any]) -> bool:
    """Say whether the request came from the collection's modules and not from the cluster's own parts."""
    return event.get("userAgent") == "okd.registry"


def writes(since: str = "") -> list[dict[str, Any]]:
    """Give the collection's own writes to the API since a time (reviews and port-forwards are not writes)."""
    return [
        event
        for event in audit(since)
        if is_ours(event)
        and event["verb"] in WRITES
        and event["objectRef"].get("subresource") not in ("portforward", "exec")
        and not event["objectRef"]["resource"].endswith("reviews")
    ]


def docker_starts(node: str, since: float) -> int:
    """Count how often systemd started docker on a node since a time (seconds since 1970)."""
    journal = on(
        node,
        f"journalctl -u docker.service -o json --since @{since:.0f} --output-fields=JOB_TYPE,MESSAGE_ID,JOB_RESULT",
    )
    started = "39f53479d3a045ac8e11786248231fbf"  # systemd's message id of a unit that was started (sd-messages.h)
    return sum(1 for line in journal.stdout.splitlines() if json.loads(line).get("MESSAGE_ID") == started)


def reset() -> None:
    """Put the sandbox back into its pristine state."""
    run(ROOT / "tests/sandbox/sandbox", "reset")


def docker_start(node: str) -> float:
    """Give the time at which a node's docker was started last, as systemd has it (seconds since 1970)."""
    shown = "systemctl show docker -p ExecMainStartTimestamp --value"
    return float(on(node, f'date -d "$({shown})" +%s').stdout)


def dockerd_arguments(node: str) -> list[str]:
    """Give the arguments with which a node's dockerd runs, without the program's own name."""
    return on(node, "tr '\\0' '\\n' < /proc/$(pidof dockerd)/cmdline").stdout.splitlines()[1:]


def seed(node: str) -> str:
    """Give the /etc/sysconfig/docker that the sandbox's reset puts on a node."""
    return (ROOT / "tests/sandbox/cluster/seed" / node / "etc/sysconfig/docker").read_text(encoding="utf-8")


def sysconfig(node: str) -> str:
    """Give a node's /etc/sysconfig/docker as it is."""
    return on(node, "cat /etc/sysconfig/docker").stdout


def node_files() -> dict[str, str]:
    """Hash every file and link that trust could touch, by node and path."""
    command = (
        "cd / && find etc/docker etc/sysconfig var/lib/okd-registry etc/systemd/system/docker.service.d "
        "-type f -exec sha256sum {} + -o -type l -printf '%l  %p\\n' 2>/dev/null; true"
    )
    found = {}
    for node in NODES:
        for line in on(node, command).stdout.splitlines():
            digest, _, path = line.partition("  ")
            found[f"{node}:/{path}"] = digest
    return found


def own_flags(arguments: list[str]) -> list[str]:
    """Give those of dockerd's arguments that name this registry, in the ``=`` form or as a flag's next word."""
    return [argument for argument in arguments if argument.removeprefix("--insecure-registry=") in ENDPOINTS]


def records(scenario: str) -> list[dict[str, Any]]:
    """Give what the recording callback kept of a scenario's playbooks, in order."""
    with (ROOT / f"tests/output/records/{scenario}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def converge_runs(scenario: str) -> list[str]:
    """Name the last check, apply, check, apply of a scenario; each name begins with the time of the run's start."""
    runs = [line for line in records(scenario) if line["type"] == "run"]
    return [run["run"] for run in runs if run["playbook"].endswith("converge.yml")][-4:]


def started(run_name: str) -> float:
    """Give the time at which a recorded run began, in seconds since 1970."""
    return float(run_name.partition("-")[0])


def recorded(scenario: str) -> str:
    """Give the time (RFC 3339) at which a scenario's last recorded playbook ended."""
    return rfc3339((ROOT / f"tests/output/records/{scenario}.jsonl").stat().st_mtime)


def first_run(scenario: str) -> float:
    """Give the time at which a scenario's first check run began, in seconds since 1970."""
    return started(converge_runs(scenario)[0])


def rfc3339(seconds: float) -> str:
    """Write a time (seconds since 1970) as the audit log does."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

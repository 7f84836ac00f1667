# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust while something is wrong: on a node, or with who runs it.

After each fault the nodes and the registry work, and what was in the way is said. The tests run in the order in which
they stand, from a registry that no node trusts; what a node's docker is configured with at first is put back where a
test needs it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sandbox

CORDON = ("-e", "registry_trust_cordon=true")
ANNOTATION = "okd.registry/cordoned"


def text(ended: sandbox.Run) -> str:
    """What was printed, in one line, so that sentences can be found in it."""
    return " ".join(ended.output.replace("\\n", " ").split())


def trust(*arguments: str, **variables: str) -> sandbox.Run:
    return sandbox.playbook("trust.yml", *arguments, **variables)


def node(name: str) -> dict[str, Any]:
    return json.loads(sandbox.kubectl("get", "node", name, "-o", "json"))


def cordoned(name: str) -> tuple[bool, str | None]:
    """Whether new pods stay away, and for which registry we saw to that."""
    found = node(name)
    return bool(found["spec"].get("unschedulable")), (found["metadata"].get("annotations") or {}).get(ANNOTATION)


def unreadied(name: str) -> None:
    """Configure a node's docker as at first, with the insecure flags, and forget all trust."""
    seed = sandbox.seed(name)
    sandbox.run(
        *ssh(name),
        "cat > /etc/sysconfig/docker; cd /etc/docker/certs.d 2>/dev/null && rm -rf 172.30.* docker-r* registry.*;"
        "rm -rf /var/lib/okd-registry; systemctl restart docker",
        input=seed,
    )


def ssh(name: str) -> list[str]:
    state = sandbox.STATE
    return [
        "ssh", "-i", str(state / "ssh/id_ed25519"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{sandbox.NODES[name]}",
    ]  # fmt: skip


def works(*names: str) -> None:
    """Docker answers on the nodes, and the registry on its address from one of them."""
    for name in names or sandbox.NODES:
        sandbox.on(name, "for i in $(seq 60); do docker ps -q >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1")
    sandbox.on(
        (names or ["node2"])[0],
        f"for i in $(seq 60); do curl -ksf https://{sandbox.SERVICE_IP}:5000/healthz && exit 0; sleep 0.5; done;exit 1",
    )


def flagged(name: str) -> bool:
    """Whether a node's docker runs with the registry's flag."""
    return bool(sandbox.own_flags(sandbox.dockerd_arguments(name)))


def converged(*arguments: str) -> None:
    """A run ends well, and leaves nothing to do and nobody out of service."""
    ended = trust(*arguments)
    assert ended.code == 0, ended.output
    names = list(ended.recap)
    assert [name for name in names if flagged(name)] == []
    assert [cordoned(name) for name in names] == [(False, None)] * len(names)


@pytest.fixture(scope="module", autouse=True)
def registry() -> None:
    """A registry that no node trusts yet."""
    for name in ("deploy.yml", "expose.yml"):
        ended = sandbox.playbook(name)
        assert ended.code == 0, ended.output


# ---- a node is not as it must be -----------------------------------------------------------------------------------

DROP_IN = "/etc/systemd/system/docker.service.d/90-fault.conf"


@contextmanager
def drop_in(name: str, lines: str) -> Iterator[None]:
    sandbox.on(name, f"printf '[Service]\\n{lines}\\n' > {DROP_IN}; systemctl daemon-reload")
    try:
        yield
    finally:
        sandbox.on(name, f"rm {DROP_IN}; systemctl daemon-reload; systemctl reset-failed docker docker.socket; true")


def test_docker_that_does_not_start_without_the_flag_is_put_back_and_in_service_again() -> None:
    with drop_in("node3", f"ExecStartPre=/bin/grep -q {sandbox.SERVICE_IP} /etc/sysconfig/docker"):
        ended = trust("--limit", "node3", *CORDON)
    assert ended.code != 0
    assert "docker runs on them again" in text(ended), ended.output
    assert flagged("node3")
    assert cordoned("node3") == (False, None)
    works("node3")


def test_docker_that_does_not_start_at_all_leaves_the_node_out_of_service() -> None:
    """The next run, once it starts again, brings it up and puts the node back."""
    with drop_in("node3", "ExecStartPre=/bin/false"):
        ended = trust("--limit", "node3", *CORDON)
        assert cordoned("node3") == (True, "default/docker-registry")
    assert ended.code != 0
    assert "fails too" in text(ended), ended.output
    converged("--limit", "node3")


# ---- who runs it goes away -----------------------------------------------------------------------------------------


@contextmanager
def playing(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        sandbox.playbook_command("trust.yml", *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=sandbox.ROOT, env=sandbox.environment(), start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(process: subprocess.Popen[str], task: str) -> bool:
    assert process.stdout is not None
    return any(line.startswith(("TASK", "PLAY")) and task in line for line in process.stdout)


STEPS = [
    ("Place the CA for every name", 1.0),
    ("Take the Node out of service", 0.8),
    ("Take the insecure flag away and restart docker", 1.5),
]


@pytest.mark.parametrize(("task", "delay"), STEPS)
def test_a_run_that_is_killed_at_a_step_is_finished_by_the_next(task: str, delay: float) -> None:
    unreadied("node2")
    with playing("--limit", "node2", *CORDON) as process:
        assert until(process, task), f"trust.yml did not come to the task {task!r}"
        time.sleep(delay)
    works("node2")
    converged("--limit", "node2")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's rounds on a node below a directory, and the agent as a process, out of the packed files as in its pod."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _agentcode
from ansible_collections.okd.registry.plugins.module_utils._node import agent, files, manifest
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority

NAMES = ["172.30.124.220:5000", "docker-registry.default.svc:5000"]
REGISTRY = "default/docker-registry"
MANIFEST = "var/lib/okd-registry/default_docker-registry.json"


class Node:
    """A node's directories as they are mounted in the pod, and what the agent has said."""

    def __init__(self, folder: Path, ca: bytes) -> None:
        self.root, self.folder = folder / "host", folder
        for path in ("etc/docker/certs.d/other.example:5000", "var/lib/okd-registry"):
            (self.root / path).mkdir(parents=True)
        (self.root / "etc/docker/certs.d/other.example:5000/ca.crt").write_text("not ours\n")
        (folder / "ca.crt").write_bytes(ca)
        self.lines: list[str] = []

    def settings(self, **other: Any) -> dict[str, Any]:
        return {
            "registry": REGISTRY, "endpoints": NAMES, "directories": ["/etc/docker/certs.d"],
            "state": "present", "interval": 0.05, "root": str(self.root),
            "ca": str(self.folder / "ca.crt"), "ready": str(self.folder / "ready"), **other,
        }  # fmt: skip

    def agent(self, **other: Any) -> agent.Agent:
        return agent.Agent(self.settings(**other), self.lines.append)

    def path(self, name: str) -> Path:
        return self.root / f"etc/docker/certs.d/{name}/ca.crt"

    @property
    def is_ready(self) -> bool:
        return (self.folder / "ready").exists()

    def foreign_stays(self) -> bool:
        return self.path("other.example:5000").read_text() == "not ours\n"

    def right(self, ca: bytes) -> bool:
        return all(self.path(name).is_file() and self.path(name).read_bytes() == ca for name in NAMES)


@pytest.fixture
def node(tmp_path: Path, authority: Authority) -> Node:
    return Node(tmp_path, authority.pem)


def test_a_node_that_joins_gets_the_ca_for_every_name(node: Node, authority: Authority) -> None:
    assert node.agent().once()
    assert node.right(authority.pem)
    assert node.foreign_stays()
    assert node.is_ready
    assert sorted(json.loads((node.root / MANIFEST).read_text())["files"]) == sorted(
        f"/etc/docker/certs.d/{name}/ca.crt" for name in NAMES
    )


def test_a_round_that_finds_nothing_to_do_writes_nothing_and_says_nothing(node: Node) -> None:
    ours = node.agent()
    ours.once()
    before, said = node.path(NAMES[0]).stat(), len(node.lines)
    record = (node.root / MANIFEST).stat()
    assert ours.once()
    assert node.path(NAMES[0]).stat().st_ino == before.st_ino
    assert (node.root / MANIFEST).stat().st_ino == record.st_ino
    assert len(node.lines) == said


def test_what_somebody_removes_or_changes_comes_back(node: Node, authority: Authority) -> None:
    ours = node.agent()
    ours.once()
    node.path(NAMES[0]).unlink()
    node.path(NAMES[1]).write_text("broken")
    ours.once()
    assert node.right(authority.pem)


def test_a_new_ca_is_followed(node: Node, stranger: Authority) -> None:
    ours = node.agent()
    ours.once()
    (node.folder / "ca.crt").write_bytes(stranger.pem)
    ours.once()
    assert node.right(stranger.pem)


def test_a_file_of_others_in_the_way_is_left_and_told_once(node: Node, stranger: Authority) -> None:
    node.path(NAMES[0]).parent.mkdir()
    node.path(NAMES[0]).write_bytes(stranger.pem)
    ours = node.agent()
    assert not ours.once()
    assert not ours.once()
    assert node.path(NAMES[0]).read_bytes() == stranger.pem
    assert not node.is_ready
    assert [line for line in node.lines if "not written by us" in line] == [node.lines[-1]]
    node.path(NAMES[0]).unlink()
    assert ours.once()
    assert node.is_ready


def test_readiness_ends_with_the_state_that_it_told_of(node: Node) -> None:
    ours = node.agent()
    ours.once()
    (node.folder / "ca.crt").write_text("no certificate")
    assert not ours.once()
    assert not node.is_ready
    (node.folder / "ca.crt").unlink()
    assert not ours.once()
    assert "The CA of default/docker-registry is not there" in node.lines[-1]


def test_without_a_ca_nothing_that_is_there_goes(node: Node, authority: Authority) -> None:
    node.agent().once()
    (node.folder / "ca.crt").unlink()
    node.agent().once()
    assert node.right(authority.pem)


def test_absent_takes_away_all_of_ours_and_nothing_else(node: Node) -> None:
    node.agent().once()
    (node.folder / "ca.crt").unlink()
    assert node.agent(state="absent").once()
    assert sorted(path.name for path in (node.root / "etc/docker/certs.d").iterdir()) == ["other.example:5000"]
    assert node.foreign_stays()
    assert not (node.root / MANIFEST).exists()
    assert node.lines[-1] == "Nothing of default/docker-registry is left here."


def test_an_idle_agent_leaves_files_and_record_whatever_the_ca_has_become(
    node: Node, authority: Authority, stranger: Authority
) -> None:
    """Else the last round of one that goes would put an old CA over what a rotation has placed."""
    node.agent().once()
    record = (node.root / MANIFEST).read_bytes()
    node.path(NAMES[1]).unlink()
    (node.folder / "ca.crt").write_bytes(stranger.pem)
    (node.folder / "ready").unlink()
    assert node.agent(state="idle").once()
    assert node.is_ready
    assert node.path(NAMES[0]).read_bytes() == authority.pem
    assert not node.path(NAMES[1]).exists()
    assert (node.root / MANIFEST).read_bytes() == record
    assert node.lines[-1] == "The files of default/docker-registry are left as they are from now on."


def placed_by_ansible(node: Node, *others: str) -> None:
    """Record, and write, what registry_trust has placed for other engines and for a client's certificate."""
    tree = files.Tree(str(node.root))
    records = manifest.Records(tree, REGISTRY)
    found = records.load()
    for path in others:
        (node.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (node.root / path[1:]).write_text(path)
        found.files[path] = manifest.Entry(files.sha256(path.encode()), [], True)
    records.save(found)


ELSEWHERE = ("/etc/containers/certs.d/a.example/ca.crt", "/usr/local/share/ca-certificates/okd-registry.crt")
CLIENT = f"/etc/docker/certs.d/{NAMES[0]}/client.cert"


def test_what_registry_trust_has_placed_for_others_is_left_and_stays_recorded(node: Node) -> None:
    node.agent().once()
    placed_by_ansible(node, *ELSEWHERE, CLIENT)
    assert node.agent().once()
    assert node.agent(state="absent").once()
    assert all((node.root / path[1:]).exists() for path in ELSEWHERE)
    assert not (node.root / CLIENT[1:]).exists()
    assert sorted(json.loads((node.root / MANIFEST).read_text())["files"]) == sorted(ELSEWHERE)


def test_a_name_that_the_registry_has_no_more_goes_and_a_client_s_certificate_is_left(node: Node) -> None:
    node.agent().once()
    placed_by_ansible(node, CLIENT)
    assert node.agent(endpoints=NAMES[1:]).once()
    assert not node.path(NAMES[0]).exists()
    assert (node.root / CLIENT[1:]).exists()
    assert CLIENT in json.loads((node.root / MANIFEST).read_text())["files"]


def test_other_engines_directories_are_served_where_they_are_asked_for(node: Node, authority: Authority) -> None:
    roots = ["/etc/containers/certs.d", "/etc/containerd/certs.d"]
    for root in roots:
        (node.root / root[1:]).mkdir(parents=True)
    (node.root / "etc/containerd/certs.d/172.30.124.220_5000_").mkdir()
    assert node.agent(directories=roots).once()
    assert (node.root / "etc/containerd/certs.d/172.30.124.220_5000_/ca.crt").read_bytes() == authority.pem
    assert all((node.root / roots[0][1:] / name / "ca.crt").read_bytes() == authority.pem for name in NAMES)
    assert not node.path(NAMES[0]).exists()


@pytest.fixture
def pod(node: Node) -> Iterator[subprocess.Popen[str]]:
    """The agent as its pod runs it."""
    package = node.folder / "code/_node"
    package.mkdir(parents=True)
    for name, text in _agentcode.read().items():
        (package / name).write_text(text)
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(package.parent), agent.VARIABLE: json.dumps(node.settings()),
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-B", "-u", "-m", "_node.agent"], env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


def until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_packed_files_are_all_that_it_takes(node: Node, authority: Authority, pod: subprocess.Popen[str]) -> None:
    until(lambda: node.is_ready)
    assert node.right(authority.pem)
    node.path(NAMES[0]).unlink()
    until(lambda: node.path(NAMES[0]).exists())
    assert (node.root / "var/lib/okd-registry").stat().st_mode & 0o777 == 0o700
    pod.send_signal(signal.SIGTERM)
    assert pod.wait(timeout=10) == 0


def test_what_is_packed_is_what_the_agent_imports_and_no_more() -> None:
    texts = {
        "": "",
        "agent": "from . import a, b as c\nfrom .d import e\nimport json\n",
        "a": "def f():\n from . import b",
    }
    assert list(_agentcode.read(lambda name: texts.get(name, ""))) == [
        "__init__.py",
        "a.py",
        "agent.py",
        "b.py",
        "d.py",
    ]
    packed = _agentcode.read()
    assert "agent.py" in packed
    assert "trust_plan.py" in packed
    assert not {"check.py", "trust.py", "runtime.py", "tls.py"} & set(packed)
    assert sum(map(len, packed.values())) < 400_000

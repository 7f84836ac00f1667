# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another host for a registry that is used all the time, where things go wrong: kill -9, hosts that do not reach it.

One chain, from a registry at its old host to one at the new host alone. Every run is killed a little later than the one
before, so that each step is hit while it does its work for the first time. Two nodes have an agent; node3 is a client.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import killing
import outside
import pytest
import sandbox
import traffic
import trusting
from outside import CLIENT, NEW, NODES, OLD, directories, ok, unchanged

BOOK = "change_route_host.yml"
SEED = int(os.environ.get("OKD_REGISTRY_KILL_SEED", "20260101"))
# Each kill is a run of the whole playbook: every second one, unless all are asked for.
EVERY = 1 if os.environ.get("OKD_REGISTRY_KILL_ALL") else 2
REMEMBERED = 6.0  # seconds: docker's resolver reads /etc/hosts again after 5
LABEL = {"test/agent": "yes"}
AGENT = {
    "registry_trust_agent_image": "sandbox/python:3",
    "registry_trust_agent_interval": 2,
    "registry_trust_agent_node_selector": LABEL,
}
# Nothing is touched before these; the preflight, which is not of this tag, writes nothing.
CHANGE = ("--tags", "change_host")
# The tasks or plays, one after another, at the last of which a run is killed; seconds within which that happens.
Steps = dict[tuple[str, ...], float]
TO_BOTH: Steps = {
    ("Certify every name of the registry",): 1.5,
    # In the middle of the rollout: pods with the old certificate and with the new one.
    ("Deploy the registry, already on TLS",): 8.0,
    ("Have an agent on every node",): 6.0,
    ("Place the CA for every name",): 1.5,
    ("Place the CA for every host",): 1.0,
    ("PLAY [Expose the new host]", "Expose the registry"): 1.0,
}
# The proof before these writes nothing. When the old Route is gone, the rest follows in the order of the first steps.
TO_THE_NEW: Steps = {
    ("Take the Routes of the hosts of before", "Certify every name of the registry"): 0.2,
    ("Certify every name of the registry",): 1.5,
    ("Deploy the registry, already on TLS",): 8.0,
    ("Have an agent on every node",): 6.0,
    ("Place the CA for every name",): 1.5,
    ("Place the CA for every host",): 0.5,
}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return outside.inventory(tmp_path_factory.mktemp("change") / "hosts.yml", **AGENT)


@pytest.fixture(scope="module")
def play(inventory: Path) -> outside.Play:
    return outside.player(inventory)


@pytest.fixture(scope="module")
def registry(play: outside.Play) -> dict[str, float]:
    """A registry at its old host that everybody trusts; gives when docker was started, host by host."""
    image = (Path(__file__).parent / "python-image").read_text(encoding="utf-8")
    for node in NODES:
        sandbox.on(node, "sh -s", stdin=image)
        sandbox.kubectl("label", "node", node, *(f"{key}={value}" for key, value in LABEL.items()))
    ok(play("deploy.yml"))
    ok(play("expose.yml"))
    ok(play("trust.yml", registry_trust_remove_insecure=False))
    ok(play("trust_clients.yml"))
    return {host: sandbox.docker_start(host) for host in sandbox.NODES}


@pytest.fixture(scope="module")
def used(registry: dict[str, float]) -> dict[str, float]:
    """The same, with clients of it that pull and push by both hosts, from the first change on."""
    traffic.start((OLD, NEW))
    return registry


@pytest.fixture(scope="module")
def shut() -> list[tuple[str, float, float]]:
    """Which host did not reach the new one, and from when to when."""
    return []


@contextmanager
def shut_out(hosts: tuple[str, ...], shut: list[tuple[str, float, float]]) -> Iterator[None]:
    """Hosts whose own /etc/hosts leads the new name to where nothing listens."""
    began = time.time()
    for host in hosts:
        sandbox.on(host, f"cp /etc/hosts /tmp/hosts; echo 127.0.0.1 {NEW} >> /etc/hosts")
    try:
        yield
    finally:
        for host in hosts:
            sandbox.on(host, "cat /tmp/hosts > /etc/hosts; rm /tmp/hosts")
        shut += [(host, began, time.time() + REMEMBERED) for host in hosts]


def both_stay() -> None:
    """All that the old host needs is there: Route, name in what is served, trust."""
    assert outside.route(OLD)
    for host in sandbox.NODES:
        assert OLD in directories(host), host
        ca = f"{outside.CERTS}/{OLD}/ca.crt"
        answer = f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' --cacert {ca} https://{OLD}/v2/"
        assert sandbox.on(host, answer).stdout == "401", host


def kill(inventory: Path, step: tuple[str, ...], within: float, **said: Any) -> None:
    delay = random.Random(f"{SEED} {step}").uniform(0, within)
    variables = json.dumps({"registry_route_host": NEW, **said})
    assert killing.killed_at(
        step, delay, BOOK, *CHANGE, "-e", variables, inventory=inventory, **killing.SOON
    ), f"it did not come to {step!r}"  # fmt: skip


# ---- before the first change -----------------------------------------------------------------------------------------


def test_a_check_run_tells_what_will_be_and_writes_nothing(registry: dict[str, float], play: outside.Play) -> None:
    before, since = sandbox.node_files(), sandbox.rfc3339(time.time())
    planned = ok(play(BOOK, "--check", "--diff", registry_route_host=NEW))
    assert sandbox.writes(since) == []
    assert sandbox.node_files() == before
    told = planned.output
    for host in sandbox.NODES:
        assert planned.recap[host]["changed"] == 1, "said once, though two steps look at it"
        assert f"{outside.CERTS}/{NEW}/ca.crt" in told
    assert f"host: {NEW}" in told
    assert f"No longer as {OLD}" in told
    assert outside.route(OLD)


def test_an_agent_that_would_not_be_told_of_the_new_host_is_named_before_anything_changes(
    registry: dict[str, float], tmp_path: Path
) -> None:
    since = sandbox.rfc3339(time.time())
    without = outside.player(outside.inventory(tmp_path / "hosts.yml"))
    ended = without(BOOK, *CHANGE, registry_route_host=NEW)
    assert ended.code != 0
    assert "Name the image in registry_trust_agent_image" in trusting.text(ended.output)
    assert sandbox.writes(since) == []


# ---- to both hosts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [*TO_BOTH][EVERY - 1 :: EVERY])
def test_a_run_that_is_killed_before_there_is_a_new_route_leaves_the_old_host(
    used: dict[str, float], inventory: Path, step: tuple[str, ...]
) -> None:
    kill(inventory, step, TO_BOTH[step])
    both_stay()


def test_hosts_that_do_not_reach_the_new_one_keep_the_old_one_and_are_named(
    used: dict[str, float], play: outside.Play, shut: list[tuple[str, float, float]]
) -> None:
    with shut_out(("node2", CLIENT), shut):
        ended = play(BOOK, *CHANGE, registry_route_host=NEW, registry_trust_timeout=1)
    assert ended.code != 0
    stops = "The change of the host stops before the old Route is taken away"
    told = next(line for line in ended.output.splitlines() if stops in line)
    assert "1 of 2 nodes and 1 of 1 clients do not reach the registry by the new host" in told
    for host in ("node2", CLIENT):
        assert f"{host}: failed: " in told
    assert f"{NEW}: " in told
    assert "node1: " not in told
    assert "The old host stays as it is" in told
    assert "run this playbook again" in told
    both_stay()
    assert outside.route(NEW)


# ---- to the new one alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [*TO_THE_NEW][::EVERY])
def test_a_run_that_is_killed_later_leaves_the_new_host(
    used: dict[str, float], inventory: Path, step: tuple[str, ...]
) -> None:
    kill(inventory, step, TO_THE_NEW[step])
    assert outside.route(NEW)


def test_run_again_it_finishes_and_then_changes_nothing(used: dict[str, float], play: outside.Play) -> None:
    ok(play(BOOK, registry_route_host=NEW))
    (left,) = sandbox.objects("routes", "-n", "default")
    assert left["spec"]["host"] == NEW
    pods = {pod["metadata"]["uid"] for pod in sandbox.pods("-n", "default")}
    since = sandbox.rfc3339(time.time())
    unchanged(play(BOOK, registry_route_host=NEW))
    assert sandbox.writes(since) == []
    assert {pod["metadata"]["uid"] for pod in sandbox.pods("-n", "default")} == pods
    assert {host: sandbox.docker_start(host) for host in sandbox.NODES} == used


def test_nobody_was_turned_away_by_the_old_host_until_it_went_and_by_the_new_one_from_its_admission_on(
    used: dict[str, float], shut: list[tuple[str, float, float]]
) -> None:
    found = traffic.stop()
    admitted, gone = outside.admitted(NEW), outside.gone("docker-registry")

    def in_vain(a: traffic.Attempt) -> bool:
        return any(a.node == host and a.began < to and a.began + a.seconds > since for host, since, to in shut)

    old = [a for a in found if a.endpoint == OLD and a.began + a.seconds < gone]
    # The time of the admission is told in whole seconds.
    new = [a for a in found if a.endpoint == NEW and a.began > admitted + 1 and not in_vain(a)]
    assert traffic.failures([*old, *new]) == []
    for host in sandbox.NODES:
        assert min(sum(a.node == host for a in some) for some in (old, new)) >= 10
    assert any(not a.ok for a in found if a.endpoint == OLD and a.began > gone + 1)


def test_the_agent_has_followed(used: dict[str, float]) -> None:
    for host in sandbox.NODES:
        assert NEW in directories(host)
        assert OLD not in directories(host)
    sandbox.on(NODES[0], f"rm -r {outside.CERTS}/{NEW}")
    end = time.monotonic() + 20
    while NEW not in directories(NODES[0]):
        assert time.monotonic() < end, "the agent does not put it back"
        time.sleep(0.5)
    assert OLD not in directories(NODES[0])

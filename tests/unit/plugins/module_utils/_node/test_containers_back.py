# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ran before a restart of docker and is to run after it does, or the restart counts as failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RestartError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Make

SITE = {"Id": "abc", "Names": ["/site"], "Labels": {}, "State": "running"}
FAILED = {"Status": "exited", "ExitCode": 128, "Error": "port is already allocated"}
DONE = {"Status": "exited", "ExitCode": 0}
POD = {"io.kubernetes.pod.uid": "1", "io.kubernetes.container.name": "web"}


def lost(node: FakeNode, state: dict[str, Any] | None, policy: str = "always", **more: Any) -> FakeNode:
    """Have a container of this policy not run any more once docker was restarted."""
    node._save(containers=[{**SITE, **more}], policies={"abc": policy}, lost={"abc": state})
    return node


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
@pytest.mark.parametrize(
    ("state", "said"),
    [
        (FAILED, r"site \(exited, exit code 128: port is already allocated\)"),
        (DONE, r"site \(exited, exit code 0\)"),
        (None, r"site \(is there no more\)"),
    ],
    ids=["failed", "ended", "gone"],
)
def test_one_that_docker_is_to_start_and_does_not_has_all_put_back(
    make: Make, policy: str, state: dict[str, Any] | None, said: str
) -> None:
    node = lost(make(), state, policy)
    before = node.tree()
    with pytest.raises(
        RestartError, match=f"is to: {said}. The files are as they were before, and docker runs on them"
    ):
        node.call(remove_insecure=True)
    certs = {path for path in node.tree() if "certs.d" in path}
    assert {path: raw for path, raw in node.tree().items() if path not in certs or path in before} == before
    assert (node.state["restarts"], node.state["arguments"] == node.arguments()) == (2, True)


def test_docker_is_well_all_the_same_and_the_next_run_goes_by_what_runs_then(make: Make) -> None:
    node = lost(make(), FAILED)
    job = node.job(remove_insecure=True)
    with pytest.raises(RestartError):
        job.run()
    assert not job.result["unhealthy"]
    done = node.call(remove_insecure=True)
    assert (done["restarted"], node.state["restarts"]) == (True, 3)


def test_one_that_comes_back_with_docker_as_it_was_is_not_missed_then(make: Make) -> None:
    node = lost(make(), FAILED)
    job = node.job(remove_insecure=True)
    missing = job._engine.running
    job._engine.running = lambda: [SITE] if node.state["restarts"] == 2 else missing()
    with pytest.raises(RestartError, match=r"docker runs on them again\.(?!.*but)"):
        job.run()


@pytest.mark.parametrize("policy", ["", "no", "on-failure"])
def test_one_that_nobody_is_to_start_is_none_of_ours(make: Make, policy: str) -> None:
    assert lost(make(), FAILED, policy).call(remove_insecure=True)["restarted"]


def test_one_that_did_not_run_before_is_not_missed(make: Make) -> None:
    assert lost(make(), FAILED, State="paused").call(remove_insecure=True)["restarted"]


def test_one_of_that_name_in_its_place_is_as_good(make: Make) -> None:
    node = lost(make(), None)
    node._save(containers=[SITE, {**SITE, "Id": "def"}])
    assert node.call(remove_insecure=True)["restarted"]


@pytest.mark.parametrize("policy", ["no", "always"])
def test_with_live_restore_every_container_is_to_go_on(make: Make, policy: str) -> None:
    node = lost(make(), FAILED, policy)
    node._save(live_restore=True)
    with pytest.raises(RestartError, match="port is already allocated"):
        node.call(remove_insecure=True)


@pytest.mark.parametrize("state", [DONE, None], ids=["ended", "removed"])
def test_with_live_restore_one_without_a_policy_may_come_to_its_end(make: Make, state: dict[str, Any] | None) -> None:
    node = lost(make(), state, "no")
    node._save(live_restore=True)
    assert node.call(remove_insecure=True)["restarted"]


@pytest.mark.parametrize(
    "more",
    [
        {"Labels": POD},
        {"Labels": {**POD, "io.kubernetes.docker.type": "podsandbox"}},
        {"Names": ["/k8s_POD_web-1_shop_1_0"]},
    ],
    ids=["container", "sandbox", "old kubelet"],
)
def test_a_pods_containers_are_the_kubelets_business(make: Make, more: dict[str, Any]) -> None:
    node = lost(make(), FAILED, "always", **more)
    node._save(live_restore=True)
    assert node.call(remove_insecure=True)["restarted"]

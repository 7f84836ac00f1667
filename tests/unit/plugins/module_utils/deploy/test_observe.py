# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at recorded rollouts through the client: what is asked for, and how often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _observe
from ansible_collections.okd.registry.plugins.module_utils._errors import WaitError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from memory_cluster import MemoryCluster

FIXTURES = Path(__file__).parents[3] / "fixtures" / "rollout"


def recorded(name):
    """A cluster with a recorded rollout, and the workload's reference."""
    objects = json.loads((FIXTURES / f"{name}.json").read_text())
    cluster = MemoryCluster()
    for key in ("workload", "controller"):
        if objects[key]:
            cluster.put(objects[key])
    for pod in objects["pods"]:
        cluster.put({**pod, "apiVersion": "v1", "kind": "Pod"})
    for number, event in enumerate(objects["events"]):
        about = event["involvedObject"]
        meta = {"name": f"{about['name']}.{number}", "namespace": about["namespace"]}
        cluster.put({**event, "apiVersion": "v1", "kind": "Event", "metadata": meta})
    return cluster, ObjectRef.of(objects["workload"])


def asked(cluster):
    return [path.rsplit("/namespaces/", 1)[1].split("/")[1] for _method, path in cluster.requests]


class Clock:
    def __init__(self):
        self.now, self.naps = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


def test_a_finished_rollout_costs_three_reads():
    cluster, ref = recorded("fine")
    assert _observe.look(cluster.api(), ref).done
    assert asked(cluster) == ["deploymentconfigs", "replicationcontrollers", "pods"]


@pytest.mark.parametrize(
    ("name", "stuck", "about"),
    [
        ("image", "image", ["image-1-9h6nm"]),
        ("mount", "mount", ["mount-1-ct6wq"]),
        ("scc", "refused", ["privileged-1"]),
    ],
)
def test_events_are_asked_for_where_something_is_in_the_way(name, stuck, about):
    cluster, ref = recorded(name)
    assert _observe.look(cluster.api(), ref).stuck == stuck
    assert asked(cluster)[3:] == ["events"]


def test_a_deployment_finds_its_replica_set():
    cluster, ref = recorded("deployment-quota")
    state = _observe.look(cluster.api(), ref)
    assert state.revision.startswith("docker-registry-")
    assert "exceeded quota" in state.reason


def test_the_log_of_a_crash_is_read():
    cluster, ref = recorded("crash")
    pod = next(o["metadata"]["name"] for o in cluster.objects.values() if o["kind"] == "Pod")
    cluster.logs[pod] = "configuration error: invalid log level\nUsage:\n"
    assert _observe.look(cluster.api(), ref).reason.endswith("its last words: configuration error: invalid log level")


@pytest.mark.parametrize("gone", ["", "unable to retrieve container logs for docker://e69dcb82"])
def test_a_container_that_has_just_begun_anew_has_said_nothing_yet(gone):
    cluster, ref = recorded("crash")
    pod = next(o["metadata"]["name"] for o in cluster.objects.values() if o["kind"] == "Pod")
    cluster.logs.update({pod: gone, f"{pod} before": "configuration error: invalid log level\n"})
    assert _observe.look(cluster.api(), ref).reason.endswith("its last words: configuration error: invalid log level")


def test_a_log_that_is_gone_is_not_quoted():
    cluster, ref = recorded("crash")
    pod = next(o["metadata"]["name"] for o in cluster.objects.values() if o["kind"] == "Pod")
    cluster.logs[pod] = "unable to retrieve container logs for docker://e69dcb82"
    assert "unable to retrieve" not in _observe.look(cluster.api(), ref).reason


def test_nothing_there():
    cluster, ref = recorded("fine")
    cluster.objects.clear()
    with pytest.raises(WaitError, match="does not exist, so there is no rollout") as caught:
        _observe.look(cluster.api(), ref)
    assert caught.value.details == {"gone": True}
    with pytest.raises(WaitError, match="no DeploymentConfig, Deployment or DaemonSet a/b"):
        _observe.locate(cluster.api(), "auto", "b", "a")


def test_auto_finds_what_is_there():
    cluster, ref = recorded("deployment-quota")
    assert _observe.locate(cluster.api(), "auto", ref.name, ref.namespace) == ref
    assert _observe.locate(cluster.api(), "Deployment", ref.name, ref.namespace) == ref


class TestWatch:
    def test_the_first_look_is_the_answer_without_seen(self):
        cluster, ref = recorded("image")
        clock = Clock()
        _observe.watch(cluster.api(), ref, seconds=60, clock=clock, sleep=clock.sleep)
        assert clock.naps == []

    def test_waits_while_nothing_changes_but_no_longer(self):
        cluster, ref = recorded("image")
        api, clock = cluster.api(), Clock()
        seen = _observe.look(api, ref).line
        _observe.watch(api, ref, seconds=10, seen=seen, clock=clock, sleep=clock.sleep)
        assert clock.now == pytest.approx(10)
        assert clock.naps == sorted(clock.naps[:-1]) + clock.naps[-1:]

    def test_ends_with_the_change(self):
        cluster, ref = recorded("image")
        api, clock = cluster.api(), Clock()
        seen = _observe.look(api, ref).line

        def sleep(seconds):
            clock.sleep(seconds)
            for key in [k for k, o in cluster.objects.items() if o["kind"] == "Pod"]:
                del cluster.objects[key]

        assert _observe.watch(api, ref, seconds=60, seen=seen, clock=clock, sleep=sleep).line != seen
        assert clock.now < 1

    def test_its_requests_count_as_waiting(self):
        cluster, ref = recorded("fine")
        api = cluster.api()
        _observe.watch(api, ref, seconds=0)
        assert (api.counts()["get"], api.counts()["waiting"]) == (0, 3)

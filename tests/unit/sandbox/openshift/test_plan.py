# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner against a cluster in memory: rollouts, failures, supersession, history, restarts."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standins.deploymentconfigs.plan import Delete, Update
from standins_cluster import Cluster, make_dc

RECREATE = {"type": "Recreate", "activeDeadlineSeconds": 21600, "recreateParams": {"timeoutSeconds": 600}}


def rolled_out(replicas: int = 1, **spec: Any) -> Cluster:
    cluster = Cluster(make_dc(replicas, **spec))
    cluster.settle(10)
    assert cluster.phase(1) == "Complete"
    cluster.told.clear()
    return cluster


def test_the_first_rollout() -> None:
    cluster = Cluster(make_dc())
    cluster.settle()
    assert cluster.told == ["create docker-registry-1", "Running docker-registry-1", "scale docker-registry-1 1"]
    assert cluster.status["latestVersion"] == 1
    assert cluster.status["details"] == {"message": "config change", "causes": [{"type": "ConfigChange"}]}
    assert cluster.condition("Available")["status"] == "False"
    progressing = cluster.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("True", "ReplicationControllerUpdated")

    cluster.settle(5)
    assert cluster.phase(1) == "Complete"
    assert cluster.condition("Available")["status"] == "True"
    progressing = cluster.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicationControllerAvailable")
    assert progressing["message"] == 'replication controller "docker-registry-1" successfully rolled out'
    counts = {
        key: cluster.status[key]
        for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    }
    assert counts == {
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "unavailableReplicas": 0,
    }
    assert cluster.status["observedGeneration"] == 1
    assert cluster.status["labelSelector"] == "docker-registry=default"


def test_creating_a_version_is_told_with_openshifts_reason() -> None:
    cluster = Cluster(make_dc())
    while not cluster.rcs:
        cluster.step()
    progressing = cluster.condition("Progressing")
    assert progressing["reason"] == "NewReplicationControllerCreated"
    assert progressing["message"] == 'Created new replication controller "docker-registry-1" for version 1'


def test_a_version_is_named_and_marked_as_openshift_does() -> None:
    cluster = rolled_out()
    rc = cluster.rcs["docker-registry-1"]
    notes = rc["metadata"]["annotations"]
    assert rc["metadata"]["labels"]["openshift.io/deployment-config.name"] == "docker-registry"
    assert notes["openshift.io/deployment-config.latest-version"] == "1"
    assert notes["openshift.io/deployment.status-reason"] == "config change"
    assert rc["spec"]["selector"] == {
        "docker-registry": "default",
        "deployment": "docker-registry-1",
        "deploymentconfig": "docker-registry",
    }
    pod = rc["spec"]["template"]["metadata"]
    assert rc["spec"]["selector"].items() <= pod["labels"].items()
    assert pod["annotations"]["openshift.io/deployment.name"] == "docker-registry-1"
    owner = rc["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["controller"], owner["uid"]) == ("DeploymentConfig", True, "uid-docker-registry")


def test_a_change_of_the_template_rolls_over_without_a_gap() -> None:
    cluster = rolled_out()
    cluster.watch_availability()
    cluster.new_image("registry:2")
    cluster.settle(10)
    assert cluster.phase(2) == "Complete"
    assert cluster.replicas() == {"docker-registry-2": 1}
    assert cluster.least_available == 1
    assert cluster.most_pods == 2


def test_other_changes_of_the_spec_make_no_version() -> None:
    cluster = rolled_out()
    cluster.change(replicas=3)
    cluster.settle(5)
    assert cluster.told == ["scale docker-registry-1 3"]
    assert cluster.status["observedGeneration"] == 2
    assert cluster.status["availableReplicas"] == 3


def test_nothing_to_do_is_said_by_an_empty_plan() -> None:
    cluster = rolled_out()
    before = copy.deepcopy(cluster.dc)
    cluster.settle(30)
    assert cluster.told == []
    assert cluster.dc == before


def test_the_plan_changes_nothing_it_reads() -> None:
    cluster = Cluster(make_dc())
    for _ in range(8):
        dc, rcs = copy.deepcopy(cluster.dc), copy.deepcopy(cluster.rcs)
        decided = cluster.decide()
        assert (cluster.dc, cluster.rcs) == (dc, rcs)
        for action in decided.actions:
            cluster.do(action)
        cluster.run_controllers()


def test_without_config_change_trigger_only_an_asked_version_is_made() -> None:
    cluster = Cluster(make_dc(triggers=[]))
    cluster.settle(5)
    assert cluster.told == []
    assert cluster.status["observedGeneration"] == 1
    cluster.dc["status"]["latestVersion"] = 1
    cluster.settle(5)
    assert cluster.phase(1) == "Complete"
    assert cluster.status["details"]["causes"] == [{"type": "Manual"}]
    cluster.told.clear()
    cluster.new_image("registry:2")
    cluster.settle(5)
    assert cluster.told == []


def test_latest_version_written_into_the_status_rolls_out_the_same_template_anew() -> None:
    cluster = rolled_out()
    cluster.dc["status"]["latestVersion"] = 2
    cluster.settle(10)
    assert cluster.phase(2) == "Complete"
    assert cluster.status["details"] == {"message": "manual change", "causes": [{"type": "Manual"}]}
    notes = cluster.rcs["docker-registry-2"]["metadata"]["annotations"]
    assert notes["openshift.io/deployment.status-reason"] == "manual change"


def test_paused_starts_nothing_and_resumes() -> None:
    cluster = rolled_out()
    cluster.change(paused=True)
    cluster.new_image("registry:2")
    cluster.settle(5)
    assert cluster.told == []
    assert cluster.status["observedGeneration"] == 3
    cluster.change(paused=False)
    cluster.settle(10)
    assert cluster.phase(2) == "Complete"


def test_a_rollout_under_way_goes_on_when_paused() -> None:
    cluster = rolled_out()
    cluster.new_image("registry:2")
    cluster.settle()
    assert cluster.phase(2) == "Running"
    cluster.change(paused=True)
    cluster.settle(10)
    assert cluster.phase(2) == "Complete"


def test_a_failed_rollout_keeps_the_old_version() -> None:
    cluster = rolled_out(2)
    cluster.watch_availability()
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle(595, tick=5)
    assert cluster.phase(2) == "Running"
    cluster.settle(10)
    assert cluster.phase(2) == "Failed"
    assert cluster.replicas() == {"docker-registry-1": 2}
    assert cluster.least_available == 2
    progressing = cluster.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"] == 'replication controller "docker-registry-2" has failed progressing'
    assert cluster.condition("Available")["status"] == "True"
    notes = cluster.rcs["docker-registry-2"]["metadata"]["annotations"]
    assert "0 of 2 pods available" in notes["openshift.io/deployment.status-reason"]
    # and the repaired template is a new version
    cluster.ready_after = 1.0
    cluster.new_image("registry:3")
    cluster.settle(10)
    assert cluster.phase(3) == "Complete"


def test_timeout_seconds_of_the_strategy_count() -> None:
    cluster = rolled_out()
    strategy = copy.deepcopy(cluster.dc["spec"]["strategy"])
    strategy["rollingParams"]["timeoutSeconds"] = 7
    cluster.change(strategy=strategy)
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle(6)
    assert cluster.phase(2) == "Running"
    cluster.settle(2)
    assert cluster.phase(2) == "Failed"


def test_progress_puts_the_deadline_off() -> None:
    """Eight pods that take 5 s each batch need longer than the timeout of 7 s, and yet nothing failed."""
    strategy = {
        "type": "Rolling",
        "activeDeadlineSeconds": 21600,
        "rollingParams": {"maxSurge": 1, "maxUnavailable": 0, "timeoutSeconds": 7},
    }
    cluster = rolled_out(4, strategy=strategy)
    cluster.ready_after = 5.0
    cluster.new_image("registry:2")
    cluster.settle(40)
    assert cluster.phase(2) == "Complete"


def test_the_active_deadline_ends_a_rollout_that_still_moves() -> None:
    strategy = {
        "type": "Rolling",
        "activeDeadlineSeconds": 12,
        "rollingParams": {"maxSurge": 1, "maxUnavailable": 0, "timeoutSeconds": 7},
    }
    cluster = rolled_out(4, strategy=strategy)
    cluster.ready_after = 6.0
    cluster.new_image("registry:2")
    cluster.settle(40)
    assert cluster.phase(2) == "Failed"


def test_a_newer_change_supersedes_a_running_rollout() -> None:
    cluster = rolled_out()
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle(2)
    assert cluster.phase(2) == "Running"
    cluster.ready_after = 1.0
    cluster.watch_availability()
    cluster.new_image("registry:3")
    cluster.settle(10)
    assert cluster.phase(2) == "Failed"
    notes = cluster.rcs["docker-registry-2"]["metadata"]["annotations"]
    assert notes["openshift.io/deployment.cancelled"] == "true"
    assert notes["openshift.io/deployment.status-reason"] == "newer deployment was found running"
    assert cluster.phase(3) == "Complete"
    assert cluster.replicas() == {"docker-registry-3": 1}
    assert cluster.least_available == 1
    assert cluster.told.index("Failed docker-registry-2") < cluster.told.index("create docker-registry-3")


def test_a_rollout_cancelled_by_the_user_goes_back() -> None:
    cluster = rolled_out()
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle(2)
    cluster.rcs["docker-registry-2"]["metadata"]["annotations"]["openshift.io/deployment.cancelled"] = "true"
    cluster.settle(2)
    assert cluster.phase(2) == "Failed"
    assert cluster.replicas() == {"docker-registry-1": 1}
    assert cluster.condition("Progressing")["reason"] == "RolloutCancelled"


def test_recreate_never_runs_two_versions_at_once() -> None:
    cluster = rolled_out(2, strategy=RECREATE)
    cluster.terminating_seconds = 3.0
    cluster.watch_availability()
    cluster.new_image("registry:2")
    cluster.settle(15)
    assert cluster.phase(2) == "Complete"
    assert not cluster.overlap
    assert cluster.least_available == 0


def test_a_failed_recreate_goes_back_to_the_old_version() -> None:
    cluster = rolled_out(strategy=RECREATE)
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle(620, tick=5)
    assert cluster.phase(2) == "Failed"
    assert cluster.replicas() == {"docker-registry-1": 1}


def test_a_test_configuration_has_pods_only_while_it_rolls_out() -> None:
    cluster = Cluster(make_dc(2, test=True))
    cluster.settle()
    assert cluster.replicas()
    cluster.settle(10)
    assert cluster.phase(1) == "Complete"
    assert cluster.replicas() == {}


def test_history_is_kept_to_the_limit() -> None:
    cluster = rolled_out(revisionHistoryLimit=2)
    for version in range(2, 7):
        cluster.new_image(f"registry:{version}")
        cluster.settle(10)
    assert sorted(cluster.rcs) == ["docker-registry-4", "docker-registry-5", "docker-registry-6"]


def test_a_version_is_not_deleted_while_it_gives_up_its_pods() -> None:
    cluster = rolled_out(revisionHistoryLimit=1)
    cluster.new_image("registry:2")
    cluster.settle(10)
    cluster.rcs["docker-registry-1"]["spec"]["replicas"] = 1  # somebody scaled it up by hand
    cluster.change(revisionHistoryLimit=0)
    actions = cluster.decide().actions
    assert any(isinstance(action, Update) and action.replicas == 0 for action in actions)
    assert not any(isinstance(action, Delete) for action in actions)
    cluster.settle(5)
    assert sorted(cluster.rcs) == ["docker-registry-2"]


def test_old_numbers_complete_nothing() -> None:
    """The status of a ReplicationController counts only when it is about its present generation."""
    cluster = Cluster(make_dc())
    cluster.settle()
    rc = cluster.rcs["docker-registry-1"]
    rc["status"] = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    assert rc["metadata"]["generation"] == 2
    assert not any(isinstance(action, Update) for action in cluster.decide().actions)
    rc["status"]["observedGeneration"] = 2
    assert any(isinstance(action, Update) for action in cluster.decide().actions)


def test_available_allows_for_the_pods_that_may_be_missing() -> None:
    cluster = rolled_out(4)
    cluster.ready_after = None
    cluster.change(replicas=5)
    cluster.settle(1)
    assert cluster.status["availableReplicas"] == 4
    assert cluster.condition("Available")["status"] == "True"
    cluster.change(replicas=6)
    cluster.settle(1)
    assert cluster.condition("Available")["status"] == "False"


def test_without_a_selector_the_templates_labels_select() -> None:
    dc = make_dc()
    del dc["spec"]["selector"]
    cluster = Cluster(dc)
    cluster.settle(5)
    assert cluster.rcs["docker-registry-1"]["spec"]["selector"]["docker-registry"] == "default"
    assert cluster.status["labelSelector"] == "docker-registry=default"


def test_scaling_to_zero_and_back() -> None:
    cluster = rolled_out()
    cluster.change(replicas=0)
    cluster.settle(5)
    assert cluster.replicas() == {}
    assert cluster.condition("Available")["status"] == "False"
    cluster.new_image("registry:2")
    cluster.settle(5)
    assert cluster.phase(2) == "Complete"
    cluster.change(replicas=1)
    cluster.settle(5)
    assert cluster.replicas() == {"docker-registry-2": 1}


def test_a_configuration_made_again_adopts_its_old_versions() -> None:
    cluster = rolled_out()
    cluster.new_image("registry:2")
    cluster.settle(10)
    again = make_dc(template=copy.deepcopy(cluster.dc["spec"]["template"]))
    again["metadata"]["uid"] = "another"
    cluster.dc = again
    for rc in cluster.rcs.values():
        del rc["metadata"]["ownerReferences"]
    cluster.told.clear()
    cluster.settle(10)
    assert cluster.told == ["adopt docker-registry-1", "adopt docker-registry-2"]
    assert cluster.status["latestVersion"] == 2
    assert cluster.replicas() == {"docker-registry-2": 1}


def test_what_another_owner_holds_is_left_alone() -> None:
    cluster = rolled_out()
    foreign = copy.deepcopy(cluster.rcs["docker-registry-1"])
    foreign["metadata"]["name"] = "docker-registry-7"
    foreign["metadata"]["annotations"]["openshift.io/deployment-config.latest-version"] = "7"
    foreign["metadata"]["ownerReferences"][0]["uid"] = "somebody"
    cluster.rcs["docker-registry-7"] = foreign
    cluster.settle(5)
    assert cluster.told == []
    assert cluster.status["latestVersion"] == 1


def test_no_image_no_rollout() -> None:
    dc = make_dc()
    dc["spec"]["template"]["spec"]["containers"][0]["image"] = " "
    cluster = Cluster(dc)
    cluster.settle(5)
    assert cluster.told == []
    cluster.new_image("registry:1")
    cluster.settle(5)
    assert cluster.phase(1) == "Complete"


def test_an_image_trigger_waits_for_its_first_image() -> None:
    trigger: dict[str, Any] = {
        "type": "ImageChange",
        "imageChangeParams": {
            "automatic": True,
            "containerNames": ["registry"],
            "from": {"kind": "ImageStreamTag", "name": "r:1"},
        },
    }
    cluster = Cluster(make_dc(triggers=[trigger, {"type": "ConfigChange"}]))
    cluster.settle(5)
    assert cluster.told == []
    known = copy.deepcopy(trigger)
    known["imageChangeParams"]["lastTriggeredImage"] = "registry@sha256:1"
    cluster.change(triggers=[known, {"type": "ConfigChange"}])
    cluster.settle(5)
    assert cluster.phase(1) == "Complete"


def test_a_configuration_that_goes_is_left_to_the_garbage_collector() -> None:
    cluster = rolled_out()
    cluster.dc["metadata"]["deletionTimestamp"] = cluster.clock()
    cluster.new_image("registry:2")
    cluster.settle(5)
    assert cluster.told == []


def test_observed_generation_stays_behind_while_a_rollout_runs() -> None:
    """As in OpenShift: whoever waits for it waits for the end of the rollout too."""
    cluster = rolled_out()
    cluster.ready_after = 5.0
    cluster.new_image("registry:2")
    cluster.settle(1)
    seen = cluster.status["observedGeneration"]
    cluster.change(replicas=2)
    cluster.settle(1)
    assert cluster.status["observedGeneration"] == seen
    cluster.settle(20)
    assert cluster.status["observedGeneration"] == cluster.dc["metadata"]["generation"]
    assert cluster.replicas() == {"docker-registry-2": 2}


SHARES = st.one_of(st.integers(0, 5), st.integers(0, 99).map(lambda n: f"{n}%"))


@given(
    replicas=st.integers(1, 9),
    surge=SHARES,
    unavailable=st.one_of(st.just(0), st.integers(0, 99).map(lambda n: f"{n}%")),
    ready_after=st.sampled_from([0.0, 0.5, 2.0, 4.0]),
    terminating=st.sampled_from([0.0, 2.0]),
    broken=st.booleans(),
)
def test_rolling_never_leaves_clients_without_a_pod(
    replicas: int, surge: int | str, unavailable: int | str, ready_after: float, terminating: float, broken: bool
) -> None:
    """With less than all pods allowed to be unavailable one always serves, whether the new version works or not."""
    strategy = {
        "type": "Rolling",
        "activeDeadlineSeconds": 21600,
        "rollingParams": {"maxSurge": surge, "maxUnavailable": unavailable, "timeoutSeconds": 10},
    }
    cluster = rolled_out(replicas, strategy=strategy)
    cluster.terminating_seconds = terminating
    cluster.ready_after = None if broken else ready_after
    cluster.watch_availability()
    cluster.new_image("registry:2")
    cluster.settle(60, tick=1)
    # No room to move still means one pod at a time: with one replica that is all there is, and (as in OpenShift)
    # a rollout that may do without any available pod does not wait for one.
    no_room = surge in {0, "0%"} and replicas == 1
    assert cluster.least_available is not None
    assert cluster.least_available >= (0 if no_room else 1)
    failed = broken and not no_room
    assert cluster.phase(2) == ("Failed" if failed else "Complete")
    assert cluster.replicas() == {f"docker-registry-{1 if failed else 2}": replicas}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["image", "scale", "break", "heal", "pause", "resume", "wait", "manual"]), st.integers(0, 8)
    ),
    max_size=12,
)


@given(events=EVENTS, strategy=st.sampled_from(["Rolling", "Recreate"]))
def test_whatever_happens_it_converges_and_then_rests(events: list[tuple[str, int]], strategy: str) -> None:
    """Any history ends, once all is well again, with the newest version complete and an empty plan."""
    dc = make_dc(2)
    if strategy == "Recreate":
        dc["spec"]["strategy"] = copy.deepcopy(RECREATE)
    cluster = Cluster(dc)
    for number, (what, amount) in enumerate(events):
        if what == "image":
            cluster.new_image(f"registry:{number}")
        elif what == "scale":
            cluster.change(replicas=amount % 4)
        elif what in {"break", "heal"}:
            cluster.ready_after = None if what == "break" else 1.0
        elif what in {"pause", "resume"}:
            cluster.change(paused=what == "pause")
        elif what == "manual" and cluster.status.get("latestVersion"):
            cluster.dc["status"]["latestVersion"] += 1
        cluster.settle(amount, tick=1)
    cluster.ready_after = 1.0
    cluster.change(paused=False, replicas=2)
    cluster.new_image("registry:last")
    cluster.settle(20, tick=1)
    latest = cluster.status["latestVersion"]
    assert cluster.phase(latest) == "Complete"
    assert cluster.replicas() == {f"docker-registry-{latest}": 2}
    assert cluster.condition("Available")["status"] == "True"
    assert cluster.decide().actions == ()


def test_the_plan_says_when_to_look_again() -> None:
    cluster = rolled_out()
    cluster.ready_after = None
    cluster.new_image("registry:broken")
    cluster.settle()
    again = cluster.decide().look_again
    assert again == pytest.approx(600, abs=1)
    cluster.now += timedelta(seconds=again or 0)
    assert cluster.step()
    assert cluster.phase(2) == "Failed"

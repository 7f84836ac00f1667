# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout is and why it goes no further."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _podstate, _wait

FIXTURES = Path(__file__).parents[2] / "fixtures" / "rollout"
LABELS = {"docker-registry": "default"}
POD = "docker-registry-1-x8k2p"


def config(*, version=1, seen=1, generation=1, wanted=1, **status):
    return {
        "apiVersion": "apps.openshift.io/v1",
        "kind": "DeploymentConfig",
        "metadata": {"name": "docker-registry", "namespace": "default", "generation": generation, "uid": "dc"},
        "spec": {"replicas": wanted, "selector": LABELS},
        "status": {"latestVersion": version, "observedGeneration": seen, **status},
    }


def rc(version=1, phase="Running", conditions=(), **notes):
    name = f"docker-registry-{version}"
    return {
        "kind": "ReplicationController",
        "metadata": {
            "name": name, "namespace": "default", "uid": name,
            "annotations": {_wait.PHASE: phase, **{k.replace("_", "-"): v for k, v in notes.items()}},
        },
        "spec": {"selector": {**LABELS, "deployment": name, "deploymentconfig": "docker-registry"}},
        "status": {"conditions": list(conditions)},
    }  # fmt: skip


def pod(name=POD, version=1, *, ready=False, state=None, last=None, restarts=0, node="node1", conditions=(), **status):
    container = {"name": "registry", "image": "registry:3", "ready": ready, "restartCount": restarts}
    container["state"] = state or ({"running": {}} if ready else {"waiting": {"reason": "ContainerCreating"}})
    if last:
        container["lastState"] = {"terminated": last}
    return {
        "metadata": {
            "name": name, "namespace": "default", "uid": name,
            "labels": {**LABELS, "deployment": f"docker-registry-{version}", "deploymentconfig": "docker-registry"},
        },
        "spec": {"nodeName": node} if node else {},
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": [{"type": "Ready", "status": str(ready)}, *conditions],
            "containerStatuses": [container] if node else [],
            **status,
        },
    }  # fmt: skip


def event(reason, message, name=POD, when="2026-05-01T12:00:00Z", kind="Pod", count=2):
    return {
        "count": count, "type": "Warning", "reason": reason, "message": message, "lastTimestamp": when,
        "involvedObject": {"kind": kind, "name": name, "uid": name},
    }  # fmt: skip


def waiting(reason, message=None):
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


class TestPods:
    def cause(self, *args, events=(), log=None, **kwargs):
        return _podstate.cause_of(pod(*args, **kwargs), events, log)

    def test_being_created_is_no_obstacle(self):
        assert self.cause() == _podstate.Cause(None, "ContainerCreating", "the container is being created")

    def test_not_placed_yet(self):
        assert self.cause(node=None).short == "Pending"

    def test_unschedulable_in_the_schedulers_words(self):
        said = "0/3 nodes are available: 3 node(s) didn't match node selector."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
        assert self.cause(node=None, conditions=[condition]) == _podstate.Cause("schedule", "Unschedulable", said)

    def test_image_pull_in_the_registrys_words(self):
        said = 'Failed to pull image "registry:3": rpc error: code = Unknown desc = manifest unknown'
        events = [
            event("Failed", said),
            event("Failed", "Error: ImagePullBackOff", when="2026-05-01T12:00:09Z"),
        ]
        state = waiting("ImagePullBackOff", 'Back-off pulling image "registry:3"')
        assert self.cause(state=state, events=events) == _podstate.Cause("image", "ImagePullBackOff", said)

    def test_image_pull_without_events(self):
        cause = self.cause(state=waiting("ErrImagePull", "manifest unknown"))
        assert cause == _podstate.Cause("image", "ImagePullBackOff", "image registry:3: manifest unknown")

    def test_events_of_others_do_not_count(self):
        events = [event("Failed", "Failed to pull image: other", name="docker-registry-1-other")]
        assert "other" not in self.cause(state=waiting("ImagePullBackOff"), events=events).text

    def test_an_event_of_an_earlier_pod_of_the_same_name_does_not_count(self):
        old = event("Failed", "Failed to pull image: old")
        old["involvedObject"]["uid"] = "gone"
        assert "old" not in self.cause(state=waiting("ImagePullBackOff"), events=[old]).text

    def test_newest_event_wins(self):
        events = [
            event("FailedMount", "older", when="2026-05-01T12:00:00Z"),
            event("FailedMount", "newer", when="2026-05-01T12:01:00Z"),
        ]
        assert self.cause(events=events) == _podstate.Cause("mount", "FailedMount", "newer")

    def test_a_mount_that_fails_once_is_no_obstacle(self):
        said = (
            'MountVolume.SetUp failed for volume "s": failed to sync secret cache: timed out waiting for the condition'
        )
        assert self.cause(events=[event("FailedMount", said, count=1)]).short == "ContainerCreating"

    def test_missing_secret(self):
        said = 'MountVolume.SetUp failed for volume "registry-certificates" : secret "registry-secret" not found'
        assert self.cause(events=[event("FailedMount", said)]).text == said

    def test_missing_key_of_a_secret(self):
        said = "couldn't find key http-secret in Secret default/docker-registry-http-secret"
        cause = self.cause(state=waiting("CreateContainerConfigError", said))
        assert cause == _podstate.Cause("config", "CreateContainerConfigError", said)

    def test_crash_with_its_last_words(self):
        cause = self.cause(
            state=waiting("CrashLoopBackOff", "back-off 10s restarting failed container"), restarts=3,
            last={"exitCode": 1, "reason": "Error"}, log="fatal: permission denied: /registry\n",
        )  # fmt: skip
        assert cause.category == "crash"
        assert cause.short == "CrashLoopBackOff"
        assert cause.text == (
            "container registry exited with code 1, restarted 3 times; its last words:"
            " fatal: permission denied: /registry"
        )

    def test_between_two_crashes_it_is_still_crashing(self):
        cause = self.cause(state={"running": {}}, restarts=2, last={"exitCode": 137, "reason": "OOMKilled"})
        assert (cause.category, cause.short) == ("crash", "CrashLoopBackOff")
        assert "code 137 (OOMKilled)" in cause.text

    def test_failing_probe_in_the_kubelets_words(self):
        said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        cause = self.cause(state={"running": {}}, events=[event("Unhealthy", said)])
        assert cause == _podstate.Cause("probe", "Unhealthy", said)

    def test_a_restart_long_ago_does_not_hide_a_failing_probe(self):
        said = "Readiness probe failed: connection refused"
        running = {"running": {"startedAt": "2026-05-01T11:59:00Z"}}
        cause = self.cause(state=running, restarts=1, last={"exitCode": 2}, events=[event("Unhealthy", said)])
        assert cause == _podstate.Cause("probe", "Unhealthy", said)
        early = [event("Unhealthy", said, when="2026-05-01T11:58:00Z")]
        assert self.cause(state=running, restarts=1, last={"exitCode": 2}, events=early).category == "crash"

    @pytest.mark.parametrize("state", [{"waiting": {"reason": "CrashLoopBackOff"}}, {"running": {}}])
    def test_killed_by_its_liveness_probe(self, state):
        events = [
            event("Unhealthy", "Liveness probe failed: connection refused", when="2026-05-01T12:00:00Z"),
            event("Unhealthy", "Readiness probe failed: connection refused", when="2026-05-01T12:00:05Z"),
        ]
        cause = self.cause(state=state, restarts=4, last={"exitCode": 2}, events=events)
        assert cause == _podstate.Cause("probe", "Unhealthy", "Readiness probe failed: connection refused")

    def test_last_words_are_the_errors_not_the_usage_after_them(self):
        log = "configuration error: invalid   log level: bogus\n\nUsage:\n  registry serve <config> [flags]\n"
        assert _podstate.last_words(log) == "configuration error: invalid log level: bogus"
        assert _podstate.last_words("a\nb\n") == "a | b"
        assert _podstate.last_words("") == ""

    def test_running_and_nothing_wrong(self):
        assert self.cause(state={"running": {}}).category is None

    def test_evicted(self):
        cause = self.cause(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
        assert cause == _podstate.Cause("evicted", "Evicted", "The node was low on resource: memory.")

    def test_init_container_first(self):
        done = {"name": "a", "ready": True, "state": {"terminated": {"exitCode": 0}}}
        broken = {"name": "b", "image": "x", "ready": False, "state": waiting("ImagePullBackOff", "no such image")}
        cause = self.cause(state=waiting("PodInitializing"), initContainerStatuses=[done, broken])
        assert (cause.category, cause.text) == ("image", "image x: no such image")

    def test_every_obstacle_has_a_grace(self):
        for category in ("image", "config", "crash", "schedule", "mount", "probe", "refused", "evicted"):
            assert _podstate.GRACE[category] > 0


class TestDeploymentConfig:
    def test_change_not_seen_yet(self):
        state = _wait.rollout(config(seen=1, generation=2), rc(phase="Complete"), [pod(ready=True)])
        assert not state.done
        assert "not seen the change" in state.reason

    def test_seen_but_no_rollout_for_it_yet(self):
        state = _wait.rollout(config(version=1), rc(phase="Complete"), [pod(ready=True)], after=1)
        assert not state.done
        assert "no rollout has started" in state.reason

    def test_paused(self):
        paused = config(version=0)
        paused["spec"]["paused"] = True
        state = _wait.rollout(paused, None)
        assert (state.stuck, state.done) == ("config", False)
        assert "oc rollout resume" in state.reason

    @pytest.mark.parametrize("encoded", [True, False])
    @pytest.mark.parametrize(
        ("change", "done"),
        [
            ({}, True), ({"image": "r:2"}, False),
            ({"env": []}, False), ({"env": [{"name": "A", "value": "2"}]}, False),
            ({"resources": {"limits": {"memory": "1024Mi"}}}, True),
            ({"resources": {"limits": {"memory": "2Gi"}}}, False),
        ],
    )  # fmt: skip
    def test_who_does_not_know_the_version_before_looks_at_the_template(self, change, done, encoded):
        """A second run, while it is paused or before the controller has made the next version."""
        container = {"name": "registry", "image": "r:1", "env": [{"name": "A", "value": "1"}]}
        container["resources"] = {"limits": {"memory": "1Gi"}}
        old = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        new = {"metadata": {"labels": LABELS}, "spec": {"containers": [{**container, **change}]}}
        controller = rc(phase="Complete")
        filled = {**container, "terminationMessagePath": "/dev/termination-log"}
        controller["spec"]["template"] = {
            "metadata": {
                "labels": {**LABELS, "deployment": "docker-registry-1", "deploymentconfig": "docker-registry"},
                "annotations": {"openshift.io/deployment.name": "docker-registry-1"},
            },
            "spec": {"containers": [filled], "dnsPolicy": "ClusterFirst"},
        }
        if encoded:
            text = json.dumps({"spec": {"template": old}})
            controller["metadata"]["annotations"]["openshift.io/encoded-deployment-config"] = text
        for paused in (False, True):
            asked = config()
            asked["spec"] |= {"template": new, "paused": paused}
            state = _wait.rollout(asked, controller, [pod(ready=True)])
            assert state.done is done
            assert done or ("oc rollout resume" in state.reason) is paused
        # What was taken away since.
        controller["spec"]["template"]["spec"]["nodeSelector"] = {"region": "infra"}
        text = json.dumps({"spec": {"template": {**old, "spec": {**old["spec"], "nodeSelector": {"region": "infra"}}}}})
        controller["metadata"]["annotations"]["openshift.io/encoded-deployment-config"] = text
        assert not _wait.rollout(asked, controller, [pod(ready=True)]).done

    def test_a_paused_one_is_not_settled_by_its_status(self):
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        reason = {"type": "Progressing", "status": "True", "reason": "NewReplicationControllerAvailable"}
        live = config(**numbers, conditions=[reason])
        assert _wait.settled(live)
        live["spec"]["paused"] = True
        assert _wait.settled(live) is None

    def test_controller_to_come(self):
        state = _wait.rollout(config(version=3), None)
        assert state.line == "no revision yet: 0/1 ready, waiting for docker-registry-3"

    def test_deployer_to_come(self):
        assert "deployer" in _wait.rollout(config(), rc(phase="Pending")).line

    def test_deployer_that_cannot_start(self):
        deployer = pod("docker-registry-1-deploy", state=waiting("ImagePullBackOff", "no ose-deployer:v3.11"))
        state = _wait.rollout(config(), rc(phase="Pending"), deployer=deployer)
        assert (state.stuck, state.grace) == ("image", 30)
        assert "deployer pod docker-registry-1-deploy: " in state.reason
        assert "no ose-deployer:v3.11" in state.reason
        assert _wait.awaits_deployer(rc(phase="Pending"))
        assert not _wait.awaits_deployer(rc(phase="Running"))

    def test_line_tells_revision_numbers_and_pod(self):
        state = _wait.rollout(config(), rc(), [pod()])
        assert state.line == f"docker-registry-1: 0/1 ready, pod {POD}: ContainerCreating"
        assert (state.desired, state.updated, state.ready, state.failed) == (1, 1, 0, False)
        assert (state.stuck, state.grace) == (None, None)

    def test_obstacle(self):
        state = _wait.rollout(config(), rc(), [pod(state=waiting("ErrImagePull", "no such image"))])
        assert (state.stuck, state.grace, state.failed) == ("image", 30, False)
        assert state.reason == f"pod {POD}: image registry:3: no such image"

    def test_done(self):
        state = _wait.rollout(config(), rc(phase="Complete"), [pod(ready=True)])
        assert (state.done, state.failed, state.reason, state.revision) == (True, False, None, "docker-registry-1")

    def test_ready_but_not_complete(self):
        assert not _wait.rollout(config(), rc(phase="Running"), [pod(ready=True)]).done

    def test_complete_but_no_longer_ready(self):
        state = _wait.rollout(config(), rc(phase="Complete"), [pod(state={"running": {}})])
        assert not state.done

    def test_pods_of_the_old_version_do_not_count(self):
        old = pod("docker-registry-1-old", 1, ready=True)
        state = _wait.rollout(config(version=2), rc(2, "Running"), [old, pod("docker-registry-2-new", 2)])
        assert (state.ready, state.updated, state.serving) == (0, 1, 1)

    def test_a_pod_on_its_way_out_is_not_ready(self):
        leaving = pod(ready=True)
        leaving["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
        state = _wait.rollout(config(), rc(phase="Complete"), [leaving])
        assert (state.done, state.updated) == (False, 0)

    def test_failed_in_the_controllers_words(self):
        said = 'replication controller "docker-registry-1" has failed progressing'
        failed = config(conditions=[{"type": "Progressing", "status": "False", "message": said}])
        state = _wait.rollout(failed, rc(phase="Failed"))
        assert (state.failed, state.done, state.reason) == (True, False, said)

    def test_failed_on_an_api_without_conditions(self):
        note = {_wait.STATUS_REASON: "config change"}
        old = rc(phase="Failed")
        old["metadata"]["annotations"].update(note)
        state = _wait.rollout(config(), old, [pod(state=waiting("ImagePullBackOff", "no such image"))])
        assert state.reason == (
            "replication controller 'docker-registry-1' has failed: config change;"
            f" pod {POD}: image registry:3: no such image"
        )

    def test_cancelled(self):
        old = rc(phase="Failed")
        old["metadata"]["annotations"].update({_wait.CANCELLED: "true", _wait.STATUS_REASON: "cancelled by the user"})
        assert _wait.rollout(config(), old).reason == "the rollout was cancelled: cancelled by the user"

    def test_a_failed_pod_does_not_speak_for_the_one_in_its_place(self):
        gone = pod("docker-registry-1-aaaaa", phase="Failed", reason="Evicted", message="low on resource: memory.")
        crash = {"exitCode": 1, "reason": "Error"}
        after = pod("docker-registry-1-bbbbb", state=waiting("CrashLoopBackOff"), last=crash, restarts=3)
        assert _wait.rollout(config(), rc(), [gone, after]).stuck == "crash"
        assert _wait.rollout(config(), rc(), [gone, pod("docker-registry-1-bbbbb")]).stuck is None
        assert _wait.rollout(config(), rc(), [gone]).stuck == "evicted"

    def test_what_evicted_a_pod_keeps_the_next_one_out(self):
        gone = pod("docker-registry-1-zzzzz", phase="Failed", reason="Evicted", message="low on resource: memory.")
        said = "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }."
        unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
        after = pod("docker-registry-1-bbbbb", node=None, conditions=[unplaced])
        state = _wait.rollout(config(), rc(), [gone, after])
        assert state.stuck == "evicted"
        assert "memory-pressure" in state.reason
        assert "low on resource: memory." in state.reason
        assert _wait.rollout(config(), rc(), [after]).stuck == "schedule"
        unplaced["message"] = "0/3 nodes are available: 3 Insufficient cpu."
        assert _wait.rollout(config(), rc(), [gone, after]).stuck == "schedule"

    def test_refused_by_quota(self):
        said = 'pods "docker-registry-1-" is forbidden: exceeded quota: tight, requested: pods=1, limited: pods=1'
        condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}
        state = _wait.rollout(config(), rc(conditions=[condition]))
        assert (state.stuck, state.reason) == ("refused", said)

    def test_refused_by_an_scc_on_an_api_that_has_only_events(self):
        said = "unable to validate against any security context constraint: [privileged containers are not allowed]"
        events = [event("FailedCreate", f"Error creating: pods is forbidden: {said}", "docker-registry-1", kind="RC")]
        state = _wait.rollout(config(), rc(), [], events)
        assert state.stuck == "refused"
        assert said in state.reason

    def test_status_of_the_first_openshift(self):
        """3.0 has neither observedGeneration nor readiness counts."""
        first = config()
        del first["status"]["observedGeneration"]
        del first["metadata"]["generation"]
        assert _wait.rollout(first, rc(phase="Complete"), [pod(ready=True)]).done

    def test_an_obstacle_is_told_before_a_pod_that_is_on_its_way(self):
        pods = [pod("docker-registry-1-a"), pod("docker-registry-1-b", state=waiting("ImagePullBackOff", "nope"))]
        assert "docker-registry-1-b" in _wait.rollout(config(wanted=2), rc(), pods).reason

    def test_scaled_to_nothing(self):
        assert _wait.rollout(config(wanted=0), rc(phase="Complete")).done

    def test_input_is_left_alone(self):
        objects = (config(), rc(), [pod()], [event("Failed", "x")])
        before = copy.deepcopy(objects)
        _wait.rollout(*objects)
        assert objects == before


def deployment(*, seen=1, generation=1, wanted=1, conditions=(), **numbers):
    return {
        "kind": "Deployment",
        "metadata": {"name": "docker-registry", "namespace": "default", "generation": generation, "uid": "d"},
        "spec": {"replicas": wanted, "selector": {"matchLabels": LABELS}},
        "status": {"observedGeneration": seen, "conditions": list(conditions), **numbers},
    }


def rs(revision=1, owner="d", **status):
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"docker-registry-{revision}abc", "uid": f"rs{revision}", "namespace": "default",
            "annotations": {_wait.REVISION: str(revision)}, "ownerReferences": [{"uid": owner}],
        },
        "spec": {"selector": {"matchLabels": {**LABELS, "pod-template-hash": f"{revision}abc"}}},
        "status": status,
    }  # fmt: skip


def hashed(revision, **kwargs):
    made = pod(f"docker-registry-{revision}abc-zzzzz", **kwargs)
    made["metadata"]["labels"] = {**LABELS, "pod-template-hash": f"{revision}abc"}
    return made


class TestDeployment:
    def test_newest_by_revision_and_only_its_own(self):
        assert _wait.newest(deployment(), [rs(9), rs(10), rs(11, owner="other")])["metadata"]["uid"] == "rs10"
        assert _wait.newest(deployment(), []) is None

    def test_done(self):
        full = deployment(updatedReplicas=1, replicas=1, availableReplicas=1, readyReplicas=1)
        assert _wait.rollout(full, rs(), [hashed(1, ready=True)]).done

    def test_stale_status_does_not_count(self):
        full = deployment(seen=1, generation=2, updatedReplicas=1, replicas=1, availableReplicas=1)
        assert not _wait.rollout(full, rs(), [hashed(1, ready=True)]).done

    def test_no_status_yet(self):
        new = deployment()
        new["status"] = {}
        assert not _wait.rollout(new, None).done
        new["metadata"]["generation"] = None
        assert "not seen the object" in _wait.rollout(new, None).reason

    def test_old_pods_still_there(self):
        both = deployment(updatedReplicas=1, replicas=2, availableReplicas=2)
        state = _wait.rollout(both, rs(2), [hashed(1, ready=True), hashed(2, ready=True)])
        assert not state.done
        assert "1 pods of the old revision" in state.reason

    def test_deadline_with_the_pods_reason(self):
        said = 'ReplicaSet "docker-registry-2abc" has timed out progressing'
        late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": said}
        state = _wait.rollout(
            deployment(conditions=[late]), rs(2), [hashed(2, state=waiting("ImagePullBackOff", "no such image"))]
        )
        assert state.failed
        assert state.reason == f"{said}; pod docker-registry-2abc-zzzzz: image registry:3: no such image"

    def test_refusal_told_by_the_deployment_alone(self):
        refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
        assert _wait.rollout(deployment(conditions=[refused]), rs()).stuck == "refused"


RECORDED = {
    "image": ("image", 'Failed to pull image "openshift3/no-such:v9": Error response from daemon: Get "https://regi'),
    "schedule": ("schedule", "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),
    "crash": ("crash", "container registry exited with code 1, restarted 9 times; its last words: FATAL"),
    "probe": (
        "probe",
        'Readiness probe failed: Get "http://10.128.1.8:5000/healthz": dial tcp 10.128.1.8:5000: connect',
    ),
    "mount": ("mount", 'MountVolume.SetUp failed for volume "s" : secret "missing" not found'),
    "config": ("config", "couldn't find key http-secret in Secret a2-rec/present"),
    "scc": ("refused", "unable to validate against any security context constraint: Privileged containers are not"),
    "deployment-quota": ("refused", "is forbidden: exceeded quota: tight, requested: pods=1, used: pods=0"),
    "deployment-deadline": ("refused", "has timed out progressing; pods"),
}


class TestRecorded:
    def state(self, name):
        objects = json.loads((FIXTURES / f"{name}.json").read_text())
        logs = {p["metadata"]["name"]: "FATAL" for p in objects["pods"]}
        return _wait.rollout(*(objects[k] for k in ("workload", "controller", "pods", "events")), logs=logs)

    @pytest.mark.parametrize("name", RECORDED)
    def test_reason(self, name):
        state, (stuck, text) = self.state(name), RECORDED[name]
        assert (state.stuck, state.done, state.failed) == (stuck, False, name == "deployment-deadline")
        assert text in state.reason
        assert len(state.line.splitlines()) == 1

    def test_done(self):
        assert self.state("fine").line == "fine-1: 1/1 ready, done"

    def test_settled_agrees(self):
        for path in FIXTURES.glob("*.json"):
            workload = json.loads(path.read_text())["workload"]
            assert bool(_wait.settled(workload)) == self.state(path.stem).done, path.stem


class TestSettled:
    def dc(self, **changes):
        numbers = {"updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "replicas": 1}
        progress = {"type": "Progressing", "status": "True", "reason": "NewReplicationControllerAvailable"}
        return config(**{"conditions": [progress], **numbers, **changes})

    def test_all_is_as_it_should_be(self):
        state = _wait.settled(self.dc())
        assert (state.done, state.line) == (True, "docker-registry-1: 1/1 ready, done")

    @pytest.mark.parametrize(
        "change",
        [{"readyReplicas": 0}, {"updatedReplicas": 0}, {"replicas": 2}, {"seen": 0}, {"conditions": []},
         {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}],
    )  # fmt: skip
    def test_anything_else_needs_a_closer_look(self, change):
        assert _wait.settled(self.dc(**change)) is None


# ---- DaemonSets ------------------------------------------------------------------------------------------------------


def daemons(*, wanted=2, updated=2, available=2, generation=1, seen=1, strategy="RollingUpdate", **status):
    numbers = {
        "desiredNumberScheduled": wanted, "currentNumberScheduled": wanted, "numberMisscheduled": 0,
        "updatedNumberScheduled": updated, "numberAvailable": available, "numberReady": available,
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "docker-registry", "namespace": "default", "generation": generation, "uid": "ds"},
        "spec": {"selector": {"matchLabels": LABELS}, "updateStrategy": {"type": strategy}},
        "status": {**numbers, "observedGeneration": seen, **status},
    }  # fmt: skip


def revision(number=1, owner="ds"):
    return {
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
        "metadata": {
            "name": f"docker-registry-h{number}", "namespace": "default", "ownerReferences": [{"uid": owner}],
            "labels": {**LABELS, "controller-revision-hash": f"h{number}"},
        },
    }  # fmt: skip


def daemon(name, number=1, **options):
    made = pod(name, **options)
    made["metadata"]["labels"] = {**LABELS, "controller-revision-hash": f"h{number}"}
    return made


class TestDaemonSet:
    def test_done(self):
        state = _wait.rollout(daemons(), revision(), [daemon("a", ready=True), daemon("b", ready=True)])
        assert (state.done, state.line) == (True, "docker-registry-h1: 2/2 ready, done")

    def test_the_newest_revision_is_that_of_the_highest_number_and_ours(self):
        assert _wait.newest(daemons(), [revision(3), revision(10), revision(11, owner="other")])["revision"] == 10
        assert _wait.newest(daemons(), []) is None

    def test_pods_of_a_revision_without_its_label(self):
        bare = revision(1)
        del bare["metadata"]["labels"]["controller-revision-hash"]
        assert [p["metadata"]["name"] for p in _wait.pods_of(bare, [daemon("a"), daemon("b", 2)])] == ["a"]

    def test_a_change_that_the_controller_has_not_seen(self):
        assert "not seen" in _wait.rollout(daemons(generation=2), revision(), []).line
        assert "not seen" in _wait.rollout(daemons(seen=None), revision(), []).line

    def test_nodes_follow_one_by_one(self):
        pods = [daemon("a", 2, ready=True), daemon("b", 1, ready=True)]
        state = _wait.rollout(daemons(updated=1), revision(2), pods)
        assert (state.done, state.ready, state.serving, state.stuck) == (False, 1, 1, None)
        assert state.line == "docker-registry-h2: 1/2 ready, 1 of 2 nodes have the new revision"

    def test_a_pod_that_cannot_start_is_named(self):
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        state = _wait.rollout(daemons(updated=1, available=1), revision(2), [daemon("b", 2, state=waiting)])
        assert (state.stuck, state.done) == ("image", False)
        assert "pod b" in state.reason

    def test_pods_that_admission_refuses_are_told_by_the_daemon_sets_events(self):
        event = {
            "type": "Warning", "reason": "FailedCreate", "message": "exceeded quota",
            "involvedObject": {"name": "docker-registry", "uid": "ds"},
        }  # fmt: skip
        state = _wait.rollout(daemons(updated=0, available=0), revision(), [], [event])
        assert (state.stuck, state.reason) == ("refused", "exceeded quota")

    def test_no_node_fits(self):
        state = _wait.rollout(daemons(wanted=0, updated=0, available=0), revision(), [])
        assert (state.done, state.stuck, state.grace) == (False, "schedule", _podstate.GRACE["schedule"])

    def test_old_pods_stay_where_nobody_deletes_them(self):
        pods = [daemon("a", ready=True), daemon("b", ready=True)]
        state = _wait.rollout(daemons(updated=0, strategy="OnDelete"), revision(2), pods)
        assert (state.done, state.serving) == (True, 2)
        assert state.line.endswith("done; 2 old pods stay until deleted (OnDelete)")
        down = _wait.rollout(daemons(updated=0, strategy="OnDelete"), revision(2), [daemon("a", ready=True)])
        assert (down.done, down.stuck) == (False, "config")

    @pytest.mark.parametrize(
        ("changes", "done"),
        [({}, True), ({"updated": 1}, False), ({"available": 1}, False), ({"generation": 2}, False),
         ({"wanted": 0, "updated": 0, "available": 0}, False), ({"seen": None}, False)],
    )  # fmt: skip
    def test_settled_by_its_own_status(self, changes, done):
        assert bool(_wait.settled(daemons(**changes))) == done

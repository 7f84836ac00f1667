# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the operator is, from its conditions; reasons and messages are those of its pkg/operator/status.go."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _operator_state as states
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._wait import Rollout

READY = {
    "Available": ("True", "Ready", "The registry is ready"),
    "Progressing": ("False", "Ready", "The registry is ready"),
    "Degraded": ("False", "", ""),
}


def config(*, seen=3, state="Managed", ready=2, **conditions):
    told = {**READY, **conditions}
    listed = [{"type": t, "status": s, "reason": r, "message": m} for t, (s, r, m) in told.items()]
    return {
        "metadata": {"name": "cluster", "generation": 3},
        "spec": {"managementState": state, "replicas": 2},
        "status": {"observedGeneration": seen, "conditions": listed, "readyReplicas": ready},
    }


def pods(*, ready=2, done=True, failed=False, stuck=None, reason=None, short="done"):
    line = f"image-registry-5f: {ready}/2 ready, {short}"
    return Rollout(2, 2, ready, done, failed, line, reason, "image-registry-5f", stuck, None, 1)


def test_done():
    state = states.rollout(config(), pods())
    assert (state.done, state.line, state.reason) == (True, "image-registry-5f: 2/2 ready, done", None)
    assert states.rollout(config()).line == "image-registry: 2/2 ready, done"
    assert states.settled(config()).done


def test_a_route_that_no_router_admits_does_not_hold_the_pods_up():
    assert states.rollout(config(Degraded=("True", "RouteDegraded", "route x not admitted")), pods()).done


@pytest.mark.parametrize(
    ("changes", "short", "reason", "stuck"),
    [
        ({"seen": 2}, "operator has not seen it yet", "the operator has not seen the change yet", None),
        ({"seen": None}, "operator has not seen it yet", "the operator has not seen the change yet", None),
        ({"state": "Removed"}, "managementState Removed", "managementState is Removed", "config"),
        (
            {"Progressing": ("True", "DeploymentNotCompleted", "The deployment has not completed")},
            "DeploymentNotCompleted", "The deployment has not completed", None,
        ),
        (
            {"Available": ("True", "MinimumAvailability", "The registry has minimum availability")},
            "MinimumAvailability", "The registry has minimum availability", None,
        ),
        (
            {"Progressing": ("True", "Error", "Unable to apply resources: PVC c does not contain the necessary modes")},
            "Error", "PVC c does not contain", "config",
        ),
        (
            {
                "Degraded": ("True", "StorageNotConfigured", "Error: storage backend not configured"),
                "Progressing": ("False", "Error", "Unable to apply resources: storage backend not configured"),
                "Available": ("False", "StorageNotConfigured", "Error: storage backend not configured"),
            },
            "StorageNotConfigured", "storage backend not configured", "config",
        ),
    ],
)  # fmt: skip
def test_not_done_and_why(changes, short, reason, stuck):
    state = states.rollout(config(**changes))
    assert not state.done
    assert state.line.endswith(f"ready, {short}")
    assert reason in state.reason
    assert (state.stuck, state.grace is None) == (stuck, stuck is None)
    assert states.settled(config(**changes)) is None


def test_the_pods_own_words_are_better_than_has_not_completed():
    waiting = pods(ready=1, done=False, stuck="image", reason="image x: not found", short="pod a: ImagePullBackOff")
    for conditions in (
        {"Progressing": ("True", "DeploymentNotCompleted", "The deployment has not completed")},
        {"Degraded": ("True", "Unavailable", "The deployment does not have available replicas"),
         "Available": ("False", "NoReplicasAvailable", "The deployment does not have available replicas")},
        {},  # newer operators say that all is well as soon as one pod serves
    ):  # fmt: skip
        state = states.rollout(config(**conditions), waiting)
        assert not state.done
        assert (state.stuck, state.reason) == ("image", "image x: not found")
        assert state.line == "image-registry-5f: 1/2 ready, pod a: ImagePullBackOff"


def test_what_the_operator_cannot_do_comes_before_its_pods():
    state = states.rollout(config(Degraded=("True", "VerificationFailed", "Error: no")), pods(done=False, reason="x"))
    assert (state.stuck, state.reason) == ("config", "Error: no")


def test_failed():
    degraded = ("True", "ProgressDeadlineExceeded", "Registry deployment has timed out progressing: x")
    state = states.rollout(config(Degraded=degraded), pods(done=False, ready=0, stuck="crash", reason="it exits"))
    assert (state.failed, state.done, state.stuck) == (True, False, "crash")
    assert "timed out" in state.reason


def test_failed_pods():
    waiting = {"Progressing": ("True", "DeploymentNotCompleted", "The deployment has not completed")}
    state = states.rollout(config(**waiting), pods(done=False, failed=True, ready=0, stuck="crash", reason="it exits"))
    assert (state.failed, state.reason) == (True, "it exits")


class Cluster:
    def __init__(self, there):
        self._there = there

    def get(self, ref):
        assert ref == configs.REF
        return self._there


def test_look_does_without_a_deployment_that_it_may_not_see():
    def forbidden(ref):
        assert str(ref) == "Deployment openshift-image-registry/image-registry"
        raise ForbiddenError("no", status=403)

    assert states.look(Cluster(config()), forbidden).done
    with pytest.raises(WaitError, match="does not exist"):
        states.look(Cluster(None), forbidden)

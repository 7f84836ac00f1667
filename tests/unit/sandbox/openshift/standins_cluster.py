# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory for the DeploymentConfig controller: objects, a replication controller manager, pods.

It does what the real parts do to the numbers the planner reads, and counts what a client would have felt.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any

from standins.daemon import stamp
from standins.deploymentconfigs.plan import Action, Adopt, Create, Delete, Plan, Update, WriteStatus, plan

Json = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_dc(replicas: int = 1, name: str = "docker-registry", **spec: Any) -> Json:
    """Return a DeploymentConfig as the CRD's defaults leave it."""
    labels = {"docker-registry": "default"}
    return {
        "apiVersion": "apps.openshift.io/v1",
        "kind": "DeploymentConfig",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": "1",
            "labels": dict(labels),
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "test": False,
            "selector": dict(labels),
            "triggers": [{"type": "ConfigChange"}],
            "strategy": {
                "type": "Rolling",
                "activeDeadlineSeconds": 21600,
                "resources": {},
                "rollingParams": {"maxSurge": "25%", "maxUnavailable": "25%", "timeoutSeconds": 600},
            },
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {"containers": [{"name": "registry", "image": "registry:1"}]},
            },
            **spec,
        },
    }


class Pod:
    """A pod that becomes ready after some seconds, or never."""

    def __init__(self, owner: str, born: datetime, ready_after: float | None) -> None:
        self.owner = owner
        self.ready_at = None if ready_after is None else born + timedelta(seconds=ready_after)
        self.gone_at: datetime | None = None


class Cluster:
    """One DeploymentConfig and all that comes of it."""

    def __init__(self, dc: Json) -> None:
        self.dc = dc
        self.rcs: dict[str, Json] = {}
        self.pods: list[Pod] = []
        self.now = START
        self.ready_after: float | None = 1.0
        self.terminating_seconds = 0.0
        self.told: list[str] = []
        self.least_available: int | None = None
        self.most_pods = 0
        self.overlap = False

    # -- the user ----------------------------------------------------------------------------------------------

    def change(self, **spec: Any) -> None:
        """Change the spec, as one write."""
        self.dc["spec"].update(copy.deepcopy(spec))
        self.dc["metadata"]["generation"] += 1

    def new_image(self, image: str) -> None:
        """Change the template."""
        template = copy.deepcopy(self.dc["spec"]["template"])
        template["spec"]["containers"][0]["image"] = image
        self.change(template=template)

    def watch_availability(self) -> None:
        """Count from now on."""
        self.least_available, self.most_pods, self.overlap = None, 0, False

    # -- the API -----------------------------------------------------------------------------------------------

    def do(self, action: Action) -> None:
        """Apply an action as the API would."""
        if isinstance(action, WriteStatus):
            self.dc["status"] = {**(self.dc.get("status") or {}), **copy.deepcopy(action.status)}
        elif isinstance(action, Create):
            self._create(action.body)
        elif isinstance(action, Adopt):
            self.rcs[action.name]["metadata"]["ownerReferences"] = [action.reference]
            self.told.append(f"adopt {action.name}")
        elif isinstance(action, Delete):
            rc = self.rcs.pop(action.name)
            assert rc["spec"]["replicas"] == 0
            self.told.append(f"delete {action.name}")
        else:
            self._update(action)

    def _create(self, body: Json) -> None:
        rc = copy.deepcopy(body)
        name = rc["metadata"]["name"]
        assert name not in self.rcs
        rc["metadata"].update(resourceVersion="1", generation=1)
        self.rcs[name] = rc
        self.told.append(f"create {name}")

    def _update(self, action: Update) -> None:
        rc = self.rcs[action.controller.name]
        rc["metadata"]["annotations"].update(action.annotations)
        phase = action.annotations.get("openshift.io/deployment.phase")
        if phase:
            self.told.append(f"{phase} {action.controller.name}")
        if action.replicas is not None and action.replicas != rc["spec"]["replicas"]:
            rc["spec"]["replicas"] = action.replicas
            rc["metadata"]["generation"] += 1
            self.told.append(f"scale {action.controller.name} {action.replicas}")

    # -- the replication controller manager and the kubelets ----------------------------------------------------

    def run_controllers(self) -> None:
        """Bring pods and the controllers' status in line, and note what a client would see."""
        self.pods = [pod for pod in self.pods if pod.gone_at is None or pod.gone_at > self.now]
        for name, rc in self.rcs.items():
            alive = [pod for pod in self.pods if pod.owner == name and pod.gone_at is None]
            wanted = rc["spec"]["replicas"]
            # Unready pods go first, as in the real controller.
            for pod in sorted(alive, key=self._is_ready)[: max(0, len(alive) - wanted)]:
                pod.gone_at = self.now + timedelta(seconds=self.terminating_seconds)
            self.pods += [Pod(name, self.now, self.ready_after) for _ in range(wanted - len(alive))]
            self._write_status(name, rc)
        existing = [pod for pod in self.pods if pod.gone_at is None or pod.gone_at > self.now]
        serving = [pod for pod in existing if pod.gone_at is None and self._is_ready(pod)]
        self.least_available = min(len(serving), self.least_available if self.least_available is not None else 10**6)
        self.most_pods = max(self.most_pods, sum(pod.gone_at is None for pod in existing))
        self.overlap = self.overlap or len({pod.owner for pod in existing}) > 1

    def _is_ready(self, pod: Pod) -> bool:
        return pod.ready_at is not None and pod.ready_at <= self.now

    def _write_status(self, name: str, rc: Json) -> None:
        alive = [pod for pod in self.pods if pod.owner == name and pod.gone_at is None]
        ready = sum(self._is_ready(pod) for pod in alive)
        rc["status"] = {
            "replicas": len(alive),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "observedGeneration": rc["metadata"]["generation"],
        }

    # -- time --------------------------------------------------------------------------------------------------

    def decide(self) -> Plan:
        """Ask the planner."""
        left: dict[str, int] = {}
        for pod in self.pods:
            if pod.gone_at is None or pod.gone_at > self.now:
                left[pod.owner] = left.get(pod.owner, 0) + 1
        return plan(self.dc, list(self.rcs.values()), self.now, left)

    def step(self) -> bool:
        """Plan and do once; returns whether there was anything to do."""
        decided = self.decide()
        for action in decided.actions:
            self.do(action)
        return bool(decided.actions)

    def settle(self, seconds: float = 0.0, tick: float = 0.5) -> None:
        """Let controllers and planner work for some seconds, until nothing is to be done at each moment."""
        end = self.now + timedelta(seconds=seconds)
        while True:
            for _ in range(100):
                self.run_controllers()
                if not self.step():
                    break
            else:
                raise AssertionError(f"still busy after 100 plans: {self.told[-10:]}")
            if self.now >= end:
                return
            self.now += timedelta(seconds=tick)

    # -- looking -----------------------------------------------------------------------------------------------

    @property
    def status(self) -> Json:
        """The DeploymentConfig's status."""
        return self.dc.get("status") or {}

    def condition(self, kind: str) -> Json:
        """One of its conditions."""
        return next(c for c in self.status["conditions"] if c["type"] == kind)

    def phase(self, version: int) -> str:
        """The phase of a version."""
        rc = self.rcs[f"{self.dc['metadata']['name']}-{version}"]
        return str(rc["metadata"]["annotations"]["openshift.io/deployment.phase"])

    def replicas(self) -> dict[str, int]:
        """How many pods each version wants, those that want none left out."""
        return {name: rc["spec"]["replicas"] for name, rc in self.rcs.items() if rc["spec"]["replicas"]}

    def clock(self) -> str:
        """The time as the API writes it."""
        return stamp(self.now)

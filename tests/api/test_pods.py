# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and how a registry's pods run, on a real API server: its defaults are no changes, its refusals are late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cleared")]
Object = dict[str, Any]
IMAGE = "openshift3/ose-docker-registry:v3"
NAME = "docker-registry"
REQUIRED, PREFERRED = (f"{word}DuringSchedulingIgnoredDuringExecution" for word in ("required", "preferred"))
INFRA = {"key": "node-role.kubernetes.io/infra", "operator": "Exists"}
TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"docker-registry": "default"}}}
FULL: Object = {
    "affinity": {
        "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [INFRA]}]}},
        "podAntiAffinity": {PREFERRED: [{"weight": "100", "podAffinityTerm": TERM}]},
    },
    "tolerations": [
        {**INFRA, "effect": "NoSchedule"},
        {"key": "a", "value": True, "effect": "NoExecute", "tolerationSeconds": "30"},
    ],
    "priority_class": "system-cluster-critical",
    "fs_group": 1001,
    "pull_secrets": ["redhat", "mirror"],
    "extra_ports": [5001, 5002],
    "resources": {"requests": {"cpu": "0.1", "memory": "1024Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}},
}


@pytest.fixture
def deploy(run: Any, namespace: str) -> Callable[..., Object]:
    def one(kind: str = "Deployment", **options: Any) -> Object:
        beside = {"ignore_guards": ["replicas"]} if kind == "DaemonSet" else {}
        return dict(run(registry_deploy, **{"kind": kind, "image": IMAGE, **beside, **options}))

    return one


def pod(admin: Api, namespace: str, kind: str = "Deployment") -> Object:
    live = admin.get(ObjectRef(API_VERSIONS[kind], kind, NAME, namespace))
    assert live is not None
    return dict(live["spec"]["template"]["spec"])


def budget(admin: Api, namespace: str) -> Object | None:
    return admin.get(ObjectRef("policy/v1", "PodDisruptionBudget", NAME, namespace))


@pytest.mark.parametrize("kind", list(API_VERSIONS))
class TestOptions:
    def test_all_at_once_again_and_back(
        self, deploy: Any, admin: Api, namespace: str, audit: Callable[[], Object], kind: str
    ) -> None:
        assert not deploy(kind).get("failed")
        before = pod(admin, namespace, kind)
        planned = deploy(kind, check=True, **FULL)
        done = deploy(kind, **FULL)
        assert planned["actions"] == done["actions"]
        now = pod(admin, namespace, kind)
        assert now["tolerations"][1]["tolerationSeconds"] == 30
        assert now["affinity"]["podAntiAffinity"][PREFERRED][0]["weight"] == 100
        assert now["securityContext"]["fsGroup"] == 1001
        assert [p["containerPort"] for p in now["containers"][0]["ports"]] == [5000, 5001, 5002]
        audit()
        assert deploy(kind, **FULL)["diff"] == []
        seen = audit()
        assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
        deploy(kind)
        after = pod(admin, namespace, kind)
        for one in (before, after):
            one.pop("securityContext", None)  # an empty one is filled in by some kinds' defaults
        assert after == before

    def test_what_others_add_stays(self, deploy: Any, admin: Api, namespace: str, kind: str) -> None:
        deploy(kind, **FULL, supplemental_groups=[65534], ignore_guards=["groups", "replicas"])
        at = "/spec/template/spec"
        theirs = {"key": "theirs", "operator": "Exists"}
        admin.patch(
            ObjectRef(API_VERSIONS[kind], kind, NAME, namespace),
            [
                {"op": "add", "path": f"{at}/tolerations/-", "value": theirs},
                {"op": "add", "path": f"{at}/imagePullSecrets/-", "value": {"name": "theirs"}},
                {"op": "add", "path": f"{at}/securityContext/supplementalGroups/-", "value": 777},
                {"op": "add", "path": f"{at}/affinity/podAffinity", "value": {PREFERRED: [
                    {"weight": 1, "podAffinityTerm": TERM}]}},
            ],
        )  # fmt: skip
        assert not deploy(kind, **FULL, supplemental_groups=[65534], ignore_guards=["groups", "replicas"])["changed"]
        assert deploy(kind)["changed"]
        now = pod(admin, namespace, kind)
        assert now["tolerations"] == [theirs]
        assert now["imagePullSecrets"] == [{"name": "theirs"}]
        assert now["securityContext"]["supplementalGroups"] == [777]
        assert list(now["affinity"]) == ["podAffinity"]


class TestBudget:
    def test_a_life(self, deploy: Any, run: Any, admin: Api, namespace: str, audit: Callable[[], Object]) -> None:
        storage = {"replicas": 2, "ignore_guards": ["replicas"]}
        wanted = {**storage, "pod_disruption_budget": {"min_available": 1}}
        planned = run(registry_deploy, check=True, kind="Deployment", image=IMAGE, **wanted)
        assert planned["actions"] == deploy(**wanted)["actions"]
        made = budget(admin, namespace)
        assert made is not None
        assert made["spec"] == {"minAvailable": 1, "selector": {"matchLabels": {"docker-registry": "default"}}}
        audit()
        assert not deploy(**wanted)["changed"]
        assert audit()["patch"] == 0
        deploy(**storage, pod_disruption_budget={"max_unavailable": "50%"})
        changed = budget(admin, namespace)
        assert changed is not None
        assert changed["spec"]["maxUnavailable"] == "50%"
        assert "minAvailable" not in changed["spec"]
        planned = run(registry_deploy, check=True, kind="Deployment", image=IMAGE, **storage)
        assert (
            planned["actions"] == deploy(**storage)["actions"] == [f"Deleted PodDisruptionBudget {namespace}/{NAME}."]
        )
        assert budget(admin, namespace) is None
        deploy(**wanted)
        run(registry_deploy, state="absent")
        assert budget(admin, namespace) is None

    def test_that_of_others_is_left_alone(self, deploy: Any, run: Any, admin: Api, namespace: str) -> None:
        theirs = {
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": NAME, "namespace": namespace},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"docker-registry": "default"}}},
        }  # fmt: skip
        admin.create(theirs)
        deploy()
        run(registry_deploy, state="absent")
        assert budget(admin, namespace) is not None

    def test_that_blocks_every_drain(self, deploy: Any, admin: Api, namespace: str) -> None:
        wanted = {"pod_disruption_budget": {"min_available": 1}}
        result = deploy(**wanted)
        assert "lets none of 1 replica be evicted" in result["msg"]
        assert "ignore_guards: [drain]" in result["msg"]
        assert not deploy(**wanted, ignore_guards=["drain"]).get("failed")
        assert budget(admin, namespace) is not None

    def test_with_a_daemon_set(self, deploy: Any) -> None:
        said = deploy("DaemonSet", pod_disruption_budget={"max_unavailable": 1})["msg"]
        assert said.startswith("pod_disruption_budget: 'max_unavailable: 1' means nothing for a DaemonSet")

    def test_without_rights_on_any(self, run: Any, deploy: Any, namespace: str, grant: Any) -> None:
        """Who does not ask for one needs none."""
        rules = [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}]
        rules.append({"apiGroups": ["apps", "apps.openshift.io"], "resources": ["*"], "verbs": ["*"]})
        grant("poor", rules)
        poor = run.as_user("poor")
        asked = {"kind": "Deployment", "image": IMAGE, "cluster_role": "", "replicas": 2, "ignore_guards": ["replicas"]}
        assert not poor(registry_deploy, **asked).get("failed")
        result = poor(registry_deploy, **asked, pod_disruption_budget={"max_unavailable": 1})
        assert "poor cannot get" in result["msg"]


class TestPort:
    def test_below_1024(self, run: Any, deploy: Any, admin: Api, namespace: str) -> None:
        run(registry_service, port=443)
        assert "port 443 is below 1024" in deploy(port=443)["msg"]
        assert not deploy(port=443, ignore_guards=["port"]).get("failed")
        live = admin.get(ObjectRef("apps/v1", "Deployment", NAME, namespace))
        assert live is not None
        assert live["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["port"] == 443

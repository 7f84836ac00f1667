# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_cert and registry_deploy on a real API server: its defaults, its refusals, its audit log."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_rollout_info,
    registry_service,
)

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cleared")]
Object = dict[str, Any]
KINDS = ("DeploymentConfig", "Deployment", "DaemonSet")
SCALED = ("DeploymentConfig", "Deployment")
#: Each of several pods would have images of its own; these tests have no storage that all could have.
BESIDE: Object = {"ignore_guards": ["replicas"], "probe_storage": False}
IMAGE = "openshift3/ose-docker-registry:v3"
NAME = "docker-registry"


@pytest.fixture
def ca(tmp_path: Path) -> Object:
    return {
        "cert_path": str(tmp_path / "ca.crt"),
        "key_path": str(tmp_path / "ca.key"),
        "serial_path": str(tmp_path / "ca.serial.txt"),
        "create": True,
    }


@pytest.fixture
def certified(run: Any, ca: Object) -> Object:
    """A Service and a certificate."""
    assert not run(registry_service).get("failed")
    result: Object = run(registry_cert, ca=ca)
    assert not result.get("failed"), result
    return result


def workload(admin: Api, namespace: str, kind: str) -> Object:
    live = admin.get(ObjectRef(API_VERSIONS[kind], kind, NAME, namespace))
    assert live is not None
    return live


def deploy(run: Any, kind: str, **options: Any) -> Object:
    asked = {"kind": kind, "image": IMAGE, "tls_secret": "registry-secret", **BESIDE, **options}
    result: Object = run(registry_deploy, **asked)
    return result


class TestCertificate:
    def test_a_life(self, run: Any, ca: Object, audit: Callable[[], Object]) -> None:
        run(registry_service)
        audit()
        planned, done = run(registry_cert, check=True, ca=ca), run(registry_cert, ca=ca)
        for key in ("changed", "actions", "resources", "registry", "reason"):
            assert planned[key] == done[key], key
        seen = audit()
        assert (seen["post"], seen["patch"]) == (2, 0)
        again = run(registry_cert, ca=ca)
        assert (again["changed"], again["reason"]) == (False, None)
        assert audit() == {k: again["api_requests"][k] for k in ("get", "post", "patch", "delete")}
        renewed = run(registry_cert, ca=ca, extra_hosts=["r.example:8443"])
        assert renewed["reason"] == "it does not cover r.example"
        assert audit()["patch"] == 1
        assert {r["action"] for r in run(registry_cert, ca=ca, state="absent")["resources"]} == {"deleted"}

    def test_a_secret_that_must_not_change(self, run: Any, admin: Api, namespace: str, ca: Object) -> None:
        run(registry_service)
        meta = {"name": "registry-secret", "namespace": namespace}
        admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "immutable": True, "data": {}})
        result = run(registry_cert, ca=ca)
        assert result["failed"]
        assert f"Secret {namespace}/registry-secret" in result["msg"]
        assert "immutable" in result["msg"]
        assert "PRIVATE KEY" not in str(result)


@pytest.mark.parametrize("kind", KINDS)
class TestDeploy:
    def test_converges_in_one_write_each(
        self, run: Any, certified: Object, admin: Api, namespace: str, audit: Callable[[], Object], kind: str
    ) -> None:
        planned = deploy(run, kind, check=True, env={"REGISTRY_A": True})
        audit()
        done = deploy(run, kind, env={"REGISTRY_A": True})
        for key in ("changed", "actions", "resources", "registry", "workload"):
            assert planned[key] == done[key], key
        assert audit()["post"] == 3  # account, HTTP secret, workload; the binding is in no namespace
        first = workload(admin, namespace, kind)
        again = deploy(run, kind, env={"REGISTRY_A": True})
        assert (again["changed"], again["diff"]) == (False, [])
        seen = audit()
        assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
        assert workload(admin, namespace, kind)["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    def test_every_option_and_back(self, run: Any, certified: Object, admin: Api, namespace: str, kind: str) -> None:
        deploy(run, kind)
        before = workload(admin, namespace, kind)
        options: Object = {
            "node_selector": {"region": "infra"}, "env": {"REGISTRY_LOG_LEVEL": "debug"},
            "resources": {"requests": {"cpu": "0.25"}, "limits": {"memory": "1Gi"}},
        }  # fmt: skip
        options |= {"strategy": "OnDelete"} if kind == "DaemonSet" else {"strategy": "Recreate", "replicas": 3}
        assert deploy(run, kind, **options)["changed"]
        assert not deploy(run, kind, **options)["changed"]
        spec = workload(admin, namespace, kind)["spec"]
        if kind == "DaemonSet":
            assert spec["updateStrategy"] == {"type": "OnDelete"}
        else:
            assert (spec["replicas"], spec["strategy"]["type"]) == (3, "Recreate")
        assert spec["template"]["spec"]["nodeSelector"] == {"region": "infra"}
        assert deploy(run, kind)["changed"]
        after = workload(admin, namespace, kind)["spec"]
        assert after["template"] == before["spec"]["template"]
        # How many pods there are may be somebody else's doing; nobody takes some away who has not said how many.
        assert after.get("replicas", 1) == spec.get("replicas", 1)

    def test_foreign_fields_stay(self, run: Any, certified: Object, admin: Api, namespace: str, kind: str) -> None:
        deploy(run, kind)
        live = workload(admin, namespace, kind)
        ref = ObjectRef.of(live)
        pod = "/spec/template/spec"
        admin.patch(
            ref,
            [
                {"op": "add", "path": "/metadata/labels/theirs", "value": "x"},
                {"op": "add", "path": f"{pod}/containers/0/env/-", "value": {"name": "THEIRS", "value": "1"}},
                {"op": "add", "path": f"{pod}/volumes/-", "value": {"name": "t", "emptyDir": {}}},
                {"op": "add", "path": f"{pod}/containers/-", "value": {"name": "side", "image": "s:1"}},
            ],
        )
        assert not deploy(run, kind)["changed"]
        deploy(run, kind, env={"THEIRS": None}, **({"replicas": 2} if kind in SCALED else {}))
        after = workload(admin, namespace, kind)
        assert after["metadata"]["labels"]["theirs"] == "x"
        containers = {c["name"]: c for c in after["spec"]["template"]["spec"]["containers"]}
        assert "THEIRS" not in {e["name"] for e in containers["registry"]["env"]}
        assert set(containers) == {"registry", "side"}

    def test_tls_on_and_off(self, run: Any, certified: Object, admin: Api, namespace: str, kind: str) -> None:
        def scheme() -> str:
            pod = workload(admin, namespace, kind)["spec"]["template"]["spec"]
            return str(pod["containers"][0]["readinessProbe"]["httpGet"]["scheme"])

        deploy(run, kind, tls_secret=None)
        assert scheme() == "HTTP"
        deploy(run, kind)
        assert scheme() == "HTTPS"
        deploy(run, kind, tls_secret=None)
        assert scheme() == "HTTP"
        volumes = workload(admin, namespace, kind)["spec"]["template"]["spec"]["volumes"]
        assert [v["name"] for v in volumes] == ["registry-storage"]
        assert not deploy(run, kind, tls_secret=None)["changed"]

    def test_to_a_claim(self, run: Any, certified: Object, admin: Api, namespace: str, kind: str) -> None:
        deploy(run, kind)
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }  # fmt: skip
        admin.create(claim)
        storage = {"kind": "pvc", "claim_name": "c"}
        assert deploy(run, kind, storage=storage)["registry"]["storage"]["source"] == {"claimName": "c"}
        assert not deploy(run, kind, storage=storage)["changed"]
        if kind in SCALED:
            assert workload(admin, namespace, kind)["spec"]["strategy"]["type"] == "Recreate"

    def test_a_new_certificate_rolls_and_is_foretold(self, run: Any, certified: Object, ca: Object, kind: str) -> None:
        deploy(run, kind)
        planned = run(registry_cert, check=True, ca=ca, extra_hosts=["r.example:1"])["certificate"]["sha256"]
        foretold = deploy(run, kind, check=True, tls_fingerprint=planned)
        run(registry_cert, ca=ca, extra_hosts=["r.example:1"])
        done = deploy(run, kind)
        assert foretold["actions"] == done["actions"]
        assert done["workload"]["rolls"]

    def test_what_the_api_refuses_is_said(self, run: Any, certified: Object, namespace: str, kind: str) -> None:
        if kind == "DeploymentConfig":
            pytest.skip("the stand-in's schema refuses nothing of this")
        result = deploy(run, kind, resources={"requests": {"Not a name": "1"}})
        assert result["failed"]
        assert f"{kind} {namespace}/{NAME}" in result["msg"]

    def test_somebody_without_rights(self, run: Any, certified: Object, kind: str) -> None:
        result = run.as_user("nobody-special")(registry_deploy, kind=kind, image=IMAGE)
        assert result["failed"]
        assert "nobody-special cannot get" in result["msg"]
        assert "apiGroups" in result["msg"]

    def test_away_and_back(self, run: Any, certified: Object, admin: Api, namespace: str, kind: str) -> None:
        deploy(run, kind)
        planned = run(registry_deploy, check=True, state="absent")
        done = run(registry_deploy, state="absent")
        assert planned["resources"] == done["resources"]
        assert not run(registry_deploy, state="absent")["changed"]
        assert admin.get(ObjectRef("v1", "Service", NAME, namespace)) is not None
        assert admin.get(ObjectRef("v1", "Secret", "registry-secret", namespace)) is not None
        assert admin.get(ObjectRef("v1", "ServiceAccount", "registry", namespace)) is None
        assert deploy(run, kind)["changed"]


def document_layout(namespace: str) -> Object:
    """What the document's own commands leave: oadm registry (3.0), oc volume, oc secrets, oc env."""
    environment = {
        "OPENSHIFT_MASTER": "https://openshift:8443", "OPENSHIFT_CA_DATA": "ca", "OPENSHIFT_CERT_DATA": "cert",
        "OPENSHIFT_KEY_DATA": "very-secret-key", "OPENSHIFT_INSECURE": "false",
        "REGISTRY_HTTP_TLS_CERTIFICATE": "/etc/secrets/registry.crt",
        "REGISTRY_HTTP_TLS_KEY": "/etc/secrets/registry.key",
    }  # fmt: skip
    container = {
        "name": "registry", "image": "registry.access.redhat.com/openshift3/ose-docker-registry:v3.0.0.1",
        "env": [{"name": k, "value": v} for k, v in environment.items()], "ports": [{"containerPort": 5000}],
        "securityContext": {"privileged": False},
        "volumeMounts": [
            {"name": "registry-storage", "mountPath": "/registry"},
            {"name": "volume-5k2wn", "mountPath": "/etc/secrets"},
        ],
    }  # fmt: skip
    volumes = [
        {"name": "registry-storage", "emptyDir": {}},
        {"name": "v1", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "volume-5k2wn", "secret": {"secretName": "registry-secret"}},
    ]
    labels = {"docker-registry": "default"}
    return {
        "apiVersion": "apps.openshift.io/v1", "kind": "DeploymentConfig",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1, "selector": labels, "triggers": [{"type": "ConfigChange"}], "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": volumes}},
        },
    }  # fmt: skip


def test_the_documents_own_layout_is_taken_over(run: Any, certified: Object, admin: Api, namespace: str) -> None:
    admin.create(document_layout(namespace))
    result = deploy(run, "auto")
    assert not result.get("failed"), result
    after = workload(admin, namespace, "DeploymentConfig")["spec"]
    pod = after["template"]["spec"]
    assert [v["name"] for v in pod["volumes"]] == ["registry-storage", "v1", "volume-5k2wn"]
    assert [m["name"] for m in pod["containers"][0]["volumeMounts"]] == ["registry-storage", "volume-5k2wn"]
    names = [e["name"] for e in pod["containers"][0]["env"]]
    assert len(names) == len(set(names))
    assert {"OPENSHIFT_MASTER", "OPENSHIFT_KEY_DATA"} <= set(names)
    assert after["strategy"]["type"] == "Recreate"
    assert "very-secret-key" not in str(result)
    assert not deploy(run, "auto")["changed"]


def test_what_oadm_3_11_generates_is_taken_over(run: Any, certified: Object, admin: Api, namespace: str) -> None:
    made = document_layout(namespace)
    container = made["spec"]["template"]["spec"]["containers"][0]
    value = base64.b64encode(b"x" * 32).decode()
    container["env"] = [
        {"name": "REGISTRY_HTTP_ADDR", "value": ":5000"},
        {"name": "REGISTRY_HTTP_NET", "value": "tcp"},
        {"name": "REGISTRY_HTTP_SECRET", "value": value},
        {"name": "REGISTRY_MIDDLEWARE_REPOSITORY_OPENSHIFT_ENFORCEQUOTA", "value": "false"},
    ]
    check = {"httpGet": {"path": "/healthz", "port": 5000}, "timeoutSeconds": 5}
    container["livenessProbe"], container["readinessProbe"] = {**check, "initialDelaySeconds": 10}, copy.deepcopy(check)
    container["volumeMounts"] = container["volumeMounts"][:1]
    made["spec"]["template"]["spec"]["volumes"] = made["spec"]["template"]["spec"]["volumes"][:1]
    admin.create(made)
    result = deploy(run, "auto")
    assert value not in str(result)
    env = workload(admin, namespace, "DeploymentConfig")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "REGISTRY_HTTP_SECRET", "value": value} in env
    assert admin.get(ObjectRef("v1", "Secret", f"{NAME}-http-secret", namespace)) is None
    assert not deploy(run, "auto")["changed"]


def test_rollout_info(run: Any, certified: Object) -> None:
    nothing = run(registry_rollout_info)
    assert nothing["failed"]
    assert "There is no DeploymentConfig, Deployment or DaemonSet" in nothing["msg"]
    deploy(run, "Deployment")
    state = run(registry_rollout_info)["rollout"]
    assert (state["done"], state["desired"], state["revision"]) == (False, 1, "")
    started = run(registry_rollout_info, seen=state["line"], wait=1)
    assert started["rollout"] == state
    assert started["api_requests"]["get"] == 0
    assert started["api_requests"]["waiting"] > 2


class TestDaemonSet:
    def test_is_found_and_kept_by_every_module(self, run: Any, certified: Object) -> None:
        deploy(run, "DaemonSet")
        assert not deploy(run, "auto")["changed"]
        assert run(registry_info)["workload"]["kind"] == "DaemonSet"
        state = run(registry_rollout_info)["rollout"]
        assert (state["done"], state["reason"]) == (False, "the DaemonSet controller has not seen the object yet")
        gone = [r["kind"] for r in run(registry_deploy, state="absent")["resources"] if r["action"] == "deleted"]
        assert gone[:2] == ["ClusterRoleBinding", "DaemonSet"]  # no right outlives what it was given for

    def test_what_it_has_not(self, run: Any, certified: Object, audit: Callable[[], Object]) -> None:
        deploy(run, "DaemonSet")
        audit()
        for kind in ("DaemonSet", "auto"):
            assert deploy(run, kind, replicas=1)["msg"].startswith("replicas: 1 means nothing for a DaemonSet")
        assert deploy(run, "auto", strategy="Recreate")["msg"] == (
            "strategy: 'Recreate' is nothing a DaemonSet has; it has Rolling or OnDelete"
        )
        assert deploy(run, "Deployment")["msg"].startswith("DaemonSet ")
        assert audit()["patch"] == 0

    def test_others_have_no_update_on_deletion(self, run: Any, certified: Object) -> None:
        assert "it has Rolling or Recreate" in deploy(run, "Deployment", strategy="OnDelete")["msg"]

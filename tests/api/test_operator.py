# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_deploy where the image-registry operator has the registry: the operator's own CRD on a real API server.

No operator runs: its part, what it reports in the Config's status, is played with its own words.
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build.right import Asked
from ansible_collections.okd.registry.plugins.module_utils._build.rights import needed
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import detect
from ansible_collections.okd.registry.plugins.module_utils._errors import KindNotServedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_info, registry_rollout_info

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
FETCH = Path(__file__).resolve().parents[1] / "sandbox/openshift/fetch_crds.py"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
IMAGE = "openshift3/ose-docker-registry:v3"
#: What the installer and the operator's first run leave on bare metal, but for the management state.
FRESH = {
    "managementState": "Managed", "replicas": 1, "rolloutStrategy": "RollingUpdate", "logLevel": "Normal",
    "httpSecret": "0123456789abcdef", "storage": {}, "requests": {"read": {"maxWaitInQueue": "0s"}},
    "observedConfig": None, "unsupportedConfigOverrides": None, "proxy": {}, "defaultRoute": True,
}  # fmt: skip


def send(api: Api, method: str, path: str, body: Any, content_type: str = "application/json") -> None:
    """A request that the collection has no business with: an installer's, or the operator's."""
    api._send(method, path, Request(method, path), body=body, content_type=content_type)


@pytest.fixture(scope="module", autouse=True)
def crd(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The operator's CRD, for these tests alone: with it, a cluster is one that may have the operator."""
    from ansible_collections.okd.registry.plugins.module_utils._kube import connect

    api = Api(lambda: connect({"kubeconfig": kubeconfig}))
    directory = tmp_path_factory.mktemp("crds")
    subprocess.run([sys.executable, FETCH, "--operator", directory], check=True)
    definition = yaml.safe_load((directory / "configs.imageregistry.crd.yaml").read_text())
    send(api, "POST", CRDS, definition)
    for _attempt in range(100):
        with contextlib.suppress(KindNotServedError):
            api.get(configs.REF)
            break
        time.sleep(0.1)
    yield
    send(api, "DELETE", f"{CRDS}/{definition['metadata']['name']}", {})


@pytest.fixture(autouse=True)
def operators_namespace(admin: Api) -> None:
    ref = ObjectRef("v1", "Namespace", configs.NAMESPACE)
    if admin.get(ref) is None:
        admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": configs.NAMESPACE}})


@pytest.fixture
def config(admin: Api) -> Iterator[Callable[..., Object]]:
    """Makes the Config, as there is exactly one; taken away with what else the test left in the namespace."""

    def make(**spec: Any) -> Object:
        made = {"apiVersion": configs.API_VERSION, "kind": "Config", "metadata": {"name": "cluster"}}
        return admin.create({**made, "spec": {**FRESH, **spec}})

    yield make
    admin.delete(configs.REF)
    admin.delete(configs.CREDENTIALS)
    for kind in ("PersistentVolumeClaim", "Service"):
        for obj in admin.list("v1", kind, configs.NAMESPACE):
            admin.patch(ObjectRef.of(obj), [{"op": "add", "path": "/metadata/finalizers", "value": []}])
            admin.delete(ObjectRef.of(obj))
    for obj in admin.list("apps/v1", "Deployment", configs.NAMESPACE):
        admin.delete(ObjectRef.of(obj))


def live(admin: Api) -> Object:
    found = admin.get(configs.REF)
    assert found is not None
    return found


def report(admin: Api, *, storage: Object | None = None, **conditions: tuple[str, str, str]) -> None:
    """What the operator says of the Config of now; all is well where nothing else is said."""
    ready = "The registry is ready"
    told = {"Available": ("True", "Ready", ready), "Progressing": ("False", "Ready", ready), **conditions}
    there = live(admin)
    status = {
        "observedGeneration": there["metadata"]["generation"],
        "readyReplicas": there["spec"]["replicas"],
        "storageManaged": False,
        "storage": storage if storage is not None else there["spec"]["storage"],
        "conditions": [
            {"type": kind, "status": s, "reason": r, "message": m, "lastTransitionTime": "2026-11-24T12:00:00Z"}
            for kind, (s, r, m) in told.items()
        ],
    }
    patch = [{"op": "add", "path": "/status", "value": status}]
    send(admin, "PATCH", f"{configs.REF.path}/status", patch, "application/json-patch+json")


def claim(admin: Api, name: str, mode: str) -> None:
    body = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": name, "namespace": configs.NAMESPACE}
    admin.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": body})


class TestWhose:
    """Without managed_by, by what there is."""

    def test_the_operator_s_where_it_manages(self, run: Any, admin: Api, config: Any) -> None:
        config()
        result = run(registry_deploy, replicas=0, storage={"kind": "ephemeral"})
        assert not result.get("failed"), result
        assert [r["kind"] for r in result["resources"]] == ["Config"]
        assert (result["registry"]["name"], result["registry"]["namespace"]) == (configs.NAME, configs.NAMESPACE)
        assert (result["layout"]["name"], result["workload"]["kind"]) == ("operator", "Config")
        assert live(admin)["spec"]["storage"] == {"emptyDir": {}}

    @pytest.mark.parametrize("state", ["Removed", "Unmanaged"])
    def test_ours_where_the_operator_does_not(self, run: Any, admin: Api, config: Any, state: str) -> None:
        made = config(managementState=state)
        result = run(registry_deploy, kind="Deployment", image=IMAGE, cluster_role="")
        assert result["workload"]["kind"] == "Deployment", result
        assert live(admin) == made

    def test_ours_where_it_is_there(self, run: Any, admin: Api, namespace: str, config: Any) -> None:
        options = {"kind": "Deployment", "image": IMAGE, "cluster_role": ""}
        assert run(registry_deploy, managed_by="self", **options)["changed"]
        made = config()
        assert run(registry_deploy, **options)["workload"]["kind"] == "Deployment"
        assert run(registry_deploy, state="absent")["changed"]
        assert not run(registry_deploy, state="absent")["changed"]
        assert live(admin) == made, "state: absent twice must not take the cluster's own registry away"

    def test_going_back(self, run: Any, admin: Api, config: Any) -> None:
        """The operator has no way back, and says so; a registry of ours that is not there any more is no operator's."""
        made = config()
        for options in ({"managed_by": "operator"}, {"namespace": configs.NAMESPACE}):
            result = run(registry_deploy, state="rolled_back", **options)
            assert result.get("failed"), result
            assert "no way back" in result["msg"]
        assert "nothing to put back" in run(registry_deploy, state="rolled_back")["actions"][0]
        assert live(admin) == made

    def test_asked_for_where_there_is_none(self, run: Any) -> None:
        result = run(registry_deploy, managed_by="operator")
        assert result["failed"]
        assert "managed_by" in result["msg"]
        assert "Config cluster" in result["msg"]

    def test_what_it_has_no_equal_for(self, run: Any, admin: Api, config: Any) -> None:
        made = config()
        result = run(registry_deploy, image=IMAGE, tls_secret="registry-secret", env={"FOO": "bar"}, labels={"a": "b"})
        assert result["failed"]
        assert result["options"] == ["image", "labels", "tls_secret", "env.FOO"]
        assert "managed_by: self" in result["msg"]
        assert live(admin) == made


class TestConverges:
    OPTIONS: Object = {
        "replicas": 2, "node_selector": {"node-role.kubernetes.io/infra": ""}, "strategy": "Rolling",
        "tolerations": [{"key": "infra", "effect": "NoSchedule", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]}},
        "resources": {"requests": {"cpu": "0.25", "memory": "256Mi"}},
        "egress_proxy": {"http": "http://u:pass@proxy:3128", "no_proxy": [".svc", ".cluster.local"]},
        "env": {"REGISTRY_LOG_LEVEL": "debug", "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED": True},
        "storage": {"kind": "s3", "parameters": {
            "bucket": "images", "region": "eu", "regionendpoint": "https://s3.test", "chunksize": 33554432,
            "accesskey": "AK1A-not-to-be-seen", "secretkey": "S3cr3t-not-to-be-seen"}},
    }  # fmt: skip

    def test_all_options_in_one_write_each(self, run: Any, admin: Api, config: Any) -> None:
        made = config(storage={"emptyDir": {}}, managementState="Removed")
        planned = run(registry_deploy, check=True, managed_by="operator", **self.OPTIONS)
        assert live(admin) == made
        assert [o["kind"] for o in planned["objects"]] == ["Secret", "Config"]
        done = run(registry_deploy, managed_by="operator", **self.OPTIONS)
        assert not done.get("failed"), done
        for key in ("changed", "actions", "resources", "registry", "workload"):
            assert planned[key] == done[key], key
        spec, secret = live(admin)["spec"], admin.get(configs.CREDENTIALS) or {}
        assert spec["managementState"] == "Managed"
        assert spec["storage"] == {
            "s3": {"bucket": "images", "region": "eu", "regionEndpoint": "https://s3.test", "chunkSizeMiB": 32}
        }
        assert (spec["replicas"], spec["logLevel"], spec["readOnly"]) == (2, "Debug", True)
        assert spec["proxy"] == {"http": "http://u:pass@proxy:3128", "noProxy": ".svc,.cluster.local"}
        assert (spec["httpSecret"], spec["defaultRoute"]) == (FRESH["httpSecret"], True)
        assert base64.b64decode(secret["data"]["REGISTRY_STORAGE_S3_SECRETKEY"]) == b"S3cr3t-not-to-be-seen"
        for word in ("not-to-be-seen", "u:pass@", FRESH["httpSecret"]):
            assert word not in json.dumps([planned, done])
        again = run(registry_deploy, managed_by="operator", **self.OPTIONS)
        assert (again["changed"], again["diff"], again["api_requests"]["patch"]) == (False, [], 0)

    @pytest.mark.parametrize(
        ("storage", "field"),
        [
            ({"kind": "pvc"}, {"pvc": {}}),
            ({"kind": "azure", "parameters": {"accountname": "a", "container": "con-1", "accountkey": "k"}},
             {"azure": {"accountName": "a", "container": "con-1", "networkAccess": {"type": "External"}}}),
            ({"kind": "gcs", "parameters": {"bucket": "b", "keyfile": "{}"}}, {"gcs": {"bucket": "b"}}),
            ({"kind": "swift", "parameters": {"container": "c", "username": "u", "password": "p"}},
             {"swift": {"container": "c"}}),
            ({"kind": "s3"}, {"s3": {}}),
        ],
    )  # fmt: skip
    def test_each_kind_of_storage(self, run: Any, admin: Api, config: Any, storage: Object, field: Object) -> None:
        config()
        result = run(registry_deploy, storage=storage)
        assert not result.get("failed"), result
        assert live(admin)["spec"]["storage"] == field
        assert not run(registry_deploy, storage=storage)["changed"]
        if storage.get("parameters"):
            assert admin.get(configs.CREDENTIALS) is not None
            run(registry_deploy, storage={"kind": "pvc"}, allow_data_loss=True)
            assert admin.get(configs.CREDENTIALS) is None, "credentials of ours that nothing uses any more"

    def test_what_the_crd_refuses_is_said(self, run: Any, config: Any) -> None:
        config()
        result = run(registry_deploy, storage={"kind": "azure", "parameters": {"container": "No_Such"}})
        assert result["failed"]
        assert "spec.storage.azure.container" in result["msg"]

    def test_a_user_s_own_secret_is_left_alone(self, run: Any, admin: Api, config: Any) -> None:
        config()
        storage = {"kind": "s3", "parameters": {"bucket": "b"}, "secret_name": configs.CREDENTIALS.name}
        missing = run(registry_deploy, storage=storage)
        assert "create it first" in missing["msg"]
        data = {"REGISTRY_STORAGE_S3_ACCESSKEY": "YQ=="}
        meta = {"name": configs.CREDENTIALS.name, "namespace": configs.NAMESPACE}
        made = admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
        assert "lacks REGISTRY_STORAGE_S3_SECRETKEY" in run(registry_deploy, storage=storage)["msg"]
        admin.patch(
            configs.CREDENTIALS,
            [{"op": "add", "path": "/data/REGISTRY_STORAGE_S3_SECRETKEY", "value": "YQ=="}],
        )
        assert run(registry_deploy, storage=storage)["changed"]
        run(registry_deploy, storage={"kind": "pvc"}, allow_data_loss=True)
        after = admin.get(configs.CREDENTIALS) or {}
        assert after["metadata"]["uid"] == made["metadata"]["uid"]


class TestImages:
    def test_another_store_is_refused_unless_said(self, run: Any, admin: Api, config: Any) -> None:
        config(storage={"pvc": {"claim": "image-registry-storage"}})
        report(admin)
        made = live(admin)
        asked = {"storage": {"kind": "s3", "parameters": {"bucket": "b"}}}
        result = run(registry_deploy, **asked)
        assert result["failed"]
        assert "pvc (claim image-registry-storage)" in result["msg"]
        assert "allow_data_loss" in result["msg"]
        assert live(admin) == made
        assert run(registry_deploy, allow_data_loss=True, **asked)["changed"]

    def test_a_claim_for_one_node(self, run: Any, admin: Api, config: Any) -> None:
        config(replicas=2)
        claim(admin, "one-node", "ReadWriteOnce")
        storage = {"kind": "pvc", "claim_name": "one-node"}
        assert "say replicas: 1" in run(registry_deploy, storage=storage)["msg"]
        assert "strategy: Recreate" in run(registry_deploy, storage=storage, replicas=1, strategy="Rolling")["msg"]
        assert run(registry_deploy, storage=storage, replicas=1)["changed"]
        assert live(admin)["spec"]["rolloutStrategy"] == "Recreate"
        assert not run(registry_deploy)["changed"], "storage that is no longer said stays, with what it needs"

    def test_a_claim_that_is_not_there(self, run: Any, admin: Api, config: Any) -> None:
        made = config()
        asked = {"storage": {"kind": "pvc", "claim_name": "none"}}
        assert "create it first" in run(registry_deploy, **asked)["msg"]
        assert live(admin) == made
        planned = run(registry_deploy, check=True, **asked)
        assert any("does not exist yet" in line for line in planned["actions"])

    def test_several_pods_with_images_of_their_own(self, run: Any, config: Any) -> None:
        config()
        assert "images of their own" in run(registry_deploy, replicas=2, storage={"kind": "ephemeral"})["msg"]


class TestAwayAndBack:
    def test_storage_stays(self, run: Any, admin: Api, config: Any) -> None:
        config(storage={"managementState": "Managed", "s3": {"bucket": "made-by-the-operator"}})
        report(admin)
        planned = run(registry_deploy, check=True, managed_by="operator", state="absent")
        done = run(registry_deploy, managed_by="operator", state="absent")
        assert planned["actions"] == done["actions"]
        spec = live(admin)["spec"]
        assert spec["managementState"] == "Removed"
        assert spec["storage"] == {"managementState": "Unmanaged", "s3": {"bucket": "made-by-the-operator"}}
        assert not run(registry_deploy, managed_by="operator", state="absent")["changed"]
        assert run(registry_deploy, managed_by="operator")["changed"]
        back = live(admin)["spec"]
        assert (back["managementState"], back["storage"]) == ("Managed", spec["storage"])

    def test_images_in_the_pods_do_not_go_by_themselves(self, run: Any, admin: Api, config: Any) -> None:
        config(storage={"emptyDir": {}})
        report(admin)
        result = run(registry_deploy, managed_by="operator", state="absent")
        assert result["failed"]
        assert "kept in the pods themselves (emptyDir)" in result["msg"]
        assert live(admin)["spec"]["managementState"] == "Managed"
        assert run(registry_deploy, managed_by="operator", state="absent", allow_data_loss=True)["changed"]

    def test_what_somebody_else_writes_in_between_is_judged_before_the_second_try(
        self, run: Any, admin: Api, config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config(storage={"pvc": {"claim": "c"}})
        patch, done = Api.patch, []

        def patched(self: Api, ref: ObjectRef, steps: Any) -> Any:
            if ref == configs.REF and not done:
                done.append(True)
                storage = {"op": "replace", "path": "/spec/storage", "value": {"emptyDir": {}}}
                patch(admin, ref, [storage])
                report(admin)
            return patch(self, ref, steps)

        monkeypatch.setattr(Api, "patch", patched)
        result = run(registry_deploy, managed_by="operator", state="absent")
        assert result["failed"]
        assert "kept in the pods themselves (emptyDir)" in result["msg"]
        assert live(admin)["spec"]["managementState"] == "Managed"
        done.clear()
        replace = {"op": "replace", "path": "/spec/storage", "value": {"pvc": {"claim": "c"}}}
        patch(admin, configs.REF, [replace])
        report(admin)
        result = run(registry_deploy, managed_by="operator", node_selector={"a": "b"})
        assert result["failed"]
        assert "and this change replaces the pods; pushed images would be lost" in result["msg"]

    def test_anew(self, run: Any, admin: Api, config: Any) -> None:
        config(storage={"pvc": {"claim": "c"}})
        meta = {"name": configs.NAME, "namespace": configs.NAMESPACE}
        template = {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "registry", "image": "x"}]},
        }  # fmt: skip
        body = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body})
        planned = run(registry_deploy, check=True, managed_by="operator", state="redeployed")
        done = run(registry_deploy, managed_by="operator", state="redeployed")
        assert (done["changed"], done["workload"]["rolls"]) == (True, True)
        assert [r["action"] for r in planned["resources"]] == [r["action"] for r in done["resources"]]
        after = admin.get(ObjectRef("apps/v1", "Deployment", configs.NAME, configs.NAMESPACE)) or {}
        assert "kubectl.kubernetes.io/restartedAt" in after["spec"]["template"]["metadata"]["annotations"]

    def test_anew_loses_no_images(self, run: Any, admin: Api, config: Any) -> None:
        config(storage={"emptyDir": {}})
        report(admin)
        result = run(registry_deploy, managed_by="operator", state="redeployed")
        assert result["failed"]
        assert "allow_data_loss" in result["msg"]


class TestWait:
    def look(self, run: Any) -> Object:
        result: Object = run(registry_rollout_info, kind="Config", namespace=configs.NAMESPACE, name="cluster")
        return result["rollout"]  # type: ignore[no-any-return]

    def test_until_the_operator_says_so(self, run: Any, admin: Api, config: Any) -> None:
        config()
        assert not run(registry_deploy, storage={"kind": "pvc"})["rollout"]
        assert self.look(run)["line"] == "image-registry: 0/1 ready, operator has not seen it yet"
        report(admin, Progressing=("True", "Error", "Unable to apply resources: PVC x does not contain the modes"))
        state = self.look(run)
        assert (state["done"], state["stuck"]) == (False, "config")
        assert "PVC x" in state["reason"]
        report(admin)
        assert self.look(run)["done"]
        again = run(registry_deploy, storage={"kind": "pvc"})
        assert (again["changed"], again["rollout"]["done"]) == (False, True)


def test_info_tells_of_the_operator_s_registry(run: Any, admin: Api, config: Any) -> None:
    config(storage={"emptyDir": {}})
    meta = {"name": configs.CA.name, "namespace": configs.NAMESPACE}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {configs.CA_KEY: ""}})
    result = run(registry_info, namespace=configs.NAMESPACE, name=configs.NAME)
    admin.delete(configs.CA)
    assert (result["ca_cert"], result["node_ca"]) == ("", True)
    service = f"{configs.NAME}.{configs.NAMESPACE}.svc"
    assert result["registry"]["endpoints"] == [f"{service}:5000", f"{service}.cluster.local:5000"]
    assert result["layout"]["name"] == "operator"
    assert "ephemeral storage: images go with the pods" in result["layout"]["differences"]


def test_rendered_without_a_cluster(run: Any) -> None:
    result = run(registry_deploy, managed_by="operator", state="rendered", **TestConverges.OPTIONS)
    assert [o["kind"] for o in result["objects"]] == ["Secret", "Config"]
    assert "not-to-be-seen" not in json.dumps(result)
    assert sum(result["api_requests"].values()) == 0


@pytest.mark.parametrize("managed_by", ["auto", "operator"])
def test_exactly_the_documented_rights(
    run: Any, admin: Api, config: Any, somebody: Any, requests: Any, namespace: str, managed_by: str
) -> None:
    """Of docs/permissions.md: nothing is refused, and each right is asked for, but those about pods."""
    config()
    claim(admin, "mine", "ReadWriteMany")
    asked = Asked(detect(admin), namespace=namespace, operator=True, managed_by=managed_by, storage=Storage("mine"))
    user, rights = somebody("telling"), needed(asked)
    user.give(rights)
    user.wait(rights)
    theirs = run.as_user(user.name)
    s3 = TestConverges.OPTIONS["storage"]
    other = {**s3, "parameters": {**s3["parameters"], "secretkey": "An0ther-not-to-be-seen"}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    meta = {"name": configs.NAME, "namespace": configs.NAMESPACE}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    for options in (
        {"storage": s3}, {"storage": other}, {"state": "redeployed"},
        {"storage": {"kind": "pvc", "claim_name": "mine"}, "allow_data_loss": True},
    ):  # fmt: skip
        result = theirs(registry_deploy, managed_by=managed_by, wait=False, **options)
        assert not result.get("failed"), result["msg"]
        assert [r["kind"] for r in result["resources"] if r["kind"] not in ("Secret", "Deployment")] == ["Config"]
    assert not theirs(registry_rollout_info, kind="Config").get("failed")
    if managed_by == "operator":
        gone = theirs(registry_deploy, managed_by=managed_by, state="absent")
        assert not gone.get("failed"), gone["msg"]
    log = requests(user.name)
    assert [right for right, code in log if code == 403] == []
    idle = {(r.verb, r.resource) for r in rights} - {(r.verb, r.resource) for r, _code in log}
    assert idle == {("list", "events")}

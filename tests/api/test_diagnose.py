# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_diagnose on a real API server: causes that objects tell, each made for real and named alone.

No controller, kubelet or router runs here: what one would write, the tests write, in the API server's own words where
it has any (a quota's, an SCC's, a token's).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._errors import ApiError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_diagnose,
    registry_info,
    registry_route,
    registry_service,
)

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cleared")]
Object = dict[str, Any]
NAME, CLAIM, HOST, NODE = "docker-registry", "images", "registry.apps.example.com", "node-a"
IMAGES = "image.openshift.io"


def facts_of(result: Object) -> Object:
    """A result as it is registered: without what Ansible says beside it."""
    return {key: value for key, value in result.items() if key not in ("invocation", "warnings", "deprecations")}


@dataclass
class Site:
    """A registry that works, as far as objects tell, and who would write about it."""

    admin: Api
    run: Any
    namespace: str
    ca: Object

    def ref(self, kind: str, name: str = NAME, version: str = "v1") -> ObjectRef:
        return ObjectRef(version, kind, name, self.namespace)

    def patch(self, ref: ObjectRef, *operations: Object) -> None:
        self.admin.patch(ref, operations)

    def status(self, ref: ObjectRef, status: Object, *, api: Api | None = None) -> None:
        path, body = f"{ref.path}/status", [{"op": "add", "path": "/status", "value": status}]
        asked = Request("patch", path)
        (api or self.admin)._send("PATCH", path, asked, body=body, content_type="application/json-patch+json")

    @property
    def deployment(self) -> Object:
        found = self.admin.get(self.ref("Deployment", version="apps/v1"))
        assert found
        return found

    def roll_out(self, *, done: bool = True) -> None:
        """What the Deployment's controller does."""
        live = self.deployment
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME, "uid": live["metadata"]["uid"]}
        name = f"{NAME}-{live['metadata']['uid'][:4]}-{live['metadata']['generation']}"
        labels = {**live["spec"]["template"]["metadata"]["labels"], "pod-template-hash": name[-8:]}
        template = {**live["spec"]["template"], "metadata": {"labels": labels}}
        meta = {"name": name, "namespace": self.namespace, "labels": labels,
                "annotations": {"deployment.kubernetes.io/revision": str(live["metadata"]["generation"])},
                "ownerReferences": [{**owner, "controller": True}]}  # fmt: skip
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        self.admin.create({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": spec})
        self.template, self.replica_set = template, self.ref("ReplicaSet", name, "apps/v1")
        pods = live["spec"]["replicas"] if done else 0
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods)
        condition = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
        self.status(ObjectRef.of(live), {
            **numbers, "observedGeneration": live["metadata"]["generation"], "conditions": [condition],
        })  # fmt: skip

    def make_pod(self, ip: str, api: Api | None = None) -> None:
        """What the ReplicaSet's controller does, as far as it is let, and then what kubelet and endpoints' one do."""
        meta = {**self.template["metadata"], "name": f"{NAME}-{ip.rpartition('.')[2]}", "namespace": self.namespace}
        spec = {**self.template["spec"], "automountServiceAccountToken": False}
        (api or self.admin).create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        ready = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
        self.status(self.ref("Pod", meta["name"]), {**ready, "conditions": [{"type": "Ready", "status": "True"}]})

    def lead_to(self, *ips: str) -> None:
        """What the endpoints' controller does."""
        body = {"subsets": [{"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": 5000}]}]}
        meta = {"name": NAME, "namespace": self.namespace}
        if self.admin.get(self.ref("Endpoints")):
            self.patch(self.ref("Endpoints"), {"op": "replace", "path": "/subsets", "value": body["subsets"]})
        else:
            self.admin.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, **body})

    def refuse(self, api: Api | None = None) -> None:
        """Roll out anew; what the API server says to the pod becomes the ReplicaSet's condition."""
        self.roll_out(done=False)
        with pytest.raises(ApiError) as refused:
            self.make_pod("10.128.0.99", api)
        said = refused.value.message
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}
        self.status(self.replica_set, {"replicas": 0, "conditions": [failure]})

    def diagnose(self, info: Object | None = None, **options: Any) -> list[Object]:
        """All findings."""
        asked = {"route_host": HOST, **(info or {})}
        told = self.run(registry_info, **asked)
        assert not told.get("failed"), told
        endpoints = {key: value for key, value in asked.items() if key in ("route_host", "extra_hosts")}
        result = self.run(registry_diagnose, info=facts_of(told), look_inside=False, **endpoints, **options)
        assert not result.get("failed"), result
        assert result["api_requests"]["post"] == result["api_requests"]["patch"] == 0
        return list(result["findings"])

    def named(self, info: Object | None = None, **options: Any) -> list[str]:
        """The names of all findings, each as often as it is there."""
        return [found["name"] for found in self.diagnose(info, **options)]


@pytest.fixture
def site(admin: Api, run: Any, namespace: str, tmp_path: Path) -> Iterator[Site]:
    paths = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key")}
    made = Site(admin, run, namespace, paths)
    admin.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": CLAIM, "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim})
    steps = [
        run(registry_service),
        run(registry_cert, ca={**paths, "create": True}, route_host=HOST, key_type="ECDSA"),
        run(registry_deploy, image="i", kind="Deployment", tls_secret="registry-secret", cluster_role="",
            storage={"kind": "pvc", "claim_name": CLAIM}, probe_storage=False),
        run(registry_route, route_host=HOST, wait=False),
    ]  # fmt: skip
    assert [step["msg"] for step in steps if step.get("failed")] == []
    made.roll_out()
    made.make_pod("10.128.0.5")
    made.lead_to("10.128.0.5")
    admit(made)
    yield made
    for kind in ("Pod", "ResourceQuota", "Endpoints"):
        for obj in admin.list("v1", kind, namespace):
            admin.delete(ObjectRef.of(obj))
    for version, kind in (("apps/v1", "ReplicaSet"), (f"{IMAGES}/v1", "ImageStream")):
        for obj in admin.list(version, kind, namespace):
            admin.delete(ObjectRef.of(obj))


def admit(site: Site, name: str = NAME, host: str = HOST, **condition: str) -> None:
    """What a router does."""
    said = {"type": "Admitted", "status": "True", **condition}
    ingress = {"host": host, "routerName": "router", "conditions": [said]}
    site.status(site.ref("Route", name, "route.openshift.io/v1"), {"ingress": [ingress]})


def test_a_registry_that_works_has_no_findings(site: Site) -> None:
    assert site.diagnose() == []


def test_nothing_is_written(site: Site, audit: Callable[[], dict[str, int]]) -> None:
    site.diagnose()
    asked = audit()
    assert asked["get"] > 0
    assert (asked["post"], asked["patch"], asked["delete"]) == (0, 0, 0)


# ---- the registry itself


def test_no_service(site: Site) -> None:
    site.admin.delete(site.ref("Service"))
    assert site.named() == ["service_missing"]


def test_no_workload(site: Site) -> None:
    site.admin.delete(site.ref("Deployment", version="apps/v1"))
    site.lead_to("10.128.0.77")
    assert site.named() == ["workload_missing"]


def test_no_pods_wanted(site: Site) -> None:
    site.patch(site.ref("Deployment", version="apps/v1"), {"op": "replace", "path": "/spec/replicas", "value": 0})
    assert site.named() == ["scaled_to_zero"]


def test_a_quota(site: Site) -> None:
    meta = {"name": "small", "namespace": site.namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": {"pods": "1"}}}
    site.admin.create(quota)
    site.status(site.ref("ResourceQuota", "small"), {"hard": {"pods": "1"}, "used": {"pods": "1"}})
    env = {"name": "A", "value": "b"}
    path = "/spec/template/spec/containers/0/env/-"
    site.patch(site.ref("Deployment", version="apps/v1"), {"op": "add", "path": path, "value": env})
    site.refuse()
    (found,) = site.diagnose()
    assert found["name"] == "quota"
    assert "exceeded quota: small" in found["evidence"][0]
    assert "registry_resources" in found["fix"]


def test_no_scc(site: Site, kubeconfig: str, grant: Any) -> None:
    volume = {"name": "x", "hostPath": {"path": "/srv"}}
    where = site.ref("Deployment", version="apps/v1")
    site.patch(where, {"op": "add", "path": "/spec/template/spec/volumes/-", "value": volume})
    who = "system:serviceaccount:kube-system:replicaset-controller"
    grant(who, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}])
    controller = Api(lambda: connect({"kubeconfig": kubeconfig, "impersonate_user": who}))
    site.refuse(controller)
    (found,) = site.diagnose()
    assert found["name"] == "scc_denied", found
    assert "security context constraint" in found["evidence"][0]


def test_a_claim_for_one_node(site: Site) -> None:
    where = site.ref("Deployment", version="apps/v1")
    site.patch(where, {"op": "replace", "path": "/spec/replicas", "value": 2})
    (found,) = site.diagnose()
    assert (found["name"], found["object"]) == ("rwo_replicas", f"Deployment {site.namespace}/{NAME}")
    assert "ReadWriteOnce" in found["evidence"][0]
    assert found["command"] == "ansible-playbook okd.registry.deploy -e registry_replicas=1"


def test_storage_of_each_pod(site: Site) -> None:
    where, storage = site.ref("Deployment", version="apps/v1"), {"name": "registry-storage", "emptyDir": {}}
    volumes = site.deployment["spec"]["template"]["spec"]["volumes"]
    index = next(i for i, volume in enumerate(volumes) if "persistentVolumeClaim" in volume)
    path = f"/spec/template/spec/volumes/{index}"
    site.patch(
        where,
        {"op": "replace", "path": path, "value": {**storage, "name": volumes[index]["name"]}},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
    )
    site.roll_out()
    assert site.named() == ["storage_not_shared"]


# ---- certificates


def put(site: Site, leaf: Object) -> None:
    """Put a certificate and its key into the Secret."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in leaf.items()}
    site.patch(site.ref("Secret", "registry-secret"), {"op": "replace", "path": "/data", "value": data})


def leaf(site: Site, days: int) -> Object:
    """A certificate for all names, of the same CA, that ends in so many days."""
    ca_cert = _pem.parse_certificates(Path(site.ca["cert_path"]).read_bytes(), "ca")[0]
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    now = dt.datetime.now(dt.timezone.utc)
    live = site.admin.get(site.ref("Secret", "registry-secret")) or {}
    old = _pem.parse_certificates(base64.b64decode(live["data"]["registry.crt"]), "leaf")[0]
    signer = serialization.load_pem_private_key(Path(site.ca["key_path"]).read_bytes(), None)
    built = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(ca_cert.subject)
        .public_key(old.public_key())
        .serial_number(4711)
        .not_valid_before(now - dt.timedelta(days=400))
        .not_valid_after(now + dt.timedelta(days=days, hours=1))
    )
    for extension in old.extensions:
        built = built.add_extension(extension.value, extension.critical)
    made = built.sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    return {
        "registry.crt": made.public_bytes(serialization.Encoding.PEM).decode(),
        "registry.key": base64.b64decode(live["data"]["registry.key"]).decode(),
    }


@pytest.mark.parametrize(("days", "name"), [(-2, "certificate_expired"), (9, "certificate_expires")])
def test_a_certificate_that_ends(site: Site, days: int, name: str) -> None:
    put(site, leaf(site, days))
    assert site.named() == [name]
    asked = {"ca": site.ca, "route_host": HOST, "key_type": "ECDSA"}
    assert run_ok(site, **asked)
    assert site.named() == []


def run_ok(site: Site, **asked: Any) -> bool:
    result = site.run(registry_cert, **asked)
    assert not result.get("failed"), result
    return bool(result["changed"])


def test_a_name_that_the_certificate_lacks(site: Site) -> None:
    (found,) = site.diagnose({"extra_hosts": ["mirror.example.com:5000"]})
    assert (found["name"], found["endpoints"]) == ("san_missing", ["mirror.example.com:5000"])
    assert found["command"] == "ansible-playbook okd.registry.deploy"
    run_ok(site, ca=site.ca, route_host=HOST, key_type="ECDSA", extra_hosts=["mirror.example.com:5000"])
    assert site.named({"extra_hosts": ["mirror.example.com:5000"]}) == []


def published(site: Site, pem: str) -> None:
    where = site.ref("ConfigMap", f"{NAME}-ca")
    site.patch(where, {"op": "replace", "path": "/data/ca.crt", "value": pem})


def another_ca(days: int) -> str:
    key, now = _pem.new_key("ECDSA", None), dt.datetime.now(dt.timezone.utc)
    return str(
        _x509.Ca(_x509.self_signed_ca(key, name="another", now=now - dt.timedelta(days=9), days=days), key).pem()
    )


@pytest.mark.parametrize(("days", "name"), [(900, "ca_mismatch"), (3, "ca_expired")])
def test_another_ca_is_published(site: Site, days: int, name: str) -> None:
    published(site, another_ca(days))
    assert site.named() == [name]


def test_no_ca_is_published(site: Site) -> None:
    site.admin.delete(site.ref("ConfigMap", f"{NAME}-ca"))
    assert site.named() == ["ca_missing"]


def test_without_tls(site: Site) -> None:
    site.admin.delete(site.ref("Deployment", version="apps/v1"))
    site.admin.delete(site.ref("Secret", "registry-secret"))
    site.admin.delete(site.ref("ConfigMap", f"{NAME}-ca"))
    options = {
        "probe_storage": False,
        "image": "i",
        "kind": "Deployment",
        "cluster_role": "",
        "storage": {"kind": "pvc", "claim_name": CLAIM},
    }
    assert not site.run(registry_deploy, **options).get("failed")
    site.roll_out()
    site.make_pod("10.128.0.6")
    site.lead_to("10.128.0.5", "10.128.0.6")
    assert site.named() == ["not_secured"]


def test_a_pod_that_its_node_could_not_keep(site: Site) -> None:
    """Written as a kubelet and the scheduler write it."""
    live = site.deployment
    numbers = {"replicas": 1, "updatedReplicas": 1, "observedGeneration": live["metadata"]["generation"]}
    site.status(ObjectRef.of(live), {**numbers, "readyReplicas": 0, "availableReplicas": 0, "unavailableReplicas": 1})
    lead = {"10.128.0.7": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}}
    said = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }."
    pending = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    lead["10.128.0.8"] = {"phase": "Pending", "conditions": [pending]}
    for pod in site.admin.list("v1", "Pod", site.namespace):
        site.admin.delete(ObjectRef.of(pod))
    for ip, status in lead.items():
        site.make_pod(ip)
        site.status(site.ref("Pod", f"{NAME}-{ip.rpartition('.')[2]}"), {"conditions": [], **status})
    (found,) = site.diagnose()
    assert found["name"] == "evicted"
    assert "low on resource: memory" in found["evidence"][0]
    assert "free the node" in found["fix"]


# ---- Route


def test_no_route(site: Site) -> None:
    site.admin.delete(site.ref("Route", version="route.openshift.io/v1"))
    (found,) = site.diagnose()
    assert (found["name"], found["command"]) == ("route_missing", "ansible-playbook okd.registry.expose")


def test_no_router(site: Site) -> None:
    site.status(site.ref("Route", version="route.openshift.io/v1"), {})
    assert site.named() == ["router_missing"]


def test_a_router_that_refuses(site: Site) -> None:
    admit(site, status="False", reason="HostAlreadyClaimed", message="route x already exposes it")
    (found,) = site.diagnose()
    assert found["name"] == "route_not_admitted"
    assert "HostAlreadyClaimed, route x already exposes it" in found["evidence"][0]
    admit(site)
    assert site.named() == []


def test_a_new_host_beside_the_one_that_is_admitted(site: Site) -> None:
    new = "images.apps.example.com"
    run_ok(site, ca=site.ca, route_host=new, key_type="ECDSA")
    (found,) = site.diagnose({"route_host": new})
    assert (found["name"], found["endpoints"]) == ("route_missing", [new])
    assert f"Route {site.namespace}/{NAME} has {HOST}" in found["evidence"][0]
    made = site.run(registry_route, route_host=new, beside=True, wait=False)
    assert not made.get("failed"), made
    admit(site, f"{NAME}-2", new, status="False", reason="HostAlreadyClaimed", message="route x already exposes it")
    (found,) = site.diagnose({"route_host": new})
    assert (found["name"], found["object"]) == ("route_not_admitted", f"Route {site.namespace}/{NAME}-2")
    told = {host: site.run(registry_info, route_host=host) for host in (HOST, new)}
    assert {host: one["route"]["host"] for host, one in told.items()} == {HOST: HOST, new: new}
    assert [route["host"] for route in told[new]["routes"]] == [new, HOST]


@pytest.mark.parametrize(
    ("host", "days", "name"),
    [
        ("images.apps.example.com", -3, "route_certificate_expired"),
        ("images.apps.example.com", 9, "route_certificate_expires"),
        ("other.apps.example.com", 90, "route_san_missing"),
        ("images.apps.example.com", 90, None),
    ],
)
def test_a_routes_own_certificate(site: Site, host: str, days: int, name: str | None) -> None:
    """It was given before, or by others: what clients would refuse at the time, registry_route does not write."""
    made, key = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=9), _pem.new_key("ECDSA", None)
    ca = _x509.Ca(_x509.self_signed_ca(key, name="the router's", now=made, days=200), key)
    pair = _x509.issue(ca, _x509.server_names([host]), serial=9, now=made, days=days + 10, key_type="ECDSA")
    tls = {"termination": "reencrypt", "certificate": pair.bundle.decode(), "key": pair.key_pem.decode()}
    to, meta = {"kind": "Service", "name": NAME}, {"name": "images", "namespace": site.namespace}
    spec = {"host": "images.apps.example.com", "to": to, "tls": tls}
    site.admin.create({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec})
    admit(site, "images", "images.apps.example.com")
    told = site.run(registry_info, route_host=HOST)
    assert told["router_endpoints"] == ["images.apps.example.com"]
    assert [route["certificate"] and route["certificate"]["sans"] for route in told["routes"]] == [None, [host]]
    assert tls["key"] not in str(told)
    found = site.diagnose()
    assert [one["name"] for one in found] == ([name] if name else [])
    assert [one["object"] for one in found] == ([f"Route {site.namespace}/images"] if name else [])


# ---- Nodes, image streams, token


def test_a_node_that_is_no_host(site: Site) -> None:
    node = ObjectRef("v1", "Node", f"{NODE}-{site.namespace}")
    site.admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}})
    try:
        others = {n["metadata"]["name"]: [n["metadata"]["name"]] for n in site.admin.list("v1", "Node")}
        del others[node.name]
        (found,) = site.diagnose({"inventory": others})
        assert (found["name"], found["object"]) == ("node_not_in_inventory", f"Node {node.name}")
        assert site.named({"inventory": {**others, "a": [node.name]}}) == []
    finally:
        site.admin.delete(node)


def image_stream(site: Site, registry: str, *, name: str = "web", **status: Any) -> ObjectRef:
    meta = {"name": name, "namespace": site.namespace}
    reference = f"{registry}/{site.namespace}/{name}"
    item = {"created": "2026-01-01T00:00:00Z", "image": "sha256:00", "generation": 1}
    tags = [{"tag": "1", "items": [{**item, "dockerImageReference": f"{reference}@sha256:00"}], **status}]
    spec = {"tags": [{"name": "1", "from": {"kind": "DockerImage", "name": f"{HOST}/other/web:1"}}]}
    body = {"apiVersion": f"{IMAGES}/v1", "kind": "ImageStream", "metadata": meta, "spec": spec}
    site.admin.create(body)
    site.status(ObjectRef.of(body), {"dockerImageRepository": reference, "tags": tags})
    return ObjectRef.of(body)


def integrated(site: Site) -> None:
    """Have the cluster's image streams be in this registry, whose namespace is not the usual one."""
    image_stream(site, f"{NAME}.{site.namespace}.svc:5000", name="by-its-name")


def test_image_streams_of_another_registry(site: Site) -> None:
    image_stream(site, "172.30.9.9:5000")
    assert site.named() == []


def test_image_streams_at_a_former_address(site: Site) -> None:
    integrated(site)
    made = image_stream(site, "172.30.9.9:5000")
    (found,) = site.diagnose()
    assert found["name"] == "stale_image_streams"
    assert found["command"] == (
        f"kubectl delete service {NAME} -n {site.namespace} && "
        "ansible-playbook okd.registry.deploy -e registry_cluster_ip=172.30.9.9 && ansible-playbook okd.registry.trust"
    )
    site.admin.delete(made)
    other = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other", "namespace": site.namespace},
             "spec": {"ports": [{"port": 5000}]}}  # fmt: skip
    address = site.admin.create(other)["spec"]["clusterIP"]
    image_stream(site, f"{address}:5000")
    assert site.named() == []


def test_a_former_address_is_given_back_as_is_advised(site: Site, shell: Callable[[str], str]) -> None:
    former = "172.30.9.9"
    refused = site.run(registry_service, cluster_ip=former)
    assert "address cannot be changed" in refused["msg"]
    integrated(site)
    image_stream(site, f"{former}:5000")
    (found,) = site.diagnose()
    away, deploy, _trust = found["command"].split(" && ")
    assert former in found["fix"]
    # What the playbook does, step by step: there is no controller here that would roll the Deployment out.
    options = {key: value for key, _equals, value in (word.partition("=") for word in shlex.split(deploy)) if value}
    assert list(options) == ["registry_cluster_ip"]
    shell(away)
    for module, more in (
        (registry_service, {"cluster_ip": options["registry_cluster_ip"]}),
        (registry_cert, {"ca": site.ca, "key_type": "ECDSA"}),
    ):
        done = site.run(module, route_host=HOST, **more)
        assert (done.get("failed"), done["changed"]) == (None, True), done
        assert f"{former}:5000" in done["registry"]["endpoints"]
    site.lead_to("10.128.0.5")  # as the endpoints' controller would: they go with their Service
    assert site.named() == []


def test_a_master_without_the_ca(site: Site) -> None:
    service = site.admin.get(site.ref("Service")) or {}
    said = f"Get https://{HOST}/v2/: x509: certificate signed by unknown authority"
    condition = {"type": "ImportSuccess", "status": "False", "message": said}
    image_stream(site, f"{service['spec']['clusterIP']}:5000", conditions=[condition])
    (found,) = site.diagnose()
    assert (found["name"], found["party"], found["endpoints"]) == ("master_lacks_ca", "master", [HOST])


def new_token(site: Site, account: str) -> str:
    meta = {"name": account, "namespace": site.namespace}
    site.admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    answer = site.admin._send(
        "POST", f"{site.ref('ServiceAccount', account).path}/token", Request("create", "x"), body=body
    )
    return str(json.loads(answer.body)["status"]["token"])


@pytest.fixture
def project(site: Site) -> Iterator[str]:
    """A project that is not the token's own namespace, with an account of the same name."""
    made = ObjectRef("v1", "Namespace", f"{site.namespace}-project")
    site.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.name}})
    yield made.name
    site.admin.delete(made)


def test_a_user_without_rights(site: Site, project: str, shell: Callable[[str], str]) -> None:
    token = new_token(site, "pusher")
    (found,) = site.diagnose(token=token, project=project)
    assert found["name"] == "user_without_rights"
    assert "get imagestreams/layers and update imagestreams/layers" in found["evidence"][0]
    shell(found["command"])
    deadline = time.monotonic() + 20
    while site.named(token=token, project=project):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    wanted = {"group": IMAGES, "resource": "imagestreams", "subresource": "layers", "verb": "update"}
    other = {"user": f"system:serviceaccount:{project}:pusher", "resourceAttributes": {**wanted, "namespace": project}}
    reviewed = site.admin.review("authorization.k8s.io/v1", "SubjectAccessReview", other)
    assert not reviewed["allowed"]


def test_a_token_that_nobody_knows(site: Site) -> None:
    token = "sha256~" + "x" * 43
    result = site.diagnose(token=token, project="test")
    assert [found["name"] for found in result] == ["token_refused"]
    assert token not in json.dumps(result)


def test_a_token_that_has_expired(site: Site) -> None:
    def part(content: Object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    token = f"{part({'alg': 'RS256'})}.{part({'exp': 1_700_000_000})}.x"
    (found,) = site.diagnose(token=token, project="test")
    assert found["name"] == "token_expired"
    assert "2023-11-14T22:13:20Z" in found["evidence"][0]


def test_who_may_read_little_is_told_what_was_not_judged(site: Site, grant: Any) -> None:
    told = site.run(registry_info, route_host=HOST)
    rules = [{"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}]
    grant("poor", rules)
    result = site.run.as_user("poor")(registry_diagnose, info=facts_of(told), look_inside=False, route_host=HOST)
    assert not result.get("failed"), result
    assert result["findings"] == []
    assert any("poor cannot get" in said for said in result["unread"])


def test_who_may_read_nothing_is_told_so(site: Site) -> None:
    nobody = site.run.as_user(f"nobody-{site.namespace}")
    told = nobody(registry_info, route_host=HOST)
    assert not told.get("failed"), told
    hidden = {one["what"] for one in told["unread"]}
    assert hidden == {"service", "workload", "routes", "certificate", "ca"}
    result = nobody(registry_diagnose, info=facts_of(told), route_host=HOST)
    assert not result.get("failed"), result
    assert result["findings"] == []
    assert {one["reason"] for one in told["unread"]} <= set(result["unread"])
    assert len(result["unread"]) == len(set(result["unread"]))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' main() on a real API server: check, apply, again; what they say, count and refuse."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_preflight_info,
    registry_rollout_info,
    registry_route,
    registry_service,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
SAME = ("actions", "resources", "diff", "changed")


def service_ref(namespace: str) -> ObjectRef:
    return ObjectRef("v1", "Service", "docker-registry", namespace)


# ---- registry_service ------------------------------------------------------------------------------------------------


def test_a_service_planned_made_and_found_again(run: Any, audit: Callable[[], Object], namespace: str) -> None:
    audit()
    planned = run(registry_service, check=True)
    assert audit() == {"get": 1, "post": 0, "patch": 0, "delete": 0}
    done = run(registry_service)
    assert audit() == {"get": 1, "post": 1, "patch": 0, "delete": 0}
    again = run(registry_service)
    assert audit() == {"get": 1, "post": 0, "patch": 0, "delete": 0}
    assert again["api_requests"] == {"get": 1, "post": 0, "patch": 0, "delete": 0, "discovery": 0, "waiting": 0}
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert done["actions"] == [f"Created Service {namespace}/docker-registry."]
    assert planned["registry"]["endpoints"][0] == "(known after apply):5000"
    address = done["registry"]["cluster_ip"]
    assert done["registry"]["endpoints"][0] == f"{address}:5000"
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert again["registry"] == done["registry"]


def test_what_is_dropped_from_the_options_goes_and_the_address_stays(run: Any, admin: Api, namespace: str) -> None:
    first = run(registry_service, labels={"a": "1", "b": "2"})
    admin.patch(service_ref(namespace), [{"op": "add", "path": "/metadata/labels/theirs", "value": "x"}])
    second = run(registry_service, labels={"a": "1"}, session_affinity="None")
    live = admin.get(service_ref(namespace)) or {}
    assert live["metadata"]["labels"] == {"a": "1", "theirs": "x"}
    # The pods have the labels of before until they are replaced.
    assert live["spec"]["selector"] == {"a": "1", "b": "2"}
    assert live["spec"]["sessionAffinity"] == "None"
    assert second["registry"]["cluster_ip"] == first["registry"]["cluster_ip"] == live["spec"]["clusterIP"]
    assert second["api_requests"]["patch"] == 1
    assert not run(registry_service, labels={"a": "1"}, session_affinity="None")["changed"]


def test_a_service_made_by_hand_is_taken_over_and_keeps_leading_where_it_led(
    run: Any, admin: Api, namespace: str
) -> None:
    made = admin.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "docker-registry", "namespace": namespace},
            "spec": {
                "selector": {"app": "registry"},
                "ports": [{"name": "registry", "port": 5000, "targetPort": 5000}, {"name": "debug", "port": 5001}],
            },
        }
    )
    result = run(registry_service)
    live = admin.get(service_ref(namespace)) or {}
    assert result["actions"] == [f"Updated Service {namespace}/docker-registry: metadata.labels, spec.sessionAffinity."]
    assert live["spec"]["selector"] == {"app": "registry"}
    assert [p["name"] for p in live["spec"]["ports"]] == ["registry", "debug"]
    assert live["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert not run(registry_service)["changed"]


def test_a_wanted_address(run: Any, admin: Api, namespace: str) -> None:
    taken = (admin.get(ObjectRef("v1", "Service", "kubernetes", "default")) or {})["spec"]["clusterIP"]
    refused = run(registry_service, cluster_ip=taken)
    assert "taken already by Service default/kubernetes" in refused["msg"]
    outside = run(registry_service, cluster_ip="192.0.2.1")
    assert "failed to allocate IP 192.0.2.1" in outside["msg"]
    assert admin.get(service_ref(namespace)) is None
    network = taken.rsplit(".", 2)[0]
    wanted = f"{network}.77.{int(time.time()) % 250 + 2}"
    assert run(registry_service, cluster_ip=wanted)["registry"]["cluster_ip"] == wanted
    other = run(registry_service, cluster_ip=f"{network}.78.1")
    assert other["msg"].startswith(
        f"Service {namespace}/docker-registry has the cluster IP {wanted}, and cluster_ip asks"
    )
    assert run(registry_service)["registry"]["cluster_ip"] == wanted


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"cluster_ip": "172.30.0.300"}, "cluster_ip: '172.30.0.300' is not an IP address"),
        ({"name": "Docker"}, "name: 'Docker' must be"),
        ({"extra_hosts": ["https://a.b"]}, "extra_hosts: 'https://a.b' must be host or host:port"),
        ({"port": 0}, "port: 0 is not a port"),
        ({"labels": {"a": "b c"}}, "labels.a: 'b c' is not a label value"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(run: Any, params: Object, text: str) -> None:
    result = run(registry_service, **params)
    assert result["failed"]
    assert text in result["msg"]
    assert sum(result["api_requests"].values()) == 0


def test_from_no_rights_to_just_enough_by_the_modules_own_messages(run: Any, grant: Any, namespace: str) -> None:
    user = f"user-{namespace}"
    given: list[str] = []
    for number in range(5):
        result = run.as_user(user)(registry_service, labels={"round": str(number)})
        if result.get("failed"):
            rules = yaml.safe_load(result["rule"])
            given += [v for rule in rules for v in rule["verbs"]]
            grant(user, rules)
    assert given == ["get", "create", "patch"]


# ---- registry_route --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("router")
def test_a_route_planned_made_admitted_and_found_again(run: Any, audit: Callable[[], Object], namespace: str) -> None:
    host = f"{namespace}.example.com"
    planned = run(registry_route, check=True, route_host=host)  # before there is a Service
    assert planned["registry"]["endpoints"][0] == "(known after apply):5000"
    run(registry_service)
    done = run(registry_route, route_host=host)
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert done["route"]["admitted"]
    assert done["route"]["router"] == "test"
    assert done["registry"]["endpoints"][-1] == host
    again = run(registry_route, route_host=host)
    assert not again["changed"]
    # Service, Routes, and whether the certificate covers the host that is there.
    assert again["api_requests"] == {"get": 3, "post": 0, "patch": 0, "delete": 0, "discovery": 0, "waiting": 0}


@pytest.mark.usefixtures("router")
def test_a_generated_host_is_kept(run: Any, namespace: str) -> None:
    run(registry_service)
    planned = run(registry_route, check=True)
    assert planned["route"]["host"] == "(known after apply)"
    done = run(registry_route)
    assert done["route"]["host"] == f"docker-registry-{namespace}.apps.test"
    assert not run(registry_route)["changed"]


@pytest.mark.usefixtures("router")
def test_the_documents_route_is_taken_over_under_its_own_name(run: Any, admin: Api, namespace: str) -> None:
    run(registry_service)
    admin.create(
        {
            "apiVersion": "route.openshift.io/v1",
            "kind": "Route",
            "metadata": {"name": "registry", "namespace": namespace},
            "spec": {
                "host": f"{namespace}.example.com",
                "to": {"kind": "Service", "name": "docker-registry"},
                "tls": {"termination": "edge", "certificate": "x", "key": "y"},
            },
        }
    )
    done = run(registry_route)
    assert done["resources"][0]["name"] == "registry"
    assert done["resources"][0]["action"] == "updated"
    live = admin.list("route.openshift.io/v1", "Route", namespace)
    assert [r["spec"]["tls"] for r in live] == [{"termination": "passthrough"}]
    asked = run(registry_route, route_host=f"{namespace}.example.com")
    assert asked["actions"] == [
        f"Took over Route {namespace}/registry: nothing in it changes, its fields are noted as ours."
    ]
    assert not run(registry_route, route_host=f"{namespace}.example.com")["changed"]


@pytest.mark.usefixtures("router")
def test_a_host_that_is_taken_names_the_route_that_has_it(run: Any, admin: Api, namespace: str) -> None:
    run(registry_service)
    host = f"{namespace}.example.com"
    spec = {"host": host, "to": {"kind": "Service", "name": "else"}}
    meta = {"name": "a-first", "namespace": namespace}
    admin.create({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec})
    result = run(registry_route, route_host=host)
    assert result["failed"]
    assert result["changed"]  # the Route was made; it is only not admitted
    assert f"HostAlreadyClaimed, older. Route {namespace}/a-first has that host" in result["msg"]


def test_no_router(run: Any) -> None:
    run(registry_service)
    result = run(registry_route, route_host="a.example.com", wait_timeout=1)
    assert "No router picked up Route" in result["msg"]
    assert result["api_requests"]["post"] == 1
    assert not run(registry_route, route_host="a.example.com", wait=False)["changed"]


def test_no_service_to_expose(run: Any, admin: Api, namespace: str) -> None:
    assert "does not exist, so there is nothing to expose" in run(registry_route)["msg"]
    assert admin.list("route.openshift.io/v1", "Route", namespace) == []


@pytest.mark.usefixtures("router")
def test_a_route_goes_and_one_of_others_only_by_name(run: Any, admin: Api, namespace: str) -> None:
    run(registry_service)
    run(registry_route, route_host=f"{namespace}.example.com")
    assert run(registry_route, state="absent", check=True)["changed"]
    gone = run(registry_route, state="absent")
    assert gone["actions"] == [f"Deleted Route {namespace}/docker-registry."]
    assert gone["route"] is None
    assert not run(registry_route, state="absent")["changed"]
    spec = {"host": f"{namespace}.example.com", "to": {"kind": "Service", "name": "docker-registry"}}
    meta = {"name": "theirs", "namespace": namespace}
    admin.create({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec})
    left = run(registry_route, state="absent")
    assert "Left Route" in left["actions"][0]
    assert (left["route"]["name"], left["route"]["ours"]) == ("theirs", False), "what stays is told"
    named = run(registry_route, state="absent", route_name="theirs")
    assert named["changed"]
    assert named["route"] is None


def test_a_host_that_the_certificate_lacks_is_refused(run: Any, admin: Api, namespace: str, tmp_path: Path) -> None:
    run(registry_service)
    crt, key = self_signed(tmp_path, "covered.example.com")
    data = {"registry.crt": base64_of(crt), "registry.key": base64_of(key)}
    meta = {"name": "registry-secret", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    refused = run(registry_route, route_host="other.example.com", wait=False)
    assert "does not cover other.example.com" in refused["msg"]
    assert not refused["changed"]
    assert run(registry_route, check=True, certified=True, route_host="other.example.com", wait=False)["changed"]
    assert run(registry_route, certified=True, route_host="other.example.com", wait=False)["failed"], (
        "for check mode alone"
    )
    assert run(registry_route, route_host="covered.example.com", wait=False)["changed"]


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    crt, key = folder / "registry.crt", folder / "registry.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(crt)]
    subprocess.run(command, check=True, capture_output=True)
    return crt, key


def base64_of(path: Path) -> str:
    import base64

    return base64.b64encode(path.read_bytes()).decode()


# ---- registry_info ---------------------------------------------------------------------------------------------------


def test_nothing_there_yet(run: Any) -> None:
    found = run(registry_info)
    assert (found["registry"]["cluster_ip"], found["registry"]["cluster_ips"]) == (None, [])
    assert found["registry"]["endpoints"][0].startswith("docker-registry.")
    assert [found[k] for k in ("ca_cert", "certificate", "workload", "route", "pods", "served")] == [None] * 4 + [
        [],
        [],
    ]
    planned = run(registry_info, check=True, cluster_ip="172.30.4.4")
    assert planned["registry"]["endpoints"][0] == "172.30.4.4:5000"
    assert run(registry_info, check=True)["registry"]["cluster_ip"] == "(known after apply)"


def test_what_is_there_and_nothing_written(run: Any, admin: Api, audit: Callable[[], Object], namespace: str) -> None:
    address = run(registry_service)["registry"]["cluster_ip"]
    container = {"name": "registry", "image": "i:1", "volumeMounts": [{"name": "s", "mountPath": "/registry"}]}
    pod_spec = {"containers": [container], "volumes": [{"name": "s", "emptyDir": {}}], "nodeName": "no-such-node"}
    labels = {"docker-registry": "default"}
    template = {"metadata": {"labels": labels}, "spec": pod_spec}
    meta = {"name": "docker-registry", "namespace": namespace}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    pod = {"name": "docker-registry-1-x", "namespace": namespace, "labels": labels}
    admin.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    )
    admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": pod_spec})
    ca = {"name": "docker-registry-ca", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": ca, "data": {"ca.crt": "PEM"}})
    audit()
    found = run(registry_info, gather_subset=["served"])
    counted = audit()
    assert counted["post"] == counted["patch"] == counted["delete"] == 0
    assert found["ca_cert"] == "PEM"
    assert (found["registry"]["cluster_ip"], found["registry"]["cluster_ips"]) == (address, [address])
    assert found["workload"]["kind"] == "Deployment"
    assert (found["workload"]["image"], found["workload"]["replicas"], found["workload"]["ready_replicas"]) == (
        "i:1",
        2,
        0,
    )
    assert found["registry"]["storage"]["kind"] == "ephemeral"
    assert [(p["name"], p["node"], p["node_addresses"], p["ready"]) for p in found["pods"]] == [
        ("docker-registry-1-x", "no-such-node", [], False)
    ]
    assert found["served"] == []  # it does not run
    admin.delete(ObjectRef("v1", "Pod", pod["name"], namespace))


def test_what_may_not_be_read_is_left_out_with_a_warning(run: Any, grant: Any, namespace: str) -> None:
    run(registry_service)
    user = f"user-{namespace}"
    rights = [("", ["services", "pods"], ["get", "list"]), ("apps", ["deployments", "daemonsets"], ["get"])]
    rights += [("apps.openshift.io", ["deploymentconfigs"], ["get"])]
    grant(user, [{"apiGroups": [g], "resources": r, "verbs": v} for g, r, v in rights])
    found = run.as_user(user)(registry_info)
    assert found["certificate"] is None
    assert any("resources: [secrets]" in str(w) for w in found["warnings"])
    assert {one["what"] for one in found["unread"]} == {"certificate", "ca", "routes"}


def test_who_may_read_nothing_gets_an_answer_that_says_so(run: Any, namespace: str) -> None:
    run(registry_service)
    nobody = run.as_user(f"nobody-{namespace}")
    found = nobody(registry_info, gather_subset=["all"], inventory={"a": ["a"]})
    assert not found.get("failed"), found
    wanted = {"service", "workload", "certificate", "ca", "routes", "nodes", "image_streams"}
    assert {one["what"] for one in found["unread"]} == wanted
    assert all("resources: [" in one["reason"] for one in found["unread"])
    assert (found["registry"]["cluster_ip"], found["workload"], found["pods"]) == (None, None, [])
    planned = nobody(registry_info, check=True, cluster_ip="172.30.4.4")
    assert planned["registry"]["cluster_ip"] is None


# ---- registry_preflight_info -----------------------------------------------------------------------------------------


def test_everything_wrong_at_once(run: Any, admin: Api, namespace: str, tmp_path: Path) -> None:
    taken = (admin.get(ObjectRef("v1", "Service", "kubernetes", "default")) or {})["spec"]["clusterIP"]
    secret = {"name": "registry-secret", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": secret, "data": {"registry.crt": "eA=="}})
    found = run(
        registry_preflight_info,
        cluster_ip=taken,
        extra_hosts=["https://a.b", "*.b"],
        storage={"kind": "pvc", "claim_name": "no-such"},
        ca={"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key")},
        cluster_role="no-such",
    )
    text = "\n".join(found["problems"])
    for part in (
        "without scheme and path",
        "wildcard",
        f"{tmp_path}/ca.crt does not exist",
        "taken already by Service default/kubernetes",
        f"PersistentVolumeClaim {namespace}/no-such does not exist",
        "ClusterRole no-such does not exist",
        "image: is missing",
        "has registry.crt but not registry.key",
    ):
        assert part in text
    assert len(found["problems"]) == 8
    assert found["cluster"]["version"].startswith("v1.")
    assert not found["changed"]


def test_nothing_wrong(run: Any, tmp_path: Path) -> None:
    crt, key = self_signed(tmp_path, "a CA")
    found = run(
        registry_preflight_info,
        image="openshift3/ose-docker-registry:v3",
        storage={"kind": "ephemeral"},
        ca={"cert_path": str(crt), "key_path": str(key)},
    )
    assert found["problems"] == []


def test_addresses_that_cannot_be_had(run: Any, namespace: str) -> None:
    outside = run(registry_preflight_info, image="i", cluster_ip="192.0.2.1")
    assert any("not in the cluster's range for Services" in p for p in outside["problems"])
    run(registry_service)
    other = run(registry_preflight_info, image="i", cluster_ip="192.0.2.1")
    assert any(f"Service {namespace}/docker-registry has the cluster IP" in p for p in other["problems"])


def test_a_namespace_that_is_not_there(run: Any) -> None:
    run.namespace = "no-such"
    found = run(registry_preflight_info, image="i", storage={"kind": "pvc", "claim_name": "c"})
    assert [p for p in found["problems"] if p.startswith("namespace: no-such does not exist. Create it first")]


@pytest.fixture
def cluster_grant(admin: Api, namespace: str) -> Iterator[Callable[[str, list[Any]], None]]:
    """Gives a user rights in the whole cluster, until the test is over."""
    rbac = "rbac.authorization.k8s.io"
    made = []

    def give(user: str, rules: list[Any]) -> None:
        meta = {"name": f"{namespace}-{len(made)}"}
        role = {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}
        bound = {
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": meta["name"]},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
        }
        for obj in (role, {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": meta, **bound}):
            admin.create(obj)
            made.append(ObjectRef.of(obj))

    yield give
    for ref in made:
        admin.delete(ref)


@pytest.mark.usefixtures("router")
def test_the_rights_that_are_named_are_enough_for_all_modules(
    run: Any, admin: Api, grant: Any, cluster_grant: Any, namespace: str, tmp_path: Path
) -> None:
    """A user without any right is given what the problem says, and then deploys, secures, exposes and reads."""
    user, host = f"user-{namespace}", f"{namespace}.example.com"
    theirs = run.as_user(user)
    found = theirs(registry_preflight_info, image="i", route_host=host)
    (rights,) = [p for p in found["problems"] if "lacks rights" in p]
    inside, outside = rights.split("\nand as a ClusterRole:\n")
    grant(user, yaml.safe_load(inside.split(":\n", 1)[1]))
    cluster_grant(user, yaml.safe_load(outside))
    deadline = time.monotonic() + 30  # the API server learns of new roles by a watch, late on a busy machine
    while found["problems"] and time.monotonic() < deadline:
        time.sleep(0.05)
        found = theirs(registry_preflight_info, image="i", route_host=host)
    assert found["problems"] == []
    admin.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    )
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    steps: list[tuple[Any, Object]] = [
        (registry_service, {"route_host": host}),
        (registry_cert, {"route_host": host, "ca": ca}),
        (registry_deploy, {"image": "i", "tls_secret": "registry-secret", "wait": False}),
        (registry_route, {"route_host": host}),
        (registry_info, {"gather_subset": ["served"]}),
        (registry_rollout_info, {}),
    ]
    try:
        for module, options in steps:
            for _round in range(2):
                result = theirs(module, **options)
                assert not result.get("failed"), (module.__name__, result["msg"])
                # Ansible collects warnings for a whole process: those of other tests are in here too
                assert not [w for w in result.get("warnings", []) if user in str(w)], result["warnings"]
    finally:
        role = f"registry-registry-role:{namespace}"
        admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", role))
        admin.delete(ObjectRef("apps.openshift.io/v1", "DeploymentConfig", "docker-registry", namespace))


def test_a_route_host_that_is_taken(run: Any, admin: Api, namespace: str) -> None:
    host = f"{namespace}.example.com"
    spec = {"host": host, "to": {"kind": "Service", "name": "else"}}
    meta = {"name": "theirs", "namespace": namespace}
    admin.create({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec})
    found = run(registry_preflight_info, image="i", route_host=host)
    assert any(f"route_host: {host} belongs to Route {namespace}/theirs already" in p for p in found["problems"])


def test_an_api_that_does_not_answer_is_one_problem_among_others(run: Any, tmp_path: Path) -> None:
    run.kubeconfig = str(tmp_path / "no-such")
    found = run(registry_preflight_info, extra_hosts=["https://a.b"])
    assert len(found["problems"]) == 2
    assert found["cluster"] is None

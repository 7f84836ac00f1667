# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks like a cause and is another one, or none; and advice that can be followed."""

from __future__ import annotations

import copy
import ipaddress
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts
from ansible_collections.okd.registry.plugins.module_utils._diagnose.network import may_be_a_service
from healthy import ENDPOINTS, healthy, operators
from hypothesis import given
from hypothesis import strategies as st

Raw = dict[str, Any]
UNKNOWN = "x509: certificate signed by unknown authority"
EXPIRED = "x509: certificate has expired or is not yet valid: current time 2027-01-15T07:59:30Z is after 2027-01-01"
OTHER_NAME = "x509: certificate is valid for a.example.com, not b.example.com"
NO_NAME = "x509: cannot validate certificate for 10.0.0.9 because it doesn't contain any IP SANs"


def named(raw: Raw) -> set[str]:
    return {found["name"] for found in judge(collect(raw))}


def crashed(said: str) -> Raw:
    raw = healthy()
    reason = f"container registry exited with code 2, restarted 3 times; its last words: {said}"
    raw["rollout"] = {"done": False, "failed": False, "stuck": "crash", "reason": reason, "line": "0/1 ready"}
    return raw


# ---- image streams


def pushed(raw: Raw, registry: str, **tag: Any) -> None:
    """An image that came by that address, to a stream whose repository is where the registry is."""
    status = raw["streams"][0]["status"]
    status["tags"] = [{"tag": "1", "items": [{"dockerImageReference": f"{registry}/test/web@sha256:00"}]}]
    raw["streams"][0]["spec"]["tags"] = [{"name": "1", **tag}] if tag else []


def at(raw: Raw, registry: str) -> None:
    raw["streams"][0]["status"]["dockerImageRepository"] = f"{registry}/test/web"


def kubernetes(raw: Raw, address: str = "172.30.0.1") -> None:
    raw["services"].append({"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": address}})


def test_images_that_were_pushed_by_a_former_address_are_told() -> None:
    raw = healthy()
    kubernetes(raw)
    pushed(raw, "172.30.9.9:5000")
    (found,) = judge(collect(raw))
    assert found["name"] == "stale_image_streams"
    assert found["command"].startswith("kubectl delete service docker-registry -n default && ")


def test_where_no_stream_has_the_present_address_the_former_one_is_told() -> None:
    """As where the Service was made anew, and the masters remember its address."""
    raw = healthy()
    kubernetes(raw)
    raw["streams"] += [copy.deepcopy(raw["streams"][0]) for _more in range(2)]
    for stream in raw["streams"]:
        stream["spec"] = {}
        stream["status"] = {"dockerImageRepository": "172.30.9.9:5000/test/web", "tags": []}
    (found,) = judge(collect(raw))
    assert (found["name"], found["object"]) == ("stale_image_streams", "Service default/docker-registry")
    assert "registry_cluster_ip=172.30.9.9" in found["command"]


@pytest.mark.parametrize("kind", ["DockerImage", "ImageStreamTag"])
def test_an_image_that_was_taken_from_elsewhere_is_at_no_former_address(kind: str) -> None:
    raw = healthy()
    pushed(raw, "172.30.9.9:5000", **{"from": {"kind": kind, "name": "172.30.9.9:5000/test/web:1"}})
    assert named(raw) == set()


@pytest.mark.parametrize("address", ["192.168.9.9", "10.9.9.9", "172.29.9.9", "fd00::9"])
@pytest.mark.parametrize("how", [pushed, at])
def test_no_service_is_deleted_for_an_address_that_none_can_have(how: Any, address: str) -> None:
    raw = healthy()
    kubernetes(raw)
    how(raw, f"[{address}]:5000" if ":" in address else f"{address}:5000")
    assert named(raw) == set()


def another_registry(raw: Raw) -> None:
    """Have it be one of another namespace."""
    endpoints = [ENDPOINTS[0], "docker-registry.ci.svc:5000", ENDPOINTS[3]]
    raw["info"]["registry"].update(namespace="ci", endpoints=endpoints)
    for name in ("service", "workload"):
        raw[name]["metadata"]["namespace"] = "ci"
    raw["info"]["routes"][0]["namespace"] = "ci"
    raw["info"]["certificate"]["sans"].append("docker-registry.ci.svc")
    for host in raw["hosts"].values():
        host["trust"]["files"] = []


def test_of_two_registries_the_one_that_image_streams_name_is_told() -> None:
    raw = healthy()
    another_registry(raw)
    at(raw, "172.30.9.9:5000")
    assert named(raw) == set()
    status = {"dockerImageRepository": "docker-registry.ci.svc:5000/test/api"}
    raw["streams"].append({"metadata": {"name": "api", "namespace": "test"}, "status": status})
    (found,) = judge(collect(raw))
    assert (found["name"], found["object"]) == ("stale_image_streams", "Service ci/docker-registry")


@pytest.mark.parametrize("theirs", ["172.30.8.8:5000", "image-registry.openshift-image-registry.svc:5000"])
def test_where_image_streams_are_in_another_registry_this_one_is_not_blamed(theirs: str) -> None:
    raw = healthy()
    raw["services"].append({"metadata": {"name": "r", "namespace": "x"}, "spec": {"clusterIP": "172.30.8.8"}})
    at(raw, theirs)
    pushed(raw, "172.30.9.9:5000")
    assert named(raw) == set()


@pytest.mark.parametrize("said", [EXPIRED, OTHER_NAME, NO_NAME])
def test_a_master_is_not_to_be_given_a_ca_for_what_none_mends(said: str) -> None:
    raw = healthy()
    raw["streams"][0]["spec"]["tags"][0]["from"]["name"] = f"{ENDPOINTS[-1]}/other/web:1"
    condition = {"type": "ImportSuccess", "status": "False", "message": f"Get https://{ENDPOINTS[-1]}/v2/: {said}"}
    raw["streams"][0]["status"]["tags"][0]["conditions"] = [condition]
    assert named(raw) == set()


# ---- the network of Services

FAMILIES = ((4, 12, 16), (6, 108, 112))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Any, list[str], int]:
    """A network of Services, addresses in it, its first one among them, and the widest one there could be."""
    version, widest, usual = draw(st.sampled_from(FAMILIES))
    bits = 32 if version == 4 else 128
    prefix = draw(st.integers(widest, usual))
    start = draw(st.integers(1, (1 << prefix) - 1)) << (bits - prefix)
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    offsets = draw(st.lists(st.integers(1, (1 << (bits - prefix)) - 1), max_size=5))
    return kind, [str(kind(start + offset)) for offset in (1, *offsets)], widest


@given(networks(), st.integers(0, (1 << 128) - 1))
def test_what_is_told_of_the_network_covers_all_services_and_is_never_too_wide(
    made: tuple[Any, list[str], int], number: int
) -> None:
    kind, services, widest = made
    facts = Facts(cluster_ips=tuple(services[1:2]), others=dict.fromkeys(services, "a/b"))
    assert all(may_be_a_service(each, facts) for each in services)
    near = kind(number % (1 << kind(0).max_prefixlen))
    if may_be_a_service(str(near), facts):
        around = ipaddress.ip_network(f"{services[0]}/{widest}", strict=False)
        assert near in around


def test_of_a_family_that_no_service_has_nothing_is_known() -> None:
    assert not may_be_a_service("fd00::9", Facts(cluster_ips=("172.30.0.9",)))
    assert not may_be_a_service("172.30.0.9", Facts())
    far = Facts(others={"10.0.0.1": "default/kubernetes", "172.30.0.9": "a/b"})  # two networks
    assert may_be_a_service("172.30.9.9", far)
    assert not may_be_a_service("150.0.0.9", far)


# ---- pods


@pytest.mark.parametrize(("there", "missing"), [(["10.128.0.5"], False), (["fd00::5"], False), ([], True)])
def test_a_pod_is_missing_where_none_of_its_addresses_is_there(there: list[str], missing: bool) -> None:
    raw = healthy()
    raw["pods"][0]["status"]["podIPs"] = [{"ip": "10.128.0.5"}, {"ip": "fd00::5"}]
    raw["backends"]["subsets"][0]["addresses"] = [{"ip": ip} for ip in there]
    assert named(raw) == ({"endpoints_differ"} if missing else set())


@pytest.mark.parametrize(
    "said",
    [
        "panic: mkdir /registry/docker: permission denied",
        "panic: open /registry: permission denied",
        'level=fatal msg="filesystem: mkdir \\"/registry\\": permission denied"',
        "listening | open /registry/docker/registry/v2/blobs/sha256/aa: read-only file system",
        "rename /registry/a /registry/b: operation not permitted",
        "touch: cannot touch '/registry/x': Permission denied",
        "PermissionError: [Errno 13] Permission denied: '/registry/x'",
    ],
)
def test_a_crash_at_the_storage_is_the_storage_s(said: str) -> None:
    assert named(crashed(said)) == {"storage_permission"}


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("listen tcp :443: bind: permission denied", "registry_port"),
        ("open /etc/secrets/registry.key: permission denied", "defaultMode"),
        ("configuration error: open /etc/registry/config.yml: permission denied", "defaultMode"),
        ("open /registry-old/x: permission denied", "defaultMode"),
        ("serving /registry | open /etc/registry/registry/x: permission denied", "defaultMode"),
        ("storage is /registry: fine | listen tcp :80: bind: permission denied", "registry_port"),
        (f"Get https://s3: {EXPIRED}", "renew their certificate"),
        (f"Get https://s3: {OTHER_NAME}", "what its last words say"),
        ("panic: nil", "what its last words say"),
    ],
)
def test_another_crash_is_none_of_the_storage_or_of_a_ca(said: str, fix: str) -> None:
    (found,) = judge(collect(crashed(said)))
    assert found["name"] == "crash"
    assert fix in found["fix"]
    assert said in found["evidence"][0]
    assert "NFS" not in found["fix"]
    assert "registry_extra_ca" not in found["fix"]


@pytest.mark.parametrize("how", ["told", "mounted", "as its image has it"])
def test_storage_is_where_the_workload_has_it(how: str) -> None:
    raw = crashed("mkdir /images/docker: permission denied")
    container = raw["workload"]["spec"]["template"]["spec"]["containers"][0]
    assert named(raw) == {"crash"}
    if how == "told":
        container["env"].append({"name": "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "value": "/images/"})
    elif how == "mounted":
        container["volumeMounts"] = [{"name": "registry-storage", "mountPath": "/images"}]
    else:
        container["volumeMounts"] = []
        raw["rollout"]["reason"] = "mkdir /var/lib/registry/docker: permission denied"
    assert named(raw) == {"storage_permission"}


@pytest.mark.parametrize("said", [EXPIRED, OTHER_NAME, NO_NAME])
def test_the_registry_s_log_tells_of_no_ca_where_none_would_mend_it(said: str) -> None:
    raw = healthy()
    line = 'time="2027-01-15T07:59:30Z" level=error msg="Get https://s3: {}"'
    raw["logs"] = {"a": line.format(said)}
    assert named(raw) == set()
    raw["logs"] = {"a": line.format(UNKNOWN)}
    assert named(raw) == {"pod_lacks_ca"}


# ---- storage


@pytest.mark.parametrize(
    ("source", "seen"),
    [({"emptyDir": {}}, "each has an emptyDir"), ({"hostPath": {"path": "/i"}}, "each has a directory of its node")],
)
@pytest.mark.parametrize("nodes", [1, 3])
def test_a_daemon_set_has_a_storage_on_each_node(source: Raw, seen: str, nodes: int) -> None:
    raw = healthy()
    raw["workload"].update(kind="DaemonSet", status={"desiredNumberScheduled": nodes})
    del raw["workload"]["spec"]["replicas"]
    raw["workload"]["spec"]["template"]["spec"]["volumes"] = [{"name": "registry-storage", **source}]
    found = judge(collect(raw))
    assert [one["name"] for one in found] == (["storage_not_shared"] if nodes > 1 else [])
    for one in found:
        assert f"asks for 3 pods, and {seen}" in one["evidence"][0]
        assert one["command"] == "ansible-playbook okd.registry.deploy"
        for variable in ("storage", "node_selector", "ignore_guards", "allow_data_loss"):
            assert f"registry_{variable}" in one["fix"]


# ---- hosts


def without_files(raw: Raw, host: str, *engines: str) -> list[Raw]:
    """No file has the CA; gives the results of its steps."""
    told = raw["hosts"][host]["trust"]
    told["files"], one = [], told["endpoints"]
    told["endpoints"] = [
        {**verdict, "engine": engine, "state": "none", "reason": "no CA"} for verdict in one for engine in engines
    ]
    results: list[Raw] = raw["hosts"][host]["check"]["results"]
    return results


@pytest.mark.parametrize(
    ("engines", "by", "lacking"),
    [
        (("docker",), "docker", set()),
        (("docker", "containerd"), "docker", {"containerd"}),
        (("podman", "crio"), "skopeo", set()),
        (("podman", "crio"), "client", set()),
        (("docker", "crio"), "client", {"docker", "crio"}),  # nothing says of which the files were tried
        (("containerd",), "containerd", set()),
        (("containerd",), "client", {"containerd"}),  # what its hosts.toml leads to is not known
    ],
)
def test_an_engine_that_has_used_it_lacks_no_ca(engines: tuple[str, ...], by: str, lacking: set[str]) -> None:
    raw = healthy()
    for one in without_files(raw, "node1", *engines):
        one["by"] = by if one["step"] in ("push", "pull") else "host"
    found = judge(collect(raw))
    assert {said.partition(":")[0] for one in found for said in one["evidence"]} == lacking
    assert {one["name"] for one in found} == ({"node_lacks_ca"} if lacking else set())


@pytest.mark.parametrize("how", ["it does not verify", "it warned", "it failed", "nobody tried", "by the client alone"])
def test_an_engine_that_has_not_proven_it_lacks_the_ca(how: str) -> None:
    raw = healthy()
    results, about = without_files(raw, "node1", "docker"), ENDPOINTS[0]
    at_it = [one for one in results if one["endpoint"] == about and one["step"] in ("trust", "login", "push", "pull")]
    if how == "it does not verify":
        raw["hosts"]["node1"]["trust"]["endpoints"][0]["verified"] = False
    elif how == "it warned":
        at_it[0].update(status="warning", reason="insecure")
    elif how == "it failed":
        at_it[1].update(ok=False, status="failed", reason="unknown_authority", error=UNKNOWN, by="docker")
    else:
        for one in at_it:
            results.remove(one)
        if how == "by the client alone":
            results += [{**one, "by": "client"} for one in at_it if one["step"] != "trust"]
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("node_lacks_ca", [about])


def with_file(raw: Raw, name: str, **more: Any) -> None:
    files = raw["hosts"]["node1"]["trust"]["files"]
    path = f"/etc/docker/certs.d/{name}/ca.crt"
    files.append({**files[0], "endpoint": name, "path": path, "owner": "foreign", "registry": None, **more})


def test_trust_in_another_registry_is_not_to_be_deleted() -> None:
    raw = healthy()
    kubernetes(raw)
    with_file(raw, "10.9.9.9:5000")
    with_file(raw, "172.30.9.8:5000", owner="ours", registry="ci/second")
    assert named(raw) == set()
    with_file(raw, "172.30.9.9:5000")
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("stale_certs_d", ["172.30.9.9:5000"])
    with_file(raw, "10.9.9.8:5000", owner="ours", registry="default/docker-registry")
    assert [one["endpoints"] for one in judge(collect(raw))] == [["10.9.9.8:5000", "172.30.9.9:5000"]]


# ---- several engines, one of which has a proxy


def tried_by(raw: Raw, engine: str, **outcome: Any) -> None:
    """Let the steps of node1's engine be another engine's, and its push end as given; docker alone has a proxy."""
    told = raw["hosts"]["node1"]
    told["trust"]["proxied"] = [{"endpoint": ENDPOINTS[0], "engine": "docker", "reason": "docker asks its proxy"}]
    for one in told["check"]["results"]:
        if one["step"] in ("login", "push", "pull"):
            one["by"] = engine
        if one["step"] == "push" and one["endpoint"] == ENDPOINTS[0]:
            one.update(outcome)


def test_the_proxy_of_docker_is_not_blamed_for_another_engine() -> None:
    raw = healthy()
    tried_by(raw, "podman", ok=False, reason="timeout", error="push: context deadline exceeded")
    assert named(raw) == {"endpoint_unreachable"}


def test_another_engine_is_no_proof_that_docker_gets_by_its_proxy() -> None:
    raw = healthy()
    tried_by(raw, "podman")
    assert named(raw) == {"proxy"}
    raw = healthy()
    tried_by(raw, "docker")
    assert named(raw) == set()


@pytest.mark.parametrize(
    ("engine", "fix"), [("docker", "restart docker"), ("crio", "crio.service"), ("podman", "whoever calls it")]
)
def test_a_proxy_is_mended_where_the_engine_has_it_from(engine: str, fix: str) -> None:
    raw = healthy()
    tried_by(raw, engine, ok=False, reason="proxy", error='Get "https://x/v2/": Forbidden')
    raw["hosts"]["node1"]["trust"]["proxied"] = []
    (found,) = judge(collect(raw))
    assert found["name"] == "proxy"
    assert fix in found["fix"]


# ---- the registry's own address, where its certificate is for names alone


def test_trust_by_the_present_address_of_the_operator_s_registry_is_not_a_former_one() -> None:
    raw = operators()
    kubernetes(raw)
    (address,) = collect(raw).cluster_ips
    (node, *_others) = raw["hosts"].values()
    file = node["trust"]["files"][0]
    for each in (address, "172.30.9.9"):
        endpoint = f"{each}:5000"
        node["trust"]["files"].append({**file, "endpoint": endpoint, "path": f"/etc/docker/certs.d/{endpoint}/ca.crt"})
    assert [found["endpoints"] for found in judge(collect(raw))] == [["172.30.9.9:5000"]]

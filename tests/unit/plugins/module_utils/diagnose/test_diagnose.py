# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cause is named alone, by what it makes one see; a registry that works has none; nothing raises on less."""

from __future__ import annotations

import contextlib
import copy
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _wait
from ansible_collections.okd.registry.plugins.module_utils._diagnose.causes import CAUSES
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect, suspects
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from ansible_collections.okd.registry.plugins.module_utils._node import files, insecure, look, systemd
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority
from healthy import ENDPOINTS, NOW, OPERATORS_ENDPOINTS, STEPS, healthy, operators
from hypothesis import given, reject
from hypothesis import strategies as st

Raw = dict[str, Any]
Change = Callable[[Raw], None]
ROUTE = ENDPOINTS[-1]
ENDED = "images.apps.example.com"
CAUSED: dict[str, list[Change]] = {}


def causes(name: str) -> Callable[[Change], Change]:
    """Marks what makes a healthy registry have a cause."""

    def mark(change: Change) -> Change:
        CAUSED.setdefault(name, []).append(change)
        return change

    return mark


def daemons(raw: Raw, *, nodes: int) -> None:
    """Have it run as a DaemonSet that so many nodes fit."""
    raw["workload"].update(kind="DaemonSet", status={"desiredNumberScheduled": nodes, "observedGeneration": 1})
    del raw["workload"]["spec"]["replicas"]
    raw["workload"]["spec"]["template"]["spec"]["nodeSelector"] = {"region": "infra", "disk": "ssd"}


def container(raw: Raw) -> Raw:
    found: Raw = raw["workload"]["spec"]["template"]["spec"]["containers"][0]
    return found


def stuck(raw: Raw, kind: str | None, reason: str, *, serves: bool = False, failed: bool = False) -> None:
    """A rollout that does not go on; with no old pod that serves, nobody gets an answer."""
    raw["rollout"] = {"done": False, "failed": failed, "stuck": kind, "reason": reason, "line": "0/1 ready"}
    if not serves:
        raw["pods"], raw["backends"], raw["info"]["served"], raw["logs"] = [], {"subsets": []}, [], {}
        fails(raw, "tls", "refused", "connection refused")


def fails(raw: Raw, step: str, kind: str, said: str, *, host: str | None = None, endpoint: str | None = None) -> None:
    """Let a step fail, and those after it be left out."""
    for name, told in raw["hosts"].items():
        if host in (None, name):
            for each in ENDPOINTS:
                if endpoint in (None, each):
                    step_fails(told, each, step, kind, f"{each}: {said}")


def step_fails(told: Raw, endpoint: str, step: str, reason: str, error: str) -> None:
    after = STEPS[STEPS.index(step) :]
    kept = [one for one in told["check"]["results"] if one["endpoint"] != endpoint or one["step"] not in after]
    by = "docker" if step in ("trust", "login", "push", "pull") else "host"
    kept.append({"endpoint": endpoint, "step": step, "ok": False, "reason": reason, "error": error, "by": by})
    told["check"]["results"] = kept


def not_reached(raw: Raw, reason: str, said: str, *endpoints: str) -> None:
    """Let the client find no way to names, as it is told where that is no failure of the check: all of them."""
    check, away = raw["hosts"]["bastion"]["check"], endpoints or ENDPOINTS
    check["results"] = [one for one in check["results"] if one["endpoint"] not in away]
    check["not_run"] = [
        {"endpoint": each, "step": step, "status": "unreachable", "reason": reason, "error": said}
        for each in away
        for step in STEPS
    ]


def distrusts(raw: Raw, host: str, state: str, **more: Any) -> None:
    """Have its files say so; that its engine can use the registry all the same, nobody has tried."""
    for verdict in raw["hosts"][host]["trust"]["endpoints"]:
        verdict.update(state=state, reason=f"{state} in {verdict['path']}", **more)
    untried(raw, host)


def untried(raw: Raw, host: str) -> None:
    check = raw["hosts"][host]["check"]
    check["results"] = [one for one in check["results"] if one["step"] not in ("trust", "login", "push", "pull")]


@causes("service_missing")
def _(raw: Raw) -> None:
    raw["service"] = False
    raw["info"]["registry"].update(cluster_ip=None, endpoints=ENDPOINTS[1:])
    for host in raw["hosts"].values():
        host["check"]["results"] = []
        host["trust"]["files"] = []
    fails(raw, "tls", "unresolved", "does not resolve")


@causes("workload_missing")
def _(raw: Raw) -> None:
    raw.update(workload=False, rollout=None, pods=None, writable={})
    raw["backends"] = {"subsets": []}
    raw["info"].update(served=[], layout={"tls": False})
    fails(raw, "tls", "refused", "connection refused")


@causes("scaled_to_zero")
def _(raw: Raw) -> None:
    stuck(raw, None, "")
    raw["workload"]["spec"]["replicas"] = 0


@causes("quota")
def _(raw: Raw) -> None:
    stuck(
        raw, "refused", 'pods "docker-registry-1-" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0'
    )


@causes("scc_denied")
def _(raw: Raw) -> None:
    stuck(raw, "refused", 'pods "x" is forbidden: unable to validate against any security context constraint: []')


@causes("pod_refused")
def _(raw: Raw) -> None:
    stuck(raw, "refused", "admission webhook denied the request")


@causes("image_pull")
def _(raw: Raw) -> None:
    stuck(raw, "image", 'Failed to pull image "registry:4": manifest unknown')


@causes("image_pull")
def beside_an_old_pod(raw: Raw) -> None:
    stuck(raw, "image", "manifest unknown", serves=True)
    raw["info"]["served"][0]["matches"] = False


@causes("config_missing")
def _(raw: Raw) -> None:
    stuck(raw, "config", 'secret "registry-secret" not found')


@causes("config_missing")
def in_a_volume(raw: Raw) -> None:
    stuck(raw, "mount", 'MountVolume.SetUp failed for volume "tls" : secret "registry-secret" not found')


@causes("unschedulable")
def _(raw: Raw) -> None:
    stuck(raw, "schedule", "0/3 nodes are available: 3 node(s) didn't match node selector")


@causes("unschedulable")
def as_a_daemon_set(raw: Raw) -> None:
    stuck(raw, None, "")
    daemons(raw, nodes=0)
    raw["rollout"] = _wait.rollout(raw["workload"], None).as_dict()


@causes("volume_mount")
def _(raw: Raw) -> None:
    stuck(raw, "mount", "MountVolume.SetUp failed: mount.nfs: Connection refused")


@causes("storage_permission")
def _(raw: Raw) -> None:
    stuck(raw, "mount", "mount.nfs: access denied by server while mounting nfs:/exports/x")


@causes("storage_permission")
def at_the_first_push(raw: Raw) -> None:
    raw["writable"] = {"docker-registry-1-a": ["user 1001 may not write to /registry"]}
    fails(raw, "push", "status", "push refused: received unexpected HTTP status: 500 Internal Server Error")


@causes("crash")
def _(raw: Raw) -> None:
    stuck(raw, "crash", "container registry exited with code 1; its last words: panic: nil")


@causes("pod_lacks_ca")
def _(raw: Raw) -> None:
    stuck(raw, "crash", "its last words: x509: certificate signed by unknown authority")


@causes("pod_lacks_ca")
def as_its_log_says(raw: Raw) -> None:
    raw["logs"]["docker-registry-1-a"] += (
        '\ntime="2027-01-15T07:59:30Z" level=error msg="Get https://s3: x509: certificate signed by unknown authority"'
    )
    fails(raw, "push", "status", "push refused: received unexpected HTTP status: 500 Internal Server Error")


@causes("evicted")
def _(raw: Raw) -> None:
    stuck(raw, "evicted", "The node was low on resource: ephemeral-storage")


@causes("rollout_failed")
def _(raw: Raw) -> None:
    stuck(raw, None, "config change", failed=True)


@causes("rollout_running")
def _(raw: Raw) -> None:
    stuck(raw, None, "the container is being created")


@causes("probe_failing")
def _(raw: Raw) -> None:
    stuck(raw, "probe", "Readiness probe failed: HTTP probe failed with statuscode: 503")


@causes("probe_scheme")
def _(raw: Raw) -> None:
    stuck(raw, "probe", "Readiness probe failed: HTTP probe failed with statuscode: 400")
    container(raw)["readinessProbe"] = {"httpGet": {"port": 5000}}


@causes("endpoints_differ")
def _(raw: Raw) -> None:
    raw["backends"] = {"subsets": [{"addresses": [{"ip": "10.128.0.77"}]}]}
    fails(raw, "tls", "refused", "connection refused")


@causes("rwo_replicas")
def _(raw: Raw) -> None:
    stuck(raw, "mount", "Multi-Attach error for volume", serves=True)
    raw["workload"]["spec"]["replicas"] = 2


@causes("storage_not_shared")
def _(raw: Raw) -> None:
    raw["workload"]["spec"]["replicas"] = 2
    raw["workload"]["spec"]["template"]["spec"]["volumes"] = [{"name": "registry-storage", "emptyDir": {}}]


@causes("not_secured")
def _(raw: Raw) -> None:
    raw["info"].update(certificate=None, layout={"tls": False}, ca_cert=None, ca=[])
    raw["info"]["served"] = [{"pod": "a", "sha256": None, "matches": False, "error": "Port 5000 does not speak TLS."}]
    container(raw).update(livenessProbe={"httpGet": {"port": 5000}}, readinessProbe={"httpGet": {"port": 5000}})
    for host in raw["hosts"]:
        distrusts(raw, host, "none")
    fails(raw, "tls", "plain_http", "HTTP is served instead of HTTPS")


@causes("probe_scheme")
def _(raw: Raw) -> None:
    """Somebody took the variables for TLS away, and left the probes; pods of before go on serving."""
    stuck(raw, "probe", "Readiness probe failed: http: server gave HTTP response to HTTPS client", serves=True)
    raw["info"]["layout"] = {"tls": False}


@causes("certificate_expired")
def _(raw: Raw) -> None:
    raw["info"]["certificate"]["days_left"] = -1
    fails(raw, "tls", "expired", "certificate refused: certificate has expired")


@causes("certificate_expires")
def _(raw: Raw) -> None:
    raw["info"]["certificate"]["days_left"] = 7


@causes("san_missing")
def _(raw: Raw) -> None:
    raw["info"]["certificate"]["sans"].remove("*.apps.example.com")
    fails(raw, "tls", "name_mismatch", "certificate is not valid for this name", endpoint=ROUTE)


@causes("served_differs")
def _(raw: Raw) -> None:
    raw["info"]["served"][0].update(sha256="77" * 32, matches=False)
    fails(raw, "tls", "expired", "certificate refused: certificate has expired")


@causes("ca_missing")
def _(raw: Raw) -> None:
    raw["info"].update(ca_cert=None, ca=[])
    distrusts(raw, "node1", "none")


@causes("ca_mismatch")
def _(raw: Raw) -> None:
    raw["info"]["ca"] = [{"subject": "CN=another", "days_left": 900, "signs": False}]
    fails(raw, "tls", "unknown_authority", "x509: certificate signed by unknown authority")


@causes("ca_expired")
def _(raw: Raw) -> None:
    raw["info"]["ca"][0]["days_left"] = -3
    distrusts(raw, "node1", "expired")


@causes("ca_expired")
def on_one_node(raw: Raw) -> None:
    distrusts(raw, "node1", "expired")
    fails(raw, "login", "unknown_authority", "x509: certificate signed by unknown authority", host="node1")


@causes("node_lacks_ca")
def _(raw: Raw) -> None:
    distrusts(raw, "node2", "none")
    fails(raw, "login", "unknown_authority", "x509: certificate signed by unknown authority", host="node2")


@causes("node_lacks_ca")
def as_docker_says(raw: Raw) -> None:
    fails(raw, "login", "unknown_authority", "x509: certificate signed by unknown authority", host="node2")


@causes("client_lacks_ca")
def _(raw: Raw) -> None:
    distrusts(raw, "bastion", "other")
    fails(raw, "login", "unknown_authority", "x509: certificate signed by unknown authority", host="bastion")


@causes("master_lacks_ca")
def _(raw: Raw) -> None:
    stream = raw["streams"][0]
    stream["spec"]["tags"][0]["from"]["name"] = f"{ROUTE}/other/web:1"
    said = f"Get https://{ROUTE}/v2/: x509: certificate signed by unknown authority"
    stream["status"]["tags"][0]["conditions"] = [{"type": "ImportSuccess", "status": "False", "message": said}]


@causes("dangling_link")
def _(raw: Raw) -> None:
    file = raw["hosts"]["node2"]["trust"]["files"][1]
    said = f"{file['path']}: is a link to /nowhere, which is not there: docker does not use {file['endpoint']}"
    file.update(target="/nowhere", dangling=True, matches=False, owner="foreign", problem=said, **{"is": "link"})
    raw["hosts"]["node2"]["trust"]["endpoints"][1].update(state="broken", reason=said)
    fails(
        raw, "login", "ca_file", "open /etc/docker/certs.d/x/ca.crt: no such file", host="node2", endpoint=ENDPOINTS[1]
    )


@causes("certs_d_broken")
def _(raw: Raw) -> None:
    raw["hosts"]["node2"]["trust"]["files"][0].update(
        problem="x.crt: holds no certificate that can be read", matches=False
    )
    raw["hosts"]["node2"]["trust"]["endpoints"][0].update(state="broken", reason="holds no certificate")


@causes("insecure_network")
def _(raw: Raw) -> None:
    insecure = raw["hosts"]["node1"]["trust"]["insecure"]
    named = ENDPOINTS[:1]
    insecure["networks"] = [{"file": "/etc/sysconfig/docker", "value": "172.30.0.0/16", "endpoints": named}]
    insecure["covered"] = named


@causes("insecure_flag")
def _(raw: Raw) -> None:
    insecure = raw["hosts"]["node1"]["trust"]["insecure"]
    insecure["flags"] = [{"file": "/etc/sysconfig/docker", "value": ENDPOINTS[0]}]
    insecure["covered"] = ENDPOINTS[:1]


@causes("insecure_flag")
def that_no_file_has(raw: Raw) -> None:
    raw["hosts"]["node1"]["trust"]["insecure"]["covered"] = ENDPOINTS[:1]


def left_behind(raw: Raw, name: str, **more: Any) -> None:
    files = raw["hosts"]["node3" if "node3" in raw["hosts"] else "node2"]["trust"]["files"]
    files.append({**copy.deepcopy(files[0]), "endpoint": name, "path": f"/etc/docker/certs.d/{name}/ca.crt", **more})


@causes("stale_certs_d")
def _(raw: Raw) -> None:
    left_behind(raw, "old.apps.example.com")


@causes("stale_certs_d")
def by_somebody_else(raw: Raw) -> None:
    left_behind(raw, "172.30.9.9:5000", owner="foreign", registry=None)


@causes("stale_image_streams")
def _(raw: Raw) -> None:
    raw["streams"][0]["status"]["dockerImageRepository"] = "172.30.9.9:5000/test/web"


@causes("route_missing")
def _(raw: Raw) -> None:
    raw["info"]["routes"] = []
    fails(raw, "tls", "unresolved", "does not resolve", endpoint=ROUTE)


@causes("route_missing")
def where_another_host_has_one(raw: Raw) -> None:
    raw["asked_host"] = "new.apps.example.com"


@causes("router_missing")
def _(raw: Raw) -> None:
    raw["info"]["routes"][0].update(admitted=False, router=None)
    fails(raw, "tls", "refused", "connection refused", endpoint=ROUTE)


@causes("route_not_admitted")
def _(raw: Raw) -> None:
    raw["info"]["routes"][0].update(admitted=False, reason="HostAlreadyClaimed", message="route other has it")
    fails(raw, "tls", "unknown_authority", "x509: certificate signed by unknown authority", endpoint=ROUTE)


@causes("route_not_admitted")
def beside_one_that_is(raw: Raw) -> None:
    raw["asked_host"] = "new.apps.example.com"
    refused = {"name": "new", "host": raw["asked_host"], "admitted": False, "reason": "HostAlreadyClaimed"}
    raw["info"]["routes"].append({**raw["info"]["routes"][0], **refused})


def ends_at_router(raw: Raw, **certificate: Any) -> None:
    """A Route at whose host a router ends TLS, with a certificate of its own where one is given."""
    held = {
        "subject": "CN=images",
        "sans": [ENDED],
        "days_left": 90,
        "not_after": "2027-04-15T00:00:00Z",
        **certificate,
    }
    own = {"name": "images", "host": ENDED, "termination": "reencrypt", "certificate": held if certificate else None}
    raw["info"]["routes"].append({**raw["info"]["routes"][0], **own})
    for host in raw["hosts"].values():
        host["check"]["results"] += [
            {"endpoint": ENDED, "step": step, "ok": True, "seconds": 0.1, "error": None, "reason": None, "by": "client"}
            for step in STEPS
        ]


def refused_at_router(raw: Raw, reason: str) -> None:
    for host in raw["hosts"].values():
        step_fails(host, ENDED, "tls", reason, f"{ENDED}: {reason}")


@causes("route_certificate_expired")
def _(raw: Raw) -> None:
    ends_at_router(raw, days_left=-1)
    refused_at_router(raw, "expired")


@causes("route_certificate_expires")
def _(raw: Raw) -> None:
    ends_at_router(raw, days_left=3)


@causes("route_san_missing")
def _(raw: Raw) -> None:
    ends_at_router(raw, sans=["other.example.com"])
    refused_at_router(raw, "name_mismatch")


@causes("route_san_missing")
def _(raw: Raw) -> None:
    """What the router shows of its own cannot be read by the API."""
    ends_at_router(raw)
    refused_at_router(raw, "name_mismatch")


@causes("router_ca_unknown")
def _(raw: Raw) -> None:
    ends_at_router(raw)
    refused_at_router(raw, "unknown_authority")


def judged_at_router(raw: Raw, host: str, state: str, *, name: str = ENDED) -> Raw:
    """Have a host's files looked at for a name by which the router's certificate is seen; the verdict."""
    trust = raw["hosts"][host]["trust"]
    verdict = {**trust["endpoints"][0], "endpoint": name, "at_router": True, "state": state, "reason": f"{state} there"}
    trust["endpoints"].append(verdict)
    trust["router_system_trusts"] = False
    return verdict


@causes("client_lacks_ca")
def that_of_the_router(raw: Raw) -> None:
    """Its own client goes by the CA in the variable, and tells nothing of what docker trusts."""
    ends_at_router(raw, days_left=90)
    judged_at_router(raw, "bastion", "none")


@causes("dns")
def _(raw: Raw) -> None:
    fails(raw, "tls", "unresolved", "does not resolve: Name or service not known", host="node1", endpoint=ROUTE)


@causes("dns")
def at_a_client(raw: Raw) -> None:
    not_reached(raw, "unresolved", "Name or service not known")


@causes("proxy")
def _(raw: Raw) -> None:
    fails(raw, "login", "proxy", "login refused: proxyconnect tcp: dial tcp: connection refused", host="node1")


def asks_a_proxy(raw: Raw, host: str, *endpoints: str) -> None:
    said = "As docker runs now, docker asks its proxy http://p:3128 (HTTPS_PROXY) for it: set NO_PROXY="
    raw["hosts"][host]["trust"]["proxied"] = [
        {"endpoint": each, "engine": "docker", "reason": f"{said}{each}"} for each in endpoints or ENDPOINTS
    ]


@causes("proxy")
def that_answers_with_words_of_its_own(raw: Raw) -> None:
    asks_a_proxy(raw, "node1")
    fails(raw, "login", "other", 'login refused: Get "https://x/v2/": Blocked by policy', host="node1")


@causes("proxy")
def that_is_silent(raw: Raw) -> None:
    asks_a_proxy(raw, "node1")
    fails(raw, "login", "timeout", "login refused: context deadline exceeded", host="node1")


@causes("proxy")
def where_nobody_has_tried(raw: Raw) -> None:
    """Without a token."""
    asks_a_proxy(raw, "node1")
    asks_a_proxy(raw, "bastion")
    for host in raw["hosts"].values():
        host["check"]["results"] = [
            one for one in host["check"]["results"] if one["step"] not in ("login", "push", "pull")
        ]


@causes("token_expired")
def _(raw: Raw) -> None:
    raw["token"] = {"expired": "2027-01-01T00:00:00Z", "project": "test"}
    for host in raw["hosts"].values():
        step_fails(
            host, ENDPOINTS[0], "login", "unauthorized", "login as alice refused: unauthorized: authentication required"
        )


@causes("token_refused")
def _(raw: Raw) -> None:
    raw["token"].update(accepted=False, user=None, error="invalid bearer token")
    for host in raw["hosts"].values():
        step_fails(
            host, ENDPOINTS[0], "login", "unauthorized", "login as alice refused: unauthorized: authentication required"
        )


@causes("user_without_rights")
def _(raw: Raw) -> None:
    raw["token"]["lacking"] = ["update imagestreams/layers"]
    for host in raw["hosts"].values():
        step_fails(
            host,
            ENDPOINTS[0],
            "push",
            "denied",
            "push of test/x refused: denied: requested access to the resource is denied",
        )


@causes("node_not_in_inventory")
def _(raw: Raw) -> None:
    raw["info"]["uncovered"] = ["node9"]


@causes("host_unreachable")
def _(raw: Raw) -> None:
    raw["hosts"]["node2"] = {
        "trust": {"unreachable": True, "msg": "Failed to connect to the host via ssh"},
        "check": {},
    }


@causes("host_unknown")
def _(raw: Raw) -> None:
    raw["hosts"]["node2"]["trust"] = {"failed": True, "msg": "no python"}


@causes("host_unknown")
def as_the_playbook_has_it(raw: Raw) -> None:
    raw["hosts"]["node2"] = {"trust": {"failed": False, "msg": "no python"}, "check": {"failed": False, "msg": "no"}}


@causes("check_failed")
def a_registry_that_cannot_ask_the_cluster(raw: Raw) -> None:
    fails(raw, "login", "unauthorized", "login as alice refused: unauthorized: authentication required")


@causes("docker_down")
def _(raw: Raw) -> None:
    said = "login: dockerd does not answer at /var/run/docker.sock: [Errno 2]"
    for name in ENDPOINTS:
        step_fails(raw["hosts"]["node2"], name, "login", "engine", said)


@causes("endpoint_unreachable")
def _(raw: Raw) -> None:
    fails(raw, "tls", "timeout", "no answer within 5 s", host="node2")


@causes("endpoint_unreachable")
def from_a_client(raw: Raw) -> None:
    not_reached(raw, "refused", "connection refused", ROUTE)


@causes("push_failed")
def _(raw: Raw) -> None:
    fails(raw, "push", "status", "received unexpected HTTP status: 500 Internal Server Error", host="node2")


@causes("check_failed")
def _(raw: Raw) -> None:
    step_fails(
        raw["hosts"]["node2"], ROUTE, "v2", "not_registry", f"{ROUTE}: GET /v2/ is answered, but not by a registry"
    )


def named(raw: Raw) -> set[str]:
    return {found["name"] for found in judge(collect(raw))}


EACH = [(name, change) for name, changes in CAUSED.items() for change in changes]


def test_a_registry_that_works_has_no_findings() -> None:
    assert judge(collect(healthy())) == []
    raw = healthy()
    ends_at_router(raw, days_left=90)
    assert judge(collect(raw)) == []


def test_the_operator_s_registry_has_no_findings_where_node_ca_has_placed_the_service_ca(tmp_path: Path) -> None:
    assert judge(collect(operators())) == []
    authority = Authority("openshift-service-serving-signer", tmp_path)
    node = tmp_path / "node"
    for path in ("usr/bin/crio", *(f"etc/docker/certs.d/{name}/ca.crt" for name in OPERATORS_ENDPOINTS)):
        (node / path).parent.mkdir(parents=True, exist_ok=True)
        (node / path).write_bytes(authority.pem)
    nothing = insecure.Survey([], [], [], [], [], [], [], False, "")
    question = look.Question(OPERATORS_ENDPOINTS, authority.pem, ["auto"], [], None)
    seen = look.Look(question, files.Tree(str(node)), systemd.NO_UNIT, lambda _: nothing, lambda *_: {})
    raw = operators()
    for host in raw["hosts"].values():
        host["trust"] = seen.run()
    assert judge(collect(raw)) == []


@pytest.mark.parametrize("ca_cert", [None, ""])
def test_the_operator_has_no_ca_to_publish(ca_cert: str | None) -> None:
    raw = operators()
    raw["info"].update(ca_cert=ca_cert, ca=[])
    assert judge(collect(raw)) == []


OF_THE_COLLECTION = ("registry_ca)", "registry_extra_ca", "registry_pull_secrets", "trust.yml", "trust_agent.yml")


@pytest.mark.parametrize(
    ("name", "change"), EACH, ids=[f"{name}-{change.__name__.strip('_')}" for name, change in EACH]
)
def test_what_mends_the_operator_s_registry_is_not_what_mends_the_collection_s(name: str, change: Change) -> None:
    raw = operators()
    with contextlib.suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):
        change(raw)  # as far as it is about what there is
    raw["info"]["layout"]["name"] = "operator"
    for found in judge(collect(raw)):
        if found["host"] != "bastion":
            assert not [word for word in OF_THE_COLLECTION if word in found["fix"]], found
        words = shlex.split(found["command"] or "")
        if "ansible-playbook" in words:
            book = words[1].removeprefix("okd.registry.")
            assert book in ("deploy", "check", "diagnose", "trust_clients"), (name, found)
            assert book != "deploy" or words[2:6] == ["--tags", "workload", "-e", "registry_managed_by=operator"]


def test_the_router_s_ca_is_placed_on_clients_of_the_operator_s_registry_too() -> None:
    raw = operators()
    raw["info"]["routes"] = healthy()["info"]["routes"]
    ends_at_router(raw, days_left=90)
    refused_at_router(raw, "unknown_authority")
    commands = {one["host"]: one["command"] for one in judge(collect(raw))}
    check = "ansible-playbook okd.registry.check"
    placed = "ansible-playbook okd.registry.trust_clients --limit bastion"
    assert commands == {"node1": check, "node2": check, "bastion": placed}


def test_a_node_that_lacks_the_operator_s_ca_is_node_ca_s_to_mend() -> None:
    raw = operators()
    distrusts(raw, "node2", "none")
    (found,) = judge(collect(raw))
    assert (found["name"], found["host"], found["command"]) == ("node_lacks_ca", "node2", None)
    assert "node-ca" in found["fix"]


def test_a_proxy_that_leads_to_the_registry_is_no_cause() -> None:
    raw = healthy()
    for host in raw["hosts"]:
        asks_a_proxy(raw, host)
    assert judge(collect(raw)) == []


@pytest.mark.parametrize(
    ("step", "kind", "said", "name"),
    [
        ("login", "other", "login refused: received unexpected HTTP status: 500 Internal Server Error", "check_failed"),
        ("login", "unauthorized", "login refused: unauthorized: authentication required", "check_failed"),
        ("login", "unknown_authority", "x509: certificate signed by unknown authority", "node_lacks_ca"),
        ("push", "timeout", "push refused: context deadline exceeded", "endpoint_unreachable"),
        ("tls", "refused", "connection refused", "endpoint_unreachable"),
    ],
)
def test_a_proxy_is_not_blamed_for_what_came_through_it_or_past_it(step: str, kind: str, said: str, name: str) -> None:
    raw = healthy()
    asks_a_proxy(raw, "node1")
    fails(raw, step, kind, said, host="node1")
    assert named(raw) == {name}


def test_where_nobody_has_tried_a_proxy_is_blamed_for_names_of_within_the_cluster_alone() -> None:
    raw = healthy()
    where_nobody_has_tried(raw)
    (found,) = judge(collect(raw))
    assert (found["host"], found["endpoints"]) == ("node1", ENDPOINTS[:-1])
    assert found["evidence"][0].startswith("As docker runs now, docker asks its proxy")
    raw["hosts"]["node1"]["check"] = {"failed": True, "msg": "no Python"}
    assert named(raw) == {"host_unknown"}


@pytest.mark.parametrize(
    ("soon", "told"),
    [
        (None, ["certificate_expires"]), (0, []), (14, []), (21, ["certificate_expires"]),
        # What is no number must not silence it.
        ("60", ["certificate_expires"]), ("", ["certificate_expires"]), ([], ["certificate_expires"]),
    ],
)  # fmt: skip
def test_what_is_soon_is_told_by_who_renews(soon: Any, told: list[str]) -> None:
    raw = healthy()
    raw["info"]["certificate"]["days_left"] = 20
    assert [one["name"] for one in judge(collect({**raw, "soon": soon}))] == told


def test_a_certificate_that_ends_with_its_ca_needs_another_ca() -> None:
    raw = healthy()
    raw["info"]["certificate"]["days_left"] = 7
    (found,) = judge(collect(raw))
    assert found["fix"].startswith("reissue it")
    raw["info"]["ca"] = [{"subject": "CN=ca", "days_left": 7, "signs": True}]
    (found,) = judge(collect(raw))
    assert "make another CA" in found["fix"]
    assert found["command"] == "ansible-playbook okd.registry.rotate_certificates"


def test_what_is_served_in_plain_behind_a_router_that_ends_tls_is_not_to_be_secured_alone() -> None:
    raw = healthy()
    ends_at_router(raw, days_left=90)
    raw["info"]["routes"][-1]["termination"] = "edge"
    raw["info"].update(layout={"tls": False}, served=[])
    (found,) = [one for one in judge(collect(raw)) if one["name"] == "not_secured"]
    assert "Route default/images ends TLS at the router: make it reencrypt" in found["fix"]


def test_nothing_known_is_no_finding() -> None:
    assert judge(collect({})) == []


def test_every_cause_is_tried_here() -> None:
    assert set(CAUSED) == set(CAUSES)


@pytest.mark.parametrize(
    ("name", "change"), EACH, ids=[f"{name}-{change.__name__.strip('_')}" for name, change in EACH]
)
def test_a_cause_is_named_alone_with_evidence_and_what_mends_it(name: str, change: Change) -> None:
    raw = healthy()
    change(raw)
    found = judge(collect(raw))
    assert {one["name"] for one in found} == {name}, found
    assert all(one["evidence"] and one["fix"] for one in found)
    assert len({(one["host"], one["object"]) for one in found}) == len(found)


@given(st.lists(st.sampled_from([change for _name, change in EACH]), min_size=2, max_size=3, unique=True))
def test_of_several_causes_none_vanishes_without_one_that_explains_it(changes: list[Change]) -> None:
    raw = healthy()
    try:
        for change in changes:
            change(raw)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        reject()  # these two cannot be at once
    assert named(raw)


def test_what_explains_another_is_not_explained_by_it() -> None:
    def reaches(name: str, seen: frozenset[str]) -> set[str]:
        found = CAUSES[name].explains | CAUSES[name].on_hosts
        return set(found) | {far for near in found - seen - {name} for far in reaches(near, seen | {name})}

    assert [name for name in CAUSES if name in reaches(name, frozenset())] == []


def test_what_is_explained_is_a_cause() -> None:
    assert {seen for cause in CAUSES.values() for seen in cause.explains | cause.on_hosts} <= set(CAUSES)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where all values in a tree are."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(found for key, child in items for found in places(child, (*path, key)))] if path or items else [path]
    )


TREE = [path for path in places(healthy()) if path]
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([3])
)


def put(raw: Raw, path: tuple[Any, ...], value: Any) -> None:
    """Replace what is at a path by something else; nothing, where it is not there any more."""
    here: Any = raw
    with contextlib.suppress(KeyError, IndexError, TypeError):
        for key in path[:-1]:
            here = here[key]
        assign(here, path[-1], value)


def assign(here: Any, key: Any, value: Any) -> None:
    """Set what a key leads to; ``...`` takes it away."""
    if isinstance(here, dict) and value is ...:
        here.pop(key, None)
    elif isinstance(here, (dict, list)):
        here[key] = None if value is ... else value


@given(st.lists(st.sampled_from(TREE), max_size=6), st.sampled_from([None, *(change for _name, change in EACH)]))
def test_no_rule_raises_on_less(paths: list[tuple[Any, ...]], change: Change | None) -> None:
    raw = healthy()
    if change:
        change(raw)
    for path in paths:
        put(raw, path, ...)
    judge(collect(raw))


@given(st.lists(st.tuples(st.sampled_from(TREE), STRANGE), max_size=4))
def test_no_rule_raises_on_something_else(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    raw = healthy()
    for path, value in changes:
        put(raw, path, value)
    suspects(collect(raw))
    judge(collect(raw))


@given(st.sets(st.sampled_from(sorted(set(healthy()) - {"hosts", "info"}))))
def test_less_of_a_registry_that_works_has_no_findings(parts: set[str]) -> None:
    raw = {key: value for key, value in healthy().items() if key not in parts}
    assert judge(collect(raw)) == []


def test_a_service_that_selects_others_is_to_select_its_pods() -> None:
    raw = healthy()
    raw["backends"] = {"subsets": []}
    raw["service"]["spec"]["selector"] = {"docker-registry": "elsewhere"}
    raw["workload"]["spec"]["template"]["metadata"] = {"labels": {"docker-registry": "default", "a": "b"}}
    (found,) = judge(collect(raw))
    assert found["command"] == (
        "kubectl -n default patch service docker-registry --type=json -p "
        """'[{"op": "replace", "path": "/spec/selector", "value": {"docker-registry": "default"}}]'"""
    )


def test_an_old_line_of_a_log_is_no_finding() -> None:
    raw = healthy()
    said = "level=error msg=x509: certificate signed by unknown authority"
    raw["logs"] = {"a": f'time="2027-01-15T07:40:00Z" {said}\n{said}\n2027/01/15 07:59:59 {said}'}
    assert raw["now"] == NOW
    assert named(raw) == set()


X509 = "x509: certificate signed by unknown authority"


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (f'{{"time":"2027-01-15T07:59:30Z","level":"error","msg":"{X509}"}}', True),
        (f'{{"@timestamp":"2027-01-15T07:59:30.123456789Z","level":"error","message":"{X509}"}}', True),
        (f'{{"time":"2027-01-15T07:40:00Z","level":"error","msg":"{X509}"}}', False),
        (f'time="2027-01-15T09:59:30+02:00" level=error msg="{X509}"', True),
        (f'time="2027-01-15T02:59:30.5-05:00" level=error msg="{X509}"', True),
        (f'time="2027-01-15T09:40:00+02:00" level=error msg="{X509}"', False),
        (f'time="2027-01-15T07:59:30-05:00" level=error msg="{X509}"', True),  # a clock that is ahead
        (f"2027-01-15T07:59:30.123456789Z panic: {X509}", True),  # docker's time before it
        (f'time="yesterday" level=error msg="{X509}"', False),
    ],
)
def test_a_line_of_a_log_counts_for_ten_minutes_by_its_own_clock(line: str, counts: bool) -> None:
    raw = healthy()
    raw["logs"] = {"a": f"{line}\n"}
    assert named(raw) == ({"pod_lacks_ca"} if counts else set())


def test_another_service_s_address_is_not_stale() -> None:
    raw = healthy()
    left_behind(raw, "172.30.9.9:5000", owner="foreign", registry=None)
    raw["streams"][0]["status"]["dockerImageRepository"] = "172.30.9.9:5000/test/web"
    assert suspects(collect(raw))
    raw["services"].append({"metadata": {"name": "other", "namespace": "x"}, "spec": {"clusterIP": "172.30.9.9"}})
    assert named(raw) == set()


def test_a_client_needs_no_ca_for_what_is_inside_the_cluster() -> None:
    raw = healthy()
    for verdict in raw["hosts"]["bastion"]["trust"]["endpoints"]:
        if verdict["endpoint"] != ROUTE:
            verdict.update(state="none", reason="no CA there")
    assert judge(collect(raw)) == []
    distrusts(raw, "bastion", "none")
    (found,) = judge(collect(raw))
    assert (found["endpoints"], found["party"]) == ([ROUTE], "client")
    assert found["command"] == "ansible-playbook okd.registry.trust_clients --limit bastion"


@pytest.mark.parametrize("state", ["none", "other", "trusted", "unknown"])
@pytest.mark.parametrize("host", ["bastion", "node1"])
def test_who_is_to_use_the_host_of_a_router_and_lacks_its_ca_is_a_client(host: str, state: str) -> None:
    """A node, too, where it is one of registry_clients: there, nothing but trust_clients.yml places that CA."""
    raw = healthy()
    ends_at_router(raw, days_left=90)
    raw["info"]["ca_cert"] = ""  # whose CA the registry itself publishes is another matter
    judged_at_router(raw, host, state)
    found = [one for one in judge(collect(raw)) if one["name"] != "ca_missing"]
    if state in ("trusted", "unknown"):
        assert found == []
        return
    (lacking,) = found
    assert (lacking["name"], lacking["host"], lacking["party"]) == ("client_lacks_ca", host, "client")
    assert (lacking["endpoints"], lacking["object"]) == ([ENDED], "Route default/images")
    assert lacking["evidence"] == [f"docker: {state} there"]
    assert lacking["command"] == f"ansible-playbook okd.registry.trust_clients --limit {host}"
    assert "registry_route_termination" in lacking["fix"]
    raw["hosts"][host]["trust"]["system_trusts"] = True
    assert len(judge(collect(raw))) == 2, "that the system has the registry's own CA is nothing there"
    raw["hosts"][host]["trust"]["router_system_trusts"] = True
    assert named(raw) == {"ca_missing"}


def test_a_client_that_lacks_both_cas_is_told_what_mends_each() -> None:
    raw = healthy()
    distrusts(raw, "bastion", "none")
    that_of_the_router(raw)
    both = judge(collect(raw))
    assert [(one["name"], one["endpoints"]) for one in both] == [
        ("client_lacks_ca", [ROUTE]), ("client_lacks_ca", [ENDED])
    ]  # fmt: skip
    assert both[0]["fix"] != both[1]["fix"]


def test_what_keeps_a_client_from_the_router_s_ca_is_told() -> None:
    raw = healthy()
    ends_at_router(raw, days_left=90)
    verdict, file = judged_at_router(raw, "bastion", "broken"), raw["hosts"]["bastion"]["trust"]["files"][0]
    theirs = {"endpoint": ENDED, "registry": "default/docker-registry.route", "problem": "a link to nowhere"}
    raw["hosts"]["bastion"]["trust"]["files"].append({**file, **theirs, "dangling": True, "target": "/nowhere"})
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("dangling_link", [ENDED])
    assert found["command"] == "ansible-playbook okd.registry.trust_clients --limit bastion"
    raw["hosts"]["bastion"]["trust"]["files"].pop()
    verdict["state"] = "expired"
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"]) == (
        "ca_expired",
        "ansible-playbook okd.registry.trust_clients --limit bastion",
    )


def test_a_flag_for_the_host_of_a_router_is_not_the_collection_s_on_a_node_either() -> None:
    raw = healthy()
    ends_at_router(raw, days_left=90)
    judged_at_router(raw, "node1", "trusted")
    flag = {"value": ENDED, "file": "/etc/sysconfig/docker", "endpoints": [ENDED]}
    raw["hosts"]["node1"]["trust"]["insecure"].update(flags=[flag], covered=[ENDED])
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"]) == ("insecure_flag", None)


def test_by_a_ca_that_is_not_the_router_s_nobody_lacks_it() -> None:
    """And on a client it is to be placed, not only named."""
    raw = healthy()
    that_of_the_router(raw)
    refused_at_router(raw, "unknown_authority")
    commands = {one["host"]: one["command"] for one in judge(collect(raw)) if one["name"] == "router_ca_unknown"}
    check = "ansible-playbook okd.registry.check"
    placed = "ansible-playbook okd.registry.trust_clients --limit bastion"
    assert commands == {"node1": check, "node2": check, "bastion": placed}
    assert named(raw) == {"router_ca_unknown"}
    raw["hosts"]["bastion"]["unlisted"] = True  # the control host, where the playbook would pass it over
    assert {one["command"] for one in judge(collect(raw))} == {check}


def test_a_client_needs_no_way_to_what_is_inside_the_cluster() -> None:
    raw = healthy()
    not_reached(raw, "unreachable", "no route", *ENDPOINTS[:3])
    assert judge(collect(raw)) == []
    raw["hosts"]["bastion"]["client"] = False
    assert named(raw) == {"endpoint_unreachable"}


@pytest.mark.parametrize(
    ("reason", "name", "seen", "fix"),
    [
        ("unresolved", "dns", f"resolve: {ROUTE}: no", "the router's wildcard record"),
        ("refused", "endpoint_unreachable", f"tls: {ROUTE}: no", "a load balancer"),
        ("timeout", "endpoint_unreachable", f"tls: {ROUTE}: no", "a firewall"),
        ("unreachable", "endpoint_unreachable", f"tls: {ROUTE}: no", "a router"),
    ],
)
def test_a_client_needs_a_way_to_what_leads_there_from_outside(reason: str, name: str, seen: str, fix: str) -> None:
    raw = healthy()
    not_reached(raw, reason, "no")
    (found,) = judge(collect(raw))
    assert (found["name"], found["host"], found["party"]) == (name, "bastion", "client")
    assert (found["endpoints"], found["evidence"]) == ([ROUTE], [seen])
    assert fix in found["fix"]
    assert "kube-proxy" not in found["fix"]


def test_a_way_that_a_client_lacks_is_a_symptom_of_a_route_that_is_not_there() -> None:
    raw = healthy()
    not_reached(raw, "unresolved", "no")
    raw["info"]["routes"] = []
    assert named(raw) == {"route_missing"}


def test_what_was_left_out_after_another_step_is_no_cause() -> None:
    raw = healthy()
    raw["hosts"]["bastion"]["check"]["not_run"] = [
        {"endpoint": ROUTE, "step": "push", "status": "skipped", "reason": None, "error": "login did not work"}
    ]
    assert judge(collect(raw)) == []


def test_a_daemon_set_that_fits_no_node_is_not_to_be_scaled() -> None:
    raw = healthy()
    as_a_daemon_set(raw)
    (found,) = judge(collect(raw))
    assert found["object"] == "DaemonSet default/docker-registry"
    assert "nodeSelector of DaemonSet default/docker-registry: region=infra, disk=ssd" in found["evidence"][0]
    for variable in ("registry_node_selector", "registry_affinity", "registry_tolerations"):
        assert variable in found["fix"]
    assert found["command"] == "ansible-playbook okd.registry.deploy"
    raw["workload"]["spec"]["template"]["spec"].pop("nodeSelector")
    (found,) = judge(collect(raw))
    assert found["evidence"][0].endswith("nodeSelector of DaemonSet default/docker-registry: none")


def test_a_daemon_set_whose_controller_has_not_seen_it_is_under_way() -> None:
    raw = healthy()
    as_a_daemon_set(raw)
    raw["workload"]["status"] = {"desiredNumberScheduled": 0}
    raw["rollout"] = _wait.rollout(raw["workload"], None).as_dict()
    assert named(raw) == {"rollout_running"}


def test_no_number_of_pods_is_asked_of_a_daemon_set() -> None:
    raw = healthy()
    daemons(raw, nodes=2)
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"]) == ("rwo_replicas", "ansible-playbook okd.registry.deploy")
    assert "registry_node_selector" in found["fix"]


def test_a_name_at_which_a_router_ends_tls_is_not_the_certificate_s() -> None:
    """The module alone asks by route_host, which is a name of the registry's own to registry_info."""
    raw = healthy()
    ends_at_router(raw)
    raw["info"]["registry"]["endpoints"] = [*ENDPOINTS, ENDED, "other.example.com"]
    raw["info"]["certificate"]["sans"][-1] = ROUTE
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("san_missing", ["other.example.com"])


def test_findings_of_one_host_are_one_finding() -> None:
    raw = healthy()
    distrusts(raw, "node2", "none")
    (found,) = judge(collect(raw))
    assert (found["host"], found["party"], found["endpoints"]) == ("node2", "node", ENDPOINTS)
    assert found["command"] == "ansible-playbook okd.registry.trust --limit node2"
    assert len(found["evidence"]) == len(ENDPOINTS)


def test_every_route_is_judged_by_its_own_host() -> None:
    raw = healthy()
    (first,) = raw["info"]["routes"]
    first.update(admitted=False, router=None)
    raw["info"]["routes"] += [
        {**first, "name": "second", "host": "b.example.com", "router": "r", "reason": "RouteNotAdmitted"},
        {**first, "name": "third", "host": "c.example.com", "admitted": True},
        {**first, "name": "fourth", "host": "C.example.com", "router": "r", "reason": "HostAlreadyClaimed"},
        {**first, "name": "fifth", "host": None},
    ]
    found = [(one["name"], one["object"], one["endpoints"]) for one in judge(collect(raw))]
    assert found == [
        ("router_missing", "Route default/docker-registry", [ROUTE]),
        ("route_not_admitted", "Route default/second", ["b.example.com"]),
        ("router_missing", "Route default/fifth", []),
    ]


def test_a_route_without_a_host_explains_nothing_seen_at_another_s() -> None:
    raw = healthy()
    raw["info"]["routes"].append({**raw["info"]["routes"][0], "host": None, "admitted": False, "router": None})
    fails(raw, "tls", "timeout", "no answer within 5 s", host="node2", endpoint=ROUTE)
    assert named(raw) == {"router_missing", "endpoint_unreachable"}


def test_a_route_that_is_missing_says_which_there_are() -> None:
    raw = healthy()
    raw["asked_host"] = "New.apps.example.com"
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("route_missing", ["new.apps.example.com"])
    assert f"Route default/docker-registry has {ROUTE}" in found["evidence"][0]
    raw["asked_host"] = ROUTE.upper()
    assert named(raw) == set()


def test_what_may_not_be_read_is_neither_missing_nor_a_former_name() -> None:
    raw = healthy()
    raw["service"] = None
    raw["info"].update(ca_cert=None, ca=[], routes=[], certificate=None)
    raw["info"]["registry"].update(cluster_ip=None, endpoints=ENDPOINTS[1:3])
    assert named(raw) == {"route_missing", "stale_certs_d"}
    raw["info"]["unread"] = [{"what": what, "reason": "no"} for what in ("service", "routes", "ca", "certificate")]
    assert named(raw) == set()


def test_where_the_ca_may_not_be_read_it_is_not_missing() -> None:
    raw = healthy()
    raw["info"].update(ca_cert=None, ca=[])
    assert named(raw) == {"ca_missing"}
    raw["info"]["unread"] = [{"what": "ca", "reason": "no"}]
    assert named(raw) == set()


def on_the_client(raw: Raw, cause: Change) -> list[Raw]:
    """A cause of one node, made on the client instead; at the name by which it gets there, where it is about one."""
    cause(raw)
    changed = next(name for name in ("node1", "node2") if raw["hosts"][name] != healthy()["hosts"][name])
    raw["hosts"] = {"bastion": {**raw["hosts"][changed], "client": True}}
    return judge(collect(raw))


def at_the_route(raw: Raw, host: str) -> Raw:
    """The verdict and the file of the Route's host there."""
    trust = raw["hosts"][host]["trust"]
    return {"verdict": trust["endpoints"][-1], "file": trust["files"][-1]}


def broken(raw: Raw) -> None:
    at_the_route(raw, "node2")["file"].update(problem="holds no certificate", matches=False)


def dangling(raw: Raw) -> None:
    at_the_route(raw, "node2")["file"].update(dangling=True, target="/nowhere")


def too_old(raw: Raw) -> None:
    at_the_route(raw, "node2")["verdict"].update(state="expired")


def refused_file(raw: Raw) -> None:
    fails(raw, "login", "ca_file", "open ca.crt: no such file", host="node2", endpoint=ROUTE)


def left_on_it(raw: Raw) -> None:
    left_behind(raw, "old.apps.example.com")


@pytest.mark.parametrize(
    ("cause", "name"),
    [(broken, "certs_d_broken"), (dangling, "dangling_link"), (too_old, "ca_expired"),
     (refused_file, "certs_d_broken"), (left_on_it, "stale_certs_d")],
)  # fmt: skip
def test_a_client_s_files_are_a_matter_of_trust_clients(cause: Change, name: str) -> None:
    (found,) = on_the_client(healthy(), cause)
    assert (found["name"], found["party"]) == (name, "client")
    assert found["command"] == "ansible-playbook okd.registry.trust_clients --limit bastion"


def test_a_host_that_trust_clients_does_not_know_is_to_be_named_first() -> None:
    raw = healthy()
    at_the_route(raw, "node2")["verdict"].update(state="none")
    untried(raw, "node2")
    raw["hosts"] = {"localhost": {**raw["hosts"]["node2"], "client": True, "unlisted": True}}
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"]) == ("client_lacks_ca", None)
    assert found["fix"].startswith("put the host into the inventory's group registry_clients")


FLAGS = [change for name, change in EACH if name in ("insecure_flag", "insecure_network")]


@pytest.mark.parametrize("cause", FLAGS)
def test_a_client_s_flags_are_its_own(cause: Change) -> None:
    def at_its_name(raw: Raw) -> None:
        cause(raw)
        insecure = raw["hosts"]["node1"]["trust"]["insecure"]
        insecure["covered"] = [ROUTE]
        for flag in insecure["flags"]:
            flag["value"] = ROUTE
        for network in insecure["networks"]:
            network.update(value="10.0.0.0/8", endpoints=[ROUTE])

    (found,) = on_the_client(healthy(), at_its_name)
    assert (found["party"], found["endpoints"]) == ("client", [ROUTE])
    assert found["command"] in (None, "systemctl restart docker")
    assert "restart docker" in found["fix"]


@pytest.mark.parametrize("cause", FLAGS)
def test_a_client_has_no_use_for_names_inside_that_are_not_verified(cause: Change) -> None:
    assert on_the_client(healthy(), cause) == []


@pytest.mark.parametrize("name", ["dangling_link", "certs_d_broken"])
def test_a_client_has_no_use_for_files_of_names_inside(name: str) -> None:
    (cause,) = CAUSED[name]
    assert on_the_client(healthy(), cause) == []


@pytest.mark.parametrize(
    ("user", "project", "words"),
    [
        ("system:serviceaccount:ci:builder", "test", ["image-builder:ci:builder", "--serviceaccount=ci:builder"]),
        ("alice", "test", ["image-builder:alice", "--user=alice"]),
        ("CN=Ann Lee/ops", "test", ["image-builder:CN=Ann Lee-ops", "--user=CN=Ann Lee/ops"]),
        ("alice", None, None),
        (None, "test", None),
    ],
)
def test_rights_are_given_to_the_user_of_the_token(
    user: str | None, project: str | None, words: list[str] | None
) -> None:
    raw = healthy()
    raw["token"].update(user=user, project=project, lacking=["update imagestreams/layers"])
    raw["hosts"] = {}  # none has pushed with it
    (found,) = judge(collect(raw))
    assert found["name"] == "user_without_rights"
    assert "system:image-builder" in found["fix"]
    if words is None:
        assert found["command"] is None
        return
    name, whom = words
    role = "--clusterrole=system:image-builder"
    assert shlex.split(found["command"]) == ["kubectl", "create", "rolebinding", name, role, whom, "-n", project]

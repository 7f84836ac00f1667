# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in from outside, with docker of nodes and of a host that is none.

The document's Route, TLS that ends in the router, and another host for a registry that is used all the time. The tests
run in the order in which they stand, from a pristine sandbox. node3 is no node to the inventory, but a client.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outside
import pytest
import sandbox
import snippets
import traffic
from outside import CERTS, CLIENT, NEW, NODES, OLD, directories, ok, status, works

REENCRYPTED, EDGE = "reencrypted.apps.sandbox.test", "edge.apps.sandbox.test"
BEGIN = "-----BEGIN"
#: The files of a CA, by the words of registry_ca.
FILES = {"cert_path": "crt", "key_path": "key", "serial_path": "serial.txt"}
KUBE = {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("expose")


@pytest.fixture(scope="module")
def inventory(place: Path) -> Path:
    return outside.inventory(place / "hosts.yml")


@pytest.fixture(scope="module")
def play(inventory: Path) -> outside.Play:
    return outside.player(inventory)


@pytest.fixture(scope="module")
def answer(inventory: Path) -> Any:
    """Runs a module on the control host and gives its result, also that of a failure."""

    def run(what: str, /, **options: Any) -> dict[str, Any]:
        done = sandbox.run(
            sandbox.ROOT / ".venv/bin/ansible", "localhost", "-i", inventory, "-m", f"okd.registry.{what}",
            "-a", json.dumps({**KUBE, **options}), check=False, cwd=sandbox.ROOT,
            env=sandbox.environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
        )  # fmt: skip
        _, arrow, text = done.stdout.partition(" => ")
        assert arrow, done.stdout + done.stderr
        result: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
        return {**result, "failed": done.returncode != 0}

    return run


@pytest.fixture(scope="module")
def module(answer: Any) -> Any:
    """Runs a module on the control host and gives its result; a failure ends the test."""

    def run(what: str, /, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = answer(what, **options)
        assert not result["failed"], result
        return result

    return run


@pytest.fixture(scope="module")
def authority(place: Path) -> Any:
    return outside.authority(place)


# ---- the document's step ---------------------------------------------------------------------------------------------


def test_the_documents_step_as_it_stands_in_the_docs(play: Any, place: Path) -> None:
    ok(play("deploy.yml"))
    snippet = place / "expose.yml"
    snippet.write_text(snippets.snippets("expose.md")["expose"], encoding="utf-8")
    ok(play(snippet))
    (route,) = sandbox.objects("routes", "-n", "default")
    assert route["spec"]["host"] == OLD
    assert route["spec"]["tls"]["termination"] == "passthrough"
    assert ok(play("expose.yml")).changed == 0


def test_a_client_that_is_no_node_trusts_the_host_and_nothing_else(play: Any, place: Path) -> None:
    docker = sandbox.docker_start(CLIENT)
    snippet = place / "clients.yml"
    snippet.write_text(snippets.snippets("expose.md")["clients"], encoding="utf-8")
    planned = ok(play(snippet, "--check"))
    assert directories(CLIENT) == set()
    assert ok(play(snippet)).changed == planned.changed == 1
    assert directories(CLIENT) == {OLD}, "without a port, as docker reads it"
    works(OLD, node=CLIENT)
    assert sandbox.docker_start(CLIENT) == docker
    assert ok(play(snippet)).changed == 0
    log = [
        event for event in sandbox.audit() if event["sourceIPs"] == [sandbox.NODES[CLIENT]] and sandbox.is_ours(event)
    ]
    assert log == [], "the client itself asks nothing of the cluster"


# ---- TLS that ends in the router -------------------------------------------------------------------------------------


def ends_in_router(play: Any, module: Any, authority: Any, place: Path, name: str, host: str, **options: Any) -> None:
    exposed = module(
        "registry_route",
        name=name,
        route_host=host,
        beside=True,
        certificate=authority(host),
        dns="ignore",
        timeout="5m",
        **options,
    )
    assert exposed["route"]["admitted"]
    ended = play(
        "trust_clients.yml",
        registry_name=name,
        registry_route_host=host,
        registry_route_termination=options["termination"],
        registry_route_ca_cert_path=str(place / "router-ca.crt"),
    )
    ok(ended)
    works(host, node=CLIENT)


@pytest.fixture(scope="module")
def reencrypted(authority: Any, place: Path) -> dict[str, Any]:
    """The variables as they stand in the docs, and those that the document tells of beside them."""
    own = authority(REENCRYPTED)
    example = "/etc/pki/registry.apps.example.com"
    places = {f"{example}.crt": own["cert_path"], f"{example}.key": own["key_path"]}
    return {
        **snippets.variables("expose.md", "reencrypt", places),
        "registry_route_host": REENCRYPTED,
        "registry_route_ca_cert_path": str(place / "router-ca.crt"),
        "registry_route_timeout": "5m",
        "registry_route_allow_ips": [f"{sandbox.NODES[name]}/32" for name in ("node1", CLIENT)],
    }


def test_reencryption_as_it_stands_in_the_docs(play: Any, reencrypted: dict[str, Any]) -> None:
    planned = ok(play("expose.yml", "--check", **reencrypted))
    assert ok(play("expose.yml", **reencrypted)).changed == planned.changed == 1
    assert ok(play("expose.yml", **reencrypted)).changed == 0
    (route,) = [one for one in sandbox.objects("routes", "-n", "default") if one["spec"]["host"] == REENCRYPTED]
    tls, annotations = route["spec"]["tls"], route["metadata"]["annotations"]
    assert (tls["termination"], tls["insecureEdgeTerminationPolicy"]) == ("reencrypt", "Redirect")
    assert annotations["haproxy.router.openshift.io/timeout"] == "5m"
    location = sandbox.on("node1", f"curl -s -o /dev/null -w '%{{redirect_url}}' http://{REENCRYPTED}/v2/").stdout
    assert location == f"https://{REENCRYPTED}/v2/"
    assert status("node1", REENCRYPTED) == "401"
    assert status("node2", REENCRYPTED) == "000", "turned away by registry_route_allow_ips"
    ok(play("trust_clients.yml", **reencrypted))
    works(REENCRYPTED, node=CLIENT)
    assert directories(CLIENT) == {OLD, REENCRYPTED}


def test_the_proof_by_use_has_a_host_at_which_the_router_ends_tls(
    play: Any, module: Any, place: Path, reencrypted: dict[str, Any]
) -> None:
    """By the router's CA; the registry's does not do there, and nodes need not trust either for it."""
    ok(play("expose.yml", **{**reencrypted, "registry_route_allow_ips": []}))
    looks = {**reencrypted, "registry_check_fail_on": ["none"]}

    def lines(**variables: Any) -> dict[str, str]:
        """What the table says of the host, by node."""
        output = ok(play("check.yml", **{**looks, **variables})).output
        found = [line.strip(" -") for line in output.splitlines() if f" {REENCRYPTED} " in line]
        return {node: line for node in NODES for line in found if line.split()[0] == node}

    good = lines(registry_check_layer_size="16MiB")  # through the router, and its time limits
    assert set(good) == set(NODES)
    for line in good.values():
        assert line.split()[1:3] == ["client", REENCRYPTED]
        assert "FAILED" not in line

    def reported(**variables: Any) -> tuple[dict[str, Any], set[str], set[str]]:
        """The report, how nodes see the host, and what is wrong there."""
        told = place / "report.json"
        variables = {**reencrypted, "registry_route_allow_ips": [], "registry_diagnose_fail_on": "never", **variables}
        ok(play("report.yml", registry_report_path=str(told), **variables))
        report = json.loads(told.read_text(encoding="utf-8"))
        states = {one["host"]: one["state"] for one in report["matrix"] if one["endpoint"] == REENCRYPTED}
        # That nodes lack the registry's CA is nothing at this host.
        found = {one["name"] for one in report["problems"] if REENCRYPTED in one["endpoints"]}
        return report, {states[name] for name in NODES}, found

    report, states, found = reported(registry_route_ca_cert_path=str(sandbox.STATE / "pki/registry-ca.crt"))
    assert "ok" not in states
    assert found == {"router_ca_unknown"}
    report, states, found = reported()
    assert states == {"ok"}
    assert found == set()
    (certificate,) = [one for one in report["certificates"] if one["where"] == "route default/docker-registry-2"]
    assert certificate["sans"] == [REENCRYPTED]
    assert module("registry_route", state="absent", route_name="docker-registry-2")["changed"]


def test_edge(play: Any, module: Any, authority: Any, place: Path) -> None:
    """Before a registry without TLS; of who may come, the router sees the address."""
    module("registry_service", name="plain")
    module(
        "registry_deploy",
        name="plain",
        image="openshift3/ose-docker-registry:v3",
        storage={"kind": "ephemeral"},
        wait_timeout=90,
    )
    ends_in_router(play, module, authority, place, "plain", EDGE, termination="edge", insecure_policy="redirect")
    assert status("node1", EDGE) == "401"
    # No CA of its own is published, and none is needed for the one name by which it is used.
    ca = str(place / "router-ca.crt")
    ok(play("check.yml", registry_name="plain", registry_check_endpoints=[EDGE], registry_route_ca_cert_path=ca))
    location = sandbox.on("node1", f"curl -s -o /dev/null -w '%{{redirect_url}}' http://{EDGE}/v2/").stdout
    assert location == f"https://{EDGE}/v2/"
    module(
        "registry_route",
        name="plain",
        route_host=EDGE,
        termination="edge",
        certificate=authority(EDGE),
        dns="ignore",
        allow_ips=[f"{sandbox.NODES['node1']}/32"],
    )
    assert status("node1", EDGE) == "401"
    assert status("node2", EDGE) == "000", "turned away"
    for name, options in (("registry_route", {}), ("registry_deploy", {"allow_data_loss": True})):
        module(name, name="plain", state="absent", **options)


# ---- what keeps a host from being served -----------------------------------------------------------------------------


def test_why_a_host_is_not_served_is_named(answer: Any, module: Any, authority: Any) -> None:
    """By the real router; a Route that it refuses is there all the same, and goes again."""
    host = "claimed.apps.sandbox.test"
    spec = {"host": host, "to": {"kind": "Service", "name": "theirs"}, "tls": {"termination": "passthrough"}}
    meta = {"name": "theirs", "namespace": "test"}
    theirs = {"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec}
    sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(theirs))
    asked = {"secret_name": "none", "dns": "ignore", "beside": True, "wait_timeout": 20}
    try:
        claimed = answer("registry_route", **asked, route_host=host)
        assert claimed["failed"]
        assert "HostAlreadyClaimed" in claimed["msg"]
        assert "Route test/theirs has that host" in claimed["msg"]
        module("registry_route", state="absent", route_name="docker-registry-2")
    finally:
        sandbox.kubectl("delete", "route", "theirs", "-n", "test")
    # This router has no certificate of its own.
    refused = answer("registry_route", **asked, route_host=host, termination="reencrypt")
    assert refused["failed"]
    assert f"refuses Route default/docker-registry-2 (host {host}): ExtendedValidationFailed" in refused["msg"]
    module("registry_route", state="absent", route_name="docker-registry-2")
    unresolved = answer("registry_route", **{**asked, "dns": "fail"}, route_host="no-such-host.invalid")
    assert "no-such-host.invalid does not resolve on" in unresolved["msg"]
    sandbox.in_container("infra", "systemctl stop openshift-router")
    try:
        missing = answer("registry_route", **{**asked, "wait_timeout": 2}, route_host=host)
        assert f"No router picked up Route default/docker-registry-2 (host {host}) within 2 s" in missing["msg"]
    finally:
        sandbox.in_container("infra", "systemctl start openshift-router")
    again = {**asked, "termination": "reencrypt", "certificate": authority(host), "route_name": "docker-registry-2"}
    assert module("registry_route", **{**again, "beside": False}, route_host=host)["route"]["admitted"]
    module("registry_route", state="absent", route_name="docker-registry-2")


# ---- another host ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def changed(play: Any) -> dict[str, Any]:
    """The host is changed while docker of all three pulls and pushes by the old and the new host."""
    ok(play("trust.yml", registry_trust_remove_insecure=False))
    traffic.start((OLD, NEW))
    first = play("change_route_host.yml", registry_route_host=NEW, registry_route_keep_before=True)
    admitted = outside.admitted(NEW)
    both = {host: directories(host) for host in sandbox.NODES}
    second = play("change_route_host.yml", registry_route_host=NEW)
    attempts = traffic.stop()
    return {
        "first": first, "second": second, "both": both, "attempts": attempts,
        "admitted": admitted, "gone": outside.gone("docker-registry"),
    }  # fmt: skip


def test_each_run_ends_well(changed: dict[str, Any]) -> None:
    for name in ("first", "second"):
        ok(changed[name])
    assert f"And still as {OLD}" in changed["first"].output
    assert f"No longer as {OLD}" in changed["second"].output


def test_nobody_is_turned_away_by_the_old_host_until_it_goes_and_by_the_new_one_from_its_admission_on(
    changed: dict[str, Any],
) -> None:
    old = [a for a in changed["attempts"] if a.endpoint == OLD and a.began + a.seconds < changed["gone"]]
    # The time of the admission is told in whole seconds.
    new = [a for a in changed["attempts"] if a.endpoint == NEW and a.began > changed["admitted"] + 1]
    assert traffic.failures([*old, *new]) == []
    for host in sandbox.NODES:
        assert min(sum(a.node == host for a in some) for some in (old, new)) >= 10
    assert any(a.began < changed["admitted"] and not a.ok for a in changed["attempts"] if a.endpoint == NEW)
    assert any(not a.ok for a in changed["attempts"] if a.endpoint == OLD and a.began > changed["gone"] + 1)


def test_the_old_host_is_gone_from_routes_certificate_and_hosts(changed: dict[str, Any], module: Any) -> None:
    assert changed["both"][CLIENT] >= {OLD, NEW}
    assert all({OLD, NEW} <= changed["both"][node] for node in NODES)
    (route,) = sandbox.objects("routes", "-n", "default")
    assert route["spec"]["host"] == NEW
    sans = module("registry_info", route_host=NEW)["certificate"]["sans"]
    assert NEW in sans
    assert OLD not in sans
    for host in sandbox.NODES:
        assert NEW in directories(host)
        assert OLD not in directories(host)
    works(NEW, node=CLIENT)


# ---- other certificates, with a client and with TLS that ends in the router ------------------------------------------


def authorities() -> list[str]:
    """The CAs that the cluster publishes, as PEM texts."""
    text = json.loads(sandbox.kubectl("get", "cm", "docker-registry-ca", "-o", "json"))["data"]["ca.crt"]
    return [f"{BEGIN}{part}".strip() for part in text.split(BEGIN)[1:]]


def rotate(play: Any, place: Path, ca: str, host: str, **variables: Any) -> sandbox.Run:
    """Run the rotation to a CA of this name, which is made where it is not there yet."""
    files = {name: str(place / f"{ca}.{end}") for name, end in FILES.items()}
    ended: sandbox.Run = play(
        "rotate_certificates.yml", registry_ca={**files, "create": True}, registry_route_host=host, **variables
    )
    return ended


@pytest.mark.usefixtures("changed")
def test_a_rotation_waits_for_a_client_that_does_not_get_the_new_ca(play: Any, place: Path) -> None:
    (first,) = authorities()
    trusted = f"{CERTS}/{NEW}/ca.crt"
    sandbox.on(CLIENT, f"mount --bind {CERTS} {CERTS} && mount -o remount,bind,ro {CERTS}")
    with outside.asking(CLIENT, NEW, trusted) as codes:
        try:
            ended = rotate(play, place, "second", NEW)
        finally:
            sandbox.on(CLIENT, f"umount {CERTS}")
        assert ended.code != 0
        assert "The rotation stops before the certificate changes, for 0 of 2 nodes and 1 of 1 clients" in ended.output
        assert f"{CLIENT}: failed: " in ended.output
        assert authorities()[0] == first
        assert len(authorities()) == 2
        ok(rotate(play, place, "second", NEW))
    (second,) = authorities()
    assert second != first
    assert sandbox.on(CLIENT, f"cat {trusted}").stdout.strip() == second
    assert set(codes) == {"401"}, "each by a CA that the client trusts at that moment"
    assert len(codes) > 20


@pytest.mark.usefixtures("changed")
def test_a_rotation_has_the_router_follow(play: Any, module: Any, authority: Any, place: Path) -> None:
    """Which re-encrypts; the client trusts the router's CA, and has nothing to do with the registry's."""
    ends_in_router(play, module, authority, place, "docker-registry", REENCRYPTED, termination="reencrypt")
    before, client = outside.route(REENCRYPTED)["spec"]["tls"], trusts(CLIENT)
    (second,) = authorities()
    assert before["destinationCACertificate"].strip() == second
    with outside.asking(CLIENT, REENCRYPTED, f"{CERTS}/{REENCRYPTED}/ca.crt") as codes:
        ended = rotate(
            play, place, "third", REENCRYPTED,
            registry_route_termination="reencrypt", registry_route_certificate=authority(REENCRYPTED),
        )  # fmt: skip
        ok(ended)
    after = outside.route(REENCRYPTED)["spec"]["tls"]
    (third,) = authorities()
    assert third != second
    assert after["destinationCACertificate"].strip() == third
    assert after["certificate"] != before["certificate"]
    assert trusts(CLIENT) == client
    assert set(codes) == {"401"}
    assert len(codes) > 20


def trusts(host: str) -> str:
    """Checksums of what docker of a host trusts for the registry's names."""
    return sandbox.on(host, f"sha256sum {CERTS}/*/ca.crt").stdout


# ---- the end of a client ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("changed")
def test_what_a_client_was_given_is_taken_away_again(play: Any) -> None:
    """By whomever it was to know the registry in the meantime; not what it was given for another registry."""
    assert directories(CLIENT) >= {NEW, REENCRYPTED, EDGE}
    nodes = {node: trusts(node) for node in NODES}
    planned = ok(play("trust_clients.yml", "--check", registry_trust_state="absent"))
    assert directories(CLIENT) >= {NEW, REENCRYPTED, EDGE}
    assert ok(play("trust_clients.yml", registry_trust_state="absent")).changed == planned.changed == 1
    assert directories(CLIENT) == {EDGE}
    outside.unchanged(play("trust_clients.yml", registry_trust_state="absent"))
    ok(play("trust_clients.yml", registry_trust_state="absent", registry_name="plain"))
    assert directories(CLIENT) == set()
    assert sandbox.on(CLIENT, "find /var/lib/okd-registry -type f 2>/dev/null || true").stdout == ""
    assert {node: trusts(node) for node in NODES} == nodes

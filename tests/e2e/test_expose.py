# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in from outside, with docker of nodes and of a host that is none.

The document's Route, TLS that ends in the router, and another host for a registry that is used all the time. The tests
run in the order in which they stand, from a pristine sandbox. node3 is no node to the inventory, but a client.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import images
import pytest
import sandbox
import snippets
import traffic
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509

OLD, NEW = "registry.apps.sandbox.test", "images.apps.sandbox.test"
REENCRYPTED, EDGE = "reencrypted.apps.sandbox.test", "edge.apps.sandbox.test"
CLIENT = "node3"
NODES = tuple(name for name in sandbox.NODES if name != CLIENT)
CERTS = "/etc/docker/certs.d"
VARIABLES = sandbox.ROOT / "inventory/sandbox/group_vars"
SHARED = sandbox.ROOT / "extensions/molecule/rotate/vars/registry.yml"
KUBE = {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("expose")


@pytest.fixture(scope="module")
def inventory(place: Path) -> Path:
    """Two nodes and a client."""
    variables = yaml.safe_load((VARIABLES / "all/registry.yml").read_text(encoding="utf-8"))
    variables |= yaml.safe_load(SHARED.read_text(encoding="utf-8"))
    of_nodes = yaml.safe_load((VARIABLES / "registry_nodes.yml").read_text(encoding="utf-8"))
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}

    def hosts(*names: str) -> dict[str, Any]:
        return {"hosts": {name: {"ansible_host": sandbox.NODES[name]} for name in names}, "vars": of_nodes}

    # The cluster has a Node that is none of this inventory's.
    variables |= {
        "sandbox_state": str(sandbox.STATE),
        "registry_trust_uncovered": "ignore",
        "registry_route_dns": "ignore",
    }
    groups = {
        "registry_control": {"hosts": {"localhost": local}},
        "registry_nodes": hosts(*NODES),
        "registry_clients": hosts(CLIENT),
    }
    path = place / "hosts.yml"
    path.write_text(json.dumps({"all": {"vars": variables, "children": groups}}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def play(inventory: Path) -> Any:
    """Runs a playbook of the collection, or another one by its path, on this inventory."""

    def run(name: str | Path, *arguments: str, **variables: Any) -> sandbox.Run:
        command = sandbox.playbook_command(str(name), *arguments, "-e", json.dumps(variables), inventory=inventory)
        done = sandbox.run(*command, check=False, timeout=400, cwd=sandbox.ROOT, env=sandbox.environment())
        output = done.stdout + done.stderr
        return sandbox.Run(done.returncode, output, sandbox.recap(output))

    return run


def ok(ended: sandbox.Run) -> sandbox.Run:
    assert ended.code == 0, ended.output
    return ended


@pytest.fixture(scope="module")
def module(inventory: Path) -> Any:
    """Runs a module on the control host and gives its result; a failure ends the test."""

    def run(what: str, /, **options: Any) -> dict[str, Any]:
        done = sandbox.run(
            sandbox.ROOT / ".venv/bin/ansible", "localhost", "-i", inventory, "-m", f"okd.registry.{what}",
            "-a", json.dumps({**KUBE, **options}), check=False, cwd=sandbox.ROOT,
            env=sandbox.environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
        )  # fmt: skip
        _, arrow, text = done.stdout.partition(" => ")
        assert arrow, done.stdout + done.stderr
        assert done.returncode == 0, done.stdout
        result: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
        return result

    return run


@pytest.fixture(scope="module")
def authority(place: Path) -> Any:
    """Makes certificates for the router, by a CA that is not the registry's; gives them as options."""
    now = dt.datetime.now(dt.timezone.utc)
    key = _pem.new_key("ECDSA", None)
    ca = _x509.Ca(_x509.self_signed_ca(key, name="the router's CA", now=now, days=9), key)
    (place / "router-ca.crt").write_text(ca.pem(), encoding="utf-8")

    def make(host: str) -> dict[str, str]:
        made = _x509.issue(ca, _x509.server_names([host]), serial=2, now=now, days=9, key_type="ECDSA")
        crt, key = place / f"{host}.crt", place / f"{host}.key"
        crt.write_bytes(made.bundle)
        key.write_bytes(made.key_pem)
        return {"cert_path": str(crt), "key_path": str(key)}

    return make


def directories(host: str) -> set[str]:
    """The names that docker of a host has directories for, of those that are the registry's."""
    found = sandbox.on(host, f"ls {CERTS} 2>/dev/null || true").stdout.split()
    return {name for name in found if "sandbox.test" in name or "docker-registry" in name or "172.30" in name}


def status(host: str, name: str) -> str:
    """What curl gets from a name's /v2/ over TLS, whoever signed it."""
    command = f"curl -sk -m 5 -o /dev/null -w '%{{http_code}}' https://{name}/v2/"
    return sandbox.on(host, command, check=False).stdout


def works(name: str, *, node: str) -> None:
    """An image goes there by docker of one host, and comes back by its digest to the same."""
    digest = images.push(f"through-{name.partition('.')[0]}", node=node, endpoint=name, layers=2)
    assert images.pulls(f"through-{name.partition('.')[0]}", digest, node=node, endpoint=name)


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


def test_reencryption(play: Any, module: Any, authority: Any, place: Path) -> None:
    ends_in_router(play, module, authority, place, "docker-registry", REENCRYPTED, termination="reencrypt")
    assert directories(CLIENT) == {OLD, REENCRYPTED}
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


# ---- another host ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def changed(play: Any) -> dict[str, Any]:
    """The host is changed while docker of all three pulls and pushes by the old and the new host."""
    ok(play("trust.yml", registry_trust_remove_insecure=False))
    traffic.start((OLD, NEW))
    first = play("change_route_host.yml", registry_route_host=NEW, registry_route_keep_before=True)
    (admitted,) = [
        condition["lastTransitionTime"]
        for route in sandbox.objects("routes", "-n", "default") if route["spec"]["host"] == NEW
        for condition in route["status"]["ingress"][0]["conditions"]
    ]  # fmt: skip
    both = {host: directories(host) for host in sandbox.NODES}
    second = play("change_route_host.yml", registry_route_host=NEW)
    attempts = traffic.stop()
    (gone,) = [
        event["requestReceivedTimestamp"]
        for event in sandbox.writes() if event["verb"] == "delete" and event["objectRef"]["resource"] == "routes"
        and event["objectRef"]["name"] == "docker-registry"
    ]  # fmt: skip
    return {
        "first": first, "second": second, "both": both, "attempts": attempts,
        "admitted": dt.datetime.fromisoformat(admitted).timestamp(),
        "gone": dt.datetime.fromisoformat(gone).timestamp(),
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

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes made for real on a registry that works: each is named, alone, and mended by what is printed.

The tests run in the order in which they stand. Each begins with a registry that works, which the one before has seen
to: a cause that was not mended would be named by the next one. Causes of single nodes are made on three nodes at once,
one each, and have to be named alone there.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shlex
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import images
import jsonschema
import pytest
import sandbox

# Adds a flag to those with which docker starts; the last assignment holds.
FLAG = "echo \"INSECURE_REGISTRY='--insecure-registry {}'\" >> /etc/sysconfig/docker"
CERTS = "/etc/docker/certs.d"
DNS = "/etc/origin/node/dnsmasq.conf"
PROXY = "/etc/systemd/system/docker.service.d/proxy.conf"
ADDRESS, NAME, _LONG, ROUTE = sandbox.ENDPOINTS
EXPORT = "/exports/registry"
INFRA, OTHER_ADDRESS = "172.29.0.2", "172.30.124.221"
STORAGE = {"registry_storage": {"kind": "nfs", "server": "nfs.sandbox.test", "path": EXPORT}}
CLUSTER = {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig"), "route_host": ROUTE}
#: Of commands that are followed; all else is what the playbook is and is told.
OPTIONS = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
OPTIONS.add_argument("-i", action="append", default=[])
OPTIONS.add_argument("--limit", action="append", default=[])
NEVER = ("-e", "registry_diagnose_fail_on=never")
ONE = ("--limit", "localhost,node2")


@dataclass(frozen=True)
class Cause:
    """A cause as it was printed."""

    name: str
    where: str
    seen: str
    command: str


def play(name: str, *arguments: str) -> sandbox.Run:
    return sandbox.playbook(name, *arguments, "-e", json.dumps(STORAGE), ANSIBLE_CALLBACK_RESULT_FORMAT="json")


def printed(output: str) -> list[Cause]:
    """The causes in the table of diagnose.yml."""
    lines = [str(json.loads(line)) for line in re.findall(r'^\s+("(?:[^"\\]|\\.)*"),?$', output, re.MULTILINE)]
    found: list[list[str]] = []
    for line in lines:
        if re.match(r"(ERROR|WARNING) ", line):
            found.append([line])
        elif found and line.startswith("    "):
            found[-1].append(line.strip())
    causes = []
    for head, *rest in found:
        _severity, name, where = re.split(r"\s{2,}", head)[:3]
        command = next((line.removeprefix("run:  ") for line in rest if line.startswith("run:")), "")
        causes.append(Cause(name, where, "\n".join(rest), command))
    return causes


def told(*arguments: str) -> list[Cause]:
    """What diagnose.yml prints."""
    done = play("diagnose.yml", *NEVER, *arguments)
    assert done.code in (0, 4), done.output  # 4: a host was not reached
    assert "What that means" in done.output
    return printed(done.output)


def names(causes: Iterable[Cause]) -> list[tuple[str, str]]:
    return sorted((cause.name, cause.where) for cause in causes)


def cluster() -> list[dict[str, Any]]:
    """What the module tells by itself, of the cluster alone."""
    result = sandbox.module("localhost", "registry_diagnose", CLUSTER)
    assert not result["failed"], result
    return list(result["findings"])


def advised(*commands: str, inventory: tuple[str, ...] = ()) -> None:
    """Do what was printed; what differs in the host alone is done by one run.

    :param inventory: arguments for another inventory.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "ansible-playbook", command
        known, rest = OPTIONS.parse_known_args(words)
        if known.i:  # what is printed says the inventory of the run, with which play() runs it, too; data does not
            assert sandbox.ROOT / known.i[0] == sandbox.INVENTORY, command
        together.setdefault(tuple(rest), []).extend(known.limit)
    for (book, *rest), limits in together.items():
        limited = ("--limit", ",".join(limits)) if limits else ()
        done = play(f"{book.removeprefix('okd.registry.')}.yml", *inventory, *rest, *limited)
        assert done.code == 0, done.output


def together(**commands: str) -> None:
    """Run a shell command on each of several nodes."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: sandbox.on(node, commands[node]), commands))


@pytest.fixture(scope="module", autouse=True)
def registry(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A registry on NFS, with no insecure flag on any node; the report at the end of site.yml."""
    path = tmp_path_factory.mktemp("report") / "site.json"
    done = play("site.yml", "-e", "registry_trust_serial=3", "-e", f"registry_report_path={path}")
    assert done.code == 0, done.output
    return report_in(path)


def report_in(path: Path) -> dict[str, Any]:
    """A report that is what docs/report.schema.json says."""
    found = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(found, json.loads((sandbox.ROOT / "docs/report.schema.json").read_text(encoding="utf-8")))
    return dict(found)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {phase["name"]: phase["state"] for phase in report["phases"]}


def test_site_ends_with_a_report(registry: dict[str, Any]) -> None:
    assert set(states(registry).values()) == {"ok"}
    assert registry["storage"]["repositories"]
    assert {(one["host"], one["endpoint"]) for one in registry["matrix"]} == {
        (host, endpoint) for host in sandbox.NODES for endpoint in sandbox.ENDPOINTS
    }
    assert {one["state"] for one in registry["matrix"]} == {"ok"}
    assert registry["problems"] == []


def test_the_report(tmp_path: Path) -> None:
    since = datetime.now(timezone.utc).isoformat()
    done = play("report.yml", "-e", f"registry_report_path={tmp_path / 'report.json'}")
    assert (done.code, done.changed) == (0, 0), done.output
    assert sandbox.writes(since) == []
    report = report_in(tmp_path / "report.json")
    assert set(states(report).values()) == {"ok"}
    probe = next(one for one in report["storage"]["repositories"] if one["name"].startswith(f"{images.PROJECT}/"))
    assert probe["tags"] >= 1
    secret, *others = report["certificates"]
    assert set(sandbox.ENDPOINTS[0].split(":")[:1]) <= set(secret["sans"])
    assert secret["sha256"] in [one["sha256"] for one in others if one["where"].startswith("pod ")]
    assert probe["name"] in done.output


def test_a_registry_that_works() -> None:
    since = datetime.now(timezone.utc).isoformat()
    starts = {node: sandbox.docker_start(node) for node in sandbox.NODES}
    done = play("diagnose.yml", "-e", "registry_diagnose_fail_on=warning")
    assert (done.code, done.changed) == (0, 0), done.output
    assert "Nothing is wrong." in done.output
    assert "not judged" not in done.output
    assert sandbox.writes(since) == []
    assert {node: sandbox.docker_start(node) for node in sandbox.NODES} == starts


def test_what_nodes_trust() -> None:
    old = f"{CERTS}/172.30.9.9:5000"
    together(
        node1=f"ln -sfn /nowhere/ca.crt {CERTS}/{NAME}/ca.crt",
        node2=f"rm -r {CERTS}/{ADDRESS}",
        node3=f"cp -r {CERTS}/{ADDRESS} {old}",
    )
    done = play("diagnose.yml")
    assert done.code == 2  # by its default, registry_diagnose_fail_on=error
    assert "see above for what was seen and what mends it" in done.output
    causes = printed(done.output)
    assert names(causes) == [("dangling_link", "node1"), ("node_lacks_ca", "node2"), ("stale_certs_d", "node3")], causes
    by_name = {cause.name: cause for cause in causes}
    assert f"{CERTS}/{NAME}/ca.crt is a link to /nowhere/ca.crt" in by_name["dangling_link"].seen
    assert f"delete {old}" in by_name["stale_certs_d"].seen
    assert by_name["node_lacks_ca"].command == (
        f"ansible-playbook -i {sandbox.INVENTORY.relative_to(sandbox.ROOT)} okd.registry.trust --limit node2"
    )
    advised(by_name["dangling_link"].command, by_name["node_lacks_ca"].command)
    sandbox.on("node3", f"rm -r {old}")


def test_how_nodes_get_there() -> None:
    proxy = PROXY
    together(
        node1=f"echo 'address=/{ROUTE}/' >> {DNS} && systemctl restart node-dnsmasq",
        node2="mkdir -p /etc/systemd/system/docker.service.d && "
        f"printf '[Service]\\nEnvironment=HTTPS_PROXY=http://127.0.0.1:9\\n' > {proxy} && "
        "systemctl daemon-reload && systemctl restart docker",
        node3=f"{FLAG.format('172.30.0.0/16')} && systemctl restart docker",
    )  # fmt: skip
    causes = told()
    assert names(causes) == [("dns", "node1"), ("insecure_network", "node3"), ("proxy", "node2")], causes
    by_name = {cause.name: cause for cause in causes}
    assert "NO_PROXY" in by_name["proxy"].seen
    excepted = ",".join(name.partition(":")[0] for name in sandbox.ENDPOINTS)
    together(
        node1=f"sed -i '$d' {DNS} && systemctl restart node-dnsmasq",
        node2=f"echo Environment=NO_PROXY={excepted} >> {proxy} && systemctl daemon-reload && systemctl restart docker",
    )
    advised(by_name["insecure_network"].command)


#: A proxy that lives, and lets nobody through.
REFUSES = """
import http.server
class Refuses(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        self.send_error(403)
http.server.ThreadingHTTPServer(("127.0.0.1", 3128), Refuses).serve_forever()
"""


def test_a_proxy_that_refuses() -> None:
    """Its answer has no word of a proxy: docker says "Forbidden" alone. Without a token, docker has not even asked."""
    sandbox.on(
        "node2",
        "mkdir -p /etc/systemd/system/docker.service.d && cat > /run/refuses.py && "
        "systemd-run --unit refuses /usr/bin/python3 /run/refuses.py && "
        f"printf '[Service]\\nEnvironment=HTTPS_PROXY=http://127.0.0.1:3128\\n' > {PROXY} && "
        "systemctl daemon-reload && systemctl restart docker",
        stdin=REFUSES,
    )
    for token in ((), ("-e", "registry_check_token=")):
        (cause,) = told(*ONE, *token)
        assert (cause.name, cause.where) == ("proxy", "node2"), cause
        assert "set NO_PROXY=" in cause.seen.replace("\n", " ")
        assert ("Forbidden" in cause.seen) is (token == ())
    excepted = ",".join(name.partition(":")[0] for name in sandbox.ENDPOINTS)
    restart = "systemctl daemon-reload && systemctl restart docker"
    sandbox.on("node2", f"echo Environment=NO_PROXY={excepted} >> {PROXY} && {restart}")
    assert told(*ONE) == []
    sandbox.on("node2", f"rm {PROXY} && {restart} && systemctl stop refuses")


def test_files_and_docker() -> None:
    together(
        node1=f"echo junk > {CERTS}/{NAME}/client.cert",
        node2=FLAG.format(ADDRESS),
        node3="systemctl stop docker docker.socket",
    )  # fmt: skip
    causes = told("-e", "registry_check_engine=docker")
    assert names(causes) == [("certs_d_broken", "node1"), ("docker_down", "node3"), ("insecure_flag", "node2")], causes
    by_name = {cause.name: cause for cause in causes}
    together(node1=f"rm {CERTS}/{NAME}/client.cert", node3=by_name["docker_down"].command)
    advised(by_name["certs_d_broken"].command, by_name["insecure_flag"].command)


def with_clients(path: Path, *, mended: bool) -> list[str]:
    """Arguments for an inventory with clients, which are the machine beside the nodes by several names."""
    ssh = {
        "ansible_user": "root",
        "ansible_host": INFRA,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(sandbox.STATE / "ssh/id_ed25519"),
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no",
    }
    hosts: dict[str, dict[str, Any]] = {
        "bastion": {},
        "blind": {} if mended else {"ansible_python_interpreter": "/nowhere/python3"},
        "gone": {} if mended else {"ansible_port": 1},
    }
    path.write_text(json.dumps({"registry_clients": {"hosts": hosts, "vars": ssh}}))
    return ["-i", str(path), "-e", f"sandbox_state={sandbox.STATE}"]


def test_clients_and_a_node_without_a_way(tmp_path: Path) -> None:
    """On the node, kube-proxy has ended and what it had set up was flushed."""
    sandbox.on("node2", "systemctl stop origin-proxy && iptables -t nat -F KUBE-SERVICES")
    clients = with_clients(tmp_path / "clients.json", mended=False)
    causes = told(*clients, "--limit", "localhost,node2,bastion,blind,gone", "-e", "registry_check_timeout=10")
    assert names(causes) == [
        ("client_lacks_ca", "bastion"), ("endpoint_unreachable", "node2"), ("host_unknown", "blind"),
        ("host_unreachable", "gone"),
    ], causes  # fmt: skip
    by_name = {cause.name: cause for cause in causes}
    assert "kube-proxy" in by_name["endpoint_unreachable"].seen
    sandbox.on("node2", "systemctl start origin-proxy")
    clients = with_clients(tmp_path / "clients.json", mended=True)
    advised(by_name["client_lacks_ca"].command, inventory=(*clients,))
    advised(by_name["host_unknown"].command, by_name["host_unreachable"].command, inventory=(*clients,))
    assert told("--limit", "localhost,node2") == []


def expired() -> str:
    """A token that ended an hour ago, as the cluster itself would have signed it."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    key = serialization.load_pem_private_key(
        (sandbox.STATE / "control-plane/pki/service-accounts.key").read_bytes(), None
    )
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = int(time.time())
    claims = {"exp": now - 3600, "iat": now - 7200, "sub": "system:serviceaccount:test:builder"}
    text = ".".join(part(json.dumps(each).encode()) for each in ({"alg": "ES256", "typ": "JWT"}, claims))
    numbers = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{part(b''.join(number.to_bytes(32, 'big') for number in numbers))}"


def test_who_uses_it(tmp_path: Path) -> None:
    secret = tmp_path / "token.json"
    secret.write_text(json.dumps({"registry_check_token": expired()}))
    (cause,) = told(*ONE, "-e", f"@{secret}")
    assert (cause.name, cause.where) == ("token_expired", "the registry")
    assert "give a token that is valid in registry_check_token" in cause.seen
    bob = (sandbox.STATE / "tokens/bob").read_text(encoding="utf-8").strip()
    secret.write_text(json.dumps({"registry_check_token": bob, "registry_check_username": "bob"}))
    (cause,) = told(*ONE, "-e", f"@{secret}")
    assert cause.name == "user_without_rights"
    role = "image-builder:bob --clusterrole=system:image-builder"
    assert cause.command == f"kubectl create rolebinding {role} --user=bob -n {images.PROJECT}"
    sandbox.kubectl(*shlex.split(cause.command)[1:])
    assert told(*ONE, "-e", f"@{secret}") == []


def test_a_registry_that_cannot_ask_the_cluster() -> None:
    """A firewall on its node keeps pods from the API server, so that it refuses a token that is good."""
    rule = "FORWARD -p tcp -d 172.29.0.1 --dport 6443 -j REJECT"
    sandbox.on("node1", f"iptables -I {rule}")
    (cause,) = told(*ONE)
    sandbox.on("node1", f"iptables -D {rule}")
    assert (cause.name, cause.where) == ("check_failed", "node2")
    assert "reach the API server" in cause.seen
    advised(cause.command)


def test_a_directory_that_was_restored_as_root() -> None:
    """Only a push can tell: what is above it is writable, and all can be read."""
    where = f"{EXPORT}/docker/registry/v2/repositories/{images.PROJECT}"
    sandbox.in_container("infra", f"chown -R 0:0 {where} && chmod -R go=rX {where}")
    (cause,) = told(*ONE)
    assert (cause.name, cause.where) == ("push_failed", "node2")
    assert "the registry's log" in cause.seen
    log = sandbox.kubectl("-n", "default", "logs", "-l", "docker-registry=default", "--tail=50")
    assert "permission denied" in log
    sandbox.in_container("infra", f"chown -R 1001:0 {where} && chmod -R ug=rwX {where}")
    advised(cause.command)


def test_image_streams_at_a_former_address() -> None:
    """Somebody has deleted the Service, and another address was deployed."""
    service = ("delete", "service", "docker-registry", "-n", "default")
    sandbox.kubectl(*service)
    done = play("deploy.yml", "-e", f"registry_cluster_ip={OTHER_ADDRESS}")
    assert done.code == 0, done.output
    (found,) = cluster()
    assert found["name"] == "stale_image_streams", found
    away, *plays = found["command"].split(" && ")
    assert shlex.split(away) == ["kubectl", *service]
    sandbox.kubectl(*service)
    advised(*plays)
    assert cluster() == []

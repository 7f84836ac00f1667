# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong is said clearly, before anything is touched where it can be, and a rerun finishes.

The tests run in the order in which they stand, from a pristine sandbox to a converged one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sandbox


def _now() -> str:
    return sandbox.rfc3339(time.time())


def _text(output: str) -> str:
    """Fold the line breaks and indents of a YAML result, so that sentences can be found in it."""
    return " ".join(output.replace("\\n", " ").split())


def _ca_and_another_key(tmp_path: Path) -> dict[str, str]:
    """Make a CA certificate and a key that is not its own."""
    for name in ("one", "two"):
        sandbox.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.crt",
        )  # fmt: skip
    return {"cert_path": str(tmp_path / "one.crt"), "key_path": str(tmp_path / "two.key")}


def _unreachable_kubeconfig(tmp_path: Path) -> str:
    config = sandbox.kubectl("config", "view", "--raw", "-o", "json")
    content = json.loads(config)
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "unreachable.kubeconfig"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.parametrize("name", ["preflight.yml", "deploy.yml", "expose.yml", "trust.yml", "check.yml"])
def test_each_playbook_alone_plans_on_the_empty_cluster(name: str) -> None:
    """A check run needs nothing of what the playbooks before it make, and touches neither the cluster nor a node.

    All of them together, as site.yml, is what the scenario "site" begins with.
    """
    since, before = _now(), sandbox.node_files()
    ended = sandbox.playbook(name, "--check", "--diff")
    assert ended.code == 0, ended.output
    assert sandbox.writes(since) == []
    assert sandbox.node_files() == before


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (lambda _: {"registry_kubeconfig": "/nowhere/admin.kubeconfig"}, ["/nowhere/admin.kubeconfig"]),
        (lambda tmp: {"registry_kubeconfig": _unreachable_kubeconfig(tmp)}, ["https://127.0.0.1:1", "efused"]),
        (lambda _: {"registry_namespace": "nowhere"}, ["nowhere", "does not exist"]),
        (lambda tmp: {"registry_ca": _ca_and_another_key(tmp)}, ["two.key", "one.crt"]),
        (
            lambda _: {"registry_ca": {"cert_path": "/nowhere/ca.crt", "key_path": "/nowhere/ca.key"}},
            ["/nowhere/ca.crt"],
        ),
        (lambda _: {"registry_route_host": "Not_A_Host"}, ["Not_A_Host"]),
        (lambda _: {"registry_cluster_ip": "172.30.0.1"}, ["172.30.0.1", "kubernetes"]),
        (lambda _: {"registry_storage": {"kind": "pvc", "claim_name": "no-such-claim"}}, ["no-such-claim"]),
    ],
    ids=[
        "no kubeconfig",
        "API not there",
        "no namespace",
        "foreign key",
        "no CA",
        "bad host",
        "address taken",
        "no claim",
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(variables, said, tmp_path: Path) -> None:
    since = _now()
    ended = sandbox.playbook("site.yml", "-e", json.dumps(variables(tmp_path)))
    assert ended.code != 0
    for words in said:
        assert words in _text(ended.output), ended.output
    assert sandbox.writes(since) == []


def test_no_router_is_said_and_the_rest_is_kept() -> None:
    """Without a router nobody admits the Route: the run ends there, after the deployment; started again, it goes on."""
    sandbox.in_container("infra", "systemctl stop openshift-router")
    try:
        ended = sandbox.playbook("site.yml", "-e", "registry_route_wait_timeout=15")
    finally:
        sandbox.in_container("infra", "systemctl start openshift-router")
    assert ended.code != 0
    assert "no router" in _text(ended.output).lower(), ended.output
    assert "router_missing" in _text(ended.output).partition("PROBLEMS")[2], "the report is shown where the run ends"
    assert sandbox.objects("deploymentconfigs", "-n", "default")[0]["status"]["availableReplicas"] == 1
    assert sandbox.playbook("expose.yml").code == 0


def test_a_host_that_the_certificate_lacks_is_not_exposed() -> None:
    since = _now()
    ended = sandbox.playbook("expose.yml", "-e", "registry_route_host=other.apps.sandbox.test")
    assert ended.code != 0
    assert "other.apps.sandbox.test" in _text(ended.output)
    assert "certificate" in _text(ended.output)
    assert sandbox.writes(since) == []


@contextmanager
def _unreachable(node: str) -> Iterator[None]:
    # Connections that earlier playbooks keep open end, too.
    sandbox.in_container(node, "systemctl stop ssh.socket ssh.service; pkill -9 -x sshd; true")
    try:
        yield
    finally:
        sandbox.in_container(node, "systemctl start ssh.service")


def test_an_unreachable_node_does_not_stop_the_others() -> None:
    """It is named; the others are trusted and proven; the rerun takes it along."""
    with _unreachable("node3"):
        ended = sandbox.playbook("trust.yml")
        assert ended.code != 0
        assert ended.recap["node3"]["unreachable"] == 1
        assert ended.recap["node2"]["failed"] == 0
    for node in ("node1", "node2"):
        assert sandbox.SERVICE_IP not in sandbox.on(node, "cat /proc/$(pidof dockerd)/cmdline").stdout
    assert sandbox.SERVICE_IP in sandbox.on("node3", "cat /proc/$(pidof dockerd)/cmdline").stdout


def test_a_file_that_cannot_be_understood_is_left_alone() -> None:
    """systemd reads nothing of a file with a value that is not UTF-8, so neither do we edit it."""
    before = sandbox.on(
        "node3",
        "cp -p /etc/sysconfig/docker /root/docker.kept;"
        "printf 'EXTRA=\"\\xff\\xfe\"\\n' >> /etc/sysconfig/docker; sha256sum /etc/sysconfig/docker",
    ).stdout
    try:
        ended = sandbox.playbook("trust.yml", "--limit", "node3")
        after = sandbox.on("node3", "sha256sum /etc/sysconfig/docker").stdout
    finally:
        sandbox.on("node3", "cp -p /root/docker.kept /etc/sysconfig/docker; rm /root/docker.kept")
    assert ended.code != 0
    assert "/etc/sysconfig/docker" in _text(ended.output)
    assert "UTF-8" in _text(ended.output)
    assert before == after


def test_the_rerun_finishes_and_the_next_changes_nothing() -> None:
    ended = sandbox.playbook("site.yml")
    assert ended.code == 0, ended.output
    time.sleep(1)
    since = _now()
    before = sandbox.node_files()
    for arguments in ([], ["--limit", "node2"]):
        again = sandbox.playbook("site.yml", *arguments)
        assert (again.code, again.changed) == (0, 0), again.output
    assert sandbox.writes(since) == []
    assert sandbox.node_files() == before

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust on nodes that were configured differently (extensions/molecule/trust/prepare_nodes.yml says how)."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import images
import pytest
import sandbox
import trusting

CERTS = "/etc/docker/certs.d"


# The flag was one of node1's docker, nothing of this registry was on node2, an entry of daemon.json on node3.
@pytest.mark.parametrize(("node", "starts"), [("node1", 1), ("node2", 0), ("node3", 0)])
def test_docker_is_restarted_only_where_it_ran_with_our_flag(node: str, starts: int) -> None:
    """Over two check runs and two real ones, as systemd says itself."""
    first, real = (sandbox.started(run) for run in sandbox.converge_runs("trust")[:2])
    assert sandbox.docker_starts(node, first) == starts
    assert (sandbox.docker_start(node) >= real, sandbox.docker_start(node) < first) == (starts == 1, starts == 0)


def test_trusting_writes_nothing_to_the_cluster() -> None:
    assert sandbox.writes(sandbox.rfc3339(sandbox.first_run("trust"))) == []


@pytest.mark.parametrize("node", sandbox.NODES)
def test_dockerd_runs_without_our_flag_and_with_all_others(node: str) -> None:
    arguments = sandbox.dockerd_arguments(node)
    assert not [argument for argument in arguments if any(endpoint in argument for endpoint in sandbox.ENDPOINTS)]
    assert sandbox.own_flags(arguments) == []
    others = {"node2": ["--insecure-registry", "other.example:5000"], "node3": ["--debug=false"]}.get(node, [])
    assert [argument for argument in others if argument not in arguments] == []


@pytest.mark.parametrize("node", sandbox.NODES)
def test_other_people_s_trust_is_untouched(node: str) -> None:
    assert sandbox.on(node, f"cat {CERTS}/other.example:5000/ca.crt").stdout == "not ours\n"
    assert sandbox.on(node, f"readlink {CERTS}/broken.example/ca.crt").stdout == "/nowhere/ca.crt\n"


@pytest.mark.parametrize("node", sandbox.NODES)
def test_every_endpoint_has_the_ca_as_a_regular_file(node: str) -> None:
    paths = " ".join(f"{CERTS}/{endpoint}/ca.crt" for endpoint in sandbox.ENDPOINTS)
    found = sandbox.on(node, f"stat -c '%F %a %U' {paths}").stdout.splitlines()
    assert found == ["regular file 644 root"] * len(sandbox.ENDPOINTS)


CONTAINERD = {"node1": "/etc/docker/certs.d", "node2": "/etc/containerd/certs.d", "node3": "/etc/containerd/certs.d"}


def ctr_pull(node: str, image: str, roots: str) -> str:
    """Pull with containerd itself, which reads roots as its CRI plugin reads config_path; give what it said."""
    said = sandbox.on(node, f"ctr -n probe images pull --hosts-dir {roots} {image} 2>&1", check=False)
    return "" if said.returncode == 0 else said.stdout


@pytest.mark.parametrize(("node", "root"), CONTAINERD.items())
def test_containerd_verifies_by_the_ca_in_the_directory_that_it_reads(node: str, root: str) -> None:
    """401 is an answer over verified TLS. (containerd asks for a token by POST, for which there is none here.)"""
    for endpoint in sandbox.ENDPOINTS:
        image = f"{endpoint}/test/none:1"
        assert "x509: certificate signed by unknown authority" in ctr_pull(node, image, "/nowhere")
        assert "401 Unauthorized" in ctr_pull(node, image, root)


def test_containerd_pulls_by_a_hosts_toml_of_somebody_else_that_names_our_ca() -> None:
    """Which stays as it is."""
    images.push("toml", node="node2")
    token = (sandbox.STATE / "tokens/alice").read_text().strip()
    login = base64.b64encode(f"alice:{token}".encode()).decode()
    path = f"{CONTAINERD['node2']}/{sandbox.ENDPOINTS[0]}/hosts.toml"
    text = f'[host."https://{sandbox.ENDPOINTS[0]}"]\nca = "ca.crt"\n'
    text += f'[host."https://{sandbox.ENDPOINTS[0]}".header]\nauthorization = ["Basic {login}"]\n'
    sandbox.on("node2", f"cat > {path}", stdin=text)
    again = sandbox.playbook("trust.yml", "--limit", "node2")
    assert (again.code, again.changed) == (0, 0), again.output
    image = f"{sandbox.ENDPOINTS[0]}/test/toml:1"
    assert ctr_pull("node2", image, CONTAINERD["node2"]) == ""
    sandbox.on("node2", f"rm {path}; ctr -n probe images rm {image}")


def test_containerd_s_own_files_are_written_only_where_docker_s_do_not_serve() -> None:
    assert sandbox.on("node1", "ls /etc/containerd/certs.d", check=False).stdout == ""
    listed = sandbox.on("node2", "cd /etc/containerd/certs.d && ls *").stdout.split()
    assert listed.count("ca.crt") == len(sandbox.ENDPOINTS)
    found = sandbox.on("node3", "cd /etc/containerd/certs.d && cat other.example_5000_/hosts.toml _default/*").stdout
    assert found == 'server = "https://other.example:5000"\nserver = "https://mirror.example"\n'


def test_what_nodes_trust_is_told_in_a_table() -> None:
    sandbox.on("node2", f"echo '# a note' >> {CERTS}/{sandbox.ENDPOINTS[3]}/ca.crt")
    ended = sandbox.playbook("trust_info.yml")
    assert (ended.code, ended.changed) == (0, 0), ended.output
    said = trusting.text(ended.output)
    assert f"node1 {sandbox.ENDPOINTS[0]} docker, containerd trusted, " in said, ended.output
    assert re.search(rf"node2 {sandbox.ENDPOINTS[3]} docker trusted, \d+ days left, changed by somebody since", said)
    assert "broken.example/ca.crt: is a link to /nowhere/ca.crt, which is not there" in said
    assert "other.example:5000/ca.crt: holds no certificate" in said
    ended = sandbox.playbook("trust.yml", "--limit", "node2")
    assert ended.code == 0, ended.output


def test_the_system_s_store_and_client_certificates_come_and_go(tmp_path: Path) -> None:
    """curl, which reads the system's store, is the witness; docker is asked with the client certificate in place."""
    curl = f"curl -sS -o /dev/null -w '%{{http_code}}' https://{sandbox.ENDPOINTS[0]}/v2/ 2>&1"
    assert "SSL certificate problem" in sandbox.on("node1", curl, check=False).stdout
    pair = tmp_path / "pair"
    sandbox.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=node", "-days", "2",
                "-keyout", f"{pair}.key", "-out", f"{pair}.crt")  # fmt: skip
    given = {
        "registry_trust_system_anchors": True,
        "registry_trust_client_cert_path": f"{pair}.crt",
        "registry_trust_client_key_path": f"{pair}.key",
    }
    arguments = ("--limit", "node1", "-e", json.dumps(given))
    ended = sandbox.playbook("trust.yml", *arguments, "--diff", "-vvv")
    assert ended.code == 0, ended.output
    key = Path(f"{pair}.key").read_text().splitlines()[1:-1]
    assert not [line for line in key if line in ended.output]
    assert sandbox.on("node1", curl).stdout == "401"
    modes = sandbox.on("node1", f"stat -c '%a %U' {CERTS}/{sandbox.ENDPOINTS[0]}/client.*").stdout
    assert modes.splitlines() == ["644 root", "600 root"]
    again = sandbox.playbook("trust.yml", *arguments)
    assert (again.code, again.changed) == (0, 0), again.output
    ended = sandbox.playbook("trust.yml", "--limit", "node1")
    assert ended.code == 0, ended.output
    assert "SSL certificate problem" in sandbox.on("node1", curl, check=False).stdout
    left = "find /etc/ssl/certs /etc/docker /usr/local/share -name '*okd-reg*' -o -name 'client.*'"
    assert sandbox.on("node1", f"{left}; find /etc/ssl/certs -xtype l").stdout == ""


def test_a_name_that_is_no_longer_ours_goes_and_nothing_else() -> None:
    """A name that is tried and taken back leaves nothing behind, and takes nothing of others with it."""
    listing = f"find {CERTS} -mindepth 1 | sort"
    before = sandbox.on("node2", listing).stdout
    with_extra = json.dumps({"registry_extra_hosts": ["old.example:5000"]})
    refused = sandbox.playbook("trust.yml", "--limit", "node2", "-e", with_extra)
    assert refused.code != 0
    assert "old.example" in refused.output
    ended = sandbox.playbook("trust.yml", "--limit", "node2")
    assert ended.code == 0, ended.output
    assert sandbox.on("node2", listing).stdout == before


def test_a_node_that_joins_later_needs_only_the_cluster() -> None:
    sandbox.on(
        "node2",
        f"cd {CERTS} && rm -rf 172.30.* docker-registry.* registry.apps.* /etc/containerd/certs.d;"
        "rm -rf /var/lib/okd-registry /etc/okd-registry",
    )
    ended = sandbox.playbook("trust.yml", "--limit", "node2")
    assert ended.code == 0, ended.output
    assert list(ended.recap) == ["node2"]
    again = sandbox.playbook("trust.yml", "--limit", "node2")
    assert (again.code, again.changed) == (0, 0)
    assert sandbox.playbook("check.yml", "--limit", "node2").code == 0


def test_an_entry_of_daemon_json_goes_with_a_reload() -> None:
    """Docker, which was not restarted, holds what others have there for insecure as before, and ours no more."""
    found = sandbox.on("node3", "cat /etc/docker/daemon.json").stdout
    others = '{\n    "insecure-registries": [\n        "other.example:5000"\n    ],\n'
    assert found == others + '    "max-concurrent-uploads": 5\n}\n'
    held = sandbox.on("node3", "docker info --format '{{json .RegistryConfig.IndexConfigs}}'").stdout
    assert sandbox.ENDPOINTS[0] not in held
    assert "other.example:5000" in held

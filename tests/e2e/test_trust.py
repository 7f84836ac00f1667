# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust on nodes that were configured differently (extensions/molecule/trust/prepare_nodes.yml says how)."""

from __future__ import annotations

import json

import pytest
import sandbox

CERTS = "/etc/docker/certs.d"


@pytest.mark.parametrize(("node", "starts"), [("node1", 1), ("node2", 0), ("node3", 1)])
def test_docker_is_restarted_only_where_it_ran_with_our_flag(node: str, starts: int) -> None:
    """Over two check runs and two real ones."""
    assert sandbox.docker_starts(node, sandbox.first_run("trust")) == starts


def test_trusting_writes_nothing_to_the_cluster() -> None:
    assert sandbox.writes(sandbox.rfc3339(sandbox.first_run("trust"))) == []


@pytest.mark.parametrize("node", sandbox.NODES)
def test_dockerd_runs_without_our_flag_and_with_all_others(node: str) -> None:
    arguments = sandbox.dockerd_arguments(node)
    assert not [argument for argument in arguments if any(endpoint in argument for endpoint in sandbox.ENDPOINTS)]
    assert sandbox.own_flags(arguments) == []
    others = {"node1": [], "node2": ["--insecure-registry", "other.example:5000"], "node3": []}[node]
    assert [argument for argument in others if argument not in arguments] == []


@pytest.mark.parametrize("node", sandbox.NODES)
def test_other_people_s_trust_is_untouched(node: str) -> None:
    assert sandbox.on(node, f"cat {CERTS}/other.example:5000/ca.crt").stdout == "not ours\n"
    assert sandbox.on(node, f"readlink {CERTS}/broken.example/ca.crt").stdout == "/nowhere/ca.crt\n"


@pytest.mark.parametrize("node", sandbox.NODES)
def test_every_endpoint_has_the_ca_as_a_regular_file(node: str) -> None:
    for endpoint in sandbox.ENDPOINTS:
        found = sandbox.on(node, f"stat -c '%F %a %U' {CERTS}/{endpoint}/ca.crt").stdout.strip()
        assert found == "regular file 644 root"


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
        f"cd {CERTS} && rm -rf 172.30.* docker-registry.* registry.apps.*;"
        "rm -rf /var/lib/okd-registry /etc/okd-registry",
    )
    ended = sandbox.playbook("trust.yml", "--limit", "node2")
    assert ended.code == 0, ended.output
    assert list(ended.recap) == ["node2"]
    again = sandbox.playbook("trust.yml", "--limit", "node2")
    assert (again.code, again.changed) == (0, 0)
    assert sandbox.playbook("check.yml", "--limit", "node2").code == 0


def test_an_entry_of_daemon_json_goes_with_a_reload() -> None:
    """Docker is not restarted for it, and holds what others have there for insecure as before.

    The same key may not be a flag as well, or dockerd does not read the file.
    """
    sandbox.on("node3", "echo OPTIONS=--debug=false > /etc/sysconfig/docker && systemctl restart docker")
    entries = ["other.example:5000", sandbox.ENDPOINTS[0]]
    text = json.dumps({"insecure-registries": entries, "max-concurrent-uploads": 5}, indent=4)
    sandbox.on("node3", f"echo '{text}' > /etc/docker/daemon.json && systemctl reload docker && sleep 1")
    started = sandbox.on("node3", "systemctl show docker -p ExecMainStartTimestampMonotonic").stdout
    ended = sandbox.playbook("trust.yml", "--limit", "node3")
    assert ended.code == 0, ended.output
    found = sandbox.on("node3", "cat /etc/docker/daemon.json").stdout
    assert found.split() == text.replace(f',\n        "{entries[1]}"', "").split()
    assert sandbox.on("node3", "systemctl show docker -p ExecMainStartTimestampMonotonic").stdout == started
    held = sandbox.on("node3", "docker info --format '{{json .RegistryConfig.IndexConfigs}}'").stdout
    assert entries[1] not in held
    assert entries[0] in held
    again = sandbox.playbook("trust.yml", "--limit", "node3")
    assert (again.code, again.changed) == (0, 0), again.output

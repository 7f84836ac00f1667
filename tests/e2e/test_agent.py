# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on every node, after extensions/molecule/agent has placed it. The tests go on from one to the next."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import sandbox

CERTS = "/etc/docker/certs.d"
LABEL = "okd.registry/trust-agent=docker-registry"
AGENT = ("-e", json.dumps({"registry_trust_agent_image": "sandbox/python:3", "registry_trust_agent_interval": 2}))
GONE = ("-e", "registry_trust_agent_state=absent")
CA = "docker-registry-ca"


def until(what: str, true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s\n" + logs()
        time.sleep(0.5)


def logs() -> str:
    return sandbox.kubectl("logs", "-l", LABEL, "--prefix", "--tail=5", check=False)


def ca() -> str:
    """The CA as the cluster has it."""
    found: str = json.loads(sandbox.kubectl("get", "configmap", CA, "-o", "json"))["data"]["ca.crt"]
    return found


def placed(node: str) -> dict[str, str]:
    """What is in certs.d of a node, by endpoint."""
    listing = f'cd {CERTS} && for f in */ca.crt; do echo "== $f"; cat $f; done'
    parts = sandbox.on(node, listing, check=False).stdout.split("== ")[1:]
    return {part.partition("/ca.crt\n")[0]: part.partition("/ca.crt\n")[2] for part in parts}


def is_right(node: str, wanted: str) -> bool:
    found = placed(node)
    return found == {"other.example:5000": "not ours\n", **dict.fromkeys(sandbox.ENDPOINTS, wanted)}


@pytest.mark.parametrize("node", sandbox.NODES)
def test_every_node_trusts_every_name(node: str) -> None:
    assert is_right(node, ca())
    for endpoint in sandbox.ENDPOINTS:
        found = sandbox.on(node, f"stat -c '%F %a %U' {CERTS}/{endpoint}/ca.crt").stdout.strip()
        assert found == "regular file 644 root"


def test_the_wait_was_for_all_three() -> None:
    status = json.loads(sandbox.kubectl("get", "daemonset", "docker-registry-trust-agent", "-o", "json"))["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (3, 3)


def test_what_is_removed_or_changed_by_hand_comes_back() -> None:
    first, second = sandbox.ENDPOINTS[:2]
    sandbox.on("node1", f"rm {CERTS}/{first}/ca.crt; echo broken > {CERTS}/{second}/ca.crt")
    until("put back", lambda: is_right("node1", ca()), 15)


def test_registry_trust_on_the_same_nodes_finds_nothing_to_do() -> None:
    """And what it changes is left by the agents: one record, one lock."""
    ended = sandbox.playbook("trust.yml", "-e", json.dumps({"registry_trust_remove_insecure": False}), *AGENT)
    assert (ended.code, ended.changed) == (0, 0), ended.output
    assert is_right("node1", ca())


def test_a_new_ca_is_followed_on_every_node() -> None:
    old = ca()
    key = sandbox.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=new",
        "-days", "2",
    ).stdout  # fmt: skip
    patch = json.dumps({"data": {"ca.crt": old + key}})
    sandbox.kubectl("patch", "configmap", CA, "-p", patch)
    # The kubelet brings it within a minute or two; a pod that changes is looked at once.
    sandbox.kubectl("annotate", "pod", "-l", LABEL, f"test/looked={time.time()}", "--overwrite")
    for node in sandbox.NODES:
        until(f"{node} follows", lambda node=node: is_right(node, old + key), 120)
    sandbox.kubectl("patch", "configmap", CA, "-p", json.dumps({"data": {"ca.crt": old}}))
    sandbox.kubectl("annotate", "pod", "-l", LABEL, f"test/looked={time.time()}", "--overwrite")
    for node in sandbox.NODES:
        until(f"{node} follows back", lambda node=node: is_right(node, old), 120)


def test_who_tells_the_agent_of_a_new_ca_has_it_on_every_node_at_the_end() -> None:
    """Not a minute or two later: the pods are new ones, and the wait is for all of them."""
    old = ca()
    new = old + (
        sandbox.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=newer",
            "-days", "2",
        ).stdout
    )  # fmt: skip
    for wanted in (new, old):
        sandbox.kubectl("patch", "configmap", CA, "-p", json.dumps({"data": {"ca.crt": wanted}}))
        ended = sandbox.playbook("trust_agent.yml", *AGENT)
        assert (ended.code, ended.changed) == (0, 1), ended.output
        assert [is_right(node, wanted) for node in sandbox.NODES] == [True, True, True], logs()
        assert "3/3 ready" in ended.output, "the wait was told"


def test_a_node_that_joins_gets_its_trust() -> None:
    """Node3 leaves the cluster, loses all that is ours, and comes again as a new node does."""
    sandbox.on("node3", "systemctl stop origin-node")
    sandbox.kubectl("delete", "node", "node3", "--wait=true")
    own = " ".join(f"{CERTS}/{endpoint}" for endpoint in sandbox.ENDPOINTS)
    sandbox.on(
        "node3",
        f"docker ps -q --filter name=trust-agent | xargs -r docker rm -f >/dev/null; rm -r {own} /var/lib/okd-registry",
    )
    assert placed("node3") == {"other.example:5000": "not ours\n"}
    sandbox.on("node3", "systemctl start origin-node")
    until("node3 trusts", lambda: is_right("node3", ca()), 90)


def test_a_file_of_others_in_the_way_is_named_and_stays() -> None:
    wanted = "late.example:5000"
    sandbox.on("node2", f"mkdir -p {CERTS}/{wanted}; echo theirs > {CERTS}/{wanted}/ca.crt")
    extra = json.dumps({"registry_extra_hosts": [wanted], "registry_trust_agent_timeout": 20})
    ended = sandbox.playbook("trust_agent.yml", *AGENT, "-e", extra)
    assert ended.code != 0
    assert "node node2" in ended.output, ended.output
    assert f"{CERTS}/{wanted}/ca.crt: is there already" in ended.output
    assert sandbox.on("node2", f"cat {CERTS}/{wanted}/ca.crt").stdout == "theirs\n"
    sandbox.on("node2", f"rm -r {CERTS}/{wanted}")
    until("node2 goes on by itself", lambda: placed("node2").get(wanted) == ca(), 15)


def test_absent_leaves_nothing_of_ours_and_all_of_others() -> None:
    ended = sandbox.playbook("trust_agent.yml", *GONE)
    assert ended.code == 0, ended.output
    for node in sandbox.NODES:
        assert placed(node) == {"other.example:5000": "not ours\n"}
        assert sandbox.on(node, "find /var/lib/okd-registry -mindepth 1").stdout == ""
    left = sandbox.kubectl("get", "daemonset,configmap,serviceaccount", "-o", "name")
    assert "trust-agent" not in left
    users = json.loads(sandbox.kubectl("get", "securitycontextconstraints", "privileged", "-o", "json"))["users"]
    assert not [user for user in users if "trust-agent" in user]
    again = sandbox.playbook("trust_agent.yml", *GONE)
    assert (again.code, again.changed) == (0, 0), again.output


@pytest.mark.parametrize("node", sandbox.NODES)
def test_docker_was_never_restarted(node: str) -> None:
    assert sandbox.docker_starts(node, sandbox.first_run("agent")) == 0

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_trust_info on a node below a directory: whose files there are, what they trust, what is in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.filter import registry_trust_table
from ansible_collections.okd.registry.plugins.module_utils._node import files, systemd
from ansible_collections.okd.registry.plugins.modules import registry_trust_info
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeEngine, FakeNode

NAMES = ["172.30.124.220:5000", "registry.apps.example.com"]
CERTS = "/etc/docker/certs.d"
CONTAINERD = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Give a node with docker and containerd on which the module works."""
    (tmp_path / "pki").mkdir()
    made = FakeNode(tmp_path / "node", NAMES, Authority("registry CA", tmp_path / "pki").pem)
    made.install(f"OPTIONS='--insecure-registry {NAMES[0]} -D'\n")
    made.write("/etc/containerd/config.toml", CONTAINERD)
    tree, control = files.Tree(str(made.root)), systemd.Systemd(made.run, str(made.root))
    monkeypatch.setattr(registry_trust_info.files, "Tree", lambda *_root, **_options: tree)
    monkeypatch.setattr(registry_trust_info.systemd, "Systemd", lambda *_options: control)
    monkeypatch.setattr(registry_trust_info.engine, "Engine", lambda: FakeEngine(made))
    return made


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(node: FakeNode, run_module: Callable[..., dict[str, Any]]) -> Call:
    """Give a function that calls the module; it must change nothing whatever it finds."""

    def run(**options: Any) -> dict[str, Any]:
        before = {path: path.lstat().st_mtime_ns for path in node.root.rglob("*")}
        result = run_module(registry_trust_info, options)
        assert {path: path.lstat().st_mtime_ns for path in node.root.rglob("*")} == before
        assert not result.get("changed")
        return result

    return run


def by_path(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the files by their paths."""
    return {found["path"]: found for found in result["files"]}


def states(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Give the verdicts by name and engine."""
    return {(found["endpoint"], found["engine"]): found["state"] for found in result["endpoints"]}


def place(node: FakeNode, **options: Any) -> None:
    """Place the CA; nothing answers by these names here."""
    node.call(verify=False, **options)


def test_what_was_placed_is_told_with_whose_it_is_and_how_long_it_lasts(node: FakeNode, call: Call) -> None:
    place(node)
    result = call(endpoints=NAMES, ca_cert=node.ca.decode())
    assert [engine["name"] for engine in result["engines"]] == ["docker", "containerd"]
    assert set(states(result).values()) == {"trusted"}
    assert len(result["endpoints"]) == 4
    found = by_path(result)[f"{CERTS}/{NAMES[0]}/ca.crt"]
    assert (found["owner"], found["registry"], found["matches"]) == ("ours", "default/docker-registry", True)
    (certificate,) = found["certificates"]
    assert (certificate["subject"], certificate["days_left"]) == ("CN=registry CA", 0)
    assert len(certificate["sha256"]) == 64
    assert call()["endpoints"] == [{**each, "reason": None} for each in result["endpoints"]]  # from the record alone
    assert result["registries"] == ["default/docker-registry"]


def test_files_of_others_and_changed_ones_are_told_apart(node: FakeNode, call: Call, tmp_path: Path) -> None:
    place(node)
    other = Authority("another CA", tmp_path / "pki").pem
    (node.root / f"{CERTS[1:]}/{NAMES[0]}/ca.crt").write_bytes(other)
    node.write(f"{CERTS}/{NAMES[1]}/theirs.crt", other.decode())
    result = call(endpoints=NAMES, ca_cert=node.ca.decode())
    found = by_path(result)
    assert (found[f"{CERTS}/{NAMES[0]}/ca.crt"]["owner"], found[f"{CERTS}/{NAMES[0]}/ca.crt"]["matches"]) == (
        "changed",
        False,
    )
    assert found[f"{CERTS}/{NAMES[1]}/theirs.crt"]["owner"] == "foreign"
    assert states(result)[NAMES[0], "docker"] == "other"
    assert states(result)[NAMES[1], "docker"] == "trusted"
    assert found[f"{CERTS}/foreign.example.com:5000/ca.crt"]["problem"].endswith(
        "holds no certificate that can be read"
    )


def test_a_name_without_a_ca_and_one_that_has_expired_are_told(node: FakeNode, call: Call, tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    old = Authority("old", pki)
    name = old._name
    expired = old._sign(name, old._key, [], is_ca=True, days=-1)
    from cryptography.hazmat.primitives.serialization import Encoding

    node.write(f"{CERTS}/{NAMES[0]}/ca.crt", expired.public_bytes(Encoding.PEM).decode())
    result = call(endpoints=NAMES)
    assert states(result)[NAMES[0], "docker"] == "expired"
    assert states(result)[NAMES[1], "docker"] == "none"
    (verdict,) = [each for each in result["endpoints"] if (each["endpoint"], each["engine"]) == (NAMES[0], "docker")]
    assert verdict["days_left"] < 0


def test_the_host_of_a_router_is_judged_by_the_router_s_ca(node: FakeNode, call: Call, tmp_path: Path) -> None:
    (tmp_path / "router").mkdir()
    router, own = Authority("router CA", tmp_path / "router").pem.decode(), node.ca.decode()
    place(node)
    asked: dict[str, Any] = {"endpoints": NAMES[:1], "ca_cert": own, "engines": ["docker"]}
    asked.update(router_endpoints=NAMES[1:], router_ca_cert=router)
    result = call(**asked)
    assert states(result) == {(NAMES[0], "docker"): "trusted", (NAMES[1], "docker"): "other"}
    assert {each["endpoint"]: each["at_router"] for each in result["endpoints"]} == {NAMES[0]: False, NAMES[1]: True}
    assert {each["reason"] for each in result["endpoints"]} == {
        None, f"{CERTS}/{NAMES[1]}/ca.crt trusts another CA than the router's",
    }  # fmt: skip
    found = by_path(result)
    assert [found[f"{CERTS}/{name}/ca.crt"]["matches"] for name in NAMES] == [True, False]
    # A name that is in both is the router's: its certificate is what is seen there.
    assert states(call(**{**asked, "endpoints": NAMES})) == states(result)
    node.write(f"{CERTS}/{NAMES[1]}/ca.crt", router)
    assert set(states(call(**asked)).values()) == {"trusted"}
    assert states(call(**{**asked, "endpoints": [], "router_ca_cert": None})) == {(NAMES[1], "docker"): "trusted"}
    assert [call(**asked)[key] for key in ("system_trusts", "router_system_trusts")] == [False, False]
    node.write("/etc/ssl/certs/ca-certificates.crt", router)
    assert [call(**asked)[key] for key in ("system_trusts", "router_system_trusts")] == [False, True]
    assert "not a registry's name" in call(router_endpoints=["https://x"])["msg"]


def test_links_to_nowhere_and_open_keys_are_named(node: FakeNode, call: Call) -> None:
    place(node)
    (node.root / f"{CERTS[1:]}/{NAMES[0]}/redhat-ca.crt").symlink_to("/etc/rhsm/ca/redhat-uep.pem")
    (node.root / f"{CERTS[1:]}/linked.example.com").symlink_to("/nowhere")
    node.write(f"{CERTS}/{NAMES[1]}/a.key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    result = call(endpoints=NAMES)
    said = "\n".join(result["problems"])
    assert "redhat-ca.crt: is a link to /etc/rhsm/ca/redhat-uep.pem, which is not there: docker does not use" in said
    assert "linked.example.com: is a link to /nowhere" in said
    assert "a.key: has mode 0644, so others than root can read a private key" in said
    assert states(result)[NAMES[0], "docker"] == "broken"
    assert "c2VjcmV0" not in json.dumps(result)


def test_flags_that_cover_and_flags_that_only_docker_still_has_are_told(node: FakeNode, call: Call) -> None:
    place(node)
    result = call(endpoints=NAMES)
    assert [found["value"] for found in result["insecure"]["flags"]] == [NAMES[0]]
    assert (result["insecure"]["running"], result["insecure"]["stale"]) == ([NAMES[0]], [])
    assert {each["verified"] for each in result["endpoints"] if each["endpoint"] == NAMES[0]} == {True, False}
    node.write("/etc/sysconfig/docker", "OPTIONS=-D\n")
    result = call(endpoints=NAMES)
    assert (result["insecure"]["flags"], result["insecure"]["stale"]) == ([], [NAMES[0]])


def test_a_containerd_that_looks_in_two_ways_is_judged_by_each(node: FakeNode, call: Call) -> None:
    both = "/etc/containerd/certs.d:/etc/docker/certs.d"
    node.write("/usr/bin/containerd", "#!/bin/sh\necho 'containerd containerd.io 2.2.1 abc'\n")
    (node.root / "usr/bin/containerd").chmod(0o755)
    node.write("/etc/containerd/config.toml", CONTAINERD.replace("/etc/containerd/certs.d", both))
    place(node)
    result = call(endpoints=NAMES[:1], ca_cert=node.ca.decode())
    said = [(one["engine"], one["state"], one["path"] or one["reason"]) for one in result["endpoints"]]
    assert said == [
        ("docker", "trusted", f"{CERTS}/{NAMES[0]}/ca.crt"),
        ("containerd", "trusted", f"{CERTS}/{NAMES[0]}/ca.crt"),
        ("containerd", "trusted", f"{both}/{NAMES[0]}/ca.crt"),
    ]
    assert [engine["directories"] for engine in result["engines"][1:]] == [both.split(":"), [both]]
    assert any("config_path lists several directories" in problem for problem in result["problems"])
    lines = registry_trust_table.trust_table(["a"], {"a": {"x": result}}, "x")
    assert [line.split()[:4] for line in lines][:2] == [
        ["a", NAMES[0], "docker", "trusted,"],
        ["a", NAMES[0], "containerd", "trusted,"],
    ]


def test_a_containerd_that_cannot_be_served_and_a_damaged_record_are_problems(node: FakeNode, call: Call) -> None:
    place(node)
    node.write("/etc/containerd/config.toml", "version = 2\n")
    node.write("/var/lib/okd-registry/other_registry.json", "{")
    result = call(engines=["docker", "containerd"])
    assert states(result)[NAMES[0], "containerd"] == "unknown"
    assert "Set config_path" in "\n".join(result["problems"])
    assert "other_registry.json: cannot be understood" in "\n".join(result["problems"])
    assert by_path(result)[f"{CERTS}/{NAMES[0]}/ca.crt"]["owner"] == "ours"


def test_the_systems_store_is_told_where_it_is_ours(node: FakeNode, call: Call) -> None:
    node.write("/usr/sbin/update-ca-certificates", "")
    node.write("/usr/local/share/ca-certificates/theirs.crt", "x")
    place(node, system_anchors=True)
    (found,) = call()["anchors"]
    assert (found["owner"], found["certificates"][0]["subject"]) == ("ours", "CN=registry CA")


@pytest.mark.parametrize(
    "bundle", ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"]
)
def test_whether_every_program_trusts_it_is_told_by_what_they_read(
    node: FakeNode, call: Call, tmp_path: Path, bundle: str
) -> None:
    """Whoever has put it there: a public or a company's CA needs no file for a name."""
    ca = node.ca.decode()
    (tmp_path / "others").mkdir()
    other = Authority("another CA", tmp_path / "others").pem.decode()
    assert call(ca_cert=ca)["system_trusts"] is False
    node.write(bundle, f"# another CA\n{other}")
    assert call(ca_cert=ca)["system_trusts"] is False
    node.write(bundle, f"# another CA\n{other}# this one\n{ca}")
    assert call(ca_cert=ca)["system_trusts"] is True
    assert call()["system_trusts"] is None


def test_nothing_is_needed_on_a_node(node: FakeNode, call: Call) -> None:
    result = call()
    assert (result["endpoints"], result["registries"], result["anchors"]) == ([], [], [])
    assert "not a registry's name" in call(endpoints=["https://x"])["msg"]
    assert call(endpoints=["(known after apply):5000"], ca_cert="(known after apply)")["endpoints"] == []


def test_names_for_which_docker_asks_its_proxy_are_told(
    node: FakeNode, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(endpoints=NAMES)["proxied"] == []
    (node.root / "proc/1/environ").write_bytes(b"https_proxy=http://me:secret@p:1\0")
    said = {"HttpsProxy": "http://me:secret@p:1", "NoProxy": "localhost,.apps.example.com"}
    monkeypatch.setattr(FakeEngine, "info", lambda _self: said)
    result = call(endpoints=NAMES)
    assert [(one["endpoint"], one["engine"]) for one in result["proxied"]] == [(NAMES[0], "docker")]
    assert "set NO_PROXY=localhost,.apps.example.com,172.30.124.220" in result["proxied"][0]["reason"]
    assert "secret" not in json.dumps(result)
    node.stop_docker()
    assert call(endpoints=NAMES)["proxied"] == []


def test_the_table_has_a_line_for_each_verdict_and_problem(node: FakeNode, call: Call) -> None:
    place(node)
    node.write("/etc/sysconfig/docker", "OPTIONS=-D\n")
    (node.root / f"{CERTS[1:]}/linked.example.com").symlink_to("/nowhere")
    lines = registry_trust_table.trust_table(
        ["a", "b"], {"a": {"x": call(endpoints=NAMES, ca_cert=node.ca.decode())}, "b": {}}, "x"
    )
    said = [" ".join(line.split()) for line in lines]
    assert f"a {NAMES[1]} docker, containerd trusted, 0 days left" in said
    assert any(f"a {NAMES[0]} docker trusted, 0 days left, NOT VERIFIED" in line for line in said)
    assert f"a - docker runs with {NAMES[0]} as insecure, which no file has any more" in said
    assert any("linked.example.com: is a link to /nowhere" in line for line in said)
    assert said[-1] == "b - - not looked at: the node was not reached, or an earlier step failed there"


def test_crio_trusts_what_node_ca_has_placed_for_docker(node: FakeNode, call: Call) -> None:
    for name in NAMES:
        node.write(f"{CERTS}/{name}/ca.crt", node.ca.decode())
    result = call(endpoints=NAMES, ca_cert=node.ca.decode(), engines=["crio"])
    assert result["engines"][0]["directories"] == ["/etc/containers/certs.d", CERTS]
    assert set(states(result).values()) == {"trusted"}
    assert [found["path"] for found in result["endpoints"]] == [f"{CERTS}/{name}/ca.crt" for name in NAMES]


def test_a_directory_without_a_ca_that_hides_node_ca_s_is_told(node: FakeNode, call: Call) -> None:
    node.write(f"{CERTS}/{NAMES[0]}/ca.crt", node.ca.decode())
    own = f"/etc/containers/certs.d/{NAMES[0]}"
    (node.root / own[1:]).mkdir(parents=True)
    result = call(endpoints=NAMES, ca_cert=node.ca.decode(), engines=["crio"])
    assert [found["reason"] for found in result["endpoints"]] == [
        f"no CA in {own}, which is read in the place of {CERTS}/{NAMES[0]}",
        f"no CA in /etc/containers/certs.d/{NAMES[1]}",
    ]


def test_what_no_engine_reads_is_no_problem_of_theirs(node: FakeNode, call: Call) -> None:
    node.write(f"/etc/containers/certs.d/{NAMES[0]}/ca.crt", node.ca.decode())
    node.write(f"{CERTS}/{NAMES[0]}/ca.crt", "no certificate")
    result = call(endpoints=NAMES[:1], ca_cert=node.ca.decode(), engines=["podman", "crio"])
    assert set(states(result).values()) == {"trusted"}
    assert f"{CERTS}/{NAMES[0]}/ca.crt" not in by_path(result)
    result = call(endpoints=NAMES[:1], ca_cert=node.ca.decode(), engines=["docker", "crio"])
    assert states(result) == {(NAMES[0], "docker"): "broken", (NAMES[0], "crio"): "trusted"}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All engines of a node in one call, client certificates and the system's store: placed, kept, changed, taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import client
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError, RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Killer

CONTAINERD = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
ROOTS = ("/etc/docker/certs.d", "/etc/containerd/certs.d", "/etc/containers/certs.d")
ANCHORS = "/usr/local/share/ca-certificates"


@pytest.fixture
def node(tmp_path: Path, serve: Any, authority: Any) -> FakeNode:
    """Give a node with docker, containerd and Podman, and a registry with two names that answers."""
    name = serve(authority.server("127.0.0.1", "localhost"))
    made = FakeNode(tmp_path / "node", [name, name.replace("127.0.0.1", "localhost")], authority.pem)
    made.install("OPTIONS=-D\n")
    made.write("/etc/containerd/config.toml", CONTAINERD)
    made.write("/usr/bin/podman", "")
    made.write("/usr/sbin/update-ca-certificates", "")
    (made.root / ANCHORS[1:]).mkdir(parents=True)
    return made


@pytest.fixture
def pair(authority: Any) -> dict[str, str]:
    """Give a client certificate and its key, as options."""
    text = authority.server("node1").read_text()
    at = text.index("-----BEGIN PRIVATE KEY")
    return {"client_cert": text[:at], "client_key": text[at:]}


def ours(node: FakeNode, name: str = "ca.crt") -> list[str]:
    """List the files of a name that are below certs.d directories, less the foreign one."""
    found = [path for root in ROOTS for path in (node.root / root[1:]).rglob(name) if "foreign" not in str(path)]
    return sorted("/" + str(path.relative_to(node.root)) for path in found)


def absent(node: FakeNode) -> dict[str, Any]:
    """Have nothing of ours on the node."""
    return node.call(state="absent", endpoints=None, ca_cert=None)


def test_every_engine_that_is_found_gets_what_it_reads_and_gives_it_back(node: FakeNode) -> None:
    before = node.tree()
    result = node.call()
    assert ours(node) == sorted(f"{root}/{name}/ca.crt" for root in ROOTS for name in node.names)
    assert result["files"] == ours(node)
    assert not node.call()["changed"]
    absent(node)
    assert node.tree() == before
    assert not (node.root / "etc/containers").exists()
    assert not (node.root / "etc/containerd/certs.d").exists()


def test_an_engine_that_is_gone_is_cleared_away(node: FakeNode) -> None:
    node.call()
    (node.root / "usr/bin/podman").unlink()
    result = node.call()
    assert ours(node) == sorted(f"{root}/{name}/ca.crt" for root in ROOTS[:2] for name in node.names)
    assert f"Remove {ROOTS[2]}/{node.names[0]}/ca.crt: not wanted here any more" in result["actions"]
    node.call(engines=["docker"])
    assert ours(node) == sorted(f"{ROOTS[0]}/{name}/ca.crt" for name in node.names)


def test_what_containerd_cannot_use_is_refused_before_anything_is_written(node: FakeNode) -> None:
    inline = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["https://mirror"]\n'
    node.write("/etc/containerd/config.toml", CONTAINERD + inline)
    before = node.tree()
    with pytest.raises(RefusedError, match=r"registry\.mirrors stands beside config_path"):
        node.call(engines=["docker", "containerd"])
    assert node.tree() == before
    node.call()  # docker is what pulls here
    assert "registry.mirrors stands beside config_path" in node.warnings[0]
    assert ours(node) == sorted(f"{root}/{name}/ca.crt" for root in (ROOTS[0], ROOTS[2]) for name in node.names)


def test_the_directory_that_a_whole_list_is_taken_for_is_made_told_and_cleared_away(node: FakeNode) -> None:
    both = "/etc/containerd/certs.d:/etc/docker/certs.d"
    node.write("/usr/bin/containerd", "#!/bin/sh\necho 'containerd containerd.io 2.1.4 abc'\n")
    (node.root / "usr/bin/containerd").chmod(0o755)
    node.write("/etc/containerd/config.toml", CONTAINERD.replace("/etc/containerd/certs.d", both))
    before = node.tree()
    node.call()
    assert "config_path lists several directories" in node.warnings[0]
    for folder in (ROOTS[0], both, ROOTS[2]):
        assert all((node.root / folder[1:] / name / "ca.crt").read_bytes() == node.ca for name in node.names)
    assert not node.call()["changed"]
    absent(node)
    assert node.tree() == before
    assert not (node.root / "etc/containerd/certs.d:").exists()


def test_a_foreign_hosts_toml_is_named_and_left(node: FakeNode) -> None:
    path = f"/etc/containerd/certs.d/{node.names[0]}/hosts.toml"
    node.write(path, 'server = "https://elsewhere"\n')
    before = node.tree()
    with pytest.raises(RefusedError, match=r"hosts\.toml: is not ours, and containerd reads it in the place of the CA"):
        node.call()
    assert node.tree() == before
    node.write(path, f'ca = "/etc/containerd/certs.d/{node.names[0]}/ca.crt"\n')
    node.call()
    absent(node)
    assert (node.root / path[1:]).exists()


# ---- client certificates


def test_a_client_certificate_lies_beside_every_ca_and_its_key_is_for_root_alone(
    node: FakeNode, pair: dict[str, str]
) -> None:
    before = node.tree()
    result = node.call(**pair)
    for path in ours(node, "client.key"):
        assert (node.root / path[1:]).read_text() == pair["client_key"]
        assert (node.root / path[1:]).stat().st_mode & 0o777 == 0o600
    assert len(ours(node, "client.key")) == len(ours(node, "client.cert")) == 6
    assert not node.call(**pair)["changed"]
    told = json.dumps(result) + json.dumps(node.call(**pair))
    assert not [line for line in pair["client_key"].splitlines() if line in told]
    gone = node.call()
    assert ours(node, "client.*") == []
    assert not [line for line in pair["client_key"].splitlines() if line in json.dumps(gone)]
    node.call(**pair)
    absent(node)
    assert node.tree() == before


def test_a_key_that_others_could_read_is_closed_again(node: FakeNode, pair: dict[str, str]) -> None:
    node.call(**pair)
    path = node.root / ours(node, "client.key")[0][1:]
    path.chmod(0o644)
    result = node.call(**pair)
    assert "instead of 0600 of root" in result["actions"][0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert pair["client_key"].splitlines()[1] not in json.dumps(result)


def test_another_pair_replaces_ours_and_somebody_elses_is_named(
    node: FakeNode, pair: dict[str, str], authority: Any
) -> None:
    node.call(**pair)
    text = authority.server("node2").read_text()
    at = text.index("-----BEGIN PRIVATE KEY")
    other = {"client_cert": text[:at], "client_key": text[at:]}
    assert any(action.endswith(": another key") for action in node.call(**other)["actions"])
    absent(node)
    path = f"/etc/docker/certs.d/{node.names[0]}/client.key"
    node.write(path, pair["client_key"])
    with pytest.raises(RefusedError, match=r"client\.key: is there already, not written by us, and identifies"):
        node.call(**other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda pair, other: {**pair, "client_key": other["client_key"]}, "do not belong together"),
        (lambda pair, other: {"client_cert": pair["client_cert"]}, "give both, or none"),
        (lambda pair, other: {**pair, "client_cert": "x"}, "is not PEM text of a certificate"),
        (lambda pair, other: {**pair, "client_cert": pair["client_cert"] + pair["client_key"]}, "holds a key as well"),
        (lambda pair, other: {**pair, "client_key": pair["client_key"] * 2}, "not PEM text of one private key"),
        (lambda pair, other: {**pair, "client_key": pair["client_key"].replace("PRIVATE", "ENCRYPTED PRIVATE")},
         "has a passphrase"),
        (lambda pair, other: {**pair, "client_key": pair["client_key"].replace("M", "!")}, "do not belong together"),
    ],
)  # fmt: skip
def test_a_pair_that_is_none_is_refused_and_not_repeated(
    node: FakeNode, pair: dict[str, str], authority: Any, change: Any, said: str
) -> None:
    text = authority.server("node2").read_text()
    other = {"client_key": text[text.index("-----BEGIN PRIVATE KEY") :]}
    before = node.tree()
    with pytest.raises(RefusedError, match=said) as caught:
        node.call(**change(pair, other))
    assert pair["client_key"].splitlines()[1] not in str(caught.value)
    assert node.tree() == before


def test_a_pair_is_written_as_openssl_would_whatever_its_lines_were(pair: dict[str, str]) -> None:
    found = client.pair("note\r\n" + pair["client_cert"].replace("\n", "\r\n"), "\n" + pair["client_key"] + "\n")
    assert found == (pair["client_cert"].encode(), pair["client_key"].encode())
    assert client.pair(None, "") is None


# ---- the system's store


def in_store(node: FakeNode) -> str:
    """Read what the system trusts."""
    path = node.root / "etc/ssl/certs/ca-certificates.crt"
    return path.read_text() if path.exists() else ""


def links(node: FakeNode) -> list[Path]:
    """List the links that the system's tool made."""
    return [path for path in (node.root / "etc/ssl/certs").glob("*") if path.is_symlink()]


def test_the_systems_store_has_the_ca_and_loses_it_again(node: FakeNode) -> None:
    result = node.call(system_anchors=True)
    (path,) = [path for path in result["files"] if path.startswith(ANCHORS)]
    assert f"Write {path}: CA for every program of this node" in result["actions"]
    assert "Make the system's store of CAs anew" in result["actions"]
    assert node.ca.decode() in in_store(node)
    assert not node.call(system_anchors=True)["changed"]
    assert node.call()["changed"]
    assert node.ca.decode() not in in_store(node)
    assert links(node) == []
    assert not node.call()["changed"]
    node.call(system_anchors=True)
    absent(node)
    assert node.ca.decode() not in in_store(node)
    assert list((node.root / ANCHORS[1:]).iterdir()) == []


def test_a_ca_that_is_being_replaced_has_one_file_for_each(node: FakeNode, stranger: Any) -> None:
    both = node.ca + stranger.pem
    found = node.call(system_anchors=True, ca_cert=both.decode())["files"]
    assert len([path for path in found if path.startswith(ANCHORS)]) == 2
    assert in_store(node).count("BEGIN CERTIFICATE") == 2
    node.call(system_anchors=True)
    assert in_store(node) == node.ca.decode()


def test_a_store_that_cannot_be_made_is_an_error_and_made_the_next_time(node: FakeNode) -> None:
    node._save(no_anchors=True)
    with pytest.raises(NodeError, match="update-ca-certificates: /etc/ssl/certs: Read-only file system"):
        node.call(system_anchors=True)
    node._save(no_anchors=False)
    assert node.call(system_anchors=True)["actions"] == ["Make the system's store of CAs anew"]
    assert node.ca.decode() in in_store(node)


def test_a_node_without_such_a_store_says_so(node: FakeNode) -> None:
    (node.root / "usr/sbin/update-ca-certificates").unlink()
    with pytest.raises(RefusedError, match="neither update-ca-trust nor update-ca-certificates is on this node"):
        node.call(system_anchors=True)


def test_check_mode_predicts_all_of_it(node: FakeNode, pair: dict[str, str]) -> None:
    before = {path: path.lstat().st_mtime_ns for path in node.root.rglob("*")}
    options = {"system_anchors": True, **pair}
    plan = node.call(check_mode=True, **options)
    assert {path: path.lstat().st_mtime_ns for path in node.root.rglob("*")} == before
    done = node.call(**options)
    for part in ("actions", "diff", "files", "changed"):
        assert plan[part] == done[part]


# ---- killed at every change


@pytest.fixture
def killer() -> Iterator[Killer]:
    """Give what runs the module and kills it."""
    started = Killer()
    yield started
    started.close()


@pytest.mark.parametrize("way", ["present", "absent"])
def test_killed_before_any_of_its_changes_the_next_run_finishes(
    node: FakeNode, killer: Killer, pair: dict[str, str], tmp_path: Path, way: str
) -> None:
    before = node.tree()
    wanted: dict[str, Any] = {"system_anchors": True, "endpoints": node.names[:1], "verify": False, **pair}
    gone: dict[str, Any] = {"state": "absent", "endpoints": None, "ca_cert": None}
    options = wanted if way == "present" else gone
    if way == "absent":
        node.call(**wanted)
    change = 0
    while True:
        change += 1
        copy = node.copy(tmp_path / f"killed{change}")
        killed = killer.kills(copy, change, **options)
        copy.call(**options)
        assert (copy.ca.decode() in in_store(copy)) == (way == "present")
        assert not copy.call(**options)["changed"]
        copy.call(**gone)
        left = {name: raw for name, raw in copy.tree().items() if not name.startswith("etc/ssl")}
        assert left == before
        assert links(copy) == []
        if not killed:
            break
    assert change > 15

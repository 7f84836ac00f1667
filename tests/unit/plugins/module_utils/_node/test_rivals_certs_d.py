# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where other tools for this job break in certs.d: each case as it was, and what happens here.

The tools are named as in their repositories: openshift-ansible (release-3.11), Jooho's
openshift-registry-ssl-expose, openshift-tools, redhat-cop/casl-ansible.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FOREIGN, FakeNode

NAMES = [
    "172.30.124.220:5000",
    "docker-registry.default.svc:5000",
    "docker-registry.default.svc.cluster.local:5000",
    "registry.apps.example.com",
]
CERTS = "etc/docker/certs.d"


@pytest.fixture
def node(tmp_path: Path, authority: Any) -> FakeNode:
    """Give a node of a cluster whose registry has the usual four names."""
    made = FakeNode(tmp_path / "node", NAMES, authority.pem)
    made.install("OPTIONS=-D\n")
    return made


def call(node: FakeNode, **options: Any) -> dict[str, Any]:
    """Place the CA; nothing answers by these names here."""
    return node.call(verify=False, **options)


def test_node_trust_for_one_name_only(node: FakeNode) -> None:
    """openshift-ansible places it for docker-registry.default.svc:5000 alone; here every name has it."""
    call(node)
    for name in NAMES:
        assert (node.root / CERTS / name / "ca.crt").read_bytes() == node.ca


def test_trust_by_symlink(node: FakeNode) -> None:
    """openshift-ansible links to /etc/origin/node/client-ca.crt, which breaks when that goes; here it is a file."""
    call(node)
    for name in NAMES:
        path = node.root / CERTS / name / "ca.crt"
        assert path.is_file()
        assert not path.is_symlink()
        assert not path.parent.is_symlink()


def test_a_link_of_an_earlier_tool_is_named_and_not_written_through(node: FakeNode) -> None:
    """Writing through such a link would replace the CA of the node's kubelet."""
    target = node.root / "etc/origin/node/client-ca.crt"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"the node's own CA\n")
    link = node.root / CERTS / NAMES[1] / "ca.crt"
    link.parent.mkdir()
    link.symlink_to(target)
    with pytest.raises(RefusedError, match=rf"{NAMES[1]}/ca\.crt: is a link to .*client-ca\.crt, not written by us"):
        call(node)
    assert target.read_bytes() == b"the node's own CA\n"
    link.unlink()
    call(node)
    assert target.read_bytes() == b"the node's own CA\n"


@pytest.mark.parametrize("name", ["ca.crt", "redhat-ca.crt"])
def test_a_dangling_symlink_stops_all_pushes(node: FakeNode, name: str) -> None:
    """Docker refuses a registry of which it cannot read one *.crt; the link is named, and nothing is half done."""
    link = node.root / CERTS / NAMES[0] / name
    link.parent.mkdir()
    link.symlink_to("/etc/rhsm/ca/redhat-uep.pem")
    with pytest.raises(RefusedError, match=rf"{name}: is a link to /etc/rhsm/ca/redhat-uep\.pem"):
        call(node)
    assert not (node.root / CERTS / NAMES[1]).exists()
    link.unlink()
    assert call(node)["changed"]


def test_a_dangling_symlink_of_another_registry_is_none_of_ours(node: FakeNode) -> None:
    link = node.root / CERTS / "registry.access.redhat.com" / "redhat-ca.crt"
    link.parent.mkdir()
    link.symlink_to("/etc/rhsm/ca/redhat-uep.pem")
    call(node)
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["ca.crt", "other.crt"])
def test_a_directory_in_the_way_is_named(node: FakeNode, name: str) -> None:
    (node.root / CERTS / NAMES[0] / name).mkdir(parents=True)
    with pytest.raises(RefusedError, match=rf"{name}: is a directory"):
        call(node)


@pytest.mark.parametrize(("name", "other"), [("a.cert", "a.key"), ("a.key", "a.cert")])
def test_half_a_client_certificate_of_somebody_else_is_named(node: FakeNode, name: str, other: str) -> None:
    node.write(f"/{CERTS}/{NAMES[0]}/{name}", "x")
    with pytest.raises(RefusedError, match=rf"{name}: stands there without {other}, and docker then refuses"):
        call(node)
    node.write(f"/{CERTS}/{NAMES[0]}/{other}", "x")
    assert call(node)["changed"]


def test_the_route_trusted_under_port_5000(node: FakeNode) -> None:
    """Jooho's role writes <route>:5000, which no client asks for: a route answers at 443, which names leave out."""
    call(node)
    assert (node.root / CERTS / "registry.apps.example.com/ca.crt").exists()
    assert not (node.root / CERTS / "registry.apps.example.com:5000").exists()


def test_certs_d_linked_to_the_systems_bundle(node: FakeNode) -> None:
    """openshift-tools links to the bundle of all CAs, so that any of them may sign for the registry; here only ours."""
    bundle = node.root / "etc/pki/tls/certs/ca-bundle.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(b"all CAs of the world\n")
    path = node.root / CERTS / NAMES[0]
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(bundle.parent)
    with pytest.raises(RefusedError, match=r"is a link to .*pki/tls/certs, which is not followed"):
        call(node)
    assert bundle.read_bytes() == b"all CAs of the world\n"
    assert sorted(entry.name for entry in bundle.parent.iterdir()) == ["ca-bundle.crt"]
    path.unlink()
    call(node)
    assert (path / "ca.crt").read_bytes() == node.ca


def test_directories_of_others_wiped(node: FakeNode) -> None:
    """node-ca and k3s take away what they do not know; here only what is on our record goes."""
    (node.root / CERTS / "empty.example.com").mkdir()
    call(node)
    call(node, endpoints=NAMES[:1])
    node.call(state="absent", endpoints=None, ca_cert=None)
    assert (node.root / FOREIGN).read_bytes() == b"somebody else's\n"
    assert sorted(path.name for path in (node.root / CERTS).iterdir()) == [
        "empty.example.com",
        Path(FOREIGN).parent.name,
    ]


def test_the_old_service_address_is_cleared_away(node: FakeNode) -> None:
    """A registry that was made anew has another address; what trusted the old one goes, and nothing of others."""
    call(node)
    call(node, endpoints=["172.30.9.9:5000", *NAMES[1:]])
    assert not (node.root / CERTS / NAMES[0]).exists()
    assert (node.root / CERTS / "172.30.9.9:5000/ca.crt").exists()
    assert (node.root / FOREIGN).exists()


def test_the_text_cat_ca_crt_instead_of_a_ca(node: FakeNode) -> None:
    """openshift-ansible's redeployment hands on "$(cat ca.crt)" as it stands; here that is no certificate."""
    before = node.tree()
    with pytest.raises(RefusedError, match="ca_cert: is not PEM text of certificates"):
        call(node, ca_cert="$(cat ca.crt)")
    assert node.tree() == before


def test_a_key_in_a_file_that_others_can_foresee(node: FakeNode, authority: Any) -> None:
    """openshift-ansible's oc_secret writes to /tmp/<name>, through whatever link waits there; here no link is followed.

    The file is written where root alone may, and is nobody else's to read from its first moment.
    """
    theirs = node.root / "tmp/theirs"
    theirs.parent.mkdir()
    theirs.write_text("theirs\n")
    folder = node.root / CERTS / NAMES[0]
    folder.mkdir(parents=True)
    (folder / ".client.key.okd-registry").symlink_to(theirs)
    modes = set()

    def look() -> None:
        found = [path for path in node.root.rglob("*client.key*") if not path.is_symlink()]
        modes.update(oct(path.stat().st_mode & 0o077) for path in found)

    opened: list[Any] = []
    real = os.open

    def noted(path: Any, flags: int, *more: Any, **keywords: Any) -> int:
        if flags & os.O_CREAT:
            opened.append((path, bool(flags & os.O_EXCL), more[:1]))
        descriptor = real(path, flags, *more, **keywords)
        look()
        return descriptor

    text = authority.server("node1").read_text()
    at = text.index("-----BEGIN PRIVATE KEY")
    certificate, key = text[:at], text[at:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", noted)
        call(node, client_cert=certificate, client_key=key)
    assert (folder / "client.key").read_text() == key
    assert modes == {"0o0"}
    keys = [(exclusive, mode) for path, exclusive, mode in opened if "client.key" in str(path)]
    assert keys == [(True, (0o600,))] * len(NAMES)
    assert not any(str(path).startswith("/tmp") for path, _exclusive, _mode in opened)
    assert theirs.read_text() == "theirs\n"
    assert [path.name for path in theirs.parent.iterdir()] == ["theirs"]


def test_the_systems_store_made_anew_only_where_the_ca_was_absent(node: FakeNode, stranger: Any) -> None:
    """openshift-tools runs update-ca-trust once, so that a CA which is replaced never gets there; here it does."""
    node.write("/usr/sbin/update-ca-certificates", "")
    (node.root / "usr/local/share/ca-certificates").mkdir(parents=True)
    store = node.root / "etc/ssl/certs/ca-certificates.crt"
    call(node, system_anchors=True)
    assert node.ca in store.read_bytes()
    call(node, system_anchors=True, ca_cert=stranger.pem.decode())
    assert stranger.pem in store.read_bytes()
    assert node.ca not in store.read_bytes()
    made = store.stat().st_mtime_ns
    assert not call(node, system_anchors=True, ca_cert=stranger.pem.decode())["changed"]
    assert store.stat().st_mtime_ns == made, "and nothing is run where nothing has changed"

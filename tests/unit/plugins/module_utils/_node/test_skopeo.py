# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is placed for Podman and CRI-O, against Skopeo, which reads it by the same library, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, insecure, look, systemd
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode

# The library knows no places but those below /etc, so each call has an /etc of its own: the node's over this one's.
ALONE = ["unshare", "--mount", "sh", "-ec"]
LAID = 'mount -t overlay overlay -o "lowerdir=$1/etc:/etc" /etc'
MOUNTED = LAID + '; shift; exec "$@"'


def can_be_asked() -> bool:
    """Say whether Skopeo is there, and a place of its own can be made for it."""
    if not shutil.which("skopeo") or os.geteuid() != 0 or not Path("/etc/containers").is_dir():
        return False
    command = [*ALONE, f"d=$(mktemp -d); mkdir $d/etc; set -- $d; {LAID}; rm -r $d", "sh"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_be_asked(), reason="NOT CHECKED: no Skopeo, or no right to mount for it")


@pytest.fixture
def node(tmp_path: Path, serve: Any, authority: Any) -> FakeNode:
    """Give a node with Podman, and a registry that answers."""
    name = serve(authority.server("127.0.0.1", "localhost"))
    made = FakeNode(tmp_path / "node", [name, name.replace("127.0.0.1", "localhost")], authority.pem)
    made.install("OPTIONS=-D\n")
    made.write("/usr/bin/podman", "")
    made.write("/etc/containers/registries.conf", "")
    return made


def ask(node: FakeNode, name: str) -> str:
    """Have Skopeo look for an image, and give what it said."""
    command = [*ALONE, MOUNTED, "sh", str(node.root), "skopeo", "inspect", f"docker://{name}/a/b:c"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr


def test_skopeo_trusts_every_name_from_the_moment_the_ca_is_there(node: FakeNode) -> None:
    for name in node.names:
        assert "x509: certificate signed by unknown authority" in ask(node, name)
    node.call()
    for name in node.names:
        said = ask(node, name)
        assert "x509" not in said
        assert "unauthorized" in said.lower()
    node.call(state="absent", endpoints=None, ca_cert=None)
    assert "x509: certificate signed by unknown authority" in ask(node, node.names[0])


def test_skopeo_takes_the_client_certificate(node: FakeNode, authority: Any) -> None:
    text = authority.server("node1").read_text()
    at = text.index("-----BEGIN PRIVATE KEY")
    node.call(client_cert=text[:at], client_key=text[at:])
    assert "unauthorized" in ask(node, node.names[0]).lower()
    (node.root / f"etc/containers/certs.d/{node.names[0]}/client.key").unlink()
    assert "missing key" in ask(node, node.names[0])
    node.call(client_cert=text[:at], client_key=text[at:])
    assert "missing key" not in ask(node, node.names[0])


def verdict(node: FakeNode, name: str) -> str:
    """Say what registry_trust_info thinks of it."""
    tree = files.Tree(str(node.root))
    nothing = insecure.Survey([], [], [], [], [], [], [], False, "")
    question = look.Question([name], node.ca, ["crio"], [], None)
    (found,) = look.Look(question, tree, systemd.NO_UNIT, lambda _names: nothing, lambda *_: {}).run()["endpoints"]
    return str(found["state"])


@pytest.mark.parametrize("own", [None, False, True], ids=["no-own", "own-empty", "own-ca"])
@pytest.mark.parametrize("dockers", [None, False, True], ids=["no-docker", "docker-empty", "docker-ca"])
def test_of_two_directories_the_library_reads_the_first_that_is_there(
    node: FakeNode, own: bool | None, dockers: bool | None
) -> None:
    """As node-ca of OpenShift 4 places it, for docker alone by its name; and what hides it from CRI-O."""
    name = node.names[0]
    for root, has in (("containers", own), ("docker", dockers)):
        if has is not None:
            (node.root / f"etc/{root}/certs.d/{name}").mkdir(parents=True)
        if has:
            node.write(f"/etc/{root}/certs.d/{name}/ca.crt", node.ca.decode())
    said = ask(node, name)
    trusted = "x509" not in said
    assert trusted is ("unauthorized" in said.lower())
    assert trusted is bool(dockers if own is None else own)
    assert (verdict(node, name) == "trusted") is trusted


def test_what_is_placed_counts_before_what_somebody_else_has_for_docker(node: FakeNode, stranger: Any) -> None:
    name = node.names[0]
    node.write(f"/etc/docker/certs.d/{name}/ca.crt", stranger.pem.decode())
    assert "x509: certificate signed by unknown authority" in ask(node, name)
    assert verdict(node, name) == "other"
    node.call(engines=["podman"], verify=False)
    assert "unauthorized" in ask(node, name).lower()
    assert verdict(node, name) == "trusted"

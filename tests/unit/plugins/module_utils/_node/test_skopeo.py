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
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode

# The library knows no other place than /etc/containers, so each call has one of its own there.
ALONE = ["unshare", "--mount", "sh", "-ec"]
MOUNTED = 'mount --bind "$1/etc/containers" /etc/containers; shift; exec "$@"'


def can_be_asked() -> bool:
    """Say whether Skopeo is there, and a place of its own can be made for it."""
    if not shutil.which("skopeo") or os.geteuid() != 0 or not Path("/etc/containers").is_dir():
        return False
    command = [*ALONE, "mount --bind /etc/containers /etc/containers"]
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

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system's store of CAs made by Debian's own tool, on copies of its directories, where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ALONE = ["unshare", "--mount", "sh", "-ec"]
CERTS, LOCAL = "/etc/ssl/certs", "/usr/local/share/ca-certificates"
MOUNTED = f'mount --bind "$1" {CERTS}; mount --bind "$2" {LOCAL}; shift 2; exec "$@"'
SCRIPT = f"""
import os, ssl, sys
sys.path[:0] = sys.argv[2:]
from ansible_collections.okd.registry.plugins.module_utils._node import anchors, files, systemd
tree = files.Tree()
store = anchors.Anchors(tree, systemd.run)
wanted = anchors.paths(anchors.store_of(tree), "default_docker-registry", open(sys.argv[1], "rb").read())
texts = list(wanted.values())
def links():
    return sorted(name for name in os.listdir("{CERTS}") if os.path.islink("{CERTS}/" + name))
store.refresh([], [])  # the machine's own store may lag behind
before = links()
assert store.missing(texts)
for path, raw in wanted.items():
    tree.write(path, raw)
store.refresh(texts, [])
assert not store.missing(texts)
assert len(links()) == len(before) + 2 * len(wanted), set(links()) - set(before)
context = ssl.create_default_context(cafile="{CERTS}/ca-certificates.crt")
assert any("registry CA" in str(known["subject"]) for known in context.get_ca_certs())
for path in wanted:
    tree.remove(path)
store.refresh([], list(wanted))
assert store.missing(texts)
assert links() == before, set(links()) ^ set(before)
print("as before")
"""


def can_be_tried() -> bool:
    """Say whether Debian's tool is there, and copies can be put over what it works on."""
    if not shutil.which("update-ca-certificates") or os.geteuid() != 0 or not Path(LOCAL).is_dir():
        return False
    command = [*ALONE, f"mount --bind {CERTS} {CERTS}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_be_tried(), reason="NOT CHECKED: no update-ca-certificates, or no right to mount")
def test_the_store_gets_the_ca_and_is_as_it_was_without_it(tmp_path: Path, authority: Any, stranger: Any) -> None:
    shutil.copytree(CERTS, tmp_path / "certs", symlinks=True)
    shutil.copytree(LOCAL, tmp_path / "local")
    (tmp_path / "ca.crt").write_bytes(authority.pem + stranger.pem)
    argv = [sys.executable, "-c", SCRIPT, str(tmp_path / "ca.crt"), *sys.path]
    command = [*ALONE, MOUNTED, "sh", str(tmp_path / "certs"), str(tmp_path / "local"), *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.endswith("as before\n"), done.stdout + done.stderr

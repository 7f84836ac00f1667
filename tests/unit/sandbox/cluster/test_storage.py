# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's storage is made of, and that a reset empties it."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import threading
from pathlib import Path

import node_state
import pytest
import yaml
from sandboxlib import health, inputs, nodes, settings
from sandboxlib.pki import Authority

INFRA = settings.CLUSTER / "rootfs" / "infra"
SCRIPT = INFRA / "usr" / "local" / "sbin" / "sandbox-storage"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be set by root only")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory for the script, with a systemctl that notes what it was told."""
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/told\n')
    systemctl.chmod(0o755)
    return tmp_path


def storage(root: Path, verb: str) -> list[str]:
    """Run the script below another root; returns its lines."""
    environment = {"PATH": f"{root}/bin:{os.environ['PATH']}", "ROOT": str(root)}
    done = subprocess.run(["sh", SCRIPT, verb], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.replace(str(root), "").splitlines()


def state(root: Path) -> dict[str, tuple[int, int, int]]:
    """Owner, group and mode of everything that is served."""
    found = {}
    for path in [*(root / "exports").rglob("*"), *(root / "var/lib/s3").rglob("*")]:
        status = path.lstat()
        found[str(path.relative_to(root))] = (status.st_uid, status.st_gid, status.st_mode & 0o7777)
    return found


@as_root
def test_what_is_served_is_made_once(root: Path) -> None:
    assert "made bucket registry" in storage(root, "make")
    made = state(root)
    assert made["exports/registry"] == (1001, 0, 0o2770)
    assert made["exports/foreign"] == (4242, 4242, 0o700)
    assert storage(root, "make") == []
    assert storage(root, "reset") == []
    assert state(root) == made
    assert not (root / "told").exists()


@as_root
def test_a_reset_empties_exports_and_buckets(root: Path) -> None:
    storage(root, "make")
    made = state(root)
    (root / "exports/registry/docker/registry/v2").mkdir(parents=True)
    (root / "exports/pv1/.hidden").write_text("x")
    (root / "exports/new").mkdir()
    (root / "exports/second").chmod(0o700)
    (root / "exports/group").rmdir()
    (root / "exports/group").write_text("a file")
    (root / "var/lib/s3/registry/docker").mkdir()
    (root / "var/lib/s3/other").mkdir()
    said = storage(root, "reset")
    assert {"removed /exports/registry/docker", "removed /exports/new", "emptied /var/lib/s3"} <= set(said)
    assert state(root) == made
    assert (root / "told").read_text().split("\n")[0].startswith("stop sandbox-s3")
    assert storage(root, "reset") == []


def test_the_server_exports_what_is_made_and_volumes_lie_on_it() -> None:
    table = re.findall(r"^([a-z0-9]+) \d+ \d+ \d+$", SCRIPT.read_text(), re.MULTILINE)
    exported = re.findall(r"Path = (\S+);", (INFRA / "etc/sandbox/ganesha.conf").read_text())
    assert exported == [f"/exports/{name}" for name in table]
    objects = yaml.safe_load_all((inputs.object_directory() / "50-storage.yaml").read_text())
    volumes = [item["spec"]["nfs"] for item in objects if "nfs" in item.get("spec", {})]
    assert len(volumes) == 3
    assert {volume["path"] for volume in volumes} < set(exported)
    assert {volume["server"] for volume in volumes} == {settings.NFS_NAME}


@pytest.mark.parametrize("name", [settings.NFS_NAME, settings.S3_NAME])
def test_its_names_are_known_to_pods_and_nodes(name: str) -> None:
    assert f"{name}:53" in (INFRA / "etc/sandbox/Corefile").read_text()
    node = settings.CLUSTER / "rootfs" / "node" / "etc" / "origin" / "node" / "dnsmasq.conf"
    assert f"address=/{name}/{settings.INFRA_IP}\n" in node.read_text()


def test_the_s3_server_gets_its_keys_and_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "access-key").write_text("who")
    (tmp_path / "secret-key").write_text("what")
    files = {file.path: file for file in nodes.s3_files(Authority(tmp_path / "pki"), tmp_path)}
    env = files["etc/sandbox/s3.env"]
    assert env.data == b'S3_ACCESS_KEY="who"\nS3_SECRET_KEY="what"\n'
    assert (env.mode, files["etc/sandbox/s3.key"].mode) == (0o600, 0o600)
    assert files["etc/sandbox/s3.crt"].data.startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_reset_leaves_nothing_of_local_volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_state, "LOCAL_VOLUMES", tmp_path / "volumes")
    node_state.restore_volumes()  # not even made yet
    (tmp_path / "volumes" / "pvc-1_test_claim" / "docker").mkdir(parents=True)
    node_state.restore_volumes()
    assert list((tmp_path / "volumes").iterdir()) == []


@pytest.mark.parametrize(("status", "problem"), [(0, None), (1, "port 2049 does not answer as NFS does")])
def test_the_nfs_server_is_asked(status: int, problem: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        real = socket.create_connection
        target = server.getsockname()
        monkeypatch.setattr(socket, "create_connection", lambda _address, seconds: real(target, seconds))

        def answer() -> None:
            connection, _client = server.accept()
            with connection:
                call = connection.recv(1500)
                reply = call[4:8] + struct.pack(">5I", 1, 0, 0, 0, status)
                connection.sendall(struct.pack(">I", 0x80000000 | len(reply)) + reply)

        thread = threading.Thread(target=answer)
        thread.start()
        assert health._nfs().problem == problem
        thread.join()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a container, and how each node is seeded."""

from __future__ import annotations

import io
import tarfile

import pytest
from sandboxlib import nodes, settings
from sandboxlib.nodes import File

SERVICE_IP = "172.30.124.220:5000"
SERVICE_NAME = "docker-registry.default.svc.cluster.local:5000"


def seed(node: str) -> str:
    return (settings.CLUSTER / "seed" / node / "etc" / "sysconfig" / "docker").read_text()


@pytest.mark.parametrize("node", [node.name for node in settings.NODES])
def test_every_node_is_seeded_with_this_registrys_flags_and_others(node: str) -> None:
    text = seed(node)
    for endpoint in (SERVICE_IP, SERVICE_NAME):
        assert any(f"--insecure-registry{sep}{endpoint}" in text for sep in " =")
    others = {
        "node1": "mirror.example.com:5000",
        "node2": "172.30.124.22:5000",
        "node3": "registry.lab.example.com:5000",
    }
    assert others[node] in text


def test_no_two_nodes_are_seeded_alike() -> None:
    assert len({seed(node.name) for node in settings.NODES}) == len(settings.NODES)


def test_units_are_enabled_as_they_say() -> None:
    unit = "[Unit]\nWantedBy is not here\n[Install]\nWantedBy=docker.service multi-user.target\n"
    links = list(nodes.enabling_links("dockershim.service", unit))
    assert [link.path for link in links] == [
        "etc/systemd/system/docker.service.wants/dockershim.service",
        "etc/systemd/system/multi-user.target.wants/dockershim.service",
    ]
    assert {link.link for link in links} == {"/etc/systemd/system/dockershim.service"}


def test_the_archive_has_modes_owners_links_and_directories() -> None:
    files = [
        File("etc/key", b"secret", 0o600),
        File("etc/x", link="/dev/null"),
        File("var/lib/data", mode=0o770, directory=True, user=1001),
    ]
    with tarfile.open(fileobj=io.BytesIO(nodes.archive(files))) as tar:
        key, link, directory = tar.getmembers()
        content = tar.extractfile(key)
        assert content
        assert content.read() == b"secret"
    assert (key.mode, key.uid, key.isfile()) == (0o600, 0, True)
    assert (link.issym(), link.linkname) == (True, "/dev/null")
    assert (directory.isdir(), directory.mode, directory.uid) == (True, 0o770, 1001)


def test_the_archive_of_the_same_files_is_the_same() -> None:
    files = list(nodes.tree(settings.CLUSTER / "rootfs" / "node"))
    assert nodes.archive(files) == nodes.archive(files)
    assert nodes.digest(files) == nodes.digest(list(files))


@pytest.mark.parametrize(
    "other", [File("a", b"y"), File("b", b"x"), File("a", b"x", 0o755), File("a", link="x"), File("a", b"x", user=1)]
)
def test_another_file_means_another_digest(other: File) -> None:
    assert nodes.digest([File("a", b"x")]) != nodes.digest([other])


def test_pods_of_the_other_nodes_are_reached_through_them() -> None:
    assert nodes.peers("node2") == "10.128.1.0/24@172.29.0.11 10.128.3.0/24@172.29.0.13"
    assert len(nodes.peers("infra").split()) == len(settings.NODES)

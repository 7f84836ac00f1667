# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine proves it, on hosts with this and that."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import check, checkpick, files

CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
NAME = "172.30.124.220:5000"
FOLDERS = {
    "docker": f"/etc/docker/certs.d/{NAME}",
    "containerd": f"/etc/containerd/certs.d/{NAME}",
    "podman": f"/etc/containers/certs.d/{NAME}",
}


def pick(
    tmp_path: Path, has: Iterable[str], tools: Iterable[str], asked: str = "auto", listens: bool = False
) -> tuple[str, str]:
    """Which way, and where the engine looks, on a host with some programs. :param listens: docker at its socket"""
    programs = {"docker": "usr/bin/dockerd", "podman": "usr/bin/podman", "crio": "usr/bin/crio"}
    for name in has:
        path = tmp_path / programs.get(name, "etc/containerd/config.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG, encoding="utf-8")
    where = tmp_path / "docker.sock"
    there = socket.socket(socket.AF_UNIX)
    if listens:
        there.bind(str(where))
    found = checkpick.pick(asked, files.Tree(str(tmp_path)), 5, str(where), lambda name: name in tools)
    there.close()
    access = SimpleNamespace(tag="t", names=[NAME])
    return found.way(access, lambda _name: None, check.Image()).name, found.folder(NAME)


@pytest.mark.parametrize(
    ("has", "tools", "listens", "way", "reads"),
    [
        (["docker"], [], True, "docker", "docker"),
        (["docker", "containerd", "podman"], ["ctr", "podman"], True, "docker", "docker"),
        (["docker", "containerd"], ["ctr"], False, "containerd", "containerd"),  # docker is there and does not run
        (["docker"], [], False, "docker", "docker"),
        (["containerd"], ["ctr"], False, "containerd", "containerd"),
        (["containerd"], [], False, "client", "containerd"),
        (["podman"], ["podman", "skopeo"], False, "podman", "podman"),
        (["crio"], ["skopeo"], False, "skopeo", "podman"),
        (["crio"], [], False, "client", "podman"),
        ([], ["podman"], False, "client", ""),
    ],
)
def test_the_engine_that_containers_run_by_and_its_own_tool(
    tmp_path: Path, has: list[str], tools: list[str], listens: bool, way: str, reads: str
) -> None:
    assert pick(tmp_path, has, tools, listens=listens) == (way, FOLDERS.get(reads, ""))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("client", ("client", "")),
        ("podman", ("podman", FOLDERS["podman"])),
        ("containerd", ("containerd", FOLDERS["containerd"])),
    ],
)
def test_the_engine_that_is_asked_for(tmp_path: Path, asked: str, found: tuple[str, str]) -> None:
    assert pick(tmp_path, ["docker", "containerd"], ["ctr", "podman"], asked, listens=True) == found


@pytest.mark.parametrize(("has", "tools"), [(["crio"], []), (["podman"], ["podman"])])
def test_what_node_ca_has_placed_is_what_crio_and_podman_trust(
    tmp_path: Path, has: list[str], tools: list[str]
) -> None:
    (tmp_path / FOLDERS["docker"][1:]).mkdir(parents=True)
    assert pick(tmp_path, has, tools)[1] == FOLDERS["docker"]
    (tmp_path / FOLDERS["podman"][1:]).mkdir(parents=True)
    assert pick(tmp_path, has, tools)[1] == FOLDERS["podman"]

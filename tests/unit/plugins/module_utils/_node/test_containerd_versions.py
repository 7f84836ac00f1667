# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with more than one containerd, with one that has no configuration, and what its version changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import containerd
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.enginesnode import IP, Node

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n"
OWN, RANCHER = containerd.SITES
CONFIG = OWN.configs[0]
BOTH = "/etc/containerd/certs.d:/etc/docker/certs.d"
LISTED = f'config_path = "{BOTH}"\n'
DISABLED = 'disabled_plugins = ["cri"]\n'


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Give an empty node."""
    return Node(tmp_path / "node")


# ---- more than one containerd


@pytest.mark.parametrize("path", RANCHER.configs)
@pytest.mark.parametrize("asked", [[], ["docker", "containerd"]])
def test_k3s_and_rke2_are_found_beside_docker_s_containerd(node: Node, path: str, asked: list[str]) -> None:
    root = path.rpartition("/")[0] + "/certs.d"
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, DISABLED)  # as Docker's package has it
    node.add(path, f'{V3}config_path = "{root}"\n')
    node.run_pods(RANCHER)
    assert node.places(*asked) == {f"/etc/docker/certs.d/{IP}": ["docker"], f"{root}/{IP}": ["containerd"]}


def test_the_problem_of_the_containerd_that_runs_the_pods_counts(node: Node) -> None:
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, V2)
    node.add(RANCHER.configs[0], V3)
    node.run_pods(RANCHER)
    (engine,) = [engine for engine in node.engines() if engine.name == "containerd"]
    assert engine.problem.startswith(f"{RANCHER.configs[0]}: has no config_path")
    assert engine.counts
    node.run_pods(OWN)
    told = [(engine.problem.partition(":")[0], engine.counts) for engine in node.engines("containerd")]
    assert told == [(CONFIG, True), (RANCHER.configs[0], True)]


def test_each_containerd_of_use_gets_its_own_and_that_with_the_pods_comes_first(node: Node) -> None:
    node.add(CONFIG, V2 + 'config_path = "/etc/containerd/certs.d"')
    node.add(RANCHER.configs[0], f'{V3}config_path = "/etc/k3s"\n')
    node.run_pods(RANCHER)
    assert [engine.roots for engine in node.engines()] == [["/etc/k3s"], ["/etc/containerd/certs.d"]]
    assert set(node.places()) == {f"/etc/k3s/{IP}", f"/etc/containerd/certs.d/{IP}"}
    node.add(CONFIG, V2)  # that nobody pulls with is not missed
    assert [engine.roots for engine in node.engines()] == [["/etc/k3s"]]
    assert [engine.roots for engine in node.engines("containerd")] == [["/etc/k3s"]]


# ---- without a configuration, and by default


@pytest.mark.parametrize("others", [[], ["/usr/bin/skopeo"]])
def test_a_containerd_without_a_configuration_counts_where_it_runs_the_pods(node: Node, others: list[str]) -> None:
    for path in others:
        node.add(path)
    node.install("containerd.io 1.7.27")
    node.run_pods(OWN)
    (engine,) = [engine for engine in node.engines() if engine.name == "containerd"]
    assert engine.counts
    assert f"{CONFIG}: has no config_path, without which containerd 1.7 reads no CA" in engine.problem
    assert "with version = 2 at its top" in engine.problem
    (node.root / "usr/bin/containerd").unlink()
    (engine,) = [engine for engine in node.engines() if engine.name == "containerd"]
    assert "without which containerd before 2.2 reads no CA" in engine.problem


@pytest.mark.parametrize("text", [None, V2, V3, V3 + 'config_path = ""\n'])
@pytest.mark.parametrize("version", ["github.com/containerd/containerd/v2 v2.2.0", "containerd.io 2.10.1"])
def test_from_2_2_on_containerd_has_two_directories_by_default(node: Node, text: str | None, version: str) -> None:
    node.install(version)
    node.run_pods(OWN)
    if text is not None:
        node.add(CONFIG, text)
    first, second = node.engines()
    assert (first.roots, second.roots) == (BOTH.split(":"), [BOTH])
    assert (first.problem, second.problem) == ("", "")
    assert f"{CONFIG}: has no config_path, and containerd 2.2 and later takes two directories" in first.hint
    assert (node.root / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("table", ['mirrors."a:1"]\nendpoint = ["http://a:1"]', 'configs."a:1".tls]\nca_file = "/x"'])
def test_what_stands_inline_keeps_containerd_from_that_default(node: Node, table: str) -> None:
    node.install("containerd.io 2.2.1")
    node.run_pods(OWN)
    node.add(CONFIG, "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry." + table + "\n")
    (engine,) = node.engines()
    assert "has no config_path, without which containerd reads no CA" in engine.problem


def test_a_default_that_nobody_pulls_by_is_not_told(node: Node) -> None:
    node.install("containerd.io 2.2.1")
    with pytest.raises(RefusedError):
        node.engines()
    node.add(CONFIG, "version = 3\n")
    assert node.engines()[0].roots == BOTH.split(":")  # the only engine
    node.add("/usr/bin/dockerd")
    assert [engine.name for engine in node.engines()] == ["docker"]  # which brought it along
    assert len(node.engines("docker", "containerd")) == 3


# ---- several directories


@pytest.mark.parametrize("head", [V2, V3])
def test_of_several_directories_both_ways_to_read_them_are_served(node: Node, head: str) -> None:
    node.install("github.com/containerd/containerd/v2 v2.1.4")
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, head + LISTED)
    assert node.places() == {f"/etc/docker/certs.d/{IP}": ["docker", "containerd"], f"{BOTH}/{IP}": ["containerd"]}
    (hint,) = [engine.hint for engine in node.engines() if engine.hint]
    assert f"{CONFIG}: config_path lists several directories, which containerd 2.1 and later does not search" in hint
    assert f'takes "{BOTH}" for the name of one' in hint
    assert 'set use_local_image_pull = true in [plugins."io.containerd.cri.v1.images"]' in hint


IMAGES = "[plugins.'io.containerd.cri.v1.images']\n"
TABLE = '[plugins."io.containerd.grpc.v1.cri".containerd]\n'


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("github.com/containerd/containerd 1.6.20~ds1", V2 + LISTED),
        ("containerd.io v2.0.7", V3 + LISTED),
        ("from somewhere", V3 + LISTED),
        ("v2.1.4", V3 + LISTED + IMAGES + "use_local_image_pull = true\n"),
        ("v2.1.4", V2 + LISTED + IMAGES + "use_local_image_pull = true\n"),
        ("v2.1.4", V3 + LISTED + IMAGES + "discard_unpacked_layers = true\n"),
        ("v2.1.4", V2 + LISTED + TABLE + "discard_unpacked_layers = true\n"),
        ("v2.1.4", V2 + LISTED + TABLE + "disable_snapshot_annotations = false\n"),
        ("v2.1.4", V3 + LISTED + IMAGES + "max_concurrent_downloads = 8\n"),
        ("v2.1.4", V2 + LISTED + '[plugins."io.containerd.grpc.v1.cri".registry.configs."a".auth]\nusername = "u"\n'),
        ("v2.1.4", V3 + 'config_path = "/etc/containerd/certs.d"\n'),
    ],
)
def test_where_containerd_reads_one_directory_or_splits_the_list_all_is_as_it_was(
    node: Node, version: str, text: str
) -> None:
    node.install(version)
    node.add(CONFIG, text)
    (engine,) = node.engines()
    assert engine.roots in (BOTH.split(":"), BOTH.split(":")[:1])
    assert (engine.problem, engine.hint) == ("", "")


def test_one_directory_asks_for_no_version(node: Node) -> None:
    node.install("v2.1.4")
    node.add(CONFIG, V3 + 'config_path = "/etc/containerd/certs.d"\n')
    node.engines()
    assert not (node.root / "asked").exists()

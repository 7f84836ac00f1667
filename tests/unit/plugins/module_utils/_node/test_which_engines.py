# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd's configuration means for a CA, and which engines a node has.

What containerd's versions do is in test_containerd_versions.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import containerd, which_engines
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.enginesnode import IP, Node

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n"
V1 = "[plugins.cri.registry]\n"
CONFIG = "/etc/containerd/config.toml"
PODS = containerd.SITES[0].pods


def read(text: str, **others: str) -> containerd.Settings:
    """Read a configuration; others are what it may import, by name below /etc/containerd/."""
    known = {CONFIG: text, **{f"/etc/containerd/{name}.toml": other for name, other in others.items()}}
    found = {path: content.encode() for path, content in known.items()}
    return containerd.settings(CONFIG, found.get, lambda pattern: [path for path in found if path == pattern])


@pytest.mark.parametrize("head", [V1, V2, V3])
def test_each_layout_has_its_own_place_for_config_path(head: str) -> None:
    found = read(head + 'config_path = "/etc/containerd/certs.d:/etc/docker/certs.d/"\n')
    assert (found.roots, found.problem) == (["/etc/containerd/certs.d", "/etc/docker/certs.d"], "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (V2, 'Set config_path = "/etc/containerd/certs.d" in [plugins."io.containerd.grpc.v1.cri".registry]'),
        (V3, 'in [plugins."io.containerd.cri.v1.images".registry]'),
        (V1, "in [plugins.cri.registry]"),
        ("", 'in [plugins."io.containerd.grpc.v1.cri".registry]'),
        (V2 + 'config_path = ""\n', "has no config_path"),
        (V2.partition("\n")[2] + 'config_path = "/x"', "where version 1 of the file does not look"),
        (V2 + '[plugins."io.containerd.grpc.v1.cri".registry.configs."a:1".tls]\nca_file = "/x"', "in the place of"),
        ("version = 4\n", "of a version that is not known here"),
        ("version = \n", "cannot be read as TOML: line 1"),
    ],
)
def test_where_nothing_can_be_placed_it_is_said_what_to_set(text: str, said: str) -> None:
    found = read(text)
    assert said in found.problem
    assert found.roots == []


@pytest.mark.parametrize(
    ("inline", "named"),
    [
        ('mirrors."a:1"]\nendpoint = ["http://a:1"]', "registry.mirrors"),
        ('configs."a:1".tls]\nca_file = "/x"', 'registry.configs."a:1".tls'),
        ('configs."a:1"]\ntls = {}', 'registry.configs."a:1".tls'),
    ],
)
@pytest.mark.parametrize("head", [V1, V2, V3])
def test_a_config_path_beside_inline_settings_is_a_problem(head: str, inline: str, named: str) -> None:
    table = head.splitlines()[-1][:-1]
    found = read(f'{head}config_path = "/x"\n{table}.{inline}\n')
    assert f"{named} stands beside config_path, and containerd's CRI plugin does not load with both" in found.problem
    assert read(f"{head}{table}.{inline}\n").roots == []


def test_a_login_beside_config_path_is_none() -> None:
    table = '[plugins."io.containerd.grpc.v1.cri".registry.configs."a:1".auth]\nusername = "u"\n'
    assert read(f'{V2}config_path = "/x"\n{table}').problem == ""


def test_what_is_imported_counts_and_replaces_the_whole_section() -> None:
    start = 'version = 2\nimports = ["conf.d.toml"]\n'
    found = read(start, **{"conf.d": V2 + 'config_path = "/etc/containerd/certs.d"'})
    assert (found.roots, found.problem) == (["/etc/containerd/certs.d"], "")
    inline = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors.a]\n'
    assert read(start + inline, **{"conf.d": V2 + 'config_path = "/x"'}).problem == ""
    assert read(start, **{"conf.d": start}).roots == []  # a circle ends


def test_without_its_cri_plugin_it_serves_no_kubelet() -> None:
    assert not read('version = 2\ndisabled_plugins = ["cri"]\n').enabled
    assert read("version = 2\n").enabled


# ---- which directory is read, on a real tree


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Give an empty node."""
    return Node(tmp_path / "node")


def test_engines_are_found_by_what_is_installed(node: Node) -> None:
    with pytest.raises(RefusedError, match="none of docker, containerd, podman, crio is on this node"):
        node.engines()
    node.add("/usr/bin/skopeo")
    assert node.names() == ["podman"]
    node.add("/usr/bin/dockerd-current")
    node.add("/etc/crio/crio.conf")
    node.add(CONFIG, V2 + 'config_path = "/etc/containerd/certs.d"')
    assert node.names() == ["docker", "containerd", "podman", "crio"]
    assert node.names("crio", "docker") == ["docker", "crio"]
    assert node.directories() == {
        f"/etc/docker/certs.d/{IP}": ["docker"],
        f"/etc/containerd/certs.d/{IP}": ["containerd"],
        f"/etc/containers/certs.d/{IP}": ["podman", "crio"],
    }


def test_containerd_without_a_config_path_matters_where_somebody_pulls_with_it(node: Node) -> None:
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, "version = 2\n")
    assert node.names() == ["docker"]  # docker brought it along
    node.add(PODS + "/abc/pid")
    (engine,) = [engine for engine in node.engines() if engine.name == "containerd"]
    assert engine.counts
    assert "Set config_path" in engine.problem
    (node.root / "usr/bin/dockerd").unlink()
    (node.root / PODS[1:] / "abc/pid").unlink()
    assert node.engines()[0].counts  # the only engine
    assert node.engines("containerd")[0].counts  # asked for by name
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, 'version = 2\ndisabled_plugins = ["cri"]\n')
    assert node.names() == ["docker"]


def test_a_broken_configuration_that_nobody_uses_is_a_warning(node: Node) -> None:
    node.add("/usr/bin/dockerd")
    node.add(CONFIG, f'{V2}config_path = "/x"\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors.a]\n')
    (engine,) = [engine for engine in node.engines() if engine.name == "containerd"]
    assert "does not load with both" in engine.problem
    assert not engine.counts
    assert node.directories() == {f"/etc/docker/certs.d/{IP}": ["docker"]}


def test_k3s_brings_its_own_place(node: Node) -> None:
    root = "/var/lib/rancher/k3s/agent/etc/containerd"
    node.add(f"{root}/config.toml", f'{V3}config_path = "{root}/certs.d"\n')
    assert node.directories() == {f"{root}/certs.d/{IP}": ["containerd"]}


@pytest.mark.parametrize(
    ("there", "asked", "path"),
    [
        ([], ["docker", "containerd"], "/etc/docker/certs.d"),  # written anyway, and read by both
        ([], ["containerd"], "/etc/containerd/certs.d"),
        ([f"/etc/containerd/certs.d/{IP}/x"], ["docker", "containerd"], "/etc/containerd/certs.d"),
        (["/etc/containerd/certs.d/_default/hosts.toml"], ["docker", "containerd"], "/etc/containerd/certs.d"),
        ([f"/etc/docker/certs.d/{IP}/x"], ["containerd"], "/etc/docker/certs.d"),
    ],
)
def test_of_several_directories_that_one_is_used_which_containerd_reads(
    node: Node, there: list[str], asked: list[str], path: str
) -> None:
    node.add(CONFIG, V2 + 'config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"')
    for name in there:
        node.add(name)
    (found,) = [folder for folder, names in node.directories(*asked).items() if "containerd" in names]
    assert found == f"{path}/{IP}"


@pytest.mark.parametrize("engine", ["podman", "crio"])
def test_podman_and_crio_read_docker_s_directory_where_they_have_none_of_their_own(node: Node, engine: str) -> None:
    assert node.engines(engine)[0].roots == ["/etc/containers/certs.d", "/etc/docker/certs.d"]
    assert node.directories(engine) == {f"/etc/containers/certs.d/{IP}": [engine]}
    node.add(f"/etc/docker/certs.d/{IP}/ca.crt")
    assert node.directories(engine) == {f"/etc/docker/certs.d/{IP}": [engine]}
    assert node.directories("docker", engine) == {f"/etc/docker/certs.d/{IP}": ["docker", engine]}
    assert node.places(engine) == {f"/etc/containers/certs.d/{IP}": [engine]}
    (node.root / f"etc/containers/certs.d/{IP}").mkdir(parents=True)
    assert node.directories(engine) == {f"/etc/containers/certs.d/{IP}": [engine]}  # empty, and read all the same
    assert node.directories(engine, endpoint="a.example.com") == {"/etc/containers/certs.d/a.example.com": [engine]}


@pytest.mark.parametrize(("target", "root"), [("certs", "containers"), ("nowhere", "docker")])
def test_a_link_is_a_directory_for_podman_where_it_leads_to_one(node: Node, target: str, root: str) -> None:
    node.add(f"/etc/docker/certs.d/{IP}/ca.crt")
    node.add("/etc/containers/certs/ca.crt")
    (node.root / "etc/containers/certs.d").mkdir()
    (node.root / f"etc/containers/certs.d/{IP}").symlink_to(node.root / "etc/containers" / target)
    assert node.directories("podman") == {f"/etc/{root}/certs.d/{IP}": ["podman"]}


def test_a_directory_that_is_hidden_from_podman_is_read_by_others_alone(node: Node) -> None:
    def read(*asked: str) -> list[bool]:
        engines = node.engines(*asked)
        roots = ("/etc/containers/certs.d", "/etc/docker/certs.d")
        return [which_engines.is_read(engines, root, IP, node.tree.exists) for root in roots]

    assert read("podman", "crio") == [True, True]
    node.add(f"/etc/containers/certs.d/{IP}/ca.crt")
    assert read("podman", "crio") == [True, False]
    assert read("docker", "podman") == [True, True]
    assert read("docker") == [False, True]


def test_containerd_prefers_its_own_spelling_of_a_port(node: Node) -> None:
    node.add(CONFIG, V2 + 'config_path = "/etc/containerd/certs.d"')
    node.add("/etc/containerd/certs.d/172.30.124.220_5000_/hosts.toml")
    assert list(node.directories()) == ["/etc/containerd/certs.d/172.30.124.220_5000_"]
    assert list(node.directories(endpoint="a.example.com")) == ["/etc/containerd/certs.d/a.example.com"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ('ca = "/c/ca.crt"', ""),
        ('ca = ["other.crt", "ca.crt"]', ""),
        (f'server = "https://{IP}"\n[host."https://{IP}"]\nca = "/c/ca.crt"', ""),
        (f'server = "https://{IP}"', "containerd reads it in the place of the CA beside it; write ca ="),
        ('[host."https://mirror:1"]\nca = "/c/ca.crt"', "is not ours"),
        ("[host.", "cannot be read as TOML"),
    ],
)
def test_a_hosts_toml_of_somebody_else_is_fine_only_where_it_names_the_ca(text: str, said: str) -> None:
    found = containerd.hosts_problem("/c/hosts.toml", text.encode(), IP, "/c/ca.crt")
    assert said in found
    assert bool(said) == bool(found)

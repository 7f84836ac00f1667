# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that has files alone, for what is read of them about its engines."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.okd.registry.plugins.module_utils._node import containerd, files, systemd, which_engines

IP = "172.30.124.220:5000"


class Node:
    """A node's files below a directory, and what its engines are told to read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("etc", "var/lib", "usr/bin"):
            (root / folder).mkdir(parents=True)
        self.tree = files.Tree(str(root))

    def add(self, path: str, text: str = "") -> None:
        """Write a file with the directories above it."""
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)

    def engines(self, *asked: str) -> list[which_engines.Engine]:
        """Find engines."""
        return which_engines.find(list(asked) or ["auto"], self.tree, systemd.NO_UNIT)

    def names(self, *asked: str) -> list[str]:
        """Name what is found."""
        return [engine.name for engine in self.engines(*asked)]

    def directories(self, *asked: str, endpoint: str = IP) -> dict[str, list[str]]:
        """Say which directories are read for an endpoint."""
        return which_engines.directories(self.engines(*asked), endpoint, self.tree.look, self.tree.exists)

    def places(self, *asked: str) -> dict[str, list[str]]:
        """Say which directories a CA is placed in for an endpoint."""
        return which_engines.to_place(self.engines(*asked), IP, self.tree.look)

    def install(self, version: str) -> None:
        """Install a containerd of a version, which notes that it was asked."""
        note = f"echo asked >> {self.root}/asked"
        self.add("/usr/bin/containerd", f"#!/bin/sh\n{note}\necho 'containerd {version} abc'\n")
        (self.root / "usr/bin/containerd").chmod(0o755)

    def run_pods(self, site: containerd.Site) -> None:
        """Have the kubelet run a pod with a containerd."""
        self.add(site.pods + "/abc/pid")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written has its SELinux context before it is seen; the policy and the kernel's attribute are played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, selinux
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

PATH = "/etc/docker/certs.d/h:5000/ca.crt"
POLICY = ["system_u", "object_r", "cert_t", "s0"]


class Policy:
    """As much of an AnsibleModule as is asked; contexts are kept by inode, as they go with a file that is renamed."""

    def __init__(self, root: Path) -> None:
        self.root, self.given, self.labels = root, [], {}  # type: Path, list[tuple[str, str, bytes]], dict[int, str]
        self.special = False
        self.fails = False

    def selinux_default_context(self, path: str) -> list[str | None]:
        return [*POLICY] if path.startswith(str(self.root / "etc")) and "/." not in path else [None] * 4

    def set_context_if_different(self, path: str, context: list[str], _changed: bool) -> bool:
        if self.fails:
            raise SystemExit(1)  # as fail_json() does
        final = self.root / PATH[1:]
        self.given.append((path, ":".join(context), final.read_bytes() if final.exists() else b""))
        self.labels[Path(path).stat().st_ino] = ":".join(context)
        return True

    def is_special_selinux_path(self, _path: str) -> tuple[bool, Any]:
        return self.special, None

    def getxattr(self, path: str, name: str, *, follow_symlinks: bool) -> bytes:
        assert (name, follow_symlinks) == ("security.selinux", False)
        label = self.labels.get(Path(path).lstat().st_ino)
        if label is None:
            raise OSError(95, "not supported")
        return label.encode() + b"\0"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    (tmp_path / PATH[1:]).parent.mkdir(parents=True)
    made = Policy(tmp_path)
    monkeypatch.setattr(selinux.os, "getxattr", made.getxattr)
    return made


@pytest.fixture
def tree(policy: Policy) -> files.Tree:
    return files.Tree(str(policy.root), contexts=selinux.Contexts(policy))


def test_a_file_has_the_context_of_its_final_path_before_it_is_there(policy: Policy, tree: files.Tree) -> None:
    """A run that is killed leaves the old file or the new one, and never one with the context of a temporary file."""
    (policy.root / PATH[1:]).write_bytes(b"old")
    tree.write(PATH, b"new")
    temporary = str((policy.root / PATH[1:]).with_name(".ca.crt.okd-registry"))
    assert policy.given == [(temporary, ":".join(POLICY), b"old")]
    assert (policy.root / PATH[1:]).read_bytes() == b"new"
    assert tree.look(PATH).context == ""


def test_a_context_that_cannot_be_given_leaves_what_was_there_and_nothing_else(
    policy: Policy, tree: files.Tree
) -> None:
    (policy.root / PATH[1:]).write_bytes(b"old")
    policy.fails = True
    with pytest.raises((SystemExit, NodeError)):
        tree.write(PATH, b"new")
    folder = (policy.root / PATH[1:]).parent
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"ca.crt": b"old"}


def test_a_directory_gets_its_own(policy: Policy, tree: files.Tree) -> None:
    tree.make_directory("/etc/docker/certs.d/new:1")
    path = str(policy.root / "etc/docker/certs.d/new:1")
    assert [one[:2] for one in policy.given] == [(path, ":".join(POLICY))]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("system_u:object_r:tmp_t:s0", "SELinux type tmp_t instead of cert_t"),
        ("unconfined_u:object_r:cert_t:s0", ""),
        ("system_u:object_r:cert_t:s0:c1,c2", ""),
        (None, ""),
        ("?", ""),
    ],
    ids=["another type", "another user", "another level", "no SELinux there", "no context"],
)
def test_only_another_type_is_wrong(policy: Policy, tree: files.Tree, label: str | None, said: str) -> None:
    (policy.root / PATH[1:]).write_bytes(b"x")
    if label is not None:
        policy.labels[(policy.root / PATH[1:]).stat().st_ino] = label
    assert tree.look(PATH).context == said
    policy.special = True
    assert tree.look(PATH).context == ""


def test_where_the_policy_says_nothing_of_a_path_nothing_is_wrong(policy: Policy, tree: files.Tree) -> None:
    path = policy.root / "var/lib/x"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    policy.labels[path.stat().st_ino] = "system_u:object_r:tmp_t:s0"
    assert tree.look("/var/lib/x").context == ""

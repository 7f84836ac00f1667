# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the storage is one that the pods can share, and may write to."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._build.claim import SHARED
from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding, Workload
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.workload import STORAGE_FIX

_OWN = {"ephemeral": "an emptyDir", "host_path": "a directory of its node"}


def shared(facts: Facts) -> Iterator[Finding]:
    """Several pods need storage that they can share."""
    load = facts.workload
    if load is None or load.replicas < 2:
        return
    if load.storage == "pvc" and facts.modes and SHARED.isdisjoint(facts.modes):
        fewer, command = _one_pod(load)
        yield Finding(
            "rwo_replicas",
            f"{load.ref} asks for {load.replicas} pods, and claim {load.claim} ({', '.join(facts.modes)}) can be "
            "mounted by one node only",
            f"{fewer}, or take a claim with ReadWriteMany (registry_storage); then deploy again",
            command,
            object=load.ref,
        )
    elif load.storage in _OWN:
        fewer, command = _one_pod(load)
        yield Finding(
            "storage_not_shared",
            f"{load.ref} asks for {load.replicas} pods, and each has {_OWN[load.storage]}: pulls find images by chance",
            f"take storage that all share (registry_storage), or {fewer}, which loses what only the others have "
            "(registry_allow_data_loss=true); then deploy again",
            command,
            object=load.ref,
        )


def _one_pod(load: Workload) -> tuple[str, str]:
    """What makes it one pod, and the command; a DaemonSet asks for no number of them, and is guarded against."""
    if load.kind == "DaemonSet":
        return "choose one node (registry_node_selector, with replicas in registry_ignore_guards)", play("deploy")
    return "ask for one pod", play("deploy", registry_replicas="1")


def writable(facts: Facts) -> Iterator[Finding]:
    """Every pod may write where the images are."""
    for one in facts.writable:
        for said in one.said:
            yield Finding(
                "storage_permission", f"pod {one.pod}: {said}", STORAGE_FIX,
                object=facts.workload.ref if facts.workload else None,
            )  # fmt: skip


RULES = (shared, writable)

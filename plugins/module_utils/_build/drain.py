# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods leave a Node before its docker is restarted, and which stand in the way. Pure.

The rules are those of ``kubectl drain --ignore-daemonsets``: DaemonSets' pods would come back at once and static pods
cannot be evicted, so both stay; a pod that nobody would make anew, or that would lose the content of an emptyDir, goes
only where that was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_MIRROR = "kubernetes.io/config.mirror"
_FINISHED = ("Succeeded", "Failed")

Object = dict[str, Any]


@dataclass(frozen=True)
class Allowed:
    """What a drain may do.

    :param emptydir: let the content of emptyDir volumes go.
    :param unmanaged: let pods go that no controller makes anew.
    :param keep: pods (``namespace/name``) that stay, whatever they are.
    """

    emptydir: bool = False
    unmanaged: bool = False
    keep: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """What there is to evict (in order), and why it cannot be done (sentences, in which case nothing is evicted)."""

    evict: list[Object]
    problems: list[str]


def name_of(pod: Object) -> str:
    """``namespace/name``."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def plan(pods: Iterable[Object], allowed: Allowed) -> Plan:
    """Sort the pods of one Node."""
    going = sorted((pod for pod in pods if _goes(pod, allowed)), key=name_of)
    bare = [name_of(pod) for pod in going if _controller(pod) is None]
    scratch = [name_of(pod) for pod in going if _has_emptydir(pod)]
    problems = []
    if bare and not allowed.unmanaged:
        problems.append(
            f"no controller would make {', '.join(bare)} anew: delete them, or say force=true to lose them"
        )
    if scratch and not allowed.emptydir:
        problems.append(
            f"{', '.join(scratch)} would lose what they keep in an emptyDir: say delete_emptydir_data=true if that may "
            "be lost"
        )
    return Plan(going, problems)


def eviction(pod: Object, api_version: str, grace: int | None) -> dict[str, Any]:
    """The Eviction of one pod, of this very one and no namesake.

    :param api_version: ``policy/v1``, or ``policy/v1beta1`` on older clusters.
    :param grace: seconds to end in; None for the pod's own.
    """
    meta = pod["metadata"]
    options: dict[str, Any] = {"preconditions": {"uid": meta["uid"]}}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    return {
        "apiVersion": api_version,
        "kind": "Eviction",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        "deleteOptions": options,
    }


def _goes(pod: Object, allowed: Allowed) -> bool:
    static = _MIRROR in (pod["metadata"].get("annotations") or {})
    finished = (pod.get("status") or {}).get("phase") in _FINISHED
    daemon = (_controller(pod) or {}).get("kind") == "DaemonSet"
    return not (static or finished or daemon or name_of(pod) in allowed.keep)


def _controller(pod: Object) -> Mapping[str, Any] | None:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _has_emptydir(pod: Object) -> bool:
    return any("emptyDir" in volume for volume in pod["spec"].get("volumes") or [])

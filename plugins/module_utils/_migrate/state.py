# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a migration is, kept in a ConfigMap: what a run that comes after a kill goes on from. Pure.

Each step is noted before it is taken, never after: what was noted and not done is done again, which does no harm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

#: Label of the pods that have the new storage, and, while the door is closed, in the Service's selector. It stays in
#: the pod template (to take it away would be a rollout) and says nothing any more once the selector is put back.
LABEL = "okd.registry/storage"
#: The variable that makes a registry refuse pushes (405) and go on with pulls.
READ_ONLY = "REGISTRY_STORAGE_MAINTENANCE_READONLY"
READ_ONLY_VALUE = '{"enabled":true}'
COPYING, CLOSING, CLOSED, PROVED = "copying", "closing", "closed", "proved"
PHASES = (COPYING, CLOSING, CLOSED, PROVED)
#: Doors: how pushes are kept out while the last files are copied.
SERVICE, READ_ONLY_DOOR, NO_DOOR = "service", "readonly", "none"
_KEY = "state"


@dataclass(frozen=True)
class State:
    """One migration, from one volume to another.

    :param id: tells it from other migrations of the same registry.
    :param source: the volume source that the live pods keep images in.
    :param target: the volume source asked for.
    :param started: when, in seconds since 1970; likewise ``closing`` and ``closed``, 0 while not.
    :param closed_seconds: for how long pushes were refused by earlier attempts.
    :param door: one of SERVICE, READ_ONLY_DOOR, NO_DOOR; "" while it is open.
    :param services: Services of the namespace whose selectors have the label.
    :param pods: of the pods whose own volumes are copied: uid -> id of the container that took pushes.
    :param read_only: the variable as somebody had set it before, as JSON; "" where it was not there.
    :param passes: how often the bulk copy has found nothing left.
    :param stuck: how many steps have copied nothing.
    :param lacking: a fingerprint of what was still to be copied at the last look.
    :param copied_from: uids of pods with volumes of their own, or names of nodes, from which files have been copied.
    :param run: who goes on with it. Of a run that is killed, parts live on for a while (Ansible's worker processes have
        sessions of their own); they stop when they find another one here.
    """

    id: str
    source: Mapping[str, Any]
    target: Mapping[str, Any]
    started: float = 0.0
    phase: str = COPYING
    door: str = ""
    closing: float = 0.0
    closed: float = 0.0
    closed_seconds: float = 0.0
    services: tuple[str, ...] = ()
    pods: Mapping[str, str] = field(default_factory=dict)
    read_only: str = ""
    passes: int = 0
    relay: bool = False
    stuck: int = 0
    lacking: str = ""
    totals: Mapping[str, int] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    copied_from: tuple[str, ...] = ()
    run: str = ""

    @property
    def label(self) -> dict[str, str]:
        """The label of the pods that have the new storage."""
        return {LABEL: self.id}

    def is_for(self, source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
        """Whether it is between these two."""
        return same(self.source, source) and same(self.target, target)

    def with_(self, **changes: Any) -> State:
        """The same with some fields changed."""
        return replace(self, **changes)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two volume sources are the same storage, whatever defaults the API filled in."""
    return identity(one) == identity(other)


def identity(source: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Kind of a volume source and what of it says where the files are."""
    kind = next(iter(source), "emptyDir")
    parts = {
        "emptyDir": (), "persistentVolumeClaim": ("claimName",), "nfs": ("server", "path"), "hostPath": ("path",),
    }  # fmt: skip
    content = source.get(kind) or {}
    names = parts.get(kind, tuple(sorted(content)))
    found = ((name, content.get(name)) for name in names)
    return kind, tuple((k, v.rstrip("/") if isinstance(v, str) else json.dumps(v, sort_keys=True)) for k, v in found)


def new(source: Mapping[str, Any], target: Mapping[str, Any], *, uid: str, now: float) -> State:
    """A migration that begins.

    :param uid: of the workload.
    :param now: seconds since 1970.
    """
    text = json.dumps([identity(source), identity(target), uid, now])
    return State(hashlib.sha256(text.encode()).hexdigest()[:10], dict(source), dict(target), started=now)


def ref(name: str, namespace: str) -> ObjectRef:
    """The ConfigMap."""
    return ObjectRef("v1", "ConfigMap", f"{name}-migration", namespace)


def config_map(state: State, name: str, namespace: str) -> dict[str, Any]:
    """The ConfigMap as it is to be."""
    where = ref(name, namespace)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": where.name, "namespace": namespace, "labels": {"okd.registry/migration": name}},
        "data": {_KEY: json.dumps(asdict(state), sort_keys=True)},
    }


def read(live: Mapping[str, Any] | None) -> State | None:
    """The migration in a ConfigMap; None where there is none, or none that can be read."""
    try:
        content = json.loads(((live or {}).get("data") or {})[_KEY])
        known = {one.name: content[one.name] for one in fields(State) if one.name in content}
        for name in ("services", "damaged", "copied_from"):
            known[name] = tuple(known.get(name) or ())
        found = State(**known)
    except (KeyError, ValueError, TypeError):
        return None
    return found if found.phase in PHASES else None


def described(source: Mapping[str, Any]) -> str:
    """A volume source in words."""
    kind, parts = identity(source)
    values = dict(parts)
    if kind == "emptyDir":
        return "the pods themselves (emptyDir)"
    if kind == "persistentVolumeClaim":
        return f"claim {values['claimName']}"
    if kind == "nfs":
        return f"NFS {values['server']}:{values['path'] or '/'}"
    if kind == "hostPath":
        return f"the directory {values['path']} of its node"
    return f"a volume of kind {kind}"

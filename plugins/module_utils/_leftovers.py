# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects beside the workload that no feature asks for any more: found by their names, taken away if they are ours.

Found by name and not by what the workload refers to, so that one which a killed run has left is found too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _settings
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us, owns
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]


def find(registry: Registry, wanted: Iterable[ObjectRef], api: Api) -> list[Object]:
    """What is there, ours, and not wanted."""
    keep = set(wanted)
    found = [api.get(ref) for ref in _settings.possible(registry) if ref not in keep]
    return [one for one in found if one is not None and has_ours(one)]


def has_ours(live: Object | None, owner: str = "") -> bool:
    """Whether anything that a Secret or ConfigMap holds is ours. :param owner: see ``_plan.annotation_for``."""
    if live is None or not owned_by_us(live, owner):
        return False
    return any(owns(live, "data", key, owner=owner) for key in live.get("data") or {})


def remove(found: Iterable[Object], api: Api, result: Result, *, check_mode: bool, owner: str = "") -> None:
    """Take them away; one in which others have something too stays with that."""

    def only_ours(live: Object) -> bool:
        held = {**(live.get("data") or {}), **(live.get("binaryData") or {})}
        return all(owns(live, "data", key, owner=owner) for key in held)

    for one in found:
        ref = ObjectRef.of(one)
        outcome = ensure_absent(
            api, ref, check_mode=check_mode, live=one, keep=lambda now: None if only_ours(now) else ""
        )
        if outcome.live is not None and not only_ours(outcome.live):
            bare = _without_ours(outcome.live)
            outcome = ensure(api, ref, bare, check_mode=check_mode, live=outcome.live, owner=owner)
        result.add(outcome)


def _without_ours(live: Object) -> Object:
    meta = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
    kind = {"type": live["type"]} if "type" in live else {}  # that of a Secret cannot be changed
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": meta, **kind}

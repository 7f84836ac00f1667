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


def has_ours(live: Object | None) -> bool:
    """Whether anything that a Secret or ConfigMap holds is ours."""
    return live is not None and owned_by_us(live) and any(owns(live, "data", key) for key in live.get("data") or {})


def remove(found: Iterable[Object], api: Api, result: Result, *, check_mode: bool) -> None:
    """Take them away; one in which others have something too stays with that."""
    for one in found:
        ref = ObjectRef.of(one)
        held = {**(one.get("data") or {}), **(one.get("binaryData") or {})}
        if all(owns(one, "data", key) for key in held):
            result.add(ensure_absent(api, ref, check_mode=check_mode, live=one))
        else:
            result.add(ensure(api, ref, _without_ours(one), check_mode=check_mode, live=one))


def _without_ours(live: Object) -> Object:
    meta = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
    kind = {"type": live["type"]} if "type" in live else {}  # that of a Secret cannot be changed
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": meta, **kind}

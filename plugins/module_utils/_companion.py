# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that a registry's pod needs beside it (a Secret, a ConfigMap, a claim): read with it, written before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import UNREAD, Builder, Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]


@dataclass(frozen=True)
class Companion:
    """An object beside the workload.

    :param desired: from the live object (None if absent) to the wanted one.
    :param owner: see ``_plan.annotation_for``; for objects that several registries share.
    :param identity: what of the finished object pods read only at their start, as a text without secret bytes; None
        for objects whose change needs no new pods.
    """

    ref: ObjectRef
    desired: Builder
    owner: str = ""
    identity: Callable[[Mapping[str, Any]], str] | None = None


def read(companions: Iterable[Companion], api: Api) -> dict[ObjectRef, Object | None]:
    """The live objects."""
    return {one.ref: api.get(one.ref) for one in companions}


def checksums(companions: Iterable[Companion], there: Mapping[ObjectRef, Object | None]) -> dict[str, str]:
    """For the pod's checksum: the identity of each object as it will be, by kind and name."""
    found = {}
    for one in companions:
        if one.identity:
            live = there.get(one.ref)
            found[f"{one.ref.kind}/{one.ref.name}"] = one.identity(
                plan(live, one.desired(live), owner=one.owner).after or {}
            )
    return found


def write(
    companions: Iterable[Companion],
    there: Mapping[ObjectRef, Object | None],
    api: Api,
    result: Result,
    *,
    check_mode: bool,
) -> dict[ObjectRef, Outcome]:
    """Make each be as wanted, in order. What became of each."""
    found = {}
    for one in companions:
        live = present(there.get(one.ref))
        outcome = ensure(api, one.ref, one.desired, check_mode=check_mode, live=live, owner=one.owner)
        found[one.ref] = result.add(outcome)
    return found


def present(live: Object | None) -> Any:
    """For ``ensure``: a live object, unless it is on its way out and has to be waited for."""
    going = ((live or {}).get("metadata") or {}).get("deletionTimestamp")
    return UNREAD if going else live

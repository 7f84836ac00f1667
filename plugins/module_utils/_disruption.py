# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PodDisruptionBudget beside a registry: made, changed, and taken away again where it was made for the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import pdb
from ansible_collections.okd.registry.plugins.module_utils._build.rbac import CREATED_FOR, created_for
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, OptionError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import UPDATED, Change, plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]
_WHOLE = "policy/v1beta1"  # before Kubernetes 1.15 the spec of one that exists cannot be changed


@dataclass(frozen=True)
class Disruption:
    """The object's name, None where the cluster has no such kind, and what there is of it."""

    ref: ObjectRef | None = None
    live: Object | None = None


def ref(registry: Registry, api: Api) -> ObjectRef | None:
    """Where the object of a registry is: in the newest version that the cluster has; None where it has none."""
    version = next((one for one in pdb.API_VERSIONS if api.has(one)), None)
    return ObjectRef(version, pdb.KIND, registry.name, registry.namespace) if version else None


def read(registry: Registry, budget: pdb.Budget | None, api: Api) -> Disruption:
    """What there is. Who asks for no budget needs no rights on any."""
    where = ref(registry, api)
    if where is None:
        if budget:
            raise OptionError(
                "pod_disruption_budget",
                str(budget),
                f"cannot be had here: no {' or '.join(pdb.API_VERSIONS)} is served",
            )
        return Disruption()
    try:
        return Disruption(where, api.get(where))
    except ForbiddenError:
        if budget:
            raise
        return Disruption(where)


def write(
    found: Disruption,
    registry: Registry,
    budget: pdb.Budget | None,
    api: Api,
    result: Result,
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    check_mode: bool,
) -> None:
    """Make it be as asked for.

    :param selector: of the workload.
    """
    if found.ref is None:
        return
    if budget is None:
        take_away(found.ref, registry, api, result, live=found.live, check_mode=check_mode)
        return
    where, live = found.ref, found.live

    def wanted(now: Object | None) -> Object:
        return desired(where, registry, budget, labels=labels, selector=selector, live=now)

    if must_be_made_anew(where, plan(live, wanted(live))):
        result.add(ensure_absent(api, where, check_mode=check_mode, live=live))
        live = None
    result.add(ensure(api, where, wanted, check_mode=check_mode, live=live))


def must_be_made_anew(where: ObjectRef, change: Change) -> bool:
    """Whether the API would refuse a change of an object that is there."""
    spec = any(field.startswith("spec") for field in change.fields)
    return (where.kind, where.api_version) == (pdb.KIND, _WHOLE) and change.action == UPDATED and spec


def desired(
    where: ObjectRef,
    registry: Registry,
    budget: pdb.Budget,
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    live: Mapping[str, Any] | None = None,
) -> Object:
    """The object, marked as ours where it was not there before us."""
    made = pdb.desired(
        where.api_version, registry.name, registry.namespace, budget, labels=labels, selector=selector, live=live
    )
    marks = created_for(str(registry), live)
    if marks:
        made["metadata"]["annotations"] = marks
    return made


def take_away(
    where: ObjectRef, registry: Registry, api: Api, result: Result, *, live: Object | None, check_mode: bool
) -> None:
    """Delete it if it was made for this registry."""
    mark = (((live or {}).get("metadata") or {}).get("annotations") or {}).get(CREATED_FOR)
    if live is not None and mark == str(registry):
        result.add(ensure_absent(api, where, check_mode=check_mode, live=live))

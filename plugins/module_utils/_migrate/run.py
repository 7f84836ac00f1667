# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_migrate does: one step of a migration, its end after the switch, or its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ConflictError,
    ExecError,
    KindNotServedError,
    NotFoundError,
    ServerError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import pending, state, switch
from ansible_collections.okd.registry.plugins.module_utils._migrate.steps import Ask, Steps, taken_over
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._options import storage
from ansible_collections.okd.registry.plugins.module_utils._result import Result


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work; its return value. Errors that may pass when it is tried again say so (``passing``)."""
    try:
        return _run(params, api, check_mode=check_mode)
    except (UnreachableError, ServerError, ConflictError) as exc:
        exc.details["passing"] = True
        raise
    except (NotFoundError, ExecError) as exc:  # a pod that has just gone, or restarts
        if not isinstance(exc, KindNotServedError) and "code" not in exc.details:
            exc.details["passing"] = True
        raise


def _run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    registry, result = Registry.from_params(params), Result(api)
    ref, workload = _find(params["kind"], registry, api)
    if params["state"] != "copied":
        left = _after(params, ref, workload, api, result, check_mode=check_mode)
        return {**_answer(result, ref), "leftovers": left, "migration": None}
    template = params.get("template")
    nodes = ((template or {}).get("spec") or {}).get("nodeSelector")
    wanted = storage.from_params({**params, "node_selector": nodes})
    ask = Ask(
        registry, ref, workload, wanted, template, params.get("helper_image") or "", params["seconds"],
        params.get("run") or "", params.get("take_over") is not False,
    )  # fmt: skip
    todo = Steps(api, ask, result)
    why = todo.idle()
    if why:
        result.note(why)
        return {**_answer(result, ref), "migration": {"needed": False, "done": True, "line": why}}
    if check_mode:
        noted, way, _seen = todo.look()
        result.note(f"Images would be copied {way.words}.")
        done = noted is not None and not switch.unproven(api, ref, workload or {}, wanted.source(), noted)
        told = {"needed": True, "done": done, "line": f"to be copied {way.words}", "phase": noted and noted.phase}
        return {**_answer(result, ref, changed=not done), "migration": told}
    before = pending.read(api, registry.name, registry.namespace)
    told = todo.step()
    settled = told["done"] and before is not None and before.phase == told["phase"] and not api.wrote
    return {**_answer(result, ref, changed=not settled), "migration": {"needed": True, **told}}


def _answer(result: Result, ref: ObjectRef, changed: bool | None = None) -> dict[str, Any]:
    value = {"name": ref.name, "namespace": ref.namespace}
    return result.finish(registry=value, changed=result.changed if changed is None else changed)


def _after(
    params: Mapping[str, Any],
    ref: ObjectRef,
    workload: dict[str, Any] | None,
    api: Api,
    result: Result,
    *,
    check_mode: bool,
) -> bool:
    if params["state"] == "finished":
        return switch.finish(api, ref, workload, result, check_mode=check_mode) if workload else False
    noted = pending.read(api, ref.name, ref.namespace or "")
    if params.get("run") and noted and noted.run != params["run"]:
        raise taken_over(state.ref(ref.name, ref.namespace or ""))
    if workload:
        switch.undo(api, ref, workload, result, check_mode=check_mode, keep=True)
    else:
        switch.forget(api, ref, result, check_mode=check_mode)
    return False


def _find(kind: str, registry: Registry, api: Api) -> tuple[ObjectRef, dict[str, Any] | None]:
    """The workload there is. Without one, a reference that nothing is done with."""
    kinds = build.served(api.has) if kind == "auto" else [kind]
    ref = build.ref(kinds[0], registry.name, registry.namespace)
    for one in kinds:
        ref = build.ref(one, registry.name, registry.namespace)
        live = api.get(ref)
        if live:
            return ref, live
    return ref, None

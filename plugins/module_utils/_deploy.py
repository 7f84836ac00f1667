# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does: read everything, refuse what would break, then write what the pod needs and the workload.

Each object is read once and written at most once. The workload comes last and in one write, so that there is one
rollout, which finds all that the pod needs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import (
    _accounts,
    _before,
    _companion,
    _disruption,
    _endpoints,
    _leftovers,
    _moving,
    _observe,
    _settings,
    _storage,
    _tryout,
    _wait,
)
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import accounts, layout, layouts, place, rbac, secrets
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import (
    Live,
    own_http_secret,
    read,
    wanted,
)
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, OptionError
from ansible_collections.okd.registry.plugins.module_utils._guards import guard, guard_again
from ansible_collections.okd.registry.plugins.module_utils._guards_storage import Seen
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._options.settings import check_config
from ansible_collections.okd.registry.plugins.module_utils._plan import UNCHANGED, Change, plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work with state present; its return value."""
    spec = DeploySpec.from_params(params, planned=check_mode)
    if not spec.image:
        raise OptionError("image", params.get("image"), f"is required with state: {params.get('state')}")
    spec = spec.with_images(api)
    result = Result(api)
    spec = _resolved(spec, params, api, result, check_mode)
    live = read(spec, api, check_mode=check_mode)
    if _moving.give_up(spec, live, api, result, check_mode=check_mode):
        live = replace(read(spec, api, check_mode=check_mode), migration=None)
    service = _service(live, check_mode)
    spec = replace(spec, settings=_settings.with_hosts(spec.settings, service, params, live.workload))
    overridden = guard(spec, live, result, check_mode=check_mode, api=api)
    why = _moving.unproven(spec, live, api)
    beside, there = _beside(spec, live, api, check_mode)
    past = _before.read(spec.registry, api)
    waits = params.get("wait") is not False and not check_mode
    if spec.rolls_back and waits:
        past = _before.keep_what_changes(spec, live, beside, there, past, api)
    first = [one for one in beside if one.ref.kind in _tryout.NEEDED]
    written = _companion.write(first, there, api, result, check_mode=check_mode)
    tried, ignored = _tryout.run(
        spec, live, Seen.of(spec, live).change.after or {}, [(one, written[one.ref]) for one in first], api, result,
        check_mode=check_mode,
    )  # fmt: skip
    rest = [one for one in beside if one.ref not in written]
    written |= _companion.write(rest, there, api, result, check_mode=check_mode)
    _disruption.write(
        live.disruption, spec.registry, spec.pod.budget, api, result, check_mode=check_mode,
        labels=spec.labels, selector=spec.selector or layout.selector(live.workload) or spec.labels,
    )  # fmt: skip
    want = wanted(spec, live, _http_identity(spec, live, written))
    planned = plan(live.workload, build.desired(want, live.workload)).after or {}
    if why and not check_mode:
        return _before_it_moves(spec, live, planned, why, result, params)
    if why:
        result.note(f"Would copy the images first: {why}.")
    outcome = ensure(
        api, build.ref(live.kind, spec.registry.name, spec.registry.namespace),
        lambda now: build.desired(want, guard_again(spec, live, now, api, result, check_mode=check_mode)),
        check_mode=check_mode, live=_companion.present(live.workload),
    )  # fmt: skip
    result.add(outcome)
    later = params.get("wait") is False or not check_mode
    leftovers = _leave(spec, live, want, outcome, beside, past, api, result, later=later, check_mode=check_mode)
    value = _finish(spec, live, outcome, result, params, check_mode)
    seen = layouts.recognise(live.workload, file=live.storage.file)
    objects = {"objects": result.objects()} if check_mode else {}
    ran = {"guards": [*overridden, *ignored], "probe": tried, "leftovers": leftovers, "layout": seen.as_dict()}
    return {**value, **ran, **objects, "migration": None, **_moving.aside(live, outcome.live)}


def _leave(
    spec: DeploySpec,
    live: Live,
    want: build.Workload,
    outcome: Outcome,
    beside: list[Companion],
    past: dict[str, Any] | None,
    api: Api,
    result: Result,
    *,
    later: bool,
    check_mode: bool,
) -> bool:
    """Take back what the workload has no use for any more. True where that is to be done later.

    Until the new pods serve, the old ones, and a rollback to them, need what they had: then the action plugin, which
    waits, calls the module again, or, with wait: false, the user does.

    :param later: whether there is a later; the plan of a run that waits holds what is done at its end.
    """
    left = _leftovers.find(spec.registry, [one.ref for one in beside], api)
    former = accounts.noted(outcome.live)
    unbound = live.binding if live.role is None and rbac.made_for(live.binding, str(spec.registry)) else None
    some = [*left, *former, past, unbound, live.migration, _storage.has_leftovers(live.storage, spec.registry)]
    if any(some) and later and (outcome.changed or not _serves(outcome, api)):
        return True
    _leftovers.remove(left, api, result, check_mode=check_mode)
    _storage.take_back(live.storage, spec.registry, api, result, check_mode=check_mode)
    if past and not outcome.changed:
        _leftovers.remove([past], api, result, check_mode=check_mode)
    if unbound:
        # Who binds nothing need not have the right to take it away; the preflight says that it would help.
        with contextlib.suppress(ForbiddenError):
            users = _accounts.other_users(spec.registry, api)
            _accounts.drop_binding(
                spec.service_account, spec.registry, users, api, result, check_mode=check_mode, live=unbound
            )
    moving = _moving.finish(spec, live, outcome.live or {}, api, result, check_mode=check_mode)
    # After the former state was forgotten: going back to it takes the account that it has.
    return bool(former and _leave_accounts(spec, live, want, outcome, api, result, check_mode=check_mode)) or moving


def _leave_accounts(
    spec: DeploySpec, live: Live, want: build.Workload, outcome: Outcome, api: Api, result: Result, *, check_mode: bool
) -> bool:
    """Take away what is left of accounts of before, then their note. True while pods run as one of them."""
    former = accounts.noted(outcome.live)
    if not check_mode and _accounts.still_serve(former, outcome.live, api):
        return True
    _accounts.leave(former, spec.registry, api, result, check_mode=check_mode)
    bare = replace(want, leaves_accounts=True)

    def desired(now: dict[str, Any] | None) -> dict[str, Any]:
        # What a check run has planned was judged already.
        judged = now if check_mode else guard_again(spec, live, now, api, result, check_mode=check_mode)
        return build.desired(bare, judged)

    result.add(ensure(api, outcome.ref, desired, check_mode=check_mode, live=outcome.live))
    return False


def _before_it_moves(
    spec: DeploySpec, live: Live, planned: Mapping[str, Any], why: str, result: Result, params: Mapping[str, Any]
) -> dict[str, Any]:
    """What the new storage needs is there, the workload is as it was: now the action plugin has the images copied."""
    unchanged = Change(UNCHANGED, before=live.workload, after=live.workload)
    outcome = Outcome(_moving.ref(spec, live), unchanged, live.workload)
    value = _finish(spec, live, outcome, result, params, check_mode=False)
    return {**value, "migration": _moving.task(spec, live, planned, why)}


def _resolved(spec: DeploySpec, params: Mapping[str, Any], api: Api, result: Result, check_mode: bool) -> DeploySpec:
    """With the content of the objects that options name, checked as the options are."""
    found = _settings.resolve(spec.settings, spec.registry.namespace, api, result, check_mode=check_mode)
    if found.config:
        check_config(found.config, params)
    return replace(spec, settings=found)


def _service(live: Live, check_mode: bool) -> dict[str, Any] | None:
    """The Service; in check mode, one that is still to be made has an address that is not known yet."""
    planned = {"spec": {"clusterIP": KNOWN_AFTER_APPLY}} if check_mode else None
    return live.service or planned


def _beside(
    spec: DeploySpec, live: Live, api: Api, check_mode: bool
) -> tuple[list[Companion], dict[ObjectRef, dict[str, Any] | None]]:
    """All objects beside the workload, in the order in which they are needed, and what there is of them."""
    found, there = [], dict(live.companions)
    account = _account(spec)
    found.append(account)
    there[account.ref] = api.get(account.ref)
    if own_http_secret(spec, live):
        found.append(_http_secret(spec, check_mode))
        there[found[-1].ref] = live.http_secret
    if live.role:
        found.append(_binding(spec, live.role))
        there[found[-1].ref] = live.binding
    return [*found, *spec.companions(), *live.storage.companions], {**there, **live.storage.there}


def _account(spec: DeploySpec) -> Companion:
    owner, namespace, name = str(spec.registry), spec.registry.namespace, spec.service_account
    links = (spec.tls_secret,) if spec.tls_secret else ()
    return Companion(
        ObjectRef("v1", "ServiceAccount", name, namespace),
        lambda now: rbac.service_account(name, namespace, registry=owner, secrets=links, live=now),
        owner=owner,
    )


def _binding(spec: DeploySpec, role: str) -> Companion:
    owner, namespace, account = str(spec.registry), spec.registry.namespace, spec.service_account
    return Companion(
        rbac.binding_ref(account, namespace),
        lambda now: rbac.cluster_role_binding(account, namespace, role, registry=owner, live=now),
        owner=owner,
    )


def _http_secret(spec: DeploySpec, check_mode: bool) -> Companion:
    name, namespace = spec.http_secret_name, spec.registry.namespace
    return Companion(
        ObjectRef("v1", "Secret", name, namespace),
        lambda now: secrets.http_secret(name, namespace, now, planned=check_mode),
    )


def _http_identity(spec: DeploySpec, live: Live, written: Mapping[ObjectRef, Outcome]) -> str | None:
    """Of the Secret with the HTTP secret: another one starts the pods anew. None where there is none of ours."""
    if not own_http_secret(spec, live):
        return None
    outcome = written[ObjectRef("v1", "Secret", spec.http_secret_name, spec.registry.namespace)]
    return secrets.http_identity(outcome.live)


def _serves(outcome: Outcome, api: Api) -> bool:
    """Whether a workload that was left as it is has finished its rollout."""
    if outcome.live is None or _wait.settled(outcome.live):
        return True
    with api.waiting():
        return _observe.look(api, outcome.ref).done


def _finish(
    spec: DeploySpec, live: Live, outcome: Outcome, result: Result, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    registry, fields = spec.registry, outcome.change.fields
    created = outcome.change.action == "created"
    service = _service(live, check_mode)
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
        image=spec.image, replicas=layout.replicas(outcome.live),
        storage=place.described(
            outcome.live, live.storage.want.mount_path, live.storage.planned_secrets(),
            live.storage.planned_file(spec.settings, outcome.live),
        ),
    )  # fmt: skip
    rolls = created or build.rolls(fields)
    done = _wait.settled(outcome.live) if outcome.live and not outcome.changed else None
    workload = {
        "api_version": build.API_VERSIONS[live.kind],
        "kind": live.kind,
        "name": registry.name,
        "namespace": registry.namespace,
        "rolls": rolls,
        "version_before": _wait.version(live.workload or {}),
    }
    return result.finish(registry=value, workload=workload, rollout=done.as_dict() if done else None)

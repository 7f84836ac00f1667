# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does: read everything, refuse what would break, then write account, secret, rights, workload.

Each object is read once and written at most once. The workload comes last and in one write, so that there is one
rollout, which finds all that the pod needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _companion, _endpoints, _settings, _wait
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import layout, rbac, secrets
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import (
    Live,
    own_http_secret,
    read,
    wanted,
)
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._guards import guard
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._options.settings import check_config
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work with state present; its return value."""
    spec = DeploySpec.from_params(params, planned=check_mode)
    if not spec.image:
        raise OptionError("image", params.get("image"), "is required with state: present")
    result = Result(api)
    spec = _resolved(spec, params, api, result, check_mode)
    live = read(spec, api, result, check_mode=check_mode)
    service = _service(live, check_mode)
    spec = replace(spec, settings=replace(spec.settings, hosts=_settings.hosts(service, params)))
    guard(spec, live)
    owner = str(spec.registry)
    registry = spec.registry
    links = (spec.tls_secret,) if spec.tls_secret else ()
    account = ObjectRef("v1", "ServiceAccount", spec.service_account, registry.namespace)
    result.add(
        ensure(
            api, account, check_mode=check_mode, owner=owner,
            desired=lambda now: rbac.service_account(
                account.name, registry.namespace, registry=owner, secrets=links, live=now
            ),
        )
    )  # fmt: skip
    identity = _http_secret(spec, live, api, result, check_mode)
    if live.role:
        _bind(spec, live, live.role, api, result, check_mode)
    _companion.write(spec.companions(), live.companions, api, result, check_mode=check_mode)
    want = wanted(spec, live, identity)
    outcome = ensure(
        api, build.ref(live.kind, registry.name, registry.namespace), lambda now: build.desired(want, now),
        check_mode=check_mode, live=live.workload,
    )  # fmt: skip
    result.add(outcome)
    return _finish(spec, live, outcome, result, params, check_mode)


def _resolved(
    spec: DeploySpec, params: Mapping[str, Any], api: Api, result: Result, check_mode: bool
) -> DeploySpec:
    """With the content of the objects that options name, checked as the options are."""
    found = _settings.resolve(spec.settings, spec.registry.namespace, api, result, check_mode=check_mode)
    if found.config:
        check_config(found.config, params)
    return replace(spec, settings=found)


def _service(live: Live, check_mode: bool) -> dict[str, Any] | None:
    """The Service; in check mode, one that is still to be made has an address that is not known yet."""
    planned = {"spec": {"clusterIP": KNOWN_AFTER_APPLY}} if check_mode else None
    return live.service or planned


def _http_secret(spec: DeploySpec, live: Live, api: Api, result: Result, check_mode: bool) -> str | None:
    """Make the Secret with the HTTP secret; its identity, for the pods have to be started anew should it be another."""
    if not own_http_secret(spec, live):
        return None
    namespace = spec.registry.namespace
    outcome = ensure(
        api, ObjectRef("v1", "Secret", spec.http_secret_name, namespace),
        lambda now: secrets.http_secret(spec.http_secret_name, namespace, now, planned=check_mode),
        check_mode=check_mode, live=live.http_secret,
    )  # fmt: skip
    result.add(outcome)
    return ((outcome.live or {}).get("metadata") or {}).get("uid") or KNOWN_AFTER_APPLY


def _bind(spec: DeploySpec, live: Live, role: str, api: Api, result: Result, check_mode: bool) -> None:
    owner, namespace = str(spec.registry), spec.registry.namespace
    ref = ObjectRef.of(rbac.cluster_role_binding(spec.service_account, namespace, role, registry=owner))
    result.add(
        ensure(
            api, ref, check_mode=check_mode, live=live.binding, owner=owner,
            desired=lambda now: rbac.cluster_role_binding(
                spec.service_account, namespace, role, registry=owner, live=now
            ),
        )
    )  # fmt: skip


def _finish(
    spec: DeploySpec, live: Live, outcome: Outcome, result: Result, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    registry, fields = spec.registry, outcome.change.fields
    created = outcome.change.action == "created"
    service = _service(live, check_mode)
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
        image=spec.image, replicas=spec.replicas, storage=layout.storage(outcome.live, spec.storage.mount_path),
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

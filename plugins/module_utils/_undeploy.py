# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does with state absent: the workload goes, and what was made for it alone.

The Service (and so the address), claims and their volumes, the certificate and its CA stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _endpoints, _storage
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import layout, rbac
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._deployspec import AUTO, DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

Object = dict[str, Any]


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work with state absent; its return value."""
    spec = DeploySpec.from_params(params)
    registry, result = spec.registry, Result(api)
    account = spec.service_account
    kinds = _served(api)
    for kind in kinds if spec.kind == AUTO else [spec.kind]:
        result.add(ensure_absent(api, build.ref(kind, registry.name, registry.namespace), check_mode=check_mode))
    http_secret = ObjectRef("v1", "Secret", spec.http_secret_name, registry.namespace)
    result.add(ensure_absent(api, http_secret, check_mode=check_mode, keep=lambda o: None if owned_by_us(o) else ""))
    _storage.take_back_all(spec.storage, registry, api, result, check_mode=check_mode)
    users = _other_users(spec, api, kinds)
    binding = ObjectRef(f"{rbac.RBAC}/v1", "ClusterRoleBinding", rbac.binding_name(account, registry.namespace))
    result.add(ensure_absent(api, binding, check_mode=check_mode, keep=lambda o: _keep(o, spec, users)))
    _account(spec, users, api, result, check_mode=check_mode)
    service = api.get(ObjectRef("v1", "Service", registry.name, registry.namespace))
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
    )  # fmt: skip
    return result.finish(registry=value, workload=None, rollout=None)


def _served(api: Api) -> list[str]:
    return build.served(api.has)


def _other_users(spec: DeploySpec, api: Api, kinds: list[str]) -> list[str]:
    """Other workloads of the namespace whose pods run as the same account."""
    namespace, found = spec.registry.namespace, []
    for kind in kinds:
        for workload in api.list(build.API_VERSIONS[kind], kind, namespace):
            pod = layout.template(workload).get("spec") or {}
            name = workload["metadata"]["name"]
            if name != spec.registry.name and pod.get("serviceAccountName") == spec.service_account:
                found.append(f"{kind} {namespace}/{name}")
    return found


def _keep(live: Object, spec: DeploySpec, users: list[str]) -> str | None:
    """Why an account or binding must stay, as a sentence; None when it may go."""
    what = ObjectRef.of(live)
    made_for = (live["metadata"].get("annotations") or {}).get(rbac.CREATED_FOR)
    if made_for != str(spec.registry):
        return f"{what} stays: it was not made for this registry."
    return f"{what} stays: {', '.join(users)} uses the account too." if users else None


def _account(spec: DeploySpec, users: list[str], api: Api, result: Result, *, check_mode: bool) -> None:
    """Delete the account if it was made for this registry alone, else take back what was linked to it."""
    owner, namespace = str(spec.registry), spec.registry.namespace
    ref = ObjectRef("v1", "ServiceAccount", spec.service_account, namespace)
    live = api.get(ref)
    if live is None or not _keep(live, spec, users):
        result.add(ensure_absent(api, ref, check_mode=check_mode, live=live))
    elif owned_by_us(live, owner):
        bare = rbac.service_account(ref.name, namespace, registry=owner, live=live)
        result.add(ensure(api, ref, bare, check_mode=check_mode, live=live, owner=owner))

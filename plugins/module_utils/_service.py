# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_service does: the Service there, with an address that is kept for ever."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure
from ansible_collections.okd.registry.plugins.module_utils._build import service as build
from ansible_collections.okd.registry.plugins.module_utils._endpoints import (
    KNOWN_AFTER_APPLY,
    cluster_ips,
    compute,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, InvalidError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import ServiceSpec
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work: one read and at most one write. Raises RegistryError."""
    spec = ServiceSpec.from_params(module.params)
    registry, result = spec.registry, Result(api)
    ref = build.ref(registry)
    try:
        outcome = ensure(api, ref, lambda live: build.desired(spec, live), check_mode=module.check_mode)
    except InvalidError as exc:
        raise _taken(api, spec, exc) or exc from exc
    result.add(outcome)
    addresses = cluster_ips(outcome.live) or (KNOWN_AFTER_APPLY,)
    endpoints = compute(
        name=registry.name,
        namespace=registry.namespace,
        cluster_ips=addresses,
        port=registry.port,
        cluster_domain=registry.cluster_domain,
        route_hosts=[registry.route_host or ""],
        extra_hosts=registry.extra_hosts,
    )
    value = registry_value(registry.name, registry.namespace, endpoints, cluster_ip=addresses[0], port=registry.port)
    return result.finish(registry=value)


def _taken(api: Api, spec: ServiceSpec, exc: InvalidError) -> RefusedError | None:
    """The error for an address that another Service has, naming that Service where it can be seen."""
    wanted = spec.cluster_ip
    if not wanted or "already allocated" not in str(exc):
        return None
    holder = holder_of(api, wanted)
    who = f"by {holder}" if holder else "by a Service that this user may not see"
    return RefusedError(
        f"cluster_ip: {wanted} is taken already {who}. Choose a free address, or leave cluster_ip out to get one. "
        f"The API server said: {exc}"
    )


def holder_of(api: Api, address: str) -> ObjectRef | None:
    """The Service that has an address; None when there is none or the user may not list Services everywhere."""
    try:
        services = api.list("v1", "Service")
    except ForbiddenError:
        return None
    return next((ObjectRef.of(s) for s in services if address in cluster_ips(s)), None)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposing a registry where there are no Routes: an Ingress that is passed through, or a Service beside its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _dns
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import external as build
from ansible_collections.okd.registry.plugins.module_utils._build import rbac
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._endpoints import (
    KNOWN_AFTER_APPLY,
    cluster_ips,
    from_service,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ForbiddenError,
    KindNotServedError,
    NotFoundError,
    RefusedError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value
from ansible_collections.okd.registry.plugins.module_utils._routecover import Cover
from ansible_collections.okd.registry.plugins.module_utils._routespec import INGRESS, NODE_PORT, RouteSpec

POLL = 1.0  # seconds between looks at an object that its controller has not taken in yet

Live = Mapping[str, Any]


def execute(module: Any, api: Api, spec: RouteSpec) -> dict[str, Any]:
    """Make the object: two reads (four for an Ingress), at most one write, then waiting.

    :raises RegistryError: for whatever keeps clients from reaching the registry, as far as the API can tell.
    """
    params = module.params
    build.refuse_name(spec)
    result = Result(api)
    service = api.get(build_service.ref(spec.registry))
    if service is None and not module.check_mode:
        raise nothing_to_expose(spec)
    live = _present(module, api, spec, service, result)
    hosts = [spec.host] if live and spec.host else []
    return result.finish(
        registry=registry_of(spec, params, service, hosts),
        route=build.value(spec, live, planned=module.check_mode),
        others=[],
    )


def nothing_to_expose(spec: RouteSpec) -> NotFoundError:
    """There is no Service."""
    return NotFoundError(
        f"Service {spec.registry} does not exist, so there is nothing to expose. Deploy the registry first "
        "(registry_service, or playbooks/deploy.yml), or check name and namespace."
    )


def registry_of(
    spec: RouteSpec, params: Mapping[str, Any], service: Live | None, hosts: Iterable[str]
) -> dict[str, Any]:
    """The ``registry`` return value, with these hosts among its endpoints."""
    registry, found = spec.registry, cluster_ips(service)
    addresses = found or (KNOWN_AFTER_APPLY,) if params["state"] == "present" else found
    stand_in = {"spec": {"clusterIPs": list(addresses)}}
    endpoints = from_service(stand_in, {**params, "route_host": None}, route_hosts=hosts)
    first = addresses[0] if addresses else None
    return registry_value(registry.name, registry.namespace, endpoints, cluster_ip=first, port=registry.port)


def _present(module: Any, api: Api, spec: RouteSpec, service: Live | None, result: Result) -> Live:
    params, check_mode = module.params, module.check_mode
    if spec.kind == INGRESS:
        desired = build.desired_ingress(spec, *_class(api, spec))
    else:
        desired = build.desired_service(spec, service)

    cover = Cover(api, spec, params["secret_name"], promised=params["certified"], check_mode=check_mode)

    def as_wanted(live: dict[str, Any] | None) -> dict[str, Any]:
        build.refuse_foreign(spec, live, service)
        if spec.kind == INGRESS:
            cover.refuse(spec.host if live and spec.host in build.hosts(live) else None)
        # By that it is found again, whatever it is called, when it is to go.
        return rbac.marked(desired, str(spec.registry), live)

    if spec.host:
        _dns.look(spec.host, params["dns"], module.warn, leads_to="what this object opens")
    outcome = result.add(ensure(api, build.ref(spec), as_wanted, check_mode=check_mode))
    remark = cover.remark(spec.host) if spec.kind == INGRESS else None
    if remark:
        module.warn(remark)
    if not params["wait"] or check_mode or spec.kind == NODE_PORT:
        return outcome.live or {}
    return wait_taken_in(api, spec, outcome, timeout=params["wait_timeout"])


def wait_taken_in(api: Api, spec: RouteSpec, outcome: Outcome, *, timeout: float) -> Live:
    """Wait until a controller says under which address it serves the object; gives the object as it then is.

    :param timeout: seconds.
    :raises WaitError: when nobody says anything in time.
    """
    live: Live | None = outcome.live
    began = time.monotonic()
    while True:
        if live is None:
            raise WaitError(f"{outcome.ref} was deleted by somebody else while it was waited for. Run again.")
        if build.addresses(live):
            return live
        if time.monotonic() - began >= timeout:
            who = (
                f"the ingress controller of IngressClass {live['spec'].get('ingressClassName')} runs, and that it may "
                "pass TLS through (ingress-nginx: --enable-ssl-passthrough)"
                if spec.kind == INGRESS
                else "the cluster has a controller for load balancers, and what events of the Service say; "
                "kind: node_port needs none"
            )
            raise WaitError(
                f"No controller gave {outcome.ref} an address within {timeout:.0f} s. Check that {who}. One that never "
                "tells an address is not waited for with wait: false (registry_route_wait)."
            )
        with api.waiting():
            time.sleep(POLL)
            live = api.get(outcome.ref)


def _class(api: Api, spec: RouteSpec) -> tuple[str, dict[str, str]]:
    """The IngressClass and its controller's annotation. Who may not look it up has to say both."""
    try:
        found = build.ingress_class(spec, _classes(api))
    except ForbiddenError as exc:
        if spec.ingress_class and spec.annotations:
            return spec.ingress_class, {}
        text = f"{exc} Or say ingress_class, and in annotations how its controller passes TLS through."
        raise ForbiddenError(text, **exc.details) from exc
    return found["metadata"]["name"], build.passthrough(found, spec)


def _classes(api: Api) -> list[dict[str, Any]]:
    try:
        return api.list(build.INGRESS_API, "IngressClass")
    except KindNotServedError as exc:
        raise RefusedError(
            f"The cluster has no Ingresses of {build.INGRESS_API} (Kubernetes before 1.19). Say kind: node_port or "
            f"load_balancer. The API server said: {exc}"
        ) from exc

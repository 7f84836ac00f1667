# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_route does with state absent: what leads to the registry from outside goes, where it is ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _external
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import UNREAD, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import external, rbac, route
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._errors import KindNotServedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result
from ansible_collections.okd.registry.plugins.module_utils._routespec import ALL, INGRESS, ROUTE, RouteSpec

Object = Mapping[str, Any]
Found = tuple[str, ObjectRef, Any]  # kind as in the spec, and what is known of it


def execute(module: Any, api: Api, spec: RouteSpec) -> dict[str, Any]:
    """The module's work: a read of the Service and one for each kind, and a request for each object that goes.

    :raises RegistryError: for what may not be read or deleted.
    """
    params, result = module.params, Result(api)
    external.refuse_name(spec)
    service, stays = api.get(build_service.ref(spec.registry)), None
    for kind, ref, live in _found(api, spec):
        keep = partial(stays_for, spec, ref)
        outcome = result.add(ensure_absent(api, ref, check_mode=module.check_mode, live=live, keep=keep))
        left = outcome.live
        if stays is None and left and not left["metadata"].get("deletionTimestamp"):
            stays = _told(replace(spec, kind=kind), left)
    value, host = stays or (None, None)
    registry = _external.registry_of(spec, params, service, [host] if host else [])
    return result.finish(registry=registry, route=value, others=[])


def stays_for(spec: RouteSpec, ref: ObjectRef, there: Object) -> str | None:
    """Why an object stays, as a sentence; None for one that goes."""
    if spec.name and spec.host and ref.kind == "Route":
        host = there["spec"].get("host")
        return None if host == spec.host else f"Left {ref} alone: its host is {host}, and not {spec.host}."
    # A Service that others made has our marks for what registry_route has set there.
    ours = rbac.made_for(there, str(spec.registry)) if ref.kind == "Service" else owned_by_us(there)
    if spec.name or ours:
        return None
    return f"Left {ref} alone: others made it. To delete it, name it in route_name."


def _told(spec: RouteSpec, live: Object) -> tuple[dict[str, Any] | None, str | None]:
    """What stays as the ``route`` return value, for others made it, and the host by which it leads here."""
    if spec.kind == ROUTE:
        return route.value(live), route.admission(live).host
    return external.value(spec, live), spec.host


def _found(api: Api, spec: RouteSpec) -> Iterator[Found]:
    """What is to be looked at: of all that leads to the registry, ours, and what would have the usual name."""
    namespace = spec.registry.namespace
    if spec.kind in (ROUTE, ALL):
        yield from _routes(spec, _listed(api, route.API_VERSION, "Route", namespace))
    if spec.kind != ROUTE and spec.name:
        yield spec.kind, external.ref(spec), UNREAD
    if spec.kind in (INGRESS, ALL) and not spec.name:
        lives = external.ingresses(spec.registry, _listed(api, external.INGRESS_API, "Ingress", namespace))
        yield from ((INGRESS, ObjectRef.of(live), live) for live in lives)
    if spec.kind not in (ROUTE, INGRESS) and not spec.name:
        lives = external.services(spec, _listed(api, "v1", "Service", namespace))
        yield from ((external.kind_of(live), ObjectRef.of(live), live) for live in lives)


def _routes(spec: RouteSpec, routes: list[dict[str, Any]]) -> Iterator[Found]:
    """The Route that would be worked on, whosever it is, and the others of ours."""
    chosen = route.choose(spec, routes)
    name = chosen["metadata"]["name"] if chosen else route.new_name(spec, routes)
    yield ROUTE, route.ref(spec.registry, name), dict(chosen) if chosen else None
    for other in route.ours_beside(spec, chosen, routes):
        yield ROUTE, route.ref(spec.registry, other["metadata"]["name"]), dict(other)


def _listed(api: Api, api_version: str, kind: str, namespace: str) -> list[dict[str, Any]]:
    """All of a kind; none where the cluster does not know it."""
    try:
        return api.list(api_version, kind, namespace)
    except KindNotServedError:
        return []

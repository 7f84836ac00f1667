# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_route does: a Route to the registry, admitted by a router, or the reason why not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _dns, _external, _unexpose
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import route as build
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._build.route import Admission, Tls
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    RefusedError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._result import Result
from ansible_collections.okd.registry.plugins.module_utils._routecert import Certificates
from ansible_collections.okd.registry.plugins.module_utils._routecover import Cover
from ansible_collections.okd.registry.plugins.module_utils._routespec import REENCRYPT, ROUTE, RouteSpec

POLL = 0.5  # seconds between looks at a Route that no router has admitted yet
SECOND_THOUGHTS = 5.0  # seconds a router gets to take back a word that is older than our change
#: What OpenShift says of a host or certificate to him who lacks routes/custom-host. Before 4.18 the second, where the
#: Route is there already (source: library-go, pkg/route/hostassignment, AllocateHost and ValidateHostUpdate).
_NO_RIGHT = ("do not have permission", "field is immutable")


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work: three reads, at most one write, then waiting.

    :raises RegistryError: for whatever keeps clients from reaching the registry.
    """
    params = module.params
    spec = RouteSpec.from_params(params)
    if params["state"] == "absent":
        return _unexpose.execute(module, api, spec)
    if spec.kind != ROUTE:
        return _external.execute(module, api, spec)
    certificates = Certificates(spec, params)
    result = Result(api)
    routes = _routes(api, spec)
    chosen = build.choose(spec, routes)
    service = api.get(build_service.ref(spec.registry))
    if service is None and not module.check_mode:
        raise _external.nothing_to_expose(spec)
    name = chosen["metadata"]["name"] if chosen else build.new_name(spec, routes)
    live = _present(module, api, spec, build.ref(spec.registry, name), chosen, certificates, result)
    others = [r for r in build.ranked(routes, spec.registry) if r["metadata"]["name"] != name]
    return result.finish(
        registry=_registry(spec, params, service, live),
        route=build.value(live, planned=module.check_mode),
        others=[build.value(other) for other in others],
    )


def _present(
    module: Any,
    api: Api,
    spec: RouteSpec,
    ref: ObjectRef,
    chosen: Mapping[str, Any] | None,
    certificates: Certificates,
    result: Result,
) -> dict[str, Any]:
    """Make the Route, or take it over, and wait for a router; the Route as it then is."""
    params, check_mode = module.params, module.check_mode
    build.refuse_foreign(spec, chosen)
    before = chosen["spec"].get("host") if chosen else None
    known = spec.host or before
    cover = Cover(api, spec, params["secret_name"], promised=params["certified"], check_mode=check_mode)
    cover.refuse(before)
    certificates.refuse(known)
    tls = certificates.read(api, check_mode=check_mode)
    if known and params["dns"] == _dns.FAIL:  # before anything is touched
        _dns.look(known, _dns.FAIL, module.warn)
    outcome = result.add(_ensure(api, spec, ref, chosen, tls, check_mode=check_mode))
    live = outcome.live or {}
    if params["wait"] and not check_mode:
        live = wait_admitted(api, ref, outcome, timeout=params["wait_timeout"])
    said = build.admission(live)
    remark = cover.remark(said.host)
    if remark:
        module.warn(remark)
    if said.host and (not known or params["dns"] == _dns.WARN):
        certificates.refuse(None if known else said.host)
        _dns.look(said.host, params["dns"], module.warn, leads_to=said.canonical or "")
    return live


def wait_admitted(api: Api, ref: ObjectRef, outcome: Outcome, *, timeout: float) -> dict[str, Any]:
    """Wait until a router has admitted a Route; gives the Route as it then is.

    :param timeout: seconds.
    :raises WaitError: when no router says anything in time.
    :raises RefusedError: when a router refuses the Route.
    """
    live: dict[str, Any] | None = outcome.live
    began, old = time.monotonic(), _word_before(outcome)
    while True:
        if live is None:
            raise WaitError(f"{ref} was deleted by somebody else while it waited for a router to admit it. Run again.")
        said, waited = build.admission(live), time.monotonic() - began
        late = waited >= min(SECOND_THOUGHTS, timeout)
        if said.state == "admitted" and (late or old is None or old != live.get("status")):
            return live
        if said.state == "rejected" and (late or not outcome.changed):
            raise _rejected(api, ref, said)
        if waited >= timeout:
            raise WaitError(
                f"No router picked up {ref} (host {said.host or 'not generated yet'}) within {timeout:.0f} s. "
                "Check that a router is deployed and running, and that its route and namespace selectors take in this "
                "Route (oc adm router, or oc get ingresscontrollers -n openshift-ingress-operator on version 4)."
            )
        with api.waiting():
            time.sleep(POLL)
            live = api.get(ref)


def _word_before(outcome: Outcome) -> dict[str, Any] | None:
    """What routers said before a change which they may see otherwise; None where their word still counts.

    A router that thinks the same of the changed Route leaves its status as it is: nothing tells that it has looked.
    """
    before, live = outcome.change.before or {}, outcome.live or {}
    labels = [route.get("metadata", {}).get("labels") or {} for route in (before, live)]
    same = before.get("spec") == live.get("spec") and labels[0] == labels[1]
    return None if same or not before else live.get("status")


def _routes(api: Api, spec: RouteSpec) -> list[dict[str, Any]]:
    try:
        return api.list(build.API_VERSION, "Route", spec.registry.namespace)
    except KindNotServedError as exc:
        raise RefusedError(
            f"The cluster has no Route API ({build.API_VERSION}), so the registry cannot be exposed by a Route: "
            "it is no OpenShift cluster. Say kind: ingress, node_port or load_balancer; or leave the route host out, "
            f"and name what leads to the Service from outside in extra_hosts. The API server said: {exc}"
        ) from exc


def _ensure(
    api: Api, spec: RouteSpec, ref: ObjectRef, chosen: Mapping[str, Any] | None, tls: Tls, *, check_mode: bool
) -> Outcome:
    live, wanted = dict(chosen) if chosen else None, build.desired(spec, ref.name, tls)

    def as_wanted(there: dict[str, Any] | None) -> dict[str, Any]:
        build.refuse_foreign(spec, there)  # another one may have come since the first look
        return wanted

    try:
        return ensure(api, ref, as_wanted, check_mode=check_mode, live=live)
    except InvalidError as exc:
        said = str(exc)
        if any(words in said for words in _NO_RIGHT) and ("spec.host" in said or "spec.tls" in said):
            raise _may_not(spec, ref, said, there=bool(live)) from exc
        raise


def _may_not(spec: RouteSpec, ref: ObjectRef, said: str, *, there: bool) -> ForbiddenError:
    """The right that is missing, and what can be done without it."""
    verb = "update" if there else "create"
    rule = f'- apiGroups: ["route.openshift.io"]\n  resources: [routes/custom-host]\n  verbs: [{verb}]'
    what = f"the host of {ref} to {spec.host}" if "spec.host" in said else f"certificates of {ref}"
    host = "the Route keeps its host" if there else "the cluster generates a host"
    but = "the CA that termination: reencrypt puts into the Route needs it anyway"
    left = f"certificate; {but}" if spec.termination == REENCRYPT else "certificate"
    return ForbiddenError(
        f"Not allowed to set {what}: this user cannot {verb} routes/custom-host in namespace {ref.namespace}. "
        f"This rule in a Role there would allow it:\n{rule}\n"
        f"Without the right: leave out route_host ({host}) and {left}. The API server said: {said}",
        status=403,
        rule=rule,
    )


def _rejected(api: Api, ref: ObjectRef, said: Admission) -> RefusedError:
    text = f"Router {said.router} refuses {ref} (host {said.host}): {said.reason or 'no reason given'}"
    text += f", {said.message}. " if said.message else ". "
    if said.reason == "HostAlreadyClaimed":
        owner = _holder(api, ref, said.host or "")
        text += f"Route {owner} has" if owner else "A Route in a namespace that this user may not see has"
        text += " that host. "
        text += "Choose another host, or delete that Route."
    else:
        text += "Change what it objects to, or ask those who run the router."
    return RefusedError(text, reason=said.reason)


def _holder(api: Api, ref: ObjectRef, host: str) -> str | None:
    with api.waiting():
        try:
            return build.holder(api.list(build.API_VERSION, "Route"), host, ref)
        except ForbiddenError:
            return build.holder(api.list(build.API_VERSION, "Route", ref.namespace), host, ref)


def _registry(
    spec: RouteSpec, params: Mapping[str, Any], service: Mapping[str, Any] | None, live: Mapping[str, Any]
) -> dict[str, Any]:
    hosts = [build.admission(live).host or KNOWN_AFTER_APPLY] if live else []
    return _external.registry_of(spec, params, service, hosts)

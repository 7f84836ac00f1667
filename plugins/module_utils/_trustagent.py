# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_trust_agent does: an agent on every node that keeps certs.d, or none; what it placed goes, or stays."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import (
    _agentcode,
    _companion,
    _endpoints,
    _observe,
    _podstate,
    _trustconfig,
)
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, amend, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import rbac, scc
from ansible_collections.okd.registry.plugins.module_utils._build import route as build_route
from ansible_collections.okd.registry.plugins.module_utils._build import trust_agent as build
from ansible_collections.okd.registry.plugins.module_utils._build.trust_agent import TrustAgent
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY, Endpoints
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ApiError,
    ForbiddenError,
    KindNotServedError,
    NotFoundError,
    OptionError,
    RefusedError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name, labels
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value
from ansible_collections.okd.registry.plugins.module_utils._wait import Rollout

Object = dict[str, Any]
#: Seconds between two looks at how far the pods are.
LOOK = 5.0
#: How many nodes an error names.
_NAMED = 5
#: What is not so yet on some node, by what the pods of one that is to go were told.
_CLEARED = "files of the registry are still on some nodes"
_IDLE = "agents of some nodes are still at work"


def execute(module: Any, api: Api) -> Object:
    """The module's work. Raises RegistryError."""
    if module.params["state"] == build.ABSENT:
        return _absent(module.params, api, check_mode=module.check_mode)
    return _present(module.params, api, check_mode=module.check_mode)


# ---- an agent on every node ------------------------------------------------------------------------------------------


def _present(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> Object:
    registry, result = Registry.from_params(params), Result(api)
    if not params["write_nodes"]:
        _trustconfig.refuse_node_writes(api, "write_nodes")
    service, endpoints = _names(params, registry, api, check_mode=check_mode)
    want = _wanted(params, registry, endpoints)
    code = _agentcode.read()
    size = sum(len(text.encode()) for text in code.values())
    if size > build.MOST_BYTES:
        raise RefusedError(f"The agent's code has {size} bytes, more than a ConfigMap can hold: report this as a bug.")
    want = _with_ca(want, api, result, check_mode=check_mode)
    mine = str(registry)
    account = _ref("ServiceAccount", registry)
    live = api.get(account)
    result.add(ensure(api, account, build.service_account(want, live), check_mode=check_mode, live=live))
    if api.has(scc.GROUP):
        result.add(
            ensure(
                api, scc.REF, lambda now: scc.membership(now, want.name, want.namespace),
                check_mode=check_mode, owner=build.owner(mine),
            )
        )  # fmt: skip
    made = ensure(api, _ref("ConfigMap", registry), build.config_map(want, code), check_mode=check_mode)
    result.add(_with_hashes(made))
    daemons = _ref("DaemonSet", registry)
    live = api.get(daemons)
    desired = build.daemon_set(want, code)
    outcome = result.add(ensure(api, daemons, desired, check_mode=check_mode, live=_companion.present(live)))
    state = None
    if params["wait"] and not check_mode:
        state = _wait(api, daemons, params["wait_timeout"])
    value = registry_value(
        registry.name, registry.namespace, endpoints,
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
    )  # fmt: skip
    return result.finish(registry=value, agent=_value(want.name, registry, outcome.live, state))


def _ref(kind: str, registry: Registry) -> ObjectRef:
    return build.ref(kind, registry.name, registry.namespace)


def _wanted(params: Mapping[str, Any], registry: Registry, endpoints: Endpoints) -> TrustAgent:
    """The options, checked."""
    interval = params["interval"]
    if not 1 <= interval <= 86400:
        raise OptionError("interval", interval, "must be from 1 to 86400 (seconds)")
    if not str(params["image"]).strip():
        raise OptionError("image", params["image"], "must name an image with python3")
    if not params["directories"]:
        raise OptionError("directories", [], "must name at least one")
    config_map = params.get("ca_config_map") or f"{registry.name}-ca"
    return TrustAgent(
        registry=registry.name,
        namespace=registry.namespace,
        image=str(params["image"]).strip(),
        endpoints=tuple(endpoints.docker),
        ca_config_map=dns_name("ca_config_map", config_map),
        interval=interval,
        directories=tuple(dict.fromkeys(params["directories"])),
        node_selector=labels("node_selector", params.get("node_selector") or {}),
        pull_secrets=tuple(dns_name("image_pull_secrets", name) for name in params.get("image_pull_secrets") or ()),
    )


def _names(
    params: Mapping[str, Any], registry: Registry, api: Api, *, check_mode: bool
) -> tuple[Object | None, Endpoints]:
    """The Service, and the names that registry_info tells too: those of live Routes are among them."""
    ref = ObjectRef("v1", "Service", registry.name, registry.namespace)
    service = api.get(ref)
    if service is None and not check_mode:
        raise NotFoundError(
            f"{ref} does not exist, so the registry has no address that nodes could trust: deploy it first"
            " (playbooks/deploy.yml), or check name and namespace.",
            status=404,
        )
    known = service or {"spec": {"clusterIP": KNOWN_AFTER_APPLY}}
    try:
        routes = api.list(build_route.API_VERSION, "Route", registry.namespace) if _has_routes(api) else []
    except (KindNotServedError, ForbiddenError):
        routes = []
    exposed = build_route.exposed_hosts(routes, registry)
    endpoints = _endpoints.from_service(known, params, route_hosts=exposed)
    _refuse_routers(endpoints, build_route.router_hosts(routes, registry))
    return known, endpoints


def _refuse_routers(endpoints: Endpoints, hosts: Iterable[str]) -> None:
    """Refuse a name at which a router's certificate is seen: by the registry's CA, engines would get nothing."""
    both = [host for host in hosts if host in endpoints.docker]
    if both:
        raise RefusedError(
            f"A router ends TLS at {', '.join(both)}, so that its certificate is seen there and not the registry's. "
            "Leave it out of route_host and extra_hosts, or have the Route pass TLS through (playbooks/expose.yml)."
        )


def _has_routes(api: Api) -> bool:
    return api.has(build_route.API_VERSION.partition("/")[0])


def _with_ca(want: TrustAgent, api: Api, result: Result, *, check_mode: bool) -> TrustAgent:
    """The CA as it is now. Without one the pods would wait for it, and so would we."""
    ref = ObjectRef("v1", "ConfigMap", want.ca_config_map, want.namespace)
    live = api.get(ref)
    if live is not None:
        return replace(want, ca=build.ca_digest(live))
    if not check_mode:
        raise NotFoundError(
            f"{ref} does not exist, and the CA for the nodes comes from there: run registry_cert"
            " (playbooks/deploy.yml) first, or name another one in ca_config_map.",
            status=404,
        )
    result.note(f"{ref} does not exist yet; the run itself will need it.")
    return want


def _with_hashes(outcome: Outcome) -> Outcome:
    """The same for a diff that people can read: the code's files are in the collection."""
    change = outcome.change
    shown = replace(change, before=build.code_shown(change.before), after=build.code_shown(change.after))
    return replace(outcome, change=shown)


# ---- none any more ---------------------------------------------------------------------------------------------------


def _absent(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> Object:
    """The pods take away what they have placed, or leave it; then they go, then their rights, code and account."""
    registry, result = Registry.from_params(params), Result(api)
    daemons = _ref("DaemonSet", registry)
    live = api.get(daemons)
    if live is not None and not owned_by_us(live):
        raise RefusedError(
            f"{daemons} was not made by this collection, so it is not ours to delete: rename it, or delete it by hand."
        )
    if live is not None:
        if not check_mode:
            last = build.IDLE if params["keep_files"] else build.ABSENT
            amend(api, daemons, functools.partial(build.told_to_leave, state=last))
            _wait(api, daemons, params["wait_timeout"], leaving=_IDLE if params["keep_files"] else _CLEARED)
        gone = ensure_absent(api, daemons, check_mode=check_mode, live=live if check_mode else api.get(daemons))
        first = (
            "leaves the registry's files as they are, and ends"
            if params["keep_files"]
            else "takes the registry's files off its node first"
        )
        result.note(f"Each pod of {daemons} {first}.")
        result.add(replace(gone, change=replace(gone.change, before=live)) if gone.changed else gone)
    if api.has(scc.GROUP):
        _leave_scc(registry, api, result, check_mode=check_mode)
    for kind in ("ConfigMap", "ServiceAccount"):
        outcome = ensure_absent(api, _ref(kind, registry), check_mode=check_mode, keep=_keeper(kind, registry))
        result.add(_with_hashes(outcome) if kind == "ConfigMap" else outcome)
    service = api.get(ObjectRef("v1", "Service", registry.name, registry.namespace))
    value = registry_value(
        registry.name, registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None), port=registry.port,
    )  # fmt: skip
    return result.finish(registry=value, agent=None)


def _keeper(kind: str, registry: Registry) -> Callable[[Object], str | None]:
    def keep(live: Object) -> str | None:
        ours = rbac.made_for(live, str(registry)) if kind == "ServiceAccount" else owned_by_us(live)
        return None if ours else f"{_ref(kind, registry)} stays: it is not ours."

    return keep


def _leave_scc(registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    mine = build.owner(str(registry))
    live = api.get(scc.REF)
    if live is not None and owned_by_us(live, mine):
        result.add(ensure(api, scc.REF, scc.without(), check_mode=check_mode, live=live, owner=mine))


# ---- waiting ---------------------------------------------------------------------------------------------------------


def _wait(api: Api, ref: ObjectRef, timeout: float, *, leaving: str = "") -> Rollout:
    """Wait until the pod of every node says that its node is as wanted.

    :param timeout: seconds.
    :param leaving: what is not so, where the agents are to go; there may be no node at all then.
    :raises WaitError: with the nodes that are not, and what their pods say.
    """
    end = time.monotonic() + timeout
    obstacle: tuple[str | None, float] = (None, time.monotonic())
    while True:
        left = end - time.monotonic()
        state = _observe.watch(api, ref, seconds=max(0.0, min(LOOK, left)))
        if state.done or (leaving and not state.desired and _seen(state)):
            return state
        if state.stuck != obstacle[0]:
            obstacle = (state.stuck, time.monotonic())
        lasting = bool(state.stuck) and time.monotonic() - obstacle[1] >= (state.grace or 0)
        if left <= 0 or state.failed or (lasting and state.stuck != "probe"):
            raise _not_done(api, ref, state, timeout, leaving=leaving)


def _seen(state: Rollout) -> bool:
    return state.stuck == "schedule"  # its numbers are of now, and there is no node for it


def _not_done(api: Api, ref: ObjectRef, state: Rollout, timeout: float, *, leaving: str) -> WaitError:
    with api.waiting():
        waiting = _nodes(api, ref)
    told = "; ".join(f"node {node}: {said}" for node, said in waiting[:_NAMED])
    more = f"; and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
    reason = f"{told}{more}" if told else state.reason or "no reason is known"
    what = leaving or "some nodes are not as wanted"
    then = (
        "so the agent stays; put that right, or delete the Node objects of machines that are gone, and run again"
        if leaving
        else "put that right; the agent goes on by itself, and a further run tells how it is"
    )
    return WaitError(f"{ref}: {what} after {timeout:.0f} s at most ({state.line}): {reason.rstrip('.')}; {then}.")


def _nodes(api: Api, ref: ObjectRef) -> list[tuple[str, str]]:
    """Nodes whose pods are not ready, with what each says last."""
    found: list[tuple[str, str]] = []
    for pod in sorted(api.list("v1", "Pod", ref.namespace, labels=_selector(api, ref)), key=_podstate.name_of):
        if not _podstate.is_ready(pod):
            node = str((pod.get("spec") or {}).get("nodeName") or "none yet")
            found.append((node, _last_words(api, pod) if len(found) < _NAMED else ""))
    return found


def _selector(api: Api, ref: ObjectRef) -> dict[str, str]:
    live = api.get(ref) or {}
    return dict(((live.get("spec") or {}).get("selector") or {}).get("matchLabels") or {})


def _last_words(api: Api, pod: Object) -> str:
    """The agent's last line, or what keeps the pod."""
    if (pod.get("status") or {}).get("phase") == "Running":
        try:
            lines = api.log(pod["metadata"]["namespace"], _podstate.name_of(pod), container=build.CONTAINER, tail=1)
        except ApiError:
            lines = ""
        if lines.strip():
            return lines.strip()
    return _podstate.cause_of(pod, []).text


def _value(name: str, registry: Registry, live: Object | None, state: Rollout | None) -> Object:
    status = (live or {}).get("status") or {}
    return {
        "name": name,
        "namespace": registry.namespace,
        "nodes": state.desired if state else int(status.get("desiredNumberScheduled") or 0),
        "ready": state.ready if state else int(status.get("numberReady") or 0),
    }

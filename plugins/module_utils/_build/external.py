# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads to a registry from outside where there are no Routes: an Ingress, or a Service of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import rbac
from ansible_collections.okd.registry.plugins.module_utils._build.foreign import refusal
from ansible_collections.okd.registry.plugins.module_utils._endpoints import HTTPS_PORT, KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._routespec import (
    INGRESS,
    LOAD_BALANCER,
    NODE_PORT,
    RouteSpec,
)

_TYPES = {NODE_PORT: "NodePort", LOAD_BALANCER: "LoadBalancer"}
INGRESS_API = "networking.k8s.io/v1"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"

#: OpenShift makes a Route of an Ingress, and this is how the Route ends TLS.
_ROUTE_TERMINATION = "route.openshift.io/termination"
#: By an IngressClass's controller: the annotation by which it passes TLS through (source: each one's documentation).
PASSES_THROUGH = {
    "k8s.io/ingress-nginx": {"nginx.ingress.kubernetes.io/ssl-passthrough": "true"},
    "haproxy.org/ingress-controller": {"haproxy.org/ssl-passthrough": "true"},
    "haproxy-ingress.github.io/controller": {"haproxy-ingress.github.io/ssl-passthrough": "true"},
    "openshift.io/ingress-to-route": {_ROUTE_TERMINATION: "passthrough"},
}
#: Those that pass TLS through by an object of their own, and what that is.
BY_OWN_OBJECT = {
    "traefik.io/ingress-controller": "an IngressRouteTCP with tls.passthrough: true",
    "nginx.org/ingress-controller": "a TransportServer with the listener tls-passthrough",
}


def ref(spec: RouteSpec) -> ObjectRef:
    """The object that exposes the registry. The registry's own Service is another one, and stays as it is."""
    namespace, name = spec.registry.namespace, spec.registry.name
    if spec.kind == INGRESS:
        return ObjectRef(INGRESS_API, "Ingress", spec.name or name, namespace)
    return ObjectRef("v1", "Service", spec.name or f"{name}-external", namespace)


def ingresses(registry: Registry, lives: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of all Ingresses of the namespace, those that lead to the registry's Service, whosever they are."""

    def targets(live: Mapping[str, Any]) -> Iterator[Any]:
        body = live.get("spec") or {}
        yield ((body.get("defaultBackend") or {}).get("service") or {}).get("name")
        for rule in body.get("rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                yield ((path.get("backend") or {}).get("service") or {}).get("name")

    return [live for live in lives if registry.name in targets(live)]


def services(spec: RouteSpec, lives: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of all Services of the namespace, the one that is called as ours would be, whosever it is, and those of the spec's
    kind that were made for the registry.
    """
    usual, kind = f"{spec.registry.name}-external", _TYPES.get(spec.kind)

    def meant(live: Mapping[str, Any]) -> bool:
        found = (live.get("spec") or {}).get("type")
        if live["metadata"]["name"] == usual:  # but not the own Service of another registry, which is called so
            return found in _TYPES.values() or not owned_by_us(live)
        return found in ((kind,) if kind else _TYPES.values()) and rbac.made_for(live, str(spec.registry))

    return [live for live in lives if live["metadata"]["name"] != spec.registry.name and meant(live)]


def kind_of(service: Mapping[str, Any]) -> str:
    """As what a Service opens the registry."""
    return LOAD_BALANCER if service["spec"].get("type") == _TYPES[LOAD_BALANCER] else NODE_PORT


def refuse_name(spec: RouteSpec) -> None:
    """The registry's own Service has its address for ever, and another writer. Raises OptionError."""
    if spec.kind in _TYPES and spec.name == spec.registry.name:
        raise OptionError("route_name", spec.name, "is the registry's own Service; say another name, or none")


def refuse_foreign(spec: RouteSpec, live: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> None:
    """Refuse to point an object of others, which leads to something else (too), to the registry.

    :param own: the registry's Service; None before there is one, in check mode.
    :raises RefusedError: for one that we neither made or took over nor that leads to the registry alone.
    """
    if live is None or owned_by_us(live):
        return
    what = _ingress_leads(spec, live) if spec.kind == INGRESS else _service_leads(live, own)
    if what:
        raise refusal(ref(spec), what)


def _ingress_leads(spec: RouteSpec, live: Mapping[str, Any]) -> str | None:
    """What an Ingress does beside leading from the wanted host to the registry; its rules are replaced as a whole."""
    body = live.get("spec") or {}
    rules = body.get("rules") or []
    paths = [path for rule in rules for path in (rule.get("http") or {}).get("paths") or []]
    backends = [path.get("backend") or {} for path in paths] + [b for b in [body.get("defaultBackend")] if b]
    names = {(b.get("service") or b.get("resource") or {}).get("name") or "nothing" for b in backends}
    others = sorted(names - {spec.registry.name})
    if others or not names:
        return f"leads to {', '.join(others) or 'nothing'}"
    hosts = sorted({rule.get("host") or "every host" for rule in rules} - {spec.host})
    return f"serves {', '.join(hosts)}" if hosts else None


def _service_leads(live: Mapping[str, Any], own: Mapping[str, Any] | None) -> str | None:
    """Which pods a Service has that are not the registry's, by its selector; selectors are merged, not replaced."""
    selector = (live.get("spec") or {}).get("selector") or {}
    if own is None or selector == ((own.get("spec") or {}).get("selector") or {}):
        return None
    said = ", ".join(f"{key}={value}" for key, value in sorted(selector.items())) or "no selector at all"
    return f"leads to other pods than the registry's own Service ({said})"


def ingress_class(spec: RouteSpec, classes: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The IngressClass asked for, or else the cluster's default one, or its only one.

    :raises RefusedError: where there is none, or several to choose from.
    """
    found = {c["metadata"]["name"]: c for c in classes}
    names = ", ".join(sorted(found)) or "none"
    if spec.ingress_class:
        if spec.ingress_class not in found:
            raise RefusedError(f"ingress_class: there is no IngressClass {spec.ingress_class}; there is {names}.")
        return found[spec.ingress_class]
    default = [c for c in found.values() if (c["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"]
    usual = default or list(found.values())
    if len(usual) != 1:
        raise RefusedError(
            "There is no IngressClass, so no controller would take in an Ingress: install an ingress controller, or say "
            "kind: node_port or load_balancer."
            if not found
            else f"ingress_class: which of {names} is to have the Ingress? None of them is the one default."
        )
    return usual[0]


def passthrough(found: Mapping[str, Any], spec: RouteSpec) -> dict[str, str]:
    """The annotations by which the controller of an IngressClass passes TLS through.

    :raises RefusedError: where none is known and ``annotations`` says none.
    """
    controller, name = str((found.get("spec") or {}).get("controller") or ""), found["metadata"]["name"]
    known = PASSES_THROUGH.get(controller) or PASSES_THROUGH.get(controller.rpartition("/")[0])
    if known or spec.annotations:
        return dict(known or {})
    other = BY_OWN_OBJECT.get(controller)
    raise RefusedError(
        f"IngressClass {name} has the controller {controller}, which passes TLS through by {other}, not by an Ingress: "
        "make that object to the registry's Service, and name the host in extra_hosts."
        if other
        else f"IngressClass {name} has the controller {controller or '(none)'}, of which it is not known how an Ingress "
        "is passed through. Say its annotation in annotations, or use one of "
        f"{', '.join(sorted(PASSES_THROUGH))}."
    )


def desired_ingress(spec: RouteSpec, class_name: str, annotations: Mapping[str, str]) -> dict[str, Any]:
    """An Ingress whose controller passes TLS through to the registry."""
    target = ref(spec)
    backend = {"service": {"name": spec.registry.name, "port": {"number": spec.registry.port}}}
    notes = {**annotations, **spec.annotations}
    # By the annotation, not the controller, which who may not look up the IngressClass does not know.
    path, tls = _as_route() if _ROUTE_TERMINATION in notes else _as_ingress(spec)
    return {
        "apiVersion": target.api_version, "kind": target.kind,
        "metadata": {
            "name": target.name, "namespace": target.namespace, "labels": dict(spec.labels),
            "annotations": notes,
        },
        "spec": {
            "ingressClassName": class_name,
            "rules": [{"host": spec.host, "http": {"paths": [{**path, "backend": backend}]}}],
            **tls,
        },
    }  # fmt: skip


def _as_ingress(spec: RouteSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Path and TLS of an Ingress that its controller serves itself."""
    # Some controllers pass through only what is said to be TLS; no Secret, for they are not to end it.
    return {"path": "/", "pathType": "Prefix"}, {"tls": [{"hosts": [spec.host]}]}


def _as_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Path and TLS of an Ingress of which OpenShift makes a Route.

    A path becomes the Route's, which none that is passed through may have; a host in ``tls`` without a Secret is taken for
    one whose Secret is missing, and then there is no Route. The annotation alone turns TLS on. (Source:
    route-controller-manager, pkg/route/ingress/ingress.go, newRouteForIngress, tlsSecretIfValid and tlsEnabled.)
    """
    return {"pathType": "ImplementationSpecific"}, {}


def desired_service(spec: RouteSpec, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """A Service beside the registry's own, to the same pods.

    :param own: the registry's Service; None before there is one, in check mode.
    """
    target, service = ref(spec), (own or {}).get("spec") or {}
    balanced = spec.kind == LOAD_BALANCER
    ours: Mapping[str, Any] = next((p for p in service.get("ports") or [] if p.get("port") == spec.registry.port), {})
    port: dict[str, Any] = {
        "name": "https", "port": HTTPS_PORT if balanced else spec.registry.port, "protocol": "TCP",
        "targetPort": ours.get("targetPort") or spec.registry.port, "nodePort": spec.node_port,
    }  # fmt: skip
    networks = [one if "/" in one else f"{one}/{128 if ':' in one else 32}" for one in spec.allow_ips]
    return {
        "apiVersion": target.api_version, "kind": target.kind,
        "metadata": {
            "name": target.name, "namespace": target.namespace, "labels": dict(spec.labels),
            "annotations": dict(spec.annotations),
        },
        "spec": {
            "type": _TYPES[spec.kind],
            "selector": service.get("selector") or {"(known after apply)": KNOWN_AFTER_APPLY},
            "sessionAffinity": service.get("sessionAffinity") or "ClientIP",
            "ports": [{k: v for k, v in port.items() if v}],
            "loadBalancerSourceRanges": networks,
        },
    }  # fmt: skip


def hosts(live: Mapping[str, Any]) -> list[str]:
    """The hosts of an Ingress's rules."""
    return [str(rule["host"]) for rule in (live.get("spec") or {}).get("rules") or [] if rule.get("host")]


def addresses(live: Mapping[str, Any]) -> list[str]:
    """Under what its controller says that it is reached; empty while it has said nothing."""
    said = ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [text for one in said for text in (one.get("hostname") or one.get("ip"),) if text]


def value(spec: RouteSpec, live: Mapping[str, Any], *, planned: bool = False) -> dict[str, Any] | None:
    """The ``route`` return value; None when there is no such object."""
    if not live:
        return None
    body = live.get("spec") or {}
    ports = body.get("ports") or [{}]
    chosen: Any = {INGRESS: HTTPS_PORT, LOAD_BALANCER: HTTPS_PORT}.get(spec.kind, ports[0].get("nodePort"))
    named = hosts(live)
    return {
        "kind": live["kind"], "name": live["metadata"]["name"], "namespace": live["metadata"].get("namespace"),
        "host": named[0] if named else spec.host, "termination": "passthrough", "insecure_policy": "none",
        "timeout": None, "allow_ips": list(body.get("loadBalancerSourceRanges") or []),
        "admitted": bool(addresses(live)) or spec.kind not in (INGRESS, LOAD_BALANCER), "router": body.get("ingressClassName"),
        "reason": None, "message": None, "addresses": addresses(live),
        "port": chosen or (KNOWN_AFTER_APPLY if planned else None), "ours": owned_by_us(live),
    }  # fmt: skip

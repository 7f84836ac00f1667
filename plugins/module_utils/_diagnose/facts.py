# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what modules returned and the API gave to Facts. Pure, and of any subset: what is missing is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layouts
from ansible_collections.okd.registry.plugins.module_utils._diagnose import hosts as of_hosts
from ansible_collections.okd.registry.plugins.module_utils._diagnose import objects
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import (
    SOON,
    Authority,
    Certificate,
    Facts,
    Rollout,
    Route,
    RouterEnd,
    Served,
    Token,
    Writable,
)
from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import (
    entries,
    flag,
    mapping,
    number,
    texts,
    word,
)
from ansible_collections.okd.registry.plugins.module_utils._endpoints import host_of
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip


def collect(raw: Mapping[str, Any]) -> Facts:
    """The facts.

    :param raw: what is known, each part or none of it: ``info`` and ``rollout`` as the modules gave them; ``service``,
        ``workload``, ``pods``, ``backends`` (Endpoints), ``claim``, ``streams`` and ``services`` as the API did (False
        for what is not there); ``config``, of its configuration file ``mounted``, ``known`` and ``auth``; ``images``,
        whether the cluster has that API; ``logs`` and ``writable`` by pod; ``token``; ``hosts`` by name, each with
        ``trust``, ``check``, ``client``, ``unreachable``; ``asked_host``; ``now`` in seconds since 1970; ``soon`` in
        days.
    """
    info = mapping(raw.get("info"))
    names, hidden = mapping(info.get("registry")), {what for what, _reason in unread(info)}
    name, namespace = word(names.get("name")) or "docker-registry", word(names.get("namespace")) or "default"
    port = number(names.get("port")) or 5000
    pods, workload, soon = raw.get("pods"), raw.get("workload"), number(raw.get("soon"))
    operator = mapping(info.get("layout")).get("name") == layouts.OPERATOR
    endpoints = tuple(each for each in texts(names.get("endpoints")) if "(" not in each)
    return Facts(
        name=name,
        namespace=namespace,
        port=port,
        endpoints=endpoints,
        cluster_ips=objects.addresses(mapping(raw.get("service")))
        or texts(names.get("cluster_ips"))
        or texts([names.get("cluster_ip")]),
        has_service=None if raw.get("service") is None else bool(raw["service"]),
        has_workload=None if workload is None else bool(workload),
        workload=objects.workload(mapping(workload), mapping(info.get("layout")), port) if workload else None,
        rollout=_rollout(mapping(raw.get("rollout"))),
        pods=None if pods is None else tuple(objects.pod(each) for each in entries(pods)),
        selector=objects.strings(mapping(mapping(raw.get("service")).get("spec")).get("selector")),
        backends=None if raw.get("backends") is None else objects.backends(mapping(raw["backends"])),
        modes=texts(mapping(mapping(raw.get("claim")).get("spec")).get("accessModes")) or None,
        operator=operator,
        has_ca=None if "ca" in hidden else _has_ca(info, operator=operator),
        certificate=_certificate(mapping(info.get("certificate"))),
        authorities=tuple(
            Authority(word(ca.get("subject")) or "a CA", number(ca.get("days_left")), flag(ca.get("signs")))
            for ca in entries(info.get("ca"))
        ),
        served=tuple(
            Served(
                word(one.get("pod")) or "", word(one.get("sha256")), flag(one.get("matches")), word(one.get("error"))
            )
            for one in entries(info.get("served"))
        ),
        asks_cluster=objects.asks_cluster(mapping(workload), mapping(raw.get("config")), flag(raw.get("images")))
        if workload
        else None,
        asked_host=word(raw.get("asked_host")),
        routes=None if "routes" in hidden else _routes(info.get("routes"), namespace),
        router_ends=router_ends(info),
        streams=tuple(objects.stream(each) for each in entries(raw.get("streams"))),
        others=_others(raw.get("services"), name, namespace),
        token=_token(raw.get("token")),
        writable=tuple(Writable(pod, texts(said)) for pod, said in mapping(raw.get("writable")).items()),
        log=objects.recent(mapping(raw.get("logs")), number(raw.get("now"))),
        hosts=tuple(
            of_hosts.host(str(each), mapping(found), endpoints, f"{namespace}/{name}")
            for each, found in mapping(raw.get("hosts")).items()
        ),
        uncovered=texts(info.get("uncovered")),
        soon=SOON if soon is None else soon,
    )


def unread(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What registry_info could not read, each with the reason."""
    return [(word(one.get("what")) or "?", word(one.get("reason")) or "?") for one in entries(info.get("unread"))]


def suspects(facts: Facts) -> bool:
    """Whether something has an address that may have been the registry's, so that it matters whose it is now."""
    said = [registry for stream in facts.streams for registry in stream.registries]
    said += [file.endpoint for host in facts.hosts for file in host.files if file.kind == "ca" and file.matches]
    return any(is_ip(host_of(each)) for each in said if each not in facts.endpoints)


def _has_ca(info: Mapping[str, Any], *, operator: bool) -> bool | None:
    """Whether a CA is published. What the operator keeps of the service CA is not the registry's to publish."""
    if "ca_cert" not in info or (operator and not info["ca_cert"]):
        return None
    return bool(info["ca_cert"])


def _rollout(found: Mapping[str, Any]) -> Rollout | None:
    if "done" not in found:
        return None
    line, reason = word(found.get("line")) or "no word on the rollout", word(found.get("reason"))
    return Rollout(bool(found["done"]), bool(found.get("failed")), word(found.get("stuck")), reason, line)


def _certificate(found: Mapping[str, Any]) -> Certificate | None:
    if not found:
        return None
    return Certificate(
        subject=word(found.get("subject")) or "the certificate",
        sans=texts(found.get("sans")),
        days_left=number(found.get("days_left")),
        not_after=word(found.get("not_after")) or "a time that is not known",
        sha256=word(found.get("sha256")) or "",
    )


def _routes(found: Any, namespace: str) -> tuple[Route, ...] | None:
    return None if found is None else tuple(_route(each, namespace) for each in entries(found))


def _route(found: Mapping[str, Any], namespace: str) -> Route:
    ref = f"Route {word(found.get('namespace')) or namespace}/{word(found.get('name')) or '?'}"
    said = [word(found.get(key)) for key in ("host", "router", "reason", "message")]
    # Where that is not told, nothing is held against it.
    return Route(ref, said[0], found.get("admitted") is not False, said[1], said[2], said[3])


def router_ends(info: Mapping[str, Any]) -> tuple[RouterEnd, ...]:
    """The Routes at whose hosts clients see a router's certificate; from what registry_info told."""
    registry = mapping(info.get("registry"))
    found = []
    for route in entries(info.get("routes")):
        host, termination = word(route.get("host")), word(route.get("termination"))
        if host and termination in ("reencrypt", "edge"):
            ref = f"Route {word(route.get('namespace')) or word(registry.get('namespace'))}/{word(route.get('name'))}"
            found.append(RouterEnd(ref, host.lower(), termination, _certificate(mapping(route.get("certificate")))))
    return tuple(found)


def _others(services: Any, name: str, namespace: str) -> Mapping[str, str] | None:
    if services is None:
        return None
    found = {}
    for each in entries(services):
        meta = mapping(each.get("metadata"))
        if (meta.get("name"), meta.get("namespace")) != (name, namespace):
            found.update(dict.fromkeys(objects.addresses(each), f"{meta.get('namespace')}/{meta.get('name')}"))
    return found


def _token(found: Any) -> Token | None:
    if not isinstance(found, Mapping):
        return None
    return Token(
        expired=word(found.get("expired")),
        accepted=flag(found.get("accepted")),
        error=word(found.get("error")),
        user=word(found.get("user")),
        project=word(found.get("project")),
        lacking=texts(found.get("lacking")),
    )

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects of the API say, as far as rules ask. Pure, and of objects with anything missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import auth, layout, registrylog
from ansible_collections.okd.registry.plugins.module_utils._build.storage import ROOT_ENV
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import USUAL_ROOTS, Pod, Stream, Workload
from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import (
    entries,
    flag,
    mapping,
    number,
    texts,
    word,
)
from ansible_collections.okd.registry.plugins.module_utils._podstate import is_ready

LOG_AGE = 600  # seconds; what a log told earlier may be mended by now
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_KINDS = {"persistentVolumeClaim": "pvc", "emptyDir": "ephemeral", "hostPath": "host_path"}


def addresses(service: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of a Service."""
    spec = mapping(service.get("spec"))
    return tuple(ip for ip in texts(spec.get("clusterIPs")) or texts([spec.get("clusterIP")]) if ip != "None")


def strings(found: Any) -> dict[str, str]:
    """Labels, or a selector."""
    return {key: value for key, value in mapping(found).items() if isinstance(key, str) and isinstance(value, str)}


def backends(found: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of Endpoints that take traffic."""
    groups = [entries(group.get("addresses")) for group in entries(found.get("subsets"))]
    return tuple(dict.fromkeys(ip for group in groups for each in group if (ip := word(each.get("ip")))))


def pod(found: Mapping[str, Any]) -> Pod:
    """A pod."""
    meta, spec, status = (mapping(found.get(key)) for key in ("metadata", "spec", "status"))
    safe = {"metadata": meta, "status": {"conditions": entries(status.get("conditions"))}}
    # podIP alone is of the network's first family, which need not be the Service's.
    ips = tuple(ip for each in entries(status.get("podIPs")) if (ip := word(each.get("ip"))))
    return Pod(
        word(meta.get("name")) or "?",
        word(spec.get("nodeName")),
        ips or texts([status.get("podIP")]),
        is_ready(safe),
    )


def workload(found: Mapping[str, Any], told: Mapping[str, Any], port: int) -> Workload:
    """A workload. :param told: ``registry_info``'s ``layout``."""
    meta, spec, status = (mapping(found.get(key)) for key in ("metadata", "spec", "status"))
    kind = word(found.get("kind")) or "workload"
    replicas = number(spec.get("replicas"))
    if kind == "DaemonSet":
        replicas = number(status.get("desiredNumberScheduled")) or 0
    container, template = _container(spec), mapping(spec.get("template"))
    environment = {word(each.get("name")): word(each.get("value")) for each in entries(container.get("env"))}
    storage, claim = _storage(spec, container)
    return Workload(
        ref=f"{kind} {word(meta.get('namespace')) or '?'}/{word(meta.get('name')) or '?'}",
        kind=kind,
        replicas=1 if replicas is None else replicas,
        storage=storage,
        claim=claim,
        tls=flag(told.get("tls")),
        probes=_probes(container, port),
        labels=strings(mapping(template.get("metadata")).get("labels")),
        node_selector=strings(mapping(template.get("spec")).get("nodeSelector")),
        roots=_roots(spec, container, environment.get(ROOT_ENV)),
    )


def asks_cluster(found: Mapping[str, Any], config: Mapping[str, Any], images: bool | None) -> bool | None:
    """Whether a workload's registry asks the cluster who somebody is.

    :param config: what is known of its configuration file, as ``gather`` gives it.
    :param images: whether the cluster has the API of OpenShift's images.
    """
    container = _container(mapping(found.get("spec")))
    environment = {name: word(each.get("value")) for each in entries(container.get("env"))
                   if (name := word(each.get("name")))}  # fmt: skip
    if images and entries(container.get("envFrom")) and not auth.controllers(environment):
        return None  # others' objects may name it
    mounted, known = flag(config.get("mounted")) is not False, flag(config.get("known")) is True
    return auth.asks_cluster(
        environment, served=images, mounted=mounted, known=known, filed=word(config.get("auth"))
    )  # fmt: skip


def _container(spec: Mapping[str, Any]) -> dict[str, Any]:
    pod_spec = mapping(mapping(spec.get("template")).get("spec"))
    found = entries(pod_spec.get("containers"))
    named = [each for each in found if each.get("name") == layout.CONTAINER]
    return (named or found or [{}])[0]


def _storage(spec: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Kind of the volume at the registry's usual paths, and the claim."""
    places = {word(each.get("mountPath")): word(each.get("name")) for each in entries(container.get("volumeMounts"))}
    name = next((places[path] for path in ("/registry", "/var/lib/registry") if path in places), None)
    volumes = entries(mapping(mapping(spec.get("template")).get("spec")).get("volumes"))
    volume = next((each for each in volumes if name and each.get("name") == name), None)
    if volume is None:
        return None, None
    kind = next((str(key) for key in volume if key != "name"), "emptyDir")  # as the API fills it in
    return _KINDS.get(kind, kind), word(mapping(volume.get(kind)).get("claimName"))


def _roots(spec: Mapping[str, Any], container: Mapping[str, Any], told: str | None) -> tuple[str, ...]:
    """Where images may be: in the directory that it is told, in what is mounted for them; else at the usual paths."""
    volumes = entries(mapping(mapping(spec.get("template")).get("spec")).get("volumes"))
    lasting = {word(each.get("name")) for each in volumes if "persistentVolumeClaim" in each or "nfs" in each}
    found = [told or ""]
    for each in entries(container.get("volumeMounts")):
        path = (word(each.get("mountPath")) or "").rstrip("/")
        if path in USUAL_ROOTS or word(each.get("name")) in lasting:
            found.append(path)
    return tuple(dict.fromkeys(path.rstrip("/") for path in found if path.rstrip("/"))) or USUAL_ROOTS


def _probes(container: Mapping[str, Any], port: int) -> dict[str, str]:
    """Schemes of the probes that ask the registry's port."""
    ports = {str(each.get("name")): str(each.get("containerPort")) for each in entries(container.get("ports"))}
    found = {}
    for name in _PROBES:
        get = mapping(mapping(container.get(name)).get("httpGet"))
        asked = str(get.get("port"))
        if get and ports.get(asked, asked) == str(port):
            found[name] = (word(get.get("scheme")) or "HTTP").upper()
    return found


def stream(found: Mapping[str, Any]) -> Stream:
    """An image stream: at which registries it has itself and its images to be, and what its imports failed with.

    A tag that takes its image from elsewhere says nothing of where this cluster's registry is: what it was imported
    from may be called as the stream is, and one that follows another stream's tag repeats what that one says.
    """
    meta, spec, status = (mapping(found.get(key)) for key in ("metadata", "spec", "status"))
    own = f"{word(meta.get('namespace')) or '?'}/{word(meta.get('name')) or '?'}"
    tags = entries(status.get("tags"))
    repository = _registry(word(status.get("dockerImageRepository")) or "", own)
    taken = {word(each.get("name")) for each in entries(spec.get("tags")) if mapping(each.get("from"))}
    items = [item for tag in tags if tag.get("tag") not in taken for item in entries(tag.get("items"))]
    registries = [repository, *(_registry(word(item.get("dockerImageReference")) or "", own) for item in items)]
    origins = {
        word(each.get("name")): word(mapping(each.get("from")).get("name")) for each in entries(spec.get("tags"))
    }
    failures = [
        (str(origins.get(tag.get("tag")) or "").partition("/")[0], word(condition.get("message")) or "")
        for tag in tags
        for condition in entries(tag.get("conditions"))
        if condition.get("type") == "ImportSuccess" and condition.get("status") == "False"
    ]
    return Stream(
        f"ImageStream {own}",
        repository,
        tuple(dict.fromkeys(each for each in registries if each)),
        tuple(failures),
    )


def _registry(reference: str, own: str) -> str | None:
    """The registry in a reference to the stream itself; None where it leads to another image."""
    host, slash, path = reference.partition("/")
    return host if slash and re.split(r"[@:]", path, maxsplit=1)[0] == own else None


def recent(logs: Mapping[str, Any], now: int | None) -> tuple[tuple[str, str], ...]:
    """Lines of logs that are not older than LOG_AGE, as (pod, line); those without a time are left out."""
    found = []
    for pod_name, text in logs.items():
        for line in registrylog.read(text) if isinstance(text, str) else ():
            when = registrylog.seconds(line.time)
            if when is not None and now is not None and now - when <= LOG_AGE:
                found.append((str(pod_name), line.text.strip()))
    return tuple(found)

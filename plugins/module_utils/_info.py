# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_info does: the registry as it is in the cluster, read and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from ansible_collections.okd.registry.plugins.module_utils import _inside, _query, _served
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import configfile, imagestreams, layout, layouts
from ansible_collections.okd.registry.plugins.module_utils._build import nodes as build_nodes
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import route as build_route
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import CA_KEY, key_pair, value
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._endpoints import (
    KNOWN_AFTER_APPLY,
    SERVICE_IP,
    Endpoint,
    Endpoints,
    cluster_ips,
    compute,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    KindNotServedError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, group_of
from ansible_collections.okd.registry.plugins.module_utils._lookup import Lookup
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, ip_address
from ansible_collections.okd.registry.plugins.module_utils._podstate import is_ready
from ansible_collections.okd.registry.plugins.module_utils._result import registry_value
from ansible_collections.okd.registry.plugins.module_utils._storage import file_of

DEFAULT_MOUNT = "/registry"
#: What is asked only when it is named.
SUBSETS = ("served", "storage", "logs", "image_streams")
_REVISION = "deployment.kubernetes.io/revision"
_UNCOVERED = (
    "No host of the option inventory is one of these Nodes of the cluster, and what is done host by host leaves them "
    "out: {}. Add them to it, each with a name or an address that the cluster has for the Node; the option uncovered "
    "says whether this warns, fails or is ignored. (The roles take the group registry_nodes, registry_node_name and "
    "registry_trust_uncovered for that.)"
)

Object = dict[str, Any]
T = TypeVar("T")


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work. Raises RegistryError; what cannot be read is left out with a warning, but for all of it."""
    params = module.params
    registry = Registry.from_params(params)
    query = _query.compiled(params["query"])
    log_options = _inside.log_options(params["logs"])
    wanted = _wanted(params)
    reader = _Reader(api, registry, module.warn)
    service = reader.read("service", lambda: api.get(build_service.ref(registry)))
    live = find_workload(api, registry.name, registry.namespace, partial(reader.read, "workload"))
    workload = reader.to_look_at(live)
    pods = reader.pods(service, workload)
    routes = reader.routes()
    made = reader.layout(live)
    operators = made.name == layouts.OPERATOR
    file = layouts.certificate_file(live)
    secret = reader.secret(params["secret_name"], made.tls_secret, file)
    ca_name, ca_key = (configs.CA.name, configs.CA_KEY) if operators else (f"{registry.name}-ca", CA_KEY)
    if params["ca_config_map"]:
        ca_name, ca_key = params["ca_config_map"], CA_KEY
    ca_map = reader.get("ca", "ConfigMap", ca_name)
    reader.stop_where_nothing_is_known()
    certificate, leaf = reader.certificate(secret, file)
    nodes = reader.nodes(params["inventory"], params["uncovered"])
    result: dict[str, Any] = {
        "changed": False,
        "registry": _registry(
            registry,
            params,
            service,
            workload,
            routes,
            planned=module.check_mode and not reader.lacks("service"),
            by_address=not operators,
        ),
        "ca_cert": ((ca_map or {}).get("data") or {}).get(ca_key),
        "ca": reader.authorities(ca_map, ca_key, leaf),
        "node_ca": reader.config() is not None,
        "certificate": certificate,
        "certificate_secret": (secret or {})["metadata"]["name"] if certificate else None,
        "workload": workload_value(workload),
        "route": reader.route(routes[0]) if routes else None,
        "routes": [reader.route(route) for route in routes],
        "router_endpoints": build_route.router_hosts(routes, registry),
        "layout": made.as_dict(),
        "pods": reader.pod_values(pods, nodes),
        "nodes": nodes or [],
        "uncovered": [node["name"] for node in nodes or [] if node["host"] is None],
        "served": reader.served(pods, workload, (certificate or {}).get("sha256")) if "served" in wanted else [],
        "storage": reader.storage(pods, workload) if "storage" in wanted else None,
        "logs": reader.logs(pods, workload, log_options) if "logs" in wanted else [],
    }
    names = [*result["registry"]["endpoints"], *_addresses(result["registry"])]
    result["image_streams"] = reader.image_streams(names) if "image_streams" in wanted else []
    result["unread"] = reader.unread
    if query is not None:
        result["queried"] = query(result)
    return {**result, "api_requests": api.counts()}


def _wanted(params: Mapping[str, Any]) -> set[str]:
    """What costs more requests and is asked for all the same."""
    named = {*params["gather_subset"]}
    named |= {*SUBSETS} if "all" in named else set()
    return named | ({"logs"} if params["logs"] is not None else set())


def _at_once(look: Callable[[], Object | None]) -> Object | None:
    return look()


def find_workload(
    api: Api, name: str, namespace: str, read: Callable[[Callable[[], Object | None]], Object | None] = _at_once
) -> Object | None:
    """The registry's workload, of whatever kind; where there are several, a DeploymentConfig, then a Deployment.

    :param read: asks for one of each kind. Where it gives None for what cannot be read, the next kind is asked for:
        while one API is down, another may have it.
    """
    for kind, version in API_VERSIONS.items():
        live = read(partial(_of_kind, api, ObjectRef(version, kind, name, namespace)))
        if live is not None:
            return live
    return None


def _of_kind(api: Api, ref: ObjectRef) -> Object | None:
    """The workload, where the cluster has such a kind."""
    if "." in ref.group and not api.has(ref.group):
        return None
    try:
        return api.get(ref)
    except KindNotServedError:
        return None


def workload_value(workload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The ``workload`` return value; None when there is no workload."""
    if workload is None:
        return None
    meta, spec, status = workload["metadata"], workload.get("spec") or {}, workload.get("status") or {}
    daemons = workload["kind"] == "DaemonSet"
    revision = status.get("latestVersion") or (meta.get("annotations") or {}).get(_REVISION) or meta.get("generation")
    return {
        "api_version": workload["apiVersion"],
        "kind": workload["kind"],
        "name": meta["name"],
        "namespace": meta["namespace"],
        "revision": int(revision or 0),
        "image": layout.container(workload).get("image"),
        "replicas": int(status.get("desiredNumberScheduled", 0) if daemons else spec.get("replicas", 1)),
        "ready_replicas": int(status.get("numberReady", 0)) if daemons else layout.ready_replicas(workload),
        "storage": storage_value(workload),
    }


def storage_value(workload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Where a workload keeps its images: volume name, mount path, and the volume's source; None when nowhere."""
    name = layout.mount_at(workload, DEFAULT_MOUNT)
    source = layout.volume_source(layout.volume(workload, name))
    if source is None:
        return None
    kind = {"persistentVolumeClaim": "pvc", "emptyDir": "ephemeral", "hostPath": "host_path"}.get(source[0], source[0])
    return {"kind": kind, "volume_name": name, "mount_path": DEFAULT_MOUNT, "source": source[1]}


class _Reader(Lookup):
    """Reads what can be read of one registry."""

    def __init__(self, api: Api, registry: Registry, warn: Callable[[str], None]) -> None:
        super().__init__(warn)
        self._api = api
        self._registry = registry
        self._config: Object | None = None
        self._config_read = False

    def get(self, what: str, kind: str, name: str) -> Object | None:
        return self.read(what, lambda: self._api.get(ObjectRef("v1", kind, name, self._registry.namespace)))

    def to_look_at(self, workload: Object | None) -> Object | None:
        """The workload with the registry's container, whatever others it has; where that is guessed, it is said."""
        found, said = layout.to_look_at(workload)
        if said:
            self._warn(said)
        return found

    def secret(self, name: str, mounted: str | None, file: str) -> Object | None:
        """The Secret with the certificate: that of the name, or where it has none, the one that the registry mounts.

        :param file: as for :meth:`certificate`.
        """
        found = self.get("certificate", "Secret", name)
        has = key_pair(found) or value(found, file)
        if not has and mounted and mounted != name and not self.lacks("certificate"):
            return self.get("certificate", "Secret", mounted)
        return found

    def layout(self, workload: Object | None) -> layouts.Layout:
        """Who made the registry, and what about it matters."""
        config = self.config() if self._registry.namespace == configs.NAMESPACE else None
        if config:
            return layouts.of_operator(config)
        made = layouts.recognise(workload)
        if made.tls is not None:
            return made
        return layouts.recognise(workload, file=self.read("config", partial(self._file, workload)))

    def _file(self, workload: Object | None) -> configfile.File | None:
        """The configuration file that is mounted, which is asked for only where nothing else says what matters."""
        return file_of(layout.to_look_at(workload)[0], self._registry.namespace, self._api, told=True)

    def config(self) -> Object | None:
        """What the image-registry operator is told, where there is one; read once."""
        if not self._config_read:
            self._config_read = True
            self._config = self._read_config()
        return self._config

    def _read_config(self) -> Object | None:
        return self.read("operator", lambda: self._api.get(configs.REF) if self._api.has(configs.REF.group) else None)

    def pods(self, service: Object | None, workload: Object | None) -> list[Object]:
        """The pods that the Service leads to, or else the workload's; none that are finished or on their way out."""
        selector = ((service or {}).get("spec") or {}).get("selector") or layout.pods_selector(workload)
        if not selector:
            return []
        namespace = self._registry.namespace
        found = self.read("pods", lambda: self._api.list("v1", "Pod", namespace, labels=selector))
        alive = [p for p in found or [] if not p["metadata"].get("deletionTimestamp")]
        return [p for p in alive if (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]

    def pod_values(self, pods: list[Object], nodes: list[Object] | None) -> list[dict[str, Any]]:
        """The ``pods`` return value. :param nodes: as nodes() gave them."""
        if nodes is None:
            addresses = self._node_addresses({str(p["spec"]["nodeName"]) for p in pods if p["spec"].get("nodeName")})
        else:
            addresses = {node["name"]: node["addresses"] for node in nodes}
        return [_pod(p, addresses) for p in sorted(pods, key=lambda p: str(p["metadata"]["name"]))]

    def nodes(self, inventory: Mapping[str, Any] | None, uncovered: str) -> list[Object] | None:
        """The ``nodes`` return value; None where it is not asked for, or may not be read.

        :raises RefusedError: where a Node is no host, and that is to be an error.
        """
        if inventory is None:
            return None
        found = self.read("nodes", lambda: self._api.list("v1", "Node"))
        if found is None:
            return None
        hosts = build_nodes.hosts_of(found, inventory)
        values = [build_nodes.value(n, hosts.get(str(n["metadata"]["name"]))) for n in found]
        missing = sorted(node["name"] for node in values if node["host"] is None)
        if missing and uncovered == "fail":
            raise RefusedError(_UNCOVERED.format(", ".join(missing)), uncovered=missing)
        if missing and uncovered == "warn":
            self._warn(_UNCOVERED.format(", ".join(missing)))
        return sorted(values, key=lambda node: str(node["name"]))

    def _node_addresses(self, names: set[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(names):
            node = self.read("nodes", partial(self._api.get, ObjectRef("v1", "Node", name))) or {}
            if self.lacks("nodes"):
                break
            found[name] = [a["address"] for a in (node.get("status") or {}).get("addresses") or []]
        return found

    def routes(self) -> list[Object]:
        """The Routes to the Service, the one that registry_route would take first: that of the asked host."""
        version, namespace = build_route.API_VERSION, self._registry.namespace
        if not self.read("routes", lambda: self._api.has(group_of(version))):
            return []
        found = self.read("routes", lambda: self._api.list(version, "Route", namespace))
        return [dict(r) for r in build_route.ranked(found or [], self._registry, host=self._registry.route_host)]

    def route(self, route: Object) -> dict[str, Any]:
        """A Route as registry_route tells it, with facts about its own certificate; None without one."""
        pem, facts = (route["spec"].get("tls") or {}).get("certificate"), None
        if pem:
            from ansible_collections.okd.registry.plugins.module_utils import _x509

            try:
                facts = _x509.certificate_facts(pem)
            except CertificateError as exc:
                self._warn(f"{ObjectRef.of(route)}: {exc}")
        return {**(build_route.value(route) or {}), "certificate": facts}

    def certificate(self, secret: Object | None, file: str) -> tuple[dict[str, Any] | None, Any]:
        """Facts about the leaf in the Secret, and the leaf itself; None for both without one.

        :param file: the name of the file that the registry serves, which may be another than those that we know.
        """
        pair = key_pair(secret)
        pem = value(secret, pair[0] if pair else file)
        if pem is None:
            return None, None
        from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509

        name = f"Secret {self._registry.namespace}/{(secret or {})['metadata']['name']}"
        try:
            chain = _pem.parse_certificates(pem, name)
        except CertificateError as exc:
            self._warn(str(exc))
            return None, None
        return _x509.bundle_facts(chain, dt.datetime.now(dt.timezone.utc)), chain[0]

    def authorities(self, config_map: Object | None, key: str, leaf: Any) -> list[dict[str, Any]]:
        """Facts about the published CAs; none where there are none that can be read."""
        text = ((config_map or {}).get("data") or {}).get(key)
        if not text:
            return []
        from ansible_collections.okd.registry.plugins.module_utils import _cabundle, _pem

        name = f"ConfigMap {self._registry.namespace}/{(config_map or {})['metadata']['name']}, {key}"
        try:
            return _cabundle.facts(_pem.parse_certificates(text.encode(), name), leaf, dt.datetime.now(dt.timezone.utc))
        except CertificateError as exc:
            self._warn(str(exc))
            return []

    def storage(self, pods: list[Object], workload: Object | None) -> dict[str, Any] | None:
        """The ``storage`` return value."""
        return self.read("storage", lambda: _inside.storage(self._api, workload, pods))

    def logs(self, pods: list[Object], workload: Object | None, options: _inside.LogOptions) -> list[dict[str, Any]]:
        """The ``logs`` return value: of pods that have begun, one that runs or one that crashes."""
        container = layout.container_name(workload)
        begun = [p for p in pods if (p.get("status") or {}).get("containerStatuses")]
        return [
            _inside.log(self._api, p, layout.container_in(p, container), self._registry.port, options)
            for p in sorted(begun, key=lambda p: str(p["metadata"]["name"]))
        ]

    def image_streams(self, endpoints: list[str]) -> list[dict[str, Any]]:
        """The ``image_streams`` return value; none where the cluster has no such API."""

        def look() -> list[Object]:
            if not self._api.has(group_of(imagestreams.API_VERSION)):
                return []
            try:
                return self._api.list(imagestreams.API_VERSION, imagestreams.KIND)
            except KindNotServedError:
                return []

        return imagestreams.values(self.read("image_streams", look) or [], endpoints)

    def served(self, pods: list[Object], workload: Object | None, expected: str | None) -> list[dict[str, Any]]:
        container = layout.container_name(workload)
        running = [p for p in pods if (p.get("status") or {}).get("phase") == "Running"]
        return [
            _served.look(
                self._api, p, container=layout.container_in(p, container), port=self._registry.port, expected=expected
            )
            for p in sorted(running, key=lambda p: str(p["metadata"]["name"]))
        ]


def _pod(pod: Object, addresses: Mapping[str, list[str]]) -> dict[str, Any]:
    spec, status = pod["spec"], pod.get("status") or {}
    node = spec.get("nodeName")
    return {
        "name": pod["metadata"]["name"],
        "node": node,
        "node_addresses": addresses.get(node or "", []),
        "phase": status.get("phase"),
        "ready": is_ready(pod),
        "image": next(
            (c.get("image") for c in spec["containers"] if c["name"] == layout.container_in(pod, layout.CONTAINER)),
            None,
        ),
    }


def _registry(
    registry: Registry,
    params: Mapping[str, Any],
    service: Object | None,
    workload: Object | None,
    routes: list[Object],
    *,
    planned: bool,
    by_address: bool = True,
) -> dict[str, Any]:
    """The ``registry`` return value. :param by_address: whether the Service's address is a name of it, too."""
    addresses = cluster_ips(service)
    if not addresses and planned:
        addresses = (ip_address("cluster_ip", params["cluster_ip"]) if params.get("cluster_ip") else KNOWN_AFTER_APPLY,)
    found = workload_value(workload) or {}
    return registry_value(
        registry.name,
        registry.namespace,
        _endpoints(registry, addresses if by_address else (), routes),
        cluster_ip=addresses[0] if addresses else None,
        cluster_ips=list(addresses),
        port=registry.port,
        image=found.get("image"),
        replicas=found.get("replicas"),
        storage=found.get("storage"),
    )


def _addresses(registry: Mapping[str, Any]) -> list[str]:
    """The Service's addresses, by which image streams may name a registry, also one that has no such name."""
    return [Endpoint(ip, registry["port"], SERVICE_IP).docker for ip in registry["cluster_ips"]]


def _endpoints(registry: Registry, addresses: tuple[str, ...], routes: list[Object]) -> Endpoints:
    """Endpoints with the hosts of passthrough Routes: at others, clients see the router's certificate, not ours."""
    return compute(
        name=registry.name,
        namespace=registry.namespace,
        cluster_ips=addresses,
        port=registry.port,
        cluster_domain=registry.cluster_domain,
        route_hosts=[registry.route_host or "", *build_route.exposed_hosts(routes, registry)],
        extra_hosts=registry.extra_hosts,
    )

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_preflight_info does: everything that would stop a run, found at once, before anything is touched.

Each check gives sentences; a check that fails itself (no right to look, say) gives its error as a sentence too.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _model, _operator, _rights
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import accounts, layouts, operator_config, scc
from ansible_collections.okd.registry.plugins.module_utils._build import route as build_route
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._build.right import Asked
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import KEY_PAIRS, key_pair
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster, detect
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ConfigurationError,
    ForbiddenError,
    KindNotServedError,
    MissingLibraryError,
    OptionError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, group_of
from ansible_collections.okd.registry.plugins.module_utils._options import settings as options_settings
from ansible_collections.okd.registry.plugins.module_utils._options import storage as options_storage
from ansible_collections.okd.registry.plugins.module_utils._service import holder_of

# An image reference, loosely: what certainly is none is found here, the rest by the node that pulls.
_IMAGE = re.compile(r"[a-z0-9][\w.:/@${}-]*", re.ASCII)
_SECRET_TYPES = (None, "", "Opaque", "kubernetes.io/tls")

Problems = Iterator[str]


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work. Only what makes every check impossible (no kubernetes library) is raised."""
    options_storage.show_harmless(module)
    params = options_settings.show_harmless(module)
    module.no_log_values.update(options_storage.secret_values(params))
    check = _Preflight(params, api)
    problems = list(check.options()) + list(check.files())
    cluster: Cluster | None = None
    try:
        cluster = detect(api)
    except MissingLibraryError:
        raise
    except (UnreachableError, ConfigurationError, UnauthorizedError, KindNotServedError) as exc:
        problems.append(str(exc))
    if cluster:
        problems += check.cluster(cluster)
    return {
        "changed": False,
        "problems": list(dict.fromkeys(problems)),
        "cluster": cluster.as_dict() if cluster else None,
        "api_requests": api.counts(),
    }


class _Preflight:
    def __init__(self, params: Mapping[str, Any], api: Api) -> None:
        self._params = params
        self._api = api
        self._name, self._namespace = params["name"], params["namespace"]
        self._live_kind: str | None = None
        self._former_accounts: list[str] = []
        self._served = ""  # the Secret with the certificate that a registry which is there mounts
        self._refusals: list[str] = []  # what was refused for want of a right
        self._told_at_once: list[str] = []  # those of them that the one sentence about all missing rights tells better

    # ---- what needs no cluster -----------------------------------------------------------------------------------

    def options(self) -> Problems:
        """Values that can be refused by looking at them."""
        params = self._params
        yield from _refused(_model.service_name, "name", params["name"])
        yield from _refused(_model.dns_label, "namespace", params["namespace"])
        yield from _refused(_model.port_number, "port", params["port"])
        yield from _refused(_model.dns_name, "cluster_domain", params["cluster_domain"])
        yield from _refused(_model.route_host, "route_host", params["route_host"])
        for host in params["extra_hosts"] or []:
            yield from _refused(_model.host_port, "extra_hosts", host)
        if params["cluster_ip"]:
            yield from _refused(_model.ip_address, "cluster_ip", params["cluster_ip"])
        yield from _refused(lambda _option, _value: options_storage.from_params(params), "storage", None)
        if params["image"] and not _IMAGE.fullmatch(params["image"]):
            yield f"image: {params['image']!r} is no image reference, such as registry.example.com/ose/name:v3.11"

    def files(self) -> Problems:
        """The CA's files: there, readable, a CA, its key, in time. Or the certificate's, with all that is wrong."""
        ca, own = self._params["ca"], self._params["certificate"]
        if not ca and not own:
            return
        from ansible_collections.okd.registry.plugins.module_utils import _certsource, _pem, _x509

        now = dt.datetime.now(dt.timezone.utc)
        try:
            _pem.require("to sign certificates")
            # Which names it has to cover, registry_cert asks the cluster.
            _certsource.from_params(self._params, now).refuse(_x509.server_names(()), now)
        except OptionError as exc:
            yield str(exc)
        except RegistryError as exc:
            yield f"{'certificate' if own else 'ca'}: {str(exc).removeprefix('certificate: ')}"

    # ---- what the cluster says -----------------------------------------------------------------------------------

    def cluster(self, cluster: Cluster) -> list[str]:
        """Everything that needs the API. Without the namespace, only what does not depend on it."""
        if not self._valid_names():
            return []
        found = list(self._run(self._namespace_there))
        checks: list[Callable[[], Iterable[str]]] = [
            self._address,
            lambda: self._route(cluster),
            lambda: self._workload(cluster),
            lambda: self._cluster_role(cluster),
            lambda: self._rights(cluster),
        ]
        if not found:
            checks += [self._claim, self._secret]
        for check in checks:
            found += self._run(check)
        return [one for one in found if one not in self._told_at_once]

    def _run(self, check: Callable[[], Iterable[str]]) -> list[str]:
        try:
            return list(check())
        except RegistryError as exc:
            if isinstance(exc, ForbiddenError) and exc.details.get("rule"):
                self._refusals.append(str(exc))
            return [str(exc)]

    def _ref(self, kind: str, name: str, api_version: str = "v1") -> ObjectRef:
        return ObjectRef(api_version, kind, name, self._namespace)

    def _namespace_there(self) -> Problems:
        try:
            live = self._api.get(ObjectRef("v1", "Namespace", self._namespace))
        except ForbiddenError:
            return  # many may work in a namespace without being allowed to look at it
        if live is None:
            yield (
                f"namespace: {self._namespace} does not exist. Create it first: oc new-project {self._namespace}, or "
                f"kubectl create namespace {self._namespace}"
            )
        elif live["metadata"].get("deletionTimestamp"):
            yield f"namespace: {self._namespace} is being deleted. Wait until it is gone and create it anew"

    def _address(self) -> Problems:
        """The Service's address: the live one, or one that is free and can be had."""
        wanted = self._params["cluster_ip"]
        if wanted and not _model.is_ip(wanted):
            return
        live = self._api.get(self._ref("Service", self._name))
        if live is not None:
            spec = _model.ServiceSpec.from_params({**self._params, "extra_hosts": [], "route_host": None})
            build_service.refuse_other_address(spec, live)
            return
        if not wanted:
            return
        holder = holder_of(self._api, wanted)
        if holder:
            yield f"cluster_ip: {wanted} is taken already by {holder}. Choose a free address, or leave cluster_ip out"
        ranges = self._service_ranges()
        if ranges and not any(ipaddress.ip_address(wanted) in r for r in ranges):
            text = ", ".join(str(r) for r in ranges)
            yield f"cluster_ip: {wanted} is not in the cluster's range for Services ({text})"

    def _service_ranges(self) -> list[Any]:
        """The Service networks where the API tells them (since 1.33); else none, and the API decides at creation."""
        try:
            found = self._api.list("networking.k8s.io/v1", "ServiceCIDR")
        except (KindNotServedError, ForbiddenError):
            return []
        return [ipaddress.ip_network(cidr) for item in found for cidr in item["spec"].get("cidrs") or []]

    def _valid_names(self) -> bool:
        """Whether names and numbers are such that the API can be asked with them; options() says which are not."""
        try:
            _model.Registry.from_params({**self._params, "extra_hosts": None, "route_host": None})
        except OptionError:
            return False
        return True

    def _route(self, cluster: Cluster) -> Problems:
        host, kind = self._params["route_host"], self._params["route_kind"]
        if kind == "ingress" and not host:
            yield "route_kind: an Ingress needs route_host, since no host is generated for it"
        if not (host or self._params["route_generated"]) or kind != "route":
            return
        asked = f"route_host: {host}" if host else "route_generated: a Route"
        if not cluster.has_routes:
            yield (
                f"{asked} is asked for, but the cluster has no Route API ({build_route.API_VERSION}). Say "
                "registry_route_kind: ingress, node_port or load_balancer; or leave route_host out, and name what "
                "leads to the registry from outside in extra_hosts"
            )
            return
        try:
            routes = self._api.list(build_route.API_VERSION, "Route")
        except ForbiddenError:
            routes = self._api.list(build_route.API_VERSION, "Route", self._namespace)
        own = build_route.ranked(
            [r for r in routes if r["metadata"]["namespace"] == self._namespace],
            _model.Registry.from_params({"name": self._name, "namespace": self._namespace}),
        )
        others = [r for r in routes if host and r not in own and r["spec"].get("host") == host.lower()]
        if others:
            names = ", ".join(sorted(f"{r['metadata']['namespace']}/{r['metadata']['name']}" for r in others))
            yield f"route_host: {host} belongs to Route {names} already. Choose another host, or delete that Route"
        if _no_router(routes):
            yield (
                f"{asked} is asked for, but no router has admitted any of the cluster's Routes. "
                "Deploy a router first (oc adm router)"
            )

    def _workload(self, cluster: Cluster) -> Problems:
        wanted, live = self._params["kind"], find_workload(self._api, self._name, self._namespace)
        self._live_kind = live["kind"] if live else None
        self._former_accounts = accounts.former(live, self._params["service_account"] or "registry")
        self._served = layouts.recognise(live).tls_secret or ""
        if wanted == "DeploymentConfig" and not cluster.has_deployment_configs:
            yield (
                "kind: DeploymentConfig is asked for, but the cluster has no such API (apps.openshift.io/v1). "
                "Say kind: auto or Deployment"
            )
        elif live is not None and wanted not in ("auto", live["kind"]):
            yield (
                f"kind: {wanted} is asked for, but the registry is there already as {ObjectRef.of(live)}; both would "
                "serve behind one Service. Say kind: auto, or delete the other one"
            )
        if live is None and not self._params["image"]:
            yield "image: is missing, and there is no registry yet whose image could be kept"

    def _claim(self) -> Problems:
        storage = self._params["storage"] or {}
        name = storage.get("claim_name")
        if storage.get("kind") != "pvc" or not name or storage.get("size"):
            return
        live = self._api.get(self._ref("PersistentVolumeClaim", name))
        if live is None:
            try:
                there = [c["metadata"]["name"] for c in self._api.list("v1", "PersistentVolumeClaim", self._namespace)]
                hint = f"There are: {', '.join(sorted(there))}" if there else "There are none; create one first"
            except ForbiddenError:
                hint = "Create it first, or say storage.size to have it made"
            yield f"storage.claim_name: PersistentVolumeClaim {self._namespace}/{name} does not exist. {hint}"
        elif (live.get("status") or {}).get("phase") == "Lost":
            yield f"storage.claim_name: PersistentVolumeClaim {self._namespace}/{name} has lost its volume (phase Lost)"
        elif live["metadata"].get("deletionTimestamp"):
            yield f"storage.claim_name: PersistentVolumeClaim {self._namespace}/{name} is being deleted"

    def _cluster_role(self, cluster: Cluster) -> Problems:
        name = self._params["cluster_role"] or ("system:registry" if cluster.openshift else None)
        if not name:
            return
        try:
            live = self._api.get(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRole", name))
        except ForbiddenError:
            return  # binding it is what counts, and the rights to that are looked at below
        if live is None:
            yield (
                f"cluster_role: ClusterRole {name} does not exist, and the registry's service account is to get it. "
                "OpenShift makes it at installation (oc adm policy reconcile-cluster-roles); elsewhere name another one"
            )

    def _secret(self) -> Problems:
        live = self._api.get(self._ref("Secret", self._params["secret_name"]))
        if live is None:
            return
        name = f"Secret {self._namespace}/{self._params['secret_name']}"
        if live.get("type") not in _SECRET_TYPES:
            yield (
                f"secret_name: {name} is of type {live['type']} and so no place for a certificate. "
                "Name another one in secret_name"
            )
        have = set(live.get("data") or {})
        for pair in KEY_PAIRS:
            half = have & set(pair)
            if len(half) == 1 and key_pair(live) is None:
                missing = (set(pair) - half).pop()
                yield f"secret_name: {name} has {half.pop()} but not {missing}. Add it, or delete the Secret"

    def _rights(self, cluster: Cluster) -> Problems:
        missing = _rights.missing(self._api, self._asked(cluster))
        if missing:
            self._told_at_once = self._refusals
            yield _rights.explain(missing, self._namespace)

    def _asked(self, cluster: Cluster) -> Asked:
        """What the run is to do; of a storage that cannot be had, options() has told."""
        try:
            storage = options_storage.from_params(self._params)
        except OptionError:
            storage = Storage()
        wanted, has_scc = self._params["kind"], self._api.has(scc.GROUP)
        kind = self._live_kind if wanted == "auto" and self._live_kind else wanted
        asked = Asked.from_params(self._params, cluster, storage=storage, has_scc=has_scc, kind=kind)
        asks = self._params.get("managed_by") != _operator.SELF and self._api.has(group_of(operator_config.API_VERSION))
        try:
            managed = asks and _operator.manages(self._params, self._api) is not None
            # One that is under way is finished, or undone.
            moves = asked.migrates or self._api.get(self._ref("ConfigMap", f"{self._name}-migration")) is not None
        except RegistryError:
            managed, moves = asked.operator, asked.migrates
        former = tuple(self._former_accounts)
        return replace(asked, served=self._served, has_operator=asks, operator=managed, migrates=moves, former=former)


def _refused(check: Callable[[str, Any], Any], option: str, value: Any) -> Problems:
    try:
        check(option, value)
    except OptionError as exc:
        yield str(exc)


def _no_router(routes: list[dict[str, Any]]) -> bool:
    """Whether there are Routes old enough to have been seen by a router, and none has been."""
    old = [r for r in routes if _age(r) > dt.timedelta(minutes=2)]
    return bool(old) and not any((r.get("status") or {}).get("ingress") for r in routes)


def _age(obj: Mapping[str, Any]) -> dt.timedelta:
    text = obj["metadata"].get("creationTimestamp")
    now = dt.datetime.now(dt.timezone.utc)
    return now - dt.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else dt.timedelta(0)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking before anything is touched, and reading what is there: the parts that need no API server."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _preflight
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster, detect
from ansible_collections.okd.registry.plugins.module_utils._info import (
    _registry,
    execute,
    storage_value,
    workload_value,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry


class Groups:
    """An API with certain groups."""

    def __init__(self, *groups: str) -> None:
        self._groups = groups

    def has(self, group: str) -> bool:
        return group in self._groups

    def version(self) -> str:
        return "v1"


@pytest.mark.parametrize(
    ("groups", "openshift", "routes", "configs"),
    [
        ((), None, False, False),
        (("apps.openshift.io", "route.openshift.io"), 3, True, True),
        (("apps.openshift.io", "route.openshift.io", "config.openshift.io"), 4, True, True),
        (("config.openshift.io", "route.openshift.io"), 4, True, False),
        (("route.openshift.io", "security.openshift.io"), None, True, False),
    ],
)
def test_which_kind_of_cluster(groups: tuple[str, ...], openshift: int | None, routes: bool, configs: bool) -> None:
    assert detect(Groups(*groups)) == Cluster("v1", openshift, routes, configs)  # type: ignore[arg-type]


def params(**changes: Any) -> dict[str, Any]:
    plain = {
        "name": "docker-registry",
        "namespace": "default",
        "port": 5000,
        "cluster_domain": "cluster.local",
        "cluster_ip": None,
        "route_host": None,
        "extra_hosts": [],
        "storage": None,
        "image": None,
        "ca": None,
    }
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, []),
        ({"image": "registry.redhat.io/openshift3/ose-docker-registry:v3.11"}, []),
        ({"image": "ose-${component}:${version}"}, []),
        ({"image": "name@sha256:" + "a" * 64}, []),
        ({"image": "two words"}, ["image: 'two words' is no image reference"]),
        ({"image": "Upper:case"}, ["image: 'Upper:case' is no image reference"]),
        ({"storage": {"kind": "pvc"}}, ["storage.claim_name: None is required with kind: pvc"]),
        (
            {"storage": {"kind": "ephemeral", "mount_path": "registry"}},
            ["storage.mount_path: 'registry' must be an absolute path"],
        ),
        (
            {"name": "X", "namespace": "Y", "port": 0, "cluster_domain": "a b", "cluster_ip": "x", "route_host": "y:1"},
            ["name: ", "namespace: ", "port: ", "cluster_domain: ", "route_host: ", "cluster_ip: "],
        ),
    ],
)
def test_options_are_all_looked_at(changes: dict[str, Any], problems: list[str]) -> None:
    found = list(_preflight._Preflight(params(**changes), None).options())  # type: ignore[arg-type]
    assert len(found) == len(problems)
    assert all(text.startswith(start) for text, start in zip(found, problems, strict=True))


def route(age: dt.timedelta, ingress: Any = None) -> dict[str, Any]:
    made = (dt.datetime.now(dt.timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"creationTimestamp": made}, "status": {"ingress": ingress}}


def test_no_router_is_concluded_only_from_routes_that_wait_long() -> None:
    old, young = dt.timedelta(hours=1), dt.timedelta(seconds=5)
    assert not _preflight._no_router([])
    assert not _preflight._no_router([route(young)])
    assert _preflight._no_router([route(old), route(young)])
    assert not _preflight._no_router([route(old), route(old, ingress=[{}])])


def workload(kind: str, spec: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    meta = {"name": "n", "namespace": "d", "generation": 9, **parts.pop("metadata", {})}
    return {"apiVersion": "v", "kind": kind, "metadata": meta, "spec": spec or {}, **parts}


@pytest.mark.parametrize(
    ("live", "values"),
    [
        (workload("DeploymentConfig", {"replicas": 2}, status={"latestVersion": 3, "readyReplicas": 1}), (3, 2, 1)),
        (
            workload(
                "Deployment", {"replicas": 0}, metadata={"annotations": {"deployment.kubernetes.io/revision": "4"}}
            ),
            (4, 0, 0),
        ),
        (workload("DaemonSet", status={"desiredNumberScheduled": 3, "numberReady": 2}), (9, 3, 2)),
        (workload("Deployment"), (9, 1, 0)),
    ],
)
def test_figures_of_a_workload(live: dict[str, Any], values: tuple[int, int, int]) -> None:
    found = workload_value(live) or {}
    assert (found["revision"], found["replicas"], found["ready_replicas"]) == values


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"emptyDir": {}}, "ephemeral"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, "pvc"),
        ({"hostPath": {"path": "/x"}}, "host_path"),
        ({"nfs": {"server": "s", "path": "/x"}}, "nfs"),
    ],
)
def test_storage_of_a_workload(source: dict[str, Any], kind: str) -> None:
    container = {"name": "registry", "volumeMounts": [{"name": "v", "mountPath": "/registry/"}]}
    pod = {"containers": [container], "volumes": [{"name": "v", **source}]}
    found = storage_value(workload("Deployment", {"template": {"spec": pod}})) or {}
    assert (found["kind"], found["volume_name"], found["source"]) == (kind, "v", next(iter(source.values())))


def test_a_registry_is_told_with_all_addresses_of_its_service() -> None:
    registry, service = Registry.from_params(params()), {"spec": {"clusterIPs": ["172.30.1.1", "fd00::1"]}}
    found = _registry(registry, params(), service, None, [], planned=False)
    assert (found["cluster_ip"], found["cluster_ips"]) == ("172.30.1.1", ["172.30.1.1", "fd00::1"])
    assert _registry(registry, params(), None, None, [], planned=False)["cluster_ips"] == []


def test_no_workload_and_no_storage() -> None:
    assert workload_value(None) is None
    assert storage_value(workload("Deployment")) is None


class OpenShift4:
    """An API server of OpenShift 4, as far as it is asked; the operator has its registry there."""

    def __init__(self, **config_maps: dict[str, str]) -> None:
        meta = {"name": "image-registry", "namespace": "openshift-image-registry"}
        address = {"clusterIP": "172.30.9.9"}
        self._objects: dict[tuple[str, str], dict[str, Any]] = {
            ("Service", "image-registry"): {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": address},
            ("Config", "cluster"): {"metadata": {"name": "cluster"}, "spec": {"managementState": "Managed"}},
            ("Deployment", "image-registry"): workload("Deployment", metadata=meta),
            **{("ConfigMap", name): {"metadata": {"name": name}, "data": data} for name, data in config_maps.items()},
        }

    def has(self, group: str) -> bool:
        return group in ("apps", "imageregistry.operator.openshift.io")

    def get(self, ref: ObjectRef) -> dict[str, Any] | None:
        return self._objects.get((ref.kind, ref.name))

    def list(self, *_what: Any, **_how: Any) -> list[dict[str, Any]]:
        return []

    def counts(self) -> dict[str, int]:
        return {}


def told(api: OpenShift4, **changes: Any) -> dict[str, Any]:
    names = {"name": "image-registry", "namespace": "openshift-image-registry", "secret_name": "image-registry-tls"}
    plain = {
        "ca_config_map": None, "query": None, "logs": None, "gather_subset": [], "inventory": None,
        "uncovered": "ignore",
    }  # fmt: skip
    module = SimpleNamespace(params=params(**{**names, **plain, **changes}), warn=pytest.fail, check_mode=False)
    return execute(module, api)  # type: ignore[arg-type]


def test_the_operator_s_registry_is_told_with_the_service_ca_and_the_names_that_its_certificate_covers() -> None:
    found = told(OpenShift4(serviceca={"service-ca.crt": ""}))
    assert (found["layout"]["name"], found["node_ca"], found["ca_cert"]) == ("operator", True, "")
    assert (found["registry"]["cluster_ip"], found["registry"]["endpoints"]) == (
        "172.30.9.9",
        [
            "image-registry.openshift-image-registry.svc:5000",
            "image-registry.openshift-image-registry.svc.cluster.local:5000",
        ],
    )
    assert told(OpenShift4(mine={"ca.crt": ""}), ca_config_map="mine")["ca_cert"] == ""
    assert told(OpenShift4())["ca_cert"] is None


def test_a_registry_beside_the_operator_s_has_its_own_ca_and_its_address() -> None:
    api = OpenShift4(**{"serviceca": {"service-ca.crt": ""}, "mine-ca": {"ca.crt": ""}})
    found = told(api, name="mine", namespace="builds")
    assert (found["layout"]["name"] == "operator", found["ca_cert"]) == (False, "")
    api._objects["Service", "mine"] = {"metadata": {}, "spec": {"clusterIP": "172.30.9.8"}}
    assert "172.30.9.8:5000" in told(api, name="mine", namespace="builds")["registry"]["endpoints"]

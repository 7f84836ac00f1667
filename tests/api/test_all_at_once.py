# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a registry can be told, at once: one read and at most one write for each object, and all counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
KINDS = ("DeploymentConfig", "Deployment", "DaemonSet")
METHODS = {"get": "get", "list": "get", "create": "post", "patch": "patch", "delete": "delete"}
STORAGES = {
    "nfs": {"kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry", "options": ["hard"]},
    "claim": {"kind": "pvc", "claim_name": "made", "size": "1Gi", "access_modes": ["ReadWriteMany"]},
    "s3": {"kind": "s3", "parameters": {"region": "r", "bucket": "b", "secretkey": "hidden"}},
}
EVERYTHING = {
    "image": "openshift3/ose-docker-registry:v3",
    "replicas": 2,
    "egress_proxy": {"https": "http://proxy.example.com:3128"},
    "env": {"REGISTRY_LOG_LEVEL": "debug"},
    "enforce_quota": True,
    "pod_disruption_budget": {"max_unavailable": 1},
    "node_selector": {"region": "infra"},
    "tolerations": [{"key": "infra", "operator": "Exists"}],
    "pull_secrets": ["pull"],
    "supplemental_groups": [65534],
    "resources": {"limits": {"memory": "1Gi"}},
    "probe_storage": False,
    "wait": False,
    "ignore_guards": ["claim"],
}
Asked = Counter[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def surroundings(run: Any, admin: Api, namespace: str) -> Iterator[None]:
    """A Service; what is in no namespace is taken away by hand, for no controllers run here."""
    assert not run(registry_service).get("failed")
    yield
    admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))
    admin.delete(ObjectRef("v1", "PersistentVolume", f"{namespace}-docker-registry-storage"))
    for kind, version in API_VERSIONS.items():
        for obj in admin.list(version, kind, namespace):
            admin.delete(ObjectRef.of(obj))


@pytest.fixture
def asked(kubeconfig: str) -> Callable[[], tuple[Asked, Asked]]:
    """Reads and writes since the last call, by verb, resource and name, in the API server's audit log."""
    near = Path(kubeconfig).parent
    log = next((p for p in (near / "audit.log", near / "control-plane" / "audit.log") if p.exists()), None)
    if log is None:
        pytest.skip(f"no audit log beside {kubeconfig}")
    start = log.stat().st_size

    def read() -> tuple[Asked, Asked]:
        nonlocal start
        time.sleep(0.3)  # the log is written behind the answers
        reads, writes = Asked(), Asked()
        with log.open("rb") as lines:
            lines.seek(start)
            for line in lines:
                event = json.loads(line)
                what = event.get("objectRef")
                if not what or event["stage"] != "ResponseComplete" or event["userAgent"] != "okd.registry":
                    continue
                name = what.get("name") or ((event.get("responseObject") or {}).get("metadata") or {}).get("name", "")
                is_read = event["verb"] in ("get", "list")
                (reads if is_read else writes)[METHODS[event["verb"]], what["resource"], name] += 1
            start = lines.tell()
        return reads, writes

    return read


def by_method(*found: Asked) -> dict[str, int]:
    counts = dict.fromkeys(("get", "post", "patch", "delete"), 0)
    for one in found:
        for (method, _resource, _name), times in one.items():
            counts[method] += times
    return counts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STORAGES)
def test_each_object_is_read_once_and_written_once(
    run: Any, asked: Callable[[], tuple[Asked, Asked]], name: str, kind: str
) -> None:
    driver: Object = {"s3": {}} if name == "s3" else {"filesystem": {"rootdirectory": "/registry"}}
    file = {"content": {"version": 0.1, "storage": driver}}
    options = {**EVERYTHING, "kind": kind, "storage": STORAGES[name], "config": file}
    if kind == "DaemonSet":  # whose nodes decide on the number of pods
        options = {k: v for k, v in options.items() if k not in ("replicas", "pod_disruption_budget")}

    def deploy() -> tuple[Object, Asked, Asked]:
        asked()
        result: Object = run(registry_deploy, **options)
        assert not result.get("failed"), result.get("msg")
        reads, writes = asked()
        counted = {k: result["api_requests"][k] for k in ("get", "post", "patch", "delete")}
        assert counted == by_method(reads, writes)
        assert {key: times for key, times in reads.items() if times > 1} == {}
        return result, reads, writes

    made, _, writes = deploy()
    written = [one for one in made["resources"] if one["action"] != "unchanged"]
    assert sum(writes.values()) == len(written)
    again, _, writes = deploy()
    assert (again["changed"], writes) == (False, Asked())

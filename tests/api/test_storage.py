# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of storage on a real API server: its defaults, its validation, its audit log. Nothing runs the pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import scc
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
NAME = "docker-registry"
CLASS = "registry-tests"
STORAGES = {
    "ephemeral": {"kind": "ephemeral"},
    "new-claim": {"kind": "pvc", "size": "1Gi", "storage_class": CLASS, "claim_name": "made"},
    "nfs": {"kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry"},
    "nfs-options": {
        "kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry", "options": ["hard", "nfsvers=4.1"],
    },
    "host-path": {"kind": "host_path", "path": "/var/lib/registry", "node": "node1"},
    "s3": {"kind": "s3", "parameters": {"region": "r", "bucket": "b", "secretkey": "VERYSECRET", "encrypt": True}},
    "gcs": {"kind": "gcs", "parameters": {"bucket": "b", "keyfile": {"type": "x", "private_key": "VERYSECRET"}}},
}  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(run: Any, admin: Api, namespace: str) -> Iterator[None]:
    """A Service and a StorageClass; what is in no namespace is taken away by hand, for no controllers run here."""
    assert not run(registry_service).get("failed")
    name = ObjectRef("storage.k8s.io/v1", "StorageClass", CLASS)
    if admin.get(name) is None:
        meta = {"name": CLASS}
        body = {"apiVersion": name.api_version, "kind": name.kind, "metadata": meta, "provisioner": "example.com/none"}
        admin.create({**body, "allowVolumeExpansion": True})
    yield
    admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))
    admin.delete(ObjectRef("v1", "PersistentVolume", f"{namespace}-{NAME}-storage"))
    for kind, version in API_VERSIONS.items():
        for obj in admin.list(version, kind, namespace):
            admin.delete(ObjectRef.of(obj))


@pytest.fixture
def privileged(admin: Api) -> Callable[[], list[str]]:
    """Who is among the users of the SCC."""
    if admin.get(scc.REF) is None:
        base = {
            "apiVersion": scc.REF.api_version, "kind": scc.REF.kind, "metadata": {"name": "privileged"},
            "users": ["system:admin"],
            **dict.fromkeys(
                ("allowHostDirVolumePlugin", "allowHostIPC", "allowHostNetwork", "allowHostPID", "allowHostPorts",
                 "allowPrivilegedContainer"), True,
            ),
            "allowedCapabilities": None, "defaultAddCapabilities": None, "requiredDropCapabilities": None,
            "priority": None, "readOnlyRootFilesystem": False, "volumes": ["*"],
        }  # fmt: skip
        admin.create(base)
    return lambda: list((admin.get(scc.REF) or {}).get("users") or [])


def deploy(run: Any, storage: Object, **options: Any) -> Object:
    result: Object = run(
        registry_deploy, image="r:1", storage=storage, probe_storage=False, wait=False, allow_data_loss=True, **options
    )
    assert "VERYSECRET" not in str(result)
    return result


@pytest.mark.parametrize("kind", ["DeploymentConfig", "Deployment"])
@pytest.mark.parametrize("name", STORAGES)
def test_second_run_writes_nothing_and_check_mode_was_true(
    run: Any, admin: Api, namespace: str, privileged: Any, audit: Callable[[], Object], name: str, kind: str
) -> None:
    planned = deploy(run, STORAGES[name], kind=kind, check=True)
    done = deploy(run, STORAGES[name], kind=kind)
    assert not done.get("failed"), done
    for key in ("changed", "actions", "resources", "registry", "workload"):
        assert planned[key] == done[key], key
    audit()
    again = deploy(run, STORAGES[name], kind=kind)
    assert (again["changed"], again["diff"], again["actions"]) == (False, [], [])
    seen = audit()
    assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
    assert {k: again["api_requests"][k] for k in ("post", "patch", "delete")} == {"post": 0, "patch": 0, "delete": 0}


def test_from_one_to_the_next_and_away(
    run: Any, admin: Api, namespace: str, privileged: Any, settle: Callable[..., None]
) -> None:
    user = scc.user("registry", namespace)
    for name in [*STORAGES, *reversed(STORAGES)]:
        result = deploy(run, STORAGES[name], kind="Deployment")
        assert not result.get("failed"), result
        settle("Deployment")
        assert deploy(run, STORAGES[name], kind="Deployment")["changed"] == result["leftovers"]
        assert not deploy(run, STORAGES[name], kind="Deployment")["changed"]
        assert (user in privileged()) == (name == "host-path")
        held = admin.get(ObjectRef("v1", "Secret", f"{NAME}-storage", namespace))
        assert (held is not None) == (name in ("s3", "gcs"))
        live = admin.get(ObjectRef("apps/v1", "Deployment", NAME, namespace))
        assert live is not None
        pod = live["spec"]["template"]["spec"]
        mounts = [m["mountPath"] for m in pod["containers"][0].get("volumeMounts") or []]
        assert mounts == {"s3": [], "gcs": ["/etc/registry-storage"]}.get(name, ["/registry"])
    deploy(run, STORAGES["host-path"], kind="Deployment")
    run(registry_deploy, state="absent")
    assert user not in privileged()
    assert not run(registry_deploy, state="absent")["changed"]
    kept = admin.get(ObjectRef("v1", "PersistentVolumeClaim", f"{NAME}-storage", namespace))
    assert kept is not None
    assert (kept["spec"]["storageClassName"], kept["spec"]["volumeName"]) == ("", f"{namespace}-{NAME}-storage")


def test_a_claim_grows_and_never_shrinks(run: Any, admin: Api, namespace: str) -> None:
    storage = STORAGES["new-claim"]
    deploy(run, storage)
    ref = ObjectRef("v1", "PersistentVolumeClaim", "made", namespace)
    assert deploy(run, {**storage, "size": "1024Mi"})["changed"] is False
    # The API lets only a bound claim grow; nothing binds one here.
    grown = deploy(run, {**storage, "size": "2Gi"})
    assert (
        "spec is immutable" in grown["msg"]
        or (admin.get(ref) or {})["spec"]["resources"]["requests"]["storage"] == "2Gi"
    )
    shrunk = deploy(run, {**storage, "size": "100Mi"})
    assert "cannot shrink to 100Mi" in shrunk["msg"]


def test_mount_options_may_change(run: Any, admin: Api, namespace: str) -> None:
    deploy(run, STORAGES["nfs-options"])
    result = deploy(run, {**STORAGES["nfs-options"], "options": ["soft"]})
    assert result["workload"]["rolls"]
    volume = admin.get(ObjectRef("v1", "PersistentVolume", f"{namespace}-{NAME}-storage"))
    assert volume is not None
    assert volume["spec"]["mountOptions"] == ["soft"]


def test_somebody_without_rights_on_sccs(run: Any, grant: Any, namespace: str, privileged: Any) -> None:
    """Needed for host_path only; who cannot look is not in the way of the others."""
    rules = [
        {"apiGroups": ["", "apps", "apps.openshift.io", "policy"], "resources": ["*"], "verbs": ["*"]},
    ]  # fmt: skip
    grant("project-admin", rules)
    options = {"cluster_role": "", "image": "r:1", "wait": False, "kind": "Deployment"}
    other = run.as_user("project-admin")
    assert other(registry_deploy, **options)["changed"]
    refused = other(registry_deploy, storage=STORAGES["host-path"], allow_data_loss=True, **options)
    assert "securitycontextconstraints" in refused["msg"]

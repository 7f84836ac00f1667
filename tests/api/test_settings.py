# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's settings on a real API server: one write each, none when converged, rolled out, gone again."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
KINDS = ("DeploymentConfig", "Deployment")
IMAGE = "openshift3/ose-docker-registry:v3"
FILE = {
    "version": 0.1,
    "storage": {"filesystem": {"rootdirectory": "/registry"}},
    "redis": {"addr": "redis:6379", "password": "hidden-redis"},
}


@pytest.fixture(autouse=True)
def cleared(admin: Api, namespace: str) -> Iterator[None]:
    """No controllers run here: what is not in the namespace, or would be kept by it, is taken away by hand."""
    yield
    admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))
    for kind, version in API_VERSIONS.items():
        for obj in admin.list(version, kind, namespace):
            admin.delete(ObjectRef.of(obj))


@pytest.fixture
def asked(tmp_path: Path) -> Object:
    """All settings at once."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=extra -keyout key.pem -out ca.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    credentials = {
        "clusters": [{"name": "c", "cluster": {"server": "https://m:8443", "certificate-authority": "ca.pem"}}],
        "users": [{"name": "u", "user": {"client-certificate": "ca.pem", "client-key": "key.pem"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x",
    }  # fmt: skip
    (tmp_path / "registry.kubeconfig").write_text(yaml.safe_dump(credentials))
    return {
        "config": {"content": FILE},
        "egress_proxy": {"https": "http://user:hidden-pass@proxy.example.com:3128", "no_proxy": ["10.0.0.0/8"]},
        "extra_ca": {"content": (tmp_path / "ca.pem").read_text()},
        "credentials": str(tmp_path / "registry.kubeconfig"),
        "enforce_quota": True,
        "env": {"REGISTRY_LOG_LEVEL": "debug"},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_settings_live(
    run: Any, admin: Api, namespace: str, audit: Callable[[], Object], asked: Object, kind: str
) -> None:
    def deploy(check: bool = False, **options: Any) -> Object:
        result: Object = run(registry_deploy, check=check, kind=kind, image=IMAGE, **options)
        assert not result.get("failed"), result
        assert "hidden" not in str(result)
        assert "PRIVATE KEY" not in str(result)
        return result

    def template() -> Object:
        live = admin.get(ObjectRef(API_VERSIONS[kind], kind, "docker-registry", namespace)) or {}
        found: Object = live["spec"]["template"]
        return found

    run(registry_service)
    deploy()
    bare = template()["spec"]
    planned = deploy(check=True, **asked)
    audit()
    done = deploy(**asked)
    for key in ("changed", "actions", "resources", "registry", "workload"):
        assert planned[key] == done[key], key
    seen = audit()
    assert (seen["post"], seen["patch"]) == (4, 1)  # file, credentials, proxy, CA; the workload in one write
    assert not deploy(**asked)["changed"]
    seen = audit()
    assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
    before = template()["metadata"]["annotations"]
    changed = deploy(**{**asked, "config": {"content": {**FILE, "log": {"level": "warn"}}}})
    assert [r["kind"] for r in changed["resources"] if r["action"] == "updated"] == ["Secret", kind]
    assert changed["workload"]["rolls"]
    assert template()["metadata"]["annotations"] != before
    assert not deploy(check=True, **{**asked, "config": {"content": {**FILE, "log": {"level": "warn"}}}})["changed"]
    deploy()
    assert template()["spec"] == bare


def test_an_object_of_the_users(run: Any, admin: Api, namespace: str) -> None:
    meta = {"name": "mine", "namespace": namespace}
    data = {"config.yml": base64.b64encode(yaml.safe_dump(FILE).encode()).decode()}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    asked = {"image": IMAGE, "config": {"secret": "mine"}}
    assert run(registry_deploy, **asked)["changed"]
    assert not run(registry_deploy, **asked)["changed"]
    ref = ObjectRef("v1", "Secret", "mine", namespace)
    admin.patch(ref, [{"op": "replace", "path": "/data/config.yml", "value": base64.b64encode(b"hidden: [").decode()}])
    refused = run(registry_deploy, **asked)
    assert refused["failed"]
    assert "config.secret: '(not shown)' is not YAML" in refused["msg"]


def test_an_object_of_the_users_under_a_name_of_ours(
    run: Any, admin: Api, namespace: str, settle: Callable[..., None]
) -> None:
    meta = {"name": "docker-registry-config", "namespace": namespace}
    ref = ObjectRef("v1", "Secret", meta["name"], namespace)
    data = {"config.yml": base64.b64encode(yaml.safe_dump(FILE).encode()).decode(), "theirs": "eA=="}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data, "type": "example.com/mine"})
    before = admin.get(ref)
    for option in ({"config": {"secret": meta["name"]}}, {"extra_ca": {"config_map": "docker-registry-extra-ca"}}):
        refused = run(registry_deploy, image=IMAGE, **option)
        assert refused["failed"]
        assert "is the name of an object that is made here" in refused["msg"]
    assert admin.get(ref) == before

    run(registry_deploy, image=IMAGE, config={"content": FILE}, wait=False)
    for removed in (False, True):
        planned = run(registry_deploy, check=True, image=IMAGE, wait=False, allow_data_loss=True)
        done = run(registry_deploy, image=IMAGE, wait=False, allow_data_loss=True)
        assert (planned["resources"], done["leftovers"]) == (done["resources"], not removed)
        settle()
    left = admin.get(ref)
    assert left is not None, "a Secret with somebody's key was deleted"
    assert left["data"] == {"theirs": "eA=="}
    assert not run(registry_deploy, image=IMAGE, wait=False)["changed"]
    run(registry_deploy, state="absent")
    assert admin.get(ref) is not None

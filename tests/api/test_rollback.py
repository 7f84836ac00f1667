# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""on_failure: rollback and state absent on a real API server, with its defaults and its admission."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cleared")]
Object = dict[str, Any]
KINDS = ("DeploymentConfig", "Deployment", "DaemonSet")
IMAGE = "openshift3/ose-docker-registry:v3"
FILE = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": "/registry"}}, "redis": {"password": "hidden-one"}}
ANYWAY = {"ignore_guards": ["replicas"]}  # what a DaemonSet has in its pods is of no matter here
BEFORE = "docker-registry-before"


def written(admin: Api, namespace: str) -> dict[str, Object]:
    """All objects of the namespace and the binding, without what the server counts."""
    kinds = [("v1", kind) for kind in ("Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim")]
    kinds += [(version, kind) for kind, version in API_VERSIONS.items()]
    found = [one for version, kind in kinds for one in admin.list(version, kind, namespace)]
    binding = ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}")
    found += [one for one in [admin.get(binding)] if one]
    result = {}
    for one in found:
        people = ("name", "labels", "annotations", "finalizers", "ownerReferences")
        meta = {key: value for key, value in one["metadata"].items() if key in people}
        counted = "deprecated.daemonset.template.generation"
        meta["annotations"] = {k: v for k, v in meta.get("annotations", {}).items() if k != counted}
        rest = {key: value for key, value in one.items() if key not in ("status", "metadata")}
        result[f"{one.get('kind')}/{meta['name']}"] = {**rest, "metadata": meta}
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_is_as_it_was(run: Any, admin: Api, namespace: str, kind: str) -> None:
    first = {"kind": kind, "image": IMAGE, "config": {"content": FILE}, **ANYWAY}
    run(registry_service)
    nothing = written(admin, namespace)
    done = run(registry_deploy, **first, on_failure="rollback")
    assert not done.get("failed"), done
    assert done["leftovers"]
    run(registry_deploy, state="rolled_back")
    assert written(admin, namespace) == nothing

    run(registry_deploy, **first, wait=False)
    before = written(admin, namespace)
    changed = {
        **first, "image": "other:1", "env": {"A": "b"}, "strategy": "Rolling",
        "config": {"content": {**FILE, "log": {"level": "debug"}}},
        "egress_proxy": {"http": "http://u:hidden-pass@p:1"}, "resources": {"limits": {"memory": "1Gi"}},
    }  # fmt: skip
    done = run(registry_deploy, **changed, on_failure="rollback")
    assert not done.get("failed"), done
    kept = admin.get(ObjectRef("v1", "Secret", BEFORE, namespace))
    assert kept is not None
    assert "hidden" not in yaml.safe_dump(kept)
    assert written(admin, namespace) != before
    planned = run(registry_deploy, check=True, state="rolled_back")
    back = run(registry_deploy, state="rolled_back")
    assert not back.get("failed"), back
    assert "hidden" not in str(back)
    assert planned["resources"] == back["resources"]
    assert written(admin, namespace) == before
    again = run(registry_deploy, **first, wait=False)
    assert (again["changed"], again["diff"]) == (False, [])
    nothing_left = run(registry_deploy, state="rolled_back")
    assert not nothing_left["changed"]


def test_away_with_all_of_it(run: Any, admin: Api, namespace: str) -> None:
    run(registry_service)
    nothing = written(admin, namespace)
    run(
        registry_deploy, image=IMAGE, config={"content": FILE}, egress_proxy={"http": "http://u:hidden@p:1"},
        wait=False,
    )  # fmt: skip
    assert len(written(admin, namespace)) == len(nothing) + 6
    planned = run(registry_deploy, check=True, state="absent", remove_service=True)
    done = run(registry_deploy, state="absent", remove_service=True)
    assert not done.get("failed"), done
    assert planned["resources"] == done["resources"]
    assert written(admin, namespace) == nothing
    assert admin.get(ObjectRef("v1", "Service", "docker-registry", namespace)) is None
    assert not run(registry_deploy, state="absent", remove_service=True)["changed"]


@pytest.mark.parametrize("kind", KINDS)
def test_redeployed_is_one_write(run: Any, admin: Api, namespace: str, kind: str) -> None:
    run(registry_service)
    address = (admin.get(ObjectRef("v1", "Service", "docker-registry", namespace)) or {})["spec"]["clusterIP"]
    asked = {"kind": kind, "image": IMAGE, "wait": False, **ANYWAY}
    run(registry_deploy, **asked)
    first = admin.get(ObjectRef(API_VERSIONS[kind], kind, "docker-registry", namespace)) or {}
    done = run(registry_deploy, **{**asked, "state": "redeployed"})
    assert (done["changed"], done["api_requests"]["patch"], done["api_requests"]["post"]) == (True, 1, 0)
    second = admin.get(ObjectRef(API_VERSIONS[kind], kind, "docker-registry", namespace)) or {}
    assert second["metadata"]["generation"] == first["metadata"]["generation"] + 1
    assert not run(registry_deploy, **asked)["changed"]
    assert done["registry"]["cluster_ip"] == address


@pytest.mark.parametrize("kind", KINDS)
def test_a_redeployment_that_failed_is_put_back(run: Any, admin: Api, namespace: str, kind: str) -> None:
    run(registry_service)
    asked = {"kind": kind, "image": IMAGE, **ANYWAY}
    run(registry_deploy, **asked, wait=False)
    before = written(admin, namespace)
    ref = ObjectRef(API_VERSIONS[kind], kind, "docker-registry", namespace)
    first = (admin.get(ref) or {})["spec"]
    done = run(
        registry_deploy, **{**asked, "image": "nobody/has:this", "state": "redeployed", "on_failure": "rollback"}
    )
    assert (done["changed"], done["workload"]["rolls"]) == (True, True)
    assert (admin.get(ref) or {})["spec"] != first
    assert run(registry_deploy, state="rolled_back")["changed"]
    assert (admin.get(ref) or {})["spec"] == first
    run(registry_deploy, **asked, wait=False)
    assert written(admin, namespace) == before

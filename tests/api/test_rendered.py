# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they will be: without a cluster, and in check mode with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_deploy, registry_service

pytestmark = pytest.mark.cluster
IMAGE = "openshift3/ose-${component}:${version}"
REST = {"image": IMAGE, "image_version": "v3.11", "tls_secret": "registry-secret"}


@pytest.mark.parametrize("host", [None, "https://127.0.0.1:1"])
def test_no_cluster_is_asked_and_no_kubeconfig_read(run: Any, tmp_path: Path, host: str | None) -> None:
    nowhere = {"kubeconfig": str(tmp_path / "absent")} if host is None else {"host": host, "api_key": "x"}
    result = run(registry_deploy, state="rendered", **REST, **nowhere)
    assert not result.get("failed"), result
    assert [one["kind"] for one in result["objects"]][-2:] == ["DeploymentConfig", "Service"]
    assert set(result["api_requests"].values()) == {0}


def test_what_is_rendered_is_what_is_then_made(run: Any, admin: Api, namespace: str) -> None:
    """But for the Secrets, whose values nobody can know, the objects can be made as they are."""
    rendered = run(registry_deploy, state="rendered", kind="Deployment", cluster_role="", **REST)["objects"]
    for one in rendered:
        if one["kind"] != "Secret":
            admin.create(one)
    service = run(registry_service)
    assert {path for r in service["resources"] for path in [r["action"]]} <= {"unchanged", "updated"}
    assert not [a for a in service["actions"] if "Took over" not in a]
    live = admin.get(ObjectRef("apps/v1", "Deployment", "docker-registry", namespace))
    assert live is not None
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "openshift3/ose-docker-registry:v3.11"


def test_check_mode_shows_the_objects_as_the_run_makes_them(run: Any, admin: Api, namespace: str) -> None:
    asked = {"kind": "Deployment", "image": "a:1", "env": {"REGISTRY_PASSWORD": "very-secret"}}
    planned = run(registry_deploy, check=True, **asked)
    assert [one["kind"] for one in planned["objects"]] == [r["kind"] for r in planned["resources"]]
    assert "very-secret" not in str(planned)
    done = run(registry_deploy, **asked)
    assert "objects" not in done
    again = run(registry_deploy, check=True, **asked)
    assert [one["kind"] for one in again["objects"]] == [r["kind"] for r in again["resources"]]
    assert again["changed"] is False
    admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))


def test_a_cluster_that_does_not_tell_its_version(run: Any) -> None:
    result = run(registry_deploy, image=IMAGE)
    assert "the cluster does not tell it (only OpenShift 3 does): set image_version" in result["msg"]
    assert result["api_requests"]["post"] == 0

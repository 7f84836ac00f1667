# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_diagnose asks the cluster, and what it does not: a password is nobody's business but the registry's."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._diagnose.gather import execute
from memory_cluster import OPENSHIFT_3
from partly import Partly, mounted

OPENSHIFT = (*OPENSHIFT_3, "image.openshift.io")
PASSWORD = "p4ssw0rd-of-ci"
PARAMS = {
    "name": "docker-registry", "namespace": "default", "port": 5000, "cluster_domain": "cluster.local",
    "route_host": None, "extra_hosts": [], "info": {}, "hosts": {}, "token": PASSWORD, "project": "test",
    "renew_before_days": 30, "image_streams": True, "look_inside": True,
}  # fmt: skip
HTPASSWD = {"env": [{"name": "REGISTRY_AUTH", "value": "htpasswd"}]}
AUTH = {"htpasswd": "auth: {htpasswd: {realm: r, path: /p}}\n", "none": "", "word": "auth: htpasswd\n"}


def look(cluster: Partly, **options: Any) -> dict[str, Any]:
    return execute(SimpleNamespace(params={**PARAMS, **options}), cluster.api())


def with_file(cluster: Partly, text: str) -> None:
    mounts, volumes = mounted("/etc/docker/registry", configMap={"name": "settings"})
    cluster.run("DeploymentConfig", container={"volumeMounts": mounts}, volumes=volumes)
    cluster.keep("ConfigMap", "settings", **{"config.yml": f"version: 0.1\nstorage: {{inmemory: {{}}}}\n{text}"})


def named(found: dict[str, Any]) -> set[str]:
    return {one["name"] for one in found["findings"]}


def test_a_password_of_a_registry_with_users_of_its_own_is_not_sent() -> None:
    cluster = Partly(OPENSHIFT)
    cluster.run("DeploymentConfig", container=HTPASSWD)
    found = look(cluster)
    assert cluster.reviews == []
    assert not named(found) & {"token_refused", "user_without_rights"}
    assert not any("token" in said for said in found["unread"])


@pytest.mark.parametrize("text", AUTH.values(), ids=list(AUTH))
def test_nor_where_its_configuration_file_says_so(text: str) -> None:
    cluster = Partly(OPENSHIFT)
    with_file(cluster, text)
    look(cluster)
    assert cluster.reviews == []


def test_nor_where_that_cannot_be_told() -> None:
    cluster = Partly(OPENSHIFT)
    with_file(cluster, AUTH["htpasswd"])
    cluster.answers["/settings"] = 403
    found = look(cluster)
    assert cluster.reviews == []
    assert any(said.startswith("Whether the registry asks the cluster about tokens") for said in found["unread"])


def test_nor_on_a_cluster_without_openshift_s_images() -> None:
    cluster = Partly()
    cluster.run()
    look(cluster)
    assert cluster.reviews == []


@pytest.mark.parametrize("text", [None, "auth: {openshift: {realm: r}}\n"])
def test_where_the_registry_asks_the_cluster_so_do_we(text: str | None) -> None:
    cluster = Partly(OPENSHIFT)
    if text:
        with_file(cluster, text)
    else:
        cluster.run("DeploymentConfig")
    found = look(cluster)
    assert [one["spec"] for one in cluster.reviews] == [{"token": PASSWORD}]
    assert "token_refused" in named(found)
    assert PASSWORD not in json.dumps(found)


def test_one_api_that_is_down_leaves_the_rest_to_be_judged() -> None:
    cluster = Partly(OPENSHIFT)
    cluster.run()
    cluster.answers["openshift.io"] = 503
    found = look(cluster, look_inside=False)
    assert "workload_missing" not in named(found)
    assert any("deploymentconfigs" in said or "DeploymentConfig" in said for said in found["unread"])


def test_without_an_answer_it_is_not_known_whether_there_is_a_workload() -> None:
    cluster = Partly(OPENSHIFT)
    cluster.answers["deploymentconfigs"] = 503
    assert "workload_missing" not in named(look(cluster))
    cluster.answers.clear()
    assert "workload_missing" in named(look(cluster))


@pytest.mark.parametrize("selector", [None, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}])
def test_a_workload_of_others_making_is_judged_as_any(selector: dict[str, Any] | None) -> None:
    cluster = Partly(OPENSHIFT)
    live = cluster.run(containers=[{"name": "proxy", "image": "nginx:1"}, {"name": "images", **HTPASSWD}])
    if selector:
        live["spec"]["selector"] = selector
        cluster.put(live)
    found = look(cluster)
    assert cluster.reviews == []
    assert not any("containers" in said or "matchExpressions" in said for said in found["unread"])
    if selector:
        assert cluster.selectors[0] == "labelSelector=app&limit=500"


def test_a_certificate_that_nobody_can_read_is_told_not_judged() -> None:
    cluster = Partly(OPENSHIFT)
    cluster.run("DeploymentConfig")
    served = [{"pod": "docker-registry-1-a", "sha256": "ab", "matches": None, "error": None}]
    said = "The certificate that is served is in no Secret"
    assert any(one.startswith(said) for one in look(cluster, info={"served": served})["unread"])
    hidden = {"served": served, "unread": [{"what": "certificate", "reason": "You may not."}]}
    assert not any(one.startswith(said) for one in look(cluster, info=hidden)["unread"])

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reset against a real API server, started for this by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandboxlib import apialone, inputs, manifests, settings, snapshot
from sandboxlib.kubeclient import MERGE, Client
from sandboxlib.snapshot import Key

pytestmark = pytest.mark.cluster
DEFAULT = "/api/v1/namespaces/default"
SCC = "/apis/security.openshift.io/v1/securitycontextconstraints/privileged"
ROUTES = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/routes.route.openshift.io"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> settings.Paths:
    """State of an API server of this module's own."""
    return settings.Paths(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def api(paths: settings.Paths) -> Iterator[Client]:
    """That API server."""
    if not inputs.binary().exists():
        pytest.skip("the sandbox's binaries are not built: make sandbox-up")
    try:
        yield Client(apialone.up(paths))
    finally:
        apialone.down(paths)


@pytest.fixture
def pristine(api: Client) -> dict[Key, Any]:
    """How it was before the test, as the snapshot file has it."""
    return snapshot.from_json(snapshot.to_json(snapshot.listing(api)))


def essences(api: Client) -> dict[Key, Any]:
    return {key: snapshot.essence(item) for key, item in snapshot.listing(api).items()}


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_nothing_is_written_where_nothing_has_changed(api: Client, pristine: dict[Key, Any]) -> None:
    versions = {key: item["metadata"]["resourceVersion"] for key, item in snapshot.listing(api).items()}
    assert snapshot.reset(api, pristine) == {"deleted": [], "created": [], "replaced": []}
    assert versions == {key: item["metadata"]["resourceVersion"] for key, item in snapshot.listing(api).items()}


def test_new_changed_and_deleted_objects_are_as_before(api: Client) -> None:
    for name in ("changed", "deleted"):
        api.call("POST", f"{DEFAULT}/configmaps", config_map(name, a="1"))
    pristine = snapshot.from_json(snapshot.to_json(snapshot.listing(api)))
    api.call("POST", f"{DEFAULT}/configmaps", config_map("new", a="1"))
    api.call("PATCH", f"{DEFAULT}/configmaps/changed", {"data": {"a": "2", "b": "3"}}, content_type=MERGE)
    api.call("DELETE", f"{DEFAULT}/configmaps/deleted")
    api.call("PATCH", SCC, {"users": ["system:serviceaccount:default:registry"]}, content_type=MERGE)
    assert snapshot.reset(api, pristine) == {
        "deleted": ["configmaps default/new"],
        "created": ["configmaps default/deleted"],
        "replaced": ["configmaps default/changed", "securitycontextconstraints privileged"],
    }
    assert essences(api) == pristine


def test_what_cannot_be_changed_back_is_made_anew(api: Client) -> None:
    api.call("POST", f"{DEFAULT}/configmaps", config_map("frozen", a="1"))
    pristine = snapshot.from_json(snapshot.to_json(snapshot.listing(api)))
    change = {"data": {"a": "2"}, "immutable": True}
    api.call("PATCH", f"{DEFAULT}/configmaps/frozen", change, content_type=MERGE)
    snapshot.reset(api, pristine)
    assert essences(api) == pristine


def test_a_deleted_kind_comes_back(api: Client, pristine: dict[Key, Any]) -> None:
    api.call("DELETE", ROUTES)
    done = snapshot.reset(api, pristine)
    assert done["created"] == ["customresourcedefinitions routes.route.openshift.io"]
    route = {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": "r"},
        "spec": {"to": {"kind": "Service", "name": "s"}},
    }
    api.call("POST", "/apis/route.openshift.io/v1/namespaces/default/routes", route)
    assert snapshot.reset(api, pristine)["deleted"] == ["routes default/r"]


def test_operators_objects_and_kinds_go_whatever_they_wait_for(
    api: Client, pristine: dict[Key, Any], paths: settings.Paths
) -> None:
    manifests.apply(inputs.binary(), paths.api / "admin.kubeconfig", paths.api / "operator-crds")
    manifests.crds_established(api)
    kind = {"apiVersion": "imageregistry.operator.openshift.io/v1", "kind": "Config"}
    metadata = {"name": "cluster", "finalizers": ["imageregistry.operator.openshift.io/finalizer"]}
    body = {**kind, "metadata": metadata, "spec": {"managementState": "Managed", "replicas": 1}}
    api.call("POST", "/apis/imageregistry.operator.openshift.io/v1/configs", body)
    done = snapshot.reset(api, pristine)["deleted"]
    assert {"configs cluster", "customresourcedefinitions clusterversions.config.openshift.io"} <= set(done)
    assert essences(api) == pristine


def test_a_service_may_have_both_families(api: Client) -> None:
    spec = {"ports": [{"port": 5000}], "ipFamilyPolicy": "RequireDualStack"}
    made = api.call("POST", f"{DEFAULT}/services", {"metadata": {"name": "both"}, "spec": spec})
    assert made["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    api.call("DELETE", f"{DEFAULT}/services/both")


def test_the_api_alone_can_be_started_twice(api: Client, tmp_path: Path) -> None:
    other = settings.Paths(tmp_path)
    try:
        first = apialone.up(other)
        assert apialone.up(other) == first
        assert Client(first).port != api.port
        users = (other.tokens / "alice").read_text()
        assert users.startswith("sha256~")
        assert not users.endswith("\n")
    finally:
        apialone.down(other)
    assert not other.api.exists()

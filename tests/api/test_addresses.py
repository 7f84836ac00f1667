# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of both families, any domain, any name, several registries side by side, on a real API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_service,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
DUAL = {"ip_families": ["IPv4", "IPv6"], "ip_family_policy": "RequireDualStack"}


def service(admin: Api, namespace: str, name: str = "docker-registry") -> Object:
    live = admin.get(ObjectRef("v1", "Service", name, namespace))
    assert live is not None
    return live


@pytest.fixture
def dual(run: Any, namespace: str) -> Object:
    """A Service with an address of each family."""
    made: Object = run(registry_service, **DUAL)
    assert not made.get("failed"), made
    return made


class TestBothFamilies:
    def test_endpoints_of_both(self, dual: Object, run: Any, admin: Api, namespace: str) -> None:
        four, six = service(admin, namespace)["spec"]["clusterIPs"]
        assert ":" in six
        names = [f"docker-registry.{namespace}.svc:5000", f"docker-registry.{namespace}.svc.cluster.local:5000"]
        assert dual["registry"]["endpoints"] == [f"{four}:5000", f"[{six}]:5000", *names]
        assert run(registry_info)["registry"]["endpoints"] == dual["registry"]["endpoints"]

    def test_nothing_is_written_again_and_both_stay(
        self, dual: Object, run: Any, admin: Api, namespace: str, audit: Callable[[], Object]
    ) -> None:
        before = service(admin, namespace)["spec"]["clusterIPs"]
        audit()
        for options in (DUAL, {"ip_families": ["IPv4"], "ip_family_policy": "RequireDualStack"}, {}):
            assert not run(registry_service, **options)["changed"]
        assert audit()["patch"] == 0
        # The second address is an address of the Service too: saying so is noted as ours, and changes nothing.
        assert not run(registry_service, cluster_ip=before[1]).get("failed")
        assert service(admin, namespace)["spec"]["clusterIPs"] == before
        assert run(registry_service, **DUAL)["registry"] == dual["registry"]

    def test_the_second_comes_later_beside_the_first(self, run: Any, admin: Api, namespace: str) -> None:
        run(registry_service, ip_family_policy="SingleStack")
        first = service(admin, namespace)["spec"]["clusterIPs"]
        assert len(first) == 1
        assert run(registry_service, ip_family_policy="PreferDualStack")["changed"]
        both = service(admin, namespace)["spec"]["clusterIPs"]
        assert (both[0], len(both)) == (first[0], 2)
        assert not run(registry_service, ip_family_policy="PreferDualStack")["changed"]

    def test_what_would_lose_an_address_is_refused(self, dual: Object, run: Any, audit: Callable[[], Object]) -> None:
        audit()
        assert "would lose the second one" in run(registry_service, ip_family_policy="SingleStack")["msg"]
        other = run(registry_service, ip_families=["IPv6", "IPv4"], ip_family_policy="PreferDualStack")
        assert "cannot be changed. Begin with IPv4" in other["msg"]
        assert audit()["patch"] == 0

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"ip_families": ["IPv4", "IPv6"]}, "ip_family_policy: None does not fit two"),
            ({"ip_families": ["IPv4", "IPv4"]}, "has one of the families twice"),
            ({"ip_families": ["IPv6"], "cluster_ip": "172.30.1.1"}, "cluster_ip: '172.30.1.1' is no IPv6 address"),
        ],
    )
    def test_options(self, run: Any, options: Object, said: str) -> None:
        assert said in run(registry_service, **options)["msg"]

    def test_six_alone(self, run: Any, admin: Api, namespace: str) -> None:
        result = run(registry_service, ip_families=["IPv6"], ip_family_policy="SingleStack")
        assert result["registry"]["endpoints"][0] == f"[{result['registry']['cluster_ip']}]:5000"

    def test_the_certificate_has_both(self, dual: Object, run: Any, tmp_path: Path, admin: Api, namespace: str) -> None:
        ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
        result = run(registry_cert, ca=ca)
        assert set(service(admin, namespace)["spec"]["clusterIPs"]) <= set(result["certificate"]["sans"])


class TestSideBySide:
    @pytest.fixture(autouse=True)
    def cleared(self, admin: Api, namespace: str) -> Iterator[None]:
        yield
        for account in ("registry", "other"):
            name = f"{account}-registry-role:{namespace}"
            admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name))
        for live in admin.list("apps/v1", "Deployment", namespace):
            admin.delete(ObjectRef.of(live))

    def test_two_registries_and_another_domain(
        self, run: Any, admin: Api, namespace: str, audit: Callable[[], Object]
    ) -> None:
        one = {"name": "docker-registry"}
        two = {"name": "builds", "port": 8443, "cluster_domain": "corp.example"}
        pods = {"docker-registry": {"labels": {"docker-registry": "default"}}, "builds": {"labels": {"app": "builds"}}}
        for registry in (one, two):
            labels = pods[str(registry["name"])]
            assert not run(registry_service, **registry, **labels).get("failed")
            assert not run(registry_deploy, kind="Deployment", image="a:1", **registry, **labels).get("failed")
        ends = run(registry_info, **two)["registry"]["endpoints"]
        assert ends[1:] == [f"builds.{namespace}.svc:8443", f"builds.{namespace}.svc.corp.example:8443"]
        audit()
        for registry in (one, two):
            labels = pods[str(registry["name"])]
            for module, options in ((registry_service, {}), (registry_deploy, {"kind": "Deployment", "image": "a:1"})):
                assert not run(module, **registry, **labels, **options)["changed"]
        seen = audit()
        assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
        assert not run(registry_deploy, **one, state="absent").get("failed")
        assert not run(registry_deploy, kind="Deployment", image="a:1", **two, **pods["builds"])["changed"]
        assert run(registry_info, **two)["workload"]["name"] == "builds"
        assert admin.get(ObjectRef("v1", "ServiceAccount", "registry", namespace)) is not None

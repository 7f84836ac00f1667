# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a registry's names clients get its CA for."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.filter.registry_outside import FilterModule
from ansible_collections.okd.registry.plugins.module_utils import _endpoints
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.trust import trusted

outside = FilterModule().filters()["registry_outside"]


def registry(
    *extra_hosts: str, cluster_ips: tuple[str, ...] = ("172.30.124.220", "fd00:1::5"), port: int = 5000
) -> dict[str, Any]:
    """Give a registry as registry_info tells it."""
    names = _endpoints.compute(
        name="docker-registry",
        namespace="default",
        cluster_ips=cluster_ips,
        port=port,
        cluster_domain="corp.example",
        route_hosts=["registry.apps.example.com"],
        extra_hosts=extra_hosts,
    )
    told = {"name": "docker-registry", "namespace": "default", "cluster_ips": list(cluster_ips)}
    return {**told, "endpoints": names.docker}


def test_what_is_the_services_own_is_for_nodes_alone() -> None:
    for port in (5000, 443):
        assert outside(registry(port=port)) == ["registry.apps.example.com"]
    assert outside(registry(cluster_ips=("(known after apply)",))) == ["registry.apps.example.com"]
    others = ["images.default.svc:5000", "images.default.svc.cluster.local:5000"]
    assert outside(registry(*others)) == ["registry.apps.example.com"]
    assert outside(registry(cluster_ips=())) == ["registry.apps.example.com"]
    assert outside(registry(cluster_ips=("fd00:1:0:0::5",))) == ["registry.apps.example.com"]


def test_an_address_or_a_host_that_looks_like_one_is_a_name_from_outside() -> None:
    extra = ["192.0.2.10:5000", "cafe.de:5000", "[2001:db8::1]:5000", "docker-registry.default.svcs.example:5000"]
    extra += ["fe.example.com:5000"]
    assert outside(registry(*extra)) == ["registry.apps.example.com", *extra]


def test_for_the_same_names_a_client_is_found_to_lack_the_ca() -> None:
    told = registry("192.0.2.10:5000", "cafe.de:5000", "docker-registry.default.svcs.example")
    verdicts = [{"endpoint": name, "engine": "docker", "state": "none"} for name in told["endpoints"]]
    bastion = {"client": True, "trust": {"endpoints": verdicts}}
    facts = collect({"info": {"registry": told, "ca_cert": "PEM"}, "hosts": {"bastion": bastion}})
    assert [finding.endpoint for finding in trusted(facts)] == outside(told)

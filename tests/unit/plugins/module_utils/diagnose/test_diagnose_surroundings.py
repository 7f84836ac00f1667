# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that works has no cause in other surroundings either, whatever else there is beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from healthy import ENDPOINTS, healthy
from hypothesis import given
from hypothesis import strategies as st

Raw = dict[str, Any]
SHAPES: list[Callable[[], Raw]] = []
FORMER, SECOND_IP = "172.30.9.9:5000", "172.30.77.7"


def shape(made: Callable[[], Raw]) -> Callable[[], Raw]:
    """Marks a registry that works."""
    SHAPES.append(made)
    return made


def renamed(value: Any, names: dict[str, str]) -> Any:
    """All of it with other texts."""
    if isinstance(value, dict):
        return {renamed(key, names): renamed(child, names) for key, child in value.items()}
    if isinstance(value, list):
        return [renamed(child, names) for child in value]
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value


def service(name: str, address: str, namespace: str = "default", **spec: Any) -> Raw:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, **spec}}


@shape
def dual_stack() -> Raw:
    """A Service of IPv6 alone, on pods that have an address of each family; podIP is of the first one."""
    raw: Raw = renamed(healthy(), {"172.30.124.220:5000": "[fd00:172:30::7cdc]:5000"})
    raw = renamed(raw, {"172.30.124.220": "fd00:172:30::7cdc"})
    raw["service"]["spec"]["clusterIPs"] = ["fd00:172:30::7cdc"]
    raw["pods"][0]["status"]["podIPs"] = [{"ip": "10.128.0.5"}, {"ip": "fd00:10:128::5"}]
    raw["backends"]["subsets"][0]["addresses"] = [{"ip": "fd00:10:128::5"}]
    raw["services"] = [raw["service"], service("kubernetes", "172.30.0.1"), service("web", "fd00:172:30::1f", "test")]
    return raw


@shape
def both_families() -> Raw:
    """A Service of both, whose Endpoints are of the first one."""
    raw = healthy()
    raw["service"]["spec"]["clusterIPs"] = ["172.30.124.220", "fd00:172:30::7cdc"]
    raw["pods"][0]["status"]["podIPs"] = [{"ip": "10.128.0.5"}, {"ip": "fd00:10:128::5"}]
    return raw


@shape
def a_second_registry() -> Raw:
    """Beside the cluster's own one, whose address has changed: image streams are no matter of this one."""
    raw: Raw = renamed(
        healthy(),
        {"docker-registry.default": "second.ci", "default/docker-registry": "ci/second",
         "docker-registry": "second", "172.30.124.220": SECOND_IP},
    )  # fmt: skip
    raw["info"]["registry"]["namespace"] = raw["info"]["routes"][0]["namespace"] = "ci"
    for part in ("service", "workload"):
        raw[part]["metadata"]["namespace"] = "ci"
    own = service("docker-registry", "172.30.124.220")
    raw["services"] = [raw["service"], own, service("kubernetes", "172.30.0.1")]
    raw["streams"] = renamed(raw["streams"], {f"{SECOND_IP}:5000": FORMER})
    for host in raw["hosts"].values():
        files = host["trust"]["files"]
        # Of the same CA, and on record for the other one, which its own diagnosis judges.
        for name in ("172.30.124.220:5000", FORMER, "old.apps.example.com"):
            path = f"/etc/docker/certs.d/{name}/ca.crt"
            files.append({**files[0], "endpoint": name, "path": path, "registry": "default/docker-registry"})
    return raw


@shape
def beside_a_second_registry() -> Raw:
    """The cluster's own one, to which the other one's image streams are nothing."""
    raw = healthy()
    raw["services"] += [service("second", SECOND_IP, "ci"), service("kubernetes", "172.30.0.1")]
    pushed = {"tag": "1", "items": [{"dockerImageReference": f"{SECOND_IP}:5000/test/api@sha256:00"}]}
    stream = {"dockerImageRepository": "172.30.124.220:5000/test/api", "tags": [pushed]}
    raw["streams"].append({"metadata": {"name": "api", "namespace": "test"}, "status": stream})
    return raw


@shape
def a_public_ca() -> Raw:
    """No file of any engine has the CA, and the system's bundle has it."""
    raw = healthy()
    for host in raw["hosts"].values():
        host["trust"]["files"] = []
        for verdict in host["trust"]["endpoints"]:
            verdict.update(state="none", reason=f"no CA in {verdict['path']}", path=None, owner=None, days_left=None)
    tell_who(raw["hosts"]["node1"], "docker")
    tried = raw["hosts"]["node2"]["check"]  # without a token
    tried["results"] = [one for one in tried["results"] if one["step"] in ("resolve", "tls", "v2", "trust")]
    return raw


@shape
def a_public_ca_that_no_engine_has_tried() -> Raw:
    """A client of ours goes by the published CA, and shows nothing of what its engine trusts."""
    raw = a_public_ca()
    for host in raw["hosts"].values():
        host["trust"]["system_trusts"] = True
        host["check"]["results"] = [one for one in host["check"]["results"] if one["step"] in ("resolve", "tls", "v2")]
    return raw


@shape
def a_company_s_ca() -> Raw:
    """The same CA is trusted for a mirror outside, by its address."""
    raw = healthy()
    raw["services"].append(service("kubernetes", "172.30.0.1"))
    for host in raw["hosts"].values():
        files = host["trust"]["files"]
        path = "/etc/docker/certs.d/10.9.9.9:5000/ca.crt"
        files.append({**files[0], "endpoint": "10.9.9.9:5000", "path": path, "owner": "foreign", "registry": None})
    return raw


@shape
def a_bastion_with_an_insecure_service_network() -> Raw:
    raw = healthy()
    inside = ENDPOINTS[:3]
    insecure = raw["hosts"]["bastion"]["trust"]["insecure"]
    insecure["networks"] = [{"file": "/etc/docker/daemon.json", "value": "172.30.0.0/16", "endpoints": inside[:1]}]
    insecure["flags"] = [{"file": "/etc/docker/daemon.json", "value": inside[1]}]
    insecure["covered"] = inside
    for verdict in raw["hosts"]["bastion"]["trust"]["endpoints"]:
        verdict["verified"] = verdict["endpoint"] not in inside
    return raw


@shape
def nodes_with_cri_o() -> Raw:
    """CRI-O reads podman's directories; where no tool of that family is there, the module's client pushes."""
    raw: Raw = renamed(healthy(), {"/etc/docker/certs.d": "/etc/containers/certs.d", "docker's": "crio's"})
    for name in ("node1", "node2"):
        told = raw["hosts"][name]["trust"]
        told["engines"] = [{"name": "crio", "directories": ["/etc/containers/certs.d"], "problem": None}]
        for verdict in told["endpoints"]:
            verdict["engine"] = "crio"
        tell_who(raw["hosts"][name], "podman" if name == "node1" else "client")
    return raw


@shape
def nodes_with_cri_o_and_a_public_ca() -> Raw:
    raw = nodes_with_cri_o()
    for name in ("node1", "node2"):
        raw["hosts"][name]["trust"]["files"] = []
        for verdict in raw["hosts"][name]["trust"]["endpoints"]:
            verdict.update(state="none", reason="no CA", path=None, owner=None, days_left=None)
    return raw


@shape
def an_import_by_address() -> Raw:
    """Of an image that is called elsewhere as the stream is here; another tag follows that one."""
    raw = healthy()
    outside = "192.168.9.9:5000/test/web"
    raw["streams"][0]["spec"]["tags"] = [
        {"name": "1", "from": {"kind": "DockerImage", "name": f"{outside}:1"}},
        {"name": "latest", "from": {"kind": "ImageStreamTag", "name": "1"}},
    ]
    items = [{"dockerImageReference": f"{outside}@sha256:00"}]
    raw["streams"][0]["status"]["tags"] = [{"tag": "1", "items": items}, {"tag": "latest", "items": items}]
    return raw


def tell_who(host: Raw, engine: str) -> None:
    """Results as registry_check gives them."""
    for one in host["check"]["results"]:
        push = one["step"] in ("push", "pull") or (one["step"] == "login" and engine == "docker")
        one.update(status="ok", by=engine if push else "client" if one["step"] == "login" else "host")


@pytest.mark.parametrize("made", SHAPES)
def test_a_registry_that_works_has_no_findings(made: Callable[[], Raw]) -> None:
    assert judge(collect(made())) == []


@given(st.sampled_from(SHAPES), st.sets(st.sampled_from(sorted(set(healthy()) - {"hosts", "info"}))))
def test_less_of_it_has_none_either(made: Callable[[], Raw], parts: set[str]) -> None:
    raw = {key: value for key, value in made().items() if key not in parts}
    assert judge(collect(raw)) == []

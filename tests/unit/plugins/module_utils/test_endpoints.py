# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints and the validated values they are made of."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _model
from ansible_collections.okd.registry.plugins.module_utils._endpoints import (
    KNOWN_AFTER_APPLY,
    Endpoints,
    cluster_ips,
    compute,
    from_service,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._x509 import server_names
from hypothesis import given
from hypothesis import strategies as st

IP = "172.30.124.220"


def endpoints(**options: Any) -> Endpoints:
    return compute(**{"name": "docker-registry", "namespace": "default", "cluster_ips": (IP,), **options})


def names(found: Endpoints) -> list[str]:
    """The DNS names that the certificate of these endpoints gets."""
    return list(server_names(found.hosts).dns)


def addresses(found: Endpoints) -> list[str]:
    """The addresses that the certificate of these endpoints gets."""
    return [str(ip) for ip in server_names(found.hosts).ips]


def test_the_names_of_a_registry() -> None:
    found = endpoints(
        route_hosts=["Registry.Apps.example.com", ""], extra_hosts=["r.example.com:5443", "r.example.com"]
    )
    assert found.docker == [
        "172.30.124.220:5000",
        "docker-registry.default.svc:5000",
        "docker-registry.default.svc.cluster.local:5000",
        "registry.apps.example.com",
        "r.example.com:5443",
        "r.example.com",
    ]
    assert found.certs_d == found.docker
    assert addresses(found) == [IP]
    assert names(found) == [
        "docker-registry.default.svc",
        "docker-registry.default.svc.cluster.local",
        "registry.apps.example.com",
        "r.example.com",
    ]
    assert found.complete
    assert [e.source for e in found] == ["service_ip", "service_name", "service_name", "route", "extra", "extra"]


def test_dual_stack_and_brackets() -> None:
    found = endpoints(cluster_ips=(IP, "FD00:0::1"), extra_hosts=["[fd00::2]:5000", "fd00::3"])
    assert found.docker[:2] == [f"{IP}:5000", "[fd00::1]:5000"]
    assert found.docker[-2:] == ["[fd00::2]:5000", "[fd00::3]"]
    assert addresses(found) == [IP, "fd00::1", "fd00::2", "fd00::3"]


def test_what_is_not_known_yet_is_said_and_left_out_where_a_name_is_needed() -> None:
    found = endpoints(cluster_ips=(KNOWN_AFTER_APPLY,), route_hosts=[KNOWN_AFTER_APPLY])
    assert found.docker[0] == "(known after apply):5000"
    assert found.docker[-1] == "(known after apply)"
    assert not found.complete
    assert found.hosts == names(found) == ["docker-registry.default.svc", "docker-registry.default.svc.cluster.local"]
    assert all("(" not in name for name in found.certs_d)


def test_the_same_endpoint_said_twice_is_one_and_its_first_source_counts() -> None:
    found = endpoints(route_hosts=["a.b"], extra_hosts=["A.b", "a.b:443", f"{IP}:5000"])
    assert len(found) == 4
    assert [e.source for e in found if e.host == "a.b"] == ["route"]


@pytest.mark.parametrize(
    ("service", "found"),
    [
        (None, ()),
        ({"spec": {"clusterIP": "None"}}, ()),
        ({"spec": {"clusterIP": ""}}, ()),
        ({"spec": {"clusterIP": IP}}, (IP,)),
        ({"spec": {"clusterIP": IP, "clusterIPs": [IP, "fd00::1"]}}, (IP, "fd00::1")),
        ({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}}, ()),
        ({"spec": {"type": "ExternalName"}}, ()),
    ],
)
def test_addresses_of_a_service(service: Any, found: tuple[str, ...]) -> None:
    assert cluster_ips(service) == found


def test_from_a_service_and_a_modules_options() -> None:
    params = {
        "name": "r",
        "namespace": "n",
        "port": 5001,
        "cluster_domain": "corp.example",
        "route_host": "a.b",
        "extra_hosts": None,
    }
    found = from_service({"spec": {"clusterIP": IP}}, params, route_hosts=["c.d"])
    assert found.docker == [f"{IP}:5001", "r.n.svc:5001", "r.n.svc.corp.example:5001", "a.b", "c.d"]


HOSTS = st.from_regex(r"\A[a-z]([-a-z0-9]{0,10}[a-z0-9])?\.[a-z]{2,5}\Z")
ADDRESSES = st.ip_addresses().map(str)
PORTS = st.integers(1, 65535)


@given(HOSTS | ADDRESSES, st.none() | PORTS)
def test_a_host_and_port_written_by_us_is_read_back(host: str, port: int | None) -> None:
    text = f"[{host}]" if ":" in host else host
    text += f":{port}" if port else ""
    read = _model.host_port("extra_hosts", text)
    same = str(ipaddress.ip_address(host)) if _model.is_ip(host) else host
    assert read == (same, port)
    found = compute(name="n", namespace="s", cluster_ips=(), extra_hosts=[text])
    assert compute(name="n", namespace="s", cluster_ips=(), extra_hosts=[found.docker[-1]]).docker == found.docker


@given(st.text(max_size=30))
def test_any_text_is_a_host_or_refused_with_the_options_name(text: str) -> None:
    refusal = None
    try:
        host, port = _model.host_port("extra_hosts", text)
    except OptionError as exc:
        refusal = str(exc)
    if refusal is not None:
        assert refusal.startswith("extra_hosts: ")
    else:
        assert _model.is_ip(host) or all(c.isascii() and (c.isalnum() or c in "-.") for c in host)
        assert port is None or 1 <= port <= 65535


@given(st.lists(HOSTS | ADDRESSES.map(lambda a: f"[{a}]" if ":" in a else a), max_size=5))
def test_each_endpoint_is_there_once_in_the_order_given(hosts: list[str]) -> None:
    found = compute(name="n", namespace="s", cluster_ips=(), extra_hosts=hosts)
    assert len(set(found.docker)) == len(found)
    extras = [e.docker for e in found if e.source == "extra"]
    assert extras == list(dict.fromkeys(extras))
    assert set(found.hosts) == set(names(found)) | set(addresses(found))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("https://r.example.com", "without scheme"),
        ("r.example.com/path", "without scheme and path"),
        ("*.example.com", "wildcard"),
        ("registry", "needs a port or a dot"),
        ("r.example.com:http", "no number"),
        ("r.example.com:", "no number"),
        ("r.example.com:70000", "not a port"),
        ("[r.example.com]:5000", "brackets"),
        ("r_x.example.com", "not a DNS name"),
        ("-a.b", "not a DNS name"),
        ("", "not a DNS name"),
        ("a..b", "not a DNS name"),
    ],
)
def test_what_people_paste_is_refused_with_a_hint(value: str, hint: str) -> None:
    with pytest.raises(OptionError, match=hint):
        _model.host_port("extra_hosts", value)


@pytest.mark.parametrize(
    ("value", "result"), [("localhost", ("localhost", None)), ("registry:5000", ("registry", 5000))]
)
def test_bare_words_that_docker_takes_for_a_host(value: str, result: tuple[str, int | None]) -> None:
    assert _model.host_port("x", value) == result


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (_model.dns_label, ["default", "a", "0a", "a" * 63], ["", "A", "a.b", "-a", "a-", "a" * 64, "a_b"]),
        (_model.service_name, ["docker-registry"], ["0a", "Docker", "a.b"]),
        (_model.dns_name, ["cluster.local", "A.B"], ["", "a b", "a." * 130]),
        (_model.ip_address, [IP, "fd00::1"], ["172.30.0.300", "None", "host"]),
        (_model.port_number, [1, 65535], [0, 65536, -1]),
        (_model.route_host, ["a.b", "", None], ["a.b:443", "10.0.0.1", "https://a.b", "word"]),
    ],
)
def test_values_that_the_api_takes_and_refuses(check: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check("option", value)
    for value in bad:
        with pytest.raises(OptionError, match=r"^option: "):
            check("option", value)


def test_labels_become_strings() -> None:
    assert _model.labels("labels", {"a/b": 1, "c": True, "d": ""}) == {"a/b": "1", "c": "true", "d": ""}
    for bad in ({"a b": "1"}, {"a": "b c"}, {"/a": "1"}, {"A_/b": "1"}):
        with pytest.raises(OptionError):
            _model.labels("labels", bad)


def test_a_registry_from_options() -> None:
    registry = _model.Registry.from_params({"name": "r", "namespace": "n", "extra_hosts": ["a.b"]})
    assert (str(registry), registry.port, registry.cluster_domain, registry.route_host) == (
        "n/r",
        5000,
        "cluster.local",
        None,
    )
    with pytest.raises(OptionError, match="extra_hosts"):
        _model.Registry.from_params({"name": "r", "namespace": "n", "extra_hosts": ["http://a.b"]})

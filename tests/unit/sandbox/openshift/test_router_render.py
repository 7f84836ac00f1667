# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's configuration: what it says, that it does not depend on order, and that HAProxy takes it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standins.router import haproxy
from standins.router.render import Server, Settings, render, servers_of
from standins_routes import make_route, make_service, make_slice

Json = dict[str, Any]
SETTINGS = Settings(
    bind="127.0.0.1", domain="apps.sandbox.test", stats_socket="/tmp/stats.sock", http_port=18080, https_port=18443
)
HOST = "registry.apps.sandbox.test"
needs_haproxy = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")


def config_of(*routes: Json, slices: list[Json] | None = None) -> str:
    parts = [make_slice("docker-registry", ("10.128.1.5", True))] if slices is None else slices
    return render(list(routes), [make_service()], parts, SETTINGS).config


def section(config: str, head: str) -> list[str]:
    lines = config.splitlines()
    start = lines.index(head) + 1
    end = next((n for n in range(start, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return [line.strip() for line in lines[start:end]]


def servers(route: Json, *slices: Json, services: tuple[str, ...] = ("docker-registry",)) -> list[tuple[str, int, int]]:
    found = servers_of(route, {("default", name) for name in services}, slices)
    assert all(isinstance(server, Server) for server in found)
    return [(server.address, server.port, server.weight) for server in found]


def test_passthrough_goes_by_server_name_to_the_pods() -> None:
    config = config_of(make_route("registry", HOST))
    assert f"use_backend be_tcp:default:registry if {{ req.ssl_sni -i {HOST} }}" in section(
        config, "frontend public_ssl"
    )
    assert section(config, "backend be_tcp:default:registry") == [
        "mode tcp",
        "balance source",
        "server pod:10.128.1.5:5000 10.128.1.5:5000 weight 100",
    ]


def test_a_refused_route_leaves_no_trace() -> None:
    assert "edge" not in config_of(make_route("edge", HOST, termination="edge"))


def test_a_route_without_pods_is_there_and_empty() -> None:
    assert section(config_of(make_route("r", HOST), slices=[]), "backend be_tcp:default:r") == [
        "mode tcp",
        "balance source",
    ]


@pytest.mark.parametrize(("ready", "served"), [(True, True), (None, True), (False, False)])
def test_only_ready_pods_serve(ready: bool | None, served: bool) -> None:
    assert bool(servers(make_route("r", HOST), make_slice("docker-registry", ("10.0.0.1", ready)))) is served


@pytest.mark.parametrize(
    ("target", "ports"), [(None, [5000, 5001]), ("5000-tcp", [5000]), (5001, [5001]), ("5001", [5001]), ("nope", [])]
)
def test_the_target_port_chooses(target: str | int | None, ports: list[int]) -> None:
    route = make_route("r", HOST)
    if target:
        route["spec"]["port"] = {"targetPort": target}
    part = make_slice("docker-registry", ("10.0.0.1", True), ports={"5000-tcp": 5000, "debug": 5001})
    assert [port for _address, port, _weight in servers(route, part)] == ports


def test_pods_of_other_services_and_namespaces_are_not_served() -> None:
    route = make_route("r", HOST)
    foreign = make_slice("docker-registry", ("10.0.0.1", True), namespace="alice")
    other = make_slice("other", ("10.0.0.2", True))
    assert servers(route, foreign, other) == []
    assert servers(route, make_slice("docker-registry", ("10.0.0.3", True)), services=()) == []


def test_alternate_backends_share_by_weight() -> None:
    route = make_route("r", HOST, alternateBackends=[{"kind": "Service", "name": "b", "weight": 10}])
    parts = [make_slice("docker-registry", ("10.0.0.1", True)), make_slice("b", ("10.0.0.2", True))]
    assert servers(route, *parts, services=("docker-registry", "b")) == [
        ("10.0.0.1", 5000, 100),
        ("10.0.0.2", 5000, 10),
    ]


def test_annotations_set_timeout_and_balance_but_nothing_else() -> None:
    route = make_route("r", HOST)
    route["metadata"]["annotations"] = {
        "haproxy.router.openshift.io/timeout": "10m",
        "haproxy.router.openshift.io/balance": "roundrobin",
    }
    assert section(config_of(route), "backend be_tcp:default:r")[:3] == [
        "mode tcp",
        "balance roundrobin",
        "timeout tunnel 10m",
    ]
    route["metadata"]["annotations"] = {
        "haproxy.router.openshift.io/timeout": "10m\n  server evil 1.2.3.4:1",
        "haproxy.router.openshift.io/balance": "nonsense",
    }
    assert section(config_of(route), "backend be_tcp:default:r")[:2] == ["mode tcp", "balance source"]
    assert "evil" not in config_of(route)


def test_plain_http_goes_by_host_the_longest_path_first() -> None:
    config = config_of(
        make_route("all", HOST, termination=None), make_route("part", HOST, termination=None, path="/v2/", created=2)
    )
    rules = [line for line in section(config, "frontend public") if line.startswith("use_backend")]
    assert [rule.split()[1] for rule in rules] == ["be_http:default:part", "be_http:default:all"]


def test_redirect_sends_plain_http_to_https() -> None:
    route = make_route("r", HOST)
    route["spec"]["tls"]["insecureEdgeTerminationPolicy"] = "Redirect"
    assert f"http-request redirect scheme https if {{ hdr(host),field(1,:) -i {HOST} }}" in section(
        config_of(route), "frontend public"
    )


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
ROUTES = st.lists(
    st.builds(
        make_route,
        NAMES,
        st.one_of(st.none(), NAMES.map(lambda n: f"{n}.test"), st.text(max_size=12)),
        namespace=st.sampled_from(["default", "alice"]),
        created=st.integers(1, 9),
        termination=st.sampled_from(["passthrough", None, "edge"]),
        to=st.sampled_from(["docker-registry", "web"]),
        path=st.one_of(st.just(""), st.text(max_size=8).map(lambda t: f"/{t}")),
    ),
    max_size=6,
)
SLICES = st.lists(
    st.builds(
        lambda service, address, ready: make_slice(service, (f"10.128.1.{address}", ready)),
        st.sampled_from(["docker-registry", "web"]),
        st.integers(1, 4),
        st.sampled_from([True, False, None]),
    ),
    max_size=4,
)
SERVICES = [make_service(), make_service("web")]


@given(routes=ROUTES, slices=SLICES, seed=st.randoms())
def test_the_same_objects_in_any_order_give_the_same_text(routes: list[Json], slices: list[Json], seed: Any) -> None:
    unique = list({(r["metadata"]["namespace"], r["metadata"]["name"]): r for r in routes}.values())
    config = render(unique, SERVICES, slices, SETTINGS).config
    for things in (unique, slices):
        seed.shuffle(things)
    assert render(unique, list(reversed(SERVICES)), slices, SETTINGS).config == config


@needs_haproxy
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(routes=ROUTES, slices=SLICES)
def test_haproxy_takes_whatever_is_rendered(tmp_path: Path, routes: list[Json], slices: list[Json]) -> None:
    unique = list({(r["metadata"]["namespace"], r["metadata"]["name"]): r for r in routes}.values())
    config = tmp_path / "haproxy.cfg"
    config.write_text(render(unique, SERVICES, slices, SETTINGS).config, encoding="utf-8")
    haproxy.check(config)


@needs_haproxy
def test_a_configuration_haproxy_refuses_never_takes_the_old_ones_place(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    good = config_of(make_route("r", HOST))
    assert haproxy.write(config, good)
    assert not haproxy.write(config, good)
    with pytest.raises(haproxy.HaproxyError, match="nonsense"):
        haproxy.write(config, "nonsense\n")
    assert config.read_text(encoding="utf-8") == good


def test_the_workers_of_the_newest_configuration_are_told_from_the_old_ones() -> None:
    answer = """#<PID>          <type>          <reloads>       <uptime>        <version>
1162            master          5 [failed: 0]   0d00h02m07s     2.6.12
# workers
1271            worker          0               0d00h00m00s     2.6.12
# old workers
1233            worker          3               0d00h00m43s     2.6.12
# programs
"""
    assert haproxy.current_workers(answer) == {"1271"}
    assert haproxy.current_workers("") == set()

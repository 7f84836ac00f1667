# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Route gets a host, and what its status says."""

from __future__ import annotations

import copy
import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import standins_certificates as certificates
from hypothesis import given
from hypothesis import strategies as st
from standins.router.admission import Verdict, admit, ingress_of, key_of
from standins_routes import make_route

DOMAIN = "apps.sandbox.test"
HOST = "registry.apps.sandbox.test"
NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
Json = dict[str, Any]
PAIR = dict(zip(("certificate", "key"), (part.decode() for part in certificates.leaf(HOST)), strict=True))


def verdicts(*routes: Json) -> dict[str, Verdict]:
    return {"/".join(key_of(route)): verdict for route, verdict in admit(list(routes), DOMAIN).verdicts}


def test_a_route_without_a_host_gets_one_and_no_verdict_yet() -> None:
    admission = admit([make_route("registry")], DOMAIN)
    assert admission.hosts == {("default", "registry"): "registry-default.apps.sandbox.test"}
    assert admission.verdicts == []


def test_the_oldest_route_of_a_namespace_keeps_the_host() -> None:
    said = verdicts(make_route("new", HOST, created=9), make_route("old", HOST, created=1))
    assert said["default/old"].admitted
    assert said["default/new"] == Verdict(False, "HostAlreadyClaimed", f"route old already exposes {HOST} and is older")


def test_the_oldest_namespace_keeps_the_host_whatever_the_path() -> None:
    said = verdicts(
        make_route("old", HOST, termination=None, path="/a"),
        make_route("new", HOST, namespace="alice", created=2, termination=None, path="/b"),
    )
    assert said["default/old"].admitted
    assert said["alice/new"] == Verdict(
        False, "HostAlreadyClaimed", f"a route in another namespace holds {HOST} and is older than new"
    )


def test_paths_of_one_namespace_share_a_host() -> None:
    said = verdicts(
        make_route("a", HOST, termination=None), make_route("b", HOST, created=2, termination=None, path="/b")
    )
    assert all(verdict.admitted for verdict in said.values())


def test_hosts_are_compared_without_case() -> None:
    assert not verdicts(make_route("old", HOST), make_route("new", HOST.upper(), created=2))["default/new"].admitted


def test_the_host_is_free_again_when_its_owner_goes() -> None:
    old, new = make_route("old", HOST), make_route("new", HOST, created=2)
    assert not verdicts(old, new)["default/new"].admitted
    assert verdicts(new)["default/new"].admitted


def test_a_route_that_is_refused_claims_nothing() -> None:
    said = verdicts(make_route("edge", HOST, termination="edge"), make_route("new", HOST, created=2))
    assert said["default/new"].admitted


@pytest.mark.parametrize(
    ("route", "reason", "words"),
    [
        (make_route("r", HOST, termination="edge"), "ExtendedValidationFailed", "spec.tls.certificate"),
        (make_route("r", HOST, tls={"termination": "edge", **PAIR, "key": "x"}), "ExtendedValidationFailed", "tls.key"),
        (make_route("r", HOST, tls={"termination": "reencrypt", **PAIR}), "ExtendedValidationFailed", "no service CA"),
        (
            make_route("r", HOST, tls={"termination": "reencrypt", **PAIR, "destinationCACertificate": "x"}),
            "ExtendedValidationFailed",
            "destinationCACertificate: cannot be used",
        ),
        (make_route("r", HOST, wildcardPolicy="Subdomain"), "RouteNotAdmitted", "wildcard"),
        (make_route("r", "bad_host\n  server evil 1.2.3.4"), "InvalidHost", "not a host name"),
        (make_route("r", "a..b"), "InvalidHost", "not a host name"),
        (make_route("r", "x" * 64 + ".test"), "InvalidHost", "not a host name"),
        (make_route("r", HOST, path="/x"), "ExtendedValidationFailed", "spec.path"),
        (make_route("r", HOST, termination=None, path='/x" }\n  bind :81'), "ExtendedValidationFailed", "spec.path"),
    ],
)
def test_what_is_not_served_is_refused_with_its_reason(route: Json, reason: str, words: str) -> None:
    verdict = verdicts(route)["default/r"]
    assert not verdict.admitted
    assert verdict.reason == reason
    assert words in verdict.message


def test_status_says_admitted_once() -> None:
    route = make_route("r", HOST)
    [entry] = ingress_of(route, Verdict(True), DOMAIN, NOW) or []
    assert entry == {
        "host": HOST,
        "routerName": "router",
        "routerCanonicalHostname": "router-default.apps.sandbox.test",
        "wildcardPolicy": "None",
        "conditions": [{"type": "Admitted", "status": "True", "lastTransitionTime": "2026-05-01T12:00:00Z"}],
    }
    route["status"] = {"ingress": [entry]}
    assert ingress_of(route, Verdict(True), DOMAIN, NOW + timedelta(hours=1)) is None


def test_status_follows_the_verdict_and_the_host() -> None:
    route = make_route("r", HOST)
    route["status"] = {"ingress": ingress_of(route, Verdict(True), DOMAIN, NOW)}
    refused = ingress_of(route, Verdict(False, "HostAlreadyClaimed", "because"), DOMAIN, NOW) or []
    assert refused[0]["conditions"][0]["reason"] == "HostAlreadyClaimed"
    route["spec"]["host"] = "other.test"
    moved = ingress_of(route, Verdict(True), DOMAIN, NOW) or []
    assert [entry["host"] for entry in moved] == ["other.test"]


def test_other_routers_entries_stay() -> None:
    route = make_route("r", HOST)
    foreign = {"host": HOST, "routerName": "public", "conditions": []}
    route["status"] = {"ingress": [foreign]}
    entries = ingress_of(route, Verdict(True), DOMAIN, NOW) or []
    assert entries[0] == foreign
    route["status"]["ingress"] = list(reversed(entries))
    again = ingress_of(route, Verdict(False, "X", "y"), DOMAIN, NOW) or []
    assert again[1] == foreign
    assert len(again) == 2


ROUTES = st.lists(
    st.builds(
        make_route,
        st.sampled_from("abc"),
        st.sampled_from(["x.test", "y.test", None]),
        namespace=st.sampled_from(["one", "two"]),
        created=st.integers(1, 4),
        termination=st.sampled_from(["passthrough", None, "edge"]),
    ),
    max_size=6,
    unique_by=key_of,
)


@given(routes=ROUTES, seed=st.randoms())
def test_claims_are_exclusive_and_do_not_depend_on_order(routes: list[Json], seed: Any) -> None:
    shuffled = copy.deepcopy(routes)
    seed.shuffle(shuffled)
    assert verdicts(*routes) == verdicts(*shuffled)
    admitted = admit(routes, DOMAIN).admitted
    for one, other in itertools.combinations(admitted, 2):
        assert one["spec"]["host"] != other["spec"]["host"]
    # nobody is refused a host that nobody has
    held = {route["spec"]["host"] for route in admitted}
    for route, verdict in admit(routes, DOMAIN).verdicts:
        if verdict.reason == "HostAlreadyClaimed":
            assert route["spec"]["host"] in held

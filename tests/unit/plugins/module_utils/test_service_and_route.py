# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Service and the Route: what they are to be, what is kept of those that are there, and what routers say."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _route
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome
from ansible_collections.okd.registry.plugins.module_utils._build import external, route, service
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ForbiddenError,
    InvalidError,
    OptionError,
    RefusedError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._model import ServiceSpec
from ansible_collections.okd.registry.plugins.module_utils._plan import Change, plan
from ansible_collections.okd.registry.plugins.module_utils._redact import shown
from ansible_collections.okd.registry.plugins.module_utils._routespec import RouteSpec
from ansible_collections.okd.registry.plugins.module_utils._unexpose import stays_for

Object = dict[str, Any]
IP = "172.30.124.220"


def service_spec(**params: Any) -> ServiceSpec:
    return ServiceSpec.from_params({"name": "docker-registry", "namespace": "default", **params})


def live_service(**spec: Any) -> Object:
    """A Service as ``oadm registry`` makes it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "docker-registry", "namespace": "default", "resourceVersion": "1"},
        "spec": {"clusterIP": IP, **spec},
    }


def test_the_service_that_the_document_describes() -> None:
    assert service.desired(service_spec()) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "docker-registry", "namespace": "default", "labels": {"docker-registry": "default"}},
        "spec": {
            "ports": [{"name": "5000-tcp", "port": 5000, "protocol": "TCP", "targetPort": 5000}],
            "selector": {"docker-registry": "default"},
            "sessionAffinity": "ClientIP",
        },
    }


def test_a_wanted_address_is_asked_for() -> None:
    assert service.desired(service_spec(cluster_ip=IP))["spec"]["clusterIP"] == IP


def test_a_service_of_others_keeps_its_selector_and_the_name_of_its_port() -> None:
    live = live_service(selector={"app": "registry"}, ports=[{"port": 5000, "name": "registry", "protocol": "TCP"}])
    wanted = service.desired(service_spec(), live)
    assert "selector" not in wanted["spec"]
    assert "name" not in wanted["spec"]["ports"][0]
    after = plan(live, wanted).after
    assert after is not None
    assert after["spec"]["selector"] == {"app": "registry"}
    assert after["spec"]["ports"][0]["name"] == "registry"
    assert plan(after, service.desired(service_spec(), after)).action == "unchanged"


def test_a_selector_that_was_asked_for_wins_and_is_all_of_it() -> None:
    live = live_service(selector={"app": "registry"})
    after = plan(live, service.desired(service_spec(selector={"x": "y"}), live)).after
    assert after is not None
    assert after["spec"]["selector"] == {"x": "y"}


def test_our_own_service_keeps_its_selector_under_new_labels() -> None:
    """The pods get new labels only later; until then a new selector would lead to none of them."""
    live = plan(None, service.desired(service_spec(labels={"a": "1"}))).after
    assert live is not None
    live["metadata"]["resourceVersion"] = "1"
    live["spec"]["clusterIP"] = IP
    after = plan(live, service.desired(service_spec(labels={"a": "2", "b": "3"}), live)).after
    assert after is not None
    assert after["spec"]["selector"] == {"a": "1"}
    assert after["metadata"]["labels"] == {"a": "2", "b": "3"}
    asked = plan(after, service.desired(service_spec(labels={"a": "2"}, selector={"a": "2"}), after)).after
    assert asked is not None
    assert asked["spec"]["selector"] == {"a": "2"}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"clusterIP": IP}, f"has the cluster IP {IP}, and cluster_ip asks for 172.30.1.1.*Set cluster_ip to {IP}"),
        ({"clusterIP": "None"}, "is headless"),
        ({"clusterIP": None, "type": "ExternalName"}, "is of type ExternalName"),
    ],
)
def test_another_address_is_refused(spec: Object, text: str) -> None:
    with pytest.raises(RefusedError, match=text):
        service.desired(service_spec(cluster_ip="172.30.1.1"), live_service(**spec))


def test_the_second_address_of_a_dual_stack_service_will_do() -> None:
    live = live_service(clusterIPs=[IP, "fd00::1"])
    service.refuse_other_address(service_spec(cluster_ip="FD00::1"), live)


# ---- Routes ----------------------------------------------------------------------------------------------------------


def route_spec(**params: Any) -> RouteSpec:
    return RouteSpec.from_params({"name": "docker-registry", "namespace": "default", **params})


def live_route(name: str, to: str = "docker-registry", host: str = "a.b", created: str = "2020", **meta: Any) -> Object:
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": created, **meta},
        "spec": {"host": host, "to": {"kind": "Service", "name": to}},
    }


OURS = {"annotations": {"okd.registry/owned": "{}"}}


@pytest.mark.parametrize(
    ("routes", "params", "chosen"),
    [
        ([], {}, None),
        ([live_route("console", to="registry-console")], {}, None),
        ([live_route("registry")], {}, "registry"),
        ([live_route("b", created="2021"), live_route("c", created="2020")], {}, "c"),
        ([live_route("a"), live_route("docker-registry", created="2022")], {}, "docker-registry"),
        ([live_route("docker-registry"), live_route("z", **OURS)], {}, "z"),
        ([live_route("docker-registry"), live_route("z", host="c.d")], {"route_host": "c.d"}, "z"),
        ([live_route("registry")], {"route_name": "other"}, None),
        # It is found, to be refused: see below.
        ([live_route("registry", to="else")], {"route_name": "registry"}, "registry"),
    ],
)
def test_which_route_is_taken_over(routes: list[Object], params: Object, chosen: str | None) -> None:
    found = route.choose(route_spec(**params), routes)
    assert (found["metadata"]["name"] if found else None) == chosen


def test_a_route_of_others_that_leads_elsewhere_is_never_pointed_to_the_registry() -> None:
    """The console's Route, named by mistake, would lead everybody who uses the console to the registry."""
    spec = route_spec(route_name="registry-console")
    console = live_route("registry-console", to="registry-console")
    with pytest.raises(
        RefusedError, match=r"Route default/registry-console was not made by .*leads to Service registry-console"
    ):
        route.refuse_foreign(spec, console)
    for fine in (None, live_route("registry-console"), live_route("registry-console", to="else", **OURS)):
        route.refuse_foreign(spec, fine)
    backend = live_route("registry-console")
    backend["spec"]["to"]["kind"] = "Other"
    with pytest.raises(RefusedError, match="leads to Other docker-registry"):
        route.refuse_foreign(spec, backend)


def ingress(*rules: tuple[str, str], **meta: Any) -> Object:
    """An Ingress with a rule for each pair of host and Service."""
    paths = {host: [{"path": "/", "backend": {"service": {"name": to}}}] for host, to in rules}
    return {
        "metadata": {"name": "docker-registry", **meta},
        "spec": {"rules": [{"host": host, "http": {"paths": found}} for host, found in paths.items()]},
    }


def test_an_ingress_of_others_is_taken_over_only_where_it_does_nothing_else() -> None:
    spec = route_spec(kind="ingress", route_host="a.b")

    def refuse(live: Object) -> None:
        external.refuse_foreign(spec, live, None)

    refuse(ingress(("a.b", "docker-registry")))
    refuse(ingress(("c.d", "console"), **OURS))
    for live, text in (
        (ingress(("a.b", "docker-registry"), ("c.d", "console")), "leads to console"),
        (ingress(("a.b", "docker-registry"), ("c.d", "docker-registry")), "serves c.d"),
        (ingress(), "leads to nothing"),
        ({"metadata": {"name": "x"}, "spec": {"defaultBackend": {"service": {"name": "web"}}}}, "leads to web"),
    ):
        with pytest.raises(RefusedError, match=f"Ingress default/docker-registry was not made by .*{text}"):
            refuse(live)


def ingress_for(controller: str, **asked: Any) -> Object:
    """The Ingress as it is for an IngressClass of a controller."""
    spec = route_spec(kind="ingress", route_host="a.b", **asked)
    found = {"metadata": {"name": "c"}, "spec": {"controller": controller}}
    return external.desired_ingress(spec, "c", external.passthrough(found, spec))


def test_of_an_ingress_openshift_makes_a_route_that_may_be_passed_through() -> None:
    """Its Route may have no path then, and a host in tls without a Secret would keep it from being made."""
    body = ingress_for("openshift.io/ingress-to-route")["spec"]
    backend = {"service": {"name": "docker-registry", "port": {"number": 5000}}}
    assert body == {
        "ingressClassName": "c",
        "rules": [{"host": "a.b", "http": {"paths": [{"pathType": "ImplementationSpecific", "backend": backend}]}}],
    }
    other = ingress_for("k8s.io/ingress-nginx")
    assert other["spec"]["rules"][0]["http"]["paths"] == [{"path": "/", "pathType": "Prefix", "backend": backend}]
    assert other["spec"]["tls"] == [{"hosts": ["a.b"]}]
    changed = plan(other, ingress_for("openshift.io/ingress-to-route")).after or {}
    assert changed["spec"]["rules"] == body["rules"]
    # Who may not look at IngressClasses says the annotation himself.
    said = route_spec(kind="ingress", route_host="a.b", annotations={"route.openshift.io/termination": "passthrough"})
    assert external.desired_ingress(said, "c", {})["spec"] == body


def test_a_service_of_others_is_taken_over_only_where_it_leads_to_the_registrys_pods() -> None:
    """Selectors are merged: the router's Service would then select no pod at all."""
    spec = route_spec(kind="node_port", route_name="router")
    own = live_service(selector={"docker-registry": "default"})
    foreign = {"metadata": {"name": "router"}, "spec": {"selector": {"router": "router"}}}
    with pytest.raises(RefusedError, match=r"Service default/router was not made by .*\(router=router\)"):
        external.refuse_foreign(spec, foreign, own)
    with pytest.raises(RefusedError, match="no selector at all"):
        external.refuse_foreign(spec, {"metadata": {"name": "router"}, "spec": {}}, own)
    same = {**foreign, "spec": {"selector": {"docker-registry": "default"}}}
    for live in (None, {**foreign, "metadata": OURS}, same):
        external.refuse_foreign(spec, live, own)
    external.refuse_foreign(spec, foreign, None)  # in check mode, before there is anything to compare with


@pytest.mark.parametrize(
    ("said", "there", "lacks"),
    [
        ("spec.host: Forbidden: you do not have permission to set the host field of the route", False, "create"),
        ("spec.tls: Forbidden: you do not have permission to set certificate fields on the route", False, "create"),
        ('spec.host: Invalid value: "c.d": field is immutable', True, "update"),
        (
            'spec.host: Invalid value: "c.d": you do not have permission to set the host field of the route',
            True,
            "update",
        ),
        ('spec.tls.key: Invalid value: "x": field is immutable', True, "update"),
        ('spec.host: Invalid value: "c d": must be a host', True, None),
        ("spec.to: Invalid value: field is immutable", True, None),
    ],
)
def test_the_right_to_set_a_host_or_certificate_is_named_whatever_the_release_calls_it(
    said: str, there: bool, lacks: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_options: Any) -> Outcome:
        raise InvalidError(said, status=422)

    monkeypatch.setattr(_route, "ensure", refuse)
    spec, live = route_spec(route_host="c.d", termination="reencrypt"), live_route("r") if there else None
    with pytest.raises(ForbiddenError if lacks else InvalidError) as caught:
        _route._ensure(None, spec, route.ref(spec.registry, "r"), live, route.Tls(), check_mode=False)  # type: ignore[arg-type]
    if lacks:
        text, keeps = str(caught.value), "the Route keeps its host" if there else "the cluster generates a host"
        assert f"this user cannot {lacks} routes/custom-host in namespace default" in text
        assert f"leave out route_host ({keeps}) and certificate; the CA that" in text


def test_with_the_chosen_route_go_the_other_ones_of_ours() -> None:
    routes = [
        live_route("theirs"), live_route("new", host="c.d", **OURS), live_route("old", **OURS),
        live_route("console", to="registry-console", **OURS),
    ]  # fmt: skip
    spec = route_spec(route_host="c.d")
    found = route.choose(spec, routes)
    assert [one["metadata"]["name"] for one in route.ours_beside(spec, found, routes)] == ["old"]
    assert route.ours_beside(route_spec(route_name="new"), found, routes) == []


def test_a_named_route_goes_unless_it_has_got_another_host() -> None:
    """Between the look and the end of a change of the host, somebody may have given it the new one."""
    ref = route.ref(route_spec().registry, "old")
    theirs, ours = live_route("old"), live_route("old", **OURS)
    for params in ({"route_name": "old"}, {"route_name": "old", "route_host": "A.b"}):
        spec = route_spec(state="absent", **params)
        assert [stays_for(spec, ref, live) for live in (theirs, ours)] == [None, None]
    spec = route_spec(state="absent", route_name="old", route_host="before.b")
    said = "Left Route default/old alone: its host is a.b, and not before.b."
    assert [stays_for(spec, ref, live) for live in (theirs, ours)] == [said, said]
    # Without a name, it is all of ours, by whatever host.
    spec = route_spec(state="absent", route_host="before.b")
    assert stays_for(spec, ref, ours) is None
    assert "others made it" in str(stays_for(spec, ref, theirs))


def test_the_route_that_the_document_describes() -> None:
    assert route.desired(route_spec(route_host="A.b"), "registry")["spec"] == {
        "to": {"kind": "Service", "name": "docker-registry"},
        "tls": {"termination": "passthrough"},
        "host": "a.b",
    }


def test_without_a_wish_the_live_host_stays() -> None:
    live = live_route("registry")
    live["metadata"]["resourceVersion"] = "1"
    after = plan(live, route.desired(route_spec(), "registry")).after
    assert after is not None
    assert after["spec"]["host"] == "a.b"


def said(status: str, host: str = "a.b", **condition: Any) -> Object:
    return {"host": host, "routerName": "r", "conditions": [{"type": "Admitted", "status": status, **condition}]}


@pytest.mark.parametrize(
    ("ingress", "state"),
    [
        ([], "pending"),
        ([said("True")], "admitted"),
        ([said("False", reason="HostAlreadyClaimed")], "rejected"),
        ([said("False"), said("True")], "admitted"),
        ([said("True", host="old.host")], "pending"),
        ([{"host": "a.b", "routerName": "r"}], "pending"),
    ],
)
def test_what_routers_say(ingress: list[Object], state: str) -> None:
    assert route.admission({**live_route("r"), "status": {"ingress": ingress}}).state == state


def test_who_has_a_host() -> None:
    own = route.ref(route_spec().registry, "docker-registry")
    others = [live_route("docker-registry"), live_route("young", created="2023"), live_route("old", created="2019")]
    assert route.holder(others, "a.b", own) == "default/old"
    assert route.holder(others, "else", own) is None


class Routes:
    """An API whose Route goes through given states."""

    def __init__(self, *states: Object | None) -> None:
        self.states = list(states)

    def get(self, _ref: Any) -> Object | None:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def list(self, *_args: Any) -> list[Object]:
        return [live_route("winner", created="2019"), live_route("docker-registry")]

    def waiting(self) -> Any:
        import contextlib

        return contextlib.nullcontext()


def waited(
    states: list[Object | None], *, action: str = "created", timeout: float = 0.05, before: Object | None = None
) -> Object:
    ref = route.ref(route_spec().registry, "docker-registry")
    outcome = Outcome(ref, Change(action, before=before), states[0])
    return _route.wait_admitted(Routes(*states[1:] or states), ref, outcome, timeout=timeout)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_route, "POLL", 0.001)


def with_status(*ingress: Object, **spec: Any) -> Object:
    found = live_route("docker-registry")
    found["spec"].update(spec)
    return {**found, "status": {"ingress": list(ingress)}}


def test_waiting_until_a_router_admits() -> None:
    assert route.admission(waited([with_status(), with_status(said("True"))])).state == "admitted"


def test_a_refusal_that_is_older_than_our_change_may_be_taken_back() -> None:
    assert waited([with_status(said("False")), with_status(said("True"))], timeout=5)


def test_an_admission_that_is_older_than_our_change_may_be_taken_back() -> None:
    old = with_status(said("True"), tls={"termination": "passthrough"})
    changed = with_status(said("True"), tls={"termination": "reencrypt"})
    refused = {**changed, **with_status(said("False", reason="ExtendedValidationFailed"))}
    with pytest.raises(RefusedError, match="ExtendedValidationFailed"):
        waited([changed, refused], action="updated", before=old)


def test_an_admission_that_no_router_takes_back_in_time_counts() -> None:
    old = with_status(said("True"), tls={"termination": "passthrough"})
    changed = with_status(said("True"), tls={"termination": "reencrypt"})
    assert waited([changed], action="updated", before=old)


@pytest.mark.parametrize("touched", ["nothing", "annotations", "word"])
def test_an_admission_is_believed_at_once_where_it_cannot_be_an_old_one(touched: str) -> None:
    old = with_status(said("True"))
    live = with_status(said("True"))
    if touched == "annotations":
        live["metadata"]["annotations"] = {"a": "b"}
    if touched == "word":  # it has spoken since
        live["spec"]["tls"] = {"termination": "reencrypt"}
        live["status"] = {"ingress": [{**said("True"), "wildcardPolicy": "None"}]}
        began = time.monotonic()
        changed = {**live, "status": old["status"]}
        assert waited([changed, live], action="updated", before=old, timeout=60)
    else:
        began = time.monotonic()
        assert waited([live], action="updated", before=old, timeout=60)
    assert time.monotonic() - began < _route.SECOND_THOUGHTS / 2


def test_no_router() -> None:
    with pytest.raises(WaitError, match=r"No router picked up Route default/docker-registry \(host a.b\) within 0 s"):
        waited([with_status()])


def test_a_claimed_host_names_the_route_that_has_it() -> None:
    refusal = with_status(said("False", reason="HostAlreadyClaimed", message="older route"))
    with pytest.raises(RefusedError, match=r"HostAlreadyClaimed, older route. Route default/winner has that host"):
        waited([refusal], action="unchanged")


def test_any_other_refusal_comes_with_the_routers_words() -> None:
    with pytest.raises(RefusedError, match=r"Router r refuses .* ExtendedValidationFailed, bad"):
        waited([with_status(said("False", reason="ExtendedValidationFailed", message="bad"))], action="unchanged")


def test_a_route_deleted_while_it_waits() -> None:
    with pytest.raises(WaitError, match="deleted by somebody else"):
        waited([with_status(), None])


# ---- a router that ends TLS, annotations, and a Route beside another -------------------------------------------------


def test_what_is_allowed_and_how_long_are_annotations() -> None:
    spec = route_spec(timeout="5m", allow_ips=["10.0.0.0/8", "10.0.0.0/8", "::1"], annotations={"a/b": "c"})
    wanted = route.desired(spec, "r")["metadata"]["annotations"]
    assert wanted["haproxy.router.openshift.io/timeout"] == "5m"
    assert wanted["haproxy.router.openshift.io/ip_whitelist"] == "10.0.0.0/8 ::1"
    assert wanted["a/b"] == "c"


def test_what_yaml_makes_of_an_annotation_is_text_as_it_was_written() -> None:
    """A controller that looks for "true" does not know "True", nor anybody "None"."""
    spec = route_spec(annotations={"a.b/pass": True, "c": False, "d": 5, "e": ""}, labels={"shard": True})
    assert spec.annotations == {"a.b/pass": "true", "c": "false", "d": "5", "e": ""}
    assert spec.labels == {"shard": "true"}
    for option in ("annotations", "labels"):
        for nothing in (None, ["x"], {"x": "y"}):
            with pytest.raises(OptionError, match=rf"{option}.a: .* is no text: write it in quotes"):
                route_spec(**{option: {"a": nothing}})
    with pytest.raises(OptionError, match="annotations: 'a b' is not an annotation name"):
        route_spec(annotations={"a b": "c"})


def test_a_list_of_others_under_the_newer_name_would_go_before_ours() -> None:
    live = live_route("r")
    live["metadata"]["annotations"] = {"haproxy.router.openshift.io/ip_allowlist": "0.0.0.0/0"}
    after = plan(live, route.desired(route_spec(allow_ips=["10.0.0.1"]), "r")).after or {}
    assert "haproxy.router.openshift.io/ip_allowlist" not in after["metadata"]["annotations"]
    kept = plan(live, route.desired(route_spec(), "r")).after or {}
    assert "haproxy.router.openshift.io/ip_allowlist" in kept["metadata"]["annotations"]


def test_certificates_come_with_the_termination_and_go_with_it() -> None:
    ends = route.Tls("LEAF", "KEY", "CHAIN", "CA")
    assert "KEY" not in repr(ends)
    live = live_route("r")
    re = (
        plan(live, route.desired(route_spec(termination="reencrypt", insecure_policy="redirect"), "r", ends)).after
        or {}
    )
    assert re["spec"]["tls"] == {
        "termination": "reencrypt", "insecureEdgeTerminationPolicy": "Redirect", "certificate": "LEAF", "key": "KEY",
        "caCertificate": "CHAIN", "destinationCACertificate": "CA",
    }  # fmt: skip
    edge = plan(re, route.desired(route_spec(termination="edge"), "r", route.Tls("LEAF", "KEY"))).after or {}
    assert edge["spec"]["tls"] == {"termination": "edge", "certificate": "LEAF", "key": "KEY"}
    assert (plan(edge, route.desired(route_spec(), "r")).after or {})["spec"]["tls"] == {"termination": "passthrough"}


def test_what_others_said_of_tls_goes_where_the_api_would_refuse_it() -> None:
    """OpenShift takes no certificate and no plain HTTP beside passthrough, and one certificate alone."""

    def after(tls: Object, ends: route.Tls | None = None, **asked: Any) -> Object:
        live = live_route("r")
        live["spec"]["tls"] = tls
        found = (plan(live, route.desired(route_spec(**asked), "r", ends)).after or live)["spec"]["tls"]
        assert isinstance(found, dict)
        return found

    certificates = {"certificate": "C", "key": "K", "caCertificate": "A", "destinationCACertificate": "D"}
    edge = {"termination": "edge", "insecureEdgeTerminationPolicy": "Allow", **certificates}
    assert after(edge) == {"termination": "passthrough"}
    said = after(edge, insecure_policy="redirect")
    assert said == {"termination": "passthrough", "insecureEdgeTerminationPolicy": "Redirect"}
    kept = {"termination": "passthrough", "insecureEdgeTerminationPolicy": "Redirect"}
    assert after(kept) == kept, "what does not disturb stays"
    others = {**edge, "termination": "reencrypt"}
    assert after(others, termination="reencrypt")["insecureEdgeTerminationPolicy"] == "Allow"
    external = {"termination": "edge", "externalCertificate": {"name": "s"}}
    assert after(external, termination="edge") == external
    assert after(external, route.Tls("LEAF", "KEY"), termination="edge") == {
        "termination": "edge", "certificate": "LEAF", "key": "KEY",
    }  # fmt: skip


def test_a_private_key_is_never_shown() -> None:
    made = route.desired(route_spec(termination="edge"), "r", route.Tls("LEAF", "THE-KEY"))
    text = str(shown(made))
    assert "THE-KEY" not in text
    assert "hmac-sha256:" in text


@pytest.mark.parametrize(
    ("names", "found"),
    [([], "docker-registry"), (["docker-registry"], "docker-registry-2"),
     (["registry"], "docker-registry"), (["docker-registry", "docker-registry-2"], "docker-registry-3")],
)  # fmt: skip
def test_the_name_of_a_route_beside_others(names: list[str], found: str) -> None:
    spec = route_spec(route_host="c.d", beside=True)
    routes = [live_route(name) for name in names]
    assert route.choose(spec, routes) is None
    assert route.new_name(spec, routes) == found
    # Also where it is not to be beside another: a Route of that name which leads elsewhere keeps its name and its end.
    elsewhere = [live_route(name, to="else") for name in names]
    assert route.new_name(route_spec(route_host="c.d"), elsewhere) == found


def test_the_route_that_has_the_host_is_the_one_beside() -> None:
    routes = [live_route("docker-registry", **OURS), live_route("z", host="c.d")]
    chosen = route.choose(route_spec(route_host="c.d", beside=True), routes)
    assert chosen is not None
    assert chosen["metadata"]["name"] == "z"


def test_the_requests_of_an_upload_stay_together_where_the_router_ends_tls() -> None:
    def balance(**asked: Any) -> Any:
        annotations = route.desired(route_spec(**asked), "r")["metadata"]["annotations"]
        return annotations.get("haproxy.router.openshift.io/balance")

    assert balance() is None
    assert balance(termination="reencrypt") == balance(termination="edge") == "source"
    other = {"haproxy.router.openshift.io/balance": "leastconn"}
    assert balance(termination="edge", annotations=other) == "leastconn"

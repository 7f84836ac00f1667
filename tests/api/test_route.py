# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_route on a real API server: certificates, annotations, claims, rights, names, and what else than a Route."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import external
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_cert, registry_deploy, registry_route
from ansible_collections.okd.registry.plugins.modules import registry_service as service

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
SAME = ("actions", "resources", "diff", "changed")
ROUTE = "route.openshift.io/v1"
HOST = "r.example.com"
SEES: list[Object] = [
    {"apiGroups": [""], "resources": ["services", "secrets", "configmaps"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "daemonsets"], "verbs": ["get"]},
    {"apiGroups": ["apps.openshift.io"], "resources": ["deploymentconfigs"], "verbs": ["get"]},
]


@pytest.fixture
def pair(tmp_path: Path) -> Callable[..., Object]:
    """Makes a certificate with its key, as options; signed by a CA of its own."""

    def make(*hosts: str, days: int = 30) -> Object:
        now = dt.datetime.now(dt.timezone.utc)
        key = _pem.new_key("ECDSA", None)
        ca = _x509.Ca(_x509.self_signed_ca(key, name="a CA of others", now=now, days=60), key)
        made = _x509.issue(ca, _x509.server_names(hosts), serial=7, now=now, days=days, key_type="ECDSA")
        (tmp_path / "r.crt").write_bytes(made.bundle)
        (tmp_path / "r.key").write_bytes(made.key_pem)
        return {"cert_path": str(tmp_path / "r.crt"), "key_path": str(tmp_path / "r.key")}

    return make


@pytest.fixture
def registry(run: Any, tmp_path: Path) -> Object:
    """A Service and a certificate."""
    made: Object = run(service)["registry"]
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    assert run(registry_cert, ca=ca)["changed"]
    return made


def live(admin: Api, namespace: str, name: str = "docker-registry") -> Object:
    return admin.get(ObjectRef(ROUTE, "Route", name, namespace)) or {}


def on_routes(*verbs: str) -> Object:
    """A rule of a Role."""
    return {"apiGroups": ["route.openshift.io"], "resources": ["routes"], "verbs": list(verbs)}


def route_of(namespace: str, name: str, spec: Object) -> Object:
    """A Route that others make."""
    return {"apiVersion": ROUTE, "kind": "Route", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


# ---- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("router")
def test_a_router_that_ends_tls_and_knows_the_registry(
    run: Any, admin: Api, registry: Object, pair: Any, namespace: str, tmp_path: Path
) -> None:
    host = f"{namespace}.example.com"
    asked = {
        "route_host": host, "termination": "reencrypt", "certificate": pair(host), "insecure_policy": "redirect",
        "timeout": "10m", "allow_ips": ["192.0.2.0/24", "2001:db8::7"], "labels": {"shard": "a"}, "dns": "ignore",
    }  # fmt: skip
    planned = run(registry_route, check=True, **asked)
    assert live(admin, namespace) == {}
    done = run(registry_route, **asked)
    assert {k: planned[k] for k in SAME if k != "diff"} == {k: done[k] for k in SAME if k != "diff"}
    made = live(admin, namespace)
    tls = made["spec"]["tls"]
    bundle = (tmp_path / "r.crt").read_text()
    assert tls["certificate"] + tls["caCertificate"] == bundle
    assert _pem.same_key(_pem.parse_certificates(bundle.encode(), "")[0], _pem.parse_key(tls["key"].encode(), "key"))
    assert tls["destinationCACertificate"] == (tmp_path / "ca.crt").read_text()
    assert tls["insecureEdgeTerminationPolicy"] == "Redirect"
    assert made["metadata"]["labels"] == {"shard": "a"}
    annotations = made["metadata"]["annotations"]
    assert annotations["haproxy.router.openshift.io/timeout"] == "10m"
    assert annotations["haproxy.router.openshift.io/ip_whitelist"] == "192.0.2.0/24 2001:db8::7"
    route = done["route"]
    assert (route["termination"], route["timeout"], route["allow_ips"]) == (
        "reencrypt", "10m", ["192.0.2.0/24", "2001:db8::7"],
    )  # fmt: skip
    again = run(registry_route, **asked)
    assert not again["changed"]
    key = (tmp_path / "r.key").read_text().splitlines()[1]
    assert key not in json.dumps([planned, done, again]), "a private key in a result"
    assert "hmac-sha256:" in done["diff"][0]["after"]
    assert "a CA of others" in done["diff"][0]["after"], "certificates are shown as facts"
    less = {k: v for k, v in asked.items() if k in ("route_host", "termination", "dns")}
    assert run(registry_route, **less)["changed"]
    made = live(admin, namespace)
    assert set(made["spec"]["tls"]) == {"termination", "destinationCACertificate"}, "what is no longer asked for goes"
    assert set(made["metadata"]["annotations"]) == {"okd.registry/owned", "haproxy.router.openshift.io/balance"}


@pytest.mark.usefixtures("router", "registry")
def test_a_key_given_as_text_is_nowhere_but_in_the_route(run: Any, pair: Any, namespace: str) -> None:
    host = f"{namespace}.example.com"
    files = pair(host)
    texts = {name.replace("_path", "_content"): Path(path).read_text() for name, path in files.items()}
    done = run(registry_route, route_host=host, termination="edge", certificate=texts, dns="ignore")
    assert done["changed"], done
    assert texts["key_content"].splitlines()[1] not in json.dumps(done)
    same = run(registry_route, route_host=host, termination="edge", certificate=files, dns="ignore")
    assert not same["changed"]


@pytest.mark.usefixtures("registry")
def test_what_clients_would_refuse_is_refused_first(
    run: Any, admin: Api, pair: Any, namespace: str, tmp_path: Path
) -> None:
    def refused(**asked: Any) -> str:
        result = run(registry_route, **{"route_host": HOST, "termination": "edge", "dns": "ignore", **asked})
        assert result["failed"]
        assert live(admin, namespace) == {}
        return str(result["msg"])

    assert "it does not cover r.example.com" in refused(certificate=pair("other.example.com"))
    assert "it expired at" in refused(certificate=pair(HOST, days=0))
    mine, other = pair(HOST), _pem.key_to_pem(_pem.new_key("ECDSA", None)).decode()
    (tmp_path / "other.key").write_text(other)
    assert "is not the private key of" in refused(certificate={**mine, "key_path": str(tmp_path / "other.key")})
    assert "cannot be read: No such file" in refused(certificate={**mine, "cert_path": "/nowhere.crt"})


def test_a_generated_host_that_the_certificate_lacks(
    run: Any,
    router: None,
    registry: Object,
    pair: Any,
) -> None:
    result = run(registry_route, termination="edge", certificate=pair(HOST), dns="ignore")
    assert "it does not cover docker-registry-test-" in result["msg"]
    assert result["changed"]


def test_reencryption_needs_the_registrys_ca(run: Any, namespace: str) -> None:
    run(service)
    asked = {"route_host": HOST, "termination": "reencrypt", "wait": False, "dns": "ignore"}
    planned = run(registry_route, check=True, **asked)
    assert "(known after apply)" in planned["diff"][0]["after"]
    assert f"ConfigMap {namespace}/docker-registry-ca has no ca.crt" in run(registry_route, **asked)["msg"]


@pytest.mark.usefixtures("registry")
def test_edge_before_pods_that_serve_tls(run: Any, admin: Api, namespace: str) -> None:
    deployed = run(
        registry_deploy, kind="Deployment", image="registry:3", tls_secret="registry-secret", wait=False,
        probe_storage=False, cluster_role="",
    )  # fmt: skip
    assert not deployed.get("failed"), deployed
    asked = {"route_host": HOST, "wait": False, "dns": "ignore"}
    result = run(registry_route, termination="edge", **asked)
    assert f"Deployment {namespace}/docker-registry serves TLS" in result["msg"]
    assert live(admin, namespace) == {}
    assert run(registry_route, termination="reencrypt", **asked)["changed"]


@pytest.mark.usefixtures("registry")
def test_edge_before_pods_whose_configuration_file_has_tls(run: Any, admin: Api, grant: Any, namespace: str) -> None:
    """One that others made, whose file alone says so."""

    def file(**http: Any) -> Object:
        return {"config.yml": base64.b64encode(yaml.safe_dump({"version": 0.1, "http": http}).encode()).decode()}

    meta, labels = {"name": "docker-registry", "namespace": namespace}, {"docker-registry": "default"}
    told = admin.create({
        "apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "told"},
        "data": file(addr=":5000", tls={"certificate": "/tls/tls.crt", "key": "/tls/tls.key"}),
    })  # fmt: skip
    mounts = [{"name": "told", "mountPath": "/etc/distribution"}]
    pod = {
        "containers": [{"name": "registry", "image": "registry:3", "volumeMounts": mounts}],
        "volumes": [{"name": "told", "secret": {"secretName": "told"}}],
    }
    admin.create({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    })  # fmt: skip
    asked = {"route_host": HOST, "wait": False, "dns": "ignore", "termination": "edge"}
    result = run(registry_route, **asked)
    assert f"Deployment {namespace}/docker-registry serves TLS (Secret told says so)" in result["msg"]
    assert live(admin, namespace) == {}
    user = f"user-{namespace}"
    blind = [{**rule, "resources": [r for r in rule["resources"] if r != "secrets"]} for rule in SEES]
    grant(user, [*blind, on_routes("*"), {**on_routes("*"), "resources": ["routes/custom-host"]}])
    assert run.as_user(user)(registry_route, check=True, **asked)["changed"], "what he may not read stops nobody"
    admin.patch(ObjectRef.of(told), [{"op": "replace", "path": "/data", "value": file(addr=":5000")}])
    assert run(registry_route, **asked)["changed"]


@pytest.mark.usefixtures("registry", "router")
def test_taking_over_a_route_whose_router_ended_tls(run: Any, admin: Api, pair: Any, namespace: str) -> None:
    """What others said beside edge, the API refuses beside passthrough."""
    files = pair(HOST)
    tls = {
        "termination": "edge", "insecureEdgeTerminationPolicy": "Allow",
        "certificate": Path(files["cert_path"]).read_text(), "key": Path(files["key_path"]).read_text(),
        "caCertificate": Path(files["cert_path"]).read_text(),
    }  # fmt: skip
    body = {"host": f"{namespace}.example.com", "to": {"kind": "Service", "name": "docker-registry"}, "tls": tls}
    admin.create(route_of(namespace, "registry", body))
    done = run(registry_route, dns="ignore")
    assert not done.get("failed"), done
    assert live(admin, namespace, "registry")["spec"]["tls"] == {"termination": "passthrough"}


# ---- does the registry's own certificate do --------------------------------------------------------------------------


@pytest.mark.usefixtures("router", "registry")
def test_a_host_that_was_generated_is_to_be_certified(run: Any, namespace: str, tmp_path: Path) -> None:
    """Nobody can name it before; so it is said, until the certificate has it, and not where that follows anyway."""
    early = run(registry_route, dns="ignore", certified=True)
    host = early["route"]["host"]
    assert not early.get("warnings")
    warned = run(registry_route, dns="ignore")
    text = f"The certificate in Secret {namespace}/registry-secret does not cover {host}"
    assert text in str(warned["warnings"])
    assert "Run registry_cert, which covers the hosts of passthrough Routes" in str(warned["warnings"])
    assert text in str(run(registry_route, check=True, dns="ignore")["warnings"])
    named = run(registry_route, dns="ignore", route_host=host)
    assert f"Run registry_cert, with route_host {host}" in str(named["warnings"]), "in use, so it is not refused"
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key")}
    assert run(registry_cert, ca=ca)["reason"] == f"it does not cover {host}"
    assert not run(registry_route, dns="ignore", route_host=host).get("warnings")


def test_a_host_that_is_still_to_be_generated_is_part_of_the_certificates_plan(run: Any, tmp_path: Path) -> None:
    run(service)
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    run(registry_cert, ca=ca)
    planned = run(registry_cert, check=True, ca=ca, route_host=KNOWN_AFTER_APPLY)
    assert planned["changed"]
    assert planned["reason"] == "the Route's host, which it has to cover, is known only after apply"
    assert planned["registry"]["endpoints"][-1] == KNOWN_AFTER_APPLY
    assert "route_host: " in run(registry_cert, ca=ca, route_host=KNOWN_AFTER_APPLY)["msg"], "in plans alone"


# ---- what others have ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("registry")
def test_a_route_of_others_under_the_name_is_left_alone(run: Any, admin: Api, namespace: str) -> None:
    console = {"host": f"console-{namespace}.example.com", "to": {"kind": "Service", "name": "registry-console"}}
    names = ("registry-console", "docker-registry")
    before = {name: admin.create(route_of(namespace, name, console)) for name in names}
    for check in (True, False):
        refused = run(registry_route, check=check, route_name="registry-console", dns="ignore")
        assert refused["failed"]
        assert f"Route {namespace}/registry-console was not made by this collection" in refused["msg"]
        assert "leads to Service registry-console" in refused["msg"]
    # Not named, it only has the name that ours would have had.
    done = run(registry_route, wait=False, dns="ignore", route_host=HOST, secret_name="none")
    assert done["actions"] == [f"Created Route {namespace}/docker-registry-2."]
    assert not run(registry_route, wait=False, dns="ignore", route_host=HOST, secret_name="none")["changed"]
    assert {name: live(admin, namespace, name) for name in before} == before


def test_a_service_of_others_under_the_name_is_left_alone(
    run: Any, admin: Api, registry: Object, namespace: str
) -> None:
    """Merged, the two selectors would select no pod: the router's would be gone for everybody."""
    assert registry["name"] == "docker-registry"
    for name in ("router", "docker-registry-external"):
        ports = [{"name": "https", "port": 443}]
        spec = {"type": "ClusterIP", "selector": {"router": "router"}, "ports": ports}
        meta = {"name": name, "namespace": namespace}
        before = admin.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
        named = {"route_name": name} if name == "router" else {}
        refused = run(registry_route, kind="node_port", **named)
        assert f"Service {namespace}/{name} was not made by this collection" in refused["msg"]
        assert "(router=router)" in refused["msg"]
        assert admin.get(ObjectRef("v1", "Service", name, namespace)) == before
    theirs = run(registry_route, kind="node_port", state="absent")
    assert not theirs["changed"]
    assert theirs["route"]["ours"] is False


def test_a_service_that_others_made_for_it_is_used_and_stays(
    run: Any, admin: Api, registry: Object, namespace: str
) -> None:
    name = "docker-registry-external"
    spec = {"type": "NodePort", "selector": {"docker-registry": "default"}, "ports": [{"name": "r", "port": 5000}]}
    meta = {"name": name, "namespace": namespace}
    before = admin.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    taken = run(registry_route, kind="node_port", wait=False)
    assert taken["route"]["name"] == name
    gone = run(registry_route, every_kind=True, state="absent")
    assert (
        f"Left Service {namespace}/{name} alone: others made it. To delete it, name it in route_name."
        in gone["actions"]
    )
    assert (admin.get(ObjectRef("v1", "Service", name, namespace)) or {})["metadata"]["uid"] == before["metadata"][
        "uid"
    ]
    assert run(registry_route, kind="node_port", state="absent", route_name=name)["changed"]


# ---- claims, rights, names -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("router", "registry")
def test_a_host_beside_another(run: Any, admin: Api, namespace: str) -> None:
    """Both are served until the old one goes; a third run finds each by its host."""
    old, new = f"old-{namespace}.example.com", f"new-{namespace}.example.com"
    asked = {"secret_name": "none", "dns": "ignore"}
    assert run(registry_route, route_host=old, beside=True, **asked)["route"]["name"] == "docker-registry"
    done = run(registry_route, route_host=new, beside=True, **asked)
    assert done["route"]["name"] == "docker-registry-2"
    assert [o["host"] for o in done["others"]] == [old]
    assert not run(registry_route, route_host=new, beside=True, **asked)["changed"]
    assert not run(registry_route, route_host=new, **asked)["changed"], "the one that has the host is taken"
    assert live(admin, namespace)["spec"]["host"] == old
    by_another = run(registry_route, state="absent", route_name="docker-registry", route_host=new)
    said = f"Left Route {namespace}/docker-registry alone: its host is {old}, and not {new}."
    assert (by_another["changed"], by_another["actions"]) == (False, [said])
    assert run(registry_route, state="absent", route_name="docker-registry", route_host=old)["changed"]
    assert not run(registry_route, route_host=new, beside=True, **asked)["others"]


def test_who_may_not_set_a_host_learns_which_right_he_lacks(
    run: Any,
    grant: Any,
    registry: Object,
    pair: Any,
    namespace: str,
) -> None:
    user = f"user-{namespace}"
    grant(user, [*SEES, on_routes("list", "get", "create", "patch")])
    asked: Object = {"route_host": HOST, "secret_name": "none", "wait": False, "dns": "ignore"}
    for verb, change in (("create", {}), ("update", {"route_host": "s.example.com"})):
        result = run.as_user(user)(registry_route, **{**asked, **change})
        assert f"this user cannot {verb} routes/custom-host in namespace {namespace}" in result["msg"]
        assert [r["verbs"] for r in yaml.safe_load(result["rule"])] == [[verb]]
        grant(user, yaml.safe_load(result["rule"]))
        result = run.as_user(user)(registry_route, **{**asked, **change})
        assert result["changed"], result
    assert not run.as_user(user)(registry_route, **{**asked, "route_host": "s.example.com"})["changed"]


@pytest.mark.usefixtures("registry")
def test_who_may_not_change_a_certificate_learns_which_right_he_lacks(
    run: Any, grant: Any, admin: Api, pair: Any, namespace: str, tmp_path: Path
) -> None:
    """The router's own when it is renewed, and the registry's CA when it is rotated."""
    user = f"user-{namespace}"
    grant(user, [*SEES, on_routes("list", "get", "patch")])
    asked: Object = {"route_host": HOST, "termination": "reencrypt", "wait": False, "dns": "ignore"}
    assert run(registry_route, certificate=pair(HOST), **asked)["changed"]
    before = live(admin, namespace)
    other_ca = {"destination_ca": {"cert_content": (tmp_path / "r.crt").read_text()}}
    renewed = {"certificate": pair(HOST)}
    for change in (renewed, {"certificate": None, **other_ca}, renewed):
        refused = run.as_user(user)(registry_route, **asked, **change)
        assert f"certificates of Route {namespace}/docker-registry: this user cannot update" in refused["msg"], change
        assert "field is immutable" in refused["msg"]
        assert "BEGIN" not in refused["msg"], "what the API server repeats is not shown"
    assert live(admin, namespace)["spec"] == before["spec"]
    none = {**asked, "termination": "passthrough", "secret_name": "none"}
    assert run.as_user(user)(registry_route, **none)["changed"], "to have none takes no right"
    grant(user, yaml.safe_load(refused["rule"]))
    assert run.as_user(user)(registry_route, **asked, **renewed)["changed"]


def test_the_registrys_ca_alone_in_a_new_route_needs_the_right(
    run: Any, grant: Any, registry: Object, namespace: str
) -> None:
    assert registry["name"] == "docker-registry"
    user = f"user-{namespace}"
    grant(user, [*SEES, on_routes("list", "get", "create")])
    asked: Object = {"termination": "reencrypt", "wait": False, "dns": "ignore"}
    refused = run.as_user(user)(registry_route, **asked)
    assert f"certificates of Route {namespace}/docker-registry: this user cannot create" in refused["msg"]
    assert "the CA that termination: reencrypt puts into the Route needs it anyway" in refused["msg"]
    grant(user, yaml.safe_load(refused["rule"]))
    assert run.as_user(user)(registry_route, **asked)["changed"]


def test_a_name_that_does_not_resolve(run: Any, admin: Api, registry: Object, namespace: str) -> None:
    assert registry["name"] == "docker-registry"
    asked = {"route_host": "no-such-host.invalid", "secret_name": "none", "wait": False}
    refused = run(registry_route, dns="fail", **asked)
    assert "no-such-host.invalid does not resolve on" in refused["msg"]
    assert live(admin, namespace) == {}
    assert not run(registry_route, check=True, dns="ignore", **asked).get("warnings")
    warned = run(registry_route, **asked)
    assert warned["changed"]
    assert "no-such-host.invalid does not resolve on" in str(warned["warnings"])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (
            {"certificate": {"cert_content": "a certificate", "key_content": "its key"}},
            "certificate: ['cert_content', 'key_content'] is for",
        ),
        ({"destination_ca": {"cert_content": "x"}, "termination": "edge"}, "destination_ca: ['cert_content'] is for"),
        ({"insecure_policy": "allow"}, "insecure_policy: 'allow' does not go with termination passthrough"),
        ({"timeout": "5 minutes"}, "timeout: '5 minutes' is no duration"),
        ({"timeout": "100d"}, "is longer than HAProxy can count"),
        ({"allow_ips": ["10.0.0.1/8"]}, "allow_ips: '10.0.0.1/8' is no address or network"),
        ({"allow_ips": [f"10.0.{n}.0/24" for n in range(62)]}, "more than the 61"),
        (
            {"allow_ips": ["10.0.0.1"], "annotations": {"haproxy.router.openshift.io/ip_whitelist": "x"}},
            "annotations: ",
        ),
        ({"kind": "ingress"}, "route_host: None is required for an Ingress"),
        ({"kind": "ingress", "route_host": HOST, "termination": "edge"}, "termination: 'edge' is for kind route"),
        ({"kind": "node_port", "timeout": "5s"}, "timeout: '5s' is for kind route"),
        ({"node_port": 30000}, "node_port: 30000 is for kind node_port"),
        ({"kind": "node_port", "route_name": "docker-registry"}, "is the registry's own Service"),
        ({"beside": True}, "beside: True needs route_host"),
    ],
)
def test_bad_options_are_refused_before_anything_is_asked(run: Any, asked: Object, text: str) -> None:
    result = run(registry_route, **asked)
    assert text in result["msg"]
    assert sum(result["api_requests"].values()) == 0


# ---- where there are no Routes ---------------------------------------------------------------------------------------


@pytest.fixture
def classes(admin: Api) -> Iterator[Callable[..., None]]:
    """Makes IngressClasses; they are of the whole cluster, so they go again."""
    made: list[ObjectRef] = []

    def make(name: str, controller: str, *, default: bool = False) -> None:
        ref = ObjectRef("networking.k8s.io/v1", "IngressClass", name)
        notes = {"annotations": {external.DEFAULT_CLASS: "true"}} if default else {}
        meta = {"name": name, **notes}
        body = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta, "spec": {"controller": controller}}
        admin.create(body)
        made.append(ref)

    yield make
    for ref in made:
        admin.delete(ref)


def test_an_ingress_is_passed_through_as_its_controller_has_it(
    run: Any, admin: Api, registry: Object, classes: Any, namespace: str
) -> None:
    asked = {"kind": "ingress", "route_host": HOST, "wait": False, "dns": "ignore", "secret_name": "none"}
    assert "There is no IngressClass" in run(registry_route, **asked)["msg"]
    classes("nginx", "k8s.io/ingress-nginx")
    planned, done = run(registry_route, check=True, **asked), run(registry_route, **asked)
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert done["actions"] == [f"Created Ingress {namespace}/docker-registry."]
    made = admin.get(ObjectRef("networking.k8s.io/v1", "Ingress", "docker-registry", namespace)) or {}
    assert made["metadata"]["annotations"]["nginx.ingress.kubernetes.io/ssl-passthrough"] == "true"
    assert made["spec"]["ingressClassName"] == "nginx"
    assert made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"] == {
        "name": "docker-registry", "port": {"number": registry["port"]},
    }  # fmt: skip
    assert done["registry"]["endpoints"][-1] == HOST
    assert not run(registry_route, **asked)["changed"]
    other = run(registry_route, **{**asked, "route_host": "other.example.com", "secret_name": "registry-secret"})
    assert "does not cover other.example.com, so every client would refuse it. Reissue it first" in other["msg"]
    classes("haproxy", "haproxy.org/ingress-controller/haproxy")
    assert "ingress_class: which of haproxy, nginx" in run(registry_route, **asked)["msg"]
    changed = run(registry_route, ingress_class="haproxy", **asked)
    assert changed["changed"]
    made = admin.get(ObjectRef("networking.k8s.io/v1", "Ingress", "docker-registry", namespace)) or {}
    assert {k for k in made["metadata"]["annotations"] if "passthrough" in k} == {"haproxy.org/ssl-passthrough"}
    classes("openshift-default", "openshift.io/ingress-to-route")
    assert run(registry_route, ingress_class="openshift-default", **asked)["changed"]
    made = admin.get(ObjectRef("networking.k8s.io/v1", "Ingress", "docker-registry", namespace)) or {}
    assert set(made["spec"]["rules"][0]["http"]["paths"][0]) == {"pathType", "backend"}, "the other's path is gone"
    assert set(made["spec"]) == {"ingressClassName", "rules"}
    assert not run(registry_route, ingress_class="openshift-default", **asked)["changed"]
    assert run(registry_route, ingress_class="haproxy", **asked)["changed"]
    late = run(registry_route, ingress_class="haproxy", **{**asked, "wait": True, "wait_timeout": 1})
    assert "No controller gave Ingress" in late["msg"]
    assert run(registry_route, kind="ingress", state="absent")["actions"] == [
        f"Deleted Ingress {namespace}/docker-registry."
    ]
    assert not run(registry_route, kind="ingress", state="absent")["changed"]


@pytest.mark.usefixtures("registry")
def test_an_ingress_of_others_under_the_name_is_left_alone(run: Any, admin: Api, classes: Any, namespace: str) -> None:
    classes("nginx", "k8s.io/ingress-nginx")
    ref = ObjectRef("networking.k8s.io/v1", "Ingress", "docker-registry", namespace)
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    rules = [{"host": "shop.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    meta = {"name": ref.name, "namespace": namespace}
    before = admin.create({"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta, "spec": {"rules": rules}})
    asked = {"kind": "ingress", "route_host": HOST, "wait": False, "dns": "ignore"}
    assert f"{ref} was not made by this collection, and leads to shop" in run(registry_route, **asked)["msg"]
    assert admin.get(ref) == before


def test_who_may_use_one_namespace_alone_says_class_and_annotation(
    run: Any, grant: Any, registry: Object, classes: Any, namespace: str
) -> None:
    """IngressClasses are of the whole cluster, and such a user may not list them."""
    classes("mine", "k8s.io/ingress-nginx")
    user = f"user-{namespace}"
    rules: list[Object] = [
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "create", "patch"]},
        {"apiGroups": [""], "resources": ["services", "secrets"], "verbs": ["get"]},
    ]
    grant(user, rules)
    asked: Object = {"kind": "ingress", "route_host": HOST, "wait": False, "dns": "ignore", "secret_name": "none"}
    refused = run.as_user(user)(registry_route, **asked, ingress_class="mine")
    assert "ingressclasses" in refused["msg"]
    assert "annotations" in refused["msg"]
    notes = {"nginx.ingress.kubernetes.io/ssl-passthrough": True}
    done = run.as_user(user)(registry_route, **asked, ingress_class="mine", annotations=notes)
    assert done["changed"], done
    assert done["route"]["router"] == "mine"
    assert registry["name"] == "docker-registry"


@pytest.mark.usefixtures("registry")
def test_controllers_that_do_it_otherwise_or_are_unknown(run: Any, classes: Any) -> None:
    asked = {"kind": "ingress", "route_host": HOST, "wait": False, "dns": "ignore", "secret_name": "none"}
    classes("traefik", "traefik.io/ingress-controller", default=True)
    assert "by an IngressRouteTCP with tls.passthrough: true" in run(registry_route, **asked)["msg"]
    classes("mine", "example.com/mine")
    assert "Say its annotation in annotations" in run(registry_route, ingress_class="mine", **asked)["msg"]
    assert (
        "there is no IngressClass other; there is mine, traefik"
        in run(registry_route, ingress_class="other", **asked)["msg"]
    )
    assert run(registry_route, ingress_class="mine", annotations={"example.com/pass": "yes"}, **asked)["changed"]


def test_a_service_beside_the_registrys_own(run: Any, admin: Api, registry: Object, namespace: str) -> None:
    own = admin.get(ObjectRef("v1", "Service", "docker-registry", namespace))
    planned = run(registry_route, check=True, kind="node_port")
    assert planned["route"]["port"] == "(known after apply)"
    done = run(registry_route, kind="node_port")
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert 30000 <= done["route"]["port"] <= 32767
    ref = ObjectRef("v1", "Service", "docker-registry-external", namespace)
    made = admin.get(ref) or {}
    assert made["spec"]["selector"] == (own or {})["spec"]["selector"]
    assert made["spec"]["ports"][0]["port"] == registry["port"]
    again = run(registry_route, kind="node_port")
    assert not again["changed"]
    assert again["route"]["port"] == done["route"]["port"], "the cluster's choice stays"
    balanced = {"kind": "load_balancer", "allow_ips": ["192.0.2.7"], "wait": False}
    assert run(registry_route, **balanced)["changed"]
    assert not run(registry_route, **balanced)["changed"]
    made = admin.get(ref) or {}
    assert (made["spec"]["type"], made["spec"]["ports"][0]["port"]) == ("LoadBalancer", 443)
    assert made["spec"]["loadBalancerSourceRanges"] == ["192.0.2.7/32"]
    late = run(registry_route, **{**balanced, "wait": True, "wait_timeout": 1})
    assert "the cluster has a controller for load balancers" in late["msg"]
    assert admin.get(ObjectRef("v1", "Service", "docker-registry", namespace)) == own, (
        "the registry's own is left alone"
    )
    assert run(registry_route, kind="load_balancer", state="absent")["changed"]
    assert admin.get(ref) is None


@pytest.mark.usefixtures("registry")
def test_what_we_made_goes_whatever_it_is_called_and_what_others_made_stays(
    run: Any, admin: Api, classes: Any, namespace: str
) -> None:
    """One Ingress and one Service with names of their own, beside those of others and another registry's."""
    classes("nginx", "k8s.io/ingress-nginx")
    ingress = {"kind": "ingress", "route_host": HOST, "wait": False, "dns": "ignore", "secret_name": "none"}
    port = {"kind": "node_port", "wait": False}
    assert run(service, name="other")["changed"]
    for made in (
        run(registry_route, route_name="ways", **ingress),
        run(registry_route, **port),
        run(registry_route, route_name="doors", **port),
        run(registry_route, route_host=HOST, secret_name="none", wait=False, dns="ignore"),
        run(registry_route, **{**ingress, "name": "other", "route_host": f"other.{HOST}"}),
        run(registry_route, name="other", **port),
    ):
        assert made["changed"], made
    theirs = [
        ObjectRef("networking.k8s.io/v1", "Ingress", "theirs", namespace),
        ObjectRef("v1", "Service", "theirs", namespace),
    ]
    for ref, name in zip(theirs, ("ways", "doors"), strict=True):
        live = admin.get(ObjectRef(ref.api_version, ref.kind, name, namespace)) or {}
        body = {key: value for key, value in live["spec"].items() if not key.startswith(("clusterIP", "ports"))}
        body |= {"ports": [{"port": 5000}]} if ref.kind == "Service" else {}
        meta = {"name": ref.name, "namespace": namespace}
        admin.create({"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta, "spec": body})
    assert run(registry_route, kind="ingress", state="absent", check=True)["actions"] == [
        f"Left Ingress {namespace}/theirs alone: others made it. To delete it, name it in route_name.",
        f"Deleted Ingress {namespace}/ways.",
    ]
    for asked in ({"state": "absent", "route_name": "ways"}, {}):
        assert "every_kind: True is for state absent alone" in run(registry_route, every_kind=True, **asked)["msg"]
    gone = run(registry_route, every_kind=True, state="absent")
    assert [(one["kind"], one["name"]) for one in gone["resources"] if one["action"] == "deleted"] == [
        ("Route", "docker-registry"),
        ("Ingress", "ways"),
        ("Service", "docker-registry-external"),
        ("Service", "doors"),
    ]
    assert not run(registry_route, every_kind=True, state="absent")["changed"]
    left = {
        kind: sorted(one["metadata"]["name"] for one in admin.list(version, kind, namespace))
        for version, kind in (("networking.k8s.io/v1", "Ingress"), ("v1", "Service"))
    }
    assert left == {
        "Ingress": ["other", "theirs"],
        "Service": ["docker-registry", "other", "other-external", "theirs"],
    }

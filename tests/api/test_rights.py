# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented rights on a real API server: with exactly them everything works, and with one less it is told which.

``test_exactly_these_rights`` holds both ends: nothing is refused, and no right is there that nothing asks for.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _rights
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import scc
from ansible_collections.okd.registry.plugins.module_utils._build.claim import NewClaim
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import ObjectStorage
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Asked, Right
from ansible_collections.okd.registry.plugins.module_utils._build.rights import needed
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Nfs, Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import detect
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_preflight_info,
    registry_rollout_info,
    registry_route,
    registry_service,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
IMAGE = "openshift3/ose-docker-registry:v3"
FILE = "version: 0.1\nstorage: {filesystem: {rootdirectory: /registry}}\n"
PROXY = {"https": "http://user:secret@proxy.example.com:3128"}
S3 = {"bucket": "b", "region": "us-east-1", "accesskey": "no-access", "secretkey": "no-secret"}

#: Rights for what does not come about on an API server without controllers, kubelets and router: (verb, resource).
ELSEWHERE = {
    ("get", "nodes"), ("list", "nodes"), ("get", "pods"), ("list", "events"), ("get", "pods/log"),
    ("get", "pods/portforward"),
    ("get", "pods/exec"), ("create", "pods/exec"), ("get", "replicationcontrollers"), ("list", "replicasets"),
    ("list", "controllerrevisions"),
    ("create", "jobs"), ("delete", "jobs"), ("get", "jobs"),  # the probe, which tests/api/test_pods and e2e run
    ("create", "routes/custom-host"), ("update", "routes/custom-host"),  # asked for inside of the request for a Route
    ("get", "routes"),  # the wait for a router, see test_modules
    ("bind", "clusterroles"),  # asked for inside of the request that makes the binding
}  # fmt: skip
#: For the error texts of input that cannot work, which these runs do not have.
TROUBLE = {("list", "services"), ("list", "servicecidrs"), ("list", "persistentvolumeclaims"), ("get", "clusterroles")}

#: What a probe that fails takes back; unit tests do so.
PROBED = {("delete", "persistentvolumeclaims"), ("delete", "persistentvolumes")}
#: Taken only when something is no longer asked for; test_what_is_no_longer_asked_for takes them.
LATER = {
    ("delete", "secrets"), ("delete", "configmaps"), ("delete", "poddisruptionbudgets"),
    ("patch", "securitycontextconstraints"),
}  # fmt: skip

# ---- what is done ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cleared(admin: Api, namespace: str) -> Iterator[None]:
    """Takes away what lies outside of the namespace, or would be found by other tests."""
    if admin.get(scc.REF) is None and admin.has(scc.GROUP):
        admin.create(PRIVILEGED)
    yield
    admin.delete(ObjectRef(f"{RBAC}/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))
    for kind in ("PersistentVolumeClaim", "PersistentVolume"):
        for obj in admin.list("v1", kind, namespace if kind.endswith("Claim") else None):
            if namespace in json.dumps(obj):
                admin.patch(ObjectRef.of(obj), [{"op": "add", "path": "/metadata/finalizers", "value": []}])
                admin.delete(ObjectRef.of(obj))


PRIVILEGED = {
    "apiVersion": scc.REF.api_version, "kind": scc.REF.kind, "metadata": {"name": scc.REF.name}, "users": ["somebody"],
    **{f"allow{what}": True for what in ("HostDirVolumePlugin", "HostIPC", "HostNetwork", "HostPID", "HostPorts")},
    "allowPrivilegedContainer": True, "allowedCapabilities": ["*"], "readOnlyRootFilesystem": False,
    "priority": None, "requiredDropCapabilities": [], "defaultAddCapabilities": [], "volumes": ["*"],
}  # fmt: skip


def steps(options: Object, folder: Path, *, route: bool) -> Iterator[tuple[Any, Object]]:
    """site.yml's steps, twice: made, then changed in each object."""
    ca = {"cert_path": str(folder / "ca.crt"), "key_path": str(folder / "ca.key"), "create": True}
    for round_, hosts in (("1", []), ("2", ["second.example.com"])):
        names: Object = {"extra_hosts": hosts, **({"route_host": f"r{round_}.example.com"} if route else {})}
        other = {"cert_path": str(folder / "2.crt"), "key_path": str(folder / "2.key"), "create": True}
        yield registry_service, {**names, "labels": {"docker-registry": "default", "round": round_}}
        # Nobody trusts the CA of before here, so another one may come at once.
        yield registry_cert, {**names, "ca": ca if round_ == "1" else other, "allow_ca_change": round_ == "2"}
        deployed = {
            "image": f"{IMAGE}.{round_}",
            "tls_secret": "registry-secret",
            "wait": False,
            "probe_storage": False,
        }
        deployed["labels"] = {"docker-registry": "default", "round": round_}
        yield registry_deploy, {**deployed, **_again(options, round_)}
        if route:
            yield registry_route, {**names, "wait": False}
        yield registry_info, {"gather_subset": ["served"]}
    yield registry_rollout_info, {}


def _again(options: Object, round_: str) -> Object:
    """The options of the second round differ in all that can change."""
    if round_ == "1":
        return options
    changed: Object = dict(options)
    storage = dict(options.get("storage") or {})
    if "parameters" in storage:
        storage["parameters"] = {**storage["parameters"], "secretkey": "another-secret"}
    if "options" in storage:
        storage["options"] = ["soft"]
    if storage:
        changed["storage"] = storage
    if "config" in options and "content" in options["config"]:
        changed["config"] = {"content": f"{FILE}log: {{level: debug}}\n"}
    if "egress_proxy" in options:
        changed["egress_proxy"] = {"https": "http://user:other@proxy.example.com:3128"}
    if "pod_disruption_budget" in options:
        changed["pod_disruption_budget"] = {"max_unavailable": "2"}
    return changed


def disturb(admin: Api, namespace: str) -> None:
    """Somebody takes from objects what the second round puts back: their patch is needed for nothing else."""
    for ref, path in (
        (ObjectRef("v1", "ServiceAccount", "registry", namespace), "/secrets"),
        (ObjectRef(f"{RBAC}/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"), "/subjects"),
        (ObjectRef("v1", "Secret", "docker-registry-http-secret", namespace), "/data"),
        (ObjectRef("v1", "ConfigMap", "docker-registry-extra-ca", namespace), "/data"),
    ):
        if admin.get(ref) is not None:
            admin.patch(ref, [{"op": "remove", "path": path}])
    for claim in admin.list("v1", "PersistentVolumeClaim", namespace):
        admin.patch(ObjectRef.of(claim), [{"op": "remove", "path": "/metadata/annotations"}])


FEATURES: dict[str, tuple[Object, Object]] = {
    "DeploymentConfig": ({}, {}),
    "Deployment": ({"kind": "Deployment"}, {"kind": "Deployment"}),
    "DaemonSet": (
        {"kind": "DaemonSet", "storage": {"kind": "nfs", "server": "nfs.example.com", "path": "/x"}},
        {"kind": "DaemonSet", "storage": Storage(nfs=Nfs("nfs.example.com", "/x"))},
    ),
    "route": ({}, {"route": True}),
    "claim": (
        {"storage": {"kind": "pvc", "claim_name": "c", "size": "1Gi"}},
        {"storage": Storage(claim_name="c", new_claim=NewClaim("1Gi"))},
    ),
    "nfs": (
        {"storage": {"kind": "nfs", "server": "nfs.example.com", "path": "/x"}},
        {"storage": Storage(nfs=Nfs("nfs.example.com", "/x"))},
    ),
    "nfs with options": (
        {"storage": {"kind": "nfs", "server": "nfs.example.com", "path": "/x", "options": ["hard"]}},
        {"storage": Storage(nfs=Nfs("nfs.example.com", "/x", ("hard",)), claim_name="docker-registry-storage")},
    ),
    "host path": (
        {"storage": {"kind": "host_path", "path": "/x", "node": "n1"}},
        {"storage": Storage(host_path=HostPath("/x", "n1"))},
    ),
    "object storage": (
        {"storage": {"kind": "s3", "parameters": S3}},
        {"storage": Storage(objects=ObjectStorage("s3", S3))},
    ),
    "budget": (
        {
            "replicas": 3, "pod_disruption_budget": {"max_unavailable": "1"},
            "storage": {"kind": "s3", "parameters": S3},
        },
        {"budget": True, "storage": Storage(objects=ObjectStorage("s3", S3))},
    ),
    "settings": (
        {"config": {"content": FILE}, "egress_proxy": PROXY, "extra_ca": {"content": "CA"}},
        {"ours": frozenset({"config", "proxy", "extra_ca"})},
    ),
    "settings of others": (
        {"config": {"secret": "mine", "key": "config.yml"}},
        {"theirs": (("secrets", "mine"),)},
    ),
}  # fmt: skip


def asked_for(admin: Api, namespace: str, change: Object) -> Asked:
    changed = dict(change)
    storage = changed.get("storage")
    if storage and storage.nfs and storage.nfs.options:
        new = NewClaim("1Gi", storage_class="", volume=f"{namespace}-docker-registry-storage")
        changed["storage"] = replace(storage, new_claim=new)
    return Asked(detect(admin), namespace=namespace, has_scc=admin.has(scc.GROUP), **changed)


def prepare(options: Object, admin: Api, namespace: str, folder: Path) -> Object:
    """What a feature finds there."""
    meta = {"name": "mine", "namespace": namespace}
    content = base64.b64encode(FILE.encode()).decode()
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"config.yml": content}})
    if "extra_ca" in options:
        return {**options, "extra_ca": {"content": ca_pem(folder)}}
    return options


def ca_pem(folder: Path) -> str:
    out = folder / "extra.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a CA"]
    subprocess.run([*command, "-keyout", folder / "extra.key", "-out", out], check=True, capture_output=True)
    return out.read_text()


# ---- the tests -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize("feature", FEATURES)
def test_exactly_these_rights(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, tmp_path: Path, feature: str
) -> None:
    """Nothing is refused, and each right is asked for (but what only other machines would ask for)."""
    options, change = FEATURES[feature]
    asked = asked_for(admin, namespace, change)
    user, rights = somebody("exactly"), needed(asked)
    user.give(rights)
    user.wait(rights)
    options = prepare(options, admin, namespace, tmp_path)
    checked = {k: v for k, v in options.items() if k != "replicas"}
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    host = {"route_host": "r.example.com"} if asked.route else {}
    found = run.as_user(user.name)(registry_preflight_info, image=IMAGE, ca=ca, **host, **checked)
    assert [p for p in found["problems"] if "ot allowed" in p or "lacks rights" in p] == []
    for number, (module, wanted) in enumerate(steps(options, tmp_path, route=asked.route)):
        if number == (5 if asked.route else 4):
            disturb(admin, namespace)
        result = run.as_user(user.name)(
            module, **wanted, **({"allow_data_loss": True} if module is registry_deploy else {})
        )
        assert not result.get("failed"), (module.__name__, result["msg"])
    log = requests(user.name)
    assert [right for right, code in log if code == 403] == []
    used = {(right.verb, right.resource) for right, _code in log}
    idle = {(r.verb, r.resource) for r in rights} - used - ELSEWHERE - TROUBLE - PROBED
    assert sorted(idle - LATER) == [], "rights that nothing asked for"


@pytest.fixture
def registry_role(admin: Api) -> Iterator[None]:
    """The role that OpenShift has for registries."""
    ref = ObjectRef(f"{RBAC}/v1", "ClusterRole", "system:registry")
    made = admin.get(ref) is None
    rule = {"apiGroups": ["image.openshift.io"], "resources": ["images"], "verbs": ["get"]}
    if made:
        admin.create(
            {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": ref.name}, "rules": [rule]}
        )
    yield
    if made:
        admin.delete(ref)


def known(rights: Iterable[Right]) -> list[Right]:
    """Those without which something fails that is done here."""
    later = {(verb, resource) for verb, resource in LATER if verb == "delete"}
    asked_inside = {("bind", "clusterroles"), ("create", "routes/custom-host"), ("update", "routes/custom-host")}
    # A Route is read again where a change of it is refused.
    idle = (ELSEWHERE | TROUBLE | later) - asked_inside - {("get", "routes")}
    return [r for r in rights if not r.helpful and (r.verb, r.resource) not in idle]


@pytest.mark.usefixtures("cleared", "registry_role")
@pytest.mark.parametrize(
    "feature", ["route", "claim", "nfs with options", "host path", "object storage", "settings", "budget"]
)
def test_from_nothing_to_just_enough_by_what_the_modules_say(
    run: Any, admin: Api, somebody: Any, namespace: str, tmp_path: Path, feature: str
) -> None:
    """Each right that is missing ends a module with its verb, its object and its rule; what helps is not missed."""
    options, change = FEATURES[feature]
    user, options = somebody("nobody"), prepare(options, admin, namespace, tmp_path)
    wanted = known(needed(asked_for(admin, namespace, change)))
    base = known(needed(asked_for(admin, namespace, {})))
    if feature != "route":  # which learns them
        user.give(base)
        user.wait(base)
        wanted = [right for right in wanted if right not in base]
    for number, (module, params) in enumerate(steps(options, tmp_path, route="route" in change)):
        if number == (5 if "route" in change else 4):
            disturb(admin, namespace)
        for _attempt in range(40):
            lossy = {"allow_data_loss": True} if module is registry_deploy else {}
            result = run.as_user(user.name)(module, **params, **lossy)
            if not result.get("failed"):
                break
            (rule,) = yaml.safe_load(result.get("rule") or f"[{result['msg']!r}]")
            lacks = {Right(verb, rule["resources"][0], rule["apiGroups"][0]) for verb in rule["verbs"]}
            learnt = [r for r in wanted if replace(r, name="", where="") in lacks and _named(r, result["msg"])]
            assert learnt, result["msg"]
            user.give(learnt[:1])
            user.wait(learnt[:1])
            wanted.remove(learnt[0])
        assert not result.get("failed"), result["msg"]
    assert wanted == [], "rights that no module misses"


def _named(right: Right, message: str) -> bool:
    if right.verb == "bind":
        return "nobody may grant rights that he does not have" in message
    return f"cannot {right.verb} " in message and right.name in message.split("(HTTP 403)", maxsplit=1)[0]


@pytest.mark.usefixtures("cleared")
def test_what_the_preflight_names_is_enough(
    run: Any, admin: Api, somebody: Any, namespace: str, tmp_path: Path
) -> None:
    """A user without any right is given what the one sentence says, and nothing more is said."""
    options = {"storage": {"kind": "pvc", "claim_name": "c", "size": "1Gi"}, "on_failure": "rollback"}
    options |= {"pod_disruption_budget": {"max_unavailable": "1"}, "egress_proxy": PROXY}
    look = {**options, "image": IMAGE, "route_host": "r.example.com"}
    user = somebody("new")
    found = run.as_user(user.name)(registry_preflight_info, **look)
    (told,) = found["problems"]
    rights = set()
    for part in told.split("\nand ")[0:]:
        rules = yaml.safe_load(part.split(":\n", 1)[1])
        where = CLUSTER if "as a ClusterRole" in part else ""
        rights |= {
            Right(verb, rule["resources"][0], rule["apiGroups"][0], name, where)
            for rule in rules for verb in rule["verbs"] for name in rule.get("resourceNames", [""])
        }  # fmt: skip
    change = {
        "route": True, "rolls_back": True, "budget": True, "ours": frozenset({"proxy"}),
        "storage": Storage(claim_name="c", new_claim=NewClaim("1Gi")),
    }  # fmt: skip
    assert rights == {r for r in needed(asked_for(admin, namespace, change)) if not r.helpful}
    user.give(rights)
    user.wait(rights)
    assert run.as_user(user.name)(registry_preflight_info, **look)["problems"] == []


@pytest.mark.usefixtures("cleared")
def test_the_preflight_names_the_one_that_is_missing(run: Any, admin: Api, somebody: Any, namespace: str) -> None:
    look = {"image": IMAGE, "route_host": "r.example.com", "storage": {"kind": "s3", "parameters": S3}}
    change = {"route": True, "storage": Storage(objects=ObjectStorage("s3", S3))}
    rights = [r for r in needed(asked_for(admin, namespace, change)) if not r.helpful]
    users = []
    for number, missing in enumerate(rights):
        users.append(somebody(f"u{number}"))
        users[-1].give(r for r in rights if r != missing)
    for user, missing in zip(users, rights, strict=True):
        user.wait(r for r in rights if r != missing)
        (told,) = run.as_user(user.name)(registry_preflight_info, **look)["problems"]
        assert told.split(":\n", 1)[1] == _rights.rules([missing]), missing


@pytest.mark.usefixtures("cleared")
def test_the_secret_that_another_tools_registry_mounts(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, tmp_path: Path
) -> None:
    """The one more right that a takeover needs is named beforehand, and nothing else is asked for."""
    meta = {"name": "docker-registry", "namespace": namespace}
    container = {
        "name": "registry", "image": IMAGE, "volumeMounts": [{"name": "certs", "mountPath": "/certs"}],
        "env": [{"name": "REGISTRY_HTTP_TLS_CERTIFICATE", "value": "/certs/tls.crt"}],
    }  # fmt: skip
    pod = {"containers": [container], "volumes": [{"name": "certs", "secret": {"secretName": "theirs"}}]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}
    admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    assert run(registry_service)["changed"]
    rights = needed(asked_for(admin, namespace, {"kind": "Deployment"}))
    user = somebody("taker")
    user.give(rights)
    user.wait(rights)
    missing = Right("get", "secrets", name="theirs")
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    (told,) = run.as_user(user.name)(registry_preflight_info, image=IMAGE, ca=ca)["problems"]
    assert told.split(":\n", 1)[1] == _rights.rules([missing])
    refused = run.as_user(user.name)(registry_cert, ca=ca)
    assert f"Secret {namespace}/theirs" in refused["msg"]
    user.give([missing])
    user.wait([missing])
    assert run.as_user(user.name)(registry_cert, ca=ca)["issued"]
    assert [right for right, code in requests(user.name) if code == 403] == [replace(missing, name="")]


@pytest.mark.usefixtures("cleared")
def test_what_is_no_longer_asked_for(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, tmp_path: Path, settle: Callable[..., None]
) -> None:
    """What features have left is taken away with the rights of a run that does not ask for them."""
    deploy = {"image": IMAGE, "wait": False, "probe_storage": False, "allow_data_loss": True}
    options = {"egress_proxy": PROXY, "extra_ca": {"content": ca_pem(tmp_path)}}
    options |= {
        "storage": {"kind": "host_path", "path": "/x", "node": "n1"},
        "pod_disruption_budget": {"max_unavailable": "1"},
    }
    done = run(registry_deploy, **deploy, **options, ignore_guards=["drain", "probe"])
    assert not done.get("failed"), done["msg"]
    user, rights = somebody("plain"), needed(asked_for(admin, namespace, {}))
    user.give(rights)
    user.wait(rights)
    for _run in ("the new pods", "what the old ones needed"):
        result = run.as_user(user.name)(registry_deploy, **deploy)
        assert not result.get("failed"), result["msg"]
        settle()
    assert not result["leftovers"]
    log = requests(user.name)
    assert [right for right, code in log if code == 403] == []
    assert {(right.verb, right.resource) for right, _code in log} >= LATER


@pytest.mark.usefixtures("cleared")
def test_another_account_than_before(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, settle: Callable[..., None]
) -> None:
    """The account of before goes with the rights that the preflight names, which finds it in the workload."""
    deploy = {"image": IMAGE, "wait": False, "probe_storage": False}
    done = run(registry_deploy, **deploy)
    assert not done.get("failed"), done["msg"]
    asked = asked_for(admin, namespace, {"account": "builder", "former": ("registry",)})
    user, rights, now = somebody("changer"), needed(asked), needed(replace(asked, former=()))
    user.give(now)
    user.wait(now)
    theirs, more = run.as_user(user.name), [r for r in rights if r not in now and not r.helpful]
    (told,) = theirs(registry_preflight_info, image=IMAGE, service_account="builder")["problems"]
    assert all(name in told for name in ("[registry]", f"[registry-registry-role:{namespace}]")), told
    user.give(more)
    user.wait(more)
    assert theirs(registry_preflight_info, image=IMAGE, service_account="builder")["problems"] == []
    for _run in ("the new pods", "what the old ones needed"):
        result = theirs(registry_deploy, service_account="builder", **deploy)
        assert not result.get("failed"), result["msg"]
        settle()
    assert not result["leftovers"]
    log = requests(user.name)
    assert [right for right, code in log if code == 403] == []
    # An account that others have made is not deleted, but patched.
    idle = {(r.verb, r.resource) for r in more} - {(right.verb, right.resource) for right, _code in log}
    assert idle <= {("patch", "serviceaccounts")}
    gone = ObjectRef(f"{RBAC}/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}")
    assert (admin.get(gone), admin.get(ObjectRef("v1", "ServiceAccount", "registry", namespace))) == (None, None)
    left = run(registry_deploy, state="absent", allow_data_loss=True)  # also the account that is not named
    assert not left.get("failed"), left["msg"]
    assert admin.get(ObjectRef(f"{RBAC}/v1", "ClusterRoleBinding", f"builder-registry-role:{namespace}")) is None


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize(
    "feature", ["DeploymentConfig", "claim", "nfs with options", "host path", "settings", "object storage", "budget"]
)
def test_a_registry_goes(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, tmp_path: Path, feature: str
) -> None:
    options, change = FEATURES[feature]
    options = prepare(options, admin, namespace, tmp_path)
    done = run(registry_deploy, image=IMAGE, wait=False, probe_storage=False, **options)
    assert not done.get("failed"), done["msg"]
    asked = asked_for(admin, namespace, {**change, "state": "absent"})
    if asked.storage.new_claim:
        asked = replace(asked, removes=frozenset({"service", "claims"}))
    user, rights = somebody("remover"), needed(asked)
    user.give(rights)
    user.wait(rights)
    gone = {f"remove_{what}": True for what in asked.removes}
    result = run.as_user(user.name)(registry_deploy, state="absent", **gone)
    assert not result.get("failed"), result["msg"]
    assert [right for right, code in requests(user.name) if code == 403] == []
    assert admin.list("v1", "Secret", namespace)[0]["metadata"]["name"] == "mine"
    assert len(admin.list("v1", "Secret", namespace)) == 1


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize(
    "feature", ["DeploymentConfig", "claim", "nfs with options", "host path", "settings", "object storage", "budget"]
)
def test_a_failed_deployment_is_put_back(
    run: Any, admin: Api, somebody: Any, requests: Any, namespace: str, tmp_path: Path, feature: str
) -> None:
    """Once what was made goes, once what was changed is put back."""
    options, change = FEATURES[feature]
    options = prepare(options, admin, namespace, tmp_path)
    user, rights = somebody("careful"), needed(asked_for(admin, namespace, {**change, "rolls_back": True}))
    user.give(rights)
    user.wait(rights)
    theirs = run.as_user(user.name)
    deploy = {"image": IMAGE, "on_failure": "rollback", "probe_storage": False, **options}
    for round_ in ("1", "2") if "claim_name" not in str(options) and feature != "nfs with options" else ("1",):
        # No controller is here that would let a deleted claim go.
        done = theirs(registry_deploy, **deploy)
        assert not done.get("failed"), done["msg"]
        back = theirs(registry_deploy, state="rolled_back", **{k: v for k, v in options.items() if k == "kind"})
        assert not back.get("failed"), back["msg"]
        assert {r["action"] for r in back["resources"]} >= ({"deleted"} if round_ == "1" else set())
    log = requests(user.name)
    assert [right for right, code in log if code == 403] == []
    idle = {(r.verb, r.resource) for r in rights if r.verb == "delete"} - {(r.verb, r.resource) for r, _code in log}
    assert idle - LATER - ELSEWHERE == set()

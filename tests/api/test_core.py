# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading, writing and failing on a real API server."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _api
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._plan import removed

pytestmark = pytest.mark.cluster
Object = dict[str, Any]


def config_map(namespace: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": data}


def ref(namespace: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", "c", namespace)


def test_a_life_in_four_writes(admin: Api, namespace: str) -> None:
    where = ref(namespace)
    for data, action in (({"a": "1", "b": "1"}, "created"), ({"a": "2"}, "updated"), ({"a": "2"}, "unchanged")):
        assert ensure(admin, where, config_map(namespace, **data), check_mode=False).change.action == action
    live = admin.get(where)
    assert live is not None
    assert live["data"] == {"a": "2"}
    assert ensure_absent(admin, where, check_mode=False).change.action == "deleted"
    assert ensure_absent(admin, where, check_mode=False).change.action == "unchanged"
    assert admin.get(where) is None


def test_what_others_write_in_between_is_kept(admin: Api, kubeconfig: str, namespace: str) -> None:
    where, other = ref(namespace), Api(lambda: connect({"kubeconfig": kubeconfig}))
    ensure(admin, where, config_map(namespace, a="1"), check_mode=False)
    raced = []

    def desired(_live: Object | None) -> Object:
        if not raced:
            raced.append(1)
            other.patch(where, [{"op": "add", "path": "/data/theirs", "value": "1"}])
        return config_map(namespace, a="2")

    outcome = ensure(admin, where, desired, check_mode=False)
    assert outcome.live is not None
    assert outcome.live["data"] == {"a": "2", "theirs": "1"}
    assert admin.counts()["patch"] == 2  # one refused, one done


def test_a_patch_that_no_longer_fits_is_planned_again(admin: Api, kubeconfig: str, namespace: str) -> None:
    """Somebody takes away the field that our patch replaces: the API answers 422 before it looks at the version."""
    where, other = ref(namespace), Api(lambda: connect({"kubeconfig": kubeconfig}))
    ensure(admin, where, config_map(namespace, a="1", b="1"), check_mode=False)
    raced = []

    def desired(_live: Object | None) -> Object:
        if not raced:
            raced.append(1)
            other.patch(where, [{"op": "remove", "path": "/data/a"}])
        return config_map(namespace, a="2", b="1")

    assert (ensure(admin, where, desired, check_mode=False).live or {})["data"] == {"a": "2", "b": "1"}


def test_made_by_somebody_else_in_between(admin: Api, kubeconfig: str, namespace: str) -> None:
    other = Api(lambda: connect({"kubeconfig": kubeconfig}))

    def desired(live: Object | None) -> Object:
        if live is None:
            other.create(config_map(namespace, theirs="1"))
        return config_map(namespace, a="1")

    outcome = ensure(admin, ref(namespace), desired, check_mode=False)
    assert outcome.change.action == "updated"
    assert (outcome.live or {})["data"] == {"a": "1", "theirs": "1"}


def test_a_stale_version_is_a_conflict(admin: Api, namespace: str) -> None:
    ensure(admin, ref(namespace), config_map(namespace, a="1"), check_mode=False)
    with pytest.raises(ConflictError, match="has been modified"):
        admin.patch(ref(namespace), [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}])


DEPLOYMENT = {
    "replicas": 1,
    "selector": {"matchLabels": {"a": "b"}},
    "strategy": {"type": "Recreate"},
    "template": {
        "metadata": {"labels": {"a": "b"}},
        "spec": {
            "nodeSelector": {"infra": ""},
            "containers": [
                {
                    "name": "registry",
                    "image": "i",
                    "env": [{"name": "A", "value": ""}, {"name": "B", "value": "1"}],
                    "ports": [{"containerPort": 5000}],
                    "livenessProbe": {"httpGet": {"path": "/", "port": 5000}},
                    "resources": {"requests": {"cpu": "1000m", "memory": 268435456}},
                    "volumeMounts": [{"name": "s", "mountPath": "/registry"}],
                    "securityContext": {},
                }
            ],
            "volumes": [{"name": "s", "emptyDir": {}}],
        },
    },
}


def workload(namespace: str, spec: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": namespace},
        "spec": spec,
    }


def test_a_workload_with_the_apis_real_defaults(admin: Api, namespace: str) -> None:
    """What the API fills in and rewrites causes no change; what is changed is changed for real."""
    where = ObjectRef("apps/v1", "Deployment", "d", namespace)
    assert ensure(admin, where, workload(namespace, DEPLOYMENT), check_mode=False).changed
    assert not ensure(admin, where, workload(namespace, DEPLOYMENT), check_mode=False).changed
    spec = json.loads(json.dumps(DEPLOYMENT))
    spec["strategy"] = {"type": "RollingUpdate"}
    pod = spec["template"]["spec"]
    pod["volumes"] = [{"name": "s", "persistentVolumeClaim": {"claimName": "c"}}]
    pod["containers"][0]["env"] = [
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        removed(name="A"),
    ]
    del pod["containers"][0]["livenessProbe"]
    del pod["nodeSelector"]
    assert ensure(admin, where, workload(namespace, spec), check_mode=False).changed
    assert not ensure(admin, where, workload(namespace, spec), check_mode=False).changed
    live = (admin.get(where) or {})["spec"]["template"]["spec"]
    assert live["volumes"] == [{"name": "s", "persistentVolumeClaim": {"claimName": "c"}}]
    assert [e["name"] for e in live["containers"][0]["env"]] == ["B"]
    assert "livenessProbe" not in live["containers"][0]
    assert "nodeSelector" not in live
    assert ensure(admin, where, workload(namespace, DEPLOYMENT), check_mode=False).changed  # and back
    assert not ensure(admin, where, workload(namespace, DEPLOYMENT), check_mode=False).changed


def test_two_registries_share_a_service_account(admin: Api, namespace: str) -> None:
    where = ObjectRef("v1", "ServiceAccount", "registry", namespace)

    def linked(*names: str) -> Object:
        meta = {"name": "registry", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "secrets": [{"name": n} for n in names]}

    ensure(admin, where, linked("one"), check_mode=False, owner="n/one")
    ensure(admin, where, linked("two"), check_mode=False, owner="n/two")
    ensure(admin, where, linked(), check_mode=False, owner="n/one")
    assert [s["name"] for s in (admin.get(where) or {})["secrets"]] == ["two"]


def test_the_namespace_is_missing(admin: Api, kubeconfig: str) -> None:
    assert ensure(admin, ref("no-such"), config_map("no-such"), check_mode=True).changed
    with pytest.raises(NotFoundError, match=r"namespace no-such does not exist. Create it"):
        ensure(admin, ref("no-such"), config_map("no-such"), check_mode=False)


def test_the_kind_is_missing(admin: Api, namespace: str) -> None:
    where = ObjectRef("policy/v1beta1", "PodDisruptionBudget", "x", namespace)
    with pytest.raises(KindNotServedError, match="does not serve poddisruptionbudgets"):
        admin.get(where)
    assert not ensure_absent(admin, where, check_mode=False).changed
    assert not admin.has("policy/v1beta1")
    assert admin.has("policy/v1")


def test_a_list_of_several_pages(admin: Api, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        admin.create({**config_map(namespace), "metadata": {"name": f"c{number}", "namespace": namespace}})
        meta = {"name": f"s{number}", "namespace": namespace}
        admin.create({"apiVersion": "image.openshift.io/v1", "kind": "ImageStream", "metadata": meta})
    monkeypatch.setattr(_api, "PAGE", 2)
    for version, kind, letter in (("v1", "ConfigMap", "c"), ("image.openshift.io/v1", "ImageStream", "s")):
        before = admin.counts()["get"]
        found = admin.list(version, kind, namespace)
        assert [one["metadata"]["name"] for one in found] == [f"{letter}{number}" for number in range(5)]
        assert admin.counts()["get"] - before >= 3  # a server that has just started has some asked again
        for one in found:
            admin.delete(ObjectRef.of(one))


def test_bad_content_comes_back_with_its_fields(admin: Api, namespace: str) -> None:
    bad = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": namespace},
        "spec": {"ports": []},
    }
    with pytest.raises(InvalidError, match=r"HTTP 422.*spec.ports: Required value"):
        admin.create(bad)


def test_the_rule_in_the_error_gives_the_right(admin: Api, kubeconfig: str, namespace: str, grant: Any) -> None:
    """From no rights to just enough, by doing what each message says."""
    user = f"user-{namespace}"
    api = Api(lambda: connect({"kubeconfig": kubeconfig, "impersonate_user": user, "impersonate_groups": ["g", "h"]}))
    given = []
    for data in ({"a": "1"}, {"a": "2"}):
        for _attempt in range(3):
            try:
                ensure(api, ref(namespace), config_map(namespace, **data), check_mode=False)
                break
            except ForbiddenError as exc:
                rules = yaml.safe_load(exc.details["rule"])
                given += [verb for rule in rules for verb in rule["verbs"]]
                grant(user, rules)
    assert given == ["get", "create", "patch"]
    assert (admin.get(ref(namespace)) or {})["data"] == {"a": "2"}
    assert api.may("get", "configmaps", namespace=namespace)
    assert not api.may("delete", "configmaps", namespace=namespace)


def changed_kubeconfig(
    kubeconfig: str, tmp_path: Path, cluster: Object | None = None, user: Object | None = None
) -> str:
    config = yaml.safe_load(Path(kubeconfig).read_text())
    config["clusters"][0]["cluster"].update(cluster or {})
    if user is not None:
        config["users"][0]["user"] = user
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


def refusal(params: Object) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        Api(lambda: connect(params), sleep=lambda _s: None).get(ref("default"))
    assert caught.value.__class__ is not RegistryError
    return caught.value


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_ways_not_to_reach_the_api(kubeconfig: str, tmp_path: Path) -> None:
    gone = f"https://127.0.0.1:{free_port()}"
    error = refusal({"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, {"server": gone})})
    assert isinstance(error, UnreachableError)
    assert gone in str(error)
    assert f"kubeconfig {tmp_path}" in str(error)
    error = refusal({"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, {"server": "https://no-such.invalid"})})
    assert "Check the host name" in str(error)
    error = refusal({"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, {"server": "no-scheme:6443"})})
    assert isinstance(error, ConfigurationError)
    server = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    error = refusal(
        {"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, {"server": server.replace("https", "http")})}
    )
    assert "HTTP request to an HTTPS server" in str(error)


def test_wrong_credentials(kubeconfig: str, tmp_path: Path) -> None:
    error = refusal({"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, user={"token": "wrong"})})
    assert isinstance(error, UnauthorizedError)
    error = refusal({"kubeconfig": changed_kubeconfig(kubeconfig, tmp_path, user={})})
    assert isinstance(error, ForbiddenError)
    assert "system:anonymous" in str(error)


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "no such file"), ("", "empty"), ("{", "cannot be worked out"), ("a: 1", "current-context")],
)
def test_files_that_are_no_kubeconfig(content: str | None, text: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    error = refusal({"kubeconfig": str(path)})
    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)
    assert text in str(error)


def test_a_context_that_is_not_there(kubeconfig: str) -> None:
    assert "context nowhere" in str(refusal({"kubeconfig": kubeconfig, "context": "nowhere"}))


def test_host_and_token_instead_of_a_kubeconfig(kubeconfig: str, tmp_path: Path) -> None:
    server = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    error = refusal({"host": server, "api_key": "wrong", "validate_certs": False})
    assert isinstance(error, UnauthorizedError)
    error = refusal({"host": server, "api_key": "wrong"})
    assert isinstance(error, UnreachableError)
    assert "ca_cert" in str(error)


def test_no_key_is_left_in_temporary_files(kubeconfig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubernetes library writes a kubeconfig's inline key to a file; it is gone before the first request."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    transport = connect({"kubeconfig": kubeconfig})
    assert list(tmp_path.iterdir()) == []
    assert Api(lambda: transport).get(ObjectRef("v1", "Namespace", "default"))

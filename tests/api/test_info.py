# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_info asks only when it is named, as far as there is an API server and the sandbox's registry."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._node import checkclient, checkway, probe_image
from ansible_collections.okd.registry.plugins.module_utils._node.check import Image
from ansible_collections.okd.registry.plugins.modules import registry_info, registry_service
from ansible_collections.okd.registry.tests.api import registries

pytestmark = pytest.mark.cluster
Grant = Callable[[str, list[Mapping[str, Any]]], None]
OPENSHIFT = Path(__file__).resolve().parents[1] / "sandbox/openshift"
PORT = 8083


def test_nothing_of_it_is_asked_for_unless_it_is_named(run: Any) -> None:
    run(registry_info, gather_subset=["image_streams"])  # a server that has just started has some asked again
    plain = run(registry_info)
    assert (plain["storage"], plain["logs"], plain["image_streams"], plain["served"]) == (None, [], [], [])
    assert "queried" not in plain
    streams = run(registry_info, gather_subset=["image_streams"])
    assert streams["api_requests"]["get"] == plain["api_requests"]["get"] + 1


def test_where_there_is_no_registry_there_is_nothing_to_say(run: Any) -> None:
    found = run(registry_info, gather_subset=["all"])
    assert (found["storage"], found["logs"], found["served"]) == (None, [], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query": "a ["}, "query: 'a [' is no JMESPath expression"),
        ({"query": "length(ca_cert)"}, "query: 'length(ca_cert)' does not suit the result"),
        ({"logs": {"since": "long"}}, "logs.since: 'long' is neither a time"),
        ({"logs": {"grep": "("}}, "logs.grep: '(' is no regular expression"),
    ],
)
def test_what_cannot_be_understood_is_an_error(run: Any, options: dict[str, Any], said: str) -> None:
    found = run(registry_info, **options)
    assert found["failed"]
    assert said in found["msg"]


def test_a_query_gives_a_part(run: Any) -> None:
    found = run(registry_info, query="{name: registry.name, kind: layout.kind}")
    assert found["queried"] == {"name": "docker-registry", "kind": None}


def _container(admin: Api, namespace: str) -> None:
    labels = {"docker-registry": "default"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "containers": [
                {"name": "registry", "image": "x", "volumeMounts": [{"name": "s", "mountPath": "/registry"}]}
            ],
            "volumes": [{"name": "s", "emptyDir": {}}],
        },
    }
    meta = {"name": "docker-registry", "namespace": namespace}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    admin.create(account)
    admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace, "labels": labels}}
    admin.create({**pod, "spec": {**template["spec"], "automountServiceAccountToken": False}})


def test_pods_that_do_not_run_are_told_and_not_an_error(run: Any, admin: Api, namespace: str) -> None:
    _container(admin, namespace)
    found = run(registry_info, gather_subset=["storage", "logs"])
    assert not found.get("failed"), found["msg"]
    assert (found["storage"]["kind"], found["storage"]["root"]) == ("ephemeral", "/registry")
    assert "No pod of the registry runs" in found["storage"]["error"]
    assert found["logs"] == []


def test_who_may_not_list_image_streams_is_warned(run: Any, grant: Grant) -> None:
    readers = ["services", "pods", "secrets", "configmaps"]
    grant("dora", [{"apiGroups": [""], "resources": readers, "verbs": ["get", "list"]}])
    apps = ["deployments", "daemonsets", "deploymentconfigs"]
    grant("dora", [{"apiGroups": ["apps", "apps.openshift.io"], "resources": apps, "verbs": ["get", "list"]}])
    grant("dora", [{"apiGroups": ["route.openshift.io"], "resources": ["routes"], "verbs": ["get", "list"]}])
    found = run.as_user("dora")(registry_info, gather_subset=["image_streams"])
    assert not found.get("failed"), found["msg"]
    assert "user dora cannot list all imagestreams" in json.dumps(found["warnings"])
    assert found["image_streams"] == []


@pytest.fixture
def standin(kubeconfig: str, tmp_path: Path) -> Iterator[None]:
    """The sandbox's writer of image streams, as the administrator."""
    config = yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8"))
    for entry in [config["clusters"][0]["cluster"], config["users"][0]["user"]]:
        if "certificate-authority" in entry:
            path = Path(entry.pop("certificate-authority"))
            entry["certificate-authority-data"] = base64.b64encode(path.read_bytes()).decode()
    (tmp_path / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    argv = [sys.executable, "-m", "standins.imagestreams", "--kubeconfig", tmp_path / "kubeconfig"]
    running = subprocess.Popen([*argv, "--bind", "127.0.0.1", "--port", str(PORT)], cwd=OPENSHIFT, env={**os.environ})
    yield
    running.terminate()
    running.wait()


@pytest.fixture
def service(run: Any, admin: Api, kubeconfig: str) -> Iterator[str]:
    """The cluster's own registry has an address."""
    run.namespace = "default"
    made = run(registry_service)
    yield made["registry"]["cluster_ip"]
    admin.delete(ObjectRef("v1", "Service", "docker-registry", "default"))
    for stream in admin.list("image.openshift.io/v1", "ImageStream", "alice"):
        admin.delete(ObjectRef.of(stream))


def test_a_push_by_any_name_is_in_the_image_streams_by_the_service_s_address(
    run: Any, kubeconfig: str, service: str, standin: None, tmp_path: Path
) -> None:
    config = (OPENSHIFT.parent / "images/registry/config.yml").read_text(encoding="utf-8")
    told = yaml.safe_load(config)["notifications"]
    told["endpoints"][0]["url"] = f"http://127.0.0.1:{PORT}/"
    authority = registries.Authority("registry CA", tmp_path)
    nobody = registries.api_of(kubeconfig, tmp_path)
    certificate = authority.server("localhost")
    with registries.running(tmp_path, certificate, nobody, notifications=told, auth={}) as registry:
        import ssl

        class Request:
            username, token, tag, project, image = "x", "y", "probe", "alice", "busybox"
            endpoints = [f"localhost:{registry.port}"]

        context = ssl.create_default_context(cadata=authority.pem.decode())
        client = checkclient.Client(checkway.Access(Request), lambda _name: context, Image(), 10)
        digest = client.push(Request.endpoints[0])
        client.forget()
    found: dict[str, Any] = {}
    for _try in range(100):
        found = run(registry_info, gather_subset=["image_streams"])
        if found["image_streams"]:
            break
        time.sleep(0.1)
    (stream,) = found["image_streams"]
    address = f"{service}:5000"
    assert digest == probe_image.packed().digest
    assert (stream["repository"], stream["stale"]) == (f"{address}/alice/busybox", False)
    (tag,) = stream["tags"]
    assert (tag["tag"], tag["digest"], tag["ours"]) == ("probe-v2", digest, True)
    assert tag["reference"] == f"{address}/alice/busybox@{digest}"
    elsewhere = run(registry_info, gather_subset=["image_streams"], port=5001)
    assert elsewhere["image_streams"][0]["stale"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that other tools made (layouts.yml) are taken over: address, certificate, workload; a real API server."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_service,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
NAME = "docker-registry"
IMAGE = "registry.example.com/openshift3/ose-docker-registry:v3.11.1"
THERE = {one["name"]: one for one in yaml.safe_load(Path(__file__).with_name("layouts.yml").read_text())}
#: What somebody has put into the workload by hand, and what must still be there in the end.
FOREIGN_ENV = [
    {"name": "THEIRS", "value": "1"},
    {"name": "THEIR_NODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}},
]
FOREIGN_VOLUME = {"name": "their-cache", "emptyDir": {"sizeLimit": "1Gi"}}
FOREIGN_MOUNT = {"name": "their-cache", "mountPath": "/var/cache/theirs"}
SIDECAR = {"name": "their-sidecar", "image": "example.com/sidecar:1", "env": [{"name": "X", "value": "y"}]}


@pytest.fixture
def ca(tmp_path: Path) -> Object:
    names = {"cert_path": "ca.crt", "key_path": "ca.key", "serial_path": "ca.serial.txt"}
    return {**{key: str(tmp_path / name) for key, name in names.items()}, "create": True}


@pytest.fixture(params=THERE)
def layout(request: pytest.FixtureRequest, admin: Api, namespace: str, cleared: None) -> Object:
    """One layout's objects, made, with what others added since."""
    found = copy.deepcopy(THERE[request.param])
    for obj in found["objects"]:
        obj["metadata"]["namespace"] = namespace
        if obj["kind"] in API_VERSIONS:
            add_foreign(obj)
        admin.create(obj)
    return found


def add_foreign(obj: Object) -> None:
    obj["metadata"].setdefault("labels", {})["theirs"] = "x"
    obj["metadata"]["annotations"] = {"example.com/owner": "them"}
    template = obj["spec"]["template"]
    template["metadata"].setdefault("annotations", {})["example.com/scrape"] = "true"
    container = registry_container(obj)
    container.setdefault("env", []).extend(copy.deepcopy(FOREIGN_ENV))
    container["volumeMounts"].append(dict(FOREIGN_MOUNT))
    template["spec"]["volumes"].append(copy.deepcopy(FOREIGN_VOLUME))
    if container["name"] == "registry":  # which of several others is the registry could not be told
        template["spec"]["containers"].append(copy.deepcopy(SIDECAR))


def registry_container(obj: Object) -> Object:
    containers: list[Object] = obj["spec"]["template"]["spec"]["containers"]
    return next((c for c in containers if c["name"] == "registry"), containers[0])


def workload(admin: Api, namespace: str) -> Object:
    found = [obj for kind, version in API_VERSIONS.items() for obj in admin.list(version, kind, namespace)]
    assert len(found) == 1, [o["kind"] for o in found]
    return found[0]


def cluster_ip(admin: Api, namespace: str) -> str:
    return str((admin.get(ObjectRef("v1", "Service", NAME, namespace)) or {})["spec"]["clusterIP"])


def take_over(run: Any, layout: Object, ca: Object, *, check: bool = False) -> dict[str, Object]:
    """The way through, as deploy.yml goes it."""
    secret = layout.get("secret_name", "registry-secret")
    done: dict[str, Object] = {"service": run(registry_service, check=check)}
    done["cert"] = run(registry_cert, check=check, ca=ca, secret_name=secret)
    done["deploy"] = run(registry_deploy, check=check, image=IMAGE, tls_secret=secret, **layout["options"])
    for name, result in done.items():
        assert not result.get("failed"), (name, result["msg"])
    return done


def places(container: Object) -> Counter[str]:
    return Counter(m["mountPath"].rstrip("/") for m in container.get("volumeMounts") or [])


def test_taken_over(
    run: Any, admin: Api, namespace: str, ca: Object, layout: Object, audit: Callable[[], Object]
) -> None:
    before, address = workload(admin, namespace), cluster_ip(admin, namespace)
    audit()
    done = take_over(run, layout, ca)

    after = workload(admin, namespace)
    assert cluster_ip(admin, namespace) == address
    assert done["deploy"]["registry"]["cluster_ip"] == address
    assert (after["kind"], after["metadata"]["uid"]) == (before["kind"], before["metadata"]["uid"])
    assert writes(done, before["kind"]) == 1
    assert done["deploy"]["layout"]["name"] == layout["layout"]["name"]
    assert kept(before, after) == []

    pod, container = after["spec"]["template"]["spec"], registry_container(after)
    assert [path for path, count in places(container).items() if count > 1] == []
    names = [v["name"] for v in pod["volumes"]]
    assert len(names) == len(set(names))
    assert {m["name"] for m in container["volumeMounts"]} <= set(names)
    env = {e["name"]: e for e in container["env"]}
    directory = env["REGISTRY_HTTP_TLS_CERTIFICATE"]["value"].rpartition("/")[0]
    (mount,) = [m for m in container["volumeMounts"] if m["mountPath"].rstrip("/") == directory]
    (volume,) = [v for v in pod["volumes"] if v["name"] == mount["name"]]
    assert volume["secret"]["secretName"] == layout.get("secret_name", "registry-secret")
    assert {container[p]["httpGet"]["scheme"] for p in ("livenessProbe", "readinessProbe")} == {"HTTPS"}
    assert "very-secret-key" not in str(done)

    audit()
    again = take_over(run, layout, ca)
    assert {name: result["changed"] for name, result in again.items()} == dict.fromkeys(again, False)
    seen = audit()
    assert (seen["post"], seen["patch"], seen["delete"]) == (0, 0, 0)
    assert run(registry_info)["layout"]["name"] == "okd.registry"


def writes(done: dict[str, Object], kind: str) -> int:
    """How often the workload was written, by the modules' own account."""
    named = [r for result in done.values() for r in result["resources"] if r["kind"] == kind]
    return sum(r["action"] != "unchanged" for r in named)


def kept(before: Object, after: Object) -> list[str]:
    """What of before, beyond what the run is about, is not there any more."""
    gone = []
    for place in (("metadata", "labels"), ("metadata", "annotations")):
        for obj, now in ((before, after), (before["spec"]["template"], after["spec"]["template"])):
            old, new = (o.get(place[0], {}).get(place[1]) or {} for o in (obj, now))
            counted = "deprecated.daemonset.template.generation"  # by the API server
            gone += [f"{place[1]}.{key}" for key, value in old.items() if new.get(key) != value and key != counted]
    old_pod, new_pod = (o["spec"]["template"]["spec"] for o in (before, after))
    old_volumes, new_volumes = ({v["name"]: v for v in pod["volumes"]} for pod in (old_pod, new_pod))
    gone += [f"volume {name}" for name in old_volumes if name not in new_volumes]
    theirs = old_volumes["their-cache"]
    gone += [] if new_volumes.get("their-cache") == theirs else ["volume their-cache"]
    for container in old_pod["containers"]:
        new = next((c for c in new_pod["containers"] if c["name"] == container["name"]), None)
        if container is not registry_container(before):
            gone += [] if new == container else [f"container {container['name']}"]
        elif new is None:
            gone.append("the registry's container")
        else:
            ours = {"REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"}
            variables = {e["name"]: e for e in new["env"]}
            old = {e["name"]: e for e in container["env"]}
            gone += [f"env {n}" for n, e in old.items() if n not in ours and variables.get(n) != e]
            gone += [f"mount {p}" for p in places(container) if p not in places(new)]
    if before["spec"]["selector"] != after["spec"]["selector"]:
        gone.append("selector")
    return gone


#: Where the layouts have their certificate, and its name there.
WITH_TLS = {"oadm-tls": ("registry-certs", "tls"), "openshift-ansible": ("registry-certificates", "registry")}


@pytest.mark.parametrize("layout", WITH_TLS, indirect=True)
def test_its_ca_does_not_change_unnoticed(
    run: Any, admin: Api, namespace: str, ca: Object, layout: Object, tmp_path: Path
) -> None:
    """Its nodes trust the CA of before, whatever the Secret with the certificate is called."""
    name, file = WITH_TLS[layout["layout"]["name"]]
    theirs = {**ca, "cert_path": str(tmp_path / "old.crt"), "key_path": str(tmp_path / "old.key")}
    made = run(registry_cert, ca=theirs, allow_ca_change=True, secret_name="elsewhere", ca_config_map="elsewhere")
    assert made["issued"], made
    data = (admin.get(ObjectRef("v1", "Secret", "elsewhere", namespace)) or {})["data"]
    admin.delete(ObjectRef("v1", "Secret", name, namespace))
    meta = {"name": name, "namespace": namespace}
    pair = {f"{file}.{end}": data[f"registry.{end}"] for end in ("crt", "key")}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": pair})

    for secret_name in ("registry-secret", name):
        refused = run(registry_cert, ca=ca, secret_name=secret_name)
        assert refused["failed"]
        assert f"Secret {namespace}/{name}" in refused["msg"]
        assert "playbooks/rotate_certificates.yml" in refused["msg"]
        assert "allow_ca_change" in refused["msg"]
    done = take_over(run, {**layout, "secret_name": "registry-secret"}, theirs)
    assert done["cert"]["issued"]


def test_foretold(run: Any, admin: Api, namespace: str, ca: Object, layout: Object) -> None:
    before = workload(admin, namespace)
    planned = take_over(run, layout, ca, check=True)["deploy"]
    assert workload(admin, namespace) == before
    done = take_over(run, layout, ca)["deploy"]
    for key in ("changed", "resources", "layout", "registry"):
        assert planned[key] == done[key], key

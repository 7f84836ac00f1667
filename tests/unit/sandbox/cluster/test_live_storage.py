# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's storage as pods find it: NFS exports, claims of each class, the S3 server (make sandbox-up).

Everything happens in a namespace of its own; what is left in exports and buckets is gone after a reset.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sandboxlib import containers, inputs, settings, steps
from sandboxlib.kubeclient import MERGE, ApiError, Client, Json, until

pytestmark = pytest.mark.cluster
IMAGE = "openshift3/ose-docker-registry:v3"
SECONDS = 90.0  # other tests may keep the machine busy
# Runs in a node, which reaches pods: pushes a blob in two requests, as docker does, and reads it.
PUSH = """
import hashlib, http.client, os, ssl, sys, urllib.parse
blob = os.urandom(12_000_000)
digest = "sha256:" + hashlib.sha256(blob).hexdigest()
registry = http.client.HTTPConnection(sys.argv[1], 5000, timeout=60)

def ask(method, url, body=None):
    registry.request(method, url, body)
    answer = registry.getresponse()
    return answer.status, answer.headers.get("Location", "").partition(":5000")[2], answer.headers, answer.read()

status, upload, _, _ = ask("POST", "/v2/a/b/blobs/uploads/")
assert status == 202, status
status, upload, _, _ = ask("PATCH", upload, blob)
assert status == 202, status
status, _, _, said = ask("PUT", upload + "&digest=" + digest)
assert status == 201, said
status, _, headers, _ = ask("GET", "/v2/a/b/blobs/" + digest)
assert status == 307, status
where = urllib.parse.urlsplit(headers["Location"])
kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[where.scheme]
options = {"context": ssl._create_unverified_context()} if where.scheme == "https" else {}
bucket = kind(where.netloc, timeout=60, **options)
bucket.request("GET", where.path + "?" + where.query)
assert bucket.getresponse().read() == blob
print(where.scheme, where.netloc, digest)
"""


@pytest.fixture(scope="module")
def api() -> Client:
    """The sandbox's API."""
    if not settings.PATHS.complete.exists():
        pytest.skip("no sandbox: make sandbox-up")
    return steps.client()


class Project:
    """A namespace to play in."""

    def __init__(self, api: Client, name: str) -> None:
        self.api, self.path = api, f"/api/v1/namespaces/{name}"

    def pod(self, name: str, script: str, **spec: Any) -> None:
        """A pod of the registry's image that runs a shell script."""
        container = {"name": "c", "image": IMAGE, "imagePullPolicy": "Never", "command": ["sh", "-c", script]}
        container.update(spec.pop("container", {}))
        body = {"terminationGracePeriodSeconds": 0, "restartPolicy": "Never", "containers": [container], **spec}
        self.api.call("POST", f"{self.path}/pods", {"metadata": {"name": name}, "spec": body})

    def claim(self, name: str, mode: str, storage_class: str | None = None, size: str = "1Gi") -> None:
        """A claim; without a class of the cluster's default one."""
        spec: Json = {"accessModes": [mode], "resources": {"requests": {"storage": size}}}
        if storage_class:
            spec["storageClassName"] = storage_class
        self.api.call("POST", f"{self.path}/persistentvolumeclaims", {"metadata": {"name": name}, "spec": spec})

    def wait(self, kind: str, name: str, phase: str) -> Json:
        """Wait for a phase of a pod or claim; returns the object."""
        found: Json = {}

        def missing() -> str | None:
            found.update(self.api.call("GET", f"{self.path}/{kind}/{name}"))
            if found["status"].get("phase") == "Failed":
                pytest.fail(self.log(name))
            return None if found["status"].get("phase") == phase else json.dumps(found["status"])

        until(missing, what=f"{kind} {name} {phase}", seconds=SECONDS)
        return found

    def log(self, name: str) -> str:
        """What the pod's container printed."""
        return self.api.raw("GET", f"{self.path}/pods/{name}/log", accept="*/*").decode()

    def events(self, name: str) -> str:
        """What was said of an object, without the pod's volumes' usual words."""
        items = self.api.call("GET", f"{self.path}/events?fieldSelector=involvedObject.name={name}")["items"]
        return "\n".join(f"{item['reason']}: {item['message']}" for item in items)


@pytest.fixture
def project(api: Client) -> Iterator[Project]:
    """A namespace of the test's own; it goes after the test, as fast as it likes."""
    name = f"storage-{uuid.uuid4().hex[:8]}"
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    one = Project(api, name)
    until(lambda: None if api.get(f"{one.path}/serviceaccounts/default") else "no account", what=name, seconds=SECONDS)
    try:
        yield one
    finally:
        with contextlib.suppress(ApiError):  # gone already
            api.call("DELETE", one.path)


@pytest.fixture
def volumes(api: Client, project: Project) -> Iterator[None]:
    """The volumes of the class nfs can be claimed again after the test, as after a reset."""
    yield
    api.call("DELETE", project.path)
    until(lambda: "still there" if api.get(project.path) else None, what=project.path, seconds=SECONDS)
    for item in api.call("GET", "/api/v1/persistentvolumes")["items"]:
        if item["spec"].get("storageClassName") == "nfs" and item["status"].get("phase") == "Released":
            change = {"spec": {"claimRef": None}}
            api.call("PATCH", f"/api/v1/persistentvolumes/{item['metadata']['name']}", change, content_type=MERGE)


def test_exports_let_a_pod_do_what_they_are_there_for(project: Project) -> None:
    exports = ("registry", "second", "readonly", "foreign", "group")
    volumes = [
        {"name": name, "nfs": {"server": server, "path": f"/exports/{name}"}}
        for name, server in zip(exports, (settings.NFS_NAME, settings.INFRA_IP) * 3, strict=False)
    ]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in exports]
    mark = uuid.uuid4().hex
    project.pod(
        "writer",
        f"for d in {' '.join(exports)}; do mkdir /$d/{mark} 2>&1 && echo $d yes; done",
        volumes=volumes,
        container={"volumeMounts": mounts},
        securityContext={"supplementalGroups": [5555]},
    )
    project.wait("pods", "writer", "Succeeded")
    said = project.log("writer").replace(f"/{mark}", "")
    assert said.splitlines() == [
        "registry yes",
        "second yes",
        "mkdir: can't create directory '/readonly': Read-only file system",
        "mkdir: can't create directory '/foreign': Permission denied",
        "group yes",
    ]
    owner = containers.inside("infra", ["stat", "-c", "%u %g", f"/exports/registry/{mark}", f"/exports/group/{mark}"])
    assert owner.splitlines() == ["1001 0", "1001 5555"]


def test_an_export_that_is_not_there_is_told_in_an_event(project: Project) -> None:
    volume = {"name": "v", "nfs": {"server": settings.NFS_NAME, "path": "/exports/none"}}
    project.pod("stuck", "true", volumes=[volume], container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]})
    words = "mount.nfs: access denied by server while mounting nfs.sandbox.test:/exports/none"
    until(lambda: None if words in project.events("stuck") else "no event", what="mount", seconds=SECONDS)


@pytest.mark.usefixtures("volumes")
def test_claims_bind_as_their_class_says(project: Project) -> None:
    project.claim("usual", "ReadWriteOnce")
    project.claim("shared", "ReadWriteMany", "nfs", "5Gi")
    project.claim("large", "ReadWriteMany", "nfs", "6Gi")
    project.claim("empty", "ReadWriteOnce", "empty")
    project.claim("wrong", "ReadWriteMany")
    claims = ("usual", "shared")
    project.pod(
        "writer",
        "set -e; for d in usual shared; do echo $d >/$d/file; done; sleep 600",
        volumes=[{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims],
        container={"volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in claims]},
    )
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "wrong"}}
    project.pod("waiting", "true", volumes=[volume], container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]})
    project.wait("pods", "writer", "Running")
    assert project.wait("persistentvolumeclaims", "usual", "Bound")["spec"]["storageClassName"] == "standard"
    shared = project.wait("persistentvolumeclaims", "shared", "Bound")["spec"]["volumeName"]
    served = containers.inside("infra", ["cat", f"/exports/{shared.removeprefix('nfs-')}/file"])
    assert served == "shared\n"
    words = "NodePath only supports ReadWriteOnce"
    until(lambda: None if words in project.events("wrong") else "no event", what="wrong", seconds=SECONDS)
    for name in ("large", "empty", "wrong"):
        project.wait("persistentvolumeclaims", name, "Pending")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_registry_keeps_what_is_pushed_in_the_bucket(project: Project, scheme: str) -> None:
    port = {"http": settings.S3_PORT, "https": settings.S3_TLS_PORT}[scheme]
    values = {
        "REGISTRY_STORAGE": "s3",
        "REGISTRY_STORAGE_S3_REGION": "us-east-1",
        "REGISTRY_STORAGE_S3_BUCKET": "registry",
        "REGISTRY_STORAGE_S3_REGIONENDPOINT": f"{scheme}://{settings.S3_NAME}:{port}",
        "REGISTRY_STORAGE_S3_ACCESSKEY": (settings.PATHS.s3 / "access-key").read_text(),
        "REGISTRY_STORAGE_S3_SECRETKEY": (settings.PATHS.s3 / "secret-key").read_text(),
        "REGISTRY_STORAGE_S3_FORCEPATHSTYLE": "true",
        "SSL_CERT_FILE": "/ca/ca.crt",
    }
    config = "version: 0.1\\nhttp:\\n  addr: :5000\\nstorage:\\n  filesystem:\\n    rootdirectory: /registry\\n"
    project.pod(
        "registry",
        f"printf '{config}' >/tmp/c.yml; exec dockerregistry serve /tmp/c.yml",
        volumes=[{"name": "ca", "configMap": {"name": "kube-root-ca.crt"}}],
        container={
            "env": [{"name": name, "value": value} for name, value in values.items()],
            "volumeMounts": [{"name": "ca", "mountPath": "/ca"}],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 5000}, "periodSeconds": 1},
        },
    )
    address = project.wait("pods", "registry", "Running")["status"]["podIP"]
    deadline = time.monotonic() + SECONDS
    while "listening on" not in project.log("registry"):
        assert time.monotonic() < deadline, project.log("registry")
        time.sleep(0.2)
    said, where, digest = containers.inside("node1", ["python3", "-", address], data=PUSH.encode()).split()
    assert (said, where) == (scheme, f"{settings.S3_NAME}:{port}")
    hexes = digest.removeprefix("sha256:")
    path = f"/var/lib/s3/registry/docker/registry/v2/blobs/sha256/{hexes[:2]}/{hexes}/data"
    assert containers.inside("infra", ["stat", "-c", "%s", path]) == "12000000\n"


def test_the_operators_kinds_are_there_to_be_applied(api: Client) -> None:
    names = {path.name for path in settings.PATHS.operator_crds.iterdir()}
    assert {"configs.imageregistry.crd.yaml", "images.config.crd.yaml", "clusterversions.crd.yaml"} <= names
    groups = {group["name"] for group in api.call("GET", "/apis")["groups"]}
    assert not {"imageregistry.operator.openshift.io", "config.openshift.io"} & groups
    assert inputs.crd_directory() != settings.PATHS.operator_crds

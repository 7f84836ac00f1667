# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying and counting storage on real volumes: the sandbox's exports, claims and directories of nodes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import sandbox
from ansible_collections.okd.registry.plugins.module_utils import _content, _helper, _probe
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper, Volume
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Nfs, Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._model import Registry

IMAGE = "openshift3/ose-docker-registry:v3"
V2 = "docker/registry/v2"


@pytest.fixture(scope="module")
def api() -> Api:
    """The cluster's administrator."""
    return Api(lambda: connect({"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}))


@pytest.fixture(scope="module")
def registry(api: Api) -> Iterator[Registry]:
    """A registry that is not there, in a namespace of its own."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "registry", "namespace": name}})
    yield Registry("docker-registry", name, 5000, "cluster.local", None, ())
    api.delete(ObjectRef("v1", "Namespace", name))


@pytest.fixture
def workload(registry: Registry) -> dict[str, Any]:
    """Its Deployment, of which only the template counts."""
    container = {"name": "registry", "image": IMAGE, "imagePullPolicy": "Never"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": registry.name, "namespace": registry.namespace},
        "spec": {"template": {"spec": {"serviceAccountName": "registry", "containers": [container]}}},
    }


def nfs(path: str) -> Storage:
    return Storage(nfs=Nfs("nfs.sandbox.test", path))


def test_an_export_that_is_right(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    report = _probe.probe(api, registry, nfs("/exports/second"), workload)
    assert (report.failed, report.uid, report.gid) == (None, 1001, 0)
    assert report.free is not None
    assert report.free > 1 << 20
    assert report.node in sandbox.NODES
    assert sandbox.in_container("infra", "ls -A /exports/second").stdout == ""
    jobs = api.list("batch/v1", "Job", registry.namespace)
    assert jobs == []


@pytest.mark.parametrize(
    ("path", "step", "said"),
    [
        ("/exports/readonly", "mkdir", r"cannot make a directory: .*Read-only file system.*export it rw"),
        ("/exports/foreign", "mkdir", r"user 1001, group 0.*Permission denied.*drwx------.*4242.*chown 1001 /exports/"),
        ("/exports/group", "mkdir", r"supplemental_groups: \[5555\]"),
        ("/exports/nosuch", "start", r"cannot be mounted: .*access denied by server.*Check server and path"),
    ],
)
def test_an_export_that_is_not(
    api: Api, registry: Registry, workload: dict[str, Any], path: str, step: str, said: str
) -> None:
    with pytest.raises(RefusedError, match=f"(?s){said}") as raised:
        _probe.probe(api, registry, nfs(path), workload)
    assert raised.value.details["step"] == step
    assert "probe_storage: false" in str(raised.value) or step == "start"


def test_the_advice_helps(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    workload["spec"]["template"]["spec"]["securityContext"] = {"supplementalGroups": [5555]}
    report = _probe.probe(api, registry, nfs("/exports/group"), workload)
    assert 5555 in report.groups


def test_images_of_another_user_are_noticed(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    there = "/exports/second/docker/registry/v2"
    sandbox.in_container("infra", f"mkdir -p {there} && chmod 755 {there} && chown -R 4242 /exports/second/docker")
    try:
        with pytest.raises(RefusedError, match=r"write beside the images .*chown -R 1001") as raised:
            _probe.probe(api, registry, nfs("/exports/second"), workload)
        assert raised.value.details["step"] == "old"
    finally:
        sandbox.in_container("infra", "rm -rf /exports/second/docker")


def test_a_claim_that_waits_for_its_first_pod(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "images", "namespace": registry.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    api.create(claim)
    report = _probe.probe(api, registry, Storage(claim_name="images"), workload)
    assert report.failed is None
    again = _probe.probe(api, registry, Storage(claim_name="images"), workload)
    assert again.node == report.node


def _users(api: Api, users: list[str]) -> list[str]:
    """Set the users of the SCC privileged, as registry_deploy does, and wait until that holds."""
    ref = ObjectRef("security.openshift.io/v1", "SecurityContextConstraints", "privileged")
    api.patch(ref, [{"op": "add", "path": "/users", "value": users}])
    time.sleep(2)
    return users


def test_a_directory_of_a_node_that_belongs_to_root(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    sandbox.on("node2", "install -d -m 755 /srv/probe")
    workload["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": "node2"}
    storage = Storage(host_path=HostPath("/srv/probe", "node2"))
    with pytest.raises(RefusedError, match=r"not allowed to be used.*needs to be among the users of a SecurityContext"):
        _probe.probe(api, registry, storage, workload)
    scc = api.get(ObjectRef("security.openshift.io/v1", "SecurityContextConstraints", "privileged")) or {}
    account = f"system:serviceaccount:{registry.namespace}:registry"
    allowed = _users(api, [*scc["users"], account])
    try:
        with pytest.raises(RefusedError, match=r"chown 1001 /srv/probe\)"):
            _probe.probe(api, registry, storage, workload)
        sandbox.on("node2", "chown 1001 /srv/probe")
        assert _probe.probe(api, registry, storage, workload).node == "node2"
    finally:
        sandbox.on("node2", "rm -rf /srv/probe")
        _users(api, [user for user in allowed if user != account])


def test_an_image_without_a_shell(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="An image without a shell cannot do it"):
        _probe.probe(api, registry, nfs("/exports/second"), workload, image="sandbox/pause:1")


def test_what_is_there_is_counted(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    digest = "ab" + "0" * 62
    tree = (
        f"cd /images && mkdir -p {V2}/blobs/sha256/ab/{digest} {V2}/repositories/p1/pause/_manifests/tags/1/current &&"
        f" head -c 123456 /dev/zero >{V2}/blobs/sha256/ab/{digest}/data &&"
        f" echo sha256:{digest} >{V2}/repositories/p1/pause/_manifests/tags/1/current/link"
    )
    helper = Helper(
        "docker-registry", registry.namespace, "count", ("sleep", "300"), (Volume("/images", {"emptyDir": {}}),)
    )
    with _helper.running(api, helper, workload) as pod:
        where = (pod.namespace, pod.pod, pod.container)
        assert _content.of_pod(api, *where, "/images").empty
        with api.exec(*where, ["sh", "-c", tree]) as made:
            made.check()
        found = _content.of_pod(api, *where, "/images")
        assert (found.complete, _content.sentence(found)) == (True, "1 repository with 1 tag, 1 blob, 123.5 kB")
        assert "Listing /nosuch in Pod" in (_content.of_pod(api, *where, "/nosuch").reason or "")
    gone = _content.of_pod(api, *where, "/images")
    assert not gone.counted


def test_an_image_without_find(api: Api, registry: Registry, workload: dict[str, Any]) -> None:
    bare = deepcopy(workload)
    helper = Helper("docker-registry", registry.namespace, "bare", ("/pause",), image="sandbox/pause:1")
    with _helper.running(api, helper, bare) as pod:
        found = _content.of_pod(api, pod.namespace, pod.pod, pod.container, "/")
    assert not found.counted
    assert "An image without find and stat cannot be looked into." in (found.reason or "")

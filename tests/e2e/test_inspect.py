# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry's storage holds, by each way in: two images that share a layer, then faults made by hand.

Where nobody may run commands in pods, the module on the pod's node asks that node's docker.

The tests run in the order in which they stand, from a pristine sandbox. The registry keeps its images in a directory of
node1, in a privileged pod, as the document's registry does.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import images
import pytest
import sandbox
import snippets

NODE = "node1"
DIRECTORY = "/opt/registry"
V2 = "docker/registry/v2"
CLUSTER = {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}
WAYS = {
    "exec": ("localhost", CLUSTER),
    "docker": (NODE, {"runtime": "auto"}),
    "path": (NODE, {"path": DIRECTORY}),
}
#: What the client of Kubernetes is made of, without what has parts in C that are not needed.
LIBRARIES = (
    "kubernetes", "urllib3", "websocket", "yaml", "certifi", "dateutil", "six.py", "requests", "requests_oauthlib",
    "oauthlib", "idna", "durationpy",
)  # fmt: skip
PIECES = snippets.snippets("openshift-3-document.md")


def look(way: str, **options: Any) -> dict[str, Any]:
    """The module's result by one of the ways."""
    host, own = WAYS[way]
    result = sandbox.module(host, "registry_storage_info", {**own, **options})
    assert not result["failed"], result["msg"]
    assert (result["via"], result["changed"], result["complete"]) == (way, False, True), result["reason"]
    return result


def data(result: dict[str, Any]) -> dict[str, Any]:
    """What must be the same by every way; seconds go on between two looks."""
    kept = ("totals", "repositories", "broken", "unlinked", "unreferenced")
    return {
        **{name: result[name] for name in kept},
        "uploads": [{k: v for k, v in one.items() if k not in ("age", "idle")} for one in result["uploads"]],
    }


def files() -> dict[str, int]:
    """The sizes of all files of the storage, as its node has them."""
    listed = sandbox.on(NODE, f"cd {DIRECTORY}/{V2} && find . -type f -printf '%s %P\\n'").stdout
    return {path: int(size) for size, path in (line.split(" ", 1) for line in listed.splitlines())}


def named(pattern: str) -> list[str]:
    return [path for path in files() if re.fullmatch(pattern, path)]


@pytest.fixture(scope="module")
def pushed() -> dict[str, str]:
    """A registry with two images, by name: their digests. They have the base's layer in common."""
    sandbox.on(NODE, f"mkdir -p {DIRECTORY} && chown 1001:0 {DIRECTORY} && chmod 0770 {DIRECTORY}")
    service = sandbox.module("localhost", "registry_service", {**CLUSTER, "cluster_ip": sandbox.SERVICE_IP})
    assert not service["failed"], service["msg"]
    storage = {"kind": "host_path", "path": DIRECTORY, "node": NODE}
    deployed = sandbox.module(
        "localhost",
        "registry_deploy",
        {**CLUSTER, "image": "openshift3/ose-docker-registry:v3", "storage": storage,
         "wait_timeout": 90},
    )  # fmt: skip
    assert not deployed["failed"], deployed["msg"]
    return {name: images.push(name) for name in ("one", "two")}


@pytest.fixture(scope="module")
def digest_of_layer(pushed: dict[str, str]) -> str:
    """A layer that only the image two has."""
    one, two = (
        {path.split("/")[-2] for path in named(rf"repositories/test/{name}/_layers/sha256/\w+/link")}
        for name in ("one", "two")
    )
    assert one & two
    return min(two - one)


@pytest.mark.parametrize("way", WAYS)
def test_figures_of_a_sound_storage(way: str, pushed: dict[str, str]) -> None:
    result, there = look(way), files()
    blobs = {path: size for path, size in there.items() if path.startswith("blobs/")}
    layers = {
        name: {path.split("/")[-2] for path in there if path.startswith(f"repositories/test/{name}/_layers/")}
        for name in pushed
    }
    shared = [size for path, size in blobs.items() if path.split("/")[-2] in layers["one"] & layers["two"]]
    assert shared
    wanted = {
        "repositories": 2, "tags": 2, "revisions": 2, "signatures": 0, "layers": sum(map(len, layers.values())),
        "blobs": len(blobs), "bytes": sum(blobs.values()), "shared_blobs": len(shared), "shared_bytes": sum(shared),
        "unreferenced_blobs": 0, "unreferenced_bytes": 0, "uploads": 0, "upload_bytes": 0, "stale_uploads": 0,
        "broken": 0, "unlinked": 0, "other_files": 0, "other_bytes": 0,
    }  # fmt: skip
    assert result["totals"] == wanted
    assert [(repo["name"], repo["tagged"]) for repo in result["repositories"]] == [
        (f"test/{name}", [{"tag": "1", "digest": digest}]) for name, digest in pushed.items()
    ]
    pod = sandbox.pods("-n", "default", "-l", "docker-registry=default")[0]["metadata"]["name"]
    assert result["pod"] == (None if way == "path" else pod)


def test_faults_are_made(pushed: dict[str, str], digest_of_layer: str) -> None:
    """A layer's link and a revision's are deleted, a blob that no link is for is laid down, an upload is left.

    An image is signed as registries before 3.6 have it; today's never write that.
    """
    two = f"{DIRECTORY}/{V2}/repositories/test/two"
    sandbox.on(NODE, f"rm {two}/_layers/sha256/{digest_of_layer}/link")
    sandbox.on(NODE, f"rm {two}/_manifests/revisions/{pushed['two'].replace(':', '/')}/link")
    loose = "ab" * 32
    place = f"{DIRECTORY}/{V2}/blobs/sha256/ab/{loose}"
    sandbox.on(NODE, f"mkdir -p {place} && head -c 1000 /dev/zero > {place}/data && chown -R 1001:0 {place}/..")
    signature = "cd" * 32
    image = f"repositories/test/one/_manifests/revisions/{pushed['one'].replace(':', '/')}"
    for path, text in (
        (f"blobs/sha256/cd/{signature}/data", "signed"),
        (f"{image}/signatures/sha256/{signature}/link", f"sha256:{signature}"),
    ):
        place = f"{DIRECTORY}/{V2}/{path}"
        sandbox.on(NODE, f"mkdir -p $(dirname {place}) && printf %s {text} > {place}")
    sandbox.on(NODE, f"chown -R 1001:0 {DIRECTORY}/{V2}")
    token = (sandbox.STATE / f"tokens/{images.USER}").read_text(encoding="utf-8").strip()
    header, base = f"Authorization: Bearer {token}", f"http://{sandbox.ENDPOINTS[0]}"
    begun = sandbox.on(
        NODE, f"curl -sS -D - -o /dev/null -X POST -H '{header}' {base}/v2/{images.PROJECT}/one/blobs/uploads/"
    ).stdout
    location = re.search(r"^Location: (\S+)", begun, re.MULTILINE | re.IGNORECASE)
    assert location, begun
    sent = sandbox.on(
        NODE,
        f"head -c 4096 /dev/urandom | curl -sS -o /dev/null -w '%{{http_code}}' -X PATCH -H '{header}' "
        f"-H 'Content-Type: application/octet-stream' --data-binary @- '{location[1]}'",
    )
    assert sent.stdout == "202", sent.stdout + sent.stderr


@pytest.mark.parametrize("way", WAYS)
def test_faults_are_named(way: str, pushed: dict[str, str], digest_of_layer: str) -> None:
    result = look(way)
    path = "repositories/test/two/_manifests/tags/1/current/link"
    reason = f"it names {pushed['two']}, which is no revision of this repository"
    tag = {"repository": "test/two", "kind": "tag", "name": "1", "path": path, "reason": reason}
    assert result["broken"] == [tag]
    assert result["unlinked"] == [
        {"repository": "test/two", "kind": "layer", "digest": f"sha256:{digest_of_layer}"},
        {"repository": "test/two", "kind": "revision", "digest": pushed["two"]},
    ]
    # what the deleted links led to, and what was laid down
    assert {"digest": f"sha256:{'ab' * 32}", "bytes": 1000} in result["unreferenced"]
    assert {one["digest"] for one in result["unreferenced"]} >= {f"sha256:{digest_of_layer}", pushed["two"]}
    assert f"sha256:{'cd' * 32}" not in {one["digest"] for one in result["unreferenced"]}
    assert [(one["name"], one["signatures"], one["revisions"]) for one in result["repositories"]] == [
        ("test/one", 1, 1),
        ("test/two", 0, 0),
    ]
    assert (result["totals"]["signatures"], result["totals"]["revisions"]) == (1, 1)
    (upload,) = result["uploads"]
    assert (upload["repository"], upload["bytes"], upload["stale"], upload["problem"]) == (
        "test/one",
        4096,
        False,
        None,
    )
    assert 0 <= upload["idle"] <= upload["age"] < 120
    assert len(named(rf"{upload['path']}/startedat")) == 1


def test_each_way_tells_the_same(pushed: dict[str, str]) -> None:
    found = {way: data(look(way, stale_after=0)) for way in WAYS}
    assert found["exec"] == found["docker"] == found["path"]
    assert found["exec"]["totals"]["stale_uploads"] == 1


def test_who_may_not_run_commands_in_the_pod_is_told_where_to_look(pushed: dict[str, str]) -> None:
    resources = "pods,deploymentconfigs.apps.openshift.io,deployments.apps,daemonsets.apps"
    sandbox.kubectl("create", "clusterrole", "looker", "--verb=get,list", f"--resource={resources}")
    sandbox.kubectl("create", "clusterrolebinding", "looker", "--clusterrole=looker", "--user=dora")
    result = sandbox.module("localhost", "registry_storage_info", {**CLUSTER, "impersonate_user": "dora"})
    assert result["failed"]
    assert "user dora cannot create pods/exec" in result["msg"]
    assert f"Run this module on node {NODE} with runtime=auto" in result["msg"]
    assert (result["node"], result["via"]) == (NODE, None)


@pytest.fixture(scope="module")
def on_nodes(pushed: dict[str, str]) -> list[str]:
    """What lets the module on the first two nodes ask the API: a kubeconfig, and this Python's libraries for it."""
    kubeconfig = Path(CLUSTER["kubeconfig"]).read_text(encoding="utf-8")
    site = sysconfig.get_path("purelib")
    names = [name for name in LIBRARIES if (Path(site) / name).exists()]
    for node in (NODE, "node2"):
        sandbox.on(node, "umask 077 && cat > /root/admin.kubeconfig", stdin=kubeconfig)
        sandbox.on(node, "mkdir -p /root/libraries && base64 -d | tar -xzC /root/libraries", stdin=packed(site, names))
        program = '#!/bin/sh\nPYTHONPATH=/root/libraries exec /usr/bin/python3 "$@"\n'
        sandbox.on(node, "cat > /root/python && chmod 0755 /root/python", stdin=program)
    return ["-e", "ansible_python_interpreter=/root/python"]


def packed(directory: str, names: list[str]) -> str:
    """A compressed archive of files, in base64."""
    archive = subprocess.run(
        ["tar", "-czC", directory, "--exclude=__pycache__", *names], capture_output=True, check=True
    )
    return base64.b64encode(archive.stdout).decode()


@pytest.fixture(params=[403, 422])
def nobody_may_exec(request: pytest.FixtureRequest, pushed: dict[str, str]) -> Iterator[str]:
    """A policy that refuses all commands in pods; 403 is what OpenShift 3 says, 422 what policies say by default."""
    validation = {"expression": "false", "message": "cannot exec into a privileged container"}
    if request.param == 403:
        validation["reason"] = "Forbidden"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/exec"]}
    kinds = {
        "ValidatingAdmissionPolicy": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [validation],
        },
        "ValidatingAdmissionPolicyBinding": {"policyName": "no-exec", "validationActions": ["Deny"]},
    }
    listed = [
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "no-exec"}, "spec": spec}
        for kind, spec in kinds.items()
    ]
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
    sandbox.kubectl("apply", "-f", "-", stdin=objects)
    try:
        pod = sandbox.pods("-n", "default", "-l", "docker-registry=default")[0]["metadata"]["name"]
        command = (sandbox.STATE / "bin/kubectl", "--kubeconfig", CLUSTER["kubeconfig"], "exec", "-n", "default", pod)
        end = time.monotonic() + 60  # the API server takes some seconds to heed a new policy
        while "cannot exec" not in sandbox.run(*command, "--", "true", check=False).stderr:
            assert time.monotonic() < end, "the policy does not hold"
            time.sleep(1)
        yield pod
        assert sandbox.run(*command, "--", "true", check=False).returncode, "the policy has not held all the time"
    finally:
        sandbox.kubectl("delete", "-f", "-", stdin=objects)
        time.sleep(3)


def test_where_exec_is_refused_the_node_s_docker_tells_the_same(nobody_may_exec: str, on_nodes: list[str]) -> None:
    options = {"kubeconfig": "/root/admin.kubeconfig"}
    result = sandbox.module(NODE, "registry_storage_info", options, *on_nodes)
    assert not result["failed"], result["msg"]
    assert (result["via"], result["pod"], result["node"]) == ("docker", nobody_may_exec, NODE)
    assert data(result) == data(look("docker")) == data(look("path"))
    for host, own, more in (("node2", options, on_nodes), ("localhost", CLUSTER, [])):
        refused = sandbox.module(host, "registry_storage_info", own, *more)
        assert refused["failed"]
        assert "cannot exec into a privileged container" in refused["msg"]
        assert f"Run this module on node {NODE} with runtime=auto" in refused["msg"]


def test_exec_where_it_is_allowed_again_tells_the_same(pushed: dict[str, str]) -> None:
    assert data(look("exec")) == data(look("docker"))


def test_a_node_without_the_pod_says_so(pushed: dict[str, str]) -> None:
    result = sandbox.module("node2", "registry_storage_info", {"runtime": "docker"})
    assert result["failed"]
    assert "No container of registry default/docker-registry runs on this host" in result["msg"]


@pytest.mark.usefixtures("pushed")
def test_storage_yml_shows_repositories_totals_and_broken_links() -> None:
    played = sandbox.playbook("storage.yml")
    assert (played.code, played.changed) == (0, 0), played.output
    for words in ("(by exec)", "test/one", "in all", "of several repositories", "BROKEN: ", "is no revision of"):
        assert words in played.output, played.output


@pytest.mark.usefixtures("pushed")
def test_storage_yml_goes_to_the_node_where_nobody_may_run_commands_in_the_pod() -> None:
    sandbox.kubectl(
        "create", "clusterrole", "mapper", "--verb=get,list", "--resource=nodes,services,secrets,configmaps"
    )
    sandbox.kubectl("create", "clusterrolebinding", "mapper", "--clusterrole=mapper", "--user=dora")
    played = sandbox.playbook("storage.yml", K8S_AUTH_IMPERSONATE_USER="dora")
    assert (played.code, played.changed) == (0, 0), played.output
    assert f", {NODE}, " in played.output, played.output
    assert "(by docker)" in played.output
    assert "test/one" in played.output


@pytest.mark.usefixtures("pushed")
def test_info_yml_shows_state_and_logs() -> None:
    played = sandbox.playbook("info.yml", "-e", "registry_info_grep=listening")
    assert (played.code, played.changed) == (0, 0), played.output
    for words in (f"{NODE}  ready  Port 5000 does not speak TLS.", sandbox.ENDPOINTS[0], "host_path", "listening on"):
        assert words in played.output, played.output


@pytest.mark.parametrize("name", ["file-storage", "file-storage-node"])
def test_the_document_s_step(name: str, pushed: dict[str, str], tmp_path: Path) -> None:
    played = snippets.play(PIECES[name], tmp_path)
    assert (played.code, played.changed) == (0, 0), played.output
    assert '"repositories": 2' in played.output.replace("repositories: 2", '"repositories": 2'), played.output

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of storage on real volumes: images outlive a pod, a second run changes nothing, what cannot be is refused.

The tests run in the order in which they stand, from a pristine sandbox; each leaves its registry to the next.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import images
import pytest
import sandbox

NFS = "nfs.sandbox.test"
NAME = "docker-registry"
USER = "system:serviceaccount:default:registry"
DIRECTORY = "/var/lib/registry-on-node2"


def _s3() -> dict[str, Any]:
    keys = {
        name: (sandbox.STATE / f"s3/{name}").read_text(encoding="utf-8").strip()
        for name in ("access-key", "secret-key")
    }
    return {
        "kind": "s3",
        "parameters": {
            "region": "us-east-1", "bucket": "registry", "regionendpoint": "http://s3.sandbox.test:9000",
            "forcepathstyle": True, "accesskey": keys["access-key"], "secretkey": keys["secret-key"],
        },
    }  # fmt: skip


KINDS = {
    "pvc": lambda: {"kind": "pvc", "claim_name": "registry-claim"},
    "new claim": lambda: {"kind": "pvc", "size": "1Gi"},
    "nfs": lambda: {"kind": "nfs", "server": NFS, "path": "/exports/registry"},
    "nfs with options": lambda: {
        "kind": "nfs", "server": NFS, "path": "/exports/second", "claim_name": "exported",
        "options": ["hard", "nfsvers=4.1"],
    },
    "host_path": lambda: {"kind": "host_path", "path": DIRECTORY, "node": "node2"},
    "s3": _s3,
}  # fmt: skip


def deploy(storage: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Run the module, with its wait, and give its result."""
    asked = {
        "kubeconfig": str(sandbox.STATE / "admin.kubeconfig"), "image": "openshift3/ose-docker-registry:v3",
        "tls_secret": "registry-secret", "storage": storage, "wait_timeout": 90, **options,
    }  # fmt: skip
    done = sandbox.run(
        sandbox.ROOT / ".venv/bin/ansible", "localhost", "-i", sandbox.ROOT / "inventory/sandbox/hosts.yml",
        "-m", "okd.registry.registry_deploy", "-a", json.dumps(asked),
        check=False, cwd=sandbox.ROOT, env=sandbox.environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
    )  # fmt: skip
    found = re.search(r"^localhost \| (\w+)!? => (\{.*)", done.stdout, re.MULTILINE | re.DOTALL)
    assert found, done.stdout + done.stderr
    secret = storage.get("parameters", {}).get("secretkey")
    assert secret is None or secret not in done.stdout
    return {"failed": found[1] == "FAILED", **json.JSONDecoder().raw_decode(found[2])[0]}


def switch(storage: dict[str, Any]) -> None:
    """To this storage, whatever is in the old one; then again, which changes nothing."""
    result = deploy(storage, allow_data_loss=True)
    assert not result["failed"], result["msg"]
    assert result["changed"]
    again = deploy(storage, allow_data_loss=True)
    assert (again["changed"], again["actions"], again["rollout"]["done"]) == (False, [], True), again


def restart() -> None:
    """Let the registry's pod die; the next one is another pod."""
    sandbox.kubectl("delete", "pods", "-n", "default", "-l", f"{NAME}=default", "--wait=true", "--grace-period=1")
    for _ in range(60):
        pods = sandbox.pods("-n", "default", "-l", f"{NAME}=default")
        ready = [c["ready"] for pod in pods for c in pod["status"].get("containerStatuses") or []]
        if ready and all(ready):
            return
        time.sleep(0.5)
    raise AssertionError(pods)


def users() -> list[str]:
    """Who is among the users of the SCC privileged."""
    found: list[str] = json.loads(sandbox.kubectl("get", "securitycontextconstraints", "privileged", "-o", "json"))[
        "users"
    ]
    return found


def volumes() -> list[dict[str, Any]]:
    """The volumes of the registry's pods, but for that of its certificate."""
    live = json.loads(sandbox.kubectl("get", "deploymentconfigs", NAME, "-n", "default", "-o", "json"))
    found = live["spec"]["template"]["spec"]["volumes"]
    return [one for one in found if "secret" not in one]


def test_ephemeral_storage_dies_with_its_pod() -> None:
    ended = sandbox.playbook("deploy.yml", "-e", json.dumps({"registry_storage": {"kind": "ephemeral"}}))
    assert ended.code == 0, ended.output
    digest = images.push("ephemeral")
    assert images.pulls("ephemeral", digest)
    restart()
    assert not images.pulls("ephemeral", digest)


def test_a_pod_without_images_may_be_replaced() -> None:
    """The pod of now is new, and nobody has pushed to it: it is looked into before it goes."""
    result = deploy({"kind": "ephemeral"}, env={"REGISTRY_LOG_LEVEL": "debug"})
    assert not result["failed"], result["msg"]
    assert result["workload"]["rolls"]
    assert any(action.startswith("No image goes with the pod of") for action in result["actions"]), result["actions"]


def test_what_would_lose_images_is_refused_with_figures() -> None:
    images.push("kept")
    result = deploy(KINDS["pvc"]())
    assert result["failed"]
    assert "pushed images would be lost" in result["msg"]
    assert re.search(r"1 repository with 1 tag, \d+ blobs", result["msg"]), result["msg"]
    result = deploy({"kind": "ephemeral"}, state="absent")
    assert result["failed"]
    assert "state: absent takes it away" in result["msg"]
    assert re.search(r"1 repository with 1 tag, \d+ blobs", result["msg"]), result["msg"]
    result = deploy({"kind": "ephemeral"}, env={"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/tmp/registry"})
    assert "would give up for the container itself" in result["msg"]


@pytest.mark.parametrize(
    ("storage", "guard", "said"),
    [
        (lambda: {"kind": "nfs", "server": NFS, "path": "/exports/foreign"}, "probe", ["Permission denied", "4242"]),
        (lambda: {"kind": "nfs", "server": NFS, "path": "/exports/readonly"}, "probe", ["Read-only file system"]),
        (lambda: {"kind": "host_path", "path": "/proc", "node": "node2"}, "probe", ["cannot make a directory"]),
        (
            lambda: {"kind": "pvc", "size": "6Gi", "storage_class": "nfs", "claim_name": "large"},
            "claim",
            ["nfs", "6Gi"],
        ),
        (lambda: {"kind": "pvc", "size": "1Gi", "storage_class": "empty", "claim_name": "none"}, "claim", ["empty"]),
        (lambda: {"kind": "pvc", "size": "1Gi", "storage_class": "gone", "claim_name": "none"}, "claim", ["not exist"]),
    ],
    ids=[
        "foreign export",
        "read-only export",
        "no room on the node",
        "no volume is large enough",
        "class without volumes",
        "no such class",
    ],
)
def test_what_cannot_work_is_refused_and_the_registry_stays(storage: Any, guard: str, said: list[str]) -> None:
    before = sandbox.kubectl("get", "deploymentconfigs", NAME, "-n", "default", "-o", "jsonpath={.metadata.generation}")
    result = deploy(storage(), allow_data_loss=True)
    assert result["failed"]
    assert guard in [one["name"] for one in result["guards"]]
    for words in said:
        assert words in result["msg"]
    after = sandbox.kubectl("get", "deploymentconfigs", NAME, "-n", "default", "-o", "jsonpath={.metadata.generation}")
    assert before == after
    assert USER not in users()
    assert sandbox.objects("jobs", "-n", "default") == []


def test_images_are_taken_along() -> None:
    """From the pod itself to a claim: what was pushed before is pulled after, without the pod that had it."""
    digest = images.push("taken")
    storage = {"kind": "pvc", "size": "1Gi", "storage_class": "nfs", "claim_name": "moved"}
    result = deploy(storage, migrate=True)
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["rollout"]["done"], result["leftovers"]) == (True, True, False), result
    assert images.pulls("taken", digest)
    again = deploy(storage, migrate=True)
    assert (again["changed"], again["actions"], again["migration"]) == (False, [], None), again


@pytest.mark.parametrize("name", KINDS)
def test_images_outlive_a_pod(name: str) -> None:
    storage = KINDS[name]()
    if name == "host_path":
        # The role prepares the directory on the node.
        asked = {"registry_storage": storage, "registry_allow_data_loss": True, "registry_node_selector": {}}
        ended = sandbox.playbook("deploy.yml", "-e", json.dumps(asked))
        assert ended.code == 0, ended.output
        assert sandbox.on("node2", f"stat -c '%u %G %a' {DIRECTORY}").stdout.split() == ["1001", "root", "770"]
        again = sandbox.playbook("deploy.yml", "-e", json.dumps(asked))
        assert (again.code, again.changed) == (0, 0), again.output
    else:
        switch(storage)
    assert (USER in users()) == (name == "host_path")
    assert len(volumes()) == (0 if name == "s3" else 1)
    if name == "nfs with options":  # to the pod a claim like others; that it is mounted was proven by its start
        return
    repository = re.sub(r"\W", "", name)
    digest = images.push(repository)
    restart()
    assert images.pulls(repository, digest)


def test_nothing_is_left_over() -> None:
    """The claims and their volumes stay; rights and credentials do not."""
    assert sandbox.objects("secrets", "-n", "default", "--field-selector", f"metadata.name={NAME}-storage")
    result = deploy(_s3(), state="absent")
    assert not result["failed"], result
    assert not sandbox.objects("secrets", "-n", "default", "--field-selector", f"metadata.name={NAME}-storage")
    assert USER not in users()
    claims = {one["metadata"]["name"] for one in sandbox.objects("pvc", "-n", "default")}
    assert {"registry-claim", f"{NAME}-storage", "exported"} <= claims
    kept = json.loads(sandbox.kubectl("get", "pv", "default-exported", "-o", "json"))
    assert kept["spec"]["mountOptions"] == ["hard", "nfsvers=4.1"]

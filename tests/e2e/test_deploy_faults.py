# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts that cannot succeed: each names its reason, keeps what served serving, and can be gone on from or undone.

The tests run in the order in which they stand, from a pristine sandbox on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sandbox
import snippets

IMAGE = "openshift3/ose-docker-registry:v3"
FILE = {
    "version": 0.1,
    "log": {"level": "info"},
    "http": {"addr": ":5000"},
    "storage": {"filesystem": {"rootdirectory": "/registry"}, "delete": {"enabled": True}},
    "auth": {"openshift": {"realm": "openshift"}},
    "redis": {"password": "hidden-one"},
}
#: The registry that serves before, between and after the faults.
GOOD: dict[str, Any] = {
    "image": IMAGE,
    "storage": {"kind": "pvc", "claim_name": "registry-claim"},
    "probe_storage": False,
    "node_selector": {"region": "infra"},
    "config": {"content": FILE},
}
NOWHERE = "openshift3/ose-docker-registry:nowhere"
PROXY = {"http": "http://user:hidden-pass@proxy.example.com:3128"}
KINDS = (
    "secrets,configmaps,serviceaccounts,persistentvolumeclaims,deploymentconfigs.apps.openshift.io,clusterrolebindings"
)
OURS = ("docker-registry", "registry")

Object = dict[str, Any]


def _playbook(directory: Path, options: Object) -> str:
    """A play with one registry_deploy, which leaves its result in a file."""
    tasks: list[Object] = [
        {
            "name": "Deploy",
            "okd.registry.registry_deploy": {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig"), **options},
            "register": "result",
            "ignore_errors": True,
        },
        {
            "name": "Keep the result",
            "ansible.builtin.copy": {
                "content": "{{ result | to_json }}", "dest": str(directory / "result.json"), "mode": "0600",
            },
        },
    ]  # fmt: skip
    play = {"name": "Deploy", "hosts": "registry_control", "gather_facts": False, "tasks": tasks}
    return json.dumps([play])


def deploy(directory: Path, *arguments: str, **options: Any) -> Object:
    """Run registry_deploy and give its result; at -vvv no credential is in anything that is printed."""
    ended = snippets.play(_playbook(directory, {**GOOD, **options}), directory, "-vvv", *arguments)
    result: Object = json.loads((directory / "result.json").read_text(encoding="utf-8"))
    for text in (ended.output, json.dumps(result)):
        assert "hidden-" not in text
    return result


def failed(directory: Path, *said: str, **options: Any) -> Object:
    """Run registry_deploy, which has to fail with these words."""
    result = deploy(directory, **options)
    assert result.get("failed"), result
    for words in said:
        assert words in result["msg"], result["msg"]
    return result


def good(directory: Path, **options: Any) -> Object:
    """Run registry_deploy, which has to succeed."""
    result = deploy(directory, **options)
    assert not result.get("failed"), result["msg"]
    return result


def written() -> dict[str, Object]:
    """All objects of the registry, as far as people or we have written them."""
    found = {}
    for one in json.loads(sandbox.kubectl("get", KINDS, "-n", "default", "-o", "json"))["items"]:
        name = one["metadata"]["name"]
        if name.startswith(OURS):
            people = ("labels", "annotations", "finalizers", "ownerReferences")
            meta = {key: value for key, value in one["metadata"].items() if key in people}
            rest = {key: value for key, value in one.items() if key not in ("metadata", "status")}
            found[f"{one['kind']}/{name}"] = {**rest, "metadata": meta}
    return found


def pods() -> list[Object]:
    return sandbox.pods("-n", "default", "-l", "docker-registry=default")


def serving() -> list[str]:
    """Images of the pods that are ready."""
    return [
        pod["spec"]["containers"][0]["image"]
        for pod in pods()
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    ]


@pytest.fixture(scope="module", autouse=True)
def registry(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A registry that serves."""
    good(tmp_path_factory.mktemp("first"), strategy="Rolling")
    assert serving() == [IMAGE]


@pytest.fixture(autouse=True)
def serves_afterwards(tmp_path: Path) -> Iterator[None]:
    """After each fault, the run with what is right finishes, and the one after it finds nothing to do."""
    yield
    good(tmp_path, strategy="Rolling")
    assert serving() == [IMAGE]
    assert "Secret/docker-registry-before" not in written()


def test_an_image_that_does_not_exist(tmp_path: Path) -> None:
    """The old pod serves on; what was written stays; the run with the right image finishes it."""
    result = failed(
        tmp_path, "nowhere", "pull", "Pods of the revision before still serve (1)", "set image and run again",
        strategy="Rolling", image=NOWHERE, egress_proxy=PROXY, wait_timeout=20,
    )  # fmt: skip
    assert result["rollout"]["stuck"] == "image"
    assert serving() == [IMAGE]
    assert "Secret/docker-registry-proxy" in written()


def test_what_the_fault_before_has_left_is_gone(tmp_path: Path) -> None:
    """The Secret of a feature that is no longer asked for went when the new pods served."""
    assert "Secret/docker-registry-proxy" not in written()
    assert not good(tmp_path, strategy="Rolling")["changed"]


def test_a_configuration_that_the_registry_refuses_is_rolled_back(tmp_path: Path) -> None:
    """The log's words are the reason; every object is as it was, to the byte, and serves."""
    before = written()
    content = {**FILE, "log": {"level": "nonsense"}}
    result = failed(
        tmp_path, "exited with code", "nonsense", "What it had changed is as it was before, and serves",
        strategy="Rolling", config={"content": content}, egress_proxy=PROXY, enforce_quota=True,
        wait_timeout=20, on_failure="rollback",
    )  # fmt: skip
    assert result["rollout"]["stuck"] == "crash"
    assert (result["rollback"]["done"], result["rollback"]["rollout"]["done"]) == (True, True)
    assert {r["name"] for r in result["rollback"]["resources"] if r["action"] == "deleted"} == {"docker-registry-proxy"}
    assert written() == before
    assert serving() == [IMAGE]
    assert not good(tmp_path, strategy="Rolling")["changed"]


def test_no_node_fits(tmp_path: Path) -> None:
    result = failed(
        tmp_path, "was not done within 12 s", "nodes are available", "node_selector",
        strategy="Rolling", node_selector={"nowhere": "true"}, wait_timeout=12,
    )  # fmt: skip
    assert result["rollout"]["stuck"] == "schedule"


def test_a_claim_that_is_not_there_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    before = written()
    gone = {"kind": "pvc", "claim_name": "no-such-claim"}
    failed(tmp_path, "no-such-claim", "does not exist", storage=gone, allow_data_loss=True)
    assert written() == before


def test_a_claim_that_is_never_bound(tmp_path: Path) -> None:
    """Refused beforehand; who insists is told what the scheduler says, and the claim that was made goes again."""
    before = written()
    never = {"kind": "pvc", "claim_name": "registry-never", "size": "1Gi", "storage_class": "empty"}
    failed(tmp_path, "registry-never", storage=never, allow_data_loss=True)
    assert written() == before
    result = failed(
        tmp_path, "PersistentVolumeClaim", "as it was before",
        storage=never, strategy="Recreate", allow_data_loss=True, ignore_guards=["claim"],
        wait_timeout=20, on_failure="rollback",
    )  # fmt: skip
    assert result["rollout"]["stuck"] == "schedule"
    assert written() == before


@contextmanager
def _quota() -> Iterator[None]:
    """No more pods than there are."""
    quota = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods", "namespace": "default"},
        "spec": {"hard": {"pods": str(len(pods()))}},
    }  # fmt: skip
    sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(quota))
    sandbox.kubectl("wait", "--for=jsonpath={.status.hard.pods}", "resourcequota/pods", "-n", "default")
    try:
        yield
    finally:
        sandbox.kubectl("delete", "resourcequota", "pods", "-n", "default")


def test_quota(tmp_path: Path) -> None:
    """A lasting refusal ends the wait early."""
    with _quota():
        result = failed(
            tmp_path, "exceeded quota", "does not get on", "Raise the quota",
            strategy="Rolling", env={"REGISTRY_LOG_LEVEL": "debug"}, wait_timeout=120,
        )  # fmt: skip
    assert result["rollout"]["stuck"] == "refused"
    assert result["rollout"]["duration"] < 45
    assert serving() == [IMAGE]


def test_a_pod_that_no_scc_allows(tmp_path: Path) -> None:
    """Somebody has put a privileged container beside the registry's: the next rollout is refused, and undone."""
    side = {"name": "side", "image": IMAGE, "securityContext": {"privileged": True}}
    add = [
        {"op": "add", "path": "/spec/triggers", "value": []},
        {"op": "add", "path": "/spec/template/spec/containers/-", "value": side},
    ]
    config = ("deploymentconfigs.apps.openshift.io", "docker-registry", "-n", "default")
    sandbox.kubectl("patch", *config, "--type=json", "-p", json.dumps(add))
    try:
        result = failed(
            tmp_path, "forbidden", "security context constraint", strategy="Rolling", wait_timeout=15,
        )  # fmt: skip
        assert result["rollout"]["stuck"] == "refused"
    finally:
        remove = [{"op": "remove", "path": "/spec/template/spec/containers/1"}]
        sandbox.kubectl("patch", *config, "--type=json", "-p", json.dumps(remove))


def _killed_in_the_rollout(directory: Path, **options: Any) -> None:
    """Run registry_deploy and kill it (kill -9) when it tells that it waits."""
    path = directory / "killed.yml"
    path.write_text(_playbook(directory, {**GOOD, **options}), encoding="utf-8")
    command = sandbox.playbook_command("site.yml")
    command[command.index(str(sandbox.ROOT / "playbooks/site.yml"))] = str(path)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=sandbox.ROOT,
        env=sandbox.environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    waits = any("/1 ready" in line for line in process.stdout)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert waits


def test_a_kill_during_the_rollout_is_rolled_back_by_the_next_run_that_fails(tmp_path: Path) -> None:
    """It goes back to what served, not to what the killed run had half written."""
    before = written()
    wish = {"strategy": "Rolling", "image": NOWHERE, "egress_proxy": PROXY, "on_failure": "rollback"}
    _killed_in_the_rollout(tmp_path, **wish)
    assert {"Secret/docker-registry-before", "Secret/docker-registry-proxy"} <= set(written())
    assert serving() == [IMAGE]
    failed(tmp_path, "pull", "as it was before, and serves", **{**wish, "enforce_quota": True, "wait_timeout": 20})
    assert written() == before


def test_a_kill_during_the_rollout_by_hand(tmp_path: Path) -> None:
    before = written()
    _killed_in_the_rollout(tmp_path, strategy="Rolling", image=NOWHERE, egress_proxy=PROXY, on_failure="rollback")
    assert written() != before
    good(tmp_path, state="rolled_back")
    assert written() == before


def test_away_and_nothing_is_left(tmp_path: Path) -> None:
    """The pod has all that was made for it; then nothing of it is left."""
    authority = (sandbox.STATE / "s3/ca.crt").read_text(encoding="utf-8")
    good(tmp_path, strategy="Rolling", egress_proxy=PROXY, extra_ca={"content": authority})
    name = next(pod["metadata"]["name"] for pod in pods() if "deletionTimestamp" not in pod["metadata"])
    inside = ("exec", "-n", "default", name, "-c", "registry", "--")
    variables = dict(line.partition("=")[::2] for line in sandbox.kubectl(*inside, "env").splitlines())
    assert "172.30.0.1" in variables["NO_PROXY"].split(",")  # the API server's address, which the kubelet filled in
    assert variables["HTTP_PROXY"] == PROXY["http"]
    assert sandbox.kubectl(*inside, "cat", "/etc/ssl/certs/okd-registry-extra-ca.crt") == authority
    good(tmp_path, state="absent")
    assert {key for key in written() if not key.startswith("PersistentVolumeClaim/")} == set()
    assert sandbox.objects("services", "-n", "default", "--field-selector=metadata.name=registry-claim") == []
    assert "PersistentVolumeClaim/registry-claim" in written()

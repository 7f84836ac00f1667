# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in pods, and pods that live for a moment, on real kubelets."""

from __future__ import annotations

import hashlib
import os
import resource
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sandbox
from ansible_collections.okd.registry.plugins.module_utils import _exec, _helper
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper, Volume
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    InvalidError,
    NotFoundError,
    RefusedError,
    RegistryError,
    UnreachableError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._helper import Running
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect

IMAGE = "openshift3/ose-docker-registry:v3"
SHELL = ("sleep", "600")
PROTOCOLS = pytest.mark.parametrize("protocols", [(_exec.V5,), (_exec.V4,)], ids=["v5", "v4"])


@pytest.fixture(scope="module")
def api() -> Api:
    """The cluster's administrator."""
    return Api(lambda: connect({"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}))


@pytest.fixture(scope="module")
def namespace(api: Api) -> Iterator[str]:
    """A namespace for these tests, with a service account."""
    name = f"helper-{uuid.uuid4().hex[:8]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "registry", "namespace": name}})
    yield name
    api.delete(ObjectRef("v1", "Namespace", name))


@pytest.fixture(scope="module")
def workload(namespace: str) -> dict[str, Any]:
    """A registry's Deployment, of which only the template counts."""
    container = {
        "name": "registry",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "securityContext": {"runAsUser": 1001, "runAsGroup": 0},
    }
    spec = {
        "serviceAccountName": "registry",
        "securityContext": {"supplementalGroups": [5555], "fsGroup": 7777},
        "nodeSelector": {"kubernetes.io/hostname": "node2"},
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "docker-registry", "namespace": namespace},
        "spec": {"template": {"spec": spec}},
    }


@pytest.fixture(scope="module")
def shell(api: Api, namespace: str, workload: dict[str, Any]) -> Iterator[Running]:
    """A helper to run commands in, with two volumes of its own."""
    volumes = (Volume("/one", {"emptyDir": {}}), Volume("/two", {"emptyDir": {}}))
    with _helper.running(api, Helper("docker-registry", namespace, "shell", SHELL, volumes), workload) as found:
        yield found


def run(api: Api, pod: Running, *command: str, **options: Any) -> tuple[bytes, _exec.Ended]:
    with api.exec(pod.namespace, pod.pod, pod.container, command, **options) as running:
        output = b"".join(running)
        return output, running.ended


def test_output_exit_code_and_standard_error(api: Api, shell: Running) -> None:
    assert run(api, shell, "sh", "-c", "printf 'a\\377\\000b'; echo no >&2; exit 3") == (
        b"a\xff\x00b",
        _exec.Ended(3, "no\n"),
    )


def test_it_is_who_the_registry_is(api: Api, shell: Running) -> None:
    output, _ended = run(api, shell, "sh", "-c", "id -u; id -g; id -G; ls /var/run/secrets/kubernetes.io 2>&1")
    user, group, groups, token = output.decode().splitlines()[:4]
    assert (user, group) == ("1001", "0")
    assert {"5555", "7777"} <= set(groups.split())
    assert "No such file" in token
    assert shell.node == "node2"


@PROTOCOLS
@pytest.mark.parametrize("size", [0, 1, 3 * 1024, 100_000, 3_000_001])
def test_input_comes_back_as_it_went(
    api: Api, shell: Running, protocols: tuple[str, ...], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exec, "INPUT_PROTOCOLS", protocols)
    data = os.urandom(size)
    output, ended = run(api, shell, "cat", stdin=[data[: size // 3], b"", data[size // 3 :]], timeout=20)
    assert output == data
    assert ended.code == 0


@PROTOCOLS
def test_a_command_need_not_read_its_input(
    api: Api, shell: Running, protocols: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exec, "INPUT_PROTOCOLS", protocols)
    output, ended = run(api, shell, "head", "-c", "4", stdin=(b"abcd" * 10_000 for _ in range(50)), timeout=20)
    assert (output, ended.code) == (b"abcd", 0)


@PROTOCOLS
def test_a_tar_goes_from_one_command_to_another_in_constant_memory(
    api: Api, shell: Running, protocols: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exec, "INPUT_PROTOCOLS", protocols)
    size = 100 * 1024 * 1024
    make = f"mkdir -p /one/d && head -c {size} /dev/urandom >/one/d/f && rm -rf /two/d && md5sum </one/d/f"
    before, ended = run(api, shell, "sh", "-c", make, timeout=30)
    assert ended == _exec.Ended(0, "")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        api.exec(shell.namespace, shell.pod, shell.container, ["tar", "-C", "/one", "-cf", "-", "."]) as source,
        api.exec(shell.namespace, shell.pod, shell.container, ["tar", "-C", "/two", "-xf", "-"], stdin=source) as sink,
    ):
        sink.check()
        source.check()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 16 * 1024  # kB
    assert run(api, shell, "sh", "-c", "md5sum </two/d/f")[0] == before


def test_a_broken_source_breaks_the_sink(api: Api, shell: Running) -> None:
    slow = ["sh", "-c", "echo x; sleep 30"]
    with (
        api.exec(shell.namespace, shell.pod, shell.container, slow, timeout=2) as source,
        api.exec(shell.namespace, shell.pod, shell.container, ["cat"], stdin=source) as sink,
        pytest.raises(UnreachableError, match="nothing came or went for 2 s"),
    ):
        sink.finish()


@pytest.mark.parametrize(
    ("command", "said"),
    [(["nosuch"], "No command could be run in Pod .*nosuch"), (["sh", "-c", "echo no >&2; exit 9"], "exit code 9: no")],
)
def test_what_did_not_work(api: Api, shell: Running, command: list[str], said: str) -> None:
    with (
        api.exec(shell.namespace, shell.pod, shell.container, command) as running,
        pytest.raises(ExecError, match=said),
    ):
        running.check()


def test_no_such_pod_or_container(api: Api, shell: Running) -> None:
    with pytest.raises(NotFoundError, match=r'create pods/exec of Pod .*"nosuch" not found'):
        api.exec(shell.namespace, "nosuch", None, ["ls"])
    with pytest.raises(InvalidError, match="container nosuch is not valid"):
        api.exec(shell.namespace, shell.pod, "nosuch", ["ls"])


# ---- helpers -----------------------------------------------------------------------------------------------------


def leftovers(api: Api, namespace: str, name: str) -> list[str]:
    found = api.list("v1", "Pod", namespace) + api.list("batch/v1", "Job", namespace)
    return [o["metadata"]["name"] for o in found if o["metadata"]["name"].startswith(name)]


def test_one_that_ends(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    helper = Helper("docker-registry", namespace, "ends", ("sh", "-c", "echo out; echo err >&2; exit 4"))
    found = _helper.run(api, helper, workload)
    assert (found.code, sorted(found.log.split()), found.node) == (4, ["err", "out"], "node2")
    assert leftovers(api, namespace, helper.name) == []


def test_one_that_a_killed_run_left_behind_is_replaced(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    helper = Helper("docker-registry", namespace, "left", SHELL)
    left = _helper.running(api, helper, workload)
    first = left.__enter__()  # and nobody ever leaves
    with _helper.running(api, helper, workload) as second:
        assert second.pod != first.pod
        pods = [p["metadata"]["name"] for p in api.list("v1", "Pod", namespace)]
        assert second.pod in pods
        assert first.pod not in pods
    assert leftovers(api, namespace, helper.name) == []


def test_it_goes_when_its_user_fails(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    helper = Helper("docker-registry", namespace, "fails", SHELL)
    with pytest.raises(ZeroDivisionError), _helper.running(api, helper, workload):
        raise ZeroDivisionError
    assert leftovers(api, namespace, helper.name) == []


def test_somebody_elses_job_stays(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    helper = Helper("docker-registry", namespace, "theirs", SHELL)
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": IMAGE, "command": ["true"]}]}
    api.create(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": helper.name, "namespace": namespace},
            "spec": {"suspend": True, "template": {"spec": pod}},
        }
    )
    with pytest.raises(RefusedError, match=r"was not made by okd\.registry"), _helper.running(api, helper, workload):
        pass
    live = api.get(helper.ref)
    assert live is not None
    assert "deletionTimestamp" not in live["metadata"]


@pytest.mark.parametrize(
    ("purpose", "change", "category", "said"),
    [
        ("image", {"image": "sandbox/nosuch:1"}, "image", "nosuch"),
        ("program", {"command": ("nosuch",)}, "crash", "nosuch"),
        ("volume", {"volumes": (Volume("/v", {"nfs": {"server": "nfs.sandbox.test", "path": "/exports/nosuch"}}),)},
         "mount", "access denied by server"),
        ("claim", {"volumes": (Volume("/v", {"persistentVolumeClaim": {"claimName": "nosuch"}}),)},
         "schedule", 'persistentvolumeclaim "nosuch" not found'),
    ],
)  # fmt: skip
def test_why_one_does_not_run(
    api: Api, namespace: str, workload: dict[str, Any], purpose: str, change: dict[str, Any], category: str, said: str
) -> None:
    helper = replace(Helper("docker-registry", namespace, purpose, SHELL), **change)
    start = time.monotonic()
    with pytest.raises(WaitError, match=said) as raised, _helper.running(api, helper, workload):
        pass
    assert raised.value.details["category"] == category
    assert time.monotonic() - start < 120
    assert leftovers(api, namespace, helper.name) == []


def test_one_that_a_quota_refuses(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": {"hard": {"pods": "0"}},
    }
    api.create(quota)
    helper = Helper("docker-registry", namespace, "quota", SHELL)
    try:
        with pytest.raises(WaitError, match="exceeded quota"), _helper.running(api, helper, workload):
            pass
    finally:
        api.delete(ObjectRef.of(quota))
    assert leftovers(api, namespace, helper.name) == []


def test_one_that_outlives_its_time_is_ended(api: Api, namespace: str, workload: dict[str, Any]) -> None:
    helper = Helper("docker-registry", namespace, "late", SHELL, seconds=3)
    with pytest.raises(RegistryError, match="did not end by itself: DeadlineExceeded"):
        _helper.run(api, helper, workload)


def test_hash_of_what_went_through_is_that_of_what_came(api: Api, shell: Running) -> None:
    pieces = [os.urandom(70_000) for _ in range(40)]
    output, _ended = run(api, shell, "md5sum", stdin=iter(pieces))
    assert output.split()[0].decode() == hashlib.md5(b"".join(pieces), usedforsecurity=False).hexdigest()

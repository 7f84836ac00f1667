# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's container on a node, found and looked into by a container engine's client; the clients are scripts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import storagelook, storagereport
from ansible_collections.okd.registry.plugins.modules import registry_storage_info

Call = Callable[..., dict[str, Any]]
LAYER = "c" * 64
PS = """\
8888 mine_registry_docker-registry-1-zzzzz_default_0f3a_0
1111 k8s_registry.8b2f_docker-registry-1-cpty9_default_0f3a_0
2222 k8s_POD.1_docker-registry-1-cpty9_default_0f3a_0
3333 k8s_registry_docker-registry-1-abcde_other_0f3a_0
4444 k8s_deployment_docker-registry-1-deploy_default_0f3a_0
5555 k8s_registry_docker-registry-two-1-abcde_default_0f3a_0
6666 k8s_registry_docker-registry-1-deploy_default_0f3a_0
7777 some_other
"""


def labels(pod: str, *, name: str = "registry", namespace: str = "default") -> dict[str, str]:
    prefix = "io.kubernetes"
    return {f"{prefix}.container.name": name, f"{prefix}.pod.name": pod, f"{prefix}.pod.namespace": namespace}


class Host:
    """A host with a storage and with clients."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.bin, self.calls = top / "registry", top / "bin", top / "calls"
        self.bin.mkdir()
        for path in ("v2/blobs/sha256/cc/" + LAYER + "/data", f"v2/repositories/p/a/_layers/sha256/{LAYER}/link"):
            place = self.root / "docker/registry" / path
            place.parent.mkdir(parents=True)
            place.write_text("sha256:" + LAYER)
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")

    def client(self, name: str, listed: str, *, run: str = 'shift 2; exec "$@"') -> None:
        """Put a client there: what its ps prints, and what its exec does."""
        (self.bin / f"{name}.ps").write_text(listed)
        script = self.bin / name
        script.write_text(
            f'#!/bin/sh\necho "{name} $1 $2" >> {self.calls}\n'
            f"case $1 in ps) exec cat {self.bin}/{name}.ps;; exec) {run};;\n"
            f'inspect) for it; do :; done; echo "no $it" >&2; grep -q "$it" {self.bin}/{name}.ps;; esac\n'
        )  # fmt: skip
        script.chmod(0o755)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host on which only the clients of a test are found."""
    monkeypatch.setattr(storagelook.shutil, "which", lambda name: (tmp_path / "bin" / name).exists() or None)
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def call(run_module: Call, host: Host) -> Call:
    def run(**options: Any) -> dict[str, Any]:
        return run_module(registry_storage_info, {"root": str(host.root), **options})

    return run


@pytest.mark.parametrize("check", [False, True])
def test_docker_of_the_node(host: Host, run_module: Call, check: bool) -> None:
    host.client("docker", PS)
    result = run_module(registry_storage_info, {"runtime": "auto", "root": str(host.root)}, check=check)
    assert {name: result[name] for name in ("changed", "via", "pod", "container", "root", "complete")} == {
        "changed": False, "via": "docker", "pod": "docker-registry-1-cpty9", "container": "1111",
        "root": str(host.root),
        "complete": True,
    }  # fmt: skip
    assert (result["totals"]["layers"], result["totals"]["bytes"]) == (1, 71)
    assert host.called() == ["docker ps --no-trunc", "docker exec 1111"]


def test_crictl_where_docker_has_none(host: Host, call: Call) -> None:
    listed = [
        {"id": "aa", "labels": labels("docker-registry-7d9f8b6c5d-x2x4z", name="POD")},
        {"id": "bb", "labels": labels("docker-registry-7d9f8b6c5d-x2x4z", namespace="other")},
        {"id": "cc", "labels": labels("docker-registry-7d9f8b6c5d-x2x4z")},
    ]
    host.client("docker", "")
    host.client("crictl", json.dumps({"containers": listed}))
    result = call(runtime="auto")
    assert (result["via"], result["container"], result["totals"]["blobs"]) == ("crictl", "cc", 1)


def test_a_container_that_is_named_is_not_looked_for(host: Host, call: Call) -> None:
    host.client("docker", "")
    result = call(container="my-registry")
    assert (result["via"], result["container"], result["pod"]) == ("docker", "my-registry", None)
    assert host.called() == ["docker exec my-registry"]


@pytest.mark.parametrize("whose", ["docker", "crictl"])
def test_a_container_that_is_named_is_looked_for_with_each_client(host: Host, call: Call, whose: str) -> None:
    for name in ("docker", "crictl"):
        host.client(name, "9f0c some" if name == whose else "")
    result = call(container="9f0c")
    assert (result["via"], result["container"], result["totals"]["blobs"]) == (whose, "9f0c", 1)
    assert host.called()[0] == "docker inspect --type"
    missing = call(container="77")
    assert missing["failed"]
    assert missing["msg"] == (
        "container: neither docker nor crictl has 77 on this host. docker inspect: no 77. crictl inspect: no 77."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": -1}, "limit: -1 is less than 0."),
        ({"stale_after": -1}, "stale_after: -1 is less than 0."),
        ({"timeout": 0}, "timeout: 0 is less than 1."),
    ],
)
@pytest.mark.parametrize("way", [{"path": "/"}, {"runtime": "auto"}, {}])
def test_numbers_that_say_nothing_are_refused(
    host: Host, run_module: Call, options: dict[str, Any], way: dict[str, Any], said: str
) -> None:
    host.client("docker", PS)
    result = run_module(registry_storage_info, {**way, **options})
    assert (result["failed"], result["msg"]) == (True, said)
    assert not host.calls.exists()


def test_the_lists_may_be_left_out(host: Host, run_module: Call) -> None:
    place = host.root / "docker/registry/v2/repositories/p/a/_manifests/tags/1"
    place.mkdir(parents=True)
    result = run_module(registry_storage_info, {"path": str(host.root), "limit": 0})
    assert (result["totals"]["broken"], result["broken"], result["repositories"][0]["tagged"]) == (1, [], [])


def test_the_registry_asked_for_is_the_one_looked_into(host: Host, call: Call) -> None:
    host.client("docker", PS)
    assert call(runtime="docker", name="docker-registry-two")["container"] == "5555"
    assert call(runtime="docker", namespace="other")["container"] == "3333"


@pytest.mark.parametrize(
    ("pod", "is_one"),
    [
        ("r-1-ab12z", True),
        ("r-7d9f8b6c5d-x2x4z", True),
        ("r-x2x4z", True),
        ("r-1-deploy", False),
        ("r-1-hook-post", False),
        ("r", False),
        ("xr-1-ab12z", False),
        ("r-two-1-ab12z", False),
    ],
)
def test_which_pods_are_the_registry_s(host: Host, pod: str, is_one: bool) -> None:
    host.client("docker", f"1 k8s_registry_{pod}_default_u_0\n")
    assert bool(storagelook.containers("docker", "r", "default")) == is_one


@pytest.mark.parametrize(
    ("clients", "options", "said"),
    [
        ({}, {"runtime": "auto"}, "there is no docker nor crictl on this host"),
        ({"docker": PS}, {"runtime": "crictl"}, "there is no crictl on this host"),
        ({"docker": ""}, {"runtime": "auto"}, "No container of registry default/docker-registry runs on this host"),
        ({"crictl": "no json"}, {"runtime": "auto"}, "crictl ps printed what cannot be read"),
        ({"crictl": "[]"}, {"runtime": "auto"}, "crictl ps printed what cannot be read"),
        ({}, {"path": "/x", "container": "c"}, "mutually exclusive"),
        ({}, {"path": "/x", "runtime": "auto"}, "mutually exclusive"),
    ],
)
def test_what_is_not_there_is_said(
    host: Host, run_module: Call, clients: dict[str, str], options: dict[str, Any], said: str
) -> None:
    for name, listed in clients.items():
        host.client(name, listed)
    result = run_module(registry_storage_info, options)
    assert result["failed"]
    assert said in result["msg"]


def test_a_client_that_fails_is_quoted(host: Host, call: Call) -> None:
    host.client("docker", "")
    (host.bin / "docker").write_text("#!/bin/sh\necho Cannot connect to the Docker daemon >&2; exit 1\n")
    assert "docker ps failed on this host: Cannot connect to the Docker daemon." in call(runtime="docker")["msg"]


def test_an_image_without_a_shell_is_named(host: Host, call: Call) -> None:
    host.client("docker", PS, run="echo 'exec: \"sh\": executable file not found in $PATH' >&2; exit 126")
    result = call(runtime="docker")
    assert result["msg"].startswith("The storage cannot be listed in container 1111 (docker exec): exec:")
    assert "takes sh, find, stat, xargs, sed, tr, grep and date there" in result["msg"]


def test_a_root_directory_that_is_not_there(host: Host, call: Call) -> None:
    host.client("docker", PS)
    assert call(runtime="docker", root="/nosuch")["msg"].startswith("root: /nosuch cannot be entered in container 1111")


def test_a_listing_has_its_time(host: Host) -> None:
    host.client("docker", PS, run="exec sleep 30")
    began = time.monotonic()
    with pytest.raises(storagelook.NodeError, match=r"longer than 0.2 s \(option timeout\)"):
        storagelook.look(storagelook.InContainer("docker", "1111", str(host.root), 0.2), storagereport.Options(1, 1))
    assert time.monotonic() - began < 10


def test_a_mounted_directory(host: Host, run_module: Call) -> None:
    result = run_module(registry_storage_info, {"path": str(host.root)})
    assert {name: result[name] for name in ("via", "pod", "container", "root")} == {
        "via": "path", "pod": None, "container": None, "root": str(host.root),
    }  # fmt: skip
    assert result["totals"]["blobs"] == 1
    assert "api_requests" not in result


def test_a_directory_of_no_registry_is_said_to_be_one(tmp_path: Path, run_module: Call) -> None:
    result = run_module(registry_storage_info, {"path": str(tmp_path)})
    assert (result["complete"], result["totals"]["blobs"]) == (False, 0)
    assert f"There is no docker/registry/v2 in {tmp_path}" in result["reason"]
    missing = run_module(registry_storage_info, {"path": str(tmp_path / "nosuch")})
    assert missing["failed"]
    assert "there is no directory" in missing["msg"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_storage_info from the cluster's side: which pod, which directory, what comes where exec is refused."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _storageinfo
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecRefusedError,
    RefusedError,
    RegistryError,
    ServerError,
    UnreachableError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._exec import Ended
from ansible_collections.okd.registry.plugins.module_utils._node import storagelook

DIGEST = "d" * 64
LISTING = (
    "@time\n1800000000\n@blobs\n"
    f"f 5 1800000000 ./sha256/dd/{DIGEST}/data\n"
    f"@repositories\n./p\n./p/_layers\nf 71 1800000000 ./p/_layers/sha256/{DIGEST}/link\n"
    f"f 71 1800000000 ./p/_layers/sha256/{'e' * 64}/link\n@said\n@other\n@end\n"
)


class Cluster:
    """A cluster with one registry; commands in its pods are kept."""

    def __init__(self, *, phase: str = "Running", env: dict[str, str] | None = None, refuses: Exception | None = None):
        self.commands: list[list[str]] = []
        self.warnings: list[str] = []
        self.down: str | None = None
        self.container = "registry"
        self.there: list[str] = []
        self.refuses = refuses
        self.output, self.ended = LISTING.encode(), Ended(0, "")
        container = {"name": "registry", "image": "x", "env": [{"name": k, "value": v} for k, v in (env or {}).items()]}
        self.workload: dict[str, Any] | None = {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "docker-registry", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"docker-registry": "default"}},
                     "template": {"spec": {"containers": [container]}}},
        }  # fmt: skip
        self.pod = {
            "metadata": {"name": "docker-registry-1-cpty9", "namespace": "default"},
            "spec": {"nodeName": "node1"}, "status": {"phase": phase},
        }  # fmt: skip

    def has(self, group: str) -> bool:
        return group == "apps.openshift.io" and self.down is not None

    def get(self, ref: Any) -> Any:
        if ref.kind == self.down:
            raise ServerError(f"{ref} cannot be read: 503.")
        return self.workload if ref.kind == "Deployment" else None

    def list(self, *_args: Any, **_options: Any) -> list[dict[str, Any]]:
        return [self.pod]

    def counts(self) -> dict[str, int]:
        return {"get": 3}

    def exec(self, namespace: str, pod: str, container: str, command: list[str], **_options: Any) -> Any:
        assert (namespace, pod, container) == ("default", "docker-registry-1-cpty9", self.container)
        if self.refuses:
            raise self.refuses
        self.commands.append(command)
        output = self.output if "@time" in command[2] else "".join(f"{path}\n" for path in self.there).encode()
        return _Running(output, self.ended)


class _Running:
    def __init__(self, output: bytes, ended: Ended) -> None:
        self._output, self.ended = output, ended

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *_exc: object) -> None: ...

    def __iter__(self) -> Iterator[bytes]:
        return iter([self._output[:50], self._output[50:]])


def look(cluster: Cluster, **options: Any) -> dict[str, Any]:
    params = {
        "name": "docker-registry", "namespace": "default", "root": None, "timeout": 60, "stale_after": 9, "limit": 9,
        **options,
    }  # fmt: skip
    module = SimpleNamespace(params=params, warn=cluster.warnings.append)
    return _storageinfo.execute(module, cluster)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """No container engine on this host."""
    monkeypatch.setattr(storagelook, "installed", lambda _wanted: [])


def test_by_exec_in_the_pod() -> None:
    cluster = Cluster()
    result = look(cluster)
    where = ("changed", "via", "pod", "node", "container", "root", "complete", "api_requests")
    assert {name: result[name] for name in where} == {
        "changed": False, "via": "exec", "pod": "docker-registry-1-cpty9", "node": "node1", "container": "registry",
        "root": "/registry", "complete": True, "api_requests": {"get": 3},
    }  # fmt: skip
    assert (result["totals"]["layers"], result["totals"]["blobs"], result["totals"]["broken"]) == (2, 1, 1)
    assert cluster.commands[1][4:] == ["/registry", f"blobs/sha256/ee/{'e' * 64}/data"]


def test_what_came_meanwhile_is_asked_for_again() -> None:
    cluster = Cluster()
    cluster.there = [f"blobs/sha256/ee/{'e' * 64}/data"]
    assert look(cluster)["totals"]["broken"] == 0


@pytest.mark.parametrize(
    ("env", "options", "root"),
    [
        ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/data/"}, {}, "/data"),
        ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/data/"}, {"root": "/other"}, "/other"),
    ],
)
def test_the_directory_is_the_registry_s_own(env: dict[str, str], options: dict[str, Any], root: str) -> None:
    cluster = Cluster(env=env)
    assert look(cluster, **options)["root"] == root
    assert cluster.commands[0][4] == root


REFUSED = ExecRefusedError("pods is forbidden: cannot exec into a privileged container.", status=403)


def test_where_exec_is_refused_the_answer_says_where_to_look() -> None:
    with pytest.raises(RegistryError, match=r"container\. Run this module on node node1 with runtime=auto") as e:
        look(Cluster(refuses=REFUSED))
    assert (e.value.details["node"], e.value.details["pod"]) == ("node1", "docker-registry-1-cpty9")


@pytest.mark.parametrize(("pod", "taken"), [("docker-registry-1-cpty9", True), ("docker-registry-1-other", False)])
def test_where_exec_is_refused_this_host_s_engine_is_asked(
    pod: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Local:
        def __init__(self, *args: Any) -> None:
            assert args == ("docker", "1111", "/registry", 60)

        def feed(self, walk: Any) -> None:
            walk.feed(LISTING.encode())

        def recheck(self, _paths: list[str]) -> set[str]:
            return set()

    monkeypatch.setattr(storagelook, "installed", lambda _wanted: ["docker"])
    monkeypatch.setattr(storagelook, "containers", lambda *_args: [storagelook.Container("1111", pod)])
    monkeypatch.setattr(storagelook, "InContainer", Local)
    if taken:
        result = look(Cluster(refuses=REFUSED))
        assert (result["via"], result["container"], result["node"]) == ("docker", "1111", "node1")
        assert result["totals"]["layers"] == 2
    else:
        with pytest.raises(RegistryError, match="Run this module on node node1"):
            look(Cluster(refuses=REFUSED))


@pytest.mark.parametrize("listed", [0, 60, len(LISTING)])
def test_a_connection_that_breaks_is_no_end_of_the_list(listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it a reason to look elsewhere: the container is in reach."""

    def broken(self: _Running) -> Iterator[bytes]:
        yield self._output[:listed]
        raise UnreachableError("The connection to the command in Pod default/x broke off before its end.")

    monkeypatch.setattr(_Running, "__iter__", broken)
    with pytest.raises(RegistryError, match=r"broke off .* run it again\. Run this module on node node1 with") as e:
        look(Cluster())
    assert e.value.details["via"] is None


def test_an_image_without_a_shell_counts_as_refused() -> None:
    cluster = Cluster()
    cluster.output, cluster.ended = b"", Ended(127, "sh: find: not found")
    with pytest.raises(RegistryError, match=r"find: not found\. That takes sh, .* Run this module on node node1"):
        look(cluster)


def test_a_root_directory_that_is_not_there_is_no_reason_to_go_elsewhere() -> None:
    cluster = Cluster()
    cluster.output, cluster.ended = b"", Ended(3, "sh: cd: can't cd to /registry: No such file or directory")
    with pytest.raises(
        RegistryError, match=r"root: /registry cannot be entered in Pod default/docker-registry-1-cpty9"
    ):
        look(cluster)


def test_no_registry_no_pod_no_files() -> None:
    cluster = Cluster()
    cluster.workload = None
    with pytest.raises(RegistryError, match="There is no registry docker-registry in namespace default"):
        look(cluster)
    with pytest.raises(RegistryError, match="No pod of Deployment default/docker-registry runs"):
        look(Cluster(phase="Pending"))
    with pytest.raises(RefusedError, match="keeps its images in s3, which has no files"):
        look(Cluster(env={"REGISTRY_STORAGE_S3_BUCKET": "b", "REGISTRY_STORAGE_S3_REGION": "r"}))


def test_an_api_that_is_down_may_have_no_registry() -> None:
    cluster = Cluster()
    cluster.down = "DeploymentConfig"
    assert look(cluster)["via"] == "exec"
    assert cluster.warnings == ["DeploymentConfig default/docker-registry cannot be read: 503."]
    cluster.workload = None
    with pytest.raises(ServerError, match="503"):
        look(cluster)


def test_containers_beside_the_registry_are_no_reason_to_look_nowhere() -> None:
    cluster = Cluster()
    assert cluster.workload
    pod = cluster.workload["spec"]["template"]["spec"]
    pod["containers"] = [{"name": "proxy"}, {**pod["containers"][0], "name": "images", "env": [{"name": "REGISTRY_X"}]}]
    cluster.container = "images"
    assert look(cluster)["container"] == "images"
    assert "images is taken for it" in cluster.warnings[0]


def test_a_listing_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 1000, 40))
    monkeypatch.setattr(_storageinfo.time, "monotonic", lambda: next(times))
    with pytest.raises(WaitError, match=r"took longer than 60 s \(option timeout\)"):
        look(Cluster())

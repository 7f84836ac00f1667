# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof by use against the sandbox's registry, with users and rights of a real API server, where no docker is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.right import Right
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._node import (
    check,
    checkpick,
    checktools,
    checkway,
    files,
    v2,
)
from ansible_collections.okd.registry.tests.api import registries, users
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority

pytestmark = pytest.mark.cluster
ALL = ["resolve", "tls", "v2", "login", "push", "monolithic", "chunked", "refused", "pull_tag", "pull"]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA of the registry."""
    return Authority("registry CA", tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def api(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Where the registry asks who somebody is."""
    return registries.api_of(kubeconfig, tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def registry(
    authority: Authority, api: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[registries.Registry]:
    """A registry with TLS."""
    certificate = authority.server("127.0.0.1", "localhost", registries.own_address())
    with registries.running(tmp_path_factory.mktemp("registry"), certificate, api) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def _alice_may_push(kubeconfig: str) -> None:
    """What a controller makes of her role in her project; none runs here."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:image-builder"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]
    meta = {"name": "alice-pushes", "namespace": "alice"}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta}
    Api(lambda: connect({"kubeconfig": kubeconfig})).create({**binding, "roleRef": role, "subjects": subjects})
    users.until_may(kubeconfig, "alice", "alice", [Right("update", "imagestreams/layers", "image.openshift.io")])


@pytest.fixture
def run(kubeconfig: str, authority: Authority, registry: registries.Registry) -> Run:
    """Gives a function that checks as the module does; alice may push to her project, bob may not."""

    def start(**options: Any) -> dict[str, Any]:
        params = {
            "endpoints": [registry.name, registry.name.replace("127.0.0.1", "localhost")], "username": "alice",
            "token": registries.token(kubeconfig, "alice"), "outsider_username": "bob",
            "outsider_token": registries.token(kubeconfig, "bob"), "project": "alice", "image": "probe", "tag": "t",
            "steps": list(check.STEPS), "timeout": 10, "ca_cert": authority.pem.decode(), "layer_size": "0",
            "chunk_size": "8MiB", "unreachable": "fail", "engine": "client", **options,
        }  # fmt: skip
        request = check.request(params)
        picked = checkpick.pick(params["engine"], files.Tree(), params["timeout"])
        job = check.Check(request, picked.way, picked.folder, checkway.Access(request))
        job.run()
        return {**job.outcome(), "failed": job.fails(["any"])}

    return start


def failed(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The steps that failed, with their reasons."""
    return [(found["step"], found["reason"]) for found in result["results"] if found["status"] == "failed"]


def test_every_step_by_every_name_and_nothing_grows(run: Run, registry: registries.Registry) -> None:
    result = run()
    assert [(found["step"], found["error"]) for found in result["results"]] == [(step, None) for step in ALL] * 2
    assert (result["not_run"], result["skipped_steps"], result["engine"]) == ([], ["trust"], "client")
    assert len({found["digest"] for found in result["results"] if found["digest"]}) == 1
    before = registry.files()
    assert run()["residue"] == result["residue"] == [f"alice/probe:t-v2@{result['results'][-1]['digest']}"]
    assert registry.files() == before
    assert not [path for path in before if "/_uploads/" in path]


def test_chunks_and_one_piece_are_what_the_registry_saw(run: Run, registry: registries.Registry) -> None:
    begun = {method: len(registry.requests(method)) for method in ("PATCH", "PUT", "POST")}
    result = run(endpoints=[registry.name], layer_size="3MiB", chunk_size="1MiB", steps=["tls", "monolithic"])
    assert failed(result) == []
    assert len(registry.requests("PATCH")) == begun["PATCH"]
    result = run(endpoints=[registry.name], layer_size="3MiB", chunk_size="1MiB", steps=["chunked"])
    assert failed(result) == []
    # two pieces of the small layer, four of the large one, which has a tar's header, too
    assert len(registry.requests("PATCH")) - begun["PATCH"] == 2 + 4
    digest = result["results"][0]["digest"].partition(":")[2]
    manifest = (registry.folder / f"registry/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == digest
    assert json.loads(manifest)["layers"][1]["size"] > 3 * 1024**2


def test_a_wrong_token_and_a_user_without_rights(run: Run, kubeconfig: str) -> None:
    assert failed(run(token="wrong")) == [("login", "unauthorized")] * 2
    result = run(token=registries.token(kubeconfig, "bob"), outsider_token=None, steps=["v2", "login", "push", "pull"])
    assert failed(result) == [("push", "denied")] * 2
    assert "may alice push and pull in the project alice" in result["msg"]
    assert [(left["step"], left["error"]) for left in result["not_run"]] == [("pull", "push did not work")] * 2


def test_a_user_who_should_be_refused_and_is_not(run: Run, kubeconfig: str) -> None:
    result = run(outsider_token=registries.token(kubeconfig, "alice"))
    assert failed(result) == [("refused", "not_refused")] * 2
    assert "may push and pull in the project alice" in result["msg"]
    result = run(outsider_token="wrong")
    assert failed(result) == [("refused", "outsider")] * 2


def test_that_somebody_may_not_pull_is_proven_by_what_this_run_has_pushed_alone(run: Run, kubeconfig: str) -> None:
    """Something else may not be there at all, and that is no refusal."""
    bob = registries.token(kubeconfig, "bob")
    never = run(steps=["v2", "refused"])
    failed_push = run(username="bob", token=bob, steps=["v2", "login", "monolithic", "refused"])
    assert failed(failed_push) == [("monolithic", "denied")] * 2
    for result in (never, failed_push):
        found = [one for one in result["results"] if one["step"] == "refused"]
        assert [(one["status"], one["reason"]) for one in found] == [("warning", "unproven")] * 2
        assert "bob may not push; whether bob may pull is not proven: no image was pushed" in result["msg"]
    for step in ("push", "monolithic", "chunked"):
        found = [one for one in run(steps=["v2", step, "refused"])["results"] if one["step"] == "refused"]
        assert [one["status"] for one in found] == ["ok"] * 2
    reader = run(steps=["v2", "monolithic", "refused"], outsider_token=registries.token(kubeconfig, "alice"))
    assert failed(reader) == [("refused", "not_refused")] * 2


def test_no_token_is_in_what_comes_out(run: Run, kubeconfig: str) -> None:
    shown = json.dumps([run(), run(project="bob"), run(outsider_token=registries.token(kubeconfig, "alice"))])
    assert not [user for user in ("alice", "bob") if registries.token(kubeconfig, user) in shown]


def test_another_ca_name_or_port_is_what_the_tls_step_says(
    run: Run, registry: registries.Registry, tmp_path: Path
) -> None:
    stranger = Authority("somebody else", tmp_path)
    assert failed(run(ca_cert=stranger.pem.decode())) == [("tls", "unknown_authority")] * 2
    assert failed(run(endpoints=[registry.name.replace("127.0.0.1", "127.0.0.2")]))[0][0] == "tls"


def test_names_that_lead_nowhere_are_said_and_do_not_fail(run: Run, registry: registries.Registry) -> None:
    nowhere = ["127.0.0.1:1", "nowhere.invalid:5000"]
    result = run(endpoints=[*nowhere, registry.name], unreachable="skip")
    assert not result["failed"]
    assert {found["endpoint"] for found in result["results"]} == {registry.name}
    assert {(left["endpoint"], left["status"]) for left in result["not_run"]} == {(n, "unreachable") for n in nowhere}
    assert "127.0.0.1:1 cannot be reached from here: connection refused" in result["msg"]
    assert run(endpoints=nowhere)["failed"]


def test_a_registry_that_sends_clients_to_http_is_named(
    run: Run, authority: Authority, api: tuple[str, str], tmp_path: Path
) -> None:
    """As behind a Route that ends TLS without saying so: the token, or the upload, is elsewhere for the client."""
    config = {"http": {"host": "http://127.0.0.1"}}
    with registries.running(tmp_path, authority.server("127.0.0.1"), api, **config) as other:
        result = run(endpoints=[other.name])
    assert ("push", "location") in failed(result)
    assert "use a passthrough Route, or set REGISTRY_HTTP_HOST" in result["msg"]


def test_blobs_that_are_elsewhere_are_fetched_there_without_the_user_s_token(
    run: Run, authority: Authority, api: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registries with S3 send clients to the bucket for blobs."""
    (tmp_path / "s3/registry").mkdir(parents=True)
    port = registries.free_port()
    settings = {"S3_DIRECTORY": str(tmp_path / "s3"), "S3_LISTEN": f"127.0.0.1:{port}"}
    settings |= {"S3_ACCESS_KEY": "access", "S3_SECRET_KEY": "secret-of-s3"}
    bucket = {
        "accesskey": "access", "secretkey": "secret-of-s3", "region": "us-east-1", "bucket": "registry",
        "regionendpoint": f"http://127.0.0.1:{port}", "forcepathstyle": True, "secure": False,
    }  # fmt: skip
    seen: list[tuple[int, bool]] = []
    send = v2._exchange

    def watched(connection: Any, method: str, target: str, body: Any, headers: dict[str, str]) -> Any:
        seen.append((connection.port, "Authorization" in headers))
        return send(connection, method, target, body, headers)

    monkeypatch.setattr(v2, "_exchange", watched)
    with (
        subprocess.Popen([registries.program("s3")], env={**os.environ, **settings}) as server,
        registries.running(tmp_path, authority.server("127.0.0.1"), api, storage={"s3": bucket}) as other,
    ):
        result = run(endpoints=[other.name], steps=["v2", "login", "push", "chunked", "pull_tag", "pull"])
        server.terminate()
    assert [found["error"] for found in result["results"] if found["error"]] == []
    assert (port, False) in seen
    assert (port, True) not in seen


@pytest.fixture
def basic(authority: Authority, api: tuple[str, str], tmp_path: Path) -> Iterator[registries.Registry]:
    """A registry that asks for a login by Basic. containerd asks others for a token by POST, which OpenShift's give to
    anonymous clients.
    """
    auth = {"openshift": {"realm": "openshift", "challenge": "basic", "server": api[0], "ca": api[1]}}
    folder = tmp_path / "basic"
    folder.mkdir()
    with registries.running(folder, authority.server(registries.own_address()), api, auth=auth) as started:
        yield started


@pytest.fixture
def containerd(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A containerd of the test's own; gives the environment in which ctr finds it."""
    address = str(tmp_path / "containerd.sock")
    config = tmp_path / "config.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n', encoding="utf-8")
    command = ["containerd", "--config", config, "--address", address]
    command += ["--root", tmp_path / "root", "--state", tmp_path / "run"]
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    environment = {"CONTAINERD_ADDRESS": address}
    for _try in range(100):
        asked = subprocess.run(["ctr", "version"], env={**os.environ, **environment}, capture_output=True, check=False)
        if not asked.returncode:
            break
        time.sleep(0.1)
    yield environment
    daemon.terminate()
    daemon.wait()


def tool(run: Run, monkeypatch: pytest.MonkeyPatch, make: Any, **options: Any) -> dict[str, Any]:
    """Checks with a tool, which is not the one that this machine's own engine would have."""
    monkeypatch.setattr(checkpick, "pick", lambda *_asked: make)
    return run(steps=["v2", "trust", "login", "push", "pull_tag", "pull"], **options)


@pytest.mark.skipif(not shutil.which("containerd") or not shutil.which("ctr"), reason="NOT CHECKED: no containerd here")
def test_ctr_pushes_and_pulls_by_the_files_of_containerd(
    run: Run, containerd: dict[str, str], authority: Authority, basic: registries.Registry,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    for name, value in containerd.items():
        monkeypatch.setenv(name, value)
    roots = tmp_path / "certs.d"

    def folder(name: str) -> str:
        return str(roots / name)

    made = checkpick.Picked(
        lambda access, context, _image: checktools.Ctr(access, context, check.Image(), 60, folder), folder
    )
    name = f"{registries.own_address()}:{basic.port}"
    result = tool(run, monkeypatch, made, endpoints=[name])
    assert failed(result) == [("trust", "unknown_authority")]
    (roots / name).mkdir(parents=True)
    (roots / name / "ca.crt").write_bytes(authority.pem)
    result = tool(run, monkeypatch, made, endpoints=[name])
    assert [found["error"] for found in result["results"] if found["error"]] == []
    assert [found["by"] for found in result["results"]][:5] == ["host", "host", "client", "containerd", "containerd"]
    assert (result["leftovers"], result["engine"]) == ([], "containerd")
    listed = subprocess.run(["ctr", "namespaces", "ls", "-q"], capture_output=True, text=True, check=True)
    assert checktools.NAMESPACE not in listed.stdout
    result = tool(run, monkeypatch, made, endpoints=[name], project="bob")
    assert failed(result) == [("push", "denied")]


@pytest.mark.parametrize("name", ["skopeo", "podman"])
def test_podman_s_tools_push_and_pull(
    run: Run, kubeconfig: str, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    if not shutil.which(name):
        pytest.skip(f"NOT CHECKED: no {name} here")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    made = checkpick.Picked(
        lambda access, context, _image: checktools.TOOLS[name](access, context, check.Image(), 60), lambda _name: ""
    )
    result = tool(run, monkeypatch, made)
    assert [(found["step"], found["error"]) for found in result["results"] if found["error"]] == []
    assert [found["by"] for found in result["results"] if found["step"] == "pull"] == [name] * 2
    assert result["leftovers"] == []
    result = tool(run, monkeypatch, made, project="bob")
    assert failed(result) == [("push", "denied")] * 2
    assert registries.token(kubeconfig, "alice") not in json.dumps(result)


def test_plain_http_is_told_from_no_answer(run: Run, api: tuple[str, str], tmp_path: Path) -> None:
    with registries.running(tmp_path, None, api) as other:
        assert failed(run(endpoints=[other.name])) == [("tls", "plain_http")]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof by use, against a dockerd of answers that keeps images as docker does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import (
    check,
    checkdocker,
    checkway,
    engine,
    probe_image,
)
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError

STEPS = ["tls", "v2", "login", "push", "pull"]  # docker's own, and what goes before
TOKEN = "sha256~s3cret/+token"
DIGEST = "sha256:" + "12" * 32
IMAGE = probe_image.build()


class Images:
    """dockerd's image store and what it does with a registry, as far as the check uses it."""

    def __init__(self) -> None:
        """Begin without images; faults: (part of a request, status, message or stream) that answers instead."""
        self.names: dict[str, str] = {}
        self.faults: list[tuple[str, int, Any]] = []
        self.logins: list[Any] = []
        self.pulled = DIGEST
        self.info: dict[str, Any] = {}

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        name = unquote(parts.path)
        for part, status, sent in self.faults:
            if part in f"{method} {name}":
                return status, sent
        if "X-Registry-Auth" in headers:
            self.logins.append(json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"])))
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        what = next((word for word in ("/auth", "load", "tag", "push", "create") if name.endswith(word)), method)
        handler = {"/auth": self._auth, "load": self._load, "create": self._create}.get(what)
        if handler is not None:
            return handler(query, body)
        if name == "/info":
            return 200, self.info
        name = name[len("/images/") :]
        return {"tag": self._tag, "push": self._push, "DELETE": self._delete, "GET": self._inspect}[what](name, query)

    def _auth(self, _query: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.logins.append(json.loads(body))
        return 200, {"Status": "Login Succeeded", "IdentityToken": "never to be seen"}

    def _load(self, _query: dict[str, str], body: bytes) -> tuple[int, Any]:
        assert body == IMAGE.archive
        self.names[IMAGE.image_id] = IMAGE.image_id
        return 200, b'{"stream":"Loaded image ID"}'

    def _create(self, query: dict[str, str], _body: bytes) -> tuple[int, Any]:
        self.names["{fromImage}@{tag}".format(**query)] = IMAGE.image_id
        return 200, b'{"status":"Pulled"}'

    def _tag(self, name: str, query: dict[str, str]) -> tuple[int, Any]:
        self.names["{repo}:{tag}".format(**query)] = self.names[name[: -len("/tag")]]
        return 201, b""

    def _push(self, name: str, query: dict[str, str]) -> tuple[int, Any]:
        if f"{name[: -len('/push')]}:{query['tag']}" not in self.names:
            return 404, {"message": "An image does not exist locally with the tag"}
        return 200, {"aux": {"Tag": query["tag"], "Digest": DIGEST, "Size": 1}}

    def _delete(self, name: str, _query: dict[str, str]) -> tuple[int, Any]:
        return (200, []) if self.names.pop(name, None) else (404, {"message": "No such image"})

    def _inspect(self, name: str, _query: dict[str, str]) -> tuple[int, Any]:
        return 200, {"Id": IMAGE.image_id, "RepoDigests": [f"{name.partition('@')[0]}@{self.pulled}"]}


Run = Callable[..., check.Check]


@pytest.mark.parametrize("option", ["username", "outsider_username"])
def test_a_name_that_a_login_would_cut_off_is_refused(run: Run, option: str) -> None:
    with pytest.raises(RefusedError, match=rf"{option}: system:x has a colon, .* say system-x"):
        run(**{option: "system:x"})


def results(job: check.Check) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.outcome()["results"]
    return found


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def run(dockerd: Any, serve: Any, authority: Any, images: Images) -> Run:
    """Give a function that runs the check on two names of one registry."""
    names = [serve(authority.server("127.0.0.1")), serve(authority.server("localhost"), host="localhost")]

    def start(certs_d: Path | None = None, **options: Any) -> check.Check:
        params = {
            "endpoints": names, "username": "alice", "token": TOKEN, "project": "test", "image": "probe", "tag": "t",
            "steps": STEPS, "timeout": 5, "ca_cert": authority.pem.decode(), "outsider_username": "bob",
            "outsider_token": None, "layer_size": "0", "chunk_size": "8MiB", "unreachable": "fail", **options,
        }  # fmt: skip
        request, socket = check.request(params), engine.Engine(dockerd(images).path)
        job = check.Check(
            request,
            lambda access, _context, _image: checkdocker.Docker(access, socket),
            lambda _name: str(certs_d) if certs_d else "",
            checkway.Access(request),
        )
        job.run()
        return job

    return start


def test_the_certificate_of_a_router_is_held_against_the_routers_ca(
    run: Run, serve: Any, stranger: Any, authority: Any
) -> None:
    """Neither CA speaks for the other's names."""
    router = serve(stranger.server("localhost"), host="localhost")

    def faults(name: str = router, **options: Any) -> dict[str, str]:
        job = run(router_endpoints=[name], steps=["resolve", "tls", "v2", "trust"], **options)
        return {found["endpoint"]: found["error"] for found in results(job) if not found["ok"]}

    assert faults(router_ca_cert=stranger.pem.decode()) == {}
    for options in ({}, {"router_ca_cert": authority.pem.decode()}):
        (error,) = faults(**options).values()
        assert error.startswith(router)
        assert "registry_route_ca_cert_path" in error
    other = serve(stranger.server("elsewhere.example"), host="localhost")
    (error,) = faults(other, router_ca_cert=stranger.pem.decode()).values()
    assert "give the Route one that does" in error


def test_every_step_by_every_name_and_nothing_stays_in_the_nodes_docker(run: Run, images: Images) -> None:
    job = run()
    assert [(found["step"], found["ok"], found["error"]) for found in results(job)] == [
        (step, True, None) for _name in range(2) for step in STEPS
    ]
    assert {found["digest"] for found in results(job) if found["step"] in ("push", "pull")} == {DIGEST}
    assert job.outcome()["residue"] == [f"test/probe:t@{DIGEST}"]
    assert job.outcome()["leftovers"] == []
    assert images.names == {}
    assert not job.fails(["any"])


def test_the_token_is_in_nothing_that_comes_out(run: Run, images: Images) -> None:
    in_base64 = base64.b64encode(TOKEN.encode()).decode()
    images.faults = [("/push", 500, {"message": f"bad header {in_base64}, {TOKEN}, {json.dumps(TOKEN)}"})]
    job = run()
    shown = json.dumps(job.outcome())
    assert "bad header ********" in shown
    assert TOKEN not in shown
    assert in_base64 not in shown
    assert "never to be seen" not in shown
    assert {(login["username"], login["password"]) for login in images.logins} == {("alice", TOKEN)}


def test_a_token_from_a_file_is_used_without_the_line_s_end(run: Run, images: Images) -> None:
    run(token=TOKEN + "\r\n")
    assert {login["password"] for login in images.logins} == {TOKEN}
    with pytest.raises(RefusedError, match=r"^token: holds the end of a line") as refused:
        run(token=TOKEN + "\nx")
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "step", "said"),
    [
        (
            ("POST /auth", 401, {"message": "Get x: unauthorized: authentication required"}),
            "login",
            "login as alice refused.*oc whoami -t",
        ),
        (
            ("/push", 200, {"errorDetail": {"message": "denied"}, "error": "denied"}),
            "push",
            "push of .* refused: denied .may alice push and pull in the project test",
        ),
        (("/push", 200, {"status": "done"}), "push", "names no digest"),
        (("/images/create", 200, {"error": "manifest unknown"}), "pull", "pull of .* refused: manifest unknown"),
        (("/images/load", 500, {"message": "no space left on device"}), "push", "no space left on device"),
        (("/auth", 500, {"message": "x509: certificate signed by unknown authority"}), "login", "compare ca_cert"),
    ],
)
def test_a_step_that_fails_is_named_and_ends_its_name_but_not_the_others(
    run: Run, images: Images, fault: tuple[str, int, Any], step: str, said: str
) -> None:
    images.faults = [fault]
    job = run()
    wrong = [found for found in results(job) if not found["ok"]]
    assert [found["step"] for found in wrong] == [step, step]
    assert [found["endpoint"] for found in wrong] == list(dict.fromkeys(found["endpoint"] for found in results(job)))
    with pytest.raises(AssertionError, match=said):
        assert wrong[0]["error"] == ""
    assert job.fails(["any"])
    assert job.fails(["all"])
    assert job.fails(["none", step])
    assert not job.fails(["none"])
    assert images.names == {}


def test_a_pull_of_something_else_than_was_pushed_is_an_error(run: Run, images: Images) -> None:
    images.pulled = "sha256:" + "00" * 32
    job = run()
    assert f"pushed {DIGEST}, pulled {images.pulled}" in results(job)[4]["error"]
    assert images.names == {}


def test_what_docker_will_not_remove_is_named(run: Run, images: Images) -> None:
    images.faults = [("DELETE", 409, {"message": "image is in use"})]
    assert "image is in use" in run().outcome()["leftovers"][0]


def test_what_docker_will_not_remove_at_first_is_tried_again(run: Run, images: Images) -> None:
    refusals = 2
    delete = images._delete

    def busy(name: str, query: dict[str, str]) -> tuple[int, Any]:
        nonlocal refusals
        refusals -= 1
        return (409, {"message": "image is in use"}) if refusals >= 0 else delete(name, query)

    images._delete = busy  # type: ignore[method-assign]
    assert run().outcome()["leftovers"] == []
    assert images.names == {}


def test_what_docker_never_removes_is_named_once_for_each_name(run: Run, images: Images) -> None:
    """Also what belongs to the first name, after which others were gone through."""
    images.faults = [("DELETE", 409, {"message": "image is in use"})]
    left = [said.partition(": ")[0] for said in run().outcome()["leftovers"]]
    assert sorted(left) == sorted(images.names)


def test_without_a_token_only_tls_and_the_api_are_checked_and_that_is_said(run: Run) -> None:
    job = run(token=None)
    assert [found["step"] for found in results(job)] == ["tls", "v2"] * 2
    assert job.outcome()["skipped_steps"] == ["login", "push", "pull"]
    assert "No token was given" in job.outcome()["msg"]


def test_what_docker_trusts_is_told_from_what_is_right(run: Run, authority: Any, stranger: Any, tmp_path: Path) -> None:
    """The CA is right, and this node lacks it, or has another one."""
    steps = ["tls", "v2", "trust", "login"]
    job = run(certs_d=tmp_path, steps=steps)
    assert [(f["step"], f["reason"]) for f in results(job) if not f["ok"]] == [("trust", "unknown_authority")] * 2
    assert f"docker trusts what is in {tmp_path} and the system's CAs" in job.outcome()["msg"]
    assert [left["step"] for left in job.outcome()["not_run"]] == ["login", "login"]
    (tmp_path / "other.crt").write_bytes(stranger.pem)
    assert len([f for f in results(run(certs_d=tmp_path, steps=steps)) if not f["ok"]]) == 2
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    assert [f["status"] for f in results(run(certs_d=tmp_path, steps=steps))] == ["ok"] * 8


def test_what_cannot_be_reached_is_told_with_its_kind_where_it_is_no_failure(run: Run, closed_port: int) -> None:
    nowhere = f"127.0.0.1:{closed_port}"
    left = run(endpoints=[nowhere], unreachable="skip", steps=["resolve", "tls"]).outcome()["not_run"]
    assert [(one["step"], one["status"], one["reason"]) for one in left] == [
        ("resolve", "unreachable", "refused"), ("tls", "unreachable", "refused"),
    ]  # fmt: skip
    left = run(endpoints=[nowhere], steps=["tls", "v2"]).outcome()["not_run"]
    assert [(one["step"], one["status"], one["reason"]) for one in left] == [("v2", "skipped", None)]


@pytest.mark.parametrize(
    ("config", "covered"),
    [
        ({"InsecureRegistryCIDRs": ["127.0.0.0/8"]}, False),  # what every docker has
        ({"InsecureRegistryCIDRs": ["127.0.0.0/8", "0.0.0.0/0"]}, True),
        ({"IndexConfigs": {"docker.io": {"Secure": True}, "other:5000": {"Secure": False}}}, False),
    ],
)
def test_a_name_that_docker_does_not_verify_is_a_warning(
    run: Run, images: Images, authority: Any, tmp_path: Path, config: dict[str, Any], covered: bool
) -> None:
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    images.info = {"RegistryConfig": config}
    job = run(certs_d=tmp_path, steps=["tls", "trust"])
    found = [f for f in results(job) if f["step"] == "trust"]
    wanted = ("warning", "insecure") if covered else ("ok", None)
    assert [(f["status"], f["reason"], f["ok"]) for f in found] == [(*wanted, True)] * 2
    assert (job.fails(["any"]), job.fails(["warning"])) == (False, covered)


def test_something_that_is_no_registry_is_not_taken_for_one(serve: Any, authority: Any, run: Run) -> None:
    certificate = authority.server("127.0.0.1")
    router = serve(certificate, status=503)
    website = serve(certificate, status=200, api_version=False)
    errors = [found["error"] for found in results(run(endpoints=[router, website], token=None)) if not found["ok"]]
    assert "HTTP status 503" in errors[0]
    assert "not by a registry" in errors[1]


def test_one_name_of_two_that_fails(run: Run, serve: Any, authority: Any, stranger: Any) -> None:
    job = run(endpoints=[serve(authority.server("127.0.0.1")), serve(stranger.server("127.0.0.1"))])
    assert (job.fails(["any"]), job.fails(["all"])) == (True, False)
    assert "tls of 127.0.0.1" in job.outcome()["msg"]


# ---- the image


def test_the_image_is_the_same_byte_by_byte_every_time() -> None:
    again = probe_image.build()
    assert again == IMAGE
    # Pinned: were it another with another Python, every registry would collect one of each.
    assert IMAGE.image_id == "sha256:0b60f1a0d0f4ed4409f7d2057cf93b9aaf741e1205a440b464cb02b0eb8b3896"
    assert len(again.archive) < 10000


def test_the_image_is_what_docker_loads() -> None:
    with tarfile.open(fileobj=io.BytesIO(IMAGE.archive)) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}
    (listing,) = json.loads(members["manifest.json"])
    config = json.loads(members[listing["Config"]])
    assert IMAGE.image_id == "sha256:" + hashlib.sha256(members[listing["Config"]]).hexdigest()
    layers = ["sha256:" + hashlib.sha256(members[name]).hexdigest() for name in listing["Layers"]]
    assert config["rootfs"]["diff_ids"] == layers

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client for dockerd's socket."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import engine, tls
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EngineError


def client(dockerd: Any, status: int, answer: Any) -> engine.Engine:
    """Give a client of a dockerd that always answers the same."""
    return engine.Engine(dockerd(lambda *_request: (status, answer)).path)


def test_an_error_inside_a_stream_is_an_error_even_with_status_200(dockerd: Any) -> None:
    lines = b'{"status":"Preparing"}\r\n{"errorDetail":{"message":"denied: no"},"error":"denied: no"}\r\n'
    with pytest.raises(EngineError, match="denied: no") as caught:
        client(dockerd, 200, lines).stream("POST", "/images/x/push")
    assert caught.value.status == 200


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", b" \n "])
def test_streams_are_read_whatever_is_between_the_objects(dockerd: Any, between: bytes) -> None:
    lines = between.join([b'{"a":1}', b'{"b":{"c":"}{"}}', b"7", b'{"d":']) + between
    assert client(dockerd, 200, lines).stream("POST", "/x") == [{"a": 1}, {"b": {"c": "}{"}}]


def test_dockers_message_is_what_is_said(dockerd: Any) -> None:
    with pytest.raises(EngineError, match=r"^no such image$") as caught:
        client(dockerd, 404, {"message": "no such image"}).call("GET", "/images/x/json")
    assert caught.value.status == 404


def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = engine.Engine(str(tmp_path / "none.sock"))
    with pytest.raises(EngineError, match=r"dockerd does not answer at .*none\.sock") as caught:
        missing.call("GET", "/info")
    assert caught.value.status == 0
    assert not missing.ping()
    with pytest.raises(EngineError, match="does not answer"):  # which says nothing about the registry
        missing.probe("x:5000")


@pytest.mark.parametrize(
    ("status", "message", "verdict"),
    [
        (401, "unauthorized: authentication required", tls.OK),
        (500, 'Head "https://x:5000/v2/probe/none/manifests/latest": no basic auth credentials', tls.OK),
        (
            500,
            "errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n",
            tls.OK,
        ),
        (404, "manifest unknown: manifest unknown", tls.OK),
        (404, "name unknown: repository name not known to registry", tls.OK),
        (403, "Get x: denied", tls.OK),
    ],
)
def test_an_answer_that_one_may_not_read_there_is_proof_of_trust(
    dockerd: Any, status: int, message: str, verdict: tls.Verdict
) -> None:
    assert client(dockerd, status, {"message": message}).probe("x:5000") == verdict


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, 'Get "https://x:5000/v2/": x509: certificate signed by unknown authority', "unknown_authority"),
        (500, 'Get "https://x:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused', "refused"),
        (400, "invalid reference format", "reference"),
        (500, "something quite new", "other"),
        (500, 'Get "https://x:5000/v2/": dial tcp: lookup x: no such host (not found)', "unresolved"),
    ],
)
def test_everything_else_is_none(dockerd: Any, status: int, message: str, kind: str) -> None:
    verdict = client(dockerd, status, {"message": message}).probe("x:5000")
    assert (verdict.ok, verdict.kind) == (False, kind)


def test_an_engine_without_the_distribution_call_is_asked_by_a_pull_that_finds_nothing(dockerd: Any) -> None:
    def answer(method: str, path: str, _headers: dict[str, str], _body: bytes) -> tuple[int, Any]:
        if path.startswith("/distribution/"):
            return 404, {"message": "page not found"}
        return 200, b'{"error":"unauthorized: authentication required"}'

    old = dockerd(answer)
    assert engine.Engine(old.path).probe("172.30.124.220:5000") == tls.OK
    assert [method for method, _path in old.requests] == ["GET", "POST"]


def test_what_docker_does_not_verify_is_listed_as_flags_name_it(dockerd: Any) -> None:
    info = {
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["172.30.0.0/16", "127.0.0.0/8"],
            "IndexConfigs": {"docker.io": {"Secure": True}, "x:5000": {"Secure": False}},
        }
    }
    assert client(dockerd, 200, info).insecure() == ["x:5000", "172.30.0.0/16", "127.0.0.0/8"]
    assert client(dockerd, 200, {}).insecure() == []


def test_the_login_of_one_request_is_a_header_that_docker_decodes() -> None:
    header = engine.registry_auth("alice", "sha256~??>>", "x:5000")["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "username": "alice",
        "password": "sha256~??>>",
        "serveraddress": "x:5000",
    }

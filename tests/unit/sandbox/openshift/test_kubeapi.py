# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API client against a small HTTP server: errors, busy servers, closed connections, watches, kubeconfigs."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import standins_certificates as certificates
from standins import kubeapi
from standins.kubeapi import ApiError, Client, KubeconfigError, read_kubeconfig

Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    """Gives the prepared answers in order and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.close_after = False

    def say(self, body: Json | bytes, status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, raw))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, raw = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
        # Closing without a word is what an idle timeout looks like to the client's next request.
        self.close_connection = self.server.close_after

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815


@pytest.fixture(name="server")
def fixture_server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def b64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def kubeconfig(path: Path, server: str, user: Json | None = None, **cluster: Any) -> str:
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "k", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "u", "user": user or {}}],
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            }
        ),
        encoding="utf-8",
    )
    return str(path)


@pytest.fixture(name="client")
def fixture_client(server: Server, tmp_path: Path) -> Client:
    address = f"http://127.0.0.1:{server.server_address[1]}"
    return Client(read_kubeconfig(kubeconfig(tmp_path / "config", address, {"token": "sesame"})))


def test_requests_carry_the_token_and_the_patch_type(server: Server, client: Client) -> None:
    server.say({"kind": "Thing"})
    assert client.patch("/things/a", {"spec": {"x": None}}) == {"kind": "Thing"}
    method, path, headers, body = server.asked[0]
    assert (method, path, body) == ("PATCH", "/things/a", b'{"spec": {"x": null}}')
    assert headers["Authorization"] == "Bearer sesame"
    assert headers["Content-Type"] == "application/merge-patch+json"


def test_an_error_says_what_the_api_said(server: Server, client: Client) -> None:
    server.say({"kind": "Status", "reason": "Forbidden", "message": "things is forbidden: no"}, 403)
    with pytest.raises(ApiError, match="403 Forbidden: things is forbidden: no") as caught:
        client.get("/things")
    assert (caught.value.status, caught.value.reason) == (403, "Forbidden")


@pytest.mark.parametrize("body", [b"upstream connect error", b"[1]"])
def test_an_answer_that_is_no_status_is_told_as_it_is(server: Server, client: Client, body: bytes) -> None:
    server.say(body, 502)
    with pytest.raises(ApiError, match="502"):
        client.get("/things")
    server.say(body, 200)
    with pytest.raises(ApiError, match=r"200: (upstream connect error|\[1\])"):
        client.get("/things")


def test_what_is_not_there_is_none_and_need_not_be_deleted(server: Server, client: Client) -> None:
    for _ in range(2):
        server.say({"reason": "NotFound", "message": "gone"}, 404)
    assert client.find("/things/a") is None
    client.delete("/things/a")
    assert server.asked[1][1] == "/things/a?propagationPolicy=Background"
    server.say({"reason": "Forbidden", "message": "no"}, 403)
    with pytest.raises(ApiError):
        client.find("/things/a")


def test_a_busy_server_is_asked_again(server: Server, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("standins.kubeapi.time.sleep", waited.append)
    server.say({"message": "storage is (re)initializing"}, 429, Retry_After="1")
    server.say({"message": "slow down"}, 429, Retry_After="99")
    server.say({"kind": "Thing"})
    assert client.get("/things") == {"kind": "Thing"}
    assert waited == [1.0, kubeapi.BUSY_SECONDS]


def test_a_server_that_stays_busy_is_an_error(server: Server, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standins.kubeapi.time.sleep", lambda _seconds: None)
    for _ in range(kubeapi.BUSY_TRIES):
        server.say({"message": "slow down"}, 429)
    with pytest.raises(ApiError, match="429: slow down"):
        client.get("/things")
    assert len(server.asked) == kubeapi.BUSY_TRIES


def test_a_connection_the_server_closed_is_opened_anew(server: Server, client: Client) -> None:
    server.close_after = True
    for _ in range(3):
        server.say({"kind": "Thing"})
    for _ in range(3):
        assert client.get("/things") == {"kind": "Thing"}


def test_nobody_there_is_an_error_with_status_zero(tmp_path: Path) -> None:
    client = Client(read_kubeconfig(kubeconfig(tmp_path / "config", "http://127.0.0.1:1")))
    with pytest.raises(ApiError, match="no answer: GET /things: ConnectionRefusedError") as caught:
        client.get("/things")
    assert caught.value.status == 0
    with pytest.raises(ApiError, match="watch of /things"):
        list(client.watch("/things", "1"))


def test_a_watch_yields_events_and_ends(server: Server, client: Client) -> None:
    events = [{"type": "ADDED", "object": {"n": 1}}, {"type": "BOOKMARK", "object": {"n": 2}}]
    server.say(b"".join(json.dumps(e).encode() + b"\n" for e in events))
    assert list(client.watch("/things", "7")) == events
    assert "resourceVersion=7" in server.asked[0][1]
    assert "allowWatchBookmarks=true" in server.asked[0][1]


def test_a_watch_that_is_too_old_says_so(server: Server, client: Client) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    server.say(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
    with pytest.raises(ApiError) as caught:
        list(client.watch("/things", "7"))
    assert caught.value.status == 410
    server.say({"message": "initializing"}, 429, Retry_After="2")
    with pytest.raises(ApiError) as caught:
        list(client.watch("/things", "7"))
    assert (caught.value.status, caught.value.retry_after) == (429, 2.0)


def test_a_watch_cut_off_within_an_event_is_a_broken_connection(server: Server, client: Client) -> None:
    server.say(b'{"type": "ADDED", "obj')
    with pytest.raises(ApiError) as caught:
        list(client.watch("/things", "7"))
    assert caught.value.status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: Config\n", "not JSON"),
        ("[]", "not a kubeconfig"),
        ("{}", "no context is called ''"),
        (
            '{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "k"}}]}',
            "no cluster is called 'k'",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KubeconfigError, match=message) as caught:
        read_kubeconfig(str(path))
    assert str(path) in str(caught.value)


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="No such file"):
        read_kubeconfig(str(tmp_path / "none"))


def test_https_needs_an_authority_and_credentials(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="no certificate-authority-data"):
        read_kubeconfig(kubeconfig(tmp_path / "a", "https://127.0.0.1:6443"))
    with pytest.raises(KubeconfigError, match="not an http"):
        read_kubeconfig(kubeconfig(tmp_path / "b", "127.0.0.1:6443"))


def test_certificates_come_out_of_the_kubeconfig(tmp_path: Path) -> None:
    certificate, key = certificates.leaf("client")
    trusted: Json = {"certificate-authority-data": b64(certificates.authority())}
    made = kubeconfig(
        tmp_path / "config",
        "https://127.0.0.1",
        {"client-certificate-data": b64(certificate), "client-key-data": b64(key)},
        **trusted,
    )
    connection = read_kubeconfig(made)
    assert connection.tls is not None
    assert connection.port == 443
    with pytest.raises(KubeconfigError, match="neither client-certificate-data"):
        read_kubeconfig(kubeconfig(tmp_path / "bare", "https://127.0.0.1", **trusted))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token says of its own end, whatever that is."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import threading
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import authfile, bearer, login
from hypothesis import given
from hypothesis import strategies as st


def token(claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1795860000.5, "2026-11-28T10:00:00Z"),
        (1e300, "9999-12-31T23:59:59Z"),
        (-5, "1970-01-01T00:00:00Z"),
    ],
)
def test_an_end_is_told_however_far_away(ends: float, said: str) -> None:
    assert bearer.stamp(bearer.expiry(token({"exp": ends}))) == said


@pytest.mark.parametrize("text", ["geheim\n", "gehe im", "geheim\u20ac", "geheim\x7f", ""])
def test_a_token_that_no_header_can_have_is_not_sent_and_not_repeated(text: str, closed_port: int) -> None:
    said = bearer.who(bearer.Server(f"https://127.0.0.1:{closed_port}", None, True), text)
    assert said.what == bearer.REFUSED
    assert "no header can have" in said.message
    assert "gehe" not in said.message


class Proxy(http.server.BaseHTTPRequestHandler):
    """Notes where clients want to be led, and leads them to one place."""

    place: tuple[str, int]
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_CONNECT(self) -> None:  # the base class looks for it
        self.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        with socket.create_connection(self.place) as there:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            back = threading.Thread(target=self._hand_on, args=(there, self.connection), daemon=True)
            back.start()
            self._hand_on(self.connection, there)
            back.join(5)

    @staticmethod
    def _hand_on(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def test_the_api_server_is_asked_through_the_proxy_that_the_options_name(serve: Any, authority: Any) -> None:
    real = serve(authority.server("api.invalid"), status=401)
    handler = type("Handler", (Proxy,), {"place": ("127.0.0.1", int(real.rpartition(":")[2])), "asked": []})
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    way = bearer.Proxy(f"http://127.0.0.1:{proxy.server_address[1]}", {"proxy-authorization": "Basic eDp5"})
    asked = bearer.Server("https://api.invalid:6443", authority.pem.decode(), True, way)
    try:
        assert "does not accept the token" in bearer.who(asked, "sha256~x").message
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert handler.asked == [("api.invalid:6443", "Basic eDp5")]
    other = asked._replace(proxy=bearer.Proxy("socks5://127.0.0.1:1", {}))
    assert "only a proxy of the form http://host:port" in bearer.who(other, "sha256~x").message


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists).map(token)
)
def test_no_token_is_too_strange(text: str) -> None:
    ends = bearer.expiry(text)
    assert ends is None
    assert bearer.stamp(ends) is None


@pytest.mark.parametrize(
    ("secret", "is_one"),
    [("sha256~" + "a" * 43, True), ("-_" + "a" * 41, True), ("S3cret-pw", False), ("a" * 44, False), ("", False)],
)
def test_what_a_token_of_oauth_looks_like(secret: str, is_one: bool) -> None:
    assert bearer.is_oauth(secret) is is_one


@pytest.mark.parametrize("check", [False, True])
def test_a_password_is_sent_to_no_api_server(check: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "_ask", lambda *_: pytest.fail("something was sent"))
    asked = SimpleNamespace(
        reuse=SimpleNamespace(server=bearer.Server("https://h", None, True)), check=check, timeout=1
    )
    said = login._revoked(asked, {"r:5000": authfile.Login("ci", "S3cret-pw")})
    assert said == ["The token of ci was not revoked: it is no token of OpenShift's OAuth server."]

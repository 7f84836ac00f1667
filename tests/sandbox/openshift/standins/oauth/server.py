# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The master's address: OAuth's paths are answered here, all others by the API server."""

from __future__ import annotations

import base64
import binascii
import http.client
import http.server
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from .tokens import TOKEN_SECONDS, Tokens

CLIENT = "openshift-challenging-client"
METADATA, AUTHORIZE, TOKEN, REVIEW = (
    "/.well-known/oauth-authorization-server", "/oauth/authorize", "/oauth/token", "/token-review",
)  # fmt: skip
OBJECTS = "/apis/oauth.openshift.io/v1/oauthaccesstokens/"
_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
SECONDS = 60


class Server(http.server.ThreadingHTTPServer):
    """HTTPS at an address. A client that is slow with its handshake keeps nobody else waiting.

    :param api: host and port of the API server, and the context to trust it by.
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, tokens: Tokens, api: tuple[str, int, ssl.SSLContext],
        log: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(address, _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.tokens, self.api, self.log = tokens, api, log


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def do_GET(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        known = {("GET", METADATA): self._metadata, ("GET", AUTHORIZE): self._authorize, ("POST", TOKEN): self._token,
                 ("POST", REVIEW): self._review}  # fmt: skip
        if self.command == "DELETE" and path.startswith(OBJECTS):
            return self._delete(unquote(path[len(OBJECTS) :]))
        return known.get((self.command, path), self._forward)()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the base class looks for these

    def _metadata(self) -> None:
        issuer = f"https://{self.headers.get('Host')}"
        self._json(200, {
            "issuer": issuer,
            "authorization_endpoint": issuer + AUTHORIZE,
            "token_endpoint": issuer + TOKEN,
            "scopes_supported": ["user:check-access", "user:full", "user:info"],
            "response_types_supported": ["code", "token"],
            "grant_types_supported": ["authorization_code", "implicit"],
            "code_challenge_methods_supported": ["plain", "S256"],
        })  # fmt: skip

    def _authorize(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        if query.get("client_id") != CLIENT or query.get("response_type") != "code":
            return self._json(400, {"error": "unauthorized_client"})
        name, password = self._basic()
        # Without the header OpenShift does not ask for a password: a browser could be made to send one.
        code = self.server.tokens.code(name, password) if self.headers.get("X-CSRF-Token") else None
        if code is None:
            self.server.log(f"refused {name or 'nobody'} a code")
            return self._json(401, {"error": "access_denied"}, {"WWW-Authenticate": 'Basic realm="openshift"'})
        back = urlencode({"code": code, "state": query.get("state", "")})
        return self._json(302, None, {"Location": f"https://{self.headers.get('Host')}{TOKEN}/implicit?{back}"})

    def _token(self) -> None:
        form = {key: values[0] for key, values in parse_qs(self._body.decode()).items()}
        found = None
        if self._basic()[0] == CLIENT and form.get("grant_type") == "authorization_code":
            found = self.server.tokens.token(form.get("code", ""))
        if found is None:
            return self._json(400, {"error": "invalid_grant"})
        self.server.log(f"issued a token to {found[1]}")
        return self._json(200, {
            "access_token": found[0], "expires_in": TOKEN_SECONDS, "scope": "user:full", "token_type": "Bearer",
        })  # fmt: skip

    def _delete(self, name: str) -> None:
        token = (self.headers.get("Authorization") or "").partition(" ")[2]
        status = self.server.tokens.forget(token, name)
        if status == 200:
            self.server.log("forgot a token")
        self._json(status, {"kind": "Status", "status": "Success" if status == 200 else "Failure"})

    def _review(self) -> None:
        asked = json.loads(self._body)
        status = self.server.tokens.review(str((asked.get("spec") or {}).get("token") or ""))
        self._json(200, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})

    def _forward(self) -> None:
        host, port, context = self.server.api
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=SECONDS)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
        try:
            connection.request(self.command, self.path, self._body or None, headers)
            answer = connection.getresponse()
            body, kept = answer.read(), [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
        except (OSError, http.client.HTTPException) as exc:
            return self._json(502, {"message": f"the API server does not answer: {exc}"})
        finally:
            connection.close()
        self.send_response(answer.status)
        for key, value in kept:
            self.send_header(key, value)
        return self._end(body)

    def _basic(self) -> tuple[str, str]:
        """User name and password of the request, empty where it has none."""
        kind, _blank, text = (self.headers.get("Authorization") or "").partition(" ")
        try:
            name, _colon, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return (name, password) if kind.lower() == "basic" else ("", "")

    def _json(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Type": "application/json", "Cache-Control": "no-store"}.items():
            self.send_header(key, value)
        self._end(b"" if content is None else json.dumps(content).encode())

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Requests have codes in them; what counts is logged where it happens."""

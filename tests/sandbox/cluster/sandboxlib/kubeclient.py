# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small JSON client for the API server: quick to import, one connection a thread."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .processes import SandboxError

USER_AGENT = "okd-registry-sandbox"
LATER_SECONDS = 15.0
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
Json = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")


class ApiError(SandboxError):
    """The API server answered with an error."""

    def __init__(self, status: int, method: str, path: str, body: str) -> None:
        """Keep the status; the message names request and answer."""
        with contextlib.suppress(ValueError):
            body = json.loads(body).get("message", body)
        super().__init__(f"{method} {path}: {status}: {body}")
        self.status = status


class Client:
    """Requests to one API server, with the credentials of a kubeconfig of ours (everything inline)."""

    def __init__(self, kubeconfig: Path, *, timeout: float = 30.0) -> None:
        """Read the kubeconfig; nothing is sent yet. ``timeout`` in seconds for each request."""
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        server = urllib.parse.urlsplit(cluster["server"])
        self.host, self.port = server.hostname or "127.0.0.1", server.port or 443
        self.timeout = timeout
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pair:  # the ssl module takes files only
            pair.write(base64.b64decode(user["client-certificate-data"]))
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.flush()
            self._context.load_cert_chain(pair.name)
        self._local = threading.local()

    def _connection(self) -> http.client.HTTPSConnection:
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(self.host, self.port, context=self._context, timeout=self.timeout)
            self._local.connection = connection
        return connection

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        """Send a request and return the body; ApiError on a status of 400 and above, OSError when unreachable.

        A server that says "later" (429: a new kind's storage is being made) is asked again for some seconds.
        """
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": USER_AGENT}
        payload = None if body is None else json.dumps(body)
        deadline = time.monotonic() + LATER_SECONDS
        while True:
            status, data = self._send(method, path, payload, headers)
            if status < 400:
                return data
            if status != 429 or time.monotonic() > deadline:
                raise ApiError(status, method, path, data.decode(errors="replace"))
            time.sleep(0.2)

    def _send(self, method: str, path: str, payload: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._local.connection = None
            raise ConnectionError(f"{method} https://{self.host}:{self.port}{path}: {error}") from error

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        """Like ``raw``, with the answer parsed."""
        answer: Json = json.loads(self.raw(method, path, body, content_type=content_type, accept=accept))
        return answer

    def get(self, path: str) -> Json | None:
        """An object, or None when there is none."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def ready(self) -> bool:
        """Whether the API server calls itself ready."""
        try:
            return self.raw("GET", "/readyz") == b"ok"
        except (OSError, SandboxError):
            return False


def until(condition: Callable[[], str | None], *, what: str, seconds: float, pause: float = 0.1) -> None:
    """Wait until ``condition`` returns None; it returns what is missing otherwise.

    Raises SandboxError after ``seconds``, with the last thing that was missing.
    """
    deadline = time.monotonic() + seconds
    while (missing := condition()) is not None:
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not so after {seconds:.0f} s: {missing}")
        time.sleep(pause)


def in_parallel(function: Callable[[T], R], items: Iterable[T], *, workers: int = 8) -> list[R]:
    """Apply ``function`` to all items with a few threads; the first error is raised."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))

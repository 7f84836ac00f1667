# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON client for the Kubernetes API: a kubeconfig in JSON, one connection a thread, watches."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

JSON_TYPE = "application/json"
MERGE_PATCH = "application/merge-patch+json"
REQUEST_SECONDS = 30.0
WATCH_SECONDS = 60
# How often a request is repeated when the server says "too many requests" (also said just after a CRD was made).
BUSY_TRIES = 5
BUSY_SECONDS = 5.0


class KubeconfigError(Exception):
    """The kubeconfig cannot be used; the message names the file and what is missing."""


class ApiError(Exception):
    """The API answered with an error, or not at all (status 0)."""

    def __init__(self, status: int, message: str, *, reason: str = "", retry_after: float = 0.0) -> None:
        """Keep the HTTP status, the Status object's reason and message, and Retry-After in seconds."""
        super().__init__(
            f"{status or 'no answer'} {reason}: {message}" if reason else f"{status or 'no answer'}: {message}"
        )
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Connection:
    """Where the API is and who we are there."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    token: str = ""


def _by_name(entries: list[Json], name: str, what: str, source: str) -> Json:
    for entry in entries:
        if entry.get("name") == name:
            found: Json = entry.get(what) or {}
            return found
    raise KubeconfigError(f"{source}: no {what} is called {name!r}")


def _tls(cluster: Json, user: Json, source: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority = cluster.get("certificate-authority-data")
    if not authority:
        raise KubeconfigError(f"{source}: the cluster has no certificate-authority-data")
    context.load_verify_locations(cadata=base64.b64decode(authority).decode())
    certificate, key = user.get("client-certificate-data"), user.get("client-key-data")
    if certificate and key:
        # load_cert_chain reads files only: an anonymous one in memory, so that the key reaches no disk.
        handle = os.memfd_create("client")
        try:
            os.write(handle, base64.b64decode(certificate) + b"\n" + base64.b64decode(key))
            context.load_cert_chain(f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)
    elif not user.get("token"):
        raise KubeconfigError(f"{source}: the user has neither client-certificate-data and client-key-data nor a token")
    return context


def read_kubeconfig(path: str) -> Connection:
    """Return the connection of a kubeconfig's current context.

    The file must be JSON (which every YAML reader takes too) with its certificates inside.
    Raises KubeconfigError, naming the file, where it is not.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise KubeconfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise KubeconfigError(f"{path}: not JSON ({error}); write the kubeconfig as JSON") from error
    if not isinstance(content, dict):
        raise KubeconfigError(f"{path}: not a kubeconfig")
    context = _by_name(content.get("contexts") or [], content.get("current-context") or "", "context", path)
    cluster = _by_name(content.get("clusters") or [], context.get("cluster") or "", "cluster", path)
    user = _by_name(content.get("users") or [], context.get("user") or "", "user", path)
    server = urlsplit(cluster.get("server") or "")
    if server.scheme not in {"http", "https"} or not server.hostname:
        raise KubeconfigError(f"{path}: server {cluster.get('server')!r} is not an http(s) address")
    secure = server.scheme == "https"
    return Connection(
        host=server.hostname,
        port=server.port or (443 if secure else 80),
        tls=_tls(cluster, user, path) if secure else None,
        token=user.get("token") or "",
    )


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0


def error_of(status: int, body: bytes, retry_after: str | None = None) -> ApiError:
    """Make an ApiError of a Status object, or of whatever else was answered."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        message, reason = str(parsed.get("message") or "no message"), str(parsed.get("reason") or "")
    else:
        message, reason = body[:300].decode("utf-8", "replace").strip() or "no message", ""
    return ApiError(status, message, reason=reason, retry_after=_seconds(retry_after))


class Client:
    """Requests to one API server; may be used from many threads."""

    def __init__(self, connection: Connection) -> None:
        """Connects at the first request."""
        self._to = connection
        self._kept = threading.local()

    def get(self, path: str) -> Json:
        """Return the object or list at a path. Raises ApiError."""
        return self.request("GET", path)

    def find(self, path: str) -> Json | None:
        """Return the object at a path, or None where there is none. Raises ApiError for all but 404."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def create(self, path: str, body: Json) -> Json:
        """Create an object in the collection at a path. Raises ApiError (409 where it is there already)."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: Json) -> Json:
        """Merge a patch into an object; with its resourceVersion in it, 409 says that somebody else wrote first."""
        return self.request("PATCH", path, body, content_type=MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Delete an object, dependents in the background; one that is gone already is fine. Raises ApiError."""
        try:
            self.request("DELETE", f"{path}?{urlencode({'propagationPolicy': 'Background'})}")
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def request(self, method: str, path: str, body: Json | None = None, *, content_type: str = JSON_TYPE) -> Json:
        """Send one request and return the JSON answer, waiting where the server is busy. Raises ApiError."""
        data = None if body is None else json.dumps(body).encode()
        for remaining in range(BUSY_TRIES - 1, -1, -1):
            try:
                return self._once(method, path, data, content_type)
            except ApiError as error:  # noqa: PERF203 - that is what the loop is for
                if error.status != http.client.TOO_MANY_REQUESTS or not remaining:
                    raise
                time.sleep(min(error.retry_after or 1.0, BUSY_SECONDS))
        raise AssertionError("unreachable")

    def watch(self, path: str, resource_version: str) -> Iterator[Json]:
        """Yield watch events after a resourceVersion until the server ends the watch (about a minute).

        Raises ApiError, with status 410 where the resourceVersion is too old.
        """
        query = urlencode(
            {
                "watch": "1",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_SECONDS),
                "resourceVersion": resource_version,
            }
        )
        connection = self._connect(WATCH_SECONDS + 15.0)
        try:
            connection.request("GET", f"{path}?{query}", headers=self._headers(None))
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise error_of(response.status, response.read(), response.getheader("Retry-After"))
            while line := response.readline():
                event: Json = json.loads(line)
                if event.get("type") == "ERROR":
                    status: Json = event.get("object") or {}
                    raise error_of(int(status.get("code") or 500), json.dumps(status).encode())
                yield event
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError(0, f"watch of {path}: {error!r}") from error
        finally:
            connection.close()

    def _once(self, method: str, path: str, data: bytes | None, content_type: str) -> Json:
        reused = getattr(self._kept, "connection", None)
        try:
            return self._exchange(reused or self._keep(), method, path, data, content_type)
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            if not reused:
                raise ApiError(0, f"{method} {path}: {error!r}") from error
        # The server had closed the idle connection. Repeating is safe: writes carry a resourceVersion or a name.
        try:
            return self._exchange(self._keep(), method, path, data, content_type)
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            raise ApiError(0, f"{method} {path}: {error!r}") from error

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, data: bytes | None, content_type: str
    ) -> Json:
        connection.request(method, path, body=data, headers=self._headers(content_type if data else None))
        response = connection.getresponse()
        body = response.read()
        if response.status >= http.client.BAD_REQUEST:
            raise error_of(response.status, body, response.getheader("Retry-After"))
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise error_of(response.status, body)
        return answer

    def _headers(self, content_type: str | None) -> Mapping[str, str]:
        headers = {"Accept": JSON_TYPE, "User-Agent": "openshift-standins"}
        if content_type:
            headers["Content-Type"] = content_type
        if self._to.token:
            headers["Authorization"] = f"Bearer {self._to.token}"
        return headers

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._to.tls:
            return http.client.HTTPSConnection(self._to.host, self._to.port, timeout=timeout, context=self._to.tls)
        return http.client.HTTPConnection(self._to.host, self._to.port, timeout=timeout)

    def _keep(self) -> http.client.HTTPConnection:
        connection = self._connect(REQUEST_SECONDS)
        self._kept.connection = connection
        return connection

    def _drop(self) -> None:
        connection = getattr(self._kept, "connection", None)
        if connection:
            connection.close()
        self._kept.connection = None

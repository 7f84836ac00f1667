# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to dockerd over its socket, with the standard library: no CLI, no auth file, nothing in an argument list."""

import base64
import http.client
import json
import re
import socket
from urllib.parse import quote, urlencode

from .errors import EngineError
from .tls import OK, Verdict, classify

SOCKET = "/var/run/docker.sock"
_ANSWERED = re.compile(
    r"unauthorized|authentication required|no basic auth credentials|denied|not found|manifest unknown|name unknown|"
    r"name invalid|forbidden",
    re.IGNORECASE,
)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """dockerd, at its socket.

    :param path: of the socket
    :param timeout: seconds for one read; pulls and pushes send something all the time
    """

    def __init__(self, path=SOCKET, timeout=60.0):
        self.path = path
        self.timeout = timeout

    def request(self, method, path, body=None, headers=None, timeout=None):
        """Send one request.

        :param body: bytes, or anything else to be sent as JSON
        :returns: (status, body bytes)
        :raises EngineError: where the socket does not answer
        """
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8")
            sent["Content-Type"] = "application/json"
        connection = _UnixConnection(self.path, timeout or self.timeout)
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise EngineError("dockerd does not answer at {}: {}".format(self.path, exc)) from exc
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None, timeout=None):
        """Send one request and give the JSON answered (None where there is none).

        :raises EngineError: for every status from 400 on, with dockerd's message and the status
        """
        status, answer = self.request(method, path, body, headers, timeout)
        if status >= 400:
            raise EngineError(_message(answer) or "HTTP status {}".format(status), status)
        try:
            return json.loads(answer.decode("utf-8")) if answer.strip() else None
        except ValueError:
            return None

    def stream(self, method, path, body=None, headers=None):
        """Send one request that answers with JSON lines, and give them all.

        :raises EngineError: for an error status, and for an error inside the stream, which comes with status 200
        """
        status, answer = self.request(method, path, body, headers)
        if status >= 400:
            raise EngineError(_message(answer) or "HTTP status {}".format(status), status)
        messages = list(json_lines(answer))
        for message in messages:
            detail = message.get("errorDetail") or {}
            error = detail.get("message") or message.get("error")
            if error:
                raise EngineError(error, 200)
        return messages

    def ping(self):
        """Say whether dockerd answers (bool)."""
        try:
            return self.request("GET", "/_ping", timeout=5.0)[0] == 200
        except EngineError:
            return False

    def info(self):
        """Give GET /info."""
        return self.call("GET", "/info", timeout=30.0) or {}

    def go_version(self):
        """Name the Go that dockerd is built with (str), such as C(go1.13.15)."""
        return str((self.call("GET", "/version", timeout=30.0) or {}).get("GoVersion", ""))

    def insecure(self):
        """List what dockerd itself says that it does not verify: names and networks (str), as flags would name them."""
        found = self.info().get("RegistryConfig") or {}
        indexes = (found.get("IndexConfigs") or {}).items()
        return [name for name, index in indexes if not index.get("Secure")] + (found.get("InsecureRegistryCIDRs") or [])

    def running(self):
        """Give the running containers, as GET /containers/json lists them."""
        return self.call("GET", "/containers/json", timeout=30.0) or []

    def inspect(self, container_id):
        """Give a container as GET /containers/ID/json describes it, None where it is gone."""
        try:
            return self.call("GET", "/containers/{}/json".format(container_id), timeout=30.0) or {}
        except EngineError as exc:
            if exc.status == 404:
                return None
            raise

    def probe(self, endpoint, timeout=30.0):
        """Make dockerd itself ask a registry, through its own certs.d, resolver and proxy, without pulling.

        The answer that nothing may be read there, or that nothing is there, is the proof: TLS went well.

        :param endpoint: str, docker's form
        :returns: tls.Verdict; "other" where dockerd said something else
        """
        name = "{}/okd-registry/no-such-image".format(endpoint)
        try:
            self.call("GET", "/distribution/{}/json".format(quote(name, safe="/:")), timeout=timeout)
        except EngineError as exc:
            if exc.status == 404 and "page not found" in str(exc):  # before API 1.30 (docker 17.06)
                return self._probe_by_pull(name)
            return _verdict(exc)
        return OK

    def _probe_by_pull(self, name):
        try:
            self.stream("POST", "/images/create?" + urlencode({"fromImage": name, "tag": "none"}))
        except EngineError as exc:
            return _verdict(exc)
        return OK


def json_lines(answer):
    """Read concatenated JSON objects, whatever whitespace is between them; what is cut off at the end is dropped."""
    decoder = json.JSONDecoder()
    text = answer.decode("utf-8", "replace")
    offset = 0
    while True:
        while offset < len(text) and text[offset].isspace():
            offset += 1
        try:
            message, offset = decoder.raw_decode(text, offset)
        except ValueError:
            return
        if isinstance(message, dict):
            yield message


def registry_auth(username, token, endpoint):
    """Make the X-Registry-Auth header (dict) for one registry."""
    login = {"username": username, "password": token, "serveraddress": endpoint}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode("utf-8")).decode("ascii")}


def _verdict(exc):
    if not exc.status:  # dockerd itself did not answer: that says nothing about the registry
        raise exc
    message = str(exc)
    kind = classify(message)
    if kind != "other":
        return Verdict(False, kind, message)
    if _ANSWERED.search(message):
        return OK
    return Verdict(False, "other", message)


def _message(answer):
    """Take dockerd's message out of an error's body."""
    try:
        found = json.loads(answer.decode("utf-8"))
    except ValueError:
        return answer.decode("utf-8", "replace").strip()[:500]
    return str(found.get("message", "")) if isinstance(found, dict) else ""

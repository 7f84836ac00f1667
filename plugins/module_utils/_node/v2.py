# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's client: log in, push and pull over HTTPS, with the standard library.

As the specification of the OCI (Distribution, version 1.1) has it, and docker's of version 2 before it: a blob in one
piece is POST, then PUT; in several, POST, PATCH and PATCH, then PUT.
"""

import base64
import hashlib
import http.client
import json
import re
import ssl
from collections import namedtuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from . import bearer, chunks, tls
from . import endpoint as endpoints_of
from .errors import NodeError, RefusedError

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_REDIRECTS = (301, 302, 303, 307, 308)
_ANY = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
READ, REFUSED, MISSING = "read", "refused", "missing"
_KEPT = 1 << 20  # bytes of an answer that is read as a whole: a manifest, a token, an error
_READ = 1 << 16

Answer = namedtuple("Answer", "status headers body")


class V2Error(NodeError):
    """A request was not answered as it should be.

    :ivar reason: a key of tls.ADVICE, or C(unauthorized), C(denied), C(not_found), C(too_large), C(location),
        C(not_registry), C(digest), C(status)
    :ivar status: HTTP status; 0 without an answer
    """

    def __init__(self, reason, message, status=0):
        super().__init__(message)
        self.reason = reason
        self.status = status


class Client:
    """One user at one name of a registry, over one connection that is kept. Not for several threads at once.

    :param name: the endpoint, str in docker's form
    :param context: TLS context, which says who is trusted
    :param login: (user, token), or None
    :param timeout: seconds for an answer
    """

    def __init__(self, name, context, login=None, timeout=15.0):
        self._name = name
        self._context = context
        self._login = login
        self._timeout = timeout
        self._tokens = {}
        self._challenge = None
        self._connected = None
        self._pushed = set()

    def close(self):
        """Hang up."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    # ---- what is asked

    def log_in(self):
        """Have the registry accept the user. Raises V2Error."""
        answer = self._authorized("GET", "/v2/", "")
        if answer.status != 200:
            raise self._error(answer, "GET /v2/")

    def begins_upload(self, repository):
        """Begin an upload and give it up again: whether one may push there (bool). Raises V2Error for other errors."""
        answer = self._authorized("POST", "/v2/{}/blobs/uploads/".format(repository), _push(repository))
        if answer.status in (401, 403):
            return False
        if answer.status != 202:
            raise self._error(answer, "beginning an upload to {}".format(repository))
        self._authorized("DELETE", self._location(answer), _push(repository))
        return True

    def reads(self, repository, digest):
        """Say what comes of reading a manifest: C(read), C(refused), or C(missing), which may mean either.

        :raises V2Error: for any other answer
        """
        headers = {"Accept": _ANY}  # without it, a manifest of OCI's is said not to be there
        answer = self._authorized("GET", _manifest(repository, digest), _pull(repository), headers=headers)
        found = {200: READ, 401: REFUSED, 403: REFUSED, 404: MISSING}.get(answer.status)
        if found is None:
            raise self._error(answer, "reading {}@{}".format(repository, digest))
        return found

    def push(self, repository, tag, image, chunk=0):
        """Send an image with all of its layers, also those that are there. The rest of it is sent once.

        :param image: probe_image.Packed
        :param chunk: bytes of a piece of a layer; 0 for each layer in one
        :returns: digest of the manifest
        :raises V2Error:
        """
        for layer in image.layers:
            self._upload(repository, layer, chunk)
        if (repository, tag, image.digest) in self._pushed:
            return image.digest
        self._upload(repository, image.config, 0)
        headers = {"Content-Type": image.media_type, "Content-Length": str(len(image.manifest))}
        body = _of(image.manifest)
        answer = self._authorized("PUT", _manifest(repository, tag), _push(repository), body, headers)
        if answer.status != 201:
            raise self._error(answer, "PUT of the manifest")
        self._pushed.add((repository, tag, image.digest))
        return self._same(image.digest, answer.headers.get("docker-content-digest") or image.digest, "manifest")

    def manifest(self, repository, reference, accept):
        """Read a manifest.

        :param reference: a tag, or a digest
        :returns: (digest of its bytes, the manifest as dict)
        """
        headers = {"Accept": accept}
        answer = self._authorized("GET", _manifest(repository, reference), _pull(repository), headers=headers)
        if answer.status != 200:
            raise self._error(answer, "GET of the manifest {}".format(reference))
        try:
            found = json.loads(answer.body.decode("utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise V2Error("not_registry", "GET of the manifest {} gives no manifest".format(reference), 200)
        return "sha256:" + hashlib.sha256(answer.body).hexdigest(), found

    def read(self, repository, digest):
        """Read a blob and check that it is what its digest says. Raises V2Error."""
        seen = hashlib.sha256()
        path = "/v2/{}/blobs/{}".format(repository, digest)
        answer = self._authorized("GET", path, _pull(repository), take=seen.update)
        if answer.status != 200:
            raise self._error(answer, "GET of the blob {}".format(digest))
        self._same(digest, "sha256:" + seen.hexdigest(), "blob")

    # ---- uploads

    def _upload(self, repository, blob, chunk):
        scope = _push(repository)
        answer = self._authorized("POST", "/v2/{}/blobs/uploads/".format(repository), scope)
        if answer.status != 202:
            raise self._error(answer, "POST of an upload")
        url, body, length = self._location(answer), blob.pieces, blob.size
        if chunk:
            url, body, length = self._in_pieces(url, blob, chunk, answer, scope), _nothing, 0
        parts = urlsplit(url)
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", blob.digest)])
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        answer = self._authorized("PUT", urlunsplit(parts._replace(query=query)), scope, body, headers)
        if answer.status != 201:
            raise self._error(answer, "PUT of {} bytes".format(length))
        self._same(blob.digest, answer.headers.get("docker-content-digest") or blob.digest, "blob")

    def _in_pieces(self, url, blob, chunk, answer, scope):
        """Send a blob piece by piece, and give the URL that ends the upload."""
        least = answer.headers.get("oci-chunk-min-length") or "0"
        spans = chunks.plan(blob.size, chunk, int(least) if least.isdigit() else 0)
        for first, last, parts in chunks.cut(blob.pieces(), spans):
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": "{}-{}".format(first, last),
                "Content-Length": str(last - first + 1),
            }
            answer = self._authorized("PATCH", url, scope, _of(*parts), headers)
            if answer.status != 202:
                raise self._error(answer, "PATCH of bytes {} to {}".format(first, last))
            kept = (answer.headers.get("range") or "").rpartition("-")[2]
            if kept != str(last):
                raise V2Error("digest", "the registry has bytes up to {} after a PATCH up to {}; do several replicas "
                              "keep what they have not in common?".format(kept or "none", last), 202)  # fmt: skip
            url = self._location(answer)
        return url

    def _location(self, answer):
        """Give the URL at which an upload goes on.

        :raises V2Error: where it is none that a client may follow
        """
        base = "https://{}/".format(self._name)
        url = urljoin(base, answer.headers.get("location") or "")
        if urlsplit(url).scheme != "https" or url == base:
            raise V2Error("location", "the upload is to go on at {}".format(url.partition("?")[0]), answer.status)
        return url

    @staticmethod
    def _same(wanted, found, what):
        if wanted != found:
            raise V2Error("digest", "the {} should be {} and is {}".format(what, wanted, found), 200)
        return found

    # ---- requests

    def _authorized(self, method, url, scope, body=None, headers=None, take=None):
        """Send a request as the user, with a token for a scope where the registry wants one.

        :param body: function that gives an iterator of bytes
        :param take: called with each piece of a body of status 200
        """
        if scope not in self._tokens:
            self._tokens[scope] = self._token(scope)
        sent = dict(headers or {})
        if self._tokens[scope]:
            sent["Authorization"] = self._tokens[scope]
        return self._follow(method, urljoin("https://{}/".format(self._name), url), body or _nothing, sent, take)

    def _token(self, scope):
        """Give the header Authorization (str) that the registry wants, "" where it wants none."""
        if self._challenge is None:
            self._challenge = self._send("GET", "https://{}/v2/".format(self._name), _nothing, {}, None)
        answer = self._challenge
        if answer.status != 401 or self._login is None:
            return ""
        scheme, _space, rest = (answer.headers.get("www-authenticate") or "").partition(" ")
        basic = "Basic " + base64.b64encode(":".join(self._login).encode("utf-8")).decode("ascii")
        if scheme.lower() != "bearer":
            return basic
        asked = dict(_CHALLENGE.findall(rest))
        query = [("account", self._login[0])]
        query += [("service", asked["service"])] if asked.get("service") else []
        query += [("scope", scope)] if scope else []
        realm = asked.get("realm") or ""
        if urlsplit(realm).scheme != "https":  # a password is not sent there
            raise V2Error("location", "a token is to be fetched at {}".format(realm or "nowhere"), 401)
        url = realm + ("&" if "?" in realm else "?") + urlencode(query)
        answer = self._send("GET", url, _nothing, {"Authorization": basic}, None)
        if answer.status != 200:
            raise self._error(answer, "GET of a token")
        try:
            found = json.loads(answer.body.decode("utf-8"))
            token = found.get("token") or found["access_token"]
            sendable = bearer.fits(token)
        except (ValueError, KeyError, AttributeError, TypeError) as exc:
            raise V2Error("not_registry", "no token is in the answer of {}".format(realm), 200) from exc
        if not sendable:
            raise V2Error("not_registry", "the token in the answer of {} {}".format(realm, bearer.UNFIT), 200)
        return "Bearer " + token

    def _follow(self, method, url, body, headers, take):
        """Send a request, and where a blob is elsewhere (in S3), get it there, without the user's token."""
        answer = self._send(method, url, body, headers, take)
        for _hop in range(5):
            if method != "GET" or answer.status not in _REDIRECTS or not answer.headers.get("location"):
                break
            target = urljoin(url, answer.headers["location"])
            if _server(target) != _server(url):
                headers = {key: value for key, value in headers.items() if key != "Authorization"}
            url = target
            answer = self._send(method, url, _nothing, headers, take)
        return answer

    def _send(self, method, url, body, headers, take):
        """Send one request to one server.

        :returns: Answer
        :raises V2Error: where there is no answer
        """
        parts = urlsplit(url)
        at = _place(parts)
        ours = parts.scheme == "https" and endpoints_of.server(at) == endpoints_of.server(
            endpoints_of.parse(self._name)
        )
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        request = (method, target, body, dict(headers, Host=parts.netloc))
        try:
            return self._over_ours(at, request, take) if ours else self._elsewhere(parts.scheme, at, request, take)
        except (OSError, ssl.CertificateError) as exc:
            verdict = tls.verdict_of(exc, at, self._timeout)
            raise V2Error(verdict.kind, verdict.message) from exc
        except http.client.HTTPException as exc:
            raise V2Error("closed", "no HTTP answer to {}: {!r}".format(method, exc)) from exc

    def _over_ours(self, at, request, take):
        """Send a request over the connection that is kept; one that the other side gave up meanwhile is made anew."""
        kept = self._connected is not None
        try:
            if not kept:
                self._connected = http.client.HTTPSConnection(
                    at.host, at.port, context=self._context, timeout=self._timeout
                )
            return _read(_exchange(self._connected, *request), take)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if not kept:
                raise
            return self._over_ours(at, request, take)
        except (OSError, ssl.CertificateError, http.client.HTTPException):
            self.close()
            raise

    def _elsewhere(self, scheme, at, request, take):
        """Send a request to another server: who is trusted for this name is not who is trusted for others."""
        connection = http.client.HTTPConnection(at.host, at.port, timeout=self._timeout)
        if scheme == "https":
            trusted = tls.default_context()
            connection = http.client.HTTPSConnection(at.host, at.port, context=trusted, timeout=self._timeout)
        try:
            return _read(_exchange(connection, *request), take)
        finally:
            connection.close()

    @staticmethod
    def _error(answer, what):
        said = _message(answer.body)
        reason = {401: "unauthorized", 403: "denied", 404: "not_found", 413: "too_large"}.get(answer.status, "status")
        return V2Error(reason, "{}: HTTP status {}{}".format(what, answer.status, said and ", " + said), answer.status)


def _place(parts):
    """Give the endpoint.Endpoint of a URL that a registry named. Raises V2Error where it is none."""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return endpoints_of.parse("{}:{}".format(_bracketed(parts.hostname or ""), port))
    except (ValueError, RefusedError) as exc:  # ValueError: a port that is none
        raise V2Error("location", "it sends clients to {!r}, which is no place".format(parts.netloc)) from exc


def _server(url):
    """Give what all URLs of one server have in common. Raises V2Error."""
    parts = urlsplit(url)
    return parts.scheme, endpoints_of.server(_place(parts))


def _exchange(connection, method, target, body, headers):
    """Send a request and give the response, also one that came before all of the body was sent (413)."""
    if method in ("POST", "PUT", "PATCH"):
        headers.setdefault("Content-Length", "0")
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for piece in body():
            connection.send(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # why is in the answer, if there is one
    return connection.getresponse()


def _nothing():
    return iter(())


def _of(*parts):
    """Give a function that gives an iterator of bytes that are there already."""
    return lambda: iter(parts)


def _read(response, take):
    headers = {name.lower(): value for name, value in response.getheaders()}
    if take is None or response.status != 200:
        body = response.read(_KEPT)
        if response.read(1):
            raise http.client.HTTPException("an answer of more than {} bytes".format(_KEPT))
        return Answer(response.status, headers, body)
    while True:
        piece = response.read(_READ)
        if not piece:
            return Answer(response.status, headers, b"")
        take(piece)


def _message(body):
    """Take the registry's own words out of an error's body."""
    try:
        found = json.loads(body.decode("utf-8"))
        errors = found.get("errors") or [found]
        said = [": ".join(str(e[key]) for key in ("code", "message", "details") if e.get(key)) for e in errors]
        return "; ".join(text for text in said if text)[:500]
    except (ValueError, AttributeError, TypeError):
        return ""


def _manifest(repository, reference):
    return "/v2/{}/manifests/{}".format(repository, reference)


def _push(repository):
    return "repository:{}:pull,push".format(repository)


def _pull(repository):
    return "repository:{}:pull".format(repository)


def _bracketed(host):
    return "[{}]".format(host) if ":" in host else host

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a token is, how long it lasts, and whether the API server and the registry still take it."""

import base64
import binascii
import collections
import glob
import hashlib
import http.client
import json
import re
import ssl
import time
from urllib.parse import quote, urlencode, urlsplit

from . import endpoint as endpoints_of
from . import tls

VALID, REFUSED, UNKNOWN = "valid", "refused", "unknown"
# what: one of the above; user: whose the token is, or None where nothing tells; message: why it is not valid
Verdict = collections.namedtuple("Verdict", "what user message")
# server: URL of the API server; ca: PEM text or None for the system's CAs; verify: bool; proxy: Proxy or None
Server = collections.namedtuple("Server", "server ca verify proxy")
Server.__new__.__defaults__ = (None,)
# url: of an HTTP proxy; headers: dict of what it is sent
Proxy = collections.namedtuple("Proxy", "url headers")

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"  # since Kubernetes 1.28
_USERS = ("/apis/user.openshift.io/v1/users/~", "/oapi/v1/users/~")  # OpenShift; before 3.6 only the second
_TOKENS = "/apis/oauth.openshift.io/v1/oauthaccesstokens/"
_BODY = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_ACCOUNT = "system:serviceaccount:"
_LAST = 253402300799.0  # the end of the year 9999
# Of OpenShift since 4.6, and before that: 32 random bytes in base64url
_OAUTH = re.compile(r"(sha256~)?[A-Za-z0-9_-]{43}\Z")
_SENDABLE = re.compile(r"[\x21-\x7e]+\Z")
UNFIT = "holds characters that no header can have (a blank, the end of a line, or something that is not ASCII)"


def fits(token):
    """Say whether a token can be sent in a header; where not, http.client's error would repeat it."""
    return bool(_SENDABLE.match(token))


def claims(token):
    """Give what a JSON Web Token (a service account's) says of itself; empty for any other. Nothing is verified.

    :returns: dict, of which C(exp) (seconds since 1970) and C(sub) are of interest
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)).decode("utf-8"))
    except (binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def expiry(token):
    """Say when a token expires (seconds since 1970), None where it does not tell."""
    found = claims(token).get("exp")
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def stamp(seconds):
    """Write a time (seconds since 1970) as the API does; None stays None. A token may say any number."""
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, min(seconds, _LAST))))


def is_system(user):
    """Say whether a user is one of the cluster's own, who get no tokens; service accounts do."""
    return bool(user) and user.startswith("system:") and not user.startswith(_ACCOUNT)


def account(user):
    """Give (namespace, name) of a service account's user name, else None."""
    parts = user[len(_ACCOUNT) :].split(":") if user and user.startswith(_ACCOUNT) else ()
    return tuple(parts) if len(parts) == 2 and all(parts) else None


def who(server, token, timeout=10.0):
    """Ask the API server, by the token itself, whose it is. Needs no rights.

    :param server: Server
    :returns: Verdict; C(unknown) where there was no answer, with the reason
    """
    if not fits(token):
        return Verdict(REFUSED, None, "the token " + UNFIT)
    try:
        for method, path in [("POST", _REVIEW)] + [("GET", path) for path in _USERS]:
            status, body = _ask(server, method, path, token, timeout)
            if status == 401:
                return Verdict(REFUSED, None, "the API server does not accept the token; it may have expired")
            if status in (200, 201):
                return Verdict(VALID, _name(body), "")
            if status not in (403, 404, 405):
                return Verdict(UNKNOWN, None, "the API server answers with HTTP status {}".format(status))
    except (OSError, ValueError, http.client.HTTPException) as exc:
        way = " through the proxy that is set" if server.proxy else ""
        return Verdict(UNKNOWN, None, "the API server {} cannot be asked{}: {}".format(server.server, way, exc))
    # Tokens are looked at before paths, so one that gets no 401 is known; an older Kubernetes does not say to whom.
    return Verdict(VALID, claims(token).get("sub"), "")


def is_oauth(secret):
    """Whether something looks like a token of OpenShift's OAuth server. :returns: bool"""
    return bool(_OAUTH.match(secret))


def revoke(server, token, timeout=10.0):
    """Have OpenShift forget a token of its OAuth server, by the token itself, as C(oc logout) does.

    :param server: Server
    :returns: "", or why that could not be done
    """
    if not fits(token):
        return "it " + UNFIT
    name, marked = token, token.partition("sha256~")[2] if token.startswith("sha256~") else ""
    if marked:  # since OpenShift 4.6: what is kept is not the token
        digest = hashlib.sha256(marked.encode("ascii")).digest()
        name = "sha256~" + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
    try:
        status, _body = _ask(server, "DELETE", _TOKENS + quote(name, safe="~"), token, timeout)
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return "the API server {} cannot be asked: {}".format(server.server, exc)
    if status in (200, 202):
        return ""
    if status == 401:
        return "the API server does not accept it any more"
    return "the API server answers with HTTP status {}".format(status)


def _ask(server, method, path, token, timeout):
    parts = urlsplit(server.server)
    context = tls.default_context(cadata=server.ca or None)
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    at = (parts.hostname, parts.port or 443)
    through = _address(server.proxy) if server.proxy else at
    connection = http.client.HTTPSConnection(through[0], through[1], context=context, timeout=timeout)
    if server.proxy:
        connection.set_tunnel(at[0], at[1], server.proxy.headers)
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json"}
    try:
        connection.request(method, parts.path.rstrip("/") + path, _BODY if method == "POST" else None, headers)
        response = connection.getresponse()
        return response.status, response.read(1 << 20)
    finally:
        connection.close()


def _address(proxy):
    """Give (host, port) of a Proxy. :raises ValueError: for one that is not spoken to by HTTP"""
    parts = urlsplit(proxy.url if "://" in proxy.url else "http://" + proxy.url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("only a proxy of the form http://host:port can be used for this")
    return parts.hostname, parts.port or 80


def _name(body):
    found = json.loads(body.decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - as of what is no JSON at all
    review = (found.get("status") or {}).get("userInfo") or {}
    return review.get("username") or (found.get("metadata") or {}).get("name")


def log_in(text, username, secret, ca=None, timeout=5.0, at_router=False, certs_d="/etc/docker/certs.d"):
    """Ask a registry whether it takes a login, as C(docker login) does.

    :param text: endpoint in docker's form
    :param ca: PEM bytes of the CA to trust; None for docker's and the system's
    :param at_router: whether a router ends TLS there
    :returns: Verdict; C(unknown) where it is not reached, or trusted, from here, with the reason
    """
    endpoint = endpoints_of.parse(text)
    try:
        context = tls.context_for(ca, sorted(glob.glob("{}/{}/*.crt".format(certs_d, glob.escape(text)))))
    except OSError as exc:
        return Verdict(UNKNOWN, None, "{0}: a CA file in {1}/{0} cannot be read: {2}".format(text, certs_d, exc))
    raw = "{}:{}".format(username, secret).encode("utf-8")
    basic = "Basic " + base64.b64encode(raw).decode("ascii")
    verdict, status, headers = tls.get(endpoint, context, "/v2/", timeout, basic)
    challenge = headers.get("www-authenticate", "")
    if verdict.ok and status == 401 and challenge.lower().startswith("bearer "):
        verdict, status = _by_token(endpoint, context, dict(_CHALLENGE.findall(challenge)), username, basic, timeout)
    if not verdict.ok:
        return Verdict(UNKNOWN, None, tls.explain(text, verdict, at_router))
    if status in (401, 403):
        return Verdict(REFUSED, None, "{}: refuses the login of {} (HTTP status {})".format(text, username, status))
    if status != 200:
        said = "{}: answers a login with HTTP status {}, as no registry does".format(text, status)
        return Verdict(UNKNOWN, None, said)
    return Verdict(VALID, username, "")


def _by_token(endpoint, context, told, username, basic, timeout):
    """Go where a Bearer challenge sends, if that is the registry itself: nobody else is to see the secret."""
    realm = urlsplit(told.get("realm", ""))
    try:
        ours = (realm.scheme, realm.hostname, realm.port or 443) == ("https", endpoint.host.lower(), endpoint.port)
    except ValueError:  # a port that is none
        ours = False
    if not ours:
        return tls.Verdict(False, "other", "logins are at {}, which is not asked".format(told.get("realm"))), 0
    query = urlencode([("account", username)] + [(key, told[key]) for key in ("service",) if key in told])
    verdict, status, _headers = tls.get(endpoint, context, "{}?{}".format(realm.path, query), timeout, basic)
    return verdict, status

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a registry over TLS, from this node and by its resolver, and say what is wrong in words one can act on."""

import errno
import hashlib
import http.client
import re
import socket
import ssl
from collections import namedtuple

# kind: one of the keys of ADVICE, or "ok"; message: what the library said
Verdict = namedtuple("Verdict", "ok kind message")
OK = Verdict(True, "ok", "")

ADVICE = {
    "unknown_authority": "no CA that is trusted for this name signed what is served: place the registry's CA "
    "(registry_trust), or compare ca_cert with its certificate (registry_info), and look for something else that "
    "answers under this name",
    "name_mismatch": "the certificate served does not cover this name: reissue it with registry_cert, which takes "
    "every endpoint, or leave the name out of extra_hosts",
    "expired": "the certificate is outside its time of validity: reissue it with registry_cert, or mend the clock here",
    "refused": "nothing listens there: look whether the registry's pod, Service endpoints or router are up",
    "timeout": "no answer: look for a firewall, a missing route, or kube-proxy not running on this node",
    "unreachable": "this node has no route there: look whether kube-proxy and the pod network run on it",
    "unresolved": "this node's resolver does not know the name: nodes need the cluster's DNS for service names, and "
    "the router's wildcard record for route hosts",
    "plain_http": "the registry serves HTTP, not HTTPS, there: deploy it with its certificate first (registry_deploy)",
    "proxy": "the engine goes through its HTTP proxy: add the endpoint to NO_PROXY where it has that from, such as "
    "docker.service, and restart docker then (podman and skopeo have it from whoever calls them)",
    "client_certificate": "a client certificate in the endpoint's certs.d directory lacks its key: mend or remove it",
    "ca_file": "a .crt file in the endpoint's certs.d directory cannot be read: mend or remove it",
    "closed": "the connection was closed during the handshake: a router answers, with no pod of the registry behind it",
    "reference": "this docker cannot address a registry of that name at all",
    "other": "see the message",
}

# The same where a router ends TLS: the certificate is its own, or the Route's.
AT_ROUTER = {
    "unknown_authority": "no CA that is known here signed the router's certificate: name its CA in router_ca_cert, for "
    "playbooks in registry_route_ca_cert_path",
    "name_mismatch": "the router's certificate does not cover this host: give the Route one that does",
    "expired": "the router's certificate is outside its time of validity: give the Route another, or mend this clock",
}

_UNKNOWN_AUTHORITY_CODES = (2, 18, 19, 20, 21, 24, 26, 27)
_NAME_CODES = (62, 63, 64)
_TIME_CODES = (9, 10)
_HTTP_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")

# Go's net/http gives the bare words of the status with which a proxy has refused a tunnel. A status of the registry's
# own comes with its number, and in other words.
_REFUSALS = "|".join(re.escape(words) for status, words in http.client.responses.items() if status >= 300)
# The words of Go's and docker's errors, the first match counts.
_WORDS = (
    ("proxy", re.compile(r"proxyconnect|Proxy Authentication Required", re.IGNORECASE)),
    ("proxy", re.compile(r'\b[A-Z][a-z]+ \\?"?https://[^\s"]+?\\?"?: (?:{})"?$'.format(_REFUSALS), re.MULTILINE)),
    ("plain_http", re.compile(r"server gave HTTP response to HTTPS client")),
    ("name_mismatch", re.compile(r"x509: (certificate is (valid for|not valid for)|cannot validate certificate for)|"
                                 r"x509: certificate is not valid for any names|relies on legacy Common Name")),
    ("expired", re.compile(r"x509: certificate has expired or is not yet valid")),
    ("unknown_authority", re.compile(r"x509: |certificate signed by unknown authority|tls: failed to verify")),
    ("client_certificate", re.compile(r"issing (key|client certificate) \S+ for ")),
    ("ca_file", re.compile(r"open /\S+certs\.d/|read /\S+certs\.d/")),
    ("refused", re.compile(r"connection refused")),
    ("unresolved", re.compile(r"no such host|server misbehaving|failure in name resolution|lookup \S+.*timeout")),
    ("unreachable", re.compile(r"no route to host|network is unreachable")),
    ("closed", re.compile(r"connection reset by peer|: EOF$")),
    ("timeout", re.compile(r"i/o timeout|Client\.Timeout|context deadline exceeded|TLS handshake timeout|timed out")),
    ("reference", re.compile(r"invalid reference format|invalid repository name")),
)  # fmt: skip

# These may pass by themselves: a pod that comes back, a router that reloads.
PASSING = ("refused", "timeout", "unreachable", "closed")


def classify(message):
    """Name the kind of a failure (str, a key of ADVICE) by the words that docker or Go used for it."""
    return next((kind for kind, words in _WORDS if words.search(message)), "other")


def explain(endpoint, verdict, at_router=False):
    """Make a sentence of a verdict: endpoint, what was said, what to do.

    :param at_router: whether a router ends TLS there, so that its certificate is seen
    """
    advice = dict(ADVICE, **AT_ROUTER) if at_router else ADVICE
    return "{}: {} ({})".format(endpoint, verdict.message, advice.get(verdict.kind, advice["other"]))


def default_context(**trusted):
    """Make a TLS context that verifies, as Pythons before 3.13 do it.

    Since then its check is a strict one, for extensions that the certificates of OpenShift 3 and their CA lack.

    :param trusted: C(cafile) or C(cadata), as ssl.create_default_context() takes them; the system's CAs without
    """
    context = ssl.create_default_context(**trusted)
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


def context_for(ca_pem=None, files=()):
    """Make a TLS context that trusts a CA alone, or the files that docker would use with the system's CAs.

    :param ca_pem: bytes, or None
    :param files: paths of *.crt, used where ca_pem is None
    """
    if ca_pem is not None:
        return default_context(cadata=ca_pem.decode("ascii"))
    context = default_context()
    for path in files:
        context.load_verify_locations(cafile=path)
    return context


def reach(endpoint, timeout):
    """Say whether a connection can be made at all (Verdict). :param timeout: seconds"""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout):
            return OK
    except OSError as exc:
        return verdict_of(exc, endpoint, timeout)


def check(endpoint, context, timeout=10.0):
    """Shake hands with an endpoint and verify its certificate for its name.

    :param endpoint: endpoint.Endpoint
    :param context: from context_for()
    :param timeout: seconds for each of connecting and shaking hands
    :returns: Verdict
    """
    return served(endpoint, context, timeout)[0]


def served(endpoint, context, timeout=10.0):
    """Do as check(), and tell which certificate was served.

    :returns: (Verdict, SHA-256 of the leaf in hexadecimal); "" where the certificate was refused or none came
    """
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as plain:
            with context.wrap_socket(plain, server_hostname=endpoint.host) as secured:
                return OK, hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    except (OSError, ssl.CertificateError) as exc:
        return verdict_of(exc, endpoint, timeout), ""


def get(endpoint, context, path, timeout=10.0, authorization=None):
    """GET a path of an endpoint over verified TLS.

    :param authorization: value of that header

    :returns: (Verdict, HTTP status, headers); status 0 and no headers where there was no answer
    """
    connection = http.client.HTTPSConnection(endpoint.host, endpoint.port, context=context, timeout=timeout)
    headers = {"Host": endpoint.text}
    if authorization:
        headers["Authorization"] = authorization
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read(65536)
        return OK, response.status, {name.lower(): value for name, value in response.getheaders()}
    except (OSError, ssl.CertificateError) as exc:
        return verdict_of(exc, endpoint, timeout), 0, {}
    except http.client.HTTPException as exc:
        return Verdict(False, "other", "no HTTP answer: {!r}".format(exc)), 0, {}
    finally:
        connection.close()


def addresses(host):
    """Resolve a host by this node's resolver (list of str); empty where it does not resolve."""
    try:
        return sorted({str(entry[4][0]).split("%", 1)[0] for entry in socket.getaddrinfo(host, None)})
    except (OSError, UnicodeError):
        return []


def verdict_of(exc, endpoint, timeout):
    """Turn what the socket or TLS library raised (OSError, ssl.CertificateError) into a Verdict."""
    if isinstance(exc, (ssl.SSLError, ssl.CertificateError)):
        return _tls_verdict(exc, endpoint, timeout)
    if isinstance(exc, socket.gaierror):
        return Verdict(False, "unresolved", "{} does not resolve: {}".format(endpoint.host, exc.strerror or exc))
    if isinstance(exc, socket.timeout):
        return Verdict(False, "timeout", "no answer within {:g} s".format(timeout))
    if isinstance(exc, ConnectionRefusedError):
        return Verdict(False, "refused", "connection refused")
    if isinstance(exc, ConnectionError):
        return Verdict(False, "closed", str(exc.strerror or exc))
    said = str(exc.strerror or exc)
    # What Linux says of an address that a blackhole route is for
    return Verdict(False, "unreachable", "no route ({})".format(said) if exc.errno == errno.EINVAL else said)


def _tls_verdict(exc, endpoint, timeout):
    code = getattr(exc, "verify_code", None)
    said = getattr(exc, "verify_message", "") or str(exc)
    if code in _NAME_CODES or (code is None and isinstance(exc, ssl.CertificateError)):
        return Verdict(False, "name_mismatch", "certificate is not valid for this name: {}".format(said))
    if code in _TIME_CODES:
        return Verdict(False, "expired", "certificate refused: {}".format(said))
    if code in _UNKNOWN_AUTHORITY_CODES or getattr(exc, "reason", "") == "CERTIFICATE_VERIFY_FAILED":
        return Verdict(False, "unknown_authority", "x509: certificate signed by unknown authority: {}".format(said))
    if isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Verdict(False, "closed", "connection closed during the TLS handshake")
    if getattr(exc, "reason", "") in _HTTP_REASONS and _speaks_http(endpoint, timeout):
        return Verdict(False, "plain_http", "HTTP is served instead of HTTPS")
    return Verdict(False, "other", "TLS failed: {}".format(said))


def _speaks_http(endpoint, timeout):
    """Say whether plain HTTP is answered where TLS was expected."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as plain:
            request = "GET /v2/ HTTP/1.0\r\nHost: {}\r\n\r\n".format(endpoint.text)
            plain.sendall(request.encode("ascii"))
            return plain.recv(5) == b"HTTP/"
    except OSError:
        return False

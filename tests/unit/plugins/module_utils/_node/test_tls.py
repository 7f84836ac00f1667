# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking over TLS: what is wrong is named, in our words for Python's and for docker's errors."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _kubeconfig
from ansible_collections.okd.registry.plugins.module_utils._node import bearer, endpoint, pem, tls
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority


def ask(name: str, ca: bytes, timeout: float = 5.0) -> tls.Verdict:
    """Shake hands with a name, trusting one CA."""
    return tls.check(endpoint.parse(name), tls.context_for(pem.bundle(ca.decode())), timeout)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_the_ca_signed_for_the_name_is_trusted(serve: Any, authority: Any, host: str) -> None:
    assert ask(serve(authority.server("127.0.0.1", "localhost"), host=host), authority.pem) == tls.OK


def test_certificates_of_openshift_3_count_where_python_has_become_strict(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 made its check a strict one, by which certificates lack extensions that OpenShift 3 never wrote."""
    made = ssl.create_default_context

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = made(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    plain = Authority("openshift-signer", tmp_path, plain=True)
    (tmp_path / "ca.crt").write_bytes(plain.pem)
    name = serve(plain.server("127.0.0.1"))
    at = endpoint.parse(name)
    refused = tls.check(at, strict(cadata=plain.pem.decode()))
    assert refused.kind != "ok"  # what this is about
    assert ask(name, plain.pem) == tls.OK
    assert tls.check(at, tls.context_for(files=[tmp_path / "ca.crt"])) == tls.OK
    assert tls.check(at, _kubeconfig.tls_context(str(tmp_path / "ca.crt"), None, None, verify=True)) == tls.OK
    api = bearer.Server(f"https://{name}", plain.pem.decode(), True)
    assert bearer.who(api, "sha256~x").what == bearer.REFUSED
    assert bearer.log_in(name, "alice", "x", plain.pem).what == bearer.REFUSED


def test_another_ca_is_named_as_unknown_authority(serve: Any, authority: Any, stranger: Any) -> None:
    verdict = ask(serve(stranger.server("127.0.0.1")), authority.pem)
    assert verdict.kind == "unknown_authority"
    assert "x509: certificate signed by unknown authority" in verdict.message


def test_during_a_change_of_ca_both_are_trusted(serve: Any, authority: Any, stranger: Any) -> None:
    both = authority.pem + stranger.pem
    assert ask(serve(stranger.server("127.0.0.1")), both).ok
    assert ask(serve(authority.server("127.0.0.1")), both).ok


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_name_that_the_certificate_lacks_is_named(serve: Any, authority: Any, host: str) -> None:
    assert ask(serve(authority.server("registry.example.com"), host=host), authority.pem).kind == "name_mismatch"


def test_an_expired_certificate_is_named(serve: Any, authority: Any) -> None:
    assert ask(serve(authority.server("127.0.0.1", days=-1)), authority.pem).kind == "expired"


def test_http_instead_of_https_is_named(serve: Any, authority: Any) -> None:
    verdict = ask(serve(), authority.pem)
    assert verdict.kind == "plain_http"
    assert "serves HTTP, not HTTPS" in tls.explain("127.0.0.1:5000", verdict)


def test_nothing_listening_is_named(authority: Any, closed_port: int) -> None:
    assert ask(f"127.0.0.1:{closed_port}", authority.pem).kind == "refused"


def test_a_name_that_does_not_resolve_is_named(authority: Any) -> None:
    verdict = ask("no-such-host.invalid:5000", authority.pem)
    assert verdict.kind == "unresolved"
    assert "no-such-host.invalid does not resolve" in verdict.message


@pytest.mark.parametrize(("answer", "kind"), [(None, "timeout"), (b"", "closed"), (b"SSH-2.0-x\r\n", "other")])
def test_something_else_that_listens_is_told_apart(authority: Any, answer: bytes | None, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            while True:
                try:
                    peer, _address = server.accept()
                except OSError:
                    return
                held.append(peer)
                if answer is not None:
                    peer.recv(65536)
                    peer.sendall(answer)
                    peer.close()

        held: list[socket.socket] = []
        threading.Thread(target=talk, daemon=True).start()
        verdict = ask(f"127.0.0.1:{server.getsockname()[1]}", authority.pem, timeout=0.5)
        for peer in held:
            peer.close()
    assert verdict.kind == kind


# The very words of docker 20.10 (Go 1.19) and of newer Go, measured or from their sources.
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('Get "https://172.30.124.220:5000/v2/": x509: certificate signed by unknown authority', "unknown_authority"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "unknown_authority"),
        ('Get "https://x/v2/": x509: certificate is valid for a, b, not x', "name_mismatch"),
        ("x509: cannot validate certificate for 1.2.3.4 because it doesn't contain any IP SANs", "name_mismatch"),
        ("x509: certificate relies on legacy Common Name field, use SANs instead", "name_mismatch"),
        ("x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after", "expired"),
        ('Get "https://x:5000/v2/": http: server gave HTTP response to HTTPS client', "plain_http"),
        ('Get "https://x:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused', "refused"),
        ('Get "https://x:5000/v2/": dial tcp: lookup x on 127.0.0.1:53: no such host', "unresolved"),
        ('Get "https://x:5000/v2/": dial tcp 10.0.0.1:5000: connect: no route to host', "unreachable"),
        ('Get "https://x:5000/v2/": dial tcp 10.0.0.1:5000: i/o timeout', "timeout"),
        ("net/http: request canceled while waiting for connection (Client.Timeout exceeded)", "timeout"),
        ('Get "https://x:5000/v2/": proxyconnect tcp: dial tcp 10.9.9.9:3128: connect: connection refused', "proxy"),
        ('Get "https://172.30.124.220:5000/v2/": Forbidden', "proxy"),
        ("Get https://172.30.124.220:5000/v2/: Service Unavailable", "proxy"),
        ('Error response from daemon: Head "https://x/v2/a/b/manifests/c": Bad Gateway', "proxy"),
        (r'Error: pinging container registry x:5000: Get \"https://x:5000/v2/\": Gateway Timeout', "proxy"),
        ('Get "https://x:5000/v2/": Proxy Authentication Required', "proxy"),
        ("denied: requested access to the resource is denied", "other"),
        ("login attempt to https://x/v2/ failed with status: 401 Unauthorized", "other"),
        ('Get "https://x/v2/": unauthorized: authentication required', "other"),
        ("unexpected status code https://x/v2/a/b/blobs/uploads/: 403 Forbidden", "other"),
        ("unexpected status from PUT request to https://x/v2/a/b/manifests/c: 502 Bad Gateway", "other"),
        ("missing key client.key for client certificate client.cert. Note that", "client_certificate"),
        ("open /etc/docker/certs.d/x:5000/redhat.crt: no such file or directory", "ca_file"),
        ('Get "https://x/v2/": EOF', "closed"),
        ("invalid reference format", "reference"),
        ("received unexpected HTTP status: 503 Service Unavailable", "other"),
    ],
)  # fmt: skip
def test_dockers_own_words_are_understood(message: str, kind: str) -> None:
    assert tls.classify(message) == kind
    assert kind in tls.ADVICE


def test_docker_trusts_the_systems_cas_and_every_crt_of_the_endpoints_directory(
    serve: Any, authority: Any, tmp_path: Path
) -> None:
    (tmp_path / "one.crt").write_bytes(authority.pem)
    name = serve(authority.server("127.0.0.1"))
    parsed = endpoint.parse(name)
    assert tls.get(parsed, tls.context_for(files=[str(tmp_path / "one.crt")]), "/v2/")[1] == 401
    assert tls.get(parsed, tls.context_for(), "/v2/")[0].kind == "unknown_authority"


# ---- the CA as text


def test_a_bundle_is_written_in_one_form_whatever_stands_around_the_certificates(authority: Any, stranger: Any) -> None:
    text = (
        "subject=/CN=x\r\n"
        + authority.pem.decode().replace("\n", "\r\n")
        + "\n\n"
        + stranger.pem.decode()
        + authority.pem.decode()
    )
    assert pem.bundle(text) == authority.pem + stranger.pem
    assert pem.bundle(authority.pem.decode()) == authority.pem


def test_certificates_are_shown_as_facts(authority: Any, stranger: Any) -> None:
    first, second = pem.facts(b"x\n" + authority.pem + stranger.pem).splitlines()
    assert re.fullmatch(r"CA commonName=registry CA, valid until .* GMT, SHA-256 [0-9a-f]{64}", first)
    assert "CA commonName=somebody else" in second
    assert pem.facts(b"junk").startswith("4 bytes that are no certificate, SHA-256 ")
    leaf = authority.server("127.0.0.1").read_bytes()
    assert "not marked as a CA" in pem.facts(leaf)
    assert "PRIVATE" not in pem.facts(leaf)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not PEM text of certificates"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "is not PEM text of certificates"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "is not"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not a certificate"),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "holds a private key"),
    ],
)
def test_what_is_no_ca_is_refused_before_anything_is_touched(text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=f"ca_cert: {said}"):
        pem.bundle(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("172.30.124.220:5000", ("172.30.124.220", 5000)),
        ("registry.apps.example.com", ("registry.apps.example.com", 443)),
        ("[fd00::1]:5000", ("fd00::1", 5000)),
        ("[fd00::1]", ("fd00::1", 443)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_endpoints_are_read_in_dockers_form(text: str, expected: tuple[str, int]) -> None:
    parsed = endpoint.parse(text)
    assert (parsed.text, parsed.host, parsed.port) == (text, *expected)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "../x", "a/b", "https://x", "x:", "x:0", "x:65536", "x:y", "fd00::1", "[x]:1", "[1.2.3.4]:1"),
        *("a b", "-x", "x-", "a\n", "(known after apply):5000"),
    ],
)  # fmt: skip
def test_a_name_that_would_be_no_safe_directory_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="is not a registry's name"):
        endpoint.parse(text)


def test_an_address_that_a_blackhole_route_is_for() -> None:
    """Linux calls that an invalid argument."""
    at = endpoint.parse("172.30.124.220:5000")
    verdict = tls.verdict_of(OSError(errno.EINVAL, "Invalid argument"), at, 5)
    assert verdict == tls.Verdict(False, "unreachable", "no route (Invalid argument)")

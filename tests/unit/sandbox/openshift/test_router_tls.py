# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS that ends in the router, on loopback with a real HAProxy: certificates, what the pod is told, who may come."""

from __future__ import annotations

import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import standins_certificates as certificates
from standins.router.render import render
from standins_routes import make_route, make_service, make_slice
from test_router_live import HOST, Bench, fixture_bench  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
Json = dict[str, Any]
SERVICE = "docker-registry.default.svc"
ALLOWED = "haproxy.router.openshift.io/ip_whitelist"


class Pod:
    """Answers with what it was told, over TLS where it has a certificate."""

    def __init__(self, directory: Path, name: str | None = None, delay: float = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(delay)
                told = " ".join(f"{k}={self.headers[k]}" for k in ("X-Forwarded-Proto", "X-Forwarded-Host", "Host"))
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told.encode())

            def log_message(self, *_args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if name:
            certificate, key = certificates.leaf(name)
            file = directory / "pod.pem"
            file.write_bytes(certificate + key)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Any]:
    made: list[Pod] = []

    def make(*args: Any, **kwargs: Any) -> Pod:
        made.append(Pod(tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for pod in made:
        pod.server.shutdown()
        pod.server.server_close()


def route(termination: str, *, annotations: Json | None = None, **tls: str) -> Json:
    certificate, key = certificates.leaf(HOST)
    pair = {"certificate": certificate.decode(), "key": key.decode()}
    made = make_route("registry", HOST, tls={"termination": termination, **pair, **tls})
    made["metadata"]["annotations"] = annotations or {}
    return made


def serve(bench: Bench, pod: Pod, wanted: Json) -> None:
    part = make_slice("docker-registry", ("127.0.0.1", True), ports={"p": pod.port})
    rendered = render([wanted], [make_service()], [part], bench.settings)
    assert rendered.admission.admitted, rendered.admission.verdicts
    bench.effect(rendered.config, rendered.files)


def get(bench: Bench) -> str:
    with bench.connect() as channel:
        channel.sendall(f"GET /v2/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: channel.recv(4096), b"")).decode()


def test_edge_shows_the_routes_certificate_and_tells_the_pod_that_it_was_https(bench: Bench, pods: Any) -> None:
    wanted = route("edge")
    serve(bench, pods(), wanted)
    with bench.connect() as channel:
        shown = ssl.DER_cert_to_PEM_cert(channel.getpeercert(binary_form=True) or b"")
    assert shown.split() == wanted["spec"]["tls"]["certificate"].split()
    assert get(bench).endswith(f"X-Forwarded-Proto=https X-Forwarded-Host={HOST} Host={HOST}")
    assert " 503 " in bench.http(HOST).splitlines()[0], "plain http is for insecureEdgeTerminationPolicy"


@pytest.mark.parametrize(("policy", "answer"), [("Redirect", " 302 "), ("Allow", "X-Forwarded-Proto=http ")])
def test_plain_http_beside_it(bench: Bench, pods: Any, policy: str, answer: str) -> None:
    serve(bench, pods(), route("edge", insecureEdgeTerminationPolicy=policy))
    assert answer in bench.http(HOST)


@pytest.mark.parametrize(("name", "status"), [(SERVICE, " 200 "), ("other.default.svc", " 503 ")])
def test_reencryption_knows_the_pod_by_the_services_name(bench: Bench, pods: Any, name: str, status: str) -> None:
    serve(bench, pods(name), route("reencrypt", destinationCACertificate=certificates.authority().decode()))
    assert status in get(bench).splitlines()[0]


def test_reencryption_knows_the_pod_by_its_ca(bench: Bench, pods: Any) -> None:
    stranger = certificates.leaf("stranger")[0].decode()
    serve(bench, pods(SERVICE), route("reencrypt", destinationCACertificate=stranger))
    assert " 503 " in get(bench).splitlines()[0]


def test_a_pod_that_takes_longer_than_the_timeout_is_given_up(bench: Bench, pods: Any) -> None:
    slow = pods(delay=1.0)
    serve(bench, slow, route("edge", annotations={"haproxy.router.openshift.io/timeout": "200ms"}))
    assert " 504 " in get(bench).splitlines()[0]
    serve(bench, slow, route("edge", annotations={"haproxy.router.openshift.io/timeout": "5s"}))
    assert " 200 " in get(bench).splitlines()[0]


@pytest.mark.parametrize(
    ("allowed", "comes"), [("127.0.0.0/8", True), ("192.0.2.0/24 10.0.0.1", False), ("192.0.2.0/24, 10.0.0.1", True)]
)
def test_who_is_not_on_the_list_is_turned_away(bench: Bench, pods: Any, allowed: str, comes: bool) -> None:
    """A list that cannot be read lets everybody in, as OpenShift's router does."""
    serve(bench, pods(), route("edge", annotations={ALLOWED: allowed}))
    answer = ""
    try:
        answer = get(bench)
    except OSError:
        assert not comes
    assert (" 200 " in answer) is comes
    assert oct(Path(bench.settings.tls_dir).stat().st_mode & 0o777) == "0o700"
    for file in Path(bench.settings.tls_dir).iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_files_of_certificates_go_with_their_route(bench: Bench, pods: Any) -> None:
    serve(bench, pods(), route("edge"))
    assert len(list(Path(bench.settings.tls_dir).iterdir())) == 2  # the certificate, and the list of certificates
    bench.effect(render([], [], [], bench.settings).config)
    assert list(Path(bench.settings.tls_dir).iterdir()) == []

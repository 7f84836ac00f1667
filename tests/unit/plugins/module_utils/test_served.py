# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod serves, over a real TLS handshake, and what its log says."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _served
from ansible_collections.okd.registry.plugins.module_utils._errors import InvalidError, UnreachableError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

POD = {"metadata": {"name": "p", "namespace": "d"}, "spec": {"nodeName": "n1"}}
TLS_LOG = 'time="x" level=info msg="listening on [::]:5000, tls" go.version=go1.24\n'
PLAIN_LOG = 'msg="listening on [::]:5000"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A TLS server's context and the SHA-256 of its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    now = dt.datetime.now(dt.timezone.utc)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + cert.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context, hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).hexdigest()


class Pod:
    """An API through which one pod can be reached; ``answer`` speaks at the other end of the tunnel."""

    def __init__(self, log: Any, answer: Any) -> None:
        self._log, self._answer = log, answer

    def log(self, *_args: Any, **_options: Any) -> str:
        if isinstance(self._log, Exception):
            raise self._log
        return str(self._log)

    @contextlib.contextmanager
    def port_forward(self, *_args: Any) -> Iterator[Any]:
        if isinstance(self._answer, Exception):
            raise self._answer
        near, far = socket.socketpair()
        near.settimeout(5)
        thread = threading.Thread(target=self._answer, args=(far,))
        thread.start()
        with near:
            yield near
        thread.join()


def look(pod: Pod, expected: str | None = None) -> dict[str, Any]:
    return _served.look(pod, POD, container="registry", port=5000, expected=expected)  # type: ignore[arg-type]


def speaks_tls(context: ssl.SSLContext) -> Any:
    def answer(far: socket.socket) -> None:
        with far, contextlib.suppress(OSError), context.wrap_socket(far, server_side=True) as session:
            session.recv(1)

    return answer


def speaks_http(far: socket.socket) -> None:
    with far:
        far.recv(1000)
        far.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request")


def hangs_up(far: socket.socket) -> None:
    far.close()


def test_a_pod_that_serves_what_it_should(server: tuple[ssl.SSLContext, str]) -> None:
    context, sha256 = server
    found = look(Pod(TLS_LOG, speaks_tls(context)), expected=sha256)
    assert found == {
        "pod": "p",
        "node": "n1",
        "sha256": sha256,
        "matches": True,
        "tls": True,
        "listening": "[::]:5000",
        "error": None,
    }


@pytest.mark.parametrize(("expected", "matches"), [("0" * 64, False), (None, None)])
def test_a_pod_that_serves_another_certificate_or_one_that_is_compared_with_none(
    server: tuple[ssl.SSLContext, str], expected: str | None, matches: bool | None
) -> None:
    assert look(Pod(TLS_LOG, speaks_tls(server[0])), expected=expected)["matches"] is matches


def test_a_log_that_does_not_reach_back_so_far(server: tuple[ssl.SSLContext, str]) -> None:
    found = look(Pod("later lines", speaks_tls(server[0])))
    assert (found["tls"], found["listening"], found["error"]) == (True, None, None)


def test_a_log_that_cannot_be_read(server: tuple[ssl.SSLContext, str]) -> None:
    found = look(Pod(InvalidError("container is waiting"), speaks_tls(server[0])))
    assert (found["tls"], found["error"]) == (True, "container is waiting")


def test_a_pod_that_speaks_http() -> None:
    found = look(Pod(PLAIN_LOG, speaks_http), expected="x")
    assert (found["tls"], found["matches"], found["error"]) == (False, False, "Port 5000 does not speak TLS.")


def test_a_pod_that_hangs_up() -> None:
    assert look(Pod("", hangs_up))["error"] == "Port 5000 closed the connection during the TLS handshake."


def test_a_pod_that_is_not_reached() -> None:
    found = look(Pod(TLS_LOG, UnreachableError("No port-forward.")))
    assert (found["sha256"], found["error"]) == (None, "No port-forward.")
    assert look(Pod("", TimeoutError()))["error"] == "Port 5000 did not answer in time."

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node side's tests share: systemd's own parsers as oracles, certificates, registries and a dockerd to ask."""

from __future__ import annotations

import ctypes
import datetime
import http.server
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIBRARIES = sorted(
    library
    for folder in ("/usr/lib/x86_64-linux-gnu/systemd", "/usr/lib/systemd", "/usr/lib/aarch64-linux-gnu/systemd")
    for library in Path(folder).glob("libsystemd-shared-252*.so")
)
_STRINGS = ctypes.POINTER(ctypes.c_char_p)


class Systemd:
    """load_env_file() and replace_env_argv() of libsystemd-shared 252."""

    def __init__(self, library: str, scratch: Path) -> None:
        """Load the library; files to read are written to the scratch path."""
        self._library = ctypes.CDLL(library)
        self._scratch = scratch
        self._library.log_set_max_level(0)
        self._library.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(_STRINGS)]
        self._library.replace_env_argv.argtypes = [_STRINGS, _STRINGS]
        self._library.replace_env_argv.restype = _STRINGS

    def load(self, raw: bytes) -> dict[bytes, bytes] | None:
        """Read a file as systemd does; None where it refuses the whole file."""
        self._scratch.write_bytes(raw)
        found = _STRINGS()
        if self._library.load_env_file(None, str(self._scratch).encode(), ctypes.byref(found)) < 0:
            return None
        return dict(entry.split(b"=", 1) for entry in _entries(found))

    def split(self, value: bytes) -> list[bytes]:
        """Split a value as $VALUE in ExecStart= is split."""
        argv = (ctypes.c_char_p * 2)(b"$VALUE", None)
        environment = (ctypes.c_char_p * 2)(b"VALUE=" + value, None)
        found = self._library.replace_env_argv(ctypes.cast(argv, _STRINGS), ctypes.cast(environment, _STRINGS))
        return _entries(found)


def _entries(strings: ctypes._Pointer[ctypes.c_char_p]) -> list[bytes]:
    entries: list[bytes] = []
    while strings and strings[len(entries)] is not None:
        entries.append(strings[len(entries)] or b"")
    return entries


@pytest.fixture(scope="session")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Systemd:
    """Give systemd's parsers, or skip and say so: without them the readers are only compared with examples."""
    if not _LIBRARIES:
        pytest.skip("NO ORACLE: libsystemd-shared-252 is not on this machine, so systemd's reading was NOT compared")
    return Systemd(str(_LIBRARIES[-1]), tmp_path_factory.mktemp("systemd") / "file.env")


class Authority:
    """A CA that signs what tests need."""

    def __init__(self, name: str, folder: Path) -> None:
        """Make the CA; keys and certificates for servers go to the folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key, [], is_ca=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject: x509.Name, key: Any, names: list[str], *, is_ca: bool = False, days: int = 1) -> Any:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if is_ca:
            usage = x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                key_agreement=False, key_encipherment=False, data_encipherment=False, encipher_only=False,
                decipher_only=False,
            )  # fmt: skip
            builder = builder.add_extension(usage, critical=True)
        if names:
            covered = x509.SubjectAlternativeName([_general_name(name) for name in names])
            builder = builder.add_extension(covered, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def server(self, *names: str, days: int = 1) -> Path:
        """Issue a server certificate and give the file with it and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(x509.Name([]), key, list(names), days=days)
        path = self._folder / f"{certificate.serial_number}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return path


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give the CA that nodes are to trust."""
    return Authority("registry CA", tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give a CA that nobody asked for."""
    return Authority("somebody else", tmp_path_factory.mktemp("stranger"))


class _Registry(http.server.BaseHTTPRequestHandler):
    """Answers /v2/ as a registry with access control does."""

    status = 401
    api_version = True

    def do_GET(self) -> None:
        self.send_response(self.status)
        if self.api_version:
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """One whose clients may well hang up in the middle: that is what is tested."""

    def handle_error(self, *args: Any) -> None:
        """Say nothing."""


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that serves /v2/ on 127.0.0.1 (over TLS if given a certificate) and returns the endpoint."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(
        certificate: Path | None = None, *, status: int = 401, api_version: bool = True, host: str = "127.0.0.1"
    ) -> str:
        handler = type("Handler", (_Registry,), {"status": status, "api_version": api_version})
        server = _Server(("127.0.0.1", 0), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"{host}:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


Answer = tuple[int, Any]


class Dockerd:
    """A dockerd of answers: a function of method, path, headers and body says what comes back."""

    def __init__(self, path: Path, answer: Callable[[str, str, dict[str, str], bytes], Answer]) -> None:
        """Listen at a socket; an answer is (status, object to send as JSON, or bytes as they are)."""
        self.path = str(path)
        self.requests: list[tuple[str, str]] = []
        dockerd = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                dockerd.requests.append((self.command, self.path))
                status, sent = answer(self.command, self.path, dict(self.headers), body)
                raw = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self) -> None:
                self._any()

            def do_POST(self) -> None:
                self._any()

            def do_DELETE(self) -> None:
                self._any()

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self._server = Server(self.path, Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def dockerd(tmp_path: Path) -> Iterator[Callable[..., Dockerd]]:
    """Give a function that starts a Dockerd."""
    started: list[Dockerd] = []

    def start(answer: Callable[[str, str, dict[str, str], bytes], Answer]) -> Dockerd:
        started.append(Dockerd(tmp_path / f"docker{len(started)}.sock", answer))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def closed_port() -> int:
    """Give a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

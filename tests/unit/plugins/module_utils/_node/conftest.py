# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node side's tests share: systemd's own parsers as oracles, certificates, registries and a dockerd to ask."""

from __future__ import annotations

import ctypes
import http.server
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Killer, Make

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


class _Setting(ctypes.Structure):
    """ConfigTableItem: who parses a setting, and where its value goes."""

    _fields_ = (
        ("section", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("parse", ctypes.c_void_p),
        ("kind", ctypes.c_int),
        ("data", ctypes.c_void_p),
    )


class _Command(ctypes.Structure):
    """The beginning of ExecCommand; eight words on, the next one."""

    _fields_ = (
        ("path", ctypes.c_char_p),
        ("arguments", _STRINGS),
        ("status", ctypes.c_uint64 * 7),
        ("next", ctypes.c_void_p),
    )


class SystemdUnits:
    """The reader of unit files that systemd 252 itself is made of, with its ExecStart= and its Environment=."""

    def __init__(self, library: str, scratch: Path) -> None:
        """Load the libraries; unit files to read are written to the scratch path."""
        self._shared = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        self._core = ctypes.CDLL(library.replace("shared", "core"))
        self._scratch = scratch
        self._shared.log_set_max_level(0)
        pointer = ctypes.c_void_p
        texts = [ctypes.c_char_p, ctypes.c_char_p, pointer, ctypes.c_char_p]
        self._shared.config_parse.argtypes = [*texts, pointer, pointer, ctypes.c_int, pointer, pointer]
        # What %n and its like ask a unit and its manager for is not there: all of it is empty.
        self._manager = ctypes.create_string_buffer(65536)
        self._unit = ctypes.create_string_buffer(65536)
        ctypes.memmove(self._unit, ctypes.byref(pointer(ctypes.addressof(self._manager))), ctypes.sizeof(pointer))

    def read(self, raw: bytes) -> tuple[list[list[bytes]], list[bytes]] | None:
        """Give the commands of ExecStart= and what Environment= sets; None where systemd does not read the file."""
        self._scratch.write_bytes(raw)
        commands, environment = (ctypes.c_void_p * 8)(), _STRINGS()
        table = (_Setting * 3)()
        parsers = [(b"ExecStart", self._core.config_parse_exec), (b"Environment", self._core.config_parse_environ)]
        for index, (name, function) in enumerate(parsers):
            data = ctypes.addressof((commands, environment)[index])
            table[index] = _Setting(b"Service", name, ctypes.cast(function, ctypes.c_void_p).value, 0, data)
        look_up = ctypes.cast(self._shared.config_item_table_lookup, ctypes.c_void_p)
        sections = b"Unit\0Service\0Install\0"
        path = str(self._scratch).encode()
        unit = ctypes.addressof(self._unit)
        done = self._shared.config_parse(path, path, None, sections, look_up, ctypes.addressof(table), 0, unit, None)
        if done < 0:
            return None
        found = []
        at = commands[0]
        while at:
            command = ctypes.cast(at, ctypes.POINTER(_Command))[0]
            found.append(_entries(command.arguments))
            at = command.next
        return found, _entries(environment)


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


@pytest.fixture(scope="session")
def systemd_units(tmp_path_factory: pytest.TempPathFactory) -> SystemdUnits:
    """Give systemd's reader of unit files, or skip and say so."""
    found = [library for library in _LIBRARIES if library.with_name(library.name.replace("shared", "core")).exists()]
    if not found:
        pytest.skip("NO ORACLE: libsystemd-core-252 is not on this machine, so unit files were NOT compared")
    return SystemdUnits(str(found[-1]), tmp_path_factory.mktemp("units") / "docker.service")


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

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """One whose clients may well hang up in the middle: that is what is tested."""

    def handle_error(self, *args: Any) -> None:
        """Say nothing."""


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that serves /v2/ on 127.0.0.1 or another address (over TLS if given a certificate).

    It returns the endpoint.
    """
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(
        certificate: Path | None = None, *, status: int = 401, api_version: bool = True, host: str = "127.0.0.1",
        at: str = "127.0.0.1",
    ) -> str:  # fmt: skip
        handler = type("Handler", (_Registry,), {"status": status, "api_version": api_version})
        server = _Server((at, 0), handler)
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


@pytest.fixture
def names(serve: Any, authority: Any) -> list[str]:
    """Give two names of a registry that answers."""
    name = serve(authority.server("127.0.0.1", "localhost"))
    return [name, name.replace("127.0.0.1", "localhost")]


@pytest.fixture
def make(tmp_path: Path, names: list[str], authority: Any) -> Make:
    """Give a function that makes a node whose docker has these options; {} is the registry's first name."""

    def start(options: str = "OPTIONS='--selinux-enabled --insecure-registry={} -D'\n") -> FakeNode:
        node = FakeNode(tmp_path / "node", names, authority.pem)
        node.install(options.format(*names))
        return node

    return start


@pytest.fixture
def killer() -> Iterator[Killer]:
    """Give what runs the module and kills it."""
    started = Killer()
    yield started
    started.close()

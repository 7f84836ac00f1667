# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router on loopback: a real HAProxy, TLS pods, reloads under traffic."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import standins_certificates as certificates
from standins.router import haproxy
from standins.router.controller import ALL, PATHS, Router, apply_to_haproxy
from standins.router.render import Settings, render
from standins_api import MemoryApi
from standins_routes import make_route, make_service, make_slice

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")

Json = dict[str, Any]
HOST = "registry.apps.sandbox.test"
ROUTE = "/apis/route.openshift.io/v1/namespaces/{}/routes/{}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TlsPod:
    """Speaks TLS with a certificate of its own and says its name to whoever comes, then echoes lines."""

    def __init__(self, name: str, tmp_path: Path, address: str = "127.0.0.1") -> None:
        certificate, key = certificates.leaf(HOST)
        file = tmp_path / f"{name}.pem"
        file.write_bytes(certificate + key)
        self.name = name
        self.der = ssl.PEM_cert_to_DER_cert(certificate.decode())
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        self._listener = socket.create_server((address, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._context.wrap_socket(connection, server_side=True) as channel:
            channel.sendall(f"{self.name}\n".encode())
            while data := channel.recv(1024):
                channel.sendall(data)

    def close(self) -> None:
        self._listener.close()


class Bench:
    """HAProxy in master-worker mode with the router's configuration, and a client."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(
            bind="127.0.0.1",
            domain="apps.sandbox.test",
            stats_socket=str(directory / "stats.sock"),
            http_port=free_port(),
            https_port=free_port(),
            inner_port=free_port(),
            tls_dir=str(directory / "tls"),
        )
        self.config, self.master = directory / "haproxy.cfg", directory / "master.sock"
        haproxy.write(self.config, render([], [], [], self.settings).config)
        self.effect = apply_to_haproxy(self.config, self.master, Path(self.settings.tls_dir))
        self.process = subprocess.Popen(
            ["haproxy", "-W", "-f", str(self.config), "-S", str(self.master)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if haproxy.current_workers(haproxy.ask(self.master, "show proc")):
                    return
            time.sleep(0.05)
        raise AssertionError("haproxy does not come up")

    def route_to(self, *pods: TlsPod) -> None:
        parts = [make_slice("docker-registry", ("127.0.0.1", True), ports={"5000-tcp": pod.port}) for pod in pods]
        self.effect(render([make_route("registry", HOST)], [make_service()], parts, self.settings).config)

    def connect(self, host: str = HOST) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificates.authority().decode())
        raw = socket.create_connection(("127.0.0.1", self.settings.https_port), timeout=5)
        return context.wrap_socket(raw, server_hostname=host)

    def http(self, host: str, path: str = "/") -> str:
        with socket.create_connection(("127.0.0.1", self.settings.http_port), timeout=5) as channel:
            channel.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return b"".join(iter(lambda: channel.recv(4096), b"")).decode()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(name="bench")
def fixture_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    # Unix sockets have short paths only.
    directory = tmp_path_factory.mktemp("ha")
    bench = Bench(directory)
    yield bench
    bench.close()


@pytest.fixture(name="pod")
def fixture_pod(tmp_path: Path) -> Iterator[TlsPod]:
    pod = TlsPod("one", tmp_path)
    yield pod
    pod.close()


def test_tls_passes_through_to_the_pod_by_server_name(bench: Bench, pod: TlsPod) -> None:
    bench.route_to(pod)
    with bench.connect() as channel:
        assert channel.getpeercert(binary_form=True) == pod.der
        assert channel.recv(100) == b"one\n"


def test_a_host_without_a_route_is_turned_away(bench: Bench, pod: TlsPod) -> None:
    bench.route_to(pod)
    with pytest.raises(OSError):  # noqa: PT011 - closed or reset, as it comes
        bench.connect("other.apps.sandbox.test")
    assert " 503 " in bench.http("other.apps.sandbox.test").splitlines()[0]


def test_redirect_and_plain_http(bench: Bench) -> None:
    secure = make_route("secure", HOST)
    secure["spec"]["tls"]["insecureEdgeTerminationPolicy"] = "Redirect"
    bench.effect(render([secure], [], [], bench.settings).config)
    answer = bench.http(f"{HOST}:80", "/v2/")
    assert " 302 " in answer.splitlines()[0]
    assert f"location: https://{HOST}:80/v2/" in answer or f"location: https://{HOST}/v2/" in answer


def test_an_open_connection_outlives_reloads(bench: Bench, pod: TlsPod, tmp_path: Path) -> None:
    bench.route_to(pod)
    other = TlsPod("two", tmp_path)
    with bench.connect() as channel:
        assert channel.recv(100) == b"one\n"
        bench.route_to(other)
        with bench.connect() as second:
            assert second.recv(100) == b"two\n"
        channel.sendall(b"still here\n")
        assert channel.recv(100) == b"still here\n"
    other.close()


def test_no_connection_is_refused_while_it_reloads(bench: Bench, pod: TlsPod, tmp_path: Path) -> None:
    bench.route_to(pod)
    failures: list[str] = []
    served = 0
    stop = threading.Event()

    def visit() -> None:
        nonlocal served
        while not stop.is_set():
            try:
                with bench.connect() as channel:
                    assert channel.recv(100) in {b"one\n", b"two\n"}
                served += 1
            except (OSError, AssertionError) as error:  # noqa: PERF203
                failures.append(repr(error))

    visitor = threading.Thread(target=visit)
    visitor.start()
    other = TlsPod("two", tmp_path)
    for turn in range(4):
        bench.route_to(other if turn % 2 == 0 else pod)
    stop.set()
    visitor.join(10)
    other.close()
    assert failures == []
    assert served > 4


def test_the_controller_gives_a_host_serves_it_and_then_says_so(bench: Bench, pod: TlsPod) -> None:
    api = MemoryApi()
    api.put(ROUTE.format("default", "registry"), make_route("registry"))
    router = Router(api, bench.settings, bench.effect)
    services, slices = [make_service()], [make_slice("docker-registry", ("127.0.0.1", True), ports={"p": pod.port})]

    def sync() -> None:
        router.sync([api.objects[path] for path in sorted(api.objects)], services, slices)

    sync()
    route = api.objects[ROUTE.format("default", "registry")]
    assert route["spec"]["host"] == "registry-default.apps.sandbox.test"
    assert route["metadata"]["annotations"] == {"openshift.io/host.generated": "true"}
    assert "status" not in route
    sync()
    route = api.objects[ROUTE.format("default", "registry")]
    assert route["status"]["ingress"][0]["conditions"][0]["status"] == "True"
    api.writes.clear()
    sync()
    assert api.writes == []


def test_haproxy_that_is_not_there_is_an_error_and_nothing_is_admitted(tmp_path: Path) -> None:
    api = MemoryApi()
    path = ROUTE.format("default", "registry")
    api.put(path, make_route("registry", HOST))
    settings = Settings(
        bind="127.0.0.1",
        domain="apps.sandbox.test",
        stats_socket=str(tmp_path / "s"),
        http_port=free_port(),
        https_port=free_port(),
    )
    router = Router(api, settings, apply_to_haproxy(tmp_path / "haproxy.cfg", tmp_path / "none.sock"))
    for informer in router._informers.values():
        assert informer.snapshot() == []
    with pytest.raises(haproxy.HaproxyError, match="is haproxy running"):
        router.sync([api.objects[path]], [], [])
    # not forgotten at the second try, although the file is written by now
    with pytest.raises(haproxy.HaproxyError, match="is haproxy running"):
        router.sync([api.objects[path]], [], [])
    assert "status" not in api.objects[path]
    router.work()
    assert router.queue.get(timeout=1) == ALL
    assert set(PATHS) == {"routes", "services", "slices"}


def test_a_route_that_changed_meanwhile_is_left_for_the_next_round(bench: Bench) -> None:
    api = MemoryApi()
    path = ROUTE.format("default", "registry")
    api.put(path, make_route("registry", HOST))
    stale = api.find(path)
    assert stale
    api.put(path, make_route("registry", "other.test"))
    Router(api, bench.settings, bench.effect).sync([stale], [], [])
    assert "status" not in api.objects[path]


class Master:
    """A master socket with prepared answers to "show proc"."""

    def __init__(self, path: Path, *answers: str) -> None:
        self.path = path
        self.asked: list[str] = []
        self._answers = list(answers)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _peer = self._listener.accept()
            with connection:
                command = connection.recv(100).decode().strip()
                self.asked.append(command)
                if command == "show proc":
                    pid = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                    connection.sendall(f"# workers\n{pid}   worker   0\n# programs\n".encode())


def test_a_reload_is_over_when_new_workers_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    master = Master(tmp_path_factory.mktemp("m") / "master.sock", "10", "10", "", "11")
    haproxy.reload(master.path)
    assert master.asked == ["show proc", "reload", "show proc", "show proc", "show proc"]


def test_a_reload_that_brings_no_new_workers_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy, "RELOAD_SECONDS", 0.3)
    master = Master(tmp_path_factory.mktemp("m") / "master.sock", "10")
    with pytest.raises(haproxy.HaproxyError, match=r"no new workers .* after the reload: # workers"):
        haproxy.reload(master.path)

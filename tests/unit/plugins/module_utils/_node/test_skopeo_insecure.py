# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registries.conf as Skopeo takes it, by the library of Podman and CRI-O: after the edit none goes to ours unverified.

It is not its words that are looked at, but who is spoken to: a request comes to a registry whose certificate nobody
trusts only from a client that has not verified it. A sample; test_many_files has the numbers, by a reader of TOML.
"""

from __future__ import annotations

import random
import re
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import registriesconf
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_corpus as corpus
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_many_files as many
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_skopeo as skopeo
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority

pytestmark = skopeo.pytestmark
MAIN, DROP_IN = "registries.conf", "registries.conf.d/50-site.conf"
SAMPLE = 3  # generated files of each kind
# Names in the files by whose they are; a longer port is another one.
OURS = r"(172\.30\.124\.220|docker-registry\.default\.svc(?:\.cluster\.local)?):5000(?!\d)"
OTHERS = r"(other\.example\.com:5000|mirror\.lab\.example\.com:5000|quay\.example\.com|(?<!\.)localhost:5000)(?!\d)"


@dataclass
class Registry:
    """A registry with a certificate that nobody trusts, and how many requests have come to it."""

    port: int
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def serve(authority: Authority) -> Iterator[Callable[[], Registry]]:
    """Give a function that starts one."""
    servers: list[ThreadingHTTPServer] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server("127.0.0.1", "localhost"))

    def start() -> Registry:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                made.asked.append(self.path)
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_args: object) -> None:
                """Say nothing of those who do not like the certificate."""

        server = Server(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        made = Registry(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return made

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Engine:
    """Skopeo with a configuration of its own, our registry and another one."""

    def __init__(self, folder: Path, ours: Registry, other: Registry) -> None:
        self.root, self.ours, self.other = folder, ours, other
        self.names = [f"127.0.0.1:{ours.port}", f"localhost:{ours.port}"]
        self.others = f"127.0.0.1:{other.port}"
        self.conf = folder / "etc/containers"
        (self.conf / "registries.conf.d").mkdir(parents=True)
        shutil.copy("/etc/containers/policy.json", self.conf)

    def localized(self, text: str) -> bytes:
        """Put the registries that are there in the place of those that the files name."""
        text = re.sub(OTHERS, self.others, text)
        return re.sub(OURS, lambda found: self.names["docker" in found.group(1)], text).encode()

    def edited(self, raw: bytes) -> bytes:
        """Take our entries out."""
        return registriesconf.edit(raw, self.names.__contains__).text

    def place(self, place: str, raw: bytes) -> None:
        """Have a file be all of the configuration."""
        (self.conf / MAIN).write_bytes(b"")
        (self.conf / DROP_IN).unlink(missing_ok=True)
        (self.conf / place).write_bytes(raw)

    def ask(self, name: str) -> str:
        """Have Skopeo look for an image, and give what it said."""
        return skopeo.ask(self, name)  # type: ignore[arg-type]  # of a node it takes the root alone

    def read(self, place: str, raw: bytes) -> tuple[dict[str, set[str]], str]:
        """Say, for each name that is asked for, whom Skopeo spoke to unverified; and all that it said."""
        self.place(place, raw)
        spoken, said = {}, []
        for name in [*self.names, self.others]:
            whom = {"ours": self.ours, "other": self.other}
            for registry in whom.values():
                registry.asked.clear()
            said.append(self.ask(name))
            spoken[name] = {who for who, registry in whom.items() if registry.asked}
        return spoken, "".join(said)

    def takes(self, place: str, raw: bytes) -> bool:
        """Say whether the library takes a file at all; one that it does not keeps it from every registry."""
        self.place(place, raw)
        return "loading registries" not in self.ask(self.names[0])

    def check(self, place: str, raw: bytes) -> bool:
        """Compare before and after; say whether it went to ours unverified before."""
        before, _said = self.read(place, raw)
        after, said = self.read(place, self.edited(raw))
        assert "loading registries" not in said
        assert after == {name: whom - {"ours"} for name, whom in before.items()}, raw.decode()
        was = any("ours" in whom for whom in before.values())
        assert not was or "x509: certificate signed by unknown authority" in said
        return was


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[], Registry]) -> Engine:
    """Give Skopeo and two registries."""
    return Engine(tmp_path_factory.mktemp("skopeo"), serve(), serve())


FILES = [path for path in corpus.BEFORE if corpus.kind_of(path) == "conf"]
# With a prefix and no location, which this version of the library does not take, nor anything else meanwhile.
NOT_TAKEN = {"registries-conf-d-v2.conf"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_distributions_have_them(engine: Engine, path: Path) -> None:
    raw = engine.localized(path.read_text())
    assert engine.takes(MAIN, raw) == engine.takes(MAIN, engine.edited(raw)) == (path.stem not in NOT_TAKEN)
    assert path.stem in NOT_TAKEN or engine.check(MAIN, raw)


def files(engine: Engine, version: int, place: str) -> Iterator[bytes]:
    """Generate files of a version that hold entries of ours, and that the library takes."""
    make = {1: many.registries_conf_1, 2: many.registries_conf_2}[version]
    for seed in range(500):
        raw = engine.localized(make(random.Random(seed)))
        if engine.edited(raw) != raw and engine.takes(place, raw):
            yield raw


@pytest.mark.parametrize(("version", "place"), [(1, MAIN), (2, MAIN), (2, DROP_IN)], ids=["v1", "v2", "drop-in"])
def test_as_they_are_generated(engine: Engine, version: int, place: str) -> None:
    were = 0
    for raw in files(engine, version, place):
        were += engine.check(place, raw)
        if were == SAMPLE:
            break
    assert were == SAMPLE


def test_who_else_is_insecure_stays_so(engine: Engine) -> None:
    """Beside ours, in either version: the other registry is spoken to as before, and ours is not."""
    both = [engine.names[0], engine.others]
    first = f"[registries.insecure]\nregistries = {both}\n"
    second = "".join(f'[[registry]]\nlocation = "{name}"\ninsecure = true\n' for name in both)
    for place, text in ((MAIN, first), (MAIN, second), (DROP_IN, second)):
        before, _said = engine.read(place, text.encode())
        assert [before[name] for name in both] == [{"ours"}, {"other"}]
        after, said = engine.read(place, engine.edited(text.encode()))
        assert [after[name] for name in both] == [set(), {"other"}]
        assert f'https://{both[0]}/v2/": x509: certificate signed by unknown authority' in said.replace("\\", "")

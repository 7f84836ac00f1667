# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker's proxy: as it runs and as it will run, where that stands, and what to set."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import checktools, endpoint, files, proxycheck, tls
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EngineError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._node.proxycheck import Found, ProxyCheck
from ansible_collections.okd.registry.plugins.module_utils._node.systemd import NO_UNIT
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode

UNIT = NO_UNIT._replace(exists=True, active=True, pid=7, environment_files=["/etc/sysconfig/docker"])
NAMES = {name: endpoint.parse(name) for name in ("172.30.1.1:5000", "docker-registry.default.svc:5000")}
PROXY = "http://me:secret@proxy.example.com:3128"


class Node:
    """A docker and a systemd that say what they are told to."""

    def __init__(self, root: Path, **said: Any) -> None:
        """Say it: environ, cmdline, unit, manager, info, go."""
        self.tree = files.Tree(str(root))
        self.root = root
        self.said = said

    def environment_of(self, _pid: int) -> list[bytes]:
        return [word.encode() for word in self.said.get("environ", [])]

    def cmdline(self, _pid: int) -> list[bytes]:
        return [word.encode() for word in self.said.get("cmdline", ["dockerd"])]

    def unit_environment(self) -> str:
        return str(self.said.get("unit", ""))

    def manager_environment(self) -> dict[str, str]:
        return dict(self.said.get("manager", {}))

    def info(self) -> dict[str, Any]:
        if "info" not in self.said:
            raise EngineError("asked without a reason")
        return dict(self.said["info"])

    def go_version(self) -> str:
        return str(self.said.get("go", "go1.19.8"))

    def look(self, *, restarts: bool = True) -> Found:
        return ProxyCheck(self.tree, self, self, NAMES).look(UNIT, restarts)

    def write(self, path: str, text: str) -> Node:
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)
        return self


def test_without_a_proxy_nothing_is_found_and_docker_is_not_asked(tmp_path: Path) -> None:
    assert Node(tmp_path, environ=["PATH=/bin", "HOME=/"]).look() == Found({}, {})


def test_what_docker_runs_with_is_what_it_says_itself(tmp_path: Path) -> None:
    info = {"HttpProxy": "", "HttpsProxy": PROXY, "NoProxy": "localhost,.svc"}
    found = Node(tmp_path, environ=[f"HTTPS_PROXY={PROXY}"], info=info).look(restarts=False)
    assert found.now == found.later
    (text,) = found.now.values()
    assert list(found.now) == ["172.30.1.1:5000"]
    assert "http://proxy.example.com:3128 (HTTPS_PROXY) for 172.30.1.1:5000" in text
    assert "set NO_PROXY=localhost,.svc,172.30.1.1 where docker.service gets its environment from" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("said", "files_", "where"),
    [
        ({"unit": f'HTTPS_PROXY={PROXY} "NO_PROXY=a, b"'}, {}, "Environment= of docker.service"),
        ({"manager": {"https_proxy": PROXY}}, {}, "the environment that systemd gives to every service"),
        ({}, {"/etc/sysconfig/docker": f"# x\nHTTPS_PROXY='{PROXY}'\n"}, "/etc/sysconfig/docker"),
        (
            {"unit": "HTTPS_PROXY=http://other NO_PROXY=*"},
            {"/etc/sysconfig/docker": f"HTTPS_PROXY={PROXY}\nNO_PROXY=\n"},
            "/etc/sysconfig/docker",
        ),
        ({}, {"/etc/docker/daemon.json": json.dumps({"proxies": {"https-proxy": PROXY}})}, "/etc/docker/daemon.json"),
        ({"cmdline": ["dockerd", f"--https-proxy={PROXY}"]}, {}, "docker's arguments"),
    ],
    ids=["drop-in", "manager", "file", "file wins", "daemon.json", "flag"],
)
def test_what_it_will_run_with_is_found_where_it_stands(
    tmp_path: Path, said: dict[str, Any], files_: dict[str, str], where: str
) -> None:
    node = Node(tmp_path, info={}, **said)
    for path, text in files_.items():
        node.write(path, text)
    found = node.look()
    assert list(found.later) == list(NAMES)
    (text,) = set(found.later.values())
    assert f"HTTPS_PROXY in {where}" in text
    assert "172.30.1.1,docker-registry.default.svc in " in text
    assert "secret" not in text


def test_an_old_docker_takes_no_networks_and_that_is_said(tmp_path: Path) -> None:
    unit = f"HTTP_PROXY={PROXY} NO_PROXY=172.30.0.0/16,.svc"
    old, new = (Node(tmp_path, unit=unit, go=go).look().later for go in ("go1.9.4", "go1.13.15"))
    assert (list(old), list(new)) == (["172.30.1.1:5000"], [])
    assert "takes no networks in NO_PROXY" in old["172.30.1.1:5000"]


class Prove:
    """A proof whose answers are given."""

    def __init__(self, bad: dict[str, str]) -> None:
        """Say what is wrong with some names."""
        self.bad = bad
        self.covered: list[str] = []

    def trust(self, _patience: float, _ask: bool, covered: list[str]) -> list[dict[str, Any]]:
        self.covered = covered
        return [
            {"endpoint": name, "ok": name not in self.bad or name in covered, "error": None,
             "engine": "no proof" if name in covered else self.bad.get(name, "trusts it")}
            for name in NAMES
        ]  # fmt: skip


def test_the_error_of_a_name_that_goes_through_the_proxy_says_what_to_set() -> None:
    first, second = NAMES
    found = Found({first: "ADVICE"}, {first: "ADVICE"})
    prove = Prove({first: "proxyconnect tcp: refused"})
    one, two = proxycheck.trust(prove, 0, True, [first, second], found)
    assert prove.covered == [second]  # docker is asked although a flag covers the name: is there a way at all?
    assert (one["ok"], one["error"]) == (False, "ADVICE. It said: proxyconnect tcp: refused")
    assert two["ok"]
    (one, _two) = proxycheck.trust(Prove({}), 0, True, [first], found)
    assert (one["ok"], one["engine"]) == (True, "no proof: an insecure flag covers this name")
    assert proxycheck.works([one], found) == ["ADVICE (it works through the proxy, too)"]


def test_a_name_that_the_restart_takes_from_the_proxy_is_not_asked_before() -> None:
    first, second = NAMES
    prove = Prove({first: "proxyconnect tcp: refused"})
    one, _two = proxycheck.trust(prove, 0, True, [], Found({first: "ADVICE"}, {}))
    assert (prove.covered, one["ok"]) == ([first], True)
    assert "until it is restarted" in one["engine"]
    assert second not in prove.covered


def test_a_restart_that_would_put_a_proxy_in_the_way_is_refused(tmp_path: Path, serve: Any, authority: Any) -> None:
    """Somebody has written it there and docker does not run with it yet: only the restart would show."""
    name = serve(authority.server("127.0.0.1", "localhost")).replace("127.0.0.1", "other.example")
    node = FakeNode(tmp_path / "node", [name], authority.pem)
    node.install(f"OPTIONS='--insecure-registry={name}'\nHTTPS_PROXY={PROXY}\n")
    before = node.tree()
    for options in ({"check_mode": True}, {}, {"restart": False}):
        said = r"set NO_PROXY=other\.example in /etc/sysconfig/docker.*Nothing was restarted"
        with pytest.raises(RefusedError, match=said):
            node.call(remove_insecure=True, **options)
    assert (node.tree(), node.state["restarts"]) == (before, 0)


def test_a_check_run_warns_of_a_proxy(tmp_path: Path, authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    node = FakeNode(tmp_path / "node", ["other.example:5000"], authority.pem)
    node.install("OPTIONS=-D\n")
    (node.root / "proc/1/environ").write_bytes(b"https_proxy=http://p:1\0")
    engine = node.engine()
    engine.info = lambda: {"HttpsProxy": "http://p:1", "NoProxy": ""}  # type: ignore[attr-defined]
    monkeypatch.setattr(node, "engine", lambda: engine)
    node.call(check_mode=True)
    assert ["NO_PROXY=other.example" in text for text in node.warnings] == [True]


def test_a_proxy_s_refusal_is_told_by_its_kind() -> None:
    assert tls.classify("proxyconnect tcp: dial tcp 192.0.2.1:3128: i/o timeout") == "proxy"


@pytest.mark.skipif(not shutil.which("skopeo"), reason="NOT CHECKED: no Skopeo, whose words are Go's")
@pytest.mark.parametrize("status", [302, 400, 403, 404, 407, 500, 502, 503, 504])
def test_a_living_proxy_s_refusal_is_told_by_the_words_of_go(status: int) -> None:
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    command = ["skopeo", "inspect", "docker://registry.invalid:5000/a/b:c"]
    environment = {**os.environ, "HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}", "NO_PROXY": ""}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60).stderr
    server.shutdown()
    server.server_close()
    assert tls.classify(said) == "proxy", said
    assert tls.classify(checktools._words(said.encode())) == "proxy", said

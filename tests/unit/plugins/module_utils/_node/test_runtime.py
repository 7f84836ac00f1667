# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healthy again after a restart of docker: docker, what it is to run, and the kubelet where it was healthy before."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RestartError
from ansible_collections.okd.registry.plugins.module_utils._node.runtime import Runtime, kubelet_problem
from ansible_collections.okd.registry.plugins.module_utils._node.systemd import NO_UNIT

UNIT = NO_UNIT._replace(exists=True, active=True)


class Kubelet:
    """A health check that answers with a status; on demand, no more."""

    def __init__(self) -> None:
        """Listen at a port of 127.0.0.1."""
        kubelet = self
        self.status = 200
        self.asked = 0
        self.recovers_at = 0  # from this question on the answer is 200 again; 0 for never

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kubelet.asked += 1
                well = self.path == "/healthz" and (kubelet.status == 200 or 0 < kubelet.recovers_at <= kubelet.asked)
                self.send_response(200 if well else kubelet.status)
                self.end_headers()
                self.wfile.write(b"ok" if well else b"[-]pleg failed")

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = self._server.server_address[:2]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class Docker:
    """systemd and dockerd of a node where nothing is wrong, and what a restart does there besides."""

    def __init__(self, restarts: Callable[[], None] = lambda: None) -> None:
        """Do something at each restart."""
        self._restarts = restarts

    def restart(self, _timeout: float, _first: object = ()) -> str:
        self._restarts()
        return ""

    def unit(self) -> Any:
        return UNIT

    def ping(self) -> bool:
        return True

    def info(self) -> dict[str, Any]:
        return {}

    def running(self) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def kubelet() -> Iterator[Kubelet]:
    """Give a kubelet."""
    found = Kubelet()
    yield found
    found.stop()


def runtime(kubelet: Kubelet, docker: Docker, timeout: float = 1.0) -> Runtime:
    return Runtime(docker, docker, timeout, healthz=kubelet.address)


def sick(kubelet: Kubelet, recovers_at: int = 0) -> Callable[[], None]:
    def change() -> None:
        kubelet.status, kubelet.recovers_at = 500, recovers_at

    return change


def test_a_kubelet_that_was_healthy_is_waited_for(kubelet: Kubelet) -> None:
    control = runtime(kubelet, Docker(sick(kubelet, recovers_at=4)), 30)
    before = control.containers()
    assert before.kubelet
    assert control.restart(UNIT, before) == []
    assert kubelet.asked == 4


def test_a_kubelet_that_does_not_come_back_is_told_with_its_words(kubelet: Kubelet) -> None:
    control = runtime(kubelet, Docker(sick(kubelet)))
    said = r"the kubelet, .* says 500 at http://.*/healthz \(\[-\]pleg failed\) 1 s after"
    with pytest.raises(RestartError, match=said):
        control.restart(UNIT, control.containers())


def test_a_kubelet_that_listens_no_more_is_told(kubelet: Kubelet) -> None:
    control = runtime(kubelet, Docker(kubelet.stop))
    with pytest.raises(RestartError, match=r"does not answer at http://127\.0\.0\.1:\d+/healthz"):
        control.restart(UNIT, control.containers())


@pytest.mark.parametrize("how", ["none", "sick"])
def test_a_node_without_a_healthy_kubelet_is_none_the_worse(kubelet: Kubelet, how: str, closed_port: int) -> None:
    """A node that runs containers and no kubelet, or one whose kubelet was ill before: docker's restart is not why."""
    sick(kubelet)()
    control = Runtime(Docker(), Docker(), 1, healthz=kubelet.address if how == "sick" else ("127.0.0.1", closed_port))
    before = control.containers()
    assert not before.kubelet
    assert control.restart(UNIT, before) == []


def test_healthy_is_no_problem(kubelet: Kubelet) -> None:
    assert kubelet_problem(kubelet.address) == ""

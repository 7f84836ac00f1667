# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small things that health and take-down are judged by."""

from __future__ import annotations

import socket
import threading

import pytest
from sandboxlib import health, sweep

KNOWN = "UserKnownHostsFile=/checkout/.sandbox/ssh/known_hosts"


@pytest.mark.parametrize(
    ("text", "size"), [("62.5MiB", 65536000), ("1.5GiB", 1610612736), ("10KiB", 10240), ("7B", 7), ("", 0)]
)
def test_dockers_sizes(text: str, size: int) -> None:
    assert health.parse_size(text) == size


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["ssh", "-o", KNOWN, "node1"], True),
        (["/usr/bin/ssh", "-o", KNOWN, "node1"], True),
        (["ssh: /root/.ansible/cp/okd-registry-sandbox/0a1b2c3d4e [mux]"], True),
        (["ssh: /root/.ansible/cp/0a1b2c3d4e [mux]"], False),
        (["ssh", "node1"], False),
        (["vim", KNOWN], False),
        (["sshd: root@notty"], False),
        ([], False),
    ],
)
def test_only_connections_to_the_nodes_are_ended(words: list[str], ours: bool) -> None:
    assert sweep._is_ours(words, KNOWN) is ours


def test_a_report_says_what_is_wrong() -> None:
    found = [health.Finding("API", None, "v1.34.1"), health.Finding("node1", "docker is inactive")]
    assert health.report(found) == ["ok     API            v1.34.1", "FAILED node1          docker is inactive"]


@pytest.mark.parametrize(("count", "address"), [(1, "172.30.0.1"), (0, None)])
def test_a_name_server_is_asked(count: int, address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        real = socket.socket.sendto
        target = server.getsockname()
        monkeypatch.setattr(socket.socket, "sendto", lambda self, data, _address: real(self, data, target))

        def answer() -> None:
            question, client = server.recvfrom(512)
            record = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton("172.30.0.1") if count else b""
            reply = question[:2] + b"\x81\x80\0\1" + bytes([0, count]) + b"\0\0\0\0" + question[12:] + record
            real(server, reply, client)

        thread = threading.Thread(target=answer)
        thread.start()
        assert health.resolve("kubernetes.default.svc", "127.0.0.1") == address
        thread.join()

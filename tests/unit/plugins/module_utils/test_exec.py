# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container, over real WebSockets; the other end is played. Real kubelets: tests/e2e/test_helper.py."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
import websocket
from ansible_collections.okd.registry.plugins.module_utils import _exec
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    ExecRefusedError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RegistryError,
    ServerError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from hypothesis import given
from hypothesis import strategies as st

ASKED = Request("create", "pods/exec of Pod d/p", "", "pods/exec", "d", "p", ("get",))
SUCCESS = {"status": "Success"}
RBAC = 'pods "p" is forbidden: User "bob" cannot get resource "pods/exec" in API group "" in the namespace "d"'
OPENSHIFT = (
    'pods "p" is forbidden: exec operation is not allowed because the pod\'s security context exceeds your'
    " permissions: unable to validate against any security context constraint"
)


def failed(code: int) -> dict[str, Any]:
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}


def refusal(code: int, message: str, reason: str = "Forbidden") -> tuple[int, bytes]:
    status = {"kind": "Status", "reason": reason, "message": message, "details": {"name": "p", "kind": "pods"}}
    return code, json.dumps(status).encode()


class Far:
    """The API server's end of a WebSocket."""

    def __init__(self, near: socket.socket) -> None:
        self._socket = near
        self._file = near.makefile("rb")
        key = next(
            line.split(b": ")[1].strip() for line in self._lines() if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        near.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def _lines(self) -> list[bytes]:
        lines = []
        while (line := self._file.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return lines

    def say(self, stream: int, data: bytes, *, opcode: int = 2, fin: int = 1, first: bool = True) -> None:
        data = (bytes([stream]) if first else b"") + data
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
        self._socket.sendall(bytes([fin << 7 | opcode]) + size + data)

    def end(self, status: dict[str, Any]) -> None:
        self.say(3, json.dumps(status).encode())
        self._socket.sendall(b"\x88\x02\x03\xe8")

    def hear(self) -> tuple[int, bytes]:
        """Opcode and data of one frame, as the client sent it."""
        head = self._file.read(2)
        if not head:
            raise EOFError
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
        mask = self._file.read(4)
        data = self._file.read(size)
        return head[0] & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


Part = Callable[[Far], None]


class Server:
    """Dials to an end that plays ``part``; ``offered`` and ``queries`` are what it was asked."""

    def __init__(self, part: Part, *answers: tuple[int, bytes]) -> None:
        self._part, self._answers = part, list(answers)
        self.offered: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, query: str, protocols: Sequence[str]) -> tuple[int, Any]:
        self.offered += protocols
        self.queries.append(parse_qs(query))
        if self._answers:
            return self._answers.pop(0)
        near, far = socket.socketpair()
        thread = threading.Thread(target=self._play, args=(far,))
        thread.start()
        self.threads.append(thread)
        wire: Any = websocket.WebSocket(skip_utf8_validation=True)
        wire.connect("ws://api/exec", socket=near)
        return 101, wire

    def _play(self, far: socket.socket) -> None:
        with far, contextlib.suppress(OSError, EOFError):
            self._part(Far(far))


@contextlib.contextmanager
def started(part: Part, **options: Any) -> Iterator[_exec.Exec]:
    server = Server(part)
    with _exec.start(server, ASKED, "c", ["cmd", "arg"], **options) as running:
        yield running
    for thread in server.threads:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize(("status", "code"), [(SUCCESS, 0), (failed(1), 1), (failed(137), 137)])
def test_output_and_exit_code(status: dict[str, Any], code: int) -> None:
    def part(far: Far) -> None:
        far.say(1, b"")
        far.say(1, b"a\xff")
        far.say(2, b"warn")
        far.say(1, b"x", fin=0)
        far.say(1, b"y" * 300, opcode=0, first=False)
        far.end(status)

    with started(part) as running:
        assert b"".join(running) == b"a\xffx" + b"y" * 300
        assert running.ended == _exec.Ended(code, "warn")


def test_output_after_the_status_is_not_lost() -> None:
    def part(far: Far) -> None:
        far.say(3, json.dumps(SUCCESS).encode())
        far.say(1, b"late")

    with started(part) as running:
        assert list(running) == [b"late"]
        assert running.ended.code == 0


def test_of_standard_error_the_end_is_kept() -> None:
    def part(far: Far) -> None:
        for i in range(100):
            far.say(2, f"{i:099d}\n".encode())
        far.end(failed(2))

    with started(part) as running:
        ended = running.finish()
    assert len(ended.stderr) == 4096
    assert ended.stderr.endswith("99\n")


@pytest.mark.parametrize(
    ("status", "output", "said"),
    [
        (
            {"status": "Failure", "reason": "InternalError", "message": "container not found"},
            b"",
            "container not found",
        ),
        (failed(126), b'OCI runtime exec failed: exec failed: "sh": executable file not found', "executable file"),
        (failed(127), b'rpc error: exec failed: "sh": executable file not found', "executable file"),
    ],
)
def test_nothing_was_started(status: dict[str, Any], output: bytes, said: str) -> None:
    def part(far: Far) -> None:
        far.say(1, output)
        far.end(status)

    with started(part) as running, pytest.raises(ExecError, match=f"No command could be run in Pod d/p: .*{said}"):
        running.finish()


def test_a_connection_that_breaks_is_no_end() -> None:
    def part(far: Far) -> None:
        far.say(1, b"half")

    with started(part) as running, pytest.raises(UnreachableError, match="Pod d/p broke off before its end"):
        running.finish()


def test_silence_is_given_up() -> None:
    release = threading.Event()
    with started(lambda _far: release.wait(5) and None, timeout=0.2) as running:
        with pytest.raises(UnreachableError, match="nothing came or went"):
            running.finish()
        release.set()


def test_silence_is_filled_with_pings_but_is_silence_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exec, "_PING", 0.05)
    heard = []

    def part(far: Far) -> None:
        while (frame := far.hear())[0] == 9:
            heard.append(frame)
            far.say(0, b"", opcode=10, first=False)

    with started(part, timeout=1.2) as running, pytest.raises(UnreachableError, match="nothing came or went"):
        running.finish()
    assert len(heard) >= 2


def test_a_ping_is_answered() -> None:
    heard = []

    def part(far: Far) -> None:
        far.say(0, b"there?", opcode=9, first=False)
        heard.append(far.hear())
        far.end(SUCCESS)

    with started(part) as running:
        running.finish()
    assert heard == [(10, b"there?")]


# ---- input -------------------------------------------------------------------------------------------------------


def echo(far: Far) -> None:
    """Give everything back at once, until the input ends."""
    while (frame := far.hear()[1]) != b"\xff\x00":
        far.say(1, frame[1:])
    far.end(SUCCESS)


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 4_000_000])
def test_input_is_sent_while_output_is_read(size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    with started(echo, stdin=[data, b"", b"end"], timeout=5) as running:
        assert b"".join(running) == data + b"end"


def test_one_feeds_another() -> None:
    def source(far: Far) -> None:
        for i in range(200):
            far.say(1, bytes([i]) * 20_000)
        far.end(SUCCESS)

    with started(source) as first, started(echo, stdin=first, timeout=5) as second:
        assert b"".join(second) == b"".join(bytes([i]) * 20_000 for i in range(200))
        assert first.ended.code == 0


def test_a_source_that_breaks_is_no_end_of_input() -> None:
    heard = []

    def sink(far: Far) -> None:
        with contextlib.suppress(EOFError):
            while True:
                heard.append(far.hear())

    with (
        started(lambda far: far.say(1, b"half")) as first,
        started(sink, stdin=first) as second,
        pytest.raises(UnreachableError),
    ):
        second.finish()
    assert (2, b"\xff\x00") not in heard


def test_older_servers_get_the_input_framed() -> None:
    heard = []

    def part(far: Far) -> None:
        while True:
            heard.append(far.hear()[1])
            if heard[-1].endswith(b".\n"):
                far.end(SUCCESS)
                return

    server = Server(part, (403, b""))
    with _exec.start(server, ASKED, "c", ["tar", "-x", "a b"], stdin=[b"abc" * 9]) as running:
        running.check()
    assert server.offered == [_exec.V5, _exec.V4]
    assert server.queries[0]["command"] == ["tar", "-x", "a b"]
    assert server.queries[1]["command"][:2] == ["sh", "-c"]
    assert server.queries[1]["command"][2].endswith("| tar -x 'a b'")
    assert all(frame[0] == 0 for frame in heard)
    assert heard[-1] == b"\0" + base64.b64encode(b"abc" * 9) + b"\n.\n.\n.\n"


@given(pieces=st.lists(st.binary(max_size=8000)))
def test_framed_input_is_what_the_container_reads(pieces: list[bytes]) -> None:
    framed = b"".join(_exec._input(pieces, framed=True))
    done = subprocess.run(_exec._framing(["cat"]), input=framed, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"".join(pieces)


def test_what_a_command_leaves_of_framed_input_is_read_by_nobody_but_read() -> None:
    """The other end of the pipe never breaks, and is told that no more is wanted; the code is the command's."""
    framed = b"".join(_exec._input([b"abcd" * 500_000], framed=True))
    command = _exec._framing(["sh", "-c", "head -c 4; exit 3"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(framed[: len(framed) // 2])  # a broken pipe would raise here
        running.stdin.flush()
        assert running.stderr.readline() == _exec._ENOUGH
        running.stdin.write(_exec._END_LINE)  # in the middle of a line, as when it comes after half a frame
        running.stdin.flush()
        assert running.stdout.read() == b"abcd"
        assert running.wait(timeout=20) == 3


def test_no_more_input_goes_to_who_wants_none() -> None:
    heard = []

    def part(far: Far) -> None:
        far.hear()
        far.say(2, b"tar: no space\n" + _exec._ENOUGH[:20])
        far.say(2, _exec._ENOUGH[20:])
        while not heard or (not heard[-1].endswith(b"\n.\n") and heard[-1] != b"\0" + _exec._END_LINE):
            heard.append(far.hear()[1])
        far.end(failed(2))

    endless = (b"abc" * 1024 for _ in iter(int, 1))
    with _exec.start(Server(part, (403, b"")), ASKED, "c", ["tar", "-x"], stdin=endless, timeout=20) as running:
        assert running.finish() == _exec.Ended(2, "tar: no space\n")
    assert heard[-1] == b"\0" + _exec._END_LINE


@given(pieces=st.lists(st.binary(max_size=80_000)))
def test_input_is_cut_but_kept(pieces: list[bytes]) -> None:
    sent = list(_exec._input(pieces, framed=False))
    assert b"".join(sent) == b"".join(pieces)
    assert max(map(len, sent), default=0) <= 32 * 1024


# ---- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (refusal(403, RBAC), ForbiddenError, r"user bob cannot create pods/exec of Pod d/p.*verbs: \[create, get\]"),
        (refusal(403, OPENSHIFT), ExecRefusedError, "exec operation is not allowed"),
        (refusal(403, "cannot exec into or attach to a privileged container"), ExecRefusedError, "privileged"),
        (refusal(422, "Policy 'x' denied request: no", "Invalid"), ExecRefusedError, "denied request: no"),
        (refusal(404, 'pods "p" not found', "NotFound"), NotFoundError, 'pods "p" not found'),
        (refusal(400, "container x is not valid for pod p", "BadRequest"), InvalidError, "container x is not valid"),
        (refusal(500, "error dialing backend: no route to host", "InternalError"), ExecError, "no route to host"),
        ((502, b"<html>Bad Gateway"), ExecError, "Bad Gateway"),
    ],
)
@pytest.mark.parametrize("stdin", [None, [b"x"]])
def test_why_nothing_was_started(
    answer: tuple[int, bytes], kind: type[RegistryError], said: str, stdin: list[bytes] | None
) -> None:
    server = Server(echo, answer)
    with pytest.raises(kind, match=f"(?s){said}") as raised:
        _exec.start(server, ASKED, "c", ["x"], stdin=stdin)
    assert type(raised.value) is kind
    assert len(server.offered) == 1


@pytest.mark.parametrize("status", _exec.TURNED_AWAY)
@pytest.mark.parametrize("stdin", [None, [b"x"]])
def test_who_is_turned_away_for_the_moment_asks_again(status: int, stdin: list[bytes] | None) -> None:
    def done(far: Far) -> None:
        far.say(1, b"done")
        far.end(SUCCESS)

    server, pauses = Server(done, (status, b""), (status, b"")), list[int]()
    with _exec.start(server, ASKED, "c", ["x"], stdin=stdin, pause=pauses.append) as running:
        assert b"".join(running) == b"done"
    assert pauses == [1, 2]
    assert len(set(map(str, server.queries))) == 1


def test_patience_ends_and_a_kubelets_refusal_is_final() -> None:
    pauses = list[int]()
    with pytest.raises(ServerError, match="429"):
        _exec.start(Server(echo, *[(429, b"")] * 9), ASKED, "c", ["x"], pause=pauses.append)
    assert len(pauses) == _exec.ATTEMPTS - 1
    server = Server(echo, refusal(500, "container not found"))
    with pytest.raises(ExecError, match="container not found"):
        _exec.start(server, ASKED, "c", ["x"], pause=pauses.append)
    assert len(server.offered) == 1

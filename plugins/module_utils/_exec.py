# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container, over a WebSocket to the API server: bytes in, bytes out, exit code; in constant memory.

Messages of the protocol ``v4.channel.k8s.io`` begin with a byte that names their stream. The library's own client for
it keeps all output in memory and reads only while it is asked to, so two of them cannot feed each other; here one loop
without threads (a TLS connection of Python's before 3.13 must not be read and written by two at once) moves both ways.
"""

from __future__ import annotations

import base64
import json
import select
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ApiError,
    ExecError,
    ExecRefusedError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._status import Request, error_from, parse_status

_STDIN, _STDOUT, _STDERR, _ERROR, _CLOSE = 0, 1, 2, 3, 255
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
#: What is offered to the API server where there is input. Only version 5 (Kubernetes 1.30) can end the input.
INPUT_PROTOCOLS = (V5, V4)
STDERR_KEPT = 4096  # bytes, the last ones
_HEAD_KEPT = 512  # bytes of the output's beginning: old runtimes tell there why nothing was started
_PIECE = 32 * 1024  # bytes of input in one message; the API server's own size for output
_TICK = 0.5  # seconds; how long one of two connected commands waits before the other is looked at
_PING = 15.0  # seconds without a byte after which one is sent, so that no load balancer on the way gives up
# Older protocols cannot say that the input ends. So it comes as lines of base64 there, and a dot ends it; several,
# for sed reads a line ahead.
_END_LINE = b".\n" * 3
_LINE = 3 * 1024  # bytes in one line of base64, a multiple of 3 so that only the last one is padded
# A command that ends without having read all of its input: the kubelet would close a connection that still has some
# to be read, and what it sent last, the exit code, is lost on the way at times. So what is left is read, and we are
# told, to send no more of it.
_ENOUGH = b"okd.registry: the input is not read any more\n"
_TO_END = "sed -n '/^[.]$/q%s'"
_UNFRAME = f"{{ {_TO_END % ';p'} || {{ echo '{_ENOUGH.decode().strip()}' >&2; {_TO_END % ''}; }}; }} | base64 -d | "
#: HTTP statuses of an API server, or of what stands before it, that has no time at the moment: nothing was started. A
#: 500 is the kubelet's own word on why it cannot.
TURNED_AWAY = (429, 502, 503, 504)
ATTEMPTS = 5
_NOT_STARTED = (b"exec failed", b"executable file not found")

#: Query and offered protocols -> (101, the connected WebSocket), or (HTTP status, body) where that came instead.
Dial = Callable[[str, Sequence[str]], "tuple[int, Any]"]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    :param stderr: its last 4 kB of standard error, as text.
    """

    code: int
    stderr: str


def start(
    dial: Dial,
    request: Request,
    container: str | None,
    command: Sequence[str],
    *,
    stdin: Iterable[bytes] | None = None,
    timeout: float = 60.0,
    pause: Callable[[int], None] | None = None,
) -> Exec:
    """Start a command; see ``Api.exec``, which gives ``dial`` and ``request``.

    :param pause: waits before another attempt where a server turns it away for the moment; without it there is none.
    """
    # An API server that knows none of the protocols offered ends with 403 and no words (golang.org/x/net/websocket).
    for protocol in INPUT_PROTOCOLS if stdin is not None else (V4,):
        framed = stdin is not None and protocol == V4
        query = _query(container, _framing(command) if framed else command, stdin is not None)
        for attempt in range(1, ATTEMPTS + 1):
            status, got = dial(query, [protocol])
            if pause is None or status not in TURNED_AWAY or attempt == ATTEMPTS:
                break
            pause(attempt)
        if status == 101:
            return Exec(got, request, timeout, None if stdin is None else _input(stdin, framed), framed=framed)
        if not (status in (400, 403) and protocol == V5 and not parse_status(got)):
            break
    raise _refused(status, got, request)


def _query(container: str | None, command: Sequence[str], stdin: bool) -> str:
    asked = [("container", container)] if container else []
    asked += [("command", word) for word in command]
    asked += [("stdin", "true")] if stdin else []
    return urlencode([*asked, ("stdout", "true"), ("stderr", "true")])


def _framing(command: Sequence[str]) -> list[str]:
    """A command that reads framed input. Needs sh, sed and base64, of busybox or GNU, in the container."""
    return ["sh", "-c", _UNFRAME + shlex.join(command)]


def _input(stdin: Iterable[bytes], framed: bool) -> Iterator[bytes]:
    """The input as pieces of no more than ``_PIECE``; an empty one where there is nothing for the moment."""
    source = stdin.pieces() if isinstance(stdin, Exec) else stdin
    rest = b""
    for data in source:
        if not framed:
            yield from (data[i : i + _PIECE] for i in range(0, len(data) or 1, _PIECE))
            continue
        rest += data
        whole = len(rest) // _LINE * _LINE
        yield from (_lines(rest[i : min(i + 8 * _LINE, whole)]) for i in range(0, whole, 8 * _LINE))
        rest = rest[whole:]
        yield b""
    if framed:
        yield _lines(rest) + _END_LINE


def _lines(data: bytes) -> bytes:
    return b"".join(base64.b64encode(data[i : i + _LINE]) + b"\n" for i in range(0, len(data), _LINE))


def _pod(request: Request) -> str:
    return f"Pod {request.namespace}/{request.name}"


def _refused(status: int, body: bytes, request: Request) -> Exception:
    """Why nothing was started: rights, a policy, no such pod, or a kubelet that cannot."""
    if status >= 500:
        said = parse_status(body).get("message") or body[:300].decode("utf-8", "replace").strip() or f"HTTP {status}"
        return ExecError(f"No command could be run in {_pod(request)}: {said}.")
    error: ApiError = error_from(status, body, request)
    # An admission policy of the cluster's own says 422 where it was not given another reason, not 403.
    by_policy = status == 422 or (isinstance(error, ForbiddenError) and "rule" not in error.details)
    if by_policy and parse_status(body):
        return ExecRefusedError(error.message, status=status, reason=error.reason)
    return error


class Exec(AbstractContextManager["Exec"]):
    """A running command. Iterate over it for its output, as bytes; then ask ``ended``.

    It may be the ``stdin`` of another one. Leaving the context hangs up; what runs in the container may go on then.
    """

    def __init__(
        self, wire: Any, request: Request, timeout: float, stdin: Iterator[bytes] | None, *, framed: bool
    ) -> None:
        wire.sock.setblocking(False)
        self._wire, self._what, self._timeout = wire, _pod(request), timeout
        self._stdin = stdin
        self._framed = framed
        self._unsent = memoryview(b"")
        self._pongs: list[bytes] = []  # frames that only keep the connection alive
        self._sends_input = False  # whether that is what is unsent
        self._channel = -1  # of the message that is being received
        self._message_ended = True
        self._stderr = self._status = self._head = b""
        self._open = True
        self._ended: Ended | None = None

    def __exit__(self, *_exc: object) -> None:
        self._open = False
        self._wire.shutdown()

    def __iter__(self) -> Iterator[bytes]:
        """The output as it comes.

        :raises UnreachableError: when the connection breaks, or for ``timeout`` seconds no byte moves either way.
        :raises ExecError: when the command could not be started.
        """
        return (piece for piece in self.pieces() if piece)

    def finish(self) -> Ended:
        """Read to the end, dropping what output is left, and say how it ended. Raises as iterating does."""
        for _piece in self.pieces():
            pass
        return self.ended

    def check(self) -> Ended:
        """As ``finish``; raises ExecError with exit code and standard error unless the code is 0."""
        ended = self.finish()
        if ended.code:
            said = " ".join((ended.stderr or self._head.decode("utf-8", "replace")).split())[-600:]
            raise ExecError(
                f"The command in {self._what} ended with exit code {ended.code}: {said or 'it said nothing'}",
                code=ended.code,
            )
        return ended

    @property
    def ended(self) -> Ended:
        """How it ended, once all output is read."""
        if self._ended is None:
            raise RuntimeError("the command's output has not been read to its end")
        return self._ended

    def pieces(self) -> Iterator[bytes]:
        """As iterating, with an empty piece at least every half second, so that one who waits can do other things."""
        last = pinged = time.monotonic()
        while self._open:
            received, output = self._receive()
            if output:
                yield output
            sent = self._open and self._send()
            now = time.monotonic()
            if received or sent:
                last = pinged = now
                continue
            if not self._open:
                break
            if now - last > self._timeout:
                raise UnreachableError(
                    f"The command in {self._what}: nothing came or went for {self._timeout:.0f} s, so it was given up."
                )
            if now - pinged > _PING:
                self._pongs.append(self._frame(b"", ping=True))
                pinged = now
            if self._stdin is None or self._unsent:
                self._wait()
            yield b""
        if self._ended is None:
            self._ended = self._outcome()

    # ---- the two ways --------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wire.sock, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        poll.poll(1000 * min(_TICK, self._timeout))

    def _receive(self) -> tuple[bool, bytes]:
        """Whether anything came, and what of it is output. Never waits."""
        import ssl

        import websocket

        try:
            frame = self._wire.recv_frame()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False, b""
        except (websocket.WebSocketException, OSError):  # how it ended is told by the status, if that has come
            self._open = False
            return True, b""
        if frame.opcode == frame.OPCODE_CLOSE:
            self._open = False
            return True, b""
        if frame.opcode in (frame.OPCODE_PING, frame.OPCODE_PONG):
            if frame.opcode == frame.OPCODE_PING:
                self._pongs.append(self._frame(frame.data, pong=True))
            return False, b""
        data = bytes(frame.data)
        if self._message_ended and data:
            self._channel, data = data[0], data[1:]
        self._message_ended = bool(frame.fin)
        return True, self._take(data)

    def _take(self, data: bytes) -> bytes:
        if self._channel == _STDOUT:
            if len(self._head) < _HEAD_KEPT:
                self._head = (self._head + data)[:_HEAD_KEPT]
            return data
        if self._channel == _STDERR:
            self._stderr = (self._stderr + data)[-STDERR_KEPT:]
            if self._framed and _ENOUGH in self._stderr:
                self._stderr = self._stderr.replace(_ENOUGH, b"")
                self._stdin = iter([_END_LINE])
        elif self._channel == _ERROR:
            self._status += data
        return b""

    def _send(self) -> bool:
        """Whether any input went. Never waits for the connection, only a little for the one who gives the input."""
        import ssl

        if not self._unsent:
            self._sends_input = not self._pongs
            self._unsent = memoryview(self._next())
        if not self._unsent:
            return False
        try:
            count = self._wire.sock.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:  # the other side has hung up: what it said before that is still to be read
            self._stdin, self._unsent = None, memoryview(b"")
            return False
        self._unsent = self._unsent[count:]
        return self._sends_input

    def _next(self) -> bytes:
        """The next frame to send, empty where there is none now."""
        if self._pongs:
            return self._pongs.pop(0)
        if self._stdin is None:
            return b""
        try:
            piece = next(self._stdin)
        except StopIteration:
            self._stdin = None
            return b"" if self._framed else self._frame(bytes([_CLOSE, _STDIN]))
        return self._frame(bytes([_STDIN]) + piece) if piece else b""

    @staticmethod
    def _frame(data: bytes, *, ping: bool = False, pong: bool = False) -> bytes:
        from websocket import ABNF

        kind = ABNF.OPCODE_PING if ping else ABNF.OPCODE_PONG if pong else ABNF.OPCODE_BINARY
        return bytes(ABNF.create_frame(data, kind).format())

    # ---- the end -------------------------------------------------------------------------------------------------

    def _outcome(self) -> Ended:
        """The exit code, from the Status that the kubelet sends last."""
        stderr = self._stderr.decode("utf-8", "replace")
        try:
            status = json.loads(self._status)
        except ValueError:
            status = {}
        if not isinstance(status, dict) or not status.get("status"):
            said = self._status.decode("utf-8", "replace").strip() or stderr[-300:].strip()
            raise UnreachableError(
                f"The connection to the command in {self._what} broke off before its end"
                + (f": {said}" if said else "; whether it went on is not known.")
            )
        if status["status"] == "Success":
            return Ended(0, stderr)
        causes = (status.get("details") or {}).get("causes") or []
        code = next((str(c.get("message")) for c in causes if c.get("reason") == "ExitCode"), "")
        if not code.isdigit():
            raise ExecError(f"No command could be run in {self._what}: {status.get('message') or status}")
        if code in ("126", "127") and any(sign in self._head + self._stderr for sign in _NOT_STARTED):
            said = " ".join((self._head + b" " + self._stderr).decode("utf-8", "replace").split())
            raise ExecError(f"No command could be run in {self._what}: {said}", code=int(code))
        return Ended(int(code), stderr)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests counted where they arrive: in the API server's audit log. Each client counts the same way there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

READS = frozenset({"get", "list", "watch"})
#: Asking for rights and opening a stream to a pod are "create" in the log, but write nothing.
NO_WRITES = ("portforward", "exec", "log")
#: Seconds after which the API server has written down what it has answered.
SETTLE = 0.4


@dataclass(frozen=True)
class Request:
    """One finished request.

    :ivar at: when the API server received it, in seconds since 1970.
    :ivar writes: whether it may change something, whether it did or not (a dry run counts as well).
    :ivar agent: the first word of the user agent that sent it.
    """

    at: float
    writes: bool
    agent: str


def may_write(event: Mapping[str, Any]) -> bool:
    """Whether a request in the log is one that may change something."""
    about = event.get("objectRef") or {}
    harmless = about.get("subresource") in NO_WRITES or str(about.get("resource")).endswith("reviews")
    return event["verb"] not in READS and not harmless


def read(lines: Iterable[bytes | str], user: str) -> Iterator[Request]:
    """The requests of a user in the lines of an audit log; a request counts once, when it is finished.

    A watch, and a stream such as a port-forward, is one request.
    """
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        if event["stage"] != "ResponseComplete" or event["user"]["username"] != user:
            continue
        received = datetime.strptime(event["requestReceivedTimestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
        agent = str(event.get("userAgent") or "unnamed").partition("/")[0].partition(" ")[0]
        yield Request(received.timestamp(), may_write(event), agent)


@contextmanager
def counted(log: Path, user: str) -> Iterator[list[Request]]:
    """Collects a user's requests while the block runs; the list is filled at the block's end."""
    start = log.stat().st_size
    found: list[Request] = []
    yield found
    time.sleep(SETTLE)
    with log.open("rb") as stream:
        stream.seek(start)
        found.extend(read(stream, user))

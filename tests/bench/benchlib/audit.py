# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests counted where they arrive: in the API server's audit log. Each client counts the same way there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READS = frozenset({"get", "list", "watch"})
#: Asking for rights and opening a stream to a pod are "create" in the log, but write nothing.
NO_WRITES = ("portforward", "exec", "log")
#: Seconds after which the API server has written down what it has answered.
SETTLE = 0.4


@dataclass
class Requests:
    """Requests of one stretch of time.

    :ivar agents: the first words of the user agents that sent them.
    """

    total: int = 0
    writes: int = 0
    agents: set[str] = field(default_factory=set)


def writes(event: Mapping[str, Any]) -> bool:
    """Whether a request may change something, whether it did or not (a dry run counts as well)."""
    about = event.get("objectRef") or {}
    harmless = about.get("subresource") in NO_WRITES or str(about.get("resource")).endswith("reviews")
    return event["verb"] not in READS and not harmless


def count(lines: Iterable[bytes | str], user: str, into: Requests | None = None) -> Requests:
    """The requests of a user in the lines of an audit log; a request counts once, when it is finished.

    A watch, and a stream such as a port-forward, is one request.
    """
    found = into or Requests()
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        if event["stage"] != "ResponseComplete" or event["user"]["username"] != user:
            continue
        found.total += 1
        found.writes += writes(event)
        found.agents.add(str(event.get("userAgent") or "unnamed").partition("/")[0].partition(" ")[0])
    return found


@contextmanager
def counted(log: Path, user: str) -> Iterator[Requests]:
    """Counts a user's requests while the block runs; the result is filled in at the block's end."""
    start = log.stat().st_size
    found = Requests()
    yield found
    time.sleep(SETTLE)
    with log.open("rb") as stream:
        stream.seek(start)
        count(stream, user, found)

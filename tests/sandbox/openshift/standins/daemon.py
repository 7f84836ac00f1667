# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service needs: a log that journald dates, and word to systemd that it is ready."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime, timezone


def log(text: str) -> None:
    """Write one line to the journal."""
    print(text, file=sys.stderr, flush=True)


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(timezone.utc)


def stamp(moment: datetime) -> str:
    """Write a moment as the API does: RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """Read what stamp() or the API wrote; None where it is no time."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def notify_ready() -> None:
    """Tell systemd (Type=notify) that the service is up; does nothing without systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall(b"READY=1")

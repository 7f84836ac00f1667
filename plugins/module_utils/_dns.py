# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the name of a Route leads anywhere, as the host that runs the module sees it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError

PATIENCE = 5.0  # seconds a resolver gets; its own timeouts are many times as long

IGNORE, WARN, FAIL = "ignore", "warn", "fail"


def unresolved(host: str, *, seconds: float = PATIENCE) -> str | None:
    """Why a name has no address here, in a few words; None when it has one."""
    said = [f"no answer within {seconds:.0f} s"]

    def ask() -> None:
        try:
            said[0] = "" if socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM) else "no address"
        except (OSError, UnicodeError) as exc:
            said[0] = getattr(exc, "strerror", None) or str(exc)

    asking = threading.Thread(target=ask, daemon=True)  # a resolver that hangs must not hold up the module's end
    asking.start()
    asking.join(seconds)
    return said[0] or None


def look(host: str, asked: str, warn: Callable[[str], None], *, leads_to: str = "") -> None:
    """Say it where a name does not resolve here.

    :param asked: ``ignore``, ``warn`` or ``fail``.
    :param leads_to: what a DNS entry is to lead to, where that is known.
    :raises RefusedError: with ``fail``.
    """
    why = unresolved(host) if asked != IGNORE else None
    if not why:
        return
    text = (
        f"{host} does not resolve on {os.uname().nodename} ({why}). Where clients do not resolve it either, they "
        f"cannot reach the registry so: have a DNS entry made that leads to {leads_to or 'the router'}."
    )
    if asked == FAIL:
        raise RefusedError(f"{text} Say dns: warn or ignore where only clients know the name.")
    warn(text)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a migration is, as return values. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._migrate.content import Files
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import PROVED, State, described


def told(state: State, line: str, files: Files | None = None) -> dict[str, Any]:
    """A step's result.

    :param line: about the state, without any time in it.
    """
    return {
        "phase": state.phase,
        "done": state.phase == PROVED,
        "line": line,
        "id": state.id,
        "from": described(state.source),
        "to": described(state.target),
        "closed": bool(state.closed or state.door),
        **({"bytes": files.bytes, "files": files.count} if files else {}),
    }


def copying(state: State, files: Files, todo: Sequence[str], copied: Sequence[str]) -> dict[str, Any]:
    """While files are copied."""
    left = sum(map(files.size, todo)) - sum(map(files.size, copied))
    count = files.count - len(todo) + len(copied)
    size = f"{human(files.bytes - left)} of {human(files.bytes)}"
    return told(state, f"copied {count} of {files.count} files, {size}", files)


def verifying(state: State, files: Files, sure: int) -> dict[str, Any]:
    """While digests are computed."""
    return told(state, f"verified {sure} of {len(files.blobs)} blobs", files)


def proved(state: State) -> dict[str, Any]:
    """Everything is on the target, and nobody can push."""
    totals = dict(state.totals)
    now = time.time()
    line = (
        f"{totals.get('blobs', 0)} blobs in {totals.get('repositories', 0)} repositories,"
        f" {human(totals.get('bytes', 0))}, all there and verified"
    )
    seconds = state.closed_seconds + (now - state.closing if state.closing else 0)
    return {
        **told(state, line), **totals, "closed_seconds": round(seconds, 1), "duration": round(now - state.started, 1),
        "damaged": list(state.damaged),
    }  # fmt: skip


def human(size: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"

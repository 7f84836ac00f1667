# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit of the machine that a cluster on it reaches: inotify instances of one user, root, in all containers.

A sandbox takes about a hundred, and the kernel's own limit is 128 (inotify(7)); a kubelet that gets none does not run.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from . import settings

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 1024


def _before() -> Path:
    return settings.RUN_DIR / "inotify-instances"


def lift() -> list[str]:
    """Raise the limit where it is lower, and keep what it was; where that is not allowed, the lower one must do."""
    was = int(LIMIT.read_text())
    if was >= ENOUGH:
        return []
    with contextlib.suppress(OSError):
        settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
        _before().write_text(f"{was}\n")
        LIMIT.write_text(f"{ENOUGH}\n")
        return [f"inotify instances {was} to {ENOUGH}"]
    return []


def restore() -> list[str]:
    """Put the limit back to what it was before the first sandbox came up."""
    try:
        was = int(_before().read_text())
    except (OSError, ValueError):
        return []
    with contextlib.suppress(OSError):
        LIMIT.write_text(f"{was}\n")
    _before().unlink()
    return [f"inotify instances back to {was}"]

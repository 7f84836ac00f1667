# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes of the machine itself."""

from __future__ import annotations

import json
import subprocess

from . import settings
from .processes import SandboxError


def _ip(*arguments: str) -> str:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def blackholed() -> set[str]:
    """Networks this machine sends nowhere."""
    return {route["dst"] for route in json.loads(_ip("-j", "route", "show", "type", "blackhole") or "[]")}


def close_networks() -> list[str]:
    """Make services and pods unreachable from the machine, as they are from a bastion."""
    missing = sorted(set(settings.BLACKHOLES) - blackholed())
    for network in missing:
        _ip("route", "replace", "blackhole", network)
    return [f"blackhole {network}" for network in missing]


def open_networks() -> list[str]:
    """Take these routes away again."""
    present = sorted(set(settings.BLACKHOLES) & blackholed())
    for network in present:
        _ip("route", "del", "blackhole", network)
    return [f"removed blackhole {network}" for network in present]


def has_bridge() -> bool:
    """Whether the sandbox's bridge is there."""
    return settings.BRIDGE in {link["ifname"] for link in json.loads(_ip("-j", "link"))}


def remove_bridge() -> bool:
    """Remove the bridge if the docker daemon left it."""
    if not has_bridge():
        return False
    _ip("link", "del", settings.BRIDGE)
    return True

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps by the names that the playbooks call them by."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from . import resetting, steps
from .processes import SandboxError

STEPS: dict[str, Callable[[dict[str, Any]], list[str] | dict[str, Any]]] = {
    function.__name__: function
    for function in (
        steps.files,
        steps.control_plane,
        steps.objects,
        steps.digest,
        steps.start,
        steps.booted,
        steps.joined,
        steps.remember,
        steps.well,
        resetting.reset_control_plane,
        resetting.reset_objects,
        resetting.reset_container,
        resetting.clean_node,
        resetting.clean_storage,
        resetting.reset_files,
        resetting.remove,
    )
}


def run(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one step; returns the result for Ansible. Raises SandboxError with what to read."""
    try:
        answer = STEPS[name](arguments)
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxError(f"step {name}: {error}") from error
    if isinstance(answer, dict):
        return {"changed": False, **answer}
    return {"changed": bool(answer), "changes": answer}

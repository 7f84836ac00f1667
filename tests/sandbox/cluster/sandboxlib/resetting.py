# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of reset.yml and down.yml."""

from __future__ import annotations

import datetime
import os
import shutil
from typing import Any

from . import containers, ownership, settings, steps, sweep
from .kubeclient import Client, until
from .processes import SandboxError
from .steps import Changes


def reset_control_plane(arguments: dict[str, Any]) -> Changes:
    """A control plane that runs, of a sandbox that can be reset."""
    if not settings.PATHS.snapshot.exists():
        raise SandboxError("the sandbox has no first state to go back to: run `sandbox up`")
    changed = steps.outdated()
    if changed:
        raise SandboxError(
            f"{', '.join(changed)}: not there, or made from other files than there are now: "
            "run `sandbox up`, then reset"
        )
    return steps.control_plane(arguments)


def reset_objects(_arguments: dict[str, Any]) -> Changes:
    """Objects of the cluster as they were."""
    return steps.reset_all(steps.client())


def reset_container(arguments: dict[str, Any]) -> Changes:
    """Files and services of one container as they were."""
    name = arguments["part"]
    changes = _wake(name)
    if name == "infra":
        changes += _start_units(name)
        return changes
    began = datetime.datetime.now(datetime.timezone.utc)
    changes += containers.inside(name, [*steps.NODE_STATE, "restore"]).splitlines()
    steps.booted(arguments)
    if any(change.startswith("started") for change in changes):
        # The kubelet was without a runtime: what the API says of the node is from before, until it says something new.
        until(lambda: _stale(steps.client(), name, began), what=f"kubelet of {name}", seconds=steps.NODE_SECONDS)
    return changes


def _wake(name: str) -> Changes:
    """Start a container that was stopped or paused."""
    state = containers.status(name)
    if state == "running":
        return []
    if state == "paused":
        containers.docker("unpause", name)
    elif state == "exited":
        containers.docker("start", name)
        until(lambda: _booting(name), what=f"systemd of {name}", seconds=steps.BOOT_SECONDS)
    else:
        raise SandboxError(f"the container of {name} is {state}: run `sandbox up`, then reset")
    return [f"container was {state}"]


def _start_units(name: str) -> Changes:
    """Start what does not run of a container's units."""
    inactive = steps.inactive_units(name)
    if inactive is None:
        return []
    containers.inside(name, ["systemctl", "reset-failed"])
    containers.inside(name, ["systemctl", "start", *steps.INFRA_UNITS])
    steps.booted({"part": name})
    return [f"started what was not: {inactive}"]


def _booting(name: str) -> str | None:
    """Whether systemd is still at it; a node with a broken file gets no further than "degraded"."""
    state = containers.inside(name, ["systemctl", "is-system-running"], check=False).strip()
    return None if state in {"running", "degraded"} else f"systemd says {state or 'nothing'}"


def clean_node(arguments: dict[str, Any]) -> Changes:
    """Containers, images and volumes of one node as they were; after the objects that would bring them back."""
    return containers.inside(arguments["part"], [*steps.NODE_STATE, "clean"]).splitlines()


def clean_storage(_arguments: dict[str, Any]) -> Changes:
    """What the NFS and the S3 server serve, empty as it was; after all who could write to it."""
    return containers.inside("infra", ["/usr/local/sbin/sandbox-storage", "reset"]).splitlines()


def _stale(api: Client, name: str, since: datetime.datetime) -> str | None:
    for entry in api.call("GET", f"/api/v1/nodes/{name}")["status"]["conditions"]:
        if entry["type"] == "Ready":
            fresh = datetime.datetime.fromisoformat(entry["lastHeartbeatTime"]) > since
            return None if fresh and entry["status"] == "True" else f"Ready is {entry['status']}: {entry['message']}"
    return "it has not said anything yet"


def reset_files(_arguments: dict[str, Any]) -> Changes:
    """The registry's authority and the audit log, empty as they were."""
    left = sorted(settings.PATHS.registry_pki.iterdir())
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    os.truncate(settings.PATHS.audit_log, 0)
    return [f"removed {path}" for path in left]


def remove(_arguments: dict[str, Any]) -> Changes:
    """All of this checkout's sandbox, also what an interrupted run left of it."""
    return sweep.remove(ownership.read_record() or sweep.own_record())

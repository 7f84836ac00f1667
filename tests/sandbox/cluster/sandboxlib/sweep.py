# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a sandbox away, this checkout's or one whose checkout is gone: all of it, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import apialone, containers, hostlimits, hostnet, inputs, ownership, settings
from .ownership import Record
from .processes import SandboxError, all_pids, command_line, end, identify, marked

SERVICES = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")


def own_record() -> Record:
    """What this checkout's sandbox is recorded as."""
    return Record(
        checkout=str(settings.CHECKOUT),
        state=str(settings.PATHS.state),
        cache=str(settings.cache_dir()),
        since=ownership.now(),
    )


def claim() -> list[str]:
    """Make this machine's sandbox this checkout's; one that another run left is taken away first.

    Call it as the living run only: the lock says that nobody uses the other one any more.
    """
    said = []
    record = ownership.read_record()
    if record and record.state != str(settings.PATHS.state):
        said.append(
            f"A sandbox of {record.checkout} is on this machine, up since {record.since}; the run that made it "
            "has ended. It is taken away, and this checkout's takes its place."
        )
        said += remove(record)
        record = None
    said += _orphans()
    if record is None:
        ownership.write_record(own_record())
    return said


def _orphans() -> list[str]:
    """End what belongs to sandboxes that are recorded nowhere: their state directory is gone, or has no record."""
    mine = str(settings.PATHS.state)
    strays = {
        identity: owner
        for identity, owner in marked().items()
        if not Path(owner).exists() or (owner != mine and not owner.endswith("/api"))
    }
    end(strays)
    return [f"ended process {identity.pid}, left over from {owner}" for identity, owner in strays.items()]


def remove(record: Record) -> list[str]:
    """Take a sandbox away by its record; returns what there was. May be repeated after an interruption."""
    paths = settings.Paths(Path(record.state))
    said = []
    # First those that would bring back or miss what is removed next. The marker tells them, also without pid files.
    processes = [identity for identity, owner in marked().items() if owner == record.state]
    said += [f"ended {' '.join(command_line(one.pid)[:2]).rpartition('/')[2]} ({one.pid})" for one in processes]
    end(processes, grace=1.0)  # no data to save: the API server would wait for etcd, which is gone
    said += _remove_containers(record)
    said += end_ssh(paths)
    said += hostnet.open_networks()
    said += hostlimits.restore()
    if hostnet.remove_bridge():
        said.append(f"removed bridge {settings.BRIDGE}")
    apialone.down(paths)
    shutil.rmtree(paths.state, ignore_errors=True)
    ownership.write_record(None)
    return said


def _remove_containers(record: Record) -> list[str]:
    """Containers, networks and volumes by the daemon itself, started for that where it was killed; then the daemon.

    Another one may live on the same files by now, that of a build: it has read what the killed one left, and keeps it
    in mind (a network whose bridge is gone would be taken for whole), so it is asked to remove that, and goes on.
    """
    one = inputs.daemon(Path(record.state), Path(record.cache))
    said = []
    if successor := inputs.successor(one):
        return [f"removed container {name}" for name in containers.remove_all(successor.host)]
    try:
        if one.data.is_dir():
            inputs.start_daemon(one)
            said = [f"removed container {name}" for name in containers.remove_all(one.host)]
    except SandboxError as error:
        # Its processes, bridges and mounts go all the same; what is left are files in the cache.
        said.append(f"containers could not be removed from {one.data}: {error}")
    if inputs.stop_daemon(one):
        said.append("stopped dockerd")
    return said


def end_ssh(paths: settings.Paths) -> list[str]:
    """End connections to the nodes: those that ssh keeps for a minute, too."""
    known_hosts = f"UserKnownHostsFile={paths.ssh / 'known_hosts'}"
    found = [pid for pid in all_pids() if _is_ours(command_line(pid), known_hosts)]
    end(identity for pid in found if (identity := identify(pid)))
    return [f"ended ssh connection ({pid})" for pid in found]


def _is_ours(words: list[str], known_hosts: str) -> bool:
    """By the file of host keys; a kept connection calls itself "ssh: <control socket> [mux]" and nothing else."""
    if not words:
        return False
    kept = words[0].startswith("ssh: ") and settings.SSH_CONTROL in words[0]
    return kept or (words[0].rpartition("/")[2] == "ssh" and known_hosts in words)

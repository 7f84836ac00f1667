# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a registry's pods can write to a volume, before they are told to: tried by a helper as the same user.

Without it, a wrong owner of an export shows at the first push only: the registry starts, and is ready, all the same.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _helper
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper, Volume
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._model import Registry

PURPOSE = "probe"
_MARK = "okd-registry-probe"
_ROOM = 1024 * 1024  # bytes written, so that a full volume or a used-up quota shows

#: For sh, dd, ls, id and df of busybox and GNU. $1 is the volume's path, $2 a word to write.
_SCRIPT = """
root=$1 word=$2 name=.MARK-$2 v2=$1/docker/registry/v2
d=$root/$name
say() { printf '%s %s\\n' MARK "$*"; }
clean() { rm -rf "$root"/.MARK-* "$v2"/.MARK-* "$v2"/blobs/.MARK-* "$v2"/repositories/.MARK-* >/dev/null 2>&1; }
try() {
  step=$1
  shift
  said=$("$@" 2>&1) || { say failed "$step" $said; clean; exit 1; }
}
fill() { printf '%s' "$word" >"$d/a" && dd if=/dev/zero of="$d/room" bs=65536 count=16; }
keep() { dd if=/dev/null of="$d/a" conv=notrunc,fsync && dd if=/dev/null of="$d/room" conv=notrunc,fsync; }
back() { got=$(cat "$d/b") && { [ "$got" = "$word" ] || { echo "it holds other bytes than were written"; false; }; }; }
away() { rm "$d/b" "$d/room" && rmdir "$d"; }
old() {
  for one in "$v2" "$v2/blobs" "$v2/repositories"; do
    ! [ -d "$one" ] || { mkdir "$one/$name" && rmdir "$one/$name"; } || return 1
  done
}
say id "$(id -u)" "$(id -g)" "$(id -G)"
say directory $(ls -ldn "$root" 2>&1)
clean
try mkdir mkdir "$d"
try write fill
try fsync keep
try rename mv "$d/a" "$d/b"
try read back
try delete away
try old old
say free $(df -P -k "$root" 2>/dev/null | tail -n 1)
say done
""".replace("MARK", _MARK)

#: What each step does, for messages: "cannot …".
_STEPS = {
    "mkdir": "make a directory",
    "write": "write a file",
    "fsync": "have what is written kept (fsync)",
    "rename": "rename a file",
    "read": "read back what was written",
    "delete": "delete what it has written",
    "old": "write beside the images that are there already",
}


@dataclass(frozen=True)
class Report:
    """What a probe found.

    :param skipped: why nothing was tried, as a sentence; None where it was.
    :param groups: all groups of the process, its primary one among them.
    :param free: bytes that are free, None where that is not told.
    :param directory: the volume's root as ``ls -ldn`` shows it.
    :param failed: the step that did not work (a key of ``_STEPS``), None where all did.
    :param said: what was said then.
    """

    skipped: str | None = None
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()
    free: int | None = None
    directory: str = ""
    node: str | None = None
    failed: str | None = None
    said: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return {
            "tried": self.skipped is None,
            "skipped": self.skipped,
            "uid": self.uid,
            "gid": self.gid,
            "groups": list(self.groups),
            "free_bytes": self.free,
            "node": self.node,
        }

    @property
    def who(self) -> str:
        """The process, in words."""
        groups = ", ".join(map(str, self.groups))
        return f"user {self.uid}, group {self.gid}, groups {groups}"


def probe(
    api: Api,
    registry: Registry,
    storage: Storage,
    workload: Mapping[str, Any],
    *,
    image: str | None = None,
    node: str | None = None,
    timeout: float = 180.0,
) -> Report:
    """Try to write to the storage as the registry will.

    :param workload: the workload as it will be: its template says user, groups and nodes.
    :param image: the option ``helper_image``; None takes the registry's.
    :param node: where the volume is already in use, and can be on one node only.
    :param timeout: seconds for the helper to end.
    :raises RefusedError: when it cannot be written to, or the helper cannot run; the text says what to do, and
        ``details["step"]`` is a key of ``_STEPS`` or ``start``.
    """
    if storage.objects:
        return Report(skipped=f"{storage} is no volume: whether the registry can write there shows at its first push.")
    if storage.kind == "ephemeral":
        return Report(skipped="Ephemeral storage is made anew with each pod, for its user: there is nothing to try.")
    path = storage.mount_path
    helper = Helper(
        registry.name,
        registry.namespace,
        PURPOSE,
        ("sh", "-c", _SCRIPT, "sh", path, secrets.token_hex(8)),
        (Volume(path, storage.source()),),
        image=image,
        node=node,
        seconds=int(timeout),
    )
    try:
        done = _helper.run(api, helper, workload, timeout=timeout)
    except WaitError as exc:
        raise RefusedError(_start_text(storage, exc), step="start", category=exc.details.get("category")) from exc
    if done.not_started or (done.code in (126, 127) and _MARK not in done.log):
        raise RefusedError(
            f"Whether {storage} can be written to cannot be tried: {done.not_started or done.log.strip()}. An image"
            " without a shell cannot do it: name one that has sh, id, ls and dd in helper_image (busybox will do), or"
            " say probe_storage: false.",
            step="start",
        )
    if done.code == 0 and not done.log.strip():  # every step that fails ends it with 1
        return Report(
            skipped=f"The pod that tried {storage} on node {done.node} ended well, but its words were not kept there.",
            node=done.node,
        )
    report = parse(done.log, node=done.node)
    if report.failed:
        raise RefusedError(
            f"{storage}, at {path}, cannot hold the registry's images: its pods ({report.who}) cannot"
            f" {_STEPS.get(report.failed, report.failed)}: {report.said}. {advice(report, storage)}"
            " To go on all the same: ignore_guards: [probe], or probe_storage: false.",
            step=report.failed,
        )
    return report


def parse(log: str, *, node: str | None = None) -> Report:
    """What the script printed. A log that ends without a result is a failure, too."""
    told: dict[str, list[str]] = {}
    for line in log.splitlines():
        mark, _space, rest = line.partition(" ")
        key, _space, value = rest.partition(" ")
        if mark == _MARK and key:
            told[key] = value.split()
    ids = [int(word) for word in told.get("id", []) if word.isdigit()]
    failed = told.get("failed")
    if failed is None and "done" not in told:
        failed = ["mkdir", *log.split()[-40:]]
    free = told.get("free", [])
    return Report(
        uid=ids[0] if ids else None,
        gid=ids[1] if len(ids) > 1 else None,
        groups=tuple(dict.fromkeys(ids[2:])),
        # Filesystem, 1024-blocks, used, available, capacity, mounted on; the first may have blanks in it.
        free=int(free[-3]) * 1024 if len(free) >= 6 and free[-3].isdigit() else None,
        directory=" ".join(told.get("directory", [])),
        node=node,
        failed=failed[0] if failed else None,
        said=" ".join(failed[1:]) if failed else "",
    )


# ---- advice ------------------------------------------------------------------------------------------------------


def advice(report: Report, storage: Storage) -> str:
    """What to do about a step that failed."""
    said = report.said.lower()
    if "read-only file system" in said:
        return _READ_ONLY.get(storage.kind, "Mount it for writing.")
    if "no space left" in said or "quota exceeded" in said:
        return "Make room on it, or name a larger one."
    if "permission denied" in said or "not permitted" in said:
        return _permission(report, storage)
    if "stale" in said or "input/output error" in said or "timed out" in said:
        return f"The server or disk behind it has a fault: look at it, and at the messages of node {report.node}."
    return "Look at what is behind it."


_READ_ONLY = {
    "nfs": "The server exports it read-only, or a mount option says ro: export it rw.",
    "pvc": "The claim's volume is mounted read-only: look at accessModes, readOnly and mountOptions of the volume.",
    "host_path": "The node has this file system mounted read-only: mount it for writing.",
}


def _permission(report: Report, storage: Storage) -> str:
    owner = _Owner.of(report.directory)
    if owner is None:
        return f"Let {report.who} write there."
    if report.failed == "old":
        return f"The images there belong to another user: on the server, chown -R {report.uid} its directory docker."
    shown = f"Its directory is {report.directory}."
    if owner.lets(report):
        return f"{shown} Owner and mode would let it, so something else does not: {_BEYOND_MODE[storage.kind]}"
    ways = [f"give it to the user (chown {report.uid}" + (f" {_place(storage)})" if _place(storage) else ")")]
    if owner.mode[5:6] == "w" and owner.gid not in report.groups and owner.gid:
        ways.append(f"let the pods have its group (supplemental_groups: [{owner.gid}])")
    elif storage.kind == "pvc":
        ways.append("let the volume be given to a group (fs_group), where its driver can do that")
    else:
        ways.append("give it to a group of its own with chgrp and chmod 2770, and name that in supplemental_groups")
    if report.uid == 0 and storage.kind == "nfs":
        return f"{shown} The server takes root for nobody (root_squash): run the registry as another user."
    return f"{shown} Either {', or '.join(ways)}."


_BEYOND_MODE = {
    "nfs": (
        "the server takes this user for another (all_squash, or root_squash for user 0), or SELinux on the node keeps"
        " containers from NFS (setsebool -P virt_use_nfs 1)."
    ),
    "pvc": (
        "SELinux on the node (look for denials: ausearch -m avc), or the server behind the volume, which takes this"
        " user for another."
    ),
    "host_path": (
        "SELinux on the node, unless the pod is privileged: let the service account use the SCC privileged, or"
        " chcon -Rt svirt_sandbox_file_t the directory."
    ),
}


def _place(storage: Storage) -> str:
    if storage.nfs:
        return storage.nfs.path
    return storage.host_path.path if storage.host_path else ""


@dataclass(frozen=True)
class _Owner:
    mode: str  # as ls shows it, "drwxrws---"
    uid: int
    gid: int

    @classmethod
    def of(cls, shown: str) -> _Owner | None:
        """From a line of ``ls -ldn``."""
        found = re.match(r"(d\S{9})\S* +\d+ +(\d+) +(\d+) ", shown)
        return cls(found[1], int(found[2]), int(found[3])) if found else None

    def lets(self, report: Report) -> bool:
        """Whether mode and owner let the process write."""
        if report.uid == 0:
            return True
        groups: Sequence[int | None] = (report.gid, *report.groups)
        place = 1 if self.uid == report.uid else 4 if self.gid in groups else 7
        return self.mode[place + 1] == "w" and self.mode[place + 2] in "xst"


def _start_text(storage: Storage, exc: WaitError) -> str:
    """Why nothing could be tried: the volume, where that is it, else the helper."""
    kind = exc.details.get("category")
    what = f"{storage} cannot be mounted" if kind == "mount" else f"Whether {storage} can be written to was not tried"
    hints = {
        "mount": _MOUNT.get(storage.kind, ""),
        "schedule": "Name nodes on which the volume can be, or a claim that is there and gets bound.",
        "image": "Name an image that the nodes can pull in helper_image, or say probe_storage: false.",
        "refused": _SCC if "security context constraint" in str(exc) else _REFUSED,
    }
    return f"{what}: {exc} {hints.get(str(kind), '')}".strip()


_REFUSED = "Pods in this namespace are refused by a quota or policy: the registry's would be, too, unless room is made."
_SCC = (
    "The registry's pods would be refused as well: its service account needs to be among the users of a"
    " SecurityContextConstraints that allows this (for a directory of a node, privileged)."
)


_MOUNT = {
    "nfs": (
        "Check server and path, that the server exports it to the nodes, that they reach its port 2049, and that they"
        " have mount.nfs (package nfs-utils)."
    ),
    "pvc": "Check the claim's volume and what it is on.",
    "host_path": "Check that the directory is on that node.",
}

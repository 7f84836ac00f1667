# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(storage): telling what is in a storage of 100 000 blobs, beside C(find). It needs no cluster."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchlib.playbook import BenchError
from benchlib.report import Report
from benchlib.stats import Ratio, alternate, series

BLOBS = 100_000
REPOSITORIES = 200
#: Of the links, one in so many is an image's, the others are layers'.
IMAGES = 10
#: Blobs of the repository before that each repository has links to as well.
SHARED = 20
#: How much longer than find it may take.
TARGET = 1.50
_V2 = "docker/registry/v2"
_PACKAGE = "ansible_collections.okd.registry.plugins.module_utils._node"
# What the module does with path, without Ansible; and what it does with what a container's shell prints, without one.
_MOUNTED = f"""
import sys
from {_PACKAGE} import storagelook, storagereport
found = storagelook.look(storagelook.Mounted(sys.argv[1]), storagereport.Options(86400, 100))
print(found["totals"]["blobs"], found["totals"]["broken"])
"""
_LISTED = f"""
import sys
from {_PACKAGE} import storagefind, storagelook, storagereport
class Here(storagelook.InContainer):
    def _run(self, command, take):
        return storagelook.run(command, take, 600)
found = storagelook.look(Here("", "", sys.argv[1], 600), storagereport.Options(86400, 100))
print(found["totals"]["blobs"], found["totals"]["broken"])
"""


def run(repetitions: int) -> Report:
    """Measure the walk of a mounted directory, and of a list by find, beside find alone; all in turns."""
    with tempfile.TemporaryDirectory(prefix="okd-registry-bench-") as folder:
        make(Path(folder))
        contenders: dict[str, Callable[[], float]] = {
            "path": lambda: _ours(_MOUNTED, folder),
            "find": lambda: _timed(["find", folder]),
            "listed": lambda: _ours(_LISTED, folder),
            "sizes": lambda: _timed(["find", folder, "-type", "f", "-printf", "%s %T@ %p\\n"]),
        }
        measured = alternate(contenders, repetitions)
    find = series("find, which prints names", measured["find"])
    sizes = series("find, which prints names, sizes and times of files", measured["sizes"])
    path = series("registry_storage_info of a mounted directory", measured["path"])
    listed = series("registry_storage_info of what find lists", measured["listed"])
    return Report(
        f"storage: what is in a storage of {BLOBS} blobs",
        [
            Ratio("a mounted directory ÷ find", path, find, at_most=TARGET),
            Ratio("a mounted directory ÷ find with sizes", path, sizes),
            Ratio("by the list of a shell ÷ find", listed, find),
            Ratio("by the list of a shell ÷ find with sizes", listed, sizes),
        ],
    )


def make(root: Path) -> None:
    """Make the storage. Blobs are files with a length and no content, so that it takes no more of the disk."""
    digests = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(BLOBS)]
    for number, digest in enumerate(digests):
        place = root / _V2 / "blobs/sha256" / digest[:2] / digest
        place.mkdir(parents=True)
        with (place / "data").open("wb") as stream:
            stream.truncate(1000 + number)
    each = BLOBS // REPOSITORIES
    for index in range(REPOSITORIES):
        top = root / _V2 / "repositories" / f"project{index % 20}" / f"app{index}"
        first = index * each
        for number in range(max(0, first - SHARED), first + each):
            kind = "_layers" if number % IMAGES else "_manifests/revisions"
            _link(top / kind / "sha256" / digests[number], digests[number])
        for tag in range(3):
            digest = digests[first + tag * IMAGES]
            _link(top / "_manifests/tags" / f"v{tag}" / "current", digest)
            _link(top / "_manifests/tags" / f"v{tag}" / "index/sha256" / digest, digest)
        (top / "_uploads").mkdir()


def _link(place: Path, digest: str) -> None:
    place.mkdir(parents=True)
    (place / "link").write_text(f"sha256:{digest}", encoding="ascii")


def _timed(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _ours(program: str, root: str) -> float:
    """Seconds of a Python of its own, with its start.

    :raises BenchError: when it did not see all of it.
    """
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program, root], stdout=subprocess.PIPE, text=True, check=True)
    spent = time.monotonic() - began
    if done.stdout.split() != [str(BLOBS), "0"]:
        raise BenchError(f"{BLOBS} blobs, none of them missing, were counted as: {done.stdout}")
    return spent

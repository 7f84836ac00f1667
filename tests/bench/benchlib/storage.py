# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(storage): telling what is in a storage of 100 000 blobs, beside C(find). It needs no cluster."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchlib.playbook import BenchError
from benchlib.report import Report
from benchlib.stats import MEMORY, Ratio, alternate, series

BLOBS = 100_000
REPOSITORIES = 200
#: Of the links, one in so many is an image's, the others are layers'.
IMAGES = 10
#: Blobs of the repository before that each repository has links to as well.
SHARED = 20
#: How much longer than find it may take, by whichever way.
TARGET = 1.50
#: How much more memory ten times the blobs may take: "constant", but for one repository or the other.
GROWTH = 1.50
_V2 = "docker/registry/v2"
_PACKAGE = "ansible_collections.okd.registry.plugins.module_utils._node"
# What the module does with path, without Ansible; what it does with what a container's shell prints, without one, by
# the programs of a directory; and what it does with a list of so many blobs, of which there is no file.
_MOUNTED = f"""
import sys
from {_PACKAGE} import storagelook, storagereport
found = storagelook.look(storagelook.Mounted(sys.argv[1]), storagereport.Options(86400, 100))
"""
_LISTED = f"""
import os, sys
from {_PACKAGE} import storagefind, storagelook, storagereport
os.environ["PATH"] = sys.argv[2]
class Here(storagelook.InContainer):
    def _run(self, command, take):
        return storagelook.run(command, take, 600)
found = storagelook.look(Here("", "", sys.argv[1], 600), storagereport.Options(86400, 100))
"""
_LINES = f"""
import hashlib, sys
from {_PACKAGE} import storagereport, storagewalk
walk, number = storagewalk.Walk(), int(sys.argv[1])
walk.feed(b"@time\\n1800000000\\n@blobs\\n")
for n in range(number):
    digest = hashlib.sha256(b"%d" % n).hexdigest()
    walk.feed("f 9 1 ./sha256/{{}}/{{}}/data\\n".format(digest[:2], digest).encode())
walk.feed(b"@repositories\\n")
for n in range(number):
    digest = hashlib.sha256(b"%d" % n).hexdigest()
    place = "./project/app{{}}/_layers/sha256/{{}}".format(n % {REPOSITORIES}, digest)
    walk.feed("{{}}\\nf 71 1 {{}}/link\\n".format(place, place).encode())
walk.finish()
found = storagereport.Report(walk, storagereport.Options(86400, 100), lambda _paths: ()).result()
"""
_FIGURES = """
with open("/proc/self/status") as status:
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
print(found["totals"]["blobs"], found["totals"]["broken"], peak)
"""
#: The lines of 100 000 blobs and their links, and of ten times as many.
_FEW, _MANY = 100_000, 1_000_000


def run(repetitions: int) -> Report:
    """Measure the walk of a mounted directory, and of a list by find, beside find alone; all in turns."""
    memory: dict[str, list[float]] = {"path": [], "listed": []}
    with tempfile.TemporaryDirectory(prefix="okd-registry-bench-") as folder:
        tree, programs = Path(folder) / "registry", Path(folder) / "bin"
        make(tree)
        programs.mkdir()
        _run(["busybox", "--install", "-s", str(programs)])
        contenders: dict[str, Callable[[], float]] = {
            "path": lambda: _ours(_MOUNTED, str(tree), memory=memory["path"]),
            "find": lambda: _timed(["find", str(tree)]),
            "listed": lambda: _ours(_LISTED, str(tree), os.environ["PATH"], memory=memory["listed"]),
            "sizes": lambda: _timed(["find", str(tree), "-type", "f", "-printf", "%s %T@ %p\\n"]),
            "busybox": lambda: _ours(_LISTED, str(tree), str(programs)),
            "busybox find": lambda: _timed([str(programs / "find"), str(tree)]),
        }
        measured = alternate(contenders, repetitions)
        finds = series("find, its memory at most", [_peak(["find", str(tree)]) for _ in range(repetitions)], MEMORY)
    for number, name in ((_FEW, "few"), (_MANY, "many")):
        _ours(_LINES, str(number), blobs=number, memory=memory.setdefault(name, []))
    find = series("find, which prints names", measured["find"])
    sizes = series("find, which prints names, sizes and times of files", measured["sizes"])
    path = series("registry_storage_info of a mounted directory", measured["path"])
    listed = series("registry_storage_info of what find lists", measured["listed"])
    peaks = {name: series(_MEMORY_OF[name], values, MEMORY) for name, values in memory.items()}
    return Report(
        f"storage: what is in a storage of {BLOBS} blobs",
        [
            Ratio("a mounted directory ÷ find", path, find, at_most=TARGET),
            Ratio("by the list of a shell ÷ find", listed, find, at_most=TARGET),
            Ratio(
                "by the list of busybox ÷ busybox' find",
                series("registry_storage_info of what busybox lists", measured["busybox"]),
                series("busybox' find, which prints names", measured["busybox find"]),
                at_most=TARGET,
            ),
            Ratio("a mounted directory ÷ find with sizes", path, sizes),
            Ratio("by the list of a shell ÷ find with sizes", listed, sizes),
            Ratio("memory: a list of 1 000 000 blobs ÷ of 100 000", peaks["many"], peaks["few"], at_most=GROWTH),
            Ratio("memory: a mounted directory ÷ find", peaks["path"], finds),
            Ratio("memory: by the list of a shell ÷ find", peaks["listed"], finds),
        ],
    )


_MEMORY_OF = {
    "path": "registry_storage_info of a mounted directory, its memory at most",
    "listed": "registry_storage_info of what find lists, its memory at most",
    "few": "registry_storage_info of the lines of 100 000 blobs, its memory at most",
    "many": "registry_storage_info of the lines of 1 000 000 blobs, its memory at most",
}


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


def _run(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _timed(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _ours(program: str, *arguments: str, blobs: int = BLOBS, memory: list[float] | None = None) -> float:
    """Seconds of a Python of its own, with its start.

    :param memory: a list, to which the most memory that it held is added (MiB).
    :raises BenchError: when it did not see all of it.
    """
    began = time.monotonic()
    printed = _run([sys.executable, "-c", program + _FIGURES, *arguments]).split()
    spent = time.monotonic() - began
    if printed[:2] != [str(blobs), "0"]:
        raise BenchError(f"{blobs} blobs, none of them missing, were counted as: {printed}")
    if memory is not None:
        memory.append(int(printed[2]) / 1024)
    return spent


def _peak(command: list[str]) -> float:
    """The most memory that a command held (MiB), looked at while it ran."""
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            held = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
            peak = int(held[1]) / 1024 if held else peak
            time.sleep(0.005)
    return peak

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes' mount.nfs: a C program, compiled on this machine against the libraries that the nodes have too."""

from __future__ import annotations

import platform
from pathlib import Path

import process
import rootfs
import store

NAME = "mount-nfs"
SOURCE = Path(__file__).resolve().parents[1] / "nfs"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-I/usr/include/fuse3")
LIBRARIES = ("-lfuse3", "-lnfs")


def key() -> str:
    """The key of the program: its source, flags, and the Debian whose libraries it is for."""
    return store.key_of([*store.tree_parts(SOURCE), *FLAGS, *LIBRARIES, rootfs.SUITE, platform.machine()])


def build(*, work: Path, log: Path) -> None:
    """Compile it into ``work``. Whether the nodes have these libraries is seen when their image is built."""
    for header, package in (("fuse3/fuse.h", "libfuse3-dev"), ("nfsc/libnfs.h", "libnfs-dev")):
        if not Path("/usr/include", header).exists():
            raise store.BuildError(
                f"/usr/include/{header} is not there: `make setup` installs it (Debian package {package})"
            )
    compiler = process.require("gcc", "gcc")
    process.run([compiler, *FLAGS, "-o", work / NAME, *sorted(SOURCE.glob("*.c")), *LIBRARIES], log=log)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes' mount.nfs, compiled for this: what it refuses before it asks a server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nfsclient
import pytest
from store import BuildError

SOURCE, TARGET = "127.0.0.1:/exports/registry", "/nowhere"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    work = tmp_path_factory.mktemp("nfs")
    try:
        nfsclient.build(work=work, log=work / "log")
    except BuildError as error:
        pytest.skip(str(error).splitlines()[0])
    return work / nfsclient.NAME


def mount(program: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stderr.strip()


@pytest.mark.parametrize("options", ["ro,hard,nfsvers=4.1", "rsize=65536,x-systemd.automount", "vers=3,nolock", "v4.2"])
def test_options_of_nfs_are_taken(program: Path, options: str) -> None:
    assert mount(program, SOURCE, TARGET, "-o", options, "-f") == (0, "")


@pytest.mark.parametrize("option", ["bogus", "vers", "hard=1", "rsiz=1", "=", "nolockx"])
def test_other_options_are_refused_in_the_words_of_mount_nfs(program: Path, option: str) -> None:
    said = f"mount.nfs: an incorrect mount option was specified: {option}"
    assert mount(program, SOURCE, TARGET, "-o", f"hard,{option}", "-f") == (32, said)


def test_a_source_without_a_server_is_refused(program: Path) -> None:
    assert mount(program, "/exports/registry", TARGET) == (32, "mount.nfs: remote share not in 'host:dir' format")


def test_it_says_that_it_can_run(program: Path) -> None:
    assert mount(program, "-V") == (0, "")
    assert mount(program)[0] == 1

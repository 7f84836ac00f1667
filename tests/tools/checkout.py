# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the test tools share: where the checkout is, which files it holds, and which of them are the artefact's."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
OUTPUT = ROOT / "tests" / "output"


def cache_dir() -> Path:
    """The cache outside the checkout, which all checkouts of a user share."""
    return Path(os.environ.get("OKD_REGISTRY_CACHE") or Path.home() / ".cache" / "okd-registry")


def files() -> list[str]:
    """Paths of all files that are, or could next be, under version control, relative to the checkout and sorted."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).exists())


def ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether galaxy.yml's build_ignore leaves a file out, as ansible-galaxy matches it: the path or one above it."""
    parts = path.split("/")
    prefixes = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return any(fnmatch.fnmatch(prefix, pattern) for prefix in prefixes for pattern in patterns)


def artifact_files(names: Iterable[str]) -> list[str]:
    """Those of the given files that go into the collection's artefact, and galaxy.yml, from which it is made."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return [name for name in names if not ignored(name, galaxy["build_ignore"])]


def link_dependencies(base: Path) -> None:
    """Puts the collections that galaxy.yml depends on beside the copy: our documentation takes in parts of theirs."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    installed = next((ROOT / ".venv" / "lib").glob("python3.*/site-packages/ansible_collections"))
    for name in galaxy["dependencies"]:
        link = base.joinpath("ansible_collections", *name.split("."))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(installed.joinpath(*name.split(".")))


def copy_collection(base: Path) -> Path:
    """Copies the artefact's files to C(base)/ansible_collections/okd/registry, which is returned.

    The collections that ours depends on stand beside it.
    """
    link_dependencies(base)
    target = base / "ansible_collections" / "okd" / "registry"
    for name in artifact_files(files()):
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
    return target


def clean_path() -> str:
    """The PATH with our own environment first and without version managers' shims, which ansible-test refuses."""
    rest = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part and Path(part).name != "shims"]
    return os.pathsep.join([str(BIN), *(part for part in rest if part != str(BIN))])

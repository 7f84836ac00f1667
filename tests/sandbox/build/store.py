# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Built things, kept outside the checkout under the hash of what they are made from.

An artefact is a directory ``<cache>/artifacts/<name>/<key>``. It appears by one rename, so it is whole or not there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

KEY_LENGTH = 16  # hexadecimal digits
KEEP = 2  # versions of one artefact; older ones go, least recently used first


class BuildError(Exception):
    """Something could not be built; the text says what, why and what to do."""


def cache_dir() -> Path:
    """The cache: ``OKD_REGISTRY_CACHE`` or ``~/.cache/okd-registry``."""
    return Path(os.environ.get("OKD_REGISTRY_CACHE") or Path.home() / ".cache" / "okd-registry").absolute()


def key_of(parts: Iterable[str | bytes]) -> str:
    """The key of an artefact made from these parts; their order and borders count."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()[:KEY_LENGTH]


def tree_parts(directory: Path, *, without: tuple[str, ...] = ()) -> Iterator[str | bytes]:
    """Name, executable bit and content of every file below a directory, for ``key_of``.

    ``without`` are endings of names that do not count. Raises BuildError when the directory has no file.
    """
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.endswith(without)]
    if not files:
        raise BuildError(f"{directory}: no files to build from")
    for path in files:
        yield path.relative_to(directory).as_posix()
        yield "x" if os.access(path, os.X_OK) else "-"
        yield path.read_bytes()


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock file; waits for whoever holds it, and calls ``waiting`` before.

    The kernel drops the lock with the process, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Store:
    """The cache of artefacts below a directory."""

    def __init__(self, root: Path) -> None:
        """``root`` is the cache directory; it is made when first written to."""
        self.root = root

    def path(self, name: str, key: str) -> Path:
        """Where the artefact is, or would be."""
        return self.root / "artifacts" / name / key

    def has(self, name: str, key: str) -> bool:
        """Whether the artefact is there; if so it counts as used now."""
        path = self.path(name, key)
        if not path.is_dir():
            return False
        os.utime(path)
        return True

    def lock(self, name: str, waiting: Callable[[], None] = lambda: None) -> contextlib.AbstractContextManager[None]:
        """To be held while an artefact of this name is built; ``waiting`` is called when another run does so now."""
        return locked(self.root / "locks" / f"{name}.lock", waiting)

    @contextlib.contextmanager
    def building(self, name: str, key: str) -> Iterator[Path]:
        """A directory to build in, which becomes the artefact when the block ends without an exception.

        Call it with the lock held: what a killed build left behind under this name is removed.
        """
        final = self.path(name, key)
        for leftover in final.parent.glob(".building-*"):
            shutil.rmtree(leftover)
        work = final.parent / f".building-{key}"
        work.mkdir(parents=True)
        try:
            yield work
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        shutil.rmtree(final, ignore_errors=True)
        work.rename(final)
        self._prune(name)

    def _prune(self, name: str) -> None:
        versions = [path for path in self.path(name, "-").parent.iterdir() if not path.name.startswith(".")]
        for old in sorted(versions, key=lambda path: path.stat().st_mtime, reverse=True)[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a directory."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())

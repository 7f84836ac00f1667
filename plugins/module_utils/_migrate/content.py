# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry's directory holds, read from a listing, and what of it another one lacks. Pure.

A blob's path names its digest, so its content never changes: two of one size are the same, once the digest of one is
verified. All else (links, the files of tags) is small and may change; it is compared by content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

#: Directory below the registry's root directory, and everything that a registry keeps is in it.
TREE = "docker"
#: Our own directory beside it, on the target.
OWN = ".okd-registry-migration"
#: What volumes have by themselves at their top.
_TOP = re.compile(r"lost\+found|\.snapshots?|\.nfs.*|\.trash.*|\.okd-registry-.*", re.IGNORECASE)
_BLOB = re.compile(r"(?:.*/)?docker/registry/v2/blobs/sha256/[0-9a-f]{2}/([0-9a-f]{64})/data")
_REPOSITORY = re.compile(r"(?:.*/)?docker/registry/v2/repositories/(.+?)/_(?:manifests|layers|uploads)/")
# Paths go through shells and lists of names, a line each. A registry makes no others.
_PLAIN = re.compile(r"[A-Za-z0-9._/+:=@-]+")
SECTION = "--"


@dataclass(frozen=True)
class Other:
    """A file that is no blob.

    :param digest: sha256 of its content, in hex.
    :param size: in bytes.
    :param changed: when, in seconds since 1970.
    """

    digest: str
    size: int
    changed: int


@dataclass(frozen=True)
class Files:
    """A directory's files by path, relative to the volume's top.

    :param blobs: size in bytes.
    :param top: what else is at the volume's top, beside what volumes have by themselves.
    """

    blobs: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, Other] = field(default_factory=dict)
    top: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of everything."""
        return sum(self.blobs.values()) + sum(other.size for other in self.others.values())

    @property
    def count(self) -> int:
        """Number of files."""
        return len(self.blobs) + len(self.others)

    def size(self, path: str) -> int:
        """Of one file, in bytes; 0 for one that is not there."""
        if path in self.blobs:
            return self.blobs[path]
        return self.others[path].size if path in self.others else 0

    def repositories(self) -> set[str]:
        """Names of repositories."""
        return {found[1] for path in self.others if (found := _REPOSITORY.match(path))}


def digest_of(path: str) -> str | None:
    """The sha256, in hex, that a blob's path names; None where the path is no blob's."""
    found = _BLOB.fullmatch(path)
    return found[1] if found else None


def parse(text: str) -> Files:
    """A listing as ``scripts.LIST`` prints it: names at the top; size, time and name; digest and name.

    A file that went while it was listed is left out.

    :raises ValueError: for a name that no registry makes, with that name.
    """
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        sections = [*sections, []] if line == SECTION else sections
        sections[-1] += [line] if line != SECTION else []
    if len(sections) != 3:
        raise ValueError(f"the listing has {len(sections)} parts, not 3: it broke off")
    digests = {}
    for line in sections[2]:
        digest, _space, path = line.partition(" ")
        if path:
            digests[_plain(path[1:])] = digest
    blobs, others = {}, {}
    for line in sections[1]:
        if not line:
            continue
        size, changed, path = line.split(" ", 2)
        path = _plain(path)
        if digest_of(path):
            blobs[path] = int(size)
        elif path in digests:
            others[path] = Other(digests[path], int(size), int(changed))
    top = tuple(sorted(name for name in sections[0] if name and name != TREE and not _TOP.fullmatch(name)))
    return Files(blobs, others, top)


def _plain(path: str) -> str:
    name = path.removeprefix("./")
    if not _PLAIN.fullmatch(name) or ".." in name.split("/"):
        raise ValueError(f"{path!r} is no name that a registry gives a file")
    return name


# ---- several sources -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Union:
    """What several sources hold together.

    :param files: all of it. Of a file that differs, the newest one; of equally old ones any.
    :param at: by path, the number of the source to take it from.
    """

    files: Files
    at: Mapping[str, int]


def union(sources: Iterable[Files]) -> Union:
    """Pods with volumes of their own each have a part of the images."""
    blobs: dict[str, int] = {}
    others: dict[str, Other] = {}
    at: dict[str, int] = {}
    top: set[str] = set()
    for number, files in enumerate(sources):
        top.update(files.top)
        for path, size in files.blobs.items():
            if size > blobs.get(path, -1):  # a shorter one is being written at the moment
                blobs[path], at[path] = size, number
        for path, other in files.others.items():
            if path not in others or other.changed > others[path].changed:
                others[path], at[path] = other, number
    return Union(Files(blobs, others, tuple(sorted(top))), at)


# ---- source and target -----------------------------------------------------------------------------------------------


def lacking(source: Files, target: Files) -> list[str]:
    """What the target has not, or not in full: blobs first, so that no link ever names what is not there."""
    blobs = [path for path, size in source.blobs.items() if target.blobs.get(path) != size]
    others = [
        path
        for path, other in source.others.items()
        if path not in target.others or target.others[path].digest != other.digest
    ]
    return [*sorted(blobs), *sorted(others)]


def foreign(source: Files, target: Files) -> list[str]:
    """What of the target is not the source's, or is another version of it."""
    found = [path for path, size in target.blobs.items() if source.blobs.get(path) != size]
    found += [
        path
        for path, other in target.others.items()
        if path not in source.others or source.others[path].digest != other.digest
    ]
    return [*target.top, *sorted(found)]


def surplus(source: Files, target: Files) -> list[str]:
    """What the target has and the source has not any more: links first, so that none ever names what is not there."""
    others = [path for path in target.others if path not in source.others]
    return [*sorted(others), *sorted(path for path in target.blobs if path not in source.blobs)]


def unverified(files: Files, done: Iterable[str]) -> list[str]:
    """Blobs whose digest is not known to be right.

    :param done: digests, in hex.
    """
    known = set(done)
    return [path for path in sorted(files.blobs) if digest_of(path) not in known]


def batches(paths: Iterable[str], files: Files, *, most: int, count: int) -> Iterator[list[str]]:
    """Paths in their order, in groups of up to ``count`` files and ``most`` bytes; a larger file is one by itself."""
    group: list[str] = []
    total = 0
    for path in paths:
        size = files.size(path)
        if group and (total + size > most or len(group) >= count):
            yield group
            group, total = [], 0
        group.append(path)
        total += size
    if group:
        yield group


def mismatched(text: str) -> tuple[list[str], list[str]]:
    """Blobs by what ``sha256sum`` printed: those that are what their path says, and the others."""
    right: list[str] = []
    wrong: list[str] = []
    for line in text.splitlines():
        digest, _space, rest = line.partition(" ")
        path = rest[1:].removeprefix("./")
        if digest_of(path):
            (right if digest_of(path) == digest else wrong).append(path)
    return right, wrong

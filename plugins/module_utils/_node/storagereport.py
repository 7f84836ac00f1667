# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a registry's storage, from what a walk (L(storagewalk)) has seen. Pure."""

from array import array
from collections import Counter, namedtuple

from .storagewalk import MISSING

#: How many of the things that seem to be missing are asked for again, since the registry is at work meanwhile.
RECHECKED = 100

# stale_after: seconds without a byte after which an upload counts as given up; limit: the most entries in a list
Options = namedtuple("Options", "stale_after limit")


class Report:
    """One report.

    :param walk: storagewalk.Walk, at its end
    :param options: Options
    :param existing: gives those of some paths below C(docker/registry/v2) that are there by now
    """

    def __init__(self, walk, options, existing):
        self._walk = walk
        self._options = options
        self._digest = walk.digest
        self._names = sorted(walk.repositories)
        self._users = array("I", [0]) * len(walk.sizes)  # how many repositories have links to a blob
        for name in self._names:
            for number in self._linked(name):
                self._users[number] += 1
        self._broken = self._certain(list(self._seem_broken()), existing)
        self._broken_in = Counter(broken.repository for broken in self._broken)

    def _linked(self, name):
        found = self._walk.repositories[name]
        return frozenset(found.layers).union(found.revisions, found.signatures)

    def result(self):
        """Give the module's return values."""
        repositories = [self._repository(name) for name in self._names]
        uploads = sorted(self._uploads(), key=_longest_idle)
        unlinked = list(self._unlinked())
        loose = self._unreferenced()
        limit = self._options.limit
        return {
            "totals": self._totals(repositories, uploads, unlinked, loose),
            "repositories": repositories,
            "uploads": uploads[:limit],
            "broken": [_told(found) for found in self._broken[:limit]],
            "unlinked": unlinked[:limit],
            "unreferenced": [
                {"digest": self._digest(number), "bytes": self._walk.sizes[number]} for number in loose[:limit]
            ],
        }

    def _totals(self, repositories, uploads, unlinked, loose):
        sizes = self._walk.sizes
        there = [size for size in sizes if size != MISSING]
        shared = [sizes[number] for number, users in enumerate(self._users) if users > 1 and sizes[number] != MISSING]
        return {
            "repositories": len(repositories),
            "tags": sum(found["tags"] for found in repositories),
            "revisions": sum(found["revisions"] for found in repositories),
            "signatures": sum(found["signatures"] for found in repositories),
            "layers": sum(found["layers"] for found in repositories),
            "blobs": len(there),
            "bytes": sum(there),
            "shared_blobs": len(shared),
            "shared_bytes": sum(shared),
            "unreferenced_blobs": len(loose),
            "unreferenced_bytes": sum(sizes[number] for number in loose),
            "uploads": len(uploads),
            "upload_bytes": sum(upload["bytes"] for upload in uploads),
            "stale_uploads": sum(upload["stale"] for upload in uploads),
            "broken": len(self._broken),
            "unlinked": len(unlinked),
            "other_files": self._walk.other_files,
            "other_bytes": self._walk.other_bytes,
        }

    def _repository(self, name):
        found, sizes = self._walk.repositories[name], self._walk.sizes
        numbers = [number for number in self._linked(name) if sizes[number] != MISSING]
        tags = sorted(found.tags.items())
        return {
            "name": _text(name),
            "tags": len(tags),
            "tagged": [{"tag": _text(tag), "digest": _says(value)} for tag, value in tags[: self._options.limit]],
            "revisions": len(found.revisions),
            "signatures": len(found.signatures),
            "layers": len(found.layers),
            "blobs": len(numbers),
            "bytes": sum(sizes[number] for number in numbers),
            "own_bytes": sum(sizes[number] for number in numbers if self._users[number] == 1),
            "uploads": len(found.uploads),
            "upload_bytes": sum(upload.bytes for upload in found.uploads.values()),
            "broken": self._broken_in[name],
        }

    def _unreferenced(self):
        sizes, users = self._walk.sizes, self._users
        loose = [number for number in range(len(sizes)) if not users[number] and sizes[number] != MISSING]
        return sorted(loose, key=lambda number: (-sizes[number], self._digest(number)))

    def _unlinked(self):
        for name in self._names:
            found = self._walk.repositories[name]
            for kind, places, links in (
                ("layer", found.layer_places, found.layers),
                ("revision", found.revision_places, found.revisions),
            ):
                gone = sorted(self._digest(number) for number in frozenset(places).difference(links))
                for digest in gone:
                    yield {"repository": _text(name), "kind": kind, "digest": digest}

    def _uploads(self):
        now = self._walk.now
        for name in self._names:
            for key, upload in self._walk.repositories[name].uploads.items():
                begun = next((t for t in (upload.said, upload.begun, upload.touched) if t is not None), None)
                idle = None if upload.touched is None else max(0, int(now - upload.touched))
                yield {
                    "repository": _text(name),
                    "id": _text(key),
                    "path": "repositories/{}/_uploads/{}".format(_text(name), _text(key)),
                    "bytes": upload.bytes,
                    "age": None if begun is None else max(0, int(now - begun)),
                    "idle": idle,
                    # what has no file at all is nobody's any more
                    "stale": idle is None or idle >= self._options.stale_after,
                    "problem": None if upload.begun is not None else _NO_START,
                }

    # ---- what is broken ----------------------------------------------------------------------------------------------

    def _seem_broken(self):
        for name in self._names:
            found = self._walk.repositories[name]
            for kind, path, size in found.misshapen:
                text = _text(path)
                why = "the link is empty" if not size else "the link has {} bytes, which no link has".format(size)
                yield _Broken(name, kind, _digest_of(text), "repositories/" + text, why, not size, None)
            yield from self._missing(name, found)
            revisions = frozenset(found.revisions)
            for tag, value in sorted(found.tags.items()):
                yield from self._tag(name, tag, value, revisions)

    def _missing(self, name, found):
        sizes = self._walk.sizes
        for kind, links, place in (
            ("layer", found.layers, "_layers/{}"),
            ("revision", found.revisions, "_manifests/revisions/{}"),
            ("signature", found.signatures, None),
        ):
            for number in links:
                if sizes[number] == MISSING:
                    digest = self._digest(number)
                    algorithm, _colon, value = digest.partition(":")
                    blob = "blobs/{}/{}/{}/data".format(algorithm, value[:2], value)
                    path = place and "repositories/{}/{}/link".format(_text(name), place.format(_slashed(digest)))
                    yield _Broken(name, kind, digest, path, "its blob is not there ({})".format(blob), True, blob)

    def _tag(self, name, tag, value, revisions):
        path = "repositories/{}/_manifests/tags/{}/current/link".format(_text(name), _text(tag))
        if not value.size:
            why = "it has no current link" if value.size is None else "its current link is empty"
            yield _Broken(name, "tag", _text(tag), path, why, True, path)
        elif value.said is not None and self._walk.number_of(value.said) not in revisions:
            digest = _text(value.said)
            link = "repositories/{}/_manifests/revisions/{}/link".format(_text(name), _slashed(digest))
            why = "it names {}, which is no revision of this repository".format(digest)
            yield _Broken(name, "tag", _text(tag), path, why, True, link)

    @staticmethod
    def _certain(candidates, existing):
        """Leave out what is there by now: it was pushed while the walk was on its way."""
        asked = [broken.proof or broken.path for broken in candidates if broken.again][:RECHECKED]
        there = existing(asked) if asked else set()
        return [broken for broken in candidates if not (broken.again and (broken.proof or broken.path) in there)]


# repository: bytes; path: of the link, None where it is not known; again: whether it may be there by now, proof: the
# file that then is, where it is not the link itself
_Broken = namedtuple("_Broken", "repository kind name path why again proof")
_NO_START = "it has no file startedat, so the registry takes it for new for ever and never removes it"


def _longest_idle(upload):
    return upload["idle"] is not None, -(upload["idle"] or 0), upload["path"]


def _told(broken):
    return {
        "repository": _text(broken.repository),
        "kind": broken.kind,
        "name": broken.name,
        "path": broken.path,
        "reason": broken.why,
    }


def _says(tag):
    return None if tag.said is None else _text(tag.said)


def _digest_of(path):
    algorithm, digest = path.split("/")[-3:-1]
    return algorithm + ":" + digest


def _slashed(digest):
    return digest.replace(":", "/", 1)


def _text(name):
    return name.decode("utf-8", "replace")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a registry's storage, from what a walk (L(storagewalk)) has seen. Pure."""

from collections import namedtuple

from .storagetally import Tally, text

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
        self._names = sorted(walk.repositories)
        self._tally = Tally(walk, options.limit, RECHECKED)
        self._broken = self._certain(self._tally.wrong.list(), existing)

    def _certain(self, candidates, existing):
        """Leave out what is there by now: it was pushed while the walk was on its way."""
        again = [found for found in candidates if found.again][:RECHECKED]
        there = existing([found.proof or found.path for found in again]) if again else ()
        kept = []
        for found in candidates:
            if found.again and (found.proof or found.path) in there:
                self._tally.wrong.count -= 1
                self._tally.broken[self._walk.repositories[found.repository].number] -= 1
            else:
                kept.append(found)
        return kept

    def result(self):
        """Give the module's return values."""
        repositories = [self._repository(name) for name in self._names]
        uploads = sorted(self._uploads(), key=_longest_idle)
        limit = self._options.limit
        return {
            "totals": self._totals(repositories, uploads),
            "repositories": repositories,
            "uploads": uploads[:limit],
            "broken": [_told(found) for found in self._broken[:limit]],
            "unlinked": [
                {"repository": text(name), "kind": kind, "digest": digest}
                for name, kind, digest in self._tally.unlinked.list()
            ],
            "unreferenced": [{"digest": digest, "bytes": size} for digest, size in self._tally.loose.list()],
        }

    def _totals(self, repositories, uploads):
        tally = self._tally
        return {
            "repositories": len(repositories),
            "tags": sum(found["tags"] for found in repositories),
            "revisions": sum(found["revisions"] for found in repositories),
            "signatures": sum(found["signatures"] for found in repositories),
            "layers": sum(found["layers"] for found in repositories),
            "blobs": tally.all_blobs,
            "bytes": tally.all_bytes,
            "shared_blobs": tally.shared_blobs,
            "shared_bytes": tally.shared_bytes,
            "unreferenced_blobs": tally.loose.count,
            "unreferenced_bytes": tally.loose_bytes,
            "uploads": len(uploads),
            "upload_bytes": sum(upload["bytes"] for upload in uploads),
            "stale_uploads": sum(upload["stale"] for upload in uploads),
            "broken": tally.wrong.count,
            "unlinked": tally.unlinked.count,
            "other_files": self._walk.other_files,
            "other_bytes": self._walk.other_bytes,
        }

    def _repository(self, name):
        found = self._walk.repositories[name]
        tags = sorted(found.tags.items())
        return {
            "name": text(name),
            "tags": len(tags),
            "tagged": [{"tag": text(tag), "digest": _says(value)} for tag, value in tags[: self._options.limit]],
            "revisions": found.revisions,
            "signatures": found.signatures,
            "layers": found.layers,
            "blobs": self._tally.blobs[found.number],
            "bytes": self._tally.bytes[found.number],
            "own_bytes": self._tally.own_bytes[found.number],
            "uploads": len(found.uploads),
            "upload_bytes": sum(upload.bytes for upload in found.uploads.values()),
            "broken": self._tally.broken[found.number],
        }

    def _uploads(self):
        now = self._walk.now
        for name in self._names:
            for key, upload in self._walk.repositories[name].uploads.items():
                begun = next((t for t in (upload.said, upload.begun, upload.touched) if t is not None), None)
                idle = None if upload.touched is None else max(0, int(now - upload.touched))
                yield {
                    "repository": text(name),
                    "id": text(key),
                    "path": "repositories/{}/_uploads/{}".format(text(name), text(key)),
                    "bytes": upload.bytes,
                    "age": None if begun is None else max(0, int(now - begun)),
                    "idle": idle,
                    # what has no file at all is nobody's any more
                    "stale": idle is None or idle >= self._options.stale_after,
                    "problem": None if upload.begun is not None else _NO_START,
                }


_NO_START = "it has no file startedat, so the registry takes it for new for ever and never removes it"


def _longest_idle(upload):
    return upload["idle"] is not None, -(upload["idle"] or 0), upload["path"]


def _told(broken):
    return {
        "repository": text(broken.repository),
        "kind": broken.kind,
        "name": broken.name,
        "path": broken.path,
        "reason": broken.why,
    }


def _says(tag):
    return None if tag.said is None else text(tag.said)

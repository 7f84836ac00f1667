# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a storage's blobs together with the links to them, and adds up. Pure, but for L(storagerecords)."""

from array import array
from collections import namedtuple
from itertools import groupby
from operator import itemgetter

from .storagerecords import BYTES
from .storagewalk import BLOB, LAYER, LAYER_PLACE, REVISION, SIGNATURE, TAG

#: The words for kinds of records, in the order in which they are told.
KINDS = {LAYER: "layer", REVISION: "revision", SIGNATURE: "signature", TAG: "tag"}
_LINK = len("sha256:") + 64  # bytes in a link
_TO_PLACE = LAYER_PLACE - LAYER  # from the kind of a link to that of its directory

#: repository: its name, in bytes; name: the tag, or the digest; path: of the link, below docker/registry/v2; again:
#: whether it may be there by now, proof: the file that then is, where it is not the link itself
Broken = namedtuple("Broken", "repository kind name path why again proof")
#: A place of a link that has none.
Unlinked = namedtuple("Unlinked", "repository kind digest")


class First:
    """Of any number of things, the first in an order, and how many there are.

    :param most: how many are kept
    :param order: gives what things are sorted by
    """

    def __init__(self, most, order):
        self.count = 0
        self._most = most
        self._order = order
        self._kept = []

    def add(self, thing):
        self.count += 1
        self._kept.append(thing)
        if len(self._kept) > 2 * self._most + 100:
            self._cut()

    def _cut(self):
        self._kept.sort(key=self._order)
        del self._kept[self._most :]

    def list(self):
        """Give those that are kept, in order."""
        self._cut()
        return list(self._kept)


class Tally:
    """The figures of a walk that has come to its end.

    :param walk: storagewalk.Walk
    :param limit: how many of the blobs without a link, and of the places without one, are kept; of what is broken, so
        many and C(more)
    :ivar blobs: how many blobs the repositories have links to, by the repository's number
    :ivar bytes: their bytes
    :ivar own_bytes: the bytes of those that no other repository has a link to
    :ivar broken: how much is broken, by the repository's number
    """

    def __init__(self, walk, limit, more):
        self._walk = walk
        self._names = [b"", *walk.repositories]  # by number: they got theirs in this order
        self._tags = {}
        none = array("Q", [0]) * len(self._names)
        self.blobs, self.bytes, self.own_bytes, self.broken = none[:], none[:], none[:], none[:]
        self.all_blobs = self.all_bytes = self.shared_blobs = self.shared_bytes = self.loose_bytes = 0
        self.loose = First(limit, lambda found: (-found[1], found[0]))  # (digest, bytes)
        self.unlinked = First(limit, None)
        self.wrong = First(limit + more, lambda found: (found.repository, _RANKS[found.kind], found.name, found.why))
        self._ask_for_tags()
        for byte in BYTES:
            rows = walk.records.of(byte)
            rows += [(key, number, SIGNATURE, rest) for key, number, *rest in walk.signatures.of(byte)]
            rows.sort()
            for key, its in groupby(rows, itemgetter(0)):
                self._meet(key, its)

    def _ask_for_tags(self):
        """Judge tags that have no link, and make records of what the others say."""
        for name, repository in self._walk.repositories.items():
            for place, (tag, value) in enumerate(repository.tags.items()):
                if not value.size:
                    self._tag(name, tag, "it has no current link" if value.size is None else _EMPTY_TAG, None)
                elif value.said is not None:
                    key = self._walk.key(*value.said.partition(b":")[::2])
                    if key is None:
                        self._astray(name, tag, value.said)
                    else:
                        self._walk.records.add(key, repository.number, TAG, place)

    def _meet(self, key, rows):
        """Take all there is about one digest: the blob first, then by repository its links, their places, its tags."""
        size, users, last, kinds = None, [], 0, 0
        for _key, number, kind, value in rows:
            if kind == BLOB:
                size = value
                continue
            if number != last:
                last, kinds = number, 0
            if kind < LAYER_PLACE:
                if not kinds:
                    users.append(number)
                kinds |= 1 << kind
                if value != _LINK or size is None:
                    self._link(key, number, kind, value, size)
            elif kind == TAG:
                if not kinds & 1 << REVISION:
                    self._astray(self._names[number], self._tag_name(number, value), None, key)
            elif not kinds & 1 << kind - _TO_PLACE:
                self.unlinked.add(Unlinked(self._names[number], KINDS[kind - _TO_PLACE], self._walk.digest(key)))
        if size is not None:
            self._blob(key, size, users)

    def _blob(self, key, size, users):
        self.all_blobs += 1
        self.all_bytes += size
        for number in users:
            self.blobs[number] += 1
            self.bytes[number] += size
        if len(users) == 1:
            self.own_bytes[users[0]] += size
        elif users:
            self.shared_blobs += 1
            self.shared_bytes += size
        else:
            self.loose_bytes += size
            self.loose.add((self._walk.digest(key), size))

    def _link(self, key, number, kind, value, blob):
        """Say what is wrong with a link, if something is."""
        digest = self._walk.digest(key)
        size, revision = value if kind == SIGNATURE else (value, None)
        place = {
            LAYER: "_layers/{0}",
            REVISION: "_manifests/revisions/{0}",
            SIGNATURE: "_manifests/revisions/{1}/signatures/{0}",
        }[kind].format(slashed(digest), revision and slashed(self._walk.digest(revision)))
        path = "repositories/{}/{}/link".format(text(self._names[number]), place)
        if size != len(digest):
            why = "the link is empty" if not size else "the link has {} bytes, which no link has".format(size)
            self._is_wrong(Broken(self._names[number], KINDS[kind], digest, path, why, not size, None))
        if blob is None:
            algorithm, _colon, value = digest.partition(":")
            blob = "blobs/{}/{}/{}/data".format(algorithm, value[:2], value)
            why = "its blob is not there ({})".format(blob)
            self._is_wrong(Broken(self._names[number], KINDS[kind], digest, path, why, True, blob))

    def _tag_name(self, number, place):
        if number not in self._tags:
            self._tags[number] = list(self._walk.repositories[self._names[number]].tags)
        return self._tags[number][place]

    def _astray(self, name, tag, said, key=None):
        digest = text(said) if key is None else self._walk.digest(key)
        link = "repositories/{}/_manifests/revisions/{}/link".format(text(name), slashed(digest))
        self._tag(name, tag, "it names {}, which is no revision of this repository".format(digest), link)

    def _tag(self, name, tag, why, proof):
        path = "repositories/{}/_manifests/tags/{}/current/link".format(text(name), text(tag))
        self._is_wrong(Broken(name, KINDS[TAG], text(tag), path, why, True, proof or path))

    def _is_wrong(self, found):
        self.wrong.add(found)
        self.broken[self._walk.repositories[found.repository].number] += 1


_RANKS = {kind: rank for rank, kind in enumerate(KINDS.values())}
_EMPTY_TAG = "its current link is empty"


def slashed(digest):
    """Give a digest as the directories of its link have it."""
    return digest.replace(":", "/", 1)


def text(name):
    """Give a file's name as text."""
    return name.decode("utf-8", "replace")

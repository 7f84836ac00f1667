# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry's storage holds, read from a list of its files (L(storagefind)) while that comes.

The layout is that of the distribution's file system driver. Of blobs and links, which may be any number, records are
kept (L(storagerecords)); repositories, tags and uploads are objects. What there is most of, blobs and links of SHA-256,
is found by one regular expression in a piece of the list; the other lines are looked at one by one.
"""

import binascii
import calendar
import hashlib
import re

from .storagerecords import Records

#: What a record is of: a blob; a link; the directory of a layer's or a revision's link, the same number of kinds on.
BLOB, LAYER, REVISION, SIGNATURE, LAYER_PLACE, REVISION_PLACE, TAG = range(7)
#: In the place of a repository's number: a blob is nobody's.
NOBODY = 0
_LINKS = {b"layers": LAYER, b"manifests/revisions": REVISION}
_PLACES = {b"layers": LAYER_PLACE, b"manifests/revisions": REVISION_PLACE}
_HEX = re.compile(b"[0-9a-f]{32,}")
_FILE = re.compile(rb"f (\d{1,18}) (\d{1,18}) \./(.*)", re.DOTALL)
_BLOB_LINES = re.compile(
    rb"f (\d{1,18}) \d+ \./sha256/([0-9a-f]{2})/(\2[0-9a-f]{62})/data\n"  # size, digest
    rb"|([^\n]*)\n"  # another line
).findall
_LINK_LINES = re.compile(
    rb"(?:f (\d{1,18}) \d+ )?\./([^\n_]*(?:(?<!/)_[^\n_]*)*)"  # size; a repository's name, up to the first /_
    rb"/_(layers|manifests/revisions)/sha256/([0-9a-f]{64})(?(1)/link)\n"
    rb"|([^\n]*)\n"
).findall
_STARTED = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
_AT_ONCE = 64 * 1024


class Repository:
    """What one repository has.

    :ivar number: what it is called in records
    :ivar tags: name -> Tag
    :ivar uploads: id -> Upload
    """

    __slots__ = ("layers", "number", "revisions", "signatures", "tags", "uploads")

    def __init__(self, number):
        self.number = number
        self.layers = 0
        self.revisions = 0
        self.signatures = 0
        self.tags = {}
        self.uploads = {}


class Tag:
    """A tag: the size of its link, None where there is none, and what that link says."""

    __slots__ = ("said", "size")

    def __init__(self):
        self.size = None
        self.said = None


class Upload:
    """A layer on its way: the bytes that are there, and times in seconds since 1970."""

    __slots__ = ("begun", "bytes", "said", "touched")

    def __init__(self):
        self.bytes = 0
        self.begun = None  # when its file startedat was written
        self.said = None  # what that file says
        self.touched = None  # when the last of its files was written


class Walk:
    """Takes the list as it comes, in pieces cut anywhere.

    :ivar now: seconds since 1970 by the clock there; None where it was not told
    :ivar repositories: name (bytes) -> Repository
    :ivar records: (digest, repository's number, kind, size) of blobs and links
    :ivar signatures: (digest, repository's number, size, the revision's digest) of links to signatures
    :ivar ended: whether all was told
    """

    def __init__(self):
        self.now = None
        self.repositories = {}
        self.records = Records("32sIBQ")
        self.signatures = Records("32sIQ32s")
        self.other_files = 0
        self.other_bytes = 0
        self.ended = False
        self._odd = {}  # what stands for a digest that is no SHA-256 -> that digest, as text
        self._pieces = []
        self._length = 0
        self._read = self._nothing

    # ---- pieces and sections -----------------------------------------------------------------------------------------

    def feed(self, piece):
        """Take a piece of the list (bytes)."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length >= _AT_ONCE:
            self._take(b"".join(self._pieces))

    def finish(self):
        """Take what is left, also without an end of line."""
        text = b"".join(self._pieces)
        self._take(text + b"\n" if text else b"")

    def _take(self, text):
        end = text.rfind(b"\n") + 1
        self._pieces = [text[end:]]
        self._length = len(text) - end
        start = 0
        while start < end:
            if text[start : start + 1] == b"@":
                after = text.index(b"\n", start) + 1
                self._section(text[start : after - 1])
            else:
                mark = text.find(b"\n@", start, end) + 1
                after = mark or end
                self._read(text[start:after])
            start = after

    def _section(self, line):
        self.ended = self.ended or line == b"@end"
        self._read = {
            b"@time": self._time,
            b"@blobs": self._blobs,
            b"@repositories": self._links,
            b"@said": self._said,
            b"@other": self._others,
        }.get(line, self._nothing)

    def _nothing(self, text):
        pass

    def _time(self, text):
        self.now = int(text) if text.strip().isdigit() else None

    def _others(self, text):
        for line in text.split(b"\n"):
            file = _FILE.fullmatch(line)
            if file:
                self._other(int(file.group(1)))

    def _other(self, size):
        self.other_files += 1
        self.other_bytes += size

    # ---- digests -----------------------------------------------------------------------------------------------------

    def key(self, algorithm, digest):
        """Give the 32 bytes by which records name a digest; None for what is none.

        :param digest: in hexadecimal digits (bytes)
        """
        if not _HEX.fullmatch(digest):
            return None
        if algorithm == b"sha256" and len(digest) == 64:
            return binascii.unhexlify(digest)
        text = algorithm + b":" + digest
        key = hashlib.sha256(text).digest()
        self._odd[key] = text.decode("ascii", "replace")
        return key

    def digest(self, key):
        """Give the digest that such 32 bytes name, as text."""
        return self._odd.get(key) or "sha256:" + key.hex()

    # ---- blobs -------------------------------------------------------------------------------------------------------

    def _blobs(self, text):
        found = _BLOB_LINES(text)
        parts, pack, unhex = self.records.parts, self.records.pack, binascii.unhexlify
        for size, _start, digest, line in found:
            if digest:
                key = unhex(digest)
                parts[key[0]] += pack(key, NOBODY, BLOB, int(size))
            else:
                self._odd_blob(line)
        self.records.added(len(found))

    def _odd_blob(self, line):
        file = _FILE.fullmatch(line)
        if file is None:  # a name with an end of line in it: no registry's
            return
        size, parts = int(file.group(1)), file.group(3).split(b"/")
        if len(parts) == 4 and parts[3] == b"data" and parts[2][:2] == parts[1]:
            key = self.key(parts[0], parts[2])
            if key is not None:
                self.records.add(key, NOBODY, BLOB, size)
        elif len(parts) < 4:  # what lies beside a blob's data is nobody's, and not looked for
            self._other(size)

    # ---- repositories ------------------------------------------------------------------------------------------------

    def _repository(self, name):
        found = self.repositories.get(name)
        if found is None:
            found = self.repositories[name] = Repository(len(self.repositories) + 1)
        return found

    def _links(self, text):
        found = _LINK_LINES(text)
        parts, pack, unhex = self.records.parts, self.records.pack, binascii.unhexlify
        last, repository = None, Repository(NOBODY)
        for size, name, kind, digest, line in found:
            if not digest:
                self._line(line)
                continue
            if name != last:
                last, repository = name, self._repository(name)
            key = unhex(digest)
            if not size:
                parts[key[0]] += pack(key, repository.number, _PLACES[kind], 0)
                continue
            parts[key[0]] += pack(key, repository.number, _LINKS[kind], int(size))
            if kind == b"layers":
                repository.layers += 1
            else:
                repository.revisions += 1
        self.records.added(len(found))

    def _line(self, line):
        file = _FILE.fullmatch(line)
        if file is None and line[:2] != b"./":
            return
        name, mark, rest = (line[2:] if file is None else file.group(3)).partition(b"/_")
        what, _slash, inner = rest.partition(b"/")
        if file is None:
            if mark:
                self._directory(self._repository(name), what, inner)
        elif not mark or not self._file(self._repository(name), what, inner, int(file.group(1)), int(file.group(2))):
            self._other(int(file.group(1)))

    def _directory(self, repository, what, inner):
        parts = inner.split(b"/")
        if what == b"layers" and len(parts) == 2:
            self._record(repository, LAYER_PLACE, parts, 0)
        elif what == b"manifests" and parts[0] == b"revisions" and len(parts) == 3:
            self._record(repository, REVISION_PLACE, parts[1:], 0)
        elif what == b"manifests" and parts[0] == b"tags" and len(parts) == 2:
            _entry(repository.tags, parts[1], Tag)
        elif what == b"uploads" and inner and len(parts) == 1:
            _entry(repository.uploads, inner, Upload)

    def _record(self, repository, kind, digest, size):
        key = self.key(*digest)
        if key is not None:
            self.records.add(key, repository.number, kind, size)
        return key is not None

    def _file(self, repository, what, inner, size, time):
        """Take a file of a repository; say whether it is one that a registry has."""
        if what == b"uploads":
            return self._upload(repository, inner, size, time)
        parts = inner.split(b"/")
        if parts[-1] != b"link":
            return what == b"layers" and len(parts) > 2  # beside a link: as beside a blob's data
        if what == b"layers":
            known = len(parts) == 3 and self._record(repository, LAYER, parts[:2], size)
            repository.layers += known
            return known
        return what == b"manifests" and self._manifests(repository, parts[:-1], size)

    def _manifests(self, repository, parts, size):
        if parts[0] == b"revisions" and len(parts) == 3:
            known = self._record(repository, REVISION, parts[1:], size)
            repository.revisions += known
            return known
        if parts[0] == b"revisions" and len(parts) == 6 and parts[3] == b"signatures":
            of, key = self.key(*parts[1:3]), self.key(*parts[4:])
            if of is None or key is None:
                return False
            self.signatures.add(key, repository.number, size, of)
            repository.signatures += 1
            return True
        if parts[0] == b"tags" and len(parts) > 2:
            tag = _entry(repository.tags, parts[1], Tag)
            if parts[2:] == [b"current"]:
                tag.size = size
            return True
        return False

    def _upload(self, repository, inner, size, time):
        name, slash, file = inner.partition(b"/")
        if not slash:
            return False
        upload = _entry(repository.uploads, name, Upload)
        upload.touched = max(time, upload.touched or 0)
        if file == b"startedat":
            upload.begun = time
        elif file == b"data":
            upload.bytes = size
        return True

    def _said(self, text):
        for line in text.split(b"\n"):
            path, colon, value = line[2:].partition(b":")
            name, _mark, inner = path.partition(b"/_")
            parts = inner.split(b"/")
            repository = self.repositories.get(name)
            if not colon or repository is None:
                continue
            if parts[0] == b"manifests" and len(parts) == 5:
                _entry(repository.tags, parts[2], Tag).said = value
            elif parts[0] == b"uploads" and len(parts) == 3 and parts[1] in repository.uploads:
                repository.uploads[parts[1]].said = seconds(value)


def _entry(entries, name, kind):
    found = entries.get(name)
    if found is None:
        found = entries[name] = kind()
    return found


def seconds(text):
    """Give the seconds since 1970 of a time as Go writes it (RFC 3339, bytes); None where it is none."""
    found = _STARTED.fullmatch(text.decode("ascii", "replace").strip())
    if not found:
        return None
    zone = found.group(7)
    away = 0 if zone == "Z" else int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    try:
        return calendar.timegm(tuple(int(part) for part in found.groups()[:6])) - (-away if zone[0] == "-" else away)
    except ValueError:
        return None

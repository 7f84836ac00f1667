# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry's storage holds, read line by line from a list of its files (L(storagefind)). Pure.

The layout is that of the distribution's file system driver. What is kept of a link are the four bytes of its blob's
number, and of a blob its digest in binary and its size; no path and no line.
"""

import calendar
import re
from array import array

_LINK = b"/link"
_HEAD = re.compile(rb"f (\d+) (\d+)(?:\.\d*)? \.")
_HEX = re.compile(b"[0-9a-f]{32,}")
_STARTED = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
MISSING = -1


class Repository:
    """What one repository has. Blobs are named by their numbers in the table."""

    __slots__ = ("layer_places", "layers", "misshapen", "revision_places", "revisions", "signatures", "tags", "uploads")

    def __init__(self):
        self.layers = array("I")
        self.revisions = array("I")
        self.signatures = array("I")
        # directories that are there for a link
        self.layer_places = array("I")
        self.revision_places = array("I")
        self.misshapen = []  # (kind, path of the link, its size)
        self.tags = {}  # name -> Tag
        self.uploads = {}  # id -> Upload


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
    """Takes the output of the listing as it comes, in pieces cut anywhere."""

    def __init__(self):
        self.now = None
        self.sizes = array("q")  # by a blob's number; MISSING while only links to it were seen
        self.repositories = {}  # name -> Repository
        self.other_files = 0
        self.other_bytes = 0
        self.ended = False  # whether all was told
        self._numbers = {}  # a digest in binary, or as text where it is no SHA-256 -> number
        self._keys = []
        self._rest = b""
        self._take = self._nothing

    # ---- lines -------------------------------------------------------------------------------------------------------

    def feed(self, piece):
        """Take a piece of the output (bytes)."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        self.lines(lines)

    def finish(self):
        """Take what came last without an end of line."""
        self.lines([self._rest] if self._rest else [])
        self._rest = b""

    def lines(self, lines):
        """Take whole lines, without their ends."""
        take = self._take
        for line in lines:
            if line[:1] == b"@":
                take = self._section(line)
            else:
                take(line)
        self._take = take

    def _section(self, line):
        self.ended = self.ended or line == b"@end"
        return {
            b"@time": self._time,
            b"@blobs": self._blob,
            b"@repositories": self._in_repositories,
            b"@said": self._saying,
            b"@other": self._other,
        }.get(line, self._nothing)

    def _nothing(self, line):
        pass

    def _time(self, line):
        self.now = int(line) if line.isdigit() else None

    def _blob(self, line):
        head, _slash, path = line.partition(b"/")
        parts, file = path.split(b"/"), _HEAD.fullmatch(head)
        if file is None:  # a name with an end of line in it: no registry's
            return
        if len(parts) == 4 and parts[3] == b"data" and parts[2][:2] == parts[1]:
            number = self._number(parts[0], parts[2])
            if number is not None:
                self.sizes[number] = int(file.group(1))
        elif len(parts) < 4:  # what lies beside a blob's data is nobody's, and not looked for
            self._other(line)

    def _other(self, line):
        kind, _blank, rest = line.partition(b" ")
        size = rest.partition(b" ")[0]
        if kind == b"f" and size.isdigit():
            self.other_files += 1
            self.other_bytes += int(size)

    def _number(self, algorithm, digest):
        """Give a blob's number, a new one if it has none; None for what is no digest."""
        if not _HEX.fullmatch(digest):
            return None
        sha256 = algorithm == b"sha256" and len(digest) == 64
        key = bytes.fromhex(digest.decode()) if sha256 else algorithm + b":" + digest
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.sizes)
            self.sizes.append(MISSING)
        return number

    def digest(self, number):
        """Give a blob's digest, as text."""
        if len(self._keys) != len(self._numbers):
            self._keys = list(self._numbers)  # a dict keeps the order in which it was filled
        key = self._keys[number]
        return "sha256:" + key.hex() if len(key) == 32 else key.decode("ascii", "replace")

    def number_of(self, digest):
        """Give the number of a digest such as C(sha256:…) (bytes); None where nothing is known of it."""
        algorithm, _colon, value = digest.partition(b":")
        if algorithm == b"sha256" and len(value) == 64 and _HEX.fullmatch(value):
            return self._numbers.get(bytes.fromhex(value.decode()))
        return self._numbers.get(digest)

    # ---- repositories ------------------------------------------------------------------------------------------------

    def _repository(self, name):
        found = self.repositories.get(name)
        if found is None:
            found = self.repositories[name] = Repository()
        return found

    def _in_repositories(self, line):
        head, _slash, path = line.partition(b"/")
        file = _HEAD.fullmatch(head)
        if file is None and head != b".":
            return
        name, mark, rest = path.partition(b"/_")
        what, _slash, inner = rest.partition(b"/")
        if file is None:
            if mark:
                self._directory(self._repository(name), what, inner)
        elif not mark or not self._file(
            self._repository(name), what, inner, int(file.group(1)), int(file.group(2)), path
        ):
            self._other(line)

    def _directory(self, repository, what, inner):
        parts = inner.split(b"/")
        if what == b"layers" and len(parts) == 2:
            _append(repository.layer_places, self._number(*parts))
        elif what == b"manifests" and parts[0] == b"revisions" and len(parts) == 3:
            _append(repository.revision_places, self._number(*parts[1:]))
        elif what == b"manifests" and parts[0] == b"tags" and len(parts) == 2:
            _entry(repository.tags, parts[1], Tag)
        elif what == b"uploads" and inner and len(parts) == 1:
            _entry(repository.uploads, inner, Upload)

    def _file(self, repository, what, inner, size, time, path):
        """Take a file of a repository; say whether it is one that a registry has."""
        if what == b"uploads":
            return self._upload(repository, inner, size, time)
        if not inner.endswith(_LINK):
            return what == b"layers" and inner.count(b"/") > 1  # beside a link: as beside a blob's data
        parts = inner[: -len(_LINK)].split(b"/")
        if what == b"layers":
            return len(parts) == 2 and self._link(repository, "layer", repository.layers, parts, size, path)
        return what == b"manifests" and self._manifests(repository, parts, size, path)

    def _manifests(self, repository, parts, size, path):
        if parts[0] == b"revisions" and len(parts) == 3:
            return self._link(repository, "revision", repository.revisions, parts[1:], size, path)
        if parts[0] == b"revisions" and len(parts) == 6 and parts[3] == b"signatures":
            return self._link(repository, "signature", repository.signatures, parts[4:], size, path)
        if parts[0] == b"tags" and len(parts) > 2:
            tag = _entry(repository.tags, parts[1], Tag)
            if parts[2:] == [b"current"]:
                tag.size = size
            return True
        return False

    def _link(self, repository, kind, links, digest, size, path):
        number = self._number(*digest)
        if number is None:
            return False
        links.append(number)
        if size != len(digest[0]) + 1 + len(digest[1]):
            repository.misshapen.append((kind, path, size))
        return True

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

    def _saying(self, line):
        path, colon, text = line[2:].partition(b":")
        name, _mark, inner = path.partition(b"/_")
        parts = inner.split(b"/")
        repository = self.repositories.get(name)
        if not colon or repository is None:
            return
        if parts[0] == b"manifests" and len(parts) == 5:
            _entry(repository.tags, parts[2], Tag).said = text
        elif parts[0] == b"uploads" and len(parts) == 3 and parts[1] in repository.uploads:
            repository.uploads[parts[1]].said = seconds(text)


def _append(numbers, number):
    if number is not None:
        numbers.append(number)


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

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take entries out of insecure-registries of dockerd's daemon.json, and leave every other byte as it is.

dockerd takes this key over at a reload (SIGHUP), without a restart. It refuses to start where the same key is also a
flag. Source: docker 20.10 (daemon/config/config.go, daemon/reload.go): the file is JSON with one object, a byte order
mark is not understood, keys are compared exactly.
"""

import json
import os
from collections import namedtuple

from .errors import EnvFileError
from .sysconfig import line_of

PATH = "/etc/docker/daemon.json"  # unless dockerd is told another one
KEY = "insecure-registries"
_FLAG = b"--config-file"
_WHITESPACE = " \t\n\r"

# value: str; line: int, from 1; start, end: where the entry stands, in characters
Entry = namedtuple("Entry", "value line start end")
# text: bytes, the file without the entries that go; removed, kept: lists of Entry
Edit = namedtuple("Edit", "text removed kept")


def path_of(arguments):
    """Say which file dockerd reads, at its start and at a reload.

    :param arguments: of dockerd, list of bytes; of several --config-file the last one counts
    :returns: absolute path (str): dockerd's working directory is /
    """
    path = b""
    for index, word in enumerate(arguments):
        if word == b"--":  # the end of all flags
            break
        if word == _FLAG:
            path = b"".join(arguments[index + 1 : index + 2])
        elif word.startswith(_FLAG + b"="):
            path = word[len(_FLAG) + 1 :]
    return os.path.normpath(os.path.join("/", path.decode("utf-8", "surrogateescape"))) if path else PATH


def edit(raw, unwanted):
    """Take entries out.

    :param raw: the file, bytes
    :param unwanted: function of an entry (str) that says whether it goes
    :returns: Edit
    :raises EnvFileError: where dockerd would not read the file, or might read it otherwise than this does
    """
    entries, text = _entries(raw)
    removed = [entry for entry in entries if unwanted(entry.value)]
    kept = [entry for entry in entries if not unwanted(entry.value)]
    for start, end in reversed(_gaps(entries, removed)):
        text = text[:start] + text[end:]
    return Edit(text.encode("utf-8"), removed, kept)


def insert(raw, value):
    """Put an entry at the end of the list, written as the one before it.

    :returns: bytes; the very same object where it is there already
    :raises EnvFileError: where there is no list to put it into, or the file is not read here
    """
    entries, text = _entries(raw)
    if value in [entry.value for entry in entries]:
        return raw
    added = json.dumps(value)
    if entries:
        last = entries[-1]
        before = len(text[: last.start].rstrip(_WHITESPACE))
        changed = text[: last.end] + "," + text[before : last.start] + added + text[last.end :]
    else:
        start = _list_start(text)
        changed = text[:start] + added + text[start:]
    return changed.encode("utf-8")


def _list_start(text):
    """Give where the items of an empty list begin."""
    found = [span for key, span in (_Reader(text).object() if text.strip() else []) if key == KEY]
    if not found or text[found[0][0]] != "[":
        raise EnvFileError(1, "{} is not there any more, so nothing was put back".format(KEY))
    return found[0][0] + 1


def _gaps(entries, removed):
    """List what goes, as (start, end): an entry and its comma, so that what is left is a list."""
    kept = [index for index, entry in enumerate(entries) if entry not in removed]
    gaps = []
    for index, entry in enumerate(entries):
        if entry not in removed:
            continue
        if any(later > index for later in kept):
            gaps.append((entry.start, entries[index + 1].start))
        elif kept:  # all from here on go: from the end of the last one that stays
            gaps.append((entries[kept[-1]].end, entries[-1].end))
            break
        else:
            gaps.append((entries[0].start, entries[-1].end))
            break
    return gaps


def _entries(raw):
    """Give the entries of the list, and the file's text.

    :raises EnvFileError: see edit()
    """
    if not raw.strip():
        return [], raw.decode("utf-8", "replace")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise EnvFileError(line_of(raw, exc.start), "bytes that are not UTF-8: dockerd does not read it") from exc
    reader = _Reader(text)
    spans = reader.object()
    found = [span for key, span in spans if key == KEY]
    if len(found) > 1:
        raise EnvFileError(reader.line(found[1][0]), "{} stands there twice".format(KEY))
    return (reader.strings(*found[0]) if found else []), text


class _Reader:
    """One pass over a JSON text that knows where everything stands."""

    def __init__(self, text):
        self._text = text
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)

    def line(self, offset):
        """Give the line (from 1) of an offset."""
        return self._text.count("\n", 0, offset) + 1

    def object(self):
        """List the members of the one object that the text is: (key, (start, end) of its value)."""
        members = []
        offset = self._expect("{", self._skip(0))
        if self._char(self._skip(offset)) != "}":
            while True:
                key, offset = self._value(self._skip(offset))
                if not isinstance(key, str):
                    raise self._wrong(offset)
                start = self._skip(self._expect(":", self._skip(offset)))
                _value, end = self._value(start)
                members.append((key, (start, end)))
                offset = self._skip(end)
                if self._char(offset) == "}":
                    break
                offset = self._expect(",", offset)
        end = self._expect("}", self._skip(offset))
        if self._skip(end) != len(self._text):
            raise self._wrong(self._skip(end))
        return members

    def strings(self, start, end):
        """List the strings of the array between two offsets."""
        entries = []
        if self._char(start) != "[":
            if self._text[start:end] == "null":
                return []
            raise EnvFileError(self.line(start), "{} is no list".format(KEY))
        offset = self._skip(start + 1)
        while self._char(offset) != "]":
            value, after = self._value(offset)
            if not isinstance(value, str):
                raise EnvFileError(self.line(offset), "an entry of {} is no text".format(KEY))
            entries.append(Entry(value, self.line(offset), offset, after))
            offset = self._skip(after)
            if self._char(offset) == ",":
                offset = self._skip(offset + 1)
        return entries

    def _value(self, offset):
        try:
            return self._decoder.raw_decode(self._text, offset)
        except ValueError as exc:
            raise self._wrong(getattr(exc, "pos", offset)) from exc

    def _skip(self, offset):
        while self._char(offset) and self._char(offset) in _WHITESPACE:
            offset += 1
        return offset

    def _char(self, offset):
        return self._text[offset : offset + 1]

    def _expect(self, char, offset):
        if self._char(offset) != char:
            raise self._wrong(offset)
        return offset + 1

    def _wrong(self, offset):
        return EnvFileError(self.line(offset), "this is not JSON as dockerd reads it")


def _no_constant(name):
    raise ValueError("{} is no JSON".format(name))

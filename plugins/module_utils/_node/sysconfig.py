# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an EnvironmentFile (/etc/sysconfig/docker and its like) exactly as systemd does.

Not a shell: quotes open only where a value or another quoted part may begin, nothing is expanded, a backslash
means different things by quote and by version of systemd. Every byte of a value keeps the place it came from,
so that an editor can take bytes out of the file and leave all others as they are.

Source of the rules: systemd's src/basic/env-file.c (fileio.c before 2018), systemd.exec(5). The tests compare
this reader with load_env_file() of the systemd library itself.
"""

from collections import namedtuple

from .errors import EnvFileError

WHITESPACE = b" \t\n\r"
_NEWLINE = b"\n\r"
_COMMENT = b"#;"
_SHELL_SPECIAL = b'"\\`$'

# What differs between versions of systemd:
#   single      a backslash inside '...' escapes the next character (before 240)
#   double      what a backslash inside "..." may escape: "any" (before 240), "quote" (240), "shell" (247)
#   comment     a backslash at the end of a comment carries the comment on to the next line (before 254)
Dialect = namedtuple("Dialect", "name single double comment")
V219 = Dialect("before 240", True, "any", True)
V240 = Dialect("240 to 246", False, "quote", True)
V247 = Dialect("247 to 253", False, "shell", True)
V254 = Dialect("from 254", False, "shell", False)
ALL_DIALECTS = (V247, V254, V240, V219)

# name:    str
# value:   bytes, as the process gets it
# origins: for each byte of the value the (start, end) of the bytes in the file that made it
# start, end: where the assignment begins and ends in the file
# quote:   offset of a quote that is never closed, or None
Assignment = namedtuple("Assignment", "name value origins start end quote")


def dialects_for(version):
    """Say which readings of a file to reckon with on a node.

    :param version: systemd's version (int), or None where it is not known
    :returns: tuple of Dialect, the likeliest first; more than one where distributions backport the changes
    """
    if version is None:
        return ALL_DIALECTS
    if version < 239:
        return (V219,)
    if version == 239:
        return (V219, V240)
    if version < 247:
        return (V240, V247)
    if version < 254:
        return (V247, V254)
    return (V254,)


def line_of(raw, offset):
    """Give the line (from 1) in which an offset of the file lies."""
    return raw.count(b"\n", 0, offset) + 1


def parse(raw, dialect=V247):
    """Read a whole environment file.

    :param raw: the file, bytes
    :param dialect: one of this module's Dialects
    :returns: list of Assignment in the order of the file; the same name may come twice (the last one counts)
    :raises EnvFileError: where systemd would refuse the whole file (NUL, or not UTF-8 in a name or value)
    """
    nul = raw.find(b"\0")
    if nul >= 0:
        raise EnvFileError(line_of(raw, nul), "a NUL byte: systemd does not read this file at all")
    return _Reader(raw, dialect).read()


def is_utf8(text):
    """Say whether systemd takes these bytes for UTF-8: as Python does, less Unicode's noncharacters."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(0xFDD0 <= ord(char) <= 0xFDEF or ord(char) & 0xFFFE == 0xFFFE for char in decoded)


class _Reader:
    """systemd's state machine; each state is a method that takes one byte and its offset."""

    def __init__(self, raw, dialect):
        self.raw = raw
        self.dialect = dialect
        self.found = []
        self.state = self._before_key
        self._begin(0)

    def _begin(self, offset):
        self.key = bytearray()
        self.value = bytearray()
        self.origins = []
        self.start = offset
        self.tail = None  # where trailing whitespace of an unquoted value begins
        self.escape = 0  # offset of the backslash that is being looked at
        self.quote = None

    def read(self):
        for offset in range(len(self.raw)):
            self.state(self.raw[offset : offset + 1], offset)
        if self.state not in (self._before_key, self._in_key, self._in_comment, self._comment_escape):
            open_quote = self.state in (self._single, self._single_escape, self._double, self._double_escape)
            self._emit(len(self.raw), trim=self.state == self._bare, quote=self.quote if open_quote else None)
        return self.found

    def _push(self, char, start, end):
        self.value += char
        self.origins.append((start, end))

    def _emit(self, end, trim, quote=None):
        size = len(self.value) if self.tail is None or not trim else self.tail
        key, value = bytes(self.key.rstrip(WHITESPACE)), bytes(self.value[:size])
        for text, what in ((key, "name"), (value, "value")):
            if not is_utf8(text):
                reason = "a {} that is not UTF-8: systemd does not read this file at all".format(what)
                raise EnvFileError(line_of(self.raw, self.start), reason)
        self.found.append(Assignment(key.decode("utf-8"), value, self.origins[:size], self.start, end, quote))

    def _end_of_value(self, offset, trim):
        self._emit(offset, trim)
        self._begin(offset)
        self.state = self._before_key

    def _before_key(self, char, offset):
        if char in _COMMENT:
            self.state = self._in_comment
        elif char not in WHITESPACE:
            self._begin(offset)
            self.key += char
            self.state = self._in_key

    def _in_key(self, char, offset):
        if char in _NEWLINE:
            self._begin(offset)
            self.state = self._before_key
        elif char == b"=":
            self.state = self._before_value
        else:
            self.key += char

    def _before_value(self, char, offset):
        if char in _NEWLINE:
            self._end_of_value(offset, trim=False)
        elif char == b"'":
            self.quote, self.state = offset, self._single
        elif char == b'"':
            self.quote, self.state = offset, self._double
        elif char == b"\\":
            self.escape, self.state = offset, self._bare_escape
        elif char not in WHITESPACE:
            self._push(char, offset, offset + 1)
            self.state = self._bare

    def _bare(self, char, offset):
        if char in _NEWLINE:
            self._end_of_value(offset, trim=True)
        elif char == b"\\":
            self.tail = None
            self.escape, self.state = offset, self._bare_escape
        else:
            if char not in WHITESPACE:
                self.tail = None
            elif self.tail is None:
                self.tail = len(self.value)
            self._push(char, offset, offset + 1)

    def _bare_escape(self, char, offset):
        if char not in _NEWLINE:
            self._push(char, self.escape, offset + 1)
        self.state = self._bare

    def _single(self, char, offset):
        if char == b"'":
            self.state = self._before_value
        elif char == b"\\" and self.dialect.single:
            self.escape, self.state = offset, self._single_escape
        else:
            self._push(char, offset, offset + 1)

    def _single_escape(self, char, offset):
        if char not in _NEWLINE:
            self._push(char, self.escape, offset + 1)
        self.state = self._single

    def _double(self, char, offset):
        if char == b'"':
            self.state = self._before_value
        elif char == b"\\":
            self.escape, self.state = offset, self._double_escape
        else:
            self._push(char, offset, offset + 1)

    def _double_escape(self, char, offset):
        self.state = self._double
        rule = self.dialect.double
        continued = char == b"\n" if rule == "shell" else char in _NEWLINE
        escaped = rule == "any" or (char == b'"' if rule == "quote" else char in _SHELL_SPECIAL)
        if continued:
            return
        if escaped:
            self._push(char, self.escape, offset + 1)
        else:
            self._push(b"\\", self.escape, self.escape + 1)
            self._push(char, offset, offset + 1)

    def _in_comment(self, char, offset):
        if char == b"\\":
            self.state = self._comment_escape
        elif char in _NEWLINE:
            self._begin(offset)
            self.state = self._before_key

    def _comment_escape(self, char, offset):
        if char in _NEWLINE and not self.dialect.comment:
            self._begin(offset)
            self.state = self._before_key
        else:
            self.state = self._in_comment

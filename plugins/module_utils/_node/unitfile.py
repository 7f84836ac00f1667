# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a unit file or drop-in as systemd does, and split ExecStart= and Environment= into words.

Neither a shell nor an environment file: a line ends in a backslash to be continued, quotes may stand in the middle of a
word, escapes are those of C, a lone C(;) begins the next command. Every byte of a word keeps the place it came from.

Source of the rules: systemd.syntax(7), systemd.service(5), systemd's src/shared/conf-parser.c and
src/core/load-fragment.c. The tests compare with the library that systemd itself is made of.
"""

from collections import namedtuple

from .errors import EnvFileError
from .sysconfig import WHITESPACE, is_utf8, line_of

_COMMENT = b"#;"
_BOM = b"\xef\xbb\xbf"

# What differs between versions of systemd:
#   comments  a comment between continued lines is skipped; before, it was part of the value
#   quotes    quotes mean something in the middle of a word; before 220, only around a whole one
Dialect = namedtuple("Dialect", "name comments quotes")
V219 = Dialect("before 220", False, False)
V220 = Dialect("220 to 245", False, True)
V246 = Dialect("from 246", True, True)
ALL_DIALECTS = (V246, V220, V219)

# section, key: str; value: bytes, continued lines joined, outer blanks taken off; origins: for each byte of it the
# (start, end) of the bytes in the file that made it; start: where the assignment begins in the file
Entry = namedtuple("Entry", "section key value origins start")
# text: bytes; start, end: where it stands in the value; origins: for each byte of the text its place in the file
Word = namedtuple("Word", "text start end origins")


class QuotingError(ValueError):
    """systemd cannot split this value."""


def dialects_for(version):
    """Say which readings of a unit file to reckon with.

    :param version: systemd's version (int), or None where it is not known
    :returns: tuple of Dialect, the likeliest first
    """
    if version is None:
        return ALL_DIALECTS
    if version < 220:
        return (V219, V220)
    return (V220, V246) if version < 246 else (V246,)


def parse(raw, dialect=V246):
    """Read a unit file.

    :param raw: the file, bytes
    :returns: list of Entry, in order; what systemd passes over is not among them
    :raises EnvFileError: where systemd gives the file up, or versions of it end lines differently
    """
    for wrong, reason in ((b"\0", "a NUL byte"), (b"\r", "a carriage return that ends no line")):
        at = raw.replace(b"\r\n", b"\n\n").find(wrong)  # as long as before, so that offsets hold
        if at >= 0:
            raise EnvFileError(
                line_of(raw, at), "{}: systemd does not read this file as one would think".format(reason)
            )
    entries = []  # type: list
    section = ""
    for line, places in _logical_lines(raw, dialect):
        left = len(line) - len(line.lstrip(WHITESPACE))
        text = line.strip(WHITESPACE)
        origins = places[left : left + len(text)]
        if not text or text[:1] in _COMMENT or not is_utf8(text):
            continue
        if text[:1] == b"[":
            if text[-1:] != b"]":
                raise EnvFileError(line_of(raw, origins[0][0]), "a section that is not closed: systemd stops reading")
            section = text[1:-1].decode("utf-8")
        elif b"=" in text and section:
            entries.append(_entry(section, text, origins))
    return entries


def _entry(section, text, origins):
    key, _equals, rest = text.partition(b"=")
    value = rest.strip(WHITESPACE)
    begin = len(key) + 1 + len(rest) - len(rest.lstrip(WHITESPACE))
    name = key.strip(WHITESPACE).decode("utf-8")
    return Entry(section, name, value, origins[begin : begin + len(value)], origins[0][0])


def _logical_lines(raw, dialect):
    """Join continued lines: give (text, origins) of each, with a blank for a backslash and its newline."""
    text = bytearray()
    origins = []  # type: list
    offset = len(_BOM) if raw.startswith(_BOM) else 0
    while offset < len(raw):
        newline = raw.find(b"\n", offset)
        following = newline + 1 if newline >= 0 else len(raw)
        line = raw[offset:following].rstrip(b"\r\n")
        start, offset = offset, following
        if dialect.comments and line.lstrip(WHITESPACE)[:1] in (b"#", b";"):
            continue
        text += line
        origins += [(at, at + 1) for at in range(start, start + len(line))]
        if (len(line) - len(line.rstrip(b"\\"))) % 2:
            text[-1:] = b" "
            origins[-1] = (start + len(line) - 1, following)
            continue
        yield bytes(text), origins
        text = bytearray()
        origins = []
    if text:
        yield bytes(text), origins


def commands(entry, dialect=V246):
    """Split the value of ExecStart= into commands (list of lists of Word), the program and its prefixes first in each.

    :raises QuotingError: where systemd does not take this line
    """
    found = [[]]  # type: list
    offset = 0
    while True:
        offset = _skip(entry.value, offset)
        if offset >= len(entry.value):
            return [command for command in found if command]
        ahead = (entry.value[offset : offset + 3].split() or [b""])[0]
        if ahead == b";":
            found.append([])
            offset += 1
        elif ahead == b"\\;" and found[-1]:
            found[-1].append(Word(b";", offset, offset + 2, [(entry.origins[offset][0], entry.origins[offset + 1][1])]))
            offset += 2
        else:
            word = _word(entry, offset, dialect, relaxed=True)
            found[-1].append(word)
            offset = word.end


def variables(entry, dialect=V246):
    """Split the value of Environment= into its assignments (list of Word).

    :raises QuotingError: where systemd does not take all of it
    """
    found = []  # type: list
    offset = _skip(entry.value, 0)
    while offset < len(entry.value):
        word = _word(entry, offset, dialect, relaxed=False)
        found.append(word)
        offset = _skip(entry.value, word.end)
    return found


def _skip(value, offset):
    while offset < len(value) and value[offset : offset + 1] in WHITESPACE:
        offset += 1
    return offset


def _word(entry, start, dialect, relaxed):
    """Read the word that begins at an offset which is no blank."""
    value = entry.value
    text = bytearray()
    origins = []  # type: list
    quote = b""
    offset = start
    while offset < len(value):
        char = value[offset : offset + 1]
        size = 1
        made = char
        if char == b"\\":
            made, size = _escape(value, offset, relaxed)
        elif quote:
            made = b"" if char == quote else char
            quote = b"" if char == quote else quote
        elif char in (b"'", b'"') and (dialect.quotes or offset == start):
            quote, made = char, b""
        elif char in WHITESPACE:
            break
        elif not dialect.quotes and offset > start and value[start : start + 1] in (b"'", b'"'):
            raise QuotingError("something stands after a closing quote")
        text += made
        origins += [(entry.origins[offset][0], entry.origins[offset + size - 1][1])] * len(made)
        offset += size
    if quote:
        raise QuotingError("a quote is opened and never closed")
    return Word(bytes(text), start, offset, origins)


# The byte after the backslash, and the byte that is meant
_PAIRS = (b"a\a", b"b\b", b"f\f", b"n\n", b"r\r", b"t\t", b"v\v", b"\\\\", b'""', b"''", b"s ")
_SIMPLE = {pair[0]: pair[1] for pair in _PAIRS}
_CODED = {b"x": (2, 16), b"u": (4, 16), b"U": (8, 16)}


def _escape(value, offset, relaxed):
    """Read a backslash and what follows: (the bytes that it stands for, how many bytes of the value it is)."""
    kind = value[offset + 1 : offset + 2]
    if kind and kind[0] in _SIMPLE:
        return bytes([_SIMPLE[kind[0]]]), 2
    skip, base = 2, 16
    if kind in _CODED:
        digits = value[offset + 2 : offset + 2 + _CODED[kind][0]]
        wanted = _CODED[kind][0]
    else:
        digits, wanted, skip, base = value[offset + 1 : offset + 4], 3, 1, 8
    code = _number(digits, base) if len(digits) == wanted else 0
    if kind in (b"u", b"U") and 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
        return chr(code).encode("utf-8"), skip + wanted
    if kind not in (b"u", b"U") and 0 < code < 256:
        return bytes([code]), skip + wanted
    if relaxed:
        return value[offset : offset + 2], len(value[offset : offset + 2])
    raise QuotingError("an escape that systemd does not know")


def _number(digits, base):
    allowed = b"0123456789abcdefABCDEF" if base == 16 else b"01234567"
    return int(digits, base) if all(char in allowed for char in digits) else 0

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read TOML as far as containerd's files need it, which the standard library of nodes cannot.

Every document that is valid is read as it is meant. Some that are not are read as well: finding fault is for
containerd.
"""

import re
from collections import namedtuple

from .errors import NodeError

# A number, date or time, which nobody here needs: as it is written
Opaque = namedtuple("Opaque", "text")

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[ Tt]\d\d:[^\s,\]}#]*")
_SCALAR = re.compile(r"[^\s,\]}#=\"']+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([ \t]*\n[ \t\n]*)|(.))")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}
# Longest first. Up to two quotes may stand right before the three that end a string.
_STRINGS = (
    (re.compile(r'"""\n?((?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{0,2})"""'), True),
    (re.compile(r"'''\n?((?:[^']|'{1,2}(?!'))*'{0,2})'''"), False),
    (re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"'), True),
    (re.compile(r"'([^'\n]*)'"), False),
)


class TomlError(NodeError):
    """This is no TOML. :ivar line: from 1"""

    def __init__(self, line, reason):
        super().__init__("line {}: {}".format(line, reason))
        self.line = line


def read(text):
    """Read a document.

    :param text: str
    :returns: dict of str to str, bool, Opaque, list or dict
    :raises TomlError: where it is none
    """
    return _Reader(text.replace("\r\n", "\n")).document()


class _Reader:
    """One pass over a document."""

    def __init__(self, text):
        self._text = text
        self._at = 0

    def document(self):
        """Read all of it."""
        root = {}  # type: dict
        table = root
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return root
            if self._take("[["):
                keys = self._keys()
                self._expect("]]")
                table = {}
                self._list_at(root, keys).append(table)
            elif self._take("["):
                keys = self._keys()
                self._expect("]")
                table = self._table_at(root, keys)
            else:
                self._pair(table)
            if not _LINE_END.match(self._text, self._at):
                raise self._wrong("more than one value stands there")

    def _pair(self, table):
        keys = self._keys()
        self._expect("=")
        self._skip(_SPACE)
        inner = self._table_at(table, keys[:-1])
        if keys[-1] in inner:
            raise self._wrong("{} stands there twice".format(keys[-1]))
        inner[keys[-1]] = self._value()

    def _keys(self):
        keys = []
        while True:
            self._skip(_SPACE)
            bare = _BARE.match(self._text, self._at)
            if bare:
                self._at = bare.end()
                keys.append(bare.group())
            else:
                keys.append(self._string(_STRINGS[2:]))
            self._skip(_SPACE)
            if not self._take("."):
                return keys

    def _value(self):
        char = self._text[self._at : self._at + 1]
        if char in ("'", '"'):
            return self._string(_STRINGS)
        if self._take("["):
            return self._array()
        if self._take("{"):
            return self._inline_table()
        found = _DATE_TIME.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
        if not found:
            raise self._wrong("a value is missing")
        self._at = found.end()
        return {"true": True, "false": False}.get(found.group(), Opaque(found.group()))

    def _array(self):
        values = []  # type: list
        while True:
            self._skip(_BLANK)
            if self._take("]"):
                return values
            values.append(self._value())
            self._skip(_BLANK)
            if not self._take(","):
                self._expect("]")
                return values

    def _inline_table(self):
        table = {}  # type: dict
        while True:
            self._skip(_BLANK)
            if self._take("}"):
                return table
            self._pair(table)
            self._skip(_BLANK)
            if not self._take(","):
                self._expect("}")
                return table

    def _string(self, forms):
        for form, escapes in forms:
            found = form.match(self._text, self._at)
            if found:
                text = _ESCAPE.sub(self._unescape, found.group(1)) if escapes else found.group(1)
                self._at = found.end()
                return text
        raise self._wrong("a key or a text in quotes is missing, or does not end")

    def _unescape(self, found):
        short, long, line_end, char = found.groups()
        if line_end:
            return ""
        if char:
            if char not in _ESCAPES:
                raise self._wrong("\\{} means nothing".format(char))
            return _ESCAPES[char]
        number = int(short or long, 16)
        if number > 0x10FFFF:
            raise self._wrong("there is no such character")
        return chr(number)

    def _table_at(self, table, keys):
        """Give the table at a path, made where it is missing; of a list of tables the last."""
        for key in keys:
            table = table.setdefault(key, {})
            if isinstance(table, list) and table:
                table = table[-1]
            if not isinstance(table, dict):
                raise self._wrong("{} is no table".format(key))
        return table

    def _list_at(self, root, keys):
        found = self._table_at(root, keys[:-1]).setdefault(keys[-1], [])
        if not isinstance(found, list):
            raise self._wrong("{} is no list of tables".format(keys[-1]))
        return found

    def _skip(self, what):
        self._at = what.match(self._text, self._at).end()

    def _take(self, text):
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, text):
        self._skip(_SPACE)
        if not self._take(text):
            raise self._wrong("{} is missing".format(text))

    def _wrong(self, reason):
        return TomlError(self._text.count("\n", 0, self._at) + 1, reason)

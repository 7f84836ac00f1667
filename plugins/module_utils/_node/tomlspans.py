# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read as much of TOML as registries.conf needs, every value with the place where it stands.

Strict on purpose: text over several lines, dates, floats, and whatever one reader may take otherwise than another, is
refused with its line. What is read here is read the same by every TOML reader; the tests compare with Python's own.
"""

import re
from collections import namedtuple

from .errors import EnvFileError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9](?:_?[0-9])*)(?![A-Za-z0-9_.:+-])")
_BOOLEAN = re.compile(r"(true|false)(?![A-Za-z0-9_-])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SIMPLE = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}

# value: str, bool, int or (of a list) a list of Value; start, end: where it stands, in characters;
# comma: of an item of a list, where the comma after it stands, or None
Value = namedtuple("Value", "value start end comma")


class Table(dict):
    """A table: names to Value, Table, or a list of Table.

    :ivar header: whether a header has named it
    :ivar closed: whether it is an inline table, which nothing is added to
    :ivar dotted: the section (object) whose dotted keys made it, or None
    """

    def __init__(self, header=False, closed=False, dotted=None):
        super().__init__()
        self.header = header
        self.closed = closed
        self.dotted = dotted


def plain(node):
    """Give what was read as plain dicts, lists and scalars."""
    if isinstance(node, Table):
        return {name: plain(inner) for name, inner in node.items()}
    if isinstance(node, Value):
        node = node.value
    return [plain(inner) for inner in node] if isinstance(node, list) else node


def parse(text):
    """Read a text.

    :param text: str, newlines as in the file
    :returns: Table
    :raises EnvFileError: where it is no TOML, or more of it than is read here
    """
    return _Reader(text).read()


class _Reader:
    """One pass over the text."""

    def __init__(self, text):
        self._text = text
        self._at = 0
        self._root = Table(header=True)

    def read(self):
        section = self._root
        while True:
            self._blank_lines()
            if self._at >= len(self._text):
                return self._root
            if self._char() == "[":
                section = self._header()
            else:
                self._pair(section, section)
            self._end_of_line()

    # ---- what stands on a line

    def _header(self):
        start = self._at
        several = self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        names = self._key()
        self._expect("]]" if several else "]")
        table = self._root
        for name in names[:-1]:
            table = self._step(table, name, start)
        return self._begin_several(table, names[-1], start) if several else self._begin(table, names[-1], start)

    def _step(self, table, name, start):
        """Go from a table into one of its own, on the way to what a header names."""
        inner = table.setdefault(name, Table())
        if isinstance(inner, list):
            return inner[-1]
        if not isinstance(inner, Table) or inner.closed or inner.dotted is not None:
            raise self._wrong("{} is no table that this can be in".format(name), start)
        return inner

    def _begin(self, table, name, start):
        inner = table.setdefault(name, Table())
        if not isinstance(inner, Table) or inner.header or inner.closed or inner.dotted is not None:
            raise self._wrong("{} stands there twice".format(name), start)
        inner.header = True
        return inner

    def _begin_several(self, table, name, start):
        tables = table.setdefault(name, [])
        if not isinstance(tables, list):
            raise self._wrong("{} is something else already".format(name), start)
        tables.append(Table(header=True))
        return tables[-1]

    def _pair(self, table, section):
        start = self._at
        names = self._key()
        self._expect("=")
        self._blanks()
        for name in names[:-1]:
            inner = table.setdefault(name, Table(dotted=section))
            if not isinstance(inner, Table) or inner.dotted is not section:
                raise self._wrong("{} is something else already".format(name), start)
            table = inner
        if names[-1] in table:
            raise self._wrong("{} stands there twice".format(names[-1]), start)
        table[names[-1]] = self._value()

    def _key(self):
        names = []
        while True:
            self._blanks()
            form = _BARE.match(self._text, self._at)
            if form:
                names.append(form.group())
                self._at = form.end()
            elif self._char() in ("'", '"'):
                names.append(self._string())
            else:
                raise self._wrong("a name is missing")
            self._blanks()
            if self._char() != ".":
                return names
            self._at += 1

    # ---- values

    def _value(self):
        start = self._at
        char = self._char()
        if char in ("'", '"'):
            return Value(self._string(), start, self._at, None)
        if char == "[":
            return Value(self._list(), start, self._at, None)
        if char == "{":
            return self._inline()
        for form, meaning in ((_BOOLEAN, "true".__eq__), (_INTEGER, int)):
            found = form.match(self._text, start)
            if found:
                self._at = found.end()
                return Value(meaning(found.group().replace("_", "")), start, self._at, None)
        raise self._wrong("a value that is not read here")

    def _list(self):
        items = []  # type: list
        self._at += 1
        while True:
            self._blank_lines()
            if self._char() == "]":
                self._at += 1
                return items
            item = self._value()
            items.append(item)
            self._blank_lines()
            if self._char() == ",":
                if isinstance(item, Value):
                    items[-1] = item._replace(comma=self._at)
                self._at += 1
            elif self._char() != "]":
                raise self._wrong("a list goes on with neither a comma nor its end")

    def _inline(self):
        table = Table()
        self._at += 1
        self._blanks()
        while self._char() != "}":
            self._pair(table, table)
            self._blanks()
            if self._char() == ",":
                self._at += 1
                self._blanks()
                if self._char() == "}":
                    raise self._wrong("a comma at the end of an inline table")
            elif self._char() != "}":
                raise self._wrong("an inline table goes on with neither a comma nor its end")
        self._at += 1
        _close(table)
        return table

    def _string(self):
        quote = self._char()
        if self._text.startswith(quote * 3, self._at):
            raise self._wrong("text over several lines, which is not read here")
        start = self._at
        self._at += 1
        made = []  # type: list
        while True:
            char = self._char()
            if not char or _CONTROL.match(char):
                raise self._wrong("a quote is opened and not closed on its line", start)
            self._at += 1
            if char == quote:
                return "".join(made)
            made.append(self._escape() if char == "\\" and quote == '"' else char)

    def _escape(self):
        kind = self._char()
        self._at += 1
        if kind in _SIMPLE:
            return _SIMPLE[kind]
        size = {"u": 4, "U": 8}.get(kind, 0)
        digits = self._text[self._at : self._at + size]
        if size and len(digits) == size and re.match(r"[0-9A-Fa-f]+\Z", digits):
            code = int(digits, 16)
            if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                self._at += size
                return chr(code)
        raise self._wrong("an escape that TOML does not know", self._at - 2)

    # ---- between them

    def _char(self):
        return self._text[self._at : self._at + 1]

    def _blanks(self):
        while self._char() in (" ", "\t"):
            self._at += 1

    def _blank_lines(self):
        """Pass over blanks, comments and newlines."""
        while True:
            self._blanks()
            if self._char() == "#":
                self._comment()
            if not self._newline():
                return

    def _end_of_line(self):
        self._blanks()
        if self._char() == "#":
            self._comment()
        if self._at < len(self._text) and not self._newline():
            raise self._wrong("something stands after a value")

    def _comment(self):
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        comment = self._text[self._at : end]
        body = comment[:-1] if comment.endswith("\r") and end < len(self._text) else comment
        if _CONTROL.search(body):
            raise self._wrong("a control character in a comment")
        self._at += len(body)

    def _newline(self):
        for form in ("\n", "\r\n"):
            if self._text.startswith(form, self._at):
                self._at += len(form)
                return True
        return False

    def _expect(self, form):
        if not self._text.startswith(form, self._at):
            raise self._wrong("{} is missing".format(form))
        self._at += len(form)

    def _wrong(self, reason, at=None):
        line = self._text.count("\n", 0, self._at if at is None else at) + 1
        return EnvFileError(line, "this is not TOML as registries.conf has it: {}".format(reason))


def _close(table):
    table.closed = True
    for inner in table.values():
        if isinstance(inner, Table):
            _close(inner)

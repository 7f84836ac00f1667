# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take flags out of unit files and drop-ins: of ExecStart=, and of the variables that Environment= sets.

As in environment files, the proof is in the reading: a changed text counts only if systemd makes of it what it made
before, less the words that were to go.
"""

import re
from collections import namedtuple

from . import flags, unitfile, wordcut, words
from .envedit import Edit, Found
from .errors import EnvFileError
from .sysconfig import line_of
from .wordcut import Part

EXEC = "ExecStart"
ENVIRONMENT = "Environment"
_WAYS = (wordcut.whole_lines, wordcut.with_space_after, wordcut.with_space_before)
_EMBEDDED = re.compile(re.escape(flags.FLAG) + rb"""[=\s]\s*["']?([^\s"']+)""")
# One variable of Environment=, as wordcut wants it
_Item = namedtuple("_Item", "value origins start")
# kind: EXEC, ENVIRONMENT or "other"; name: str; part: Part, None for other; fixed: what may not change
Piece = namedtuple("Piece", "kind name part fixed")


def edit(raw, unwanted, dialects=(unitfile.V246,)):
    """Take out the insecure flags whose value is unwanted.

    :param raw: the file, bytes
    :param unwanted: function of a flag's value (str) that says whether it goes
    :param dialects: the readings that must all agree, the likeliest first
    :returns: envedit.Edit; its text is the very same object where nothing goes
    :raises EnvFileError: where systemd does not read the file, or the flags cannot be taken out safely
    """
    readings = [pieces(raw, dialect, unwanted) for dialect in dialects]
    removed, kept = _report(raw, readings[0])
    _refuse_embedded(raw, readings[0], unwanted)
    if any(_report(raw, reading) != (removed, kept) for reading in readings[1:]):
        line = (removed + kept or [Found(1, "", "", False)])[0].line
        raise EnvFileError(
            line, "versions of systemd read this differently (a quote in a word, or a comment between continued lines)"
        )
    if not removed:
        return Edit(raw, removed, kept)
    text = raw
    for index in reversed(range(len(readings[0]))):  # from the end, so that offsets before it stay true
        piece = readings[0][index]
        if piece.part is not None and piece.part.gone:
            wanted = [_wanted(reading, index) for reading in readings]
            text = _edit_piece(text, piece, lambda changed, wanted=wanted: _reads_as(changed, dialects, wanted))
    return Edit(text, removed, kept)


def meaning(raw, dialect=unitfile.V246):
    """Say what a file makes of the arguments of a service.

    :returns: list of (EXEC, arguments) and (ENVIRONMENT, name, value), with (EXEC, []) and (ENVIRONMENT, "", b"") where
        an empty assignment takes back all before it
    """
    found = []  # type: list
    for piece in pieces(raw, dialect):
        if piece.kind == EXEC:
            found.append((EXEC, [word.text for word in piece.part.words] if piece.part else []))
        elif piece.kind == ENVIRONMENT:
            found.append((ENVIRONMENT, piece.name, piece.part.item.value if piece.part else b""))
    return found


def pieces(raw, dialect, unwanted=frozenset().__contains__):
    """Split a file into what a flag can stand in, and the rest (list of Piece)."""
    found = []  # type: list
    for entry in unitfile.parse(raw, dialect):
        if entry.section != "Service" or entry.key not in (EXEC, ENVIRONMENT):
            found.append(Piece("other", entry.key, None, (entry.section, entry.value)))
        elif not entry.value:
            found.append(Piece(entry.key, "", None, "reset"))
        else:
            try:
                found += (_of_exec if entry.key == EXEC else _of_environment)(entry, dialect, unwanted)
            except unitfile.QuotingError as exc:
                if flags.FLAG in entry.value:
                    reason = "{}: {}, so systemd does not take this line".format(entry.key, exc)
                    raise EnvFileError(line_of(raw, entry.start), reason) from exc
                found.append(Piece("other", entry.key, None, (entry.section, entry.value)))
    return found


def _of_exec(entry, dialect, unwanted):
    return [
        Piece(EXEC, EXEC, Part(entry, command, _gone(command, unwanted)), number)
        for number, command in enumerate(unitfile.commands(entry, dialect))
    ]


def _of_environment(entry, dialect, unwanted):
    pieces = []
    for word in unitfile.variables(entry, dialect):
        name, equals, value = word.text.partition(b"=")
        item = _Item(value, word.origins[len(name) + len(equals) :], entry.start)
        split = words.split(value)
        shown = name.decode("utf-8", "replace")
        pieces.append(Piece(ENVIRONMENT, shown, Part(item, split, _gone(split, unwanted)), (name, equals)))
    return pieces


def _gone(split, unwanted):
    gone = set()  # type: set
    for flag in flags.find([word.text for word in split]):
        if flag.last is not None and unwanted(flag.value):
            gone.update(range(flag.first, flag.last + 1))
    return gone


def _report(raw, pieces):
    removed = []  # type: list
    kept = []  # type: list
    for piece in (piece for piece in pieces if piece.part is not None):
        split = piece.part.words
        for flag in flags.find([word.text for word in split]):
            if flag.last is None:
                continue
            line = line_of(raw, piece.part.item.origins[split[flag.first].start][0])
            found = Found(line, piece.name, flag.value, flags.network(flag.value) is not None)
            (removed if flag.first in piece.part.gone else kept).append(found)
    return removed, kept


def _refuse_embedded(raw, pieces, unwanted):
    """A flag inside a word, such as the command line that a shell is given, is read by rules that are not systemd's."""
    for piece in (piece for piece in pieces if piece.part is not None):
        for word in piece.part.words:
            if word.text.startswith(flags.FLAG):
                continue
            for match in _EMBEDDED.finditer(word.text):
                value = match.group(1).decode("utf-8", "replace")
                if unwanted(value):
                    reason = "--insecure-registry {} stands inside a longer word of {}=; take it out by hand".format(
                        value, piece.name
                    )
                    raise EnvFileError(line_of(raw, piece.part.item.origins[word.start][0]), reason)


def _wanted(reading, index):
    """Say what a reading must be once all its pieces from an index on have lost what goes."""
    return [_shape(piece, at >= index) for at, piece in enumerate(reading)]


def _shape(piece, reduced):
    if piece.part is None:
        return piece.kind, piece.name, piece.fixed, None
    gone = piece.part.gone if reduced else set()
    kept = [word.text for at, word in enumerate(piece.part.words) if at not in gone]
    # A variable that loses nothing keeps its value to the byte: a program may read it without splitting it.
    exact = piece.part.item.value if piece.kind == ENVIRONMENT and not gone else None
    return piece.kind, piece.name, piece.fixed, (kept, exact)


def _reads_as(text, dialects, wanted):
    for number, dialect in enumerate(dialects):
        try:
            found = pieces(text, dialect)
        except EnvFileError:
            return False
        expected = wanted[number]
        if len(found) != len(expected) or not all(_is(piece, expected[at]) for at, piece in enumerate(found)):
            return False
    return True


def shapes(raw, dialect):
    """Give what a reading of a file must be for the file to mean the same (list, to be compared)."""
    return [_shape(piece, False) for piece in pieces(raw, dialect)]


def is_more(before, after, index, word):
    """Say whether the shapes of a file are those of another one, with one more word in one place."""
    if len(before) != len(after) or any(before[at] != shape for at, shape in enumerate(after) if at != index):
        return False
    was, now = before[index], after[index]
    return was[:3] == now[:3] and now[3][0] == [*was[3][0], word]


def _is(piece, wanted):
    kind, name, fixed, content = _shape(piece, False)
    if wanted[3] is None or content is None or wanted[3][1] is not None:
        return (kind, name, fixed, content) == wanted
    return (kind, name, fixed, content[0]) == (*wanted[:3], wanted[3][0])


def _edit_piece(text, piece, is_right):
    for way in _WAYS:
        changed = way(text, piece.part)
        if is_right(changed):
            return changed
    line = line_of(text, piece.part.item.start)
    raise EnvFileError(line, "cannot be taken out without changing what systemd reads; edit it by hand")

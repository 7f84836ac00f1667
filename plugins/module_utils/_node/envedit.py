# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take flags out of an environment file: text in, text out, every other byte as it was.

The proof is in the reading: a changed text counts only if systemd's rules (of every version that the node may have)
make of it what they made before, less the words that were to go. A file for which that cannot be had is refused with
its line.
"""

import re
from collections import namedtuple

from . import flags, sysconfig, wordcut, words
from .errors import EnvFileError
from .wordcut import Part

# One flag in a file. line: int; variable, value: str; network: bool
Found = namedtuple("Found", "line variable value network")
# text: the new file (bytes); removed, kept: lists of Found
Edit = namedtuple("Edit", "text removed kept")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def edit(raw, unwanted, dialects=(sysconfig.V247,)):
    """Take out the insecure flags whose value is unwanted.

    :param raw: the file, bytes
    :param unwanted: function of a flag's value (str) that says whether it goes
    :param dialects: the readings that must all agree, the likeliest first
    :returns: Edit; its text is the very same object where nothing goes
    :raises EnvFileError: where systemd does not read the file, or the flags cannot be taken out safely
    """
    readings = [sysconfig.parse(raw, dialect) for dialect in dialects]
    parts = [_part(item, unwanted) for item in readings[0]]
    removed, kept = _report(raw, parts)
    _refuse_split_flag(raw, parts, unwanted)
    if any(_plan(reading, unwanted) != _plan(readings[0], unwanted) for reading in readings[1:]):
        line = removed[0].line if removed else kept[0].line if kept else 1
        raise EnvFileError(line, "versions of systemd read this differently (a backslash); write it without one")
    if not removed:
        return Edit(raw, removed, kept)
    _refuse_open_quote(raw, readings)
    text = raw
    for index in reversed(range(len(parts))):  # from the end, so that offsets before it stay true
        if parts[index].gone:
            text = _edit_part(text, parts[index], _Goal(dialects, readings, index, unwanted))
    return Edit(text, removed, kept)


def find(raw, dialects=(sysconfig.V247,)):
    """List all insecure flags of a file (list of Found). :raises EnvFileError: where systemd does not read it."""
    return edit(raw, frozenset().__contains__, dialects).kept


def _part(item, unwanted):
    """Split one assignment and mark the words that go (set of indexes); systemd drops what has no proper name."""
    split = words.split(item.value) if _VARIABLE.match(item.name) else []
    gone = set()  # type: set
    for flag in flags.find([word.text for word in split]):
        if flag.last is not None and unwanted(flag.value):
            gone.update(range(flag.first, flag.last + 1))
    return Part(item, split, gone)


def _plan(reading, unwanted):
    """Say what would go under one reading of the file, to compare readings."""
    parts = [_part(item, unwanted) for item in reading]
    return [
        (part.item.name, part.item.start, [part.words[index].text for index in sorted(part.gone)])
        for part in parts
        if part.gone
    ]


def _report(raw, parts):
    removed = []  # type: list
    kept = []  # type: list
    for part in parts:
        for flag in flags.find([word.text for word in part.words]):
            if flag.last is None:
                continue
            where = part.item.origins[part.words[flag.first].start][0]
            is_network = flags.network(flag.value) is not None
            found = Found(sysconfig.line_of(raw, where), part.item.name, flag.value, is_network)
            (removed if flag.first in part.gone else kept).append(found)
    return removed, kept


def _refuse_split_flag(raw, parts, unwanted):
    """A flag at the end of one variable and its value at the beginning of another cannot be told from a mistake."""
    orphans = [part for part in parts if any(f.last is None for f in flags.find([w.text for w in part.words]))]
    for part in parts:
        value = part.words[0].text.decode("utf-8", "replace") if part.words else ""
        if orphans and value and unwanted(value):
            reason = "--insecure-registry at the end of {} may get its value, {}, from {}; write both into one".format(
                orphans[0].item.name, value, part.item.name
            )
            raise EnvFileError(sysconfig.line_of(raw, orphans[0].item.start), reason)


def _refuse_open_quote(raw, readings):
    for item in (item for reading in readings for item in reading):
        if item.quote is not None:
            line = sysconfig.line_of(raw, item.quote)
            raise EnvFileError(line, "a quote is opened and never closed, so the rest of the file is one value")


def _edit_part(text, part, goal):
    """Take the unwanted words out of one assignment in the first way that reads as it must."""
    for way in wordcut.WAYS:
        changed = way(text, part)
        if goal.is_met_by(changed):
            return changed
    line = sysconfig.line_of(text, part.item.start)
    raise EnvFileError(line, "cannot be taken out without changing what systemd reads; edit it by hand")


class _Goal:
    """What a text must read as when all assignments from an index on have lost their unwanted words."""

    def __init__(self, dialects, readings, index, unwanted):
        self.readings = []
        for number, dialect in enumerate(dialects):
            items = [
                (item.name, item.value if at < index else self._reduced(item, unwanted))
                for at, item in enumerate(readings[number])
            ]
            self.readings.append((dialect, items))

    @staticmethod
    def _reduced(item, unwanted):
        """Give the words that stay (list) of an assignment that loses some, or its value (bytes)."""
        part = _part(item, unwanted)
        kept = [word.text for at, word in enumerate(part.words) if at not in part.gone]
        return kept if part.gone else item.value

    def is_met_by(self, text):
        return all(self._reads_as(text, dialect, items) for dialect, items in self.readings)

    @staticmethod
    def _reads_as(text, dialect, wanted):
        try:
            reading = sysconfig.parse(text, dialect)
        except EnvFileError:
            return False
        return len(reading) == len(wanted) and all(
            (item.name, words.texts(item.value) if isinstance(wanted[at][1], list) else item.value) == wanted[at]
            for at, item in enumerate(reading)
        )

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to cut words out of a file whose every byte knows where it came from: text in, text out.

None of them knows whether the result reads as it must: that is for the caller, who takes the first that does.
"""

from collections import namedtuple

# item: has value (bytes), origins (for each byte of it its (start, end) in the file) and start (where the assignment
# begins); words: list of something with start and end in the value; gone: set of indexes of words
Part = namedtuple("Part", "item words gone")


def _runs(part):
    """Group the words that go into runs of neighbours: list of (first, last)."""
    runs = []  # type: list
    for index in sorted(part.gone):
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _value_range(part, first, last, after):
    """Say which bytes of the value go with a run: its words and the whitespace on one side."""
    if len(part.gone) == len(part.words):
        return 0, len(part.item.value)
    has_next, has_previous = last + 1 < len(part.words), first > 0
    if has_next and (after or not has_previous):
        return part.words[first].start, part.words[last + 1].start
    return part.words[first - 1].end, part.words[last].end


def _cut(text, spans):
    """Take byte ranges, which may overlap, out of a text."""
    kept = bytearray()
    done = 0
    for start, end in sorted(spans):
        kept += text[done : max(start, done)]
        done = max(end, done)
    return bytes(kept + text[done:])


def _spans(part, after):
    spans = []
    for first, last in _runs(part):
        start, end = _value_range(part, first, last, after)
        spans += part.item.origins[start:end]
    return spans


def with_space_after(text, part):
    """Cut each run of words with the blanks after it."""
    return _cut(text, _spans(part, after=True))


def with_space_before(text, part):
    """Cut each run of words with the blanks before it."""
    return _cut(text, _spans(part, after=False))


def whole_lines(text, part):
    """Where a continued line holds nothing but flags that go, the line goes, with its backslash."""
    spans = []
    origins = part.item.origins
    for first, last in _runs(part):
        start, end = origins[part.words[first].start][0], origins[part.words[last].end - 1][1]
        line = text.rfind(b"\n", 0, start) + 1
        stop = text.find(b"\n", end) + 1
        alone = line > part.item.start and not text[line:start].strip(b" \t")
        if alone and text[end:stop].strip(b" \t\r\n") == b"\\":
            spans.append((line, stop))
        else:
            cut = _value_range(part, first, last, after=True)
            spans += origins[cut[0] : cut[1]]
    return _cut(text, spans)


def with_escape(text, part):
    """Where an unquoted value would now begin with a quote, which would then mean something else, escape that."""
    changed = with_space_after(text, part)
    place = text.index(b"=", part.item.start) + 1
    while changed[place : place + 1] in (b" ", b"\t"):
        place += 1
    if changed[place : place + 1] not in (b"'", b'"'):
        return changed
    return changed[:place] + b"\\" + changed[place:]


WAYS = (whole_lines, with_space_after, with_space_before, with_escape)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a flag back that was taken out: into the file as it is today, at the place it was taken from.

Not old bytes over new ones: what others have changed since stays. Each function takes and gives a whole file, gives the
very same object where the flag is there already, and raises EnvFileError where its place is not there any more or
cannot be written safely. The proof is in the reading, as it is for taking out.
"""

from . import daemonjson, flags, insecure, registriesconf, sysconfig, unitedit, unitfile, words
from .errors import EnvFileError
from .sysconfig import line_of


def insert(raw, flag, version):
    """Put one flag back.

    :param raw: the file, bytes
    :param flag: dict of file, variable and value, as Records.removed() gives it
    :param version: systemd's version (int), or None
    :returns: bytes
    :raises EnvFileError: with the line and the reason
    """
    path, variable, value = flag["file"], flag["variable"], flag["value"]
    if variable == daemonjson.KEY:
        return daemonjson.insert(raw, value)
    if insecure.is_registries_conf(path):
        return registriesconf.insert(raw, variable, value)
    if insecure.is_ours_to_edit(path):
        return _into_unit(raw, variable, value, unitfile.dialects_for(version))
    return _into_environment(raw, variable, value, sysconfig.dialects_for(version))


def _into_environment(raw, variable, value, dialects):
    readings = [sysconfig.parse(raw, dialect) for dialect in dialects]
    found = [at for at, item in enumerate(readings[0]) if item.name == variable]
    if not found:
        raise _gone(raw, variable)
    item = readings[0][found[-1]]  # of several the last one counts
    if _holds(words.texts(item.value), value):
        return raw

    def is_right(text):
        try:
            now = [sysconfig.parse(text, dialect) for dialect in dialects]
        except EnvFileError:
            return False
        return all(_is_more(readings[at], reading, found[-1], value) for at, reading in enumerate(now))

    equals = raw.index(b"=", item.start) + 1
    return _first_right(raw, item, [equals + 1, equals], value, (b" ",), is_right)


def _is_more(before, after, index, value):
    """Say whether a reading of an environment file is another one with one flag more."""
    if [item.name for item in before] != [item.name for item in after]:
        return False
    others = all(before[at].value == item.value for at, item in enumerate(after) if at != index)
    return others and words.texts(after[index].value) == [*words.texts(before[index].value), _flag(value)]


def _into_unit(raw, variable, value, dialects):
    readings = [unitedit.shapes(raw, dialect) for dialect in dialects]
    pieces = unitedit.pieces(raw, dialects[0])
    found = [at for at, piece in enumerate(pieces) if piece.part is not None and piece.name == variable]
    if not found:
        raise _gone(raw, variable)
    piece = pieces[found[-1]]
    if _holds([word.text for word in piece.part.words], value):
        return raw

    def is_right(text):
        try:
            return all(
                unitedit.is_more(readings[at], unitedit.shapes(text, dialect), found[-1], _flag(value))
                for at, dialect in enumerate(dialects)
            )
        except EnvFileError:
            return False

    item = piece.part.item
    if piece.kind == unitedit.EXEC:  # after the last word of this command
        end = item.origins[piece.part.words[-1].end - 1][1]
        item = item._replace(origins=[(end, end)])
    place = raw.find(variable.encode("utf-8") + b"=", item.start) + len(variable) + 1
    return _first_right(raw, item, [place], value, (b" ", b"\\x20"), is_right)


def _first_right(raw, item, empty, value, blanks, is_right):
    """Try the places and ways to write a flag.

    :param empty: offsets to try where the variable is empty
    :param blanks: ways to write the blank before it
    """
    if item.origins:
        blanks = (b"",) if item.value[-1:].isspace() and item.value[-1:] == raw[item.origins[-1][0] :][:1] else blanks
        tries = [(item.origins[-1][1], blank) for blank in blanks]
    else:
        tries = [(place, b"") for place in empty]
    for place, blank in tries:
        changed = raw[:place] + blank + _flag(value) + raw[place:]
        if is_right(changed):
            return changed
    raise EnvFileError(line_of(raw, item.start), "the flag cannot be put back there safely; write it by hand")


def _flag(value):
    return flags.FLAG + b"=" + value.encode("utf-8")


def _holds(arguments, value):
    return value in [flag.value for flag in flags.find(arguments)]


def _gone(raw, variable):
    return EnvFileError(line_of(raw, len(raw)), "{} is not there any more, so nothing was put back".format(variable))

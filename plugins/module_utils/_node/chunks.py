# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pieces a layer is sent in, and sizes as people write them. Pure."""

import re

from .errors import RefusedError

_SIZE = re.compile(r"\s*([0-9]+)\s*(|[kmg]i?b?|b)\s*\Z", re.IGNORECASE)
_FACTORS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def size(text, option, most):
    """Read a size: a number of bytes, or one with a unit (KiB, MiB, GiB, which may be shortened to k, m, g).

    :param option: its name, for the error
    :param most: the largest that is taken, in bytes
    :returns: int, bytes
    :raises RefusedError: where it is none, or larger
    """
    form = _SIZE.match(str(text))
    if not form:
        raise RefusedError("{}: {!r} is no size; write bytes, or 64KiB, 16MiB, 1GiB".format(option, text))
    found = int(form.group(1)) * _FACTORS[form.group(2).lower()[:1]]
    if found > most:
        raise RefusedError("{}: {} is more than the {} bytes that can be sent".format(option, text, most))
    return found


def plan(total, wanted, least=0):
    """Cut a blob into pieces.

    :param total: bytes of the blob
    :param wanted: bytes of a piece; smaller where there would be only one, so that a small blob comes in two
    :param least: bytes that the registry wants of every piece but the last
    :returns: list of (first, last) byte, both inclusive, as Content-Range has them; empty for an empty blob
    """
    step = max(1, least, min(wanted, (total + 1) // 2))
    return [(first, min(first + step, total) - 1) for first in range(0, total, step)]


def cut(pieces, spans):
    """Bring a stream into the pieces of a plan.

    :param pieces: iterable of bytes, together as long as the plan
    :param spans: what plan() gave
    :returns: generator of (first, last, list of bytes); one piece of the plan in memory at a time
    :raises ValueError: when the stream is shorter than the plan
    """
    source, rest = iter(pieces), b""
    for first, last in spans:
        parts, missing = [], last - first + 1
        while missing:
            piece = rest or next(source, None)
            if piece is None:
                raise ValueError("the stream ends before its plan does")
            parts.append(piece[:missing])
            rest = piece[missing:]
            missing -= len(parts[-1])
        yield first, last, parts

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's log as data: what its lines say, and at which address it listens.

Distribution 2 and 3 and OpenShift's registries write with logrus, as text (``time="…" level=info msg="…" key=value``)
or as JSON; requests that were answered are lines of Apache's combined format. Docker and the kubelet may put a time
before each line.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

_STAMP = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\s+(?=\S)")
_MOMENT = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:[Zz]|(?P<zone>[+-]\d\d):?(?P<minutes>\d\d))?"
)
_PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)')
_ACCESS = re.compile(
    r'(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
#: Fields by the names that JSON formatters give them.
_TIME, _LEVEL, _MESSAGE = ("time", "@timestamp", "ts"), ("level",), ("msg", "message")


@dataclass(frozen=True)
class Line:
    """One line.

    :param time: as it stands there; None where the line has none.
    :param level: ``info``, ``error``…; ``access`` for an answered request; None where it is no line of a registry.
    :param message: what it says.
    :param fields: the rest, by name.
    """

    text: str
    time: str | None = None
    level: str | None = None
    message: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


def read(text: str) -> Iterator[Line]:
    """The lines of a log, without empty ones."""
    return (_line(line) for line in text.split("\n") if line.strip())


def matching(lines: Iterable[Line], wanted: re.Pattern[str] | None) -> list[Line]:
    """Those in whose text a pattern is found; all without one."""
    return [line for line in lines if wanted is None or wanted.search(line.text)]


def listening(text: str, port: int) -> tuple[str | None, bool | None]:
    """The last ``listening on`` address in a registry's log, and whether it says tls; None for both without one.

    Lines: ``listening on [::]:5000, tls`` (distribution 3), ``listening on :5000, tls`` (2).
    """
    found = re.findall(rf"listening on (\S*?:{port})(, tls)?(?![\w])", text)
    return (found[-1][0], bool(found[-1][1])) if found else (None, None)


def seconds(time: str | None) -> float | None:
    """A line's time in seconds since 1970, in whole ones; None where it cannot be read.

    :param time: as Line has it. One without an offset counts as UTC.
    """
    found = _MOMENT.fullmatch(time or "")
    if not found:
        return None
    offset = f"{found['zone']}:{found['minutes']}" if found["zone"] else "+00:00"
    try:
        return dt.datetime.fromisoformat(found["time"] + offset).timestamp()
    except ValueError:
        return None


def _line(text: str) -> Line:
    text = text.rstrip("\r")
    stamp = _STAMP.match(text)
    rest = text[stamp.end() :] if stamp else text
    found = _of_json(rest) or _of_pairs(rest) or _of_access(rest) or {}
    time = _first(found, _TIME) or (stamp["time"] if stamp else None)
    level, message = _first(found, _LEVEL), _first(found, _MESSAGE)
    known = {*_TIME, *_LEVEL, *_MESSAGE}
    fields = {name: value for name, value in found.items() if name not in known}
    return Line(text, time, level, rest if message is None else message, fields)


def _of_json(text: str) -> dict[str, str] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not any(name in found for name in _MESSAGE):
        return None
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def _of_pairs(text: str) -> dict[str, str] | None:
    """A line of logrus' text format: it has a level, and a message that may be empty."""
    found = {name: _unquoted(value) for name, value in _PAIR.findall(text)}
    return found if {"level", "msg"} <= set(found) else None


def _of_access(text: str) -> dict[str, str] | None:
    found = _ACCESS.match(text)
    if not found:
        return None
    parts: dict[str, Any] = found.groupdict()
    return {"level": "access", "message": str(parts.pop("request")), **parts}


def _unquoted(value: str) -> str:
    """A value as it was before Go's strconv.Quote."""
    if len(value) < 2 or not value.startswith('"'):
        return value
    return _ESCAPED.sub(_character, value[1:-1])


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _ESCAPES.get(found[4], found[4])
    return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else found[0]


def _first(found: dict[str, str], names: Iterable[str]) -> str | None:
    return next((found[name] for name in names if name in found), None)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from a certificate whose it is and until when, which the standard library only does for CAs."""

import calendar
import time
from collections import namedtuple

# subject, issuer: str such as C(O=Example, CN=registry); not_before, not_after: seconds since 1970
Certificate = namedtuple("Certificate", "subject issuer not_before not_after")

_NAMES = {
    b"\x55\x04\x03": "CN", b"\x55\x04\x05": "serialNumber", b"\x55\x04\x06": "C", b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST", b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01": "emailAddress",
    b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19": "DC",
}  # fmt: skip
_ENCODINGS = {0x14: "latin-1", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # of strings; all others: UTF-8
_UTC_TIME = 0x17
_VERSION = 0xA0


def certificate(der):
    """Read one certificate.

    :param der: bytes
    :returns: Certificate
    :raises ValueError: where it is none
    """
    try:
        fields = list(_items(_inner(_inner(der))))
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        _serial, _algorithm, issuer, validity, subject = fields[:5]
        not_before, not_after = (_time(*moment) for moment in _items(validity[1]))
        return Certificate(_name(subject[1]), _name(issuer[1]), not_before, not_after)
    except (IndexError, UnicodeDecodeError, OverflowError) as exc:
        raise ValueError("no certificate: {}".format(exc)) from exc


def _items(raw):
    """Give (tag, content) of each element that stands in bytes, one after another."""
    at = 0
    while at < len(raw):
        tag, length, start = raw[at], raw[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(raw[start : start + count], "big"), start + count
        if start + length > len(raw):
            raise ValueError("no certificate: it is cut off")
        yield tag, raw[start : start + length]
        at = start + length


def _inner(raw):
    """Give the content of the first element."""
    return next(_items(raw))[1] if raw else b""


def _name(raw):
    parts = []
    for _set, attributes in _items(raw):
        for _sequence, attribute in _items(attributes):
            (_oid, kind), (tag, value) = _items(attribute)
            text = value.decode(_ENCODINGS.get(tag, "utf-8"), "replace")
            parts.append("{}={}".format(_NAMES.get(kind, kind.hex()), text))
    return ", ".join(parts)


def _time(tag, raw):
    text = raw.decode("ascii").rstrip("Z")
    if tag == _UTC_TIME:  # two digits, which mean 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    if len(text) == 12:
        text += "00"
    return calendar.timegm(time.strptime(text[:14], "%Y%m%d%H%M%S"))

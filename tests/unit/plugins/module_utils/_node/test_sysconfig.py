# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of environment files and the splitter of values, against systemd itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import sysconfig, words
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from hypothesis import example, given, settings
from hypothesis import strategies as st

# A thousand at least, and as many more as the profile says (HYPOTHESIS_PROFILE=thorough: 5 000).
many = settings(max_examples=max(1000, settings.default.max_examples), deadline=None)

# Pieces that matter to the two parsers, far likelier to meet each other than random bytes are.
_PIECES = [
    *(b"OPTIONS", b"INSECURE_REGISTRY", b"=", b" ", b"  ", b"\t", b"\n", b"\r\n", b"\r", b"'", b'"', b"\\", b"\\\n"),
    *(b"\\\r\n", b"#", b";", b"--insecure-registry", b"--insecure-registry=", b"172.30.124.220:5000", b"$", b"`", b"a"),
    *(b"--log-driver=json-file", b"\xc3\xa9", b"\xff", b"\x0b", b"\xef\xbb\xbf", b"\xef\xbf\xbf"),
]
pieces = st.lists(st.sampled_from(_PIECES), max_size=30).map(b"".join)


def as_systemd_sees(raw: bytes) -> dict[bytes, bytes] | None:
    """Reduce our reading to what the library tells: the last value of each name, None where it is all refused."""
    try:
        found = sysconfig.parse(raw, sysconfig.V247)
    except EnvFileError:
        return None
    # The library joins name and value by "=", so a name that begins with one cannot be told apart there.
    return dict((item.name.encode() + b"=" + item.value).split(b"=", 1) for item in found)


@many
@given(raw=pieces)
@example(raw=b"A='x y' 'z'\n")
@example(raw=b"# caf\xe9\nA=1\n")
@example(raw=b"#c\\\nX=1\nY=2\n")
@example(raw=b"A=x  \\")
@example(raw=b"=5=6\n")
@example(raw=b"\xef\xbf\xbf=1\n")
@example(raw=b"A=\xef\xbf\xbe\n")
@example(raw=b"A=\xef\xb7\x90\n")
@example(raw=b"A=\xef\xbf\xbd\n")
def test_reads_every_file_as_systemd_does(systemd: Any, raw: bytes) -> None:
    expected = systemd.load(raw)
    seen = as_systemd_sees(raw)
    assert seen == expected


@many
@given(value=pieces)
@example(value=b"a\\")
@example(value=b"'a\\'b' \"c d\"e")
@example(value=b"'' x")
def test_splits_every_value_as_systemd_does(systemd: Any, value: bytes) -> None:
    assert words.texts(value) == systemd.split(value)


@many
@given(raw=pieces, dialect=st.sampled_from(sysconfig.ALL_DIALECTS))
def test_every_byte_of_a_value_knows_where_it_came_from(raw: bytes, dialect: sysconfig.Dialect) -> None:
    try:
        found = sysconfig.parse(raw, dialect)
    except EnvFileError:
        return
    for item in found:
        assert len(item.origins) == len(item.value)
        assert [origin for origin in item.origins if not item.start <= origin[0] < origin[1] <= item.end] == []
        assert all(raw[end - 1 : end] == item.value[at : at + 1] for at, (_start, end) in enumerate(item.origins))


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        (b"A=1\nB='\xff'\n", 2, "value that is not UTF-8"),
        (b"A=1\n\n\xff=2\n", 3, "name that is not UTF-8"),
        (b"A=1\n#\0\n", 2, "NUL"),
    ],
)
def test_a_file_that_systemd_refuses_is_refused_with_its_line(raw: bytes, line: int, reason: str) -> None:
    with pytest.raises(EnvFileError, match=reason) as caught:
        sysconfig.parse(raw)
    assert caught.value.line == line


def test_bytes_that_are_not_utf8_do_no_harm_in_a_comment() -> None:
    assert [item.name for item in sysconfig.parse(b"# caf\xe9\nA=1\n")] == ["A"]


# What older and newer systemd make of a backslash: RHEL 7 has 219, RHEL 8 239, RHEL 9 and Debian 12 have 252.
@pytest.mark.parametrize(
    ("raw", "by_dialect"),
    [
        (b"A='x\\\ny'", {"V219": b"xy", "V240": b"x\\\ny", "V247": b"x\\\ny", "V254": b"x\\\ny"}),
        (b'A="x\\y"', {"V219": b"xy", "V240": b"x\\y", "V247": b"x\\y", "V254": b"x\\y"}),
        (b'A="x\\$y"', {"V219": b"x$y", "V240": b"x\\$y", "V247": b"x$y", "V254": b"x$y"}),
        (b'A="x\\\ny"', {"V219": b"xy", "V240": b"xy", "V247": b"xy", "V254": b"xy"}),
        (b"#c\\\nA=1", {"V219": None, "V240": None, "V247": None, "V254": b"1"}),
    ],
)
def test_a_backslash_means_what_the_nodes_systemd_makes_of_it(raw: bytes, by_dialect: dict[str, bytes | None]) -> None:
    read = {
        name: next((item.value for item in sysconfig.parse(raw, getattr(sysconfig, name))), None) for name in by_dialect
    }
    assert read == by_dialect


@pytest.mark.parametrize(
    ("version", "first", "count"),
    [(219, "V219", 1), (239, "V219", 2), (241, "V240", 2), (252, "V247", 2), (255, "V254", 1), (None, "V247", 4)],
)
def test_dialects_follow_the_version_and_allow_for_backports(version: int | None, first: str, count: int) -> None:
    dialects = sysconfig.dialects_for(version)
    assert (dialects[0], len(dialects)) == (getattr(sysconfig, first), count)


def test_a_quote_that_is_never_closed_is_named() -> None:
    (item,) = sysconfig.parse(b"OPTIONS='--a\nB=1\n")
    assert item.quote == len("OPTIONS=")
    assert item.value == b"--a\nB=1\n"

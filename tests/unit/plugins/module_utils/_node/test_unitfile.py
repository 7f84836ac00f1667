# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit files are read as systemd reads them: compared with the library that systemd itself is made of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import unitfile
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

many = settings(max_examples=max(1000, settings.default.max_examples), deadline=None)

_PIECES = [
    *("[Service]\n", "[Service]\nExecStart=/usr/bin/dockerd ", "\nExecStart=/bin/a ", "\nExecStart=\n", "\n[Unit]\n"),
    *("\nEnvironment=", "\nEnvironment=\n", '\nEnvironment="A=', "\n  Environment = B=", "\nDescription=x", "\r\n"),
    *("\n", "\n", " ", " ", "\t", "'", '"', '"', "\\", "\\\n", " \\\n", "\\\r\n", "# x\n", "\n#y\\\n", "; z\n", ";"),
    *(" ; /bin/b ", " \\; ", "\\x41", "\\x4", "\\101", "\\s", "\\n", "\\u00e9", "\\q", "\\'", "%%", "$A", "${B}", "é"),
    *("--insecure-registry ", "--insecure-registry=172.30.124.220:5000", "A=b", "C=d e", "-D", "=", "[", "]"),
]
_starts = st.sampled_from(["[Service]\n", "[Service]\nExecStart=/bin/a ", ""])
chaos = st.tuples(_starts, st.lists(st.sampled_from(_PIECES), max_size=20)).map(
    lambda drawn: (drawn[0] + "".join(drawn[1])).encode()
)


def read(raw: bytes) -> tuple[list[list[bytes]], list[bytes]]:
    """Read a file as the oracle gives it."""
    commands: list[list[bytes]] = []
    variables: dict[bytes, bytes] = {}
    for entry in unitfile.parse(raw):
        if entry.section != "Service":
            continue
        if entry.key == "ExecStart":
            found = unitfile.commands(entry)
            commands = commands + [[word.text for word in command] for command in found] if entry.value else []
        elif entry.key == "Environment":
            if not entry.value:
                variables = {}
            for word in unitfile.variables(entry):
                name, _equals, value = word.text.partition(b"=")
                variables.pop(name, None)
                variables[name] = value
    return commands, [name + b"=" + value for name, value in variables.items()]


def unescaped(text: bytes) -> bytes:
    """Say what systemd makes of percent signs, which the reader leaves as they are; no other specifier is tried."""
    return text.replace(b"%%", b"%")


def without_prefix(command: list[bytes]) -> list[bytes]:
    """Say what systemd makes of a program that may fail: the reader leaves its prefix on it; no other one is tried."""
    program, *rest = command
    return [program[1:] if program.startswith(b"-") else program, *rest]


@many
@given(raw=chaos)
@example(raw=b"[Service]\nExecStart=/bin/a ; --insecure-registry ")
@example(raw=b"[Service]\nExecStart=/bin/a \\\n# comment \\\n  b\n")
@example(raw=b"[Service]\nExecStart=/bin/a \\")
@example(raw=b"[Service]\nExecStart=; /bin/a ; ; z\n")
def test_reads_every_file_as_systemd_does(systemd_units: Any, raw: bytes) -> None:
    real = systemd_units.read(raw)
    try:
        mine = read(raw)
    except (EnvFileError, unitfile.QuotingError):
        event("refused")
        return
    if real is None:
        event("systemd refuses what need not be refused here: an ExecStart= that is none")
        return
    commands = [without_prefix([unescaped(word) for word in command]) for command in mine[0]]
    real_environment = dict(entry.partition(b"=")[::2] for entry in real[1])
    mine_environment = {
        unescaped(name): unescaped(value)
        for name, value in (entry.split(b"=", 1) for entry in mine[1])
        if unescaped(name) in real_environment
    }
    assert commands == real[0]
    assert mine_environment == real_environment


@many
@given(raw=chaos, dialect=st.sampled_from(unitfile.ALL_DIALECTS))
def test_every_byte_of_a_word_knows_where_it_came_from(raw: bytes, dialect: unitfile.Dialect) -> None:
    try:
        entries = unitfile.parse(raw, dialect)
    except EnvFileError:
        return
    for entry in entries:
        assert len(entry.origins) == len(entry.value)
        assert all(start < end <= len(raw) for start, end in entry.origins)
        try:
            found = [word for command in unitfile.commands(entry, dialect) for word in command]
        except unitfile.QuotingError:
            continue
        for word in found:
            assert len(word.origins) == len(word.text)
            if b"\\" not in entry.value[word.start : word.end]:
                assert bytes(raw[start] for start, _end in word.origins).replace(b"\\", b" ") == word.text


@pytest.mark.parametrize(
    ("version", "dialects"),
    [
        (252, (unitfile.V246,)),
        (239, (unitfile.V220, unitfile.V246)),
        (219, (unitfile.V219, unitfile.V220)),
        (None, unitfile.ALL_DIALECTS),
    ],
)
def test_the_version_says_which_readings_count(version: int | None, dialects: tuple[unitfile.Dialect, ...]) -> None:
    assert unitfile.dialects_for(version) == dialects


@pytest.mark.parametrize(
    ("raw", "line"), [(b"[Service]\nA=\0", 2), (b"\n[Service\n", 2), (b"[Service]\r\nA=b\rExecStart=\n", 2)]
)
def test_what_systemd_gives_up_is_refused_with_its_line(raw: bytes, line: int) -> None:
    with pytest.raises(EnvFileError, match=f"line {line}:"):
        unitfile.parse(raw)


def test_before_220_a_quote_in_a_word_is_a_character() -> None:
    entry = unitfile.parse(b'[Service]\nExecStart=/bin/a --x="b c"\n', unitfile.V219)[0]
    assert [word.text for word in unitfile.commands(entry, unitfile.V219)[0]] == [b"/bin/a", b'--x="b', b'c"']
    assert [word.text for word in unitfile.commands(entry)[0]] == [b"/bin/a", b"--x=b c"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking this registry's flags out of unit files, proven with systemd's own reading of the result."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import unitedit, unitfile
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.test_envedit import (
    IP,
    SVC,
    is_subsequence,
    less_ours,
    ours,
)
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.test_unitfile import chaos
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

many = settings(max_examples=max(1000, settings.default.max_examples), deadline=None)


def remove(raw: bytes, *dialects: unitfile.Dialect) -> bytes:
    """Take our flags out."""
    return unitedit.edit(raw, ours, dialects or (unitfile.V246,)).text


def attempt(raw: bytes) -> tuple[bytes | None, int]:
    """Take our flags out, or give the line of the refusal."""
    try:
        return remove(raw), 0
    except EnvFileError as refusal:
        return None, refusal.line


def check_against(systemd: Any, systemd_units: Any, raw: bytes, text: bytes) -> None:
    """Compare two unit files as systemd reads them, and what a variable splits into: the same, less our flags."""
    before, after = systemd_units.read(raw), systemd_units.read(text)
    assert (before is None) == (after is None)
    if before is None:
        return
    assert after[0] == [less_ours(command) for command in before[0]]
    assert [entry.partition(b"=")[0] for entry in after[1]] == [entry.partition(b"=")[0] for entry in before[1]]
    for was, now in zip(before[1], after[1], strict=True):
        old, new = (entry.partition(b"=")[2] for entry in (was, now))
        arguments = systemd.split(old)
        assert systemd.split(new) == less_ours(arguments)
        if less_ours(arguments) == arguments:
            assert new == old


# ---- unit files as people and packages write them, generated

_WORDS = [
    "--insecure-registry=" + IP,
    "--insecure-registry " + IP,
    f'"--insecure-registry={SVC}"',
    f"--insecure-registry '{SVC}'",
    f'--insecure-registry="{IP}"',
    "--insecure-registry\\x3d" + IP,
    "--insecure-registry=172.30.0.0/16",
    "--insecure-registry other.example.com:5000",
    "--insecure-registry=" + IP + "0",
    *("-H fd://", "$OPTIONS", "${DOCKER_OPTS}", "--label=%%x", "--label='a b'", '"--label=it\'s"', "--a\\x20b", "-D"),
    *("--exec-opt=caf\\u00e9", "\\;", "--log-driver=json-file"),
]
_COMMENTS = ["", "# x", f"  ; --insecure-registry {IP}", "# --insecure-registry \\"]


@st.composite
def unit_files(draw: st.DrawFn) -> bytes:
    """A unit file or drop-in."""
    lines = [draw(st.sampled_from(["[Unit]\nDescription=x\n\n[Service]", "[Service]", "# packaged\n[Service]"]))]
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    for kind in draw(st.lists(st.sampled_from(["exec", "exec", "env", "env", "comment", "other"]), max_size=4)):
        if kind == "exec":
            blank = draw(st.sampled_from([" ", "  ", f" \\{end}    ", f" \\{end}\t"]))
            words = [draw(st.sampled_from(["/usr/bin/dockerd", "-/usr/bin/dockerd", "@/usr/bin/dockerd docker"]))]
            words += draw(st.lists(st.sampled_from(_WORDS), max_size=6))
            if draw(st.booleans()):
                lines.append("ExecStart=")
            lines.append(draw(st.sampled_from(["ExecStart=", "ExecStart = "])) + blank.join(words))
        elif kind == "env":
            names = draw(st.lists(st.sampled_from(["OPTIONS", "DOCKER_OPTS", "A"]), min_size=1, max_size=2))
            plain = [word for word in _WORDS if "\\" not in word and '"' not in word]
            values = [" ".join(draw(st.lists(st.sampled_from(plain), max_size=4))) for _name in names]
            quote = draw(st.sampled_from(['"', '"', "'"]))
            values = [value.replace(quote, "") for value in values]
            pairs = [f"{quote}{name}={value}{quote}" for name, value in zip(names, values, strict=True)]
            lines.append("Environment=" + " ".join(pairs))
        elif kind == "comment":
            lines.append(draw(st.sampled_from(_COMMENTS)))
        else:
            lines.append(draw(st.sampled_from(["Restart=always", "ExecReload=/bin/kill -s HUP $MAINPID", "[Install]"])))
    return (end.join(lines) + (end if draw(st.booleans()) else "")).encode()


@many
@given(raw=unit_files())
@example(raw=b'[Service]\nEnvironment="OPTIONS=--insecure-registry=172.30.124.220:5000 -D" A=b\n')
def test_systemd_sees_the_same_arguments_less_ours_and_every_other_byte_stays(
    systemd: Any, systemd_units: Any, raw: bytes
) -> None:
    text = remove(raw)
    event("changed" if text != raw else "as it was")
    check_against(systemd, systemd_units, raw, text)
    assert is_subsequence(text, raw)
    assert remove(text) == text


@many
@given(raw=chaos)
def test_a_file_of_any_shape_is_edited_rightly_or_refused_untouched(
    systemd: Any, systemd_units: Any, raw: bytes
) -> None:
    text, line = attempt(raw)
    if text is None:
        event("refused")
        assert 1 <= line <= raw.count(b"\n") + 1
        return
    event("changed" if text != raw else "as it was")
    check_against(systemd, systemd_units, raw, text)
    assert remove(text) == text


@many
@given(raw=st.one_of(unit_files(), chaos))
def test_under_every_version_of_systemd_only_our_words_go(raw: bytes) -> None:
    try:
        text = remove(raw, *unitfile.ALL_DIALECTS)
    except EnvFileError:
        event("refused")
        return
    for dialect in unitfile.ALL_DIALECTS:
        before, after = unitedit.meaning(raw, dialect), unitedit.meaning(text, dialect)
        assert [what[:-1] for what in before] == [what[:-1] for what in after]
        for was, now in zip(before, after, strict=True):
            if was[0] == "ExecStart":
                assert now[1] == less_ours(was[1])


# ---- one by one


def test_a_flag_in_a_drop_in_goes_and_its_line_is_told() -> None:
    raw = (
        b"[Service]\n# the site's\nExecStart=\n"
        b"ExecStart=/usr/bin/dockerd -H fd:// --insecure-registry 172.30.124.220:5000 --insecure-registry=x:1\n"
    )
    done = unitedit.edit(raw, ours)
    assert done.text == raw.replace(b" --insecure-registry 172.30.124.220:5000", b"")
    assert [(found.line, found.variable, found.value) for found in done.removed] == [(4, "ExecStart", IP)]
    assert [(found.line, found.value) for found in done.kept] == [(4, "x:1")]


def test_a_continued_line_goes_whole_and_a_comment_between_stays() -> None:
    raw = b"[Service]\nExecStart=/usr/bin/dockerd \\\n  # site\n  --insecure-registry=172.30.124.220:5000 \\\n  -D\n"
    assert remove(raw) == b"[Service]\nExecStart=/usr/bin/dockerd \\\n  # site\n  -D\n"


def test_a_variable_that_held_nothing_else_is_left_empty_and_valid() -> None:
    raw = b"[Service]\nEnvironment='OPTIONS=--insecure-registry=172.30.124.220:5000' 'B=c'\n"
    assert remove(raw) == b"[Service]\nEnvironment='OPTIONS=' 'B=c'\n"


def test_other_settings_and_sections_stay() -> None:
    raw = (
        b"[Unit]\nExecStart=/bin/x --insecure-registry 172.30.124.220:5000\n[Service]\n"
        b"ExecStartPre=/bin/grep -e --insecure-registry 172.30.124.220:5000 /etc/x\n"
    )
    assert remove(raw) == raw


def test_a_command_line_for_a_shell_is_refused_with_its_line() -> None:
    raw = b"[Service]\nExecStart=/bin/sh -c '/usr/bin/docker daemon --insecure-registry 172.30.124.220:5000 2>&1'\n"
    with pytest.raises(EnvFileError, match=r"line 2: --insecure-registry 172\.30\.124\.220:5000 stands inside"):
        remove(raw)


def test_a_comment_between_continued_lines_is_refused_where_versions_differ() -> None:
    raw = b"[Service]\nExecStart=/usr/bin/dockerd \\\n# --insecure-registry 172.30.124.220:5000 \\\n  -D\n"
    assert remove(raw) == raw
    with pytest.raises(EnvFileError, match="versions of systemd read this differently"):
        remove(raw, unitfile.V220, unitfile.V246)


def test_quotes_that_never_close_are_refused_with_the_line() -> None:
    with pytest.raises(EnvFileError, match="line 2: ExecStart: a quote is opened and never closed"):
        remove(b"[Service]\nExecStart=/usr/bin/dockerd '--insecure-registry=172.30.124.220:5000\n")

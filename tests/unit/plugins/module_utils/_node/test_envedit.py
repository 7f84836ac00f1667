# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking this registry's flags out of environment files, proven with systemd's own reading of the result."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import envedit, sysconfig, words
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

IP = "172.30.124.220:5000"
SVC = "docker-registry.default.svc.cluster.local:5000"
OURS = {IP, SVC}
FIXTURES = Path(__file__).parents[3] / "fixtures" / "sysconfig"


# A thousand at least, and as many more as the profile says (HYPOTHESIS_PROFILE=thorough: 5 000).
many = settings(max_examples=max(1000, settings.default.max_examples), deadline=None)


def ours(value: str) -> bool:
    """Name this registry's endpoints."""
    return value in OURS


def remove(raw: bytes, *dialects: sysconfig.Dialect) -> bytes:
    """Take our flags out."""
    return envedit.edit(raw, ours, dialects or (sysconfig.V247,)).text


def attempt(raw: bytes) -> tuple[bytes | None, int]:
    """Take our flags out, or give the line of the refusal."""
    try:
        return remove(raw), 0
    except EnvFileError as refusal:
        return None, refusal.line


def less_ours(arguments: list[bytes]) -> list[bytes]:
    """Say, on arguments, what the edit must do (a second, simpler writing of the rule)."""
    rest = list(arguments)
    kept = []
    while rest:
        word = rest.pop(0)
        if word == b"--":
            return [*kept, word, *rest]
        if word.startswith(b"--insecure-registry=") and word.split(b"=", 1)[1].decode("utf-8", "replace") in OURS:
            continue
        if word == b"--insecure-registry" and rest:
            value = rest.pop(0)
            if value.decode("utf-8", "replace") not in OURS:
                kept += [word, value]
            continue
        kept.append(word)
    return kept


# ---- files as people and installers write them, generated

_FLAGS = [b"--insecure-registry=" + IP.encode(), b"--insecure-registry=" + SVC.encode()]
_ARGUMENTS = [
    *_FLAGS,
    *_FLAGS,
    b"--insecure-registry=172.30.0.0/16",
    b"--insecure-registry=other.example.com:5000",
    b"--insecure-registry=" + IP.encode() + b"0",
    b"--insecure-registry=172.30.124.220",
    b"--selinux-enabled",
    b"--log-driver=json-file",
    b"--label=a b",
    b"--label=it's",
    b'--label="x"',
    b"--label=back\\slash",
    b"--exec-opt=$x`y`",
    b"--label=caf\xc3\xa9",
    b"-D",
    b"#",
]
_arguments = st.lists(
    st.sampled_from(
        [(argument,) for argument in _ARGUMENTS] + [(b"--insecure-registry", v.encode()) for v in (IP, SVC, "x:1")]
    ),
    max_size=7,
).map(lambda groups: [word for group in groups for word in group])


@st.composite
def _quoted_word(draw: st.DrawFn, word: bytes) -> bytes:
    """Write one argument so that the splitter gives it back."""
    escaped = word.replace(b"\\", b"\\\\")
    special = any(char in word for char in b" '\"\\") or not word
    style = draw(st.sampled_from(["single", "double", "backslash"] if special else ["plain", "single", "double"]))
    if style == "single":
        return b"'" + escaped.replace(b"'", b"\\'") + b"'"
    if style == "double":
        return b'"' + escaped.replace(b'"', b'\\"') + b'"'
    if style == "backslash":
        for char in (b" ", b"'", b'"'):
            escaped = escaped.replace(char, b"\\" + char)
    return escaped


@st.composite
def _assignment(draw: st.DrawFn) -> bytes:
    """Write one assignment: name, arguments, quoted for the splitter and then for the file."""
    name = draw(st.sampled_from([b"OPTIONS", b"INSECURE_REGISTRY", b"ADD_REGISTRY", b"DOCKER_NETWORK_OPTIONS"]))
    space = st.sampled_from([b" ", b"  ", b"\t"])
    value = b"".join(draw(_quoted_word(word)) + draw(space) for word in draw(_arguments))
    if draw(st.booleans()):
        value = value.strip()
    style = draw(st.sampled_from(["single", "double", "double", "bare"]))
    if style == "single" and b"'" not in value:
        return name + b"='" + value + b"'"
    if style == "bare":
        bare = value.strip().replace(b"\\", b"\\\\")
        return name + b"=" + (b"\\" + bare if bare[:1] in (b"'", b'"') else bare)
    for char in (b"\\", b'"', b"$", b"`"):
        value = value.replace(char, b"\\" + char)
    if draw(st.booleans()):
        value = value.replace(b" ", b" \\\n ")
    return name + b'="' + value + b'"'


_COMMENTS = [
    b"",
    b"   ",
    b"# plain",
    b"; semicolon",
    b"# --insecure-registry=" + IP.encode(),
    b"# caf\xe9",
    b"#INSECURE_REGISTRY='--insecure-registry'",
]
_files = st.tuples(
    st.lists(st.one_of(st.sampled_from(_COMMENTS), _assignment()), max_size=6),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
).map(lambda drawn: drawn[1].join(drawn[0]) + (drawn[1] if drawn[2] else b""))


def check_against(systemd: Any, raw: bytes, text: bytes) -> None:
    """Compare two files as systemd reads and splits them: the same, less our flags."""
    before, after = systemd.load(raw), systemd.load(text)
    assert set(before) == set(after)
    for name, value in before.items():
        arguments = systemd.split(value)
        wanted = less_ours(arguments) if is_variable(name) else arguments
        assert systemd.split(after[name]) == wanted
        if arguments == wanted:
            assert after[name] == value


def is_variable(name: bytes) -> bool:
    """Say whether a process gets a variable of this name: systemd drops the others."""
    return re.fullmatch(rb"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def is_subsequence(text: bytes, raw: bytes) -> bool:
    """Say whether a text comes from another by taking bytes out alone."""
    rest = iter(raw)
    return all(byte in rest for byte in text)


@many
@given(raw=_files)
@example(raw=b'OPTIONS=--insecure-registry=172.30.124.220:5000 "--label=a b"\n')
@example(raw=b"OPTIONS='--insecure-registry='\"172.30.124.220:5000\"' --b'")
def test_systemd_sees_the_same_arguments_less_ours_and_every_other_byte_stays(systemd: Any, raw: bytes) -> None:
    text = remove(raw)
    event("changed" if text != raw else "as it was")
    check_against(systemd, raw, text)
    # The one byte ever added keeps a quote that now begins a value from meaning something else.
    assert is_subsequence(re.sub(rb"=\\(['\"])", rb"=\1", text), raw)
    assert remove(text) == text


_PIECES = [
    *(b"\nOPTIONS='", b"\nA='-D --insecure-registry=172.30.124.220:5000 ", b"\nB='--insecure-registry ", b'\nB="'),
    *(b"\nC=", b"'\n", b'"\n', b" ", b" ", b"\n", b"'", b'"', b"\\", b"\\\n", b"#", b"--", b"--insecure-registry"),
    *(b" --insecure-registry ", *_FLAGS, IP.encode(), b"--insecure-registry=x:1", b"--log-driver=json-file"),
    *(b"\xff", b"\r\n", b"$"),
]
_chaos = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=20).map(b"".join)


@many
@given(raw=_chaos)
@example(raw=b"OPTIONS='--insecure-registry'\nB=172.30.124.220:5000\n")
def test_a_file_of_any_shape_is_edited_rightly_or_refused_untouched(systemd: Any, raw: bytes) -> None:
    text, line = attempt(raw)
    if text is None:
        event("refused")
        assert 1 <= line <= raw.count(b"\n") + 1
        return
    assert systemd.load(raw) is not None, "a file that systemd does not read was not refused"
    event("changed" if text != raw else "as it was")
    check_against(systemd, raw, text)
    assert remove(text) == text


@many
@given(raw=_chaos, dialects=st.sampled_from([(d,) for d in sysconfig.ALL_DIALECTS] + [sysconfig.ALL_DIALECTS]))
def test_under_every_version_of_systemd_only_our_words_go(raw: bytes, dialects: tuple[sysconfig.Dialect, ...]) -> None:
    try:
        text = remove(raw, *dialects)
    except EnvFileError:
        return
    for dialect in dialects:
        before, after = sysconfig.parse(raw, dialect), sysconfig.parse(text, dialect)
        assert [item.name for item in before] == [item.name for item in after]
        for was, now in zip(before, after, strict=True):
            arguments = words.texts(was.value)
            assert words.texts(now.value) == (less_ours(arguments) if is_variable(was.name.encode()) else arguments)


# ---- the defects of other tools, one test each: what they do to these very lines, and what happens here


def test_the_whole_options_line_is_not_deleted_with_the_flag() -> None:
    raw = b"OPTIONS='--selinux-enabled --insecure-registry=172.30.124.220:5000 --log-driver=journald'\n"
    assert remove(raw) == b"OPTIONS='--selinux-enabled --log-driver=journald'\n"


def test_the_whole_insecure_registry_line_is_not_commented_out() -> None:
    raw = b"INSECURE_REGISTRY='--insecure-registry other.example.com:5000 --insecure-registry 172.30.124.220:5000'\n"
    assert remove(raw) == b"INSECURE_REGISTRY='--insecure-registry other.example.com:5000'\n"


def test_no_unbalanced_quote_is_left_where_the_flag_was_all_there_was() -> None:
    assert remove(b"OPTIONS='--insecure-registry=172.30.124.220:5000'\n") == b"OPTIONS=''\n"
    assert remove(b"OPTIONS=' --insecure-registry 172.30.124.220:5000 '\n") == b"OPTIONS=''\n"


def test_the_last_flag_is_not_removed_whatever_registry_it_names() -> None:
    raw = b"OPTIONS='--insecure-registry=172.30.124.220:5000 --insecure-registry=other.example.com:5000'\n"
    assert remove(raw) == b"OPTIONS='--insecure-registry=other.example.com:5000'\n"


def test_the_form_with_a_space_is_found() -> None:
    assert remove(b'OPTIONS="--insecure-registry 172.30.124.220:5000 -D"\n') == b'OPTIONS="-D"\n'


def test_no_empty_flag_is_left_that_would_take_the_next_word_for_its_value() -> None:
    raw = b"INSECURE_REGISTRY='--insecure-registry 172.30.124.220:5000'\n"
    assert remove(raw) == b"INSECURE_REGISTRY=''\n"


def test_the_same_flag_in_two_variables_goes_from_both() -> None:
    raw = b"OPTIONS='-D --insecure-registry=172.30.124.220:5000'\nB='--insecure-registry=172.30.124.220:5000'\n"
    assert remove(raw) == b"OPTIONS='-D'\nB=''\n"


def test_a_network_that_covers_the_registry_is_not_taken_for_its_flag() -> None:
    raw = b"OPTIONS='--insecure-registry=172.30.0.0/16'\n"
    found = envedit.edit(raw, ours)
    assert found.text is raw
    assert found.kept == [envedit.Found(1, "OPTIONS", "172.30.0.0/16", True)]


@pytest.mark.parametrize(
    "value",
    [
        "172.30.124.220",  # without the port docker compares unequal
        "172.30.124.220:50000",
        "172.30.124.2200:5000",
        "172.30.124.220:5000,other:5000",  # commas separate nothing: dockerd refuses to start with this
        "172.30.124.220:5000/",
        "DOCKER-REGISTRY.default.svc.cluster.local:5000",  # compared byte by byte
    ],
)
def test_a_value_that_docker_does_not_take_for_this_registry_stays(value: str) -> None:
    raw = f"OPTIONS='--insecure-registry={value} --insecure-registry {value}'\n".encode()
    assert remove(raw) == raw


def test_a_continued_line_goes_whole_where_it_holds_nothing_else() -> None:
    raw = b'OPTIONS="--a \\\n  --insecure-registry=172.30.124.220:5000 \\\n  --b"\n'
    assert remove(raw) == b'OPTIONS="--a \\\n  --b"\n'


def test_a_flag_whose_value_is_in_another_variable_is_refused_with_its_line() -> None:
    with pytest.raises(EnvFileError, match="at the end of OPTIONS may get its value") as caught:
        remove(b"\nOPTIONS='-D --insecure-registry'\nINSECURE_REGISTRY='172.30.124.220:5000'\n")
    assert caught.value.line == 2


def test_an_open_quote_is_refused_with_its_line() -> None:
    with pytest.raises(EnvFileError, match="never closed") as caught:
        remove(b"A=1\nOPTIONS='-D --insecure-registry 172.30.124.220:5000\nB=2\n")
    assert caught.value.line == 2


def test_an_open_quote_in_a_file_without_our_flag_is_nobodys_business_here() -> None:
    raw = b"OPTIONS='-D\nB=2\n"
    assert remove(raw) == raw


def test_a_backslash_that_versions_of_systemd_read_differently_is_refused_only_where_it_matters() -> None:
    both = (sysconfig.V219, sysconfig.V247)
    assert remove(b"A='x\\y'\nOPTIONS='--insecure-registry=172.30.124.220:5000'\n", *both) == b"A='x\\y'\nOPTIONS=''\n"
    with pytest.raises(EnvFileError, match="versions of systemd read this differently"):
        remove(b"OPTIONS='--insecure-registry \\\n172.30.124.220:5000'\n", *both)


def test_a_variable_with_no_proper_name_never_reaches_dockerd_and_stays() -> None:
    raw = b"export OPTIONS='--insecure-registry=172.30.124.220:5000'\n"
    assert remove(raw) == raw


# ---- files as distributions and installers ship them; each says where it comes from in its first lines


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.before")), ids=lambda path: path.stem)
def test_files_of_real_installations(systemd: Any, path: Path) -> None:
    raw = path.read_bytes()
    text = remove(raw)
    assert text == path.with_suffix(".after").read_bytes()
    check_against(systemd, raw, text)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries go out of daemon.json; what a JSON parser then reads is the same less ours, and all other bytes stay."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from hypothesis import given
from hypothesis import strategies as st

OURS = {"172.30.124.220:5000", "docker-registry.default.svc:5000"}
NAMES = st.sampled_from([*sorted(OURS), "other:5000", "10.0.0.0/8", "ünï.example", 'quo"te', "a,b]"])
SPACE = st.text(" \t\r\n", max_size=3)
OTHERS = st.dictionaries(
    st.text(max_size=8).filter(lambda key: key != daemonjson.KEY),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def ours(value: str) -> bool:
    return value in OURS


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A file as somebody might have written it, and the entries in it."""
    values = draw(st.lists(NAMES, max_size=5))

    def token(value: object) -> str:
        return draw(SPACE) + json.dumps(value, ensure_ascii=draw(st.booleans())) + draw(SPACE)

    array = "[" + ",".join(token(value) for value in values) + (draw(SPACE) if not values else "") + "]"
    members = [token(key) + ":" + token(value) for key, value in draw(OTHERS).items()]
    members.insert(draw(st.integers(0, len(members))), token(daemonjson.KEY) + ":" + draw(SPACE) + array + draw(SPACE))
    return draw(SPACE) + "{" + ",".join(members) + "}" + draw(SPACE), values


@given(files())
def test_the_rest_is_read_as_before(case: tuple[str, list[str]]) -> None:
    text, values = case
    before = json.loads(text)
    done = daemonjson.edit(text.encode(), ours)
    after = json.loads(done.text.decode())
    assert after == {**before, daemonjson.KEY: [value for value in values if not ours(value)]}
    assert list(after) == list(before)
    assert [entry.value for entry in done.removed] == [value for value in values if ours(value)]
    assert [entry.value for entry in done.kept] == [value for value in values if not ours(value)]


@given(files())
def test_nothing_but_the_list_changes_and_twice_is_once(case: tuple[str, list[str]]) -> None:
    raw = case[0].encode()
    done = daemonjson.edit(raw, ours)
    assert daemonjson.edit(done.text, ours).text == done.text
    if not done.removed:
        assert done.text == raw
    start, end = (edge(raw, done.text) for edge in (_common_prefix, _common_suffix))
    gone = raw[start : len(raw) - end].decode()
    assert daemonjson.KEY not in re.sub(r'"(\\.|[^"\\])*"', "", gone)
    assert "{" not in re.sub(r'"(\\.|[^"\\])*"', "", gone)


def _common_prefix(one: bytes, other: bytes) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _common_suffix(one: bytes, other: bytes) -> int:
    return min(_common_prefix(one[::-1], other[::-1]), min(len(one), len(other)) - _common_prefix(one, other))


def test_lines_are_those_of_the_entries() -> None:
    raw = (
        b'{\n  "log-level": "info",\n  "insecure-registries": [\n    "other:5000",\n    "172.30.124.220:5000"\n  ]\n}\n'
    )
    done = daemonjson.edit(raw, ours)
    assert [(entry.value, entry.line) for entry in done.removed] == [("172.30.124.220:5000", 5)]
    assert done.text == b'{\n  "log-level": "info",\n  "insecure-registries": [\n    "other:5000"\n  ]\n}\n'


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}", b'{"a": 1}\r\n', b'{"insecure-registries": null}'])
def test_nothing_to_do(raw: bytes) -> None:
    assert daemonjson.edit(raw, ours) == (raw, [], [])


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b'{"a": 1,\n}', 2),
        (b'{"a": 1}\n{}', 2),
        (b"[]", 1),
        (b'\xef\xbb\xbf{"a": 1}', 1),
        (b'{"a": "\xff"}', 1),
        (b'{"a": NaN}', 1),
        (b'{"insecure-registries": "x"}', 1),
        (b'{"insecure-registries": [1]}', 1),
        (b'{"insecure-registries": [],\n"insecure-registries": []}', 2),
        (b'{"insecure-registries": [', 1),
    ],
)
def test_what_dockerd_would_not_read_is_refused_with_its_line(raw: bytes, line: int) -> None:
    with pytest.raises(EnvFileError) as refused:
        daemonjson.edit(raw, ours)
    assert f"line {line}" in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], daemonjson.PATH),
        (["--config-file=/elsewhere.json"], "/elsewhere.json"),
        (["-D", "--config-file", "/elsewhere.json", "--debug"], "/elsewhere.json"),
        (["--config-file=/a.json", "--config-file", "/b.json"], "/b.json"),
        (["--config-file=etc/../x.json"], "/x.json"),  # docker.service runs in /
        (["--config-file"], daemonjson.PATH),
        (["--config-file="], daemonjson.PATH),
        (["--config-file-not=/x.json", "--", "--config-file=/y.json"], daemonjson.PATH),
    ],
)
def test_dockerd_may_be_told_of_another_file(arguments: list[str], path: str) -> None:
    assert daemonjson.path_of([word.encode() for word in ["/usr/bin/dockerd", *arguments]]) == path

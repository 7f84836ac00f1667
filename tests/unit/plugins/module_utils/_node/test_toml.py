# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TOML reader against the one of Python 3.11: what is valid is read alike, and what is not ends in an error."""

from __future__ import annotations

import contextlib
import random
import string
import sys
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import toml
from hypothesis import given, settings
from hypothesis import strategies as st

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomllib")

EXAMPLES = 5000
SCALARS = ["1", "-17", "+0", "1_000", "0xff", "0o17", "3.14", "-1e-9", "inf", "-nan", "true", "false", "1979-05-27",
           "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.99-07:00"]  # fmt: skip
NAMES = ["plugins", "io.containerd.grpc.v1.cri", "registry", "config_path", "mirrors", "1.2.3.4:5000", "a-b_1", "", "é"]
BARE = set(string.ascii_letters + string.digits + "-_")
CHARACTERS = string.ascii_letters + string.digits + " /:.#=[]{},'\"\\\t\n" + "é€😀"


class Writer:
    """Writes documents by a seed (Hypothesis' own drawing takes a tenth of a second for each)."""

    def __init__(self, seed: int) -> None:
        """Begin."""
        self._random = random.Random(seed)
        self._one = self._random.choice

    def document(self) -> str:
        """Write a document, which may well be invalid by what it repeats."""
        lines = [self._line() for _ in range(self._random.randrange(9))]
        return self._one(["\n", "\r\n"]).join(lines) + self._one(["", "\n"])

    def _line(self) -> str:
        kind, key = self._random.randrange(10), self._dotted()
        end = self._space() + self._one(["", '# it\'s [a] "note"'])
        if kind < 5:
            return f"{self._space()}{key}{self._space()}={self._space()}{self._value(2)}{end}"
        if kind < 8:
            return f"{self._space()}[{self._space()}{key}{self._space()}]{end}"
        return f"{self._space()}[[{key}]]{end}" if kind == 8 else end

    def _space(self) -> str:
        return self._one(["", "", " ", "\t", "  "])

    def _dotted(self) -> str:
        return f"{self._space()}.{self._space()}".join(self._key() for _ in range(self._random.randrange(1, 5)))

    def _key(self) -> str:
        name = self._one(NAMES)
        return name if name and set(name) <= BARE else self._one([f'"{name}"', f"'{name}'"])

    def _value(self, depth: int) -> str:
        kind = self._random.randrange(6 if depth else 4)
        if kind < 4:
            return self._text() if kind < 2 else self._one(SCALARS)
        if kind == 4:
            items = [self._value(depth - 1) for _ in range(self._random.randrange(4))]
            between = self._one([",", ", ", ",\n  ", " , # note\n"])
            end = self._one(["", "\n", " # ]\n"])
            return f"[{end}{between.join(items)}{self._one(['', ',']) if items else ''}{end}]"
        keys = dict.fromkeys(self._key() for _ in range(self._random.randrange(4)))
        pairs = [f"{key}{self._space()}={self._space()}{self._value(depth - 1)}" for key in keys]
        return f"{{{self._space()}{', '.join(pairs)}{self._space()}}}"

    def _text(self) -> str:
        """Write a text in one of the four ways."""
        text = "".join(self._random.choices(CHARACTERS, k=self._random.randrange(13)))
        way = self._random.randrange(4)
        if way == 0 and not set(text) & set("'\n"):
            return f"'{text}'"
        if way == 1 and "'''" not in text and not text.endswith("'"):
            return f"'''\n{text}'''"
        escaped = text.replace("\\", "\\\\")
        if way == 2:
            pieces = [piece.replace('"""', '""\\"') for piece in (escaped + self._one(["", '"'])).split(" ")]
            joined = self._one([" ", " ", "\\\n   ", "\\  \n\n\t"]).join(pieces)
            return f'"""\n{joined}"""'
        escaped = escaped.replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return '"' + escaped.replace("é", self._one(["é", "\\u00e9", "\\U000000E9"])) + '"'


def shape(value: Any) -> Any:
    """Bring what either reader gives into one form; numbers and times are only there or not."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return value if isinstance(value, (str, bool)) else "a number or time"


def test_what_is_valid_is_read_as_python_3_11_reads_it() -> None:
    valid = 0

    def compare(text: str) -> None:
        nonlocal valid
        try:
            expected = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            with contextlib.suppress(toml.TomlError):
                toml.read(text)
            return
        valid += 1
        assert shape(toml.read(text)) == shape(expected), text

    @settings(max_examples=max(EXAMPLES, settings.default.max_examples) // 10)
    @given(st.integers(0, 2**48))
    def run(seed: int) -> None:
        writer = Writer(seed)
        for _ in range(10):
            compare(writer.document())

    run()
    assert valid > EXAMPLES / 4


@settings(max_examples=1000)
@given(st.text(alphabet="ab=.[]{}\"'\\\n#,1 ", max_size=30))
def test_any_other_text_ends_in_an_error_or_a_document(text: str) -> None:
    try:
        expected = shape(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        expected = None
    try:
        found = shape(toml.read(text))
    except toml.TomlError:
        found = None
    assert expected in (None, found)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nb = 'x", 2, "does not end"),
        ("[plugins\n", 1, "] is missing"),
        ("a = 1\na = 2\n", 2, "a stands there twice"),
        ("a = 1 b = 2\n", 1, "more than one value"),
        ("a = \n", 1, "a value is missing"),
        ("a = 1\n[a.b]\n", 2, "a is no table"),
        ('a = "\\q"\n', 1, "means nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(toml.TomlError, match=said) as caught:
        toml.read(text)
    assert caught.value.line == line

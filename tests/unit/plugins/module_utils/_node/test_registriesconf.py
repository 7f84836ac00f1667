# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registries.conf is read as Python's own TOML reader reads it, and of it only our entries change."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import tomllib
from ansible_collections.okd.registry.plugins.module_utils._node import registriesconf, tomlspans
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

OURS = {"172.30.124.220:5000", "docker-registry.default.svc:5000"}
IP, SVC = sorted(OURS)

many = settings(max_examples=max(1000, settings.default.max_examples), deadline=None)


def ours(name: str) -> bool:
    """Name this registry's endpoints."""
    return name in OURS


def remove(raw: bytes) -> bytes:
    """Take our entries out."""
    return registriesconf.edit(raw, ours).text


def attempt(text: str) -> tuple[str, int]:
    """Take our entries out; with the line of the refusal, if it is one."""
    try:
        return remove(text.encode()).decode(), 0
    except EnvFileError as refusal:
        return text, refusal.line


def less_ours(document: dict[str, Any]) -> dict[str, Any]:
    """Say, on what a TOML reader gives, what the edit must do (a second, simpler writing of the rule)."""
    rest = copy.deepcopy(document)
    lists = rest.get("registries")
    insecure = lists.get("insecure") if isinstance(lists, dict) else None
    names = insecure.get("registries") if isinstance(insecure, dict) else None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        insecure["registries"] = [name for name in names if name.split("/")[0] not in OURS]
    registries = rest.get("registry")
    for registry in registries if isinstance(registries, list) else []:
        mirrors = registry.get("mirror") if isinstance(registry, dict) else None
        for table in [registry, *(mirrors if isinstance(mirrors, list) else [])]:
            if not isinstance(table, dict) or table.get("insecure") is not True:
                continue
            place = [table.get(key) for key in ("location", "prefix")]
            host = next((value for value in place if isinstance(value, str) and value), "").split("/")[0]
            table["insecure"] = host not in OURS
    return rest


# ---- files as people and packages write them, generated

_NAMES = [
    IP,
    IP,
    SVC,
    SVC,
    f"{IP}/shop",
    "other.example.com:5000",
    "172.30.0.0/16",
    "*.example.com",
    IP + "0",
    'q"',
    "é",
]
_quoted = st.sampled_from(_NAMES).flatmap(
    lambda name: st.sampled_from(['"' + name.replace('"', '\\"') + '"', f"'{name}'"])
)
_blank = st.sampled_from(["", " ", "\t"])
_between = st.sampled_from(["", "", " ", "\n  ", " # site's\n  ", "\n  # site's, 'x'\n\n  "])


@st.composite
def _array(draw: st.DrawFn) -> str:
    parts = [draw(_between) + name + draw(_between) for name in draw(st.lists(_quoted, max_size=4))]
    tail = "," if parts and draw(st.booleans()) else ""
    return "[" + ",".join(parts) + tail + draw(_between) + "]"


@st.composite
def _pairs(draw: st.DrawFn) -> list[str]:
    kinds = st.sampled_from(["location", "prefix", "insecure", "insecure", "blocked"])
    made = []
    for key in draw(st.lists(kinds, unique=True, max_size=4)):
        value = draw(_quoted) if key in ("location", "prefix") else draw(st.sampled_from(["true", "true", "false"]))
        name = draw(st.sampled_from([key, f'"{key}"']))
        made.append(f"{name}{draw(_blank)}={draw(_blank)}{value}")
    return made


@st.composite
def version_1(draw: st.DrawFn) -> list[str]:
    """Lines of version 1."""
    lines = []
    for name in draw(st.permutations(["search", "insecure", "block"])):
        lines += [f"[registries.{name}]", f"registries{draw(_blank)}={draw(_blank)}{draw(_array())}", ""]
    return lines


@st.composite
def version_2(draw: st.DrawFn) -> list[str]:
    """Lines of version 2."""
    lines = [f"unqualified-search-registries = {draw(_array())}"] if draw(st.booleans()) else []
    if not lines and draw(st.integers(0, 4)) == 0:
        tables = [", ".join(draw(_pairs())) for _number in range(draw(st.integers(1, 2)))]
        return ["registry = [" + ", ".join(f"{{ {table} }}" for table in tables) + "]"]
    for _number in range(draw(st.integers(0, 3))):
        lines += ["[[registry]]", *draw(_pairs())]
        if draw(st.booleans()):
            lines += [
                "  [[registry.mirror]]",
                *["  " + pair + draw(st.sampled_from(["", " # x"])) for pair in draw(_pairs())],
            ]
    return lines


@st.composite
def conf_files(draw: st.DrawFn) -> str:
    """A registries.conf."""
    lines = draw(st.one_of(version_1(), version_2()))
    comment = st.sampled_from(["", "# insecure = true", f"# registries = ['{IP}']"])
    text = "\n".join([draw(comment), *lines, draw(comment)]) + ("\n" if draw(st.booleans()) else "")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@many
@given(text=conf_files())
@example(text=f"[registries.insecure]\nregistries = ['x', '{IP}', '{SVC}']\n")
@example(text=f"[registries.insecure]\nregistries = ['{IP}', # why\n '{SVC}' # too\n]\n")
def test_the_rest_is_read_as_before_and_every_other_byte_stays(text: str) -> None:
    before = tomllib.loads(text)
    changed = remove(text.encode()).decode()
    event("changed" if changed != text else "as it was")
    assert tomllib.loads(changed) == less_ours(before)
    assert remove(changed.encode()).decode() == changed
    if before == less_ours(before):
        assert changed == text
    for comment in (line.partition("#")[2] for line in text.splitlines() if "#" in line):
        assert comment in changed


_PIECES = [
    *(
        "[registries.insecure]\n",
        "registries = [",
        "[[registry]]\n",
        "[[registry.mirror]]\n",
        "[registry]\n",
        "\n",
        "\n",
    ),
    *("location = ", "prefix=", "insecure = true", "insecure=true\n", "insecure = false\n", "blocked", "=", ".", ","),
    *(f"'{IP}'", f'"{SVC}/x"', "'x:1', ", "[", "]", "]\n", "{", "}", "'", '"', '"""', "#", "\\", "\\u00e9", "1", "1_0"),
    *(
        "true",
        "2020-01-01",
        "1.5",
        "registry = [",
        "registries.insecure.registries",
        "a",
        " ",
        "\r\n",
        "\r",
        "\x01",
        "é",
    ),
]
_chaos = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=20).map("".join)


@many
@given(text=_chaos)
def test_a_file_of_any_shape_is_edited_rightly_or_refused_untouched(text: str) -> None:
    changed, line = attempt(text)
    if line:
        event("refused")
        assert line <= text.count("\n") + 1
        return
    event("changed" if changed != text else "as it was")
    assert tomlspans.plain(tomlspans.parse(text)) == tomllib.loads(text), "a file that is no TOML was not refused"
    assert tomllib.loads(changed) == less_ours(tomllib.loads(text))
    assert attempt(changed) == (changed, 0)


# ---- one by one


def test_an_entry_goes_out_of_a_list_with_its_comma() -> None:
    raw = f"[registries.insecure]\nregistries = ['a', '{IP}', 'b'] # c\n".encode()
    done = registriesconf.edit(raw, ours)
    assert done.text == b"[registries.insecure]\nregistries = ['a', 'b'] # c\n"
    assert [(entry.value, entry.variable, entry.line) for entry in done.removed] == [(IP, "registries.insecure", 2)]


def test_an_entry_with_a_line_of_its_own_goes_with_it() -> None:
    raw = f"[registries.insecure]\nregistries = [\n  'a', # why\n  '{IP}',\n  'b',\n]\n".encode()
    assert remove(raw) == b"[registries.insecure]\nregistries = [\n  'a', # why\n  'b',\n]\n"


@pytest.mark.parametrize("key", ["location", "prefix"])
def test_insecure_becomes_false_and_the_comment_stays(key: str) -> None:
    raw = f'[[registry]]\n{key} = "{IP}/x"\ninsecure = true # until the CA is there\n'.encode()
    assert remove(raw) == raw.replace(b"true", b"false")


def test_only_the_table_that_names_us_changes() -> None:
    raw = (
        f'[[registry]]\nprefix = "{IP}"\nlocation = "elsewhere.example"\ninsecure = true\n'
        f'[[registry.mirror]]\nlocation = "{SVC}"\ninsecure = true\n'
        f'[[registry]]\nlocation = "x:1"\ninsecure = true\n'
    ).encode()
    first, _middle, rest = raw.decode().partition("[[registry.mirror]]")
    assert remove(raw).decode() == first + "[[registry.mirror]]" + rest.replace("true", "false", 1)


@pytest.mark.parametrize(
    ("name", "endpoint", "covered"),
    [
        ("*.apps.example.com", "registry.apps.example.com", True),
        ("*.default.svc", "docker-registry.default.svc:5000", True),
        ("*.default.svc", "docker-registry.default.svc.cluster.local:5000", False),
        ("*.example.com", "example.com", False),
        ("registry.apps.example.com", "registry.apps.example.com", False),
    ],
)
def test_a_wildcard_covers_what_containers_image_matches_with_it(name: str, endpoint: str, covered: bool) -> None:
    assert registriesconf.covers(name, endpoint) is covered


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"insecure_registries:\n  - x\n", 1),
        (b"[[registry]]\nlocation = '''x'''\n", 2),
        (b"[registries.insecure]\nregistries = ['a'\n", 3),
        (b"a = 1\na = 2\n", 2),
        (b"# \xff\n", 1),
        (b"[a]\n[a]\n", 2),
        (b"x = 2020-01-01\n", 1),
    ],
)
def test_what_is_not_read_is_refused_with_its_line(raw: bytes, line: int) -> None:
    with pytest.raises(EnvFileError, match=f"line {line}:"):
        remove(raw)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of files of each format: its real reader sees the same less our flags, and a second edit changes nothing.

Hypothesis chooses seeds, each of which is a batch of files made quickly; the tests beside this one draw files piece by
piece, which shrinks better and costs twenty times as much. With HYPOTHESIS_PROFILE=thorough (C(make test) has a part
for it) these are 5 000 files for each format.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import tomllib
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_envedit as env
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_registriesconf as conf
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_unitedit as unit
from hypothesis import given, settings
from hypothesis import strategies as st

BATCH = 25
FILES = 5000 if settings.default.max_examples >= 5000 else 1000
batches = settings(max_examples=FILES // BATCH, deadline=None)
seeds = given(seed=st.integers(0, 2**48))

_NAMES = [env.IP, env.IP, env.SVC, env.SVC, "other.example.com:5000", "10.0.0.0/8", env.IP + "0", "172.30.124.220"]
_OTHERS = [
    "-D",
    "--selinux-enabled",
    "--label=it's",
    '--label="x y"',
    "--exec-opt=$x",
    "--log-opt max-size=50m",
    "#",
    "café",
]


def each(seed: int, make: Callable[[random.Random], str], refusable: bool, check: Callable[[bytes], None]) -> None:
    """Check a batch of files; where none may be refused, say so of one that is."""
    chance = random.Random(seed)
    for _number in range(BATCH):
        raw = make(chance).encode()
        refusal = _refusal(check, raw)
        assert refusal is None or refusable, f"{refusal}: {raw!r}"
        assert refusal is None or 1 <= refusal.line <= raw.count(b"\n") + 1


def _refusal(check: Callable[[bytes], None], raw: bytes) -> EnvFileError | None:
    try:
        check(raw)
    except EnvFileError as refusal:
        return refusal
    return None


def _flag(chance: random.Random) -> str:
    name = chance.choice(_NAMES)
    return chance.choice(["--insecure-registry=", "--insecure-registry "]) + name


def _words(chance: random.Random) -> list[str]:
    return [
        _flag(chance) if chance.random() < 0.5 else chance.choice(_OTHERS) for _number in range(chance.randint(0, 5))
    ]


def _ended(chance: random.Random, lines: list[str]) -> str:
    text = "\n".join(lines) + ("\n" if chance.random() < 0.7 else "")
    return text.replace("\n", "\r\n") if chance.random() < 0.2 else text


# ---- environment files


def environment_file(chance: random.Random) -> str:
    """An environment file: quoted in all ways, continued, commented."""
    lines = []
    for _number in range(chance.randint(1, 4)):
        if chance.random() < 0.25:
            lines.append(
                chance.choice(["", "# OPTIONS='--insecure-registry x", "; y", "if [ -z x ]; then", f"#{_flag(chance)}"])
            )
            continue
        name = chance.choice(["OPTIONS", "INSECURE_REGISTRY", "DOCKER_OPTS", " OPTIONS "])
        style = chance.choice(["'", '"', '"', ""])
        words = [word for word in _words(chance) if style not in word or not style]
        if not style:
            words = [word for word in words if not {"'", '"'} & set(word)]
        blank = " \\\n  " if style == '"' and chance.random() < 0.4 else chance.choice([" ", "  ", "\t"])
        value = blank.join(word.replace("$", "\\$") if style == '"' else word for word in words)
        lines.append(f"{name}={style}{chance.choice(['', '', ' '])}{value}{chance.choice(['', '', ' '])}{style}")
    return _ended(chance, lines)


@batches
@seeds
def test_environment_files(systemd: Any, seed: int) -> None:
    def check(raw: bytes) -> None:
        text = env.remove(raw)
        env.check_against(systemd, raw, text)
        assert env.remove(text) == text

    each(seed, environment_file, True, check)


# ---- unit files


def unit_file(chance: random.Random) -> str:
    """A unit file or drop-in: several settings, continued lines, comments between them."""
    lines = ["[Service]"]
    for _number in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.5:
            words = [word.replace("$x", "$$x") for word in _words(chance) if "'" not in word]
            words = [
                f'"{word}"' if "=" in word and " " not in word and chance.random() < 0.2 else word for word in words
            ]
            words = [word if '="' not in word or word.count('"') % 2 == 0 else "-D" for word in words]
            blank = chance.choice([" ", "  ", " \\\n    ", " \\\n  # of the site\n    "])
            lines += ["ExecStart="] * chance.randint(0, 1) + ["ExecStart=" + blank.join(["/usr/bin/dockerd", *words])]
        elif kind < 0.8:
            words = [word for word in _words(chance) if not {"'", '"'} & set(word)]
            quote = chance.choice("'\"")
            lines.append(
                f"Environment={quote}OPTIONS={' '.join(words)}{quote}" + chance.choice(["", " B=c", " 'D=e f'"])
            )
        else:
            lines.append(chance.choice(["# x", "; y \\", "", "Restart=always", "[Service]"]))
    return _ended(chance, lines)


@batches
@seeds
def test_unit_files(systemd: Any, systemd_units: Any, seed: int) -> None:
    def check(raw: bytes) -> None:
        text = unit.remove(raw)
        unit.check_against(systemd, systemd_units, raw, text)
        assert unit.is_subsequence(text, raw)
        assert unit.remove(text) == text

    each(seed, unit_file, True, check)


# ---- daemon.json


def daemon_json(chance: random.Random) -> str:
    """A daemon.json, indented in some way."""
    names = [chance.choice(_NAMES) for _number in range(chance.randint(0, 5))]
    others: dict[str, Any] = {"debug": True, "log-opts": {"max-size": "50m"}, "dns": ["8.8.8.8"], "é": "[,]"}
    members = [(key, others[key]) for key in others if chance.random() < 0.5]
    members.insert(chance.randint(0, len(members)), ("insecure-registries", names))
    indent = chance.choice([None, 1, 2, 4, "\t"])
    separators = chance.choice([None, (",", ":"), (" , ", " : ")])
    text = json.dumps(dict(members), indent=indent, separators=separators, ensure_ascii=chance.random() < 0.5)
    return _ended(chance, [text])


@batches
@seeds
def test_daemon_json(seed: int) -> None:
    def check(raw: bytes) -> None:
        before, text = json.loads(raw), daemonjson.edit(raw, env.ours).text
        after = json.loads(text)
        assert list(after) == list(before)
        left = [name for name in before[daemonjson.KEY] if name not in env.OURS]
        assert after == {**before, daemonjson.KEY: left}
        assert daemonjson.edit(text, env.ours).text == text
        assert left != before[daemonjson.KEY] or text == raw

    each(seed, daemon_json, False, check)


# ---- registries.conf


_REGISTRIES = [*conf.OURS, "other.example.com:5000", "10.0.0.0/8", "*.example.com", conf.IP + "0", f"{conf.IP}/shop"]


def _toml_text(chance: random.Random) -> str:
    quote = chance.choice("'\"")
    return quote + chance.choice(_REGISTRIES) + quote


def _toml_array(chance: random.Random) -> str:
    blank = chance.choice(["", " ", "\n  ", " # why, 'x'\n  "])
    items = [_toml_text(chance) for _number in range(chance.randint(0, 4))]
    return "[" + blank + ("," + blank).join(items) + ("," if items and chance.random() < 0.3 else "") + blank + "]"


def registries_conf_1(chance: random.Random) -> str:
    """A registries.conf of version 1."""
    lines = [chance.choice(["", "# insecure = true"])]
    for name in ("search", "insecure", "block"):
        lines += [f"[registries.{name}]", f"registries = {_toml_array(chance)}"]
    return _ended(chance, lines)


def registries_conf_2(chance: random.Random) -> str:
    """A registries.conf of version 2."""
    lines = [chance.choice(["", "# insecure = true"]), f"unqualified-search-registries = {_toml_array(chance)}"]
    for _number in range(chance.randint(0, 3)):
        for header in ["[[registry]]"] + ["  [[registry.mirror]]"] * chance.randint(0, 2):
            lines.append(header)
            pairs = [
                f"location = {_toml_text(chance)}",
                f"prefix={_toml_text(chance)}",
                f"insecure={chance.choice(['true', 'true # x', 'false'])}",
            ]
            lines += chance.sample(pairs, chance.randint(0, 3))
    return _ended(chance, lines)


def _registries_conf(seed: int, make: Callable[[random.Random], str]) -> None:
    def check(raw: bytes) -> None:
        text = conf.remove(raw)
        assert tomllib.loads(text.decode()) == conf.less_ours(tomllib.loads(raw.decode()))
        assert conf.remove(text) == text

    each(seed, make, False, check)


@batches
@seeds
def test_registries_conf_of_version_1(seed: int) -> None:
    _registries_conf(seed, registries_conf_1)


@batches
@seeds
def test_registries_conf_of_version_2(seed: int) -> None:
    _registries_conf(seed, registries_conf_2)


# ---- the files above are worth reading


def test_most_generated_files_are_edited_and_few_refused(systemd: Any) -> None:
    """Else nothing would be tested."""
    makers: list[tuple[Callable[[random.Random], str], Callable[[bytes], bytes]]] = [
        (environment_file, env.remove),
        (unit_file, unit.remove),
        (daemon_json, lambda raw: daemonjson.edit(raw, env.ours).text),
        (registries_conf_1, conf.remove),
        (registries_conf_2, conf.remove),
    ]
    for make, remove in makers:
        changed = refused = 0
        for seed in range(400):
            raw = make(random.Random(seed)).encode()
            try:
                changed += remove(raw) != raw
            except EnvFileError:
                refused += 1
        assert changed > 120, make.__name__
        assert refused < 120, make.__name__

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as distributions and installers have them (fixtures/node/flags/README.md says which): what is left of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomllib
from ansible_collections.okd.registry.plugins.module_utils._node import (
    daemonjson,
    envedit,
    putback,
    registriesconf,
    sysconfig,
    unitedit,
    unitfile,
)
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_envedit as env
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_registriesconf as conf
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_unitedit as unit

FIXTURES = Path(__file__).parents[3] / "fixtures" / "node" / "flags"
NAMES = {"172.30.124.220:5000", "docker-registry.default.svc.cluster.local:5000", "docker-registry.default.svc:5000"}
# Where a file of a kind stands on a node
PATHS = {
    "env": "/etc/sysconfig/docker",
    "unit": "/etc/systemd/system/docker.service.d/site.conf",
    "json": daemonjson.PATH,
    "conf": registriesconf.PATH,
}
BEFORE = sorted(FIXTURES.glob("*.before"))


def kind_of(path: Path) -> str:
    """Say of which kind a fixture is."""
    return path.name.split(".")[-2]


def edit(kind: str, raw: bytes) -> Any:
    """Take our flags out, under every reading that a node may have."""
    ours = NAMES.__contains__
    if kind == "env":
        return envedit.edit(raw, ours, sysconfig.dialects_for(252))
    if kind == "unit":
        return unitedit.edit(raw, ours, unitfile.dialects_for(252))
    return daemonjson.edit(raw, ours) if kind == "json" else registriesconf.edit(raw, ours)


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.stem)
def test_what_is_left(path: Path) -> None:
    text = edit(kind_of(path), path.read_bytes()).text
    assert text == path.with_suffix(".after").read_bytes()
    assert edit(kind_of(path), text).text == text


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.stem)
def test_its_own_reader_sees_the_same_less_ours(
    path: Path, systemd: Any, systemd_units: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, text, kind = path.read_bytes(), path.with_suffix(".after").read_bytes(), kind_of(path)
    monkeypatch.setattr(env, "OURS", NAMES)
    monkeypatch.setattr(conf, "OURS", NAMES)
    if kind == "env":
        env.check_against(systemd, raw, text)
    elif kind == "unit":
        unit.check_against(systemd, systemd_units, raw, text)
    elif kind == "conf":
        assert tomllib.loads(text.decode()) == conf.less_ours(tomllib.loads(raw.decode()))
    else:
        before, after = json.loads(raw), json.loads(text)
        left = [entry for entry in before[daemonjson.KEY] if entry not in NAMES]
        assert after == {**before, daemonjson.KEY: left}


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.stem)
def test_all_of_it_can_be_put_back(path: Path) -> None:
    kind = kind_of(path)
    done = edit(kind, path.read_bytes())
    text = done.text
    taken = [(getattr(found, "variable", daemonjson.KEY), found.value) for found in done.removed]
    for variable, value in taken:
        text = putback.insert(text, {"file": PATHS[kind], "variable": variable, "value": value}, 252)
    again = edit(kind, text)
    found = [(getattr(each, "variable", daemonjson.KEY), each.value) for each in again.removed]
    assert sorted(found) == sorted(set(taken))
    assert [each.value for each in again.kept] == [each.value for each in done.kept]


def test_each_is_in_the_index() -> None:
    index = (FIXTURES / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in BEFORE if f"| `{path.stem}` |" not in index] == []
    assert len(BEFORE) > 20

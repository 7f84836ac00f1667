# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's CRDs come from the pinned module once, and from the cache ever after."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import fetch_crds
import pytest

GO_MOD = (fetch_crds.GO_MODULE_DIR / "go.mod").read_text(encoding="utf-8")


def fake_go(tmp_path: Path, answer: str, status: int = 0) -> Path:
    """Return a go command that gives one answer and counts its calls."""
    script = tmp_path / "go"
    script.write_text(
        f"#!/bin/sh\necho x >> '{tmp_path}/calls'\ncat <<'E'\n{answer}\nE\nexit {status}\n", encoding="utf-8"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def unpacked(tmp_path: Path) -> Path:
    module = tmp_path / "module"
    for name, source in {**fetch_crds.SOURCES, **fetch_crds.OPERATOR_SOURCES}.items():
        (module / source).parent.mkdir(parents=True, exist_ok=True)
        (module / source).write_text(f"kind: CustomResourceDefinition # {name}\n", encoding="utf-8")
    return module


@pytest.fixture(name="environ")
def fixture_environ(tmp_path: Path) -> dict[str, str]:
    go = fake_go(tmp_path, json.dumps({"Dir": str(unpacked(tmp_path))}))
    return {"OKD_REGISTRY_CACHE": str(tmp_path / "cache"), "GO": str(go), "PATH": os.environ["PATH"]}


def test_go_is_asked_once(environ: dict[str, str], tmp_path: Path) -> None:
    first = fetch_crds.fetch(environ)
    assert set(first) == {"routes.crd.yaml", "securitycontextconstraints.crd.yaml"}
    assert fetch_crds.fetch(environ) == first
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "x\n"


def test_the_cache_is_by_version(environ: dict[str, str], tmp_path: Path) -> None:
    fetch_crds.fetch(environ)
    version = fetch_crds.pinned_version(GO_MOD)
    assert re.fullmatch(r"v0\.0\.0-\d{14}-[0-9a-f]{12}", version)
    assert (tmp_path / "cache" / "openshift-api" / version / "routes.crd.yaml").is_file()


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ('{"Error": "checksum mismatch"}', 1, "checksum mismatch"),
        ("no network", 1, "no network"),
        ("{}", 0, "ended with 0"),
    ],
)
def test_what_go_said_is_told(environ: dict[str, str], tmp_path: Path, answer: str, status: int, words: str) -> None:
    environ["GO"] = str(fake_go(tmp_path, answer, status))
    with pytest.raises(fetch_crds.FetchError, match=words):
        fetch_crds.fetch(environ)


def test_no_go_is_told(environ: dict[str, str]) -> None:
    environ["GO"] = "/no/such/go"
    with pytest.raises(fetch_crds.FetchError, match="set GO to a Go"):
        fetch_crds.fetch(environ)


def test_a_file_that_moved_within_the_module_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "module" / fetch_crds.SOURCES["routes.crd.yaml"]).unlink()
    with pytest.raises(fetch_crds.FetchError, match=r"has no route/v1/.*change SOURCES"):
        fetch_crds.fetch(environ)


def test_a_go_mod_without_the_module_is_told() -> None:
    with pytest.raises(fetch_crds.FetchError, match="does not require"):
        fetch_crds.pinned_version("module x\n")


def test_the_command_writes_the_files(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert fetch_crds.main([str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(fetch_crds.SOURCES)
    assert fetch_crds.main([]) == 0
    assert capsys.readouterr().out.count("---\n") == 1
    assert fetch_crds.main(["--help"]) == 2
    assert fetch_crds.main(["--operator", str(tmp_path / "four")]) == 0
    assert sorted(path.name for path in (tmp_path / "four").iterdir()) == sorted(fetch_crds.OPERATOR_SOURCES)
    assert not set(fetch_crds.OPERATOR_SOURCES) & set(fetch_crds.SOURCES)
    monkeypatch.setenv("OKD_REGISTRY_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("GO", "/no/such/go")
    assert fetch_crds.main([]) == 1
    assert "/no/such/go" in capsys.readouterr().err

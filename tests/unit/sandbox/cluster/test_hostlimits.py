# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's limit is lifted once, and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandboxlib import hostlimits, settings


@pytest.fixture(autouse=True)
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "max_user_instances"
    path.write_text("128\n")
    monkeypatch.setattr(hostlimits, "LIMIT", path)
    monkeypatch.setattr(settings, "RUN_DIR", tmp_path / "run")
    return path


def test_lifted_once_and_restored_to_what_it_was(limit: Path) -> None:
    assert hostlimits.lift() == ["inotify instances 128 to 1024"]
    assert hostlimits.lift() == []
    assert limit.read_text() == "1024\n"
    assert hostlimits.restore() == ["inotify instances back to 128"]
    assert hostlimits.restore() == []
    assert limit.read_text() == "128\n"


def test_a_machine_with_more_is_left_alone(limit: Path) -> None:
    limit.write_text("8192\n")
    assert hostlimits.lift() == []
    assert hostlimits.restore() == []
    assert limit.read_text() == "8192\n"


def test_where_it_may_not_be_lifted_there_is_no_error(limit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, text: str) -> int:
        if path == limit:
            raise PermissionError
        return len(text)

    monkeypatch.setattr(Path, "write_text", refused)
    assert hostlimits.lift() == []
    assert limit.read_text() == "128\n"

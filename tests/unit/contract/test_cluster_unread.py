# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that write do not go on with half of what they need: what an API cannot tell now, it can in a minute."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from collection import ROOT, load_yaml


def stops(folder: Path, *unread: dict[str, Any]) -> str | None:
    """What the role says where it stops after a read that lacks this; None where it goes on."""
    (task,) = [
        one for one in load_yaml(ROOT / "roles/registry_cluster/tasks/main.yml")
        if one["name"] == "Stop where it may not be read what the registry is"
    ]  # fmt: skip
    told = {"registry_cluster_read": {"unread": list(unread)}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": told, "tasks": [task]}
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps([play], default=str))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "localhost,", "book.yml"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    return done.stdout if done.returncode else None


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ([], None),
        ([("routes", True), ("nodes", True), ("operator", True)], None),
        ([("service", True)], "service: no"),
        ([("service", False)], "service: no"),
        ([("routes", True), ("routes", False)], "routes: no"),
        ([("image_streams", False)], "image_streams: no"),
    ],
)
def test_what_is_not_known_at_the_moment_stops_who_would_write(
    tmp_path: Path, unread: list[tuple[str, bool]], said: str | None
) -> None:
    told = stops(tmp_path, *({"what": w, "reason": f"{w}: no", "forbidden": f} for w, f in unread))
    assert told is None if said is None else told and said in told

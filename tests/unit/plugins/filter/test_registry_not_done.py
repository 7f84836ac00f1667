# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes keep a rotation from going on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.filter.registry_not_done import not_done


@pytest.mark.parametrize(
    "found", [{"changed": True}, {"changed": False, "failed": False, "unreachable": False}, {"skipped": True}]
)
def test_a_success_is_not_named(found: dict[str, Any]) -> None:
    assert not_done(["n"], {"n": {"placed": found}}, "placed") == []


def test_every_other_host_is_named_with_its_reason() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "good": {"placed": {"changed": False}},
        "bad": {"placed": {"failed": True, "msg": "read-only file system"}},
        "gone": {"placed": {"unreachable": True, "changed": False, "msg": "no route to host"}},
        "out": {"other": {"changed": False}},
        "mute": {"placed": {"failed": True}},
        "other": {"placed": {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}},
    }
    assert not_done(hostvars, hostvars, "placed") == [
        "bad: failed: read-only file system",
        "gone: could not be reached: no route to host",
        "out: an earlier step failed there, or --limit left it out of this run",
        "mute: failed: no reason was given",
        "other: nothing was done there by this run, so that it cannot be told",
    ]


def test_of_several_tasks_the_first_without_success_is_told() -> None:
    done = {"changed": False}
    hostvars: dict[str, dict[str, Any]] = {
        "good": {"first": done, "second": done},
        "half": {"first": done, "second": {"failed": True, "msg": "disk full"}},
        "bad": {"first": {"failed": True, "msg": "no python"}},
        "out": {"first": done},
    }
    assert not_done(hostvars, hostvars, ["first", "second"]) == [
        "half: failed: disk full",
        "bad: failed: no python",
        "out: an earlier step failed there, or --limit left it out of this run",
    ]

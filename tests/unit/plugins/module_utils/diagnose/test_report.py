# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report is what docs/report.schema.json says, of whatever is known, and its lines tell what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.okd.registry.plugins.module_utils._diagnose.causes import CAUSES
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from ansible_collections.okd.registry.plugins.plugin_utils import _report
from healthy import ENDPOINTS, healthy
from hypothesis import given
from hypothesis import strategies as st
from test_diagnose import EACH, ENDED, STRANGE, TREE, ends_at_router, put

SCHEMA = json.loads((Path(__file__).parents[5] / "docs/report.schema.json").read_text(encoding="utf-8"))
STORED = {
    "totals": {"repositories": 1, "tags": 2, "revisions": 2, "blobs": 5, "bytes": 3072, "unreferenced_blobs": 1,
               "unreferenced_bytes": 1024},
    "repositories": [{"name": "test/web", "tags": 2, "bytes": 2048, "own_bytes": 0}],
}  # fmt: skip


def sources(raw: dict[str, Any]) -> dict[str, Any]:
    """What report.yml hands over."""
    diagnosis = {"findings": judge(collect(raw)), "unread": ["Could not get x"]}
    return {
        "info": raw["info"],
        "hosts": raw["hosts"],
        "diagnosis": diagnosis,
        "storage": STORED,
        "route_host": ENDPOINTS[-1],
        "now": "2027-01-15T08:00:00Z",
    }


def valid(report: Any) -> dict[str, Any]:
    jsonschema.validate(json.loads(json.dumps(report)), SCHEMA)
    return dict(report)


def test_of_a_registry_that_works() -> None:
    report = valid(_report.build(sources(healthy())))
    states = {one["name"]: one["state"] for one in report["phases"]}
    assert set(states.values()) == {"ok"}
    assert len(report["matrix"]) == 3 * len(ENDPOINTS)
    assert {one["state"] for one in report["matrix"]} == {"ok"}
    assert [one["client"] for one in report["matrix"] if one["host"] == "bastion"] == [True] * len(ENDPOINTS)
    assert [one["where"] for one in report["certificates"]] == ["secret", "ca", "pod docker-registry-1-a"]
    assert report["storage"]["repositories"] == [{"name": "test/web", "tags": 2, "bytes": 2048}]
    assert report["problems"] == []


def test_hosts_at_which_a_router_ends_tls_are_told_too() -> None:
    raw = healthy()
    ends_at_router(raw, days_left=90, sha256="ab" * 32)
    report = valid(_report.build(sources(raw)))
    cells = [one for one in report["matrix"] if one["endpoint"] == ENDED]
    assert [(one["host"], one["state"]) for one in cells] == [(host, "ok") for host in raw["hosts"]]
    told = report["certificates"][-1]
    assert (told["where"], told["sans"], told["days_left"]) == ("route default/images", [ENDED], 90)
    assert any("route default/images" in line and "90 days left" in line for line in _report.lines(report))


def test_its_lines() -> None:
    text = "\n".join(_report.lines(_report.build(sources(healthy()))))
    wanted = [
        "default/docker-registry", "route        ok", "700 days left", "test/web  2 tags  2.0 KiB",
        "3.0 KiB, of it 1.0 KiB unreferenced", "bastion", "resolve, tls, v2, trust, login, push, pull",
    ]  # fmt: skip
    assert [told for told in wanted if told not in text] == []


@pytest.mark.parametrize(
    ("name", "change"), EACH, ids=[f"{name}-{change.__name__.strip('_')}" for name, change in EACH]
)
def test_a_cause_is_a_problem_of_its_phase(name: str, change: Any) -> None:
    raw = healthy()
    change(raw)
    report = valid(_report.build(sources(raw)))
    phase = next(phase for phase, causes in _report.PHASES.items() if name in causes.split())
    assert [(one["name"], one["problems"]) for one in report["phases"] if one["state"] == "problem"] == [
        (phase, [name])
    ]
    assert _report.lines(report)


def test_every_cause_is_of_one_phase() -> None:
    assert sorted(name for causes in _report.PHASES.values() for name in causes.split()) == sorted(CAUSES)


def test_without_a_diagnosis_what_is_there_is_judged() -> None:
    raw = healthy()
    raw["info"]["certificate"]["days_left"] = 3
    report = valid(_report.build({"info": raw["info"], "hosts": raw["hosts"]}))
    assert [one["name"] for one in report["problems"]] == ["certificate_expires"]
    assert report["storage"] is None
    assert "nobody looked" in "\n".join(_report.lines(report))


@pytest.mark.parametrize(
    ("asked", "state"),
    [(ENDPOINTS[-1].upper(), "ok"), ("", "ok"), (None, "ok"), ("new.apps.example.com", "unknown")],
)
def test_the_route_s_phase_is_that_of_the_host_that_is_asked_for(asked: str | None, state: str) -> None:
    report = valid(_report.build({**sources(healthy()), "route_host": asked}))
    assert {one["name"]: one["state"] for one in report["phases"]}["route"] == state


def test_of_nothing() -> None:
    report = valid(_report.build({}))
    assert {one["state"] for one in report["phases"]} == {"unknown"}
    assert _report.lines(report)


@given(
    st.lists(st.tuples(st.sampled_from([path for path in TREE if path[0] in ("info", "hosts")]), STRANGE), max_size=4)
)
def test_of_something_else(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    raw = healthy()
    for path, value in changes:
        put(raw, path, value)
    _report.lines(_report.build({"info": raw["info"], "hosts": raw["hosts"]}))

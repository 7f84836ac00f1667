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
from ansible_collections.okd.registry.plugins.filter.registry_findings_table import findings_table
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
               "unreferenced_bytes": 1024, "broken": 0},
    "repositories": [{"name": "test/web", "tags": 2, "bytes": 2048, "own_bytes": 0, "broken": 0}],
    "broken": [], "complete": True, "reason": None,
}  # fmt: skip
WRONG = {"repository": "test/web", "kind": "tag", "name": "1", "path": "x", "reason": "it has no current link"}


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
    assert report["storage"]["repositories"] == [{"name": "test/web", "tags": 2, "bytes": 2048, "broken": 0}]
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
    named = [name for causes in _report.PHASES.values() for name in causes.split()]
    assert sorted(named) == sorted([*CAUSES, _report.BROKEN])


def stored(count: int, listed: int, **more: Any) -> dict[str, Any]:
    """What registry_storage_info gives of a storage with so many broken links, of which it lists so many."""
    return {
        **STORED,
        "totals": {**STORED["totals"], "broken": count},
        "repositories": [{**STORED["repositories"][0], "broken": count}],
        "broken": [{**WRONG, "name": str(tag)} for tag in range(1, listed + 1)],
        **more,
    }


def storage_state(report: dict[str, Any]) -> tuple[str, list[str]]:
    (phase,) = [one for one in report["phases"] if one["name"] == "storage"]
    return phase["state"], phase["problems"]


def shown(report: dict[str, Any]) -> list[str]:
    """The lines below PROBLEMS, as the role makes them."""
    return list(findings_table({"findings": report["problems"], "unread": report["unread"]}))


@pytest.mark.parametrize(
    ("count", "listed", "first", "last"),
    [
        (1, 1, "test/web: tag 1: it has no current link", "test/web: tag 1: it has no current link"),
        (30, 20, "test/web: tag 1: it has no current link", "and 20 more"),
        (3, 0, "3 links and tags that lead nowhere", "3 links and tags that lead nowhere"),
    ],
)
def test_broken_images_are_a_problem_of_storage(count: int, listed: int, first: str, last: str) -> None:
    raw = healthy()
    raw["info"]["certificate"]["days_left"] = 3
    report = valid(_report.build({**sources(raw), "storage": stored(count, listed)}))
    assert storage_state(report) == ("problem", ["images_broken"])
    assert [one["name"] for one in report["problems"]] == ["images_broken", "certificate_expires"]
    evidence = report["problems"][0]["evidence"]
    assert (evidence[0], evidence[-1]) == (first, last)
    assert len(report["storage"]["broken"]) == listed
    assert report["storage"]["totals"]["broken"] == count
    assert any(line.strip().startswith("test/web") and f", {count} broken" in line for line in _report.lines(report))
    assert "Nothing is wrong." not in shown(report)


def test_what_was_not_all_seen_is_not_called_fine_and_nothing_of_it_broken() -> None:
    told = stored(2, 2, complete=False, reason="permission denied")
    report = valid(_report.build({**sources(healthy()), "storage": told}))
    assert storage_state(report) == ("unknown", [])
    assert report["problems"] == []
    assert (report["storage"]["complete"], report["storage"]["reason"]) == (False, "permission denied")
    assert "not judged: not all that is stored could be looked at: permission denied" in shown(report)
    text = "\n".join(_report.lines(report))
    assert "  not all of it: permission denied" in text
    assert "2.0 KiB, 2 seem broken" in text


@pytest.mark.parametrize(
    ("kind", "storage", "why", "unread"),
    [
        ("pvc", {"failed": True, "msg": "It took longer than 10 s."}, "It took longer than 10 s.", True),
        ("s3", {}, "images are kept in s3, which has no files to look at", False),
        ("pvc", {}, None, False),
    ],
    ids=["failed", "object storage", "nobody looked"],
)
def test_why_it_is_not_known_what_is_stored(
    kind: str, storage: dict[str, Any], why: str | None, *, unread: bool
) -> None:
    raw = healthy()
    raw["info"]["layout"]["storage"] = kind
    report = valid(_report.build({**sources(raw), "storage": storage}))
    assert storage_state(report) == ("unknown", [])
    assert (report["storage"], report["storage_unread"]) == (None, why)
    assert (why in report["unread"]) is unread
    assert _report.lines(report)[-1] == f"  {why or 'nobody looked (playbooks/report.yml does)'}"


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

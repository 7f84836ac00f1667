# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_check's main(): options, result and failure. The steps themselves are tested where they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import check, checkpick, checkway, engine
from ansible_collections.okd.registry.plugins.modules import registry_check

Call = Callable[..., dict[str, Any]]
TOKEN, OTHER = "sha256~s3cret", "sha256~0ther"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Have each step work unless the name holds "bad"; give the list of those gone through."""
    gone: list[tuple[str, str]] = []

    def step(name: str) -> Callable[..., str | None]:
        def run(job: check.Check, endpoint: str) -> str | None:
            gone.append((endpoint, name))
            if "bad" in endpoint:
                raise checkway.StepError("denied", f"{endpoint}: refused with {job._request.token}")
            return "sha256:12" if name == "push" else None

        return run

    for name in check.STEPS:
        monkeypatch.setattr(check.Check, "_" + name, step(name))
    monkeypatch.setattr(engine.Engine, "call", lambda *_args, **_options: None)
    # As on a node with docker, whatever this machine has
    monkeypatch.setattr(checkpick, "_first", lambda *_found: "docker")
    monkeypatch.setattr(checkpick.which_engines, "directories", lambda *_asked: ["/etc/docker/certs.d/x"])
    return gone


@pytest.fixture
def call(steps: list[tuple[str, str]], run_module: Call) -> Call:
    """Give a function that calls the module for two names."""

    def run(check_mode: bool = False, **options: Any) -> dict[str, Any]:
        needed = {"endpoints": ["a:5000", "b"], "token": TOKEN, "project": "test", "outsider_token": OTHER}
        return run_module(registry_check, {**needed, **options}, check=check_mode)

    return run


def test_all_steps_by_all_names_and_no_change(call: Call, steps: list[tuple[str, str]]) -> None:
    result = call()
    assert not result["changed"]
    assert sorted(steps) == sorted((name, step) for name in ("a:5000", "b") for step in check.STEPS)
    assert [(found["endpoint"], found["step"]) for found in result["results"]] == [
        (name, step) for name in ("a:5000", "b") for step in check.STEPS
    ]
    keys = ["by", "certificate", "digest", "endpoint", "error", "ok", "reason", "seconds", "status", "step"]
    assert [sorted(found) for found in result["results"]] == [keys for _step in steps]
    assert (result["leftovers"], result["skipped_steps"]) == ([], [])


def test_where_a_router_ends_tls_the_client_of_the_module_goes_through_all_but_the_engines_trust(
    call: Call, steps: list[tuple[str, str]]
) -> None:
    result = call(endpoints=["a:5000"], router_endpoints=["r.example"], engine="docker")
    assert sorted(step for name, step in steps if name == "r.example") == sorted(set(check.STEPS) - {"trust"})
    by = {(found["endpoint"], found["step"]): found["by"] for found in result["results"]}
    assert {by["r.example", step] for step in ("login", "push", "pull_tag", "pull")} == {"client"}
    assert {by["a:5000", step] for step in ("login", "push", "pull_tag", "pull")} == {"docker"}
    assert call(router_endpoints=["bad"])["failed"]
    assert "http://x" in call(router_endpoints=["http://x"])["msg"]


def test_a_check_of_nothing_is_refused(call: Call, steps: list[tuple[str, str]]) -> None:
    for check_mode in (False, True):
        result = call(endpoints=[], check_mode=check_mode)
        assert result["failed"]
        assert (
            result["msg"] == "endpoints: there is no name in it, nor in router_endpoints, so nothing would be checked"
        )
    assert steps == []
    assert not call(endpoints=[], router_endpoints=["r.example"]).get("failed")


def test_steps_are_gone_through_in_their_order_whatever_the_order_asked(
    call: Call, steps: list[tuple[str, str]]
) -> None:
    call(steps=["login", "tls"], endpoints=["a"])
    assert steps == [("a", "tls"), ("a", "login")]


@pytest.mark.parametrize(
    ("fail_on", "endpoints", "failed"),
    [
        (["resolve"], ["a", "bad"], True),
        (["pull", "push"], ["a", "bad"], False),
        (["none"], ["bad"], False),
        ("any", ["a", "bad"], True),
        ("all", ["a", "bad"], False),
        ("all", ["bad", "bad2"], True),
        ("none", ["bad"], False),
    ],
)
def test_when_it_fails_is_for_the_caller_to_say(
    call: Call, fail_on: str | list[str], endpoints: list[str], failed: bool
) -> None:
    result = call(fail_on=fail_on, endpoints=endpoints)
    assert result.get("failed", False) is failed
    assert "resolve of bad: refused with ********" in result["msg"]
    assert {left["status"] for left in result["not_run"]} == {"skipped"}
    assert len(result["results"]) > 0


def test_the_token_is_nowhere_in_what_comes_out(call: Call) -> None:
    assert TOKEN not in str(call(endpoints=["bad"]))


def test_check_mode_asks_nothing_and_says_so(call: Call, steps: list[tuple[str, str]]) -> None:
    result = call(check_mode=True, endpoints=["(known after apply):5000"], ca_cert="(known after apply)")
    assert (result["changed"], result["skipped"], result["results"], steps) == (False, True, [], [])
    assert "nothing is proven" in result["msg"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"endpoints": ["http://x"]}, "is not a registry's name in docker's form"),
        ({"endpoints": ["(known after apply):5000"]}, "is not a registry's name in docker's form"),
        ({"project": None}, "missing parameter(s) required by 'token': project"),
        ({"layer_size": "a lot"}, "layer_size: 'a lot' is no size"),
        ({"layer_size": "9GiB"}, "layer_size: 9GiB is more than"),
        ({"steps": ["delete"]}, "value of steps must be one or more of"),
        ({"ca_cert": "x"}, "ca_cert: is not PEM text of certificates"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    call: Call, steps: list[tuple[str, str]], options: dict[str, Any], said: str
) -> None:
    result = call(**options)
    assert result["failed"]
    assert said in result["msg"]
    assert steps == []


def test_without_a_token_it_says_what_was_not_checked(call: Call) -> None:
    result = call(token=None, outsider_token=None, project=None)
    assert result["skipped_steps"] == ["login", "push", "monolithic", "chunked", "refused", "pull_tag", "pull"]
    assert "No token was given" in result["msg"]

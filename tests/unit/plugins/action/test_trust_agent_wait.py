# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of registry_trust_agent: what is told while the agents come, and who has the last word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.okd.registry.plugins.action import registry_trust_agent as action
from ansible_collections.okd.registry.plugins.plugin_utils import _kube_action

Result = dict[str, Any]
MODULE = "okd.registry.registry_trust_agent"
AGENT = {"name": "r-trust-agent", "namespace": "default", "nodes": 0, "ready": 0}
WRITTEN = {"changed": True, "actions": ["Updated DaemonSet default/r-trust-agent."], "agent": AGENT}


def state(ready: int, **more: Any) -> Result:
    numbers = {"revision": "r-1", "desired": 3, "updated": 3, "ready": ready, "serving": 0, "done": ready == 3}
    rest = {"failed": False, "line": f"r-1: {ready}/3 ready", "reason": None, "stuck": None, "grace": None}
    return {"rollout": {**numbers, **rest, **more}}


class Plugin(action.ActionModule):
    """The plugin, with answers in place of modules."""

    def __init__(self, answers: list[Result], *, check_mode: bool = False) -> None:
        self._task = SimpleNamespace(action=MODULE, check_mode=check_mode)
        self.answers = answers
        self.calls: list[tuple[str, Result]] = []

    def module(self, name: str, args: Result, _variables: Result) -> Result:
        self.calls.append((name.rpartition("_")[2], args))
        return self.answers.pop(0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown."""
    lines: list[str] = []
    monkeypatch.setattr(_kube_action.display, "display", lambda line: lines.append(line.strip()))
    return lines


def run(plugin: Plugin, **args: Any) -> Result:
    return plugin.work({"image": "python:3", "kubeconfig": "x", **args}, {"inventory_hostname": "control"})


def test_each_change_is_told_and_the_numbers_are_those_of_the_end(told: list[str]) -> None:
    plugin = Plugin([WRITTEN, state(0), state(2, stuck="probe", grace=0), state(3)])
    result = run(plugin)
    assert (result["changed"], result["actions"]) == (True, WRITTEN["actions"])
    assert result["agent"] == {**AGENT, "nodes": 3, "ready": 3}
    assert [line.split(",")[0] for line in told] == [f"[control] r-1: {ready}/3 ready" for ready in (0, 2, 3)]
    assert plugin.calls[0][1]["wait"] is False
    asked = plugin.calls[1][1]
    assert (asked["kind"], asked["name"], asked["kubeconfig"]) == ("DaemonSet", "r-trust-agent", "x")


@pytest.mark.parametrize(
    "in_the_way", [state(2, failed=True), state(2, stuck="image", grace=0, reason="no such image")]
)
def test_where_it_does_not_end_well_the_module_names_the_nodes(told: list[str], in_the_way: Result) -> None:
    plugin = Plugin([WRITTEN, in_the_way, {"failed": True, "msg": "node n3: no such image"}])
    result = run(plugin, wait_timeout=50)
    assert (result["failed"], result["msg"], result["changed"]) == (True, "node n3: no such image", True)
    assert plugin.calls[-1][1]["wait"] is True
    assert plugin.calls[-1][1]["wait_timeout"] <= 50


def test_the_time_is_one_for_all(told: list[str]) -> None:
    plugin = Plugin([WRITTEN, state(2), {"failed": True, "msg": "still 2"}])
    assert run(plugin, wait_timeout=0)["msg"] == "still 2"
    assert plugin.calls[-1][1]["wait_timeout"] == 0


@pytest.mark.parametrize("args", [{"wait": False}, {"wait": "no"}, {"state": "absent"}])
def test_what_is_not_waited_for_or_by_the_module_is_one_call(told: list[str], args: Result) -> None:
    plugin = Plugin([WRITTEN])
    assert (run(plugin, **args), told, len(plugin.calls)) == (WRITTEN, [], 1)
    assert "wait" not in plugin.calls[0][1] or plugin.calls[0][1]["wait"] == args["wait"]


def test_a_plan_is_not_waited_for(told: list[str]) -> None:
    assert run(Plugin([WRITTEN], check_mode=True)) == WRITTEN


def test_what_failed_is_not_waited_for(told: list[str]) -> None:
    failed = {"failed": True, "msg": "forbidden"}
    assert run(Plugin([failed])) == failed


def test_a_time_that_is_none_is_said() -> None:
    with pytest.raises(AnsibleActionFail, match="wait_timeout: 'soon' is not a number of seconds"):
        run(Plugin([]), wait_timeout="soon")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A docker that was started with --config-file has its insecure entries there, and not in /etc/docker/daemon.json."""

from __future__ import annotations

import json

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError, RestartError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Hurried, Make

ELSEWHERE = "/opt/docker/engine.json"
USUAL = json.dumps({daemonjson.KEY: ["not.read:5000"]})


@pytest.fixture(params=[f"OPTIONS='--config-file={ELSEWHERE} -D'\n", f"OPTIONS='-D --config-file {ELSEWHERE}'\n"])
def node(request: pytest.FixtureRequest, make: Make, names: list[str]) -> FakeNode:
    """Give a node with such a docker."""
    made = make(request.param)
    made.configure([*names, "x:1"])
    made.write(daemonjson.PATH, USUAL)
    return made


def test_entries_go_from_the_file_that_docker_reads(node: FakeNode, names: list[str]) -> None:
    assert {found["file"] for found in node.call()["insecure"]["flags"]} == {ELSEWHERE}
    planned = node.call(check_mode=True, remove_insecure=True)
    done = node.call(remove_insecure=True)
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert f"Reload docker, which reads {ELSEWHERE} anew then" in done["actions"]
    assert f"Take {names[0]} out of insecure-registries in {ELSEWHERE}" in done["actions"]
    assert json.loads(node.text(ELSEWHERE)) == {daemonjson.KEY: ["x:1"]}
    assert node.text(daemonjson.PATH) == USUAL
    assert (node.state["restarts"], node.state["reloads"]) == (0, 1)
    assert not node.call(remove_insecure=True)["changed"]


def test_and_come_back_there(node: FakeNode, names: list[str]) -> None:
    node.call(remove_insecure=True)
    node.call(state="absent", endpoints=None, ca_cert=None, restore_insecure=True)
    assert json.loads(node.text(ELSEWHERE)) == {daemonjson.KEY: ["x:1", *names]}
    assert (set(names) <= set(node.engine().insecure()), node.text(daemonjson.PATH)) == (True, USUAL)


def test_a_reload_that_does_not_help_names_the_file(node: FakeNode) -> None:
    node._save(deaf=True)
    before = node.text(ELSEWHERE)
    with pytest.raises(RestartError, match=rf"after a reload, at which it reads {ELSEWHERE}"):
        node.call(remove_insecure=True, clock=Hurried())
    assert node.text(ELSEWHERE) == before


def test_a_docker_that_does_not_run_has_the_file_that_its_unit_names(node: FakeNode, names: list[str]) -> None:
    node.stop_docker()
    done = node.call(remove_insecure=True, verify=False)
    assert json.loads(node.text(ELSEWHERE)) == {daemonjson.KEY: ["x:1"]}
    assert (done["restarted"], node.state["reloads"], node.text(daemonjson.PATH)) == (False, 0, USUAL)


def test_one_that_somebody_makes_anew_is_not_edited(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=--config-file=/run/docker/engine.json\n")
    node.configure(names)
    with pytest.raises(RefusedError, match=rf"/run/docker/engine.json: line 3: {names[0]} .* made anew at every start"):
        node.call(remove_insecure=True)
    assert json.loads(node.text("/run/docker/engine.json")) == {daemonjson.KEY: names}

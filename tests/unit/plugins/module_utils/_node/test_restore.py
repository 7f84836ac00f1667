# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags that were taken out come back into today's file, and docker runs with them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomllib
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson, putback, registriesconf
from ansible_collections.okd.registry.plugins.module_utils._node.errors import EnvFileError, RestartError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_envedit as env
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_registriesconf as conf
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node import test_unitedit as unit
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Killer, Make
from hypothesis import event, given, settings

ABSENT = {"state": "absent", "endpoints": None, "ca_cert": None}
DROP_IN = "/etc/systemd/system/docker.service.d/20-site.conf"
EXEC = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --insecure-registry {0} $OPTIONS\n"


def values(node: FakeNode) -> list[str]:
    """List what docker runs with."""
    words = " ".join(node.state["arguments"]).replace("--insecure-registry ", "--insecure-registry=").split()
    return [word.partition("=")[2] for word in words if word.startswith("--insecure-registry=")]


def test_what_was_taken_out_of_a_variable_comes_back_into_todays_file(make: Make, names: list[str]) -> None:
    node = make("OPTIONS='--selinux-enabled --insecure-registry={} -D'\n")
    node.call(remove_insecure=True)
    assert values(node) == []
    node.write("/etc/sysconfig/docker", "# by hand since\nOPTIONS='--selinux-enabled -D --debug'\n")
    planned = node.call(**ABSENT, restore_insecure=True, check_mode=True)
    done = node.call(**ABSENT, restore_insecure=True)
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert f"Put {names[0]} back into OPTIONS in /etc/sysconfig/docker" in done["actions"]
    assert node.text() == f"# by hand since\nOPTIONS='--selinux-enabled -D --debug --insecure-registry={names[0]}'\n"
    assert (values(node), done["restarted"], node.state["restarts"]) == ([names[0]], True, 2)
    assert not (node.root / "var/lib/okd-registry").exists()
    again = node.call(**ABSENT, restore_insecure=True)
    assert (again["changed"], again["restarted"]) == (False, False)


def test_without_the_option_nothing_comes_back_and_the_record_goes(make: Make) -> None:
    node = make()
    node.call(remove_insecure=True)
    node.call(**ABSENT)
    assert (values(node), node.state["restarts"]) == ([], 1)
    assert not (node.root / "var/lib/okd-registry").exists()
    assert not node.call(**ABSENT, restore_insecure=True)["changed"]


def test_only_what_we_took_out_comes_back(make: Make, names: list[str]) -> None:
    """Not what somebody else took out meanwhile, and not what never went."""
    node = make(f"OPTIONS='--insecure-registry=x:1 --insecure-registry={names[0]}'\n")
    node.call(remove_insecure=True)
    node.write("/etc/sysconfig/docker", "OPTIONS=\n")
    node.call(**ABSENT, restore_insecure=True)
    assert node.text() == f"OPTIONS=--insecure-registry={names[0]}\n"


@pytest.mark.parametrize("restart", [False, True])
def test_an_entry_of_daemon_json_comes_back_with_a_reload(make: Make, names: list[str], restart: bool) -> None:
    node = make("OPTIONS=-D\n")
    node.configure(["x:1", *names])
    node.call(remove_insecure=True)
    done = node.call(**ABSENT, restore_insecure=True, restart=restart)
    assert json.loads(node.text(daemonjson.PATH))["insecure-registries"] == ["x:1", *names]
    assert set(names) <= set(node.engine().insecure())
    assert (done["restarted"], node.state["restarts"], node.state["reloads"]) == (False, 0, 2)


def test_a_drop_in_gets_its_flag_back_with_a_daemon_reload(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.has_units(drop_ins={DROP_IN: EXEC.format(names[0])})
    node.call(remove_insecure=True)
    node.call(**ABSENT, restore_insecure=True)
    assert node.text(DROP_IN).endswith(f"ExecStart=/usr/bin/dockerd $OPTIONS --insecure-registry={names[0]}\n")
    assert (values(node), node.state["daemon_reloads"]) == ([names[0]], 2)


def test_registries_conf_calls_it_insecure_again(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node._save(other_units=["crio.service"])
    text = f'[[registry]]\nlocation = "{names[0]}"\ninsecure = true # site\n[[registry]]\nlocation = "x:1"\n'
    node.write(registriesconf.PATH, text)
    node.call(remove_insecure=True)
    assert node.text(registriesconf.PATH) == text.replace("true", "false")
    node.call(**ABSENT, restore_insecure=True)
    assert node.text(registriesconf.PATH) == text
    assert (node.state["crio_reloads"], node.state["restarts"]) == (2, 0)


def test_a_place_that_is_gone_is_told_and_the_rest_is_done(make: Make, names: list[str]) -> None:
    node = make(f"OPTIONS='--insecure-registry={names[0]}'\nOTHER=--insecure-registry={names[0]}\n")
    node.call(remove_insecure=True)
    node.write("/etc/sysconfig/docker", "OPTIONS=-D\n")
    node.call(**ABSENT, restore_insecure=True)
    assert node.text() == f"OPTIONS=-D --insecure-registry={names[0]}\n"
    assert node.warnings == [
        f"/etc/sysconfig/docker: {names[0]}: line 2: OTHER is not there any more, so nothing was put back"
    ]


def test_without_leave_to_restart_a_node_that_needs_it_is_left_as_it_is(make: Make, names: list[str]) -> None:
    """The CA included: docker verifies until it is restarted."""
    node = make()
    placed = node.call(remove_insecure=True)["files"]
    before = node.tree()
    for check_mode in (True, False):
        left = node.call(**ABSENT, restore_insecure=True, restart=False, check_mode=check_mode)
        assert (left["restart_needed"], left["changed"], left["restarted"]) == (True, False, False)
        assert (left["actions"], left["files"]) == ([], placed)
    assert (node.tree(), node.state["restarts"]) == (before, 1)
    done = node.call(**ABSENT, restore_insecure=True)
    assert (done["restart_needed"], done["restarted"], done["files"]) == (False, True, [])
    assert values(node) == [names[0]]


def test_docker_that_does_not_start_with_the_flag_runs_without_it_again(make: Make, names: list[str]) -> None:
    node = make()
    node.call(remove_insecure=True)
    before, arguments = node.tree(), node.state["arguments"]
    node._save(hangs_with=names[0])
    with pytest.raises(RestartError, match="docker runs on them again"):
        node.call(**ABSENT, restore_insecure=True)
    assert (node.tree(), node.state["arguments"]) == (before, arguments)
    node._save(hangs_with=None)
    assert node.call(**ABSENT, restore_insecure=True)["restarted"]


def test_a_flag_that_had_to_be_put_back_is_not_on_record(make: Make, names: list[str]) -> None:
    """It was not taken out, so it is not for us to bring it back one day."""
    node = make()
    node.break_docker(without=f"--insecure-registry={names[0]}")
    with pytest.raises(RestartError):
        node.call(remove_insecure=True)
    node.write("/etc/sysconfig/docker", "OPTIONS=-D\n")
    node.call(**ABSENT, restore_insecure=True)
    assert node.text() == "OPTIONS=-D\n"


def test_killed_at_any_change_the_flag_is_on_record_and_comes_back(
    make: Make, killer: Killer, names: list[str], tmp_path: Path
) -> None:
    seeded = make("OPTIONS='-D --insecure-registry={}'\n")
    before = seeded.tree()
    change, killed = 0, True
    while killed:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, remove_insecure=True)
        node.call(**ABSENT, restore_insecure=True)
        half = [path for path in node.root.rglob("*.okd-registry") if path.name.startswith(".ca.crt")]
        assert {path: raw for path, raw in node.tree().items() if not path.endswith(".okd-registry")} == before
        assert len(half) <= 1, "what a killed run was just writing is cleared away by the next that writes there"
        assert (values(node), node.state["active"]) == ([names[0]], True)
    assert change > 30


def test_killed_while_it_puts_back_the_next_run_finishes(
    make: Make, killer: Killer, names: list[str], tmp_path: Path
) -> None:
    seeded = make("OPTIONS='-D --insecure-registry={}'\n")
    before = seeded.tree()
    seeded.call(remove_insecure=True)
    change, killed = 0, True
    while killed:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, **ABSENT, restore_insecure=True)
        node.call(**ABSENT, restore_insecure=True)
        assert node.tree() == before
        assert (values(node), node.state["active"]) == ([names[0]], True)
        records = node.root / "var/lib/okd-registry"
        assert not records.exists() or [path.name for path in records.iterdir()] in ([], ["lock"])
    assert change > 10


# ---- a node that does not do well: what one call took is put back, and nothing else

INSECURE = {"state": "insecure", "endpoints": None, "ca_cert": None}


def test_what_one_call_took_comes_back_and_the_ca_stays(make: Make, names: list[str]) -> None:
    """Not what another call took."""
    node = make("OPTIONS=-D\n")
    node.configure([names[1]])
    entry = {"file": daemonjson.PATH, "variable": daemonjson.KEY, "value": names[1]}
    assert node.call(remove_insecure=True)["taken"] == [entry]
    node.write("/etc/sysconfig/docker", f"OPTIONS='-D --insecure-registry={names[0]}'\n")
    node._restart(["docker.service"])
    before = node.tree()
    taken = node.call(remove_insecure=True)
    flag = {"file": "/etc/sysconfig/docker", "variable": "OPTIONS", "value": names[0]}
    assert (taken["taken"], values(node)) == ([flag], [])
    wait = node.call(**INSECURE, insecure_flags=[flag], restart=False)
    assert (wait["restart_needed"], wait["changed"], values(node)) == (True, False, [])
    planned = node.call(**INSECURE, insecure_flags=[flag], check_mode=True)
    done = node.call(**INSECURE, insecure_flags=[flag])
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert done["actions"][0] == f"Put {names[0]} back into OPTIONS in /etc/sysconfig/docker"
    assert (done["changed"], done["restarted"], done["files"]) == (True, True, taken["files"])
    assert (node.tree(), values(node)) == (before, [names[0]])
    assert not node.call(**INSECURE, insecure_flags=[flag])["changed"]
    assert node.call(remove_insecure=True)["taken"] == [flag]


def test_a_flag_that_is_not_on_record_is_put_nowhere(make: Make, names: list[str]) -> None:
    node = make("OPTIONS='-D --insecure-registry={}'\n")
    node.call(remove_insecure=True)
    before = node.tree()
    flags = [{"file": "/etc/sysconfig/docker", "variable": "OPTIONS", "value": value} for value in ("x:1", names[1])]
    done = node.call(**INSECURE, insecure_flags=flags)
    assert (done["changed"], node.tree(), node.state["restarts"]) == (False, before, 1)


def test_docker_that_cannot_have_it_back_is_told(make: Make, names: list[str]) -> None:
    node = make()
    flags = node.call(remove_insecure=True)["taken"]
    before = node.text()
    node.break_docker(without="--never")
    job = node.job(**INSECURE, insecure_flags=flags)
    with pytest.raises(RestartError, match="on them fails too"):
        job.run()
    assert (job.result["unhealthy"], node.text()) == (True, before)


def test_docker_that_does_not_do_well_without_has_nothing_taken(make: Make, names: list[str]) -> None:
    node = make()
    node.break_docker(without=f"--insecure-registry={names[0]}")
    job = node.job(remove_insecure=True)
    with pytest.raises(RestartError, match="docker runs on them again"):
        job.run()
    assert job.result["taken"] == []


def test_who_finishes_a_killed_run_says_what_that_took(
    make: Make, killer: Killer, names: list[str], tmp_path: Path
) -> None:
    seeded = make("OPTIONS='-D --insecure-registry={}'\n")
    flag = {"file": "/etc/sysconfig/docker", "variable": "OPTIONS", "value": names[0]}
    change, killed, finished = 0, True, 0
    while killed:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, remove_insecure=True)
        journal = (node.root / "var/lib/okd-registry/default_docker-registry.restart").exists()
        gone = names[0] not in node.text()
        taken = node.call(remove_insecure=True)["taken"]
        assert taken == ([] if gone and not journal else [flag])
        finished += gone and journal
        node.call(**INSECURE, insecure_flags=[flag])
        assert values(node) == [names[0]]
    assert finished > 1


# ---- on generated files: taken out and put back, the real readers see what they saw before, in another order


@settings(max_examples=max(300, settings.default.max_examples // 4), deadline=None)
@given(raw=env._files)
def test_a_variable_holds_its_flag_again(systemd: Any, raw: bytes) -> None:
    for found in env.envedit.edit(raw, env.ours).removed:
        text = env.remove(raw)
        flag = {"file": "/etc/sysconfig/docker", "variable": found.variable, "value": found.value}
        try:
            back = putback.insert(text, flag, 252)
        except EnvFileError:
            event("refused")
            continue
        event("put back")
        name = found.variable.encode()
        was, now = systemd.load(text), systemd.load(back)
        assert systemd.split(now[name]) == [*systemd.split(was[name]), f"--insecure-registry={found.value}".encode()]
        assert {**now, name: b""} == {**was, name: b""}
        assert putback.insert(back, flag, 252) is back


@settings(max_examples=max(300, settings.default.max_examples // 4), deadline=None)
@given(raw=unit.unit_files())
def test_a_unit_file_holds_its_flag_again(systemd: Any, systemd_units: Any, raw: bytes) -> None:
    for found in unit.unitedit.edit(raw, unit.ours).removed:
        text = unit.remove(raw)
        flag = {"file": DROP_IN, "variable": found.variable, "value": found.value}
        try:
            back = putback.insert(text, flag, 252)
        except EnvFileError:
            event("refused")
            continue
        event("put back")
        was, now = systemd_units.read(text), systemd_units.read(back)
        word = f"--insecure-registry={found.value}".encode()
        flat = [argument for command in now[0] for argument in command] + systemd.split(b" ".join(now[1]))
        assert word in flat or any(entry.endswith(b"=" + word) for entry in now[1]) or len(was[0]) == len(now[0])
        assert putback.insert(back, flag, 252) is back
        assert unit.remove(back) == text or unit.unitedit.meaning(unit.remove(back)) == unit.unitedit.meaning(text)


@settings(max_examples=max(300, settings.default.max_examples // 4), deadline=None)
@given(text=conf.conf_files())
def test_a_registries_conf_holds_its_entry_again(text: str) -> None:
    changed = conf.remove(text.encode())
    for entry in registriesconf.edit(text.encode(), conf.ours).removed:
        back = registriesconf.insert(changed, entry.variable, entry.value)
        event("put back")
        document = tomllib.loads(back.decode())
        assert conf.less_ours(document) == tomllib.loads(changed.decode())
        assert document != tomllib.loads(changed.decode())
        assert registriesconf.insert(back, entry.variable, entry.value) is back


@pytest.mark.parametrize(
    ("raw", "after"),
    [
        (b'{"insecure-registries": []}', b'{"insecure-registries": ["a:1"]}'),
        (b'{"insecure-registries": ["b:1"]}', b'{"insecure-registries": ["b:1","a:1"]}'),
        (
            b'{\n "insecure-registries": [\n  "b:1"\n ]\n}\n',
            b'{\n "insecure-registries": [\n  "b:1",\n  "a:1"\n ]\n}\n',
        ),
    ],
)
def test_daemon_json_holds_its_entry_again(raw: bytes, after: bytes) -> None:
    assert daemonjson.insert(raw, "a:1") == after
    assert daemonjson.insert(after, "a:1") is after


def test_daemon_json_without_its_list_is_told() -> None:
    with pytest.raises(EnvFileError, match="insecure-registries is not there any more"):
        daemonjson.insert(b'{"debug": true}', "a:1")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Insecure flags wherever they stand on a node: units and drop-ins, registries.conf, what is generated from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson, registriesconf
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError, RestartError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Killer, Make

DROP_IN = "/etc/systemd/system/docker.service.d/20-site.conf"
PACKAGED = "/usr/lib/systemd/system/docker.service"
EXEC = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  --insecure-registry {0} \\\n  $OPTIONS\n"


@pytest.fixture
def dropped_in(make: Make, names: list[str]) -> FakeNode:
    """Give a node whose docker has the flag from a drop-in."""
    node = make("OPTIONS=-D\n")
    node.has_units(drop_ins={DROP_IN: EXEC.format(names[0])})
    assert names[0] in node.state["arguments"]
    return node


# ---- unit files


def test_a_flag_in_a_drop_in_goes_with_a_daemon_reload_and_one_restart(
    dropped_in: FakeNode,
    names: list[str],
) -> None:
    node = dropped_in
    assert node.call()["insecure"]["flags"] == [
        {"file": DROP_IN, "line": 4, "variable": "ExecStart", "value": names[0]}
    ]
    planned = node.call(remove_insecure=True, check_mode=True)
    done = node.call(remove_insecure=True)
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert "Have systemd read its unit files anew" in done["actions"]
    assert node.text(DROP_IN) == "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  $OPTIONS\n"
    assert node.state["arguments"] == ["/usr/bin/dockerd", "-D"]
    assert (node.state["restarts"], node.state["daemon_reloads"]) == (1, 1)
    assert not node.call(remove_insecure=True)["changed"]


def test_a_variable_that_a_drop_in_sets_loses_its_flag_and_stays_valid(make: Make, names: list[str]) -> None:
    node = make("A=b\n")
    node.has_units(drop_ins={DROP_IN: f'[Service]\nEnvironment="OPTIONS=--insecure-registry={names[0]}" X=y\n'})
    node.call(remove_insecure=True)
    assert node.text(DROP_IN) == '[Service]\nEnvironment="OPTIONS=" X=y\n'
    assert not [word for word in node.state["arguments"] if "insecure" in word]


def test_a_drop_in_is_put_back_and_read_again_where_docker_does_not_come_up(
    dropped_in: FakeNode,
    names: list[str],
) -> None:
    node = dropped_in
    before, arguments = node.text(DROP_IN), node.state["arguments"]
    node.break_docker(without=names[0])
    with pytest.raises(RestartError, match="docker runs on them again"):
        node.call(remove_insecure=True)
    assert (node.text(DROP_IN), node.state["arguments"]) == (before, arguments)
    assert node.state["daemon_reloads"] == 2


def test_a_packaged_unit_file_is_not_edited_and_the_drop_in_to_write_is_told(
    make: Make,
    names: list[str],
) -> None:
    node = make("OPTIONS=-D\n")
    text = f"[Service]\n# x\nExecStart=/usr/bin/dockerd --insecure-registry={names[0]} $OPTIONS\n"
    node.write(PACKAGED, text)
    node.has_units(PACKAGED)
    said = (
        rf"docker\.service: line 3: --insecure-registry {names[0]} stands in a unit file that is not the "
        r"administrator's.*10-okd-registry\.conf with the lines \[Service\], ExecStart=, "
        r"ExecStart=/usr/bin/dockerd \$OPTIONS, run systemctl daemon-reload"
    )
    with pytest.raises(RefusedError, match=said):
        node.call(remove_insecure=True)
    assert node.text(PACKAGED) == text
    told = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd $OPTIONS\n"
    node.has_units(PACKAGED, {"/etc/systemd/system/docker.service.d/10-okd-registry.conf": told})
    result = node.call(remove_insecure=True)
    assert (result["insecure"]["flags"], node.state["restarts"]) == ([], 0)


def test_a_flag_whose_value_comes_from_another_place_is_refused(make: Make, names: list[str]) -> None:
    node = make(f"OPTIONS=-D\nREG={names[0]}\n")
    node.has_units(drop_ins={DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --insecure-registry=${REG}\n"})
    with pytest.raises(RefusedError, match=f"makes --insecure-registry {names[0]} of parts that stand in different"):
        node.call(remove_insecure=True)


def test_killed_at_any_change_the_drop_in_is_finished_by_the_next_run(
    dropped_in: FakeNode,
    killer: Killer,
    tmp_path: Path,
) -> None:
    seeded = dropped_in
    seeded.call()
    before = seeded.text(DROP_IN)
    change, killed = 0, True
    while killed:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, remove_insecure=True)
        assert node.text(DROP_IN) in (before, "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  $OPTIONS\n")
        node.call(remove_insecure=True)
        assert (node.state["arguments"], node.state["active"]) == (["/usr/bin/dockerd", "-D"], True)
        assert node.state["units"] == node._units(), "systemd does not have what the files say"
        assert not node.call(remove_insecure=True)["changed"]
    assert change > 8


# ---- registries.conf


def test_registries_conf_loses_our_entries_and_nothing_is_restarted(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.write(registriesconf.PATH, f"[registries.insecure]\nregistries = ['{names[0]}', 'x:1'] # site\n")
    second = "/etc/containers/registries.conf.d/50-site.conf"
    node.write(second, f"[[registry]]\nlocation = '{names[1]}/shop'\ninsecure = true # no CA yet\n")
    found = node.call()["insecure"]["flags"]
    assert [(flag["file"], flag["line"], flag["variable"]) for flag in found] == [
        (registriesconf.PATH, 2, "registries.insecure"),
        (second, 3, "insecure"),
    ]
    planned = node.call(remove_insecure=True, restart=False, check_mode=True)
    done = node.call(remove_insecure=True, restart=False)
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert done["actions"] == [
        f"Take {names[0]} out of registries.insecure in {registriesconf.PATH}",
        f"Set insecure = false for {names[1]}/shop in {second}, line 3",
    ]
    assert node.text(registriesconf.PATH) == "[registries.insecure]\nregistries = ['x:1'] # site\n"
    assert node.text(second) == f"[[registry]]\nlocation = '{names[1]}/shop'\ninsecure = false # no CA yet\n"
    assert (node.state["restarts"], done["restart_needed"]) == (0, False)
    assert not node.call(remove_insecure=True)["changed"]


def test_cri_o_is_reloaded_where_it_runs(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node._save(other_units=["crio.service"])
    node.write(registriesconf.PATH, f'[[registry]]\nprefix = "{names[0]}"\ninsecure = true\n')
    assert "Reload CRI-O, which reads registries.conf anew then" in node.call(remove_insecure=True)["actions"]
    assert node.state["crio_reloads"] == 1
    assert not node.call(remove_insecure=True)["changed"]
    assert node.state["crio_reloads"] == 1


def test_flags_that_registries_service_makes_go_with_their_source_and_one_restart(
    make: Make,
    names: list[str],
) -> None:
    node = make("OPTIONS=-D\n")
    node.write(registriesconf.PATH, f"[registries.insecure]\nregistries = ['x:1', '{names[0]}']\n")
    node._save(more_files=[registriesconf.GENERATED], other_units=["registries.service"])
    node._save(exec="/usr/bin/dockerd $OPTIONS $REGISTRIES")
    node._make_registries()
    node.has_units(drop_ins={DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd $OPTIONS $REGISTRIES\n"})
    assert names[0] in node.state["arguments"]
    planned = node.call(remove_insecure=True, check_mode=True)
    done = node.call(remove_insecure=True)
    assert [action for action in planned["actions"] if "CA for" not in action] == [
        f"Take --insecure-registry {names[0]} out of REGISTRIES in {registriesconf.GENERATED}",
        f"Take {names[0]} out of registries.insecure in {registriesconf.PATH}",
        f"Have registries.service make {registriesconf.GENERATED} anew",
        "Restart docker, which does not run as its files now say",
    ]
    assert planned["actions"] == done["actions"]
    assert node.state["arguments"] == ["/usr/bin/dockerd", "-D", "--insecure-registry", "x:1"]
    assert node.state["restarts"] == 1
    assert not node.call(remove_insecure=True)["changed"]


def test_registries_conf_is_put_back_and_made_anew_where_docker_does_not_come_up(
    make: Make,
    names: list[str],
) -> None:
    node = make("OPTIONS=-D\n")
    node.write(registriesconf.PATH, f"[registries.insecure]\nregistries = ['{names[0]}']\n")
    node._save(more_files=[registriesconf.GENERATED], other_units=["registries.service"])
    node._make_registries()
    node.has_units(drop_ins={DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd $OPTIONS $REGISTRIES\n"})
    before = node.text(registriesconf.PATH), node.text(registriesconf.GENERATED)
    node.break_docker(without=names[0])
    with pytest.raises(RestartError, match="docker runs on them again"):
        node.call(remove_insecure=True)
    assert (node.text(registriesconf.PATH), node.text(registriesconf.GENERATED)) == before


def test_a_registries_conf_that_cannot_be_read_is_refused_only_where_it_names_us(
    make: Make,
    names: list[str],
) -> None:
    node = make("OPTIONS=-D\n")
    node.write(registriesconf.PATH, "registries:\n  - x:1\ninsecure_registries:\n  - y:1\n")
    node.call(remove_insecure=True)
    before = f"registries:\n  - x:1\ninsecure_registries:\n  - {names[0]}\n"
    node.write(registriesconf.PATH, before)
    with pytest.raises(RefusedError, match=r"registries\.conf: line 1: this is not TOML as registries\.conf has it"):
        node.call(remove_insecure=True)
    assert node.text(registriesconf.PATH) == before


# ---- networks, in every format


WIDE = "127.0.0.0/16"
# Where a network may stand: the file, its text, and what is left of that without the network
NETWORKS = {
    "variable": ("/etc/sysconfig/docker", f"OPTIONS='--insecure-registry={WIDE} -D'\n", "OPTIONS='-D'\n"),
    "drop-in": (DROP_IN, EXEC.format(WIDE), "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  $OPTIONS\n"),
    "daemon.json": (daemonjson.PATH, f'{{"insecure-registries": ["{WIDE}"]}}', '{"insecure-registries": []}'),
    "list": (
        registriesconf.PATH,
        f"[registries.insecure]\nregistries = ['{WIDE}']\n",
        "[registries.insecure]\nregistries = []\n",
    ),
    "wildcard": (
        registriesconf.PATH,
        "[[registry]]\nprefix = '*.0.0.1'\ninsecure = true\n",
        "[[registry]]\nprefix = '*.0.0.1'\ninsecure = false\n",
    ),
}


@pytest.mark.parametrize("where", NETWORKS)
@pytest.mark.parametrize("choice", ["keep", "remove", "fail"])
def test_a_network_is_kept_removed_or_refused_wherever_it_stands(make: Make, where: str, choice: str) -> None:
    path, text, less = NETWORKS[where]
    node = make(text if where == "variable" else "OPTIONS=-D\n")
    if where == "drop-in":
        node.has_units(drop_ins={path: text})
    elif where == "daemon.json":
        node.configure([WIDE])
    node.write(path, text)
    if choice == "fail":
        with pytest.raises(RefusedError, match=r"the network .* covers"):
            node.call(remove_insecure=True, insecure_networks=choice)
        assert node.text(path) == text
        return
    result = node.call(remove_insecure=True, insecure_networks=choice)
    assert [found["file"] for found in result["insecure"]["networks"]] == [path]
    if choice == "keep":
        assert (node.text(path), node.state["restarts"]) == (text, 0)
    else:
        assert node.text(path) == less
        assert not node.call(remove_insecure=True, insecure_networks=choice)["changed"]

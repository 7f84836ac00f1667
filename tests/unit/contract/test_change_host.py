# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of the Route's host, by variables and by what the cluster has: what is refused, which Routes go or stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from collection import NAME, ROOT, load_yaml
from evaluated import run

TASKS = ROOT / "roles/registry_route/tasks"
NEW, OLD, HAND, OTHER = "new.example.com", "old.example.com", "registry.example.com", "example.com"


def route(name: str, host: str, *, ours: bool = True, termination: str = "passthrough") -> dict[str, Any]:
    """A Route as registry_info tells it."""
    told = {"name": name, "namespace": "default", "host": host, "termination": termination, "ours": ours}
    return {**told, "allow_ips": [], "timeout": None}


OURS, THEIRS = route("docker-registry", OLD), route("registry", HAND, ours=False)
BEYOND = route("console", OTHER, ours=False, termination="reencrypt")


def changing(*routes: dict[str, Any], node_ca: bool = False, **variables: Any) -> dict[str, Any]:
    """A control host's variables, with what the cluster has."""
    read = {
        "registry": {"name": "docker-registry", "namespace": "default"}, "routes": [*routes], "node_ca": node_ca,
        "layout": {"name": "oadm"}, "workload": {"kind": "Deployment"}, "certificate_secret": "registry-secret",
    }  # fmt: skip
    return {
        "registry_route_host": NEW,
        **variables,
        "registry_cluster_read": read,
        "__registry_trust_agent_there": False,
    }


GONE = f"No longer as {OLD}"
STILL = f"And still as {OLD}, until this is run without registry_route_keep_before"


def stays(*hosts: str, name: str, asked: list[str]) -> str:
    """How the report begins, and ends, where Routes stay of which nothing was said."""
    return f"And still as {', '.join(hosts)}, for nobody has said that Route {name} is to go… -e '" + (
        json.dumps({"registry_route_hosts_before": asked}) + "'; or delete it by hand"
    )


#: Of each case the names of the Routes that go and what the report says of others, or a part of the refusal.
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "ours": (changing(OURS, BEYOND), (["docker-registry"], [GONE])),
    "nothing": (changing(route("docker-registry", NEW)), ([], [])),
    "theirs-stays": (
        changing(OURS, THEIRS, BEYOND),
        (["docker-registry"], [GONE, stays(HAND, name="registry", asked=[OLD, HAND])]),
    ),
    "theirs-alone": (changing(THEIRS), ([], [stays(HAND, name="registry", asked=[HAND])])),
    "theirs-named": (
        changing(OURS, THEIRS, registry_route_hosts_before=[OLD, HAND]),
        (["docker-registry", "registry"], [f"{GONE}, {HAND}"]),
    ),
    "as-text": (
        changing(OURS, THEIRS, registry_route_hosts_before=f"{OLD}, {HAND}"),
        (["docker-registry", "registry"], [f"{GONE}, {HAND}"]),
    ),
    "part-of-a-host": (
        changing(route("a", OTHER, ours=False), OURS, registry_route_hosts_before=OLD),
        (["docker-registry"], [GONE, stays(OTHER, name="a", asked=[OLD, OTHER])]),
    ),
    "none-named": (
        changing(OURS, registry_route_hosts_before=[]),
        ([], [stays(OLD, name="docker-registry", asked=[OLD])]),
    ),
    "kept": (changing(OURS, registry_route_keep_before=True), (["docker-registry"], [STILL])),
    "kept-no-more": (changing(OURS, registry_route_keep_before="false"), (["docker-registry"], [GONE])),
    "empty-name": (changing(OURS, registry_route_name=""), (["docker-registry"], [GONE])),
    "name": (changing(OURS, registry_route_name="registry"), "one Route of a fixed name cannot lead"),
    "node-ca": (changing(OURS, node_ca=True), "OpenShift 4 itself places the CA"),
    "node-ca-as-text": (
        changing(OURS, node_ca=True, registry_trust_write_nodes="false"), "OpenShift 4 itself places the CA",
    ),
    "node-ca-and-nodes": (
        changing(OURS, node_ca=True, registry_trust_write_nodes="true"), (["docker-registry"], [GONE]),
    ),
}  # fmt: skip


def tasks(name: str) -> list[dict[str, Any]]:
    """A file's tasks, without those that ask the cluster, and with a note in the place of what is printed."""
    found = [task for task in load_yaml(TASKS / name) if "ansible.builtin.include_role" not in task]
    for task in found:
        said = task.pop("ansible.builtin.debug", None)
        task.update({"ansible.builtin.set_fact": {"said": said["msg"]}} if said else {})
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of every case: of all of them in one run."""
    hosts = {name: variables for name, (variables, _told) in CASES.items()}
    note = "{{ [__registry_route_old | map(attribute='name') | sort, said[1:]] }}"
    return run(
        tmp_path_factory.mktemp("change"),
        json.loads(json.dumps(hosts)),
        [*tasks("before.yml"), *tasks("report.yml")],
        note,
    )


@pytest.mark.parametrize("name", CASES)
def test_which_routes_go_and_which_stay(told: dict[str, Any], name: str) -> None:
    expected, found = CASES[name][1], told[name]
    if isinstance(expected, str):
        assert expected in found
        return
    going, said = expected
    assert found[0] == going
    assert len(found[1]) == len(said), found
    for line, wanted in zip(found[1], said, strict=True):
        begin, *end = wanted.split("…")
        assert line.startswith(begin), line
        assert all(each in line for each in end), line


def test_a_route_beside_the_old_one_is_made_without_a_name_alone(tmp_path: Path) -> None:
    """An empty name is none, here as for the module: by the old Route alone, the old host would be gone at once."""
    (made,) = load_yaml(TASKS / "route.yml")
    beside = {"ansible.builtin.set_fact": {"beside": made[f"{NAME}.registry_route"]["beside"], "here": True}}
    hosts = {
        "plain": {"registry_route_host": NEW}, "empty": {"registry_route_host": NEW, "registry_route_name": ""},
        "named": {"registry_route_host": NEW, "registry_route_name": "registry"},
        "ingress": {"registry_route_host": NEW, "registry_route_kind": "ingress"},
        "no-host": {"registry_route_host": ""},
    }  # fmt: skip
    found = run(tmp_path, hosts, [beside], "{{ beside | default('left out') }}")
    assert found == {
        "plain": True, "empty": True, "named": "left out", "no-host": "left out", "ingress": "left out",
    }  # fmt: skip


def test_a_route_goes_only_by_the_host_that_it_had() -> None:
    (retired,) = load_yaml(TASKS / "retire.yml")
    arguments = retired[f"{NAME}.registry_route"]
    assert (arguments["route_name"], arguments["route_host"], arguments["state"]) == (
        "{{ __registry_route_gone.name }}", "{{ __registry_route_gone.host }}", "absent",
    )  # fmt: skip

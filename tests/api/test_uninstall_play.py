# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uninstall.yml as it stands, on a real API server: what it asks for, what goes in which case, and what stays.

Of the nodes only words are there: a program has for each of them a file that stands for what the registry has there.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import nodes, scc
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_htpasswd,
    registry_node,
    registry_route,
    registry_service,
    registry_trust_agent,
)
from ansible_collections.okd.registry.tests.api.kubelet import ready

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("cleared")]
ROOT = Path(__file__).resolve().parents[2]
NAME = "docker-registry"
COMMAND = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.yml", "book.yml"]
Object = dict[str, Any]
# Stands for registry_trust on a host: gets its name beside the options, and removes its file, of which there is one for
# each record. On a host that is broken it fails.
STAND_IN = """#!/usr/bin/python
import json, pathlib
from ansible.module_utils.basic import _load_params

options = _load_params()
folder, host = pathlib.Path(options["folder"]), options["host"]
assert options["state"] == "absent", options
outside = options["registry"].endswith(".route")
trusted, flag = folder / (host + (".outside" if outside else ".trusted")), folder / (host + ".flag")
if (folder / (host + ".broken")).exists():
    print(json.dumps({"failed": True, "msg": "the record of this host cannot be read"}))
    raise SystemExit(1)
waits = not outside and options.get("restore_insecure", False) and flag.exists() and not options.get("restart", True)
name = "router" if outside else "r.example"
here = trusted.exists() and not waits
actions = [f"Remove /etc/docker/certs.d/{name}/ca.crt: not wanted any more"] if here else []
if not options["_ansible_check_mode"] and actions:
    trusted.unlink()
    flag.unlink(missing_ok=True)
if not outside:
    with (folder / "calls").open("a") as log:
        print(host, "looks" if options["_ansible_check_mode"] else "acts", file=log)
print(json.dumps({"changed": bool(actions), "actions": actions, "restart_needed": waits, "restarted": False}))
raise SystemExit(0)
"""


class Installed:
    """A registry with all that belongs to it, three nodes that trust it, and uninstall.yml."""

    def __init__(self, run: Any, api: Api, kubeconfig: str, namespace: str, folder: Path) -> None:
        """Deploy a registry as site.yml does."""
        self.run, self.api, self.kubeconfig, self.namespace, self.folder = run, api, kubeconfig, namespace, folder
        self.whose = f"{namespace}/{NAME}"
        self.hosts = dict.fromkeys(("a", "b", "c"), "local")
        self.clients: dict[str, str] = {}
        ca = {"cert_path": str(folder / "ca.crt"), "key_path": str(folder / "ca.key"), "create": True}
        storage = {"kind": "host_path", "path": "/srv/registry", "node": f"node-a.{namespace}"}
        for result in (
            run(registry_service), run(registry_cert, ca=ca, route_host="r.example"),
            run(registry_route, route_host="r.example", wait=False),
            run(
                registry_deploy, image="registry:3", tls_secret="registry-secret", storage=storage, wait=False,
                probe_storage=False,
            ),
        ):  # fmt: skip
            assert not result.get("failed"), result
        for name in self.hosts:
            api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{name}.{namespace}"}})
            ready(api, f"node-{name}.{namespace}", well=True)
            (folder / f"{name}.trusted").touch()
        self.playbook()

    def playbook(self) -> None:
        """Make copies of the roles that work on nodes, with the stand-in."""
        (self.folder / "library").mkdir()
        (self.folder / "library/stand_in.py").write_text(STAND_IN)
        book = (ROOT / "playbooks/uninstall.yml").read_text()
        more = ('host: "{{ inventory_hostname }}"', f"folder: {self.folder}")
        for role in ("registry_trust", "registry_uninstall"):
            copied = self.folder / "roles" / role
            for part in ("tasks", "vars"):
                shutil.copytree(ROOT / "roles" / role / part, copied / part)
            for path in (copied / "tasks").glob("*.yml"):
                lines = []
                text = path.read_text().replace("name: okd.registry.registry_trust\n", "name: registry_trust\n")
                for line in text.splitlines():
                    ours = line.strip() == "okd.registry.registry_trust:"
                    indent = " " * (len(line) - len(line.lstrip()))
                    lines += [f"{indent}stand_in:", *(f"{indent}  {one}" for one in more)] if ours else [line]
                path.write_text("\n".join(lines) + "\n")
            book = book.replace(f"okd.registry.{role}\n", f"{role}\n")
        (self.folder / "book.yml").write_text(book)

    def inventory(self) -> None:
        """Write down how the hosts are reached now."""
        groups: Object = {"registry_control": {"hosts": {"localhost": {"ansible_connection": "local"}}}}
        for group, hosts in (("registry_nodes", self.hosts), ("registry_clients", self.clients)):
            local = {"ansible_host": "127.0.0.1", "ansible_port": 1}
            members = {
                name: {"ansible_connection": how, "registry_node_name": f"node-{name}.{self.namespace}", **local}
                for name, how in hosts.items()
            }
            groups.update({group: {"hosts": members}} if members else {})
        known = {
            "ansible_python_interpreter": sys.executable, "registry_kubeconfig": self.kubeconfig,
            "registry_namespace": self.namespace,
        }  # fmt: skip
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"vars": known, "children": groups}}))

    def play(self, *arguments: str, **variables: Any) -> tuple[int, str]:
        """Run uninstall.yml; give its status, and what it printed in one line."""
        self.inventory()
        (self.folder / "calls").write_text("")
        said = [word for one in variables.items() for word in ("-e", json.dumps(dict([one])))]
        done = subprocess.run(
            [*COMMAND, *arguments, *said],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def confirmed(self, *arguments: str, **variables: Any) -> tuple[int, str]:
        """The same with the word that it is meant."""
        return self.play(*arguments, registry_uninstall_confirm=self.whose, **variables)

    def killed(self, task: str) -> None:
        """Run it confirmed, and kill it while a task is at work; what comes before that only looks."""
        program = [*COMMAND, "-e", f"registry_uninstall_confirm={self.whose}"]
        with subprocess.Popen(
            program,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            lines = iter(process.stdout)
            assert any("PLAY [The registry goes]" in line for line in lines)
            assert any(line.startswith("TASK") and task in line for line in lines), task
            time.sleep(random.Random(task).uniform(0, 0.8))
            os.killpg(process.pid, signal.SIGKILL)

    def there(self) -> list[str]:
        """The kinds of what is there of the registry in the cluster."""
        refs = [
            ObjectRef("apps.openshift.io/v1", "DeploymentConfig", NAME, self.namespace),
            ObjectRef("route.openshift.io/v1", "Route", NAME, self.namespace),
            ObjectRef("v1", "ServiceAccount", "registry", self.namespace),
            ObjectRef("v1", "Secret", "registry-secret", self.namespace),
            ObjectRef("v1", "ConfigMap", f"{NAME}-ca", self.namespace),
            ObjectRef("v1", "Service", NAME, self.namespace),
            ObjectRef("apps/v1", "DaemonSet", f"{NAME}-trust-agent", self.namespace),
        ]
        found = [ref.kind for ref in refs if self.api.get(ref) is not None]
        users = (self.api.get(scc.REF) or {}).get("users") or []
        return found + (["user of the SCC"] if f"system:serviceaccount:{self.namespace}:registry" in users else [])

    def trusting(self) -> list[str]:
        """The hosts that have files of the registry; those for its router are told with a star."""
        names = [*self.hosts, *self.clients]
        marks = [(name, end, mark) for name in names for end, mark in (("trusted", ""), ("outside", "*"))]
        return [name + mark for name, end, mark in marks if (self.folder / f"{name}.{end}").exists()]

    def calls(self) -> list[str]:
        """What was asked of the nodes in the last run."""
        return sorted((self.folder / "calls").read_text().splitlines())

    def remove(self) -> None:
        """Leave nothing that is in no namespace."""
        for name in self.hosts:
            self.api.delete(nodes.ref(f"node-{name}.{self.namespace}"))
        self.run(registry_deploy, state="absent", allow_data_loss=True)


ALL = ["DeploymentConfig", "Route", "ServiceAccount", "Secret", "ConfigMap", "Service", "user of the SCC"]


@pytest.fixture
def installed(run: Any, admin: Api, kubeconfig: str, namespace: str, tmp_path: Path) -> Iterator[Installed]:
    """A registry, and three nodes."""
    for stray in admin.list("v1", "Node"):
        admin.delete(ObjectRef.of(stray))
    made = Installed(run, admin, kubeconfig, namespace, tmp_path)
    yield made
    made.remove()


def test_unconfirmed_nothing_is_touched_and_all_that_would_go_is_named(installed: Installed) -> None:
    assert installed.there() == ALL
    for word in ({}, {"registry_uninstall_confirm": "default/other"}):
        status, said = installed.play(**word)
        assert status != 0
        assert (installed.there(), installed.trusting()) == (ALL, ["a", "b", "c"])
        where = installed.namespace
        for name in (f"DeploymentConfig {where}/{NAME}", f"Route {where}/{NAME}", f"Secret {where}/registry-secret"):
            assert name in said, said
        assert "From 3 hosts (a, b, c): /etc/docker/certs.d/r.example/ca.crt." in said
        assert f"-e registry_uninstall_confirm={installed.whose}" in said
        assert "The Service stays" in said
        assert installed.calls() == ["a looks", "b looks", "c looks"]
    assert "registry_uninstall_confirm says default/other, and not that the registry" in said


def test_a_check_run_needs_no_word_and_does_nothing(installed: Installed) -> None:
    status, said = installed.play("--check")
    assert status == 0, said
    assert "From the cluster: " in said
    assert f"DeploymentConfig {installed.namespace}/{NAME}, " in said
    assert (installed.there(), installed.trusting()) == (ALL, ["a", "b", "c"])


def test_there_and_away_and_nothing_left_to_do(installed: Installed) -> None:
    status, said = installed.confirmed()
    assert status == 0, said
    assert (installed.there(), installed.trusting()) == (["Service"], [])
    status, said = installed.confirmed()
    assert status == 0
    assert said.count("changed=0") == 4, said
    assert "Nothing of it was left." in said


def test_a_node_that_is_not_reached_is_named(installed: Installed) -> None:
    """The next run that reaches it finishes: see the tests of clients, and of no host at all."""
    installed.hosts["b"] = "ssh"
    status, said = installed.play()
    assert status != 0
    assert "Not seen: b: could not be reached" in said
    status, said = installed.confirmed()
    assert status != 0
    assert "not all that was made for it: b: could not be reached" in said
    assert (installed.there(), installed.trusting()) == (["Service"], ["b"])


@pytest.mark.parametrize(
    ("broken", "clients"), [(False, {"d": "local"}), (True, {})], ids=["clients, too, away", "nodes, broken"]
)
def test_where_no_host_comes_along_the_report_tells_it_all_the_same(
    installed: Installed, broken: bool, clients: dict[str, str]
) -> None:
    """Ansible ends a run in which all hosts of a play have failed, and the registry is gone by then."""
    installed.clients = clients
    hosts = [*installed.hosts, *clients]
    for name in hosts:
        (installed.folder / f"{name}.trusted").touch()
        (installed.folder / f"{name}.broken").touch()
    if not broken:
        installed.hosts, installed.clients = dict.fromkeys(installed.hosts, "ssh"), dict.fromkeys(clients, "ssh")
    status, said = installed.confirmed()
    assert status != 0
    assert "From the cluster: " in said, said
    assert f"DeploymentConfig {installed.namespace}/{NAME}, " in said
    why = "failed: the record of this host cannot be read" if broken else "could not be reached"
    left = said[said.index("not all that was made for it: ") :]
    assert [name for name in hosts if f"{name}: {why}" not in left] == [], said
    assert (installed.there(), installed.trusting()) == (["Service"], hosts)
    for name in hosts:
        (installed.folder / f"{name}.broken").unlink()
    installed.hosts, installed.clients = dict.fromkeys(installed.hosts, "local"), dict.fromkeys(clients, "local")
    status, said = installed.confirmed()
    assert (status, installed.trusting()) == (0, []), said


def test_one_node_by_limit_that_is_away_is_named(installed: Installed) -> None:
    installed.hosts["c"] = "ssh"
    status, said = installed.confirmed("--limit", "localhost,c")
    assert status != 0
    assert "c: could not be reached" in said, said
    assert "a: an earlier step failed there, or --limit left it out of this run" in said
    assert (installed.there(), installed.trusting()) == (["Service"], ["a", "b", "c"])


def test_a_node_that_is_not_reached_stays_cordoned(installed: Installed) -> None:
    """As an interrupted run has left it: nobody has seen how it is."""
    cordoned = {name: nodes.ref(f"node-{name}.{installed.namespace}") for name in ("a", "b", "c")}
    for ref in cordoned.values():
        assert installed.run(registry_node, nodes=[ref.name], state="cordoned")["changed"]
    installed.hosts["a"] = "ssh"
    (installed.folder / "c.broken").touch()
    status, said = installed.confirmed()
    assert status != 0
    left = {name for name, ref in cordoned.items() if nodes.is_cordoned(installed.api.get(ref) or {})}
    assert left == {"a", "c"}, said


def test_clients_and_what_was_placed_for_a_router_go_too(installed: Installed) -> None:
    installed.clients = {"d": "local", "a": "local"}
    for name in ("d.trusted", "d.outside", "b.outside"):
        (installed.folder / name).touch()
    status, said = installed.play()
    assert status != 0
    assert "From 2 hosts (a, c): /etc/docker/certs.d/r.example/ca.crt." in said
    both = "/etc/docker/certs.d/r.example/ca.crt, /etc/docker/certs.d/router/ca.crt."
    assert f"From 2 hosts (b, d): {both}" in said
    assert installed.trusting() == ["a", "b", "b*", "c", "d", "d*", "a"]
    assert installed.calls() == ["a looks", "b looks", "c looks", "d looks"]
    installed.clients = {"d": "ssh"}
    status, said = installed.confirmed()
    assert status != 0
    assert "not all that was made for it: d: could not be reached" in said
    assert installed.trusting() == ["d", "d*"]
    installed.clients = {"d": "local"}
    status, said = installed.confirmed()
    assert (status, installed.trusting()) == (0, []), said
    assert f"From 1 host (d): {both}" in said


def test_users_of_its_own_and_what_opened_it_to_the_outside_go_too(installed: Installed) -> None:
    users = [{"name": "ci", "password": "not a secret"}]
    for made in (
        installed.run(registry_htpasswd, users=users, cost=4),
        installed.run(registry_route, kind="node_port", route_name="doors", wait=False),
    ):
        assert made["changed"], made
    doors = ObjectRef("v1", "Service", "doors", installed.namespace)
    status, said = installed.confirmed(registry_uninstall_users=False)
    assert (status, installed.there()) == (0, ["Secret", "Service"]), said
    assert installed.api.get(doors) is None
    assert f"Service {installed.namespace}/doors" in said
    status, said = installed.confirmed()
    assert (status, installed.there()) == (0, ["Service"]), said
    assert f"From the cluster: Secret {installed.namespace}/registry-secret." in said


def test_a_node_that_cannot_tell_what_it_has_is_named(installed: Installed) -> None:
    (installed.folder / "b.broken").touch()
    status, said = installed.play()
    assert status != 0
    assert "From 2 hosts (a, c): " in said
    assert "Not seen: b: failed: the record of this host cannot be read" in said
    status, said = installed.confirmed()
    assert status != 0
    assert "not all that was made for it: b: failed: the record of this host cannot be read" in said
    assert installed.trusting() == ["b"]


def test_nodes_alone_are_refused_as_long_as_the_registry_is_there(installed: Installed) -> None:
    for word in ({}, {"registry_uninstall_confirm": installed.whose}):
        status, said = installed.play("--limit", "a,b", **word)
        assert status != 0
        assert "leave --limit out, or name localhost in it, too" in said
        assert (installed.there(), installed.trusting()) == (ALL, ["a", "b", "c"])


def test_the_service_goes_where_that_is_said(installed: Installed) -> None:
    status, said = installed.confirmed(registry_uninstall_service=True)
    assert (status, installed.there()) == (0, []), said


def test_images_in_the_pods_keep_all_as_it_is(installed: Installed, settle: Any) -> None:
    installed.run(registry_deploy, state="absent")
    made = installed.run(
        registry_deploy, image="registry:3", tls_secret="registry-secret", storage={"kind": "ephemeral"}, wait=False
    )
    assert not made.get("failed"), made
    settle()
    before = installed.there()
    status, said = installed.confirmed()
    assert status != 0
    assert "state: absent takes it away" in said
    assert (installed.there(), installed.trusting(), installed.calls()) == (before, ["a", "b", "c"], [])
    status, said = installed.confirmed(registry_allow_data_loss=True)
    assert (status, installed.there(), installed.trusting()) == (0, ["Service"], []), said


def test_an_agent_that_cannot_clean_up_stays_alone_and_is_named(installed: Installed) -> None:
    """No controller runs here, so that no node ever answers; without nodes there is nothing left to wait for."""
    made = installed.run(registry_trust_agent, image="python:3", wait=False)
    assert not made.get("failed"), made
    status, said = installed.confirmed(registry_trust_agent_timeout=1)
    assert status != 0
    assert f"DaemonSet {installed.namespace}/{NAME}-trust-agent: files of the registry are still on some nodes" in said
    assert (installed.there(), installed.trusting()) == (["Service", "DaemonSet"], [])


def test_flags_come_back_with_restarts_one_at_a_time(installed: Installed) -> None:
    for name in ("a", "c"):
        (installed.folder / f"{name}.flag").touch()
    status, said = installed.confirmed(registry_trust_restore_insecure=True)
    assert status == 0, said
    assert installed.calls() == ["a acts", "a acts", "b acts", "c acts", "c acts"]
    assert installed.trusting() == []


# Of those that have something to do here; at the end, nothing is left but to say so.
STEPS = (
    "Take the registry and its rights away", "Expose it no longer", "Take its certificate away",
    "Take away what was placed on this node", "Say what has gone",
)  # fmt: skip


def test_killed_in_every_step_the_next_run_finishes(installed: Installed) -> None:
    """One chain: each run is killed a step later than the one before, which has left what it left."""
    installed.inventory()
    for step in STEPS:
        installed.killed(step)
    status, said = installed.confirmed()
    assert (status, installed.there(), installed.trusting()) == (0, ["Service"], []), said

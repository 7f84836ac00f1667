# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""trust.yml as it stands, on a real API server: what becomes of the Nodes while their docker is restarted.

Of the nodes themselves only words are there: a program says, and does, what the test wants of each.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import nodes
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._status import Request

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]
# Stands for registry_trust on a node: gets the host's name and kubeconfig beside the options, says what state.json has
# for the host, and writes down whether the Node is out of service.
STAND_IN = """#!/usr/bin/python
import json, pathlib
from ansible.module_utils.basic import _load_params
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import nodes
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._status import Request

options = _load_params()
folder, host = pathlib.Path(options["folder"]), options["host"]
state = json.loads((folder / "state.json").read_text())[host]
api = Api(lambda: connect({"kubeconfig": options["kubeconfig"]}))
flag = folder / (host + ".flag")

def well(node, status):
    ref = nodes.ref(node)
    asked = Request("patch", str(ref), resource="nodes/status", name=node)
    body = {"status": {"conditions": [{"type": "Ready", "status": status}]}}
    api._send("PATCH", ref.path + "/status", asked, body=body, content_type="application/merge-patch+json")

restarts = options.get("restart", True)
with (folder / "calls").open("a") as log:
    said = [host, options.get("state", "present"), options.get("restore_insecure", False), restarts]
    print(json.dumps(said), file=log)
result = {"changed": False, "restart_needed": flag.exists(), "restarted": False}
taken = [{"file": "/etc/sysconfig/docker", "variable": "OPTIONS", "value": host}]
if options.get("state") == "insecure":
    assert options["insecure_flags"] == taken, options
    if "refuses" in state:
        result.update(failed=True, msg=state["refuses"], unhealthy=True)
    else:
        flag.touch()
        result.update(changed=True, restarted=True, actions=["Put the flag back", "Restart docker"])
        if state.get("needs"):
            well(options["node"], "True")
elif restarts:
    node = api.get(nodes.ref(options["node"]))
    with (folder / "restarts").open("a") as log:
        print(host, nodes.is_cordoned(node), file=log)
    if "fails" in state:
        result.update(failed=True, msg=state["fails"], unhealthy=state.get("unhealthy", False))
    else:
        flag.unlink()
        if "breaks" in state:
            well(state["breaks"], "False")
        result.update(changed=True, restarted=True, restart_needed=False, taken=taken)
elif state.get("goes"):
    (folder / (host + ".connection")).write_text("ssh")
print(json.dumps(result))
raise SystemExit(0)
"""


class Cluster:
    """A cluster with a registry, three Nodes, and trust.yml for them."""

    def __init__(self, api: Api, kubeconfig: str, namespace: str, folder: Path) -> None:
        """Make what trust.yml reads."""
        self.api, self.kubeconfig, self.namespace, self.folder = api, kubeconfig, namespace, folder
        self.hosts = {name: f"node-{name}.{namespace}" for name in ("a", "b", "c")}
        self.state: Object = {name: {} for name in self.hosts}
        meta = {"name": "docker-registry", "namespace": namespace}
        ports = [{"port": 5000}]
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})
        ca = {"name": "docker-registry-ca", "namespace": namespace}
        api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": ca, "data": {"ca.crt": "PEM"}})
        for number, name in enumerate(self.hosts.values()):
            api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
            self.status(name, {"addresses": [{"type": "InternalIP", "address": f"127.0.0.{number + 10}"}]})
            self.well(name)
        (folder / "library").mkdir()
        (folder / "library/stand_in.py").write_text(STAND_IN)
        for part in ("tasks", "vars"):
            shutil.copytree(ROOT / "roles/registry_trust" / part, folder / "roles/trust" / part)
        shutil.copy(ROOT / "playbooks/trust_agent.yml", folder)
        more = (
            'host: "{{ inventory_hostname }}"',
            'node: "{{ node }}"',
            f"folder: {folder}",
            f"kubeconfig: {kubeconfig}",
        )
        for path in (folder / "roles/trust/tasks").glob("*.yml"):
            lines = []
            for line in path.read_text().splitlines():
                ours = line.strip() == "okd.registry.registry_trust:"
                indent = " " * (len(line) - len(line.lstrip()))
                lines += [f"{indent}stand_in:", *(f"{indent}  {one}" for one in more)] if ours else [line]
            path.write_text("\n".join(lines) + "\n")
        book = (ROOT / "playbooks/trust.yml").read_text().replace("okd.registry.registry_trust", "trust")
        (folder / "book.yml").write_text(book)

    def status(self, node: str, content: Object) -> None:
        """Play the kubelet's part."""
        ref = nodes.ref(node)
        asked = Request("patch", str(ref), resource="nodes/status", name=node)
        kind = "application/merge-patch+json"
        self.api._send("PATCH", f"{ref.path}/status", asked, body={"status": content}, content_type=kind)

    def well(self, node: str, well: str = "True") -> None:
        """Have a Node be ready, or not."""
        self.status(node, {"conditions": [{"type": "Ready", "status": well}]})

    def flags(self, *hosts: str) -> None:
        """Have docker run with the flag on some hosts."""
        for host in hosts:
            (self.folder / f"{host}.flag").touch()

    def flagged(self) -> list[str]:
        """The hosts whose docker runs with the flag."""
        return sorted(path.stem for path in self.folder.glob("*.flag"))

    def inventory(self) -> Object:
        hosts = {
            name: {
                "ansible_host": f"127.0.0.{number + 10}", "node": node, "ansible_port": 1,
                "ansible_connection": f"{{{{ lookup('ansible.builtin.file', '{self.folder}/{name}.connection') }}}}",
            }
            for number, (name, node) in enumerate(self.hosts.items())
        }  # fmt: skip
        variables = {
            "ansible_python_interpreter": sys.executable,
            "registry_kubeconfig": self.kubeconfig,
            "registry_namespace": self.namespace,
        }
        groups = {
            "registry_control": {"hosts": {"localhost": {"ansible_connection": "local"}}},
            "registry_nodes": {"hosts": hosts},
        }
        return {"all": {"vars": variables, "children": groups}}

    def play(self, **variables: Any) -> tuple[int, str]:
        """Run trust.yml; give its status, and what it printed in one line."""
        for name in self.hosts:
            (self.folder / f"{name}.connection").write_text("local")
        (self.folder / "state.json").write_text(json.dumps(self.state))
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(self.inventory()))
        for log in ("restarts", "calls"):
            (self.folder / log).write_text("")
        arguments = [word for one in variables.items() for word in ("-e", json.dumps(dict([one])))]
        limit = arguments_for_limit(variables)
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "-i", "inventory.yml", "book.yml", *limit, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def restarts(self) -> list[tuple[str, bool]]:
        """Who was restarted in the last run, in order, and whether the Node was out of service then."""
        lines = (self.folder / "restarts").read_text().split("\n")
        return [(host, cordoned == "True") for host, cordoned in (line.split() for line in lines if line)]

    def calls(self) -> list[list[Any]]:
        """What was asked of the nodes in the last run: host, state, whether flags come back, whether with restarts."""
        return sorted(json.loads(line) for line in (self.folder / "calls").read_text().splitlines())

    def cordon(self, host: str) -> None:
        """Take a host's Node out of service by hand."""
        path = nodes.ref(self.hosts[host]).path
        asked = Request("patch", host, resource="nodes", name=self.hosts[host])
        body = {"spec": {"unschedulable": True}}
        self.api._send("PATCH", path, asked, body=body, content_type="application/merge-patch+json")

    def cordons(self) -> list[str]:
        """The hosts whose Nodes are cordoned."""
        live = {host: self.api.get(nodes.ref(node)) or {} for host, node in self.hosts.items()}
        return [host for host, node in live.items() if nodes.is_cordoned(node)]

    def remove(self) -> None:
        """Leave nothing that is in no namespace."""
        for node in self.hosts.values():
            self.api.delete(nodes.ref(node))


def arguments_for_limit(variables: dict[str, Any]) -> list[str]:
    """Take --limit out of what else are variables."""
    limit = variables.pop("limit", None)
    return ["--limit", limit] if limit else []


@pytest.fixture
def cluster(admin: Api, kubeconfig: str, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    """Three Nodes that are well."""
    for stray in admin.list("v1", "Node"):
        admin.delete(ObjectRef.of(stray))
    made = Cluster(admin, kubeconfig, namespace, tmp_path)
    yield made
    made.remove()


def test_nodes_are_out_of_service_one_by_one_and_back(cluster: Cluster) -> None:
    cluster.flags("a", "b")
    status, said = cluster.play(registry_trust_cordon=True)
    assert status == 0, said
    assert (cluster.restarts(), cluster.cordons()) == ([("a", True), ("b", True)], [])
    assert "is one of these Nodes" not in said
    cluster.flags("a")
    status, said = cluster.play()
    assert (status, cluster.restarts()) == (0, [("a", False)]), said


def test_no_node_is_touched_where_it_may_not_be_read_what_the_registry_is(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the Service's address, nodes would lose the CA that they have for it."""
    monkeypatch.setenv("K8S_AUTH_IMPERSONATE_USER", f"nobody-{cluster.namespace}")
    status, said = cluster.play(registry_trust_ca_cert="PEM", __registry_cluster_needs_ca=False)
    assert status == 2, said
    assert f"cannot get Service {cluster.namespace}/docker-registry" in said
    assert cluster.calls() == []


def test_a_cordon_of_somebody_else_is_there_before_and_after(cluster: Cluster) -> None:
    cluster.flags("a", "b")
    cluster.cordon("a")
    status, said = cluster.play(registry_trust_cordon=True)
    assert status == 0, said
    assert (cluster.restarts(), cluster.cordons()) == ([("a", True), ("b", True)], ["a"])


def test_a_node_that_fails_is_back_in_service_and_ends_the_run(cluster: Cluster) -> None:
    """Unless its docker is down: then it stays out, until a run has found it well."""
    cluster.flags("a", "b", "c")
    cluster.state["a"] = {"fails": "the files are as they were"}
    status, said = cluster.play(registry_trust_cordon=True)
    assert (status, cluster.restarts(), cluster.cordons()) == (2, [("a", True)], []), said
    cluster.state["a"] = {"fails": "fails too", "unhealthy": True}
    status, said = cluster.play(registry_trust_cordon=True, registry_trust_serial=2)
    # Both are of one batch: which of them is first is chance.
    assert (status, sorted(cluster.restarts()), cluster.cordons()) == (2, [("a", True), ("b", True)], ["a"]), said
    cluster.state["a"] = {}
    status, said = cluster.play()
    assert (status, cluster.restarts(), cluster.cordons()) == (0, [("a", True), ("c", False)], []), said


def test_a_node_that_goes_away_stays_cordoned_until_a_run_finds_it(cluster: Cluster) -> None:
    cluster.flags("a", "b")
    cluster.state["a"] = {"goes": True}
    status, said = cluster.play(registry_trust_cordon=True)
    assert status != 0
    assert "run again when a can be reached" in said
    assert (cluster.restarts(), cluster.cordons()) == ([], ["a"])
    # Of a run that was killed after the restart there is nothing left to do but this.
    (cluster.folder / "a.flag").unlink()
    (cluster.folder / "b.flag").unlink()
    cluster.state["a"] = {}
    status, said = cluster.play(limit="b")
    assert (status, cluster.cordons()) == (0, ["a"]), said
    cluster.well(cluster.hosts["a"], "False")
    status, said = cluster.play()
    assert (status, cluster.cordons()) == (0, ["a"]), said
    assert "stays cordoned" in said
    cluster.well(cluster.hosts["a"])
    status, said = cluster.play()
    assert (status, cluster.restarts(), cluster.cordons()) == (0, [], []), said


def test_a_node_that_is_not_ready_runs_as_before_and_ends_the_run(cluster: Cluster) -> None:
    """It stays out of service, and the next run begins with it."""
    cluster.flags("a", "b")
    cluster.well(cluster.hosts["a"], "Unknown")
    short = {"registry_trust_cordon": True, "registry_trust_restart_timeout": 1}
    status, said = cluster.play(**short)
    assert status == 2
    assert "is not ready after 1 s" in said
    assert (cluster.restarts(), cluster.cordons(), cluster.flagged()) == ([("a", True)], ["a"], ["a", "b"])
    assert ["a", "insecure", False, True] in cluster.calls()
    back = "The node is as it was before: Put the flag back; Restart docker. With that, its Node is still not ready."
    assert back in said
    cluster.state["a"] = {"refuses": "it is not there any more"}
    status, said = cluster.play(**short)
    assert (status, cluster.restarts(), cluster.cordons(), cluster.flagged()) == (2, [("a", True)], ["a"], ["b"]), said
    assert "What was taken away could not be put back: it is not there any more" in said
    # Now that is no node to restart any more, and not a reason to go on with the next.
    status, said = cluster.play(**short)
    assert (status, cluster.restarts(), cluster.flagged()) == (2, [], ["b"]), said
    assert f"Nodes that are not ready: {cluster.hosts['a']}. An earlier restart may have done that" in said
    status, said = cluster.play(**short, registry_trust_ignore_unready=True)
    assert (status, cluster.restarts(), cluster.cordons(), cluster.flagged()) == (0, [("b", True)], ["a"], []), said


def test_a_node_that_needs_its_flag_is_back_in_service_with_it(cluster: Cluster) -> None:
    cluster.flags("a", "b")
    cluster.well(cluster.hosts["a"], "Unknown")
    cluster.state["a"] = {"needs": True}
    status, said = cluster.play(registry_trust_cordon=True, registry_trust_restart_timeout=1)
    assert (status, cluster.restarts(), cluster.cordons()) == (2, [("a", True)], []), said
    assert cluster.flagged() == ["a", "b"]
    assert "With that, its Node is ready again." in said


def test_a_node_that_fails_later_ends_the_run_and_one_that_failed_is_for_the_limit(cluster: Cluster) -> None:
    """Whether a batch that failed ends the run is for max_fail_percentage to say, here as elsewhere."""
    cluster.flags("a", "b", "c")
    cluster.state["b"] = {"breaks": cluster.hosts["a"]}
    status, said = cluster.play(registry_trust_restart_timeout=1)
    assert (status, [host for host, _cordoned in cluster.restarts()]) == (2, ["a", "b"]), said
    assert f"Nodes that are not ready: {cluster.hosts['a']}." in said
    cluster.flags("a", "b")
    cluster.state["b"] = {}
    half = {"registry_trust_serial": 2, "registry_trust_max_fail_percentage": 50}
    status, said = cluster.play(registry_trust_restart_timeout=1, **half)
    assert (status, sorted(host for host, _cordoned in cluster.restarts())) == (2, ["a", "b", "c"]), said
    assert cluster.flagged() == ["a"]


def test_a_node_that_is_not_ready_and_nothing_to_restart_are_no_error(cluster: Cluster) -> None:
    cluster.well(cluster.hosts["a"], "False")
    status, said = cluster.play()
    assert (status, cluster.restarts()) == (0, []), said


def test_who_is_no_host_is_named_and_whose_name_is_unknown_is_not_guessed(cluster: Cluster) -> None:
    cluster.flags("a")
    found = cluster.hosts.pop("c")
    cluster.status(cluster.hosts["a"], {"addresses": [{"type": "InternalIP", "address": "127.0.0.99"}]})
    status, said = cluster.play(registry_trust_cordon=True, limit="a")
    assert status == 2
    assert f"leaves them out: {cluster.hosts['a']}, {found}." in said
    assert "registry_trust_cordon: no Node of the cluster is known by the name or address of a" in said
    assert cluster.restarts() == []
    status, said = cluster.play(registry_trust_uncovered="fail")
    assert status == 2
    assert (cluster.restarts(), cluster.cordons()) == ([], [])
    cluster.hosts["c"] = found


def test_trust_goes_without_a_registry_and_flags_come_back_in_batches(cluster: Cluster) -> None:
    for kind, name in (("ConfigMap", "docker-registry-ca"), ("Service", "docker-registry")):
        cluster.api.delete(ObjectRef("v1", kind, name, cluster.namespace))
    status, said = cluster.play()
    assert status == 2
    assert "holds no CA of the registry" in said
    status, said = cluster.play(registry_trust_state="absent")
    assert (status, cluster.calls()) == (0, [[host, "absent", False, False] for host in "abc"]), said
    cluster.flags("a", "b")
    status, said = cluster.play(
        registry_trust_state="absent", registry_trust_restore_insecure=True, registry_trust_cordon=True
    )
    wanted = [[host, "absent", True, False] for host in "abc"] + [[host, "absent", True, True] for host in "ab"]
    assert (status, cluster.calls()) == (0, sorted(wanted)), said
    assert (cluster.restarts(), cluster.cordons()) == ([("a", True), ("b", True)], [])

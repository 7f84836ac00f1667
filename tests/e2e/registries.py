# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many registries at once on the one cluster, each a host of an inventory of its own with its variables.

The roles of the collection run on all of them side by side; a command that is printed for one of them runs with that
one as the control host.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import outside
import sandbox

Object = dict[str, Any]
NAMESPACE = "many"
EXPORT = {"kind": "nfs", "server": "nfs.sandbox.test", "path": "/exports/registry"}
RESOURCES = {"Deployment": "deployments.apps", "DeploymentConfig": "deploymentconfigs.apps.openshift.io"}
ON_NODES = "rotate_certificates"
_FORKS = "8"
_COMMANDS = 4  # at a time: they mostly wait

_NO_WAIT = ("-e", "registry_wait_timeout=1", "-e", "registry_route_wait_timeout=1")
_STEPS = ("registry_service", "registry_cert", "registry_route", "registry_deploy")


def ident(name: str) -> str:
    """What objects of a registry are called."""
    return name.replace("_", "-")


class Registries:
    """The registries of a test.

    :param directory: for inventories, CAs and results.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._route_certificate = outside.authority(directory)
        self._hosts: dict[str, Object] = {}
        #: Nodes that the inventory has.
        self.nodes = list(sandbox.NODES)

    def add(self, name: str, variables: Mapping[str, Any]) -> None:
        """One more. What it is called follows from its name, unless variables say so."""
        own = ident(name)
        self._hosts[name] = {
            "registry_name": own, "registry_secret_name": f"{own}-tls", "registry_service_account": own,
            "registry_ca": self.ca(name), **variables,
        }  # fmt: skip
        if "registry_route_termination" in variables:
            self._hosts[name]["registry_route_certificate"] = self._route_certificate(variables["registry_route_host"])

    def change(self, name: str, variables: Mapping[str, Any]) -> None:
        """Write other values into the inventory; None takes a variable out."""
        self._hosts[name].update(variables)
        for key in [key for key, value in variables.items() if value is None]:
            del self._hosts[name][key]

    def variables(self, name: str) -> Object:
        """What the inventory says of one."""
        return self._hosts[name]

    def ca(self, name: str, which: str = "ca") -> Object:
        """A CA of its own."""
        return {
            "cert_path": str(self.directory / f"{name}-{which}.crt"),
            "key_path": str(self.directory / f"{name}-{which}.key"), "create": True,
        }  # fmt: skip

    def workload(self, name: str) -> str:
        """A registry's workload, as kubectl has it."""
        mine = self._hosts[name]
        return f"{RESOURCES[mine.get('registry_kind', 'DeploymentConfig')]}/{mine['registry_name']}"

    def namespace(self, name: str) -> str:
        """Where it is."""
        return str(self._hosts[name].get("registry_namespace", NAMESPACE))

    def kubectl(self, name: str, *arguments: str, **options: Any) -> str:
        """Run kubectl in a registry's namespace."""
        return sandbox.kubectl("-n", self.namespace(name), *arguments, **options)

    def deploy(self, names: Iterable[str]) -> None:
        """Deploy and expose them as deploy.yml and expose.yml do, but for the wait: which see :meth:`ready`."""
        roles = [
            {
                "ansible.builtin.include_role": {"name": f"okd.registry.{role}"},
                **({"when": "registry_route_host is defined"} if role == "registry_route" else {}),
            }
            for role in _STEPS
        ]
        *first, route, workload = roles
        unadmitted = {"ansible.builtin.assert": {"that": "'router' in ansible_failed_result.msg"}}
        late = {"ansible.builtin.assert": {"that": "ansible_failed_result.rollout.done is false"}}
        tasks = [*first, {"block": [route], "rescue": [unadmitted]}, {"block": [workload], "rescue": [late]}]
        self._play(names, tasks, *_NO_WAIT)

    def ready(self, names: Iterable[str]) -> set[str]:
        """Those whose pods are ready."""
        found = json.loads(sandbox.kubectl("get", ",".join(RESOURCES.values()), "-A", "-o", "json"))["items"]
        done = {one["metadata"]["name"] for one in found if (one.get("status") or {}).get("readyReplicas")}
        return {name for name in names if self._hosts[name]["registry_name"] in done}

    def diagnose(self, names: Iterable[str]) -> dict[str, Object]:
        """What the role of diagnose.yml tells of each, of the cluster alone."""
        role = {"name": "okd.registry.registry_diagnose"}
        keep = {
            "content": "{{ registry_diagnose_result | to_json }}",
            "dest": f"{self.directory}/{{{{ inventory_hostname }}}}.json", "mode": "0600",
        }  # fmt: skip
        asked = sorted(names)
        for name in asked:
            (self.directory / f"{name}.json").unlink(missing_ok=True)
        self._play(asked, [
            {"ansible.builtin.include_role": role},
            {"ansible.builtin.include_role": {**role, "tasks_from": "ask"}},
            {"ansible.builtin.copy": keep},
        ])  # fmt: skip
        return {name: json.loads((self.directory / f"{name}.json").read_text(encoding="utf-8")) for name in asked}

    def follow(self, commands: Mapping[str, str]) -> dict[str, str]:
        """Run, for each registry, the command that was printed, and give what those that failed said.

        Those that go to all nodes run one after another.
        """
        self._write()
        nodes = [name for name, command in commands.items() if ON_NODES in command]
        each = [[name] for name in commands if name not in nodes]
        said: dict[str, str] = {}

        def run(names: list[str]) -> None:
            for name in names:
                code, output = self._follow(name, commands[name])
                if code:
                    said[name] = f"{commands[name]} ended {code}:\n{output}"

        with ThreadPoolExecutor(_COMMANDS) as pool:
            list(pool.map(run, [nodes, *each]))
        return said

    def _follow(self, name: str, command: str) -> tuple[int, str]:
        program, *words = shlex.split(command)
        if program == "kubectl":
            return 0, sandbox.kubectl(*words)
        assert program == "ansible-playbook", command
        control = self.directory / f"control-{name}.json"
        control.write_text(json.dumps({"registry_control": {"hosts": {name: {}}}}), encoding="utf-8")
        book = f"{words[0].removeprefix('okd.registry.')}.yml"
        done = self._run(sandbox.playbook_command(book, "-i", str(control), *words[1:], inventory=self._inventory))
        return done.code, done.output

    @property
    def _inventory(self) -> Path:
        return self.directory / "registries.json"

    def _write(self) -> None:
        ssh = {
            "ansible_user": "root", "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(sandbox.STATE / "ssh/id_ed25519"),
            "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no",
        }  # fmt: skip
        common = {
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "registry_kubeconfig": str(sandbox.STATE / "admin.kubeconfig"), "registry_namespace": NAMESPACE,
            "registry_image": "openshift3/ose-docker-registry:v3", "registry_node_selector": {"region": "infra"},
            "registry_storage": EXPORT, "registry_probe_storage": False, "registry_certificate_key_type": "ECDSA",
            "registry_resources": {"requests": {"cpu": "5m", "memory": "16Mi"}}, "registry_wait_timeout": 300,
        }  # fmt: skip
        nodes = {name: {"ansible_host": sandbox.NODES[name]} for name in self.nodes}
        self._inventory.write_text(
            json.dumps({
                "registry_nodes": {"hosts": nodes, "vars": ssh},
                "registries": {"hosts": self._hosts, "vars": common},
            }), encoding="utf-8",
        )  # fmt: skip

    def _play(self, names: Iterable[str], tasks: list[Object], *arguments: str) -> None:
        self._write()
        book = self.directory / "play.yml"
        play = {"hosts": ",".join(names), "gather_facts": False, "strategy": "free", "tasks": tasks}
        book.write_text(json.dumps([play]), encoding="utf-8")
        command = sandbox.playbook_command("site.yml", "--forks", _FORKS, *arguments, inventory=self._inventory)
        command[command.index(str(sandbox.ROOT / "playbooks/site.yml"))] = str(book)
        done = self._run(command)
        assert done.code == 0, done.output

    @staticmethod
    def _run(command: list[str]) -> sandbox.Run:
        done = sandbox.run(*command, check=False, timeout=600, cwd=sandbox.ROOT, env=sandbox.environment())
        output = done.stdout + done.stderr
        return sandbox.Run(done.returncode, output, sandbox.recap(output))

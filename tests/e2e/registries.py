# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many registries at once on the one cluster, each a host of an inventory of its own with its variables.

The collection's modules run for all of them side by side, with the options that its roles hand on; a command that is
printed for one of them runs with that one as the control host.
"""

from __future__ import annotations

import json
import multiprocessing
import shlex
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import inprocess
import outside
import sandbox

Object = dict[str, Any]
NAMESPACE = "many"
EXPORT = {"kind": "nfs", "server": "nfs.sandbox.test", "path": "/exports/registry"}
RESOURCES = {"Deployment": "deployments.apps", "DeploymentConfig": "deploymentconfigs.apps.openshift.io"}
ON_NODES = "rotate_certificates"
MODULES = (
    "registry_service",
    "registry_cert",
    "registry_deploy",
    "registry_route",
    "registry_info",
    "registry_diagnose",
)
_PROCESSES = 3
_COMMANDS = 2  # at a time
T = TypeVar("T")


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

    def __getstate__(self) -> Object:
        """For other processes: without what makes certificates."""
        return {key: value for key, value in vars(self).items() if key != "_route_certificate"}

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
        """Deploy and expose them with the options that the roles of deploy.yml and expose.yml hand on.

        Nothing is waited for: see :meth:`ready`. What a preflight would refuse is deployed, too.
        """
        self._each(self._deployed, names)

    def _deployed(self, name: str) -> None:
        self._redeployed(name)
        variables = self._all(name)
        if "registry_route_host" in variables:
            options = inprocess.options("registry_route/tasks/route.yml", variables)
            self._told("registry_route", {**options, "beside": True, "wait": False})

    def _redeployed(self, name: str) -> None:
        variables = self._all(name)
        own, end = self._own_host(variables), variables["registry_secret_name"]
        steps: list[tuple[str, str, Object]] = [
            ("registry_service", "registry_service/tasks/main.yml", own),
            ("registry_cert", "registry_cert/tasks/certificate.yml", own),
            ("registry_deploy", "registry_deploy/tasks/workload.yml", {
                **own, "tls_secret": end, "storage": variables["registry_storage"], "wait": False,
            }),
        ]  # fmt: skip
        for module, tasks, more in steps:
            self._told(module, {**inprocess.options(tasks, variables), **more})

    def ready(self, names: Iterable[str]) -> set[str]:
        """Those whose pods are ready."""
        found = json.loads(sandbox.kubectl("get", ",".join(RESOURCES.values()), "-A", "-o", "json"))["items"]
        done = {one["metadata"]["name"] for one in found if (one.get("status") or {}).get("readyReplicas")}
        return {name for name in names if self._hosts[name]["registry_name"] in done}

    def diagnose(self, names: Iterable[str]) -> dict[str, Object]:
        """What diagnose.yml tells of each, of the cluster alone."""
        return self._each(self._diagnosis, sorted(names))

    def _diagnosis(self, name: str) -> Object:
        variables, own = self._all(name), self._own_host(self._all(name))
        nodes = {node: [node, sandbox.NODES[node]] for node in self.nodes}
        look = inprocess.options("registry_diagnose/tasks/main.yml", variables)
        told = self._told("registry_info", {**look, **own, "gather_subset": ["served"], "inventory": nodes})
        ask = inprocess.options("registry_diagnose/tasks/ask.yml", variables)
        host = variables.get("registry_route_host")
        return self._told("registry_diagnose", {**ask, "info": told, **({"route_host": host} if host else {})})

    def _all(self, name: str) -> Object:
        """What the inventory says of one, with what it says of all."""
        return {**self._common(), **self._hosts[name]}

    @staticmethod
    def _own_host(variables: Mapping[str, Any]) -> Object:
        """The Route's host, where it is a name of the registry's own certificate."""
        host = variables.get("registry_route_host")
        return {"route_host": host} if host and "registry_route_termination" not in variables else {}

    @staticmethod
    def _told(module: str, options: Object) -> Object:
        """What a module tells, as a task has it."""
        run = inprocess.Modules(options.pop("kubeconfig"), options.pop("namespace"))
        result = run(inprocess.module(module), **options)
        assert not result.get("failed"), f"{module} of {options['name']}: {result['msg']}"
        return {key: value for key, value in result.items() if key not in ("invocation", "warnings", "deprecations")}

    def _each(self, what: Callable[[str], T], names: Iterable[str]) -> dict[str, T]:
        """Do something for each, several at a time: in processes, since a module has its own standard output."""
        asked = list(names)
        for module in MODULES:
            inprocess.module(module)  # once, before there are several processes
        with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
            return dict(zip(asked, pool.map(what, asked, chunksize=1), strict=True))

    def follow(self, commands: Mapping[str, str]) -> dict[str, str]:
        """Do, for each registry, what the printed command does, and give what those that failed said.

        Commands are run as they are printed; but of those that run deploy.yml, one for each kind of workload: for the
        others it is done by the same modules, with what its roles hand on to them. Those that go to all nodes run one
        after another.
        """
        self._write()
        firsts = {
            self._hosts[name].get("registry_kind"): name for name in reversed(commands) if self._deploys(commands[name])
        }
        alike = [name for name, command in commands.items() if self._deploys(command) and name not in firsts.values()]
        nodes = [name for name, command in commands.items() if ON_NODES in command]
        each = [[name] for name in commands if name not in nodes and name not in alike]
        said: dict[str, str] = {}

        def run(names: list[str]) -> None:
            for name in names:
                code, output = self._follow(name, commands[name])
                if code:
                    said[name] = f"{commands[name]} ended {code}:\n{output}"

        self._each(self._redeployed, alike)
        with ThreadPoolExecutor(_COMMANDS) as pool:
            list(pool.map(run, [nodes, *each]))
        return said

    @staticmethod
    def _deploys(command: str) -> bool:
        return command == "ansible-playbook okd.registry.deploy"

    def _follow(self, name: str, command: str) -> tuple[int, str]:
        program, *words = shlex.split(command)
        if program == "kubectl":
            return 0, sandbox.kubectl(*words)
        assert program == "ansible-playbook", command
        control = self.directory / f"control-{name}.json"
        # Nodes are told the same as the control host is.
        told = {key: value for key, value in {**self._common(), **self._hosts[name]}.items() if key[:9] == "registry_"}
        groups = {"all": {"vars": told}, "registry_control": {"hosts": {name: {}}}}
        control.write_text(json.dumps(groups), encoding="utf-8")
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
        nodes = {name: {"ansible_host": sandbox.NODES[name]} for name in self.nodes}
        self._inventory.write_text(
            json.dumps({
                "registry_nodes": {"hosts": nodes, "vars": ssh},
                "registries": {"hosts": self._hosts, "vars": self._common()},
            }), encoding="utf-8",
        )  # fmt: skip

    @staticmethod
    def _common() -> Object:
        """What all registries have in common."""
        return {
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "registry_kubeconfig": str(sandbox.STATE / "admin.kubeconfig"), "registry_namespace": NAMESPACE,
            "registry_image": "openshift3/ose-docker-registry:v3", "registry_node_selector": {"region": "infra"},
            "registry_storage": EXPORT, "registry_probe_storage": False, "registry_certificate_key_type": "ECDSA",
            "registry_resources": {"requests": {"cpu": "5m", "memory": "16Mi"}}, "registry_wait_timeout": 300,
        }  # fmt: skip

    @staticmethod
    def _run(command: list[str]) -> sandbox.Run:
        done = sandbox.run(*command, check=False, timeout=600, cwd=sandbox.ROOT, env=sandbox.environment())
        output = done.stdout + done.stderr
        return sandbox.Run(done.returncode, output, sandbox.recap(output))

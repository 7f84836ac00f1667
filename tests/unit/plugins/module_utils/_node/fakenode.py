# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node below a directory: files for real, systemd and dockerd as stand-ins whose state lies in files as well.

So a run on it can be killed in another process, at any of its changes, and the next one finds what is left.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomllib
from ansible_collections.okd.registry.plugins.module_utils._node import (
    daemonjson,
    endpoint,
    files,
    flags,
    pem,
    registriesconf,
    sysconfig,
    systemd,
    tls,
    trust,
    unitedit,
    words,
)
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

FILES = ("/etc/sysconfig/docker", "/etc/sysconfig/docker-network")
EXEC = "/usr/sbin/dockerd -H fd:// $OPTIONS $DOCKER_NETWORK_OPTIONS $INSECURE_REGISTRY"
FOREIGN = "etc/docker/certs.d/foreign.example.com:5000/ca.crt"
_CHANGES = ("mkdir", "rmdir", "unlink", "rename", "write", "fchmod")


class FakeNode:
    """One node.

    :param root: directory that stands for /
    :param names: endpoints of the registry, which really answer
    :param ca: their CA, PEM
    """

    def __init__(self, root: Path, names: list[str], ca: bytes) -> None:
        self.root = root
        self.names = names
        self.ca = ca
        self.before_change: Callable[[], None] = lambda: None
        self.warnings: list[str] = []

    # ---- its beginning

    def install(self, options: str) -> None:
        """Make a node whose docker runs with these options in /etc/sysconfig/docker."""
        for folder in ("etc/sysconfig", "var/lib", "run/systemd/system", "proc", FOREIGN.rpartition("/")[0]):
            (self.root / folder).mkdir(parents=True)
        (self.root / FOREIGN).write_bytes(b"somebody else's\n")
        self.write("/usr/bin/dockerd", "")
        self.write(FILES[0], options)
        self.write(FILES[1], "# network\nDOCKER_NETWORK_OPTIONS=--mtu=1450\n")
        self._save(active=True, pid=1, restarts=0, reloads=0, arguments=self.arguments())
        self._run_docker(1, self.arguments())

    def write(self, path: str, text: str) -> None:
        """Write a file of the administrator's."""
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)

    def configure(self, registries: list[str]) -> None:
        """Have docker run with these insecure registries in its daemon.json."""
        self.write(self.daemon_json(), json.dumps({daemonjson.KEY: registries}, indent=1))
        self._save(configured=registries)

    def daemon_json(self) -> str:
        """Say which file docker reads, as docker does: what it was started with."""
        words = " ".join(self.state["arguments"]).replace("--config-file ", "--config-file=").split()
        said = [word.partition("=")[2] for word in words if word.startswith("--config-file=")]
        return said[-1] if said else daemonjson.PATH

    def _configured(self) -> list[str]:
        path = self.root / self.daemon_json()[1:]
        return list(json.loads(path.read_text()).get(daemonjson.KEY, [])) if path.exists() else []

    def copy(self, root: Path) -> FakeNode:
        """Give a second node that is as this one is."""
        shutil.copytree(self.root, root, symlinks=True)
        return FakeNode(root, self.names, self.ca)

    def tree(self) -> dict[str, bytes]:
        """Give all files below /etc."""
        paths = [path for path in (self.root / "etc").rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in sorted(paths)}

    def text(self, path: str = FILES[0]) -> str:
        """Read a file."""
        return (self.root / path[1:]).read_text()

    # ---- docker and systemd

    @property
    def state(self) -> dict[str, Any]:
        """What docker does."""
        return json.loads((self.root / "state.json").read_text())

    def _save(self, **changes: Any) -> None:
        path = self.root / "state.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**known, **changes}))

    def arguments(self) -> list[str]:
        """Expand ExecStart= on the files as they are."""
        variables: dict[str, bytes] = {}
        state = self.state if (self.root / "state.json").exists() else {}
        for text in state.get("units", {}).values():
            variables.update({what[1]: what[2] for what in unitedit.meaning(text.encode()) if what[0] != "ExecStart"})
        for path in [*FILES, *state.get("more_files", [])]:
            raw = (self.root / path[1:]).read_bytes()
            variables.update({item.name: item.value for item in sysconfig.parse(raw)})
        expanded: list[str] = []
        for word in state.get("exec", EXEC).split():
            value = variables.get(word[1:], b"") if word.startswith("$") else word.encode()
            expanded += [found.decode() for found in words.texts(value)]
        return expanded

    def _run_docker(self, pid: int, arguments: list[str]) -> None:
        folder = self.root / "proc" / str(pid)
        folder.mkdir(exist_ok=True)
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in arguments))

    def break_docker(self, without: str) -> None:
        """Have docker start no more unless it gets this argument."""
        self._save(needs=without)

    def stop_docker(self) -> None:
        """Have docker not run."""
        self._save(active=False, pid=0)

    def run(self, argv: list[str], _timeout: float) -> tuple[int, str, str]:
        """Stand in for systemctl and journalctl."""
        if argv[0] == "update-ca-certificates":
            return self._update_ca_certificates()
        if argv[0] == "journalctl":
            return 0, "dockerd said why\n", ""
        verb = {
            "show": self._show,
            "restart": self._restart,
            "reload": self._reload,
            "daemon-reload": self._read_units,
        }.get(argv[1])
        return verb(argv[2:]) if verb else (0, "systemd 252 (252.38)\n", "")

    def _update_ca_certificates(self) -> tuple[int, str, str]:
        """Do what Debian's tool does: one bundle of all, and links that it does not take away again."""
        self.before_change()
        if self.state.get("no_anchors"):
            return 1, "", "/etc/ssl/certs: Read-only file system"
        folder, made = self.root / "etc/ssl/certs", self.root / "usr/local/share/ca-certificates"
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(made.glob("*.crt"))
        (folder / "ca-certificates.crt").write_bytes(b"".join(path.read_bytes() for path in found))
        for path in found:
            for link, target in ((f"{path.stem}.pem", f"/{path.relative_to(self.root)}"), (f"{path.stem[-8:]}.0", "")):
                if not (folder / link).is_symlink():
                    (folder / link).symlink_to(target or f"{path.stem}.pem")
        return 0, "", ""

    def _reload(self, units: list[str]) -> tuple[int, str, str]:
        self.before_change()
        state = self.state
        if units == ["crio.service"]:
            self._save(crio_reloads=state.get("crio_reloads", 0) + 1)
            return 0, "", ""
        self._save(
            reloads=state["reloads"] + 1,
            configured=state["configured"] if state.get("deaf") else self._configured(),
        )
        return (1, "", "docker.service is not active") if state.get("no_reload") else (0, "", "")

    def _show(self, asked: list[str]) -> tuple[int, str, str]:
        state = self.state
        if asked[0] != "docker.service":
            there = asked[0] in state.get("other_units", [])
            words = ("loaded", "active") if there else ("not-found", "inactive")
            return 0, "LoadState={}\nActiveState={}\n".format(*words), ""
        lines = [
            "LoadState=loaded",
            f"ActiveState={'active' if state['active'] else 'failed'}",
            f"MainPID={state['pid']}",
            f"ExecStart={{ path=/usr/sbin/dockerd ; argv[]={state.get('exec', EXEC)} ; ignore_errors=no ; pid=1 }}",
            *[f"EnvironmentFiles={path} (ignore_errors=yes)" for path in [*FILES, *state.get("more_files", [])]],
            f"FragmentPath={state.get('unit_file', '')}",
            f"DropInPaths={' '.join(state.get('drop_ins', []))}",
            f"NeedDaemonReload={'yes' if state.get('units', {}) != self._units() else 'no'}",
        ]
        return 0, "\n".join(lines) + "\n", ""

    # ---- unit files: what systemd has read of them is what counts

    def has_units(self, unit_file: str = "", drop_ins: dict[str, str] | None = None) -> None:
        """Have docker.service be of these files: the path of its unit file, and drop-ins with their text."""
        for path, text in (drop_ins or {}).items():
            self.write(path, text)
        self._save(unit_file=unit_file, drop_ins=list(drop_ins or {}))
        self._read_units()
        self._save(arguments=self.arguments(), daemon_reloads=0)
        self._run_docker(self.state["pid"], self.arguments())

    def _units(self) -> dict[str, str]:
        state = self.state
        paths = [path for path in (state.get("unit_file", ""), *state.get("drop_ins", [])) if path]
        return {path: self.text(path) for path in paths}

    def _read_units(self, _units: list[str] | None = None) -> tuple[int, str, str]:
        self.before_change()
        command = EXEC.split()
        for text in self._units().values():
            for what in unitedit.meaning(text.encode()):
                if what[0] == "ExecStart":
                    command = [word.decode() for word in what[1]] or command
        state = self.state
        self._save(units=self._units(), exec=" ".join(command), daemon_reloads=state.get("daemon_reloads", 0) + 1)
        return 0, "", ""

    def _make_registries(self) -> None:
        """Do as registries.service of RHEL 7."""
        self.before_change()
        path = self.root / registriesconf.PATH[1:]
        names = tomllib.loads(path.read_text())["registries"]["insecure"]["registries"]
        self.write(
            registriesconf.GENERATED, 'REGISTRIES="' + " ".join(f"--insecure-registry {n}" for n in names) + '"\n'
        )

    def _restart(self, units: list[str]) -> tuple[int, str, str]:
        if "registries.service" in units:
            self._make_registries()
        if "docker.service" not in units:
            return 0, "", ""
        state = self.state
        self.before_change()
        self._save(active=False, pid=0, restarts=state["restarts"] + 1)
        self.before_change()
        arguments = state["arguments"] if state.get("stuck") else self.arguments()
        hangs = any(word.endswith(state["hangs_with"]) for word in arguments) if state.get("hangs_with") else False
        if hangs or (state.get("needs") and state["needs"] not in arguments):
            return 1, "", "Job for docker.service failed"
        self._run_docker(state["restarts"] + 2, arguments)
        self._save(active=True, pid=state["restarts"] + 2, arguments=arguments)
        return 0, "", ""

    # ---- what the module does here

    def request(self, **options: Any) -> trust.Request:
        """Give the module's options."""
        given = {
            "registry": "default/docker-registry",
            "endpoints": self.names,
            "ca_cert": self.ca.decode(),
            "engines": ["auto"],
            "system_anchors": False,
            "client_cert": None,
            "client_key": None,
            "state": "present",
            "remove_insecure": False,
            "restore_insecure": False,
            "insecure_flags": None,
            "restart": True,
            "insecure_networks": "keep",
            "placed": False,
            "verify": True,
            "verify_ca": None,
            "timeout": 0,
            "restart_timeout": 1,
            "check_mode": False,
            "owner": (os.geteuid(), os.getegid()),
        }
        return trust.Request(**{**given, **options})

    def call(self, **options: Any) -> dict[str, Any]:
        """Run the module, and give its result."""
        job = self.job(**options)
        try:
            return job.run()
        finally:
            self.warnings = job.warnings

    def job(self, clock: Any = time, **options: Any) -> trust.Trust:
        """Give one call of the module."""
        tree, control = files.Tree(str(self.root)), systemd.Systemd(self.run, str(self.root))
        return trust.Trust(self.request(**options), tree, control, self.engine(), clock=clock)

    def engine(self) -> FakeEngine:
        """Give its docker."""
        return FakeEngine(self)

    def end_before(self, change: int, options: dict[str, Any]) -> int:
        """Run the module in a child, which ends before its n-th change; give its exit status, 9 if it came so far."""
        pid = os.fork()
        if pid == 0:
            self._end_before(change)
            try:
                self.call(**options)
            except NodeError:
                os._exit(1)
            except BaseException:
                traceback.print_exc()
                os._exit(2)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _end_before(self, change: int) -> None:
        left = [change]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

        def counted(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                count()
                return function(*args, **kwargs)

            return call

        self.before_change = count
        for name in _CHANGES:
            setattr(os, name, counted(getattr(os, name)))


Make = Callable[..., FakeNode]  # gives a node whose docker has these options


class FakeEngine:
    """dockerd: reads certs.d and its arguments as docker does, and really asks the registry."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node

    def ping(self) -> bool:
        """Answer where docker runs, unless it hangs after a restart."""
        state = self.node.state
        return bool(state["active"]) and not (state.get("hangs") and state["restarts"] == 1)

    def insecure(self) -> list[str]:
        """Say what is not verified: what the arguments name, and what daemon.json named when docker started."""
        state = self.node.state
        values = [flag.value for flag in flags.find([word.encode() for word in state["arguments"]])]
        return [*values, *state.get("configured", []), "127.0.0.0/8"]

    def go_version(self) -> str:
        """Name the Go of docker 20.10."""
        return "go1.19.8"

    def info(self) -> dict[str, Any]:
        """Say whether containers go on while docker is down."""
        return {"LiveRestoreEnabled": self.node.state.get("live_restore", False)}

    def running(self) -> list[dict[str, Any]]:
        """List the containers that the test put there; those that are lost only until the first restart."""
        state = self.node.state
        lost = state.get("lost", {}) if state["restarts"] else {}
        return [one for one in state.get("containers", []) if one["Id"] not in lost]

    def inspect(self, container_id: str) -> dict[str, Any] | None:
        """Describe a container: docker starts all of them again, unless the test says otherwise."""
        state = self.node.state
        policy = {"Name": state.get("policies", {}).get(container_id, "always")}
        found = state.get("lost", {}).get(container_id) if state["restarts"] else {"Status": "running"}
        return None if found is None else {"HostConfig": {"RestartPolicy": policy}, "State": found}

    def probe(self, name: str, timeout: float = 5.0) -> tls.Verdict:
        """Ask the registry with what is in certs.d."""
        if name in self.insecure():
            return tls.OK
        path = self.node.root / f"etc/docker/certs.d/{name}/ca.crt"
        context = tls.context_for(pem.bundle(path.read_text()) if path.exists() else None)
        return tls.check(endpoint.parse(name), context, timeout)


class Hurried:
    """A clock on which every look takes seconds."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        """Tell the time."""
        self._now += 5
        return self._now

    def sleep(self, _seconds: float) -> None:
        """Lose none."""


class Killer:
    """Runs the module on nodes and kills it at given places.

    A process of its own without threads, since a child of the tests' own process, which has some, might inherit a lock
    that nobody will ever release.
    """

    def __init__(self) -> None:
        code = f"from {__name__} import serve_kills; serve_kills()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def kills(self, node: FakeNode, change: int, **options: Any) -> bool:
        """Run the module on a node until before its n-th change; say whether it came so far."""
        request = {"root": str(node.root), "names": node.names, "ca": node.ca.decode(), "change": change}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({**request, "options": options}), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        assert status in (0, 1, 9), f"the run ended with {status}"
        return status == 9

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=10)


def serve_kills() -> None:
    """Answer a Killer."""
    for line in sys.stdin:
        asked = json.loads(line)
        node = FakeNode(Path(asked["root"]), asked["names"], asked["ca"].encode())
        print(node.end_before(asked["change"], asked["options"]), flush=True)

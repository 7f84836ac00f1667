# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many nodes on one machine: for each a directory with its files, which its Python sees as C(/etc) and so on.

A host's interpreter is a script that mounts the directory over the machine's own for itself alone (a mount namespace)
and then starts Python. So Ansible and the module are as they are on real nodes; there is no network, systemd or docker.
:meth:`ManyNodes.in_process` leaves Ansible out: the module's work alone, node after node in this process.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.okd.registry.plugins.module_utils._node import (  # type: ignore[import-untyped]
    engine,
    files,
    systemd,
    trust,
)

from benchlib.playbook import BENCH, BenchError, Timed, play

PLAYBOOK = BENCH / "playbooks" / "trust_many.yml"
ENDPOINTS = [
    "172.30.124.220:5000",
    "docker-registry.default.svc:5000",
    "docker-registry.default.svc.cluster.local:5000",
    "registry.apps.sandbox.test",
]
#: As each host's Python starts: its own /etc and /var/lib, and no /run of the machine's.
INTERPRETER = """\
#!/bin/sh
exec unshare --mount sh -c 'mount --bind {root}/etc /etc && mount --bind {root}/var/lib /var/lib && \
mount --bind {root}/run /run && exec {python} "$@"' sh "$@"
"""


class ManyNodes:
    """Simulated nodes, and runs on the first of them.

    :param folder: of its own.
    :param number: how many there are at most.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._ca = folder / "ca.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "2",
             "-keyout", "/dev/null", "-out", str(self._ca)],
            check=True, capture_output=True,
        )  # fmt: skip
        for index in range(number):
            root = self._root(index)
            root.mkdir()
            text = INTERPRETER.format(root=root, python=sys.executable)
            self._script(root / "python", text)
        self.forget(number)

    def _root(self, index: int) -> Path:
        return self._folder / f"node{index:03d}"

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def forget(self, number: int) -> None:
        """Make the first nodes as they were before any run."""
        for index in range(number):
            for name in ("etc", "var", "run"):
                shutil.rmtree(self._root(index) / name, ignore_errors=True)
            for name in ("etc/docker", "var/lib", "run"):
                (self._root(index) / name).mkdir(parents=True)

    def run(self, number: int) -> Timed:
        """Run the task on the first nodes.

        :raises BenchError: when it fails, or left a node without its files.
        """
        hosts = {
            f"node{index:03d}": {"ansible_python_interpreter": str(self._root(index) / "python")}
            for index in range(number)
        }
        variables = {"ansible_connection": "local", "endpoints": ENDPOINTS, "ca_file": str(self._ca)}
        inventory = self._folder / f"hosts{number}.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        timed = play(PLAYBOOK, inventory=inventory)
        self._check(number)
        return timed

    def _check(self, number: int) -> None:
        for index in range(number):
            placed = list((self._root(index) / "etc/docker/certs.d").glob("*/ca.crt"))
            if len(placed) != len(ENDPOINTS):
                raise BenchError(f"node {index} has {len(placed)} files after the run")

    def in_process(self, number: int) -> float:
        """Do the module's work on the first nodes, one after another, without Ansible.

        :returns: milliseconds of processor time a node.
        :raises BenchError: when it left a node without its files.
        """
        unset = trust.Request(*[None for _field in trust.Request._fields])
        request = unset._replace(
            registry="default/docker-registry", endpoints=ENDPOINTS, ca_cert=self._ca.read_text(encoding="utf-8"),
            engines=["docker"], state="present", insecure_networks="keep", timeout=0, owner=(0, 0),
        )  # fmt: skip
        began = time.process_time()
        for index in range(number):
            root = str(self._root(index))
            job = trust.Trust(request, files.Tree(root), systemd.Systemd(systemd.run, root), engine.Engine())
            job.run()
        spent = time.process_time() - began
        self._check(number)
        return 1000 * spent / number


@contextlib.contextmanager
def many_nodes(number: int) -> Iterator[ManyNodes]:
    """Simulated nodes, for as long as the context lasts.

    :raises BenchError: on a machine where nothing may be mounted.
    """
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        raise BenchError("simulated nodes take the right to mount (root with CAP_SYS_ADMIN)")
    memory = Path("/dev/shm")  # so that what is measured is not the disk
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="okd-registry-bench-", dir=where) as folder:
        yield ManyNodes(Path(folder), number)

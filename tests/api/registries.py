# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own registry, run on this machine: its users and their rights are those of the tests' API server."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]


def program(name: str = "dockerregistry") -> str:
    """A program of the sandbox, built into its cache where it is not there yet."""
    artifacts = [sys.executable, str(ROOT / "tests/sandbox/build/artifacts.py")]
    subprocess.run([*artifacts, "build", name], check=True, stdout=subprocess.DEVNULL)
    found = subprocess.run([*artifacts, "path", name], check=True, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


class Registry:
    """A registry that runs: its name, its files, its log."""

    def __init__(self, folder: Path, certificate: Path | None, api: tuple[str, str], **config: Any) -> None:
        """Start one.

        :param folder: for its files.
        :param certificate: PEM file with the key; without it HTTP is served.
        :param api: URL of the API server, and the file with its CA.
        :param config: of its configuration file, what is to be other than here.
        """
        self.folder, self.log = folder, folder / "log"
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        http: dict[str, Any] = {"addr": f":{self.port}", "secret": "s"}
        if certificate:
            http["tls"] = {"certificate": str(certificate), "key": str(certificate)}
        storage = {"filesystem": {"rootdirectory": str(folder / "registry")}, "delete": {"enabled": True}}
        auth = {"openshift": {"realm": "openshift", "server": api[0], "ca": api[1]}}
        whole = {"version": 0.1, "log": {"level": "info"}, "storage": storage, "auth": auth}
        whole.update({**config, "http": {**http, **config.get("http", {})}})
        (folder / "config.yml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        environment = {
            **os.environ, "REGISTRY_CONFIGURATION_PATH": str(folder / "config.yml"), "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
        }  # fmt: skip
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([program()], env=environment, stdout=log, stderr=log)
        _wait_for(self.port, self._process, self.log)

    def files(self) -> dict[str, int]:
        """All its files and their sizes."""
        root = self.folder / "registry"
        return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}

    def requests(self, method: str) -> list[str]:
        """The URIs that were asked for by a method, in order."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return re.findall(rf'"{method} (\S+) HTTP', text)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def own_address() -> str:
    """An address of this machine that is no loopback: to one of those, containerd speaks HTTP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _try in range(200):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


@contextlib.contextmanager
def running(folder: Path, certificate: Path | None, api: tuple[str, str], **config: Any) -> Iterator[Registry]:
    """A registry while the context lasts."""
    registry = Registry(folder, certificate, api, **config)
    try:
        yield registry
    finally:
        registry.stop()


def api_of(kubeconfig: str, folder: Path) -> tuple[str, str]:
    """The URL of a kubeconfig's API server, and a file with its CA."""
    import base64

    cluster = yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    path = folder / "api-ca.crt"
    data = cluster.get("certificate-authority-data")
    path.write_bytes(base64.b64decode(data) if data else Path(cluster["certificate-authority"]).read_bytes())
    return str(cluster["server"]), str(path)


def token(kubeconfig: str, user: str) -> str:
    """The token of a user of the tests' API server."""
    near = Path(kubeconfig).parent
    found = next(path for path in (near / "tokens" / user, near.parent / "tokens" / user) if path.exists())
    return found.read_text(encoding="utf-8").strip()


__all__ = ["Authority", "Registry", "api_of", "free_port", "own_address", "running", "token"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd and the API server by themselves, for tests of modules that need an API and no nodes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from . import controlplane, inputs, manifests, ownership, settings
from .kubeclient import Client
from .processes import Service, end, marked

# Without the controller that gives every namespace its service account, pods can be made all the same.
FLAGS = (
    "--disable-admission-plugins=ServiceAccount",
    "--endpoint-reconciler-type=none",  # the Service "kubernetes" cannot have a loopback address
)


def _ports(directory: Path) -> dict[str, int]:
    file = directory / "ports.json"
    if not file.exists():
        names = ("api", "etcd_client", "etcd_peer", "oauth")
        ports = dict(zip(names, controlplane.free_ports(len(names)), strict=True))
        directory.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(ports))
    found: dict[str, int] = json.loads(file.read_text())
    return found


def up(paths: settings.Paths) -> Path:
    """Start them with OpenShift's CRDs, roles and projects; returns the administrator's kubeconfig.

    On one that runs this takes a fraction of a second. Raises SandboxError with the log of what ended.
    """
    paths.state.mkdir(parents=True, exist_ok=True)
    with ownership.lock(paths.state / "api.lock"):
        kubeconfig = paths.api / "admin.kubeconfig"
        inputs.build(["sandbox-kube"])
        binary = inputs.binary()
        plane = controlplane.api_alone(binary, paths, _ports(paths.api))
        services = [plane.etcd(), plane.apiserver(*FLAGS), plane.oauth()]
        running = all(service.recorded()[0] for service in services)
        if not running:
            plane.write_files()
            plane.write_tokens(inputs.USERS, paths.tokens)
            plane.write_oauth(inputs.USERS, paths.passwords)
            plane.kubeconfig(kubeconfig, user="system:admin")
            plane.start(services, marker=str(paths.api))
        client = Client(kubeconfig)
        plane.wait_ready(client)
        if not (paths.api / "seeded").exists():
            inputs.operator_crds(paths.api / "operator-crds")
            manifests.apply_all(binary, kubeconfig, paths.api / "crds", client)
            (paths.api / "seeded").touch()
    return kubeconfig


def down(paths: settings.Paths) -> None:
    """End them and remove their data."""
    for name in ("oauth", "kube-apiserver", "etcd"):
        Service(name, [], paths.api).stop()
    end(identity for identity, owner in marked().items() if owner == str(paths.api))
    shutil.rmtree(paths.api, ignore_errors=True)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying the manifests: CRDs first, then what needs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import inputs
from .kubeclient import Client, until
from .processes import SandboxError

CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def kubectl(binary: Path, kubeconfig: Path, *arguments: str) -> str:
    """Run kubectl and return what it prints; SandboxError with what it says on failure."""
    command = [str(binary), "kubectl", f"--kubeconfig={kubeconfig}", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def apply(binary: Path, kubeconfig: Path, *directories: Path) -> str:
    """Server-side apply of all manifests of some directories."""
    files = [argument for directory in directories for argument in ("-f", str(directory))]
    return kubectl(binary, kubeconfig, "apply", "--server-side", "--force-conflicts", *files)


def crds_established(client: Client) -> None:
    """Wait until the API server serves every CRD that is there."""

    def missing() -> str | None:
        for item in client.call("GET", CRD_PATH)["items"]:
            conditions = {entry["type"]: entry["status"] for entry in item.get("status", {}).get("conditions") or ()}
            if conditions.get("Established") != "True":
                return f"{item['metadata']['name']} is not established"
        return None

    until(missing, what="CRDs", seconds=30)


def apply_all(binary: Path, kubeconfig: Path, crds: Path, client: Client) -> None:
    """OpenShift's CRDs (fetched to ``crds``) and ours, then projects, roles, constraints and storage."""
    inputs.openshift_crds(crds)
    apply(binary, kubeconfig, crds, inputs.crd_directory())
    crds_established(client)
    apply(binary, kubeconfig, inputs.object_directory())

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's cluster, as an administrator with kubectl has it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from benchlib.playbook import ROOT, STATE, BenchError

NAMESPACE = "default"
NAME = "docker-registry"
CA = STATE / "pki" / "registry-ca.crt"
CA_KEY = STATE / "pki" / "registry-ca.key"
Object = dict[str, Any]
#: What the API server adds to an object, and what nobody writes who applies one.
SERVER_METADATA = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
#: Annotations by which the cluster binds a claim, as it does with its C(volumeName).
BINDING = ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """What kubectl prints.

    :raises BenchError: with what it says, when it fails.
    """
    command = [str(STATE / "bin/kubectl"), "--kubeconfig", str(STATE / "admin.kubeconfig"), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise BenchError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def reset() -> None:
    """Put the sandbox back to its first state.

    :raises BenchError: with the end of its output, when that fails.
    """
    done = subprocess.run(
        [str(ROOT / "tests/sandbox/sandbox"), "reset"], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise BenchError(f"the sandbox's reset ended {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")


def applicable(live: Mapping[str, Any]) -> Object:
    """A live object without what the server put there, as somebody would apply it."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in SERVER_METADATA}
    notes = {
        key: value
        for key, value in metadata.pop("annotations", {}).items()
        if key != LAST_APPLIED and not key.startswith(BINDING)
    }
    if notes:
        metadata["annotations"] = notes
    kept = {key: value for key, value in live.items() if key != "status"}
    if live["kind"] == "PersistentVolumeClaim":
        kept["spec"] = {key: value for key, value in live["spec"].items() if key != "volumeName"}
    return {**kept, "metadata": metadata}


def reference(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """A resource of a module's result as arguments for kubectl: C(kind.version.group/name), and its namespace."""
    group, _, version = resource["api_version"].rpartition("/")
    kind = f"{resource['kind']}.{version}.{group}" if group else resource["kind"]
    namespace = ("-n", resource["namespace"]) if resource.get("namespace") else ()
    return (kind, resource["name"], *namespace)


def fetch(resources: Iterable[Mapping[str, Any]]) -> list[Object]:
    """The objects of a module's result, ready to be applied, each once and in the same order."""
    references = dict.fromkeys(reference(one) for one in resources)
    return [applicable(json.loads(kubectl("get", *one, "-o", "json"))) for one in references]


def identity(resource: Mapping[str, Any]) -> Object:
    """As much of an object as it takes to delete it."""
    metadata = {key: resource[key] for key in ("name", "namespace") if resource.get(key)}
    return {"apiVersion": resource["api_version"], "kind": resource["kind"], "metadata": metadata}


def delete(resources: Iterable[Mapping[str, Any]]) -> None:
    """Delete the objects and wait until the registry's pods are gone, too."""
    listed = {"apiVersion": "v1", "kind": "List", "items": [identity(one) for one in resources]}
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin=json.dumps(listed))
    kubectl("wait", "--for=delete", "pod", "-n", NAMESPACE, "-l", f"{NAME}=default", "--timeout=120s")


def rollouts() -> int:
    """How many rollouts the DeploymentConfig had: its ReplicationControllers C(docker-registry-1) and so on."""
    listed = kubectl("get", "rc", "-n", NAMESPACE, "-o", "name").split()
    return sum(name.startswith(f"replicationcontroller/{NAME}-") for name in listed)


def serves_tls() -> None:
    """Look into the running pod's log, as the document does.

    :raises BenchError: when it does not say C(tls): then what was measured is no registry on TLS.
    """
    log = kubectl("logs", "-n", NAMESPACE, "-l", f"{NAME}=default", "--tail=-1")
    if ", tls" not in log:
        raise BenchError(f"the registry's log does not say tls:\n{log[-2000:]}")

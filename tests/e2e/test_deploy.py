# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/openshift-3-document.md, piece by piece: each does what it says, loses no image, and run again changes nothing.

The tests run in the order of the document, from a pristine sandbox to an exposed and trusted registry.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import images
import pytest
import sandbox
import snippets

PIECES = snippets.snippets("openshift-3-document.md")
#: What the document's examples are called in the sandbox.
PLACES = {
    "registry.access.redhat.com/openshift3/": "openshift3/",
    "image_version: v3.0.0.0": "image_version: v3",
    "/etc/openshift/master/openshift-registry.kubeconfig": str(sandbox.STATE / "admin.kubeconfig"),
    "server: nfs.example.com, path: /path/to/export": "server: nfs.sandbox.test, path: /exports/registry",
    "node1.example.com": "node1",
    # what a reset of the sandbox cleans
    "/var/lib/registry": "/opt/registry",
}
#: Pieces whose second run is no news: they only show something, or prove by use.
SHOWING = {"rendered", "file-storage", "file-storage-node", "check"}


@pytest.fixture(scope="module")
def pushed() -> dict[str, str]:
    """Images pushed on the way, by name: their digests."""
    return {}


def _run(name: str, directory: Path, *arguments: str) -> sandbox.Run:
    return snippets.play(snippets.adapted(PIECES[name], PLACES), directory, *arguments)


def _config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        sandbox.kubectl("get", "deploymentconfig", "docker-registry", "-n", "default", "-o", "json")
    )
    return found


def _pod() -> dict[str, Any]:
    spec: dict[str, Any] = _config()["spec"]["template"]["spec"]
    return spec


def _env() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in _pod()["containers"][0]["env"]}


def _rollouts() -> int:
    return int(_config()["status"]["latestVersion"])


def _storage() -> dict[str, Any]:
    mounts = [m["name"] for m in _pod()["containers"][0]["volumeMounts"] if m["mountPath"] == "/registry"]
    assert len(mounts) == 1, mounts
    volume: dict[str, Any] = next(v for v in _pod()["volumes"] if v["name"] == mounts[0])
    return volume


@pytest.mark.parametrize("name", PIECES)
def test_piece(name: str, tmp_path: Path, pushed: dict[str, str]) -> None:
    """Check it, run it, run it again; the images pushed before are still there."""
    before = _rollouts() if sandbox.objects("deploymentconfigs", "-n", "default") else 0
    since = sandbox.rfc3339(time.time())
    planned = _run(name, tmp_path, "--check")
    assert planned.code == 0, planned.output
    assert sandbox.writes(since) == []
    done = _run(name, tmp_path)
    assert done.code == 0, done.output
    if name not in SHOWING:
        since = sandbox.rfc3339(time.time())
        again = _run(name, tmp_path)
        assert (again.code, again.changed) == (0, 0), again.output
        assert sandbox.writes(since) == []
    CHECKS.get(name, lambda _before: None)(before)
    for image, digest in pushed.items():
        assert images.pulls(image, digest), f"{image} is lost after {name}"
    if name in ("deploy", "pvc", "nfs", "host-path"):
        pushed[name] = images.push(name)


def _deployed(before: int) -> None:
    assert (before, _rollouts()) == (0, 1)
    assert sandbox.objects("services", "-n", "default", "--field-selector=metadata.name=docker-registry")
    assert "emptyDir" in _storage()
    for variable in ("OPENSHIFT_MASTER", "OPENSHIFT_CA_DATA", "OPENSHIFT_CERT_DATA", "OPENSHIFT_KEY_DATA"):
        assert "secretKeyRef" in _env()[variable]["valueFrom"], variable


def _in_claim(_before: int) -> None:
    assert _storage()["persistentVolumeClaim"]["claimName"] == "registry-claim"


def _on_nfs(_before: int) -> None:
    assert _storage()["nfs"] == {"server": "nfs.sandbox.test", "path": "/exports/registry"}


def _on_the_node(_before: int) -> None:
    assert _storage()["hostPath"]["path"] == "/opt/registry"
    assert _pod()["containers"][0]["securityContext"]["privileged"] is True
    users = json.loads(sandbox.kubectl("get", "securitycontextconstraints", "privileged", "-o", "json"))["users"]
    assert "system:serviceaccount:default:registry" in users


def _secured(before: int) -> None:
    assert _rollouts() == before + 1
    assert _env()["REGISTRY_HTTP_TLS_CERTIFICATE"]["value"] == "/etc/secrets/registry.crt"
    log = sandbox.kubectl("logs", "-n", "default", "-l", "docker-registry=default", "--tail=-1")
    assert "tls" in log
    account = json.loads(sandbox.kubectl("get", "serviceaccount", "registry", "-n", "default", "-o", "json"))
    assert {"name": "registry-secret"} in account["secrets"]


def _env_set(before: int) -> None:
    assert _rollouts() == before + 1
    assert _env()["REGISTRY_LOG_LEVEL"]["value"] == "debug"
    assert "REGISTRY_STORAGE_DELETE_ENABLED" not in _env()


CHECKS = {
    "deploy": _deployed,
    "pvc": _in_claim,
    "nfs": _on_nfs,
    "host-path": _on_the_node,
    "secure": _secured,
    "env": _env_set,
}

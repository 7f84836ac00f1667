# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other parts of tests/sandbox give: built artefacts (build/), OpenShift's APIs and stand-ins (openshift/)."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

from . import settings
from .controlplane import User
from .processes import SandboxError

SANDBOX = settings.CLUSTER.parent
OPENSHIFT = SANDBOX / "openshift"
# People who log in; OpenShift's groups for somebody who got a token by OAuth.
OAUTH_GROUPS = ("system:authenticated:oauth",)
USERS = (
    User("alice", "6f7c0c26-1a4e-11e5-9a5c-0242ac110002", OAUTH_GROUPS),
    User("bob", "73a1f6c8-1a4e-11e5-9a5c-0242ac110002", OAUTH_GROUPS),
)


@dataclasses.dataclass(frozen=True)
class Artifacts:
    """Built once, kept by content in the cache."""

    binary: Path  # etcd, the control plane, the node's parts and kubectl in one
    node_image: str  # of the nodes and of the infra container
    images: tuple[Path, ...]  # archives every node's docker loads


def artifacts() -> Artifacts:
    """The artefacts, which must have been built before."""
    return Artifacts(Path("/tmp/build/sandbox-kube"), "sandbox/node:test", (Path("/tmp/s2d/images.tar"),))


def docker_host() -> str:
    """Address of the sandbox's own docker daemon."""
    return "unix:///tmp/s2d/docker.sock"


def openshift_crds(directory: Path) -> None:
    """Put OpenShift's own CRDs into ``directory`` (from the Go module cache, by build tools of openshift/)."""
    command = [sys.executable, str(OPENSHIFT / "fetch_crds.py"), str(directory)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SandboxError(f"{' '.join(command)}: {result.stderr.strip() or result.stdout.strip()}")


def crd_directory() -> Path:
    """CRDs of ours (DeploymentConfig)."""
    return OPENSHIFT / "manifests" / "crds"


def object_directory() -> Path:
    """Projects, roles, security context constraints, storage: applied once the CRDs are served."""
    return OPENSHIFT / "manifests" / "objects"

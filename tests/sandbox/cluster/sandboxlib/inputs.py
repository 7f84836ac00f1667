# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other parts of tests/sandbox give: built artefacts (build/), OpenShift's APIs and stand-ins (openshift/)."""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import settings
from .controlplane import User
from .processes import SandboxError

SANDBOX = settings.CLUSTER.parent
OPENSHIFT = SANDBOX / "openshift"
BUILD = SANDBOX / "build"
ARTIFACTS = ("sandbox-kube", "node-image")
# People who log in; OpenShift's groups for somebody who got a token by OAuth.
OAUTH_GROUPS = ("system:authenticated:oauth",)
USERS = (
    User("alice", "6f7c0c26-1a4e-11e5-9a5c-0242ac110002", OAUTH_GROUPS),
    User("bob", "73a1f6c8-1a4e-11e5-9a5c-0242ac110002", OAUTH_GROUPS),
)


@functools.cache
def _build(name: str) -> Any:
    """A module of build/; they name each other without a package."""
    if str(BUILD) not in sys.path:
        sys.path.append(str(BUILD))
    return importlib.import_module(name)


@functools.cache
def _workshop() -> Any:
    cache = _build("store").Store(settings.cache_dir())
    return _build("artifacts").Workshop(cache, daemon(settings.PATHS.state, settings.cache_dir()))


def daemon(state: Path, cache: Path) -> Any:
    """The docker daemon of a state directory (build/host_dockerd.py: Daemon)."""
    return _build("host_dockerd").Daemon(state, cache)


def start_daemon(one: Any) -> bool:
    """Start it unless it runs; returns whether it was started. Raises SandboxError."""
    return bool(_said(_build("host_dockerd").start, one))


def successor(one: Any) -> Any | None:
    """The living daemon of another state directory that uses the same files, or None."""
    other = one.recorded_owner()
    return other if other and other.state != one.state and other.pid() else None


def claim_daemon() -> str | None:
    """Stop the daemon that another checkout's ended run left on the cache; says what was done. Raises SandboxError.

    For who holds the machine's sandbox, so that no other run is alive.
    """
    other = successor(own_daemon())
    if other is None:
        return None
    stop_daemon(other)
    return f"stopped the Docker daemon that {other.state} had left on the cache"


def stop_daemon(one: Any) -> bool:
    """Stop it with all its containers' processes, bridges and mounts; returns whether it ran. The images stay."""
    return bool(_said(_build("host_dockerd").stop, one))


def _said(function: Callable[[Any], Any], argument: Any) -> Any:
    """Errors of build/ as errors of the sandbox."""
    try:
        return function(argument)
    except _build("store").BuildError as error:
        raise SandboxError(str(error)) from error


def own_daemon() -> Any:
    """The daemon of this checkout's sandbox."""
    return _workshop().daemon


def docker_host() -> str:
    """Address of the sandbox's own docker daemon."""
    return str(_workshop().daemon.host)


def binary() -> Path:
    """etcd, the control plane, the node's parts and kubectl in one."""
    return Path(_workshop().path("sandbox-kube"))


def node_image() -> str:
    """The image of the nodes and of the infra container."""
    return str(_workshop().path("node-image"))


def built(name: str) -> bool:
    """Whether an artefact is there; starts the docker daemon to ask about an image."""
    return bool(_said(_workshop().has, name))


def build(names: Sequence[str]) -> None:
    """Build what is missing of the named artefacts, showing progress. Raises SandboxError."""
    if all(built(name) for name in names):
        return
    command = [sys.executable, "-B", str(BUILD / "artifacts.py"), "build", *names]
    # Progress is for people: what `api-up` prints for programs stays clean.
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise SandboxError("the artefacts could not be built (see above); `sandbox up` goes on where it stopped")


def missing_packages() -> list[str]:
    """Debian packages the machine needs and does not have; where there is no dpkg, that is for people to see to."""
    if not shutil.which("dpkg-query"):
        return []
    listed = (line.split("#")[0].strip() for line in (BUILD / "apt-packages.txt").read_text().splitlines())
    wanted = [name for name in listed if name] + ["openssh-client"]
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def openshift_crds(directory: Path) -> None:
    """Put OpenShift's own CRDs into ``directory`` (from a Go module, with the Go that builds the rest)."""
    _fetch_crds(str(directory))


def operator_crds(directory: Path) -> None:
    """Put the CRDs of OpenShift 4's image registry operator and what it reads into ``directory``."""
    _fetch_crds("--operator", str(directory))


def _fetch_crds(*arguments: str) -> None:
    command = [sys.executable, str(OPENSHIFT / "fetch_crds.py"), *arguments]
    environment = {**os.environ, "GO": _workshop().go()}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise SandboxError(f"{' '.join(command)}: {result.stderr.strip() or result.stdout.strip()}")


def crd_directory() -> Path:
    """CRDs of ours (DeploymentConfig)."""
    return OPENSHIFT / "manifests" / "crds"


def object_directory() -> Path:
    """Projects, roles, security context constraints, storage: applied once the CRDs are served."""
    return OPENSHIFT / "manifests" / "objects"


def manifests_digest() -> str:
    """A hash of all manifests, to see whether the cluster's first objects came from these."""
    state = hashlib.sha256()
    for directory in (OPENSHIFT / "manifests", settings.CLUSTER / "manifests"):
        for path in sorted(directory.rglob("*.yaml")):
            state.update(f"{path.relative_to(SANDBOX)}\0".encode() + path.read_bytes())
    return state.hexdigest()[:16]

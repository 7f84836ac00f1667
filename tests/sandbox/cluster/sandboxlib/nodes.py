# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a container of the node image a node, or the infra container: its files, as one tar.

All of it is put into the container before its first start, so that systemd boots straight into a member of
the cluster, and a restart of the container brings everything back by itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from . import settings
from .pki import Authority

PRIVATE = 0o600
MODIFIED = 1735689600  # the same for every file and every run
WANTED_BY = re.compile(r"^WantedBy=(.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class File:
    """A file, a symbolic link or a directory in a container; ``path`` without the leading slash, group root."""

    path: str
    data: bytes = b""
    mode: int = 0o644
    link: str | None = None
    directory: bool = False
    user: int = 0


def tree(directory: Path, prefix: str = "") -> Iterable[File]:
    """All files under a directory, with their paths from there; units are enabled as their ``[Install]`` says."""
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        name = prefix + path.relative_to(directory).as_posix()
        yield File(name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
        if name.startswith("etc/systemd/system/") and path.suffix == ".service":
            yield from enabling_links(path.name, path.read_text())


def enabling_links(unit: str, text: str) -> Iterable[File]:
    """The links `systemctl enable` would make for a unit."""
    for targets in WANTED_BY.findall(text):
        for target in targets.split():
            yield File(f"etc/systemd/system/{target}.wants/{unit}", link=f"/etc/systemd/system/{unit}")


def masked(units: Iterable[str]) -> Iterable[File]:
    """Links that keep units from starting."""
    return (File(f"etc/systemd/system/{unit}", link="/dev/null") for unit in units)


def cni_configuration(pod_cidr: str) -> bytes:
    """Pods of one node on the bridge cni0; addresses outside the cluster are masqueraded by pod-network."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": pod_cidr}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}, indent=1).encode()


def environment_file(values: dict[str, str]) -> bytes:
    """A file for systemd's EnvironmentFile."""
    return "".join(f'{key}="{value}"\n' for key, value in values.items()).encode()


def peers(own: str) -> str:
    """Pod ranges of the other nodes with their nodes, as pod-network wants them."""
    return " ".join(f"{node.pod_cidr}@{node.ip}" for node in settings.NODES if node.name != own)


def access_files(public_key: Path, host_key: Path) -> Iterable[File]:
    """What every container has: ssh for the administrator, and a host key that is known already."""
    yield File("root/.ssh", mode=0o700, directory=True)
    yield File("root/.ssh/authorized_keys", public_key.read_bytes(), PRIVATE)
    yield File("etc/ssh/ssh_host_ed25519_key", host_key.read_bytes(), PRIVATE)
    yield File("etc/ssh/ssh_host_ed25519_key.pub", host_key.with_suffix(".pub").read_bytes())


def node_files(node: settings.Node, authority: Authority, server: str) -> list[File]:
    """All files of a node, its seeded /etc/sysconfig among them."""
    user = f"system:node:{node.name}"
    authority.issue(node.name, common_name=user, organization="system:nodes", sans=[node.name, node.ip])
    kubelet = authority.kubeconfig(node.name, server=server, common_name=user, organization="system:nodes")
    proxy = authority.kubeconfig("proxy", server=server, common_name="system:kube-proxy")
    env = {"NODE_NAME": node.name, "NODE_IP": node.ip, "POD_CIDR": settings.POD_CIDR, "PEERS": peers(node.name)}
    # Behind the volume registry-pv; the user the registry's image runs as.
    volume = [File("var/lib/registry-pv", mode=0o770, directory=True, user=1001)] if node is settings.NODES[0] else []
    return [
        *tree(settings.CLUSTER / "rootfs" / "node"),
        *volume,
        *tree(settings.CLUSTER / "seed" / node.name),
        File("etc/origin/node/env", environment_file(env)),
        File("etc/origin/node/node.kubeconfig", kubelet, PRIVATE),
        File("etc/origin/node/proxy.kubeconfig", proxy, PRIVATE),
        File("etc/origin/node/ca.crt", authority.path("ca.crt").read_bytes()),
        File("etc/origin/node/server.crt", authority.path(f"{node.name}.crt").read_bytes()),
        File("etc/origin/node/server.key", authority.path(f"{node.name}.key").read_bytes(), PRIVATE),
        File("etc/cni/net.d/10-pods.conflist", cni_configuration(node.pod_cidr)),
    ]


def s3_files(authority: Authority, keys: Path) -> Iterable[File]:
    """What the S3 server is started with; ``keys`` is the directory of its access and secret key."""
    sans = [settings.S3_NAME, settings.INFRA_IP]
    crt, key = authority.issue("s3", common_name=settings.S3_NAME, sans=sans)
    env = {f"S3_{name}_KEY": (keys / f"{name.lower()}-key").read_text() for name in ("ACCESS", "SECRET")}
    yield File("etc/sandbox/s3.env", environment_file(env), PRIVATE)
    yield File("etc/sandbox/s3.crt", crt.read_bytes())
    yield File("etc/sandbox/s3.key", key.read_bytes(), PRIVATE)


def infra_files(authority: Authority, server: str, openshift: Path, s3_keys: Path) -> list[File]:
    """All files of the infra container: cluster DNS, router, DeploymentConfigs, storage; no engine, no kubelet."""
    dns = authority.kubeconfig("dns", server=server, common_name="system:sandbox-dns")
    # These rights are no more than what their programs need: openshift/manifests has the role.
    storage = authority.kubeconfig("storage", server=server, common_name="system:sandbox-storage")
    stand_ins = authority.kubeconfig("stand-ins", server=server, common_name="system:openshift-standins")
    node_tree = {file.path: file for file in tree(settings.CLUSTER / "rootfs" / "node")}
    return [
        *tree(settings.CLUSTER / "rootfs" / "infra"),
        node_tree["usr/local/sbin/pod-network"],
        *tree(openshift / "standins", "opt/sandbox/openshift/standins/"),
        *tree(openshift / "units", "etc/systemd/system/"),
        *masked(["docker.service", "docker.socket", "containerd.service"]),
        File("etc/sandbox/env", environment_file({"PEERS": peers("infra")})),
        File("etc/sandbox/dns.kubeconfig", dns, PRIVATE),
        File("etc/sandbox/kubeconfig", stand_ins, PRIVATE),
        File("etc/sandbox/storage.kubeconfig", storage, PRIVATE),
        *s3_files(authority, s3_keys),
    ]


def digest(files: Iterable[File]) -> str:
    """A short hash of all files, to see whether a container was made from these."""
    state = hashlib.sha256()
    for file in files:
        state.update(
            f"{file.path}\0{file.mode}\0{file.link}\0{file.directory}\0{file.user}\0{len(file.data)}\0".encode()
            + file.data
        )
    return state.hexdigest()[:16]


def archive(files: Iterable[File]) -> bytes:
    """The files as a tar for `docker cp - CONTAINER:/`; what has no other user is root's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.mode, entry.size, entry.mtime, entry.uid = file.mode, len(file.data), MODIFIED, file.user
            if file.directory:
                entry.type = tarfile.DIRTYPE
            if file.link is not None:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
            tar.addfile(entry, io.BytesIO(file.data))
    return buffer.getvalue()

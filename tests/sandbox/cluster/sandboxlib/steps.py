# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the playbooks: each does one thing, may be repeated, and says what it changed."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import Any

from . import containers, controlplane, hostlimits, hostnet, inputs, manifests, nodes, settings, snapshot, sweep
from .controlplane import ControlPlane
from .kubeclient import MERGE, ApiError, Client, in_parallel, until
from .pki import write
from .processes import SandboxError

PATHS = settings.PATHS
Changes = list[str]
BOOT_SECONDS = 90.0
NODE_SECONDS = 120.0
SETTLE_SECONDS = 60.0


def plane() -> ControlPlane:
    """The sandbox's control plane."""
    return controlplane.sandbox_control_plane(inputs.binary(), PATHS)


def client() -> Client:
    """The sandbox's own client; its requests tell themselves apart in the audit log."""
    return Client(PATHS.internal_kubeconfig)


def files(_arguments: dict[str, Any]) -> Changes:
    """Certificates, kubeconfigs, tokens, ssh key, kubectl: everything that is a file on this machine."""
    PATHS.complete.unlink(missing_ok=True)
    one = plane()
    one.write_files()
    one.write_tokens(inputs.USERS, PATHS.tokens)
    one.write_oauth(inputs.USERS, PATHS.passwords)
    one.kubeconfig(PATHS.admin_kubeconfig, user="system:admin")
    one.kubeconfig(PATHS.internal_kubeconfig, user="system:sandbox")
    _s3_keys(one)
    inputs.operator_crds(PATHS.operator_crds)
    PATHS.registry_pki.mkdir(mode=0o700, exist_ok=True)
    PATHS.kubectl.parent.mkdir(exist_ok=True)
    # kube binaries look at the name they are called by
    link = PATHS.kubectl.with_name("kubectl.new")
    link.unlink(missing_ok=True)
    link.symlink_to(inputs.binary())
    link.replace(PATHS.kubectl)
    return [*_ssh_keys(), *hostnet.close_networks(), *hostlimits.lift()]


def _s3_keys(one: ControlPlane) -> None:
    """The S3 server's one account, made once, and the authority of its certificate."""
    for name, value in (("access-key", secrets.token_hex(10)), ("secret-key", secrets.token_urlsafe(30))):
        if not (PATHS.s3 / name).exists():
            write(PATHS.s3 / name, value.encode())
    write(PATHS.s3 / "ca.crt", one.authority.path("ca.crt").read_bytes(), mode=0o644)


def _ssh_keys() -> Changes:
    """The key for the nodes, and the containers' host keys: known before the first connection, the same for ever."""
    PATHS.ssh.mkdir(mode=0o700, parents=True, exist_ok=True)
    changes = [f"ssh key {name}" for name in ("id_ed25519", *map(_host_key, settings.CONTAINERS)) if _make_key(name)]
    lines = []
    for name, address in settings.CONTAINERS.items():
        kind, key = (PATHS.ssh / f"{_host_key(name)}.pub").read_text().split()[:2]
        lines.append(f"{name},{address} {kind} {key}\n")
    write(PATHS.ssh / "known_hosts", "".join(lines).encode())
    return changes


def _host_key(name: str) -> str:
    return f"host_{name}"


def _make_key(name: str) -> bool:
    key = PATHS.ssh / name
    if key.exists() and key.with_suffix(".pub").exists():
        return False
    key.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"okd.registry sandbox {name}", "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return True


def control_plane(_arguments: dict[str, Any]) -> Changes:
    """etcd and the API server, then what needs it."""
    one = plane()
    etcd, apiserver, oauth, *managers = one.services()
    started = one.start([etcd, apiserver, oauth], marker=str(PATHS.state))
    one.wait_ready(client())
    return started + one.start(managers, marker=str(PATHS.state))


def objects(_arguments: dict[str, Any]) -> Changes:
    """The Node objects, OpenShift's APIs, projects, roles and cluster DNS."""
    one, api = plane(), client()
    changes = []
    if PATHS.snapshot.exists() and remembered().get("manifests") != inputs.manifests_digest():
        # The manifests are others now: go back to what the old ones gave, so that the new first state is clean too.
        changes = reset_all(api)
        PATHS.snapshot.unlink()
    created = [node.name for node in settings.NODES if _node_object(api, node)]
    manifests.apply_all(one.binary, PATHS.internal_kubeconfig, PATHS.control_plane / "crds", api)
    said = manifests.apply(one.binary, PATHS.internal_kubeconfig, settings.CLUSTER / "manifests")
    return changes + created + [line for line in said.splitlines() if line.endswith("created")]


def remembered() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATHS.snapshot.read_text())
    return found


def reset_all(api: Client) -> Changes:
    done = snapshot.reset(api, snapshot.from_json(remembered()["objects"]))
    until(lambda: snapshot.unsettled(api), what="first objects", seconds=SETTLE_SECONDS)
    return [f"{verb} {name}" for verb, names in done.items() for name in names]


def _node_object(api: Client, node: settings.Node) -> bool:
    """Create a Node, or label the one its kubelet has registered already."""
    metadata = {"name": node.name, "labels": node.labels}
    spec = {"podCIDR": node.pod_cidr, "podCIDRs": [node.pod_cidr]}
    try:
        api.call("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec})
    except ApiError as error:
        if error.status != 409:
            raise
        change = {"metadata": {"labels": node.labels}, "spec": spec}
        api.call("PATCH", f"/api/v1/nodes/{node.name}", change, content_type=MERGE)
        return False
    return True


def container_files(name: str) -> list[nodes.File]:
    """The files of one container."""
    one = plane()
    access = nodes.access_files(PATHS.ssh / "id_ed25519.pub", PATHS.ssh / _host_key(name))
    if name == "infra":
        return [*access, *nodes.infra_files(one.authority, one.server, inputs.OPENSHIFT, PATHS.s3)]
    node = next(node for node in settings.NODES if node.name == name)
    return [*access, *nodes.node_files(node, one.authority, one.server)]


def digest(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the container has to be made from; another digest means another container."""
    return {"digest": wanted_digest(arguments["part"])}


def wanted_digest(name: str) -> str:
    """A hash of a container's files and of the play that makes it."""
    options = nodes.File("options", (settings.CLUSTER / "parts" / "container.yml").read_bytes())
    return nodes.digest([options, *container_files(name)])


def start(arguments: dict[str, Any]) -> Changes:
    """Give the container its files and images, and start it."""
    name = arguments["part"]
    archive = nodes.archive(container_files(name))
    if not containers.start(name, archive):
        return []
    sweep.end_ssh(PATHS)  # what is left of connections to a container of that name before this one
    return [name]


def inactive_units(name: str) -> str | None:
    """Which of the units a container is for do not run."""
    units = INFRA_UNITS if name == "infra" else NODE_UNITS
    words = containers.inside(name, ["systemctl", "is-active", *units], check=False).split()
    if len(words) < len(units):
        return "systemd does not answer"
    waiting = [f"{unit} is {word}" for unit, word in zip(units, words, strict=True) if word != "active"]
    return ", ".join(waiting) or None


def booted(arguments: dict[str, Any]) -> Changes:
    """Wait until the container's units run."""
    name = arguments["part"]
    until(lambda: inactive_units(name), what=f"units of {name}", seconds=BOOT_SECONDS, pause=0.3)
    return []


NODE_UNITS = (
    "ssh",
    "docker",
    "node-dnsmasq",
    "pod-network",
    "node-images",
    "dockershim",
    "origin-node",
    "origin-proxy",
)
INFRA_UNITS = (
    "ssh",
    "pod-network",
    "coredns",
    "openshift-haproxy",
    "openshift-router",
    "openshift-deploymentconfigs",
    "openshift-imagestreams",
    "rpcbind",
    "sandbox-nfs",
    "sandbox-s3",
    "sandbox-s3-tls",
    "local-path-provisioner",
)


def joined(_arguments: dict[str, Any]) -> Changes:
    """Wait until every node is Ready."""
    api = client()
    until(lambda: not_ready(api), what="nodes", seconds=NODE_SECONDS)
    return []


def not_ready(api: Client) -> str | None:
    """Which nodes are not Ready, and what they say about it."""
    said = {}
    for item in api.call("GET", "/api/v1/nodes")["items"]:
        conditions = {entry["type"]: entry for entry in item.get("status", {}).get("conditions") or ()}
        ready = conditions.get("Ready", {})
        said[item["metadata"]["name"]] = (
            None if ready.get("status") == "True" else ready.get("message", "no status yet")
        )
    waiting = [
        f"{node.name}: {said.get(node.name, 'no Node object')}"
        for node in settings.NODES
        if said.get(node.name, "absent") is not None
    ]
    return "; ".join(waiting) or None


def remember(_arguments: dict[str, Any]) -> Changes:
    """Remember how everything new is now; `reset` comes back to it."""
    saved = in_parallel(lambda node: containers.inside(node.name, [*NODE_STATE, "save"]), settings.NODES)
    changes = [line for said in saved for line in said.splitlines()]
    if PATHS.snapshot.exists():
        return changes
    api = client()
    until(lambda: snapshot.unsettled(api), what="first objects", seconds=SETTLE_SECONDS)
    data = {"manifests": inputs.manifests_digest(), "objects": snapshot.to_json(snapshot.listing(api))}
    write(PATHS.snapshot, json.dumps(data).encode())
    return [*changes, "objects of the cluster"]


def outdated() -> list[str]:
    return [name for name in settings.CONTAINERS if not up_to_date(name)]


def up_to_date(name: str) -> bool:
    """Whether a container is there, made from the image and the files of now."""
    made = containers.made_from(name, containers.LABEL)
    return made == (inputs.node_image(), wanted_digest(name))


def well(_arguments: dict[str, Any]) -> Changes:
    """Nothing is wrong with any part: `up` has come to its end."""
    from . import health  # it looks at what the steps make

    changed = outdated()
    if changed:
        raise SandboxError(f"{', '.join(changed)}: files were changed meanwhile: run `sandbox up` again")
    PATHS.complete.touch()
    try:
        until(lambda: "; ".join(health.problems()) or None, what="all parts", seconds=60, pause=0.5)
    except SandboxError:
        PATHS.complete.unlink(missing_ok=True)
        raise
    return []


NODE_STATE = ("python3", "/usr/local/lib/sandbox/node_state.py")

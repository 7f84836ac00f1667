# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, addresses and paths of the sandbox; everything else takes them from here."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
CLUSTER = CHECKOUT / "tests" / "sandbox" / "cluster"

# Every process of a sandbox carries this variable (its value: the state directory), so that it can be told
# from all others of the machine even when its checkout and its pid file are gone.
MARKER = "OKD_REGISTRY_SANDBOX"
RUN_TOKEN = "OKD_REGISTRY_SANDBOX_RUN"

BRIDGE = "br-okdreg"
NETWORK = "okdreg"
# In the path of every control socket of ssh to the nodes (inventory/sandbox), so that `down` finds the connections.
SSH_CONTROL = "/cp/okd-registry-sandbox/"
SUBNET = "172.29.0.0/24"
GATEWAY = "172.29.0.1"
INFRA_IP = "172.29.0.2"
API_PORT = 6443
SERVICE_CIDR = "172.30.0.0/16"
# For the API server alone: a Service may ask for both families, but pods and nodes have no IPv6.
SERVICE_CIDR_6 = "fd00:172:30::/112"
POD_CIDR = "10.128.0.0/14"
DNS_SERVICE_IP = "172.30.0.10"
CLUSTER_DOMAIN = "cluster.local"
APPS_DOMAIN = "apps.sandbox.test"
# Both are the infra container; the names hold in pods and on nodes.
NFS_NAME = "nfs.sandbox.test"
S3_NAME = "s3.sandbox.test"
NFS_PORT = 2049
S3_PORT, S3_TLS_PORT = 9000, 9443
# The machine is a bastion: these networks end here instead of leaving by its default route.
BLACKHOLES = (SERVICE_CIDR, POD_CIDR)


@dataclasses.dataclass(frozen=True)
class Node:
    """A node: its name, address on the sandbox's network, pod range and labels."""

    name: str
    ip: str
    pod_cidr: str
    labels: dict[str, str]


def _node(number: int) -> Node:
    name = f"node{number}"
    role = {"region": "infra", "node-role.kubernetes.io/infra": "true"} if number == 1 else {"region": "primary"}
    labels = {"kubernetes.io/hostname": name, **role}
    return Node(name, f"172.29.0.{10 + number}", f"10.128.{number}.0/24", labels)


NODES = tuple(_node(number) for number in (1, 2, 3))
CONTAINERS = {**{node.name: node.ip for node in NODES}, "infra": INFRA_IP}


@dataclasses.dataclass(frozen=True)
class Paths:
    """The state directory of one checkout and what is in it."""

    state: Path

    @property
    def control_plane(self) -> Path:
        """Processes of the control plane: data, logs, pid files, configuration."""
        return self.state / "control-plane"

    @property
    def registry_pki(self) -> Path:
        """Where the registry's certificate authority is made by the playbooks under test."""
        return self.state / "pki"

    @property
    def ssh(self) -> Path:
        """The key for the nodes and their host keys."""
        return self.state / "ssh"

    @property
    def tokens(self) -> Path:
        """One file for each user, holding the bearer token."""
        return self.state / "tokens"

    @property
    def passwords(self) -> Path:
        """One file for each user, holding the password by which OAuth gives them a token."""
        return self.state / "passwords"

    @property
    def s3(self) -> Path:
        """For clients of the S3 server: access-key, secret-key, ca.crt."""
        return self.state / "s3"

    @property
    def operator_crds(self) -> Path:
        """CRDs of OpenShift 4 that a test may apply; a new sandbox has none of them."""
        return self.state / "operator-crds"

    @property
    def snapshot(self) -> Path:
        """What the sandbox looked like when it was new; ``reset`` goes back to it."""
        return self.state / "pristine.json"

    @property
    def complete(self) -> Path:
        """There from the end of one `up` to the start of the next that has something to do."""
        return self.state / "complete"

    @property
    def admin_kubeconfig(self) -> Path:
        """For cluster administrators; for people, playbooks and tests."""
        return self.state / "admin.kubeconfig"

    @property
    def internal_kubeconfig(self) -> Path:
        """For the sandbox's own requests: another user agent, so that tests can leave them out of a count."""
        return self.control_plane / "sandbox.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, one JSON object a line."""
        return self.control_plane / "audit.log"

    @property
    def kubectl(self) -> Path:
        """kubectl, a link to the one binary."""
        return self.state / "bin" / "kubectl"

    @property
    def api(self) -> Path:
        """State of the API server that runs by itself (``api-up``)."""
        return self.state / "api"


def cache_dir() -> Path:
    """Where binaries and images are kept, by content, outside the checkout."""
    return Path(os.environ.get("OKD_REGISTRY_CACHE") or Path.home() / ".cache" / "okd-registry")


PATHS = Paths(Path(os.environ.get("OKD_REGISTRY_SANDBOX_STATE") or CHECKOUT / ".sandbox"))
RUN_DIR = Path("/run/okd-registry-sandbox")

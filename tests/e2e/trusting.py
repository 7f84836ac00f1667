# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of trust.yml under faults share: nodes as they are at first, and what must hold after each fault."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import sandbox

CORDON = ("-e", "registry_trust_cordon=true")
ANNOTATION = "okd.registry/cordoned"
IN_SERVICE = (False, None)


def text(output: str) -> str:
    """Fold the line breaks and indents of what was printed, so that sentences can be found in it."""
    return " ".join(output.replace("\\n", " ").split())


def trust(*arguments: str) -> sandbox.Run:
    return sandbox.playbook("trust.yml", *arguments)


def cordoned(name: str) -> tuple[bool, str | None]:
    """Whether new pods stay away, and for which registry we saw to that."""
    found = json.loads(sandbox.kubectl("get", "node", name, "-o", "json"))
    return bool(found["spec"].get("unschedulable")), (found["metadata"].get("annotations") or {}).get(ANNOTATION)


FORGET = (
    "rm -rf /var/lib/okd-registry; cd /etc/docker/certs.d 2>/dev/null && rm -rf 172.30.* docker-registry.* registry.*"
)


def unready(*names: str) -> None:
    """Forget all trust on nodes, and have their docker run with the insecure flags that they had at first."""
    for name in names:
        sandbox.on(name, f"cat > /etc/sysconfig/docker; {FORGET}; systemctl restart docker", stdin=sandbox.seed(name))


def works() -> None:
    """Docker answers on all nodes, and the registry on its address from one of them."""
    docker = "for i in $(seq 60); do docker ps -q >/dev/null 2>&1 && exit 0; sleep 0.5; done; exit 1"
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: sandbox.on(name, docker), sandbox.NODES))
    healthy = f"curl -ksf -m 5 https://{sandbox.SERVICE_IP}:5000/healthz"
    sandbox.on("node2", f"for i in $(seq 60); do {healthy} && exit 0; sleep 0.5; done; exit 1")


def flagged(name: str) -> bool:
    """Whether a node's docker runs with the registry's flag."""
    return bool(sandbox.own_flags(sandbox.dockerd_arguments(name)))


def converged(*arguments: str) -> sandbox.Run:
    """A run ends well, and leaves no flag and nobody out of service."""
    ended = trust(*arguments)
    assert ended.code == 0, ended.output
    nodes = [name for name in ended.recap if name in sandbox.NODES]
    assert nodes
    assert [name for name in nodes if flagged(name)] == []
    assert [cordoned(name) for name in nodes] == [IN_SERVICE] * len(nodes)
    return ended

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a registry and its removal could leave traces in: objects of the cluster, files of the nodes.

Run as a program, it writes down what there is now, for a test to compare with.
"""

from __future__ import annotations

import json
from typing import Any

import sandbox

KEPT = sandbox.ROOT / "tests/output/surroundings.json"
KINDS = (
    "deploymentconfigs,deployments,daemonsets,replicationcontrollers,jobs,poddisruptionbudgets,pods,services,routes,"
    "secrets,configmaps,serviceaccounts,persistentvolumeclaims,persistentvolumes,roles,rolebindings,clusterroles,"
    "clusterrolebindings,securitycontextconstraints,nodes,namespaces"
)
# Of these the server, or a controller, writes something else all the time.
SERVERS = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "uid")
# Everything below, with what it is, its mode and owner; of files what they hold.
FILES = (
    "cd / && find etc root opt var/lib/okd-registry usr/local/share -xdev "
    r"\( -type f -printf '%p file %m %U:%G ' -exec sha256sum {} \; \) -o -printf '%p %y %m %U:%G %l\n' 2>/dev/null"
    "; true"
)


def objects() -> dict[str, Any]:
    """Give every object, by kind and name, without its status and what only servers write."""
    found = {}
    for one in sandbox.objects(KINDS, "--all-namespaces"):
        meta = {key: value for key, value in one["metadata"].items() if key not in SERVERS}
        rest = {key: value for key, value in one.items() if key not in ("metadata", "status")}
        name = f"{one['kind']} {meta.get('namespace', '')}/{meta['name']}"
        found[name] = {**rest, "metadata": meta}
    return found


def files() -> dict[str, str]:
    """Give every file, link and directory of the nodes, by node and path."""
    found = {}
    for node in sandbox.NODES:
        for line in sandbox.on(node, FILES).stdout.splitlines():
            path, _, what = line.partition(" ")
            found[f"{node}:/{path}"] = " ".join(what.split()[:4])
    return found


def flags(node: str) -> list[str]:
    """Give the names of the registry that a node's docker runs with as insecure."""
    own = sandbox.own_flags(sandbox.dockerd_arguments(node))
    return sorted(flag.removeprefix("--insecure-registry=") for flag in own)


def now() -> dict[str, Any]:
    """Give all of it as it is."""
    return {"objects": objects(), "files": files(), "flags": {node: flags(node) for node in sandbox.NODES}}


if __name__ == "__main__":
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(now()))

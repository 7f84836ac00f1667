# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as the API shows them: which inventory host each is, and whether it is cordoned, and for whom. Pure.

A cordon of ours says in an annotation for which registry it was made, so that a later run undoes ours alone, also
where the run that made it never came back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

CORDONED = "okd.registry/cordoned"
_HOSTNAME = "kubernetes.io/hostname"

Object = Mapping[str, Any]


def ref(name: str) -> ObjectRef:
    """The reference to a Node."""
    return ObjectRef("v1", "Node", name)


def addresses(node: Object) -> list[str]:
    """All that a Node is reached by, as the kubelet or the cloud says it: addresses and host names."""
    return [str(one["address"]) for one in (node.get("status") or {}).get("addresses") or [] if one.get("address")]


def condition(node: Object) -> Mapping[str, Any]:
    """The Ready condition; empty where there is none yet."""
    found = (node.get("status") or {}).get("conditions") or []
    return next((one for one in found if one.get("type") == "Ready"), {})


def is_ready(node: Object) -> bool:
    """Whether the control plane holds a Node for ready."""
    return condition(node).get("status") == "True"


def is_cordoned(node: Object) -> bool:
    """Whether no new pods are scheduled on a Node, whoever said so."""
    return bool((node.get("spec") or {}).get("unschedulable"))


def cordoned_for(node: Object) -> str | None:
    """The registry (``namespace/name``) for whose restart this collection cordoned a Node; None where it did not."""
    return (node["metadata"].get("annotations") or {}).get(CORDONED)


def value(node: Object, host: str | None = None) -> dict[str, Any]:
    """A Node as modules return it."""
    return {
        "name": node["metadata"]["name"],
        "host": host,
        "addresses": addresses(node),
        "ready": is_ready(node),
        "schedulable": not is_cordoned(node),
        "cordoned_for": cordoned_for(node),
    }


def cordon(node: dict[str, Any], registry: str) -> dict[str, Any]:
    """Cordon a Node for a registry, in place; one that somebody has cordoned already stays his."""
    if not is_cordoned(node):
        node.setdefault("spec", {})["unschedulable"] = True
        node["metadata"].setdefault("annotations", {})[CORDONED] = registry
    return node


def uncordon(node: dict[str, Any], registry: str) -> dict[str, Any]:
    """Undo cordon() in place; a cordon of somebody else, or for another registry, stays."""
    if cordoned_for(node) == registry:
        node["spec"].pop("unschedulable", None)
        rest = node["metadata"]["annotations"]
        rest.pop(CORDONED)
        if not rest:
            node["metadata"].pop("annotations")
    return node


def shown(node: Object) -> dict[str, Any]:
    """What of a Node this collection changes, for diffs: the rest is long, and changes all the time."""
    marked = cordoned_for(node)
    return {
        "metadata": {"name": node["metadata"]["name"], **({"annotations": {CORDONED: marked}} if marked else {})},
        "spec": {"unschedulable": True} if is_cordoned(node) else {},
    }


def hosts_of(nodes: Iterable[Object], inventory: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Which inventory host each Node is.

    Addresses decide; then, for hosts that are reached by something no Node knows, such as an ssh alias, names: the
    Node's own, its label kubernetes.io/hostname, and at last both without their domains, where that is not ambiguous.

    :param inventory: host -> the names and addresses by which the inventory knows it.
    :returns: name of the Node -> host, without Nodes that no host is.
    """
    found: dict[str, str] = {}
    left = [deepcopy(dict(node)) for node in nodes]
    for known in (addresses, _names, _short_names):
        hosts = _by_name(inventory, short=known is _short_names)
        for node in left:
            match = sorted({hosts[name] for name in map(str.lower, known(node)) if name in hosts})
            if len(match) == 1 and match[0] not in found.values():
                found[str(node["metadata"]["name"])] = match[0]
        left = [node for node in left if node["metadata"]["name"] not in found]
    return found


def _names(node: Object) -> list[str]:
    return [str(node["metadata"]["name"]), str((node["metadata"].get("labels") or {}).get(_HOSTNAME) or "")]


def _short_names(node: Object) -> list[str]:
    return [name.partition(".")[0] for name in _names(node)]


def _by_name(inventory: Mapping[str, Iterable[str]], *, short: bool) -> dict[str, str]:
    """Name or address -> the one host that has it; what several have tells nothing."""
    owners: dict[str, set[str]] = {}
    for host, names in inventory.items():
        for name in map(str, names):
            is_address = ":" in name or name.replace(".", "").isdigit()
            key = name.partition(".")[0] if short and not is_address else name
            owners.setdefault(key.lower(), set()).add(host)
    return {name: hosts.copy().pop() for name, hosts in owners.items() if name and len(hosts) == 1}

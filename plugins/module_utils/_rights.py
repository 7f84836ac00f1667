# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a run of site.yml needs on the API, and which of them are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster


@dataclass(frozen=True)
class Right:
    """One verb on one resource.

    :param everywhere: needed in the whole cluster rather than in the registry's namespace.
    """

    verb: str
    resource: str
    group: str = ""
    everywhere: bool = False


_RBAC = "rbac.authorization.k8s.io"
_ROUTES = "route.openshift.io"
_CONFIGS = ("apps.openshift.io", "deploymentconfigs")
_DEPLOYMENTS = ("apps", "deployments")
_DAEMONS = ("apps", "daemonsets")


def needed(cluster: Cluster, *, route: bool, kind: str = "auto") -> list[Right]:
    """The rights to deploy, secure and (``route``) expose a registry on a cluster.

    :param kind: of the workload, as in the modules' option.
    """
    three = kind == "DeploymentConfig" or (kind == "auto" and cluster.openshift == 3)
    daemons = kind == "DaemonSet"
    written = [("", r) for r in ("services", "secrets", "configmaps", "serviceaccounts")]
    workload = _DAEMONS if daemons else _CONFIGS if three else _DEPLOYMENTS
    written.append(workload)
    written += [(_ROUTES, "routes")] if route else []
    rights = [Right(verb, r, group) for group, r in written for verb in ("get", "create", "patch")]
    # a registry of another kind may be there already
    others = (_CONFIGS, _DEPLOYMENTS, _DAEMONS) if cluster.has_deployment_configs else (_DEPLOYMENTS, _DAEMONS)
    rights += [Right("get", resource, group) for group, resource in others if (group, resource) != workload]
    rights += [
        Right("get", "pods"),
        Right("list", "pods"),
        Right("get", "persistentvolumeclaims"),
        Right("list", "events"),
    ]
    revisions = "controllerrevisions" if daemons else "replicasets"
    rights += [Right("get", "replicationcontrollers")] if three else [Right("list", revisions, "apps")]
    rights += [Right("get", "pods/log"), Right("get", "pods/portforward"), Right("get", "nodes", everywhere=True)]
    if cluster.has_routes:
        rights.append(Right("list", "routes", _ROUTES))
    if route:
        rights += [Right(verb, "routes/custom-host", _ROUTES) for verb in ("create", "update")]
    if cluster.openshift:
        rights += [Right(verb, "clusterrolebindings", _RBAC, everywhere=True) for verb in ("get", "create", "patch")]
    return rights


def missing(api: Api, namespace: str, cluster: Cluster, *, route: bool, kind: str = "auto") -> list[Right]:
    """Those of the needed rights that the user lacks. One request for a cluster administrator, else one for each."""
    if api.may("*", "*", group="*"):
        return []
    return [right for right in needed(cluster, route=route, kind=kind) if not _has(api, right, namespace)]


def _has(api: Api, right: Right, namespace: str) -> bool:
    resource, _slash, subresource = right.resource.partition("/")
    where = None if right.everywhere else namespace
    return api.may(right.verb, resource, group=right.group, namespace=where, subresource=subresource)


def rules(rights: Iterable[Right]) -> str:
    """Rights as the rules of a Role, in YAML."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    return "\n".join(
        f'- apiGroups: ["{group}"]\n  resources: [{resource}]\n  verbs: [{", ".join(wanted)}]'
        for (group, resource), wanted in verbs.items()
    )


def explain(rights: list[Right], namespace: str) -> str:
    """The missing rights as one sentence with the rules that would give them."""
    parts = []
    if any(r.resource == "clusterrolebindings" for r in rights):
        # Not asked for before: who has all that a role gives may bind it without.
        rights = [*rights, Right("bind", "clusterroles", _RBAC, everywhere=True)]
    inside = [r for r in rights if not r.everywhere]
    outside = [r for r in rights if r.everywhere]
    if inside:
        parts.append(f"as a Role in namespace {namespace}:\n{rules(inside)}")
    if outside:
        parts.append(f"as a ClusterRole:\n{rules(outside)}")
    return "The user of this connection lacks rights that a run needs. They are, " + "\nand ".join(parts)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights each feature needs on the API, and why. Pure; ``docs/permissions.md`` is made from it.

Rights are on objects by name wherever RBAC can say that (not for ``create`` and ``list``, which know no name), for in
the registry's namespace there may be Secrets that are nobody's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as operator
from ansible_collections.okd.registry.plugins.module_utils._build import pdb, rbac, scc, trust_agent, trusted_ca
from ansible_collections.okd.registry.plugins.module_utils._build.right import BIND, CLUSTER, Asked, Right, on
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster
from ansible_collections.okd.registry.plugins.module_utils._kinds import group_of, plural

RBAC, ROUTES, STORAGE, NETWORK = rbac.RBAC, "route.openshift.io", "storage.k8s.io", "networking.k8s.io"


@dataclass(frozen=True)
class Feature:
    """Rights that go together.

    :param title: for people.
    :param when: whether a run needs it.
    """

    title: str
    when: Callable[[Asked], bool]
    rights: Callable[[Asked], Iterator[Right]]


def needed(asked: Asked) -> list[Right]:
    """All rights that a run needs or is helped by, each once; a right that one feature needs is not only helpful."""
    found: dict[Right, Right] = {}
    for feature in features(asked):
        for right in feature.rights(asked):
            if right not in found or (found[right].helpful and not right.helpful):
                found[right] = right
    return list(found.values())


def features(asked: Asked) -> list[Feature]:
    """What a run has to do with, in the order of docs/permissions.md."""
    if asked.operator:
        return [OPERATOR]
    return [feature for feature in (ABSENT if asked.state == "absent" else FEATURES) if feature.when(asked)]


# ---- what each feature needs ---------------------------------------------------------------------------------------


def _address(a: Asked) -> Iterator[Right]:
    yield from on("services", "get create patch", "the Service and its address", name=a.name)
    yield from on("services", "list", "who has cluster_ip already", where=CLUSTER, helpful=True)
    yield from on("namespaces", "get", "whether the namespace is there", name=a.namespace, where=CLUSTER, helpful=True)
    yield from on(
        "servicecidrs", "list", "whether cluster_ip is in range, before it is asked for",
        group=NETWORK, where=CLUSTER, helpful=True,
    )  # fmt: skip


def _certificate(a: Asked) -> Iterator[Right]:
    yield from on("secrets", "get create patch", "certificate and key", name=a.certificate)
    yield from on("configmaps", "get create patch", "the CA, for the nodes", name=f"{a.name}-ca")
    if a.cluster.has_routes:
        yield from on("routes", "list", "hosts of Routes, which the certificate has to cover", group=ROUTES)


def _other_certificate(a: Asked) -> Iterator[Right]:
    yield from on("secrets", "get", "of which CA the certificate in use is, which nodes have to trust", name=a.served)


def _workload(a: Asked) -> Iterator[Right]:
    for kind in _kinds(a):
        why = "the workload" if kind == a.workload else "a registry of another kind may be there"
        verbs = "get create patch" if kind == a.workload else "get"
        yield from on(plural(API_VERSIONS[kind], kind), verbs, why, group=_group(kind), name=a.name)
    yield from on("serviceaccounts", "get create patch", "the account of the pods", name=a.account)
    yield from on("secrets", "get create patch", "the HTTP secret", name=f"{a.name}-http-secret")
    yield from on("configmaps", "get", "whether images are on their way to another volume", name=f"{a.name}-migration")
    for resource, name in _left(a):
        yield from on(resource, "get delete", "what is no longer asked for is found and taken away", name=name)
        yield from on(resource, "patch", _SHARED, name=name, helpful=True)


def _rollout(a: Asked) -> Iterator[Right]:
    yield from on("pods", "list", "how far the rollout is")
    if a.workload == "DeploymentConfig":
        yield from on("replicationcontrollers", "get", "how far the rollout is")
        yield from on("pods", "get", "the pod that deploys, where it is in the way")
    elif a.workload == "DaemonSet":
        yield from on("controllerrevisions", "list", "how far the rollout is", group="apps")
    else:
        yield from on("replicasets", "list", "how far the rollout is", group="apps")
    yield from on("events", "list", "why a pod does not start", helpful=True)
    yield from on("pods/log", "get", "the last words of a pod that crashes; that it listens with TLS", helpful=True)


def _proof(a: Asked) -> Iterator[Right]:
    # Streams over WebSockets are a "get"; since Kubernetes 1.35 "create" is asked for as well.
    verbs = "get create" if _minor(a.cluster) >= 35 else "get"
    yield from on("pods/portforward", verbs, "which certificate each pod serves")
    yield from on(
        "nodes", "get list", "which Node each host is, which has no host, and which runs the registry: it is restarted "
        "last", where=CLUSTER, helpful=True,
    )  # fmt: skip
    yield from on("pods/exec", "create get", "how many images there are (figures only)", helpful=True)


def _account_rights(a: Asked) -> Iterator[Right]:
    name = rbac.binding_name(a.account, a.namespace)
    yield from on(
        "clusterrolebindings", "get create patch", "what the registry may do", group=RBAC, name=name, where=CLUSTER
    )
    yield from on(
        "clusterroles", BIND, "nobody may give what he does not have, unless he may bind it",
        group=RBAC, name=a.bound_role, where=CLUSTER,
    )  # fmt: skip
    yield from on(
        "clusterroles", "get", "whether the role is there", group=RBAC, name=a.bound_role, where=CLUSTER, helpful=True
    )


def _account_rights_before(a: Asked) -> Iterator[Right]:
    name = rbac.binding_name(a.account, a.namespace)
    why = "a binding that is no longer asked for is taken away"
    yield from on("clusterrolebindings", "get delete", why, group=RBAC, name=name, where=CLUSTER, helpful=True)
    for kind in _kinds(a):
        why = "whether others use the account of that binding"
        yield from on(plural(API_VERSIONS[kind], kind), "list", why, group=_group(kind), helpful=True)


def _former_accounts(a: Asked) -> Iterator[Right]:
    for account in a.former:
        name = rbac.binding_name(account, a.namespace)
        yield from on(
            "serviceaccounts", "get patch delete", "the account of before, where it was made for it", name=account
        )
        yield from on(
            "clusterrolebindings", "get delete", "what that was allowed", group=RBAC, name=name, where=CLUSTER
        )
    for kind in _kinds(a):
        why = "whether others use the account of before too"
        yield from on(plural(API_VERSIONS[kind], kind), "list", why, group=_group(kind))


def _claim(a: Asked) -> Iterator[Right]:
    yield from on("persistentvolumeclaims", "get", "the claim", name=_claim_name(a))
    yield from on("persistentvolumeclaims", "list", "which claims there are, where it is missing", helpful=True)
    yield from on("persistentvolumes", "list", "whether a volume fits the claim", where=CLUSTER, helpful=True)
    yield from on(
        "storageclasses", "list", "whether a class gives the claim a volume, and lets it grow",
        group=STORAGE, where=CLUSTER, helpful=True,
    )  # fmt: skip


def _new_claim(a: Asked) -> Iterator[Right]:
    yield from on("persistentvolumeclaims", "create patch", "the claim is made, and grows", name=_claim_name(a))


def _nfs_volume(a: Asked) -> Iterator[Right]:
    yield from on(
        "persistentvolumes", "get create patch", "the volume with the mount's options",
        name=_volume_name(a), where=CLUSTER,
    )  # fmt: skip


def _host_path(_asked: Asked) -> Iterator[Right]:
    yield from on(
        "securitycontextconstraints", "get patch", "the account may run privileged, to write to its node",
        group=scc.GROUP, name=scc.REF.name, where=CLUSTER,
    )  # fmt: skip


def _host_path_anywhere(_asked: Asked) -> Iterator[Right]:
    yield from on(
        "nodes", "list", "whether node_selector leads to one node, on which the directory is",
        where=CLUSTER, helpful=True,
    )  # fmt: skip


def _host_path_before(_asked: Asked) -> Iterator[Right]:
    yield from on(
        "securitycontextconstraints", "get patch", "the account no longer runs privileged, where it did for us",
        group=scc.GROUP, name=scc.REF.name, where=CLUSTER, helpful=True,
    )  # fmt: skip


def _object_storage(a: Asked) -> Iterator[Right]:
    yield from on("secrets", "get create patch", "parameters of the storage", name=a.storage_secret)
    theirs = a.storage.objects.secret_name if a.storage.objects else None
    if theirs:
        yield from on("secrets", "get", "the Secret that storage.secret_name names", name=theirs)


def _probe(a: Asked) -> Iterator[Right]:
    yield from on("jobs", "get create delete", "the pod that tries to write", group="batch", name=f"{a.name}-probe")
    yield from on("pods", "list", "how it is with that pod")
    yield from on("pods/log", "get", "what it found")
    if a.storage.new_claim:
        yield from on(
            "persistentvolumeclaims", "delete", "a claim that was made for it goes when it fails",
            name=_claim_name(a), helpful=True,
        )  # fmt: skip
    if a.storage.new_claim and a.storage.nfs:
        yield from on(
            "persistentvolumes", "delete", "so does its volume", name=_volume_name(a), where=CLUSTER, helpful=True
        )  # fmt: skip


def _budget(a: Asked) -> Iterator[Right]:
    # Before Kubernetes 1.15 a budget cannot be changed, and is made anew.
    yield from on(
        plural("policy/v1", pdb.KIND), "get create patch delete", "the PodDisruptionBudget",
        group="policy", name=a.name,
    )  # fmt: skip


def _budget_before(a: Asked) -> Iterator[Right]:
    yield from on(
        plural("policy/v1", pdb.KIND), "get delete", "one that is no longer asked for is taken away",
        group="policy", name=a.name, helpful=True,
    )  # fmt: skip


def _settings(a: Asked) -> Iterator[Right]:
    for setting in sorted(a.ours):
        resource, name = a.setting_objects[setting]
        yield from on(resource, "get create patch", f"what {_OPTIONS.get(setting, setting)} says", name=name)
    for resource, name in a.theirs:
        yield from on(resource, "get", "the object that config or extra_ca names", name=name)


def _agent(a: Asked) -> Iterator[Right]:
    name = trust_agent.name_of(a.name)
    for resource, group, why in (
        ("daemonsets", "apps", "the agent on every node"), ("configmaps", "", "its code"),
        ("serviceaccounts", "", "its account"),
    ):  # fmt: skip
        yield from on(resource, "get create patch", why, group=group, name=name)
        yield from on(resource, "delete", "with `state: absent`, it goes", group=group, name=name, helpful=True)
    yield from on("services", "get", "the registry's address", name=a.name)
    yield from on("configmaps", "get", "that there is a CA for the nodes", name=f"{a.name}-ca")
    if a.cluster.has_routes:
        yield from on("routes", "list", "hosts of Routes, which nodes have to trust", group=ROUTES)
    if a.has_scc:
        yield from on(
            "securitycontextconstraints", "get patch", "its account may write to its node",
            group=scc.GROUP, name=scc.REF.name, where=CLUSTER,
        )  # fmt: skip
    yield from on("pods", "list", "which nodes are as wanted")
    yield from on("controllerrevisions", "list", "which nodes have the newest agent", group="apps")
    yield from on("pods/log", "get", "what an agent says of its node", helpful=True)
    yield from on("events", "list", "why a pod does not start", helpful=True)


def _rollback(a: Asked) -> Iterator[Right]:
    """Everything that a deployment may have made goes again; what it found is put back."""
    yield from on("secrets", "get create patch delete", "how it was before", name=f"{a.name}-before")
    makers = [f for f in FEATURES if f.rights in _MADE and f.when(a)]
    for right in _written(r for f in makers for r in f.rights(a)):
        yield Right("delete", right.resource, right.group, right.name, right.where, "what the deployment made goes")


def _migration(a: Asked) -> Iterator[Right]:
    yield from on("configmaps", "get create patch delete", "how far it is", name=f"{a.name}-migration")
    yield from on("jobs", "get create delete", "the pod that copies", group="batch", name=f"{a.name}-migrate")
    yield from on("pods", "list", "the registry's pods, and the one that copies")
    yield from on("pods/exec", "get create", "files are read, copied, compared and verified in these pods")
    yield from on("services", "list get patch", "what leads to the pods is closed for pushes for a moment, and opened")
    yield from on("endpoints", "get", "that it is closed")
    yield from on("persistentvolumeclaims", "get", "the old volume and the new")
    yield from on("nodes", "get", "the node that has a volume which only one can have", where=CLUSTER, helpful=True)


def _absent(a: Asked) -> Iterator[Right]:
    for kind in _kinds(a):
        resource, group = plural(API_VERSIONS[kind], kind), _group(kind)
        yield from on(resource, "get delete", "the workload", group=group, name=a.name)
        yield from on(resource, "list", "whether others use the account too", group=group)
    for resource, name in (("secrets", f"{a.name}-http-secret"), *_left(a)):
        yield from on(resource, "get delete", "what was made for the workload", name=name)
        yield from on(resource, "patch", _SHARED, name=name, helpful=True)
    for account in (a.account, *a.former):
        yield from on("serviceaccounts", "get patch delete", "the account, where it was made for it", name=account)
    yield from on("pods", "list", "whether images go with pods that have them in themselves", helpful=True)
    yield from on("pods/exec", "create get", "how many images that would be (figures only)", helpful=True)
    yield from on("services", "get", "what is told about the registry", name=a.name)
    for purpose in ("migrate", "probe"):
        why = "a pod that copied or tried for a run that was killed"
        yield from on("jobs", "get delete", why, group="batch", name=f"{a.name}-{purpose}")
    unfinished = "images were on their way to another volume: what kept pushes out goes"
    yield from on("configmaps", "get delete", unfinished, name=f"{a.name}-migration")
    yield from on("services", "list patch", unfinished, helpful=True)
    for account in (a.account, *a.former):
        name = rbac.binding_name(account, a.namespace)
        yield from on("clusterrolebindings", "get delete", "what it was allowed", group=RBAC, name=name, where=CLUSTER)
    yield from _budget_before(a)
    if a.has_scc:
        yield from _host_path_before(a)


def _remove_service(a: Asked) -> Iterator[Right]:
    yield from on("services", "get delete", "the Service, and so the address", name=a.name)


def _remove_claims(a: Asked) -> Iterator[Right]:
    yield from on("persistentvolumeclaims", "list", "which claims were made for this registry")
    yield from on("persistentvolumeclaims", "get delete", "claims that were made for it", name=_claim_name(a))
    yield from on(
        "persistentvolumes", "get delete", "a volume that was made for it", name=_volume_name(a), where=CLUSTER
    )


def _operator(a: Asked) -> Iterator[Right]:
    where, group = operator.NAMESPACE, group_of(operator.API_VERSION)
    yield from on(
        "configs", "get patch", "what the operator is told", group=group, name=operator.REF.name, where=CLUSTER
    )
    if a.managed_by == "auto" and a.namespace != where:
        for kind in _kinds(a):
            why = "whether there is a registry beside the operator's"
            yield from on(plural(API_VERSIONS[kind], kind), "get", why, group=_group(kind), name=a.name)
    yield from on("services", "get", "the registry's address", name=operator.NAME, where=where)
    yield from on(
        "secrets", "get create patch delete", "credentials of object storage",
        name=operator.CREDENTIALS.name, where=where,
    )  # fmt: skip
    if a.storage.claim_name:
        yield from on("persistentvolumeclaims", "get", "the claim", name=a.storage.claim_name, where=where)
    yield from on(
        "deployments", "get patch", "how far it is; a new rollout (state redeployed)",
        group="apps", name=operator.NAME, where=where,
    )  # fmt: skip
    yield from on("replicasets", "list", "how far it is", group="apps", where=where, helpful=True)
    yield from on("pods", "list", "how far it is, and why not", where=where, helpful=True)
    yield from on("events", "list", "why a pod does not start", where=where, helpful=True)


def _operator_seen(_asked: Asked) -> Iterator[Right]:
    yield from on(
        "configs", "get", "whether the image-registry operator has the registry",
        group=group_of(operator.API_VERSION), name=operator.REF.name, where=CLUSTER,
    )  # fmt: skip


def _trusted(_asked: Asked) -> Iterator[Right]:
    yield from on(
        trusted_ca.IMAGES.plural, "get patch", "that nodes trust the registry, which node-ca then places",
        group=trusted_ca.IMAGES.group, name=trusted_ca.IMAGES.name, where=CLUSTER,
    )  # fmt: skip
    yield from on(
        "configmaps", "get create patch", "the CA, beside those that others have there (or the ConfigMap named already)",
        name=trusted_ca.DEFAULT_NAME, where=trusted_ca.NAMESPACE,
    )  # fmt: skip


def _route(asked: Asked) -> Iterator[Right]:
    yield from on("routes", "list get create patch", "the Route, and that a router admits it", group=ROUTES)
    if not asked.generated:
        yield from on("routes/custom-host", "create update", "its host is yours to choose", group=ROUTES)
    yield from on("routes", "list", "who has the host already", group=ROUTES, where=CLUSTER, helpful=True)


def _ingress(a: Asked) -> Iterator[Right]:
    yield from on("ingresses", "get create patch", "the Ingress, and its address", group=NETWORK, name=a.name)
    yield from on("ingressclasses", "list", "which controller is to have it", group=NETWORK, where=CLUSTER)


def _external_service(a: Asked) -> Iterator[Right]:
    yield from on("services", "get create patch", "the Service beside the registry's own", name=f"{a.name}-external")


def _cordon(_asked: Asked) -> Iterator[Right]:
    yield from on("nodes", "get list patch", "the cordon, and whether a Node is ready again", where=CLUSTER)


def _drain(_asked: Asked) -> Iterator[Right]:
    yield from on("pods", "list", "what runs on a Node", where=CLUSTER)
    yield from on("pods/eviction", "create", "pods leave a Node before its docker is restarted", where=CLUSTER)


def _kinds(a: Asked) -> list[str]:
    """The kinds of workloads that the cluster has."""
    return [k for k in API_VERSIONS if a.cluster.has_deployment_configs or k != "DeploymentConfig"]


def _left(a: Asked) -> list[tuple[str, str]]:
    """Objects that features have made, and leave until the next run, as resource and name."""
    return [*a.setting_objects.values(), ("secrets", a.storage_secret), ("secrets", f"{a.name}-before")]


def _claim_name(a: Asked) -> str:
    """The claim asked for, or else the one that is made where no name is said."""
    return a.storage.claim_name or f"{a.name}-storage"


def _volume_name(a: Asked) -> str:
    made = a.storage.new_claim
    return (made and made.volume) or f"{a.namespace}-{_claim_name(a)}"


def _group(kind: str) -> str:
    return group_of(API_VERSIONS[kind])


def _minor(cluster: Cluster) -> int:
    found = re.match(r"v1\.(\d+)", cluster.version)
    return int(found[1]) if found else 0


def _written(rights: Iterable[Right]) -> Iterator[Right]:
    """Of rights to change objects by name, those on objects that are made, too."""
    every = list(rights)
    made = {(r.resource, r.group, r.where) for r in every if r.verb == "create"}
    return (r for r in every if r.verb == "patch" and (r.resource, r.group, r.where) in made)


_OPTIONS = {"proxy": "egress_proxy"}
_SHARED = "one in which others keep something stays with that, without what was ours"
_VOLUMES = ("pvc", "nfs", "host_path")
_MADE = (_workload, _account_rights, _new_claim, _nfs_volume, _object_storage, _settings)


def _always(_asked: Asked) -> bool:
    return True


def _is_anywhere(asked: Asked) -> bool:
    return asked.storage.host_path is not None and asked.storage.host_path.node is None


#: For a registry that is a workload of ours.
FEATURES = (
    Feature("The address", _always, _address),
    Feature("The certificate", _always, _certificate),
    Feature(
        "A registry that has its certificate in a Secret of another name",
        lambda a: a.served not in ("", a.certificate), _other_certificate,
    ),
    Feature("The workload", _always, _workload),
    Feature("The wait for the rollout", _always, _rollout),
    Feature("The proof", _always, _proof),
    Feature("OpenShift, or `cluster_role`", lambda a: bool(a.bound_role), _account_rights),
    Feature("`route_host`", lambda a: a.route, _route),
    Feature("`registry_route_kind: ingress`", lambda a: a.external == "ingress", _ingress),
    Feature(
        "`registry_route_kind: node_port`, `load_balancer`", lambda a: a.external == "service", _external_service
    ),
    Feature("`storage.claim_name`", lambda a: bool(a.storage.claim_name), _claim),
    Feature("`storage.size`, or `options` of `nfs`", lambda a: a.storage.new_claim is not None, _new_claim),
    Feature("`storage.options` of `nfs`", lambda a: bool(a.storage.nfs and a.storage.new_claim), _nfs_volume),
    Feature("`storage.kind: host_path`, OpenShift", lambda a: a.has_scc and bool(a.storage.host_path), _host_path),
    Feature("`storage.kind: host_path` without `node`", _is_anywhere, _host_path_anywhere),
    Feature("`storage.kind: s3`, `azure`, `gcs`, `swift`", lambda a: a.storage.objects is not None, _object_storage),
    Feature("`probe_storage` of a volume", lambda a: a.probes and a.storage.kind in _VOLUMES, _probe),
    Feature("`pod_disruption_budget`", lambda a: a.budget, _budget),
    Feature("`config`, `credentials`, `egress_proxy`, `extra_ca`", lambda a: bool(a.ours or a.theirs), _settings),
    Feature("`registry_trust_agent_image`", lambda a: a.agent, _agent),
    Feature("`migrate`", lambda a: a.migrates, _migration),
    Feature("`on_failure: rollback`", lambda a: a.rolls_back, _rollback),
    Feature("another `service_account` than before", lambda a: bool(a.former), _former_accounts),
    Feature("`cluster_role` no longer", lambda a: not a.bound_role, _account_rights_before),
    Feature("`host_path` no longer, OpenShift", lambda a: a.has_scc and not a.storage.host_path, _host_path_before),
    Feature("`pod_disruption_budget` no longer", lambda a: not a.budget, _budget_before),
    Feature("`registry_trust_cordon`, `registry_trust_drain`", lambda a: a.cordons, _cordon),
    Feature("`registry_trust_drain`", lambda a: a.drains, _drain),
    Feature("OpenShift 4", lambda a: a.has_operator, _operator_seen),
    Feature("OpenShift 4, trust on nodes", lambda a: a.has_operator, _trusted),
)
OPERATOR = Feature("OpenShift 4, where the operator has the registry", lambda a: a.operator, _operator)
ABSENT = (
    Feature("`state: absent`", _always, _absent),
    Feature("`state: absent`, `remove_service`", lambda a: "service" in a.removes, _remove_service),
    Feature("`state: absent`, `remove_claims`", lambda a: "claims" in a.removes, _remove_claims),
)

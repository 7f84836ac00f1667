# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a right is, and what of a run decides which ones it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.settings import Names
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster

#: For ``Right.where``: in the whole cluster.
CLUSTER = "*"
BIND = "bind"
_EXTERNAL = {"ingress": "ingress", "node_port": "service", "load_balancer": "service"}
DEFAULT_ROLE = "system:registry"


@dataclass(frozen=True)
class Right:
    """One verb on one resource.

    :param resource: plural, with ``/subresource`` where there is one.
    :param name: of the one object; "" for all.
    :param where: a namespace, :data:`CLUSTER`, or "" for the registry's namespace.
    :param why: what it is for.
    :param helpful: a run does without it, with less to tell; ``why`` says what is missing then.
    """

    verb: str
    resource: str
    group: str = ""
    name: str = ""
    where: str = ""
    why: str = field(default="", compare=False)
    helpful: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Asked:
    """What a run is to do, as far as its rights depend on it.

    :param kind: of the workload that is, or is going to be; ``auto`` for the cluster's usual one.
    :param former: accounts that the pods of the live registry run as, or ran as before, where ``account`` is another.
    :param role: cluster role for the registry's account; None for the cluster's usual one, "" for none.
    :param served: the Secret with the certificate that the registry mounts, of whatever tool; "" without one.
    :param route: whether it is exposed by a Route.
    :param generated: whether the cluster generates the Route's host.
    :param external: by what else it is: ``ingress``, ``service`` (one beside its own), or nothing.
    :param ours: settings kept in objects of ours: ``config``, ``credentials``, ``proxy``, ``extra_ca``.
    :param theirs: settings in objects of the user's, as resource and name.
    :param has_scc: whether the cluster has SecurityContextConstraints.
    :param has_operator: whether it has the image-registry operator, and that has to be looked at.
    :param probes: whether new storage is tried before it is used.
    :param cordons: whether Nodes are cordoned for the restart of their docker.
    :param drains: whether they are drained too.
    :param removes: with state absent, what else goes: ``service``, ``claims``.
    :param operator: whether the image-registry operator is to do it.
    :param managed_by: as said by the user.
    :param agent: whether an agent on every node is to keep the trust there.
    """

    cluster: Cluster
    name: str = "docker-registry"
    namespace: str = "default"
    kind: str = "auto"
    state: str = "present"
    account: str = "registry"
    role: str | None = None
    certificate: str = "registry-secret"
    served: str = ""
    route: bool = False
    generated: bool = False
    external: str = ""
    storage: Storage = field(default_factory=Storage)
    ours: frozenset[str] = frozenset()
    theirs: tuple[tuple[str, str], ...] = ()
    has_scc: bool = False
    has_operator: bool = False
    budget: bool = False
    probes: bool = True
    migrates: bool = False
    rolls_back: bool = False
    cordons: bool = False
    drains: bool = False
    removes: frozenset[str] = frozenset()
    operator: bool = False
    managed_by: str = "auto"
    agent: bool = False
    former: tuple[str, ...] = ()

    @classmethod
    def from_params(
        cls, params: Mapping[str, Any], cluster: Cluster, *, storage: Storage, has_scc: bool, kind: str = "auto"
    ) -> Asked:
        """From options of registry_preflight_info, which are those of registry_deploy."""
        given = {name: params[name] for name in ("config", "extra_ca") if params.get(name)}
        named = [
            (resource, one[key]) for one in given.values()
            for key, resource in (("config_map", "configmaps"), ("secret", "secrets")) if one.get(key)
        ]  # fmt: skip
        ours = {name for name, one in given.items() if one.get("content")}
        ours |= {"credentials"} if params.get("credentials") else set()
        ours |= {"proxy"} if params.get("egress_proxy") else set()
        external = _EXTERNAL.get(params.get("route_kind") or "", "")
        host, generated = params.get("route_host"), bool(params.get("route_generated"))
        return cls(
            cluster=cluster, name=params["name"], namespace=params["namespace"], kind=kind,
            account=params.get("service_account") or "registry", role=params.get("cluster_role"),
            certificate=params["secret_name"], route=bool(host or generated) and not external, external=external,
            generated=generated and not host and params.get("route_termination") != "reencrypt", storage=storage,
            ours=frozenset(ours), theirs=tuple(named), has_scc=has_scc,
            budget=bool(params.get("pod_disruption_budget")), probes=params.get("probe_storage") is not False,
            migrates=bool(params.get("migrate")), rolls_back=params.get("on_failure") == "rollback",
            cordons=bool(params.get("cordon") or params.get("drain")), drains=bool(params.get("drain")),
            operator=params.get("managed_by") == "operator",
            managed_by=params.get("managed_by") or "auto", agent=bool(params.get("trust_agent")),
        )  # fmt: skip

    @property
    def storage_secret(self) -> str:
        """Where parameters of object storage are, or were."""
        return f"{self.name}-storage"

    @property
    def workload(self) -> str:
        """The kind of the workload."""
        if self.kind != "auto":
            return self.kind
        return "DeploymentConfig" if self.cluster.openshift == 3 else "Deployment"

    @property
    def bound_role(self) -> str:
        """The cluster role that the registry's account gets; "" for none."""
        if self.role is not None:
            return self.role
        return DEFAULT_ROLE if self.cluster.openshift else ""

    @property
    def setting_objects(self) -> dict[str, tuple[str, str]]:
        """Resource and name of the object that keeps each setting."""
        names = Names.of(self.name)
        return {
            "config": ("secrets", names.config),
            "credentials": ("secrets", names.credentials),
            "proxy": ("secrets", names.proxy),
            "extra_ca": ("configmaps", names.extra_ca),
        }


def on(
    resource: str,
    verbs: str,
    why: str,
    *,
    group: str = "",
    name: str = "",
    where: str = "",
    helpful: bool = False,
) -> Iterator[Right]:
    """Some verbs on one resource; by name, where the verb knows one."""
    for verb in verbs.split():
        by_name = "" if verb in ("create", "list") else name
        yield Right(verb, resource, group, by_name, where, why, helpful)

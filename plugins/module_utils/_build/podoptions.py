# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and how a registry's pods run: scheduling, groups, ports and resources, as a part of the pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._build.pdb import Budget

#: What ``oadm registry`` asks for: requests, no limits.
DEFAULT_RESOURCES: Mapping[str, Any] = {"requests": {"cpu": "100m", "memory": "256Mi"}}
FIRST_FREE_PORT = 1024


@dataclass(frozen=True)
class PodOptions:
    """What the pods ask of the cluster.

    :param node_selector: labels of the nodes they may run on.
    :param resources: requests and limits of the registry's container; None for what there is, at first
        :data:`DEFAULT_RESOURCES`.
    :param affinity: as the API has it.
    :param tolerations: as the API has them.
    :param fs_group: group that owns the pod's volumes.
    :param supplemental_groups: further groups of its processes.
    :param pull_secrets: names of Secrets with credentials for the image.
    :param extra_ports: container ports beside the registry's own.
    :param budget: how many pods a drain leaves; an object of its own, not a part of the pod.
    """

    node_selector: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] | None = None
    affinity: Mapping[str, Any] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    priority_class: str | None = None
    fs_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    extra_ports: tuple[int, ...] = ()
    budget: Budget | None = None

    def part(self, port: int, live: Mapping[str, Any] | None = None) -> Part:
        """Fields of the pod and of the container.

        :param port: of the registry, which comes first.
        :param live: the workload as it is.
        """
        security: dict[str, Any] = {}
        if self.fs_group is not None:
            security["fsGroup"] = self.fs_group
        if self.supplemental_groups:
            security["supplementalGroups"] = list(self.supplemental_groups)
        pod = {
            "nodeSelector": dict(self.node_selector),
            "affinity": dict(self.affinity),
            "tolerations": [dict(one) for one in self.tolerations],
            "priorityClassName": self.priority_class,
            "securityContext": security,
            "imagePullSecrets": [{"name": name} for name in self.pull_secrets],
        }
        ports = [{"containerPort": number} for number in (port, *self.extra_ports)]
        said = {name: value for name, value in pod.items() if value}
        others = layout.container(live).get("resources") and not layout.owns_container(live, "resources")
        resources = self.resources or ({} if others else DEFAULT_RESOURCES)
        return Part(pod=said, container={"resources": dict(resources), "ports": ports})


def needs_right_to_bind(port: int, container: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether a registry at that port cannot start, as far as the pod tells.

    OpenShift runs the registry as an ordinary user, and such a one may listen below 1024 only with a capability. Who
    has said that the pod runs as root, is privileged, or has the capability (or that the node lets everybody) is
    believed.

    :param container: the registry's, as it will be.
    :param pod: the pod's spec, as it will be.
    """
    if port >= FIRST_FREE_PORT:
        return False
    own, shared = container.get("securityContext") or {}, pod.get("securityContext") or {}
    added = (own.get("capabilities") or {}).get("add") or []
    sysctls = {one.get("name"): str(one.get("value")) for one in shared.get("sysctls") or []}
    start = sysctls.get("net.ipv4.ip_unprivileged_port_start", "")
    return not (
        own.get("privileged")
        or own.get("runAsUser", shared.get("runAsUser")) == 0
        or {"NET_BIND_SERVICE", "ALL"} & set(added)
        or (start.isdigit() and int(start) <= port)
    )

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds the collection talks about, under which path the API serves them, and how an object is named. Pure.

A static table replaces discovery: it costs no request and no cache file, and the kinds are few and known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

# (apiVersion, kind) -> (plural as in the URL, lives in a namespace)
KINDS: dict[tuple[str, str], tuple[str, bool]] = {
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Endpoints"): ("endpoints", True),
    ("v1", "Event"): ("events", True),
    ("v1", "LimitRange"): ("limitranges", True),
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "Node"): ("nodes", False),
    ("v1", "PersistentVolume"): ("persistentvolumes", False),
    ("v1", "PersistentVolumeClaim"): ("persistentvolumeclaims", True),
    ("v1", "Pod"): ("pods", True),
    ("v1", "ReplicationController"): ("replicationcontrollers", True),
    ("v1", "ResourceQuota"): ("resourcequotas", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Service"): ("services", True),
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("apps/v1", "ControllerRevision"): ("controllerrevisions", True),
    ("apps/v1", "DaemonSet"): ("daemonsets", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("apps/v1", "ReplicaSet"): ("replicasets", True),
    ("apps/v1", "StatefulSet"): ("statefulsets", True),
    ("apps.openshift.io/v1", "DeploymentConfig"): ("deploymentconfigs", True),
    ("authentication.k8s.io/v1", "TokenReview"): ("tokenreviews", False),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview"): ("selfsubjectaccessreviews", False),
    ("authorization.k8s.io/v1", "SubjectAccessReview"): ("subjectaccessreviews", False),
    ("autoscaling/v1", "HorizontalPodAutoscaler"): ("horizontalpodautoscalers", True),
    ("batch/v1", "CronJob"): ("cronjobs", True),
    ("batch/v1", "Job"): ("jobs", True),
    ("config.openshift.io/v1", "ClusterOperator"): ("clusteroperators", False),
    ("config.openshift.io/v1", "ClusterVersion"): ("clusterversions", False),
    ("config.openshift.io/v1", "Image"): ("images", False),
    ("config.openshift.io/v1", "Proxy"): ("proxies", False),
    ("discovery.k8s.io/v1", "EndpointSlice"): ("endpointslices", True),
    ("image.openshift.io/v1", "ImageStream"): ("imagestreams", True),
    ("imageregistry.operator.openshift.io/v1", "Config"): ("configs", False),
    ("networking.k8s.io/v1", "Ingress"): ("ingresses", True),
    ("networking.k8s.io/v1", "IngressClass"): ("ingressclasses", False),
    ("networking.k8s.io/v1", "NetworkPolicy"): ("networkpolicies", True),
    ("networking.k8s.io/v1", "ServiceCIDR"): ("servicecidrs", False),
    ("policy/v1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("policy/v1beta1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): ("clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("clusterrolebindings", False),
    ("rbac.authorization.k8s.io/v1", "Role"): ("roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("rolebindings", True),
    ("route.openshift.io/v1", "Route"): ("routes", True),
    ("scheduling.k8s.io/v1", "PriorityClass"): ("priorityclasses", False),
    ("security.openshift.io/v1", "SecurityContextConstraints"): ("securitycontextconstraints", False),
    ("storage.k8s.io/v1", "StorageClass"): ("storageclasses", False),
}


def plural(api_version: str, kind: str) -> str:
    """The name of a kind in URLs and RBAC rules. Raises KeyError naming the kind when the table lacks it."""
    return KINDS[(api_version, kind)][0]


def namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of the kind live in a namespace."""
    return KINDS[(api_version, kind)][1]


def group_of(api_version: str) -> str:
    """The API group as RBAC writes it: ``""`` for ``v1``."""
    return api_version.partition("/")[0] if "/" in api_version else ""


def collection_path(api_version: str, kind: str, namespace: str | None = None) -> str:
    """The URL path of all objects of a kind, in one namespace or, without one, in the whole cluster."""
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    if namespace and namespaced(api_version, kind):
        base += f"/namespaces/{quote(namespace, safe='')}"
    return f"{base}/{plural(api_version, kind)}"


@dataclass(frozen=True)
class ObjectRef:
    """The name of one object. ``str(ref)`` is how messages call it: ``Service default/docker-registry``."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> ObjectRef:
        """The reference to an object given as a dict (a live one or a desired one)."""
        meta = obj["metadata"]
        return cls(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace"))

    @property
    def group(self) -> str:
        return group_of(self.api_version)

    @property
    def plural(self) -> str:
        return plural(self.api_version, self.kind)

    @property
    def path(self) -> str:
        """The URL path of the object."""
        return f"{collection_path(self.api_version, self.kind, self.namespace)}/{quote(self.name, safe='')}"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def entry(self, action: str) -> dict[str, Any]:
        """The object's entry in the ``resources`` return value."""
        return {
            "api_version": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "action": action,
        }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's service account and its rights, as ``oadm registry`` and ``oc secrets add`` make them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

#: Annotation on objects that this collection made (others it only adds to): whose they are.
CREATED_FOR = "okd.registry/created-for"
RBAC = "rbac.authorization.k8s.io"


def created_for(registry: str, live: Mapping[str, Any] | None) -> dict[str, str]:
    """The mark of an object that did not exist before us, kept once it is there."""
    marks = (((live or {}).get("metadata") or {}).get("annotations") or {}).get(CREATED_FOR)
    if live is None or marks:
        return {CREATED_FOR: marks or registry}
    return {}


def marked(obj: Mapping[str, Any], registry: str, live: Mapping[str, Any] | None) -> dict[str, Any]:
    """A desired object with the mark of :func:`created_for`, where it is one of those."""
    marks = {**(obj["metadata"].get("annotations") or {}), **created_for(registry, live)}
    return {**obj, "metadata": {**obj["metadata"], **({"annotations": marks} if marks else {})}}


def made_for(obj: Mapping[str, Any] | None, registry: str) -> bool:
    """Whether an object did not exist before this registry needed it."""
    marks = ((obj or {}).get("metadata") or {}).get("annotations") or {}
    return marks.get(CREATED_FOR) == registry


def service_account(
    name: str, namespace: str, *, registry: str, secrets: tuple[str, ...] = (), live: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The account the pods run as.

    :param secrets: linked, so that pods may mount them where the account limits secret references.
    """
    account: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace},
    }
    marks = created_for(registry, live)
    if marks:
        account["metadata"]["annotations"] = marks
    if secrets:
        account["secrets"] = [{"name": secret} for secret in secrets]
    return account


def binding_name(service_account_name: str, namespace: str) -> str:
    """``registry-registry-role`` as ``oadm`` calls it, and one of its own for other namespaces.

    Bindings are cluster-wide, so two registries with one account name must not share one.
    """
    base = f"{service_account_name}-registry-role"
    return base if namespace == "default" else f"{base}:{namespace}"


def binding_ref(service_account_name: str, namespace: str) -> ObjectRef:
    """Where that binding is."""
    return ObjectRef(f"{RBAC}/v1", "ClusterRoleBinding", binding_name(service_account_name, namespace))


def cluster_role_binding(
    service_account_name: str, namespace: str, role: str, *, registry: str, live: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What lets the registry read and write images."""
    binding: dict[str, Any] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": binding_name(service_account_name, namespace)},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": service_account_name, "namespace": namespace}],
    }
    marks = created_for(registry, live)
    if marks:
        binding["metadata"]["annotations"] = marks
    return binding

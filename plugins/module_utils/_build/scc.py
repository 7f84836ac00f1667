# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may run privileged: the registry's account among the users of OpenShift's SCC ``privileged``. Pure.

The object belongs to the cluster and is shared by all; each registry notes what it added under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_anyone

GROUP = "security.openshift.io"
REF = ObjectRef(f"{GROUP}/v1", "SecurityContextConstraints", "privileged")


def user(account: str, namespace: str) -> str:
    """A service account's name as a user."""
    return f"system:serviceaccount:{namespace}:{account}"


def groups(namespace: str) -> frozenset[str]:
    """The groups that every service account of a namespace is in."""
    return frozenset({"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"})


def membership(live: Mapping[str, Any] | None, account: str, namespace: str) -> dict[str, Any]:
    """The SCC with the account among its users; an entry of others stays theirs, and outlives the registry."""
    name = user(account, namespace)
    there = live or {}
    foreign = name in (there.get("users") or []) and not owned_by_anyone(there, "users", f"={name}")
    allowed = foreign or not groups(namespace).isdisjoint(there.get("groups") or [])
    return {**without(), **({} if allowed else {"users": [name]})}


def without() -> dict[str, Any]:
    """The SCC without anything of ours."""
    return {"apiVersion": REF.api_version, "kind": REF.kind, "metadata": {"name": REF.name}}

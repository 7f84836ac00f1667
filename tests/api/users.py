# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with some rights, which hold before a test goes on."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.okd.registry.plugins.module_utils import _rights
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Right
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect

RBAC = "rbac.authorization.k8s.io"


def until_may(kubeconfig: str, user: str, namespace: str, rights: Iterable[Right]) -> None:
    """Wait until a user has rights: the API server learns of new roles by a watch, late on a busy machine."""
    own = Api(lambda: connect({"kubeconfig": kubeconfig, "impersonate_user": user}))
    deadline = time.monotonic() + 30
    for right in rights:
        resource, _slash, sub = right.resource.partition("/")
        where = None if right.where == CLUSTER else right.where or namespace
        while not own.may(right.verb, resource, group=right.group, namespace=where, name=right.name, subresource=sub):
            assert time.monotonic() < deadline, right
            time.sleep(0.02)


def rights_of(rule: Mapping[str, Any]) -> Iterator[Right]:
    """The rights that a rule of a Role gives."""
    names = rule.get("resourceNames") or [""]
    for group, resource, verb, name in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"], names):
        yield Right(verb, resource, group, name=name)


@dataclass
class Somebody:
    """A user with some rights, and what he asked for."""

    admin: Api
    kubeconfig: str
    namespace: str
    name: str
    made: list[ObjectRef] = field(default_factory=list)

    def give(self, rights: Iterable[Right]) -> None:
        """Let him have exactly these rights, as the roles of docs/permissions.md would."""
        places: dict[str, list[Right]] = {}
        for right in rights:
            places.setdefault(right.where or self.namespace, []).append(right)
        for where, found in places.items():
            kind, near = ("ClusterRole", {}) if where == CLUSTER else ("Role", {"namespace": where})
            meta = {"name": f"{self.name}-{len(self.made)}", **near}
            bound = {
                "roleRef": {"apiGroup": RBAC, "kind": kind, "name": meta["name"]},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": self.name}],
            }
            role = {"rules": yaml.safe_load(_rights.rules(found))}
            for suffix, content in (("", role), ("Binding", bound)):
                obj = {"apiVersion": f"{RBAC}/v1", "kind": kind + suffix, "metadata": meta, **content}
                self.admin.create(obj)
                self.made.append(ObjectRef.of(obj))

    def wait(self, rights: Iterable[Right]) -> None:
        """Wait until the rights hold."""
        until_may(self.kubeconfig, self.name, self.namespace, rights)

    def forget(self) -> None:
        """Take the roles away."""
        for ref in self.made:
            self.admin.delete(ref)

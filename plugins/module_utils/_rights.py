# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the rights that a run needs (``_build/rights``) are missing, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.rbac import RBAC
from ansible_collections.okd.registry.plugins.module_utils._build.right import BIND, CLUSTER, Asked, Right
from ansible_collections.okd.registry.plugins.module_utils._build.rights import needed
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

_VERBS = ("get", "list", "create", "update", "patch", "delete", BIND)


def missing(api: Api, asked: Asked) -> list[Right]:
    """Those of the needed rights that the user lacks; not those that are only helpful.

    One request for a cluster administrator, else one for each right.
    """
    if api.may("*", "*", group="*"):
        return []
    wanted = [right for right in needed(asked) if not right.helpful]
    return [right for right in wanted if not _has(api, right, asked)]


def _has(api: Api, right: Right, asked: Asked) -> bool:
    resource, _slash, subresource = right.resource.partition("/")
    where = None if right.where == CLUSTER else right.where or asked.namespace
    has = api.may(
        right.verb, resource, group=right.group, namespace=where, name=right.name, subresource=subresource
    )  # fmt: skip
    return has or (right.verb == BIND and _has_all_of(api, right.name))


def _has_all_of(api: Api, role: str) -> bool:
    """Whether the user has all that a ClusterRole gives: he may bind it then without the right to."""
    try:
        live = api.get(ObjectRef(f"{RBAC}/v1", "ClusterRole", role))
    except ForbiddenError:
        return False
    return live is not None and all(_may_all(api, rule) for rule in live.get("rules") or [])


def _may_all(api: Api, rule: Mapping[str, Any]) -> bool:
    if rule.get("nonResourceURLs"):
        return False  # nobody but an administrator has these from a role
    return all(
        api.may(verb, resource.partition("/")[0], group=group, name=name, subresource=resource.partition("/")[2])
        for group in rule.get("apiGroups") or [""]
        for resource in rule.get("resources") or []
        for name in rule.get("resourceNames") or [""]
        for verb in rule.get("verbs") or []
    )


def rule_list(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Rights of one place as the rules of a Role. What is allowed for all objects is not said again for one by name."""
    every = list(rights)
    all_objects = {(r.group, r.resource, r.verb) for r in every if not r.name}
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for r in every:
        if not r.name or (r.group, r.resource, r.verb) not in all_objects:
            verbs.setdefault((r.group, r.resource, r.name), set()).add(r.verb)
    names: dict[tuple[str, str, bool, tuple[str, ...]], list[str]] = {}
    for (group, resource, name), wanted in verbs.items():
        in_order = tuple(sorted(wanted, key=_VERBS.index))
        names.setdefault((group, resource, bool(name), in_order), []).append(name)
    return [
        {
            "apiGroups": [group],
            "resources": [resource],
            **({"resourceNames": found} if named else {}),
            "verbs": list(wanted),
        }
        for (group, resource, named, wanted), found in names.items()
    ]


def rules(rights: Iterable[Right]) -> str:
    """The same as YAML."""
    return "\n".join(
        "\n".join(f"{'- ' if key == 'apiGroups' else '  '}{key}: {_inline(value)}" for key, value in rule.items())
        for rule in rule_list(rights)
    )


def _inline(words: list[str]) -> str:
    return f"[{', '.join(word if word and word[0].isalpha() else chr(34) + word + chr(34) for word in words)}]"


def explain(rights: Iterable[Right], namespace: str) -> str:
    """The missing rights as one sentence with the rules that would give them.

    :param namespace: the registry's.
    """
    places: dict[str, list[Right]] = {}
    for right in rights:
        places.setdefault(right.where or namespace, []).append(right)
    cluster = places.pop(CLUSTER, [])
    parts = [f"as a Role in namespace {where}:\n{rules(found)}" for where, found in places.items()]
    if cluster:
        parts.append(f"as a ClusterRole:\n{rules(cluster)}")
    return "The user of this connection lacks rights that a run needs. They are, " + "\nand ".join(parts)

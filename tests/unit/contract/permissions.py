#!/usr/bin/env python3
# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the generated parts of docs/permissions.md anew, from plugins/module_utils/_build/rights.py.

Run it with the Python of .venv; test_permissions.py fails where that has been forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ansible_collections.okd.registry.plugins.module_utils._build.claim import NewClaim
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import ObjectStorage
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Asked, Right
from ansible_collections.okd.registry.plugins.module_utils._build.rights import (
    ABSENT,
    FEATURES,
    OPERATOR,
    Feature,
    features,
    needed,
)
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Nfs, Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster
from ansible_collections.okd.registry.plugins.module_utils._rights import rules

PAGE = Path(__file__).resolve().parents[3] / "docs/permissions.md"
#: Newer than all, so that what newer clusters ask for is in the page too.
CLUSTER_OF_ALL = Cluster("v1.99.0", 3, has_routes=True, has_deployment_configs=True)
CLAIM = "docker-registry-storage"
STORAGES = (
    Storage(claim_name=CLAIM, new_claim=NewClaim("20Gi")),
    Storage(claim_name=CLAIM, new_claim=NewClaim("20Gi"), nfs=Nfs("nfs.example.com", "/exports/registry", ("hard",))),
    Storage(host_path=HostPath("/var/lib/registry")),
    Storage(objects=ObjectStorage("s3", {})),
    Storage(),
)
EVERYTHING = Asked(
    CLUSTER_OF_ALL, route=True, ours=frozenset({"config", "credentials", "proxy", "extra_ca"}), has_scc=True,
    budget=True, migrates=True, rolls_back=True, agent=True, cordons=True, drains=True,
    removes=frozenset({"service", "claims"}), served="registry-certs",
)  # fmt: skip
#: Every combination that gives a right of its own.
VARIANTS = [
    replace(EVERYTHING, storage=one, kind=kind) for one in STORAGES for kind in ("auto", "Deployment", "DaemonSet")
] + [replace(EVERYTHING, external=one) for one in ("ingress", "service")]
ABSENCE = replace(EVERYTHING, state="absent")
OF_OPERATOR = replace(EVERYTHING, operator=True, storage=Storage(claim_name=CLAIM))


def parts() -> dict[str, str]:
    """The generated parts by the name in their marks."""
    plain = Asked(CLUSTER_OF_ALL, route=True)
    return {
        "table": table(FEATURES),
        "absent": table(ABSENT),
        "operator": table((OPERATOR,)),
        "roles": roles("registry-deployer", union(VARIANTS)),
        "smallest": roles("registry-deployer", (right for right in needed(plain) if not right.helpful)),
    }


def union(variants: Iterable[Asked]) -> list[Right]:
    """All rights of several runs, each once."""
    return list(dict.fromkeys(right for asked in variants for right in needed(asked)))


def table(which: Iterable[Feature]) -> str:
    """Features with their rights as a table."""
    lines = ["| for | on | verbs | what for |", "| --- | --- | --- | --- |"]
    for feature in which:
        title = feature.title
        for on, verbs, why in rows(feature):
            lines.append(f"| {title} | {on} | {', '.join(verbs)} | {why} |")
            title = ""
    return "\n".join(lines)


def rows(feature: Feature) -> list[tuple[str, list[str], str]]:
    """Object, verbs and reason of each right of a feature, over all runs that it is part of."""
    runs = [
        *VARIANTS, replace(EVERYTHING, budget=False), replace(EVERYTHING, has_operator=True), ABSENCE, OF_OPERATOR,
        replace(EVERYTHING, role=""), replace(EVERYTHING, former=("former",)),
    ]  # fmt: skip
    verbs: dict[tuple[str, bool], dict[str, None]] = {}
    reasons: dict[tuple[str, bool], dict[str, None]] = {}
    for right in dict.fromkeys(r for one in runs if feature in features(one) for r in feature.rights(one)):
        key = (described(right), right.helpful)
        verbs.setdefault(key, {})[right.verb] = None
        reasons.setdefault(key, {})[right.why] = None
    return [
        (on, list(verbs[on, helps]), f"{'*helps:* ' if helps else ''}{'; '.join(reasons[on, helps])}")
        for on, helps in verbs
    ]


def described(right: Right) -> str:
    """The object, in words. ``create`` and ``list`` are told with the others of the object that they are for."""
    where = {"": "", CLUSTER: " (cluster)"}.get(right.where, f" in `{right.where}`")
    return f"`{right.resource}`{where}"


def roles(name: str, rights: Iterable[Right]) -> str:
    """Roles with their bindings for a service account, as YAML."""
    places: dict[str, list[Right]] = {}
    for right in rights:
        places.setdefault(right.where or "default", []).append(right)
    objects = []
    for where, found in sorted(places.items(), reverse=True):
        kind, near = ("ClusterRole", "") if where == CLUSTER else ("Role", f"\n  namespace: {where}")
        api = f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}"
        meta = f"metadata:\n  name: {name}{near}"
        objects.append(f"{api}\n{meta}\nrules:\n{rules(found)}")
        objects.append(
            f"{api}Binding\n{meta}\n"
            f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {name}}}\n"
            f"subjects: [{{kind: ServiceAccount, name: {name}, namespace: default}}]"
        )
    return "```yaml\n" + "\n---\n".join(objects) + "\n```"


def written(text: str) -> str:
    """The page with its generated parts made anew."""
    for name, content in parts().items():
        mark = rf"(<!-- begin {name}[^>]*-->\n)(?:.*?\n)?(<!-- end {name} -->)"
        found = list(re.finditer(mark, text, flags=re.DOTALL))
        count = len(found)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for the part {name}, not one")
        text = f"{text[: found[0].end(1)]}{content}\n{text[found[0].start(2) :]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

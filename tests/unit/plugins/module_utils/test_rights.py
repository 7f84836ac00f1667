# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a run needs, which are missing, and how that is said. That they are enough is in tests/api."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _rights
from ansible_collections.okd.registry.plugins.module_utils._build.claim import NewClaim
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Asked, Right
from ansible_collections.okd.registry.plugins.module_utils._build.rights import ABSENT, FEATURES, OPERATOR, needed
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError
from hypothesis import given
from hypothesis import strategies as st

PLAIN = Cluster("v1.34.1", None, has_routes=False, has_deployment_configs=False)
THREE = Cluster("v1.11.0", 3, has_routes=True, has_deployment_configs=True)
FOUR = Cluster("v1.30.1", 4, has_routes=True, has_deployment_configs=True)
EXPOSED = Asked(THREE, route=True)


class Rights:
    """An API whose user has certain rights.

    :param role: rules of every ClusterRole; None where he may not read them.
    """

    def __init__(self, rights: Iterable[Right] = (), *, admin: bool = False, role: Any = None) -> None:
        self._rights, self._admin, self._role, self.asked = set(rights), admin, role, 0

    def may(
        self, verb: str, resource: str, *, group: str = "", namespace: str | None = None, name: str = "",
        subresource: str = "",
    ) -> bool:  # fmt: skip
        self.asked += 1
        full = f"{resource}/{subresource}" if subresource else resource
        where = {None: CLUSTER, "default": ""}.get(namespace, namespace)
        return self._admin or Right(verb, full, group, name, str(where)) in self._rights

    def get(self, ref: Any) -> Any:
        if self._role is None:
            raise ForbiddenError("no")
        return {"rules": self._role}


def said(rights: Iterable[Right]) -> set[tuple[str, str]]:
    return {(r.verb, r.resource) for r in rights}


# ---- what is needed --------------------------------------------------------------------------------------------------


def test_what_a_cluster_has_decides_what_is_needed() -> None:
    plain, three = said(needed(Asked(PLAIN))), said(needed(EXPOSED))
    assert ("create", "deployments") in plain - three
    created = {("create", r) for r in ("deploymentconfigs", "routes", "routes/custom-host", "clusterrolebindings")}
    assert created <= three - plain
    assert ("create", "routes") not in said(needed(Asked(THREE)))
    assert ("create", "deployments") in said(needed(Asked(FOUR)))
    assert ("create", "pods/portforward") in said(needed(Asked(replace(PLAIN, version="v1.35.0"))))


def test_a_generated_host_needs_no_right_to_choose_one_but_where_the_route_brings_a_ca() -> None:
    for termination, asked in (("passthrough", False), ("reencrypt", True)):
        params = {
            "name": "r", "namespace": "n", "secret_name": "s", "route_generated": True,
            "route_termination": termination,
        }  # fmt: skip
        found = Asked.from_params(params, cluster=EXPOSED.cluster, kind="Deployment", storage=Storage(), has_scc=False)
        assert (("create", "routes/custom-host") in said(needed(found))) is asked


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"storage": Storage(claim_name="c", new_claim=NewClaim("1Gi"))}, {("create", "persistentvolumeclaims")}),
        ({"storage": Storage(host_path=HostPath("/x")), "has_scc": True}, {("patch", "securitycontextconstraints")}),
        ({"storage": Storage(host_path=HostPath("/x"))}, {("create", "jobs"), ("delete", "jobs")}),
        ({"budget": True}, {("create", "poddisruptionbudgets"), ("patch", "poddisruptionbudgets")}),
        ({"ours": frozenset({"extra_ca"})}, set()),
        ({"rolls_back": True}, {("delete", "deploymentconfigs"), ("delete", "clusterrolebindings")}),
        ({"former": ("builder",)}, {("delete", "serviceaccounts"), ("delete", "clusterrolebindings")}),
        ({"has_operator": True}, {("get", "configs")}),
        ({"kind": "DaemonSet"}, {("create", "daemonsets"), ("list", "controllerrevisions")}),
        ({"kind": "Deployment"}, {("create", "deployments"), ("list", "replicasets")}),
    ],
)
def test_what_is_asked_for_decides_what_is_needed(change: dict[str, Any], more: set[tuple[str, str]]) -> None:
    before, after = needed(EXPOSED), needed(replace(EXPOSED, **change))
    assert more <= said(r for r in after if not r.helpful)
    assert more.isdisjoint(said(r for r in before if not r.helpful))


def test_a_certificate_in_another_secret_is_read_by_the_name_of_that() -> None:
    theirs = Right("get", "secrets", name="registry-certs")
    assert theirs not in needed(EXPOSED)
    (right,) = [r for r in needed(replace(EXPOSED, served="registry-certs")) if r == theirs]
    assert not right.helpful
    assert set(needed(replace(EXPOSED, served=EXPOSED.certificate))) == set(needed(EXPOSED))


def test_settings_are_written_by_the_names_of_their_objects() -> None:
    found = set(needed(replace(EXPOSED, name="r", ours=frozenset({"config"}), theirs=(("configmaps", "cas"),))))
    assert {Right("patch", "secrets", name="r-config"), Right("get", "configmaps", name="cas")} <= found
    assert ("patch", "secrets", "r-proxy") not in {(r.verb, r.resource, r.name) for r in found if not r.helpful}


def test_what_one_feature_needs_is_not_only_helpful_where_another_is_helped_by_it() -> None:
    log = Right("get", "pods/log")
    assert next(r for r in needed(EXPOSED) if r == log).helpful
    assert not next(r for r in needed(replace(EXPOSED, storage=Storage(claim_name="c"))) if r == log).helpful


def test_accounts_of_before_are_taken_away_by_their_names() -> None:
    binding = Right("delete", "clusterrolebindings", "rbac.authorization.k8s.io", "builder-registry-role", CLUSTER)
    for state in ("present", "absent"):
        found = needed(replace(EXPOSED, former=("builder",), state=state))
        assert {Right("delete", "serviceaccounts", name="builder"), binding} <= set(found), state


def test_a_binding_that_is_not_asked_for_is_looked_for_by_who_may() -> None:
    found = [r for r in needed(replace(EXPOSED, role="")) if r.resource == "clusterrolebindings"]
    assert {(r.verb, r.helpful) for r in found} == {("get", True), ("delete", True)}


def test_secrets_are_never_read_or_listed_as_a_whole() -> None:
    for asked in (EXPOSED, replace(EXPOSED, rolls_back=True), replace(EXPOSED, state="absent")):
        secrets = [r for r in needed(asked) if r.resource == "secrets" and r.verb != "create"]
        assert secrets
        assert all(r.name and r.verb != "list" for r in secrets)


def test_every_right_has_a_reason() -> None:
    everything = replace(
        EXPOSED, storage=Storage(claim_name="c", new_claim=NewClaim("1Gi")), budget=True, rolls_back=True,
        ours=frozenset({"config", "proxy"}), theirs=(("configmaps", "x"),), has_scc=True, has_operator=True,
    )  # fmt: skip
    for feature in (*FEATURES, *ABSENT, OPERATOR):
        assert all(right.why for right in feature.rights(everything)), feature.title


# ---- what is missing -------------------------------------------------------------------------------------------------


def test_an_administrator_is_asked_once() -> None:
    api = Rights(admin=True)
    assert _rights.missing(api, EXPOSED) == []  # type: ignore[arg-type]
    assert api.asked == 1


@given(st.randoms(use_true_random=False))
def test_all_that_is_missing_is_found_at_once_and_nothing_else(rng: random.Random) -> None:
    wanted = [r for r in needed(EXPOSED) if not r.helpful]
    lacking = set(rng.sample(wanted, rng.randint(0, len(wanted))))
    found = _rights.missing(Rights(set(wanted) - lacking), EXPOSED)  # type: ignore[arg-type]
    assert set(found) == lacking


def test_who_has_all_that_a_role_gives_may_bind_it() -> None:
    rule = {"apiGroups": ["image.openshift.io"], "resources": ["images", "imagestreams/layers"], "verbs": ["get"]}
    bind = {r for r in needed(EXPOSED) if r.verb == "bind"}
    others = set(needed(EXPOSED)) - bind
    held = {Right("get", r, "image.openshift.io", where=CLUSTER) for r in rule["resources"]}
    cases = [
        ((others | held), [rule], set()),
        (others | set(list(held)[:1]), [rule], bind),
        (others | held, None, bind),
    ]
    cases.append((others | held, [rule, {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}], bind))
    for rights, role, missing in cases:
        assert set(_rights.missing(Rights(rights, role=role), EXPOSED)) == missing  # type: ignore[arg-type]


# ---- how it is said --------------------------------------------------------------------------------------------------


def test_rules_are_yaml_that_a_role_takes() -> None:
    rights = [Right("list", "nodes"), Right("get", "pods/log"), Right("get", "nodes")]
    rights += [Right("get", "secrets", name="a"), Right("get", "secrets", name="b"), Right("create", "secrets")]
    assert yaml.safe_load(_rights.rules(rights)) == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    ]


def test_what_is_allowed_for_all_is_not_said_again_by_name() -> None:
    rights = [Right("get", "secrets", name="a"), Right("patch", "secrets", name="a"), Right("get", "secrets")]
    assert _rights.rule_list(rights) == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]


@given(st.randoms(use_true_random=False))
def test_rules_give_what_was_asked_for_and_nothing_else(rng: random.Random) -> None:
    every = [r for r in needed(replace(EXPOSED, rolls_back=True)) if r.where != CLUSTER]
    asked = rng.sample(every, rng.randint(1, len(every)))
    given_by = {
        Right(verb, resource, group, name)
        for rule in yaml.safe_load(_rights.rules(asked))
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
    for_all = {replace(r, name="") for r in given_by}
    assert given_by <= set(asked)
    assert all(r in given_by or replace(r, name="") in for_all for r in asked)


def test_each_place_has_rules_of_its_own() -> None:
    rights = [Right("get", "pods"), Right("get", "nodes", where=CLUSTER), Right("get", "secrets", where="elsewhere")]
    text = _rights.explain(rights, "default")
    places = ["as a Role in namespace default", "as a Role in namespace elsewhere", "as a ClusterRole"]
    assert sorted(places, key=text.index) == places

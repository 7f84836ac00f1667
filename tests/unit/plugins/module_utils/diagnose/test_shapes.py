# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries of other shapes that work have no findings, and what is wrong with them is told as what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import auth
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from healthy import ENDPOINTS, STEPS, healthy
from hypothesis import given
from hypothesis import strategies as st
from shapes import POWERLESS, SHAPES, WORTHLESS, htpasswd_in_a_file, kubernetes_without_auth, the_operator_s

Raw = dict[str, Any]
NAMES = ("REGISTRY_AUTH", "REGISTRY_AUTH_HTPASSWD_PATH", "REGISTRY_AUTH_OPENSHIFT_REALM", "REGISTRY_AUTH_TOKEN_ISSUER")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_registry_of_another_shape_that_works_has_no_findings(shape: Callable[[], Raw]) -> None:
    assert judge(collect(shape())) == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_while_its_image_cannot_be_pulled_that_is_all_that_is_told(shape: Callable[[], Raw]) -> None:
    raw = shape()
    raw["rollout"] = {"done": False, "failed": False, "stuck": "image", "reason": "manifest unknown", "line": "0/1"}
    raw.update(pods=[], backends={"subsets": []}, logs={})
    raw["info"]["served"] = []
    assert [one["name"] for one in judge(collect(raw))] == ["image_pull"]


@pytest.mark.parametrize(("token", "step"), [(WORTHLESS, "login"), (POWERLESS, "push")])
@pytest.mark.parametrize("hosts", [True, False])
def test_a_step_that_was_refused_anywhere_overrules_nothing(token: Raw, step: str, hosts: bool) -> None:
    raw = {**healthy(), "token": token}
    told = raw["hosts"]["node1"]["check"]["results"]
    told[STEPS.index(step)].update(ok=False, reason="unauthorized" if step == "login" else "denied")
    raw["hosts"] = raw["hosts"] if hosts else {}
    names = {one["name"] for one in judge(collect(raw))}
    assert names == {"token_refused" if step == "login" else "user_without_rights"}


@pytest.mark.parametrize("shape", [kubernetes_without_auth, htpasswd_in_a_file])
def test_a_right_that_is_none_of_the_cluster_s_is_given_elsewhere(shape: Callable[[], Raw]) -> None:
    raw = shape()
    raw["hosts"]["node1"]["check"]["results"][STEPS.index("push")].update(ok=False, reason="denied", error="denied")
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"]) == ("user_without_rights", None)
    assert "image-builder" not in found["fix"]


@pytest.mark.parametrize(("days", "name"), [(7, "certificate_expires"), (-1, "certificate_expired")])
def test_the_cluster_s_own_certificate_is_not_ours_to_renew(days: int, name: str) -> None:
    raw = the_operator_s()
    raw["info"]["certificate"]["days_left"] = days
    (found,) = judge(collect(raw))
    assert (found["name"], found["command"].split()[:2]) == (name, ["kubectl", "delete"])
    assert "the service CA, which renews it in time" in found["fix"]


def test_the_cluster_s_own_certificate_has_to_cover_names() -> None:
    raw = the_operator_s()
    raw["info"]["certificate"]["sans"].remove("docker-registry.default.svc")
    (found,) = judge(collect(raw))
    assert (found["name"], found["endpoints"]) == ("san_missing", [ENDPOINTS[1]])


def test_what_was_not_compared_is_no_difference() -> None:
    raw = healthy()
    raw["info"]["served"][0].update(sha256="77" * 32, matches=None)
    assert judge(collect(raw)) == []


ASKS = {"served": True, "mounted": False, "known": False, "filed": None}


@pytest.mark.parametrize(
    ("env", "more", "asks"),
    [
        ({}, {}, True),
        ({}, {"served": False}, False),
        ({}, {"served": None}, None),
        ({"REGISTRY_AUTH": "openshift"}, {}, True),
        ({"REGISTRY_AUTH_OPENSHIFT_REALM": "r"}, {"mounted": True}, True),
        ({"REGISTRY_AUTH": "htpasswd"}, {}, False),
        ({"REGISTRY_AUTH": "{htpasswd: {realm: r}}"}, {}, False),
        ({"REGISTRY_AUTH": "htpasswd"}, {"mounted": True, "known": True, "filed": "openshift"}, False),
        ({"REGISTRY_AUTH_TOKEN_ISSUER": "i"}, {}, False),
        ({"REGISTRY_AUTH": None}, {}, None),
        ({"REGISTRY_AUTH": None, "REGISTRY_AUTH_HTPASSWD_PATH": None}, {}, False),
        ({}, {"mounted": True}, None),
        ({}, {"mounted": True, "known": True, "filed": "openshift"}, True),
        ({}, {"mounted": True, "known": True, "filed": None}, False),
    ],
)
def test_whom_it_asks(env: dict[str, str | None], more: Raw, asks: bool | None) -> None:
    assert auth.asks_cluster(env, **{**ASKS, **more}) is asks


@given(
    st.dictionaries(st.sampled_from(NAMES), st.none() | st.text(max_size=20)),
    st.fixed_dictionaries({"served": st.none() | st.booleans(), "mounted": st.booleans(), "known": st.booleans(),
                           "filed": st.none() | st.text(max_size=9)}),
)  # fmt: skip
def test_no_token_is_the_cluster_s_business_where_anything_names_another(env: dict[str, str | None], more: Raw) -> None:
    if auth.asks_cluster(env, **more):
        assert more["served"]
        assert not {"REGISTRY_AUTH_HTPASSWD_PATH", "REGISTRY_AUTH_TOKEN_ISSUER"} & set(env)
        assert not more["mounted"] or more["filed"] == "openshift" or auth.controllers(env) == {"openshift"}


def test_a_token_by_which_a_host_has_logged_in_is_good_whatever_a_clock_says() -> None:
    raw = {**healthy(), "token": {"expired": "2023-11-14T22:13:20Z"}}
    assert judge(collect(raw)) == []
    raw["hosts"] = {}
    assert [one["name"] for one in judge(collect(raw))] == ["token_expired"]


@pytest.mark.parametrize(("env", "asks"), [([], None), ([{"name": "REGISTRY_AUTH", "value": "openshift"}], True)])
def test_variables_of_an_object_that_nobody_reads_may_name_whom_it_asks(env: list[Raw], asks: bool | None) -> None:
    raw = healthy()
    (container,) = raw["workload"]["spec"]["template"]["spec"]["containers"]
    assert collect(raw).asks_cluster
    container["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    container["env"] = [one for one in container["env"] if not one["name"].startswith("REGISTRY_AUTH")] + env
    assert collect(raw).asks_cluster is asks

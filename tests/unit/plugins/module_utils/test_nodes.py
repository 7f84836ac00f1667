# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes: which host each is, whose a cordon is, and which pods leave before a restart."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import drain, nodes
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = "default/docker-registry"


def node(name: str, *addresses: str, label: str = "", **spec: Any) -> dict[str, Any]:
    labels = {"labels": {"kubernetes.io/hostname": label}} if label else {}
    listed = [{"type": "InternalIP", "address": address} for address in addresses]
    return {"metadata": {"name": name, **labels}, "spec": dict(spec), "status": {"addresses": listed}}


# ---- whose cordon it is


def test_a_cordon_of_ours_says_for_which_registry_and_leaves_nothing_when_undone() -> None:
    before = node("n1", "192.0.2.1")
    live = nodes.cordon(deepcopy(before), REGISTRY)
    assert nodes.is_cordoned(live)
    assert nodes.cordoned_for(live) == REGISTRY
    assert nodes.uncordon(deepcopy(live), "other/registry") == live
    assert nodes.uncordon(live, REGISTRY) == before


def test_a_cordon_of_somebody_else_is_neither_taken_over_nor_undone() -> None:
    theirs = node("n1", unschedulable=True)
    assert nodes.cordon(deepcopy(theirs), REGISTRY) == theirs
    assert nodes.uncordon(deepcopy(theirs), REGISTRY) == theirs


def test_what_somebody_uncordoned_himself_is_only_tidied() -> None:
    live = nodes.cordon(node("n1"), REGISTRY)
    del live["spec"]["unschedulable"]
    live["metadata"]["annotations"]["theirs"] = "kept"
    assert nodes.uncordon(live, REGISTRY)["metadata"] == {"name": "n1", "annotations": {"theirs": "kept"}}


@given(st.booleans(), st.dictionaries(st.sampled_from(["a", "b"]), st.just("x")), st.booleans())
def test_cordon_and_uncordon_end_where_they_began(cordoned: bool, others: dict[str, str], twice: bool) -> None:
    before = node("n1", **({"unschedulable": True} if cordoned else {}))
    if others:
        before["metadata"]["annotations"] = others
    live = nodes.cordon(deepcopy(before), REGISTRY)
    if twice:
        assert nodes.cordon(deepcopy(live), REGISTRY) == live
    assert nodes.is_cordoned(live)
    assert nodes.uncordon(live, REGISTRY) == before


# ---- which host it is


def test_addresses_decide_before_names() -> None:
    """Two hosts whose inventory names were swapped by somebody are still the Nodes that their addresses say."""
    cluster = [node("node1", "192.0.2.1"), node("node2", "192.0.2.2")]
    inventory = {"node1": ["node1", "192.0.2.2"], "node2": ["node2", "192.0.2.1"]}
    assert nodes.hosts_of(cluster, inventory) == {"node1": "node2", "node2": "node1"}


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (node("ip-1", "192.0.2.1", "n1.example.com"), ["alias", "n1.example.com"]),
        (node("n1.example.com"), ["N1.example.com"]),
        (node("i-0abc", label="n1.example.com"), ["n1.example.com"]),
        (node("n1.example.com"), ["n1"]),
        (node("n1"), ["n1.example.com", "bastion-alias"]),
        (node("v6", "2001:db8::1"), ["x", "2001:db8::1"]),
    ],
)
def test_a_host_is_found_by_any_name_that_both_have(one: dict[str, Any], names: list[str]) -> None:
    assert nodes.hosts_of([one], {"host": names, "other": ["other", "192.0.2.99"]}) == {one["metadata"]["name"]: "host"}


def test_what_is_ambiguous_or_unknown_is_no_match() -> None:
    cluster = [node("n1.a.example", "192.0.2.1"), node("virtual"), node("n2", "192.0.2.7")]
    inventory = {"x": ["n1.b.example"], "y": ["n1.c.example"], "z": ["192.0.2.8"]}
    assert nodes.hosts_of(cluster, inventory) == {}


def test_an_address_is_not_cut_as_a_name_is() -> None:
    assert nodes.hosts_of([node("192")], {"a": ["192.0.2.1"]}) == {}


def test_no_host_is_two_nodes() -> None:
    found = nodes.hosts_of([node("n1", "192.0.2.1"), node("n1b", "192.0.2.1")], {"a": ["a", "192.0.2.1"]})
    assert found == {"n1": "a"}


# ---- which pods leave


def pod(name: str, owner: str | None = "ReplicaSet", phase: str = "Running", **spec: Any) -> dict[str, Any]:
    owners = [{"kind": owner, "name": "x", "controller": True}] if owner else []
    meta = {"name": name, "namespace": "web", "uid": name, "ownerReferences": owners}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase}}


SCRATCH = [{"name": "tmp", "emptyDir": {}}]


def test_pods_leave_but_for_those_that_would_be_back_or_cannot() -> None:
    static = pod("static", None)
    static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    pods = [
        pod("b"), pod("a"), static, pod("done", None, "Succeeded", volumes=SCRATCH), pod("daemon", "DaemonSet"),
        pod("daemon-with-scratch", "DaemonSet", volumes=SCRATCH), pod("registry", volumes=SCRATCH),
    ]  # fmt: skip
    found = drain.plan(pods, drain.Allowed(keep=frozenset({"web/registry"})))
    assert (found.problems, [drain.name_of(one) for one in found.evict]) == ([], ["web/a", "web/b"])


def test_what_would_be_lost_is_named_and_goes_only_when_said() -> None:
    pods = [pod("bare", None), pod("scratch", volumes=SCRATCH), pod("plain")]
    bare, scratch = drain.plan(pods, drain.Allowed()).problems
    assert "web/bare" in bare
    assert "force=true" in bare
    assert "web/scratch" in scratch
    assert "delete_emptydir_data=true" in scratch
    allowed = drain.plan(pods, drain.Allowed(emptydir=True, unmanaged=True))
    assert (allowed.problems, len(allowed.evict)) == ([], 3)


def test_an_eviction_is_of_this_very_pod() -> None:
    asked = drain.eviction(pod("a"), "policy/v1beta1", 0)
    assert asked["deleteOptions"] == {"preconditions": {"uid": "a"}, "gracePeriodSeconds": 0}
    assert "gracePeriodSeconds" not in drain.eviction(pod("a"), "policy/v1", None)["deleteOptions"]

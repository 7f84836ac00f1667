# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and how pods run: options checked, the workload built (golden files), and what hypothesis thinks of both."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import pdb, podoptions
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.pdb import Budget
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._options import pod
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"
REQUIRED, PREFERRED = (f"{word}DuringSchedulingIgnoredDuringExecution" for word in ("required", "preferred"))
APART = {PREFERRED: [{"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]}
INFRA = {"key": "node-role.kubernetes.io/infra", "operator": "Exists"}
FULL = {
    "affinity": {
        "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{**INFRA}]}]}},
        "podAntiAffinity": APART,
    },
    "tolerations": [{**INFRA, "effect": "NoSchedule"}, {"key": "a", "value": True, "effect": "NoExecute"}],
    "priority_class": "system-cluster-critical",
    "fs_group": 1001,
    "supplemental_groups": [65534, 2000],
    "pull_secrets": ["redhat", "mirror"],
    "extra_ports": [5001],
    "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": 1, "memory": "1Gi"}},
}


def options(**params):
    return pod.from_params({"port": 5000, **params})


def want(kind="DeploymentConfig", **params):
    return build.Workload(kind=kind, name="docker-registry", namespace="default", image="i:1", pod=options(**params))


def live(kind="DeploymentConfig", **params):
    made = plan(None, build.desired(want(kind, **params))).after
    made["metadata"].update({"resourceVersion": "1", "uid": "u"})
    return made


def spec(obj):
    return obj["spec"]["template"]["spec"]


@pytest.mark.parametrize("kind", list(build.API_VERSIONS))
def test_golden(kind):
    path = GOLDEN / f"{kind.lower()}-pod.yml"
    got = build.desired(want(kind, **FULL))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(yaml.safe_dump(got, sort_keys=False))
    assert got == yaml.safe_load(path.read_text())


class TestRefused:
    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({"affinity": {"nodes": {}}}, "affinity.nodes: {} has no place here"),
            ({"affinity": {"nodeAffinity": {"required": {}}}}, "affinity.nodeAffinity.required: {} has no place here"),
            ({"affinity": {"nodeAffinity": {REQUIRED: {"x": 1}}}}, "nodeSelectorTerms: None is required"),
            ({"affinity": {"podAffinity": {REQUIRED: {"x": 1}}}}, "must be a list"),
            ({"affinity": {"podAffinity": {REQUIRED: [{"namespaces": []}]}}}, "topologyKey: None is required"),
            ({"affinity": {"podAntiAffinity": {PREFERRED: [{"weight": 101}]}}}, "weight: 101 must be from 1 to 100"),
            ({"affinity": {"podAntiAffinity": {PREFERRED: [{"weight": 1}]}}}, "podAffinityTerm: None is required"),
            ({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "a", "operator": "Is"}]}]}}}}, "operator: 'Is' must be one of In"),
            ({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "a", "operator": "In"}]}]}}}}, "values: None does not fit operator In"),
            ({"tolerations": [{"name": "x"}]}, "tolerations[0].name: 'x' has no place here"),
            ({"tolerations": [INFRA, {"key": "a", "operator": "In"}]}, "tolerations[1].operator: 'In' must be Equal"),
            ({"tolerations": [{"operator": "Exists", "value": "x"}]}, "tolerations[0].value: 'x' has no place"),
            ({"tolerations": [{"effect": "NoSchedule"}]}, "tolerations[0].key: None is required"),
            ({"tolerations": [{"key": "a", "effect": "No"}]}, "tolerations[0].effect: 'No' must be one of NoSchedule"),
            ({"tolerations": [{"key": "a", "tolerationSeconds": 3}]}, "tolerationSeconds: '3' needs effect: NoExecute"),
            ({"tolerations": [{"key": "a", "tolerationSeconds": "x", "effect": "NoExecute"}]}, "is not a whole number"),
            ({"tolerations": [{"key": "a b"}]}, "tolerations[0].key: 'a b' is not a label name"),
            ({"priority_class": "A_b"}, "priority_class: 'A_b' is not a DNS name"),
            ({"fs_group": -1}, "fs_group: -1 is not the number of a group"),
            ({"supplemental_groups": [1, 2**31]}, "supplemental_groups: 2147483648 is not the number of a group"),
            ({"pull_secrets": ["a b"]}, "pull_secrets: 'a b' is not a DNS name"),
            ({"extra_ports": [0]}, "extra_ports: 0 is not a port"),
            ({"extra_ports": [5000]}, "extra_ports: 5000 is the registry's own port"),
            ({"resources": {"request": {}}}, "resources.request: {} has no place here"),
            ({"resources": {"limits": "1Gi"}}, "resources.limits: '1Gi' must be a map"),
            ({"resources": {"requests": {"cpu": "many"}}}, "resources.requests.cpu: 'many' is no amount"),
            ({"resources": {"requests": {"cpu": "-1"}}}, "resources.requests.cpu: '-1' is no amount"),
            ({"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}}, "is more than its limit, 1G"),
            ({"pod_disruption_budget": {"min_available": "101%"}}, "pod_disruption_budget.min_available: '101%' must"),
            ({"pod_disruption_budget": {"max_unavailable": "some"}}, "pod_disruption_budget.max_unavailable: 'some'"),
        ],
    )  # fmt: skip
    def test_naming_the_option(self, params, said):
        with pytest.raises(OptionError) as caught:
            options(**params)
        assert said in str(caught.value)

    def test_what_is_right(self):
        options(**FULL)
        options(resources={"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}})
        options(tolerations=[{"operator": "Exists"}])


class TestBudget:
    @pytest.mark.parametrize(
        ("budget", "replicas", "blocks"),
        [
            (Budget(min_available=1), 1, True), (Budget(min_available=1), 2, False),
            (Budget(min_available="50%"), 2, False), (Budget(min_available="51%"), 2, True),
            (Budget(min_available="100%"), 3, True), (Budget(max_unavailable=1), 1, False),
            (Budget(max_unavailable=0), 3, True), (Budget(max_unavailable="0%"), 3, True),
            (Budget(max_unavailable="1%"), 3, False), (Budget(min_available=5), 0, False),
            (Budget(min_available=0), 1, False),
        ],
    )  # fmt: skip
    def test_that_lets_nobody_go(self, budget, replicas, blocks):
        assert budget.blocks(replicas) == blocks

    def test_the_other_one_goes_whoever_set_it(self):
        def made(budget, now=None):
            return pdb.desired("policy/v1", "r", "default", budget, labels={}, selector={"a": "b"}, live=now)

        now = plan(None, made(Budget(max_unavailable=1))).after
        now["metadata"]["resourceVersion"] = "1"
        now["spec"]["selector"]["matchLabels"]["old"] = "x"
        after = plan(now, made(Budget(min_available=1), now)).after
        assert after["spec"] == {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}


class TestPort:
    @pytest.mark.parametrize(
        ("port", "container", "pod_spec", "needs"),
        [
            (5000, {}, {}, False), (1024, {}, {}, False), (443, {}, {}, True),
            (443, {"securityContext": {"privileged": True}}, {}, False),
            (443, {"securityContext": {"runAsUser": 0}}, {}, False),
            (443, {}, {"securityContext": {"runAsUser": 0}}, False),
            (443, {"securityContext": {"runAsUser": 1}}, {"securityContext": {"runAsUser": 0}}, True),
            (443, {"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}}, {}, False),
            (443, {"securityContext": {"capabilities": {"add": ["CHOWN"]}}}, {}, True),
            (443, {}, {"securityContext": {"sysctls": [
                {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}}, False),
            (80, {}, {"securityContext": {"sysctls": [
                {"name": "net.ipv4.ip_unprivileged_port_start", "value": "443"}]}}, True),
        ],
    )  # fmt: skip
    def test_below_1024(self, port, container, pod_spec, needs):
        assert podoptions.needs_right_to_bind(port, container, pod_spec) == needs


KEYS = st.sampled_from(["a", "b/c", "node-role.kubernetes.io/infra"])
TOLERATIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"key": KEYS, "operator": st.just("Exists")}, optional={"effect": st.just("NoSchedule")}),
        st.fixed_dictionaries({"key": KEYS, "value": st.sampled_from(["x", "y"])}),
        st.fixed_dictionaries(
            {"key": KEYS, "effect": st.just("NoExecute")}, optional={"tolerationSeconds": st.integers(0, 9)}
        ),
    ),
    max_size=4,
)
TERMS = st.lists(
    st.fixed_dictionaries({"topologyKey": KEYS}, optional={"labelSelector": st.just({"matchLabels": {"a": "b"}})}),
    max_size=2,
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "affinity": st.fixed_dictionaries(
            {}, optional={name: st.fixed_dictionaries({REQUIRED: TERMS}) for name in ("podAffinity", "podAntiAffinity")}
        ),
        "tolerations": TOLERATIONS,
        "priority_class": st.sampled_from(["p", "q"]),
        "fs_group": st.integers(0, 3),
        "supplemental_groups": st.lists(st.integers(1, 4), max_size=3),
        "pull_secrets": st.lists(st.sampled_from(["s", "t", "u"]), max_size=3),
        "extra_ports": st.lists(st.integers(5001, 5003), max_size=3),
        "node_selector": st.dictionaries(KEYS, st.sampled_from(["", "x"]), max_size=2),
    },
)
KINDS = st.sampled_from(list(build.API_VERSIONS))
FOREIGN_TOLERATION = {"key": "theirs", "operator": "Exists"}


def with_foreign(obj):
    """The object after somebody else has added to each of these lists and maps."""
    theirs = copy.deepcopy(obj)
    pod_spec = spec(theirs)
    pod_spec.setdefault("tolerations", []).append(FOREIGN_TOLERATION)
    pod_spec.setdefault("imagePullSecrets", []).append({"name": "theirs"})
    pod_spec.setdefault("securityContext", {}).setdefault("supplementalGroups", []).append(777)
    pod_spec["securityContext"]["seLinuxOptions"] = {"level": "s0"}
    pod_spec.setdefault("affinity", {})["nodeAffinity"] = {REQUIRED: {"nodeSelectorTerms": [{"matchFields": []}]}}
    pod_spec["containers"][0].setdefault("ports", []).append({"containerPort": 9999, "protocol": "TCP"})
    return theirs


def foreign_is_there(obj):
    pod_spec = spec(obj)
    return (
        FOREIGN_TOLERATION in pod_spec["tolerations"]
        and {"name": "theirs"} in pod_spec["imagePullSecrets"]
        and 777 in pod_spec["securityContext"]["supplementalGroups"]
        and pod_spec["securityContext"]["seLinuxOptions"] == {"level": "s0"}
        and "nodeAffinity" in pod_spec["affinity"]
        and 9999 in [p["containerPort"] for p in pod_spec["containers"][0]["ports"]]
    )


@given(KINDS, PARAMS, PARAMS)
def test_once_done_nothing_is_left_to_do_and_what_is_of_others_stays(kind, first, second):
    now = with_foreign(live(kind, **first))
    assert not plan(now, build.desired(want(kind, **first), now)).changed
    after = plan(now, build.desired(want(kind, **second), now)).after
    assert foreign_is_there(after)
    assert not plan(after, build.desired(want(kind, **second), after)).changed
    back = plan(after, build.desired(want(kind, **first), after)).after
    for field in ("tolerations", "imagePullSecrets"):
        assert sorted(map(str, spec(back)[field])) == sorted(map(str, spec(now)[field]))


@given(KINDS, PARAMS, st.randoms(use_true_random=False))
def test_the_order_of_what_is_said_means_nothing(kind, params, random):
    now = live(kind, **params)
    mixed = {}
    for name in random.sample(sorted(params), len(params)):
        value = params[name]
        mixed[name] = random.sample(value, len(value)) if isinstance(value, list) else value
    assert not plan(now, build.desired(want(kind, **mixed), now)).changed

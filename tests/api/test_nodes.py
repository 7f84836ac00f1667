# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes out of service and back, on a real API server: evictions, budgets, whose a cordon is, and which host it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import nodes
from ansible_collections.okd.registry.plugins.module_utils._build.right import Asked
from ansible_collections.okd.registry.plugins.module_utils._build.rights import FEATURES
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_info, registry_node
from ansible_collections.okd.registry.tests.api.kubelet import ready, status

pytestmark = pytest.mark.cluster
Object = dict[str, Any]


@pytest.fixture
def node(admin: Api, namespace: str) -> Iterator[str]:
    """A Node that is ready; its name."""
    name = f"node.{namespace}"
    addresses = [{"type": "InternalIP", "address": "192.0.2.77"}, {"type": "Hostname", "address": name}]
    admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"addresses": addresses}})
    status(admin, nodes.ref(name), {"addresses": addresses})
    ready(admin, name, well=True)
    yield name
    for pod in admin.list("v1", "Pod", fields=f"spec.nodeName={name}"):
        admin.delete(ObjectRef.of(pod))
    admin.delete(nodes.ref(name))


@pytest.fixture
def pod(admin: Api, namespace: str, node: str) -> Callable[..., ObjectRef]:
    """Makes pods that run on the Node, and end at once when they have to."""

    def make(name: str, owner: str | None = "ReplicaSet", **spec: Any) -> ObjectRef:
        owners = [{"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "1", "controller": True}]
        made = admin.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": {"app": name},
                    **({"ownerReferences": owners} if owner else {}),
                },
                "spec": {
                    "nodeName": node,
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": False,
                    "containers": [{"name": "c", "image": "i"}],
                    **spec,
                },
            }
        )
        ref = ObjectRef.of(made)
        status(admin, ref, {"phase": "Running"})
        return ref

    return make


def live(admin: Api, name: str) -> Object:
    found = admin.get(nodes.ref(name))
    assert found is not None
    return found


def test_a_cordon_is_made_once_and_undone_once(run: Any, admin: Api, node: str, namespace: str) -> None:
    before = live(admin, node)
    for state, changed in (("cordoned", True), ("uncordoned", True)):
        planned = run(registry_node, nodes=[node], state=state, check=True)
        version = live(admin, node)["metadata"]["resourceVersion"]
        done = run(registry_node, nodes=[node], state=state)
        assert (planned["changed"], done["changed"]) == (changed, changed)
        assert (planned["actions"], planned["diff"], planned["resources"]) == (
            done["actions"], done["diff"], done["resources"],
        )  # fmt: skip
        assert version != live(admin, node)["metadata"]["resourceVersion"]
        again = run(registry_node, nodes=[node], state=state)
        assert (again["changed"], again["diff"], again["api_requests"]["patch"]) == (False, [], 0)
        if state == "cordoned":
            (found,) = done["nodes"]
            assert (found["schedulable"], found["cordoned_for"]) == (False, f"{namespace}/docker-registry")
    after = live(admin, node)
    assert after["spec"].get("unschedulable") is None
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")


def test_a_cordon_of_somebody_else_stays(run: Any, admin: Api, node: str) -> None:
    admin.patch(nodes.ref(node), [{"op": "add", "path": "/spec/unschedulable", "value": True}])
    for state in ("cordoned", "uncordoned"):
        assert run(registry_node, nodes=[node], state=state)["changed"] is False
    assert nodes.is_cordoned(live(admin, node))


def test_a_cordon_for_another_registry_stays(run: Any, admin: Api, node: str) -> None:
    run(registry_node, nodes=[node], state="cordoned", name="other")
    assert run(registry_node, nodes=[node], state="uncordoned")["changed"] is False
    assert nodes.is_cordoned(live(admin, node))
    assert run(registry_node, nodes=[node], state="uncordoned", name="other")["changed"] is True


def test_a_check_run_announces_what_follows_a_cordon_that_it_does_not_make(run: Any, admin: Api, node: str) -> None:
    planned = run(registry_node, nodes=[node], state="uncordoned", planned=True, check=True)
    run(registry_node, nodes=[node], state="cordoned")
    done = run(registry_node, nodes=[node], state="uncordoned", planned=True)
    for key in ("changed", "actions", "diff", "resources"):
        assert planned[key] == done[key]
    assert not nodes.is_cordoned(live(admin, node))


def test_a_node_that_is_not_well_stays_cordoned_where_that_is_said(run: Any, admin: Api, node: str) -> None:
    run(registry_node, nodes=[node], state="cordoned")
    ready(admin, node, well=False)
    kept = run(registry_node, nodes=[node], state="uncordoned", only_ready=True)
    assert kept["changed"] is False
    assert "stays cordoned" in str(kept["warnings"])
    ready(admin, node, well=True)
    assert run(registry_node, nodes=[node], state="uncordoned", only_ready=True)["changed"] is True


def test_ready_is_waited_for_and_says_why_not(run: Any, admin: Api, node: str) -> None:
    assert run(registry_node, nodes=[node], state="ready")["nodes"][0]["ready"] is True
    ready(admin, node, well=False)
    late = run(registry_node, nodes=[node], state="ready", timeout=1)
    assert late["failed"]
    assert "Ready is False (Kubelet: as it is)" in late["msg"]
    assert run(registry_node, nodes=[node], state="ready", check=True)["nodes"][0]["ready"] is False
    assert "no Node nowhere" in run(registry_node, nodes=["nowhere"], state="ready")["msg"]


def test_a_drain_evicts_what_may_go(run: Any, admin: Api, node: str, pod: Any, namespace: str) -> None:
    gone, kept, daemon = pod("gone"), pod("kept"), pod("daemon", "DaemonSet", volumes=[{"name": "e", "emptyDir": {}}])
    options = {"nodes": [node], "state": "drained", "keep_pods": [f"{namespace}/kept"], "timeout": 30}
    planned = run(registry_node, **options, check=True)
    assert admin.get(gone)
    done = run(registry_node, **options)
    assert done["evicted"] == planned["evicted"] == [f"{namespace}/gone"]
    assert (planned["actions"], planned["resources"]) == (done["actions"], done["resources"])
    assert (admin.get(gone), nodes.is_cordoned(live(admin, node))) == (None, True)
    assert admin.get(kept)
    assert admin.get(daemon)
    assert run(registry_node, **options)["changed"] is False


def test_a_drain_that_would_lose_something_is_refused_before_the_cordon(
    run: Any, admin: Api, node: str, pod: Any, namespace: str
) -> None:
    bare = pod("bare", None)
    scratch = pod("scratch", volumes=[{"name": "e", "emptyDir": {}}])
    refused = run(registry_node, nodes=[node], state="drained")
    assert refused["failed"]
    assert f"{namespace}/bare" in refused["msg"]
    assert f"{namespace}/scratch" in refused["msg"]
    assert not nodes.is_cordoned(live(admin, node))
    allowed = run(registry_node, nodes=[node], state="drained", force=True, delete_emptydir_data=True, timeout=30)
    assert not allowed.get("failed"), allowed["msg"]
    assert (admin.get(bare), admin.get(scratch)) == (None, None)


def test_a_budget_is_held_and_named(run: Any, admin: Api, node: str, pod: Any, namespace: str) -> None:
    held, free = pod("held"), pod("free")
    budget = {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": namespace},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "held"}}},
    }  # fmt: skip
    made = ObjectRef.of(admin.create(budget))
    late = run(registry_node, nodes=[node], state="drained", timeout=1)
    assert late["failed"]
    assert late["changed"] is True
    assert late["evicted"] == [f"{namespace}/free"]
    assert f"{namespace}/held" in late["msg"]
    assert "disruption budget" in late["msg"]
    assert admin.get(held)
    assert admin.get(free) is None
    admin.delete(made)
    done = run(registry_node, nodes=[node], state="drained", timeout=30)
    assert (done["evicted"], admin.get(held)) == ([f"{namespace}/held"], None)


def test_the_rights_on_the_page_are_enough(
    run: Any, admin: Api, somebody: Any, node: str, pod: Any, namespace: str, requests: Any
) -> None:
    asked = Asked(Cluster("v1.34", None, has_routes=False, has_deployment_configs=False), namespace=namespace)
    asked = replace(asked, cordons=True, drains=True)
    rights = [right for one in FEATURES if "cordon" in one.title or "drain" in one.title for right in one.rights(asked)]
    user = somebody("drainer")
    user.give(rights)
    user.wait(rights)
    gone = pod("gone")
    for state in ("drained", "ready", "uncordoned"):
        done = run.as_user(user.name)(registry_node, nodes=[node], state=state, timeout=30)
        assert not done.get("failed"), done["msg"]
    assert admin.get(gone) is None
    assert [right for right, code in requests(user.name) if code == 403] == []
    less = somebody("less")
    rest = [right for right in rights if right.verb != "patch"]
    less.give(rest)
    less.wait(rest)
    refused = run.as_user(less.name)(registry_node, nodes=[node], state="cordoned")
    assert "resources: [nodes]\n  verbs: [patch]" in refused["msg"]


def test_the_info_says_which_host_a_node_is_and_which_has_none(run: Any, node: str) -> None:
    covered = run(registry_info, inventory={"here": ["here", "192.0.2.77"]}, uncovered="warn")
    (found,) = [one for one in covered["nodes"] if one["name"] == node]
    assert (found["host"], found["addresses"], found["ready"]) == ("here", ["192.0.2.77", node], True)
    assert node not in covered["uncovered"]
    for uncovered, said in (("warn", "warnings"), ("fail", "msg"), ("ignore", "uncovered")):
        result = run(registry_info, inventory={"elsewhere": ["192.0.2.78"]}, uncovered=uncovered)
        assert bool(result.get("failed")) == (uncovered == "fail")
        assert node in str(result[said])
        assert node in result["uncovered"]
    assert run(registry_info)["nodes"] == []


def test_who_may_not_list_nodes_gets_the_rest(run: Any, grant: Any, namespace: str, node: str) -> None:
    grant("reader", [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}])
    result = run.as_user("reader")(registry_info, inventory={"here": [node]}, uncovered="fail")
    assert not result.get("failed"), result["msg"]
    assert (result["nodes"], result["uncovered"]) == ([], [])
    assert "resources: [nodes]" in str(result["warnings"])

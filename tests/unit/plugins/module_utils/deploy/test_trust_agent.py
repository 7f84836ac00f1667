# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's objects, and the way there and back; DaemonSet controller and kubelet are played."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _observe, _trustagent
from ansible_collections.okd.registry.plugins.module_utils._build import scc
from ansible_collections.okd.registry.plugins.module_utils._build import trust_agent as build
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    NotFoundError,
    OptionError,
    RefusedError,
    WaitError,
)
from memory_cluster import KUBERNETES, OPENSHIFT_3, MemoryCluster

Object = dict[str, Any]
IP = "172.30.124.220"
NAME = "docker-registry-trust-agent"
USER = f"system:serviceaccount:default:{NAME}"
KINDS = {"DaemonSet": "apps/v1", "ConfigMap": "v1", "ServiceAccount": "v1"}
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "docker-registry", "namespace": "default"},
    "spec": {"clusterIP": IP},
}  # fmt: skip
CA = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "docker-registry-ca", "namespace": "default"},
    "data": {"ca.crt": "x"},
}  # fmt: skip
PRIVILEGED = {
    "apiVersion": scc.REF.api_version, "kind": scc.REF.kind, "metadata": {"name": scc.REF.name},
    "users": ["system:admin"],
}  # fmt: skip


class Module:
    """As much of a module as is asked."""

    def __init__(self, *, check: bool = False, **params: Any) -> None:
        self.check_mode = check
        self.params = {
            "name": "docker-registry", "namespace": "default", "port": 5000, "cluster_domain": "cluster.local",
            "route_host": None, "extra_hosts": [], "image": "python:3", "image_pull_secrets": [], "ca_config_map": None,
            "interval": 60, "directories": ["/etc/docker/certs.d"], "node_selector": {},
            "wait": False, "wait_timeout": 0, "write_nodes": False,
            "keep_files": False, "state": "present", **params,
        }  # fmt: skip


def cluster(*objects: Object, groups: tuple[str, ...] = (*OPENSHIFT_3, scc.GROUP)) -> MemoryCluster:
    made = MemoryCluster(groups)
    for obj in objects or (SERVICE, CA, PRIVILEGED):
        made.put(json.loads(json.dumps(obj)))
    return made


def run(there: MemoryCluster, **params: Any) -> Object:
    return _trustagent.execute(Module(**params), there.api())


def find(there: MemoryCluster, kind: str) -> Object | None:
    return there.find(KINDS[kind], kind, NAME)


def told(there: MemoryCluster) -> Object:
    """What the pods are told."""
    daemons = find(there, "DaemonSet") or {}
    variables = daemons["spec"]["template"]["spec"]["containers"][0]["env"]
    return dict(json.loads(next(v["value"] for v in variables if v["name"] == build.VARIABLE)))


def test_all_that_an_agent_needs_is_made_and_a_second_run_changes_nothing() -> None:
    there = cluster()
    done = run(there, route_host="r.example.com")
    assert [(r["kind"], r["action"]) for r in done["resources"]] == [
        ("ServiceAccount", "created"), ("SecurityContextConstraints", "updated"), ("ConfigMap", "created"),
        ("DaemonSet", "created"),
    ]  # fmt: skip
    assert told(there)["endpoints"] == done["registry"]["endpoints"]
    assert f"{IP}:5000" in told(there)["endpoints"]
    assert "r.example.com" in told(there)["endpoints"]
    assert (there.find(*_scc()) or {})["users"] == ["system:admin", USER]
    again = run(there, route_host="r.example.com")
    assert (again["changed"], again["actions"]) == (False, [])


def _scc() -> tuple[str, str, str, None]:
    return scc.REF.api_version, scc.REF.kind, scc.REF.name, None


def test_elsewhere_than_on_openshift_no_scc_is_asked_for() -> None:
    done = run(cluster(SERVICE, CA, groups=KUBERNETES))
    assert [r["kind"] for r in done["resources"]] == ["ServiceAccount", "ConfigMap", "DaemonSet"]


def test_a_check_run_plans_what_the_run_then_does_and_writes_nothing() -> None:
    there = cluster()
    planned = run(there, check=True)
    assert there.writes() == []
    done = run(there)
    assert {k: planned[k] for k in ("actions", "resources", "diff")} == {
        k: done[k] for k in ("actions", "resources", "diff")
    }


def test_in_a_check_run_before_anything_is_there_the_address_is_known_after_apply() -> None:
    planned = run(cluster(PRIVILEGED), check=True)
    assert planned["registry"]["endpoints"][0] == "(known after apply):5000"
    assert "ConfigMap default/docker-registry-ca does not exist yet" in planned["actions"][0]


def test_without_a_service_or_a_ca_it_is_refused_before_anything_is_written() -> None:
    for objects, missing in (((PRIVILEGED,), "Service"), ((SERVICE, PRIVILEGED), "ConfigMap")):
        there = cluster(*objects)
        with pytest.raises(NotFoundError, match=f"{missing} default/docker-registry"):
            run(there)
        assert there.writes() == []


@pytest.mark.parametrize("params", [{"interval": 0}, {"image": " "}, {"node_selector": {"a b": "c"}}])
def test_options_that_cannot_work_are_refused(params: Object) -> None:
    with pytest.raises(OptionError):
        run(cluster(), **params)


def test_the_pod_has_three_directories_of_its_node_no_token_and_few_capabilities() -> None:
    there = cluster()
    run(there)
    pod = (find(there, "DaemonSet") or {})["spec"]["template"]["spec"]
    paths = [v["hostPath"]["path"] for v in pod["volumes"] if "hostPath" in v]
    assert paths == ["/etc/docker/certs.d", "/var/lib/okd-registry"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["tolerations"] == [{"operator": "Exists"}]
    context = pod["containers"][0]["securityContext"]
    assert "privileged" not in context
    assert context["capabilities"]["drop"] == ["ALL"]
    mounted = {m["name"]: m.get("readOnly", False) for m in pod["containers"][0]["volumeMounts"]}
    assert mounted["code"] is mounted["ca"] is True


def test_other_settings_and_other_code_start_new_pods_and_the_ca_does_not() -> None:
    want = build.TrustAgent("r", "n", "i", ("a:5000",), "r-ca")

    def template(code: Object, **changes: Any) -> Object:
        import dataclasses

        return build.daemon_set(dataclasses.replace(want, **changes), code)["spec"]["template"]

    base = template({"a.py": "1"})
    assert template({"a.py": "2"}) != base
    assert template({"a.py": "1"}, endpoints=("b:5000",)) != base
    assert template({"a.py": "1"}, interval=5) != base
    assert template({"a.py": "1"}) == base


def test_the_code_is_shown_by_its_hashes() -> None:
    there = cluster()
    shown = next(d for d in run(there)["diff"] if "ConfigMap" in d["after_header"])
    assert "trust_plan.py: sha256:" in shown["after"]
    assert "import" not in shown["after"]
    assert "import" in (find(there, "ConfigMap") or {})["data"]["trust_plan.py"]


# ---- away again ------------------------------------------------------------------------------------------------------


def rolled(there: MemoryCluster, *, nodes: int = 3, ready: int | None = None) -> None:
    """The controller's word on the DaemonSet of now."""
    live = find(there, "DaemonSet") or {}
    available = nodes if ready is None else ready
    live["status"] = {
        "observedGeneration": live["metadata"].get("generation", 1), "desiredNumberScheduled": nodes,
        "updatedNumberScheduled": nodes, "numberAvailable": available, "numberReady": available,
    }  # fmt: skip
    there.put(live)
    there.put(
        {
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1,
            "metadata": {
                "name": f"{NAME}-1", "namespace": "default", "labels": {build.LABEL: "docker-registry"},
                "ownerReferences": [{"uid": live["metadata"]["uid"]}],
            },
        }
    )  # fmt: skip


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plays the controller at every look; gives what the pods were told at each."""
    seen: list[Object] = []

    def play(there: MemoryCluster, **numbers: Any) -> list[Object]:
        watch = _observe.watch

        def look(*args: Any, **options: Any) -> Any:
            seen.append(told(there))
            rolled(there, **numbers)
            return watch(*args, **{**options, "seconds": 0})

        monkeypatch.setattr(_trustagent._observe, "watch", look)
        return seen

    return play


def test_the_pods_clean_up_before_they_go(played: Any) -> None:
    there = cluster()
    run(there)
    seen = played(there)
    planned = run(there, state="absent", image=None, check=True)
    done = run(there, state="absent", image=None)
    assert [one["state"] for one in seen] == ["absent"]
    assert [(r["kind"], r["action"]) for r in done["resources"]] == [
        ("DaemonSet", "deleted"), ("SecurityContextConstraints", "updated"), ("ConfigMap", "deleted"),
        ("ServiceAccount", "deleted"),
    ]  # fmt: skip
    assert [find(there, kind) for kind in KINDS] == [None, None, None]
    assert (there.find(*_scc()) or {})["users"] == ["system:admin"]
    assert {k: planned[k] for k in ("actions", "resources", "diff")} == {
        k: done[k] for k in ("actions", "resources", "diff")
    }
    assert run(there, state="absent", image=None)["changed"] is False


def test_where_the_files_stay_every_pod_is_told_to_touch_nothing_before_it_goes(played: Any) -> None:
    there = cluster()
    run(there)
    seen = played(there)
    planned = run(there, state="absent", keep_files=True, image=None, check=True)
    assert seen == []
    done = run(there, state="absent", keep_files=True, image=None)
    assert [one["state"] for one in seen] == ["idle"]
    assert [find(there, kind) for kind in KINDS] == [None, None, None]
    assert planned["actions"] == done["actions"]
    assert "leaves the registry's files as they are" in done["actions"][0]


def test_while_an_agent_has_not_heard_that_it_goes_it_stays_and_is_named(played: Any) -> None:
    """It may still write: a rotation must not begin."""
    there = cluster()
    run(there)
    played(there, ready=2)
    with pytest.raises(WaitError, match=r"agents of some nodes are still at work .* so the agent stays"):
        run(there, state="absent", keep_files=True, image=None)
    assert all(find(there, kind) for kind in KINDS)


def test_while_a_node_has_not_cleaned_up_nothing_is_deleted_and_it_is_named(played: Any) -> None:
    there = cluster()
    run(there)
    played(there, ready=2)
    there.put(
        {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "agent-x", "namespace": "default", "labels": {build.LABEL: "docker-registry"}},
            "spec": {"nodeName": "node3", "containers": [{"name": "agent"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
        }
    )  # fmt: skip
    there.logs["agent-x"] = "/etc/docker/certs.d: is a link\n"
    with pytest.raises(WaitError, match=r"node node3: /etc/docker/certs\.d: is a link; so the agent stays"):
        run(there, state="absent", image=None)
    assert all(find(there, kind) for kind in KINDS)
    assert told(there)["state"] == "absent"
    run(there)
    assert told(there)["state"] == "present"


def test_where_no_node_has_an_agent_there_is_nobody_to_wait_for(played: Any) -> None:
    there = cluster()
    run(there)
    played(there, nodes=0)
    assert run(there, state="absent", image=None)["changed"]
    assert find(there, "DaemonSet") is None


def test_the_wait_is_over_when_every_node_is_as_wanted(played: Any) -> None:
    there = cluster()
    played(there)
    done = run(there, wait=True, wait_timeout=5)
    assert done["agent"] == {"name": NAME, "namespace": "default", "nodes": 3, "ready": 0}


def test_what_others_have_made_under_these_names_stays(played: Any) -> None:
    there = cluster()
    there.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": "default"}, "data": {}})
    there.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": "default"}})
    done = run(there, state="absent", image=None)
    assert not done["changed"]
    there.put(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": NAME, "namespace": "default"}, "spec": {}}
    )
    with pytest.raises(RefusedError, match="was not made by this collection"):
        run(there, state="absent", image=None)


def test_the_registry_s_own_entry_in_the_scc_is_another_one() -> None:
    """registry_deploy takes back what it has noted as the registry's; the agent's must not be among it."""
    there = cluster()
    run(there)
    live = there.find(*_scc()) or {}
    from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us

    assert not owned_by_us(live, "default/docker-registry")
    assert owned_by_us(live, build.owner("default/docker-registry"))


def test_a_ca_that_has_changed_starts_new_pods_and_the_same_one_does_not() -> None:
    there = cluster()
    run(there)
    before = find(there, "DaemonSet") or {}
    assert not run(there)["changed"]
    there.put({**CA, "data": {"ca.crt": "y"}})
    changed = run(there)
    assert [one["kind"] for one in changed["resources"] if one["action"] == "updated"] == ["DaemonSet"]
    after = find(there, "DaemonSet") or {}
    assert before["spec"]["template"]["spec"] == after["spec"]["template"]["spec"]
    assert before["spec"]["template"]["metadata"] != after["spec"]["template"]["metadata"]
    there.put({**CA, "metadata": {**CA["metadata"], "labels": {"theirs": "x"}}, "data": {"ca.crt": "y"}})
    assert not run(there)["changed"]

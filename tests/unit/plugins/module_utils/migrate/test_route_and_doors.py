# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from one volume to another, the state between runs, and when a door counts as closed."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import pod as pods
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Nfs, Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import content, door, pending, state, switch
from ansible_collections.okd.registry.plugins.module_utils._migrate.content import Files
from ansible_collections.okd.registry.plugins.module_utils._migrate.route import helper_workload, needed, route
from ansible_collections.okd.registry.plugins.module_utils._migrate.steps import Ask, Steps
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

NFS = Storage(nfs=Nfs("nfs.example.com", "/exports/registry"))
REF = ObjectRef("apps/v1", "Deployment", "docker-registry", "default")
LABELS = {"docker-registry": "default"}
Env = tuple[Any, ...]


def workload(source: dict[str, Any], *, replicas: int = 1, ready: int = 1, env: tuple[Any, ...] = ()) -> dict[str, Any]:
    container = {
        "name": "registry", "image": "registry:3", "env": list(env),
        "volumeMounts": [{"name": "v", "mountPath": "/registry"}],
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "docker-registry", "namespace": "default", "uid": "w"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [container], "volumes": [{"name": "v", **source}]},
            },
        },
        "status": {"readyReplicas": ready, "replicas": replicas},
    }  # fmt: skip


def pod(name: str, *, node: str = "n1", container: str = "c1", env: Env = (), **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": LABELS, **meta},
        "spec": {"nodeName": node, "containers": [{"name": "registry", "env": list(env)}]},
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "registry", "containerID": container, "state": {"running": {}}}],
        },
    }  # fmt: skip


def service(**selector: str) -> dict[str, Any]:
    chosen = {**LABELS, **{k.replace("_", "/"): v for k, v in selector.items()}}
    return {"metadata": {"name": "docker-registry"}, "spec": {"selector": chosen}}


CLAIM = {"persistentVolumeClaim": {"claimName": "c"}}
RWO = {"spec": {"accessModes": ["ReadWriteOnce"]}}
RWX = {"spec": {"accessModes": ["ReadWriteMany"]}}


@pytest.mark.parametrize(
    ("source", "claim", "relay", "node", "kept_out"),
    [
        ({"emptyDir": {}}, None, True, None, "service"),
        (CLAIM, RWX, False, None, "readonly"),
        (CLAIM, RWO, False, "n1", "readonly"),
        (CLAIM, {"spec": {"accessModes": ["ReadWriteOncePod"]}}, True, None, "readonly"),
        ({"nfs": {"server": "a", "path": "/b"}}, None, False, None, "readonly"),
        ({"hostPath": {"path": "/b"}}, None, False, "n1", "readonly"),
    ],
)
def test_the_way_follows_from_the_volume(source: Any, claim: Any, relay: bool, node: Any, kept_out: str) -> None:
    found = route(workload(source), NFS, [pod("a")], claim)
    assert (found.relay, found.node, found.door, found.tree) == (relay, node, kept_out, "docker")


def test_a_node_that_cannot_have_both_volumes_is_gone_round_through_the_pods() -> None:
    target = Storage(host_path=HostPath("/x", "n2"))
    assert route(workload(CLAIM), target, [pod("a")], RWO).relay


def test_without_pods_a_claim_is_copied_with_the_door_as_it_is() -> None:
    assert route(workload(CLAIM, replicas=0, ready=0), NFS, [], RWO).door == "none"


@pytest.mark.parametrize(
    ("source", "pods"),
    [({"hostPath": {"path": "/b"}}, [pod("a"), pod("b", node="n2")]), ({"hostPath": {"path": "/b"}}, [])],
)
def test_directories_that_cannot_be_told_are_refused(source: Any, pods: list[Any]) -> None:
    with pytest.raises(RefusedError):
        route(workload(source), NFS, pods, None)


def test_nothing_is_needed_where_nothing_was_pushed_or_nothing_moves() -> None:
    assert needed(None, NFS.source())
    assert needed(workload({"nfs": {"server": "nfs.example.com", "path": "/exports/registry/"}}), NFS.source())
    assert needed(workload({"emptyDir": {}}, ready=0), NFS.source())
    assert needed(workload({"emptyDir": {}}), NFS.source()) is None


@pytest.mark.parametrize("target", [{}, {"emptyDir": {}}])
def test_object_storage_and_pods_are_no_targets(target: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        needed(workload(CLAIM), target)


def test_the_directory_that_the_registry_was_told_of_is_copied() -> None:
    told = {"name": "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "value": "/registry/v"}
    assert route(workload(CLAIM, env=(told,)), NFS, [pod("a")], RWX).tree == "v/docker"


def test_the_helper_is_who_the_new_pods_are() -> None:
    way = route(workload(CLAIM), NFS, [pod("a")], RWO)
    template = {"spec": {"serviceAccountName": "new", "containers": [{"name": "registry"}]}}
    made = helper_workload(workload(CLAIM), template, way, "n1")["spec"]["template"]["spec"]
    assert made["serviceAccountName"] == "new"
    assert made["nodeSelector"] == {"kubernetes.io/hostname": "n1"}
    assert made["containers"][0]["image"] == "registry:3"


# ---- state -----------------------------------------------------------------------------------------------------------


def test_the_state_is_read_as_it_was_written() -> None:
    one = state.new(CLAIM, NFS.source(), uid="w", now=5.0).with_(
        phase="closed", door="service", services=("a",), pods={"u": "c"}, damaged=("x",), totals={"blobs": 3}
    )
    assert state.read(state.config_map(one, "docker-registry", "default")) == one


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"id": 1}', '{"phase": "x", "id": "", "source": {}}'])
def test_a_state_that_cannot_be_read_is_none(text: str) -> None:
    assert state.read({"data": {"state": text}}) is None


# ---- doors -----------------------------------------------------------------------------------------------------------


def closing(kind: str, seen: door.Seen) -> state.State:
    return door.plan(state.new({"emptyDir": {}}, NFS.source(), uid="w", now=0).with_(phase="closing"), kind, seen)


def test_the_service_door_is_closed_when_no_service_leads_in_and_every_process_was_ended() -> None:
    before = door.Seen(REF, workload({"emptyDir": {}}), [pod("a"), pod("b")], [service()])
    now = closing("service", before)
    assert (now.services, now.pods) == (("docker-registry",), {"a": "c1", "b": "c1"})
    shut = [service(**{"okd.registry_storage": now.id})]
    assert door.closed(now, before)
    assert door.closed(now, door.Seen(REF, before.workload, before.pods, shut))
    half = [pod("a", container="c2"), pod("b")]
    assert "b" in str(door.closed(now, door.Seen(REF, before.workload, half, shut)))
    both = [pod("a", container="c2"), pod("b", container="c2")]
    assert door.closed(now, door.Seen(REF, before.workload, both, shut)) is None
    assert door.closed(now, door.Seen(REF, before.workload, both, [service()])), "somebody put the selector back"
    second = {"metadata": {"name": "second"}, "spec": {"selector": LABELS}}
    assert door.closed(now, door.Seen(REF, before.workload, both, [*shut, second])), "another Service leads in"


def test_a_pod_that_goes_meanwhile_is_noticed() -> None:
    before = door.Seen(REF, workload({"emptyDir": {}}), [pod("a"), pod("b")], [service()])
    now = closing("service", before)
    leaving = pod("b", deletionTimestamp="now")
    assert door.lost(now, door.Seen(REF, before.workload, [pod("a"), leaving], [])) == ["b"]


def test_the_read_only_door_is_closed_when_no_pod_takes_pushes_not_even_a_leaving_one() -> None:
    variable = {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE}
    live = workload(CLAIM)
    now = closing("readonly", door.Seen(REF, live, [pod("a")], []))
    assert door.closed(now, door.Seen(REF, live, [pod("a")], []))
    leaving = [pod("a", deletionTimestamp="now"), pod("b", env=(variable,))]
    assert door.closed(now, door.Seen(REF, live, leaving, []))
    assert door.closed(now, door.Seen(REF, live, [pod("b", env=(variable,))], [])) is None


def test_what_somebody_had_set_himself_is_put_back() -> None:
    own = {"name": state.READ_ONLY, "value": '{"enabled":false}'}
    live = workload(CLAIM, env=(own,))
    now = closing("readonly", door.Seen(REF, live, [], []))
    shut = door._with_variable(copy.deepcopy(live), {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE})
    assert door._writable(door.Seen(REF, shut, [pod("a", env=tuple(_env(shut)))], [])) is None
    again = door._with_variable(shut, json.loads(now.read_only))
    assert _env(again) == [own]


def _env(obj: dict[str, Any]) -> list[Any]:
    found: list[Any] = obj["spec"]["template"]["spec"]["containers"][0]["env"]
    return found


# ---- a workload that the migration does not fit any more -------------------------------------------------------------


def test_a_registry_that_was_given_a_bucket_since_is_none_that_is_switched() -> None:
    noted = state.new(CLAIM, NFS.source(), uid="w", now=0)
    elsewhere = workload(CLAIM, env=({"name": "REGISTRY_STORAGE", "value": "s3"},))
    assert switch.is_switched(workload(NFS.source()), noted)
    assert not switch.is_switched(elsewhere, noted)
    assert switch.is_for(noted, workload(CLAIM), NFS.source())
    assert not switch.is_for(noted, elsewhere, NFS.source())


@pytest.mark.parametrize(
    "own", [{"value": '{"enabled":false}'}, {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]
)
def test_a_variable_of_somebody_elses_comes_back_as_his(own: dict[str, Any]) -> None:
    """With the switch, and the plan after it leaves it alone."""
    theirs = {"name": state.READ_ONLY, **own}
    now = closing("readonly", door.Seen(REF, workload(CLAIM, env=(theirs,)), [], []))
    live = door._with_variable(
        workload(CLAIM, env=(theirs,)), {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE}
    )  # fmt: skip
    for noted in (now, None):
        variables = [pods._variable(name, value) for name, value in pending.env(noted).items()]
        wanted = copy.deepcopy(workload(NFS.source()))
        wanted["spec"]["template"]["spec"]["containers"][0]["env"] = variables
        live = plan(live, wanted).after or {}
        assert _env(live) == [theirs]
    assert state.READ_ONLY not in json.dumps(live["metadata"])


def test_nobodys_variable_goes() -> None:
    now = closing("readonly", door.Seen(REF, workload(CLAIM), [], []))
    assert pending.env(now) == {state.READ_ONLY: None}


# ---- what was deleted while it was copied ----------------------------------------------------------------------------


class Target:
    """A Transfer with a source and a target in memory."""

    def __init__(self, source: Files, target: Files) -> None:
        self.files, self.target, self.removed = source, target, []

    def source(self, *, strict: bool) -> content.Union:
        return content.Union(self.files, {})

    def here(self) -> Files:
        return self.target

    def note(self, name: str) -> str:
        return json.dumps({"id": "m"})

    def remove(self, paths: list[str]) -> None:
        self.removed += paths


LINK = content.Other("d", 1, 0)


@pytest.mark.parametrize(
    ("source", "copied_from", "pods", "removed"),
    [
        (CLAIM, (), {}, ["b"]),
        ({"emptyDir": {}}, ("a",), {"a": "c1"}, ["b"]),
        ({"emptyDir": {}}, ("a", "gone"), {"a": "c1"}, []),
        ({"hostPath": {"path": "/b"}}, ("n1",), {}, ["b"]),
        ({"hostPath": {"path": "/b"}}, ("n1", "n2"), {}, []),
    ],
)
def test_what_was_deleted_meanwhile_does_not_come_back_but_what_a_lost_pod_had_stays(
    source: dict[str, Any], copied_from: tuple[str, ...], pods: dict[str, str], removed: list[str]
) -> None:
    seen = door.Seen(REF, workload(source), [pod("a")], [])
    now = state.new(source, NFS.source(), uid="w", now=0)
    door_of = "service" if "emptyDir" in source else "readonly"
    now = now.with_(id="m", phase="closed", door=door_of, pods=pods, copied_from=copied_from)
    both = Target(Files(others={"a": LINK}), Files(others={"a": LINK, "b": LINK}))
    way = route(workload(source), NFS, [pod("a")], RWX)
    found = Steps(None, _ask(), None)  # type: ignore[arg-type]
    found._prove = lambda *_args: {"line": "proved"}  # type: ignore[method-assign, assignment]
    both.permit = lambda: None  # type: ignore[attr-defined]
    told = found._rest(now, way, seen, both)  # type: ignore[arg-type]
    assert both.removed == removed
    assert ("removed 1 files" in told["line"]) is bool(removed)


def _ask() -> Ask:
    registry = Registry("docker-registry", "default", 5000, "cluster.local", None, ())
    return Ask(registry, REF, None, NFS, None, "", 1.0)

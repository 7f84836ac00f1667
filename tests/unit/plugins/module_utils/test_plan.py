# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner's rules one by one: what is ours, what is empty, what excludes what, what is equal."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest
from ansible_collections.okd.registry.plugins.module_utils._fields import quantity
from ansible_collections.okd.registry.plugins.module_utils._plan import (
    OWNED,
    REMOVE,
    Change,
    annotation_for,
    owned_by_us,
    owns,
    plan,
    plan_absent,
    removed,
)

Object = dict[str, Any]


def obj(kind: str = "X", meta: Object | None = None, **rest: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "n", "namespace": "d", **(meta or {})}, **rest}


def pod_spec(spec: Object) -> Object:
    return obj(spec={"template": {"spec": spec}})


def live_of(desired: Object, **changes: Any) -> Object:
    """What the API has after ``desired`` was created."""
    made = copy.deepcopy(plan(None, desired).after)
    assert made is not None
    made["metadata"]["resourceVersion"] = "5"
    made.update(changes)
    return made


def after(live: Object, desired: Object, owner: str = "") -> Object:
    live["metadata"].setdefault("resourceVersion", "1")
    change = plan(live, desired, owner=owner)
    assert change.after is not None
    if change.patch:
        assert jsonpatch.apply_patch(live, change.patch) == change.after
    assert plan(change.after, desired, owner=owner).action == "unchanged"
    return change.after


def test_a_new_object_is_created_with_the_note_of_what_is_ours() -> None:
    change = plan(None, obj(meta={"labels": {"a": ""}}, spec={"replicas": 1, "nodeSelector": {}, "paused": None}))
    assert change.action == "created"
    assert change.patch == []
    assert change.after is not None
    assert change.after["spec"] == {"replicas": 1}
    assert json.loads(change.after["metadata"]["annotations"][OWNED]) == {
        "metadata": {"labels": {"a": 1}},
        "spec": {"replicas": 1},
    }


def test_the_first_step_of_a_patch_sets_the_version_that_was_read() -> None:
    live = live_of(obj(spec={"replicas": 1}))
    change = plan(live, obj(spec={"replicas": 2}))
    assert change.patch == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "5"},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
    ]
    assert change.fields == ["spec.replicas"]


def test_an_object_of_others_is_taken_over_without_changing_it() -> None:
    live = obj(meta={"resourceVersion": "1"}, spec={"replicas": 1, "paused": True})
    change = plan(live, obj(spec={"replicas": 1}))
    assert (change.action, change.fields) == ("updated", [])
    assert after(live, obj(spec={"replicas": 1}))["spec"] == live["spec"]


def test_a_field_no_longer_wanted_goes_and_that_of_others_stays() -> None:
    live = live_of(obj(meta={"labels": {"ours": "1", "both": "1"}}, spec={"replicas": 1}))
    live["metadata"]["labels"]["theirs"] = "1"
    assert after(live, obj(meta={"labels": {"both": "1"}}))["metadata"]["labels"] == {"both": "1", "theirs": "1"}


def test_a_field_of_others_that_was_never_ours_stays_when_we_have_no_wish() -> None:
    live = live_of(obj(spec={"replicas": 1}))
    live["spec"]["paused"] = True
    assert after(live, obj(spec={"replicas": 1}))["spec"]["paused"] is True


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_empty_is_the_same_as_left_out(nothing: Any) -> None:
    live = live_of(obj(spec={"replicas": 1}))
    assert plan(live, obj(spec={"replicas": 1, "field": nothing})).action == "unchanged"
    live["spec"]["field"] = "theirs"
    assert plan(live, obj(spec={"replicas": 1, "field": nothing})).action == "unchanged"


def test_empty_label_values_and_an_emptydir_say_something() -> None:
    live = obj(spec={"template": {"spec": {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}}})
    live["metadata"]["labels"] = {"a": "x"}
    wanted = pod_spec({"volumes": [{"name": "v", "emptyDir": {}}], "nodeSelector": {"infra": ""}})
    wanted["metadata"]["labels"] = {"a": ""}
    result = after(live, wanted)
    assert result["metadata"]["labels"] == {"a": ""}
    assert result["spec"]["template"]["spec"] == {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "nodeSelector": {"infra": ""},
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"name": "v", "emptyDir": {}}, {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}),
        ({"name": "v", "hostPath": {"path": "/x", "type": ""}}, {"name": "v", "emptyDir": {}}),
    ],
)
def test_a_volume_has_one_source_whoever_set_the_other(old: Object, new: Object) -> None:
    assert after(pod_spec({"volumes": [old]}), pod_spec({"volumes": [new]}))["spec"]["template"]["spec"]["volumes"] == [
        new
    ]


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ({"name": "E", "value": "1"}, {"name": "E", "valueFrom": {"x": 1}}, {"name": "E", "valueFrom": {"x": 1}}),
        ({"name": "E", "valueFrom": {"x": 1}}, {"name": "E", "value": "1"}, {"name": "E", "value": "1"}),
        ({"name": "E", "valueFrom": {"x": 1}}, {"name": "E", "value": ""}, {"name": "E"}),
        ({"name": "E", "value": "1"}, {"name": "E", "value": ""}, {"name": "E"}),
    ],
)
def test_a_variable_has_a_value_or_a_source(old: Object, new: Object, result: Object) -> None:
    live = pod_spec({"containers": [{"name": "c", "env": [old]}]})
    wanted = pod_spec({"containers": [{"name": "c", "env": [new]}]})
    assert after(live, wanted)["spec"]["template"]["spec"]["containers"][0]["env"] == [result]


def test_a_probe_of_another_kind_replaces_the_handler_and_keeps_the_rest() -> None:
    live = pod_spec({"containers": [{"name": "c", "livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 9}}]})
    wanted = pod_spec({"containers": [{"name": "c", "livenessProbe": {"httpGet": {"path": "/", "port": 1}}}]})
    probe = after(live, wanted)["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    assert probe == {"httpGet": {"path": "/", "port": 1}, "periodSeconds": 9}


def test_a_probe_no_longer_wanted_goes_with_its_defaults() -> None:
    wanted = pod_spec({"containers": [{"name": "c", "livenessProbe": {"httpGet": {"path": "/", "port": 1}}}]})
    live = live_of(wanted)
    live["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(failureThreshold=3)
    result = after(live, pod_spec({"containers": [{"name": "c"}]}))
    assert result["spec"]["template"]["spec"]["containers"] == [{"name": "c"}]


@pytest.mark.parametrize(
    ("live", "wanted", "result"),
    [
        ({"type": "Rolling", "rollingParams": {"x": 1}}, {"type": "Recreate"}, {"type": "Recreate"}),
        ({"type": "RollingUpdate", "rollingUpdate": {"x": 1}}, {"type": "Recreate"}, {"type": "Recreate"}),
        (
            {"type": "Recreate", "recreateParams": {"x": 1}},
            {"type": "Recreate"},
            {"type": "Recreate", "recreateParams": {"x": 1}},
        ),
    ],
)
def test_parameters_of_another_strategy_go(live: Object, wanted: Object, result: Object) -> None:
    assert after(obj(spec={"strategy": live}), obj(spec={"strategy": wanted}))["spec"]["strategy"] == result


def test_session_affinity_none_and_passthrough_take_their_opposites_away() -> None:
    live = obj(spec={"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}})
    assert after(live, obj(spec={"sessionAffinity": "None"}))["spec"] == {"sessionAffinity": "None"}
    live = obj(
        spec={
            "tls": {"termination": "edge", "certificate": "c", "key": "k", "insecureEdgeTerminationPolicy": "Redirect"}
        }
    )
    tls = after(live, obj(spec={"tls": {"termination": "passthrough"}}))["spec"]["tls"]
    assert tls == {"termination": "passthrough", "insecureEdgeTerminationPolicy": "Redirect"}


@pytest.mark.parametrize(
    ("left", "right"), [("1000m", 1), ("1Gi", 1073741824), ("1Gi", "1024Mi"), ("0.1", "100m"), ("1e3", "1k")]
)
def test_quantities_are_equal_by_value(left: Any, right: Any) -> None:
    live = obj(spec={"resources": {"requests": {"memory": left}}})
    result = after(live, obj(spec={"resources": {"requests": {"memory": right}}}))
    assert result["spec"]["resources"]["requests"]["memory"] == left


@pytest.mark.parametrize("value", ["x", "1x", "", "Gi", True, None, "1 Gi"])
def test_what_is_no_quantity(value: Any) -> None:
    assert quantity(value) is None


@pytest.mark.parametrize(("old", "new"), [(True, 1), (0, False), ("1", 1), (5000, "5000")])
def test_values_of_another_type_differ(old: Any, new: Any) -> None:
    live = obj(spec={"field": old})
    result = after(live, obj(spec={"field": new}))["spec"]["field"]
    assert (result, type(result)) == (new, type(new))


def test_lists_merge_by_key_and_keep_the_order_of_the_living() -> None:
    live = pod_spec(
        {"containers": [{"name": "sidecar", "image": "s"}, {"name": "registry", "image": "old", "tty": True}]}
    )
    wanted = pod_spec({"containers": [{"name": "registry", "image": "new"}, {"name": "second", "image": "x"}]})
    change = plan({**live, "metadata": {**live["metadata"], "resourceVersion": "1"}}, wanted)
    assert "spec.template.spec.containers[registry].image" in change.fields
    assert after(live, wanted)["spec"]["template"]["spec"]["containers"] == [
        {"name": "sidecar", "image": "s"},
        {"name": "registry", "image": "new", "tty": True},
        {"name": "second", "image": "x"},
    ]


def test_ports_are_the_same_with_and_without_the_default_protocol() -> None:
    live = obj(spec={"ports": [{"port": 5000, "protocol": "TCP", "targetPort": 5000, "nodePort": 30000}]})
    assert after(live, obj(spec={"ports": [{"port": 5000, "targetPort": 5000}]}))["spec"] == live["spec"]
    udp = obj(spec={"ports": [{"port": 5000, "protocol": "UDP"}]})
    assert len(after(live, udp)["spec"]["ports"]) == 2


def test_of_a_variable_that_is_there_twice_the_last_one_counts() -> None:
    live = pod_spec({"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]})
    same = pod_spec({"containers": [{"name": "c", "env": [{"name": "A", "value": "2"}]}]})
    assert after(live, same)["spec"] == live["spec"]
    gone = pod_spec({"containers": [{"name": "c", "env": [removed(name="A")]}]})
    assert after(live, gone)["spec"]["template"]["spec"]["containers"][0]["env"] == []


def test_what_others_set_is_removed_only_on_demand() -> None:
    live = pod_spec(
        {"volumes": [{"name": "v1", "emptyDir": {}}, {"name": "keep", "emptyDir": {}}], "nodeSelector": {"a": "b"}}
    )
    wanted = pod_spec({"volumes": [removed(name="v1"), removed(name="never")], "nodeSelector": REMOVE})
    assert after(live, wanted)["spec"]["template"]["spec"] == {"volumes": [{"name": "keep", "emptyDir": {}}]}
    assert plan(None, wanted).after == {**obj(), "metadata": {**obj()["metadata"], "annotations": {OWNED: "{}"}}}


def test_removing_where_there_is_nothing_is_no_change() -> None:
    live = live_of(obj(spec={"replicas": 1}))
    assert plan(live, obj(spec={"replicas": 1, "env": [removed(name="A")], "paused": REMOVE})).action == "unchanged"


def test_users_of_a_constraint_are_a_set_and_each_registry_owns_its_own() -> None:
    """Two registries in one SecurityContextConstraints: one leaving takes nothing of the other."""
    live = obj(users=["system:admin"], volumes=["secret", "hostPath"])
    one = after(live, obj(users=["first"]), owner="default/one")
    two = after(one, obj(users=["second", "first"]), owner="default/two")
    assert two["users"] == ["system:admin", "first", "second"]
    gone = after(two, obj(), owner="default/one")
    assert gone["users"] == ["system:admin", "first", "second"]  # two wants first as well
    assert after(gone, obj(), owner="default/two")["users"] == ["system:admin"]


def test_atomic_lists_follow_the_wish_but_keep_defaults() -> None:
    live = pod_spec({"tolerations": [{"key": "a", "operator": "Equal"}]})
    wanted = pod_spec({"tolerations": [{"key": "a"}]})
    kept = after(live, wanted)
    assert kept["spec"] == live["spec"]
    more = after(kept, pod_spec({"tolerations": [{"key": "a", "effect": "NoSchedule"}]}))
    assert more["spec"]["template"]["spec"]["tolerations"] == [{"key": "a", "effect": "NoSchedule"}]
    less = after(more, wanted)
    assert less["spec"]["template"]["spec"]["tolerations"] == [{"key": "a"}]


def test_an_emptydir_that_loses_its_limit_keeps_being_one() -> None:
    live = live_of(pod_spec({"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]}))
    result = after(live, pod_spec({"volumes": [{"name": "v", "emptyDir": {}}]}))
    assert result["spec"]["template"]["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_two_elements_with_one_key_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="same key"):
        plan(None, pod_spec({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "nfs": {}}]}))


def test_names_versions_and_status_are_never_touched() -> None:
    live = obj(meta={"uid": "u", "resourceVersion": "5"}, status={"x": 1})
    result = after(live, obj(meta={"uid": "other"}, status={"x": 2}))
    assert (result["metadata"]["uid"], result["status"]) == ("u", {"x": 1})


def test_the_annotation_of_an_owner_is_short_enough_for_the_api() -> None:
    name = annotation_for("n" * 63 + "/" + "m" * 63)
    assert len(name.split("/")[1]) <= 63
    assert annotation_for() == OWNED


def test_what_is_ours_can_be_asked() -> None:
    live = live_of(obj(spec={"ports": [{"port": 5000, "name": "5000-tcp"}], "selector": {"a": "b"}}))
    assert owned_by_us(live)
    assert owns(live, "spec", "ports", "=5000|TCP", "name")
    assert owns(live, "spec", "selector")
    assert not owns(live, "spec", "ports", "=5001|TCP")
    assert not owns(live, "spec", "selector", "a", "deeper")
    assert not owns(None, "spec")


def test_going_away() -> None:
    assert plan_absent(None) == Change("unchanged")
    assert plan_absent(obj()).action == "deleted"

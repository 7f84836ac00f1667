# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner promises, with thousands of made-up objects and plans."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import jsonpatch
from ansible_collections.okd.registry.plugins.module_utils._fields import element_keys
from ansible_collections.okd.registry.plugins.module_utils._patch import equal, operations
from ansible_collections.okd.registry.plugins.module_utils._plan import OWNED, Change, plan, without_notes
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]

NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
TEXT = st.sampled_from(["", "1", "x", "long text, with: signs", "true"])
LABELS = st.dictionaries(st.sampled_from(["docker-registry", "a.b/c", "role~x"]), TEXT, max_size=3)


def keyed(key: str, fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Object]]:
    """A list of maps with different values of ``key``, each with some of the other fields."""
    element = st.fixed_dictionaries({key: NAMES}, optional=fields)
    return st.lists(element, max_size=3, unique_by=lambda e: e[key])


QUANTITIES = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["100m", "1", "2", "1Gi"]))
PROBE = st.fixed_dictionaries(
    {"httpGet": st.fixed_dictionaries({"path": TEXT, "port": st.just(5000)})},
    optional={"timeoutSeconds": st.integers(1, 9)},
)
VOLUME = st.one_of(
    st.fixed_dictionaries({"emptyDir": st.just({})}),
    st.fixed_dictionaries({"persistentVolumeClaim": st.fixed_dictionaries({"claimName": NAMES})}),
    st.fixed_dictionaries({"secret": st.fixed_dictionaries({"secretName": NAMES})}),
)
CONTAINER = {
    "image": NAMES,
    "env": keyed("name", {"value": TEXT}),
    "ports": st.lists(
        st.fixed_dictionaries({"containerPort": st.integers(5000, 5003)}),
        max_size=2,
        unique_by=lambda p: p["containerPort"],
    ),
    "volumeMounts": keyed("mountPath", {"name": NAMES, "readOnly": st.booleans()}),
    "resources": st.fixed_dictionaries({}, optional={"requests": QUANTITIES, "limits": QUANTITIES}),
    "livenessProbe": PROBE,
    "args": st.lists(TEXT, max_size=2),
}


@st.composite
def workloads(draw: st.DrawFn) -> Object:
    """A desired workload with any of the fields that the collection sets."""
    volumes = [{"name": f"v{i}", **source} for i, source in enumerate(draw(st.lists(VOLUME, max_size=3)))]
    pod = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "containers": keyed("name", CONTAINER),
                "nodeSelector": LABELS,
                "serviceAccountName": NAMES,
                "tolerations": st.lists(
                    st.fixed_dictionaries({"key": NAMES}, optional={"effect": NAMES}),
                    max_size=2,
                    unique_by=lambda t: (t["key"], t.get("effect")),
                ),
                "securityContext": st.fixed_dictionaries(
                    {},
                    optional={
                        "fsGroup": st.integers(1, 3),
                        "supplementalGroups": st.lists(st.integers(1, 3), max_size=2, unique=True),
                    },
                ),
            },
        )
    )
    if volumes:
        pod["volumes"] = volumes
    spec = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "replicas": st.integers(0, 3),
                "selector": LABELS,
                "strategy": st.fixed_dictionaries({"type": st.sampled_from(["Recreate", "Rolling"])}),
            },
        )
    )
    meta = draw(st.fixed_dictionaries({}, optional={"labels": LABELS, "annotations": LABELS}))
    return {
        "apiVersion": "apps.openshift.io/v1",
        "kind": "DeploymentConfig",
        "metadata": {"name": "docker-registry", "namespace": "default", **meta},
        "spec": {
            **spec,
            "template": {"metadata": draw(st.fixed_dictionaries({}, optional={"labels": LABELS})), "spec": pod},
        },
    }


def stored(obj: Object | None) -> Object:
    """An object as the API gives it back: what is empty and means nothing left out, with a version."""
    assert obj is not None
    kept = copy.deepcopy(obj)
    kept["metadata"]["resourceVersion"] = "7"
    return kept


def others_were_here(obj: Object) -> Object:
    """The object with fields of other people and defaults of the API, the same for every object."""
    made = copy.deepcopy(obj)
    made["metadata"].setdefault("labels", {})["theirs"] = ""
    made["metadata"].setdefault("annotations", {})["their/note"] = "kept"
    made["metadata"]["generation"] = 4
    made.setdefault("spec", {}).update({"revisionHistoryLimit": 10, "test": False})
    pod = made["spec"].setdefault("template", {}).setdefault("spec", {})
    pod["restartPolicy"] = "Always"
    pod.setdefault("nodeSelector", {})["their/pool"] = ""
    pod.setdefault("volumes", []).append({"name": "theirs", "hostPath": {"path": "/x", "type": ""}})
    containers = pod.setdefault("containers", [])
    containers.insert(0, {"name": "sidecar", "image": "theirs"})
    for container in containers:
        container["terminationMessagePath"] = "/dev/termination-log"
        container.setdefault("env", []).insert(0, {"name": "THEIRS", "valueFrom": {"fieldRef": {"fieldPath": "x"}}})
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")
        if "livenessProbe" in container:
            container["livenessProbe"]["failureThreshold"] = 3
            container["livenessProbe"]["httpGet"].setdefault("scheme", "HTTP")
    for volume in pod["volumes"]:
        if "secret" in volume:
            volume["secret"]["defaultMode"] = 420
    made["status"] = {"replicas": 1}
    return made


def in_any_order(value: Any, field: str = "") -> Any:
    """A value in which the order of lists that merge by key does not matter."""
    if isinstance(value, dict):
        return {k: in_any_order(v, k) for k, v in value.items()}
    if isinstance(value, list):
        items = [in_any_order(v, field) for v in value]
        sortable = value and element_keys(field, value)
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if sortable else items
    return value


def apply_patch(live: Object, change: Change) -> Object:
    """The live object after the patch, by another hand than ours."""
    result: Object = jsonpatch.apply_patch(live, change.patch)
    return result


def without_empty(value: Any) -> Any:
    """A value without maps and lists that are empty: taking the last element out of a list leaves none behind."""
    if isinstance(value, dict):
        found = {k: without_empty(v) for k, v in value.items() if k != "emptyDir"}
        kept = {k: v for k, v in found.items() if v not in ({}, [])}
        return {**kept, "emptyDir": {}} if "emptyDir" in value else kept
    return [without_empty(v) for v in value] if isinstance(value, list) else value


@given(workloads())
def test_what_was_created_needs_no_change(desired: Object) -> None:
    live = stored(plan(None, desired).after)
    assert plan(live, desired) == Change("unchanged", before=live, after=live)


@given(workloads())
def test_defaults_of_the_api_and_fields_of_others_cause_no_change(desired: Object) -> None:
    live = others_were_here(stored(plan(None, desired).after))
    assert plan(live, desired).action == "unchanged"


@given(workloads(), workloads())
def test_a_patch_leads_to_what_was_planned_and_then_nothing_is_left_to_do(first: Object, second: Object) -> None:
    live = others_were_here(stored(plan(None, first).after))
    change = plan(live, second)
    assert apply_patch(live, change) == change.after
    assert change.after is not None
    assert plan(change.after, second).action == "unchanged"


@given(workloads(), workloads())
def test_a_change_of_mind_leaves_nothing_of_the_first_and_all_that_is_of_others(first: Object, second: Object) -> None:
    """As if the second had been wanted from the start, whatever others did meanwhile."""
    after = plan(others_were_here(stored(plan(None, first).after)), second).after
    fresh = others_were_here(stored(plan(None, second).after))
    assert without_empty(in_any_order(theirs_in_ours_left_out(after))) == without_empty(
        in_any_order(theirs_in_ours_left_out(fresh))
    )


def theirs_in_ours_left_out(obj: Object | None) -> Object:
    """The object without the defaults inside of fields that only the first or only the second plan has."""
    assert obj is not None
    rest = copy.deepcopy(obj)
    for container in rest["spec"]["template"]["spec"]["containers"]:
        if "livenessProbe" in container:
            container["livenessProbe"].pop("failureThreshold", None)
            container["livenessProbe"]["httpGet"].pop("scheme", None)
        for port in container.get("ports") or []:
            port.pop("protocol", None)
        if container["name"] != "sidecar":
            container.pop("terminationMessagePath", None)
            container["env"] = [e for e in container.get("env") or [] if e["name"] != "THEIRS"]
    for volume in rest["spec"]["template"]["spec"]["volumes"]:
        volume.get("secret", {}).pop("defaultMode", None)
    return rest


@given(workloads(), st.randoms(use_true_random=False))
def test_order_means_nothing(desired: Object, rng: random.Random) -> None:
    live = stored(plan(None, desired).after)
    assert plan(live, shuffled(desired, rng)).action == "unchanged"


def shuffled(value: Any, rng: random.Random, field: str = "") -> Any:
    """A value with maps, and lists that merge by key, in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {k: shuffled(v, rng, k) for k, v in items}
    if isinstance(value, list):
        found = [shuffled(v, rng, field) for v in value]
        if value and element_keys(field, value):
            rng.shuffle(found)
        return found
    return value


@given(workloads(), st.sampled_from(["{", "[]", "", "null", '{"spec": 3}', '{"spec": {"template": []}}']))
def test_notes_that_cannot_be_read_take_nothing_away(desired: Object, note: str) -> None:
    live = others_were_here(stored(plan(None, desired).after))
    live["metadata"]["annotations"][OWNED] = note
    empty = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "docker-registry"}}
    after = plan(live, empty).after
    assert after is not None
    if '"spec"' not in note:
        assert without_notes(after) == without_notes(live)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["env", "ports", "name", "port", "a/b", "~", "users", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, JSON), st.dictionaries(TEXT, JSON))
def test_a_patch_between_any_two_values_is_right(before: Object, after: Object) -> None:
    patch = [o.as_json() for o in operations(before, after)]
    assert equal(jsonpatch.apply_patch(before, patch), after)
    assert bool(patch) != equal(before, after)

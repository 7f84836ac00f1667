# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reset deletes and puts back, decided from objects alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandboxlib import snapshot
from sandboxlib.snapshot import Key

CORE = "/api/v1"


def item(name: str, namespace: str = "", **metadata: Any) -> dict[str, Any]:
    return {"kind": "Thing", "metadata": {"name": name, "namespace": namespace, **metadata}, "status": {"x": 1}}


METADATA = st.fixed_dictionaries(
    {"name": st.text()},
    optional={
        "labels": st.dictionaries(st.text(), st.text()),
        "annotations": st.dictionaries(st.sampled_from(["a", "pv.kubernetes.io/bound-by-controller"]), st.text()),
        "resourceVersion": st.text(),
        "uid": st.text(),
        "generation": st.integers(),
    },
)
OBJECTS = st.fixed_dictionaries(
    {"kind": st.just("Thing"), "metadata": METADATA, "spec": st.text(), "status": st.text()}
)


@given(OBJECTS)
def test_the_essence_of_an_essence_is_itself(thing: dict[str, Any]) -> None:
    essence = snapshot.essence(thing)
    assert snapshot.essence(essence) == essence


@given(OBJECTS, st.text(), st.text())
def test_what_the_server_keeps_is_no_difference(thing: dict[str, Any], version: str, status: str) -> None:
    later = {**thing, "status": status, "metadata": {**thing["metadata"], "resourceVersion": version}}
    assert snapshot.essence(later) == snapshot.essence(thing)


def test_a_changed_field_is_a_difference() -> None:
    assert snapshot.essence({**item("a"), "spec": 1}) != snapshot.essence({**item("a"), "spec": 2})
    assert snapshot.essence(item("a", labels={"x": "1"})) != snapshot.essence(item("a"))


def test_a_volume_is_the_same_with_its_claim_made_anew() -> None:
    def volume(uid: str) -> dict[str, Any]:
        claim = {"namespace": "default", "name": "registry-claim", "uid": uid, "resourceVersion": uid}
        return {"kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"claimRef": claim}}

    assert snapshot.essence(volume("1")) == snapshot.essence(volume("2"))


def test_owners_go_first_and_namespaces_last() -> None:
    live: dict[Key, Any] = {
        key: item(key[2], key[1])
        for key in [
            (f"{CORE}/namespaces", "", "new"),
            (f"{CORE}/pods", "default", "registry-1-x"),
            ("/apis/apps.openshift.io/v1/deploymentconfigs", "default", "registry"),
            (f"{CORE}/replicationcontrollers", "default", "registry-1"),
            (f"{CORE}/configmaps", "new", "kube-root-ca.crt"),
            (f"{CORE}/serviceaccounts", "new", "default"),
            (f"{CORE}/secrets", "new", "mine"),
            (f"{CORE}/secrets", "default", "kept"),
        ]
    }
    pristine = {(f"{CORE}/secrets", "default", "kept"): item("kept")}
    assert [snapshot.show(key) for key in snapshot.extra(live, pristine)] == [
        "replicationcontrollers default/registry-1",
        "deploymentconfigs default/registry",
        "pods default/registry-1-x",
        "secrets new/mine",
        "namespaces new",
    ]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, True),
        ({"deletionTimestamp": "t"}, False),
        ({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 30}, True),
        ({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 1}, False),
    ],
)
def test_what_takes_its_time_is_told_again(metadata: dict[str, Any], told: bool) -> None:
    assert snapshot._to_delete(item("a", **metadata)) is told


def test_what_belongs_to_something_that_stays_is_left_to_it() -> None:
    owned = item("a", ownerReferences=[{"uid": "1", "controller": True}])
    assert snapshot._comes_back(owned, {"1"})
    assert not snapshot._comes_back(owned, {"2"})
    assert not snapshot._comes_back(item("a", ownerReferences=[{"uid": "1"}]), {"1"})


def test_the_snapshot_is_read_as_it_was_written() -> None:
    objects: dict[Key, Any] = {(f"{CORE}/secrets", "default", "a"): item("a", "default", uid="1")}
    owned = item("b", ownerReferences=[{"uid": "1", "controller": True}])
    read = snapshot.from_json(snapshot.to_json({**objects, (f"{CORE}/pods", "default", "b"): owned}))
    assert read == {key: snapshot.essence(value) for key, value in objects.items()}

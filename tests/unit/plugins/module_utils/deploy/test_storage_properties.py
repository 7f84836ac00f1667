# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever chain of storages a registry goes through: the last one is what it has, and nothing else of ours is left."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from test_deploy import deploy, workload
from test_storage import STORAGES, env, full_cluster, pod, privileged, storage_secret, switch

PATH = "/registry"
OBJECTS = {"s3", "azure", "gcs", "swift"}
# Volumes of others: unmounted, or at another path; of every kind that we make ourselves.
SOURCES = [
    {"emptyDir": {}},
    {"hostPath": {"path": "/theirs"}},
    {"nfs": {"server": "theirs", "path": "/theirs"}},
    {"persistentVolumeClaim": {"claimName": "theirs"}},
    {"secret": {"secretName": "theirs"}},
]
foreign = st.lists(
    st.tuples(
        st.sampled_from(["a", "registry-storage", "registry-storage-2"]), st.sampled_from(SOURCES), st.booleans()
    ),
    unique_by=lambda one: one[0], max_size=3,
)  # fmt: skip
# Two kinds have a claim of the same name by default, which cannot become the other.
NAMES = [name for name in STORAGES if name != "nfs-options"]
chains = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)


def adopted(volumes, name, spelling):
    """A registry as others made it: an emptyDir at its path, and volumes of theirs."""
    cluster = full_cluster()
    deploy(cluster)
    live = workload(cluster)
    live["metadata"]["annotations"] = {}
    template = live["spec"]["template"]["spec"]
    template["volumes"] = [{"name": name, "emptyDir": {}}]
    template["volumes"] += [{"name": n, **source} for n, source, _mounted in volumes if n != name]
    container = template["containers"][0]
    container["volumeMounts"] = [{"name": name, "mountPath": spelling}]
    container["volumeMounts"] += [
        {"name": n, "mountPath": f"/theirs/{n}"} for n, _source, mounted in volumes if mounted and n != name
    ]
    container["env"] = [e for e in container["env"] if "ROOTDIRECTORY" not in e["name"]]
    cluster.put(live)
    return cluster


def at_path(cluster):
    """The sources mounted at the registry's path."""
    sources = {v["name"]: {k: x for k, x in v.items() if k != "name"} for v in pod(cluster).get("volumes", [])}
    mounts = pod(cluster)["containers"][0].get("volumeMounts", [])
    return [sources[m["name"]] for m in mounts if m["mountPath"].rstrip("/") == PATH]


def settings_of(cluster):
    return {name: entry for name, entry in env(cluster).items() if name.startswith("REGISTRY_STORAGE")}


@settings(max_examples=25)
@given(
    volumes=foreign,
    chain=chains,
    name=st.sampled_from(["registry-storage", "v1"]),
    spelling=st.sampled_from([PATH, PATH + "/"]),
)
def test_any_chain(volumes, chain, name, spelling):
    cluster = adopted(volumes, name, spelling)
    theirs = [v for v in pod(cluster)["volumes"] if v["name"] != name]
    for storage in chain:
        switch(cluster, storage)
        assert not switch(cluster, storage)["changed"]
    last = chain[-1]
    # As if it had been the only one, but for the names of volumes.
    direct = adopted(volumes, name, spelling)
    switch(direct, last)
    assert at_path(cluster) == at_path(direct)
    assert len(at_path(cluster)) == (0 if last in OBJECTS else 1)
    assert settings_of(cluster) == settings_of(direct)
    assert len(pod(cluster)["volumes"]) == len(pod(direct)["volumes"])
    for one in theirs:
        assert one in pod(cluster)["volumes"]
    names = [v["name"] for v in pod(cluster)["volumes"]]
    assert len(set(names)) == len(names)
    assert {m["name"] for m in pod(cluster)["containers"][0]["volumeMounts"]} <= set(names)
    # Rights and credentials: of the last one only.
    assert (len(privileged(cluster)["users"]) == 2) == (last == "host-path")
    assert (storage_secret(cluster) is not None) == (last in OBJECTS)
    if last in OBJECTS:
        keys = set(storage_secret(cluster)["data"]) - {"okd.registry.salt"}
        assert keys == set(STORAGES[last]["parameters"])
    assert pod(cluster).get("nodeSelector") == pod(direct).get("nodeSelector")
    assert "okd.registry" not in json.dumps({**privileged(cluster), "metadata": {}})

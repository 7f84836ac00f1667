# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of storage on an API in memory: what is made, kept, refused and taken back."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _render
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._options import storage as options
from memory_cluster import OPENSHIFT_3, MemoryCluster
from test_deploy import DEFAULTS, absent, claim, deploy, ready_cluster, secret, serving, settle, workload

GOLDEN = Path(__file__).parent / "golden"
SCC = "security.openshift.io"
REGISTRY = "system:serviceaccount:default:registry"
KEY_FILE = '{"type": "service_account", "private_key": "KEYFILEBYTES"}'
STORAGES = {
    "ephemeral": {"kind": "ephemeral"},
    "claim": {"kind": "pvc", "claim_name": "registry-claim"},
    "new-claim": {"kind": "pvc", "size": "20Gi", "storage_class": "fast", "access_modes": ["ReadWriteMany"]},
    "nfs": {"kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry/"},
    "nfs-options": {
        "kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry", "options": ["nfsvers=4.1", "hard"],
    },
    "host-path": {"kind": "host_path", "path": "/var/lib/registry", "node": "node1.example.com"},
    "s3": {
        "kind": "s3",
        "parameters": {
            "region": "us-east-1", "bucket": "images", "accesskey": "AKIA", "secretkey": "S3SECRET",
            "forcepathstyle": True, "regionendpoint": "https://s3.example.com",
        },
    },
    "azure": {"kind": "azure", "parameters": {"accountname": "acc", "accountkey": "AZKEY", "container": "images"}},
    "gcs": {"kind": "gcs", "parameters": {"bucket": "images", "keyfile": KEY_FILE}},
    "swift": {
        "kind": "swift",
        "parameters": {"authurl": "https://k.example.com/v3", "username": "u", "password": "SWPASS", "container": "i"},
    },
}  # fmt: skip


def storage_class(name="fast", **fields):
    meta = {"name": name, "annotations": fields.pop("annotations", {})}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta, "provisioner": "x", **fields}


def scc(**fields):
    return {
        "apiVersion": f"{SCC}/v1", "kind": "SecurityContextConstraints", "metadata": {"name": "privileged"}, **fields,
    }  # fmt: skip


def full_cluster():
    """With everything that some kind needs."""
    made = ready_cluster((*OPENSHIFT_3, SCC))
    made.put(claim())
    made.put(scc(users=["system:admin"], groups=["system:cluster-admins"]))
    made.put(storage_class(allowVolumeExpansion=True))
    return made


@pytest.fixture
def cluster():
    return full_cluster()


def switch(cluster, name, **more):
    """To another storage, whatever that leaves behind, and what follows once the new pods serve."""
    options = {"storage": STORAGES[name] if isinstance(name, str) else name, "allow_data_loss": True, **more}
    first = deploy(cluster, **options)
    if not first["leftovers"]:
        return first
    settle(cluster)
    then = deploy(cluster, **options)
    assert not then["leftovers"]
    changed, resources = first["changed"] or then["changed"], first["resources"] + then["resources"]
    return {**first, "changed": changed, "resources": resources}


def privileged(cluster):
    return cluster.find(f"{SCC}/v1", "SecurityContextConstraints", "privileged", None)


def binding(cluster, account):
    return cluster.find("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"{account}-registry-role", None)


def storage_secret(cluster):
    return cluster.find("v1", "Secret", "docker-registry-storage")


def pod(cluster):
    return workload(cluster)["spec"]["template"]["spec"]


def env(cluster):
    return layout.env(workload(cluster))


def shown(obj):
    """An object for a golden file: as people would write it."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("uid", "resourceVersion", "generation")}
    meta["annotations"] = {
        k: v for k, v in meta.get("annotations", {}).items() if not k.startswith("okd.registry/owned")
    }
    data = {k: base64.b64decode(v).decode() for k, v in obj.get("data", {}).items() if "salt" not in k}
    return {**obj, "metadata": meta, **({"data": data} if data else {})}


@pytest.mark.parametrize("name", STORAGES)
class TestEachKind:
    def test_golden(self, cluster, name):
        before = set(cluster.objects)
        users = privileged(cluster)["users"]
        deploy(cluster, storage=STORAGES[name])
        kinds = ("PersistentVolume", "PersistentVolumeClaim", "Secret")
        made = [
            shown(o) for path, o in sorted(cluster.objects.items())
            if path not in before and o["kind"] in kinds and "http" not in path
        ]  # fmt: skip
        got = {
            "made": made,
            "added to the users of the SCC privileged": [u for u in privileged(cluster)["users"] if u not in users],
            "pod": {k: v for k, v in pod(cluster).items() if k in ("volumes", "nodeSelector")},
            "mounts": pod(cluster)["containers"][0]["volumeMounts"] if "volumes" in pod(cluster) else [],
            "privileged": pod(cluster)["containers"][0]["securityContext"]["privileged"],
            "env": [e for n, e in env(cluster).items() if n.startswith("REGISTRY_STORAGE")],
        }
        path = GOLDEN / f"storage-{name}.yml"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(yaml.safe_dump(got, sort_keys=False))
        assert got == yaml.safe_load(path.read_text())

    def test_second_run_writes_nothing(self, cluster, name):
        deploy(cluster, storage=STORAGES[name])
        result = deploy(cluster, storage=STORAGES[name])
        assert (result["changed"], result["actions"], cluster.writes()) == (False, [], [])
        reads = [path for _, path in cluster.requests]
        assert len(reads) == len(set(reads))

    def test_check_mode_foretells_and_touches_nothing(self, cluster, name):
        planned = deploy(cluster, check=True, storage=STORAGES[name])
        assert cluster.writes() == []
        done = deploy(cluster, storage=STORAGES[name])
        for key in ("changed", "actions", "resources", "registry", "workload", "guards"):
            assert planned[key] == done[key], key

    def test_no_secret_byte_in_the_result(self, cluster, name):
        text = json.dumps(
            [deploy(cluster, check=True, storage=STORAGES[name]), deploy(cluster, storage=STORAGES[name])]
        )
        for hidden in ("S3SECRET", "AKIA", "AZKEY", "KEYFILEBYTES", "SWPASS"):
            assert hidden not in text
            assert base64.b64encode(hidden.encode()).decode()[:-4] not in text

    def test_there_and_back_leaves_nothing_of_ours(self, cluster, name):
        deploy(cluster, storage={"kind": "ephemeral"})
        before = pod(cluster)
        shared = privileged(cluster)
        switch(cluster, name)
        switch(cluster, "ephemeral")
        after = pod(cluster)
        for one in (before, after):
            one["volumes"].sort(key=lambda v: v["name"])
            one["containers"][0]["volumeMounts"].sort(key=lambda m: m["mountPath"])
            one["containers"][0]["env"].sort(key=lambda e: e["name"])
        assert after == before
        assert storage_secret(cluster) is None
        assert {k: v for k, v in privileged(cluster).items() if k != "metadata"} == {
            k: v for k, v in shared.items() if k != "metadata"
        }
        assert not any("okd.registry" in key for key in privileged(cluster)["metadata"].get("annotations", {}))

    def test_absent_takes_rights_and_credentials_and_leaves_images(self, cluster, name):
        before = set(cluster.objects)
        deploy(cluster, storage=STORAGES[name])
        planned = absent(cluster, check=True, storage=STORAGES[name])
        done = absent(cluster)  # the storage need not be said
        assert planned["resources"] == done["resources"]
        left = {cluster.objects[path]["kind"] for path in set(cluster.objects) - before}
        assert left <= {"PersistentVolume", "PersistentVolumeClaim"}
        assert privileged(cluster)["users"] == ["system:admin"]
        assert absent(cluster)["changed"] is False


class TestOptions:
    @pytest.mark.parametrize(
        ("storage", "text"),
        [
            ({"kind": "nfs"}, r"storage\.server: None is required with kind: nfs"),
            ({"kind": "nfs", "server": "a:/x", "path": "/x"}, r"storage\.server: 'a:/x' is no host name"),
            ({"kind": "nfs", "server": "a", "path": "x"}, r"storage\.path: 'x' must be an absolute path"),
            ({"kind": "nfs", "server": "a", "path": "/a/../b"}, r"storage\.path: .*without \.\."),
            ({"kind": "nfs", "server": "a", "path": "/x", "size": "1Gi"}, "no place beside kind: nfs without options"),
            ({"kind": "nfs", "server": "a", "path": "/x", "options": ["a,b"]}, r"storage\.options: 'a,b' is not one"),
            ({"kind": "pvc", "size": "many"}, r"storage\.size: 'many' is no size"),
            ({"kind": "pvc", "size": "0"}, r"storage\.size: '0' is no size"),
            ({"kind": "pvc", "claim_name": "c", "storage_class": "x"}, r"storage\.storage_class: .*say size too"),
            ({"kind": "pvc", "size": "1Gi", "access_modes": ["ReadOnlyMany"]}, "would not let the registry write"),
            ({"kind": "pvc", "claim_name": "c", "server": "a"}, r"storage\.server: 'a' has no place beside kind: pvc"),
            ({"kind": "host_path", "path": "/x"}, r"storage\.node: None is required with kind: host_path, or node_sel"),
            ({"kind": "host_path", "path": "/", "node": "n"}, r"storage\.path: '/' is the whole node"),
            ({"kind": "s3", "parameters": {"bucket": "b"}}, r"parameters: \['bucket'\] lacks region, which s3"),
            ({"kind": "s3"}, "lacks region and bucket"),
            ({"kind": "s3", "parameters": {"Bucket": "b"}}, "'Bucket' is no parameter's name"),
            ({"kind": "s3", "parameters": {"bucket": ["b"]}}, "storage.parameters.bucket: '…' must be one text"),
            ({"kind": "s3", "parameters": {}, "mount_path": "/x"}, "'/x' has no place beside kind: s3"),
            ({"kind": "gcs", "parameters": {"bucket": "b", "keyfile": "/key"}}, "not its path"),
            ({"kind": "s3", "secret_name": "docker-registry-storage"}, "is the name of the Secret that is made here"),
            ({"kind": "ephemeral", "parameters": {"secretkey": "S3SECRET"}}, r"\['secretkey'\] has no"),
        ],
    )  # fmt: skip
    def test_refused_before_any_request(self, cluster, storage, text):
        with pytest.raises(OptionError, match=text) as caught:
            deploy(cluster, storage=storage)
        assert cluster.requests == []
        assert "S3SECRET" not in str(caught.value)

    def test_another_driver_in_the_variables(self, cluster):
        with pytest.raises(OptionError, match=r"a second storage driver beside storage.kind: s3"):
            deploy(cluster, storage=STORAGES["s3"], env={"REGISTRY_STORAGE_AZURE_CONTAINER": "x"})
        deploy(cluster, storage=STORAGES["s3"], env={"REGISTRY_STORAGE_S3_CHUNKSIZE": 5242880})
        assert env(cluster)["REGISTRY_STORAGE_S3_CHUNKSIZE"]["value"] == "5242880"

    def test_nested_parameters(self, cluster):
        found = {"accountname": "a", "container": "c", "credentials": {"type": "client_secret", "secret": "x"}}
        deploy(cluster, storage={"kind": "azure", "parameters": found})
        assert env(cluster)["REGISTRY_STORAGE_AZURE_CREDENTIALS_SECRET"]["valueFrom"]["secretKeyRef"] == {
            "name": "docker-registry-storage", "key": "credentials_secret",
        }  # fmt: skip

    def test_what_is_hidden(self):
        params = {"storage": STORAGES["s3"]}
        assert options.secret_values(params) == {"AKIA", "S3SECRET"}
        assert "images" in options.harmless_values(params)
        same = {"storage": {"parameters": {"bucket": "same", "secretkey": "same"}}}
        assert options.harmless_values(same) == set()

    def test_numbers_that_are_no_credentials_are_not_blotted_out_of_versions_and_addresses(self):
        found = {"authversion": 3, "anything": "5", "retries": True, "username": "docker", "password": "5000"}
        assert options.secret_values({"storage": {"parameters": found}}) == {"5000"}
        found = {"anything": "text", "secretkey": "1"}
        assert options.secret_values({"storage": {"parameters": found}}) == {"text", "1"}

    @pytest.mark.parametrize(
        ("name", "text"), [("nonsense", "is no guard; there are"), ("volume", "allow_data_loss: true")]
    )
    def test_guards_that_there_are_not(self, cluster, name, text):
        with pytest.raises(OptionError, match=text):
            deploy(cluster, ignore_guards=[name])
        assert cluster.requests == []


class TestSecret:
    def test_another_value_rolls_and_nothing_can_be_guessed_from_the_annotation(self, cluster):
        deploy(cluster, storage=STORAGES["s3"])
        before = pod(cluster), workload(cluster)["spec"]["template"]["metadata"]["annotations"]
        other = {**STORAGES["s3"], "parameters": {**STORAGES["s3"]["parameters"], "secretkey": "OTHER"}}
        planned = deploy(cluster, check=True, storage=other)
        result = deploy(cluster, storage=other)
        assert planned["actions"] == result["actions"]
        assert result["workload"]["rolls"]
        after = pod(cluster), workload(cluster)["spec"]["template"]["metadata"]["annotations"]
        assert before[0] == after[0]
        assert before[1] != after[1]
        elsewhere = full_cluster()
        deploy(elsewhere, storage=other)
        assert workload(elsewhere)["spec"]["template"]["metadata"]["annotations"] != after[1]

    def test_an_existing_secret(self, cluster):
        cluster.put(secret("bucket", region=b"r", bucket=b"b", secretkey=b"k"))
        storage = {"kind": "s3", "secret_name": "bucket", "parameters": {"encrypt": True}}
        deploy(cluster, storage=storage)
        assert env(cluster)["REGISTRY_STORAGE_S3_BUCKET"]["valueFrom"]["secretKeyRef"]["name"] == "bucket"
        assert (
            env(cluster)["REGISTRY_STORAGE_S3_ENCRYPT"]["valueFrom"]["secretKeyRef"]["name"]
            == "docker-registry-storage"
        )
        assert not deploy(cluster, storage=storage)["changed"]
        cluster.put(secret("bucket", region=b"r", bucket=b"b", secretkey=b"another"))
        assert deploy(cluster, storage=storage)["workload"]["rolls"]
        absent(cluster)
        assert cluster.find("v1", "Secret", "bucket")

    def test_an_existing_secret_that_will_not_do(self, cluster):
        with pytest.raises(
            RefusedError, match=r"Secret default/bucket, which storage.secret_name names, does not exist"
        ):
            deploy(cluster, storage={"kind": "s3", "secret_name": "bucket"})
        assert deploy(cluster, check=True, storage={"kind": "s3", "secret_name": "bucket"})["changed"]
        cluster.put(secret("bucket", region=b"r"))
        with pytest.raises(RefusedError, match="lacks bucket, which s3 requires; it has region"):
            deploy(cluster, storage={"kind": "s3", "secret_name": "bucket"})
        with pytest.raises(RefusedError, match=r"region is in Secret default/bucket and in storage.parameters"):
            deploy(
                cluster, storage={"kind": "s3", "secret_name": "bucket", "parameters": {"region": "r", "bucket": "b"}}
            )
        assert cluster.writes() == []

    def test_in_check_mode_a_new_one_is_not_known(self, cluster):
        result = deploy(cluster, check=True, storage=STORAGES["s3"])
        assert f"okd.registry/checksum: {KNOWN_AFTER_APPLY}" in result["diff"][-1]["after"]


class TestObjectStorageReplacesAVolume:
    def test_the_empty_directory_of_oadm_and_the_path_variable_go(self, cluster):
        deploy(cluster)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}  # nothing of it is ours
        cluster.put(live)
        switch(cluster, "s3")
        assert [v["name"] for v in pod(cluster).get("volumes", [])] == ["registry-certificates"]
        assert [m["mountPath"] for m in pod(cluster)["containers"][0]["volumeMounts"]] == ["/etc/secrets"]
        assert "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY" not in env(cluster)

    def test_a_volume_of_others_stays(self, cluster):
        deploy(cluster)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        live["spec"]["template"]["spec"]["volumes"][0] = {
            "name": "registry-storage",
            "nfs": {"server": "s", "path": "/p"},
        }
        cluster.put(live)
        switch(cluster, "s3")
        assert {"name": "registry-storage", "nfs": {"server": "s", "path": "/p"}} in pod(cluster)["volumes"]

    def test_variables_of_another_driver_go_whoever_set_them(self, cluster):
        deploy(cluster, env={"REGISTRY_STORAGE_AZURE_CONTAINER": "x"})
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        cluster.put(live)
        switch(cluster, "s3")
        assert not [name for name in env(cluster) if "AZURE" in name]


class TestScc:
    def test_an_entry_of_others_outlives_the_registry(self, cluster):
        cluster.put(scc(users=["system:admin", REGISTRY]))
        deploy(cluster, storage=STORAGES["host-path"])
        switch(cluster, "claim")
        absent(cluster)
        assert privileged(cluster)["users"] == ["system:admin", REGISTRY]

    def test_another_registry_with_the_same_account_keeps_it(self, cluster):
        options = {"storage": STORAGES["host-path"], "labels": {"app": "second"}}
        deploy(cluster, storage=STORAGES["host-path"])
        deploy(cluster, name="second", **options)
        absent(cluster)
        assert REGISTRY in privileged(cluster)["users"]
        absent(cluster, name="second")
        assert privileged(cluster)["users"] == ["system:admin"]

    def test_another_account(self, cluster):
        deploy(cluster, storage=STORAGES["host-path"])
        switch(cluster, "host-path", service_account="other")
        assert privileged(cluster)["users"] == ["system:admin", "system:serviceaccount:default:other"]
        rights = [name for name in ("other", "registry") if binding(cluster, name)]
        assert (rights, cluster.find("v1", "ServiceAccount", "registry")) == (["other"], None)

    def test_a_group_that_all_accounts_are_in(self, cluster):
        cluster.put(scc(users=[], groups=["system:serviceaccounts:default"]))
        deploy(cluster, storage=STORAGES["host-path"])
        assert privileged(cluster)["users"] == []

    def test_one_that_a_killed_run_left(self, cluster):
        """The workload was written, and the run ended there."""
        deploy(cluster, storage=STORAGES["host-path"])
        left = privileged(cluster)
        switch(cluster, "claim")
        cluster.put(left)
        again = switch(cluster, "claim")
        assert [r["kind"] for r in again["resources"] if r["action"] == "updated"] == ["SecurityContextConstraints"]
        assert privileged(cluster)["users"] == ["system:admin"]

    def test_while_somebody_waits_the_old_pods_keep_their_rights(self, cluster):
        deploy(cluster, storage=STORAGES["host-path"])
        result = deploy(cluster, storage=STORAGES["claim"], allow_data_loss=True)
        assert result["leftovers"] is True
        assert REGISTRY in privileged(cluster)["users"]
        live = workload(cluster)
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        done = {"type": "Progressing", "status": "True", "reason": "NewReplicationControllerAvailable"}
        generation = live["metadata"]["generation"]
        live["status"] = {"latestVersion": 2, "observedGeneration": generation, "conditions": [done], **numbers}
        cluster.put(live)
        again = deploy(cluster, storage=STORAGES["claim"], allow_data_loss=True)
        assert (again["leftovers"], again["workload"]["rolls"]) == (False, False)
        assert privileged(cluster)["users"] == ["system:admin"]

    def test_without_it_nothing_is_made(self, cluster):
        del cluster.objects["/apis/security.openshift.io/v1/securitycontextconstraints/privileged"]
        with pytest.raises(RefusedError, match="SecurityContextConstraints privileged does not exist"):
            deploy(cluster, storage=STORAGES["host-path"])
        assert cluster.writes() == []

    def test_clusters_without_sccs(self):
        cluster = ready_cluster()
        deploy(cluster, storage=STORAGES["host-path"])
        assert pod(cluster)["containers"][0]["securityContext"] == {"privileged": True}

    def test_it_comes_before_the_workload(self, cluster):
        kinds = [r["kind"] for r in deploy(cluster, storage=STORAGES["host-path"])["resources"]]
        assert kinds.index("SecurityContextConstraints") < kinds.index("DeploymentConfig")


class TestClaimOfOurs:
    def size(self, cluster, name="docker-registry-storage"):
        return cluster.find("v1", "PersistentVolumeClaim", name)["spec"]["resources"]["requests"]["storage"]

    def test_grows_where_the_class_allows_it(self, cluster):
        deploy(cluster, storage=STORAGES["new-claim"])
        result = deploy(cluster, storage={**STORAGES["new-claim"], "size": "30Gi"})
        assert self.size(cluster) == "30Gi"
        assert result["workload"]["rolls"] is False
        cluster.put(storage_class(allowVolumeExpansion=False))
        with pytest.raises(RefusedError, match="cannot grow from 30Gi to 40Gi: StorageClass fast does not allow"):
            deploy(cluster, storage={**STORAGES["new-claim"], "size": "40Gi"})

    def test_the_same_size_written_otherwise(self, cluster):
        deploy(cluster, storage=STORAGES["new-claim"])
        assert not deploy(cluster, storage={**STORAGES["new-claim"], "size": "20480Mi"})["changed"]

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"size": "10Gi"}, "asks for 20Gi; a claim cannot shrink to 10Gi"),
            ({"storage_class": "slow"}, "has storage class 'fast', which cannot become 'slow'"),
            ({"access_modes": ["ReadWriteOnce"]}, "access modes ReadWriteMany, which cannot become ReadWriteOnce"),
        ],
    )
    def test_what_a_claim_cannot_become(self, cluster, change, text):
        deploy(cluster, storage=STORAGES["new-claim"])
        with pytest.raises(RefusedError, match=text):
            deploy(cluster, storage={**STORAGES["new-claim"], **change}, ignore_guards=["claim"])
        assert cluster.writes() == []

    def test_options_left_out_later_change_nothing(self, cluster):
        deploy(cluster, storage=STORAGES["new-claim"])
        assert not deploy(cluster, storage={"kind": "pvc", "size": "20Gi"})["changed"]
        storage = {"kind": "pvc", "claim_name": "docker-registry-storage"}
        assert not deploy(cluster, storage=storage)["changed"]

    def test_a_claim_of_others_that_is_large_enough_is_left_alone(self, cluster):
        other = claim("theirs")
        other["spec"]["resources"] = {"requests": {"storage": "50Gi"}}
        cluster.put(other)
        deploy(cluster, storage={"kind": "pvc", "claim_name": "theirs", "size": "50Gi"})
        after = cluster.find("v1", "PersistentVolumeClaim", "theirs")
        assert after["spec"] == other["spec"]


class TestNfsVolume:
    def test_another_export_needs_another_claim(self, cluster):
        deploy(cluster, storage=STORAGES["nfs-options"])
        other = {**STORAGES["nfs-options"], "path": "/exports/other"}
        with pytest.raises(RefusedError, match=r"cannot become NFS nfs\.example\.com:/exports/other: give the new one"):
            switch(cluster, other)
        switch(cluster, {**other, "claim_name": "other"})
        assert cluster.find("v1", "PersistentVolume", "default-other", None)["spec"]["nfs"]["path"] == "/exports/other"

    def test_other_options_roll(self, cluster):
        deploy(cluster, storage=STORAGES["nfs-options"])
        result = deploy(cluster, storage={**STORAGES["nfs-options"], "options": ["soft"]})
        assert result["workload"]["rolls"]

    @pytest.mark.parametrize("again", [False, True])
    def test_one_that_a_deleted_claim_has_left_is_free_for_the_next_one(self, cluster, again):
        """Retain leaves it Released, with the identity of the claim that is gone: no other claim ever gets it."""
        deploy(cluster, storage=STORAGES["nfs-options"])
        volume = cluster.find("v1", "PersistentVolume", "default-docker-registry-storage", None)
        volume["spec"]["claimRef"] |= {"uid": "old", "resourceVersion": "7"}
        volume["status"] = {"phase": "Released"}
        cluster.put(volume)
        claim = cluster.objects.pop("/api/v1/namespaces/default/persistentvolumeclaims/docker-registry-storage")
        if again:  # made since, and waiting
            cluster.put({**claim, "metadata": {**claim["metadata"], "uid": "new"}})
        deploy(cluster, storage=STORAGES["nfs-options"])
        owner = cluster.find("v1", "PersistentVolume", "default-docker-registry-storage", None)["spec"]["claimRef"]
        assert (owner["name"], set(owner) & {"uid", "resourceVersion"}) == ("docker-registry-storage", set())

    def test_one_that_is_just_being_bound_stays_so(self, cluster):
        deploy(cluster, storage=STORAGES["nfs-options"])
        claim = cluster.find("v1", "PersistentVolumeClaim", "docker-registry-storage")
        volume = cluster.find("v1", "PersistentVolume", "default-docker-registry-storage", None)
        volume["spec"]["claimRef"] |= {"uid": claim["metadata"]["uid"]}
        volume["status"] = {"phase": "Released"}
        cluster.put(volume)
        assert not deploy(cluster, storage=STORAGES["nfs-options"])["changed"]

    def test_a_volume_of_that_name_for_another_claim(self, cluster):
        deploy(cluster, storage=STORAGES["nfs-options"])
        volume = cluster.find("v1", "PersistentVolume", "default-docker-registry-storage", None)
        volume["spec"]["claimRef"]["namespace"] = "elsewhere"
        cluster.put(volume)
        with pytest.raises(RefusedError, match="belongs to claim elsewhere/docker-registry-storage"):
            deploy(cluster, storage=STORAGES["nfs-options"])


class TestGuards:
    @pytest.mark.parametrize(
        ("name", "more", "text"),
        [
            ("ephemeral", {"replicas": 2}, r"With 2 replicas, each has a storage of its own \(emptyDir\)"),
            ("host-path", {"replicas": 2}, "pods on several nodes have a directory each"),
            ("once", {"replicas": 3}, r"claim registry-claim \(ReadWriteOnce\) can be mounted by one node only"),
            ("once-made", {"replicas": 3}, r"claim docker-registry-storage \(ReadWriteOnce\) can be mounted by one"),
            ("ephemeral", {"kind": "DaemonSet", "replicas": None}, "A DaemonSet has a pod on each node, and so"),
            ("once", {"kind": "DaemonSet", "replicas": None}, "A DaemonSet has a pod on each node, and so, claim"),
        ],
    )  # fmt: skip
    def test_replicas(self, cluster, name, more, text):
        cluster.put(claim(modes=("ReadWriteOnce",)))
        made = {"kind": "pvc", "size": "1Gi", "storage_class": "fast"}
        storage = {"once": STORAGES["claim"], "once-made": made}.get(name) or STORAGES[name]
        with pytest.raises(RefusedError, match=text) as caught:
            deploy(cluster, storage=storage, **more)
        assert [g["name"] for g in caught.value.details["guards"]] == ["replicas"]
        assert cluster.writes() == []
        result = deploy(cluster, storage=storage, ignore_guards=["replicas"], **more)
        assert [g["name"] for g in result["guards"]] == ["replicas"]
        assert result["guards"][0]["message"].startswith(("With", "A DaemonSet"))

    @pytest.mark.parametrize("name", ["claim", "nfs", "nfs-options", "new-claim", "s3", "gcs"])
    def test_replicas_on_what_all_share(self, cluster, name):
        assert deploy(cluster, storage=STORAGES[name], replicas=3)["guards"] == []

    def test_a_storage_that_variables_choose(self, cluster):
        deploy(cluster, env={"REGISTRY_STORAGE_S3_BUCKET": "b"}, replicas=3)

    def test_strategy(self, cluster):
        cluster.put(claim(modes=("ReadWriteOnce",)))
        with pytest.raises(RefusedError, match=r"Rolling the new pod starts beside the old one.*Guard strategy"):
            deploy(cluster, storage=STORAGES["claim"], strategy="Rolling")
        deploy(cluster, storage=STORAGES["new-claim"], strategy="Rolling")

    def test_a_claim_that_is_made_for_one_node(self, cluster):
        deploy(cluster, storage={"kind": "pvc", "size": "1Gi", "storage_class": "fast"})
        assert workload(cluster)["spec"]["strategy"]["type"] == "Recreate"

    def test_everything_at_once(self, cluster):
        cluster.put(claim(modes=("ReadWriteOnce",), phase="Lost"))
        with pytest.raises(RefusedError) as caught:
            deploy(cluster, storage=STORAGES["claim"], replicas=2, strategy="Rolling")
        assert [g["name"] for g in caught.value.details["guards"]] == ["claim", "replicas", "strategy"]
        assert "3 things stand against this; nothing was written." in caught.value.message
        every = ["claim", "replicas", "strategy"]
        result = deploy(cluster, storage=STORAGES["claim"], replicas=2, strategy="Rolling", ignore_guards=every)
        assert [g["name"] for g in result["guards"]] == every

    def test_data_loss_that_was_allowed_is_told(self, cluster):
        deploy(cluster, storage=STORAGES["claim"])
        assert [g["name"] for g in switch(cluster, "s3")["guards"]] == ["volume"]


OLD_CLASS = "volume.beta.kubernetes.io/storage-class"


class TestClaimThatCannotBeBound:
    def pending(self, cluster, classes=(), volumes=(), annotations=None, **spec):
        cluster.objects = {k: v for k, v in cluster.objects.items() if v["kind"] != "StorageClass"}
        for one in classes:
            cluster.put(one)
        for number, one in enumerate(volumes):
            meta = {"name": f"pv{number}", "labels": one.pop("labels", {}), "annotations": one.pop("annotations", {})}
            capacity = {"capacity": {"storage": "100Gi"}, "accessModes": ["ReadWriteOnce", "ReadWriteMany"]}
            cluster.put({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": {**capacity, **one}})
        made = claim(phase="Pending")
        made["metadata"]["annotations"] = annotations or {}
        made["spec"].update({"resources": {"requests": {"storage": "10Gi"}}, **spec})
        cluster.put(made)
        return deploy(cluster, storage=STORAGES["claim"])

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            ({"storageClassName": "gone"}, "has storage class gone, which does not exist, and no PersistentVolume"),
            ({}, "names no storage class, the cluster has no default one, and no PersistentVolume without class"),
            ({"storageClassName": ""}, "asks for a volume without class, and no PersistentVolume"),
            ({"volumeName": "pv9"}, "is for PersistentVolume pv9, which is not there, or is another claim's"),
            ({"storageClassName": "", "volumes": [{"capacity": {"storage": "1Gi"}}]}, "10Gi and ReadWriteMany"),
            ({"storageClassName": "", "volumes": [{"accessModes": ["ReadWriteOnce"]}]}, "is free with 10Gi"),
            ({"storageClassName": "", "volumes": [{"claimRef": {"namespace": "a", "name": "b"}}]}, "is free with"),
            ({"selector": {"matchLabels": {"a": "b"}}, "volumes": [{"labels": {"a": "c"}}]}, "is free with"),
            ({"storageClassName": "m", "classes": [storage_class("m", provisioner="kubernetes.io/no-provisioner")]},
             "has storage class m, which makes no volumes"),
            ({"annotations": {OLD_CLASS: "gone"}, "classes": [storage_class("d")], "storageClassName": "d"},
             "has storage class gone, which does not exist"),
            ({"storageClassName": "", "volumes": [{"annotations": {OLD_CLASS: "manual"}}]}, "is free with 10Gi"),
        ],
    )  # fmt: skip
    def test_is_refused(self, cluster, given, text):
        with pytest.raises(RefusedError, match=text) as caught:
            self.pending(cluster, **given)
        assert [g["name"] for g in caught.value.details["guards"]] == ["claim"]

    @pytest.mark.parametrize(
        "given",
        [
            {"classes": [storage_class("d", annotations={"storageclass.kubernetes.io/is-default-class": "true"})]},
            {"classes": [storage_class("d")], "storageClassName": "d"},
            {"classes": [storage_class("d")], "annotations": {OLD_CLASS: "d"}},
            {"annotations": {OLD_CLASS: "manual"}, "volumes": [{"annotations": {OLD_CLASS: "manual"}}]},
            {"storageClassName": "manual", "volumes": [{"storageClassName": "manual"}]},
            {"storageClassName": "", "volumes": [{}]},
            {"volumes": [{"claimRef": {"namespace": "default", "name": "registry-claim"}}]},
            {"selector": {"matchLabels": {"a": "b"}}, "volumes": [{"labels": {"a": "b"}}]},
        ],
    )
    def test_may_be(self, cluster, given):
        assert self.pending(cluster, **given)["guards"] == []

    def test_one_that_is_still_to_be_made(self, cluster):
        with pytest.raises(RefusedError, match="names no storage class, the cluster has no default one"):
            deploy(cluster, storage={"kind": "pvc", "size": "1Gi"})
        with pytest.raises(RefusedError, match="has storage class none, which does not exist"):
            deploy(cluster, storage={"kind": "pvc", "size": "1Gi", "storage_class": "none"})
        assert cluster.writes() == []

    def test_one_that_is_being_deleted(self, cluster):
        going = claim()
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        cluster.put(going)
        with pytest.raises(RefusedError, match="is being deleted"):
            deploy(cluster, storage=STORAGES["claim"])


class TestImagesStay:
    """Every change of where images are is refused, until it is allowed."""

    @pytest.mark.parametrize("after", STORAGES)
    @pytest.mark.parametrize("before", STORAGES)
    def test_from_each_to_each(self, before, after):
        cluster = full_cluster()
        deploy(cluster, storage=STORAGES[before])
        serving(cluster)
        if before == after:
            assert not deploy(cluster, storage=STORAGES[after])["changed"]
            return
        # Two of them have a claim of the same name, which cannot become the other.
        why = (
            "which cannot become|cannot shrink" if {before, after} == {"new-claim", "nfs-options"} else "would be lost"
        )
        with pytest.raises(RefusedError, match=why):
            deploy(cluster, storage=STORAGES[after])
        assert cluster.writes() == []

    @pytest.mark.parametrize(
        ("name", "change", "text"),
        [
            ("s3", {"bucket": "other"}, r"s3 storage \(bucket=images.*for s3 storage \(bucket=other"),
            ("s3", {"rootdirectory": "/sub"}, "rootdirectory=sub"),
            ("azure", {"accountname": "other"}, "accountname=acc"),
            ("swift", {"container": "other"}, "container=i"),
        ],
    )
    def test_another_bucket(self, cluster, name, change, text):
        deploy(cluster, storage=STORAGES[name])
        other = {**STORAGES[name], "parameters": {**STORAGES[name]["parameters"], **change}}
        with pytest.raises(RefusedError, match=text):
            deploy(cluster, storage=other)
        assert cluster.writes() == []

    @pytest.mark.parametrize(
        "change", [{"secretkey": "X"}, {"region": "r2"}, {"rootdirectory": "/"}, {"encrypt": True}]
    )
    def test_the_same_bucket_by_another_way(self, cluster, change):
        deploy(cluster, storage=STORAGES["s3"])
        deploy(cluster, storage={**STORAGES["s3"], "parameters": {**STORAGES["s3"]["parameters"], **change}})

    def test_the_same_bucket_from_a_secret_of_the_users(self, cluster):
        deploy(cluster, storage=STORAGES["s3"])
        values = {k: str(v).encode() for k, v in STORAGES["s3"]["parameters"].items()}
        cluster.put(secret("bucket", **values))
        deploy(cluster, storage={"kind": "s3", "secret_name": "bucket"})
        assert storage_secret(cluster)["data"].keys() == {"okd.registry.salt"}

    def test_a_bucket_that_somebody_chose_by_hand(self, cluster):
        chosen = {"REGISTRY_STORAGE": "s3", "REGISTRY_STORAGE_S3_BUCKET": "images"}
        deploy(cluster, env=chosen)
        serving(cluster)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        cluster.put(live)
        with pytest.raises(RefusedError, match=r"kept in s3 storage \(bucket=images\)"):
            deploy(cluster, storage=STORAGES["gcs"])
        parameters = {"region": "r", "bucket": "images"}
        deploy(cluster, storage={"kind": "s3", "parameters": parameters})

    def test_a_directory_of_another_node(self, cluster):
        deploy(cluster, storage=STORAGES["host-path"])
        with pytest.raises(RefusedError, match=r"of node node1.example.com, which the pod would give up for the dire"):
            deploy(cluster, storage={**STORAGES["host-path"], "node": "node2"})

    @pytest.mark.parametrize(("runs_on", "lost"), [("node1.example.com", False), ("node2", True)])
    def test_a_directory_of_the_node_that_a_pod_runs_on(self, cluster, runs_on, lost):
        cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"a": "b"}}})
        deploy(
            cluster, storage={k: v for k, v in STORAGES["host-path"].items() if k != "node"}, node_selector={"a": "b"}
        )
        labels = {"docker-registry": "default"}
        meta = {"name": "docker-registry-1-x", "namespace": "default", "labels": labels}
        cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": runs_on}})
        if lost:
            with pytest.raises(RefusedError, match="of node node2, which the pod would give up"):
                deploy(cluster, storage=STORAGES["host-path"])
        else:
            deploy(cluster, storage=STORAGES["host-path"])


class TestImagesAreTakenAlong:
    def test_first_what_the_copy_needs_and_the_workload_stays(self, cluster):
        deploy(cluster, storage=STORAGES["claim"])
        before = workload(cluster)
        result = deploy(cluster, storage=STORAGES["nfs-options"], migrate=True)
        assert workload(cluster) == before
        assert cluster.find("v1", "PersistentVolumeClaim", "docker-registry-storage")
        migration = result["migration"]
        assert (migration["needed"], migration["kind"]) == (True, "DeploymentConfig")
        assert migration["storage"] == {"kind": "pvc", "claim_name": "docker-registry-storage"}
        assert "claim registry-claim have not been copied to claim docker-registry-storage" in migration["why"]
        assert result.get("guards", []) == []

    def test_check_mode_says_so_and_plans_the_switch(self, cluster):
        deploy(cluster, storage=STORAGES["claim"])
        result = deploy(cluster, check=True, storage=STORAGES["nfs"], migrate=True)
        assert any(action.startswith("Would copy the images first: ") for action in result["actions"])
        assert (result["workload"]["rolls"], cluster.writes(), result["migration"]) == (True, [], None)

    def test_where_there_is_nothing_to_take_along(self, cluster):
        assert deploy(cluster, storage=STORAGES["claim"], migrate=True)["migration"] is None
        assert not deploy(cluster, storage=STORAGES["claim"], migrate=True)["changed"]
        assert deploy(cluster, storage=STORAGES["claim"], migrate=True, env={"A": "b"})["workload"]["rolls"]

    @pytest.mark.parametrize(("before", "after"), [("s3", "claim"), ("claim", "s3"), ("claim", "ephemeral")])
    def test_what_cannot_be_copied_stays_refused(self, cluster, before, after):
        deploy(cluster, storage=STORAGES[before])
        with pytest.raises(RefusedError, match="copy the images first, or say allow_data_loss"):
            deploy(cluster, storage=STORAGES[after], migrate=True)

    def test_new_pods_of_an_ephemeral_registry(self, cluster):
        deploy(cluster)
        serving(cluster)
        with pytest.raises(RefusedError, match="copy the images first"):
            deploy(cluster, env={"A": "b"}, migrate=True)
        with pytest.raises(RefusedError, match="say migrate: true to take the images along"):
            deploy(cluster, storage=STORAGES["claim"])


class TestNamesAndPaths:
    def adopted(self, cluster, mounts, volumes, **more):
        deploy(cluster)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        live["spec"]["template"]["spec"]["volumes"] = volumes
        container = live["spec"]["template"]["spec"]["containers"][0]
        container["volumeMounts"] = mounts
        container["env"] = [e for e in container["env"] if "ROOTDIRECTORY" not in e["name"]]
        cluster.put(live)

    def test_a_live_path_is_kept(self, cluster):
        self.adopted(
            cluster, [{"name": "data", "mountPath": "/var/lib/registry"}],
            [{"name": "data", "nfs": {"server": "s", "path": "/"}}],
        )  # fmt: skip
        switch(cluster, "claim")
        assert [(m["name"], m["mountPath"]) for m in pod(cluster)["containers"][0]["volumeMounts"]] == [
            ("data", "/var/lib/registry"), ("registry-certificates", "/etc/secrets"),
        ]  # fmt: skip
        assert env(cluster)["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"]["value"] == "/var/lib/registry"

    def test_unless_told(self, cluster):
        deploy(cluster, storage=STORAGES["claim"])
        deploy(cluster, storage={**STORAGES["claim"], "mount_path": "/data", "volume_name": "images"})
        mounts = {m["mountPath"]: m["name"] for m in pod(cluster)["containers"][0]["volumeMounts"]}
        assert mounts == {"/data": "images", "/etc/secrets": "registry-certificates"}
        assert [v["name"] for v in pod(cluster)["volumes"]] == ["registry-certificates", "images"]

    def test_another_name_for_a_volume_of_others(self, cluster):
        self.adopted(
            cluster, [{"name": "v1", "mountPath": "/registry"}],
            [{"name": "v1", "persistentVolumeClaim": {"claimName": "registry-claim"}}],
        )  # fmt: skip
        deploy(cluster, storage={**STORAGES["claim"], "volume_name": "images"})
        assert [v["name"] for v in pod(cluster)["volumes"]] == ["images", "registry-certificates"]

    @pytest.mark.parametrize("beside", [[], [{"name": "v1", "mountPath": "/data"}]])
    def test_the_documents_second_volume(self, cluster, beside):
        """`oc volume --add --name=v1 -t pvc` adds a volume beside that at /registry: the claim is used, once."""
        claimed = {"name": "v1", "persistentVolumeClaim": {"claimName": "registry-claim"}}
        mounts = [{"name": "registry-storage", "mountPath": "/registry"}, *beside]
        self.adopted(cluster, mounts, [{"name": "registry-storage", "emptyDir": {}}, claimed])
        switch(cluster, "claim")
        volumes = {v["name"]: v for v in pod(cluster)["volumes"]}
        assert set(volumes) == {"v1", "registry-certificates"}
        mounted = [(m["mountPath"], m["name"]) for m in pod(cluster)["containers"][0]["volumeMounts"]]
        assert ("/registry", "v1") in mounted
        assert all((m["mountPath"], m["name"]) in mounted for m in beside)
        assert not switch(cluster, "claim")["changed"]
        if beside:
            switch(cluster, "s3")
            assert claimed in pod(cluster)["volumes"]

    def test_a_name_that_others_use(self, cluster):
        theirs = {"name": "registry-storage", "nfs": {"server": "s", "path": "/p"}}
        self.adopted(cluster, [{"name": "registry-storage", "mountPath": "/theirs"}], [theirs])
        switch(cluster, "claim")
        assert theirs in pod(cluster)["volumes"]
        assert ("/registry", "registry-storage-2") in [
            (m["mountPath"], m["name"]) for m in pod(cluster)["containers"][0]["volumeMounts"]
        ]


def test_an_empty_cluster_in_check_mode():
    for storage in STORAGES.values():
        assert deploy(MemoryCluster(), check=True, storage=storage, ignore_guards=["claim"])["changed"]


@pytest.mark.parametrize("name", STORAGES)
def test_rendered_without_a_cluster(name):
    params = {**DEFAULTS, "state": "rendered", "kind": "DeploymentConfig", "storage": STORAGES[name]}
    objects = _render.run(params)["objects"]
    made = {"new-claim": ["PersistentVolumeClaim"], "nfs-options": ["PersistentVolume", "PersistentVolumeClaim"]}
    kinds = [o["kind"] for o in objects]
    assert [kind for kind in kinds if kind.startswith("Persistent")] == made.get(name, [])
    assert not any(hidden in json.dumps(objects) for hidden in ("S3SECRET", "AZKEY", "KEYFILEBYTES", "SWPASS"))

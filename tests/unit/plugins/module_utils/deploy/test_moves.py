# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration that meets with something else: a rollback, the end of the registry, another storage than its own."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _before, _helper, _rollback
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._migrate import door, state
from ansible_collections.okd.registry.plugins.module_utils._migrate import run as migrate
from test_deploy import DEFAULTS, absent, claim, deploy, ready_cluster, settle, workload

CLAIM = {"kind": "pvc", "claim_name": "registry-claim"}
NFS = {"kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry"}
VOLUME = {"nfs": {"server": "nfs.example.com", "path": "/exports/registry"}}
LABELS = {"docker-registry": "default"}
BEFORE = "docker-registry-before"
WAY = {"migrate": True, "on_failure": "rollback"}


@pytest.fixture(autouse=True)
def no_pods_to_wait_for(monkeypatch):
    monkeypatch.setattr(_helper, "remove", lambda *_args: None)


def registry(kind, storage):
    made = ready_cluster()
    made.put(claim())
    deploy(made, kind=kind, storage=storage)
    settle(made, kind)
    deploy(made, kind=kind, storage=storage)
    return made


def note(cluster, source, **changes):
    noted = state.new(source, VOLUME, uid="w", now=0).with_(**changes)
    cluster.put(state.config_map(noted, "docker-registry", "default"))
    return noted


def pod(cluster, name="old", *, ready=True, **meta):
    cluster.put({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": LABELS, **meta},
        "spec": {"containers": []},
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "registry", "containerID": "c1", "state": {"running": {}}}],
        },
    })  # fmt: skip


def close(cluster, noted):
    service = cluster.find("v1", "Service", "docker-registry")
    service["spec"]["selector"] |= noted.label
    cluster.put(service)


def selector(cluster):
    return cluster.find("v1", "Service", "docker-registry")["spec"]["selector"]


def back(cluster, check=False):
    return _rollback.run({**DEFAULTS, "state": "rolled_back"}, cluster.api(), check_mode=check)


def specs(cluster, kind):
    return workload(cluster, kind)["spec"]


class TestReadOnly:
    @pytest.mark.parametrize("kind", ["DeploymentConfig", "Deployment"])
    def test_a_failed_switch_goes_back_to_the_registry_that_took_pushes(self, kind):
        cluster = registry(kind, CLAIM)
        before = specs(cluster, kind)
        options = {"kind": kind, "storage": NFS, "image": "other:1", "enforce_quota": True, **WAY}
        options["egress_proxy"] = {"http": "http://u:p@x:1", "https": None, "no_proxy": []}
        assert deploy(cluster, **options)["migration"]["needed"]
        assert cluster.find("v1", "Secret", "docker-registry-proxy")
        live = workload(cluster, kind)
        door._with_variable(live, {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE})
        live["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
        cluster.put(live)
        settle(cluster, kind)  # read-only, and it serves
        variable = {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE}
        cluster.put({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "ro", "namespace": "default", "uid": "ro", "labels": LABELS},
            "spec": {"containers": [{"name": "registry", "env": [variable]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        })  # fmt: skip
        note(cluster, {"persistentVolumeClaim": {"claimName": "registry-claim"}}, phase="proved", door="readonly")
        done = deploy(cluster, **options)
        assert done["changed"]
        assert done["migration"] is None
        assert specs(cluster, kind) != before
        assert not back(cluster).get("failed")
        assert specs(cluster, kind) == before
        assert cluster.find("v1", "Secret", "docker-registry-proxy") is None, "made before the images were copied"
        left = state.read(cluster.find("v1", "ConfigMap", "docker-registry-migration"))
        assert (left.phase, left.door) == ("copying", ""), "what is copied is gone on with"


class TestPodsOwnVolumes:
    """The Service does not lead to the old pods any more when the rollout fails."""

    def switched(self, kind="Deployment"):
        cluster = registry(kind, {"kind": "ephemeral"})
        before = specs(cluster, kind)
        pod(cluster)
        options = {"kind": kind, "storage": NFS, "image": "nowhere:1", **WAY}
        assert deploy(cluster, **options)["migration"]["needed"]
        noted = note(
            cluster, {"emptyDir": {}}, phase="proved", door="service", services=("docker-registry",), pods={"old": "c0"}
        )
        close(cluster, noted)
        done = deploy(cluster, **options)
        assert done["migration"] is None
        return cluster, before, done

    def test_it_is_said_that_the_service_leads_to_no_pod(self):
        _cluster, _before_it, done = self.switched()
        assert "Service default/docker-registry leads to no pod until one with NFS nfs.example.com" in done["aside"]

    def test_while_all_old_pods_are_ready_they_serve_again(self):
        cluster, before, _done = self.switched()
        planned = back(copy.deepcopy(cluster), check=True)
        done = back(cluster)
        assert specs(cluster, "Deployment") == before
        assert selector(cluster) == LABELS
        assert any("selector of Service default/docker-registry is as before" in line for line in done["actions"])
        assert [line for line in planned["actions"] if "selector" in line]
        assert cluster.find("v1", "Secret", BEFORE) is None

    @pytest.mark.parametrize(
        ("kind", "old", "why"),
        [
            ("Deployment", {"ready": False}, "1 of 1 are gone or not ready"),
            ("Deployment", {"deletionTimestamp": "now"}, "1 of 1 are gone or not ready"),
            ("DeploymentConfig", {}, "a DeploymentConfig replaces with each change"),
        ],
    )
    def test_else_everything_stays_and_it_is_said(self, kind, old, why):
        cluster, _before_it, _done = self.switched(kind)
        pod(cluster, **old)
        now = copy.deepcopy(cluster.objects)
        with pytest.raises(RefusedError, match=why) as refused:
            back(cluster)
        assert "leads to no pod until" in str(refused.value)
        assert cluster.objects == now
        assert _before.entries(cluster.find("v1", "Secret", BEFORE))

    def test_back_to_another_state_with_the_new_storage_is_no_loss(self):
        cluster, _before_it, _done = self.switched("DeploymentConfig")
        kept = cluster.objects.pop("/api/v1/namespaces/default/secrets/docker-registry-before")
        assert kept
        live = specs(cluster, "DeploymentConfig")
        deploy(cluster, kind="DeploymentConfig", storage=NFS, image="third:1", **WAY)
        back(cluster)
        assert specs(cluster, "DeploymentConfig") == live


class TestAway:
    # "undone" while the registry is there needs its pods: tests/api has that.
    @pytest.mark.parametrize(("by", "there"), [("absent", True), ("absent", False), ("undone", False)])
    def test_nothing_of_an_unfinished_migration_is_left(self, by, there):
        cluster = registry("Deployment", {"kind": "ephemeral"})
        noted = note(cluster, {"emptyDir": {}}, phase="closed", door="service", services=("docker-registry",))
        close(cluster, noted)
        for purpose in ("migrate", "probe"):
            meta = {"name": f"docker-registry-{purpose}", "namespace": "default"}
            meta["annotations"] = {"okd.registry/helper-of": "default/docker-registry"}
            cluster.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta})
        if not there:
            del cluster.objects["/apis/apps/v1/namespaces/default/deployments/docker-registry"]
        if by == "absent":
            absent(cluster, check=True, allow_data_loss=True)
            assert cluster.writes() == []
            absent(cluster, allow_data_loss=True)
            assert cluster.find("batch/v1", "Job", "docker-registry-probe") is None
        else:
            options = {**DEFAULTS, "state": "undone", "kind": "auto"}
            assert migrate.run(options, cluster.api(), check_mode=False)["changed"]
        assert selector(cluster) == LABELS
        assert cluster.find("v1", "ConfigMap", "docker-registry-migration") is None
        assert cluster.find("batch/v1", "Job", "docker-registry-migrate") is None
        assert absent(cluster)["changed"] is (by == "undone")
        assert not deploy(cluster, kind="Deployment", storage={"kind": "ephemeral"}).get("failed")

    def test_a_job_of_somebody_elses_stays(self):
        cluster = registry("Deployment", {"kind": "ephemeral"})
        meta = {"name": "docker-registry-probe", "namespace": "default"}
        cluster.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta})
        absent(cluster, allow_data_loss=True)
        assert cluster.find("batch/v1", "Job", "docker-registry-probe")


def test_a_note_that_is_left_does_not_stand_in_the_way_of_a_registry_in_a_bucket():
    cluster = ready_cluster()
    bucket = {
        "kind": "s3", "parameters": {
            "bucket": "b", "region": "r", "accesskey": "a", "secretkey": "s", "regionendpoint": "https://s3.example.com",
        },
    }  # fmt: skip
    deploy(cluster, storage=bucket)
    settle(cluster)
    note(cluster, {"persistentVolumeClaim": {"claimName": "registry-claim"}}, phase="copying")
    for asked in ({}, {"migrate": True}):
        assert not deploy(cluster, storage=bucket, **asked).get("failed")
    assert cluster.find("v1", "ConfigMap", "docker-registry-migration") is None

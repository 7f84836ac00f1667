# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload as it is built; golden files beside this one, written anew with UPDATE_GOLDEN=1."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import layout, place
from ansible_collections.okd.registry.plugins.module_utils._build import pod as pods
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import PodOptions
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Settings
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._build.tls import Tls
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

GOLDEN = Path(__file__).parent / "golden"
IMAGE = "openshift3/ose-docker-registry:v3"


def make(kind="DeploymentConfig", *, env=None, node_selector=None, checksum=None, **options):
    if checksum:
        options["parts"] = (Part(checksum={"something": checksum}),)
    options["settings"] = Settings(env=env or {})
    options["pod"] = PodOptions(node_selector=node_selector or {})
    return build.Workload(kind=kind, name="docker-registry", namespace="default", image=IMAGE, **options)


FULL = {
    "replicas": 2,
    "tls": Tls("registry-secret"),
    "storage": Storage("registry-claim"),
    "node_selector": {"region": "infra"},
    "env": {"REGISTRY_LOG_LEVEL": "debug", "REGISTRY_HTTP_NET": "tcp4"},
    "strategy": "Recreate",
    "http_secret": "docker-registry-http-secret",
    "checksum": "abc",
}
GOLDENS = {
    "dc-plain": make(),
    "dc-full": make(**FULL),
    "deployment-plain": make("Deployment"),
    "deployment-full": make("Deployment", **{**FULL, "strategy": "Rolling"}),
    "daemonset-full": make("DaemonSet", **{**FULL, "strategy": "OnDelete"}),
    "dc-kubernetes-tls-other-port": make(
        port=5443,
        tls=Tls("own", "/certs/", "tls.crt", "tls.key"),
        selector={"app": "r"},
        labels={"app": "r", "t": "x"},
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name):
    path = GOLDEN / f"{name}.yml"
    got = build.desired(GOLDENS[name])
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(yaml.safe_dump(got, sort_keys=False))
    assert got == yaml.safe_load(path.read_text())


def container(obj):
    return obj["spec"]["template"]["spec"]["containers"][0]


def live(kind="DeploymentConfig", **options):
    """An object as the API gives it back after the first run."""
    made = plan(None, build.desired(make(kind, **options))).after
    made["metadata"].update({"resourceVersion": "1", "uid": "u"})
    return made


def after(now, **options):
    return plan(now, build.desired(make(now["kind"], **options), now))


@pytest.mark.parametrize("kind", ["DeploymentConfig", "Deployment", "DaemonSet"])
@pytest.mark.parametrize("options", [{}, {**FULL, "strategy": "Rolling"}])
def test_second_run_changes_nothing(kind, options):
    assert not after(live(kind, **options), **options).changed


class TestProbesFollowTls:
    def test_on_and_off(self):
        on = after(live(), tls=Tls("registry-secret")).after
        assert {container(on)[p]["httpGet"]["scheme"] for p in ("livenessProbe", "readinessProbe")} == {"HTTPS"}
        off = after(on).after
        assert {container(off)[p]["httpGet"]["scheme"] for p in ("livenessProbe", "readinessProbe")} == {"HTTP"}
        assert [v["name"] for v in off["spec"]["template"]["spec"]["volumes"]] == ["registry-storage"]
        assert not [e for e in container(off)["env"] if "TLS" in e["name"]]


class TestEnv:
    def test_null_removes_what_others_set(self):
        now = live()
        container(now)["env"] += [{"name": "HANDMADE", "value": "1"}, {"name": "KEPT", "value": "2"}]
        names = [e["name"] for e in container(after(now, env={"HANDMADE": None}).after)["env"]]
        assert "HANDMADE" not in names
        assert "KEPT" in names

    def test_null_removes_one_of_ours(self):
        names = [e["name"] for e in container(build.desired(make(env={"REGISTRY_HTTP_NET": None})))["env"]]
        change = plan(None, build.desired(make(env={"REGISTRY_HTTP_NET": None}))).after
        assert "REGISTRY_HTTP_NET" in names  # as a mark
        assert "REGISTRY_HTTP_NET" not in [e["name"] for e in container(change)["env"]]

    def test_dropped_from_the_variables_is_dropped_from_the_object(self):
        now = live(env={"REGISTRY_LOG_LEVEL": "debug"})
        assert "REGISTRY_LOG_LEVEL" not in [e["name"] for e in container(after(now).after)["env"]]

    def test_the_users_value_wins(self):
        got = {e["name"]: e for e in container(build.desired(make(env={"REGISTRY_HTTP_ADDR": ":1"})))["env"]}
        assert got["REGISTRY_HTTP_ADDR"]["value"] == ":1"

    def test_a_users_http_secret_needs_no_secret_of_ours(self):
        options = {"env": {"REGISTRY_HTTP_SECRET": "x"}, "http_secret": "docker-registry-http-secret"}
        entries = [e for e in container(build.desired(make(**options)))["env"] if e["name"] == "REGISTRY_HTTP_SECRET"]
        assert entries == [{"name": "REGISTRY_HTTP_SECRET", "value": "x"}]


class TestHttpSecretIsKept:
    def with_entry(self, entry):
        now = live()
        container(now)["env"].append({"name": "REGISTRY_HTTP_SECRET", **entry})
        return now

    def test_plain_value_of_oadm(self):
        now = self.with_entry({"value": "b64"})
        assert pods.keeps_http_secret(now, "docker-registry-http-secret")
        assert {"name": "REGISTRY_HTTP_SECRET", "value": "b64"} in container(after(now).after)["env"]

    def test_somebody_elses_secret(self):
        now = self.with_entry({"valueFrom": {"secretKeyRef": {"name": "theirs", "key": "k"}}})
        assert pods.keeps_http_secret(now, "docker-registry-http-secret")

    def test_ours_is_not_foreign(self):
        own = live(http_secret="docker-registry-http-secret")
        assert not pods.keeps_http_secret(own, "docker-registry-http-secret")

    def test_nothing_to_keep(self):
        assert not pods.keeps_http_secret(None, "x")
        assert not pods.keeps_http_secret(live(), "x")
        assert not pods.keeps_http_secret(self.with_entry({"value": ""}), "x")


class TestAdopts:
    def test_the_volume_mounted_there_keeps_its_name(self):
        """The document's `oc volume --name=v1`, once it is mounted at /registry."""
        now = live()
        pod = now["spec"]["template"]["spec"]
        pod["volumes"] = [{"name": "v1", "persistentVolumeClaim": {"claimName": "c"}}]
        container(now)["volumeMounts"] = [{"name": "v1", "mountPath": "/registry/"}]
        got = after(now, storage=Storage("c")).after
        assert [v["name"] for v in got["spec"]["template"]["spec"]["volumes"]] == ["v1"]

    def test_the_documents_secret_volume_keeps_its_name(self):
        now = live()
        now["spec"]["template"]["spec"]["volumes"].append(
            {"name": "volume-3xyz", "secret": {"secretName": "registry-secret"}}
        )
        container(now)["volumeMounts"].append({"name": "volume-3xyz", "mountPath": "/etc/secrets"})
        got = after(now, tls=Tls("registry-secret")).after
        mounts = [m for m in container(got)["volumeMounts"] if m["mountPath"] == "/etc/secrets"]
        assert mounts == [{"name": "volume-3xyz", "mountPath": "/etc/secrets", "readOnly": True}]

    def test_an_only_container_of_another_name(self):
        now = live()
        container(now)["name"] = "docker-registry"
        assert [c["name"] for c in after(now).after["spec"]["template"]["spec"]["containers"]] == ["docker-registry"]

    def test_several_containers_none_of_them_ours(self):
        now = live()
        now["spec"]["template"]["spec"]["containers"] = [{"name": "a"}, {"name": "b"}]
        with pytest.raises(RefusedError, match="containers a, b, none of which is called registry"):
            build.desired(make(), now)

    def test_selector_is_kept_and_in_the_pods_labels(self):
        now = live("Deployment", labels={"app": "old"})
        got = after(now, labels={"docker-registry": "default"}).after
        assert got["spec"]["selector"] == {"matchLabels": {"app": "old"}}
        assert got["spec"]["template"]["metadata"]["labels"] == {"docker-registry": "default", "app": "old"}

    def test_storage_switch_leaves_one_source(self):
        got = after(live(), storage=Storage("claim")).after
        assert got["spec"]["template"]["spec"]["volumes"] == [
            {"name": "registry-storage", "persistentVolumeClaim": {"claimName": "claim"}}
        ]

    def test_strategy_switch_leaves_no_parameters_of_the_other(self):
        now = live("Deployment")
        now["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
        assert after(now, strategy="Recreate").after["spec"]["strategy"] == {"type": "Recreate"}

    def test_strategy_of_others_stays(self):
        now = live()
        now["spec"]["strategy"] = {"type": "Recreate", "recreateParams": {"timeoutSeconds": 60}}
        assert not after(now).changed


class TestTriggers:
    def test_a_paused_registry_of_the_document_gets_its_trigger_back(self):
        now = live()
        now["spec"]["triggers"] = []
        assert after(now).after["spec"]["triggers"] == [{"type": "ConfigChange"}]

    def test_others_stay_and_what_openshift_notes_in_them_is_not_ours(self):
        now = live()
        image = {"containerNames": ["registry"], "from": {"kind": "ImageStreamTag", "name": "r:1"}}
        now["spec"]["triggers"] = [
            {"type": "ConfigChange"},
            {"type": "ImageChange", "imageChangeParams": {**image, "lastTriggeredImage": "a"}},
        ]
        settled = after(now).after
        assert [t["type"] for t in settled["spec"]["triggers"]] == ["ConfigChange", "ImageChange"]
        settled["spec"]["triggers"][1]["imageChangeParams"]["lastTriggeredImage"] = "b"
        assert not after(settled).changed


class TestChecksum:
    def test_depends_on_each_part(self):
        values = [pods.checksum(parts) for parts in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"})]
        assert len(set(values)) == len(values)

    def test_a_part_without_value_is_no_part(self):
        assert pods.checksum({"a": "1", "b": None}) == pods.checksum({"a": "1"})

    def test_unknown_in_part_is_unknown_as_a_whole(self):
        assert pods.checksum({"a": "1", "b": KNOWN_AFTER_APPLY}) == KNOWN_AFTER_APPLY

    def test_a_new_one_rolls_the_pods(self):
        fields = after(live(checksum="a"), checksum="b").fields
        assert fields == ["spec.template.metadata.annotations.okd.registry/checksum"]


class TestTellsWhereTheStorageIs:
    NAME = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"

    def value(self, obj):
        return next((e.get("value") for e in container(obj)["env"] if e["name"] == self.NAME), None)

    def adopted(self, *env, **fields):
        """A workload of others that has all that is wanted, but for this variable."""
        now = live()
        now["metadata"]["annotations"] = {}
        container(now)["env"] = [e for e in container(now)["env"] if e["name"] != self.NAME]
        container(now)["env"] += [{"name": name, "value": value} for name, value in env]
        container(now).update(fields)
        return now

    def test_a_new_one(self):
        made = build.desired(make(storage=Storage("c", mount_path="/data")))
        assert self.value(made) == "/data"

    @pytest.mark.parametrize(
        "env",
        [
            {"REGISTRY_STORAGE_S3_BUCKET": "b"},
            {"REGISTRY_STORAGE_INMEMORY": ""},
            {"REGISTRY_STORAGE": "azure"},
            {"REGISTRY_CONFIGURATION_PATH": "/my.yml"},
        ],
    )
    def test_another_driver_or_file_is_the_users_word(self, env):
        assert self.value(build.desired(make(env=env))) is None
        assert self.value(after(self.adopted(*env.items()), checksum="new").after) is None

    @pytest.mark.parametrize(
        "env",
        [
            {"REGISTRY_STORAGE_DELETE_ENABLED": "true"},
            {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "inmemory"},
            {"REGISTRY_STORAGE_MAINTENANCE_READONLY": "{}"},
            {"REGISTRY_STORAGE_REDIRECT_DISABLE": "true"},
            {"REGISTRY_STORAGE_FILESYSTEM_MAXTHREADS": "5"},
            {"REGISTRY_STORAGE": "filesystem"},
            {"REGISTRY_STORAGE_S3_BUCKET": None},
        ],
    )
    def test_what_is_no_other_driver(self, env):
        assert self.value(build.desired(make(env=env))) == "/registry"

    def test_the_users_directory(self):
        assert self.value(build.desired(make(env={self.NAME: "/mine"}))) == "/mine"
        now = self.adopted((self.NAME, "/theirs"))
        assert self.value(after(now, checksum="new").after) == "/theirs"

    def test_a_running_one_is_told_only_when_it_rolls_anyway(self):
        settled = after(self.adopted()).after
        assert self.value(settled) is None
        assert not after(settled).changed
        rolled = after(settled, checksum="new").after
        assert self.value(rolled) == "/registry"
        assert not after(rolled, checksum="new").changed

    def test_a_driver_of_ours_that_is_no_longer_wanted_does_not_count(self):
        now = live(env={"REGISTRY_STORAGE_S3_BUCKET": "b"})
        assert self.value(now) is None
        settled = after(now).after
        assert self.value(settled) == "/registry"
        assert not after(settled).changed

    def test_a_configuration_file_of_the_users(self):
        now = self.adopted()
        now["spec"]["template"]["spec"]["volumes"].append({"name": "conf", "configMap": {"name": "conf"}})
        container(now)["volumeMounts"].append({"name": "conf", "mountPath": "/etc/docker/registry"})
        assert self.value(after(now, checksum="new").after) is None
        now = self.adopted(args=["serve", "/conf/my.yml"])
        assert self.value(after(now, checksum="new").after) is None


class TestAbandons:
    def serving(self, **options):
        now = live(**options)
        now["status"] = {"readyReplicas": 1}
        return now

    def lost(self, now, kind="DeploymentConfig", **options):
        want = make(kind, **options)
        change = plan(now, build.desired(want, now))
        return place.abandons(want.storage, now, change.after, replicas=want.replicas, rolls=build.rolls(change.fields))

    def test_new_pods_of_an_ephemeral_registry(self):
        assert "emptyDir" in self.lost(self.serving(), checksum="new")
        assert self.lost(self.serving()) is None

    def test_fewer_pods_of_an_ephemeral_registry(self):
        now = self.serving(replicas=2)
        assert "takes some away" in self.lost(now, replicas=1)
        assert "takes some away" in self.lost(now, replicas=0)
        assert self.lost(now, replicas=3) is None

    def test_fewer_pods_on_a_claim(self):
        now = self.serving(replicas=2, storage=Storage("c"))
        assert self.lost(now, replicas=1, storage=Storage("c")) is None

    def test_switch_away_from_a_claim(self):
        now = self.serving(storage=Storage("old"))
        assert "claim old" in self.lost(now, storage=Storage("new"))
        assert "claim old" in self.lost(now)

    def test_the_same_claim(self):
        now = self.serving(storage=Storage("old"))
        assert self.lost(now, storage=Storage("old"), checksum="new") is None

    def test_another_path_for_the_same_claim(self):
        now = self.serving(storage=Storage("old"))
        assert self.lost(now, storage=Storage("old", mount_path="/data")) is None

    @pytest.mark.parametrize("volume", ["registry-storage", "other"])
    def test_another_path_does_not_hide_another_source(self, volume):
        now = self.serving(storage=Storage("old"), tls=Tls("registry-secret"))
        for source in ("new", None):
            storage = Storage(source, mount_path="/data", volume_name=volume)
            assert "claim old" in self.lost(now, storage=storage, tls=Tls("registry-secret"))

    @pytest.mark.parametrize("volume", ["registry-storage", "other"])
    def test_another_path_beside_a_mount_of_others(self, volume):
        """It stays, but the registry would look elsewhere; not where a variable of others tells it to stay."""
        now = self.serving(storage=Storage("old"))
        now["metadata"]["annotations"] = {}
        assert self.lost(now, storage=Storage(mount_path="/data", volume_name=volume)) is None
        container(now)["env"] = [e for e in container(now)["env"] if "ROOTDIRECTORY" not in e["name"]]
        assert "claim old" in self.lost(now, storage=Storage(mount_path="/data", volume_name=volume))

    def test_another_path_for_an_ephemeral_registry(self):
        assert "emptyDir" in self.lost(self.serving(), storage=Storage(mount_path="/data"))

    def test_mounts_of_settings_hold_no_images(self):
        now = self.serving(tls=Tls("registry-secret"), storage=Storage("c"))
        assert self.lost(now, storage=Storage("c", mount_path="/data")) is None

    def test_other_volumes_are_named(self):
        now = self.serving()
        now["spec"]["template"]["spec"]["volumes"][0] = {
            "name": "registry-storage",
            "nfs": {"server": "s", "path": "/p"},
        }
        assert "NFS s:/p" in self.lost(now)

    def test_images_on_a_claim_outlive_the_moment(self):
        """Whether a pod is ready just now says nothing about what is in the claim."""
        assert "claim old" in self.lost(live(storage=Storage("old")), storage=Storage("new"))
        assert "claim old" in self.lost(live(storage=Storage("old")))

    @pytest.mark.parametrize(
        "status",
        [
            {"latestVersion": 2},
            {
                "latestVersion": 1,
                "conditions": [
                    {"type": "Progressing", "status": "True", "reason": "NewReplicationControllerAvailable"}
                ],
            },
        ],
    )
    def test_an_ephemeral_registry_that_is_not_ready_at_this_moment(self, status):
        now = live()
        now["status"] = status
        assert "emptyDir" in self.lost(now, checksum="new")
        assert "emptyDir" in self.lost(now, storage=Storage("claim"))

    def test_a_later_revision_of_a_deployment(self):
        now = live("Deployment")
        now["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
        assert "emptyDir" in self.lost(now, kind="Deployment", checksum="new")

    def test_nobody_can_have_pushed_yet(self):
        assert self.lost(live(), checksum="new") is None
        assert self.lost(live(), storage=Storage("claim")) is None
        assert self.lost(None) is None

    def test_without_pods_there_is_nothing_in_them(self):
        now = live(replicas=0)
        now["status"] = {"latestVersion": 4}
        assert self.lost(now, checksum="new") is None
        now["status"]["replicas"] = 1
        assert "emptyDir" in self.lost(now, checksum="new")


class TestDaemonSetsPods:
    """Numbers that are asked for elsewhere are what the nodes have made them."""

    def daemons(self, **status):
        now = live("DaemonSet")
        now["status"] = status
        return now

    def test_numbers(self):
        now = self.daemons(desiredNumberScheduled=3, numberReady=2)
        assert (layout.replicas(now), layout.ready_replicas(now)) == (3, 2)
        assert "replicas" not in now["spec"]

    def test_without_pods(self):
        assert layout.has_no_pods(self.daemons(desiredNumberScheduled=0))
        assert not layout.has_no_pods(self.daemons(desiredNumberScheduled=0, numberMisscheduled=1))

    def test_what_has_had_pods_may_have_images(self):
        """No word in its status tells of the past, so that a moment without ready pods says nothing."""
        assert layout.never_ready(self.daemons())
        assert not layout.never_ready(self.daemons(observedGeneration=1, desiredNumberScheduled=1))


class TestLayout:
    def test_storage_for_results(self):
        assert layout.storage(live(storage=Storage("c")), "/registry") == {
            "kind": "pvc", "volume_name": "registry-storage", "mount_path": "/registry", "source": {"claimName": "c"},
        }  # fmt: skip
        assert layout.storage(live(), "/elsewhere") is None

    def test_ready_on_old_apis(self):
        assert layout.ready_replicas({"status": {"availableReplicas": 2}}) == 2
        assert layout.ready_replicas(None) == 0

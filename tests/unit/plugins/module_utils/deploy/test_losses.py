# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would lose pushed images although the volume stays, and what would lose none although it looks so."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _content, _guards, _probe
from ansible_collections.okd.registry.plugins.module_utils._build import config, place
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import File, Source
from ansible_collections.okd.registry.plugins.module_utils._build.place import OUTSIDE, Place
from ansible_collections.okd.registry.plugins.module_utils._content import Content
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, RefusedError
from test_config_place import config_map, file
from test_deploy import absent, claim, deploy, ready_cluster, serving, workload
from test_storage import REGISTRY, STORAGES, full_cluster, privileged

ROOT = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
CLAIM = {"kind": "pvc", "claim_name": "registry-claim"}


@pytest.fixture
def cluster():
    made = ready_cluster()
    made.put(claim())
    made.put(claim("other"))
    return made


def edited(cluster, change):
    """Somebody changes the pod."""
    live = workload(cluster)
    change(live["spec"]["template"]["spec"])
    cluster.put(live)


def mount(pod):
    return next(m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == "/registry")


class TestAnotherDirectoryOfTheVolume:
    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/var/lib/registry", "claim registry-claim, which the pod would give up for the container itself"),
            ("/registry/sub/", "would give up for directory sub of claim registry-claim"),
            ("/registry2", "would give up for the container itself"),
        ],
    )
    def test_by_a_variable(self, cluster, path, words):
        deploy(cluster, storage=CLAIM)
        serving(cluster)
        with pytest.raises(RefusedError, match=words) as caught:
            deploy(cluster, storage=CLAIM, env={ROOT: path})
        assert [one["name"] for one in caught.value.details["guards"]] == ["volume"]
        assert "copy the images first" in caught.value.message
        with pytest.raises(RefusedError, match=words):
            deploy(cluster, storage=CLAIM, env={ROOT: path}, migrate=True)
        assert cluster.writes() == []
        deploy(cluster, storage=CLAIM, env={ROOT: path}, allow_data_loss=True)
        serving(cluster, version=2)
        assert not deploy(cluster, storage=CLAIM, env={ROOT: path})["changed"]

    def test_images_outside_of_every_volume_go_with_any_new_pod(self, cluster):
        deploy(cluster, storage=CLAIM, env={ROOT: "/data"})
        serving(cluster)
        with pytest.raises(RefusedError, match=r"kept in the container itself .* which this change replaces"):
            deploy(cluster, storage=CLAIM, env={ROOT: "/data", "A": "b"})
        with pytest.raises(RefusedError, match="kept in the container itself"):
            deploy(cluster, storage=CLAIM, migrate=True)

    def test_the_same_directory_said_otherwise(self, cluster):
        deploy(cluster, storage={**CLAIM, "mount_path": "/data/registry"})
        serving(cluster)
        deploy(cluster, storage=CLAIM, env={ROOT: "/data/registry/"})
        deploy(cluster, storage={**CLAIM, "mount_path": "/data"}, env={ROOT: "/data"})

    def test_a_directory_below_the_mount_stays_it(self, cluster):
        env = {ROOT: "/registry/sub"}
        deploy(cluster, storage=CLAIM, env=env)
        serving(cluster)
        assert deploy(cluster, storage=CLAIM, env={**env, "A": "b"})["workload"]["rolls"]
        with pytest.raises(RefusedError, match=r"kept in directory sub of claim .*copy the images first"):
            deploy(cluster, storage=CLAIM)
        with pytest.raises(RefusedError, match="say migrate: true to take the images along"):
            deploy(cluster, storage={**CLAIM, "claim_name": "other"}, env=env)

    def adopted(self, cluster, content, **storage):
        """A registry to which somebody else gave a file, and no variable."""
        cluster.put(config_map(content, "theirs"))
        deploy(cluster, storage={**CLAIM, **storage})

        def change(pod):
            pod["volumes"].append({"name": "conf", "configMap": {"name": "theirs"}})
            container = pod["containers"][0]
            container["volumeMounts"].append({"name": "conf", "mountPath": "/etc/docker/registry"})
            container["env"] = [entry for entry in container["env"] if entry["name"] != ROOT]

        edited(cluster, change)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        cluster.put(live)
        serving(cluster, version=2)

    @pytest.mark.parametrize(
        ("directory", "words"),
        [
            ("/registry/a", "kept in claim registry-claim, .* for directory a of claim"),
            ("/var/lib/registry", "kept in claim registry-claim, .* for the container itself"),
        ],
    )
    def test_by_a_configuration_file_that_others_change(self, cluster, directory, words):
        self.adopted(cluster, file("filesystem", rootdirectory="/registry"))
        deploy(cluster, storage=CLAIM, image="other:v1")
        assert ROOT not in str(workload(cluster))
        cluster.put(config_map(file("filesystem", rootdirectory=directory), "theirs"))
        with pytest.raises(RefusedError, match=words):
            deploy(cluster, storage=CLAIM, image="other:v2")
        assert cluster.writes() == []
        deploy(cluster, storage=CLAIM, image="other:v2", allow_data_loss=True)
        serving(cluster, version=3)
        assert not deploy(cluster, storage=CLAIM, image="other:v2")["changed"]

    def test_by_a_file_without_a_directory(self, cluster):
        content = file("filesystem", maxthreads=100)
        self.adopted(cluster, content, mount_path="/var/lib/registry")
        deploy(cluster, storage=CLAIM, image="other:v1")
        with pytest.raises(RefusedError, match="would give up for the container itself"):
            deploy(cluster, storage={**CLAIM, "mount_path": "/registry"})
        # A variable of ours wins over a file of ours, and leads to the volume.
        deploy(cluster, storage={**CLAIM, "mount_path": "/registry"}, config={"content": content})

    def test_by_a_subpath_of_somebody_else(self, cluster):
        """It stays on the mount, whatever volume that is of: so there is nothing that could be copied."""
        deploy(cluster, storage=CLAIM)
        edited(cluster, lambda pod: mount(pod).update(subPath="a/"))
        serving(cluster)
        assert deploy(cluster, storage=CLAIM, env={"A": "b"})["workload"]["rolls"]
        other = {**CLAIM, "claim_name": "other"}
        with pytest.raises(RefusedError, match=r"kept in directory a of claim registry-claim.*copy the images first"):
            deploy(cluster, storage=other, migrate=True)

    def test_of_an_export_or_a_node_the_directory_may_be_in_either_part(self, cluster):
        nfs = {"kind": "nfs", "server": "s", "path": "/exports"}
        deploy(cluster, storage=nfs, env={ROOT: "/registry/sub"})
        serving(cluster)
        deploy(cluster, storage={**nfs, "path": "/exports/sub"}, env={ROOT: "/registry"})
        with pytest.raises(RefusedError, match="kept in NFS s:/exports/sub"):
            deploy(cluster, storage=nfs, env={ROOT: "/registry"})


class TestPlaces:
    @pytest.mark.parametrize(
        "one",
        [
            Place("persistentVolumeClaim", ("c",), inside="a/b"), Place("nfs", ("s", "/p"), inside="a"),
            Place("nfs", ("s", "/p")), OUTSIDE, Place("object", ("s3", "bucket=b")), Place("emptyDir"),
        ],
    )  # fmt: skip
    def test_a_note_is_read_as_it_was_written(self, one):
        assert place._noted({"metadata": {"annotations": {place.NOTED: one.note()}}}) == one

    def test_an_unreadable_note(self):
        assert place._noted({"metadata": {"annotations": {place.NOTED: "{"}}}) is None

    @pytest.mark.parametrize(
        ("facts", "env", "expected"),
        [
            (None, {}, None), (None, {ROOT: "/a/"}, "/a"),
            ({"filesystem": {"rootdirectory": "/b"}}, {}, "/b"),
            ({"filesystem": {"rootdirectory": "/b"}}, {ROOT: "/a"}, "/a"),
            ({"filesystem": {}}, {}, "/var/lib/registry"), ({"s3": {}}, {}, None),
        ],
    )  # fmt: skip
    def test_root(self, facts, env, expected):
        text = yaml.safe_dump({"version": 0.1, "storage": facts or {}})
        read = File(Source("Secret", "s", "k"), config.facts("config", text)) if facts else None
        variables = [{"name": name, "value": value} for name, value in env.items()]
        live = {"spec": {"template": {"spec": {"containers": [{"name": "registry", "env": variables}]}}}}
        assert place.root(live, read) == expected


def with_pods(cluster, monkeypatch, content, count=1, phase="Running"):
    """Pods of the registry, and what a look into one of them finds, and in which directory."""
    looked = []

    def of_pod(_api, _namespace, pod, container, directory, **_options):
        looked.append((pod, container, directory))
        return content

    monkeypatch.setattr(_content, "of_pod", of_pod)
    for number in range(count):
        meta = {"name": f"pod-{number}", "namespace": "default", "labels": {"docker-registry": "default"}}
        cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"phase": phase}})
    serving(cluster)
    return looked


IMAGES = Content(repositories=1, tags=1, manifests=1, layers=1, blobs=3, bytes=4096)
FIGURES = r"1 repository with 1 tag, 3 blobs, 4\.1 kB"


class TestWhatIsCounted:
    def test_a_registry_without_images_may_be_replaced(self, cluster, monkeypatch):
        deploy(cluster)
        looked = with_pods(cluster, monkeypatch, Content())
        planned = deploy(cluster, check=True, image="other:v1")
        done = deploy(cluster, image="other:v1")
        assert planned["actions"] == done["actions"]
        assert done["workload"]["rolls"]
        note = (
            "No image goes with the pod of DeploymentConfig default/docker-registry: it was looked into, and has none."
        )
        assert note in done["actions"]
        assert looked == [("pod-0", "registry", "/registry")] * 2

    @pytest.mark.parametrize(
        ("content", "pods", "words"),
        [
            (IMAGES, 1, rf"would be lost \({FIGURES}\)\. Keep"),
            (IMAGES, 2, rf"would be lost \({FIGURES}, in one of 2 pods\)\. Keep"),
            (Content(), 2, r"would be lost \(nothing is there at the moment, in one of 2 pods\)"),
            (Content(uploads=1, upload_bytes=1), 1, r"would be lost \(1 upload in progress"),
            (Content(other_files=1), 1, r"would be lost \(1 other file"),
            (Content(complete=False, reason="No time."), 1, r"would be lost \(no images seen \(No time\)\)"),
            (_content.unknown("No find."), 1, r"would be lost; what is in it is not known \(No find\)\. Keep"),
        ],
    )
    def test_all_else_is_refused(self, cluster, monkeypatch, content, pods, words):
        deploy(cluster)
        with_pods(cluster, monkeypatch, content, pods)
        with pytest.raises(RefusedError, match=words) as caught:
            deploy(cluster, image="other:v1")
        assert cluster.writes() == []
        assert "(no images)" not in caught.value.message

    def test_why_nothing_could_be_counted(self, cluster, monkeypatch):
        deploy(cluster)
        with_pods(cluster, monkeypatch, IMAGES, phase="Pending")
        with pytest.raises(RefusedError, match=r"what is in it is not known \(No pod of DeploymentConfig .* runs\)"):
            deploy(cluster, image="other:v1")

    def test_the_other_problems_stay(self, cluster, monkeypatch):
        deploy(cluster)
        with_pods(cluster, monkeypatch, Content())
        with pytest.raises(RefusedError, match="replicas") as caught:
            deploy(cluster, image="other:v1", replicas=2)
        assert [one["name"] for one in caught.value.details["guards"]] == ["replicas"]

    def test_an_empty_claim_is_refused_without_a_word_of_no_images(self, cluster, monkeypatch):
        deploy(cluster, storage=CLAIM)
        with_pods(cluster, monkeypatch, Content())
        with pytest.raises(RefusedError, match=r"would be lost \(nothing is there at the moment\)\. Keep"):
            deploy(cluster, storage={**CLAIM, "claim_name": "other"})

    def test_it_is_counted_where_the_images_are(self, cluster, monkeypatch):
        deploy(cluster, storage=CLAIM, env={ROOT: "/registry/sub"})
        looked = with_pods(cluster, monkeypatch, IMAGES)
        with pytest.raises(RefusedError, match=FIGURES):
            deploy(cluster, storage=CLAIM)
        assert looked == [("pod-0", "registry", "/registry/sub")]


class TestAbsent:
    def test_images_in_the_pods(self, cluster, monkeypatch):
        deploy(cluster)
        with_pods(cluster, monkeypatch, IMAGES)
        for check in (True, False):
            with pytest.raises(RefusedError, match=rf"kept in the pod itself .* lost \({FIGURES}\)") as caught:
                absent(cluster, check=check)
            assert [one["name"] for one in caught.value.details["guards"]] == ["volume"]
            assert cluster.writes() == []
        assert absent(cluster, allow_data_loss=True)["changed"]

    def test_images_on_no_volume(self, cluster, monkeypatch):
        deploy(cluster, storage=CLAIM, env={ROOT: "/data"})
        with_pods(cluster, monkeypatch, IMAGES, 3)
        with pytest.raises(RefusedError, match=rf"kept in the container itself .*{FIGURES}, in one of 3 pods"):
            absent(cluster)

    def test_what_is_not_known(self, cluster, monkeypatch):
        deploy(cluster)
        with_pods(cluster, monkeypatch, _content.unknown("No find."))
        with pytest.raises(RefusedError, match=r"lost; what is in it is not known \(No find\)"):
            absent(cluster)

    def test_none(self, cluster, monkeypatch):
        deploy(cluster)
        with_pods(cluster, monkeypatch, Content())
        planned = absent(cluster, check=True)
        done = absent(cluster)
        assert planned["actions"] == done["actions"]
        assert "No image goes with the pod of" in done["actions"][0]
        assert workload(cluster) is None

    @pytest.mark.parametrize("storage", [CLAIM, {"kind": "s3", "parameters": {"region": "r", "bucket": "b"}}])
    def test_images_that_outlive_the_pods(self, cluster, monkeypatch, storage):
        deploy(cluster, storage=storage)
        assert with_pods(cluster, monkeypatch, IMAGES) == []
        assert absent(cluster)["changed"]

    def test_one_that_never_served(self, cluster):
        deploy(cluster)
        assert absent(cluster)["changed"]

    def test_one_that_becomes_ephemeral_while_it_is_taken_away(self, cluster, monkeypatch):
        deploy(cluster, storage=CLAIM)
        with_pods(cluster, monkeypatch, IMAGES)

        def change():
            edited(cluster, lambda pod: pod.update(volumes=[{"name": "registry-storage", "emptyDir": {}}]))

        send = cluster.send

        def sent(method, url, body, content_type):
            if method == "DELETE" and "deploymentconfigs" in url and workload(cluster)["spec"] == spec:
                change()
            return send(method, url, body, content_type)

        spec = workload(cluster)["spec"]
        cluster.send = sent
        with pytest.raises(RefusedError, match="kept in the pod itself"):
            absent(cluster)
        assert workload(cluster)


def between(cluster, change):
    """Somebody writes just before the workload is written."""
    send, done = cluster.send, []

    def sent(method, url, body, content_type):
        if method in ("PATCH", "POST") and "deploymentconfigs" in url and not done:
            done.append(True)
            change()
        return send(method, url, body, content_type)

    cluster.send = sent


class TestSomebodyWritesInBetween:
    def test_what_was_not_judged_is_judged_before_the_second_try(self, cluster):
        deploy(cluster, storage={"kind": "nfs", "server": "s", "path": "/p"})
        serving(cluster)
        edited(cluster, lambda pod: pod["volumes"].append({"name": "x", "emptyDir": {}}))

        def change():
            nfs = {"name": "registry-storage", "persistentVolumeClaim": {"claimName": "registry-claim"}}
            edited(cluster, lambda pod: pod.update(volumes=[nfs, *pod["volumes"][1:]]))

        between(cluster, change)
        with pytest.raises(RefusedError, match=r"changed by somebody else .* in claim registry-claim") as caught:
            deploy(cluster, storage={"kind": "nfs", "server": "s", "path": "/p"}, image="other:v1")
        assert [one["name"] for one in caught.value.details["guards"]] == ["volume"]
        assert "registry-claim" in str(workload(cluster))
        assert "other:v1" not in str(workload(cluster))

    def test_one_that_was_made_in_between(self, cluster):
        other = ready_cluster()
        other.put(claim())
        deploy(other, storage=CLAIM)
        serving(other)
        between(cluster, lambda: cluster.put(workload(other)))
        with pytest.raises(RefusedError, match="kept in claim registry-claim, which the pod would give up for NFS"):
            deploy(cluster, storage={"kind": "nfs", "server": "s", "path": "/p"})

    def test_a_status_is_nothing_to_judge(self, cluster, monkeypatch):
        deploy(cluster)
        serving(cluster)

        def change():
            serving(cluster, version=7)
            monkeypatch.setattr(_guards, "guard", None)

        between(cluster, change)
        assert deploy(cluster, image="other:v1", allow_data_loss=True)["changed"]

    def test_a_change_that_loses_nothing(self, cluster):
        deploy(cluster, storage=CLAIM)
        serving(cluster)
        between(cluster, lambda: edited(cluster, lambda pod: pod.update(dnsPolicy="Default")))
        assert deploy(cluster, storage=CLAIM, image="other:v1")["changed"]
        assert workload(cluster)["spec"]["template"]["spec"]["dnsPolicy"] == "Default"

    def test_images_that_are_to_be_taken_along(self, cluster):
        deploy(cluster, storage=CLAIM)
        serving(cluster)

        def change():
            volume = {"name": "registry-storage", "persistentVolumeClaim": {"claimName": "other"}}
            edited(cluster, lambda pod: pod.update(volumes=[volume, *pod["volumes"][1:]]))

        between(cluster, change)
        with pytest.raises(RefusedError, match="have been copied is looked at anew: run again"):
            deploy(cluster, storage=CLAIM, image="other:v1", migrate=True)
        assert "claimName': 'other'" in str(workload(cluster))


class TestAProbeThatFails:
    @pytest.fixture
    def cluster(self):
        return full_cluster()

    @pytest.fixture(autouse=True)
    def failing(self, monkeypatch):
        def probe(*_args, **_options):
            raise RefusedError("It cannot be written to.", step="mkdir")

        monkeypatch.setattr(_probe, "probe", probe)

    def test_nothing_is_left_but_the_account(self, cluster):
        before = {path: obj for path, obj in cluster.objects.items() if "Security" not in obj["kind"]}
        with pytest.raises(RefusedError, match="cannot be written to") as caught:
            deploy(cluster, storage=STORAGES["host-path"], probe_storage=True, cluster_role="system:registry")
        assert [one["name"] for one in caught.value.details["guards"]] == ["probe"]
        assert privileged(cluster)["users"] == ["system:admin"]
        left = {path: obj for path, obj in cluster.objects.items() if "Security" not in obj["kind"]}
        assert [obj["kind"] for path, obj in left.items() if path not in before] == ["ServiceAccount"]

    def test_what_pods_read_is_as_it_was(self, cluster):
        options = {"pod_disruption_budget": None, "config": None}
        deploy(cluster, storage=STORAGES["s3"], **options)
        before = dict(cluster.objects)
        with pytest.raises(RefusedError):
            deploy(
                cluster, storage=STORAGES["nfs"], allow_data_loss=True, probe_storage=True,
                egress_proxy={"http": "http://x:1", "https": None, "no_proxy": []},
            )  # fmt: skip
        assert cluster.objects == before

    @pytest.mark.parametrize("name", ["new-claim", "nfs-options"])
    def test_a_claim_that_was_made_for_it(self, cluster, name):
        before = set(cluster.objects)
        with pytest.raises(RefusedError):
            deploy(cluster, storage=STORAGES[name], probe_storage=True)
        assert {cluster.objects[path]["kind"] for path in set(cluster.objects) - before} == {"ServiceAccount"}

    def test_a_claim_that_is_bound_by_then_stays(self, cluster, monkeypatch):
        def probe(*_args, **_options):
            made = cluster.find("v1", "PersistentVolumeClaim", "docker-registry-storage")
            cluster.put({**made, "status": {"phase": "Bound"}})
            raise RefusedError("It cannot be written to.", step="mkdir")

        monkeypatch.setattr(_probe, "probe", probe)
        with pytest.raises(RefusedError, match="docker-registry-storage stays: it is bound"):
            deploy(cluster, storage=STORAGES["new-claim"], probe_storage=True)
        assert cluster.find("v1", "PersistentVolumeClaim", "docker-registry-storage")

    def test_an_entry_that_was_there_before_comes_back(self, cluster):
        other = {**STORAGES["host-path"], "path": "/other"}
        deploy(cluster, storage=STORAGES["host-path"])
        options = {"storage": other, "allow_data_loss": True, "probe_storage": True}
        with pytest.raises(RefusedError):
            deploy(cluster, **options)
        assert privileged(cluster)["users"] == ["system:admin", REGISTRY]
        with pytest.raises(RefusedError):
            deploy(cluster, service_account="another", **options)
        assert privileged(cluster)["users"] == ["system:admin", REGISTRY]

    def test_a_fault_takes_it_back_too(self, cluster, monkeypatch):
        def probe(*_args, **_options):
            raise ForbiddenError("no jobs", status=403)

        monkeypatch.setattr(_probe, "probe", probe)
        with pytest.raises(ForbiddenError):
            deploy(cluster, storage=STORAGES["host-path"], probe_storage=True)
        assert privileged(cluster)["users"] == ["system:admin"]

    def test_one_that_does_not_count(self, cluster):
        result = deploy(cluster, storage=STORAGES["host-path"], probe_storage=True, ignore_guards=["probe"])
        assert [one["name"] for one in result["guards"]] == ["probe"]
        assert REGISTRY in privileged(cluster)["users"]


def node(name, **labels):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


class TestADirectoryOfOneNode:
    STORAGE = {"kind": "host_path", "path": "/data"}

    @pytest.mark.parametrize(
        ("selector", "words"),
        [
            ({"disk": "big"}, r"node_selector \(disk=big\) leads to 2 nodes \(n1, n2\)"),
            ({"disk": "none"}, r"leads to no node\. A pod that starts on another node"),
        ],
    )
    def test_a_selector_that_leads_elsewhere(self, selector, words):
        cluster = full_cluster()
        for name in ("n1", "n2"):
            cluster.put(node(name, disk="big"))
        with pytest.raises(RefusedError, match=words) as caught:
            deploy(cluster, storage=self.STORAGE, node_selector=selector)
        assert [one["name"] for one in caught.value.details["guards"]] == ["node"]
        assert cluster.writes() == []
        result = deploy(cluster, storage=self.STORAGE, node_selector=selector, ignore_guards=["node"])
        assert [one["name"] for one in result["guards"]] == ["node"]

    def test_a_selector_that_leads_to_one(self):
        cluster = full_cluster()
        cluster.put(node("n1", disk="big"))
        cluster.put(node("n2", disk="small"))
        assert deploy(cluster, storage=self.STORAGE, node_selector={"disk": "big"})["guards"] == []

    def test_one_that_somebody_has_pinned(self):
        cluster = full_cluster()
        cluster.put(node("n1", disk="big"))
        deploy(cluster, storage=self.STORAGE, node_selector={"disk": "big"})
        cluster.put(node("n2", disk="big"))
        edited(cluster, lambda pod: pod["nodeSelector"].update({"kubernetes.io/hostname": "n1"}))
        deploy(cluster, storage=self.STORAGE, node_selector={"disk": "big"})

    @pytest.mark.parametrize(
        "more",
        [
            {"storage": {**STORAGE, "node": "n1"}},
            {"storage": STORAGE, "node_selector": {"kubernetes.io/hostname": "n1"}},
        ],
    )
    def test_pinned_without_a_look_at_nodes(self, more):
        cluster = full_cluster()
        deploy(cluster, **more)
        assert not [path for _method, path in cluster.requests if "nodes" in path]

    def test_a_daemon_set_has_it_on_every_node(self):
        cluster = full_cluster()
        deploy(
            cluster, kind="DaemonSet", storage=self.STORAGE, node_selector={"a": "b"}, ignore_guards=["replicas"]
        )  # fmt: skip

    def test_somebody_who_may_not_list_nodes(self, monkeypatch):
        cluster = full_cluster()
        listed = type(cluster.api()).list

        def guarded(self, api_version, kind, *args, **options):
            if kind == "Node":
                raise ForbiddenError("no", status=403)
            return listed(self, api_version, kind, *args, **options)

        monkeypatch.setattr(type(cluster.api()), "list", guarded)
        with pytest.raises(RefusedError, match=r"may lead to several nodes: .* you may not list nodes"):
            deploy(cluster, storage=self.STORAGE, node_selector={"a": "b"})


class TestGroupsOfThePod:
    def with_context(self, cluster, **context):
        deploy(cluster, storage=CLAIM)
        edited(cluster, lambda pod: pod.update(securityContext=context))
        serving(cluster)

    @pytest.mark.parametrize(
        ("context", "options", "words"),
        [
            ({"fsGroup": 1001}, {"supplemental_groups": [2000]}, r"fs_group \(1001\) and supplemental_groups \(2000\)"),
            ({"supplementalGroups": [7]}, {"fs_group": 5}, r"fs_group \(5\) and supplemental_groups \(7\)"),
            ({"supplementalGroups": [0]}, {"supplemental_groups": [2000]}, r"has the group 0 \(root\)"),
        ],
    )
    def test_with_what_others_have_set(self, cluster, context, options, words):
        self.with_context(cluster, **context)
        with pytest.raises(RefusedError, match=words) as caught:
            deploy(cluster, storage=CLAIM, **options)
        assert {one["name"] for one in caught.value.details["guards"]} == {"groups"}
        deploy(cluster, storage=CLAIM, ignore_guards=["groups"], **options)
        assert not deploy(cluster, storage=CLAIM, **options)["changed"]

    def test_what_is_not_changed_is_not_judged(self, cluster):
        self.with_context(cluster, fsGroup=1001, supplementalGroups=[0])
        assert deploy(cluster, storage=CLAIM, image="other:v1")["guards"] == []

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would lose pushed images although the volume stays, and what would lose none although it looks so."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import place
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import File, Source
from ansible_collections.okd.registry.plugins.module_utils._build.place import OUTSIDE, Place
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from test_config_place import config_map, file
from test_deploy import claim, deploy, ready_cluster, serving, workload

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
        with pytest.raises(RefusedError, match="kept in directory sub of claim registry-claim.*copy the images first"):
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
            ({"filesystem": {"rootdirectory": "/b"}}, {}, "/b"), ({"filesystem": {"rootdirectory": "/b"}}, {ROOT: "/a"}, "/a"),
            ({"filesystem": {}}, {}, "/var/lib/registry"), ({"s3": {}}, {}, None),
        ],
    )  # fmt: skip
    def test_root(self, facts, env, expected):
        from ansible_collections.okd.registry.plugins.module_utils._build.config import facts as parse

        text = yaml.safe_dump({"version": 0.1, "storage": facts or {}})
        read = File(Source("Secret", "s", "k"), parse("config", text)) if facts else None
        variables = [{"name": name, "value": value} for name, value in env.items()]
        live = {"spec": {"template": {"spec": {"containers": [{"name": "registry", "env": variables}]}}}}
        assert place.root(live, read) == expected

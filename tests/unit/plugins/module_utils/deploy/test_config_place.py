# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images are, when only a configuration file says so."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import configfile
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import Source
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, RefusedError
from test_deploy import claim, deploy, ready_cluster, secret, serving, workload


def file(driver="s3", **parameters):
    return {"version": 0.1, "storage": {driver: parameters}}


BUCKET = {"bucket": "images", "region": "r", "secretkey": "hidden-key"}
FILE = file(**BUCKET)


@pytest.fixture
def cluster():
    return ready_cluster()


def config_map(content, name="mine"):
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"config.yml": yaml.safe_dump(content)}}


def given(cluster, how, content):
    """The option, with the object that it names."""
    if how == "secret":
        cluster.put(secret("mine", config__yml=yaml.safe_dump(content).encode()))
    if how == "config_map":
        cluster.put(config_map(content))
    return {"content": content} if how == "content" else {how: "mine"}


HOW = pytest.mark.parametrize("how", ["content", "secret", "config_map"])


class TestABucketThatOnlyTheFileNames:
    @HOW
    def test_other_changes_leave_images_where_they_are(self, cluster, how):
        config = given(cluster, how, FILE)
        deploy(cluster, config=config)
        serving(cluster, version=2)
        result = deploy(cluster, config=config, env={"REGISTRY_LOG_LEVEL": "debug"}, image="other:v1")
        assert result["workload"]["rolls"]
        assert result["registry"]["storage"]["kind"] == "s3"
        assert result["registry"]["storage"]["source"] == {"bucket": "images"}

    def test_a_change_in_the_file_that_is_none_of_the_place(self, cluster):
        deploy(cluster, config={"content": FILE})
        serving(cluster, version=2)
        other = file(**{**BUCKET, "secretkey": "hidden-other", "region": "r2"})
        assert deploy(cluster, config={"content": other})["workload"]["rolls"]

    @pytest.mark.parametrize(
        ("other", "words"),
        [
            (file(**{**BUCKET, "bucket": "b2"}), r"would give up for s3 storage \(bucket=b2\)"),
            (file("gcs", bucket="images"), r"would give up for gcs storage \(bucket=images\)"),
            (file("filesystem", rootdirectory="/registry"), "would give up for ephemeral"),
        ],
    )
    def test_another_place_in_the_file(self, cluster, other, words):
        deploy(cluster, config={"content": FILE})
        serving(cluster, version=2)
        with pytest.raises(RefusedError, match=rf"kept in s3 storage \(bucket=images\), which the pod {words}") as seen:
            deploy(cluster, config={"content": other})
        assert "hidden" not in str(seen.value.message)
        assert cluster.writes() == []
        deploy(cluster, config={"content": other}, allow_data_loss=True)

    @pytest.mark.parametrize("how", ["secret", "config_map"])
    @pytest.mark.parametrize(
        "other", [file(**{**BUCKET, "bucket": "b2"}), file("filesystem", rootdirectory="/registry")], ids=["s3", "fs"]
    )
    def test_another_place_that_the_user_has_written_into_the_object_itself(self, cluster, how, other):
        config = given(cluster, how, FILE)
        deploy(cluster, config=config)
        serving(cluster, version=2)
        assert not deploy(cluster, config=config)["changed"]
        given(cluster, how, other)
        for more in ({}, {"image": "other:v1"}):
            with pytest.raises(RefusedError, match=r"kept in s3 storage \(bucket=images\), which the pod would"):
                deploy(cluster, config=config, **more)
        assert cluster.writes() == []
        deploy(cluster, config=config, allow_data_loss=True)
        serving(cluster, version=3)
        assert not deploy(cluster, config=config)["changed"]

    def test_a_place_that_the_user_has_written_into_the_secret_of_the_parameters(self, cluster):
        values = {name: value.encode() for name, value in BUCKET.items()}
        cluster.put(secret("bucket", **values))
        storage = {"kind": "s3", "secret_name": "bucket"}
        deploy(cluster, storage=storage)
        serving(cluster, version=2)
        cluster.put(secret("bucket", **{**values, "bucket": b"b2"}))
        with pytest.raises(RefusedError, match=r"kept in s3 storage \(bucket=images\), .* for s3 .*\(bucket=b2"):
            deploy(cluster, storage=storage)

    def test_without_the_file(self, cluster):
        deploy(cluster, config={"content": FILE})
        serving(cluster, version=2)
        with pytest.raises(RefusedError, match=r"kept in s3 storage \(bucket=images\)"):
            deploy(cluster)

    def test_from_a_claim_to_a_bucket(self, cluster):
        cluster.put(claim())
        deploy(cluster, storage={"kind": "pvc", "claim_name": "registry-claim"})
        serving(cluster)
        with pytest.raises(RefusedError, match=r"claim registry-claim, which the pod would give up for s3 storage"):
            deploy(cluster, config={"content": FILE})

    def test_a_variable_wins_over_the_file(self, cluster):
        env = {"REGISTRY_STORAGE_S3_BUCKET": "b2"}
        deploy(cluster, config={"content": FILE}, env=env)
        serving(cluster, version=2)
        with pytest.raises(RefusedError, match=r"s3 storage \(bucket=b2\), .* for s3 storage \(bucket=images\)"):
            deploy(cluster, config={"content": FILE})
        deploy(cluster, config={"content": file(**{**BUCKET, "bucket": "b2"})})

    def test_from_the_file_to_the_option(self, cluster):
        deploy(cluster, config={"content": FILE})
        serving(cluster, version=2)
        deploy(cluster, storage={"kind": "s3", "parameters": BUCKET})

    def test_an_ephemeral_registry_with_a_file(self, cluster):
        config = {"content": file("filesystem", rootdirectory="/registry")}
        deploy(cluster, config=config)
        serving(cluster, version=2)
        with pytest.raises(RefusedError, match="emptyDir"):
            deploy(cluster, config=config, image="other:v1")


class TestAFileThatCannotBeRead:
    def adopted(self, cluster, content=FILE):
        """A registry that somebody else gave a file."""
        cluster.put(config_map(content, "theirs"))
        deploy(cluster)
        serving(cluster, version=2)
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        spec = live["spec"]["template"]["spec"]
        spec["volumes"].append({"name": "conf", "configMap": {"name": "theirs"}})
        spec["containers"][0]["volumeMounts"].append({"name": "conf", "mountPath": "/etc/docker/registry"})
        spec["containers"][0]["env"].append(
            {"name": "REGISTRY_CONFIGURATION_PATH", "value": "/etc/docker/registry/config.yml"}
        )
        cluster.put(live)

    def test_one_that_can(self, cluster):
        self.adopted(cluster)
        assert deploy(cluster, image="other:v1")["workload"]["rolls"]

    @pytest.mark.parametrize("content", [None, {"no": "configuration"}])
    def test_changes_that_do_not_touch_it(self, cluster, content):
        self.adopted(cluster, content or FILE)
        if not content:
            del cluster.objects["/api/v1/namespaces/default/configmaps/theirs"]
        assert deploy(cluster, image="other:v1")["workload"]["rolls"]

    def test_one_that_nobody_lets_us_read(self, cluster, monkeypatch):
        self.adopted(cluster)
        api = type(cluster.api())
        get = api.get

        def guarded(self, ref, *args, **kwargs):
            if ref.name == "theirs":
                raise ForbiddenError("no", status=403)
            return get(self, ref, *args, **kwargs)

        monkeypatch.setattr(api, "get", guarded)
        assert deploy(cluster, image="other:v1")["workload"]["rolls"]

    def test_a_change_of_it(self, cluster):
        self.adopted(cluster, {"no": "configuration"})
        with pytest.raises(RefusedError, match=r"the configuration file in ConfigMap theirs names \(which cannot"):
            deploy(cluster, config={"content": FILE})

    def test_a_claim_beside_it_still_counts(self, cluster):
        cluster.put(claim())
        cluster.put(claim("other"))
        self.adopted(cluster, {"no": "configuration"})
        live = workload(cluster)
        live["spec"]["template"]["spec"]["volumes"][0] = {
            "name": "registry-storage", "persistentVolumeClaim": {"claimName": "registry-claim"},
        }  # fmt: skip
        cluster.put(live)
        with pytest.raises(RefusedError, match="claim registry-claim, which the pod would give up for claim other"):
            deploy(cluster, storage={"kind": "pvc", "claim_name": "other"})

    def test_one_that_an_earlier_task_is_going_to_make(self, cluster):
        deploy(cluster, config={"content": FILE})
        serving(cluster, version=2)
        deploy(cluster, check=True, config={"secret": "later"})


class TestWhichFile:
    def live(self, *, volumes, mounts, **container):
        mounts = [{"name": name, "mountPath": path, **more} for name, path, more in mounts]
        spec = {"containers": [{"name": "registry", "volumeMounts": mounts, **container}], "volumes": volumes}
        return {"spec": {"template": {"spec": spec}}}

    @pytest.mark.parametrize(
        ("container", "mount", "source", "expected"),
        [
            ({}, ("/etc/docker/registry", {}), {"secret": {"secretName": "s"}}, Source("Secret", "s", "config.yml")),
            ({"args": ["serve", "/c/my.yml"]}, ("/c/", {}), {"configMap": {"name": "m"}},
             Source("ConfigMap", "m", "my.yml")),
            ({}, ("/config.yml", {"subPath": "a.yml"}), {"configMap": {"name": "m"}},
             Source("ConfigMap", "m", "a.yml")),
            ({}, ("/etc/registry", {}), {"secret": {"secretName": "s", "items": [{"key": "k", "path": "config.yml"}]}},
             Source("Secret", "s", "k")),
            ({}, ("/etc/registry", {}), {"secret": {"secretName": "s", "items": [{"key": "k", "path": "x"}]}},
             Source("Secret", "s", "")),
            ({"env": [{"name": "REGISTRY_CONFIGURATION_PATH", "value": "/c/d/e.yml"}]}, ("/c", {}), {"emptyDir": {}},
             Source("emptyDir volume", "v", "d/e.yml")),
            ({"args": ["/other/my.yml"]}, ("/etc/docker/registry", {}), {"secret": {"secretName": "s"}}, None),
            ({}, ("/etc/docker/registry/certs", {}), {"secret": {"secretName": "s"}}, None),
        ],
    )  # fmt: skip
    def test_it(self, container, mount, source, expected):
        live = self.live(volumes=[{"name": "v", **source}], mounts=[("v", *mount)], **container)
        assert configfile.source(live) == expected

    def test_none(self):
        assert configfile.source(None) is None

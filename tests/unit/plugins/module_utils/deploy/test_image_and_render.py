# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images by component and version, and a registry's objects without a cluster."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _image, _render
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

IMAGE = "registry.example.com/openshift3/ose-${component}:${version}"
DEFAULTS = {
    "name": "docker-registry", "namespace": "default", "route_host": None, "extra_hosts": [], "port": 5000,
    "cluster_domain": "cluster.local", "state": "rendered", "kind": "auto", "image": IMAGE, "replicas": None,
    "labels": None, "selector": None, "service_account": "registry", "cluster_role": None, "storage": None,
    "allow_data_loss": False, "ignore_guards": [], "tls_secret": "registry-secret", "tls_mount_path": "/etc/secrets",
    "image_version": "v3.11", "latest_images": False, "image_component": "docker-registry",
}  # fmt: skip


class Cluster:
    """What _image asks."""

    def __init__(self, version=None):
        self.version, self.asked = version, 0

    def openshift_version(self):
        self.asked += 1
        return self.version


def named(image=IMAGE, cluster=None, **params):
    naming = _image.Naming.from_params({"image": image, **params})
    return _image.full(_image.checked("image", image), naming, cluster or Cluster())


class TestImage:
    @pytest.mark.parametrize(
        ("said", "tag"),
        [
            ("v3.11.0+bf985b1-399", "v3.11.0"), ("v3.0.0.1", "v3.0.0.1"), ("v3.9.0-alpha.4+1234", "v3.9.0-alpha.4"),
            ("v1.5.1+7b451fc", "v1.5.1"),
        ],
    )  # fmt: skip
    def test_the_clusters_version(self, said, tag):
        assert named(cluster=Cluster(said)) == f"registry.example.com/openshift3/ose-docker-registry:{tag}"

    def test_the_cluster_is_asked_only_where_that_is_needed(self):
        cluster = Cluster("v3.11.0")
        assert named("a/${component}:1", cluster, image_component="x") == "a/x:1"
        assert named(IMAGE, cluster, image_version="v3.6").endswith(":v3.6")
        assert named(IMAGE, cluster, latest_images=True).endswith(":latest")
        assert cluster.asked == 0

    @pytest.mark.parametrize("version", [None, "", "unknown"])
    def test_a_cluster_that_does_not_tell(self, version):
        with pytest.raises(OptionError, match=r"only OpenShift 3 does\): set image_version, or latest_images: true"):
            named(cluster=Cluster(version))

    @pytest.mark.parametrize(
        ("image", "params", "said"),
        [
            ("a:${Version}", {}, "has a '$' that begins neither"), ("a:$version", {}, "has a '$'"),
            ("a:${version", {}, "has a '$'"), ("a b", {}, "is not the name of an image"),
            (IMAGE, {"image_version": "a:b"}, "image_version: 'a:b' is no tag"),
            (IMAGE, {"image_component": "${version}"}, "image_component: '${version}' is no part"),
            (IMAGE, {"image_version": "v3", "latest_images": True}, "latest_images: True has no place beside"),
            ("a:1", {"image_version": "v3"}, "image_version: 'v3' has no place, since image does not have"),
        ],
    )  # fmt: skip
    def test_refused(self, image, params, said):
        with pytest.raises(OptionError) as caught:
            named(image, **params)
        assert said in str(caught.value)


def rendered(**params):
    return _render.run({**DEFAULTS, **params})


def kinds(result):
    return [one["kind"] for one in result["objects"]]


class TestRendered:
    def test_what_oadm_prints_and_what_goes_with_it(self):
        result = rendered(pod_disruption_budget={"min_available": 1}, replicas=2, ignore_guards=["replicas"])
        assert kinds(result) == [
            "Secret", "ServiceAccount", "Secret", "ClusterRoleBinding", "PodDisruptionBudget",
            "DeploymentConfig", "Service",
        ]  # fmt: skip
        assert yaml.safe_load(yaml.safe_dump(result["objects"])) == result["objects"]
        assert (result["changed"], result["actions"], result["resources"], result["workload"]) == (False, [], [], None)
        assert set(result["api_requests"].values()) == {0}
        config = result["objects"][-2]
        container = config["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == "registry.example.com/openshift3/ose-docker-registry:v3.11"
        assert result["objects"][-1]["spec"]["ports"][0]["port"] == 5000

    def test_secrets_have_no_values(self):
        found = [one for one in rendered()["objects"] if one["kind"] == "Secret"]
        assert [one["metadata"]["name"] for one in found] == ["registry-secret", "docker-registry-http-secret"]
        assert {value for one in found for value in one["data"].values()} == {"(known after apply)"}

    def test_is_the_same_each_time(self):
        assert json.dumps(rendered()["objects"]) == json.dumps(rendered()["objects"])

    @pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
    def test_other_kinds(self, kind):
        assert kind in kinds(rendered(kind=kind, ignore_guards=["replicas"]))

    def test_without_a_certificate_and_without_a_role(self):
        assert kinds(rendered(tls_secret=None, cluster_role="")) == [
            "ServiceAccount", "Secret", "DeploymentConfig", "Service",
        ]  # fmt: skip

    def test_no_cluster_can_tell_the_version(self):
        with pytest.raises(OptionError, match="set image_version"):
            rendered(image_version=None)

    def test_guards_hold(self):
        with pytest.raises(Exception, match="port 443 is below 1024"):
            rendered(port=443)

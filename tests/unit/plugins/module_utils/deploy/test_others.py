# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have set in a workload, and nobody has asked for otherwise: it stays, and the rest follows from it."""

from __future__ import annotations

import copy

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._model import ServiceSpec
from memory_cluster import KUBERNETES
from test_deploy import claim, deploy, ready_cluster, secret, settle, workload

STORAGE = {"kind": "pvc", "claim_name": "registry-claim"}
CERTIFICATE = "REGISTRY_HTTP_TLS_CERTIFICATE"
PROBES = ("livenessProbe", "readinessProbe")


@pytest.fixture
def cluster():
    made = ready_cluster()
    made.put(claim())
    deploy(made, storage=STORAGE)
    settle(made)
    return made


def adopted(cluster, change, kind="DeploymentConfig"):
    """The registry as if others had made it, and changed so."""
    live = workload(cluster, kind)
    live["metadata"]["annotations"] = {}
    change(live)
    cluster.put(live)
    settle(cluster, kind)


def container(cluster):
    return layout.container(workload(cluster))


def schemes(cluster):
    return {container(cluster)[probe]["httpGet"]["scheme"] for probe in PROBES}


class TestTls:
    """The probes speak what the registry serves, whoever made it serve that."""

    def test_by_variables_of_others(self, cluster):
        adopted(cluster, lambda _live: None)
        deploy(cluster, storage=STORAGE, tls_secret=None, env={"REGISTRY_LOG_LEVEL": "debug"})
        assert CERTIFICATE in layout.env(workload(cluster))
        assert schemes(cluster) == {"HTTPS"}
        assert not deploy(cluster, storage=STORAGE, tls_secret=None, env={"REGISTRY_LOG_LEVEL": "debug"})["changed"]

    def test_by_a_variable_of_the_user(self, cluster):
        deploy(cluster, storage=STORAGE, tls_secret=None, env={CERTIFICATE: "/certs/tls.crt"})
        assert schemes(cluster) == {"HTTPS"}
        deploy(cluster, storage=STORAGE, tls_secret=None)
        assert schemes(cluster) == {"HTTP"}

    def test_not_where_the_user_takes_the_variable_away(self, cluster):
        adopted(cluster, lambda _live: None)
        deploy(cluster, storage=STORAGE, tls_secret=None, env={CERTIFICATE: None})
        assert schemes(cluster) == {"HTTP"}

    def test_by_a_file_of_others(self, cluster):
        file = {"version": 0.1, "http": {"tls": {"certificate": "/c", "key": "/k"}}, "storage": {"filesystem": {}}}
        meta = {"name": "theirs", "namespace": "default"}
        data = {"config.yml": yaml.safe_dump(file)}
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})

        def mounts(live):
            pod = live["spec"]["template"]["spec"]
            pod["volumes"].append({"name": "conf", "configMap": {"name": "theirs"}})
            pod["containers"][0]["volumeMounts"].append({"name": "conf", "mountPath": "/etc/docker/registry"})
            pod["containers"][0]["env"] = [e for e in pod["containers"][0]["env"] if "TLS" not in e["name"]]

        adopted(cluster, mounts)
        deploy(cluster, storage=STORAGE, tls_secret=None, image="other:v1")
        assert schemes(cluster) == {"HTTPS"}

    def test_another_address_is_for_the_option_port(self, cluster):
        with pytest.raises(OptionError, match=r"env\.REGISTRY_HTTP_ADDR: ':8443' does not fit port 5000"):
            deploy(cluster, env={"REGISTRY_HTTP_ADDR": ":8443"})
        deploy(cluster, storage=STORAGE, env={"REGISTRY_HTTP_ADDR": "0.0.0.0:5000"})


class TestNumbers:
    def test_pods_that_somebody_has_scaled(self, cluster):
        def scaled(live):
            live["spec"]["replicas"] = 3

        adopted(cluster, scaled)
        assert "spec.replicas" not in str(deploy(cluster, storage=STORAGE)["diff"])
        assert workload(cluster)["spec"]["replicas"] == 3
        live = workload(cluster)
        live["spec"]["replicas"] = 2  # later, when it is ours
        cluster.put(live)
        deploy(cluster, storage=STORAGE)
        assert workload(cluster)["spec"]["replicas"] == 2
        deploy(cluster, storage=STORAGE, replicas=1)
        assert workload(cluster)["spec"]["replicas"] == 1

    def test_none_at_all_is_one(self, cluster):
        live = workload(cluster)
        live["spec"]["replicas"] = 0
        cluster.put(live)
        deploy(cluster, storage=STORAGE)
        assert workload(cluster)["spec"]["replicas"] == 1

    def test_the_guards_know_of_them(self, cluster):
        live = workload(cluster)
        live["spec"]["replicas"] = 3
        cluster.put(live)
        cluster.put(claim(modes=("ReadWriteOnce",)))
        with pytest.raises(RefusedError, match="With 3 replicas"):
            deploy(cluster, storage=STORAGE)

    def test_resources(self, cluster):
        large = {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}}

        def grown(live):
            live["spec"]["template"]["spec"]["containers"][0]["resources"] = copy.deepcopy(large)

        adopted(cluster, grown)
        deploy(cluster, storage=STORAGE)
        assert container(cluster)["resources"] == large
        deploy(cluster, storage=STORAGE, resources={"requests": {"cpu": "1"}})
        assert container(cluster)["resources"]["requests"] == {"cpu": "1"}
        deploy(cluster, storage=STORAGE)
        assert container(cluster)["resources"]["requests"] == {"cpu": "100m", "memory": "256Mi"}

    def test_when_probes_ask(self, cluster):
        def slower(live):
            one = live["spec"]["template"]["spec"]["containers"][0]
            one["livenessProbe"] |= {"initialDelaySeconds": 60, "timeoutSeconds": 30}
            one["readinessProbe"] |= {"periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1}

        adopted(cluster, slower)
        deploy(cluster, storage=STORAGE)
        live, ready = (container(cluster)[probe] for probe in PROBES)
        assert (live["initialDelaySeconds"], live["timeoutSeconds"]) == (60, 30)
        # What the API fills in is nobody's wish.
        assert (ready["periodSeconds"], ready["failureThreshold"], ready["timeoutSeconds"]) == (3, 10, 5)
        assert not deploy(cluster, storage=STORAGE)["changed"]


class TestTwoInOneNamespace:
    def test_each_has_its_own_pods(self):
        cluster = ready_cluster()
        deploy(cluster)
        deploy(cluster, name="second")
        one, two = workload(cluster), cluster.find("apps.openshift.io/v1", "DeploymentConfig", "second")
        assert one["spec"]["selector"] == {"docker-registry": "default"}
        for selects, other in ((one, two), (two, one)):
            labels = other["spec"]["template"]["metadata"]["labels"]
            assert not selects["spec"]["selector"].items() <= labels.items()

    def test_so_have_their_services(self):
        params = {"namespace": "default", "labels": None}
        one, two = (ServiceSpec.from_params({**params, "name": name}) for name in ("docker-registry", "second"))
        assert (one.labels, two.labels) == ({"docker-registry": "default"}, {"second": "default"})


class TestWhatPodsReadAtTheirStart:
    def test_an_http_secret_changed_in_place(self, cluster):
        name = "docker-registry-http-secret"
        cluster.put({**cluster.find("v1", "Secret", name), "data": secret(**{"http-secret": b"x" * 44})["data"]})
        assert deploy(cluster, storage=STORAGE)["workload"]["rolls"]
        assert "xxxx" not in str(workload(cluster))

    def test_a_short_one_is_not_even_hashed(self, cluster):
        name = "docker-registry-http-secret"
        for value in (b"short", b"other"):
            cluster.put({**cluster.find("v1", "Secret", name), "data": secret(**{"http-secret": value})["data"]})
            deploy(cluster, storage=STORAGE)
        assert not deploy(cluster, storage=STORAGE)["changed"]

    def test_the_api_server_of_a_registry_that_is_told_it_is_not_asked_through_the_proxy(self, cluster):
        proxy = {"http": "http://proxy:3128", "https": None, "no_proxy": []}

        def told(live):
            entry = {"name": "OPENSHIFT_MASTER", "value": "https://master.example.com:8443"}
            live["spec"]["template"]["spec"]["containers"][0]["env"].append(entry)

        adopted(cluster, told)
        deploy(cluster, storage=STORAGE, egress_proxy=proxy)
        assert "master.example.com" in layout.env(workload(cluster))["NO_PROXY"]["value"].split(",")


def test_a_deployment_that_selects_by_expressions_alone_is_refused_in_words():
    cluster = ready_cluster(KUBERNETES)
    deploy(cluster, storage={"kind": "ephemeral"})
    live = workload(cluster, "Deployment")
    live["spec"]["selector"] = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    cluster.put(live)
    with pytest.raises(RefusedError, match="matchExpressions alone"):
        deploy(cluster, storage={"kind": "ephemeral"}, allow_data_loss=True)

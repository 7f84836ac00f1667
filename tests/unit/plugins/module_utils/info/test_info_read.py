# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_info tells of a cluster of which some cannot be read, and of registries that others have made."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _pem
from ansible_collections.okd.registry.plugins.module_utils._errors import ServerError
from ansible_collections.okd.registry.plugins.module_utils._info import _addresses, execute
from certifying import signer
from memory_cluster import OPENSHIFT_3
from partly import LABELS, NAME, Partly, mounted

PARAMS = {
    "name": "docker-registry", "namespace": "default", "port": 5000, "cluster_domain": "cluster.local",
    "cluster_ip": None, "route_host": None, "extra_hosts": [], "query": None, "logs": None, "gather_subset": [],
    "secret_name": "registry-secret", "ca_config_map": None, "inventory": None, "uncovered": "ignore",
}  # fmt: skip
CERT = "REGISTRY_HTTP_TLS_CERTIFICATE"
FILE = "version: 0.1\nstorage: {inmemory: {}}\nhttp: {tls: {certificate: /tls/a.crt, key: /tls/a.key}}\n"


def look(cluster: Partly, **options: Any) -> dict[str, Any]:
    """The result, with what was warned of."""
    warnings: list[str] = []
    module = SimpleNamespace(params={**PARAMS, **options}, warn=warnings.append, check_mode=False)
    return {**execute(module, cluster.api()), "warnings": warnings}


def certificate(cluster: Partly, secret: str, cert: str, key: str) -> None:
    text = base64.b64encode(_pem.pem_of(signer("a").cert).encode()).decode()
    cluster.keep("Secret", secret, **{cert: text, key: base64.b64encode(b"key").decode()})


def served_from(secret: str, file: str, **more: Any) -> dict[str, Any]:
    mounts, volumes = mounted("/tls", secret={"secretName": secret})
    return {"container": {"env": [{"name": CERT, "value": f"/tls/{file}"}], "volumeMounts": mounts},
            "volumes": volumes, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "what"),
    [("route.openshift.io", ["routes"]), ("image.openshift.io", ["image_streams"]),
     ("apps.openshift.io", ["workload"]), ("config.openshift.io", [])],
)  # fmt: skip
@pytest.mark.parametrize("status", [500, 503])
def test_one_api_that_is_down_leaves_out_what_it_has(part: str, what: list[str], status: int) -> None:
    cluster = Partly((*OPENSHIFT_3, "image.openshift.io"))
    cluster.run()
    cluster.answers[part] = status
    found = look(cluster, gather_subset=["image_streams"])
    assert [(one["what"], one["forbidden"]) for one in found["unread"]] == [(each, False) for each in what]
    assert [one["reason"] for one in found["unread"]] == found["warnings"]
    assert found["registry"]["cluster_ip"] == "172.30.1.1"
    assert found["workload"]["kind"] == "Deployment"


def test_a_kind_that_is_not_served_is_none_that_the_registry_has() -> None:
    """OpenShift 4 without DeploymentConfigs may have their group, for others."""
    cluster = Partly(OPENSHIFT_3)
    cluster.run()
    cluster.answers["deploymentconfigs"] = 404
    found = look(cluster)
    assert (found["workload"]["kind"], found["unread"]) == ("Deployment", [])


def test_what_is_forbidden_is_told_as_such() -> None:
    cluster = Partly(OPENSHIFT_3)
    cluster.run()
    cluster.answers["routes"] = 403
    assert [(one["what"], one["forbidden"]) for one in look(cluster)["unread"]] == [("routes", True)]


def test_where_no_api_answers_it_fails_with_what_one_said() -> None:
    cluster = Partly(OPENSHIFT_3)
    cluster.run()
    cluster.answers["/namespaces/"] = 503
    with pytest.raises(ServerError, match="Service default/docker-registry"):
        look(cluster)


def test_who_may_read_nothing_is_told_so() -> None:
    cluster = Partly(OPENSHIFT_3)
    cluster.answers["/namespaces/"] = 403
    found = look(cluster)
    assert {one["what"] for one in found["unread"]} == {"service", "workload", "routes", "certificate", "ca"}
    assert all(one["forbidden"] for one in found["unread"])


@pytest.mark.parametrize(
    ("secret", "cert", "key"),
    [("registry-certs", "tls.crt", "tls.key"), ("registry-certificates", "registry.crt", "registry.key"),
     ("mine", "domain.crt", "domain.key")],
)  # fmt: skip
def test_the_certificate_is_that_of_the_secret_which_the_registry_has(secret: str, cert: str, key: str) -> None:
    cluster = Partly()
    cluster.run(**served_from(secret, cert))
    certificate(cluster, secret, cert, key)
    found = look(cluster)
    assert found["certificate"]["subject"] == "CN=a"
    assert found["certificate_secret"] == secret


def test_a_secret_that_is_named_goes_before_one_that_is_mounted() -> None:
    cluster = Partly()
    cluster.run(**served_from("other", "tls.crt"))
    certificate(cluster, "other", "tls.crt", "tls.key")
    certificate(cluster, "registry-secret", "registry.crt", "registry.key")
    assert look(cluster)["certificate_secret"] == "registry-secret"


def test_a_secret_that_is_named_and_has_no_certificate_hides_none_that_is_mounted() -> None:
    cluster = Partly()
    cluster.run(**served_from("other", "tls.crt"))
    certificate(cluster, "other", "tls.crt", "tls.key")
    cluster.keep("Secret", "registry-secret", theirs="eA==")
    assert look(cluster)["certificate_secret"] == "other"


def test_without_a_certificate_nothing_is_compared() -> None:
    cluster = Partly()
    cluster.run()
    found = look(cluster, gather_subset=["served"])
    assert (found["certificate"], found["certificate_secret"]) == (None, None)
    assert [one["matches"] for one in found["served"]] == [None]


@pytest.mark.parametrize(("text", "tls"), [(FILE, True), (FILE.partition("http")[0], False), ("[", None)])
@pytest.mark.parametrize("source", ["configMap", "secret"])
def test_a_configuration_file_says_whether_it_serves_tls(text: str, tls: bool | None, source: str) -> None:
    cluster = Partly()
    name = {"configMap": "name", "secret": "secretName"}[source]
    mounts, volumes = mounted("/etc/docker/registry", **{source: {name: "settings"}})
    cluster.run(container={"volumeMounts": mounts}, volumes=volumes)
    if source == "secret":
        cluster.keep("Secret", "settings", **{"config.yml": base64.b64encode(text.encode()).decode()})
    else:
        cluster.keep("ConfigMap", "settings", **{"config.yml": text})
    found = look(cluster)["layout"]
    assert found["tls"] is tls
    assert ("plain http" in found["differences"]) is (tls is False)
    cluster.answers["/settings"] = 403
    assert look(cluster)["layout"]["tls"] is None
    cluster.answers["/settings"] = 503
    found = look(cluster)
    assert (found["layout"]["tls"], found["unread"][0]["what"]) == (None, "config")


def test_a_file_is_asked_for_only_where_variables_are_silent() -> None:
    cluster = Partly()
    mounts, volumes = mounted("/etc/docker/registry", configMap={"name": "settings"})
    cluster.run(container={"volumeMounts": mounts, "env": [{"name": CERT, "value": "/tls/a.crt"}]}, volumes=volumes)
    assert look(cluster)["layout"]["tls"] is True
    assert not any(path.endswith("/settings") for _method, path in cluster.requests)


def test_sidecars_are_no_reason_to_tell_nothing() -> None:
    cluster = Partly()
    beside = {"name": "proxy", "image": "nginx:1"}
    own = {"name": "images", "image": "registry:2", "env": [{"name": "REGISTRY_HTTP_ADDR", "value": ":5000"}]}
    cluster.run(containers=[beside, own])
    found = look(cluster, gather_subset=["all"])
    assert found["workload"]["image"] == "registry:2"
    assert [one["container"] for one in found["logs"]] == ["images"]
    assert found["layout"]["differences"][-1] == "other containers beside the registry: proxy"
    assert found["warnings"][0] == (
        "Deployment default/docker-registry has the containers proxy, images, none of which is called registry: images"
        " is taken for it"
    )


def test_pods_are_found_by_expressions_too() -> None:
    cluster = Partly()
    live = cluster.run()
    live["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "registry"]}]}
    cluster.put(live)
    cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": NAME, "spec": {"clusterIP": "172.30.1.1"}})
    assert [one["name"] for one in look(cluster)["pods"]] == ["docker-registry-1-a"]
    assert cluster.selectors == ["labelSelector=app+in+%28a%2Cregistry%29&limit=500"]
    assert LABELS == {"app": "registry"}


def test_a_configuration_file_that_may_not_be_read_is_told() -> None:
    cluster = Partly(OPENSHIFT_3)
    mounts, volumes = mounted("/etc/docker/registry", secret={"secretName": "settings"})
    cluster.run(container={"volumeMounts": mounts}, volumes=volumes)
    cluster.answers["settings"] = 403
    found = look(cluster)
    assert [(one["what"], one["forbidden"]) for one in found["unread"]] == [("config", True)]
    assert found["layout"]["tls"] is None


def test_whether_it_serves_tls_is_not_known_of_variables_of_another_object() -> None:
    cluster = Partly(OPENSHIFT_3)
    cluster.run(container={"envFrom": [{"configMapRef": {"name": "settings"}}]})
    assert look(cluster)["layout"]["tls"] is None


def test_image_streams_by_the_service_s_address_are_not_stale_where_it_is_no_name_of_the_registry() -> None:
    operators = {"cluster_ips": ["172.30.1.1", "fd00::1"], "port": 5000}
    assert _addresses(operators) == ["172.30.1.1:5000", "[fd00::1]:5000"]

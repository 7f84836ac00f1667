# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a helper takes over from its registry, and what it must not. On real kubelets: tests/e2e/test_helper.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import helper as build
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper, Volume
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from hypothesis import given
from hypothesis import strategies as st

NODE_AFFINITY = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
POD = {
    "serviceAccountName": "registry",
    "securityContext": {"fsGroup": 1, "supplementalGroups": [5]},
    "nodeSelector": {"region": "infra"},
    "tolerations": [{"operator": "Exists"}],
    "imagePullSecrets": [{"name": "pull"}],
    "priorityClassName": "high",
}
CONTAINER = {"imagePullPolicy": "Always", "securityContext": {"privileged": True, "runAsUser": 1001}}


def workload(**pod: Any) -> dict[str, Any]:
    registry = {
        "name": "registry",
        "image": "example.com/registry:1",
        "env": [{"name": "REGISTRY_HTTP_SECRET", "value": "never shown"}],
        "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"port": 5000}},
        **CONTAINER,
    }
    spec = {
        **POD,
        "affinity": {"nodeAffinity": NODE_AFFINITY, "podAntiAffinity": {"x": []}},
        "containers": [{"name": "sidecar", "image": "x"}, registry],
        "volumes": [{"name": "old", "emptyDir": {}}],
        **pod,
    }
    template = {"metadata": {"labels": {"docker-registry": "default"}}, "spec": spec}
    return {"kind": "Deployment", "metadata": {"name": "r", "namespace": "d"}, "spec": {"template": template}}


HELPER = Helper("r", "d", "probe", ("sh", "-c", "true"), (Volume("/registry", {"nfs": {"server": "s", "path": "/p"}}),))


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job["spec"]["template"]
    return found


def test_it_is_who_the_registry_is_and_where() -> None:
    spec = pod_of(build.job(HELPER, workload()))["spec"]
    assert {key: spec[key] for key in POD} == POD
    (container,) = spec["containers"]
    assert {key: container[key] for key in CONTAINER} == CONTAINER
    assert container["image"] == "example.com/registry:1"
    assert spec["affinity"] == {"nodeAffinity": NODE_AFFINITY}


def test_it_is_nothing_else_of_the_registry() -> None:
    job = build.job(HELPER, workload())
    pod = pod_of(job)
    assert set(pod["metadata"]["labels"]) == set(job["metadata"]["labels"]) == {"okd.registry/helper"}
    assert "never shown" not in str(job)
    assert [v["nfs"]["server"] for v in pod["spec"]["volumes"]] == ["s"]
    (container,) = pod["spec"]["containers"]
    assert container["volumeMounts"] == [{"name": pod["spec"]["volumes"][0]["name"], "mountPath": "/registry"}]
    assert container["resources"] == {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "1Gi"}}
    assert "readinessProbe" not in container


def test_it_ends_whatever_becomes_of_us() -> None:
    job = build.job(HELPER, workload())
    spec = pod_of(job)["spec"]
    assert (spec["restartPolicy"], spec["activeDeadlineSeconds"]) == ("Never", HELPER.seconds)
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["activeDeadlineSeconds"] > HELPER.seconds


def test_another_image_has_a_pull_policy_of_its_own() -> None:
    helper = Helper("r", "d", "probe", ("true",), image="busybox:1")
    (container,) = pod_of(build.job(helper, workload()))["spec"]["containers"]
    assert container["image"] == "busybox:1"
    assert "imagePullPolicy" not in container


@pytest.mark.parametrize("image", [None, "", " "])
def test_without_an_image_it_is_refused(image: str | None) -> None:
    live = workload(containers=[{"name": "registry", "image": image}])
    with pytest.raises(RefusedError, match="set helper_image"):
        build.job(HELPER, live)


def test_ours_is_told_from_others() -> None:
    job = build.job(HELPER, workload())
    assert build.is_ours(HELPER, job)
    assert not build.is_ours(Helper("other", "d", "probe", ()), job)
    assert not build.is_ours(HELPER, {"metadata": {"name": HELPER.name}})


@given(name=st.from_regex(r"[a-z]([-a-z0-9]{0,70}[a-z0-9])?", fullmatch=True))
def test_its_name_is_a_label(name: str) -> None:
    helper = Helper(name, "d", "migrate", ())
    assert len(helper.name) <= 63
    assert helper.name.endswith("-migrate")
    assert helper.name[0].isalnum()
    assert (helper.name == f"{name}-migrate") == (len(name) <= 55)


def test_long_names_stay_apart() -> None:
    names = {Helper("r" * 60 + end, "d", purpose, ()).name for end in "ab" for purpose in ("probe", "migrate")}
    assert len(names) == 4

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop around the plan: what is read, what is written, what happens when the API says no."""

from __future__ import annotations

from typing import Any

import pytest
from standins.deploymentconfigs.controller import Controller, config_path, controllers_path
from standins.kubeapi import ApiError
from standins_api import MemoryApi
from standins_cluster import START, make_dc

KEY = ("default", "docker-registry")
DC = config_path(KEY)


def rc_path(version: int) -> str:
    return controllers_path("default", f"docker-registry-{version}")


@pytest.fixture(name="api")
def fixture_api() -> MemoryApi:
    api = MemoryApi()
    api.put(DC, make_dc())
    return api


@pytest.fixture(name="controller")
def fixture_controller(api: MemoryApi) -> Controller:
    return Controller(api, clock=lambda: START)


def run(controller: Controller, api: MemoryApi, *, rounds: int = 20) -> float | None:
    """Reconcile until the plan is empty, all pods ready at once; returns when it wants to look again."""
    for _ in range(rounds):
        after = controller.reconcile(KEY)
        for item in api.objects.values():
            if item.get("kind") == "ReplicationController":
                count = item["spec"]["replicas"]
                item["status"] = {
                    "replicas": count,
                    "readyReplicas": count,
                    "availableReplicas": count,
                    "observedGeneration": item["metadata"]["generation"],
                }
        if after != 0.0:
            return after
    raise AssertionError(f"never at rest: {api.writes}")


def phase(api: MemoryApi, version: int) -> str:
    return str(api.objects[rc_path(version)]["metadata"]["annotations"]["openshift.io/deployment.phase"])


def test_it_rolls_out_and_then_writes_nothing(api: MemoryApi, controller: Controller) -> None:
    run(controller, api)
    assert phase(api, 1) == "Complete"
    assert api.objects[DC]["status"]["latestVersion"] == 1
    api.writes.clear()
    assert controller.reconcile(KEY) is None
    assert api.writes == []


def test_a_new_process_goes_on_where_the_old_one_stopped(api: MemoryApi) -> None:
    for _ in range(4):
        Controller(api, clock=lambda: START).reconcile(KEY)
    assert phase(api, 1) == "Running"
    run(Controller(api, clock=lambda: START), api)
    assert phase(api, 1) == "Complete"


def test_a_configuration_that_is_gone_is_forgotten(api: MemoryApi, controller: Controller) -> None:
    del api.objects[DC]
    assert controller.reconcile(KEY) is None
    assert api.writes == []


def test_who_wrote_first_wins_and_the_plan_is_made_anew(
    api: MemoryApi, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(controller, api)
    changed = api.find(DC)
    assert changed
    changed["spec"]["replicas"] = 3
    changed["metadata"]["generation"] = 2
    api.put(DC, changed)
    read = api.get

    def and_somebody_scales(path: str) -> Any:
        answer = read(path)
        rc = api.find(rc_path(1))
        assert rc
        rc["metadata"]["labels"]["touched"] = "yes"
        api.put(rc_path(1), rc)
        return answer

    monkeypatch.setattr(api, "get", and_somebody_scales)
    controller.work(KEY)
    assert api.objects[rc_path(1)]["spec"]["replicas"] == 1
    assert controller.queue.get(timeout=0) == KEY
    monkeypatch.undo()
    run(controller, api)
    assert api.objects[rc_path(1)]["spec"]["replicas"] == 3
    assert api.objects[rc_path(1)]["metadata"]["labels"]["touched"] == "yes"


def test_a_refused_version_is_told_and_tried_again(api: MemoryApi, controller: Controller) -> None:
    api.refuse["create"] = ApiError(403, 'exceeded quota: "objects"', reason="Forbidden")
    controller.work(KEY)
    controller.work(KEY)
    conditions = {c["type"]: c for c in api.objects[DC]["status"]["conditions"]}
    assert conditions["Progressing"]["status"] == "False"
    assert conditions["Progressing"]["reason"] == "ReplicationControllerCreateError"
    assert conditions["Progressing"]["message"] == 'exceeded quota: "objects"'
    assert rc_path(1) not in api.objects
    run(controller, api)
    assert phase(api, 1) == "Complete"


def test_a_foreign_object_of_that_name_is_told_not_taken(api: MemoryApi, controller: Controller) -> None:
    api.put(rc_path(1), {"kind": "Other", "metadata": {"name": "docker-registry-1", "namespace": "default"}})
    controller.work(KEY)
    controller.work(KEY)
    conditions = {c["type"]: c for c in api.objects[DC]["status"]["conditions"]}
    assert "already exists" in conditions["Progressing"]["message"]
    assert api.objects[rc_path(1)]["kind"] == "Other"


@pytest.mark.parametrize("error", [ApiError(500, "etcdserver: leader changed"), ApiError(0, "connection refused")])
def test_errors_of_the_api_do_not_end_the_work(api: MemoryApi, controller: Controller, error: ApiError) -> None:
    api.refuse["patch"] = error
    controller.work(KEY)
    assert controller.queue.get(timeout=1) == KEY
    run(controller, api)
    assert phase(api, 1) == "Complete"


def test_an_object_nobody_foresaw_does_not_end_the_work(api: MemoryApi, controller: Controller) -> None:
    api.objects[DC]["spec"] = "nonsense"
    controller.work(KEY)
    assert controller.queue.get(timeout=1) == KEY


def test_recreate_counts_pods_that_still_terminate(api: MemoryApi, controller: Controller) -> None:
    dc = make_dc(strategy={"type": "Recreate", "recreateParams": {"timeoutSeconds": 600}})
    api.put(DC, dc)
    run(controller, api)
    pod = {
        "metadata": {"name": "p", "labels": {"deployment": "docker-registry-1", "deploymentconfig": "docker-registry"}},
        "status": {"phase": "Running"},
    }
    api.put("/api/v1/namespaces/default/pods/p", pod)
    changed = api.find(DC)
    assert changed
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry:2"
    api.put(DC, changed)
    assert run(controller, api) == 1.0
    assert api.objects[rc_path(1)]["spec"]["replicas"] == 0
    assert api.objects[rc_path(2)]["spec"]["replicas"] == 0
    pod["status"] = {"phase": "Succeeded"}
    api.put("/api/v1/namespaces/default/pods/p", pod)
    run(controller, api)
    assert phase(api, 2) == "Complete"

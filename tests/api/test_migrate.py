# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_migrate against a real API server: what it says, what it puts back, and what ends a migration.

There are no kubelets here, so nothing is copied; that is tested on the sandbox.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import amend
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import state
from ansible_collections.okd.registry.plugins.modules import registry_migrate, registry_service

NFS = {"kind": "nfs", "server": "nfs.example.com", "path": "/exports/registry"}
VOLUME = {"nfs": {"server": "nfs.example.com", "path": "/exports/registry"}}
LABELS = {"docker-registry": "default"}


@pytest.fixture
def made(admin: Api, namespace: str, run: Any) -> ObjectRef:
    """A registry that keeps images in its pods, and says that it is ready."""
    run(registry_service)
    ref = ObjectRef("apps/v1", "Deployment", "docker-registry", namespace)
    container = {"name": "registry", "image": "r:1", "volumeMounts": [{"name": "v", "mountPath": "/registry"}]}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]},
        },
    }
    meta = {"name": ref.name, "namespace": namespace}
    admin.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    return ref


def _noted(admin: Api, namespace: str, **changes: Any) -> state.State:
    made = state.new({"emptyDir": {}}, VOLUME, uid="w", now=time.time()).with_(**changes)
    admin.create(state.config_map(made, "docker-registry", namespace))
    return made


def _service(admin: Api, namespace: str) -> dict[str, Any]:
    found = admin.get(ObjectRef("v1", "Service", "docker-registry", namespace))
    assert found is not None
    return found


def _close(admin: Api, namespace: str, noted: state.State) -> None:
    def edit(live: dict[str, Any]) -> dict[str, Any]:
        live["spec"]["selector"] |= noted.label
        return live

    amend(admin, ObjectRef("v1", "Service", "docker-registry", namespace), edit)


def test_without_a_registry_there_is_nothing_to_copy(run: Any) -> None:
    result = run(registry_migrate, storage=NFS)
    assert (result["changed"], result["migration"]["needed"], result["migration"]["done"]) == (False, False, True)


def test_what_never_was_ready_has_nothing_to_copy(made: ObjectRef, run: Any) -> None:
    assert run(registry_migrate, storage=NFS)["migration"]["needed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_undone_the_service_is_as_before(admin: Api, made: ObjectRef, run: Any, check: bool) -> None:
    namespace = str(made.namespace)
    before = _service(admin, namespace)
    noted = _noted(admin, namespace, phase="closed", door="service", services=("docker-registry",))
    _close(admin, namespace, noted)
    result = run(registry_migrate, state="undone", check=check)
    assert any("selector" in sentence for sentence in result["actions"]), result
    now = _service(admin, namespace)
    if check:
        assert now["spec"]["selector"] == {**LABELS, **noted.label}
        return
    assert (now["spec"], now["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])
    left = state.read(admin.get(state.ref("docker-registry", namespace)))
    assert left is not None
    assert (left.id, left.phase, left.door) == (noted.id, "copying", "")
    assert run(registry_migrate, state="undone")["changed"] is False
    assert run(registry_service)["changed"] is False


def test_the_read_only_door_leaves_nothing_behind(admin: Api, made: ObjectRef, run: Any) -> None:
    before = admin.get(made)
    assert before is not None

    def edit(live: dict[str, Any]) -> dict[str, Any]:
        variable = {"name": state.READ_ONLY, "value": state.READ_ONLY_VALUE}
        live["spec"]["template"]["spec"]["containers"][0]["env"] = [variable]
        return live

    amend(admin, made, edit)
    _noted(admin, str(made.namespace), phase="closed", door="readonly", source={"nfs": {"server": "a", "path": "/b"}})
    result = run(registry_migrate, state="undone")
    assert result["changed"], result
    assert (admin.get(made) or {})["spec"] == before["spec"]


def test_finished_only_once_the_storage_is_switched(admin: Api, made: ObjectRef, run: Any) -> None:
    namespace = str(made.namespace)
    noted = _noted(admin, namespace, phase="proved", door="service", services=("docker-registry",))
    _close(admin, namespace, noted)
    early = run(registry_migrate, state="finished")
    assert (early["changed"], early["leftovers"]) == (False, False)
    assert _service(admin, namespace)["spec"]["selector"] == {**LABELS, **noted.label}

    def switched(live: dict[str, Any]) -> dict[str, Any]:
        live["spec"]["template"]["spec"]["volumes"] = [{"name": "v", **VOLUME}]
        live["spec"]["replicas"] = 0
        return live

    amend(admin, made, switched)
    done = run(registry_migrate, state="finished")
    assert (done["changed"], done["leftovers"]) == (True, False), done
    assert _service(admin, namespace)["spec"]["selector"] == LABELS
    assert admin.get(state.ref("docker-registry", namespace)) is None
    assert run(registry_migrate, state="finished")["changed"] is False


@pytest.mark.parametrize("missing", ["storage"])
def test_what_it_needs_is_said(run: Any, missing: str) -> None:
    assert missing in run(registry_migrate)["msg"]


def test_a_run_that_another_has_taken_over_from_does_nothing_more(admin: Api, made: ObjectRef, run: Any) -> None:
    def on_nfs(live: dict[str, Any]) -> dict[str, Any]:
        live["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "nfs": {"server": "old", "path": "/b"}}]
        return live

    amend(admin, made, on_nfs)
    source = {"nfs": {"server": "old", "path": "/b"}}
    _noted(admin, str(made.namespace), source=source, phase="closed", door="service", run="new")
    before = admin.get(state.ref("docker-registry", str(made.namespace)))
    for options in ({"storage": NFS, "take_over": False}, {"state": "undone"}):
        result = run(registry_migrate, run="old", **options)
        assert (result["failed"], result["taken_over"], result["changed"]) == (True, True, False), result
    assert admin.get(state.ref("docker-registry", str(made.namespace))) == before


def test_undone_without_a_workload_nothing_of_it_is_left(admin: Api, made: ObjectRef, run: Any) -> None:
    namespace = str(made.namespace)
    noted = _noted(admin, namespace, phase="closed", door="service", services=("docker-registry",))
    _close(admin, namespace, noted)
    admin.delete(made)
    assert run(registry_migrate, state="undone")["changed"]
    assert _service(admin, namespace)["spec"]["selector"] == LABELS
    assert admin.get(state.ref("docker-registry", namespace)) is None
    assert run(registry_migrate, state="undone")["changed"] is False

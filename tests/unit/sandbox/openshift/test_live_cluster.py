# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins where they run: on the sandbox's API, with real pods (make sandbox-up; skipped without it).

Everything happens in namespaces of its own, which are removed at the end.
``STANDINS_KUBECONFIG`` names another cluster than the sandbox.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standins.kubeapi import ApiError, Client, KubeconfigError, read_kubeconfig

Json = dict[str, Any]
KUBECONFIG = os.environ.get("STANDINS_KUBECONFIG") or str(
    Path(__file__).resolve().parents[4] / ".sandbox" / "admin.kubeconfig"
)
GOOD, BAD = "sandbox/pause:1", "sandbox/none:1"
LABELS = {"app": "standins"}
# Other tests may keep the machine busy.
PATIENCE = 120.0

pytestmark = pytest.mark.cluster


def namespace_path(name: str) -> str:
    return f"/api/v1/namespaces/{name}"


@pytest.fixture(name="client", scope="module")
def fixture_client() -> Client:
    try:
        client = Client(read_kubeconfig(KUBECONFIG))
        client.get("/apis/apps.openshift.io/v1/deploymentconfigs")
    except (KubeconfigError, ApiError) as error:
        if "STANDINS_KUBECONFIG" in os.environ:  # a cluster that was named has to be there
            raise
        pytest.skip(f"no sandbox: {error}")
    return client


class Project:
    """A namespace with a DeploymentConfig and Routes to play with."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.configs = f"/apis/apps.openshift.io/v1/namespaces/{name}/deploymentconfigs"
        self.routes = f"/apis/route.openshift.io/v1/namespaces/{name}/routes"
        self.controllers = f"/api/v1/namespaces/{name}/replicationcontrollers"

    def deploy(self, image: str = GOOD, replicas: int = 1, **spec: Any) -> None:
        body = {
            "apiVersion": "apps.openshift.io/v1",
            "kind": "DeploymentConfig",
            "metadata": {"name": "app", "namespace": self.name},
            "spec": {"replicas": replicas, "selector": LABELS, "template": template(image), **spec},
        }
        self.client.create(self.configs, body)

    def change(self, **spec: Any) -> None:
        self.client.patch(f"{self.configs}/app", {"spec": spec})

    @property
    def config(self) -> Json:
        return self.client.get(f"{self.configs}/app")

    @property
    def status(self) -> Json:
        return self.config.get("status") or {}

    def condition(self, kind: str) -> Json:
        return next((c for c in self.status.get("conditions") or [] if c["type"] == kind), {})

    def reason(self) -> str:
        return str(self.condition("Progressing").get("reason"))

    def phases(self) -> dict[str, str]:
        rcs = self.client.get(self.controllers)["items"]
        return {rc["metadata"]["name"]: rc["metadata"]["annotations"]["openshift.io/deployment.phase"] for rc in rcs}

    def replicas(self) -> dict[str, int]:
        rcs = self.client.get(self.controllers)["items"]
        return {rc["metadata"]["name"]: rc["spec"]["replicas"] for rc in rcs if rc["spec"]["replicas"]}

    def route(self, name: str, **spec: Any) -> None:
        body = {
            "apiVersion": "route.openshift.io/v1",
            "kind": "Route",
            "metadata": {"name": name, "namespace": self.name},
            "spec": {"to": {"kind": "Service", "name": "app"}, "tls": {"termination": "passthrough"}, **spec},
        }
        self.client.create(self.routes, body)

    def admitted(self, name: str) -> Json:
        ingress = (self.client.get(f"{self.routes}/{name}").get("status") or {}).get("ingress") or []
        return ingress[0]["conditions"][0] if ingress else {}


def template(image: str) -> Json:
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent" if image == GOOD else "Never"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"metadata": {"labels": LABELS}, "spec": spec}


def until(wanted: Callable[[], bool], what: Callable[[], Any]) -> None:
    """Wait until something holds, else fail with what there is instead."""
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


@pytest.fixture(name="project")
def fixture_project(client: Client) -> Iterator[Project]:
    name = f"standins-{uuid.uuid4().hex[:8]}"
    client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"{namespace_path(name)}/serviceaccounts/default"
    until(lambda: client.find(account) is not None, lambda: f"no service account in {name}")
    try:
        yield Project(client, name)
    finally:
        client.delete(namespace_path(name))


def rolled_out(project: Project, version: int) -> None:
    until(lambda: project.phases().get(f"app-{version}") == "Complete", lambda: (project.phases(), project.status))
    until(lambda: project.reason() == "NewReplicationControllerAvailable", lambda: project.status)


def test_a_change_of_the_template_makes_the_next_version(project: Project) -> None:
    project.deploy()
    rolled_out(project, 1)
    project.change(template={"metadata": {"annotations": {"touched": "yes"}}})
    rolled_out(project, 2)
    until(lambda: project.replicas() == {"app-2": 1}, project.replicas)
    assert project.status["latestVersion"] == 2
    assert project.status["observedGeneration"] == project.config["metadata"]["generation"]


def test_a_failed_rollout_keeps_the_old_version(project: Project) -> None:
    project.deploy()
    rolled_out(project, 1)
    project.change(template=template(BAD), strategy={"rollingParams": {"timeoutSeconds": 2}})
    until(lambda: project.phases().get("app-2") == "Failed", project.phases)
    until(lambda: project.reason() == "ProgressDeadlineExceeded", lambda: project.status)
    until(lambda: project.replicas() == {"app-1": 1}, project.replicas)
    assert project.condition("Available")["status"] == "True"


def test_a_newer_change_supersedes(project: Project) -> None:
    project.deploy()
    rolled_out(project, 1)
    project.change(template=template(BAD))
    until(lambda: project.replicas().get("app-2") == 1, project.replicas)
    project.change(template=template(GOOD), replicas=2)
    rolled_out(project, 3)
    assert project.phases() == {"app-1": "Complete", "app-2": "Failed", "app-3": "Complete"}
    until(lambda: project.replicas() == {"app-3": 2}, project.replicas)


def test_recreate_and_a_version_asked_for_by_hand(project: Project) -> None:
    project.deploy(strategy={"type": "Recreate"})
    rolled_out(project, 1)
    project.client.patch(f"{project.configs}/app/status", {"status": {"latestVersion": 2}})
    rolled_out(project, 2)
    assert project.status["details"]["causes"] == [{"type": "Manual"}]


def test_the_scale_subresource(project: Project) -> None:
    project.deploy(replicas=0)
    rolled_out(project, 1)
    project.client.patch(f"{project.configs}/app/scale", {"spec": {"replicas": 2}})
    until(lambda: project.status.get("availableReplicas") == 2, lambda: project.status)
    scale = project.client.get(f"{project.configs}/app/scale")
    assert scale["status"] == {"replicas": 2, "selector": "app=standins"}


def test_a_configuration_takes_its_versions_with_it(project: Project) -> None:
    project.deploy()
    rolled_out(project, 1)
    project.client.delete(f"{project.configs}/app")
    until(lambda: project.phases() == {}, project.phases)


def test_a_version_the_api_refuses_is_told(project: Project) -> None:
    project.deploy(
        template={"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "Not A Name", "image": "x"}]}}
    )
    until(lambda: project.reason() == "ReplicationControllerCreateError", lambda: project.status)
    assert "Not A Name" in project.condition("Progressing")["message"]


def test_routes_get_hosts_and_claims_are_exclusive(project: Project) -> None:
    project.route("first")
    until(lambda: project.admitted("first").get("status") == "True", lambda: project.admitted("first"))
    first = project.client.get(f"{project.routes}/first")
    host = first["spec"]["host"]
    assert host == f"first-{project.name}.apps.sandbox.test"
    assert first["metadata"]["annotations"]["openshift.io/host.generated"] == "true"
    time.sleep(1)  # creation times are whole seconds
    project.route("second", host=host)
    project.route("edge", host=f"edge-{host}", tls={"termination": "edge"})
    until(lambda: project.admitted("second").get("reason") == "HostAlreadyClaimed", lambda: project.admitted("second"))
    until(
        lambda: project.admitted("edge").get("reason") == "ExtendedValidationFailed", lambda: project.admitted("edge")
    )
    project.client.delete(f"{project.routes}/first")
    until(lambda: project.admitted("second").get("status") == "True", lambda: project.admitted("second"))


@pytest.mark.parametrize(
    "pod",
    [
        {"containers": [{"name": "c", "image": GOOD, "securityContext": {"privileged": True}}]},
        {"containers": [{"name": "c", "image": GOOD}], "volumes": [{"name": "v", "hostPath": {"path": "/x"}}]},
        {
            "containers": [{"name": "c", "image": GOOD}],
            "initContainers": [{"name": "i", "image": GOOD, "securityContext": {"privileged": True}}],
        },
    ],
)
def test_privileged_pods_need_the_scc(project: Project, pod: Json) -> None:
    """Asked of a ReplicationController's pods: its controller has no rights, so the service account counts."""
    account = f"system:serviceaccount:{project.name}:default"
    scc = "/apis/security.openshift.io/v1/securitycontextconstraints/privileged"
    users = project.client.get(scc)["users"]
    rc = {
        "metadata": {"name": "p", "namespace": project.name},
        "spec": {"replicas": 1, "selector": LABELS, "template": {"metadata": {"labels": LABELS}, "spec": pod}},
    }
    project.client.create(project.controllers, rc)
    controller = f"{project.controllers}/p"

    def refusal() -> str:
        conditions = (project.client.get(controller).get("status") or {}).get("conditions") or []
        return str(conditions[0]["message"]) if conditions else ""

    until(lambda: "security context constraint" in refusal(), refusal)
    assert account in refusal()
    try:
        project.client.patch(scc, {"users": [*users, account]})
        project.client.patch(controller, {"metadata": {"annotations": {"again": "now"}}})
        until(lambda: project.client.get(controller)["status"]["replicas"] == 1, refusal)
    finally:
        project.client.patch(scc, {"users": users})

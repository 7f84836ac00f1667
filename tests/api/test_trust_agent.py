# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_trust_agent on a real API server; no DaemonSet controller runs, so its word on the pods is played."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import scc
from ansible_collections.okd.registry.plugins.module_utils._build import trust_agent as build
from ansible_collections.okd.registry.plugins.module_utils._build.right import Asked
from ansible_collections.okd.registry.plugins.module_utils._build.rights import FEATURES
from ansible_collections.okd.registry.plugins.module_utils._cluster import detect
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from ansible_collections.okd.registry.plugins.modules import registry_route, registry_service, registry_trust_agent

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
IMAGE = "registry.example.com/library/python:3.12"
SAME = ("actions", "resources", "diff", "changed")
KINDS = ("DaemonSet", "ConfigMap", "ServiceAccount")


def ref(kind: str, namespace: str) -> ObjectRef:
    return build.ref(kind, "docker-registry", namespace)


@pytest.fixture(autouse=True)
def registry(run: Any, admin: Api, namespace: str) -> Iterator[None]:
    """A registry as far as the agent needs one."""
    run(registry_service)
    meta = {"name": "docker-registry-ca", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": "x"}})
    yield
    admin.delete(ref("DaemonSet", namespace))
    admin.delete(ObjectRef("apps/v1", "ControllerRevision", "agent-1", namespace))


def users(admin: Api, namespace: str) -> list[str]:
    """The agent's entries in the SCC."""
    name = f"system:serviceaccount:{namespace}:docker-registry-trust-agent"
    return [user for user in (admin.get(scc.REF) or {}).get("users") or [] if user == name]


def test_planned_made_and_found_again(run: Any, admin: Api, namespace: str, audit: Callable[[], Object]) -> None:
    audit()
    planned = run(registry_trust_agent, image=IMAGE, wait=False, check=True)
    assert audit()["post"] == 0
    done = run(registry_trust_agent, image=IMAGE, wait=False)
    # Service, CA, Routes, and each of the three objects once; the SCC lies in no namespace.
    assert audit() == {"get": 6, "post": 3, "patch": 0, "delete": 0}
    again = run(registry_trust_agent, image=IMAGE, wait=False)
    assert audit() == {"get": 6, "post": 0, "patch": 0, "delete": 0}
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert users(admin, namespace) != []


def test_what_the_cluster_fills_in_and_others_add_stays(run: Any, admin: Api, namespace: str) -> None:
    run(registry_trust_agent, image=IMAGE, wait=False, node_selector={"region": "primary"})
    labels = [{"op": "add", "path": "/metadata/labels/theirs", "value": "x"}]
    admin.patch(ref("DaemonSet", namespace), labels)
    changed = run(registry_trust_agent, image=f"{IMAGE}.1", interval=5, wait=False)
    assert changed["resources"][-1]["action"] == "updated"
    live = admin.get(ref("DaemonSet", namespace)) or {}
    assert live["metadata"]["labels"]["theirs"] == "x"
    pod = live["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"{IMAGE}.1"
    assert not pod.get("nodeSelector")
    assert not run(registry_trust_agent, image=f"{IMAGE}.1", interval=5, wait=False)["changed"]


def test_the_code_is_in_the_cluster_as_it_is_in_the_collection(run: Any, admin: Api, namespace: str) -> None:
    """As AnsiballZ would have it, the module reads it from wherever it was imported."""
    from ansible_collections.okd.registry.plugins.module_utils import _agentcode

    run(registry_trust_agent, image=IMAGE, wait=False)
    assert (admin.get(ref("ConfigMap", namespace)) or {})["data"] == _agentcode.read()


class Controller(threading.Thread):
    """Says of each version of the DaemonSet that all its pods are ready, as its controller would."""

    def __init__(self, kubeconfig: str, namespace: str, *, ready: int = 2) -> None:
        super().__init__(daemon=True)
        self.api = Api(lambda: connect({"kubeconfig": kubeconfig}))
        self.ref, self.ready, self.over = ref("DaemonSet", namespace), ready, threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            live = self.api.get(self.ref)
            if live and (live.get("status") or {}).get("observedGeneration") != live["metadata"]["generation"]:
                self.say(live)
            time.sleep(0.1)

    def say(self, live: Object) -> None:
        revision = ObjectRef("apps/v1", "ControllerRevision", "agent-1", self.ref.namespace)
        if self.api.get(revision) is None:
            owner = {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "name": self.ref.name,
                "uid": live["metadata"]["uid"],
            }
            meta = {
                "name": revision.name, "namespace": revision.namespace, "ownerReferences": [owner],
                "labels": {build.LABEL: "docker-registry"},
            }  # fmt: skip
            self.api.create(
                {
                    "apiVersion": "apps/v1",
                    "kind": "ControllerRevision",
                    "metadata": meta,
                    "revision": 1,
                    "data": {"a": 1},
                }
            )
        status = {
            "observedGeneration": live["metadata"]["generation"], "desiredNumberScheduled": 2, "numberMisscheduled": 0,
            "currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberReady": self.ready,
            "numberAvailable": self.ready,
        }  # fmt: skip
        asked = Request("patch", "status")
        self.api._send(
            "PATCH", f"{self.ref.path}/status", asked, body={"status": status},
            content_type="application/merge-patch+json",
        )  # fmt: skip

    def __enter__(self) -> Controller:
        self.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self.over.set()
        self.join()


def test_there_and_back(run: Any, admin: Api, kubeconfig: str, namespace: str) -> None:
    with Controller(kubeconfig, namespace):
        made = run(registry_trust_agent, image=IMAGE)
        assert made["agent"]["nodes"] == 2
        planned = run(registry_trust_agent, state="absent", check=True)
        done = run(registry_trust_agent, state="absent")
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert [admin.get(ref(kind, namespace)) for kind in KINDS] == [None, None, None]
    assert users(admin, namespace) == []
    assert not run(registry_trust_agent, state="absent")["changed"]


def test_an_agent_goes_and_leaves_the_files_when_every_pod_has_been_told(
    run: Any, admin: Api, kubeconfig: str, namespace: str
) -> None:
    """As before a rotation. The controller's word is on the version in which the pods touch nothing."""
    run(registry_trust_agent, image=IMAGE, wait=False)
    with Controller(kubeconfig, namespace, ready=1):
        refused = run(registry_trust_agent, state="absent", keep_files=True, wait_timeout=2)
    assert "agents of some nodes are still at work" in refused["msg"]
    live = admin.get(ref("DaemonSet", namespace)) or {}
    told = {one["name"]: one["value"] for one in live["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert json.loads(told[build.VARIABLE])["state"] == "idle"
    assert users(admin, namespace) != []
    with Controller(kubeconfig, namespace):
        run(registry_trust_agent, image=IMAGE)
        planned = run(registry_trust_agent, state="absent", keep_files=True, check=True)
        done = run(registry_trust_agent, state="absent", keep_files=True)
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert [admin.get(ref(kind, namespace)) for kind in KINDS] == [None, None, None]
    assert users(admin, namespace) == []
    assert not run(registry_trust_agent, state="absent", keep_files=True)["changed"]


def test_while_a_node_has_its_files_the_agent_stays(run: Any, admin: Api, kubeconfig: str, namespace: str) -> None:
    run(registry_trust_agent, image=IMAGE, wait=False)
    with Controller(kubeconfig, namespace, ready=1):
        refused = run(registry_trust_agent, state="absent", wait_timeout=2)
    assert "files of the registry are still on some nodes" in refused["msg"]
    assert all(admin.get(ref(kind, namespace)) for kind in KINDS)
    assert users(admin, namespace) != []


def test_a_name_at_which_a_router_ends_tls_is_refused(run: Any, admin: Api, namespace: str) -> None:
    run(registry_route, route_host="router.example.com", termination="edge", wait=False, dns="ignore")
    for names in ({"route_host": "router.example.com"}, {"extra_hosts": ["router.example.com"]}):
        refused = run(registry_trust_agent, image=IMAGE, wait=False, **names)
        assert refused["failed"]
        assert "A router ends TLS at router.example.com" in refused["msg"]
    assert admin.get(ref("DaemonSet", namespace)) is None


def test_without_a_ca_nothing_is_made(run: Any, admin: Api, namespace: str) -> None:
    admin.delete(ObjectRef("v1", "ConfigMap", "docker-registry-ca", namespace))
    refused = run(registry_trust_agent, image=IMAGE)
    assert "run registry_cert" in refused["msg"]
    assert admin.get(ref("ServiceAccount", namespace)) is None
    planned = run(registry_trust_agent, image=IMAGE, check=True)
    assert not planned.get("failed")


def test_exactly_the_documented_rights_are_enough(
    run: Any, admin: Api, kubeconfig: str, namespace: str, somebody: Any, requests: Any
) -> None:
    """There and back with the rights of docs/permissions.md: nothing is refused."""
    asked = Asked(detect(admin), namespace=namespace, has_scc=True, agent=True)
    feature = next(f for f in FEATURES if "trust_agent" in f.title)
    rights = list(feature.rights(asked))
    user = somebody("agent")
    user.give(rights)
    user.wait(rights)
    own = run.as_user(user.name)
    with Controller(kubeconfig, namespace):
        results = [
            own(registry_trust_agent, image=IMAGE), own(registry_trust_agent, image=IMAGE, interval=7),
            own(registry_trust_agent, state="absent"),
        ]  # fmt: skip
    assert [one.get("msg") for one in results] == [None, None, None]
    seen = requests(user.name)
    assert [(right, code) for right, code in seen if code == 403] == []
    used = {(right.verb, right.resource) for right, _code in seen}
    spare = {(right.verb, right.resource) for right in rights if not right.helpful} - used
    assert spare <= {("patch", "configmaps"), ("patch", "serviceaccounts")}, "these are for other code, or an account"

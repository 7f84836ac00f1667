# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads DeploymentConfigs and their ReplicationControllers, and does what the plan says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urlencode

from standins import daemon
from standins.deploymentconfigs import model, status
from standins.deploymentconfigs.plan import Action, Adopt, Create, Delete, Plan, Update, WriteStatus, plan
from standins.informer import Informer, Source
from standins.kubeapi import ApiError, Json
from standins.workqueue import WorkQueue

CONFIGS = "/apis/apps.openshift.io/v1"
CORE = "/api/v1"
CONFLICT = 409
NOT_FOUND = 404

Key = tuple[str, str]


class Api(Source, Protocol):
    """What the controller needs of the API client."""

    def find(self, path: str) -> Json | None:
        """Return an object or None."""

    def create(self, path: str, body: Json) -> Json:
        """Create an object."""

    def patch(self, path: str, body: Json) -> Json:
        """Merge a patch into an object."""

    def delete(self, path: str) -> None:
        """Delete an object."""


def config_path(key: Key) -> str:
    """Return the path of a DeploymentConfig."""
    return f"{CONFIGS}/namespaces/{quote(key[0])}/deploymentconfigs/{quote(key[1])}"


def controllers_path(namespace: str, name: str = "") -> str:
    """Return the path of a namespace's ReplicationControllers, or of one."""
    collection = f"{CORE}/namespaces/{quote(namespace)}/replicationcontrollers"
    return f"{collection}/{quote(name)}" if name else collection


class Controller:
    """Brings each DeploymentConfig one plan further, again and again."""

    def __init__(self, api: Api, clock: Callable[[], datetime] = daemon.now) -> None:
        """``clock`` gives the time; tests put their own."""
        self.queue: WorkQueue[Key] = WorkQueue()
        self._api = api
        self._clock = clock

    def run(self) -> None:
        """Watch and work for ever."""
        informers = [
            Informer(self._api, f"{CONFIGS}/deploymentconfigs", self._config_changed),
            Informer(self._api, f"{CORE}/replicationcontrollers", self._controller_changed),
        ]
        for informer in informers:
            informer.start()
        for informer in informers:
            informer.synced.wait()
        daemon.notify_ready()
        daemon.log("watching DeploymentConfigs")
        while True:
            key = self.queue.get()
            if key is not None:
                self.work(key)

    def work(self, key: Key) -> None:
        """Look at one DeploymentConfig; whatever goes wrong, it is looked at again."""
        try:
            after = self.reconcile(key)
        except ApiError as error:
            if error.status == CONFLICT:  # somebody wrote first: plan again from what is there now
                self.queue.add(key)
                return
            wait = self.queue.retry(key)
            daemon.log(f"{key[0]}/{key[1]}: {error}; again in {wait:g} s")
        except Exception as error:
            wait = self.queue.retry(key)
            daemon.log(f"{key[0]}/{key[1]}: {error!r}; again in {wait:g} s")
        else:
            self.queue.forget(key)
            if after is not None:
                self.queue.add(key, after=after)

    def reconcile(self, key: Key) -> float | None:
        """Read, plan and do; returns after how many seconds to look again, or None. Raises ApiError."""
        dc = self._api.find(config_path(key))
        if dc is None:
            return None  # the garbage collector removes what it owned
        selector = urlencode({"labelSelector": f"{model.CONFIG_NAME}={key[1]}"})
        rcs = self._api.get(f"{controllers_path(key[0])}?{selector}").get("items") or []
        decided: Plan = plan(dc, rcs, self._clock(), self._pods(dc, key))
        for action in decided.actions:
            dc = self._do(dc, action)
        return 0.0 if decided.actions else decided.look_again

    def _pods(self, dc: Json, key: Key) -> Mapping[str, int]:
        """Count the pods by ReplicationController, terminating ones too; only Recreate needs to know."""
        if (dc["spec"].get("strategy") or {}).get("type") != model.RECREATE:
            return {}
        query = urlencode({"labelSelector": f"deploymentconfig={key[1]}"})
        pods = self._api.get(f"{CORE}/namespaces/{quote(key[0])}/pods?{query}").get("items") or []
        finished = {"Succeeded", "Failed"}
        return Counter(
            str((pod["metadata"].get("labels") or {}).get("deployment") or "")
            for pod in pods
            if (pod.get("status") or {}).get("phase") not in finished
        )

    def _do(self, dc: Json, action: Action) -> Json:
        """Do one action; returns the DeploymentConfig as it is then. Raises ApiError."""
        namespace = dc["metadata"]["namespace"]
        if isinstance(action, WriteStatus):
            return self._write_status(dc, action.status)
        if isinstance(action, Create):
            self._create(dc, action.body)
        elif isinstance(action, Adopt):
            patch = {"metadata": {"resourceVersion": action.resource_version, "ownerReferences": [action.reference]}}
            self._api.patch(controllers_path(namespace, action.name), patch)
            self._tell(namespace, action.name, "adopted")
        elif isinstance(action, Delete):
            self._api.delete(controllers_path(namespace, action.name))
            self._tell(namespace, action.name, "deleted: older than the history limit")
        else:
            self._update(namespace, action)
        return dc

    def _write_status(self, dc: Json, new: Json) -> Json:
        key = (dc["metadata"]["namespace"], dc["metadata"]["name"])
        patch = {"metadata": {"resourceVersion": dc["metadata"]["resourceVersion"]}, "status": new}
        return self._api.patch(f"{config_path(key)}/status", patch)

    def _create(self, dc: Json, body: Json) -> None:
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        try:
            self._api.create(controllers_path(namespace), body)
        except ApiError as error:
            if error.status == NOT_FOUND:  # the namespace is going
                raise
            told = status.create_error_condition(error.message)
            old = dc.get("status") or {}
            conditions = status.set_condition(list(old.get("conditions") or []), told, self._clock())
            if conditions != old.get("conditions"):
                self._write_status(dc, {"conditions": conditions})
            # Not a conflict of ours: an object of that name belongs to somebody else, which waiting may cure.
            raise ApiError(error.status if error.status != CONFLICT else 422, error.message) from error
        self._tell(namespace, name, "created")

    def _update(self, namespace: str, action: Update) -> None:
        controller = action.controller
        patch: Json = {"metadata": {"resourceVersion": controller.resource_version}}
        if action.annotations:
            patch["metadata"]["annotations"] = dict(action.annotations)
        if action.replicas is not None:
            patch["spec"] = {"replicas": action.replicas}
        self._api.patch(controllers_path(namespace, controller.name), patch)
        if action.replicas is not None:
            self._tell(namespace, controller.name, f"scaled from {controller.wanted} to {action.replicas}")
        if model.PHASE in action.annotations:
            why = action.annotations.get(model.STATUS_REASON, "")
            self._tell(namespace, controller.name, action.annotations[model.PHASE] + (f": {why}" if why else ""))

    @staticmethod
    def _tell(namespace: str, name: str, what: str) -> None:
        daemon.log(f"{namespace}/{name} {what}")

    def _config_changed(self, dc: Json) -> None:
        self.queue.add((dc["metadata"]["namespace"], dc["metadata"]["name"]))

    def _controller_changed(self, rc: Json) -> None:
        name = (rc["metadata"].get("labels") or {}).get(model.CONFIG_NAME)
        if name:
            self.queue.add((rc["metadata"]["namespace"], name))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DeploymentConfig and its ReplicationControllers as the planner sees them: read-only, every default filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from standins.daemon import moment
from standins.kubeapi import Json

GROUP_VERSION = "apps.openshift.io/v1"

# Labels and annotations as in github.com/openshift/api, apps/v1/consts.go and deprecated_consts.go.
CONFIG_NAME = "openshift.io/deployment-config.name"
VERSION = "openshift.io/deployment-config.latest-version"
DEPLOYMENT_NAME = "openshift.io/deployment.name"
PHASE = "openshift.io/deployment.phase"
STATUS_REASON = "openshift.io/deployment.status-reason"
CANCELLED = "openshift.io/deployment.cancelled"
ENCODED_CONFIG = "openshift.io/encoded-deployment-config"
DEPLOYER_POD = "openshift.io/deployer-pod.name"
STARTED_AT = "openshift.io/deployer-pod.started-at"
COMPLETED_AT = "openshift.io/deployer-pod.completed-at"
DESIRED_REPLICAS = "kubectl.kubernetes.io/desired-replicas"
# Ours: when a rollout last moved, which the real deployer keeps in the memory of its pod.
PROGRESSED_AT = "sandbox.okd.registry/progressed-at"

NEW, PENDING, RUNNING, COMPLETE, FAILED = "New", "Pending", "Running", "Complete", "Failed"
IN_FLIGHT = frozenset({NEW, PENDING, RUNNING})

ROLLING, RECREATE = "Rolling", "Recreate"
DEFAULT_SHARE = "25%"
DEFAULT_TIMEOUT = 600
DEFAULT_ACTIVE_DEADLINE = 21600


@dataclass(frozen=True)
class Config:
    """What a DeploymentConfig asks for. Times are seconds."""

    namespace: str
    name: str
    uid: str
    generation: int
    deleting: bool
    replicas: int
    strategy: str
    max_surge: int | str
    max_unavailable: int | str
    timeout: int
    active_deadline: int
    paused: bool
    test: bool
    history_limit: int | None
    config_trigger: bool
    image_trigger: bool
    images_known: bool
    latest_version: int
    template: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def never_rolled_out(self) -> bool:
        """No version was ever asked for."""
        return self.latest_version == 0

    @property
    def unresolved_images(self) -> bool:
        """A container has no image (yet)."""
        containers = (self.template.get("spec") or {}).get("containers") or []
        return not all(str(container.get("image") or "").strip() for container in containers)


@dataclass(frozen=True)
class Controller:
    """A ReplicationController that belongs to a DeploymentConfig: one version of it."""

    name: str
    version: int
    resource_version: str
    phase: str
    cancelled: bool
    wanted: int
    desired: int
    settled: bool
    created: int
    ready: int
    available: int
    started: datetime | None
    progressed: datetime | None
    template: Mapping[str, Any] | None

    @property
    def in_flight(self) -> bool:
        """Its rollout has not ended."""
        return self.phase in IN_FLIGHT

    @property
    def gone(self) -> bool:
        """It wants no pods and has none (pods that are still terminating are not counted)."""
        return self.wanted == 0 and self.created == 0 and self.settled


def _number(text: str, default: int) -> int:
    try:
        return int(text)
    except ValueError:
        return default


def read_config(dc: Json) -> Config:
    """Read a DeploymentConfig object."""
    metadata, spec, status = dc["metadata"], dc["spec"], dc.get("status") or {}
    strategy = spec.get("strategy") or {}
    kind = strategy.get("type") or ROLLING
    rolling = strategy.get("rollingParams") or {}
    params = rolling if kind == ROLLING else strategy.get("recreateParams") or {}
    triggers = spec.get("triggers") or []
    images = [t.get("imageChangeParams") or {} for t in triggers if t.get("type") == "ImageChange"]
    automatic = [image for image in images if image.get("automatic")]
    return Config(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=int(metadata.get("generation") or 0),
        deleting=bool(metadata.get("deletionTimestamp")),
        replicas=int(spec.get("replicas") or 0),
        strategy=kind,
        max_surge=rolling.get("maxSurge", DEFAULT_SHARE),
        max_unavailable=rolling.get("maxUnavailable", DEFAULT_SHARE),
        timeout=int(params.get("timeoutSeconds") or DEFAULT_TIMEOUT),
        active_deadline=int(strategy.get("activeDeadlineSeconds") or DEFAULT_ACTIVE_DEADLINE),
        paused=bool(spec.get("paused")),
        test=bool(spec.get("test")),
        history_limit=spec.get("revisionHistoryLimit"),
        config_trigger=any(t.get("type") == "ConfigChange" for t in triggers),
        image_trigger=bool(automatic),
        images_known=any(image.get("lastTriggeredImage") for image in automatic),
        latest_version=int(status.get("latestVersion") or 0),
        template=spec.get("template") or {},
        status=status,
    )


def _encoded_template(text: str) -> Mapping[str, Any] | None:
    try:
        template = json.loads(text)["spec"]["template"]
    except (ValueError, KeyError, TypeError):
        return None
    return template if isinstance(template, dict) else None


def read_controller(rc: Json) -> Controller:
    """Read a ReplicationController object."""
    metadata, spec, status = rc["metadata"], rc["spec"], rc.get("status") or {}
    notes = metadata.get("annotations") or {}
    wanted = int(spec.get("replicas") or 0)
    settled = int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0)
    return Controller(
        name=metadata["name"],
        version=_number(notes.get(VERSION, ""), 0),
        resource_version=metadata["resourceVersion"],
        phase=notes.get(PHASE, NEW),
        cancelled=notes.get(CANCELLED) == "true",
        wanted=wanted,
        desired=_number(notes.get(DESIRED_REPLICAS, ""), wanted),
        settled=settled,
        created=int(status.get("replicas") or 0),
        ready=int(status.get("readyReplicas") or 0),
        available=int(status.get("availableReplicas") or 0),
        started=moment(notes.get(STARTED_AT, "")),
        progressed=moment(notes.get(PROGRESSED_AT, "")),
        template=_encoded_template(notes.get(ENCODED_CONFIG, "")),
    )


def owner_of(rc: Json) -> str | None:
    """Return the uid of the object that controls a ReplicationController, or None."""
    for reference in rc["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return str(reference.get("uid"))
    return None


def latest_of(config: Config, controllers: list[Controller]) -> Controller | None:
    """Return the controller of the version that the status names."""
    return next((c for c in controllers if c.version == config.latest_version), None)


def active_of(controllers: list[Controller]) -> Controller | None:
    """Return the one that serves: the newest whose rollout completed."""
    return max((c for c in controllers if c.phase == COMPLETE), key=lambda c: c.version, default=None)

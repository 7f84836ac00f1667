# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a DeploymentConfig: counts and conditions, with OpenShift's reasons and messages.

A condition whose status and reason stay the same is left alone, message and times included, as OpenShift does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from standins.daemon import stamp
from standins.deploymentconfigs.model import (
    COMPLETE,
    FAILED,
    ROLLING,
    RUNNING,
    Config,
    Controller,
    latest_of,
)
from standins.deploymentconfigs.rollout import fenceposts
from standins.kubeapi import Json

AVAILABLE, PROGRESSING = "Available", "Progressing"
RC_CREATED = "NewReplicationControllerCreated"
RC_UPDATED = "ReplicationControllerUpdated"
RC_AVAILABLE = "NewReplicationControllerAvailable"
RC_CREATE_ERROR = "ReplicationControllerCreateError"
TIMED_OUT = "ProgressDeadlineExceeded"
ROLLOUT_CANCELLED = "RolloutCancelled"

CONFIG_CHANGE: Json = {"message": "config change", "causes": [{"type": "ConfigChange"}]}
MANUAL: Json = {"message": "manual change", "causes": [{"type": "Manual"}]}


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    """Make a condition without times."""
    made: Json = {"type": kind, "status": status, "message": message}
    if reason:
        made["reason"] = reason
    return made


def set_condition(conditions: Sequence[Json], new: Json, now: datetime) -> list[Json]:
    """Return the conditions with a new one in the place of the one of its type."""
    old = next((c for c in conditions if c.get("type") == new["type"]), None)
    if old and old.get("status") == new["status"] and old.get("reason", "") == new.get("reason", ""):
        return list(conditions)
    since = old.get("lastTransitionTime") if old and old.get("status") == new["status"] else None
    dated = {**new, "lastUpdateTime": stamp(now), "lastTransitionTime": since or stamp(now)}
    return [c for c in conditions if c.get("type") != new["type"]] + [dated]


def _available(config: Config, available: int) -> Json:
    unavailable = 0
    if config.strategy == ROLLING:
        unavailable = fenceposts(config.max_surge, config.max_unavailable, config.replicas)[1]
    if available >= config.replicas - unavailable and available > 0:
        return condition(AVAILABLE, "True", "", "Deployment config has minimum availability.")
    return condition(AVAILABLE, "False", "", "Deployment config does not have minimum availability.")


def _progressing(latest: Controller, *, moved: bool) -> Json | None:
    name = f'replication controller "{latest.name}"'
    if latest.phase == COMPLETE:
        return condition(PROGRESSING, "True", RC_AVAILABLE, f"{name} successfully rolled out")
    if latest.phase == FAILED and latest.cancelled:
        return condition(PROGRESSING, "False", ROLLOUT_CANCELLED, f"rollout of {name} was cancelled")
    if latest.phase == FAILED:
        return condition(PROGRESSING, "False", TIMED_OUT, f"{name} has failed progressing")
    if latest.phase == RUNNING and moved:
        return condition(PROGRESSING, "True", RC_UPDATED, f"{name} is progressing")
    return None


def created_condition(name: str, version: int) -> Json:
    """Return the condition that tells of a new ReplicationController."""
    return condition(
        PROGRESSING, "True", RC_CREATED, f'Created new replication controller "{name}" for version {version}'
    )


def create_error_condition(message: str) -> Json:
    """Return the condition that tells why the API would not take the new ReplicationController."""
    return condition(PROGRESSING, "False", RC_CREATE_ERROR, message)


def status_of(
    config: Config,
    controllers: Sequence[Controller],
    now: datetime,
    *,
    observe: bool = True,
    extra: Json | None = None,
    selector: str = "",
) -> Json:
    """Return the whole status of a DeploymentConfig.

    ``observe`` says whether the generation counts as observed: OpenShift leaves it behind while a rollout runs.
    ``extra`` is a condition that goes over the ones worked out here; ``selector`` is for the scale subresource.
    """
    old = config.status
    latest = latest_of(config, list(controllers))
    total = sum(c.created for c in controllers)
    available = sum(c.available for c in controllers)
    updated = latest.created if latest else 0
    status: dict[str, Any] = {
        "latestVersion": config.latest_version,
        "observedGeneration": config.generation if observe else int(old.get("observedGeneration") or 0),
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": sum(c.ready for c in controllers),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(c.wanted for c in controllers) - available),
        "labelSelector": selector,
    }
    if old.get("details"):
        status["details"] = old["details"]
    conditions = set_condition(list(old.get("conditions") or []), _available(config, available), now)
    if latest:
        was_old = int(old.get("replicas") or 0) - int(old.get("updatedReplicas") or 0)
        moved = updated > int(old.get("updatedReplicas") or 0) or total - updated < was_old
        progress = _progressing(latest, moved=moved)
        if progress:
            conditions = set_condition(conditions, progress, now)
    if extra:
        conditions = set_condition(conditions, extra, now)
    status["conditions"] = conditions
    return status

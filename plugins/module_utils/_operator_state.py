# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the image-registry operator is with what it was told, as a rollout.

The operator's conditions say it, where it has seen the Config of now. Its Deployment is looked at too: newer operators
say that they are done as soon as one pod serves, and no operator says why a pod does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _podstate
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._errors import ApiError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._podstate import Cause
from ansible_collections.okd.registry.plugins.module_utils._wait import Rollout

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", configs.NAME, configs.NAMESPACE)
#: Reasons of Degraded that are none of the pods': a Route that no router admits.
_NOT_THE_PODS = frozenset({"RouteDegraded"})
#: Reasons of Degraded that its Deployment tells better.
_OF_THE_DEPLOYMENT = frozenset({"Unavailable"})


def look(api: Api, deployment: Callable[[ObjectRef], Rollout]) -> Rollout:
    """The state now: two reads at least.

    :param deployment: looks at a workload (``_observe.look``).
    :raises WaitError: when the Config is not there.
    """
    config = api.get(configs.REF)
    if config is None:
        raise WaitError(
            f"{configs.REF} does not exist, so there is nothing to wait for: run registry_deploy.", gone=True
        )
    try:
        pods = deployment(DEPLOYMENT)
    except (ApiError, WaitError):  # not made yet, or not for this user to see
        pods = None
    return rollout(config, pods)


def rollout(config: Mapping[str, Any], pods: Rollout | None = None) -> Rollout:
    """The state of what the Config asks for.

    :param pods: the state of the operator's Deployment, where there is one and it may be read.
    """
    cause, failed = _cause(config, pods)
    if cause is None and (pods is None or pods.done):
        return _state(config, pods, None)
    if pods and not pods.done and (cause is None or cause.category is None):
        # The operator waits for its pods, whose own words are better than "has not completed".
        known = Cause(pods.stuck, _short(pods), pods.reason or "the pods are not ready yet")
        cause = known if pods.reason or cause is None else cause
        failed = failed or pods.failed
    return _state(config, pods, cause, failed=failed)


def settled(config: Mapping[str, Any]) -> Rollout | None:
    """The finished state that the Config tells of by itself; None where more has to be looked at."""
    state = rollout(config)
    return state if state.done else None


def _cause(config: Mapping[str, Any], pods: Rollout | None) -> tuple[Cause | None, bool]:
    """What is in the way by the Config alone (None: nothing), and whether it is final."""
    state = (config.get("spec") or {}).get("managementState")
    if state not in configs.LOOKED_AFTER:
        return Cause("config", f"managementState {state}", f"the operator's managementState is {state}"), False
    generation = (config.get("metadata") or {}).get("generation")
    if (config.get("status") or {}).get("observedGeneration") != generation:
        text = f"the operator has not seen the change yet (its pod is to run in namespace {configs.NAMESPACE})"
        return Cause(None, "operator has not seen it yet", text), False
    degraded = _podstate.condition(config, "Degraded")
    if degraded.get("reason") == "ProgressDeadlineExceeded" and degraded.get("status") == "True":
        return Cause(pods.stuck if pods else None, "failed", _said(degraded, "the Deployment has timed out")), True
    return _degraded(degraded, pods) or _unfinished(config), False


def _degraded(condition: Mapping[str, Any], pods: Rollout | None) -> Cause | None:
    reason = str(condition.get("reason") or "Degraded")
    told_better = _NOT_THE_PODS | (_OF_THE_DEPLOYMENT if pods else frozenset())
    if condition.get("status") != "True" or reason in told_better:
        return None
    return Cause("config", reason, _said(condition, reason))


def _unfinished(config: Mapping[str, Any]) -> Cause | None:
    progressing, available = (_podstate.condition(config, kind) for kind in ("Progressing", "Available"))
    if progressing.get("status") == "False" and available.get("status") == "True":
        if available.get("reason") == "MinimumAvailability":
            return Cause(None, "MinimumAvailability", _said(available, "not all pods are ready"))
        return None
    told = progressing if progressing.get("status") != "False" else available
    # An error is tried again for ever; that it stays tells that somebody has to put something right.
    stuck = "config" if told.get("reason") == "Error" else None
    short = str(told.get("reason") or "progressing")
    return Cause(stuck, short, _said(told, "the operator has not said yet how far it is"))


def _said(condition: Mapping[str, Any], otherwise: str) -> str:
    return str(condition.get("message") or otherwise or "no reason given").strip()


def _short(pods: Rollout) -> str:
    """The part of a progress line behind the numbers."""
    return pods.line.partition(" ready, ")[2] or "waiting for pods"


def _state(config: Mapping[str, Any], pods: Rollout | None, cause: Cause | None, *, failed: bool = False) -> Rollout:
    desired = int((config.get("spec") or {}).get("replicas", 1))
    ready = pods.ready if pods else int((config.get("status") or {}).get("readyReplicas") or 0)
    if pods is None and cause is None:
        ready = desired  # older operators count no pods; that they are done says it
    revision = pods.revision if pods and pods.revision else configs.NAME
    return Rollout(
        desired=desired,
        updated=pods.updated if pods else ready,
        ready=ready,
        done=cause is None,
        failed=failed,
        line=f"{revision}: {ready}/{desired} ready, {cause.short if cause else 'done'}",
        reason=cause.text if cause else None,
        revision=revision,
        stuck=cause.category if cause else None,
        grace=_podstate.GRACE.get(cause.category or "") if cause else None,
        serving=pods.serving if pods else 0,
    )

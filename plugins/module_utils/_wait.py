# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rollout is, whether it is done or cannot become so, and why. Pure: objects in, one :class:`Rollout` out.

A condition alone is not believed: for a moment after a write it still tells of the state before. The generation seen by
the controller, and for a DeploymentConfig the version it rolls, have to match first. A DaemonSet has no conditions,
only numbers; its revisions are ControllerRevisions, whose hash the pods have as a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _podstate, _revision
from ansible_collections.okd.registry.plugins.module_utils._podstate import Cause

PHASE = "openshift.io/deployment.phase"
STATUS_REASON = "openshift.io/deployment.status-reason"
CANCELLED = "openshift.io/deployment.cancelled"
REVISION = "deployment.kubernetes.io/revision"
HASH = "controller-revision-hash"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Rollout:
    """The state of a rollout.

    :param revision: the ReplicationController (``docker-registry-1``), ReplicaSet or ControllerRevision being rolled
        out, "" before it is.
    :param desired: pods asked for; of a DaemonSet, the nodes that are to have one.
    :param updated: pods of this revision that exist.
    :param ready: pods of this revision that take traffic.
    :param failed: it has ended without success, or nothing will make it go on.
    :param line: one line about all this without any time in it: it changes exactly when the state does.
    :param reason: why it is not done, in the cluster's words; None when it is.
    :param stuck: what kind of obstacle that is (a key of ``_podstate.GRACE``); None while it goes its usual way.
    :param grace: seconds after which an unchanged obstacle counts as lasting; None without one.
    :param serving: pods of older revisions that still take traffic.
    """

    desired: int
    updated: int
    ready: int
    done: bool
    failed: bool
    line: str
    reason: str | None
    revision: str
    stuck: str | None = None
    grace: int | None = None
    serving: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return asdict(self)


@dataclass(frozen=True)
class Count:
    """Numbers of one revision."""

    revision: str
    desired: int
    updated: int = 0
    ready: int = 0
    serving: int = 0


def version(workload: Object) -> int:
    """A DeploymentConfig's newest version; 0 before the first rollout."""
    return int((workload.get("status") or {}).get("latestVersion") or 0)


def controller_name(workload: Object) -> str:
    """Name of the ReplicationController of a DeploymentConfig's newest version."""
    return f"{_podstate.name_of(workload)}-{version(workload)}"


def newest(workload: Object, candidates: Iterable[Object]) -> Object | None:
    """The ReplicaSet or ControllerRevision that a Deployment or DaemonSet is rolling out; None before there is one."""
    uid = workload["metadata"].get("uid")
    own = [c for c in candidates if any(o.get("uid") == uid for o in c["metadata"].get("ownerReferences") or [])]
    return max(own, key=lambda c: int(c.get("revision") or _annotations(c).get(REVISION) or 0), default=None)


def pods_of(controller: Object | None, pods: Iterable[Object]) -> list[Object]:
    """The pods that a ReplicationController or ReplicaSet selects, or that were made from a ControllerRevision."""
    of_it = (controller or {}).get("metadata") or {}
    found = ((controller or {}).get("spec") or {}).get("selector") or {}
    labels = found.get("matchLabels", found) or {}
    if (controller or {}).get("kind") == "ControllerRevision":
        # Its own label since 1.8; its name is that of the DaemonSet with the hash behind it.
        of_hash = (of_it.get("labels") or {}).get(HASH) or str(of_it.get("name", "")).rpartition("-")[2]
        labels = {HASH: of_hash}
    if not labels:
        return []
    return [p for p in pods if labels.items() <= ((p.get("metadata") or {}).get("labels") or {}).items()]


def _annotations(obj: Object | None) -> dict[str, str]:
    return ((obj or {}).get("metadata") or {}).get("annotations") or {}


def rollout(
    workload: Object,
    controller: Object | None,
    pods: Sequence[Object] = (),
    events: Sequence[Object] = (),
    *,
    after: int | None = None,
    logs: Mapping[str, str] | None = None,
    deployer: Object | None = None,
) -> Rollout:
    """The state of ``workload``'s newest revision.

    :param controller: its ReplicationController (:func:`controller_name`), or its ReplicaSet or ControllerRevision
        (:func:`newest`).
    :param pods: pods of the workload, old revisions' included.
    :param events: of the namespace; more than needed do no harm.
    :param after: version of a DeploymentConfig before the last change: only a newer one counts.
    :param logs: pod name -> last lines of a crashed container.
    :param deployer: the pod that carries out a DeploymentConfig's rollout, where there is one.
    """
    own = pods_of(controller, pods)
    alive = [p for p in own if not p["metadata"].get("deletionTimestamp")]
    name = _podstate.name_of(controller) if controller else ""
    daemons = workload.get("kind") == "DaemonSet"
    numbers, key = (workload.get("status"), "desiredNumberScheduled") if daemons else (workload.get("spec"), "replicas")
    desired = (numbers or {}).get(key)
    ready = sum(map(_podstate.is_ready, alive))
    others = sum(_podstate.is_ready(p) for p in pods if p not in own)
    count = Count(name, 1 if desired is None else int(desired), len(alive), ready, others)
    is_config = workload.get("kind") == "DeploymentConfig"
    early = _not_seen(workload, count) or (_not_started(workload, controller, count, after) if is_config else None)
    if early:
        return early
    cause = _cause(workload, controller, alive, events, count, logs or {})
    if is_config:
        return _of_config(workload, controller or {}, count, cause or _deployer_cause(deployer, events))
    if daemons:
        return _of_daemons(workload, controller, count, cause)
    return _of_deployment(workload, controller, count, cause)


def _state(count: Count, cause: Cause | None, *, failed: bool = False) -> Rollout:
    """Not done: ``cause`` says why."""
    known = cause or Cause(None, "", "")
    line = f"{count.revision or 'no revision yet'}: {count.ready}/{count.desired} ready"
    return Rollout(
        desired=count.desired, updated=count.updated, ready=count.ready, done=False, failed=failed,
        line=f"{line}, {known.short}" if known.short else line, reason=known.text or known.short or None,
        revision=count.revision, stuck=known.category, grace=_podstate.GRACE.get(known.category or ""),
        serving=count.serving,
    )  # fmt: skip


def _done(count: Count) -> Rollout:
    line = f"{count.revision}: {count.ready}/{count.desired} ready, done"
    return Rollout(count.desired, count.updated, count.ready, True, False, line, None, count.revision)


def _not_seen(workload: Object, count: Count) -> Rollout | None:
    """Before the controller has seen the last change nothing in the status counts (APIs before 1.4 do not tell)."""
    seen = (workload.get("status") or {}).get("observedGeneration")
    generation = workload["metadata"].get("generation")
    kind = workload.get("kind")
    if generation is not None and (seen if seen is not None else generation) < generation:
        return _state(count, Cause(None, "change not seen yet", f"the {kind} controller has not seen the change yet"))
    if seen is None and (kind == "DaemonSet" or not workload.get("status")):  # a DaemonSet's numbers are always there
        return _state(count, Cause(None, "not seen yet", f"the {kind} controller has not seen the object yet"))
    return None


def _not_started(workload: Object, controller: Object | None, count: Count, after: int | None) -> Rollout | None:
    newer = version(workload) > (after or 0)
    # Who does not know what the version was before a change (a second run) sees by the template whether it is in.
    stale = after is None and controller is not None and not _revision.carries(controller, workload)
    if newer and controller is not None and not stale:
        return None
    if (workload.get("spec") or {}).get("paused"):
        text = "the DeploymentConfig is paused, so no rollout starts: oc rollout resume lets it go on"
        return _state(count, Cause("config", "paused", text))
    if newer and not stale:
        name = controller_name(workload)
        return _state(count, Cause(None, f"waiting for {name}", f"ReplicationController {name} does not exist yet"))
    return _state(count, Cause(None, "rollout not started yet", "no rollout has started for the change yet"))


def _cause(
    workload: Object,
    controller: Object | None,
    pods: Sequence[Object],
    events: Sequence[Object],
    count: Count,
    logs: Mapping[str, str],
) -> Cause | None:
    """The most telling cause: a pod with an obstacle, then a refusal of pods, then whatever a pod is doing.

    Pods that have failed stay to be looked at when others have taken their places: they count only where none has, or
    where what has made one go keeps the next from coming.
    """
    waiting = sorted((p for p in pods if not _podstate.is_ready(p)), key=_podstate.name_of)
    gone = [p for p in waiting if _podstate.has_failed(p)]
    causes = []
    for pod in [p for p in waiting if p not in gone] or gone:
        name = _podstate.name_of(pod)
        cause = _podstate.pressed(pod, gone) or _podstate.cause_of(pod, events, logs.get(name))
        causes.append(Cause(cause.category, f"pod {name}: {cause.short}", f"pod {name}: {cause.text}"))
    obstacles = [c for c in causes if c.category]
    if obstacles:
        return obstacles[0]
    if count.updated < count.desired:
        refused = _podstate.refusal(controller, events) or _podstate.refusal(workload, events)
        if refused:
            return Cause(refused.category, f"pod refused ({refused.short})", refused.text)
    return causes[0] if causes else None


def awaits_deployer(controller: Object | None) -> bool:
    """Whether a rollout waits for its deployer pod, so that a look at that pod is worth while."""
    return _annotations(controller).get(PHASE) in ("New", "Pending")


def _deployer_cause(deployer: Object | None, events: Sequence[Object]) -> Cause | None:
    """What keeps the deployer pod: on a cluster without its image, say, no rollout ever starts."""
    if deployer is None or _podstate.is_ready(deployer):
        return None
    cause, name = _podstate.cause_of(deployer, events), _podstate.name_of(deployer)
    return Cause(cause.category, f"deployer {name}: {cause.short}", f"deployer pod {name}: {cause.text}")


def _of_config(workload: Object, controller: Object, count: Count, cause: Cause | None) -> Rollout:
    notes = _annotations(controller)
    phase = notes.get(PHASE)
    if phase == "Failed":
        return _state(count, _failure(workload, notes, count, cause), failed=True)
    if phase in (None, "Complete") and count.ready >= count.desired:
        return _done(count)
    if cause is None and phase in ("New", "Pending"):
        cause = Cause(None, "deployer starting", f"{count.revision} is {phase}: its deployer has not started yet")
    if cause is None and count.ready >= count.desired:
        cause = Cause(None, "finishing", "the new pods are ready; the deployer is not done yet")
    return _state(count, cause or Cause(None, "waiting for pods", f"{count.revision} has no pods yet"))


def _failure(workload: Object, notes: Mapping[str, str], count: Count, cause: Cause | None) -> Cause:
    said = notes.get(STATUS_REASON)
    progress = _podstate.condition(workload, "Progressing")
    if notes.get(CANCELLED):
        text = f"the rollout was cancelled: {said or 'no reason given'}"
    elif progress.get("status") == "False" and progress.get("message"):
        text = str(progress["message"])
    else:
        text = f"replication controller {count.revision!r} has failed" + (f": {said}" if said else "")
    if cause and cause.category:
        text += f"; {cause.text}"
    return Cause(cause.category if cause else None, "failed", text)


def _of_deployment(workload: Object, controller: Object | None, count: Count, cause: Cause | None) -> Rollout:
    status = workload.get("status") or {}
    progress = _podstate.condition(workload, "Progressing")
    if progress.get("status") == "False" and progress.get("reason") == "ProgressDeadlineExceeded":
        known = cause or Cause(None, "", "")
        said = str(progress.get("message") or "its progress deadline has passed").rstrip(".")
        return _state(count, Cause(known.category, "failed", f"{said}; {known.text}".rstrip("; ")), failed=True)
    if (workload.get("spec") or {}).get("paused") and (status.get("updatedReplicas") or 0) < count.desired:
        text = "the Deployment is paused, so no rollout starts: kubectl rollout resume lets it go on"
        return _state(count, Cause("config", "paused", text))
    updated, total = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    available = int(status.get("availableReplicas") or 0)
    if controller is not None and updated >= count.desired and total <= updated and available >= count.desired:
        return _done(count)
    if cause is None and count.ready >= count.desired and total > updated:
        cause = Cause(None, "finishing", f"{total - updated} pods of the old revision are still there")
    return _state(count, cause or Cause(None, "waiting for pods", "the new revision's pods are not there yet"))


def _of_daemons(workload: Object, controller: Object | None, count: Count, cause: Cause | None) -> Rollout:
    status = workload.get("status") or {}
    strategy = ((workload.get("spec") or {}).get("updateStrategy") or {}).get("type")
    if not count.desired:
        # A Deployment without pods was scaled so; a DaemonSet without pods is one that nobody can reach.
        text = "no node fits the DaemonSet, so it has no pod: its node_selector, affinity and tolerations decide"
        return _state(count, Cause("schedule", "no node fits", text))
    updated, available = int(status.get("updatedNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    if controller is not None and updated >= count.desired and available >= count.desired:
        return _done(count)
    old = count.desired - updated
    if strategy == "OnDelete" and old > 0 and count.ready + count.serving >= count.desired:
        done = _done(count)
        return replace(done, serving=count.serving, line=f"{done.line}; {old} old pods stay until deleted (OnDelete)")
    if cause is None and old > 0 and strategy == "OnDelete":
        text = "with strategy OnDelete old pods stay until somebody deletes them, and some of them do not serve"
        cause = Cause("config", f"{old} old pods stay until deleted (OnDelete)", text)
    if cause is None and old > 0:
        cause = Cause(None, f"{updated} of {count.desired} nodes have the new revision", "nodes follow one by one")
    return _state(count, cause or Cause(None, "waiting for pods", "the new revision's pods are not all available yet"))


def settled(workload: Object) -> Rollout | None:
    """The finished rollout that a workload's own status tells of; None where more has to be looked at.

    Saves a converged run every further request.
    """
    status = workload.get("status") or {}
    if workload.get("kind") == "DaemonSet":
        return _settled_daemons(workload)
    if (workload.get("spec") or {}).get("paused"):  # then the status tells of what was before
        return None
    desired = int((workload.get("spec") or {}).get("replicas", 1))
    generation = (workload.get("metadata") or {}).get("generation")
    if generation is None or status.get("observedGeneration") != generation:
        return None
    progress = _podstate.condition(workload, "Progressing")
    numbers = [int(status.get(k) or 0) for k in ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")]
    finished = progress.get("reason") in ("NewReplicationControllerAvailable", "NewReplicaSetAvailable")
    if not finished or any(n != desired for n in numbers):
        return None
    is_config = workload.get("kind") == "DeploymentConfig"
    return _done(
        Count(controller_name(workload) if is_config else _podstate.name_of(workload), desired, desired, desired)
    )


def _settled_daemons(workload: Object) -> Rollout | None:
    status, meta = workload.get("status") or {}, workload.get("metadata") or {}
    desired = int(status.get("desiredNumberScheduled") or 0)
    names = ("updatedNumberScheduled", "currentNumberScheduled", "numberReady", "numberAvailable")
    seen = meta.get("generation") is not None and status.get("observedGeneration") == meta["generation"]
    if not seen or not desired or any(int(status.get(name) or 0) != desired for name in names):
        return None
    return _done(Count(_podstate.name_of(workload), desired, desired, desired))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a pod does not serve yet, in the words of whoever knows: scheduler, kubelet, probe, or the program itself. Pure.

Uses only what the core API has had since Kubernetes 1.11: pod status and core/v1 events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Seconds after which a cause that has not changed counts as lasting. Short where nothing mends itself (a wrong image
#: name), longer where the cluster may (a node that restarts, a volume still being bound).
GRACE = {
    "config": 20,
    "refused": 20,
    "image": 30,
    "crash": 30,
    "evicted": 60,
    "schedule": 90,
    "probe": 120,
    "mount": 150,
}

# Reasons as the kubelet writes them (k8s.io/kubernetes pkg/kubelet/images, kuberuntime, events).
IMAGE_REASONS = frozenset(
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ImageInspectError",
        "ErrImageNeverPull",
        "RegistryUnavailable",
    ]
)
CONFIG_REASONS = frozenset(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"])
MOUNT_EVENTS = frozenset(["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"])

#: Taints of a node that lacks something.
_PRESSURE = re.compile(r"node\.kubernetes\.io/(disk|memory|pid)-pressure")
_ERROR = re.compile(r"error|fatal|panic|denied|fail|invalid|cannot", re.IGNORECASE)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """One thing that keeps something from being ready.

    :param category: key of :data:`GRACE`, or None while all goes its usual way.
    :param short: for a progress line, for instance ``ImagePullBackOff``.
    :param text: what the cluster said, in full.
    """

    category: str | None
    short: str
    text: str


def name_of(obj: Object) -> str:
    """``metadata.name``."""
    return str((obj.get("metadata") or {}).get("name", ""))


def is_ready(pod: Object) -> bool:
    """Whether the pod takes traffic: Ready, and not on its way out."""
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return False
    return condition(pod, "Ready").get("status") == "True"


def condition(obj: Object, kind: str) -> dict[str, Any]:
    """The condition of that type, ``{}`` where there is none."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), {})


def warnings_about(events: Iterable[Object], obj: Object) -> list[dict[str, Any]]:
    """Warning events on ``obj``, newest first."""
    meta = obj.get("metadata") or {}

    def concerns(event: Object) -> bool:
        about = event.get("involvedObject") or {}
        same = about.get("uid") == meta.get("uid") if about.get("uid") and meta.get("uid") else True
        return event.get("type") == "Warning" and about.get("name") == meta.get("name") and same

    found = [dict(e) for e in events if concerns(e)]
    return sorted(found, key=_time_of, reverse=True)


def _time_of(event: Object) -> str:
    # RFC 3339 in UTC throughout: text order is time order.
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")


def has_failed(pod: Object) -> bool:
    """Whether the pod has ended for good: it was evicted, or its node did not let it start."""
    return (pod.get("status") or {}).get("phase") == "Failed"


def pressed(pod: Object, gone: Iterable[Object]) -> Cause | None:
    """What has evicted a pod, where the same keeps the next one from every node; None where it does not.

    :param gone: pods of the same controller that have failed.
    """
    said = condition(pod, "PodScheduled")
    if said.get("status") != "False" or not _PRESSURE.search(said.get("message") or ""):
        return None
    evicted = next((each for each in gone if (each.get("status") or {}).get("reason") == "Evicted"), None)
    if evicted is None:
        return None
    cause = cause_of(evicted)
    return Cause(cause.category, cause.short, f"{said['message']} Pod {name_of(evicted)}: {cause.text}")


def cause_of(pod: Object, events: Sequence[Object] = (), log: str | None = None) -> Cause:
    """Why ``pod`` is not ready.

    :param events: events of its namespace, more than the pod's own do no harm.
    :param log: last lines of the container's previous run, where known.
    """
    warnings = warnings_about(events, pod)
    status = pod.get("status") or {}
    if has_failed(pod):
        return Cause("evicted", status.get("reason") or "Failed", _said(status.get("message"), "the pod has failed"))
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        short = scheduled.get("reason") or "Unschedulable"
        return Cause("schedule", short, _said(scheduled.get("message"), "no node fits"))
    if not (pod.get("spec") or {}).get("nodeName"):
        return Cause(None, "Pending", "the scheduler has not placed the pod yet")
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for container in statuses:
        if not container.get("ready"):
            cause = _container_cause(container, warnings, log)
            if cause:
                return cause
    return _starting(statuses, warnings)


def _said(message: str | None, otherwise: str) -> str:
    return (message or otherwise).strip()


def _container_cause(container: Object, warnings: Sequence[Object], log: str | None) -> Cause | None:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message")
    if reason in IMAGE_REASONS:
        # The kubelet goes to and fro between trying and backing off: one name for both, so that the state is one.
        short = "ImagePullBackOff" if reason == "ErrImagePull" else reason
        return Cause("image", short, _image_text(container, reason, message, warnings))
    if reason in CONFIG_REASONS:
        return Cause("config", reason, _said(message, reason))
    last = (container.get("lastState") or {}).get("terminated") or state.get("terminated")
    if reason == "CrashLoopBackOff" or (last and not _completed(container)):
        return _restarted(container, last or {}, warnings, log)
    return None


def _restarted(container: Object, last: Object, warnings: Sequence[Object], log: str | None) -> Cause:
    """A container that has ended at least once: because of a probe, or of itself."""
    probes = [e for e in warnings if e.get("reason") == "Unhealthy" and e.get("message")]
    started = ((container.get("state") or {}).get("running") or {}).get("startedAt") or ""
    killed = any(e["message"].startswith("Liveness") for e in probes)
    runs_on = probes and container.get("restartCount") == 1 and started and _time_of(probes[0]) > started
    if killed or runs_on:
        return Cause("probe", "Unhealthy", probes[0]["message"].strip())
    short = "CrashLoopBackOff" if container.get("restartCount") else "Error"
    return Cause("crash", short, _crash_text(container, last, log))


def _completed(container: Object) -> bool:
    """An init container that has done its work is terminated with 0 and ready."""
    done = (container.get("state") or {}).get("terminated") or {}
    return done.get("exitCode") == 0 and not container.get("restartCount")


def _image_text(container: Object, reason: str, message: str | None, warnings: Sequence[Object]) -> str:
    # The back-off's own message often says no more than that; the event of the failed pull has the registry's words.
    for event in warnings:
        text = event.get("message") or ""
        if event.get("reason") == "Failed" and "pull image" in text:
            return text.strip()
    return f"image {container.get('image')}: {_said(message, reason)}"


def _crash_text(container: Object, last: Object, log: str | None) -> str:
    times = container.get("restartCount") or 0
    text = f"container {container.get('name')} exited with code {last.get('exitCode', '?')}"
    if last.get("reason") not in (None, "Error"):
        text += f" ({last['reason']})"
    if times:
        text += f", restarted {times} time{'s' if times > 1 else ''}"
    said = last_words(log or last.get("message") or "")
    return f"{text}; its last words: {said}" if said else text


def last_words(log: str, *, lines: int = 4) -> str:
    """What of the end of a log tells most, in one line: its errors where there are any (a usage text may follow)."""
    found = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    errors = [line for line in found if _ERROR.search(line)]
    return " | ".join(line[:300] for line in (errors or found)[-lines:])


def _starting(statuses: Sequence[Object], warnings: Sequence[Object]) -> Cause:
    running = [c for c in statuses if "running" in (c.get("state") or {})]
    if not running:
        for event in warnings:
            # Once is usual: a node's cache of Secrets lags behind a new pod.
            if event.get("reason") in MOUNT_EVENTS and (event.get("count") or 1) > 1:
                return Cause("mount", event["reason"], _said(event.get("message"), event["reason"]))
        reasons = [((c.get("state") or {}).get("waiting") or {}).get("reason") for c in statuses]
        return Cause(None, next((r for r in reasons if r), "ContainerCreating"), "the container is being created")
    for event in warnings:
        if event.get("reason") == "Unhealthy":
            return Cause("probe", "Unhealthy", _said(event.get("message"), "a probe fails"))
    return Cause(None, "not ready yet", "the container runs, its readiness probe has not succeeded yet")


def refusal(controller: Object | None, events: Sequence[Object] = ()) -> Cause | None:
    """Why a controller gets no pods (quota, SCC, another admission plugin); None where it gets them.

    :param controller: a ReplicationController, ReplicaSet or Deployment.
    """
    if controller is None:
        return None
    failure = condition(controller, "ReplicaFailure")
    if failure.get("status") == "True":
        return Cause("refused", failure.get("reason") or "FailedCreate", _said(failure.get("message"), "pod refused"))
    for event in warnings_about(events, controller):
        if event.get("reason") == "FailedCreate":
            return Cause("refused", "FailedCreate", _said(event.get("message"), "pod refused"))
    return None

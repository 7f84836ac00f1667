# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload that exists looks like: which container, which volume where, which environment. Pure.

The answers decide which names the desired object takes over, so that an adopted registry gets no second container,
no second volume at the same path, and keeps its selector and its HTTP secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._plan import owns

#: Name that ``oadm registry`` gives the container.
CONTAINER = "registry"

Object = Mapping[str, Any]


def template(workload: Object | None) -> dict[str, Any]:
    """The pod template, ``{}`` where there is none."""
    return ((workload or {}).get("spec") or {}).get("template") or {}


def containers(workload: Object | None) -> list[dict[str, Any]]:
    """The containers of the pod template."""
    return (template(workload).get("spec") or {}).get("containers") or []


def container_name(workload: Object | None) -> str:
    """The registry's container: the one called ``registry``, or the only one.

    :raises RefusedError: when there are several and none has that name.
    """
    names = [c.get("name", "") for c in containers(workload)]
    if not names or CONTAINER in names:
        return CONTAINER
    if len(names) == 1:
        return names[0]
    meta = (workload or {}).get("metadata") or {}
    raise RefusedError(
        f"{(workload or {}).get('kind')} {meta.get('namespace')}/{meta.get('name')} has the containers"
        f" {', '.join(names)}, none of which is called {CONTAINER}: rename the one that is the registry"
    )


def container_in(pod: Object, wanted: str) -> str:
    """The container of that name in a pod; the first where there is none, as in a pod of an older template."""
    names = [str(c["name"]) for c in pod["spec"]["containers"]]
    return wanted if wanted in names else names[0]


def container(workload: Object | None) -> dict[str, Any]:
    """The registry's container, ``{}`` where there is none."""
    wanted = container_name(workload)
    return next((c for c in containers(workload) if c.get("name") == wanted), {})


def likely_container(workload: Object | None) -> dict[str, Any]:
    """The registry's container for those who only look: else the one with its variables, or the first one."""
    found = containers(workload)
    named = [c for c in found if c.get("name") == CONTAINER]
    told = [c for c in found if any(str(e.get("name")).startswith("REGISTRY_") for e in c.get("env") or [])]
    return (named or told or found or [{}])[0]


def to_look_at(workload: Object | None) -> tuple[dict[str, Any] | None, str | None]:
    """The workload for those who only look at it, which is no reason to refuse one: with one container that is it.

    :returns: the workload, without containers beside the registry's where that has to be guessed, and then a sentence
        about that.
    """
    names = [str(c.get("name")) for c in containers(workload)]
    if workload is None or len(names) < 2 or CONTAINER in names:
        return None if workload is None else dict(workload), None
    taken = likely_container(workload)
    spec, pods = workload["spec"], template(workload)
    shown = {**pods, "spec": {**pods["spec"], "containers": [taken]}}
    meta = workload.get("metadata") or {}
    said = (
        f"{workload.get('kind')} {meta.get('namespace')}/{meta.get('name')} has the containers {', '.join(names)}, none"
        f" of which is called {CONTAINER}: {taken.get('name')} is taken for it"
    )
    return {**workload, "spec": {**spec, "template": shown}}, said


def owns_container(workload: Object | None, *path: str) -> bool:
    """Whether a field of the container is ours, by its names; elements of lists as in ``_plan.owns``."""
    return owns(workload, "spec", "template", "spec", "containers", f"={container_name(workload)}", *path)


def env(workload: Object | None) -> dict[str, dict[str, Any]]:
    """The container's environment by name; each value is the whole entry (``value`` or ``valueFrom``)."""
    return {e["name"]: e for e in container(workload).get("env") or []}


def mounted(workload: Object | None, path: str) -> dict[str, Any]:
    """What is mounted at ``path``, with its path as it is written there; ``{}`` where nothing is.

    Of several (``/registry`` and ``/registry/`` are two to the API, and one place), the last one is what the container
    sees.
    """
    mounts = container(workload).get("volumeMounts") or []
    return next((m for m in reversed(mounts) if same_path(m.get("mountPath", ""), path)), {})


def same_path(one: str, other: str) -> bool:
    """Whether two paths are one place, however many slashes are at their ends."""
    return _normal(one) == _normal(other)


def mount_at(workload: Object | None, path: str) -> str | None:
    """Name of the volume mounted at ``path``, None where nothing is."""
    return mounted(workload, path).get("name")


def _normal(path: str) -> str:
    return path.rstrip("/") or "/"


def volume(workload: Object | None, name: str | None) -> dict[str, Any]:
    """The volume called ``name``, ``{}`` where there is none."""
    volumes = (template(workload).get("spec") or {}).get("volumes") or []
    return next((v for v in volumes if v.get("name") == name), {})


def volume_source(vol: Object) -> tuple[str, dict[str, Any]] | None:
    """Kind and fields of a volume's source, for instance ``("persistentVolumeClaim", {"claimName": "x"})``.

    None for a volume that is not there. A volume without a source is an emptyDir (the API fills it in so).
    """
    if not vol:
        return None
    for key, value in vol.items():
        if key != "name":
            return key, dict(value or {})
    return "emptyDir", {}


def storage(workload: Object | None, mount_path: str) -> dict[str, Any] | None:
    """Where a workload keeps its images, for results; None when nothing is mounted at ``mount_path``."""
    name = mount_at(workload, mount_path)
    source = volume_source(volume(workload, name))
    if source is None:
        return None
    kinds = {"persistentVolumeClaim": "pvc", "emptyDir": "ephemeral", "hostPath": "host_path"}
    kind = kinds.get(source[0], source[0])
    return {"kind": kind, "volume_name": name, "mount_path": mount_path, "source": source[1]}


def selector(workload: Object | None) -> dict[str, str]:
    """The labels by which a workload finds its pods: flat in a DeploymentConfig, ``matchLabels`` elsewhere.

    :raises RefusedError: for one that finds them by expressions alone, which no pod can be given labels by.
    """
    found = ((workload or {}).get("spec") or {}).get("selector") or {}
    if not {"matchLabels", "matchExpressions"} & set(found):
        return dict(found)
    if not found.get("matchLabels"):
        meta = (workload or {}).get("metadata") or {}
        raise RefusedError(
            f"{(workload or {}).get('kind')} {meta.get('namespace')}/{meta.get('name')} selects its pods by"
            " matchExpressions alone, from which labels for its pods and for the Service cannot be told: make it anew"
            " with matchLabels"
        )
    return dict(found["matchLabels"])


_OPERATORS = {"In": "{key} in ({values})", "NotIn": "{key} notin ({values})", "Exists": "{key}", "DoesNotExist": "!{key}"}


def pods_selector(workload: Object | None) -> dict[str, str] | str:
    """By what a workload's pods can be listed: labels, or where it has expressions, too, the API's text for all of it."""
    found = ((workload or {}).get("spec") or {}).get("selector") or {}
    expressions = found.get("matchExpressions")
    if not isinstance(expressions, list) or not expressions:
        return selector(workload)
    parts = [f"{key}={value}" for key, value in (found.get("matchLabels") or {}).items()]
    for one in expressions:
        values = ",".join(one.get("values") or [])
        parts.append(_OPERATORS[one["operator"]].format(key=one["key"], values=values))
    return ",".join(parts)


def triggers(workload: Object | None) -> list[dict[str, Any]]:
    """A DeploymentConfig's triggers."""
    return list(((workload or {}).get("spec") or {}).get("triggers") or [])


def is_daemon_set(workload: Object | None) -> bool:
    """Whether the number of pods is that of the nodes, and not asked for."""
    return (workload or {}).get("kind") == "DaemonSet"


def ready_replicas(workload: Object | None) -> int:
    """Pods that serve at the moment. APIs before 1.5 count no ready pods of a DeploymentConfig: then the available."""
    status = (workload or {}).get("status") or {}
    if is_daemon_set(workload):
        return int(status.get("numberReady") or 0)
    return int(status.get("readyReplicas") or status.get("availableReplicas") or 0)


def replicas(workload: Object | None) -> int:
    """Pods asked for; one where nothing is said, as the API fills it in. Of a DaemonSet, the nodes it has found."""
    if is_daemon_set(workload):
        return int(((workload or {}).get("status") or {}).get("desiredNumberScheduled") or 0)
    count = ((workload or {}).get("spec") or {}).get("replicas")
    return 1 if count is None else int(count)


def has_no_pods(workload: Object | None) -> bool:
    """Whether it is scaled to nothing, and its pods are gone."""
    status = (workload or {}).get("status") or {}
    running = ("currentNumberScheduled", "numberMisscheduled") if is_daemon_set(workload) else ("replicas",)
    return replicas(workload) == 0 and not any(status.get(name) for name in running)


def never_ready(workload: Object | None) -> bool:
    """Whether no rollout was ever finished, so that nobody can have pushed anything.

    Known only for the first rollout: of a later one, the object does not tell what became of those before.
    """
    live = workload or {}
    status = live.get("status") or {}
    if ready_replicas(live):
        return False
    if is_daemon_set(live):  # its status has no word on what was; one that no controller has seen had no pods
        return not status.get("observedGeneration")
    # The word on a finished rollout stays when its pods stop being ready later.
    for condition in status.get("conditions") or []:
        kind, reason = condition.get("type"), str(condition.get("reason") or "")
        if kind == "Progressing" and reason in ("NewReplicationControllerAvailable", "NewReplicaSetAvailable"):
            return False
    notes = (live.get("metadata") or {}).get("annotations") or {}
    revision = notes.get("deployment.kubernetes.io/revision") or status.get("latestVersion") or 0
    return int(revision) <= 1

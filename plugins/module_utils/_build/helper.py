# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A helper: a pod that lives for a moment beside a registry's, as the same user, with volumes of its own. Pure.

It is made by a Job, for on OpenShift a pod gets its user and groups from the SecurityContextConstraints of its service
account *and* of whoever creates it: an administrator's own pod would run as another user than the registry's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

#: Label of Job and pod, with the helper's name. A Service or controller would have to select by it to get the pod.
LABEL = "okd.registry/helper"
#: Annotation of the Job: the registry it works for. Says that the Job is ours, also to a later run.
OWNER = "okd.registry/helper-of"
CONTAINER = "helper"
#: Seconds for which the Job may outlive its pods' deadline, and a finished one that a killed run left behind.
_SLACK, _LEFT = 120, 3600
_NAME_MAX = 63  # the Job's name is a label of its pod
#: What of the registry's pod decides who the helper is and where it may run.
_POD = (
    "serviceAccountName", "serviceAccount", "securityContext", "nodeSelector", "tolerations", "imagePullSecrets",
    "priorityClassName", "schedulerName", "runtimeClassName",
)  # fmt: skip
_CONTAINER = ("imagePullPolicy", "securityContext")
_REQUIRED_SCC = "openshift.io/required-scc"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Volume:
    """A volume at a path of the helper.

    :param source: the volume's source, such as ``{"persistentVolumeClaim": {"claimName": "x"}}``.
    """

    path: str
    source: Mapping[str, Any]
    read_only: bool = False


@dataclass(frozen=True)
class Helper:
    """What a helper is to be.

    :param registry: name of the registry's workload.
    :param purpose: a word for its name, such as ``probe``: of each purpose there is one helper at a time.
    :param command: program and arguments, in place of the image's own.
    :param image: None takes the registry's.
    :param node: name of the node it has to run on, where its volume is already used on one; its volumes must be bound.
    :param seconds: its pod is ended after so long, whatever becomes of us.
    :param env: variables; never secrets.
    """

    registry: str
    namespace: str
    purpose: str
    command: tuple[str, ...]
    volumes: tuple[Volume, ...] = ()
    image: str | None = None
    node: str | None = None
    seconds: int = 600
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``<registry>-<purpose>``, shortened where it would be too long for a label."""
        name = f"{self.registry}-{self.purpose}"
        if len(name) <= _NAME_MAX:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        return f"{self.registry[: _NAME_MAX - len(self.purpose) - 10].rstrip('.-')}-{digest}-{self.purpose}"

    @property
    def ref(self) -> ObjectRef:
        """The Job."""
        return ObjectRef("batch/v1", "Job", self.name, self.namespace)

    @property
    def owner(self) -> str:
        """The value of :data:`OWNER`."""
        return f"{self.namespace}/{self.registry}"


def is_ours(helper: Helper, live: Object) -> bool:
    """Whether a Job of the helper's name was made by us for the same registry."""
    return ((live.get("metadata") or {}).get("annotations") or {}).get(OWNER) == helper.owner


def job(helper: Helper, workload: Object) -> dict[str, Any]:
    """The Job.

    :param workload: the registry's workload, live or as it will be: its template says who the helper is.
    :raises RefusedError: when neither says an image.
    """
    template = layout.template(workload)
    labels = {LABEL: helper.name}
    notes = {"sidecar.istio.io/inject": "false"}  # with a sidecar it would never be finished
    scc = ((template.get("metadata") or {}).get("annotations") or {}).get(_REQUIRED_SCC)
    pod = {
        "metadata": {"labels": dict(labels), "annotations": {**notes, **({_REQUIRED_SCC: scc} if scc else {})}},
        "spec": _spec(helper, workload, template.get("spec") or {}),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": helper.name,
            "namespace": helper.namespace,
            "labels": labels,
            "annotations": {OWNER: helper.owner},
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": helper.seconds + _SLACK,
            "ttlSecondsAfterFinished": _LEFT,
            "template": pod,
        },
    }


def _spec(helper: Helper, workload: Object, of: Object) -> dict[str, Any]:
    spec = {key: of[key] for key in _POD if of.get(key)}
    # Of the affinity only what concerns nodes: a registry's pods may be told to keep away from each other.
    nodes = (of.get("affinity") or {}).get("nodeAffinity")
    if nodes:
        spec["affinity"] = {"nodeAffinity": nodes}
    if helper.node:
        spec["nodeName"] = helper.node
    spec["restartPolicy"] = "Never"
    spec["activeDeadlineSeconds"] = helper.seconds
    spec["terminationGracePeriodSeconds"] = 1
    spec["automountServiceAccountToken"] = False
    spec["containers"] = [_container(helper, layout.container(workload))]
    spec["volumes"] = [{"name": _volume_name(i), **volume.source} for i, volume in enumerate(helper.volumes)]
    return spec


def _volume_name(index: int) -> str:
    return f"helper-{index}"


def _container(helper: Helper, of: Object) -> dict[str, Any]:
    image = str(helper.image or of.get("image") or "").strip()
    if not image:  # a DeploymentConfig whose image a trigger fills in may have none yet
        raise RefusedError(
            f"The pod template of {helper.owner} names no image, so {helper.name} has none to run: set helper_image."
        )
    container = {key: of[key] for key in _CONTAINER if of.get(key) and not (helper.image and key == "imagePullPolicy")}
    limits = (of.get("resources") or {}).get("limits")
    mounts = [
        {"name": _volume_name(i), "mountPath": v.path, **({"readOnly": True} if v.read_only else {})}
        for i, v in enumerate(helper.volumes)
    ]
    return {
        **container,
        "name": CONTAINER,
        "image": image,
        "command": list(helper.command),
        "env": [{"name": name, "value": value} for name, value in helper.env.items()],
        "volumeMounts": mounts,
        # A quota may ask for both; limits that are good for the registry are good for this.
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, **({"limits": dict(limits)} if limits else {})},
    }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod template of a registry, put together from parts. Pure."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part, merged
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._plan import removed

#: Annotation of the pod template: changes when something the pod reads only at its start has changed.
CHECKSUM = "okd.registry/checksum"
#: Annotation of the pod template: when a new rollout was asked for that nothing else calls for (state redeployed).
RESTARTED = "okd.registry/restarted-at"
HTTP_SECRET_ENV = "REGISTRY_HTTP_SECRET"  # noqa: S105  a name
HTTP_SECRET_KEY = "http-secret"  # noqa: S105  a name
#: When a probe asks. A pod that is asked just before it listens is asked again soon, so that a rollout does not wait for
#: the API's ten seconds; one that falls silent gets as long as by the API's defaults, three times ten seconds.
_TIMES: Mapping[str, Mapping[str, int]] = {
    "livenessProbe": {"initialDelaySeconds": 10, "timeoutSeconds": 5},
    "readinessProbe": {"timeoutSeconds": 5, "periodSeconds": 3, "failureThreshold": 10},
}
#: What the API fills in, so that it is nobody's word (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go).
_BY_DEFAULT = {"initialDelaySeconds": 0, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3}


def template(
    part: Part,
    live: Mapping[str, Any] | None,
    *,
    image: str,
    port: int,
    tls: bool,
    labels: Mapping[str, str],
    checksum: str | None,
    restarted: str | None = None,
) -> dict[str, Any]:
    """The pod template; ``live``, a workload, lends the names of its container and volumes.

    :param part: all that the features add, joined.
    :param labels: of the pods.
    :param checksum: see :func:`checksum`.
    :param restarted: when the pods were last asked to be started anew; None keeps what there is.
    """
    volumes, mounts = _volumes(part, live)
    pod = {"containers": [_container(part, live, mounts, image=image, port=port, tls=tls)]}
    if volumes:
        pod["volumes"] = volumes
    metadata: dict[str, Any] = {"labels": dict(labels)}
    when = restarted or ((layout.template(live).get("metadata") or {}).get("annotations") or {}).get(RESTARTED)
    notes = {CHECKSUM: checksum, RESTARTED: when if live else None}
    if any(notes.values()):
        metadata["annotations"] = {name: note for name, note in notes.items() if note}
    return {"metadata": metadata, "spec": merged(pod, part.pod)}


def _volumes(part: Part, live: Mapping[str, Any] | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The volumes and their mounts; what is there keeps its name and the spelling of its path."""
    volumes: dict[str, dict[str, Any]] = {}
    mounts = {}
    for mount in part.mounts:
        there = layout.mounted(live, mount.path)
        name = mount.volume if mount.named or not there else there["name"]
        path = there.get("mountPath") or mount.path
        if mount.source:
            volumes[name] = {"name": name, **mount.source}
        mounts[path] = {
            "name": name, "mountPath": path, **({"readOnly": True} if mount.read_only else {}),
            **({"subPath": mount.sub_path} if mount.sub_path else {}),
        }  # fmt: skip
    for there in layout.container(live).get("volumeMounts") or []:
        path = there["mountPath"]
        covered = any(layout.same_path(path, mount.path) for mount in part.mounts)
        if (there.get("name") in part.gone or covered) and path not in mounts:
            mounts[path] = removed(mountPath=path)  # of what is gone, or hidden below another mount at the same place
    for name in part.gone:
        volumes.setdefault(name, removed(name=name))
    return list(volumes.values()), list(mounts.values())


def _container(
    part: Part, live: Mapping[str, Any] | None, mounts: list[dict[str, Any]], *, image: str, port: int, tls: bool
) -> dict[str, Any]:
    check = {"path": "/healthz", "port": port, "scheme": "HTTPS" if tls else "HTTP"}
    base = {
        "name": layout.container_name(live),
        "image": image,
        "ports": [{"containerPort": port}],
        "env": [_variable(name, value) for name, value in part.env.items()],
        "volumeMounts": mounts,
        "securityContext": {"privileged": False},
        **{name: _probe(name, {"httpGet": check}, live) for name in _TIMES},
    }
    return merged(base, part.container)


def _probe(name: str, what: Mapping[str, Any], live: Mapping[str, Any] | None) -> dict[str, Any]:
    """A probe: what it asks is ours to say; how often and how long stays as somebody has set it."""
    there = layout.container(live).get(name) or {}

    def theirs(field: str) -> bool:
        return there.get(field, _BY_DEFAULT[field]) != _BY_DEFAULT[field] and not layout.owns_container(live, name, field)

    return {**copy.deepcopy(dict(what)), **{field: v for field, v in _TIMES[name].items() if not theirs(field)}}


def _variable(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return removed(name=name)
    if isinstance(value, Mapping) and "name" in value:
        return dict(value)
    return {"name": name, "valueFrom": dict(value)} if isinstance(value, Mapping) else {"name": name, "value": value}


def keeps_http_secret(live: Mapping[str, Any] | None, own_secret: str) -> bool:
    """Whether a live workload has an HTTP secret of its own, which is then left as it is.

    A new value would make every upload in progress fail, and those on other replicas.
    """
    entry = layout.env(live).get(HTTP_SECRET_ENV)
    if not entry:
        return False
    ref = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
    return bool(entry.get("value") or entry.get("valueFrom")) and ref.get("name") != own_secret


def checksum(parts: Mapping[str, str | None]) -> str:
    """One value for all that the pod reads only at its start: fingerprints and identities, never secret bytes.

    A part that only an apply will make known makes the whole :data:`KNOWN_AFTER_APPLY`.
    """
    known = {key: value for key, value in parts.items() if value}
    if KNOWN_AFTER_APPLY in known.values():
        return KNOWN_AFTER_APPLY
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DeploymentConfig or Deployment of a registry, in the shape ``oadm registry`` gave it. Pure.

The result says only what this collection answers for; what others set on the live object is not in it and stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import removed

API_VERSIONS = {"DeploymentConfig": "apps.openshift.io/v1", "Deployment": "apps/v1"}
#: Annotation of the pod template: changes when something the pod reads only at its start has changed.
CHECKSUM = "okd.registry/checksum"
TLS_VOLUME = "registry-certificates"
HTTP_SECRET_ENV = "REGISTRY_HTTP_SECRET"  # noqa: S105  a name
HTTP_SECRET_KEY = "http-secret"  # noqa: S105  a name
#: What ``oadm registry`` asks for: requests, no limits.
DEFAULT_RESOURCES: Mapping[str, Any] = {"requests": {"cpu": "100m", "memory": "256Mi"}}


def ref(kind: str, name: str, namespace: str) -> ObjectRef:
    """Where a registry's workload of that kind is."""
    return ObjectRef(API_VERSIONS[kind], kind, name, namespace)


@dataclass(frozen=True)
class Storage:
    """Where the pod keeps images.

    :param claim_name: of a PersistentVolumeClaim; None keeps them in the pod (``emptyDir``).
    """

    claim_name: str | None = None
    mount_path: str = "/registry"
    volume_name: str = "registry-storage"

    def source(self) -> dict[str, Any]:
        """The volume source."""
        if self.claim_name:
            return {"persistentVolumeClaim": {"claimName": self.claim_name}}
        return {"emptyDir": {}}

    def __str__(self) -> str:
        return f"claim {self.claim_name}" if self.claim_name else "ephemeral storage (emptyDir)"


@dataclass(frozen=True)
class Tls:
    """The certificate the pod serves.

    :param cert_key: key of the certificate in the Secret, and so the name of its file.
    """

    secret_name: str
    mount_path: str = "/etc/secrets"
    cert_key: str = "registry.crt"
    private_key: str = "registry.key"

    def env(self) -> dict[str, str]:
        """Variables that make the registry serve TLS."""
        return {
            "REGISTRY_HTTP_TLS_CERTIFICATE": f"{self.mount_path.rstrip('/')}/{self.cert_key}",
            "REGISTRY_HTTP_TLS_KEY": f"{self.mount_path.rstrip('/')}/{self.private_key}",
        }


@dataclass(frozen=True)
class Workload:
    """Everything that goes into the object.

    :param kind: ``DeploymentConfig`` or ``Deployment``.
    :param selector: None keeps the live one, or takes ``labels``.
    :param env: variables of the user; None as a value removes the variable, whoever set it.
    :param strategy: ``Rolling``, ``Recreate``, or None to leave it alone.
    :param http_secret: name of the Secret with the HTTP secret; None where the live variable is kept as it is.
    :param checksum: value of the pod template's annotation; see :func:`checksum`.
    """

    kind: str
    name: str
    namespace: str
    image: str
    replicas: int = 1
    labels: Mapping[str, str] = field(default_factory=lambda: {"docker-registry": "default"})
    selector: Mapping[str, str] | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    service_account: str = "registry"
    port: int = 5000
    storage: Storage = Storage()
    tls: Tls | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    strategy: str | None = None
    resources: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_RESOURCES)
    http_secret: str | None = None
    checksum: str | None = None


def desired(want: Workload, live: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The object wanted; ``live`` lends the names and the selector that are kept."""
    selector = dict(want.selector or layout.selector(live) or want.labels)
    spec: dict[str, Any] = {"replicas": want.replicas, "template": _template(want, live, selector)}
    if want.kind == "DeploymentConfig":
        spec["selector"] = selector
        spec["triggers"] = _triggers(live)
        strategy = want.strategy
    else:
        spec["selector"] = {"matchLabels": selector}
        strategy = "RollingUpdate" if want.strategy == "Rolling" else want.strategy
    if strategy:
        spec["strategy"] = {"type": strategy}
    return {
        "apiVersion": API_VERSIONS[want.kind],
        "kind": want.kind,
        "metadata": {"name": want.name, "namespace": want.namespace, "labels": dict(want.labels)},
        "spec": spec,
    }


def _triggers(live: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """A change of the template must roll out; other triggers of a live object stay beside that.

    What OpenShift itself writes into a trigger is left out, so that it is never ours.
    """
    others = []
    for trigger in layout.triggers(live):
        if trigger.get("type") != "ConfigChange":
            image = trigger.get("imageChangeParams") or {}
            kept = {k: v for k, v in image.items() if k != "lastTriggeredImage"}
            others.append({**trigger, **({"imageChangeParams": kept} if kept else {})})
    return [{"type": "ConfigChange"}, *others]


def _template(want: Workload, live: Mapping[str, Any] | None, selector: Mapping[str, str]) -> dict[str, Any]:
    storage_volume = layout.mount_at(live, want.storage.mount_path) or want.storage.volume_name
    volumes: list[dict[str, Any]] = [{"name": storage_volume, **want.storage.source()}]
    mounts: list[dict[str, Any]] = [{"name": storage_volume, "mountPath": want.storage.mount_path}]
    if want.tls:
        tls_volume = layout.mount_at(live, want.tls.mount_path) or TLS_VOLUME
        volumes.append({"name": tls_volume, "secret": {"secretName": want.tls.secret_name}})
        mounts.append({"name": tls_volume, "mountPath": want.tls.mount_path, "readOnly": True})
    pod: dict[str, Any] = {
        "serviceAccountName": want.service_account,
        "containers": [_container(want, live, mounts)],
        "volumes": volumes,
    }
    if want.node_selector:
        pod["nodeSelector"] = dict(want.node_selector)
    metadata: dict[str, Any] = {"labels": {**want.labels, **selector}}
    if want.checksum:
        metadata["annotations"] = {CHECKSUM: want.checksum}
    return {"metadata": metadata, "spec": pod}


def _container(want: Workload, live: Mapping[str, Any] | None, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    check = {"path": "/healthz", "port": want.port, "scheme": "HTTPS" if want.tls else "HTTP"}
    return {
        "name": layout.container_name(live),
        "image": want.image,
        "ports": [{"containerPort": want.port}],
        "env": _env(want),
        "volumeMounts": mounts,
        "resources": dict(want.resources),
        "securityContext": {"privileged": False},
        "livenessProbe": {"httpGet": check, "initialDelaySeconds": 10, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": dict(check), "timeoutSeconds": 5},
    }


def _env(want: Workload) -> list[dict[str, Any]]:
    """Ours first, then the user's, who may override ours; None takes a variable away."""
    values: dict[str, str | None] = {"REGISTRY_HTTP_ADDR": f":{want.port}", "REGISTRY_HTTP_NET": "tcp"}
    if want.tls:
        values.update(want.tls.env())
    values.update(want.env)
    entries: list[dict[str, Any]] = [
        removed(name=name) if value is None else {"name": name, "value": value} for name, value in values.items()
    ]
    if want.http_secret and HTTP_SECRET_ENV not in want.env:
        ref = {"name": want.http_secret, "key": HTTP_SECRET_KEY}
        entries.insert(2, {"name": HTTP_SECRET_ENV, "valueFrom": {"secretKeyRef": ref}})
    return entries


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


def abandons(want: Workload, live: Mapping[str, Any] | None, *, rolls: bool) -> str | None:
    """What pushed images a write would leave behind, as a sentence; None when it leaves none.

    :param rolls: whether the write changes the pod template, so that pods are replaced.
    """
    if live is None or not layout.ready_replicas(live):
        return None
    before = layout.volume_source(layout.volume(live, layout.mount_at(live, want.storage.mount_path)))
    after = next(iter(want.storage.source().items()))
    if before is None:
        return None
    if before[0] != after[0] or before[1].get("claimName") != after[1].get("claimName"):
        return f"the images are kept in {_source_text(before)}, which the pod would give up for {want.storage}"
    if rolls and before[0] == "emptyDir":
        return "the images are kept in the pod itself (emptyDir), which this change replaces"
    return None


def _source_text(source: tuple[str, dict[str, Any]]) -> str:
    kind, fields = source
    known = {
        "emptyDir": "the pod itself (emptyDir)",
        "persistentVolumeClaim": f"claim {fields.get('claimName')}",
        "nfs": f"NFS {fields.get('server')}:{fields.get('path')}",
        "hostPath": f"the node's directory {fields.get('path')}",
    }
    return known.get(kind, f"a volume of kind {kind}")

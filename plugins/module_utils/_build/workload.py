# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DeploymentConfig or Deployment of a registry, in the shape ``oadm registry`` gave it. Pure.

The result says only what this collection answers for; what others set on the live object is not in it and stays.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import owns, plan, removed

API_VERSIONS = {"DeploymentConfig": "apps.openshift.io/v1", "Deployment": "apps/v1"}
#: Annotation of the pod template: changes when something the pod reads only at its start has changed.
CHECKSUM = "okd.registry/checksum"
TLS_VOLUME = "registry-certificates"
HTTP_SECRET_ENV = "REGISTRY_HTTP_SECRET"  # noqa: S105  a name
HTTP_SECRET_KEY = "http-secret"  # noqa: S105  a name
#: Where the registry keeps images. OpenShift's images say /registry, those of the distribution /var/lib/registry.
ROOT_ENV = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
_STORAGE_ENV = re.compile(r"REGISTRY_STORAGE_([A-Z0-9]+)(?:_.*)?")
#: What stands beside the driver in the section ``storage`` of a registry's configuration.
_NO_OTHER_DRIVER = frozenset({"FILESYSTEM", "DELETE", "CACHE", "MAINTENANCE", "REDIRECT", "TAG"})
#: Where images have their configuration file; one mounted there is the user's.
_CONFIG_PLACES = ("/config.yml", "/etc/docker/registry", "/etc/distribution", "/etc/registry")
#: Volumes that hold settings, never images.
_SETTINGS = frozenset({"secret", "configMap", "downwardAPI", "projected"})
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
    if _storage_is_configured(want, live):
        return _desired(want, live, root=False)
    if live is None or _is_ours(live, ROOT_ENV):
        return _desired(want, live, root=True)
    # One that runs without being told knows its place; telling it is no reason for a rollout, but comes with one.
    plain = _desired(want, live, root=False)
    return _desired(want, live, root=True) if rolls(plan(live, plain).fields) else plain


def rolls(fields: Iterable[str]) -> bool:
    """Whether a change of these fields replaces the pods."""
    return any(field.startswith("spec.template") for field in fields)


def _desired(want: Workload, live: Mapping[str, Any] | None, *, root: bool) -> dict[str, Any]:
    selector = dict(want.selector or layout.selector(live) or want.labels)
    spec: dict[str, Any] = {"replicas": want.replicas, "template": _template(want, live, selector, root=root)}
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


def _storage_is_configured(want: Workload, live: Mapping[str, Any] | None) -> bool:
    """Whether somebody else says where images are kept: another driver, another directory, a configuration file.

    Two drivers at once, and the registry does not start.
    """
    values: dict[str, str | None] = {
        name: str(entry.get("value") or "") for name, entry in layout.env(live).items() if not _is_ours(live, name)
    }
    values.update(want.env)
    if any(_configures_storage(name, value) for name, value in values.items() if value is not None):
        return True
    there = layout.container(live)
    words = [*(there.get("command") or []), *(there.get("args") or [])]
    if any(str(word).endswith((".yml", ".yaml")) for word in words):
        return True
    paths = [mount.get("mountPath", "") for mount in there.get("volumeMounts") or []]
    return any(path == place or path.startswith(f"{place}/") for path in paths for place in _CONFIG_PLACES)


def _configures_storage(name: str, value: str) -> bool:
    if name in (ROOT_ENV, "REGISTRY_CONFIGURATION_PATH"):
        return True
    if name == "REGISTRY_STORAGE":
        return value != "filesystem"
    found = _STORAGE_ENV.fullmatch(name)
    return found is not None and found[1] not in _NO_OTHER_DRIVER


def _is_ours(live: Mapping[str, Any] | None, variable: str) -> bool:
    name = layout.container_name(live)
    return owns(live, "spec", "template", "spec", "containers", f"={name}", "env", f"={variable}")


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


def _template(
    want: Workload, live: Mapping[str, Any] | None, selector: Mapping[str, str], *, root: bool
) -> dict[str, Any]:
    storage_volume = layout.mount_at(live, want.storage.mount_path) or want.storage.volume_name
    volumes: list[dict[str, Any]] = [{"name": storage_volume, **want.storage.source()}]
    mounts: list[dict[str, Any]] = [{"name": storage_volume, "mountPath": want.storage.mount_path}]
    if want.tls:
        tls_volume = layout.mount_at(live, want.tls.mount_path) or TLS_VOLUME
        volumes.append({"name": tls_volume, "secret": {"secretName": want.tls.secret_name}})
        mounts.append({"name": tls_volume, "mountPath": want.tls.mount_path, "readOnly": True})
    pod: dict[str, Any] = {
        "serviceAccountName": want.service_account,
        "containers": [_container(want, live, mounts, root=root)],
        "volumes": volumes,
    }
    if want.node_selector:
        pod["nodeSelector"] = dict(want.node_selector)
    metadata: dict[str, Any] = {"labels": {**want.labels, **selector}}
    if want.checksum:
        metadata["annotations"] = {CHECKSUM: want.checksum}
    return {"metadata": metadata, "spec": pod}


def _container(
    want: Workload, live: Mapping[str, Any] | None, mounts: list[dict[str, Any]], *, root: bool
) -> dict[str, Any]:
    check = {"path": "/healthz", "port": want.port, "scheme": "HTTPS" if want.tls else "HTTP"}
    return {
        "name": layout.container_name(live),
        "image": want.image,
        "ports": [{"containerPort": want.port}],
        "env": _env(want, root=root),
        "volumeMounts": mounts,
        "resources": dict(want.resources),
        "securityContext": {"privileged": False},
        "livenessProbe": {"httpGet": check, "initialDelaySeconds": 10, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": dict(check), "timeoutSeconds": 5},
    }


def _env(want: Workload, *, root: bool) -> list[dict[str, Any]]:
    """Ours first, then the user's, who may override ours; None takes a variable away."""
    values: dict[str, str | None] = {"REGISTRY_HTTP_ADDR": f":{want.port}", "REGISTRY_HTTP_NET": "tcp"}
    if want.tls:
        values.update(want.tls.env())
    if root:
        values[ROOT_ENV] = want.storage.mount_path
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


def abandons(
    want: Workload, live: Mapping[str, Any] | None, planned: Mapping[str, Any] | None, *, rolls: bool
) -> str | None:
    """What pushed images a write would leave behind, as a sentence; None when it leaves none.

    :param planned: the object as the write would leave it.
    :param rolls: whether the write changes the pod template, so that pods are replaced.
    """
    sources = _sources(want, live, planned)
    if live is None or not sources:
        return None
    after = next(iter(want.storage.source().items()))
    before = next((source for source in sources if _same(source, after)), sources[0])
    unused = layout.never_ready(live) or layout.has_no_pods(live)
    if before[0] == "emptyDir":
        if unused:
            return None
        if _same(before, after) and not rolls:
            if want.replicas < layout.replicas(live):
                return "the images are kept in the pods themselves (emptyDir), of which this change takes some away"
            return None
    if not _same(before, after):
        return f"the images are kept in {_source_text(before)}, which the pod would give up for {want.storage}"
    return (
        "the images are kept in the pod itself (emptyDir), which this change replaces"
        if after[0] == "emptyDir"
        else None
    )


def _same(one: tuple[str, Mapping[str, Any]], other: tuple[str, Mapping[str, Any]]) -> bool:
    return one[0] == other[0] and one[1].get("claimName") == other[1].get("claimName")


def _sources(
    want: Workload, live: Mapping[str, Any] | None, planned: Mapping[str, Any] | None
) -> list[tuple[str, dict[str, Any]]]:
    """Where a live registry may have its images: what is mounted at the wanted path, else what would not stay there.

    Nothing is at the wanted path when another one is asked for: then the images are in what is mounted elsewhere.
    """
    name = layout.mount_at(live, want.storage.mount_path)
    if name:
        found = [layout.volume_source(layout.volume(live, name))]
    else:
        told = str(layout.env(live).get(ROOT_ENV, {}).get("value") or "/registry").rstrip("/")
        found = []
        for mount in layout.container(live).get("volumeMounts") or []:
            path, source = mount.get("mountPath", ""), layout.volume_source(layout.volume(live, mount["name"]))
            still = layout.volume_source(layout.volume(planned, layout.mount_at(planned, path)))
            if path.rstrip("/") == told or still is None or (source and not _same(source, still)):
                found.append(source)
    return [source for source in found if source and source[0] not in _SETTINGS]


def _source_text(source: tuple[str, dict[str, Any]]) -> str:
    kind, fields = source
    known = {
        "emptyDir": "the pod itself (emptyDir)",
        "persistentVolumeClaim": f"claim {fields.get('claimName')}",
        "nfs": f"NFS {fields.get('server')}:{fields.get('path')}",
        "hostPath": f"the node's directory {fields.get('path')}",
    }
    return known.get(kind, f"a volume of kind {kind}")

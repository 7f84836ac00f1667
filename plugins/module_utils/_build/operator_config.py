# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The object by which the image-registry operator of OpenShift 4 is told what to run: its ``Config`` ``cluster``. Pure.

Field names and what they mean are those of the Go types in github.com/openshift/api imageregistry/v1; what the operator
makes of them is in its own source, github.com/openshift/cluster-image-registry-operator.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import REMOVE, owns

API_VERSION = "imageregistry.operator.openshift.io/v1"
REF = ObjectRef(API_VERSION, "Config", "cluster")
#: Where the operator has the registry, and what it calls its Service and its Deployment.
NAMESPACE = "openshift-image-registry"
NAME = "image-registry"
#: The Secret in which users give the operator the credentials of object storage; it reads no other one.
CREDENTIALS = ObjectRef("v1", "Secret", "image-registry-private-configuration-user", NAMESPACE)
#: Where it keeps the service CA, which signs its registry's certificate, for node-ca to bring to the nodes (the
#: operator's pkg/resource/serviceca.go and imageregistryca.go). That certificate is for the Service's names, not for
#: its address.
CA = ObjectRef("v1", "ConfigMap", "serviceca", NAMESPACE)
CA_KEY = "service-ca.crt"
MANAGED, REMOVED, UNMANAGED = "Managed", "Removed", "Unmanaged"
#: States in which the operator looks after the registry. ``Force`` is its own word for overwriting what others changed.
LOOKED_AFTER = frozenset({MANAGED, "Force"})
#: Kinds of storage by their field in ``spec.storage``. The operator wants exactly one of them.
STORAGES = ("emptyDir", "pvc", "s3", "gcs", "azure", "swift", "ibmcos", "oss")
#: By kind, the fields that say which store it is: where one of them changes, the images there stay behind.
_IDENTITY = {
    "emptyDir": (),
    "pvc": ("claim",),
    "s3": ("bucket", "region", "regionEndpoint"),
    "gcs": ("bucket",),
    "azure": ("accountName", "container"),
    "swift": ("authURL", "container", "tenant", "tenantID"),
    "ibmcos": ("bucket",),
    "oss": ("bucket",),
}
#: Changes of these fields leave the pods as they are.
_NO_ROLLOUT = ("spec.replicas", "spec.managementState", "spec.storage.managementState", "metadata.")
_WARN = 1  # in the deprecated spec.logging; 0, 2 and 3 are info, and all others debug
_INFO = (0, 2, 3)
_DEBUG = ("Debug", "Trace", "TraceAll")

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What the operator is to be told.

    :param replicas: None keeps what there is.
    :param fields: further fields of ``spec``, by name.
    :param storage: one kind with its fields, such as ``{"pvc": {"claim": "x"}}``; None leaves the storage alone.
    :param credentials: for the Secret :data:`CREDENTIALS`, by key; empty where the operator has them from elsewhere.
    :param secret_given: that Secret is the user's own.
    :param log_level: ``debug``, ``info`` or ``warn``; None leaves it alone.
    """

    replicas: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    storage: Mapping[str, Any] | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_given: bool = False
    log_level: str | None = None
    allow_data_loss: bool = False


# ---- the object ----------------------------------------------------------------------------------------------------


def present(want: Wanted, live: Object | None) -> dict[str, Any]:
    """The Config as it is to be. What must be there although nobody asks for it is said with its live value."""
    now = _spec(live)
    state, replicas = now.get("managementState"), want.replicas
    spec: dict[str, Any] = {
        **deepcopy(dict(want.fields)),
        **_log_level(want.log_level, now),
        "managementState": state if state in LOOKED_AFTER else MANAGED,
        "replicas": int(now.get("replicas", 1)) if replicas is None else replicas,
        "storage": _storage(want.storage, live),
    }
    strategy = _kept(live, ("spec", "rolloutStrategy")) if live else None
    if want.storage is None and strategy and "pvc" in (now.get("storage") or {}):
        spec.setdefault("rolloutStrategy", strategy)  # the claim may need it
    return _config(spec)


def absent(live: Object | None) -> dict[str, Any]:
    """The Config that makes the operator take the registry away, and leave its storage where it is.

    Everything else that is ours in it is said again, so that it is as before when the registry comes back.
    """
    spec = dict((_kept(live, ("spec",)) if live else None) or {})
    storage = dict(spec.get("storage") or {})
    if (_spec(live).get("storage") or {}).get("managementState") == MANAGED:
        storage["managementState"] = UNMANAGED
    return _config({**spec, "managementState": REMOVED, **({"storage": storage} if storage else {})})


def credentials(data: Mapping[str, str], live: Object | None = None) -> dict[str, Any]:
    """The Secret with the credentials of object storage.

    :param data: the text of each key.
    """
    return {
        "apiVersion": CREDENTIALS.api_version,
        "kind": CREDENTIALS.kind,
        "metadata": {"name": CREDENTIALS.name, "namespace": CREDENTIALS.namespace},
        "type": (live or {}).get("type") or "Opaque",  # the type of a Secret cannot be changed
        "data": {key: base64.b64encode(text.encode()).decode("ascii") for key, text in data.items()},
    }


def _config(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": REF.kind, "metadata": {"name": REF.name}, "spec": dict(spec)}


def _spec(config: Object | None) -> Mapping[str, Any]:
    return (config or {}).get("spec") or {}


def _kept(config: Object, path: tuple[str, ...]) -> Any:
    """What of a live value is ours, to be said again; None where nothing is."""
    value: Any = config
    for name in path:
        value = (value or {}).get(name)
    if value is None or not owns(config, *path):
        return None
    if not isinstance(value, Mapping):
        return deepcopy(value)
    parts = {key: _kept(config, (*path, key)) for key in value}
    found = {key: part for key, part in parts.items() if part is not None}
    return found or ({} if not value else None)


def _storage(wanted: Mapping[str, Any] | None, live: Object | None) -> dict[str, Any]:
    """The wanted kind, and none of the others that are there: with two, the operator does nothing."""
    now = _spec(live).get("storage") or {}
    ours = dict((_kept(live, ("spec", "storage")) if live else None) or {})
    if wanted is None:
        return ours
    others = {kind: REMOVE for kind in kinds(now) if kind not in wanted}
    state = ours.get("managementState")
    if others and any(wanted.values()) and now.get("managementState") == MANAGED:
        state = UNMANAGED  # that the operator may delete its storage was said of the one it made itself
    return {**deepcopy(dict(wanted)), **({"managementState": state} if state else {}), **others}


def _log_level(level: str | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """``logLevel``, and the older ``logging`` where it has to be minded: that decides while the former is Normal."""
    if level is None:
        return {}
    if level == "debug":
        return {"logLevel": now["logLevel"] if now.get("logLevel") in _DEBUG else "Debug"}
    if level == "warn":
        return {"logLevel": "Normal", "logging": _WARN}
    older = now.get("logging")
    return {"logLevel": "Normal", **({"logging": older if older in _INFO else 2} if older else {})}


# ---- what there is -------------------------------------------------------------------------------------------------


def kinds(storage: Object | None) -> list[str]:
    """The kinds of storage that are set in ``spec.storage`` or ``status.storage``."""
    return [kind for kind in STORAGES if (storage or {}).get(kind) is not None]


def applied(config: Object | None) -> dict[str, Any]:
    """The storage that the registry has, as the operator reports it, or else as it was told: kind and fields."""
    reported = ((config or {}).get("status") or {}).get("storage")
    for storage in (reported, _spec(config).get("storage")):
        there = kinds(storage)
        if there:
            return {kind: (storage or {})[kind] for kind in there}
    return {}


def storage_value(config: Object | None) -> dict[str, Any] | None:
    """Where the registry keeps its images, for results; None where the operator has not been told."""
    for kind, fields in applied(config).items():
        return {"kind": {"emptyDir": "ephemeral"}.get(kind, kind), "source": dict(fields or {})}
    return None


def rolls(fields: Iterable[str]) -> bool:
    """Whether a change of these fields makes the operator replace the pods."""
    return any(field.startswith("spec") and not field.startswith(_NO_ROLLOUT) for field in fields)


def abandons(want: Wanted, live: Object | None, planned: Object | None, fields: Collection[str]) -> str | None:
    """What pushed images a write would leave behind, as a sentence; None when it leaves none.

    :param planned: the Config as the write would leave it.
    :param fields: the places that the write changes.
    """
    before = applied(live)
    if len(before) != 1 or not ((live or {}).get("status") or {}).get("conditions"):
        return None  # nothing is there, or the operator has never made anything of it
    ((kind, there),) = before.items()
    now = _spec(live)
    if kind == "emptyDir" and now.get("managementState") == REMOVED:
        return None
    text = describe(kind, there)
    if any(name.startswith("spec.storage") for name in fields):
        after = {one: (_spec(planned).get("storage") or {})[one] for one in kinds(_spec(planned).get("storage"))}
        told = (now.get("storage") or {}).get(kind) or {}
        if kind not in after or _elsewhere(kind, there or {}, told, after[kind] or {}):
            place = " and ".join(describe(one, values) for one, values in after.items()) or "no storage"
            return f"the images are kept in {text}, which the operator would give up for {place}"
    if kind != "emptyDir":
        return None
    if rolls(fields):
        return f"the images are kept in {text}, and this change replaces the pods"
    fewer = want.replicas is not None and want.replicas < int(now.get("replicas", 1))
    return f"the images are kept in {text}, of which this change takes some away" if fewer else None


def _elsewhere(kind: str, there: Object, told: Object, after: Object) -> bool:
    """Whether one kind of storage is another store afterwards.

    :param there: what the operator has applied; it fills in what it was not told.
    :param told: what it was told so far.
    """
    for name in _IDENTITY[kind]:
        new = after.get(name)
        if (new and there.get(name) and new != there[name]) or (told.get(name) and not new):
            return True
    return False


def describe(kind: str, fields: Object | None) -> str:
    """A store in words."""
    if kind == "emptyDir":
        return "the pods themselves (emptyDir)"
    values = fields or {}
    told = ", ".join(f"{name} {values[name]}" for name in _IDENTITY[kind] if values.get(name))
    return f"{kind} ({told})" if told else kind


def takes_storage_along(config: Object) -> bool:
    """Whether the operator would delete the storage with the registry, and cannot be told not to.

    Older operators have no ``spec.storage.managementState`` and go by ``status.storageManaged``.
    """
    status, storage = config.get("status") or {}, _spec(config).get("storage") or {}
    return bool(status.get("storageManaged")) and not storage.get("managementState")

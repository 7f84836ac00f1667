# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner must know about Kubernetes fields: which lists merge by which key, which emptiness means something,
which fields exclude each other, and which values are equal though written differently. Pure, and the same on every
API level from 1.11 (OpenShift 3.11) on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# Lists of maps that merge by key (the API's own patchMergeKey / listMapKeys; source: k8s.io/api struct tags).
_LIST_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "subjects": ("kind", "namespace", "name"),
    "conditions": ("type",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    # Atomic in the API, but each one stands for itself: ours beside those of others, by all their fields.
    "tolerations": ("key", "operator", "value", "effect", "tolerationSeconds"),
}
_PORT_KEYS = (("containerPort", "protocol"), ("port", "protocol"))
_KEY_DEFAULTS = {
    "protocol": "TCP", "namespace": "",
    "key": "", "operator": "Equal", "value": "", "effect": "", "tolerationSeconds": "",
}  # fmt: skip

# Lists of strings or numbers in which order and other people's entries mean nothing to us (SCC users and groups,
# finalizers, a pod's groups).
_SETS = frozenset({"users", "groups", "finalizers", "supplementalGroups"})

# Maps whose keys are free: an empty string is a value there (nodeSelector: {node-role.kubernetes.io/infra: ""}).
_FREE_MAPS = frozenset(
    {"labels", "annotations", "matchLabels", "selector", "nodeSelector", "data", "binaryData", "stringData"}
)
# Empty maps that say something by being there; the last ones in the image-registry operator's spec.storage.
# A claim without class is another than one that says nothing, which gets the default class.
_TELLING_EMPTY_TEXTS = frozenset({"storageClassName"})
_TELLING_EMPTY_MAPS = frozenset({"emptyDir", "podSelector", "namespaceSelector", "pvc", "s3", "gcs", "azure", "swift"})

_QUANTITY_MAPS = frozenset({"requests", "limits", "capacity", "hard", "max", "min", "default", "defaultRequest"})
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor"})

_HANDLERS = frozenset({"httpGet", "tcpSocket", "exec", "grpc"})
_PROBES = frozenset({"livenessProbe", "readinessProbe", "startupProbe"})
_VOLUME_SOURCES = frozenset(
    [
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "fc",
        "flexVolume",
        "flocker",
        "gcePersistentDisk",
        "gitRepo",
        "glusterfs",
        "hostPath",
        "image",
        "iscsi",
        "nfs",
        "persistentVolumeClaim",
        "photonPersistentDisk",
        "portworxVolume",
        "projected",
        "quobyte",
        "rbd",
        "scaleIO",
        "secret",
        "storageos",
        "vsphereVolume",
    ]
)
_STRATEGY_PARAMS = {
    "Rolling": "rollingParams",  # DeploymentConfig
    "Custom": "customParams",
    "Recreate": "recreateParams",
    "RollingUpdate": "rollingUpdate",  # Deployment (strategy) and DaemonSet (updateStrategy)
    "OnDelete": "",
}
# What a Route of a termination may not carry (source: OpenShift's route validation, which also refuses to serve plain
# HTTP beside passthrough, and two sources of the router's certificate).
_TLS_WITHOUT = {
    "passthrough": frozenset(
        {"certificate", "key", "caCertificate", "destinationCACertificate", "externalCertificate"}
    ),
    "edge": frozenset({"destinationCACertificate"}),
}

# Fields that make no sense in part: when we no longer want one that was ours, the API's defaults in it go with it
# (a probe without its handler, say, is refused).
UNITS = frozenset(
    _PROBES
    | _HANDLERS
    | _VOLUME_SOURCES
    | {p for p in _STRATEGY_PARAMS.values() if p}
    | {"lifecycle", "postStart", "preStop", "valueFrom", "tls"}
)

_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def quantity(value: Any) -> Decimal | None:
    """The number a Kubernetes quantity stands for (``"1Gi"``, ``"100m"``, ``2``), or None when it is none.

    Grammar: k8s.io/apimachinery ``resource.Quantity``.
    """
    if isinstance(value, bool):
        return None
    found = _QUANTITY.match(str(value))
    if not found:
        return None
    number, exponent, suffix = found.groups()
    if exponent:
        return Decimal(number + exponent)
    if suffix in _BINARY:
        return Decimal(number) * 1024 ** _BINARY[suffix]
    return Decimal(number).scaleb(_DECIMAL.get(suffix, 0))


def same_value(live: Any, desired: Any, parent: str, field: str) -> bool:
    """Whether two scalars mean the same.

    :param parent: name of the map the field is in.
    """
    if parent in _QUANTITY_MAPS or field in _QUANTITY_FIELDS:
        left, right = quantity(live), quantity(desired)
        if left is not None and right is not None:
            return left == right
    return live == desired and isinstance(live, bool) == isinstance(desired, bool)


def says_nothing(value: Any, parent: str, field: str) -> bool:
    """Whether a desired value is only another way of leaving the field out."""
    if value is None:
        return True
    if value == "" and isinstance(value, str):
        return parent not in _FREE_MAPS and field not in _TELLING_EMPTY_TEXTS
    if value == {} and isinstance(value, dict):
        return field not in _TELLING_EMPTY_MAPS
    return isinstance(value, list) and not value


def element_key(field: str, element: Any) -> str | None:
    """What identifies an element of the list ``field``, as text, or None when that list is atomic."""
    if field in _SETS and isinstance(element, (str, int)):
        return str(element)
    if not isinstance(element, Mapping):
        return None
    names: tuple[str, ...] | None = _LIST_KEYS.get(field)
    if field == "ports":
        names = next((keys for keys in _PORT_KEYS if keys[0] in element), None)
    if not names:
        return None
    values = [element.get(n, _KEY_DEFAULTS.get(n)) for n in names]
    return None if None in values else "|".join(str(v) for v in values)


def element_keys(field: str, elements: list[Any]) -> list[str] | None:
    """The keys of all elements, or None when the list (or one element of it) has none and so is atomic."""
    keys = [element_key(field, e) for e in elements]
    return None if None in keys else [str(k) for k in keys]


def key_fields(field: str) -> frozenset[str]:
    """The fields that make up an element's key: they come and go with the element."""
    if field == "ports":
        return frozenset(name for keys in _PORT_KEYS for name in keys)
    return frozenset(_LIST_KEYS.get(field, ()))


def excluded(where: str, desired: Mapping[str, Any], live: Mapping[str, Any]) -> set[str]:
    """Fields of a live map that cannot stay beside what is desired, whoever set them: the API would refuse both.

    :param where: the map's field name, with ``[]`` added for elements of a list.
    """
    if where == "volumes[]":
        return set(live) - {"name"} - set(desired) if set(desired) & _VOLUME_SOURCES else set()
    if where in _PROBES or where in ("postStart", "preStop"):
        wanted = {name for name in _HANDLERS if desired.get(name)}
        return set(_HANDLERS - wanted) if wanted else set()
    found: set[str] = set()
    if where == "env[]" and desired.get("valueFrom"):
        found = {"value"}
    elif where == "env[]" and "value" in desired:
        found = {"valueFrom"}
    elif where in ("strategy", "updateStrategy") and desired.get("type") in _STRATEGY_PARAMS:
        found = {p for kind, p in _STRATEGY_PARAMS.items() if p and kind != desired["type"]}
    elif where == "tls":
        found = _excluded_from_tls(desired, live)
    elif where == "spec" and desired.get("sessionAffinity") == "None":
        found = {"sessionAffinityConfig"}
    return found


def _excluded_from_tls(desired: Mapping[str, Any], live: Mapping[str, Any]) -> set[str]:
    found = set(_TLS_WITHOUT.get(desired.get("termination", ""), ()))
    policy = "insecureEdgeTerminationPolicy"
    if desired.get("termination") == "passthrough" and live.get(policy) == "Allow" and not desired.get(policy):
        found.add(policy)
    if desired.get("certificate"):
        found.add("externalCertificate")
    return found

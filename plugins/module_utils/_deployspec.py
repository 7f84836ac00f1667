# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of registry_deploy as checked values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.workload import DEFAULT_RESOURCES, Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import DEFAULT_LABELS, Registry, dns_name, labels
from ansible_collections.okd.registry.plugins.module_utils._redact import shown

AUTO = "auto"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_IMAGE = re.compile(r"[A-Za-z0-9][\w.:/@-]*")


@dataclass(frozen=True)
class DeploySpec:
    """What registry_deploy was asked for.

    :param kind: ``auto``, ``DeploymentConfig`` or ``Deployment``.
    :param selector: None keeps the live one.
    :param cluster_role: None for the cluster's usual one, "" for no binding.
    :param tls_fingerprint: in check mode, of the certificate that the Secret is going to hold.
    :param allow_data_loss: pushed images may be left behind.
    """

    registry: Registry
    kind: str
    image: str
    replicas: int
    labels: dict[str, str]
    selector: dict[str, str] | None
    node_selector: dict[str, str]
    service_account: str
    cluster_role: str | None
    storage: Storage
    tls_secret: str | None
    tls_mount_path: str
    tls_fingerprint: str | None
    env: dict[str, str | None]
    strategy: str | None
    resources: dict[str, Any]
    allow_data_loss: bool

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DeploySpec:
        """Raises OptionError, naming the option, for values that cannot work."""
        replicas = params["replicas"]
        if replicas < 0:
            raise OptionError("replicas", replicas, "must not be negative")
        chosen, secret = params.get("selector"), params.get("tls_secret")
        return cls(
            registry=Registry.from_params(params),
            kind=params["kind"],
            image=_image(params.get("image")),
            replicas=replicas,
            labels=labels("labels", params.get("labels") or DEFAULT_LABELS),
            selector=labels("selector", chosen) if chosen else None,
            node_selector=labels("node_selector", params.get("node_selector") or {}),
            service_account=dns_name("service_account", params["service_account"]),
            cluster_role=params.get("cluster_role"),
            storage=_storage(params.get("storage") or {}),
            tls_secret=dns_name("tls_secret", secret) if secret else None,
            tls_mount_path=_path("tls_mount_path", params["tls_mount_path"]),
            tls_fingerprint=params.get("tls_fingerprint"),
            env=env(params.get("env") or {}),
            strategy=params.get("strategy"),
            resources=params.get("resources") or dict(DEFAULT_RESOURCES),
            allow_data_loss=params["allow_data_loss"],
        )

    @property
    def http_secret_name(self) -> str:
        """The Secret with the value by which uploads are signed."""
        return f"{self.registry.name}-http-secret"


def _image(value: str | None) -> str:
    text = (value or "").strip()
    if text and ("${" in text or not _IMAGE.fullmatch(text)):
        raise OptionError("image", value, "is not the name of an image")
    return text


def _path(option: str, value: str) -> str:
    if not value.startswith("/") or value.rstrip("/") == "" or ":" in value:
        raise OptionError(option, value, "must be an absolute path in the container, other than /, without a colon")
    return value.rstrip("/")


def _storage(value: Mapping[str, Any]) -> Storage:
    kind, claim = value.get("kind") or "ephemeral", value.get("claim_name")
    if kind == "ephemeral" and claim:
        raise OptionError("storage.claim_name", claim, "has no place beside kind: ephemeral; say kind: pvc to use it")
    if kind == "pvc" and not claim:
        raise OptionError("storage.claim_name", claim, "is required with kind: pvc")
    return Storage(
        claim_name=dns_name("storage.claim_name", claim) if claim else None,
        mount_path=_path("storage.mount_path", value.get("mount_path") or "/registry"),
        volume_name=dns_name("storage.volume_name", value.get("volume_name") or "registry-storage"),
    )


def env(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Variables as text: YAML's ``true`` is ``"true"``, a number its digits; null stays (it removes the variable)."""
    found: dict[str, str | None] = {}
    for name, value in values.items():
        if not _VARIABLE.fullmatch(str(name)):
            raise OptionError("env", name, "is not the name of an environment variable")
        if isinstance(value, Mapping | list):
            raise OptionError(f"env.{name}", value, "must be one text, number or truth value, or null")
        found[str(name)] = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return found


def secret_values(values: Mapping[str, Any]) -> list[str]:
    """The values of variables that hold credentials, as text: what must not show in any output."""
    entries = [{"name": str(name), "value": str(value)} for name, value in values.items() if value not in (None, "")]
    masked = shown({"metadata": {"name": "env"}, "spec": {"env": entries}})["spec"]["env"] if entries else []
    return [e["value"] for e, seen in zip(entries, masked, strict=True) if seen["value"] != e["value"]]


def harmless_values(values: Mapping[str, Any]) -> set[str]:
    """The values of variables, as text, that may show: those of none that holds a credential."""
    return {str(value) for value in values.values() if value is not None} - set(secret_values(values))

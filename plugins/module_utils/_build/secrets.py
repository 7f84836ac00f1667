# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets and the ConfigMap around a registry: certificate, CA, HTTP secret. Pure but for one random value."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets as random
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.pod import HTTP_SECRET_KEY
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY

CERT_KEY = "registry.crt"
PRIVATE_KEY = "registry.key"
CA_KEY = "ca.crt"
_FIRST_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
#: Pairs of names under which a certificate and its key lie in a Secret: the document's, then Kubernetes' own.
KEY_PAIRS = ((CERT_KEY, PRIVATE_KEY), ("tls.crt", "tls.key"))


def value(secret: Mapping[str, Any] | None, key: str) -> bytes | None:
    """A Secret's value, decoded; None when it is not there or is no base64."""
    text = ((secret or {}).get("data") or {}).get(key)
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def key_pair(secret: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Under which names certificate and key lie in a Secret; None when it holds no full pair."""
    data = (secret or {}).get("data") or {}
    return next((pair for pair in KEY_PAIRS if all(data.get(key) for key in pair)), None)


def leaf_fingerprint(bundle: bytes | None) -> str | None:
    """SHA-256 over the first certificate of a PEM text, hex, None where there is none; without any further library."""
    found = _FIRST_CERTIFICATE.search(bundle or b"")
    if not found:
        return None
    try:
        return hashlib.sha256(base64.b64decode(b"".join(found[1].split()), validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        return None


def _secret(name: str, namespace: str, data: Mapping[str, bytes], live: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        # The type of a Secret cannot be changed.
        "type": (live or {}).get("type") or "Opaque",
        "data": {key: base64.b64encode(content).decode("ascii") for key, content in data.items()},
    }


def certificate_secret(
    name: str, namespace: str, bundle: bytes, key: bytes, live: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The Secret that ``oc secrets new registry-secret registry.crt registry.key`` makes; other keys in it stay."""
    return _secret(name, namespace, {CERT_KEY: bundle, PRIVATE_KEY: key}, live)


def http_secret(
    name: str, namespace: str, live: Mapping[str, Any] | None = None, *, planned: bool = False
) -> dict[str, Any]:
    """The secret by which the registry signs upload state: made once (32 random bytes, as ``oadm registry``), kept.

    :param planned: in check mode: a secret still to be made is known after apply.
    """
    new = KNOWN_AFTER_APPLY.encode() if planned else base64.b64encode(random.token_bytes(32))
    return _secret(name, namespace, {HTTP_SECRET_KEY: value(live, HTTP_SECRET_KEY) or new}, live)


def ca_config_map(name: str, namespace: str, ca_pem: str) -> dict[str, Any]:
    """The CA's public certificate, for whoever is to trust the registry and knows only the cluster."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {CA_KEY: ca_pem},
    }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secrets and the ConfigMap around a registry: certificate, CA, HTTP secret. Pure but for one random value."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.pod import HTTP_SECRET_KEY
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY

CERT_KEY = "registry.crt"
PRIVATE_KEY = "registry.key"
CA_KEY = "ca.crt"
_UNGUESSABLE = 32  # bytes
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
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
    found = _fingerprints(bundle)
    return found[0] if found else None


def chain_fingerprint(bundle: bytes | None) -> str | None:
    """What changes with any certificate of a PEM text; of a leaf alone, its fingerprint. None where there is none."""
    found = _fingerprints(bundle)
    return hashlib.sha256("".join(found).encode()).hexdigest() if found and len(found) > 1 else leaf_fingerprint(bundle)


def _fingerprints(bundle: bytes | None) -> list[str] | None:
    """SHA-256 of each certificate; None where one is no base64."""
    try:
        return [
            hashlib.sha256(base64.b64decode(b"".join(found.split()), validate=True)).hexdigest()
            for found in _CERTIFICATE.findall(bundle or b"")
        ]
    except (binascii.Error, ValueError):
        return None


def http_identity(secret: Mapping[str, Any] | None) -> str:
    """What changes with the HTTP secret, for the pods read it at their start; nothing can be guessed from it.

    Values as short as people make them are left out of it: then it is the object alone that counts.
    """
    uid = ((secret or {}).get("metadata") or {}).get("uid")
    key = value(secret, HTTP_SECRET_KEY) or b""
    if not uid:
        return KNOWN_AFTER_APPLY
    return hmac.new(key, uid.encode(), hashlib.sha256).hexdigest() if len(key) >= _UNGUESSABLE else str(uid)


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

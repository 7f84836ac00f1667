# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they may be shown: no Secret byte, no credential, and only what people wrote.

A Secret's value becomes a keyed hash: equal values read equal within one run, and nothing can be guessed from it
afterwards, since the key is never kept. Certificates, which are public, become facts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, MissingLibraryError
from ansible_collections.okd.registry.plugins.module_utils._plan import without_notes

_KEY = os.urandom(32)
_SERVER_OWNED = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid", "deletionTimestamp"}
)
_SECRET_NAME = re.compile(
    r"SECRET|PASSW|TOKEN|CREDENTIAL|ACCESSKEY|ACCOUNTKEY|KEY_DATA|PRIVATE|APIKEY|_KEY$", re.IGNORECASE
)
# Named like credentials, and told to every client: who asks whom for a token, and the title of the question.
_PUBLIC_NAME = re.compile(r"^REGISTRY_AUTH_\w+_(?:REALM|ISSUER|SERVICE)$", re.IGNORECASE)
_PATH = re.compile(r"/[\w.-]+(/[\w.-]+)*")
_NAME_OF_PATH = re.compile(
    r"(?:FILE|PATH|CERTIFICATE|TLS_KEY|(?<!ACCESS)(?<!API)(?<!ACCOUNT)(?<!SECRET)_KEY)$", re.IGNORECASE
)
# Headers and the like, as REGISTRY_NOTIFICATIONS_ENDPOINTS has them.
_SECRET_VALUE = re.compile(r"authorization|bearer|password", re.IGNORECASE)
# A setting of a configuration file (YAML, INI) that is named like a credential; a registry's config.yml may have some.
_SETTING = re.compile(
    r"^([ \t-]*[\"']?\w*(?:secret|passw|token|accesskey|accountkey|apikey)\w*[\"']?[ \t]*[:=][ \t]*)(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
# Copies of whole objects in annotations carry whatever the object carries.
_COPIES = frozenset({"kubectl.kubernetes.io/last-applied-configuration", "openshift.io/encoded-deployment-config"})
# Fields of a spec that hold a secret in clear: the image-registry operator's Config.
_SECRET_FIELDS = frozenset({"httpSecret"})
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def keyed_hash(value: str | bytes) -> str:
    """A text that is the same for the same value within this process, and tells nothing else about it."""
    data = value.encode() if isinstance(value, str) else value
    return "hmac-sha256:" + hmac.new(_KEY, data, hashlib.sha256).hexdigest()[:16]


def shown(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object for diffs: without status, server-owned metadata, our own notes, and anything secret."""
    plain = without_notes({k: v for k, v in obj.items() if k != "status"})
    plain["metadata"] = {
        k: _annotations(v) if k == "annotations" else v for k, v in plain["metadata"].items() if k not in _SERVER_OWNED
    }
    if obj.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if plain.get(part):
                plain[part] = {k: _secret_value(v, part == "data") for k, v in plain[part].items()}
    elif obj.get("kind") == "ConfigMap" and plain.get("data"):
        plain["data"] = {k: _public_value(v) for k, v in plain["data"].items()}
    spec = plain.get("spec")
    if obj.get("kind") == "Route" and spec and spec.get("tls"):
        spec = {**spec, "tls": {k: _route_tls(k, v) for k, v in spec["tls"].items()}}
    return {**plain, "spec": _without_credentials(spec)} if spec else plain


def _annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    return {k: keyed_hash(v) if k in _COPIES else v for k, v in annotations.items()}


def _route_tls(name: str, value: Any) -> Any:
    """A field of a Route's ``tls``: the key as a hash, certificates as facts."""
    if name == "key" and value:
        return keyed_hash(str(value))
    return (_certificates(value) if isinstance(value, str) else None) or value


def _secret_value(value: str, encoded: bool) -> Any:
    try:
        data = base64.b64decode(value, validate=True) if encoded else str(value).encode()
    except (binascii.Error, ValueError):
        data = str(value).encode()
    text = data.decode("utf-8", "replace")
    if text == KNOWN_AFTER_APPLY:
        return text
    return _certificates(text) or keyed_hash(data) if "PRIVATE KEY" not in text else keyed_hash(data)


def _public_value(value: str) -> Any:
    return _certificates(value) or _SETTING.sub(lambda m: m[1] + keyed_hash(m[2]), _USERINFO.sub("***@", value))


def _certificates(text: str) -> Any:
    """Facts about each certificate in a PEM text, or None when it is none or cannot be read."""
    if not text.lstrip().startswith(_CERTIFICATE):
        return None
    from ansible_collections.okd.registry.plugins.module_utils._x509 import certificate_facts

    try:
        found: list[Any] = [certificate_facts(_CERTIFICATE + part) for part in text.split(_CERTIFICATE)[1:]]
    except (CertificateError, MissingLibraryError):
        return None
    # Behind those that are there, a plan has what is still to be made.
    coming = text.rstrip().endswith(KNOWN_AFTER_APPLY)
    return [*found, dict.fromkeys(found[0], KNOWN_AFTER_APPLY)] if coming else found


def _without_credentials(value: Any) -> Any:
    """The value with credentials in environment variables and URLs hidden, at any depth."""
    if isinstance(value, list):
        return [_without_credentials(v) for v in value]
    if isinstance(value, str):
        return _USERINFO.sub("***@", value)
    if not isinstance(value, Mapping):
        return value
    name, content = value.get("name"), value.get("value")
    if isinstance(name, str) and isinstance(content, str) and set(value) <= {"name", "value", "valueFrom"}:
        return {**value, "value": _variable(name, content)}
    return {k: keyed_hash(v) if k in _SECRET_FIELDS and v else _without_credentials(v) for k, v in value.items()}


def _variable(name: str, value: str) -> str:
    if not value:
        return value
    if _SECRET_NAME.search(name) and not _PUBLIC_NAME.match(name):
        # Some secrets look like paths (base64 has slashes), so the name has to promise one.
        is_path = len(value) < 200 and _PATH.fullmatch(value) and _NAME_OF_PATH.search(name)
        return value if is_path else keyed_hash(value)
    return keyed_hash(value) if _SECRET_VALUE.search(value) else _USERINFO.sub("***@", value)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of ours whose content pods read only at their start, and how pods notice that it has changed. Pure.

A plain hash of a short password in an annotation, which many may read, could be guessed by trying. So the hash is keyed
with a random value, the salt, that lies in the Secret itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY

#: Key of the salt beside the values.
SALT = "okd.registry.salt"


def secret(
    name: str, namespace: str, values: Mapping[str, str], salt: str, live: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The Secret.

    :param values: by key; other keys of a live Secret stay.
    :param salt: for a new Secret (KNOWN_AFTER_APPLY in check mode); one that is there stays.
    """
    kept = value(live, SALT)
    data = {**{key: text.encode() for key, text in values.items()}, SALT: kept or salt.encode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": (live or {}).get("type") or "Opaque",  # cannot be changed
        "data": {key: base64.b64encode(content).decode("ascii") for key, content in data.items()},
    }


def identity(own: Mapping[str, Any], further: str = "") -> str:
    """What changes with any value in our Secret, and from which none can be guessed.

    :param own: the Secret as it will be.
    :param further: content of a Secret of the user's that belongs to it.
    """
    salt = value(own, SALT)
    if not salt or salt == KNOWN_AFTER_APPLY.encode():
        return KNOWN_AFTER_APPLY
    values = sorted((k, v) for k, v in (own.get("data") or {}).items() if k != SALT)
    return hmac.new(salt, json.dumps([values, further]).encode(), hashlib.sha256).hexdigest()

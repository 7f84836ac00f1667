# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``storage`` (documented in the fragment of this name) as a checked value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name
from ansible_collections.okd.registry.plugins.module_utils._options.checks import container_path

SPEC: dict[str, Any] = {
    "storage": {
        "type": "dict",
        "options": {
            "kind": {"type": "str", "choices": ["ephemeral", "pvc"], "default": "ephemeral"},
            "claim_name": {"type": "str"},
            "mount_path": {"type": "path", "default": "/registry"},
            "volume_name": {"type": "str", "default": "registry-storage"},
        },
    },
    "allow_data_loss": {"type": "bool", "default": False},
}


def from_params(params: Mapping[str, Any]) -> Storage:
    """Raises OptionError, naming the option, for values that cannot work."""
    value = params.get("storage") or {}
    kind, claim = value.get("kind") or "ephemeral", value.get("claim_name")
    if kind == "ephemeral" and claim:
        raise OptionError("storage.claim_name", claim, "has no place beside kind: ephemeral; say kind: pvc to use it")
    if kind == "pvc" and not claim:
        raise OptionError("storage.claim_name", claim, "is required with kind: pvc")
    return Storage(
        claim_name=dns_name("storage.claim_name", claim) if claim else None,
        mount_path=container_path("storage.mount_path", value.get("mount_path") or "/registry"),
        volume_name=dns_name("storage.volume_name", value.get("volume_name") or "registry-storage"),
    )

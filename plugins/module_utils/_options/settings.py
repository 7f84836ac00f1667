# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options on how the registry is configured (documented in the fragment of this name) as checked values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.settings import Settings
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._redact import shown

SPEC: dict[str, Any] = {
    "env": {"type": "dict", "no_log": True},
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def from_params(params: Mapping[str, Any]) -> Settings:
    """Raises OptionError, naming the option, for values that cannot work."""
    return Settings(env=env(params.get("env") or {}))


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

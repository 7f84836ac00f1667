# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options on where and how pods run (documented in the fragment of this name) as checked values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import DEFAULT_RESOURCES, PodOptions
from ansible_collections.okd.registry.plugins.module_utils._model import labels

SPEC: dict[str, Any] = {
    "node_selector": {"type": "dict"},
    "resources": {"type": "dict"},
}


def from_params(params: Mapping[str, Any]) -> PodOptions:
    """Raises OptionError, naming the option, for values that cannot work."""
    return PodOptions(
        node_selector=labels("node_selector", params.get("node_selector") or {}),
        resources=params.get("resources") or dict(DEFAULT_RESOURCES),
    )

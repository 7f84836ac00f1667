# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each writer of the workload asks of a migration, also where there is none. Each run has these few lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._migrate import state
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import (
    LABEL,
    PROVED,
    READ_ONLY,
    READ_ONLY_DOOR,
    SERVICE,
    State,
)
from ansible_collections.okd.registry.plugins.module_utils._plan import lent

Object = Mapping[str, Any]


def read(api: Api, name: str, namespace: str) -> State | None:
    """The migration of a registry that is under way; None where there is none."""
    return state.read(api.get(state.ref(name, namespace)))


def labels(workload: Object | None, noted: State | None) -> dict[str, str]:
    """Labels for the pod template: that of a migration that is to be switched, else the one that live pods have."""
    if noted is not None and noted.door == SERVICE and noted.phase == PROVED:
        return noted.label
    there = (layout.template(workload).get("metadata") or {}).get("labels") or {}
    return {LABEL: there[LABEL]} if LABEL in there else {}


def env(noted: State | None) -> dict[str, Any]:
    """Variables for the registry's container, as ``Part.env`` has them: the door's own is taken away; what somebody had
    set in its place before is put back, and stays his.
    """
    if noted is None or noted.door != READ_ONLY_DOOR:
        return {}
    return {READ_ONLY: lent(json.loads(noted.read_only)) if noted.read_only else None}

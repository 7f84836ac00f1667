# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many of a registry's pods a drain has to leave: its PodDisruptionBudget. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._plan import REMOVE

#: The newest first. v1 came with Kubernetes 1.21, v1beta1 went with 1.25.
API_VERSIONS = ("policy/v1", "policy/v1beta1")
KIND = "PodDisruptionBudget"


@dataclass(frozen=True)
class Budget:
    """One of the two, as a number of pods or as a percentage such as ``50%``."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None

    def spec(self) -> dict[str, Any]:
        """The fields of the object. Of the other one there must be none, whoever set it."""
        if self.min_available is not None:
            return {"minAvailable": self.min_available}
        return {"maxUnavailable": self.max_unavailable}

    def blocks(self, replicas: int) -> bool:
        """Whether no pod may ever be evicted, so that every drain of its node waits for ever.

        Percentages are rounded up, as the disruption controller does.
        """
        if replicas == 0:
            return False
        if self.min_available is not None:
            return _pods(self.min_available, replicas) >= replicas
        return _pods(self.max_unavailable or 0, replicas) == 0

    def __str__(self) -> str:
        name, value = next(iter(self.spec().items()))
        return f"{'min_available' if name == 'minAvailable' else 'max_unavailable'}: {value}"


def _pods(value: int | str, replicas: int) -> int:
    return math.ceil(int(value[:-1]) * replicas / 100) if isinstance(value, str) else value


def desired(
    api_version: str,
    name: str,
    namespace: str,
    budget: Budget,
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    live: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The object for a workload.

    :param selector: that of the workload.
    """
    spec: dict[str, Any] = {**budget.spec(), "selector": {"matchLabels": dict(selector)}}
    there = (live or {}).get("spec") or {}
    for other in ("minAvailable", "maxUnavailable"):
        if other in there and other not in spec:
            spec[other] = REMOVE
    for key in (there.get("selector") or {}).get("matchLabels") or {}:
        spec["selector"]["matchLabels"].setdefault(key, REMOVE)
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": KIND, "metadata": metadata, "spec": spec}

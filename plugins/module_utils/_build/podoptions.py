# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and how a registry's pods run: scheduling and resources, as a part of the pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.part import Part

#: What ``oadm registry`` asks for: requests, no limits.
DEFAULT_RESOURCES: Mapping[str, Any] = {"requests": {"cpu": "100m", "memory": "256Mi"}}


@dataclass(frozen=True)
class PodOptions:
    """What the pods ask of the cluster.

    :param node_selector: labels of the nodes they may run on.
    :param resources: requests and limits of the registry's container.
    """

    node_selector: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_RESOURCES)

    def part(self) -> Part:
        """Fields of the pod and of the container."""
        pod = {"nodeSelector": dict(self.node_selector)} if self.node_selector else {}
        return Part(pod=pod, container={"resources": dict(self.resources)})

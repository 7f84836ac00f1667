# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of cluster this is, from the API groups it serves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api


@dataclass(frozen=True)
class Cluster:
    """A cluster, as far as it matters here.

    :param version: of the API server, such as ``v1.11.0+d4cacc0``.
    :param openshift: 3 or 4; None for other Kubernetes (also for relatives such as MicroShift).
    """

    version: str
    openshift: int | None
    has_routes: bool
    has_deployment_configs: bool

    def as_dict(self) -> dict[str, Any]:
        """The ``cluster`` return value."""
        return asdict(self)


def detect(api: Api) -> Cluster:
    """Look at the cluster: two requests, counted as discovery. Raises RegistryError when there is no answer.

    ClusterVersion (config.openshift.io) came with version 4; version 3 has DeploymentConfigs without it.
    """
    configs = api.has("apps.openshift.io")
    openshift = 4 if api.has("config.openshift.io") else 3 if configs else None
    return Cluster(api.version(), openshift, api.has("route.openshift.io"), configs)

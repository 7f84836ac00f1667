# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a registry is configured: a file, variables, a proxy, further CAs, credentials, as one part of the pod. Pure.

Of two that say the same, the more exact one wins: a variable over the file (so do registries), the user's own variable
over all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import credentials
from ansible_collections.okd.registry.plugins.module_utils._build.config import MOUNT_PATH, PATH_ENV, Config
from ansible_collections.okd.registry.plugins.module_utils._build.extraca import ExtraCa
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part, joined
from ansible_collections.okd.registry.plugins.module_utils._build.proxy import Proxy

ENFORCE_QUOTA = "REGISTRY_MIDDLEWARE_REPOSITORY_OPENSHIFT_ENFORCEQUOTA"


@dataclass(frozen=True)
class Names:
    """Names of the objects that hold settings."""

    config: str = "docker-registry-config"
    credentials: str = "docker-registry-credentials"
    proxy: str = "docker-registry-proxy"
    extra_ca: str = "docker-registry-extra-ca"

    @classmethod
    def of(cls, registry: str) -> Names:
        """Those of a registry of that name."""
        return cls(f"{registry}-config", f"{registry}-credentials", f"{registry}-proxy", f"{registry}-extra-ca")


@dataclass(frozen=True)
class Settings:
    """What the user sets.

    :param env: variables; None as a value removes one, whoever set it.
    :param credentials: ``OPENSHIFT_*`` and their values.
    :param enforce_quota: None leaves the variable alone.
    :param hosts: the registry's own, for which no proxy is used.
    """

    env: Mapping[str, str | None] = field(default_factory=dict)
    config: Config | None = None
    proxy: Proxy | None = None
    extra_ca: ExtraCa | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    enforce_quota: bool | None = None
    names: Names = Names()
    hosts: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"

    def part(self) -> Part:
        """Variables, and what else comes with them."""
        parts = []
        if self.config:
            parts.append(self.config.part(self.names.config))
        if self.proxy:
            own_secret, domain = self.names.proxy, self.cluster_domain
            parts.append(self.proxy.part(own_secret, own=self.hosts, cluster_domain=domain))
        if self.extra_ca:
            parts.append(self.extra_ca.part(self.names.extra_ca))
        if self.credentials:
            parts.append(credentials.part(self.credentials, self.names.credentials))
        if self.enforce_quota is not None:
            parts.append(Part(env={ENFORCE_QUOTA: str(self.enforce_quota).lower()}))
        return joined((*parts, Part(env=self.env)))

    @property
    def replaces(self) -> tuple[str, ...]:
        """Where our mounts take the place of others' configuration files."""
        return (MOUNT_PATH,) if self.config else ()

    def beside_file(self, env: Mapping[str, Any]) -> dict[str, Any]:
        """Variables as far as they say where images are: a file of ours that chooses the file system does not."""
        if not self.config or self.config.facts.driver not in (None, "filesystem"):
            return dict(env)
        return {**env, PATH_ENV: None}

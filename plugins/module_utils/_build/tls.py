# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a registry serves, as a part of its pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount, Part

TLS_VOLUME = "registry-certificates"
CERTIFICATE_ENV = "REGISTRY_HTTP_TLS_CERTIFICATE"


@dataclass(frozen=True)
class Tls:
    """The certificate the pod serves.

    :param cert_key: key of the certificate in the Secret, and so the name of its file.
    """

    secret_name: str
    mount_path: str = "/etc/secrets"
    cert_key: str = "registry.crt"
    private_key: str = "registry.key"

    def env(self) -> dict[str, str]:
        """Variables that make the registry serve TLS."""
        return {
            CERTIFICATE_ENV: f"{self.mount_path.rstrip('/')}/{self.cert_key}",
            "REGISTRY_HTTP_TLS_KEY": f"{self.mount_path.rstrip('/')}/{self.private_key}",
        }

    def part(self, fingerprint: str | None = None) -> Part:
        """The Secret, mounted, and the variables.

        :param fingerprint: of the certificate in the Secret.
        """
        source = {"secret": {"secretName": self.secret_name}}
        mount = Mount(self.mount_path, source, TLS_VOLUME, read_only=True)
        return Part(env=self.env(), mounts=(mount,), checksum={"certificate": fingerprint})


def is_served(env: Mapping[str, Any], live: Mapping[str, Any] | None, *, by_file: bool) -> bool:
    """Whether the pods are going to serve TLS, whoever says so: the probes have to speak it then.

    :param env: the variables that we set.
    :param live: the workload as it is; variables of others in it stay.
    :param by_file: whether the configuration file names a certificate, to which a variable goes before.
    """
    if CERTIFICATE_ENV in env:
        return bool(env[CERTIFICATE_ENV]) or by_file
    others = CERTIFICATE_ENV in layout.env(live) and not layout.owns_container(live, "env", f"={CERTIFICATE_ENV}")
    return by_file or others

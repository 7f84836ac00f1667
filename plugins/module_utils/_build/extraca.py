# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further CAs that a registry trusts: for pull-through of other registries, or for its object storage. Pure.

The file is put among the system's own. Go's crypto/x509 reads the system's bundle and then every file in
``/etc/ssl/certs`` (on Red Hat's images a link to ``/etc/pki/tls/certs``; root_linux.go, root_unix.go). The variable
``SSL_CERT_DIR`` instead would replace that list, and before Go 1.14, with which no registry of OpenShift 3 was built,
could name one directory only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount, Part
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY

MOUNT_PATH = "/etc/ssl/certs/okd-registry-extra-ca.crt"
VOLUME = "registry-extra-ca"
DEFAULT_KEY = "ca.crt"


@dataclass(frozen=True)
class ExtraCa:
    """CA certificates in PEM form.

    :param text: the certificates; None while they have not been read, or are not there yet (in check mode).
    :param config_map: the user's ConfigMap that has them.
    :param secret: the user's Secret that has them; without either, they are in a ConfigMap of ours.
    """

    text: str | None = None
    config_map: str | None = None
    secret: str | None = None
    key: str = DEFAULT_KEY

    @property
    def option(self) -> str:
        """What the user has said, for errors."""
        return "extra_ca.config_map" if self.config_map else "extra_ca.secret" if self.secret else "extra_ca.content"

    def part(self, own_config_map: str) -> Part:
        """The file, mounted. A mounted single file never changes in a running pod, so its content starts new ones."""
        if self.secret:
            source: dict[str, Any] = {"secret": {"secretName": self.secret}}
        else:
            source = {"configMap": {"name": self.config_map or own_config_map}}
        known = KNOWN_AFTER_APPLY if self.text is None else hashlib.sha256(self.text.encode()).hexdigest()
        mount = Mount(MOUNT_PATH, source, VOLUME, read_only=True, sub_path=self.key)
        return Part(mounts=(mount,), checksum={"extra_ca": known})

    def own(self, name: str, namespace: str) -> Mapping[str, Any] | None:
        """Our ConfigMap; None where the user has one, or a Secret."""
        if self.config_map or self.secret:
            return None
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {self.key: self.text or ""},
        }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a registry has before a run: in its Secret, in another that it mounts, in its pods' memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _pem, _served
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, layouts, secrets
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    ForbiddenError,
    RegistryError,
)
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry

Object = dict[str, Any]


def pair(secret: Mapping[str, Any] | None, ref: ObjectRef) -> tuple[list[Any], Any]:
    """Certificate chain and key in a Secret of ours; nothing where there is none. Raises CertificateError."""
    bundle, key = secrets.value(secret, secrets.CERT_KEY), secrets.value(secret, secrets.PRIVATE_KEY)
    if bundle is None:
        return [], None
    certs = _pem.parse_certificates(bundle, f"{ref}, {secrets.CERT_KEY}")
    return certs, _pem.parse_key(key, f"{ref}, {secrets.PRIVATE_KEY}") if key else None


def chain(secret: Mapping[str, Any] | None, *files: str) -> list[Any]:
    """The certificates in the first of these files of a Secret that can be read; none where none can."""
    return next(filter(None, (_readable(secret, file) for file in files)), [])


def _readable(secret: Mapping[str, Any] | None, file: str) -> list[Any]:
    try:
        return list(_pem.parse_certificates(secrets.value(secret, file) or b"", file))
    except CertificateError:
        return []


@dataclass
class Incumbent:
    """The registry that is there, if one is."""

    api: Api
    registry: Registry

    @cached_property
    def workload(self) -> Object | None:
        """Read once. Raises ForbiddenError."""
        return find_workload(self.api, self.registry.name, self.registry.namespace)

    def there(self) -> bool:
        """Whether there is a registry that serves; also where that may not be looked at."""
        try:
            return self.workload is not None
        except ForbiddenError:
            return True

    def mounted(self, ref: ObjectRef, live: Object | None) -> tuple[ObjectRef, list[Any]]:
        """What its workload mounts as certificate, with the Secret that has it: other tools have other names for both.

        Raises ForbiddenError where that Secret may not be read, for its CA is on the nodes all the same.

        :param ref: the Secret that is to have the certificate, as it is now: it is not read again.
        """
        try:
            name, file = layouts.recognise(self.workload).tls_secret, layouts.certificate_file(self.workload)
        except ForbiddenError:
            name, file = ref.name, ""
        if not name:
            return ref, []
        where = ObjectRef("v1", "Secret", name, ref.namespace)
        secret = live if where == ref else self.api.get(where)
        return where, chain(secret, file, *(cert for cert, _key in secrets.KEY_PAIRS))

    def served(self) -> list[str | None]:
        """What the running pods serve, as fingerprints; None for one that cannot be asked."""
        namespace = self.registry.namespace
        try:
            selector = layout.pods_selector(self.workload)
            pods = self.api.list("v1", "Pod", namespace, labels=selector) if selector else []
        except ForbiddenError:
            return [None]
        found: list[str | None] = []
        for pod in pods:
            if (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
                try:
                    name = str(pod["metadata"]["name"])
                    found.append(_served.leaf_sha256(self.api, namespace, name, self.registry.port))
                except (RegistryError, OSError):
                    found.append(None)
        return found

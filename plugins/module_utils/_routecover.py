# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether clients that are passed through to the registry accept its certificate under the host."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import key_pair, value
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, ForbiddenError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._routespec import PASSTHROUGH, RouteSpec


class Cover:
    """The registry's certificate beside the host of one run; read at most once, where it matters.

    :param secret_name: the Secret with the certificate.
    :param promised: whether another task of the same run issues a certificate that covers the host.
    """

    def __init__(self, api: Api, spec: RouteSpec, secret_name: str, *, promised: bool, check_mode: bool) -> None:
        self._api = api
        self._spec = spec
        self._secret = ObjectRef("v1", "Secret", secret_name, spec.registry.namespace)
        self._promised = promised
        self._check_mode = check_mode
        self._fine: str | None = None  # the host that was found covered

    def refuse(self, live_host: str | None) -> None:
        """Refuse a wanted host that is not covered: behind it every client would be turned away.

        :param live_host: what is there already has this host. One that is in use is not refused, see ``remark``.
        :raises RefusedError: before anything is touched.
        """
        host = self._spec.host
        if host is None or host == live_host or (self._check_mode and self._promised):
            return
        why = self._lacks(host)
        if why:
            raise RefusedError(
                f"{why}. Reissue it first: registry_cert with route_host {host}, or playbooks/deploy.yml."
            )
        self._fine = host

    def remark(self, host: str | None) -> str | None:
        """What is to be said of a host that was there, or was generated: None where it is covered, or will be."""
        why = self._lacks(host) if host != self._fine and not self._promised else None
        how = "which covers the hosts of passthrough Routes" if self._spec.host is None else f"with route_host {host}"
        return f"{why}. Run registry_cert, {how}, or playbooks/deploy.yml." if why else None

    def _lacks(self, host: str | None) -> str | None:
        if host is None or self._spec.termination != PASSTHROUGH:
            return None
        try:
            secret = self._api.get(self._secret)
        except ForbiddenError:
            return None  # who may make Routes need not be allowed to read Secrets
        pair = key_pair(secret)
        leaf = value(secret, pair[0]) if pair else None
        if leaf is None:
            return None
        from ansible_collections.okd.registry.plugins.module_utils._x509 import certificate_facts, covers

        try:
            covered = covers(certificate_facts(leaf)["sans"], host)
        except CertificateError as exc:
            return f"The certificate in {self._secret} cannot be read ({exc})"
        text = f"The certificate in {self._secret} does not cover {host}, so every client would refuse it"
        return None if covered else text

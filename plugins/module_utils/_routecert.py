# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a Route whose router ends TLS: read, and refused where clients or router would refuse them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, layouts, secrets
from ansible_collections.okd.registry.plugins.module_utils._build.route import Tls
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name
from ansible_collections.okd.registry.plugins.module_utils._routespec import EDGE, PASSTHROUGH, REENCRYPT, RouteSpec
from ansible_collections.okd.registry.plugins.module_utils._storage import file_of


class Certificates:
    """What the options say of a Route's certificates; files are read at once, before anything is asked of the API.

    :raises CertificateError: for what cannot be read or used, whatever the Route's host is.
    """

    def __init__(self, spec: RouteSpec, params: Mapping[str, Any]) -> None:
        self._spec = spec
        self._map = dns_name("ca_config_map", params.get("ca_config_map") or f"{spec.registry.name}-ca")
        self._given = params.get("certificate")
        self._destination = params.get("destination_ca")
        if spec.termination == PASSTHROUGH:
            return
        if self._given or self._destination:
            from ansible_collections.okd.registry.plugins.module_utils import _owncert, _pem
        if self._given:
            self._own = _owncert.read(self._given)
            self.refuse(None)
        if self._destination:
            self._ca = _pem.parse_certificates(*_owncert.content("destination_ca", "cert", self._destination))

    def refuse(self, host: str | None) -> None:
        """Refuse a certificate that clients would refuse under this host (None: not known yet).

        :raises CertificateError: with all that is wrong.
        """
        if not self._given or self._spec.termination == PASSTHROUGH:
            return
        from ansible_collections.okd.registry.plugins.module_utils import _owncert, _x509

        names = _x509.ServerNames((host,) if host else (), ())
        found = _owncert.problems(self._own, names, dt.datetime.now(dt.timezone.utc))
        if found:
            raise CertificateError(f"certificate: {'; '.join(found)}. Clients of the Route would refuse it.")

    def read(self, api: Api, *, check_mode: bool) -> Tls:
        """The certificates as the Route is to have them.

        :raises RefusedError: for a way of ending TLS that the registry does not fit.
        """
        if self._spec.termination == EDGE:
            self._refuse_edge(api)
        leaf = key = chain = None
        if self._given and self._spec.termination != PASSTHROUGH:
            from ansible_collections.okd.registry.plugins.module_utils import _pem

            leaf, chain = _pem.pem_of(self._own.chain[0]), _pem.pem_of(*self._own.chain[1:])
            key = _pem.key_to_pem(self._own.key).decode("ascii")
        ca = self._destination_ca(api, check_mode=check_mode) if self._spec.termination == REENCRYPT else None
        return Tls(leaf, key, chain, ca)

    def _destination_ca(self, api: Api, *, check_mode: bool) -> str:
        if self._destination:
            from ansible_collections.okd.registry.plugins.module_utils import _pem

            return _pem.pem_of(*self._ca)
        ref = ObjectRef("v1", "ConfigMap", self._map, self._spec.registry.namespace)
        text = ((api.get(ref) or {}).get("data") or {}).get(secrets.CA_KEY)
        if text:
            return str(text)
        if check_mode:
            return KNOWN_AFTER_APPLY
        raise NotFoundError(
            f"{ref} has no {secrets.CA_KEY}, so the router would not know the registry by its certificate. Issue "
            "the certificate first (registry_cert, or playbooks/deploy.yml), or name its CA in destination_ca."
        )

    def _refuse_edge(self, api: Api) -> None:
        """With edge the router speaks plain HTTP to the pods. Those that serve TLS answer each request with 400."""
        registry = self._spec.registry
        try:
            live = find_workload(api, registry.name, registry.namespace)
            why = _serves_tls(api, live) if live else None
        except ForbiddenError:
            return
        if live and why:
            raise RefusedError(
                f"termination: edge lets the router speak plain HTTP to the pods, and {ObjectRef.of(live)} serves TLS "
                f"({why}), so every request would be answered with 400. Say termination: reencrypt (the router ends "
                "TLS and speaks TLS to the registry) or passthrough."
            )


def _serves_tls(api: Api, live: dict[str, Any]) -> str | None:
    """By what a workload is told to serve TLS; its configuration file is read only where nothing else says it.

    :raises ForbiddenError: for a file that this user may not read.
    """
    said = layouts.recognise(live).tls
    if said is not None:
        return "its environment says so" if said else None
    shown, _remark = layout.to_look_at(live)
    file = file_of(shown, live["metadata"]["namespace"], api, told=True)
    return f"{file.source} says so" if file and layouts.recognise(live, file=file).tls else None

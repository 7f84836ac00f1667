# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_cert does: find out whether the certificate will do, and issue one when it will not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _ca, _cabundle, _endpoints, _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import route as build_route
from ansible_collections.okd.registry.plugins.module_utils._build import secrets
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY, Endpoints
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    ForbiddenError,
    KindNotServedError,
    NotFoundError,
    OptionError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name, ip_address
from ansible_collections.okd.registry.plugins.module_utils._plan import UNCHANGED, Change, owned_by_us, plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

Object = dict[str, Any]


@dataclass(frozen=True)
class CertificateSpec:
    """The options of registry_cert, checked.

    :param cluster_ip: what the Service will have, for a plan made before there is one.
    """

    registry: Registry
    secret_name: str
    ca_config_map: str
    files: _ca.CaFiles | None
    validity_days: int
    renew_before: dt.timedelta
    key_type: str | None
    key_size: int | None
    cluster_ip: str | None
    ca_bundle: str = _cabundle.SIGNER
    issue: bool = True
    force: bool = False
    allow_ca_change: bool = False
    placed: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> CertificateSpec:
        """Raises OptionError for values that cannot work."""
        registry = Registry.from_params(params)
        days, renew = params["validity_days"], params["renew_before_days"]
        if days < 1:
            raise OptionError("validity_days", days, "must be at least 1")
        if not 0 <= renew < days:
            raise OptionError("renew_before_days", renew, f"must be from 0 to less than validity_days ({days})")
        wanted_ip = params.get("cluster_ip")
        return cls(
            registry=registry,
            secret_name=dns_name("secret_name", params["secret_name"]),
            ca_config_map=dns_name("ca_config_map", params.get("ca_config_map") or f"{registry.name}-ca"),
            files=_ca.CaFiles(**params["ca"]) if params.get("ca") else None,
            validity_days=days,
            renew_before=dt.timedelta(days=renew),
            key_type=params.get("key_type"),
            key_size=params.get("key_size"),
            cluster_ip=ip_address("cluster_ip", wanted_ip) if wanted_ip else None,
            ca_bundle=params["ca_bundle"],
            issue=params["issue"],
            force=params["force"],
            allow_ca_change=params["allow_ca_change"],
            placed=bool(params.get("placed")),
        )

    def ref(self, kind: str, name: str) -> ObjectRef:
        """One of the core objects beside the registry."""
        return ObjectRef("v1", kind, name, self.registry.namespace)


def run(params: Mapping[str, Any], api: Api, *, check_mode: bool) -> dict[str, Any]:
    """The module's work; its return value."""
    spec = CertificateSpec.from_params(params)
    if params["state"] == "absent":
        return _absent(spec, params, api, check_mode)
    if spec.files is None:
        raise OptionError("ca", None, "is required: give cert_path and key_path of the CA that signs")
    now = dt.datetime.now(dt.timezone.utc)
    ca = _ca.load_ca(spec.files, now)
    ip, endpoints = _names(spec, params, api, check_mode)
    return _Issue(spec, spec.files, api, check_mode, now, endpoints, ip).work(ca)


def _names(
    spec: CertificateSpec, params: Mapping[str, Any], api: Api, check_mode: bool
) -> tuple[str | None, Endpoints]:
    """The cluster IP and all names, from the live Service and Routes."""
    ref = spec.ref("Service", spec.registry.name)
    service = api.get(ref)
    if service is None and not check_mode:
        raise NotFoundError(
            f"{ref} does not exist, and its cluster IP has to be in the certificate: run registry_service first,"
            " or check name and namespace.",
            status=404,
        )
    if service is None:
        ip = spec.cluster_ip or KNOWN_AFTER_APPLY
        service = {"spec": {"clusterIP": ip}}
    endpoints = _endpoints.from_service(service, params, route_hosts=_exposed(spec, api))
    return next(iter(_endpoints.cluster_ips(service)), None), endpoints


def _exposed(spec: CertificateSpec, api: Api) -> list[str]:
    """The hosts that live Routes give the registry: a name in use is never dropped from the certificate."""
    try:
        routes = api.list(build_route.API_VERSION, "Route", spec.registry.namespace)
    except KindNotServedError:
        return []
    return build_route.exposed_hosts(routes, spec.registry)


@dataclass
class _Issue:
    """One run with state present."""

    spec: CertificateSpec
    files: _ca.CaFiles
    api: Api
    check_mode: bool
    now: dt.datetime
    endpoints: Endpoints
    ip: str | None

    def work(self, ca: _x509.Ca | None) -> dict[str, Any]:
        """Judge, refuse what would lose trust, issue when needed, write ConfigMap and Secret when they differ."""
        names = _x509.server_names(self.endpoints.hosts)
        secret_ref = self.spec.ref("Secret", self.spec.secret_name)
        map_ref = self.spec.ref("ConfigMap", self.spec.ca_config_map)
        live, live_map = self.api.get(secret_ref), self.api.get(map_ref)
        reason = self._reason(live, ca, names)
        issues = bool(reason) and self.spec.issue
        if self.assumes:
            text = self._text(_cabundle.OVERLAP, live, live_map, ca)
            live_map = plan(live_map, secrets.ca_config_map(map_ref.name, map_ref.namespace or "", text)).after
        else:
            self._refuse_lost_trust(live, live_map, ca, issues=issues)
        result = Result(self.api)
        made_ca = ca is None and not self.assumes
        if ca is None and not self.check_mode:
            ca = _ca.create_ca(
                self.files, name=f"{self.spec.registry.name}-ca@{int(self.now.timestamp())}", now=self.now
            )
        if made_ca:
            result.note(f"Created a CA: certificate {self.files.cert_path}, key {self.files.key_path}.")

        def published(now: Object | None) -> Object:
            text = self._text(self.spec.ca_bundle, live, now, ca)
            return secrets.ca_config_map(map_ref.name, map_ref.namespace or "", text)

        written = result.add(ensure(self.api, map_ref, published, check_mode=self.check_mode, live=live_map))
        issued = self._issue(ca, names) if issues and ca and not self.check_mode else None
        outcome = self._store(secret_ref, live, ca, names, issued, reason if issues else None)
        if issued and secrets.value(outcome.live, secrets.CERT_KEY) != issued.bundle:
            reason, issues = None, False  # somebody else stored one that will do, at the same time
        if issues:
            result.note(f"Issued a certificate for {', '.join(self.endpoints.hosts)}: {reason}.")
        result.add(outcome)
        planned = bool(reason) and (self.assumes or (issues and self.check_mode))
        return result.finish(
            registry=registry_value(
                self.spec.registry.name, self.spec.registry.namespace, self.endpoints,
                cluster_ip=self.ip, port=self.spec.registry.port,
            ),
            changed=result.changed or made_ca,
            reason=reason,
            issued=issues,
            certificate=self._facts(outcome.live, names, planned=planned),
            ca_cert=_published_text(written.live),
            ca=self._ca_facts(written.live, outcome.live, ca, planned=planned),
        )  # fmt: skip

    @property
    def assumes(self) -> bool:
        """Whether this is a plan that takes what comes before it in a rotation as done."""
        return self.check_mode and self.spec.placed

    def _reason(self, live: Object | None, ca: _x509.Ca | None, names: _x509.ServerNames) -> str | None:
        if ca is None and not self.assumes:
            return "there is no CA yet, and what a new one signs is new"
        if not self.endpoints.complete:
            return "the service's address, which it has to cover, is known only after apply"
        try:
            certs, key = self._pair(live)
        except CertificateError as exc:
            return f"what is there cannot be used ({exc})"
        if ca is None:  # it is there by the time that this is done
            return _x509.other_issuer(certs, KNOWN_AFTER_APPLY)
        reason = _x509.needs_reissue(
            certs, key, ca, names, now=self.now, renew_before=self.spec.renew_before,
            key_type=self.spec.key_type, key_size=self.spec.key_size,
        )  # fmt: skip
        return reason or ("a new one was asked for (force)" if self.spec.force else None)

    # ---- what the nodes trust ------------------------------------------------------------------------------------

    def _before(self, live: Object | None, live_map: Object | None) -> _cabundle.Before:
        try:
            chain = self._pair(live)[0]
        except CertificateError:
            chain = []
        return _cabundle.Before(chain, _published(live_map), self.now)

    def _text(self, kind: str, live: Object | None, live_map: Object | None, ca: _x509.Ca | None) -> str:
        """What the ConfigMap is to hold, as PEM text; a CA that is still to be made is known after apply."""
        return _pem.pem_of(*self._bundle(kind, live, live_map, ca)) + ("" if ca else KNOWN_AFTER_APPLY)

    def _bundle(self, kind: str, live: Object | None, live_map: Object | None, ca: _x509.Ca | None) -> list[Any]:
        """The certificates to be published; without those of a CA that is still to be made.

        :param kind: ``signer`` or ``overlap``.
        """
        signers = ca.published() if ca else []
        if kind == _cabundle.SIGNER:
            return _cabundle.once(signers)
        before = self._before(live, live_map)
        bundle = _cabundle.overlap(before.published, signers, self.now)
        if before.kept_by(bundle):
            return bundle
        # The ConfigMap lacks the CA of the certificate in use; the Secret may have it, as its chain.
        return _cabundle.overlap([*before.published, *before.chain[1:]], signers, self.now)

    def _refuse_lost_trust(
        self, live: Object | None, live_map: Object | None, ca: _x509.Ca | None, *, issues: bool
    ) -> None:
        """Nodes must accept what is served, before and after this run. Raises RefusedError where they would not."""
        signers = ca.published() if ca else []
        why = _cabundle.objection(
            self._before(live, live_map), signers, self._bundle(self.spec.ca_bundle, live, live_map, ca),
            issues=issues, overlapping=self.spec.ca_bundle == _cabundle.OVERLAP,
            secret=str(self.spec.ref("Secret", self.spec.secret_name)),
            config_map=str(self.spec.ref("ConfigMap", self.spec.ca_config_map)),
            ca=_pem.name_text(signers[0].subject) if signers else f"a new CA ({self.files.cert_path} is not there)",
        )  # fmt: skip
        if why and not self.spec.allow_ca_change and self._has_workload():
            raise RefusedError(why)

    def _has_workload(self) -> bool:
        """Whether there is a registry that serves; also where that may not be looked at."""
        try:
            return find_workload(self.api, self.spec.registry.name, self.spec.registry.namespace) is not None
        except ForbiddenError:
            return True

    def _ca_facts(
        self, live_map: Object | None, secret: Object | None, ca: _x509.Ca | None, *, planned: bool
    ) -> list[dict[str, Any]]:
        if planned:
            found = _cabundle.facts(_published(live_map), None, self.now)
            signer = _pem.fingerprint(ca.cert) if ca else None
            return [{**one, "signs": one["sha256"] == signer} for one in found]
        chain = self._before(secret, None).chain
        return _cabundle.facts(_published(live_map), chain[0] if chain else None, self.now)

    def _pair(self, live: Object | None) -> tuple[list[Any], Any]:
        """Certificate chain and key in the Secret; nothing where there is none."""
        where = f"Secret {self.spec.registry.namespace}/{self.spec.secret_name}"
        bundle = secrets.value(live, secrets.CERT_KEY)
        key = secrets.value(live, secrets.PRIVATE_KEY)
        if bundle is None:
            return [], None
        certs = _pem.parse_certificates(bundle, f"{where}, {secrets.CERT_KEY}")
        return certs, _pem.parse_key(key, f"{where}, {secrets.PRIVATE_KEY}") if key else None

    def _issue(self, ca: _x509.Ca, names: _x509.ServerNames) -> _x509.Issued:
        return _x509.issue(
            ca, names, serial=_ca.next_serial(self.files), now=self.now, days=self.spec.validity_days,
            key_type=self.spec.key_type or "RSA", key_size=self.spec.key_size,
        )  # fmt: skip

    def _store(
        self,
        ref: ObjectRef,
        live: Object | None,
        ca: _x509.Ca | None,
        names: _x509.ServerNames,
        issued: _x509.Issued | None,
        reason: str | None,
    ) -> Outcome:
        """Write the Secret where there is a reason. After a conflict the other's certificate stays if it will do."""
        if not reason:
            return Outcome(ref, Change(UNCHANGED, before=live, after=live), live)

        def desired(now: Object | None) -> Object:
            unknown = KNOWN_AFTER_APPLY.encode()
            bundle, key = (issued.bundle, issued.key_pem) if issued else (unknown, unknown)
            if now is not live and not self._reason(now, ca, names):
                kept = secrets.value(now, secrets.CERT_KEY), secrets.value(now, secrets.PRIVATE_KEY)
                bundle, key = kept[0] or bundle, kept[1] or key
            return secrets.certificate_secret(ref.name, ref.namespace or "", bundle, key, now)

        return ensure(self.api, ref, desired, check_mode=self.check_mode, live=live)

    def _facts(self, secret: Object | None, names: _x509.ServerNames, *, planned: bool) -> dict[str, Any] | None:
        if not planned:
            chain = self._before(secret, None).chain
            return _x509.facts(chain[0], self.now) if chain else None
        unknown = dict.fromkeys(
            ("issuer", "serial", "not_before", "not_after", "days_left", "sha256"), KNOWN_AFTER_APPLY
        )
        sans = [*names.dns, *map(str, names.ips)]
        if not self.endpoints.complete:
            sans.append(KNOWN_AFTER_APPLY)
        return {"subject": f"CN={names.common_name()}", "sans": sans, **unknown}


def _published_text(config_map: Object | None) -> str:
    return str(((config_map or {}).get("data") or {}).get(secrets.CA_KEY) or "")


def _published(config_map: Object | None) -> list[Any]:
    """The CAs in the ConfigMap; none where there is nothing that can be read, which no node can trust either."""
    try:
        return _pem.parse_certificates(_published_text(config_map).encode(), secrets.CA_KEY)
    except CertificateError:
        return []


def _absent(spec: CertificateSpec, params: Mapping[str, Any], api: Api, check_mode: bool) -> dict[str, Any]:
    """Take away Secret and ConfigMap where we made them. The CA's files stay: nodes may still trust it."""

    def keep(live: Object) -> str | None:
        if owned_by_us(live):
            return None
        return f"{live['kind']} {spec.registry.namespace}/{live['metadata']['name']} stays: it is not ours."

    result = Result(api)
    for kind, name in (("Secret", spec.secret_name), ("ConfigMap", spec.ca_config_map)):
        result.add(ensure_absent(api, spec.ref(kind, name), check_mode=check_mode, keep=keep))
    service = api.get(spec.ref("Service", spec.registry.name))
    ip = next(iter(_endpoints.cluster_ips(service)), None)
    value = registry_value(
        spec.registry.name, spec.registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=ip, port=spec.registry.port,
    )  # fmt: skip
    return result.finish(registry=value, reason=None, issued=False, certificate=None, ca_cert=None, ca=[])

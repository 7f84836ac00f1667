# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_cert does: find out whether the certificate will do, and issue one when it will not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import (
    _cabundle,
    _certfiles,
    _certlive,
    _certsource,
    _endpoints,
    _leftovers,
    _pem,
    _x509,
)
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
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name, ip_address
from ansible_collections.okd.registry.plugins.module_utils._plan import UNCHANGED, Change, plan
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

Object = dict[str, Any]
_UNKNOWN = "the {}, which it has to cover, is known only after apply"


@dataclass(frozen=True)
class CertificateSpec:
    """The options of registry_cert, checked.

    :param cluster_ip: what the Service will have, for a plan made before there is one.
    """

    registry: Registry
    secret_name: str
    ca_config_map: str
    extra_names: tuple[str, ...]
    cluster_ip: str | None
    ca_bundle: str
    issue: bool
    force: bool
    allow_ca_change: bool
    placed: bool
    outputs: _certfiles.Outputs

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> CertificateSpec:
        """Raises OptionError for values that cannot work."""
        registry = Registry.from_params(params)
        days, renew = params["validity_days"], params["renew_before_days"]
        if days < 1:
            raise OptionError("validity_days", days, "must be at least 1")
        if not 0 <= renew < days:
            raise OptionError("renew_before_days", renew, f"must be from 0 to less than validity_days ({days})")
        try:
            _x509.server_names(params["extra_names"])
        except CertificateError as exc:
            raise OptionError("extra_names", params["extra_names"], f"cannot all be certified: {exc}") from exc
        wanted_ip = params.get("cluster_ip")
        return cls(
            registry=registry,
            secret_name=dns_name("secret_name", params["secret_name"]),
            ca_config_map=dns_name("ca_config_map", params.get("ca_config_map") or f"{registry.name}-ca"),
            extra_names=tuple(params["extra_names"]),
            cluster_ip=ip_address("cluster_ip", wanted_ip) if wanted_ip else None,
            ca_bundle=params["ca_bundle"],
            issue=params["issue"],
            force=params["force"],
            allow_ca_change=params["allow_ca_change"],
            placed=bool(params.get("placed")),
            outputs=_certfiles.Outputs.from_params(params),
        )

    def ref(self, kind: str, name: str) -> ObjectRef:
        """One of the core objects beside the registry."""
        return ObjectRef("v1", kind, name, self.registry.namespace)


def run(
    params: Mapping[str, Any], api: Api, *, check_mode: bool, warn: Callable[[str], None] = lambda _text: None
) -> dict[str, Any]:
    """The module's work; its return value."""
    # A plan of a run in which the cluster generates the Route's host: another module says so in its plan.
    coming = check_mode and params.get("route_host") == KNOWN_AFTER_APPLY
    spec = CertificateSpec.from_params({**params, "route_host": None} if coming else params)
    if params["state"] == "absent":
        return _absent(spec, params, api, check_mode)
    now = dt.datetime.now(dt.timezone.utc)
    source = _certsource.from_params(params, now, assumed=check_mode and spec.placed)
    ip, endpoints, spare = _names(spec, params, api, check_mode)
    names = _x509.server_names([*endpoints.hosts, *spec.extra_names])
    for sentence in source.refuse(names, now):
        warn(sentence)
    return _Issue(spec, source, api, check_mode, now, endpoints, names, ip, spare).work()


def _names(
    spec: CertificateSpec, params: Mapping[str, Any], api: Api, check_mode: bool
) -> tuple[str | None, Endpoints, list[str]]:
    """The cluster IP, all names, and hosts that may have been names before, from the live Service and Routes.

    A name in use is never dropped from the certificate. Where a router ends TLS, nobody sees it; but a host whose Route
    passed TLS through before is in it still. That alone is worth no rollout: it goes with the next certificate.
    """
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
    routes, registry = _routes(spec, api), spec.registry
    endpoints = _endpoints.from_service(service, params, route_hosts=build_route.exposed_hosts(routes, registry))
    spare = build_route.router_hosts(routes, registry)
    return next(iter(_endpoints.cluster_ips(service)), None), endpoints, spare


def _routes(spec: CertificateSpec, api: Api) -> list[Object]:
    try:
        return api.list(build_route.API_VERSION, "Route", spec.registry.namespace)
    except KindNotServedError:
        return []


@dataclass
class _Issue:
    """One run with state present."""

    spec: CertificateSpec
    source: _certsource.Source
    api: Api
    check_mode: bool
    now: dt.datetime
    endpoints: Endpoints
    names: _x509.ServerNames
    ip: str | None
    spare: list[str]
    incumbent: _certlive.Incumbent = field(init=False)
    #: The certificate in use where it is not the Secret's, with the Secret that has it; looked for only then, and once.
    elsewhere: tuple[ObjectRef, list[Any]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.incumbent = _certlive.Incumbent(self.api, self.spec.registry)

    def work(self) -> dict[str, Any]:
        """Judge, refuse what would lose trust, issue when needed, write ConfigMap and Secret when they differ."""
        registry = self.spec.registry
        secret_ref = self._secret_ref
        map_ref = self.spec.ref("ConfigMap", self.spec.ca_config_map)
        live, live_map = self.api.get(secret_ref), self.api.get(map_ref)
        reason = self._reason(live)
        issues = bool(reason) and self.spec.issue
        before = self._before(live, live_map)
        if self.assumes:
            text = self._text(_cabundle.OVERLAP, before, self.source.published)
            live_map = plan(live_map, secrets.ca_config_map(map_ref.name, registry.namespace, text)).after
        else:
            self._refuse_lost_trust(before, issues=issues)
        result = Result(self.api)
        made_ca = self.source.planned_ca()
        if made_ca and not self.check_mode:
            self.source.make_ca(f"{registry.name}-ca@{int(self.now.timestamp())}", self.now)
        if made_ca:
            result.note(made_ca)
        kept = self._still_served(before)
        for cert in kept:
            result.note(
                f"{_pem.name_text(cert.subject)} stays published: a pod does not serve the Secret's certificate."
            )

        def published(now: Object | None) -> Object:
            text = self._text(self.spec.ca_bundle, self._before(live, now), [*kept, *self.source.published])
            return secrets.ca_config_map(map_ref.name, registry.namespace, text)

        written = result.add(ensure(self.api, map_ref, published, check_mode=self.check_mode, live=live_map))
        new = self._make() if issues and not self.check_mode else None
        outcome = self._store(secret_ref, live, new, reason if issues else None)
        if new and secrets.value(outcome.live, secrets.CERT_KEY) != new.bundle:
            reason, issues = None, False  # somebody else stored one that will do, at the same time
        if issues:
            result.note(f"{self.source.sentence(self._hosts())}: {reason}.")
        result.add(outcome)
        planned = bool(reason) and (self.assumes or (issues and self.check_mode))
        copies = self.spec.outputs.copy(outcome.live, check_mode=self.check_mode)
        for copy in copies:
            result.note(copy.sentence)
        value = result.finish(
            registry=registry_value(
                registry.name, registry.namespace, self.endpoints, cluster_ip=self.ip, port=registry.port
            ),
            changed=result.changed or bool(made_ca) or bool(copies),
            reason=reason,
            issued=issues,
            certificate=self._facts(outcome.live, planned=planned),
            ca_cert=_published_text(written.live),
            ca=self._ca_facts(written.live, outcome.live, planned=planned),
        )
        value["diff"] += [copy.diff for copy in copies]
        return value

    @property
    def assumes(self) -> bool:
        """Whether this is a plan that takes what comes before it in a rotation as done."""
        return self.check_mode and self.spec.placed

    def _hosts(self) -> list[str]:
        return list(dict.fromkeys([*self.endpoints.hosts, *self.spec.extra_names]))

    def _reason(self, live: Object | None) -> str | None:
        if not self.endpoints.complete and self.source.foretell(self.now) is None:
            unknown = _UNKNOWN.format("service's address" if self.ip == KNOWN_AFTER_APPLY else "Route's host")
            return self.source.reason([], None, self.names, self.now) if self.source.planned_ca() else unknown
        try:
            certs, key = _certlive.pair(live, self._secret_ref)
        except CertificateError as exc:
            return f"what is there cannot be used ({exc})"
        reason = self.source.reason(certs, key, self.names, self.now, self.spare)
        if reason is None and self.spec.force and self.source.foretell(self.now) is None:
            return "a new one was asked for (force)"
        return reason

    # ---- what the nodes trust ------------------------------------------------------------------------------------

    @property
    def _secret_ref(self) -> ObjectRef:
        return self.spec.ref("Secret", self.spec.secret_name)

    def _chain(self, secret: Object | None) -> list[Any]:
        """The certificates in the Secret; none where they, or the key, cannot be read."""
        try:
            return _certlive.pair(secret, self._secret_ref)[0]
        except CertificateError:
            return []

    def _before(self, live: Object | None, live_map: Object | None) -> _cabundle.Before:
        """What the nodes go by: the certificate in the Secret, or where there is none, the one that is mounted now."""
        chain = self._chain(live)
        if not chain:
            self.elsewhere = self.elsewhere or self._mounted(live)
            chain = self.elsewhere[1]
        return _cabundle.Before(chain, _published(live_map), self.now)

    def _mounted(self, live: Object | None) -> tuple[ObjectRef, list[Any]]:
        try:
            return self.incumbent.mounted(self._secret_ref, live)
        except ForbiddenError:
            if self.spec.allow_ca_change:
                return self._secret_ref, []
            raise

    def _text(self, kind: str, before: _cabundle.Before, signers: Sequence[Any]) -> str:
        """What the ConfigMap is to hold, as PEM text; a CA that is still to be made is known after apply."""
        return _pem.pem_of(*self._bundle(kind, before, signers)) + ("" if signers else KNOWN_AFTER_APPLY)

    def _bundle(self, kind: str, before: _cabundle.Before, signers: Sequence[Any]) -> list[Any]:
        """The certificates to be published; without those of a CA that is still to be made.

        :param kind: ``signer`` or ``overlap``.
        """
        if kind == _cabundle.SIGNER:
            return _cabundle.once(signers)
        bundle = _cabundle.overlap(before.published, signers, self.now)
        if before.kept_by(bundle):
            return bundle
        # The ConfigMap lacks the CA of the certificate in use; the Secret may have it, as its chain.
        return _cabundle.overlap([*before.published, *before.chain[1:]], signers, self.now)

    def _refuse_lost_trust(self, before: _cabundle.Before, *, issues: bool) -> None:
        """Nodes must accept what is served, before and after this run. Raises RefusedError where they would not."""
        signers = self.source.published
        why = _cabundle.objection(
            before, self.source.shown, signers, self._bundle(self.spec.ca_bundle, before, signers),
            issues=issues, overlapping=self.spec.ca_bundle == _cabundle.OVERLAP,
            secret=str(self.elsewhere[0] if self.elsewhere else self._secret_ref),
            config_map=str(self.spec.ref("ConfigMap", self.spec.ca_config_map)), ca=self.source.name,
        )  # fmt: skip
        if why and not self.spec.allow_ca_change and self.incumbent.there():
            raise RefusedError(why)

    def _still_served(self, before: _cabundle.Before) -> list[Any]:
        """CAs that would no longer be published, while a pod still serves a certificate that is not the Secret's.

        So it is after a run that was killed before the rollout: the pods have the certificate of the old CA in memory.
        """
        if self.spec.ca_bundle != _cabundle.SIGNER or self.spec.allow_ca_change:
            return []
        if self.assumes or not self.source.published:
            return []
        going = [
            cert for cert in _cabundle.overlap(before.published, self.source.published, self.now)
            if cert not in self.source.published and not _cabundle.trusted([cert], self.source.published)
        ]  # fmt: skip
        if not going or not before.chain:
            return []
        expected = _pem.fingerprint(before.chain[0])
        return going if any(sha256 != expected for sha256 in self.incumbent.served()) else []

    def _ca_facts(self, live_map: Object | None, secret: Object | None, *, planned: bool) -> list[dict[str, Any]]:
        if planned and self.source.foretell(self.now) is None:
            found = _cabundle.facts(_published(live_map), None, self.now)
            signer = _pem.fingerprint(self.source.shown[0]) if self.source.shown else None
            return [{**one, "signs": one["sha256"] == signer} for one in found]
        chain = self.source.shown if planned else self._chain(secret)
        return _cabundle.facts(_published(live_map), chain[0] if chain else None, self.now)

    def _make(self) -> _certsource.Pair:
        return self.source.make(self.names, self.now)

    def _store(self, ref: ObjectRef, live: Object | None, new: _certsource.Pair | None, reason: str | None) -> Outcome:
        """Write the Secret where there is a reason. After a conflict the other's certificate stays if it will do."""
        if not reason:
            return Outcome(ref, Change(UNCHANGED, before=live, after=live), live)

        def desired(now: Object | None) -> Object:
            unknown = KNOWN_AFTER_APPLY.encode()
            bundle, key = (new.bundle, new.key_pem) if new else (unknown, unknown)
            if now is not live and not self._reason(now):
                kept = secrets.value(now, secrets.CERT_KEY), secrets.value(now, secrets.PRIVATE_KEY)
                bundle, key = kept[0] or bundle, kept[1] or key
            return secrets.certificate_secret(ref.name, ref.namespace or "", bundle, key, now)

        return ensure(self.api, ref, desired, check_mode=self.check_mode, live=live)

    def _facts(self, secret: Object | None, *, planned: bool) -> dict[str, Any] | None:
        if not planned:
            chain = self._chain(secret)
            return _x509.bundle_facts(chain, self.now) if chain else None
        foretold = self.source.foretell(self.now)
        if foretold is not None:
            return foretold
        sans = [*self.names.dns, *map(str, self.names.ips)]
        if not self.endpoints.complete:
            sans.append(KNOWN_AFTER_APPLY)
        unknown = dict.fromkeys(_x509.UNKNOWN_BEFORE, KNOWN_AFTER_APPLY)
        return {"subject": f"CN={self.names.common_name()}", "sans": sans, **unknown}


def _published_text(config_map: Object | None) -> str:
    return str(((config_map or {}).get("data") or {}).get(secrets.CA_KEY) or "")


def _published(config_map: Object | None) -> list[Any]:
    """The CAs in the ConfigMap; none where there is nothing that can be read, which no node can trust either."""
    try:
        return _pem.parse_certificates(_published_text(config_map).encode(), secrets.CA_KEY)
    except CertificateError:
        return []


def _not_ours(live: Object) -> str:
    return f"{ObjectRef.of(live)} stays: it is not ours."


def _absent(spec: CertificateSpec, params: Mapping[str, Any], api: Api, check_mode: bool) -> dict[str, Any]:
    """Take away Secret and ConfigMap where we wrote them. The CA's files stay: nodes may still trust it."""
    result = Result(api)
    for kind, name in (("Secret", spec.secret_name), ("ConfigMap", spec.ca_config_map)):
        ref = spec.ref(kind, name)
        live = api.get(ref)
        if live is not None and _leftovers.has_ours(live):
            _leftovers.remove([live], api, result, check_mode=check_mode)
        else:
            result.add(ensure_absent(api, ref, check_mode=check_mode, live=live, keep=_not_ours))
    service = api.get(spec.ref("Service", spec.registry.name))
    ip = next(iter(_endpoints.cluster_ips(service)), None)
    value = registry_value(
        spec.registry.name, spec.registry.namespace, _endpoints.from_service(service, params),
        cluster_ip=ip, port=spec.registry.port,
    )  # fmt: skip
    return result.finish(registry=value, reason=None, issued=False, certificate=None, ca_cert=None, ca=[])

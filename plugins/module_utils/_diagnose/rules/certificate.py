# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the certificate is valid, covers every name, is served, and comes from the CA that everybody is told of."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding
from ansible_collections.okd.registry.plugins.module_utils._endpoints import host_of
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip

REISSUE = "reissue it, which takes every name and rolls it out (of registry_certificate, put the new one there first)"
CHANGE_OVER = "its CA ends then, too: make another CA (registry_ca), and change over to it"


def covers(sans: tuple[str, ...], host: str) -> bool:
    """Whether a certificate's names cover a host; ``*.`` stands for one label."""
    parent = host.partition(".")[2]
    return any(name.lower() in (host, f"*.{parent}") for name in sans)


def secured(facts: Facts) -> Iterator[Finding]:
    """It serves HTTPS."""
    if facts.tls is False:
        load = facts.workload.ref if facts.workload else f"registry {facts.registry}"
        fix = "deploy it with a certificate"
        plain = [end.ref for end in facts.router_ends if end.termination == "edge"]
        if plain:
            # A router that ends TLS there speaks plain HTTP to the pods, which would answer 400 from then on.
            fix += (
                f"; {', '.join(plain)} ends TLS at the router: make it reencrypt (registry_route_termination) with it"
            )
        yield Finding(
            "not_secured", f"{load} serves port {facts.port} without TLS", fix, play("deploy"), object=load,
        )  # fmt: skip


def valid(facts: Facts) -> Iterator[Finding]:
    """The certificate in the Secret is valid, and stays so for a while."""
    held = facts.certificate
    if held is None or held.days_left is None or held.days_left >= facts.soon:
        return
    if held.days_left < 0:
        yield Finding("certificate_expired", f"{held.subject} expired at {held.not_after}", REISSUE, play("deploy"))
    else:
        yield Finding(
            "certificate_expires", f"{held.subject} expires at {held.not_after}, in {held.days_left} days",
            CHANGE_OVER if _ends_with_its_ca(facts, held.days_left) else REISSUE, play("rotate_certificates"),
        )  # fmt: skip


def _ends_with_its_ca(facts: Facts, days: int) -> bool:
    """Whether another one of the same CA would end then, too."""
    ends = [one.days_left for one in facts.authorities if one.signs and one.days_left is not None]
    return bool(ends) and max(ends) <= days


def names(facts: Facts) -> Iterator[Finding]:
    """It covers every name by which the registry is used."""
    held = facts.certificate
    for endpoint in facts.endpoints if held else ():
        # Where a router ends TLS, its certificate is seen, and not this one. The cluster's own is for Services' names.
        others = facts.at_router(endpoint) or (facts.operator and is_ip(host_of(endpoint)))
        if held and not others and not covers(held.sans, host_of(endpoint)):
            yield Finding(
                "san_missing", f"{held.subject} is for {', '.join(held.sans) or 'no name'}, not {host_of(endpoint)}",
                REISSUE, play("deploy"), endpoint=endpoint,
            )  # fmt: skip


def served(facts: Facts) -> Iterator[Finding]:
    """Every pod serves it."""
    for one in facts.served if facts.certificate else ():
        if one.sha256 and one.matches is False and facts.certificate:
            yield Finding(
                "served_differs",
                f"pod {one.pod} serves {one.sha256[:16]}…, and the Secret has {facts.certificate.sha256[:16]}…",
                "roll it out: the registry reads its certificate when it starts", play("deploy"),
            )  # fmt: skip


def authority(facts: Facts) -> Iterator[Finding]:
    """The published CA signed it, and has not expired."""
    published = str(configs.CA) if facts.operator else f"ConfigMap {facts.registry}-ca"
    if facts.has_ca is False and facts.certificate:
        yield Finding(
            "ca_missing",
            f"{published} is not there, so that nobody can be told whom to trust",
            "deploy it",
            play("deploy"),
        )
    known = facts.authorities
    if not known:
        return
    if all(one.days_left is not None and one.days_left < 0 for one in known):
        yield Finding(
            "ca_expired", f"{published}: {', '.join(one.subject for one in known)} has expired",
            "make another CA (registry_ca), and change over to it", play("rotate_certificates"),
        )  # fmt: skip
    elif facts.certificate and all(one.signs is False for one in known):
        yield Finding(
            "ca_mismatch", f"{published} has {', '.join(one.subject for one in known)}, which did not sign "
            f"{facts.certificate.subject}", "deploy it, which publishes the CA that signs", play("deploy"),
        )  # fmt: skip


RULES = (secured, valid, names, served, authority)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CAs are published for the nodes, and whether those who trust one set accept a certificate of another. Pure.

The nodes get what the ConfigMap holds. While a CA is being replaced it holds the old one and the new one (overlap),
so that a node accepts the registry whichever of the two signed the certificate that is served at the moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.okd.registry.plugins.module_utils import _pem

if TYPE_CHECKING:
    from cryptography import x509

SIGNER, OVERLAP = "signer", "overlap"


def trusted(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> bool:
    """Whether who trusts ``anchors`` accepts the first certificate of ``chain``, by way of the others or directly.

    Only signatures count here; names and dates are looked at elsewhere.
    """
    fingerprints = {_pem.fingerprint(anchor) for anchor in anchors}
    todo, rest = list(chain[:1]), list(chain[1:])
    while todo:
        cert = todo.pop()
        if _pem.fingerprint(cert) in fingerprints or any(_pem.signed_by(cert, anchor) for anchor in anchors):
            return True
        above = [issuer for issuer in rest if _pem.signed_by(cert, issuer)]
        rest = [issuer for issuer in rest if issuer not in above]
        todo += above
    return False


def overlap(
    live: Iterable[x509.Certificate], signers: Iterable[x509.Certificate], now: dt.datetime
) -> list[x509.Certificate]:
    """What is published while a CA is replaced: those of before that are in time, in their order, then the new ones."""
    new = once(signers)
    known = {_pem.fingerprint(cert) for cert in new}
    return [c for c in once(live) if _pem.fingerprint(c) not in known and _pem.not_after(c) > now] + new


def once(certs: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """Each certificate once, in the order given."""
    return list({_pem.fingerprint(cert): cert for cert in certs}.values())


def facts(bundle: Iterable[x509.Certificate], leaf: x509.Certificate | None, now: dt.datetime) -> list[dict[str, Any]]:
    """The ``ca`` return value: what each published CA is, and whether it signed the registry's certificate."""
    return [
        {
            "subject": _pem.name_text(cert.subject),
            "sha256": _pem.fingerprint(cert),
            "not_after": _pem.stamp(_pem.not_after(cert)),
            "days_left": (_pem.not_after(cert) - now).days,
            "signs": leaf is not None and _pem.signed_by(leaf, cert),
        }
        for cert in bundle
    ]


@dataclass(frozen=True)
class Before:
    """How it is before a run.

    :param chain: what is in the Secret, or else in the one that the registry mounts, leaf first; empty when there is
        nothing that can be read.
    :param published: what is in the ConfigMap.
    """

    chain: Sequence[x509.Certificate]
    published: Sequence[x509.Certificate]
    now: dt.datetime

    @property
    def in_use(self) -> bool:
        """Whether there is a certificate that clients accept, as far as its dates go."""
        return bool(self.chain) and _pem.not_before(self.chain[0]) <= self.now < _pem.not_after(self.chain[0])

    def kept_by(self, published: Sequence[x509.Certificate]) -> bool:
        """Whether who trusts ``published`` accepts the certificate of before."""
        return not self.in_use or trusted(self.chain, published)

    def accepts(
        self, shown: Sequence[x509.Certificate], signers: Sequence[x509.Certificate], *, overlapping: bool
    ) -> bool:
        """Whether the nodes accept the new certificate, given what they trust already.

        :param shown: what they see of it: from the leaf, or where that is still to be made its signer, upwards.
        :param signers: what is to be trusted from now on.

        Without overlap, only a CA counts by which the certificate in use is accepted: that one is on the nodes for
        sure. One that was merely published beside it may not have reached all of them yet; with overlap, the caller
        vouches for that.
        """
        anchors = [cert for cert in self.published if _pem.not_after(cert) > self.now]
        if self.published and not anchors:
            return True  # all that the nodes trust is over: nothing is accepted now, so nothing can be lost
        if not self.in_use and (self.chain or not anchors):
            return True  # nothing was served, or only what clients refuse already
        if not overlapping and self.in_use:
            anchors = [cert for cert in anchors if trusted(self.chain, [cert])]
        if anchors:
            return trusted(shown, anchors)
        return trusted(self.chain, signers) or trusted(shown, self.chain[1:])


def objection(
    before: Before,
    shown: Sequence[x509.Certificate],
    signers: Sequence[x509.Certificate],
    bundle: Sequence[x509.Certificate],
    *,
    issues: bool,
    overlapping: bool,
    secret: str,
    config_map: str,
    ca: str,
) -> str | None:
    """Why nodes would refuse the registry after this run, and what to do instead; None where they would not.

    :param shown: see Before.accepts, as for ``signers``.
    :param bundle: what is going to be published.
    :param issues: whether the certificate is replaced, or stays.
    :param secret: the Secret, the ConfigMap and the signing CA, as they are called in the sentence.
    """
    if before.accepts(shown, signers, overlapping=overlapping) if issues else before.kept_by(bundle):
        return None
    old = _pem.name_text(before.chain[0].issuer) if before.chain else "another CA"
    if issues and overlapping:
        return (
            f"{config_map} does not hold {ca} yet, so no node can trust what it signs. Publish it first (issue: false),"
            " bring it to all nodes (playbooks/trust.yml), and run again. playbooks/rotate_certificates.yml does all of"
            " that."
        )
    if issues:
        return (
            f"The registry's certificate{f' in {secret}' if before.chain else ''} is of {old}, which the nodes trust;"
            f" {ca} was given as ca. Every pull would fail until all nodes trust it. Run"
            " playbooks/rotate_certificates.yml, which first brings both to all nodes, or give the CA of before;"
            " allow_ca_change: true changes it at once, gap included."
        )
    if overlapping:
        return (
            f"The CA of the certificate in {secret} ({old}) is neither in {config_map} nor beside it in the Secret."
            " Published without it, the nodes would refuse the registry. Add its certificate to ca.crt of"
            f" {config_map} and run again."
        )
    return (
        f"The certificate in {secret} was issued by {old} and is to stay (issue: false), but only {ca} would be"
        " published, so that the nodes would refuse the registry. Say ca_bundle: overlap to publish both."
    )

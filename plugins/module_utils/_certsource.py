# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a registry's certificate comes from: a CA that signs it here, or one that was made elsewhere and is brought in.

Both answer the same questions, so that registry_cert has one way through, whichever it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.okd.registry.plugins.module_utils import _ca, _owncert, _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, OptionError


@dataclass(frozen=True)
class Pair:
    """What goes into the Secret: certificate with its chain, and its private key, both as PEM."""

    bundle: bytes
    key_pem: bytes


class Source(Protocol):
    """Where a certificate comes from."""

    @property
    def shown(self) -> Sequence[Any]:
        """Certificates by which a client comes from the new certificate to its CA, nearest first; empty: not known."""

    @property
    def published(self) -> Sequence[Any]:
        """What clients are to trust; empty: not known yet."""

    @property
    def name(self) -> str:
        """The CA, for a sentence."""

    def refuse(self, names: _x509.ServerNames, now: dt.datetime) -> list[str]:
        """What to warn of. Raises CertificateError where no certificate for these names can come of it."""

    def reason(
        self, certs: Sequence[Any], key: Any, names: _x509.ServerNames, now: dt.datetime, spare: Sequence[str] = ()
    ) -> str | None:
        """Why the certificate at hand (leaf first) has to be replaced; None when it will do.

        :param spare: names that it need not cover, and may.
        """

    def planned_ca(self) -> str | None:
        """A sentence about the CA that is to be made; None where none is."""

    def make_ca(self, name: str, now: dt.datetime) -> None:
        """Make that CA."""

    def make(self, names: _x509.ServerNames, now: dt.datetime) -> Pair:
        """The certificate to be stored."""

    def foretell(self, now: dt.datetime) -> dict[str, Any] | None:
        """Facts of what ``make`` will give, where they are known beforehand; then it gives the same again and again."""

    def sentence(self, hosts: Sequence[str]) -> str:
        """What was done when ``make`` was used."""


@dataclass
class Signing:
    """A CA in files.

    :param ca: None while it is still to be made.
    :param assumed: for a plan: what comes before is taken as done, so that the CA is there, but not known.
    """

    files: _ca.CaFiles
    ca: _x509.Ca | None
    days: int
    renew_before: dt.timedelta
    key_type: str | None
    key_size: int | None
    assumed: bool = False

    @property
    def shown(self) -> Sequence[Any]:
        return self.published

    @property
    def published(self) -> Sequence[Any]:
        return self.ca.published() if self.ca else ()

    @property
    def name(self) -> str:
        return _pem.name_text(self.ca.cert.subject) if self.ca else f"a new CA ({self.files.cert_path} is not there)"

    def refuse(self, _names: _x509.ServerNames, _now: dt.datetime) -> list[str]:
        return []

    def reason(
        self, certs: Sequence[Any], key: Any, names: _x509.ServerNames, now: dt.datetime, spare: Sequence[str] = ()
    ) -> str | None:
        if self.ca is None and self.assumed:
            return _x509.other_issuer(certs, KNOWN_AFTER_APPLY)
        if self.ca is None:
            return "there is no CA yet, and what a new one signs is new"
        return _x509.needs_reissue(
            certs, key, self.ca, names, now=now, renew_before=self.renew_before,
            key_type=self.key_type, key_size=self.key_size, spare=spare,
        )  # fmt: skip

    def planned_ca(self) -> str | None:
        if self.ca is not None or self.assumed:
            return None
        return f"Created a CA: certificate {self.files.cert_path}, key {self.files.key_path}."

    def make_ca(self, name: str, now: dt.datetime) -> None:
        self.ca = _ca.create_ca(self.files, name=name, now=now)

    def make(self, names: _x509.ServerNames, now: dt.datetime) -> Pair:
        if self.ca is None:
            raise CertificateError(f"{self.files.cert_path} is not made yet, so nothing can be signed")
        issued = _x509.issue(
            self.ca, names, serial=_ca.next_serial(self.files), now=now, days=self.days,
            key_type=self.key_type or "RSA", key_size=self.key_size,
        )  # fmt: skip
        return Pair(issued.bundle, issued.key_pem)

    def foretell(self, _now: dt.datetime) -> dict[str, Any] | None:
        return None

    def sentence(self, hosts: Sequence[str]) -> str:
        return f"Issued a certificate for {', '.join(hosts)}"


@dataclass(frozen=True)
class BroughtIn:
    """A certificate that was made elsewhere."""

    own: _owncert.OwnCertificate
    renew_before: dt.timedelta

    @property
    def shown(self) -> Sequence[Any]:
        return self.own.chain

    @property
    def published(self) -> Sequence[Any]:
        return self.own.published

    @property
    def name(self) -> str:
        return _pem.name_text(self.own.published[-1].subject)

    def refuse(self, names: _x509.ServerNames, now: dt.datetime) -> list[str]:
        found = _owncert.problems(self.own, names, now)
        if found:
            raise CertificateError(f"certificate: {'; '.join(found)}. Nothing was changed.")
        end = _pem.not_after(self.own.chain[0])
        if end - now < self.renew_before:
            return [f"certificate: {self.own.source} expires at {_pem.stamp(end)}; have a new one made in time"]
        return []

    def reason(
        self, certs: Sequence[Any], key: Any, _names: _x509.ServerNames, _now: dt.datetime, _spare: Sequence[str] = ()
    ) -> str | None:
        if not certs:
            return "there is no certificate yet"
        if certs[0] != self.own.chain[0]:
            return f"another one was brought in ({self.own.source})"
        if key is None or not _pem.same_key(certs[0], key):
            return "the private key beside the certificate is not its key"
        if tuple(certs) != self.own.chain:
            return f"it was brought in with another chain ({self.own.source})"
        return None

    def planned_ca(self) -> str | None:
        return None

    def make_ca(self, _name: str, _now: dt.datetime) -> None:
        raise NotImplementedError  # nobody plans one

    def make(self, _names: _x509.ServerNames, _now: dt.datetime) -> Pair:
        return Pair(_pem.pem_of(*self.own.chain).encode("ascii"), _pem.key_to_pem(self.own.key))

    def foretell(self, now: dt.datetime) -> dict[str, Any] | None:
        return _x509.bundle_facts(self.own.chain, now)

    def sentence(self, _hosts: Sequence[str]) -> str:
        return f"Brought in the certificate {self.own.source}"


def from_params(params: Mapping[str, Any], now: dt.datetime, *, assumed: bool = False) -> Signing | BroughtIn:
    """The source that the options ``ca`` and ``certificate`` describe.

    :raises OptionError: for options that do not go together.
    :raises CertificateError: for files that cannot be used.
    """
    ca, own = params.get("ca"), params.get("certificate")
    renew_before = dt.timedelta(days=params.get("renew_before_days") or 0)
    if own:
        if ca and ca.get("create"):
            raise OptionError("ca.create", True, "makes no sense with certificate, which was signed already")
        return BroughtIn(_owncert.load(own, ca), renew_before)
    if not ca:
        raise OptionError(
            "ca", None, "is required: give cert_path and key_path of the CA that signs, or a certificate of your own"
        )
    files = ca_files(ca)
    return Signing(
        files, _ca.load_ca(files, now), params.get("validity_days") or 1, renew_before, params.get("key_type"),
        params.get("key_size"), assumed,
    )  # fmt: skip


def ca_files(ca: Mapping[str, Any]) -> _ca.CaFiles:
    """The option ``ca`` of a CA that signs. Raises OptionError where something is missing."""
    for needed in ("cert_path", "key_path"):
        if not ca.get(needed):
            raise OptionError(f"ca.{needed}", None, "is required for a CA that signs")
    return _ca.CaFiles(
        ca["cert_path"], ca["key_path"], ca.get("serial_path"), ca.get("passphrase"), create=bool(ca.get("create"))
    )

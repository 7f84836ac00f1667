# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server certificates of a registry: which names, when a new one is due, how it is signed, what it says.

Pure: bytes and objects in, objects out, the time is an argument. Files are the business of ``_ca``.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.okd.registry.plugins.module_utils import _pem
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    ANY_USAGE = x509.ObjectIdentifier("2.5.29.37.0")  # anyExtendedKeyUsage
except ImportError:
    pass  # who reads a certificate is told by _pem

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

#: Upper bound of a common name (RFC 5280, ub-common-name).
MAX_COMMON_NAME = 64
#: Clocks of nodes differ: a certificate is valid from this long before its making.
SKEW = dt.timedelta(hours=1)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")


@dataclass(frozen=True)
class ServerNames:
    """The names a server certificate covers: host names in the order asked, addresses in normal form."""

    dns: tuple[str, ...]
    ips: tuple[IPAddress, ...]

    def dns_sans(self) -> tuple[str, ...]:
        """DNS entries: the host names, then the addresses once more, for clients that compare addresses as text.

        ``oadm ca create-server-cert`` does the same, in this order.
        """
        return self.dns + tuple(str(ip) for ip in self.ips if str(ip) not in self.dns)

    def common_name(self) -> str:
        """First host name that fits into a common name, else an address (those always fit)."""
        fitting = [name for name in self.dns if len(name) <= MAX_COMMON_NAME]
        return (fitting or [str(ip) for ip in self.ips] or ["registry"])[0]

    def as_set(self) -> frozenset[str]:
        """All names as text, for comparison."""
        return frozenset(self.dns) | frozenset(str(ip) for ip in self.ips)


@dataclass(frozen=True)
class Ca:
    """A signer: its certificate, its key, further certificates found beside it (the way up to its root)."""

    cert: x509.Certificate
    key: Any
    chain: tuple[x509.Certificate, ...] = ()

    def pem(self) -> str:
        """What clients are to trust, as PEM text: the signer and what was beside it."""
        return _pem.pem_of(*self.published())

    def published(self) -> tuple[x509.Certificate, ...]:
        """What clients are to trust, the signer first."""
        return (self.cert, *self.chain)


@dataclass(frozen=True)
class Issued:
    """A new server certificate: ``bundle`` is leaf and chain as PEM, ``key_pem`` its unencrypted private key."""

    cert: x509.Certificate
    bundle: bytes
    key_pem: bytes


def server_names(hosts: Iterable[str]) -> ServerNames:
    """Sort ``hosts`` (names, addresses, ``*.`` wildcards; no ports) into names and addresses.

    :raises CertificateError: for a host that cannot stand in a certificate, naming it.
    """
    dns: list[str] = []
    ips: list[IPAddress] = []
    for host in hosts:
        address = _address(host)
        if address is not None:
            if address not in ips:
                ips.append(address)
            continue
        name = host.rstrip(".").lower()
        _check_dns_name(name, host)
        if name not in dns:
            dns.append(name)
    return ServerNames(tuple(dns), tuple(ips))


def _address(host: str) -> IPAddress | None:
    text = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _check_dns_name(name: str, given: str) -> None:
    labels = name.removeprefix("*.").split(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise CertificateError(
            f"{given!r} is neither a host name nor an IP address, so no certificate can be made out to it"
        )


def check_ca(cert: x509.Certificate, key: Any, now: dt.datetime, *, cert_source: str, key_source: str) -> None:
    """Refuse what cannot sign.

    :raises CertificateError: key of another certificate, no CA, not allowed to sign, not valid (yet) at ``now``.
    """
    if not _pem.same_key(cert, key):
        raise CertificateError(f"{key_source} is not the key of {cert_source}: give the pair that belongs together")
    why = not_a_ca(cert)
    if why:
        raise CertificateError(f"{cert_source} ({_pem.name_text(cert.subject)}) {why}")
    if now >= _pem.not_after(cert):
        raise CertificateError(f"{cert_source} expired at {_pem.stamp(_pem.not_after(cert))}: a new CA is needed")
    if now < _pem.not_before(cert):
        raise CertificateError(
            f"{cert_source} is not valid before {_pem.stamp(_pem.not_before(cert))}: is the clock right?"
        )


def not_a_ca(cert: x509.Certificate) -> str | None:
    """Why clients refuse what ``cert`` signs, dates apart; None where they do not."""
    basic = _pem.extension(cert, x509.BasicConstraints)
    if basic is None or not basic.ca:
        return "is not a CA certificate (basicConstraints has no CA:TRUE): clients would refuse what it signs"
    usage = _pem.extension(cert, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return "may not sign certificates (its keyUsage lacks keyCertSign)"
    return None


def _usage(*, sign: bool = False, encipher: bool = False, authority: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign, content_commitment=False, key_encipherment=encipher, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def issue(
    ca: Ca,
    names: ServerNames,
    *,
    serial: int,
    now: dt.datetime,
    days: int,
    key_type: str = "RSA",
    key_size: int | None = None,
) -> Issued:
    """A server certificate for ``names``, signed by ``ca``, with a key of its own.

    It ends after ``days``, but never after its CA, whose end would make it worthless anyway.
    """
    key = _pem.new_key(key_type, key_size)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names.common_name())])
    general: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    general += [x509.IPAddress(ip) for ip in names.ips]
    general += [x509.DNSName(name) for name in names.dns_sans()[len(names.dns) :]]
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    builder = (
        _dated(ca, now, days)
        .subject_name(subject)
        .issuer_name(ca.cert.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=True, encipher=is_rsa), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(ca), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
    )
    cert = builder.sign(ca.key, _digest(ca.key))
    return Issued(cert, _pem.pem_of(cert, ca.cert, *ca.chain).encode("ascii"), _pem.key_to_pem(key))


def _digest(key: Any) -> hashes.SHA256 | None:
    # EdDSA keys bring their own.
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def _dated(ca: Ca, now: dt.datetime, days: int) -> x509.CertificateBuilder:
    start = max(now - SKEW, _pem.not_before(ca.cert))
    end = min(now + dt.timedelta(days=days), _pem.not_after(ca.cert))
    return x509.CertificateBuilder().not_valid_before(start).not_valid_after(end)


def _authority(ca: Ca) -> x509.AuthorityKeyIdentifier:
    own = _pem.extension(ca.cert, x509.SubjectKeyIdentifier)
    if own is None:
        public: Any = ca.cert.public_key()
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def self_signed_ca(key: Any, *, name: str, now: dt.datetime, days: int, serial: int = 1) -> x509.Certificate:
    """A root certificate for ``key``. Serial 1 is what ``oadm ca`` gives to a CA itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MAX_COMMON_NAME])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - SKEW)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign=True, encipher=True, authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def names_of(cert: x509.Certificate) -> ServerNames:
    """The names in a certificate's SAN extension; an address that stands there as DNS entry counts once."""
    san = _pem.extension(cert, x509.SubjectAlternativeName)
    if san is None:
        return ServerNames((), ())
    ips = tuple(san.get_values_for_type(x509.IPAddress))
    texts = {str(ip) for ip in ips}
    return ServerNames(tuple(n for n in san.get_values_for_type(x509.DNSName) if n not in texts), ips)


def needs_reissue(
    certs: Sequence[x509.Certificate],
    key: Any,
    ca: Ca,
    wanted: ServerNames,
    *,
    now: dt.datetime,
    renew_before: dt.timedelta,
    key_type: str | None = None,
    key_size: int | None = None,
    spare: Iterable[str] = (),
) -> str | None:
    """Why the certificate at hand will not do, or None when it will.

    :param certs: leaf first, as found; empty when there is none.
    :param key_type: what was asked for by name; None accepts any sound key.
    :param spare: names that it need not cover, and may.
    """
    if not certs:
        return other_issuer(certs, "")
    leaf = certs[0]
    if key is None or not _pem.same_key(leaf, key):
        return "the private key beside the certificate is not its key"
    if not _pem.signed_by(leaf, ca.cert):
        return other_issuer(certs, _pem.name_text(ca.cert.subject))
    return (
        _time_reason(leaf, ca, now, renew_before)
        or _names_reason(leaf, wanted, spare)
        or weakness(leaf)
        or _key_reason(leaf, key_type, key_size)
    )


def other_issuer(certs: Sequence[x509.Certificate], ca: str) -> str:
    """Why a certificate that ``ca`` (its subject) did not issue will not do.

    :param certs: leaf first, as found; empty when there is none.
    """
    if not certs:
        return "there is no certificate yet"
    return f"it was issued by {_pem.name_text(certs[0].issuer)}, not by this CA ({ca})"


def _time_reason(leaf: x509.Certificate, ca: Ca, now: dt.datetime, renew_before: dt.timedelta) -> str | None:
    end = _pem.not_after(leaf)
    if now >= end:
        return f"it expired at {_pem.stamp(end)}"
    if now < _pem.not_before(leaf):
        return f"it is not valid before {_pem.stamp(_pem.not_before(leaf))}"
    # A leaf that ends with its CA cannot be renewed into a longer one.
    if end - now < renew_before and end < _pem.not_after(ca.cert):
        return f"it expires at {_pem.stamp(end)}, in less than {renew_before.days} days"
    return None


def _names_reason(leaf: x509.Certificate, wanted: ServerNames, spare: Iterable[str]) -> str | None:
    have, want = names_of(leaf).as_set(), wanted.as_set()
    missing, surplus = sorted(want - have), sorted(have - want - set(spare))
    if missing:
        return f"it does not cover {', '.join(missing)}"
    if surplus:
        return f"it still covers {', '.join(surplus)}, no longer a name of the registry"
    return None


def weak_signature(cert: x509.Certificate) -> str | None:
    """Why clients refuse the signature on ``cert``; None where they do not."""
    digest = cert.signature_hash_algorithm
    if digest is not None and digest.name in ("md5", "sha1"):
        return f"its signature is made with {digest.name}, which clients refuse"
    return None


def weakness(leaf: x509.Certificate) -> str | None:
    """Why clients refuse a server certificate whatever its names and dates are; None where they do not."""
    public: Any = leaf.public_key()
    kind, size = key_kind(public)
    if kind not in ("RSA", "ECDSA", "Ed25519"):
        return f"its key is {kind}, which clients do not know"
    if kind == "RSA" and size < _pem.MIN_RSA_BITS:
        return f"its RSA key has only {size} bits"
    if kind == "ECDSA" and size < _pem.MIN_EC_BITS:
        return f"its ECDSA key has only {size} bits"
    allowed = _pem.extension(leaf, x509.ExtendedKeyUsage)
    if allowed is not None and not {ExtendedKeyUsageOID.SERVER_AUTH, ANY_USAGE} & set(allowed):
        return "its extendedKeyUsage does not allow serverAuth"
    usage = _pem.extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return "its keyUsage does not allow digitalSignature, without which no current TLS can be spoken"
    return weak_signature(leaf)


def key_kind(public: Any) -> tuple[str, int]:
    """What kind of public key it is, and its bits."""
    if isinstance(public, rsa.RSAPublicKey):
        return "RSA", int(public.key_size)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "ECDSA", int(public.key_size)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "Ed25519", 256
    return str(public.__class__.__name__).strip("_").removesuffix("PublicKey"), int(getattr(public, "key_size", 0))


def _key_reason(leaf: x509.Certificate, key_type: str | None, key_size: int | None) -> str | None:
    kind, size = key_kind(leaf.public_key())
    if key_type and kind != key_type:
        return f"its key is {kind}, asked for is {key_type}"
    if key_size and size < key_size:
        return f"its key has {size} bits, asked for are {key_size}"
    return None


def facts(cert: x509.Certificate, now: dt.datetime) -> dict[str, Any]:
    """What a certificate says, fit for results and diffs: nothing in it is secret. Days are whole days left."""
    names = names_of(cert)
    kind, size = key_kind(cert.public_key())
    return {
        "subject": _pem.name_text(cert.subject),
        "issuer": _pem.name_text(cert.issuer),
        "serial": format(cert.serial_number, "X"),
        "sans": list(names.dns) + [str(ip) for ip in names.ips],
        "not_before": _pem.stamp(_pem.not_before(cert)),
        "not_after": _pem.stamp(_pem.not_after(cert)),
        "days_left": (_pem.not_after(cert) - now).days,
        "sha256": _pem.fingerprint(cert),
        "key_type": kind,
        "key_size": size,
        "signature_algorithm": _pem.signature_text(cert),
    }


def bundle_facts(certs: Sequence[x509.Certificate], now: dt.datetime) -> dict[str, Any]:
    """:func:`facts` of a certificate that comes with its chain, leaf first."""
    return {**facts(certs[0], now), "chain_length": len(certs)}


#: Keys of bundle_facts() that are not known before a certificate is made.
UNKNOWN_BEFORE = (
    "issuer", "serial", "not_before", "not_after", "days_left", "sha256", "key_type", "key_size",
    "signature_algorithm", "chain_length",
)  # fmt: skip


def covers(sans: Iterable[str], host: str) -> bool:
    """Say whether a host name is among a certificate's names; ``*.`` stands for one label (RFC 6125, 6.4.3)."""
    wanted = host.lower()
    parent = wanted.partition(".")[2]
    return any(name.lower() in (wanted, f"*.{parent}") for name in sans)


def certificate_facts(pem: bytes | str, now: dt.datetime | None = None) -> dict[str, Any]:
    """:func:`facts` of the first certificate in a PEM text, as of ``now`` (default: the present).

    :raises CertificateError: when there is no certificate in it.
    """
    data = pem.encode("utf-8") if isinstance(pem, str) else pem
    return facts(_pem.parse_certificates(data, "the given text")[0], now or dt.datetime.now(dt.timezone.utc))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server certificates of a registry: which names, when a new one is due, how it is signed, what it says.

Pure: bytes and objects in, objects out, the time is an argument. Files are the business of ``_ca``.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    HAS_CRYPTOGRAPHY = True
except ImportError:  # the module says so with missing_required_lib
    HAS_CRYPTOGRAPHY = False

IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

#: Upper bound of a common name (RFC 5280, ub-common-name).
MAX_COMMON_NAME = 64
#: Clocks of nodes differ: a certificate is valid from this long before its making.
SKEW = datetime.timedelta(hours=1)
MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
_CURVES = {256: "SECP256R1", 384: "SECP384R1", 521: "SECP521R1"}
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.S)


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
        return pem_of(self.cert, *self.chain)


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


def _address(host: str) -> Optional[IPAddress]:
    text = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _check_dns_name(name: str, given: str) -> None:
    labels = (name[2:] if name.startswith("*.") else name).split(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise CertificateError(f"{given!r} is neither a host name nor an IP address, so no certificate can be made out to it")


def pem_of(*certs: x509.Certificate) -> str:
    """``certs`` as PEM text, in the order given."""
    return b"".join(cert.public_bytes(serialization.Encoding.PEM) for cert in certs).decode("ascii")


def parse_certificates(data: bytes, source: str) -> list[x509.Certificate]:
    """Every certificate of a PEM text, in order.

    :param source: what to call the text in an error: a path, or a key of a Secret.
    :raises CertificateError: when there is none, or one cannot be read.
    """
    found = []
    for match in _PEM.finditer(data):
        if match.group(1) not in (b"CERTIFICATE", b"X509 CERTIFICATE"):
            continue
        try:
            found.append(x509.load_pem_x509_certificate(match.group(0)))
        except ValueError as exc:
            raise CertificateError(f"{source}: certificate number {len(found) + 1} in it cannot be read: {exc}") from exc
    if not found:
        raise CertificateError(f"{source}: no PEM certificate (-----BEGIN CERTIFICATE-----) in it")
    return found


def parse_key(data: bytes, source: str, passphrase: Optional[str] = None) -> Any:
    """The private key of a PEM text.

    :raises CertificateError: when it is none, or the passphrase is missing, not needed or wrong.
    """
    secret = passphrase.encode("utf-8") if passphrase else None
    try:
        return serialization.load_pem_private_key(data, secret)
    except TypeError as exc:
        hint = "it is not encrypted, yet a passphrase was given" if secret else "it is encrypted: give its passphrase"
        raise CertificateError(f"{source}: {hint}") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        # The parser's own text is left out: it may quote what it read.
        hint = "the passphrase is wrong or it is not a private key" if secret else "it is not a PEM private key"
        raise CertificateError(f"{source}: {hint}") from exc


def same_key(cert: x509.Certificate, key: Any) -> bool:
    """Whether ``key`` is the private half of the key in ``cert``."""
    return _spki(cert.public_key()) == _spki(key.public_key())


def _spki(public: Any) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    data: bytes = public.public_bytes(encoding, form)
    return data


def not_before(cert: x509.Certificate) -> datetime.datetime:
    """Start of validity, with time zone (cryptography before 42 knows only naive UTC)."""
    if hasattr(cert, "not_valid_before_utc"):
        return cert.not_valid_before_utc
    return cert.not_valid_before.replace(tzinfo=datetime.timezone.utc)


def not_after(cert: x509.Certificate) -> datetime.datetime:
    """End of validity, with time zone."""
    if hasattr(cert, "not_valid_after_utc"):
        return cert.not_valid_after_utc
    return cert.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def _extension(cert: x509.Certificate, kind: Any) -> Any:
    try:
        return cert.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def check_ca(cert: x509.Certificate, key: Any, now: datetime.datetime, *, cert_source: str, key_source: str) -> None:
    """Refuse what cannot sign.

    :raises CertificateError: key of another certificate, no CA, not allowed to sign, not valid (yet) at ``now``.
    """
    if not same_key(cert, key):
        raise CertificateError(f"{key_source} is not the key of {cert_source}: give the pair that belongs together")
    basic = _extension(cert, x509.BasicConstraints)
    if basic is None or not basic.ca:
        raise CertificateError(
            f"{cert_source} ({name_text(cert.subject)}) is not a CA certificate (basicConstraints has no CA:TRUE):"
            " clients would refuse what it signs"
        )
    usage = _extension(cert, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise CertificateError(f"{cert_source} may not sign certificates (its keyUsage lacks keyCertSign)")
    if now >= not_after(cert):
        raise CertificateError(f"{cert_source} expired at {_stamp(not_after(cert))}: a new CA is needed")
    if now < not_before(cert):
        raise CertificateError(f"{cert_source} is not valid before {_stamp(not_before(cert))}: is the clock right?")


def signed_by(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer``'s key made the signature on ``cert`` and its name stands there as issuer."""
    try:
        if hasattr(cert, "verify_directly_issued_by"):
            cert.verify_directly_issued_by(issuer)
        else:
            _verify(cert, issuer)
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _verify(cert: x509.Certificate, issuer: x509.Certificate) -> None:
    """What cryptography 40 and later do themselves, for RSA and ECDSA signers."""
    digest, public = cert.signature_hash_algorithm, issuer.public_key()
    if cert.issuer != issuer.subject or digest is None:
        raise ValueError("another issuer")
    args: tuple[Any, ...] = (ec.ECDSA(digest),)
    if isinstance(public, rsa.RSAPublicKey):
        args = (padding.PKCS1v15(), digest)
    elif not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("neither RSA nor ECDSA")
    public.verify(cert.signature, cert.tbs_certificate_bytes, *args)


def new_key(key_type: str, key_size: Optional[int]) -> Any:
    """A private key: ``RSA`` (2048 bits unless told) or ``ECDSA`` (P-256 unless told, 384, 521).

    :raises CertificateError: for a size that is unsafe or does not exist.
    """
    if key_type == "ECDSA":
        name = _CURVES.get(key_size or MIN_EC_BITS)
        if name is None:
            raise CertificateError(f"an ECDSA key has {', '.join(map(str, _CURVES))} bits, not {key_size}")
        return ec.generate_private_key(getattr(ec, name)())
    bits = key_size or MIN_RSA_BITS
    if not MIN_RSA_BITS <= bits <= 8192:
        raise CertificateError(f"an RSA key needs {MIN_RSA_BITS} to 8192 bits, not {bits}")
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_to_pem(key: Any, passphrase: Optional[str] = None) -> bytes:
    """A private key as PEM in the form old tools read (``BEGIN RSA PRIVATE KEY``); PKCS 8 when encrypted."""
    if passphrase:
        how: Any = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
        form = serialization.PrivateFormat.PKCS8
    else:
        how, form = serialization.NoEncryption(), serialization.PrivateFormat.TraditionalOpenSSL
    data: bytes = key.private_bytes(serialization.Encoding.PEM, form, how)
    return data


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
    now: datetime.datetime,
    days: int,
    key_type: str = "RSA",
    key_size: Optional[int] = None,
) -> Issued:
    """A server certificate for ``names``, signed by ``ca``, with a key of its own.

    It ends after ``days``, but never after its CA, whose end would make it worthless anyway.
    """
    key = new_key(key_type, key_size)
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
    cert = builder.sign(ca.key, hashes.SHA256())
    return Issued(cert, pem_of(cert, ca.cert, *ca.chain).encode("ascii"), key_to_pem(key))


def _dated(ca: Ca, now: datetime.datetime, days: int) -> x509.CertificateBuilder:
    start = max(now - SKEW, not_before(ca.cert))
    end = min(now + datetime.timedelta(days=days), not_after(ca.cert))
    return x509.CertificateBuilder().not_valid_before(start).not_valid_after(end)


def _authority(ca: Ca) -> x509.AuthorityKeyIdentifier:
    own = _extension(ca.cert, x509.SubjectKeyIdentifier)
    if own is None:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.cert.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def self_signed_ca(key: Any, *, name: str, now: datetime.datetime, days: int, serial: int = 1) -> x509.Certificate:
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
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign=True, encipher=True, authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def names_of(cert: x509.Certificate) -> ServerNames:
    """The names in a certificate's SAN extension; an address that stands there as DNS entry counts once."""
    san = _extension(cert, x509.SubjectAlternativeName)
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
    now: datetime.datetime,
    renew_before: datetime.timedelta,
    key_type: Optional[str] = None,
    key_size: Optional[int] = None,
) -> Optional[str]:
    """Why the certificate at hand will not do, or None when it will.

    :param certs: leaf first, as found; empty when there is none.
    :param key_type: what was asked for by name; None accepts any sound key.
    """
    if not certs:
        return "there is no certificate yet"
    leaf = certs[0]
    if key is None or not same_key(leaf, key):
        return "the private key beside the certificate is not its key"
    if not signed_by(leaf, ca.cert):
        return f"it was issued by {name_text(leaf.issuer)}, not by this CA ({name_text(ca.cert.subject)})"
    return (
        _time_reason(leaf, ca, now, renew_before)
        or _names_reason(leaf, wanted)
        or _weakness(leaf)
        or _key_reason(leaf, key_type, key_size)
    )


def _time_reason(
    leaf: x509.Certificate, ca: Ca, now: datetime.datetime, renew_before: datetime.timedelta
) -> Optional[str]:
    end = not_after(leaf)
    if now >= end:
        return f"it expired at {_stamp(end)}"
    if now < not_before(leaf):
        return f"it is not valid before {_stamp(not_before(leaf))}"
    # A leaf that ends with its CA cannot be renewed into a longer one.
    if end - now < renew_before and end < not_after(ca.cert):
        return f"it expires at {_stamp(end)}, in less than {renew_before.days} days"
    return None


def _names_reason(leaf: x509.Certificate, wanted: ServerNames) -> Optional[str]:
    have, want = names_of(leaf).as_set(), wanted.as_set()
    missing, surplus = sorted(want - have), sorted(have - want)
    if missing:
        return f"it does not cover {', '.join(missing)}"
    if surplus:
        return f"it still covers {', '.join(surplus)}, no longer a name of the registry"
    return None


def _weakness(leaf: x509.Certificate) -> Optional[str]:
    public, digest = leaf.public_key(), leaf.signature_hash_algorithm
    if digest is not None and digest.name in ("md5", "sha1"):
        return f"its signature is made with {digest.name}, which clients refuse"
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        return f"its RSA key has only {public.key_size} bits"
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    if usage is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        return "its extendedKeyUsage does not allow serverAuth"
    return None


def _key_reason(leaf: x509.Certificate, key_type: Optional[str], key_size: Optional[int]) -> Optional[str]:
    public: Any = leaf.public_key()
    kind = "RSA" if isinstance(public, rsa.RSAPublicKey) else "ECDSA"
    if key_type and kind != key_type:
        return f"its key is {kind}, asked for is {key_type}"
    if key_size and public.key_size < key_size:
        return f"its key has {public.key_size} bits, asked for are {key_size}"
    return None


def name_text(name: x509.Name) -> str:
    """A distinguished name as people write it, for instance ``CN=registry``."""
    return name.rfc4514_string()


def _stamp(when: datetime.datetime) -> str:
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(cert: x509.Certificate) -> str:
    """SHA-256 over the certificate's DER form, lower-case hex."""
    return cert.fingerprint(hashes.SHA256()).hex()


def facts(cert: x509.Certificate, now: datetime.datetime) -> dict[str, Any]:
    """What a certificate says, fit for results and diffs: nothing in it is secret. Days are whole days left."""
    names = names_of(cert)
    return {
        "subject": name_text(cert.subject),
        "issuer": name_text(cert.issuer),
        "serial": format(cert.serial_number, "X"),
        "sans": list(names.dns) + [str(ip) for ip in names.ips],
        "not_before": _stamp(not_before(cert)),
        "not_after": _stamp(not_after(cert)),
        "days_left": (not_after(cert) - now).days,
        "sha256": fingerprint(cert),
    }

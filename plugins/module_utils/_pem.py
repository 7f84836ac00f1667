# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing certificates and keys as PEM, and what can be asked of one certificate. Pure.

The differences between the releases of the cryptography library are kept in here.
"""

from __future__ import annotations

import datetime as dt
import re
import traceback
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, MissingLibraryError

_MISSING: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.x509.oid import SignatureAlgorithmOID
except ImportError:  # who needs it is told by require()
    _MISSING = traceback.format_exc()

MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
_CURVES = {256: "SECP256R1", 384: "SECP384R1", 521: "SECP521R1"}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


def require(reason: str) -> None:
    """Raise MissingLibraryError without the library cryptography. :param reason: what for, as ``to sign …``."""
    if _MISSING is not None:
        raise MissingLibraryError(missing_required_lib("cryptography", reason=reason), exception=_MISSING)


def pem_of(*certs: x509.Certificate) -> str:
    """``certs`` as PEM text, in the order given."""
    return b"".join(cert.public_bytes(serialization.Encoding.PEM) for cert in certs).decode("ascii")


def parse_certificates(data: bytes, source: str) -> list[x509.Certificate]:
    """Every certificate of a PEM text, in order.

    :param source: what to call the text in an error: a path, or a key of a Secret.
    :raises CertificateError: when there is none, or one cannot be read.
    :raises MissingLibraryError: without the library cryptography.
    """
    require("to read certificates")
    found = []
    for match in _PEM.finditer(data):
        if match.group(1) not in (b"CERTIFICATE", b"X509 CERTIFICATE"):
            continue
        try:
            found.append(x509.load_pem_x509_certificate(match.group(0)))
        except ValueError as exc:
            raise CertificateError(
                f"{source}: certificate number {len(found) + 1} in it cannot be read: {exc}"
            ) from exc
    if not found:
        raise CertificateError(f"{source}: no PEM certificate (-----BEGIN CERTIFICATE-----) in it")
    return found


def parse_key(data: bytes, source: str, passphrase: str | None = None) -> Any:
    """The private key of a PEM text.

    :raises CertificateError: when it is none, or the passphrase is missing, not needed or wrong.
    :raises MissingLibraryError: without the library cryptography.
    """
    require("to read private keys")
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


def not_before(cert: x509.Certificate) -> dt.datetime:
    """Start of validity, with time zone (cryptography before 42 knows only naive UTC)."""
    if hasattr(cert, "not_valid_before_utc"):
        return cert.not_valid_before_utc
    return cert.not_valid_before.replace(tzinfo=dt.timezone.utc)


def not_after(cert: x509.Certificate) -> dt.datetime:
    """End of validity, with time zone."""
    if hasattr(cert, "not_valid_after_utc"):
        return cert.not_valid_after_utc
    return cert.not_valid_after.replace(tzinfo=dt.timezone.utc)


def extension(cert: x509.Certificate, kind: Any) -> Any:
    """The value of an extension of class ``kind``, None when the certificate has none that can be read."""
    try:
        return cert.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


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
    """What cryptography 40 and later do themselves, for RSA, ECDSA and Ed25519 signers."""
    digest: Any = cert.signature_hash_algorithm
    public: Any = issuer.public_key()
    args: tuple[Any, ...] = ()  # as Ed25519 has it, without a digest of its own
    if cert.issuer != issuer.subject or (digest is None) != isinstance(public, ed25519.Ed25519PublicKey):
        raise ValueError("another issuer")
    if isinstance(public, rsa.RSAPublicKey):
        args = (padding.PKCS1v15(), digest)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        args = (ec.ECDSA(digest),)
    elif digest is not None:
        raise TypeError("neither RSA nor ECDSA nor Ed25519")
    public.verify(cert.signature, cert.tbs_certificate_bytes, *args)


def new_key(key_type: str, key_size: int | None) -> Any:
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


def key_to_pem(key: Any, passphrase: str | None = None) -> bytes:
    """A private key as PEM in the form old tools read (``BEGIN RSA PRIVATE KEY``); PKCS 8 when encrypted."""
    if passphrase:
        how: Any = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
        form = serialization.PrivateFormat.PKCS8
    else:
        # The old form knows no other kinds of keys.
        old = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
        how = serialization.NoEncryption()
    data: bytes = key.private_bytes(serialization.Encoding.PEM, form, how)
    return data


def name_text(name: x509.Name) -> str:
    """A distinguished name as people write it, for instance ``CN=registry``."""
    return name.rfc4514_string()


def signature_text(cert: x509.Certificate) -> str:
    """How a certificate is signed, for instance ``ECDSA_WITH_SHA256``; dotted numbers for what has no name here."""
    named = {oid: name for name, oid in vars(SignatureAlgorithmOID).items() if isinstance(oid, x509.ObjectIdentifier)}
    return named.get(cert.signature_algorithm_oid, cert.signature_algorithm_oid.dotted_string)


def stamp(when: dt.datetime) -> str:
    """A time as certificates are quoted here: UTC, whole seconds."""
    return when.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(cert: x509.Certificate) -> str:
    """SHA-256 over the certificate's DER form, lower-case hex."""
    return cert.fingerprint(hashes.SHA256()).hex()

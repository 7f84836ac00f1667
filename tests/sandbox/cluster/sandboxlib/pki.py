# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's own certificates and kubeconfigs. Keys are ECDSA P-256: made in a millisecond each."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)


def write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    partial.replace(path)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Authority:
    """The cluster's certificate authority, kept in a directory."""

    def __init__(self, directory: Path) -> None:
        """Read the authority from ``directory``; make it when it is not there."""
        self.directory = directory
        if not (directory / "ca.crt").exists():
            self._create()
        self.certificate = x509.load_pem_x509_certificate(self.path("ca.crt").read_bytes())
        key = serialization.load_pem_private_key(self.path("ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.path('ca.key')} is not an ECDSA key; remove the directory and run up again")
        self.key = key

    def path(self, name: str) -> Path:
        """A file of the authority's directory."""
        return self.directory / name

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox-cluster-ca")])
        certificate = self._builder(name, name, key.public_key(), ca=True).sign(key, hashes.SHA256())
        write(self.path("ca.key"), _pem(key))
        write(self.path("ca.crt"), certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)

    def issue(
        self, name: str, *, common_name: str, organization: str | None = None, sans: Sequence[str] = ()
    ) -> tuple[Path, Path]:
        """A certificate for client and server use as ``name``.crt and ``name``.key; made once."""
        crt, key_path = self.path(f"{name}.crt"), self.path(f"{name}.key")
        if crt.exists() and key_path.exists():
            return crt, key_path
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        builder = self._builder(x509.Name(attributes), self.certificate.subject, key.public_key(), ca=False)
        usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        if sans:
            names = x509.SubjectAlternativeName([_general_name(san) for san in sans])
            builder = builder.add_extension(names, critical=False)
        write(key_path, _pem(key))
        certificate = builder.sign(self.key, hashes.SHA256())
        write(crt, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
        return crt, key_path

    def signing_pair(self, name: str) -> tuple[Path, Path]:
        """A bare key pair (private, public), for service account tokens."""
        private, public = self.path(f"{name}.key"), self.path(f"{name}.pub")
        if not public.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            write(private, _pem(key))
            write(
                public,
                key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                ),
                mode=0o644,
            )
        return private, public

    def kubeconfig(self, name: str, *, server: str, common_name: str, organization: str | None = None) -> bytes:
        """A kubeconfig (JSON is YAML) with everything inside, for the user named in the certificate."""
        crt, key = self.issue(name, common_name=common_name, organization=organization)

        def inline(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        cluster = {"server": server, "certificate-authority-data": inline(self.path("ca.crt"))}
        user = {"client-certificate-data": inline(crt), "client-key-data": inline(key)}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "sandbox",
                "clusters": [{"name": "sandbox", "cluster": cluster}],
                "users": [{"name": common_name, "user": user}],
                "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": common_name}}],
            },
            indent=1,
        ).encode()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that was made elsewhere: read, put in order, and everything that is wrong with it found at once."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.okd.registry.plugins.module_utils import _cabundle, _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, OptionError

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate that is brought in.

    :param chain: leaf first, then what signed it, step by step.
    :param published: what clients are to trust; empty where nothing says so.
    :param source: where the leaf was read, for sentences.
    :param key_source: the same for the key.
    """

    chain: tuple[x509.Certificate, ...]
    key: Any
    published: tuple[x509.Certificate, ...]
    source: str
    key_source: str


def load(options: Mapping[str, Any], ca: Mapping[str, Any] | None) -> OwnCertificate:
    """Read a certificate, its key and chain from the options ``certificate`` and ``ca``.

    Without ``ca``, what is to be trusted is the root at the end of the chain. Certificates that have no part in the way
    from the leaf up are left out.

    :raises CertificateError: for what cannot be read, and where nothing says which CA is to be trusted.
    """
    own = read(options)
    if ca:
        return replace(own, published=_ca_certificates(ca))
    root = own.chain[-1]
    if not _pem.signed_by(root, root):
        raise CertificateError(
            f"{own.source}: which CA clients are to trust is not known: its chain ends with "
            f"{_pem.name_text(root.subject)}, which is no root. Give the CA's certificate in ca.cert_path, or "
            "the whole chain in certificate.chain_path"
        )
    return replace(own, published=(root,))


def read(options: Mapping[str, Any]) -> OwnCertificate:
    """Read a certificate, its key and chain, of which nothing says by which CA clients know it.

    :raises CertificateError: for what cannot be read.
    """
    data, source = content("certificate", "cert", options)
    key_data, key_source = content("certificate", "key", options)
    found = _pem.parse_certificates(data, source)
    if options.get("chain_path") or options.get("chain_content"):
        found += _pem.parse_certificates(*content("certificate", "chain", options))
    key = _pem.parse_key(key_data, key_source, options.get("passphrase"))
    return OwnCertificate(_way_up(found), key, (), source, key_source)


def _ca_certificates(ca: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    return tuple(_cabundle.once(_pem.parse_certificates(*content("ca", "cert", ca))))


def content(option: str, part: str, options: Mapping[str, Any]) -> tuple[bytes, str]:
    """What ``<part>_path`` or ``<part>_content`` says, and how to call it in a sentence."""
    text, path = options.get(f"{part}_content"), options.get(f"{part}_path")
    if text:
        return str(text).encode("utf-8"), f"{option}.{part}_content"
    if not path:
        raise OptionError(f"{option}.{part}_path", None, f"is required, or {option}.{part}_content")
    try:
        return Path(path).read_bytes(), path
    except OSError as exc:
        raise CertificateError(f"{path} cannot be read: {exc.strerror} ({option}.{part}_path)") from exc


def _way_up(found: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The first certificate and, of the others, those that lead up from it, in that order."""
    way, rest = [found[0]], _cabundle.once(found[1:])
    while True:
        above = next((cert for cert in rest if cert not in way and _pem.signed_by(way[-1], cert)), None)
        if above is None:
            return tuple(way)
        way.append(above)


def problems(own: OwnCertificate, names: _x509.ServerNames, now: dt.datetime) -> list[str]:
    """Everything that keeps clients from accepting the certificate under ``names``, as clauses."""
    leaf = own.chain[0]
    found: list[str] = []
    if not _pem.same_key(leaf, own.key):
        found.append(f"{own.key_source} is not the private key of {own.source}")
    found += [f"{own.source}: {why}" for why in _dates(leaf, now)]
    found += [f"{own.source}: {why}" for why in _names(leaf, names)]
    weakness = _x509.weakness(leaf)
    if weakness:
        found.append(f"{own.source}: {weakness}")
    found += list(_chain(own, now))
    return found


def _dates(cert: x509.Certificate, now: dt.datetime) -> Iterator[str]:
    if now >= _pem.not_after(cert):
        yield f"it expired at {_pem.stamp(_pem.not_after(cert))}"
    if now < _pem.not_before(cert):
        yield f"it is not valid before {_pem.stamp(_pem.not_before(cert))}"


def _names(leaf: x509.Certificate, names: _x509.ServerNames) -> Iterator[str]:
    have = _x509.names_of(leaf)
    if not have.dns and not have.ips:
        yield "it has no subjectAltName, and clients no longer look at the subject"
        return
    missing = uncovered(have, [*names.dns, *map(str, names.ips)])
    if missing:
        yield f"it does not cover {', '.join(missing)}"


def uncovered(have: _x509.ServerNames, hosts: Iterable[str]) -> list[str]:
    """Those of ``hosts`` that a certificate with the names ``have`` does not cover.

    An address has to stand there as an address; a wildcard covers one label, and is itself covered only by its equal.
    """
    return [host for host in hosts if not _covered(have, host)]


def _covered(have: _x509.ServerNames, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in have.ips
    except ValueError:
        if host.startswith("*."):
            return host.lower() in {name.lower() for name in have.dns}
        return _x509.covers(have.dns, host)


def _chain(own: OwnCertificate, now: dt.datetime) -> Iterator[str]:
    if own.published and not _cabundle.trusted(own.chain, own.published):
        last = own.chain[-1]
        yield (
            f"{own.source}: its chain does not lead to the CA ({_pem.name_text(own.published[0].subject)}), but ends"
            f" with {_pem.name_text(last.subject)}, issued by {_pem.name_text(last.issuer)}"
        )
    for cert in _cabundle.once([*own.chain[1:], *own.published]):
        if cert == own.chain[0]:
            continue
        name = _pem.name_text(cert.subject)
        yield from (f"CA {name}: {why}" for why in _dates(cert, now))
        why = _x509.not_a_ca(cert)
        if why:
            yield f"CA {name} {why}"
        weak = None if _pem.signed_by(cert, cert) else _x509.weak_signature(cert)
        if weak:
            yield f"CA {name}: {weak}"

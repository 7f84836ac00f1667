# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CA certificates as text: what may be written into ca.crt, and whether two texts trust the same."""

import hashlib
import re
import ssl

from . import endpoint
from .errors import RefusedError

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def certificates(text):
    """Give the certificates (list of DER bytes) of a PEM text, in order; anything that cannot be read is left out."""
    blocks = [block for block in _BLOCK.finditer(text) if block.group(1) in ("CERTIFICATE", "X509 CERTIFICATE")]
    return [der for der in (_der(block.group(0)) for block in blocks) if der]


def bundle(text, option="ca_cert"):
    """Bring a CA bundle into the one form in which it is written to nodes.

    :param text: PEM text (str): one certificate or several, anything between them is dropped
    :param option: what it was given as, for messages
    :returns: bytes; each certificate once, in the order given, wrapped as OpenSSL does
    :raises RefusedError: where there is no certificate, one that cannot be read, or a private key
    """
    kinds = [block.group(1) for block in _BLOCK.finditer(text)]
    if any("PRIVATE KEY" in kind for kind in kinds):
        raise RefusedError("{}: holds a private key; only certificates belong on nodes".format(option))
    found = certificates(text)
    if not found or len(found) != len(kinds) or text.count("-----BEGIN ") != len(kinds):
        raise RefusedError(
            "{}: is not PEM text of certificates (-----BEGIN CERTIFICATE-----) that can be read".format(option)
        )
    once = "".join(ssl.DER_cert_to_PEM_cert(der) for der in dict.fromkeys(found))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=once)
    except (ssl.SSLError, ValueError) as exc:
        raise RefusedError("{}: is not a certificate: {}".format(option, exc)) from exc
    return once.encode("ascii")


def same_trust(one, other):
    """Say whether two files (bytes) hold the same certificates, whatever stands around them."""
    sets = [set(certificates(raw.decode("latin-1"))) for raw in (one, other)]
    return bool(sets[0]) and sets[0] == sets[1]


def facts(raw):
    """Say what a file of CA certificates holds, line by line, for a person to read.

    :param raw: bytes
    :returns: str; one line for each certificate
    """
    found = certificates(raw.decode("latin-1"))
    if endpoint.is_unknown(raw.decode("latin-1")):  # behind those that are there already, if any
        return "".join("{}\n".format(_fact(der)) for der in found) + endpoint.UNKNOWN + "\n"
    if not found:
        return "{} bytes that are no certificate, SHA-256 {}\n".format(len(raw), hashlib.sha256(raw).hexdigest())
    return "".join("{}\n".format(_fact(der)) for der in found)


def _fact(der):
    digest = hashlib.sha256(der).hexdigest()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(der))
    except (ssl.SSLError, ValueError):
        return "a certificate that cannot be read, SHA-256 {}".format(digest)
    for known in context.get_ca_certs():  # which lists CAs alone
        subject = ", ".join("=".join(pair) for part in known["subject"] for pair in part)
        return "CA {}, valid until {}, SHA-256 {}".format(subject, known["notAfter"], digest)
    return "a certificate that is not marked as a CA, SHA-256 {}".format(digest)


def _der(block):
    """Decode one PEM block, however its lines end and are indented; empty where it cannot be."""
    lines = [line.strip() for line in block.splitlines()[1:-1]]
    try:
        return ssl.PEM_cert_to_DER_cert("\n".join([ssl.PEM_HEADER, *lines, ssl.PEM_FOOTER]))
    except ValueError:
        return b""

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate by which a node identifies itself to a registry that wants one."""

import os
import re
import ssl

from . import pem
from .errors import RefusedError

_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s.*?\s-----END \1-----", re.DOTALL)


def pair(certificate, key):
    """Bring a client certificate and its key into the form in which they are written to nodes.

    :param certificate: PEM text (str); its chain may follow. None or empty: there is none
    :param key: PEM text (str) of its private key
    :returns: (bytes, bytes), or None
    :raises RefusedError: where they are none, or do not belong together. The text repeats nothing of the key
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise RefusedError("client_cert, client_key: are only of use together; give both, or none")
    found = pem.certificates(certificate)
    if not found or "PRIVATE KEY" in certificate:
        raise RefusedError("client_cert: is not PEM text of a certificate, or holds a key as well")
    blocks = [block.group(0) for block in _KEY.finditer(key)]
    if len(blocks) != 1:
        raise RefusedError("client_key: is not PEM text of one private key")
    if "ENCRYPTED" in blocks[0]:
        raise RefusedError("client_key: has a passphrase, which no engine can ask for; give the key without")
    texts = ("".join(ssl.DER_cert_to_PEM_cert(der) for der in found), _lines(blocks[0]))
    raw = tuple(text.encode("ascii", "replace") for text in texts)
    _must_match(*raw)
    return raw


def _lines(block):
    """Give a PEM block with lines as OpenSSL ends them."""
    return "".join(line.strip() + "\n" for line in block.splitlines() if line.strip())


def _must_match(certificate, key):
    """Have OpenSSL read both, through pipes, so that the key lies in no file until it is where it belongs."""
    ends = [_pipe(raw) for raw in (certificate, key)]
    try:
        names = ["/dev/fd/{}".format(end) for end in ends]
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(names[0], names[1], password="")
    except (ssl.SSLError, OSError, ValueError) as exc:
        reason = getattr(exc, "reason", "") or "cannot be read"
        raise RefusedError(
            "client_cert, client_key: do not belong together ({}); give the key that the certificate was made "
            "with".format(reason)
        ) from None
    finally:
        for end in ends:
            os.close(end)


def _pipe(raw):
    """Give the reading end (descriptor) of a pipe that holds some bytes.

    :raises RefusedError: where they are more than a pipe holds
    """
    if len(raw) > 60000:
        raise RefusedError("client_cert, client_key: are longer than any that engines use")
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(raw)
    return reading

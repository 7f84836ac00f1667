# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy would not take of a Route's certificates: it refuses a whole configuration for one of them."""

from __future__ import annotations

import ssl
import tempfile
from functools import lru_cache


@lru_cache(maxsize=64)
def pair_fault(certificate: str, key: str) -> str | None:
    """Say what is wrong with a certificate and its key, or None."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as file:  # 0600
        file.write(f"{certificate.rstrip()}\n{key.rstrip()}\n")
        file.flush()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            return str(getattr(error, "reason", None) or error)
    return None


@lru_cache(maxsize=64)
def authority_fault(certificates: str) -> str | None:
    """Say what is wrong with the certificates of authorities, or None."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError) as error:
        return str(getattr(error, "reason", None) or error)
    return None

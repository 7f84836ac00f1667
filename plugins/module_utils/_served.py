# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate a pod serves, and what its log says about it. Reached through the API server only."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import registrylog
from ansible_collections.okd.registry.plugins.module_utils._errors import RegistryError

LOG_BYTES = 262144  # the line about listening is among the first of a log
_CHUNK = 16384


def look(api: Api, pod: Mapping[str, Any], *, container: str, port: int, expected: str | None) -> dict[str, Any]:
    """What one pod serves: an entry of the ``served`` return value. An error is part of the answer, not raised.

    :param container: the registry's container, for the log.
    :param expected: SHA-256 of the leaf that it should serve, in hexadecimal; None when that is not known.
    """
    meta = pod["metadata"]
    found: dict[str, Any] = {
        "pod": meta["name"],
        "node": (pod.get("spec") or {}).get("nodeName"),
        "sha256": None,
        "matches": None,
        "tls": False,
        "listening": None,
        "error": None,
    }
    try:
        found["listening"], said = registrylog.listening(
            api.log(meta["namespace"], meta["name"], container=container, first_bytes=LOG_BYTES), port
        )
    except RegistryError as exc:
        said, found["error"] = None, str(exc)
    try:
        found["sha256"] = leaf_sha256(api, meta["namespace"], meta["name"], port)
    except (RegistryError, OSError) as exc:
        found["error"] = _why(exc, port)
    found["tls"] = found["sha256"] is not None if said is None else said
    if expected is not None:
        found["matches"] = found["sha256"] == expected
    return found


def leaf_sha256(api: Api, namespace: str, pod: str, port: int) -> str:
    """SHA-256, in hexadecimal, of the certificate a pod serves. Raises OSError when it speaks no TLS."""
    with api.port_forward(namespace, pod, port) as tunnel:
        return hashlib.sha256(_leaf(tunnel)).hexdigest()


def _leaf(tunnel: Any) -> bytes:
    """The leaf certificate (DER) of the server behind a socket. It is compared, not trusted, so nothing is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing)
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            tunnel.sendall(outgoing.read())
            data = tunnel.recv(_CHUNK)
            if not data:
                raise ConnectionResetError from None
            incoming.write(data)
    tunnel.sendall(outgoing.read())
    return session.getpeercert(binary_form=True) or b""


def _why(exc: BaseException, port: int) -> str:
    if isinstance(exc, ssl.SSLError) and exc.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"Port {port} does not speak TLS."
    if isinstance(exc, TimeoutError):
        return f"Port {port} did not answer in time."
    if isinstance(exc, ConnectionError):
        return f"Port {port} closed the connection during the TLS handshake."
    return str(exc)

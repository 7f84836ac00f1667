# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a certificate authority: certificate, key and serial, as ``oadm ca`` keeps them.

Everything here runs where the module runs (the control host). A kill at any moment leaves files that the next run
understands: each is written beside its place and renamed into it, the key before the certificate.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError

#: Days a CA of our own making is valid: what ``oadm ca create-signer-cert`` gives (five years).
CA_DAYS = 1825


@dataclass(frozen=True)
class CaFiles:
    """Where a CA lives.

    :param serial_path: None for random serial numbers.
    :param create: make the CA when neither certificate nor key exist.
    """

    cert_path: str
    key_path: str
    serial_path: str | None = None
    passphrase: str | None = None
    create: bool = False


def load_ca(files: CaFiles, now: dt.datetime) -> _x509.Ca | None:
    """Read the CA and refuse what cannot sign; None when it is still to be made (and may be).

    :raises CertificateError: naming the file and what is wrong with it.
    """
    cert_data, key_data = _read(files.cert_path), _read(files.key_path)
    if cert_data is None:
        if files.create:
            return None
        raise CertificateError(
            f"CA certificate {files.cert_path} does not exist: give the path of one, or say create: true for a new CA"
        )
    if key_data is None:
        raise CertificateError(
            f"CA certificate {files.cert_path} exists, but its key {files.key_path} does not: restore the key, or move"
            " the certificate away to have a new CA made (every node then has to trust the new one)"
        )
    certs = _pem.parse_certificates(cert_data, files.cert_path)
    key = _pem.parse_key(key_data, files.key_path, files.passphrase)
    _x509.check_ca(certs[0], key, now, cert_source=files.cert_path, key_source=files.key_path)
    return _x509.Ca(certs[0], key, tuple(certs[1:]))


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise CertificateError(f"{path} cannot be read: {exc.strerror}") from exc


def create_ca(files: CaFiles, *, name: str, now: dt.datetime, days: int = CA_DAYS) -> _x509.Ca:
    """Make a CA. The key is on disk before the certificate; one left alone by a killed run is used, not replaced."""
    with _locked(files.key_path):
        made = load_ca(files, now)  # somebody else may have been first
        if made is not None:
            return made
        key_data = _read(files.key_path)
        if key_data is None:
            key = _pem.new_key("RSA", None)
            _write(files.key_path, _pem.key_to_pem(key, files.passphrase), 0o600)
        else:
            key = _pem.parse_key(key_data, files.key_path, files.passphrase)
        if files.serial_path and _read(files.serial_path) is None:
            _write(files.serial_path, b"01\n", 0o640)  # 1 is the CA's own number
        cert = _x509.self_signed_ca(key, name=name, now=now, days=days)
        _write(files.cert_path, _pem.pem_of(cert).encode("ascii"), 0o644)
        return _x509.Ca(cert, key)


def next_serial(files: CaFiles) -> int:
    """The next serial number, recorded before it is used; random where no serial file is kept.

    :raises CertificateError: when the file cannot be read as a number, or cannot be written.
    """
    if not files.serial_path:
        return secrets.randbits(159) | 1
    with _locked(files.serial_path):
        data = _read(files.serial_path)
        serial = serial_after(data, files.serial_path)
        _write(files.serial_path, serial_text(serial, newline=data is None or data.endswith(b"\n")), 0o640)
        return serial


def serial_after(data: bytes | None, source: str) -> int:
    """The number after the one in a serial file's text: hexadecimal, the last number used; never below 2.

    As openshift/library-go's SerialFileGenerator reads it: 0 is unused and 1 is the CA's own.
    """
    if data is None:
        return 2
    text = data.decode("ascii", "replace").strip()
    try:
        last = int(text, 16) if text.isalnum() else -1
    except ValueError:
        last = -1
    if last < 0 or last.bit_length() > 159:
        raise CertificateError(
            f"serial file {source} holds {text[:40]!r}, not a hexadecimal number:"
            " put the CA's last used serial number there"
        )
    return max(last, 1) + 1


def serial_text(serial: int, *, newline: bool = True) -> bytes:
    """A serial file's text: upper-case hex, an even number of digits (for OpenSSL's sake).

    The ``oadm`` of OpenShift 3 wrote no newline and takes a file with one as empty, so a file keeps what it had.
    """
    text = format(serial, "X")
    return ("0" * (len(text) % 2) + text + ("\n" if newline else "")).encode("ascii")


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Keep other runs on this machine off ``path``: a lock on its directory, which leaves nothing behind."""
    directory = Path(path).absolute().parent
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise CertificateError(f"directory {directory} (for {path}): {exc.strerror}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: str, data: bytes, mode: int) -> None:
    """Replace ``path`` in one step: never half a file, never one that others may read for a moment.

    A symbolic link is followed to the file it names; an existing file keeps its owner and mode.
    """
    target = Path(path).resolve()
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            _like_before(stream.fileno(), target, mode)
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except OSError as exc:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise CertificateError(f"{path} cannot be written: {exc.strerror}") from exc


def _like_before(handle: int, target: Path, mode: int) -> None:
    try:
        before = target.stat()
    except FileNotFoundError:
        os.fchmod(handle, mode)
        return
    with contextlib.suppress(PermissionError):
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, before.st_mode & 0o777)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a registry's certificate and key as files, for whoever asks: what is in the Secret, and nothing else."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import secrets
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, OptionError


@dataclass(frozen=True)
class Copy:
    """A file that was, or would be, written."""

    sentence: str
    diff: dict[str, str]


@dataclass(frozen=True)
class Outputs:
    """Which files are asked for.

    :param files: by the Secret's key: path and mode.
    :param uid: None leaves the owner as it is, or as it comes.
    """

    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    uid: int | None = None
    gid: int | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Outputs:
        """From the options ``cert_path``, ``key_path``, ``owner`` and ``group``.

        :raises OptionError: for an unknown owner, and for a path that another option reads.
        """
        read = _paths_read(params)
        files = {}
        for option, key, mode in (("cert_path", secrets.CERT_KEY, 0o644), ("key_path", secrets.PRIVATE_KEY, 0o600)):
            path = params.get(option)
            if not path:
                continue
            other = read.get(_real(path))
            if other:
                raise OptionError(option, path, f"is the file of {other}, which would be overwritten: name another one")
            read[_real(path)] = option
            files[key] = (path, mode)
        return cls(files, _id("owner", params.get("owner")), _id("group", params.get("group")))

    def copy(self, secret: Mapping[str, Any] | None, *, check_mode: bool) -> list[Copy]:
        """Write the files that differ from the Secret in content, mode or owner.

        :raises CertificateError: for a file that cannot be written.
        """
        done = []
        for key, (path, mode) in self.files.items():
            data = secrets.value(secret, key)
            found = self._why(path, data, mode) if data is not None else None
            if data is None or found is None:
                continue
            if not check_mode:
                self._write(path, data, mode)
            header = {"before_header": path, "after_header": path}
            done.append(
                Copy(f"Wrote {path}: {found}.", {**header, "before": f"{found}\n", "after": "as in the Secret\n"})
            )
        return done

    def _why(self, path: str, data: bytes, mode: int) -> str | None:
        """Why a file is to be written; None where it is right."""
        place = Path(path)
        try:
            state = place.lstat()
        except FileNotFoundError:
            return "it is not there"
        except OSError as exc:
            raise CertificateError(f"{path} cannot be looked at: {exc.strerror}") from exc
        if not place.is_file() or place.is_symlink():
            raise CertificateError(f"{path} is no regular file, and is not replaced: remove it, or name another one")
        try:
            same = place.read_bytes() == data and data != KNOWN_AFTER_APPLY.encode()
        except OSError as exc:
            raise CertificateError(f"{path} cannot be read: {exc.strerror}") from exc
        if not same:
            return "it holds something else"
        if state.st_mode & 0o777 != mode:
            return f"its mode is {state.st_mode & 0o777:04o} instead of {mode:04o}"
        if (self.uid not in (None, state.st_uid)) or (self.gid not in (None, state.st_gid)):
            return f"it belongs to {state.st_uid}:{state.st_gid}"
        return None

    def _write(self, path: str, data: bytes, mode: int) -> None:
        """Replace a file in one step; nobody else can read it at any moment, nor is there ever half of it."""
        temporary = None
        target = Path(path)
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchown(stream.fileno(), -1 if self.uid is None else self.uid, -1 if self.gid is None else self.gid)
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except OSError as exc:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
            raise CertificateError(f"{path} cannot be written: {exc.strerror}") from exc


def _paths_read(params: Mapping[str, Any]) -> dict[str, str]:
    """The files that other options name, by what they really are."""
    return {_real(path): f"{group}.{option}" for group, option, path in _named(params)}


def _named(params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for group in ("ca", "certificate"):
        for option, value in (params.get(group) or {}).items():
            if option.endswith("_path") and value:
                yield group, option, value


def _real(path: str) -> str:
    return str(Path(path).resolve())


def _id(option: str, name: str | None) -> int | None:
    """The number of a user or group."""
    if name is None:
        return None
    if name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid if option == "owner" else grp.getgrnam(name).gr_gid
    except KeyError:
        raise OptionError(option, name, "is not known on the host that runs this module") from None

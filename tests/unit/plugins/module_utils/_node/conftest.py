# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd's own parsers as oracles: the functions of its shared library that read EnvironmentFile= and split $VAR."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

_LIBRARIES = sorted(
    library
    for folder in ("/usr/lib/x86_64-linux-gnu/systemd", "/usr/lib/systemd", "/usr/lib/aarch64-linux-gnu/systemd")
    for library in Path(folder).glob("libsystemd-shared-252*.so")
)
_STRINGS = ctypes.POINTER(ctypes.c_char_p)


class Systemd:
    """load_env_file() and replace_env_argv() of libsystemd-shared 252."""

    def __init__(self, library: str, scratch: Path) -> None:
        """Load the library; files to read are written to the scratch path."""
        self._library = ctypes.CDLL(library)
        self._scratch = scratch
        self._library.log_set_max_level(0)
        self._library.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(_STRINGS)]
        self._library.replace_env_argv.argtypes = [_STRINGS, _STRINGS]
        self._library.replace_env_argv.restype = _STRINGS

    def load(self, raw: bytes) -> dict[bytes, bytes] | None:
        """Read a file as systemd does; None where it refuses the whole file."""
        self._scratch.write_bytes(raw)
        found = _STRINGS()
        if self._library.load_env_file(None, str(self._scratch).encode(), ctypes.byref(found)) < 0:
            return None
        return dict(entry.split(b"=", 1) for entry in _entries(found))

    def split(self, value: bytes) -> list[bytes]:
        """Split a value as $VALUE in ExecStart= is split."""
        argv = (ctypes.c_char_p * 2)(b"$VALUE", None)
        environment = (ctypes.c_char_p * 2)(b"VALUE=" + value, None)
        found = self._library.replace_env_argv(ctypes.cast(argv, _STRINGS), ctypes.cast(environment, _STRINGS))
        return _entries(found)


def _entries(strings: ctypes._Pointer[ctypes.c_char_p]) -> list[bytes]:
    entries: list[bytes] = []
    while strings and strings[len(entries)] is not None:
        entries.append(strings[len(entries)] or b"")
    return entries


@pytest.fixture(scope="session")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Systemd:
    """Give systemd's parsers, or skip and say so: without them the readers are only compared with examples."""
    if not _LIBRARIES:
        pytest.skip("NO ORACLE: libsystemd-shared-252 is not on this machine, so systemd's reading was NOT compared")
    return Systemd(str(_LIBRARIES[-1]), tmp_path_factory.mktemp("systemd") / "file.env")

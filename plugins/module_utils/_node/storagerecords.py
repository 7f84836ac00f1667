# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records about digests, any number of them in a fixed amount of memory.

A blob and the links to it must meet, and they are listed far from each other. Each is a record of a few bytes, which
begins with the digest. What is more than C(HELD) goes to a file without a name in the directory for temporary files.
Given back are the records of one first byte of their digests at a time, a 256th of them all.
"""

import os
import struct
import tempfile
from array import array
from typing import Any

from .errors import NodeError

#: Bytes of records that are held in memory.
HELD = 2 * 1024 * 1024
BYTES = range(256)


class Records:
    """Records of one shape.

    :param shape: of struct, beginning with C(32s), the digest
    :ivar parts: by the first byte of a digest the records that are held; whoever adds to them says so by C(added)
    :ivar pack: makes a record of its values
    """

    def __init__(self, shape):
        form = struct.Struct("<" + shape)
        self.pack = form.pack
        self.parts = [bytearray() for _byte in BYTES]
        self._unpack = form.iter_unpack
        self._most = HELD // form.size
        self._count = 0
        self._file: Any = None
        self._written = []  # of each time: where it begins in the file, and where in it each first byte's records end

    def add(self, key, *values):
        """Add a record.

        :param key: the digest, 32 bytes
        """
        self.parts[key[0]] += self.pack(key, *values)
        self.added(1)

    def added(self, count):
        """Say that so many records were added to C(parts).

        :raises NodeError: where the temporary file cannot be written
        """
        self._count += count
        if self._count < self._most:
            return
        try:
            self._spill()
        except OSError as exc:
            raise NodeError(
                "What was listed cannot be put aside on this host, in {} (its environment's TMPDIR says where): "
                "{}.".format(tempfile.gettempdir(), exc.strerror)
            ) from exc

    def _spill(self):
        if self._file is None:
            self._file = tempfile.TemporaryFile()
        start, ends, end = self._file.seek(0, os.SEEK_END), array("Q"), 0
        for part in self.parts:
            self._file.write(part)
            end += len(part)
            ends.append(end)
            del part[:]
        self._written.append((start, ends))
        self._count = 0

    def of(self, byte):
        """Give a list of the records, as tuples, whose digests begin with a byte.

        :param byte: 0 to 255
        """
        kept = bytearray()
        for start, ends in self._written:
            first = ends[byte - 1] if byte else 0
            self._file.seek(start + first)
            kept += self._file.read(ends[byte] - first)
        kept += self.parts[byte]
        return list(self._unpack(kept))

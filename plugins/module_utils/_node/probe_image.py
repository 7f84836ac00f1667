# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny image to push and pull, made in memory, every byte of it the same on every node and at every run.

So the registry holds one of it however often it is checked. (Its manifest's digest also depends on how the version
of docker at hand packs layers, so nodes of two versions may leave two.)
"""

import hashlib
import json
from collections import namedtuple

# archive: bytes for POST /images/load; image_id: what docker calls it then (sha256:...)
ProbeImage = namedtuple("ProbeImage", "archive image_id")

_TEXT = b"Pushed by okd.registry to prove that this registry works. Nothing runs it; it may be deleted.\n"
_CREATED = "2020-01-01T00:00:00Z"


def build():
    """Make the image: one layer with one file.

    :returns: ProbeImage
    """
    layer = _tar([("okd-registry-probe", _TEXT)])
    config = {
        "architecture": "amd64",
        "config": {"Cmd": ["/okd-registry-probe"], "Labels": {"org.opencontainers.image.title": "okd.registry probe"}},
        "created": _CREATED,
        "history": [{"created": _CREATED, "created_by": "okd.registry"}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    raw = json.dumps(config, sort_keys=True, separators=(",", ":")).encode("ascii")
    digest = hashlib.sha256(raw).hexdigest()
    listing = [{"Config": digest + ".json", "RepoTags": None, "Layers": ["layer.tar"]}]
    members = [
        (digest + ".json", raw),
        ("layer.tar", layer),
        ("manifest.json", json.dumps(listing).encode("ascii")),
    ]
    return ProbeImage(_tar(members), "sha256:" + digest)


def _tar(members):
    """Pack (name, bytes) pairs into a tar whose headers say nothing of when, where and by whom.

    Written out here because tarfile's headers are not the same in all versions of Python.
    """
    packed = bytearray()
    for name, raw in members:
        fields = [
            name.encode("ascii").ljust(100, b"\0"),
            b"0000644\0" + b"0000000\0" * 2,  # mode, owner, group
            "{:011o}\0".format(len(raw)).encode("ascii") + b"00000000000\0",  # size, time
            b" " * 8,  # the checksum, counted as blanks
            b"0" + b"\0" * 100,  # a regular file, a link to nothing
            b"ustar\0" + b"00",
        ]
        header = b"".join(fields).ljust(512, b"\0")
        checksum = "{:06o}\0 ".format(sum(header)).encode("ascii")
        packed += header[:148] + checksum + header[156:]
        packed += raw + b"\0" * (-len(raw) % 512)
    return bytes(packed) + b"\0" * 1024

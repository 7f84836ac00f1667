# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny image to push and pull, made in memory, every byte of it the same on every node and at every run.

So the registry holds one of it however often it is checked. (Where docker packs the layers, the digest of its manifest
also depends on docker's version, so nodes of two versions may leave two.)
"""

import hashlib
import json
import zlib
from collections import namedtuple

# archive: bytes for POST /images/load; image_id: what docker calls it then (sha256:...)
ProbeImage = namedtuple("ProbeImage", "archive image_id")
# digest: sha256:...; size: bytes; pieces: function that gives an iterator of bytes
Blob = namedtuple("Blob", "digest size media_type pieces")
# config, layers: Blob, list of Blob; manifest: bytes; media_type: of the manifest; digest: of the manifest
Packed = namedtuple("Packed", "config layers manifest media_type digest")

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
#: The most that the size field of a tar can say.
LARGEST = 8 * 1024**3 - 1
_TEXT = b"Pushed by okd.registry to prove that this registry works. Nothing runs it; it may be deleted.\n"
_CREATED = "2020-01-01T00:00:00Z"
_BLOCK = 65535  # the most of a stored block of deflate


def build():
    """Make the image as docker loads it: one layer with one file.

    :returns: ProbeImage
    """
    layer = b"".join(_layer(None))
    raw = _config(["sha256:" + hashlib.sha256(layer).hexdigest()])
    digest = hashlib.sha256(raw).hexdigest()
    listing = [{"Config": digest + ".json", "RepoTags": None, "Layers": ["layer.tar"]}]
    members = [
        (digest + ".json", raw),
        ("layer.tar", layer),
        ("manifest.json", json.dumps(listing).encode("ascii")),
    ]
    return ProbeImage(_tar(members), "sha256:" + digest)


def packed(layer_size=0):
    """Make the image as it is sent to a registry: the same layer, and one more of a size.

    :param layer_size: bytes of the file in another layer; 0 for none. What is in it cannot be compressed
    :returns: Packed
    """
    tars = [None] + ([layer_size] if layer_size else [])
    found = [_pack(size) for size in tars]
    config = _bytes(_config([diff_id for diff_id, _blob in found]), CONFIG)
    layers = [blob for _diff_id, blob in found]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _described(config),
            "layers": [_described(layer) for layer in layers],
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode("ascii")
    return Packed(config, layers, manifest, MANIFEST, "sha256:" + hashlib.sha256(manifest).hexdigest())


def archive(image, name):
    """Put a packed image into an OCI layout in a tar, as ctr, podman and skopeo read it.

    :param image: Packed; with the small layer alone, for it is put together in memory
    :param name: of the image, as containerd keeps it
    :returns: bytes
    """
    blobs = [(blob.digest, b"".join(blob.pieces())) for blob in [image.config, *image.layers]]
    blobs.append((image.digest, image.manifest))
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": len(image.manifest),
                "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
            }
        ],
    }
    members = [("blobs/sha256/" + digest.partition(":")[2], raw) for digest, raw in blobs]
    members.append(("index.json", json.dumps(index).encode("ascii")))
    members.append(("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'))
    return _tar(members)


def _config(diff_ids):
    config = {
        "architecture": "amd64",
        "config": {"Cmd": ["/okd-registry-probe"], "Labels": {"org.opencontainers.image.title": "okd.registry probe"}},
        "created": _CREATED,
        "history": [{"created": _CREATED, "created_by": "okd.registry"}] * len(diff_ids),
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode("ascii")


def _described(blob):
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


def _bytes(raw, media_type):
    """Give bytes as a Blob."""
    return Blob("sha256:" + hashlib.sha256(raw).hexdigest(), len(raw), media_type, lambda: iter([raw]))


def _pack(size):
    """Give the digest of a layer's tar, and the layer as a Blob, which is made anew each time it is read."""
    diff_id, whole, length = hashlib.sha256(), hashlib.sha256(), 0
    for piece in _gzip(_layer(size), diff_id.update):
        whole.update(piece)
        length += len(piece)

    def pieces():
        return _gzip(_layer(size))

    return "sha256:" + diff_id.hexdigest(), Blob("sha256:" + whole.hexdigest(), length, LAYER, pieces)


def _layer(size):
    """Give a layer's tar piece by piece. :param size: of the file in it; None for the one with the text"""
    if size is None:
        yield _tar([("okd-registry-probe", _TEXT)])
        return
    yield _header("okd-registry-probe-layer", size)
    for number, start in enumerate(range(0, size, _BLOCK)):
        # A stream that no registry, router or disk can make smaller, and that is the same everywhere.
        yield hashlib.shake_128(b"okd-registry %d" % number).digest(min(_BLOCK, size - start))
    yield b"\0" * (-size % 512) + b"\0" * 1024


def _gzip(pieces, seen=None):
    """Wrap bytes as gzip without compressing them: what compresses is not the same in all versions of zlib.

    :param pieces: iterable of bytes
    :param seen: called with each piece
    """
    checksum, length = 0, 0
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for piece in pieces:
        if seen is not None:
            seen(piece)
        checksum = zlib.crc32(piece, checksum)
        length += len(piece)
        for start in range(0, len(piece), _BLOCK):
            yield _stored(piece[start : start + _BLOCK], last=False)
    yield _stored(b"", last=True) + (checksum & 0xFFFFFFFF).to_bytes(4, "little")
    yield (length & 0xFFFFFFFF).to_bytes(4, "little")


def _stored(raw, last):
    """Give a block of deflate that holds bytes as they are."""
    length = len(raw).to_bytes(2, "little")
    return (b"\1" if last else b"\0") + length + bytes(255 - byte for byte in length) + raw


def _tar(members):
    """Pack (name, bytes) pairs into a tar whose headers say nothing of when, where and by whom.

    Written out here because tarfile's headers are not the same in all versions of Python.
    """
    packed_up = bytearray()
    for name, raw in members:
        packed_up += _header(name, len(raw)) + raw + b"\0" * (-len(raw) % 512)
    return bytes(packed_up) + b"\0" * 1024


def _header(name, size):
    fields = [
        name.encode("ascii").ljust(100, b"\0"),
        b"0000644\0" + b"0000000\0" * 2,  # mode, owner, group
        "{:011o}\0".format(size).encode("ascii") + b"00000000000\0",  # size, time
        b" " * 8,  # the checksum, counted as blanks
        b"0" + b"\0" * 100,  # a regular file, a link to nothing
        b"ustar\0" + b"00",
    ]
    header = b"".join(fields).ljust(512, b"\0")
    checksum = "{:06o}\0 ".format(sum(header)).encode("ascii")
    return header[:148] + checksum + header[156:]

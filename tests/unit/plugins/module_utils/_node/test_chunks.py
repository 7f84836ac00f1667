# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of layers, sizes as people write them, and the layers themselves."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import chunks, probe_image
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from hypothesis import given
from hypothesis import strategies as st

SIZES = st.integers(1, 5000)


@given(st.integers(0, 5000), SIZES, st.integers(0, 3000))
def test_a_plan_covers_every_byte_once_and_in_order(total: int, wanted: int, least: int) -> None:
    spans = chunks.plan(total, wanted, least)
    assert [byte for first, last in spans for byte in range(first, last + 1)] == list(range(total))
    lengths = [last - first + 1 for first, last in spans]
    assert all(length >= least for length in lengths[:-1])
    assert all(length <= max(wanted, least) for length in lengths)
    assert len(set(lengths[:-1])) <= 1
    if least <= total // 2 and total > 1:
        assert len(spans) > 1  # so that a small layer is a proof as well


@given(st.lists(st.binary(max_size=300), max_size=20), SIZES)
def test_a_stream_is_cut_by_its_plan(pieces: list[bytes], wanted: int) -> None:
    whole = b"".join(pieces)
    cut = [(first, last, b"".join(parts)) for first, last, parts in chunks.cut(pieces, chunks.plan(len(whole), wanted))]
    assert cut == [(first, last, whole[first : last + 1]) for first, last in chunks.plan(len(whole), wanted)]


@given(st.integers(0, 10**6), st.sampled_from(["", "k", "K", "KiB", "m", "MiB", "MB", "g", "GiB", "B"]))
def test_sizes_are_read_as_they_are_written(number: int, unit: str) -> None:
    factor = 1024 ** "bkmg".index((unit or "b")[0].lower())
    assert chunks.size(f" {number} {unit}", "layer_size", 10**18) == number * factor


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5GiB", "1TiB", "1 2", "0x10"])
def test_what_is_no_size_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(RefusedError, match=r"layer_size: .* is no size; write bytes, or 64KiB"):
        chunks.size(text, "layer_size", 10**9)


@pytest.mark.parametrize("size", [1, 65535, 65536, 1_000_000])
def test_a_large_layer_is_a_gzipped_tar_with_a_file_of_its_size_that_cannot_be_compressed(size: int) -> None:
    image = probe_image.packed(size)
    small, large = (b"".join(layer.pieces()) for layer in image.layers)
    for raw, layer in zip((small, large), image.layers, strict=True):
        assert (len(raw), "sha256:" + hashlib.sha256(raw).hexdigest()) == (layer.size, layer.digest)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(large))) as archive:
        (member,) = archive.getmembers()
        content = archive.extractfile(member).read()  # type: ignore[union-attr]
    assert member.size == len(content) == size
    assert len(gzip.compress(content)) >= size
    config = json.loads(b"".join(image.config.pieces()))
    diff_ids = ["sha256:" + hashlib.sha256(gzip.decompress(raw)).hexdigest() for raw in (small, large)]
    assert config["rootfs"]["diff_ids"] == diff_ids


def test_what_is_sent_is_what_docker_loads_and_the_same_everywhere() -> None:
    """Pinned: were it another with another Python or zlib, every registry would collect one of each."""
    assert probe_image.packed().config.digest == probe_image.build().image_id
    assert probe_image.packed().digest == "sha256:87aa510abbc80e985abed17a2a1ba1519161474a07d6e707c6e4b23ad571bc4c"
    large = "sha256:0da649e0b34242eeb4695c448323bd633be872a313faa08bbb1c771b9c2a9509"
    assert probe_image.packed(100_000).digest == large


def test_a_stream_that_is_shorter_than_its_plan_is_told() -> None:
    with pytest.raises(ValueError, match="before its plan"):
        list(chunks.cut([b"abc"], [(0, 9)]))

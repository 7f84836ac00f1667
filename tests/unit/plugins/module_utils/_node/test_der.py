# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of certificates, read without a library for it, against one that is made for it."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import der
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = ec.generate_private_key(ec.SECP256R1())
TEXT = st.text(alphabet="abcXYZ 0-9.é,=€", min_size=1, max_size=30)
TIMES = st.integers(-630_000_000, 7_000_000_000).map(
    lambda count: datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=count)
)
START, END = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (2020, 2030))
KINDS = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O", NameOID.ORGANIZATIONAL_UNIT_NAME: "OU"}


def make(names: list[tuple[x509.ObjectIdentifier, str]], before: datetime.datetime, after: datetime.datetime) -> bytes:
    """Sign a certificate."""
    subject = x509.Name([x509.NameAttribute(kind, text) for kind, text in names])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the issuer")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(KEY.public_key())
    builder = builder.serial_number(7).not_valid_before(before).not_valid_after(after)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(list(KINDS)), TEXT), max_size=4), TIMES, TIMES)
def test_names_and_times_are_those_that_were_signed(
    names: list[tuple[x509.ObjectIdentifier, str]], one: datetime.datetime, other: datetime.datetime
) -> None:
    before, after = sorted([one, other])
    found = der.certificate(make(names, before, after))
    assert found.subject == ", ".join(f"{KINDS[kind]}={text}" for kind, text in names)
    assert (found.issuer, found.not_before, found.not_after) == ("CN=the issuer", before.timestamp(), after.timestamp())


RAW = make([(NameOID.COMMON_NAME, "x")], START, END)


@settings(max_examples=500)
@given(st.data())
def test_bytes_that_are_none_are_said_to_be_none(data: st.DataObject) -> None:
    cut = RAW[: data.draw(st.integers(0, len(RAW) - 1))]
    with pytest.raises(ValueError, match="no certificate"):
        der.certificate(cut)
    broken = bytearray(RAW)
    broken[data.draw(st.integers(0, len(RAW) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        der.certificate(bytes(broken))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, by the words that tools have for it."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import checkway
from hypothesis import given
from hypothesis import strategies as st

SAID = [
    ("denied: requested access to the resource is denied", "denied"),
    ("received unexpected HTTP status: 403 Forbidden", "denied"),
    ("received unexpected HTTP status: 401", "unauthorized"),
    ("unauthorized: authentication required", "unauthorized"),
    ("received unexpected HTTP status: 404", "not_found"),
    ("manifest unknown: manifest unknown", "not_found"),
    ("error parsing HTTP 413 response body: invalid character '<'", "too_large"),
    ("received unexpected HTTP status: 500 Internal Server Error", "other"),
    ('Get "https://172.30.1.1:5000/v2/": Forbidden', "proxy"),
]


@pytest.mark.parametrize(("message", "kind"), SAID)
def test_a_reason_is_told_by_words_and_statuses(message: str, kind: str) -> None:
    assert checkway.kind_of(message) == kind


@pytest.mark.parametrize("digest", ["sha256:aa401bb", "sha256:10404dead", "sha256:413", "sha256:401" + "0" * 61])
def test_a_digest_has_no_status_in_it(digest: str) -> None:
    assert checkway.kind_of(f"pull of x/y@{digest} refused: received unexpected HTTP status: 500") == "other"


@given(st.sampled_from(SAID), st.text("0134", min_size=7, max_size=64), st.integers(10_000, 99_999))
def test_neither_digests_nor_other_numbers_change_what_is_told(said: tuple[str, str], digest: str, count: int) -> None:
    message, kind = said
    assert checkway.kind_of(f"{count} bytes of x/y@sha256:{digest}: {message}") == kind

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token says of its own end, whatever that is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import bearer
from hypothesis import given
from hypothesis import strategies as st


def token(claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1795860000.5, "2026-11-28T10:00:00Z"),
        (1e300, "9999-12-31T23:59:59Z"),
        (-5, "1970-01-01T00:00:00Z"),
    ],
)
def test_an_end_is_told_however_far_away(ends: float, said: str) -> None:
    assert bearer.stamp(bearer.expiry(token({"exp": ends}))) == said


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists).map(token)
)
def test_no_token_is_too_strange(text: str) -> None:
    ends = bearer.expiry(text)
    assert ends is None
    assert bearer.stamp(ends) is None


@pytest.mark.parametrize("given", ["secret words", "secret\nwords", "secret\u2026words"])
def test_a_token_that_no_header_can_have_is_not_told(given: str) -> None:
    verdict = bearer.who(bearer.Server("https://127.0.0.1:1", "", False), given, timeout=1.0)
    assert verdict.what == bearer.UNKNOWN
    assert "no header can have" in verdict.message
    assert "secret" not in verdict.message


def test_the_end_of_a_line_is_no_part_of_a_token() -> None:
    verdict = bearer.who(bearer.Server("https://127.0.0.1:1", "", False), "secret\n", timeout=1.0)
    assert "refused" in verdict.message

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client makes of strange answers; real registries are asked in tests/api."""

from __future__ import annotations

import json
import ssl
from urllib.parse import urlsplit

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import v2
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("url", ["https://a b/x", "https:///x", "https://a:99999/x", "https://a:b/x", "https://-/x"])
def test_a_place_that_is_none_is_an_error_of_its_step(url: str) -> None:
    with pytest.raises(v2.V2Error, match="which is no place") as raised:
        v2._place(urlsplit(url))
    assert raised.value.reason == "location"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://r.example/x", "r.example", 443),
        ("http://[::1]/x", "::1", 80),
        ("https://1.2.3.4:5000/", "1.2.3.4", 5000),
    ],
)
def test_the_place_of_a_url(url: str, host: str, port: int) -> None:
    found = v2._place(urlsplit(url))
    assert (found.host, found.port) == (host, port)


def test_a_token_that_no_header_can_have_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    client = v2.Client("r.example:5000", ssl.create_default_context(), ("alice", "x"))
    answers = [
        v2.Answer(401, {"www-authenticate": 'Bearer realm="https://r.example:5000/token"'}, b""),
        v2.Answer(200, {}, b'{"token": "ge\\nheim"}'),
    ]
    monkeypatch.setattr(client, "_send", lambda *_args: answers.pop(0))
    with pytest.raises(v2.V2Error, match=r"the token in the answer of .* no header can have") as raised:
        client.log_in()
    assert "heim" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": [{"code": "DENIED", "message": "no", "detail": None}]}, "DENIED: no"),
        ({"errors": [{"code": "A"}, {"message": "b"}]}, "A; b"),
        ({"details": "unauthorized"}, "unauthorized"),
        ([], ""),
        ("x", ""),
    ],
)
def test_the_registry_s_own_words(body: object, said: str) -> None:
    assert v2._message(json.dumps(body).encode()) == said


@given(st.binary(max_size=200))
def test_whatever_comes_as_an_error_breaks_nothing(body: bytes) -> None:
    assert isinstance(v2._message(body), str)

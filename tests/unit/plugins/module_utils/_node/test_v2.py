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


@pytest.mark.parametrize(
    ("name", "url", "ours"),
    [
        ("Reg.Example:5000", "https://Reg.Example:5000/v2/", True),
        ("Reg.Example:5000", "https://reg.example:5000/v2/", True),
        ("reg.example", "https://REG.example:443/v2/", True),
        ("[FD00::1]:5000", "https://[fd00:0::1]:5000/v2/", True),
        ("Reg.Example:5000", "https://reg.example/v2/", False),
        ("Reg.Example:5000", "http://reg.example:5000/v2/", False),
        ("Reg.Example:5000", "https://other.example:5000/v2/", False),
    ],
)
def test_a_name_is_verified_by_its_own_cas_however_it_is_spelt(
    name: str, url: str, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, asked = v2.Client(name, ssl.create_default_context()), []
    monkeypatch.setattr(client, "_over_ours", lambda *_args: asked.append(True))
    monkeypatch.setattr(client, "_elsewhere", lambda *_args: asked.append(False))
    client._send("GET", url, v2._nothing, {}, None)
    assert asked == [ours]


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("/v2/x", True),
        ("https://reg.example/v2/x", True),
        ("https://reg.example:443/v2/x", True),
        ("https://reg.example:5000/v2/x", False),
        ("http://reg.example/v2/x", False),
        ("https://s3.example/x", False),
    ],
)
def test_a_token_goes_along_to_the_same_server_only(location: str, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    client = v2.Client("Reg.Example", ssl.create_default_context())
    answers, sent = [v2.Answer(307, {"location": location}, b""), v2.Answer(200, {}, b"")], []

    def send(_method: str, _url: str, _body: object, headers: dict[str, str], _take: object) -> v2.Answer:
        sent.append(headers)
        return answers.pop(0)

    monkeypatch.setattr(client, "_send", send)
    client._follow("GET", "https://Reg.Example/v2/x", v2._nothing, {"Authorization": "Bearer t"}, None)
    assert ["Authorization" in headers for headers in sent] == [True, kept]


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

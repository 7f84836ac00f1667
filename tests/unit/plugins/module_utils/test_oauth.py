# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OAuth library is made to send; the whole flow is in tests/api."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _oauth
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ConfigurationError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._kube import Server

userpassauth = pytest.importorskip("openshift.helper.userpassauth")
SERVER = Server("https://api.example:6443", None, True, None, "the option host")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The headers of authorization that an OAuth server gets, which takes no login."""
    found: list[str] = []

    class Session:
        def __init__(self, **_options: Any) -> None:
            pass

        def authorization_url(self, url: str, **_options: Any) -> tuple[str, str]:
            return url, "1"

        def get(self, _url: str, headers: dict[str, str], **_options: Any) -> Any:
            found.append(headers["authorization"])
            return SimpleNamespace(status_code=401, reason="Unauthorized")

    told = {
        "authorization_endpoint": "https://oauth.example/authorize",
        "token_endpoint": "https://oauth.example/token",
    }
    answer = SimpleNamespace(status_code=200, json=lambda: told)
    monkeypatch.setattr(userpassauth.requests, "get", lambda *_args, **_options: answer)
    monkeypatch.setattr(userpassauth, "OAuth2Session", Session)
    return found


@pytest.mark.parametrize(
    ("username", "password"), [("alice", "secret"), ("alice", "p\xe4ssword"), ("\xe4lice", "top\u20acsecret")]
)
def test_user_name_and_password_are_sent_as_utf_8(username: str, password: str, sent: list[str]) -> None:
    with pytest.raises(UnauthorizedError, match=f"does not accept user name and password of {username}"):
        _oauth.token(SERVER, username, password)
    assert sent == ["Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()]


def test_half_a_character_is_refused_and_not_shown(sent: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="holds half a character") as refused:
        _oauth.token(SERVER, "alice", "geheim\ud83d")
    assert "geheim" not in str(refused.value)
    assert sent == []


@pytest.mark.parametrize(
    "error",
    [
        UnicodeEncodeError("latin-1", "geheim\u20ac", 6, 7, "not this one"),
        UnicodeDecodeError("utf-8", b"\xe4", 0, 1, "not this one"),
    ],
)
def test_an_error_of_an_encoding_shows_no_character(error: Exception) -> None:
    found = _oauth._explained(error, SERVER, "alice")
    assert isinstance(found, UnreachableError)
    assert "gave alice no token: not this one. Check" in str(found)
    assert not any(part in str(found) for part in ("u20ac", "xe4", "geheim", "\u20ac"))

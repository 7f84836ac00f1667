# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a token of the OAuth stand-in, and for how long. The server itself is asked by tests/api/test_login.py."""

from __future__ import annotations

from standins.oauth.tokens import CODE_SECONDS, TOKEN_SECONDS, Tokens, User, object_name


class Clock:
    """Goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Tokens, Clock]:
    clock = Clock()
    return Tokens({"alice": User("alice", "uid-1", ("oauth",), lambda: "right")}, clock), clock


def test_a_password_gives_a_code_and_a_code_one_token() -> None:
    tokens, _clock = made()
    code = tokens.code("alice", "right")
    assert code
    found = tokens.token(code)
    assert found
    assert found[1] == "alice"
    known = {"username": "alice", "uid": "uid-1", "groups": ["oauth"]}
    assert tokens.review(found[0]) == {"authenticated": True, "user": known}
    assert tokens.token(code) is None


def test_who_does_not_know_the_password_gets_nothing() -> None:
    tokens, _clock = made()
    assert tokens.code("alice", "wrong") is None
    assert tokens.code("bob", "right") is None
    assert tokens.token("sha256~guessed") is None
    assert tokens.review("sha256~guessed") == {"authenticated": False}


def test_a_token_is_forgotten_by_its_object_s_name() -> None:
    tokens, _clock = made()
    (token, _user), (other, _same) = [tokens.token(tokens.code("alice", "right") or "") or ("", "") for _ in range(2)]
    assert tokens.forget("sha256~guessed", object_name(token)) == 401
    assert tokens.forget(other, token) == 404
    assert tokens.forget(token, object_name(token)) == 200
    assert tokens.review(token) == {"authenticated": False}
    assert tokens.review(other)["authenticated"]


def test_codes_and_tokens_have_their_time() -> None:
    tokens, clock = made()
    late = tokens.code("alice", "right")
    clock.now = CODE_SECONDS + 1
    assert late
    assert tokens.token(late) is None
    code = tokens.code("alice", "right")
    assert code
    token = tokens.token(code)
    assert token
    clock.now += TOKEN_SECONDS + 1
    assert tokens.review(token[0]) == {"authenticated": False}

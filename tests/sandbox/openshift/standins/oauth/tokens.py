# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with their passwords, codes and tokens. A code is good for one token."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

TOKEN_SECONDS = 86400
CODE_SECONDS = 300


def object_name(token: str) -> str:
    """Under which name OpenShift keeps a token: it does not keep the token itself."""
    digest = hashlib.sha256(token.removeprefix("sha256~").encode()).digest()
    return f"sha256~{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody who may log in; the password is read anew each time."""

    name: str
    uid: str
    groups: tuple[str, ...]
    password: Callable[[], str]


class Tokens:
    """What was handed out; gone when the program ends, as the users' tokens then are."""

    def __init__(self, users: Mapping[str, User], clock: Callable[[], float] = time.time) -> None:
        self._users, self._clock = dict(users), clock
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[User, float]] = {}
        self._tokens: dict[str, tuple[User, float]] = {}

    def code(self, name: str, password: str) -> str | None:
        """A code for a user who knows the password, else None."""
        user = self._users.get(name)
        if user is None or not hmac.compare_digest(user.password().encode(), password.encode()):
            return None
        code = f"sha256~{secrets.token_urlsafe(32)}"
        with self._lock:
            self._codes[code] = (user, self._clock() + CODE_SECONDS)
        return code

    def token(self, code: str) -> tuple[str, str] | None:
        """(token, user's name) for a code that was not used yet, else None."""
        with self._lock:
            user, until = self._codes.pop(code, (None, 0.0))
            if user is None or until < self._clock():
                return None
            token = f"sha256~{secrets.token_urlsafe(32)}"
            self._tokens[token] = (user, self._clock() + TOKEN_SECONDS)
        return token, user.name

    def forget(self, token: str, name: str) -> int:
        """Have a token hold no longer, by the name of its object; the HTTP status. Whoever has one may.

        :param token: of the user who asks.
        """
        with self._lock:
            user, until = self._tokens.get(token, (None, 0.0))
            if user is None or until < self._clock():
                return 401
            found = [one for one in self._tokens if object_name(one) == name]
            for one in found:
                del self._tokens[one]
        return 200 if found else 404

    def review(self, token: str) -> dict[str, Any]:
        """The ``status`` of a TokenReview."""
        with self._lock:
            user, until = self._tokens.get(token, (None, 0.0))
        if user is None or until < self._clock():
            return {"authenticated": False}
        known = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
        return {"authenticated": True, "user": known}

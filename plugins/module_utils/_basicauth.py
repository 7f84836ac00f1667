# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User names and passwords in headers: as UTF-8, which is what servers written in Go read. Pure.

urllib3's ``make_headers``, by which the libraries send them, encodes Latin-1 and shows what it cannot encode.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import ConfigurationError

_CREDENTIALS = ("basic_auth", "proxy_basic_auth")  # of make_headers


def header(username: str, password: str) -> str:
    """The value of the header Authorization. Raises ConfigurationError."""
    return "Basic " + base64.b64encode(_bytes(f"{username}:{password}")).decode("ascii")


def for_library(text: str) -> str:
    """What to hand to a library that encodes Latin-1, so that UTF-8 is what it sends. Raises ConfigurationError."""
    return _bytes(text).decode("latin-1")


def for_make_headers(told: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for ``make_headers`` with credentials as :func:`for_library`; those that are None left out."""
    given = {name: value for name, value in told.items() if value is not None}
    return {name: for_library(str(value)) if name in _CREDENTIALS else value for name, value in given.items()}


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")  # bytes that were no UTF-8 stay what they were
    except UnicodeEncodeError:  # its text and its traceback show the character
        raise ConfigurationError("A user name or password holds half a character, which cannot be sent.") from None

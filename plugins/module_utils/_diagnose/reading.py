# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of data that may be incomplete or of another shape: each gives what is there, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def mapping(value: Any) -> dict[str, Any]:
    """A map, ``{}`` for anything else."""
    return dict(value) if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[dict[str, Any]]:
    """The maps of a list."""
    found = value if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else ()
    return [dict(each) for each in found if isinstance(each, Mapping)]


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list, without empty ones."""
    found = value if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else ()
    return tuple(str(each) for each in found if isinstance(each, str) and each)


def word(value: Any) -> str | None:
    """A text that is not empty."""
    return str(value) if isinstance(value, str) and value.strip() else None


def number(value: Any) -> int | None:
    """A whole number."""
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def flag(value: Any) -> bool | None:
    """Yes, no, or not known."""
    return value if isinstance(value, bool) else None

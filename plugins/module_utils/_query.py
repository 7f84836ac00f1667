# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``query`` of info modules: a JMESPath expression over what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError


def compiled(expression: str | None) -> Callable[[Any], Any] | None:
    """What an expression makes of a result; None without one.

    :raises RefusedError: where it is none, or jmespath is not installed.
    """
    if not expression:
        return None
    try:
        import jmespath
    except ImportError as exc:
        raise RefusedError(
            f"query: needs the Python library jmespath on the host that runs the module: {exc}."
        ) from exc
    try:
        parsed = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as exc:
        raise RefusedError(f"query: {expression!r} is no JMESPath expression: {exc}.") from exc

    def search(result: Any) -> Any:
        try:
            return parsed.search(result)
        except jmespath.exceptions.JMESPathError as exc:
            raise RefusedError(f"query: {expression!r} does not suit the result: {exc}.") from exc

    return search

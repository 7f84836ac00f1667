# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what can be read: what may not be, or has no API that answers, is told and left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ForbiddenError,
    KindNotServedError,
    RegistryError,
    ServerError,
)

T = TypeVar("T")
#: A registry of which none of these can be read is not known at all.
_ESSENTIAL = ("service", "workload", "certificate", "ca")


class Lookup:
    """Asks, and goes on.

    :param warn: is told what could not be read, as a sentence.
    :ivar unread: the same for the answer, each with the name of what is missing for it.
    :ivar first: the first of these errors.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._broken: RegistryError | None = None
        self.first: RegistryError | None = None
        self.unread: list[dict[str, Any]] = []

    def read(self, what: str, look: Callable[[], T]) -> T | None:
        """What a look gives, or None where the user may not have it, or the API that has it cannot answer.

        :param what: the name under which that is told.
        """
        try:
            return look()
        except (ForbiddenError, KindNotServedError, ServerError) as exc:
            self.first = self.first or exc
            forbidden = isinstance(exc, ForbiddenError)
            if not forbidden and what in _ESSENTIAL:
                self._broken = self._broken or exc
            told = {"what": what, "reason": str(exc), "forbidden": forbidden}
            if told not in self.unread:
                self._warn(str(exc))
                self.unread.append(told)
            return None

    def lacks(self, what: str) -> bool:
        """Whether that is something that could not be read."""
        return any(each["what"] == what for each in self.unread)

    def stop_where_nothing_is_known(self) -> None:
        """Raise why, where nothing at all of the registry could be read, and not for want of rights alone."""
        if self._broken and all(self.lacks(what) for what in _ESSENTIAL):
            raise self._broken

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a registry is configured: its variables, as a part of the pod. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.okd.registry.plugins.module_utils._build.part import Part


@dataclass(frozen=True)
class Settings:
    """What the user sets.

    :param env: variables; None as a value removes one, whoever set it.
    """

    env: Mapping[str, str | None] = field(default_factory=dict)

    def part(self) -> Part:
        """The variables, and what else comes with them."""
        return Part(env=self.env)

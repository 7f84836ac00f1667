# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the sandbox is up and well, part by part."""

from __future__ import annotations

from . import settings


def problems() -> list[str]:
    """What is wrong; empty when all is well."""
    return ["not known"]


def status() -> list[str]:
    """Lines for people."""
    return [str(settings.PATHS.state)]

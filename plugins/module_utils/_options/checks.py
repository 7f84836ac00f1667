# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of options, checked: what several groups of options have in common. Pure."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError


def container_path(option: str, value: str) -> str:
    """An absolute path in a container, without a slash at its end. Raises OptionError."""
    if not value.startswith("/") or value.rstrip("/") == "" or ":" in value:
        raise OptionError(option, value, "must be an absolute path in the container, other than /, without a colon")
    return value.rstrip("/")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fixes are said: the playbooks of this collection, and by which variables. Pure."""

from __future__ import annotations

import shlex


def play(name: str, *, limit: str | None = None, **variables: str) -> str:
    """A command line. :param limit: the host that it is for."""
    words = ["ansible-playbook", f"okd.registry.{name}"]
    words += ["--limit", limit] if limit else []
    for key, value in variables.items():
        words += ["-e", f"{key}={value}"]
    return shlex.join(words)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fixes are said: the playbooks of this collection, and by which variables. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import PurePath

_PLAYBOOK = re.compile(r"\bansible-playbook(?= okd\.registry\.)")


def play(name: str, *, limit: str | None = None, **variables: str) -> str:
    """A command line. :param limit: the host that it is for."""
    words = ["ansible-playbook", f"okd.registry.{name}"]
    words += ["--limit", limit] if limit else []
    for key, value in variables.items():
        words += ["-e", f"{key}={value}"]
    return shlex.join(words)


def with_inventory(command: str, sources: Iterable[str], here: PurePath) -> str:
    """A command line for who types it: with the inventory, without which its playbooks find no host and end well.

    :param sources: of the inventory, as Ansible has them: paths, and lists of hosts with commas.
    :param here: the directory in which it is typed.
    """
    named = shlex.join(word for source in sources for word in ("-i", _near(source, here)))
    return _PLAYBOOK.sub(lambda found: f"{found[0]} {named}".rstrip(), command)


def _near(source: str, here: PurePath) -> str:
    """A path below a directory as it is called there, unless that would be read as something else."""
    path = PurePath(source)
    near = str(path.relative_to(here)) if here in (path, *path.parents) else source
    return source if "," in source or near.startswith(("..", "-")) else near

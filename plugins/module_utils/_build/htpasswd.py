# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's own users: the file ``htpasswd``, edited line by line, and the Secret that holds it. Pure.

The registry (CNCF distribution, ``auth: htpasswd``) takes bcrypt alone, refuses a file with a line that is no entry, and
reads the file again when it changes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

KEY = "htpasswd"
# registry_deploy keeps values of variables out of what it returns, so this is no word that stands elsewhere in it.
REALM = "users-of-this-image-store"
LONGEST = 72  # bytes; bcrypt looks at no more
ADDED, UPDATED, REMOVED, UNCHANGED = "added", "updated", "removed", "unchanged"
_NAME = re.compile(r"[^\s:#\x00-\x1f\x7f][^\s:\x00-\x1f\x7f]*\Z")


@dataclass(frozen=True)
class User:
    """One user as wanted; ``password`` is None for one who is to go."""

    name: str
    password: str | None = field(repr=False)


def users(option: Sequence[Mapping[str, Any]]) -> list[User]:
    """The option ``users`` as values. Raises OptionError, which never repeats a password."""
    found: dict[str, User] = {}
    for number, one in enumerate(option):
        name, password = one["name"], one.get("password")
        where = f"users[{number}]"
        if not _NAME.match(name):
            raise OptionError(f"{where}.name", name, "cannot be in such a file: no blanks, no colon, no # at its beginning")
        if name in found:
            raise OptionError(f"{where}.name", name, "is named twice")
        if one.get("state") == "absent":
            found[name] = User(name, None)
            continue
        if not password:
            raise OptionError(f"{where}.name", name, "has no password")
        if len(password.encode()) > LONGEST or "\x00" in password:
            raise OptionError(f"{where}.name", name, f"has a password that bcrypt cannot take (up to {LONGEST} bytes)")
        found[name] = User(name, password)
    return list(found.values())


def edited(
    text: str, wanted: Sequence[User], *, verify: Callable[[str, str], bool], hashed: Callable[[str], str]
) -> tuple[str, dict[str, str]]:
    """The file with these users as wanted, and what was done to each. All other lines stay as they are.

    Of several lines of one user the registry takes the last.

    :param verify: whether a password belongs to a hash.
    :param hashed: a new hash of a password.
    """
    lines = text.splitlines(keepends=True)
    done: dict[str, str] = {}
    for user in wanted:
        mine = [number for number, line in enumerate(lines) if _owner(line) == user.name]
        if user.password is None:
            lines = [line for number, line in enumerate(lines) if number not in mine]
            done[user.name] = REMOVED if mine else UNCHANGED
        elif mine and verify(user.password, lines[mine[-1]].partition(":")[2].strip()):
            done[user.name] = UNCHANGED
        else:
            entry = f"{user.name}:{hashed(user.password)}\n"
            if mine:
                lines[mine[-1]] = entry
                lines = [line for number, line in enumerate(lines) if number not in mine[:-1]]
            else:
                if lines and not lines[-1].endswith("\n"):
                    lines[-1] += "\n"
                lines.append(entry)
            done[user.name] = UPDATED if mine else ADDED
    return "".join(lines), done


def _owner(line: str) -> str | None:
    """Whose line it is; None for comments and blank ones."""
    plain = line.strip()
    return None if not plain or plain.startswith("#") else plain.partition(":")[0]


def names(text: str) -> list[str]:
    """All users of a file, each once."""
    return list(dict.fromkeys(owner for line in text.splitlines() if (owner := _owner(line))))


def secret(name: str, namespace: str, text: str, live: Mapping[str, Any] | None) -> dict[str, Any]:
    """The Secret with the file; other keys in it, such as the registry's certificate, stay.

    A file without users is there all the same: a registry that finds none makes itself a user with a password.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": (live or {}).get("type") or "Opaque",  # cannot be changed
        "data": {KEY: base64.b64encode((text or "\n").encode()).decode("ascii")},
    }


def variables(mount_path: str) -> dict[str, str]:
    """What a registry's container needs in its environment to go by the file."""
    return {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": REALM,
        "REGISTRY_AUTH_HTPASSWD_PATH": f"{mount_path.rstrip('/')}/{KEY}",
    }

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_htpasswd does: users in a Secret, by bcrypt."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.okd.registry.plugins.module_utils import _leftovers
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import htpasswd as build
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value
from ansible_collections.okd.registry.plugins.module_utils._errors import MissingLibraryError, OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name
from ansible_collections.okd.registry.plugins.module_utils._plan import UNCHANGED, Change
from ansible_collections.okd.registry.plugins.module_utils._result import Result


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work: one read and at most one write. Raises RegistryError."""
    params, check_mode = module.params, module.check_mode
    registry = Registry.from_params(params)
    ref = ObjectRef("v1", "Secret", dns_name("secret_name", params["secret_name"]), registry.namespace)
    # An owner of its own: the Secret is registry_cert's as well, which looks after other keys.
    owner = f"{registry}/{build.KEY}"
    result = Result(api)
    if params["state"] == "absent":
        text, done = _taken_away(api, ref, result, owner=owner, check_mode=check_mode)
    else:
        text, done = _kept(params, api, ref, result, owner=owner, check_mode=check_mode)
    for name, what in done.items():
        if what != build.UNCHANGED:
            result.note(f"{what.capitalize()} the user {name}.")
    return result.finish(
        registry={"name": registry.name, "namespace": registry.namespace},
        users=[{"name": name, "action": what} for name, what in done.items()],
        all_users=build.names(text),
        env=build.variables(params["mount_path"]) if params["state"] == "present" else {},
    )


def _kept(
    params: Mapping[str, Any], api: Api, ref: ObjectRef, result: Result, *, owner: str, check_mode: bool
) -> tuple[str, dict[str, str]]:
    """Have the users be as asked for: (the file, what was done to each)."""
    wanted = build.users(params["users"])
    if not 4 <= params["cost"] <= 31:
        raise OptionError("cost", params["cost"], "is none that bcrypt knows (4 to 31)")
    passwords, live = _Passwords(params["cost"]), api.get(ref)
    text, done = _file(live, ref), {user.name: build.UNCHANGED for user in wanted}

    def desired(live: dict[str, Any] | None) -> Mapping[str, Any]:
        nonlocal text, done
        text, done = build.edited(_file(live, ref), wanted, verify=passwords.verify, hashed=passwords.hashed)
        return build.secret(ref.name, ref.namespace or "", text, live)

    # For users who are to go and are not there, no file is made, and none of somebody else's becomes ours.
    if any(user.password for user in wanted) or done.keys() & set(build.names(text)):
        result.add(ensure(api, ref, desired, check_mode=check_mode, live=live, owner=owner))
    else:
        result.add(_untouched(ref, live))
    return text, done


def _taken_away(
    api: Api, ref: ObjectRef, result: Result, *, owner: str, check_mode: bool
) -> tuple[str, dict[str, str]]:
    """Take the file away, and the Secret where nothing else is in it: (what is left of the file, what was done)."""
    live = api.get(ref)
    held = (live or {}).get("data") or {}
    if live is None or build.KEY not in held:
        result.add(_untouched(ref, live))
        return "", {}
    before = (value(live, build.KEY) or b"").decode("utf-8", "replace")
    if not _leftovers.has_ours(live, owner):
        result.add(_untouched(ref, live, f"{ref} keeps its {build.KEY}: this collection has not written it."))
        return before, {}
    _leftovers.remove([live], api, result, owner=owner, check_mode=check_mode)
    return "", dict.fromkeys(build.names(before), build.REMOVED)


def _untouched(ref: ObjectRef, live: dict[str, Any] | None, why: str | None = None) -> Outcome:
    return Outcome(ref, Change(UNCHANGED, before=live, after=live), live, why)


def _file(live: Mapping[str, Any] | None, ref: ObjectRef) -> str:
    raw = value(live, build.KEY) or b""
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise RefusedError(
            f"{ref}: {build.KEY} is no text ({exc.reason}), so it cannot be edited. Mend it, or take the key out."
        ) from None


class _Passwords:
    """Hashes, each made once: they are as slow as they are meant to be. Raises MissingLibraryError when first asked."""

    def __init__(self, cost: int) -> None:
        self._cost = cost
        self._made: dict[str, str] = {}

    @cached_property
    def _bcrypt(self) -> Any:
        try:
            import bcrypt
        except ImportError as exc:
            text = missing_required_lib("bcrypt", reason="since registries take no other passwords")
            raise MissingLibraryError(text, exception=traceback.format_exc()) from exc
        return bcrypt

    def hashed(self, password: str) -> str:
        """As ``htpasswd -B`` writes it."""
        if password not in self._made:
            salted = self._bcrypt.hashpw(password.encode(), self._bcrypt.gensalt(self._cost)).decode("ascii")
            self._made[password] = f"$2y{salted[3:]}"
        return self._made[password]

    def verify(self, password: str, entry: str) -> bool:
        """Whether a password belongs to a hash; to one of another kind, which registries do not take, none does."""
        try:
            return bool(entry.startswith("$2") and self._bcrypt.checkpw(password.encode(), entry.encode()))
        except ValueError:
            return False

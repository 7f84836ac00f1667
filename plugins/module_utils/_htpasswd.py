# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_htpasswd does: users in a Secret, by bcrypt."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure
from ansible_collections.okd.registry.plugins.module_utils._build import htpasswd as build
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value
from ansible_collections.okd.registry.plugins.module_utils._errors import MissingLibraryError, OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name
from ansible_collections.okd.registry.plugins.module_utils._result import Result


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work: one read and at most one write. Raises RegistryError."""
    params = module.params
    registry, wanted = Registry.from_params(params), build.users(params["users"])
    if not 4 <= params["cost"] <= 31:
        raise OptionError("cost", params["cost"], "is none that bcrypt knows (4 to 31)")
    ref = ObjectRef("v1", "Secret", dns_name("secret_name", params["secret_name"]), registry.namespace)
    passwords = _Passwords(params["cost"])
    done: dict[str, str] = {user.name: build.UNCHANGED for user in wanted}
    text, result = "", Result(api)

    def desired(live: dict[str, Any] | None) -> Mapping[str, Any]:
        nonlocal text, done
        text, done = build.edited(_file(live, ref), wanted, verify=passwords.verify, hashed=passwords.hashed)
        return build.secret(ref.name, registry.namespace, text, live)

    live = api.get(ref)
    if live is not None or any(user.password for user in wanted):
        # An owner of its own: the Secret is registry_cert's as well, which looks after other keys.
        owner = f"{registry}/{build.KEY}"
        result.add(ensure(api, ref, desired, check_mode=module.check_mode, live=live, owner=owner))
    for name, what in done.items():
        if what != build.UNCHANGED:
            result.note(f"{what.capitalize()} the user {name}.")
    return result.finish(
        registry={"name": registry.name, "namespace": registry.namespace},
        users=[{"name": name, "action": what} for name, what in done.items()],
        all_users=build.names(text),
        env=build.variables(params["mount_path"]),
    )


def _file(live: Mapping[str, Any] | None, ref: ObjectRef) -> str:
    raw = value(live, build.KEY) or b""
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise RefusedError(
            f"{ref}: {build.KEY} is no text ({exc.reason}), so it cannot be edited. Mend it, or take the key out."
        ) from None


class _Passwords:
    """Hashes, each made once: they are as slow as they are meant to be. Raises MissingLibraryError."""

    def __init__(self, cost: int) -> None:
        try:
            import bcrypt
        except ImportError as exc:
            text = missing_required_lib("bcrypt", reason="since registries take no other passwords")
            raise MissingLibraryError(text, exception=traceback.format_exc()) from exc
        self._bcrypt, self._cost = bcrypt, cost
        self._made: dict[str, str] = {}

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

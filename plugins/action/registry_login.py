# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_login: gets the token on the controller and hands it to the host unseen.

The token never is in a result, since what comes back from a module is printed by connections at -vvv. It goes out as a
module's option that is not logged, over a pipe: never as an argument of a command, and in no file of the host but the
one with its logins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible_collections.okd.registry.plugins.module_utils import _login
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._errors import RegistryError
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.modules.registry_login import ARGUMENTS
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction


class _HostFailed(Exception):
    """The module failed on the host; the argument is its result."""


class ActionModule(KubeAction):
    """Where the token is to come from the controller, does that part of the work here."""

    _pipelining_is_told = False

    def is_here(self) -> bool:
        """Where files of the API's side are looked for: where the token is got."""
        return self._task.args.get("obtain_on", "controller") != "host" or super().is_here()

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module, as often as it takes: to look for a token that still holds, then with a new one."""
        name = self._task.action
        self._pipelining_is_told = self._told(variables)
        if args.get("obtain_on", "controller") == "host":
            return self.module(name, args, variables)
        self._task.args = args
        _validation, params = self.validate_argument_spec(argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))

        def host(options: dict[str, Any]) -> Mapping[str, Any]:
            done = self.module(name, options, variables)
            done.pop("invocation", None)  # of the host's part; the password that it tells of is in fact a token
            if done.get("failed") or done.get("unreachable"):
                raise _HostFailed(done)
            return done

        api = Api(lambda: connect(params))
        try:
            return _login.run(params, api, host, check_mode=self._task.check_mode)
        except _HostFailed as exc:
            return dict(exc.args[0])
        except RegistryError as exc:
            return {"failed": True, "changed": False, "msg": str(exc), "api_requests": api.counts(), **exc.details}

    def _told(self, variables: dict[str, Any]) -> bool:
        """Whether a variable of the host says something about pipelining; what the task has is filled in by Ansible."""
        host = self._task.delegate_to or variables.get("inventory_hostname")
        known = variables.get("hostvars") or {}
        return host in known and any(name in known[host] for name in ("ansible_pipelining", "ansible_ssh_pipelining"))

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Have the module go through a pipe also where pipelining is off: else its options would lie in a file.

        Not where a variable says otherwise, as it has to where sudo wants a tty.
        """
        enabled = bool(super()._is_pipelining_enabled(module_style, wrap_async))
        if enabled or self._pipelining_is_told:
            return enabled
        become = self._connection.become
        can = self._connection.has_pipelining and (become is None or getattr(become, "pipelining", True))
        return bool(module_style == "new" and can and not wrap_async and not C.DEFAULT_KEEP_REMOTE_FILES)

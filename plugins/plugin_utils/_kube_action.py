# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of the API-side modules have in common: they find the kubeconfig as kubernetes.core does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.okd.registry.plugins.module_utils._args import argument_spec

display = Display()


def auth_options() -> frozenset[str]:
    """Names and aliases of the options that say how to reach the cluster: kubernetes.core's."""
    spec = argument_spec()
    return frozenset(spec) | {alias for option in spec.values() for alias in option.get("aliases") or ()}


def seconds(value: Any) -> float:
    """The option C(wait_timeout). Raises AnsibleActionFail where it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError) as exc:
        raise AnsibleActionFail(f"wait_timeout: {value!r} is not a number of seconds") from exc


class KubeAction(ActionBase):
    """Runs the module of the same name.

    Where the module runs on the controller (``connection: local``, ``delegate_to: localhost``), a kubeconfig given as a
    path is looked for beside the playbook and in the role's ``files``, and is decrypted if it is vaulted. On another
    host the path is that host's.
    """

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = True
    _parent = 0  # process of ansible-playbook

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; the copies that vaulted files are decrypted into are removed again."""
        self._parent = os.getppid()
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = dict(self._task.args)
        decrypted: list[str] = []
        try:
            for option in self.files(args):
                args.update(self._found(option, args.get(option), decrypted))
            result.update(self.work(args, variables))
        finally:
            for path in decrypted:
                self._loader.cleanup_tmp_file(path)
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def files(self, args: dict[str, Any]) -> tuple[str, ...]:  # noqa: ARG002 - for those who override it
        """Options that name files, which are looked for on the controller."""
        return ("kubeconfig",)

    def is_here(self) -> bool:
        """Whether the API is talked to from the controller, so that files are the controller's."""
        return bool(self._connection.transport == "local")

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module once. Plugins that do more override this."""
        return self.module(self._task.action, args, variables)

    def module(self, name: str, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The result of one run of a module on the task's host, while Ansible itself is alive.

        A kill of ansible-playbook does not reach its workers (they have sessions of their own). Another run may be at
        work by then, so this one must neither wait on nor write anything more.
        """
        if self._parent and os.getppid() != self._parent:
            raise AnsibleActionFail("Ansible itself has ended, so this task ends too. Run again.")
        return dict(self._execute_module(module_name=name, module_args=args, task_vars=variables))

    @staticmethod
    def teller(variables: dict[str, Any]) -> Callable[[str], None]:
        """Shows a line of progress, with the host that it is about."""
        host = variables.get("inventory_hostname")
        return lambda line: display.display(f"  [{host}] {line}" if host else f"  {line}")

    def _found(self, option: str, value: Any, decrypted: list[str]) -> dict[str, Any]:
        """The option with real paths (several may be joined, as in KUBECONFIG), if it has to change."""
        if not isinstance(value, str) or not value or not self.is_here():
            return {}
        paths = []
        for part in filter(None, value.split(os.pathsep)):
            try:
                path = self._find_needle("files", part)
            except AnsibleError as exc:
                raise AnsibleActionFail(f"{option}: there is no file {part} on the controller: {exc}") from exc
            real = self._loader.get_real_file(path, decrypt=True)
            if real != path:
                decrypted.append(real)
            paths.append(real)
        return {option: os.pathsep.join(paths)}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that ask the API, run in this process: an Ansible run for each of many registries takes long."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
import sandbox

Object = dict[str, Any]
_HANDED_ON = re.compile(r'^    (\w+): "\{\{ (registry_\w+) \| default\(omit\) \}\}"$', re.MULTILINE)


@dataclass
class Modules:
    """Runs modules in a namespace as the administrator, or as somebody else."""

    kubeconfig: str
    namespace: str
    user: str | None = None

    def __call__(self, module: ModuleType, *, check: bool = False, **params: Any) -> Object:
        """Run a module's main(); its result, also that of a failure."""
        from ansible.module_utils.common import warnings
        from ansible.module_utils.testing import patch_module_args

        # A module is a process of its own elsewhere; here the one before has left its warnings.
        warnings._global_warnings.clear()
        warnings._global_deprecations.clear()
        asked = {"kubeconfig": self.kubeconfig, "namespace": self.namespace, **params}
        if self.user:
            asked["impersonate_user"] = self.user
        printed = io.StringIO()
        with (
            patch_module_args({**asked, "_ansible_check_mode": check}),
            contextlib.redirect_stdout(printed),
            pytest.raises(SystemExit),
        ):
            module.main()
        result: Object = json.loads(printed.getvalue())
        return result

    def as_user(self, name: str) -> Modules:
        """The same as a user without any rights of his own."""
        return Modules(self.kubeconfig, self.namespace, name)


def module(name: str) -> ModuleType:
    """A module of the collection."""
    return importlib.import_module(f"ansible_collections.okd.registry.plugins.modules.{name}")


def options(tasks: str, variables: Mapping[str, Any]) -> Object:
    """The options that a role's task hands on as they are, of those that the variables say.

    :param tasks: path of the file with the task, below C(roles).
    """
    text = (sandbox.ROOT / "roles" / tasks).read_text(encoding="utf-8")
    return {option: variables[name] for option, name in _HANDED_ON.findall(text) if name in variables}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share: Hypothesis' settings, the tools' import path and a way to run a module's main()."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.plugins.loader import init_plugin_loader
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]
# As in a real run, Ansible finds the collections itself; what is imported before it does would lack their metadata.
init_plugin_loader()
sys.path.insert(0, str(ROOT / "tests" / "tools"))

# A busy machine is no reason to fail. In CI the same examples each time; at a desk new ones, and very many of them with
# HYPOTHESIS_PROFILE=thorough.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def run_module() -> RunModule:
    """Runs a module's main() with arguments as Ansible hands them over and returns what it printed.

    C(run_module(module, {"name": "x"}, check=True, diff=True)); the result has C(failed) as the module says it.
    """
    from ansible.module_utils.testing import patch_module_args

    def run(
        module: ModuleType, params: Mapping[str, Any], *, check: bool = False, diff: bool = False
    ) -> dict[str, Any]:
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff}
        printed = io.StringIO()
        captured = contextlib.redirect_stdout(printed)
        with patch_module_args({**params, **internal}), captured, pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(printed.getvalue())
        return result

    return run

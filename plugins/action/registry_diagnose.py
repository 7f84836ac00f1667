# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_diagnose."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS
from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction, auth_options

_INFO = "okd.registry.registry_info"
_SHARED = frozenset({"secret_name", "ca_config_map", "inventory", *COMMON, *ENDPOINTS})
#: Of a result, what is no fact.
_NOISE = ("invocation", "warnings", "deprecations", "exception")


class ActionModule(KubeAction):
    """Asks registry_info first, where its answer is not given."""

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run registry_info where it is needed, and the module with its answer."""
        if args.get("info") is not None:
            return self.module(self._task.action, args, variables)
        asked = {key: value for key, value in args.items() if key in _SHARED or key in auth_options()}
        info = self.module(_INFO, {**asked, "gather_subset": ["served"]}, variables)
        if info.get("failed"):
            return info
        facts = {key: value for key, value in info.items() if not key.startswith("_") and key not in _NOISE}
        result = self.module(self._task.action, {**args, "info": facts}, variables)
        return {**result, "api_requests": _sum(info, result)}


def _sum(*results: dict[str, Any]) -> dict[str, int]:
    """All requests together."""
    counted = [result.get("api_requests") or {} for result in results]
    return {
        verb: sum(int(one.get(verb, 0)) for one in counted) for verb in {key: None for one in counted for key in one}
    }

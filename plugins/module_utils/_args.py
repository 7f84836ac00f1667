# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several modules share. The documentation of each is in the doc fragment of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

# Fragment okd.registry.registry_common
COMMON: dict[str, Any] = {
    "name": {"type": "str", "default": "docker-registry"},
    "namespace": {"type": "str", "default": "default"},
}

# Fragment okd.registry.registry_endpoints
ENDPOINTS: dict[str, Any] = {
    "route_host": {"type": "str"},
    "extra_hosts": {"type": "list", "elements": "str", "default": []},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "port": {"type": "int", "default": 5000},
}


def argument_spec(*parts: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """A module's argument spec: kubernetes.core's authentication options, shared parts, and the module's own options.

    Each call gives fresh dicts, since Ansible writes into them.
    """
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

    spec: dict[str, Any] = deepcopy(AUTH_ARG_SPEC)
    for part in parts:
        spec.update(deepcopy(dict(part)))
    spec.update(deepcopy(options))
    return spec


def auth_names() -> dict[str, str]:
    """kubernetes.core's settings of a connection -> the options that give them."""
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP

    return dict(AUTH_ARG_MAP)

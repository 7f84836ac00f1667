# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several modules share. The documentation of each is in the doc fragment of the same name.

One of these modules also runs on nodes, so this is for Python 3.6, as what is in ``_node`` is.
"""

from copy import deepcopy
from typing import Any, Dict, Mapping

# Fragment okd.registry.registry_common
COMMON: Dict[str, Any] = {
    "name": {"type": "str", "default": "docker-registry"},
    "namespace": {"type": "str", "default": "default"},
}

# Fragment okd.registry.registry_endpoints
ENDPOINTS: Dict[str, Any] = {
    "route_host": {"type": "str"},
    "extra_hosts": {"type": "list", "elements": "str", "default": []},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "port": {"type": "int", "default": 5000},
}


def argument_spec(*parts: Mapping[str, Any], **options: Any) -> Dict[str, Any]:
    """A module's argument spec: kubernetes.core's authentication options, shared parts, and the module's own options.

    Each call gives fresh dicts, since Ansible writes into them.
    """
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

    spec: Dict[str, Any] = deepcopy(AUTH_ARG_SPEC)
    for part in parts:
        spec.update(deepcopy(dict(part)))
    spec.update(deepcopy(options))
    return spec


def auth_names() -> Dict[str, str]:
    """kubernetes.core's settings of a connection -> the options that give them."""
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP

    return dict(AUTH_ARG_MAP)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of registry_htpasswd."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.plugin_utils._kube_action import KubeAction


class ActionModule(KubeAction):
    """Finds the kubeconfig, then runs the module."""

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on where and how a registry's pods run. The argument spec is in ``module_utils/_options/pod.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_pod``."""

    DOCUMENTATION = r"""
options:
  node_selector:
    description:
      - Labels of the nodes that the pods may run on.
    type: dict
  resources:
    description:
      - Resource requests and limits of the container, as Kubernetes has them. By default, requests of 100m CPU and
        256Mi memory.
    type: dict
"""

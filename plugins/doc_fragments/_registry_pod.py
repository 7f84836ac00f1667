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
  affinity:
    description:
      - Which nodes and neighbours the pods want or shun, as Kubernetes has it (C(nodeAffinity), C(podAffinity),
        C(podAntiAffinity)).
      - What others have set at places of which nothing is said here stays. The lists of terms are whole.
    type: dict
  tolerations:
    description:
      - Taints of nodes that the pods put up with, each as Kubernetes has it (C(key), C(operator), C(value), C(effect),
        C(tolerationSeconds)). Those that others have added stay beside them.
    type: list
    elements: dict
  priority_class:
    description:
      - Name of the PriorityClass of the pods.
    type: str
  fs_group:
    description:
      - Number of the group that volumes of the pods belong to. Fit for a volume of the registry alone, such as block
        storage.
    type: int
  supplemental_groups:
    description:
      - Numbers of further groups of the pods' processes, such as the group of an NFS export. Those that others have
        added stay beside them.
    type: list
    elements: int
  pull_secrets:
    description:
      - Names of Secrets in the registry's namespace with credentials to pull its own image by. The service account's
        count too.
    type: list
    elements: str
  extra_ports:
    description:
      - Ports of the container beside O(port), such as that of O(env) C(REGISTRY_HTTP_DEBUG_ADDR). The Service leads to
        O(port) only.
    type: list
    elements: int
  resources:
    description:
      - Resource requests and limits of the container, as Kubernetes has them. By default what there is, at first
        requests of 100m CPU and 256Mi memory.
    type: dict
  pod_disruption_budget:
    description:
      - How many pods a drain of nodes has to leave. It becomes a PodDisruptionBudget of the registry's name, which goes
        again when this is left out.
      - Refused where it would let none of C(replicas) go, so that every drain would wait for ever
        (O(ignore_guards) V(drain)), and with a DaemonSet.
    type: dict
    suboptions:
      min_available:
        description:
          - Pods that have to stay, as a number or a percentage such as V(50%).
        type: str
      max_unavailable:
        description:
          - Pods that may be away, as a number or a percentage.
        type: str
"""

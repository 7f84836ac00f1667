# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the API-side modules share, described once; the argument specs are in ``module_utils/_args.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_common`` (which registry) and ``.endpoints`` (under which names it is reached)."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the registry; its Service, workload and, unless said otherwise, its other objects are called so.
    type: str
    default: docker-registry
  namespace:
    description:
      - Namespace (project) the registry lives in. It must exist.
    type: str
    default: default
requirements:
  - python >= 3.10
  - kubernetes >= 24.2.0
  - PyYAML >= 5.4
notes:
  - Runs where the API server can be reached; neither pods nor Service addresses need be reachable from there.
  - Every write is a JSON Patch that carries the C(resourceVersion) which was read. What the collection owns in an
    object is recorded in its annotation C(okd.registry/owned); all other fields are left as they are.
"""

    ENDPOINTS = r"""
options:
  route_host:
    description:
      - Host of the Route to the registry, reached at port 443. Counts among the endpoints whether the Route is there
        yet or not.
    type: str
  extra_hosts:
    description:
      - Further names under which the registry is reached, as V(host) (port 443) or V(host:port).
    type: list
    elements: str
    default: []
  cluster_domain:
    description:
      - The cluster's DNS domain.
    type: str
    default: cluster.local
  port:
    description:
      - Port of the Service, and the port the registry listens at.
    type: int
    default: 5000
"""

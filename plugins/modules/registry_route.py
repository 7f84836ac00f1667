# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expose the registry by a Route."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_route
short_description: Expose a cluster's image registry by a passthrough Route
description:
  - Makes a passthrough Route to the registry's Service, or takes over the one that leads there already, whatever its
    name.
  - Waits until a router has admitted it, and says why where none does.
  - With passthrough, clients see the registry's own certificate, so its names must cover the Route's host. Name a
    wanted host in the C(route_host) option of the other modules from the beginning.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._registry_common.endpoints
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
options:
  route_name:
    description:
      - Name of the Route.
      - Left out, the Route that leads to the Service already is taken, and a new one is called like the registry.
    type: str
  route_host:
    description:
      - Host of the Route. Setting one needs the right to C(routes/custom-host).
      - Left out, the live host stays, and a new Route gets one from the cluster.
    type: str
  secret_name:
    description:
      - Secret with the registry's certificate. Where it is there and does not cover O(route_host), the Route is
        refused, since every client would refuse the registry behind it.
    type: str
    default: registry-secret
  termination:
    description:
      - Where TLS ends.
    type: str
    choices: [passthrough]
    default: passthrough
  labels:
    description:
      - Labels of the Route; routers can be told to take in only Routes with certain labels.
    type: dict
    default: {}
  wait:
    description:
      - Wait until a router has admitted the Route.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for a router.
    type: int
    default: 60
  state:
    description:
      - V(present) makes the Route.
      - V(absent) deletes the one that O(route_name) names; left out, every Route to the Service that this module made
        or took over. One that others made is deleted only if O(route_name) names it.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_service
  - module: okd.registry.registry_cert
  - module: okd.registry.registry_trust
"""

EXAMPLES = r"""
- name: Expose the registry under a name of our own
  okd.registry.registry_route:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    route_host: registry.apps.example.com

- name: Expose it under a name that the cluster generates
  okd.registry.registry_route:
    kubeconfig: /etc/origin/master/admin.kubeconfig
  register: exposed

- name: Say which
  ansible.builtin.debug:
    var: exposed.route.host

- name: Expose it no longer
  okd.registry.registry_route:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    state: absent
"""

RETURN = r"""
route:
  description: The Route as it is; null when there is none.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    host:
      description: Its host; V((known after apply\)) in check mode where the cluster will generate one.
      type: str
    termination:
      description: Where TLS ends.
      type: str
    admitted:
      description: Whether a router has admitted it.
      type: bool
    router:
      description: The router that said so.
      type: str
    reason:
      description: Why it is not admitted, in one word, as the router says.
      type: str
    message:
      description: The router's own text on that.
      type: str
  sample:
    name: docker-registry
    namespace: default
    host: registry.apps.example.com
    termination: passthrough
    admitted: true
    router: router
    reason: null
    message: null
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Created Route default/docker-registry."]
resources:
  description: The objects looked after.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description: V(created), V(updated), V(unchanged) or V(deleted).
      type: str
  sample:
    - {api_version: route.openshift.io/v1, kind: Route, namespace: default, name: docker-registry, action: created}
registry:
  description:
    - The registry as far as this module knows it.
    - What the cluster will choose is V((known after apply\)) in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    cluster_ip:
      description: The Service's address.
      type: str
    port:
      description: The Service's port.
      type: int
    endpoints:
      description: The names image references can begin with; no port where it is 443.
      type: list
      elements: str
  sample:
    name: docker-registry
    namespace: default
    cluster_ip: 172.30.124.220
    port: 5000
    endpoints:
      - 172.30.124.220:5000
      - docker-registry.default.svc:5000
      - docker-registry.default.svc.cluster.local:5000
      - registry.apps.example.com
diff:
  description: The object before and after, as YAML.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 2, post: 1, patch: 0, delete: 0, discovery: 0, waiting: 2}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._route import execute

ARGUMENTS = {
    "route_name": {"type": "str"},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "termination": {"type": "str", "choices": ["passthrough"], "default": "passthrough"},
    "labels": {"type": "dict", "default": {}},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 60},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

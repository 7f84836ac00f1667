# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make sure that the registry has its Service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_service
short_description: Give a cluster's image registry its Service and address
description:
  - Creates the Service of the registry, or takes over the one that is there.
  - Its cluster IP is kept for ever. Image references, certificates and image streams name that address, so this module
    never deletes a Service nor makes it anew, and refuses a O(cluster_ip) that differs from the live one.
  - Returns all endpoints under which the registry is then reached; everything else (certificate names, trust
    directories, probes) is derived from that list.
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
  cluster_ip:
    description:
      - The address the Service is to have.
      - Left out, the live address stays, and a new Service gets one from the cluster.
    type: str
  ip_families:
    description:
      - Families of the Service's addresses, that of the first address first. It cannot be another one later.
      - Left out, the live ones stay, and a new Service gets what the cluster takes.
    type: list
    elements: str
    choices: [IPv4, IPv6]
  ip_family_policy:
    description:
      - Whether the Service has an address of each family. A Service that has one can get the second one later, and
        keeps both from then on; V(SingleStack) is refused for a Service that has two.
      - Left out, the live policy stays, and a new Service gets that of the cluster. Kubernetes has it from 1.20 on.
    type: str
    choices: [SingleStack, PreferDualStack, RequireDualStack]
  labels:
    description:
      - Labels of the Service, and what a new one selects where O(selector) is left out. By default C(<name>=default),
        which for V(docker-registry) is what C(oadm registry) has.
    type: dict
  selector:
    description:
      - Labels of the pods that the Service leads to.
      - Left out, a Service that exists keeps its selector, and a new one gets O(labels).
    type: dict
  session_affinity:
    description:
      - Whether a client stays with one pod. With several pods on one NFS volume, a push needs V(ClientIP).
    type: str
    choices: [ClientIP, "None"]
    default: ClientIP
  state:
    description:
      - The Service is to be there. There is no way to delete it with this module.
    type: str
    choices: [present]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_deploy
  - module: okd.registry.registry_cert
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: The registry's address, chosen by the cluster at first and kept from then on
  okd.registry.registry_service:
    kubeconfig: /etc/origin/master/admin.kubeconfig

- name: A certain address, and the names the registry will be reached by from outside
  okd.registry.registry_service:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    cluster_ip: 172.30.124.220
    route_host: registry.apps.example.com
    extra_hosts:
      - registry.example.com:5443
  register: address

- name: The names that image references can begin with
  ansible.builtin.debug:
    var: address.registry.endpoints
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Created Service default/docker-registry."]
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
      description: V(created), V(updated) or V(unchanged).
      type: str
  sample:
    - {api_version: v1, kind: Service, namespace: default, name: docker-registry, action: created}
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
      description: The Service's address; on dual-stack clusters the first one.
      type: str
    port:
      description: The Service's port.
      type: int
    endpoints:
      description:
        - The names image references can begin with, the Service's addresses (of both families) first; no port where it
          is 443, and an IPv6 address in brackets.
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
  sample: {get: 1, post: 1, patch: 0, delete: 0, discovery: 0, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._service import execute

ARGUMENTS = {
    "cluster_ip": {"type": "str"},
    "ip_families": {"type": "list", "elements": "str", "choices": ["IPv4", "IPv6"]},
    "ip_family_policy": {"type": "str", "choices": ["SingleStack", "PreferDualStack", "RequireDualStack"]},
    "labels": {"type": "dict"},
    "selector": {"type": "dict"},
    "session_affinity": {"type": "str", "choices": ["ClientIP", "None"], "default": "ClientIP"},
    "state": {"type": "str", "choices": ["present"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the registry's CA on every node by an agent in a DaemonSet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_trust_agent
short_description: Keep the registry's CA on every node, also on those that join later
description:
  - Runs a DaemonSet whose pods keep C(certs.d) of their node as M(okd.registry.registry_trust) would make it. It is
    meant for clusters that grow by themselves, where nobody runs Ansible for a new node.
  - The pods run the very files of this collection that M(okd.registry.registry_trust) runs on nodes, out of a
    ConfigMap, in an image with Python that you name. They keep the same record in C(/var/lib/okd-registry) under the
    same lock, so that both can work on one node, and touch only what is recorded there as the registry's.
  - A file that somebody removes or changes comes back, and a new CA in the ConfigMap is followed. Nothing is restarted,
    and insecure flags are neither looked at nor taken away; that is left to M(okd.registry.registry_trust).
  - The pods have no access to the API. They run as root, with three directories of their node and few capabilities; on
    OpenShift their account becomes one of the users of the SecurityContextConstraints C(privileged).
  - Names of the registry are those at the time of the call. Where they change (a new route, a further host), call this
    module again, before M(okd.registry.registry_trust), as C(playbooks/trust.yml) does.
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
  image:
    description:
      - Image of the pods, with C(python3) (3.6 or newer) in its path. Nothing else of it is used.
      - It is pulled by every node before that trusts the registry, so it must come from somewhere else.
      - Needed with O(state=present).
    type: str
  image_pull_secrets:
    description:
      - Names of Secrets by which the image is pulled.
    type: list
    elements: str
    default: []
  ca_config_map:
    description:
      - ConfigMap with the CA, under C(ca.crt). Left out, that of M(okd.registry.registry_cert), C(<name>-ca).
    type: str
  directories:
    description:
      - Where the agents place the CA on their nodes, for which engine. V(/etc/docker/certs.d) is docker's,
        V(/etc/containers/certs.d) that of Podman and CRI-O, V(/etc/containerd/certs.d) containerd's where its
        C(config_path) is that. What M(okd.registry.registry_trust) has placed elsewhere the agents leave alone.
      - The kubelet makes a directory that is missing, and these stay, empty, with O(state=absent).
    type: list
    elements: str
    choices: [/etc/docker/certs.d, /etc/containers/certs.d, /etc/containerd/certs.d]
    default: [/etc/docker/certs.d]
  interval:
    description:
      - For how many seconds an agent sleeps between two looks at its node. A new CA arrives there when the kubelet has
        brought it, which takes it a minute or two; at once, where this module is called again.
    type: int
    default: 60
  node_selector:
    description:
      - Labels of the nodes that get an agent. Left out, all nodes do, whatever their taints.
    type: dict
    default: {}
  write_nodes:
    description:
      - Whether to do it also where the image-registry operator of OpenShift 4 is, whose DaemonSet C(node-ca) takes
        every directory away that it does not know. M(okd.registry.registry_trust_config) is right there.
    type: bool
    default: false
  keep_files:
    description:
      - With O(state=absent), whether the registry's files stay on the nodes, and nothing but the agents goes. They stay
        recorded, so that M(okd.registry.registry_trust) goes on with them as its own.
      - That is how to begin the rotation of a CA, in which no node may be without one at any time.
    type: bool
    default: false
  wait:
    description:
      - Wait until the agents of all nodes say that their node is as wanted. How it goes is told meanwhile.
      - With O(state=absent), this is always waited for.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait.
    type: int
    default: 180
  state:
    description:
      - V(present) has an agent on every node.
      - V(absent) has each agent take away what was placed on its node for the registry, by itself or by
        M(okd.registry.registry_trust), and then deletes them. While a node has not done so, for instance because it is
        down, nothing is deleted. O(keep_files) leaves the files.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of the agent's code the hashes of its files are shown.
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_trust_config
  - module: okd.registry.registry_cert
"""

EXAMPLES = r"""
- name: Every node trusts the registry, those of tomorrow, too
  okd.registry.registry_trust_agent:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    image: registry.example.com/library/python:3.12-slim
    route_host: registry.apps.example.com

- name: No agent any more, and nothing of the registry left on the nodes
  okd.registry.registry_trust_agent:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    state: absent

- name: No agent any more, and every node trusts the registry as before
  okd.registry.registry_trust_agent:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    keep_files: true
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Created DaemonSet default/docker-registry-trust-agent."]
agent:
  description: The agent as it is then; null with O(state=absent).
  returned: success
  type: dict
  contains:
    name:
      description: Name of the DaemonSet, and of the ConfigMap and the account beside it.
      type: str
    namespace:
      description: Its namespace.
      type: str
    nodes:
      description: How many nodes are to have an agent.
      type: int
    ready:
      description: How many of these nodes are as wanted.
      type: int
  sample: {name: docker-registry-trust-agent, namespace: default, nodes: 3, ready: 3}
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
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
  sample:
    - {api_version: apps/v1, kind: DaemonSet, namespace: default, name: docker-registry-trust-agent, action: created}
registry:
  description: The registry as far as this module knows it.
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
      description: The names that the nodes trust.
      type: list
      elements: str
  sample:
    name: docker-registry
    namespace: default
    cluster_ip: 172.30.124.220
    port: 5000
    endpoints: ["172.30.124.220:5000", "docker-registry.default.svc:5000"]
diff:
  description: The objects before and after, as YAML.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 6, post: 3, patch: 1, delete: 0, discovery: 1, waiting: 4}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._build.trust_agent import DIRECTORIES
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._trustagent import execute

ARGUMENTS = {
    "image": {"type": "str"},
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},  # names of Secrets
    "ca_config_map": {"type": "str"},
    "directories": {
        "type": "list",
        "elements": "str",
        "choices": list(DIRECTORIES),
        "default": list(DIRECTORIES[:1]),
    },
    "interval": {"type": "int", "default": 60},
    "node_selector": {"type": "dict", "default": {}},
    "write_nodes": {"type": "bool", "default": False},
    "keep_files": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 180},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(
        execute,
        argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS),
        required_if=[("state", "present", ["image"])],
    )


if __name__ == "__main__":
    main()

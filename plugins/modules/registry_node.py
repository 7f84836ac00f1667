# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take Nodes out of service for the restart of their docker, and put them back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_node
short_description: Cordon and drain Nodes for a restart of their docker, and undo only that
description:
  - Takes Nodes out of service before their docker is restarted (O(state=cordoned), O(state=drained)), tells whether the
    control plane holds them for ready (O(state=ready)), and puts them back into service (O(state=uncordoned)).
  - A cordon made here is annotated with the registry it was made for. O(state=uncordoned) undoes such a cordon alone,
    also one that an interrupted run left; a Node that somebody else has cordoned stays cordoned.
  - Pods leave by eviction, so that PodDisruptionBudgets hold. Pods of DaemonSets and static pods stay.
  - Runs where the API can be reached, not on the Node, which may be out of reach meanwhile.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
options:
  nodes:
    description:
      - Names of the Nodes. RV(okd.registry.registry_info#module:nodes) tells which inventory host each is.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(cordoned) keeps new pods away. A Node that is cordoned already stays as it is.
      - V(drained) also evicts the pods that are there, and waits until they are gone.
      - V(uncordoned) undoes a cordon that was made here for this registry.
      - V(ready) waits until the Nodes' condition C(Ready) is true; in check mode it only looks.
    type: str
    choices: [cordoned, drained, uncordoned, ready]
    required: true
  timeout:
    description:
      - For how many seconds pods may take to leave, or a Node to become ready.
    type: int
    default: 300
  grace_period:
    description:
      - Within how many seconds evicted pods must end. Without it, each pod's own grace period holds.
    type: int
  delete_emptydir_data:
    description:
      - Evict pods, too, that keep something in an C(emptyDir), which is then lost. Without it they are named and
        nothing is evicted.
    type: bool
    default: false
  force:
    description:
      - Evict pods, too, that no controller makes anew. Without it they are named and nothing is evicted.
    type: bool
    default: false
  keep_pods:
    description:
      - Pods (C(namespace/name)) that stay, such as the registry's own, which may be able to run on no other Node.
    type: list
    elements: str
    default: []
  only_ready:
    description:
      - With O(state=uncordoned), leave a Node cordoned that is not ready, with a warning.
    type: bool
    default: false
  planned:
    description:
      - For check mode with O(state=uncordoned) alone. An earlier task of the same run cordons the Nodes, so that the
        undoing of that is announced.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details:
      - Pods come and go, so that the run may evict others than the check run has named.
  diff_mode:
    support: full
    details:
      - Of a Node only what is changed here is shown.
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: Nothing new on this node, and what can run elsewhere goes there
  okd.registry.registry_node:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    nodes: [node1.example.com]
    state: drained
    keep_pods: [default/docker-registry-1-x8k2p]
  delegate_to: localhost

- name: Wait until the control plane holds it for ready again
  okd.registry.registry_node:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    nodes: [node1.example.com]
    state: ready
    timeout: 120
  delegate_to: localhost

- name: Put it back into service, unless somebody else had cordoned it
  okd.registry.registry_node:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    nodes: [node1.example.com]
    state: uncordoned
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: always
  type: list
  elements: str
  sample: ["Cordoned Node node1 for default/docker-registry.", "Evicted Pod web/shop-5c9f."]
resources:
  description: The objects looked after.
  returned: always
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: V(Node) or V(Pod).
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description: V(updated), V(unchanged) or V(deleted).
      type: str
  sample:
    - {api_version: v1, kind: Node, namespace: null, name: node1, action: updated}
registry:
  description: The registry for whose sake it was done.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
  sample: {name: docker-registry, namespace: default}
nodes:
  description: The Nodes, as they are then.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    host:
      description: Always null here.
      type: str
    addresses:
      description: Its addresses and host names.
      type: list
      elements: str
    ready:
      description: Whether the control plane holds it for ready.
      type: bool
    schedulable:
      description: Whether new pods may come.
      type: bool
    cordoned_for:
      description: The registry (C(namespace/name)) for whose sake this module cordoned it; null where it did not.
      type: str
evicted:
  description: The pods that were evicted (C(namespace/name)).
  returned: always
  type: list
  elements: str
  sample: [web/shop-5c9f]
diff:
  description: What changed in the Nodes, before and after, as YAML.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 2, post: 0, patch: 1, delete: 0, discovery: 0, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._nodes import execute

ARGUMENTS = {
    "nodes": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["cordoned", "drained", "uncordoned", "ready"], "required": True},
    "timeout": {"type": "int", "default": 300},
    "grace_period": {"type": "int"},
    "delete_emptydir_data": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "keep_pods": {"type": "list", "elements": "str", "default": []},
    "only_ready": {"type": "bool", "default": False},
    "planned": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ARGUMENTS))


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name what keeps an image registry from its users."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_diagnose
short_description: Name what keeps an image registry from its users, with evidence and what mends it
description:
  - Looks at what M(okd.registry.registry_info) tells, at what M(okd.registry.registry_trust_info) and
    M(okd.registry.registry_check) told of hosts, and itself at the registry's rollout, pods, endpoints, claim, storage,
    log, image streams and token. Names every cause by rules, with what was seen and what mends it.
  - What is only a symptom of something that was found is left out. A registry that works has no findings.
  - Writes nothing, restarts nothing, and does not fail where it finds something. C(playbooks/diagnose.yml) asks all
    hosts, and fails as its variables say.
  - All names are in C(docs/diagnose.md).
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._registry_common.endpoints
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
  - okd.registry._attributes.info
options:
  info:
    description:
      - What M(okd.registry.registry_info) returned with V(served) in
        O(okd.registry.registry_info#module:gather_subset). Left out, it is asked with the other options of this task.
    type: dict
  secret_name:
    description:
      - Secret with the registry's certificate, where O(info) is left out.
    type: str
    default: registry-secret
  ca_config_map:
    description:
      - ConfigMap with the CA's certificate, where O(info) is left out. Its default is the registry's name with C(-ca)
        added.
    type: str
  inventory:
    description:
      - Where O(info) is left out, hosts of the inventory as in M(okd.registry.registry_info), so that Nodes which are
        none of them are named.
    type: dict
  hosts:
    description:
      - What hosts of the inventory told, by name. Each has C(trust) and C(check), which are what
        M(okd.registry.registry_trust_info) and M(okd.registry.registry_check) returned there, C(client) where it is no
        node of the cluster, and C(unreachable), a sentence where it could not be reached. All may be missing.
      - The filter P(okd.registry.registry_seen#filter) makes it of registered results.
    type: dict
    default: {}
  token:
    description:
      - The token with which the registry is used. Where the registry asks the cluster who somebody is (OpenShift's own,
        on a cluster with C(image.openshift.io), unless its variables or its configuration file name another C(auth)),
        the cluster is asked whether it is valid, and whether its user may push to O(project).
      - Elsewhere it may be a password, and nobody is asked. It is in no result.
    type: str
  project:
    description:
      - The project for that.
    type: str
  renew_before_days:
    description:
      - A certificate with fewer days left is told, as O(okd.registry.registry_cert#module:renew_before_days) has it
        renewed.
    type: int
    default: 30
  image_streams:
    description:
      - Whether all image streams of the cluster are read, where it has any.
    type: bool
    default: true
  look_inside:
    description:
      - Whether a command is run in the registry's pods that says whether they may write to their storage. It writes
        nothing.
    type: bool
    default: true
seealso:
  - module: okd.registry.registry_info
  - module: okd.registry.registry_trust_info
  - module: okd.registry.registry_check
"""

EXAMPLES = r"""
- name: What is wrong with the registry, as far as the cluster can tell?
  okd.registry.registry_diagnose:
    kubeconfig: /etc/origin/master/admin.kubeconfig
  register: diagnosis

- name: And as far as the nodes can tell?
  okd.registry.registry_diagnose:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    hosts: "{{ groups['registry_nodes'] | okd.registry.registry_seen(hostvars, 'node_trust', 'node_check') }}"
  register: diagnosis
  failed_when: diagnosis.findings | selectattr('severity', 'eq', 'error') | length > 0
"""

RETURN = r"""
findings:
  description: Every cause that was found, once for each host and object, errors first; empty where all is well.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name, which stays.
      type: str
    severity:
      description: V(error) where something does not work, V(warning) where it will not for long, or works unverified.
      type: str
    title:
      description: What it is.
      type: str
    party:
      description: Whose it is, one of V(cluster), V(node), V(client), V(pod), V(master).
      type: str
    host:
      description: The host of the inventory at which it is; null where it is not of one host.
      type: str
    object:
      description: The object that it is about; null without one.
      type: str
    endpoints:
      description: The names of the registry that it is about; empty where it is all of them.
      type: list
      elements: str
    evidence:
      description: What was seen, and where.
      type: list
      elements: str
    fix:
      description: What mends it.
      type: str
    command:
      description:
        - The command line that does so; null where there is none. Playbooks are named without an inventory, which the
          filter P(okd.registry.registry_findings_table#filter) adds.
      type: str
  sample:
    - name: node_lacks_ca
      severity: error
      title: a node lacks the CA
      party: node
      host: node2
      object: null
      endpoints: ["172.30.124.220:5000"]
      evidence: ["docker: no CA in /etc/docker/certs.d/172.30.124.220:5000"]
      fix: place it on this node; nothing is restarted for that
      command: ansible-playbook okd.registry.trust --limit node2
unread:
  description: What could not be read, and so was not judged, as sentences.
  returned: success
  type: list
  elements: str
  sample: []
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and reviews, and waiting apart.
  returned: always
  type: dict
  sample: {get: 9, post: 0, patch: 0, delete: 0, discovery: 3, waiting: 0}
"""

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._diagnose.gather import execute
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module

ARGUMENTS = {
    "info": {"type": "dict"},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "ca_config_map": {"type": "str"},
    "inventory": {"type": "dict"},
    "hosts": {"type": "dict", "default": {}},
    "token": {"type": "str", "no_log": True},
    "project": {"type": "str"},
    "renew_before_days": {"type": "int", "default": 30},
    "image_streams": {"type": "bool", "default": True},
    "look_inside": {"type": "bool", "default": True},
}


def hidden(module: Any, api: Api) -> dict[str, Any]:
    """The module's work. A token is used without the line's end that it may have: so it is hidden, too."""
    module.no_log_values.update(filter(None, [(module.params["token"] or "").strip()]))
    return execute(module, api)


def main() -> None:
    """Run the module."""
    run_module(hidden, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

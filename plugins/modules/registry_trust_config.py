# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have OpenShift 4 itself make its nodes trust a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_trust_config
short_description: Have OpenShift 4 make its nodes trust a registry
description:
  - On OpenShift 4 the image-registry operator's DaemonSet C(node-ca) owns C(/etc/docker/certs.d) of every node, and
    takes away what it does not know. Whom the nodes trust is said by a ConfigMap in C(openshift-config), which
    C(additionalTrustedCA) of C(image.config.openshift.io/cluster) names. This module keeps the registry's keys there.
  - A ConfigMap that is named there already is used, and all other keys in it stay as they are. Where none is named, one
    is made, and named. What is ours is noted, registry by registry.
  - A key of somebody else that has the very same certificates stays theirs; one that trusts others is refused.
  - The names and the CA of the operator's own registry need no key, since C(node-ca) has them from the service CA.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
options:
  endpoints:
    description:
      - All names of the registry as docker writes them, C(host:port), or C(host) where the port is 443.
        RV(okd.registry.registry_info#module:registry.endpoints) is that list. A ConfigMap's key has two dots where a
        name has the colon.
      - IPv6 addresses are left out, and told in RV(actions), for no key can say them.
      - In check mode, a name may hold C((known after apply)).
      - Needed with O(state=present).
    type: list
    elements: str
  trusted_ca:
    description:
      - The CA certificate of the registry as PEM text (O(ca_cert) is that of the API server); several one after another
        while a CA is being replaced. No private key.
      - In check mode, it may be C((known after apply)).
      - Needed with O(state=present).
    type: str
  config_map:
    description:
      - Name of the ConfigMap to make where C(image.config) names none yet.
    type: str
    default: okd-registry-trusted-ca
  state:
    description:
      - V(present) has the nodes trust the registry.
      - V(absent) takes the registry's keys away; with the last key, also the ConfigMap that this module made for the
        registry and its name in C(image.config).
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Certificates are shown as facts.
  idempotent:
    support: full
requirements:
  - cryptography >= 38.0
seealso:
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: Read the registry's names and CA
  okd.registry.registry_info:
    kubeconfig: ~/.kube/config
    name: builds-registry
    namespace: builds
  register: read

- name: Every node of this OpenShift 4 trusts it
  okd.registry.registry_trust_config:
    kubeconfig: ~/.kube/config
    name: builds-registry
    namespace: builds
    endpoints: "{{ read.registry.endpoints }}"
    trusted_ca: "{{ read.ca_cert }}"

- name: And no longer
  okd.registry.registry_trust_config:
    kubeconfig: ~/.kube/config
    name: builds-registry
    namespace: builds
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Updated ConfigMap openshift-config/registry-cas: data.builds-registry.builds.svc..5000."]
config_map:
  description: Where the registry's keys are.
  returned: success
  type: dict
  contains:
    namespace:
      description: Always C(openshift-config).
      type: str
    name:
      description: Its name.
      type: str
    keys:
      description: The registry's names as keys; none with O(state=absent).
      type: list
      elements: str
  sample: {namespace: openshift-config, name: registry-cas, keys: ["builds-registry.builds.svc..5000"]}
registry:
  description: The registry that this is about.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    endpoints:
      description: Its names as given in O(endpoints); none with O(state=absent).
      type: list
      elements: str
  sample: {name: builds-registry, namespace: builds, endpoints: ["builds-registry.builds.svc:5000"]}
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
      description: Its namespace; null where it has none.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
  sample:
    - {api_version: v1, kind: ConfigMap, namespace: openshift-config, name: registry-cas, action: updated}
    - {api_version: config.openshift.io/v1, kind: Image, namespace: null, name: cluster, action: unchanged}
diff:
  description: The objects before and after, as YAML.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 2, post: 0, patch: 1, delete: 0, discovery: 1, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._trustconfig import execute

ARGUMENTS = {
    "endpoints": {"type": "list", "elements": "str"},
    "trusted_ca": {"type": "str"},
    "config_map": {"type": "str", "default": "okd-registry-trusted-ca"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(
        execute,
        argument_spec=argument_spec(COMMON, ARGUMENTS),
        required_if=[("state", "present", ["endpoints", "trusted_ca"])],
    )


if __name__ == "__main__":
    main()

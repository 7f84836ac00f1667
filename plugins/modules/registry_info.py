# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a registry in the cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_info
short_description: Read what there is of a cluster's image registry
description:
  - Reads a registry's address and endpoints, workload, pods, certificate, CA and Route from the cluster.
  - With O(served), looks through the API server at the certificate that each pod really serves, and at what its log
    says.
  - What the user may not read is left out, with a warning.
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
  cluster_ip:
    description:
      - The address the Service is going to have, for the endpoints returned in check mode before there is a Service.
    type: str
  secret_name:
    description:
      - Secret with the registry's certificate.
    type: str
    default: registry-secret
  ca_config_map:
    description:
      - ConfigMap with the CA's certificate. Its default is the registry's name with C(-ca) added.
    type: str
  served:
    description:
      - Fetch the certificate that each running pod serves, by a port-forward through the API server, and read its log.
    type: bool
    default: false
  inventory:
    description:
      - Hosts of an inventory, each with the names and addresses by which it is known there. The cluster's Nodes are
        then listed in RV(nodes), each with the host that it is.
      - A host is told by a Node's addresses, else by its name or its label C(kubernetes.io/hostname).
    type: dict
  uncovered:
    description:
      - What to do about Nodes that no host of O(inventory) is, whether pods can run on them or not, since whatever
        is done host by host leaves them out.
      - V(warn) names them in a warning, V(fail) in an error, V(ignore) only in RV(uncovered).
    type: str
    choices: [warn, fail, ignore]
    default: ignore
seealso:
  - module: okd.registry.registry_deploy
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_node
"""

EXAMPLES = r"""
- name: Read the registry's names and CA
  okd.registry.registry_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
  register: found

- name: Trust it on this host
  okd.registry.registry_trust:
    registry: default/docker-registry
    endpoints: "{{ found.registry.endpoints }}"
    ca_cert: "{{ found.ca_cert }}"

- name: Does every pod serve the certificate of the Secret?
  okd.registry.registry_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    served: true
  register: proof
  failed_when: proof.served | rejectattr('matches') | length > 0
"""

RETURN = r"""
registry:
  description:
    - The registry's names.
    - Hosts of passthrough Routes that lead to the Service are among the endpoints.
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
      description:
        - The Service's address; null without a Service.
        - In check mode, without a Service, the wanted address or V((known after apply\)).
      type: str
    port:
      description: The Service's port.
      type: int
    endpoints:
      description: The names image references can begin with; no port where it is 443.
      type: list
      elements: str
    image:
      description: The image it runs.
      type: str
    replicas:
      description: How many pods are wanted.
      type: int
    storage:
      description: Where it keeps images; the same as RV(workload.storage).
      type: dict
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
    image: openshift3/ose-docker-registry:v3.11
    replicas: 1
    storage: {kind: pvc, volume_name: registry-storage, mount_path: /registry, source: {claimName: registry-claim}}
ca_cert:
  description: The CA's certificate (PEM), from the ConfigMap; null without one.
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    ...
ca:
  description: The published CAs, as RV(okd.registry.registry_cert#module:ca); empty without any.
  returned: success
  type: list
  elements: dict
  sample:
    - subject: CN=registry-ca@1716000000
      sha256: 9c1f...
      not_after: "2029-05-17T02:40:00Z"
      days_left: 900
      signs: true
node_ca:
  description:
    - Whether the image-registry operator of OpenShift 4 is there, whose DaemonSet C(node-ca) owns C(certs.d) of every
      node. M(okd.registry.registry_trust_config) tells it whom to trust.
  returned: success
  type: bool
  sample: false
certificate:
  description:
    - Facts about the certificate in the Secret, as RV(okd.registry.registry_cert#module:certificate); null without one.
  returned: success
  type: dict
  sample:
    subject: CN=docker-registry.default.svc
    sans: [docker-registry.default.svc, 172.30.124.220]
    issuer: CN=registry-ca@1716000000
    serial: 1F
    not_before: "2026-01-01T00:00:00Z"
    not_after: "2028-01-01T00:00:00Z"
    days_left: 730
    sha256: 5f2a...
    key_type: RSA
    key_size: 2048
    signature_algorithm: RSA_WITH_SHA256
    chain_length: 2
workload:
  description: The workload; null without one.
  returned: success
  type: dict
  contains:
    api_version:
      description: Its API version.
      type: str
    kind:
      description: DeploymentConfig, Deployment or DaemonSet.
      type: str
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    revision:
      description: Number of its latest rollout.
      type: int
    image:
      description: The image it runs.
      type: str
    replicas:
      description: How many pods are wanted.
      type: int
    ready_replicas:
      description: How many pods are ready.
      type: int
    storage:
      description: Kind, volume name, mount path and source of the volume at C(/registry); null without one.
      type: dict
layout:
  description: Which tool made the registry, and what about it matters.
  returned: success
  type: dict
  contains:
    name:
      description:
        - V(oadm-3.0) as the document of OpenShift 3.0 has it; V(oadm) and V(oadm-tls), of later versions without and
          with C(--tls-certificate); V(openshift-ansible); V(okd.registry), this collection; V(operator), the
          image-registry operator; V(plain), none of these; V(none) where there is no registry.
      type: str
    kind:
      description: Kind of the workload; V(Config) with the operator.
      type: str
    tls:
      description: Whether it serves TLS.
      type: bool
    tls_secret:
      description: The Secret with its certificate; null where it comes from elsewhere.
      type: str
    tls_mount_path:
      description: Where the container has that Secret.
      type: str
    storage:
      description: Kind of its storage; null where only a configuration file says it.
      type: str
    claim:
      description: The claim with its images.
      type: str
    service_account:
      description: That its pods run as; null for the namespace's default one.
      type: str
    config:
      description: The Secret or ConfigMap with its configuration file.
      type: str
      sample: Secret registry-config
    differences:
      description: What matters when it is taken over, as sentences.
      type: list
      elements: str
      sample:
        - credentials of openshift-registry in clear in the environment
        - volume v1 (claim registry-claim) is mounted at /registry2 and is not used for images
route:
  description: The Route to the Service, as RV(okd.registry.registry_route#module:route); null without one.
  returned: success
  type: dict
pods:
  description: The pods that the Service leads to.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    node:
      description: Name of the Node it runs on; null before it is scheduled.
      type: str
    node_addresses:
      description: All addresses of that Node; by these, inventory hosts can be told.
      type: list
      elements: str
    phase:
      description: Its phase.
      type: str
    ready:
      description: Whether it is ready.
      type: bool
    image:
      description: The image it runs.
      type: str
nodes:
  description: The cluster's Nodes; empty without O(inventory).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    host:
      description: The host of O(inventory) that it is; null where none is.
      type: str
    addresses:
      description: Its addresses and host names, as the cluster has them.
      type: list
      elements: str
    ready:
      description: Whether the control plane holds it for ready.
      type: bool
    schedulable:
      description: Whether new pods may come.
      type: bool
    cordoned_for:
      description:
        - The registry (C(namespace/name)) for whose sake M(okd.registry.registry_node) cordoned it; null where it did
          not.
      type: str
  sample:
    - name: node1
      host: node1.example.com
      addresses: [192.0.2.11, node1]
      ready: true
      schedulable: true
      cordoned_for: null
uncovered:
  description: Names of the Nodes that no host of O(inventory) is.
  returned: success
  type: list
  elements: str
  sample: []
served:
  description: What each running pod serves; empty without O(served).
  returned: success
  type: list
  elements: dict
  contains:
    pod:
      description: Its name.
      type: str
    node:
      description: Name of the Node it runs on.
      type: str
    sha256:
      description: SHA-256 of the certificate served; null when it serves none.
      type: str
    matches:
      description: Whether that is the certificate in the Secret.
      type: bool
    tls:
      description: Whether its log says that it listens with TLS, or (where the log lacks that line) whether it does.
      type: bool
    listening:
      description: The address it listens at, from its log.
      type: str
    error:
      description: Why something could not be found out; null otherwise.
      type: str
  sample:
    - pod: docker-registry-1-cpty9
      node: node1
      sha256: 5f2a...
      matches: true
      tls: true
      listening: "[::]:5000"
      error: null
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 8, post: 0, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._info import execute
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module

ARGUMENTS = {
    "cluster_ip": {"type": "str"},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "ca_config_map": {"type": "str"},
    "served": {"type": "bool", "default": False},
    "inventory": {"type": "dict"},
    "uncovered": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "ignore"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

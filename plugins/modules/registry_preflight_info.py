# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that would stop a run, found at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_preflight_info
short_description: Find everything that would stop the deployment of an image registry
description:
  - Looks at the variables, the CA's files, the cluster and the user's rights, and returns all problems at once.
  - Does not fail where it finds problems, and changes nothing.
  - Takes the options of M(okd.registry.registry_deploy), since it depends on them which rights are needed. All that are
    missing are named, with the rules that would give them.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._registry_common.endpoints
  - okd.registry._registry_storage
  - okd.registry._registry_storage.guards
  - okd.registry._registry_pod
  - okd.registry._registry_settings
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
  - okd.registry._attributes.info
options:
  cluster_ip:
    description:
      - The wanted address of the Service. Must be that of the live Service, or else free and in range.
    type: str
  ca:
    description:
      - The CA that signs the registry's certificate, as files where this module runs; with O(certificate), the one that
        clients are to trust.
    type: dict
    suboptions:
      cert_path:
        description:
          - Its certificate (PEM).
        type: path
      cert_content:
        description:
          - The same as text, with O(certificate) alone.
        type: str
      key_path:
        description:
          - Its key (PEM). Required for a CA that signs.
        type: path
      serial_path:
        description:
          - Its file of serial numbers.
        type: path
      passphrase:
        description:
          - Passphrase of the key.
        type: str
      create:
        description:
          - It will be made where it is missing, so missing files are no problem.
        type: bool
        default: false
  certificate:
    description:
      - A certificate that was made elsewhere, as in M(okd.registry.registry_cert).
    type: dict
    suboptions:
      cert_path:
        description:
          - The certificate (PEM).
        type: path
      cert_content:
        description:
          - The same as text.
        type: str
      key_path:
        description:
          - Its private key (PEM).
        type: path
      key_content:
        description:
          - The same as text.
        type: str
      chain_path:
        description:
          - Certificates between it and its root (PEM).
        type: path
      chain_content:
        description:
          - The same as text.
        type: str
      passphrase:
        description:
          - Passphrase of the key.
        type: str
  route_generated:
    description:
      - Whether the cluster is to generate the Route's host, where O(route_host) is left out. Then no right is needed to
        choose one, but for V(reencrypt) in O(route_termination), where OpenShift asks for it since the Route brings a
        CA.
    type: bool
    default: false
  route_termination:
    description:
      - Where TLS ends on the way through the router, as O(okd.registry.registry_route#module:termination).
    type: str
    choices: [passthrough, reencrypt, edge]
    default: passthrough
  route_kind:
    description:
      - What is to lead to the registry from outside, as O(okd.registry.registry_route#module:kind); which rights are
        needed depends on it.
    type: str
    choices: [route, ingress, node_port, load_balancer]
    default: route
  secret_name:
    description:
      - Secret for the certificate.
    type: str
    default: registry-secret
  kind:
    description:
      - Kind of the workload.
    type: str
    choices: [auto, DeploymentConfig, Deployment, DaemonSet]
    default: auto
  image:
    description:
      - Image of the registry.
    type: str
  managed_by:
    description:
      - Whose the registry is, as in M(okd.registry.registry_deploy).
    type: str
    choices: [auto, operator, self]
    default: auto
  on_failure:
    description:
      - What becomes of a deployment that fails, as in M(okd.registry.registry_deploy). To put it back takes rights.
    type: str
    choices: [keep, rollback]
    default: keep
  cordon:
    description:
      - Whether Nodes are cordoned before their docker is restarted, as O(okd.registry.registry_node#module:state)
        says it; which rights are needed depends on it.
    type: bool
    default: false
  drain:
    description:
      - Whether they are drained too.
    type: bool
    default: false
  service_account:
    description:
      - Service account of the registry's pods.
    type: str
    default: registry
  cluster_role:
    description:
      - ClusterRole for the registry's service account. On OpenShift, C(system:registry) is looked for where this is
        left out.
    type: str
  trust_agent:
    description:
      - Whether M(okd.registry.registry_trust_agent) is to be called, too. It takes rights of its own.
    type: bool
    default: false
requirements:
  - "For O(ca) and O(certificate): cryptography >= 38.0"
seealso:
  - module: okd.registry.registry_info
  - module: okd.registry.registry_deploy
"""

EXAMPLES = r"""
- name: Look before anything is touched
  okd.registry.registry_preflight_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    route_host: registry.apps.example.com
    ca:
      cert_path: /etc/origin/master/ca.crt
      key_path: /etc/origin/master/ca.key
    storage:
      kind: pvc
      claim_name: registry-claim
    image: registry.redhat.io/openshift3/ose-docker-registry:v3.11
  register: preflight

- name: Stop where something is wrong
  ansible.builtin.assert:
    that: preflight.problems | length == 0
    fail_msg: "{{ preflight.problems }}"
"""

RETURN = r"""
problems:
  description: Everything that would stop a run, each as a sentence; empty when nothing is wrong.
  returned: success
  type: list
  elements: str
  sample:
    - >-
      storage.claim_name: PersistentVolumeClaim default/registry-claim does not exist. There are none; create one first
cluster:
  description: What kind of cluster it is; null when it could not be reached.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the API server.
      type: str
    openshift:
      description: V(3) or V(4); null for other Kubernetes.
      type: int
    has_routes:
      description: Whether there is a Route API.
      type: bool
    has_deployment_configs:
      description: Whether there is a DeploymentConfig API.
      type: bool
  sample: {version: v1.11.0+d4cacc0, openshift: 3, has_routes: true, has_deployment_configs: true}
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 7, post: 0, patch: 0, delete: 0, discovery: 3, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._options import certificate, pod, settings, storage
from ansible_collections.okd.registry.plugins.module_utils._preflight import execute
from ansible_collections.okd.registry.plugins.module_utils._routespec import KINDS, TERMINATIONS

ARGUMENTS = {
    "cluster_ip": {"type": "str"},
    "route_generated": {"type": "bool", "default": False},
    "route_termination": {"type": "str", "choices": list(TERMINATIONS), "default": "passthrough"},
    "route_kind": {"type": "str", "choices": list(KINDS), "default": "route"},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "kind": {"type": "str", "choices": ["auto", *API_VERSIONS], "default": "auto"},
    "image": {"type": "str"},
    "managed_by": {"type": "str", "choices": ["auto", "operator", "self"], "default": "auto"},
    "on_failure": {"type": "str", "choices": ["keep", "rollback"], "default": "keep"},
    "cordon": {"type": "bool", "default": False},
    "drain": {"type": "bool", "default": False},
    "service_account": {"type": "str", "default": "registry"},
    "cluster_role": {"type": "str"},
    "trust_agent": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    spec = argument_spec(COMMON, ENDPOINTS, certificate.SPEC, storage.SPEC, pod.SPEC, settings.SPEC, ARGUMENTS)
    run_module(execute, argument_spec=spec)


if __name__ == "__main__":
    main()

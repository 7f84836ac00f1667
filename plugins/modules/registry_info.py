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
  - What costs more requests is asked only when it is named in O(gather_subset) - the certificate that each pod really
    serves, how full the storage is, logs, and image streams.
  - What the user may not read, or what an API of the cluster cannot tell at the moment (5xx), is left out, with a
    warning, and told in RV(unread). Where nothing at all of the registry can be read because of such an API, it fails.
  - Of a workload with several containers none of which is called C(registry), the one with variables C(REGISTRY_…), or
    else the first one, is taken for the registry's, with a warning.
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
      - Secret with the registry's certificate. Where there is none of that name, or no certificate in it, the one is
        read that the registry has mounted for its certificate.
    type: str
    default: registry-secret
  ca_config_map:
    description:
      - ConfigMap with the CA's certificate. Its default is the registry's name with C(-ca) added; of the registry of
        OpenShift 4's image-registry operator, C(serviceca), in which the operator keeps the cluster's service CA.
    type: str
  gather_subset:
    description:
      - What to ask for beside what is always returned.
      - V(served) fetches the certificate that each running pod serves, by a port-forward through the API server, and
        reads its log for what it listens at. Two requests for each pod.
      - V(storage) runs C(df) in a pod. One request, and another where a configuration file says where the images are.
      - V(logs) reads the log of each pod. One request for each pod.
      - V(image_streams) lists the image streams of all namespaces. One request for 500 of them.
    type: list
    elements: str
    choices: [served, storage, logs, image_streams, all]
    default: []
  logs:
    description:
      - Which part of the logs to return; the same as V(logs) in O(gather_subset), without which it is all of them.
      - No more than 10 MiB of each log are read, from the beginning of that part. RV(logs[].truncated) says where there
        is more; O(logs.tail) and O(logs.since) give the newest.
    type: dict
    suboptions:
      tail:
        description:
          - No more than so many lines, the last ones, before O(logs.grep) is looked for.
        type: int
      since:
        description:
          - No older lines than so long (C(90s), C(10m), C(2h), C(1d)) or than a time (C(2026-05-01T19:48:36Z)).
          - A length of 0 is refused.
        type: str
      grep:
        description:
          - Only lines in which this regular expression, in Python's syntax, is found.
        type: str
      previous:
        description:
          - The logs of the containers' runs before their last restart.
        type: bool
        default: false
  query:
    description:
      - JMESPath expression over what is returned; what it finds is RV(queried).
    type: str
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
requirements:
  - "For O(query): jmespath >= 1.0"
  - "For facts about certificates and CAs that are there: cryptography >= 38.0"
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

- name: What did it say of TLS, as by oc logs and grep?
  okd.registry.registry_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    logs: {grep: tls}
    query: "logs[].lines[].text"
  register: said

- name: How full is its storage, and which image streams still have an old address of it?
  okd.registry.registry_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    gather_subset: [storage, image_streams]
    query: "{free: storage.free_bytes, old: image_streams[?stale].repository}"
  register: state

- name: Does every pod serve the certificate of the Secret?
  okd.registry.registry_info:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    gather_subset: [served]
  register: proof
  failed_when: proof.served | rejectattr('matches') | length > 0
"""

RETURN = r"""
registry:
  description:
    - The registry's names.
    - Hosts of passthrough Routes that lead to the Service are among the endpoints. The Service's address is, but for
      the registry of OpenShift 4's image-registry operator, whose certificate is for names alone.
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
    cluster_ips:
      description: All addresses of the Service, two of them on dual-stack clusters; empty without any.
      type: list
      elements: str
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
    cluster_ips: [172.30.124.220]
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
  description:
    - The CA's certificate (PEM), from the ConfigMap; null without one. Of the registry of OpenShift 4's image-registry
      operator it is the service CA.
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
    - The Secret is RV(certificate_secret).
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
certificate_secret:
  description: The Secret with RV(certificate), O(secret_name) or else RV(layout.tls_secret); null without one.
  returned: success
  type: str
  sample: registry-secret
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
      description:
        - Whether it is told to serve TLS; null where only a configuration file would say so, and that cannot be read.
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
  description:
    - The Route to the Service, as RV(okd.registry.registry_route#module:route); null without one.
    - Of several, the one with O(route_host), where there is one.
    - Beside that, C(certificate) has the facts of the Route's own certificate as RV(certificate) has them, where a
      router ends TLS with one; null otherwise.
  returned: success
  type: dict
routes:
  description: All Routes to the Service, each as RV(route), that one first.
  returned: success
  type: list
  elements: dict
router_endpoints:
  description:
    - Hosts of Routes to the Service at which a router ends TLS, so that its certificate is seen there and not the
      registry's. They are not among RV(registry.endpoints).
  returned: success
  type: list
  elements: str
  sample: [images.apps.example.com]
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
  description: What each running pod serves; empty where it is not asked for.
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
      description:
        - Whether that is the certificate in the Secret; null where that is not known (RV(certificate) is null).
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
storage:
  description:
    - What kind of storage it has, and how full that is as one of its pods sees it; null where it is not asked for, and
      without a registry.
    - It is the file system's, with what else is in there. What the registry itself keeps is told by
      M(okd.registry.registry_storage_info).
  returned: success
  type: dict
  contains:
    kind:
      description: As RV(layout.storage).
      type: str
    root:
      description: The directory in which the registry keeps images.
      type: str
    pod:
      description: The pod that was asked; null where none was.
      type: str
    device:
      description: The file system, such as C(nfs.example.com:/exports/registry).
      type: str
    mount:
      description: Where it is mounted in the pod.
      type: str
    total_bytes:
      description: Its size; null where it is not known.
      type: int
    used_bytes:
      description: What of it is used.
      type: int
    free_bytes:
      description: What of it the registry can still use.
      type: int
    error:
      description: Why something could not be found out; null otherwise.
      type: str
  sample:
    kind: nfs
    root: /registry
    pod: docker-registry-1-cpty9
    device: nfs.example.com:/exports/registry
    mount: /registry
    total_bytes: 107374182400
    used_bytes: 2764912640
    free_bytes: 104609269760
    error: null
logs:
  description: The log of each pod; empty where it is not asked for.
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
    container:
      description: The container whose log it is.
      type: str
    listening:
      description:
        - The address it listens at, by the last line C(listening on :5000[, tls]) of what was read; null without one.
          O(logs.grep) does not matter for it.
      type: str
    tls:
      description: Whether that line says that it listens with TLS; null without one.
      type: bool
    lines:
      description: The lines.
      type: list
      elements: dict
      contains:
        text:
          description: All of it, as it stands there.
          type: str
        time:
          description: The time in it; null without one.
          type: str
        level:
          description: Such as V(info) or V(error), V(access) for a request that was answered, null for other lines.
          type: str
        message:
          description: What it says.
          type: str
        fields:
          description: What else it says, by name.
          type: dict
    truncated:
      description: Whether it is longer than what is read of a log, so that the newest lines are missing.
      type: bool
    error:
      description: Why it could not be read; null otherwise.
      type: str
  sample:
    - pod: docker-registry-1-da73t
      node: node1
      container: registry
      listening: ":5000"
      tls: true
      lines:
        - text: time="2015-05-27T05:05:53Z" level=info msg="listening on :5000, tls" instance.id=deeba528
          time: "2015-05-27T05:05:53Z"
          level: info
          message: listening on :5000, tls
          fields: {instance.id: deeba528}
      truncated: false
      error: null
image_streams:
  description:
    - The image streams of all namespaces that have a repository in the registry; empty where they are not asked for,
      and where the cluster has no image streams.
    - Repositories are by the address of the Service, also of images that were pushed through the Route. That is what
      the cluster's own parts use; RV(image_streams[].public_repository) is the other one, where the cluster has it.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    repository:
      description: Its repository.
      type: str
    public_repository:
      description: The same by the Route's host, as clusters from 3.11 on have it when they are told; null otherwise.
      type: str
    registry:
      description: The address in RV(image_streams[].repository).
      type: str
    stale:
      description:
        - Whether that is none of RV(registry.endpoints), such as the address of a Service that was recreated.
        - Of a registry that is not the one in which the cluster has its image streams, none is. It is the one that they
          name; where they name none that is there, C(docker-registry) in the namespace C(default).
      type: bool
    tags:
      description: Its tags, each with its newest image.
      type: list
      elements: dict
      contains:
        tag:
          description: The tag.
          type: str
        digest:
          description: Digest of the image; null without one.
          type: str
        reference:
          description: Where the image is pulled from.
          type: str
        created:
          description: When it came.
          type: str
        ours:
          description: Whether that is this registry; imported images are in others.
          type: bool
  sample:
    - namespace: test
      name: busybox
      repository: 172.30.124.220:5000/test/busybox
      public_repository: null
      registry: 172.30.124.220:5000
      stale: false
      tags:
        - tag: latest
          digest: sha256:6c7e676d76921031532d7d9c0394d0da7c2906f4cb4c049904c4031147d8ca31
          reference: 172.30.124.220:5000/test/busybox@sha256:6c7e676d7692...
          created: "2026-05-01T19:48:36Z"
          ours: true
unread:
  description: What could not be read, and is empty for that reason.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description:
        - What it is, one of V(service), V(workload), V(pods), V(routes), V(certificate), V(ca), V(nodes), V(operator),
          V(config), V(storage), V(image_streams).
        - Without V(service) or V(routes), names are missing in RV(registry.endpoints).
      type: str
    reason:
      description: What the API server said, and, where it is a right that is missing, the rule that would allow it.
      type: str
    forbidden:
      description: Whether the user may not read it. Otherwise an API could not answer, and may in a minute.
      type: bool
  sample: []
queried:
  description: What O(query) found.
  returned: with O(query)
  type: raw
  sample: 104609269760
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 8, post: 0, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._info import SUBSETS, execute
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module

ARGUMENTS = {
    "cluster_ip": {"type": "str"},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "ca_config_map": {"type": "str"},
    "gather_subset": {"type": "list", "elements": "str", "choices": [*SUBSETS, "all"], "default": []},
    "logs": {
        "type": "dict",
        "options": {
            "tail": {"type": "int"},
            "since": {"type": "str"},
            "grep": {"type": "str"},
            "previous": {"type": "bool", "default": False},
        },
    },
    "query": {"type": "str"},
    "inventory": {"type": "dict"},
    "uncovered": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "ignore"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

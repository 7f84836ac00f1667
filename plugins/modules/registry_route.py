# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expose the registry by a Route, or by what there is where there are no Routes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_route
short_description: Expose a cluster's image registry by a Route, an Ingress or a Service
description:
  - Makes a Route to the registry's Service, or takes over the one that leads there already, whatever its name.
  - Waits until a router has admitted it, and says why where none does.
  - With passthrough, which is the default and what suits a registry best, clients see the registry's own certificate,
    so its names must cover the Route's host. Name a wanted host in the C(route_host) option of the other modules from
    the beginning. With V(reencrypt) and V(edge) clients see a certificate of the router.
  - Where the cluster has no Routes, O(kind) makes an Ingress that is passed through, or a Service beside the registry's
    own, of type NodePort or LoadBalancer.
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
  kind:
    description:
      - What leads to the registry from outside.
      - V(route), a Route of OpenShift.
      - V(ingress), an Ingress whose controller passes TLS through to the registry. The annotation for that follows from
        the controller of the IngressClass, and is known for ingress-nginx (which must run with
        C(--enable-ssl-passthrough)), both of HAProxy's and OpenShift's, which makes a Route of it; for others, name it
        in O(annotations).
      - V(node_port) and V(load_balancer), a Service beside the registry's own, which stays as it is. Name what then
        leads to the registry in the C(extra_hosts) option of all modules.
      - What an ingress controller or load balancer then does, this module sees only by the address in the object's
        status.
    type: str
    choices: [route, ingress, node_port, load_balancer]
    default: route
  every_kind:
    description:
      - With O(state=absent), what leads to the registry goes whatever its O(kind).
    type: bool
    default: false
  route_name:
    description:
      - Name of the Route, Ingress or Service. One of this name that others made is taken over if it leads to the
        registry and does nothing else, and is refused otherwise.
      - Left out, the Route that leads to the Service already is taken, and a new one is called like the registry. An
        Ingress is called so, too, and a Service like the registry with C(-external) added.
    type: str
  route_host:
    description:
      - Host of the Route. Setting one needs the right to C(routes/custom-host), as do O(certificate) and
        O(termination=reencrypt), by which the Route gets certificates.
      - Left out, the live host stays, and a new Route gets one from the cluster. An Ingress needs one.
      - With O(state=absent), the Route that O(route_name) names goes only if this is its host.
    type: str
  beside:
    description:
      - Whether O(route_host) gets a Route of its own where no Route to the Service has it, beside those that are there.
        Without, the one that is there changes its host, and is no longer reached by the old one from that moment on.
      - C(playbooks/change_route_host.yml) changes a host without a gap.
    type: bool
    default: false
  secret_name:
    description:
      - Secret with the registry's certificate. With O(termination=passthrough), where it is there and does not cover
        O(route_host), the Route or Ingress is refused, since every client would refuse the registry behind it. A host
        that is there already, or was generated, is a warning then.
    type: str
    default: registry-secret
  certified:
    description:
      - Another task of the same run issues a certificate that covers the host. In check mode, O(route_host) is taken as
        covered; and of a host that is there already, or was generated, nothing is said.
    type: bool
    default: false
  termination:
    description:
      - Where TLS ends.
      - V(passthrough), in the registry. Clients see its own certificate.
      - V(reencrypt), in the router, which speaks TLS to the registry, and knows it by O(destination_ca).
      - V(edge), in the router, which speaks plain HTTP to the registry; refused where its pods serve TLS, by a
        variable or by the configuration file that is mounted (where that may be read).
      - With V(reencrypt) and V(edge), the requests of one client go to the same pod (annotation
        C(haproxy.router.openshift.io/balance), V(source)), unless O(annotations) says otherwise; an upload consists of
        several, and fails on storage that does not show each pod at once what another has written.
    type: str
    choices: [passthrough, reencrypt, edge]
    default: passthrough
  certificate:
    description:
      - The certificate that the router shows for the host, with V(reencrypt) and V(edge). Files are on the host that
        runs this module. Left out, it shows its own default one.
      - Clients have to accept it under the Route's host; all that is wrong with it is named before anything is written.
      - The private key goes into the Route, where whoever may read Routes in the namespace can read it, since that is
        how OpenShift has it. It is in no result and no difference.
    type: dict
    suboptions:
      cert_path:
        description:
          - The certificate (PEM). Further ones in the file are taken as its chain.
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
          - The same as text. A path is better, since it keeps the key out of variables.
        type: str
      chain_path:
        description:
          - Certificates between it and its root (PEM), in any order.
        type: path
      chain_content:
        description:
          - The same as text.
        type: str
      passphrase:
        description:
          - Passphrase of the key. In the Route the key has none, for the router could not ask for it.
        type: str
  destination_ca:
    description:
      - The CA by which the router knows the registry, with V(reencrypt). By default what the ConfigMap O(ca_config_map)
        holds at the time; after another CA was published there, run this again.
    type: dict
    suboptions:
      cert_path:
        description:
          - Its certificate (PEM), or several.
        type: path
      cert_content:
        description:
          - The same as text.
        type: str
  ca_config_map:
    description:
      - ConfigMap with the CA of the registry's certificate, as M(okd.registry.registry_cert) publishes it. By default
        O(name) with C(-ca) added.
    type: str
  insecure_policy:
    description:
      - What becomes of plain HTTP to the host. V(redirect) sends clients to https; V(allow) serves them, with V(edge)
        and V(reencrypt) only; V(none) turns them away, as most routers do where nothing is said.
    type: str
    choices: [none, redirect, allow]
  timeout:
    description:
      - How long the router waits for the registry, as a number and V(us), V(ms), V(s), V(m), V(h) or V(d), such as
        V(5m). Routers give up after 30 seconds by default where they end TLS, which is short for large layers.
    type: str
  allow_ips:
    description:
      - Addresses and networks that may come; everybody else is turned away by the router, or with O(kind=load_balancer)
        by the load balancer. At most 61.
      - Left out, all may, but for a list that others gave a Route which is taken over. That stays, and
        RV(route.allow_ips) tells it; with C(0.0.0.0/0) and C(::/0), it is replaced, and all may.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels of the Route, Ingress or Service; routers can be told to take in only Routes with certain labels.
    type: dict
    default: {}
  annotations:
    description:
      - Annotations of the Route, Ingress or Service, beside those that other options say.
    type: dict
    default: {}
  ingress_class:
    description:
      - IngressClass of the Ingress. By default the cluster's default one, or the only one.
    type: str
  node_port:
    description:
      - Port on every node, with O(kind=node_port). By default the live one, or the cluster's choice.
    type: int
  dns:
    description:
      - What to do where the host does not resolve on the host that runs this module, which need not resolve what
        clients do, so that by default it is a warning. V(fail) refuses the Route, before anything is touched where the
        host is known by then.
    type: str
    choices: [ignore, warn, fail]
    default: warn
  wait:
    description:
      - Wait until a router has admitted the Route, or a controller has given the Ingress or load balancer an address.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for that.
    type: int
    default: 60
  state:
    description:
      - V(present) makes it.
      - V(absent) deletes the one that O(route_name) names; left out, all of O(kind) that this module made for the
        registry, whatever they are called, and Routes and Ingresses to its Service that it took over. What others made
        is deleted only if O(route_name) names it.
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
requirements:
  - "Where the registry has a certificate, and for O(certificate) and O(destination_ca): cryptography >= 38.0"
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

- name: Expose it with a certificate that everybody knows, for clients of this network alone
  okd.registry.registry_route:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    route_host: registry.apps.example.com
    termination: reencrypt
    certificate:
      cert_path: /etc/pki/registry.apps.example.com.crt
      key_path: /etc/pki/registry.apps.example.com.key
    insecure_policy: redirect
    timeout: 10m
    allow_ips: [192.0.2.0/24, 198.51.100.7]

- name: Expose it by the only ingress controller of a cluster that has no Routes
  okd.registry.registry_route:
    kubeconfig: /etc/kubernetes/admin.conf
    kind: ingress
    route_host: registry.example.com

- name: Expose it on a port of every node
  okd.registry.registry_route:
    kubeconfig: /etc/kubernetes/admin.conf
    kind: node_port
    node_port: 30500

- name: Expose it no longer, whatever it was that did
  okd.registry.registry_route:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    every_kind: true
    state: absent
"""

RETURN = r"""
route:
  description:
    - The Route as it is, or the Ingress or Service; null when there is none.
    - With O(state=absent), one of others that stays.
  returned: success
  type: dict
  contains:
    kind:
      description: V(Route), V(Ingress) or V(Service).
      type: str
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
    insecure_policy:
      description: What becomes of plain HTTP.
      type: str
    timeout:
      description: How long the router waits for the registry; null where nothing is said.
      type: str
    allow_ips:
      description: Who may come; empty for all.
      type: list
      elements: str
    admitted:
      description: Whether a router has admitted it, or a controller has given it an address.
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
    addresses:
      description: What DNS entries for its host are to lead to, where the router or controller says so.
      type: list
      elements: str
    port:
      description: The port at which it is reached; V((known after apply\)) in check mode where the cluster chooses one.
      type: int
    ours:
      description: Whether this collection made it, or took it over.
      type: bool
  sample:
    kind: Route
    name: docker-registry
    namespace: default
    host: registry.apps.example.com
    termination: passthrough
    insecure_policy: none
    timeout: null
    allow_ips: []
    admitted: true
    router: router
    reason: null
    message: null
    addresses: [router-default.apps.example.com]
    port: 443
    ours: true
others:
  description: The other Routes to the Service, each as RV(route), as they were before this task.
  returned: success
  type: list
  elements: dict
  sample: []
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
from ansible_collections.okd.registry.plugins.module_utils._options import certificate
from ansible_collections.okd.registry.plugins.module_utils._route import execute
from ansible_collections.okd.registry.plugins.module_utils._routespec import KINDS, TERMINATIONS

ARGUMENTS = {
    "kind": {"type": "str", "choices": list(KINDS), "default": "route"},
    "every_kind": {"type": "bool", "default": False},
    "route_name": {"type": "str"},
    "beside": {"type": "bool", "default": False},
    "secret_name": {"type": "str", "default": "registry-secret"},
    "certified": {"type": "bool", "default": False},
    "termination": {"type": "str", "choices": list(TERMINATIONS), "default": "passthrough"},
    "certificate": certificate.SPEC["certificate"],
    "destination_ca": {
        "type": "dict",
        "options": {"cert_path": {"type": "path"}, "cert_content": {"type": "str"}},
        "mutually_exclusive": [("cert_path", "cert_content")],
        "required_one_of": [("cert_path", "cert_content")],
    },
    "ca_config_map": {"type": "str"},
    "insecure_policy": {"type": "str", "choices": ["none", "redirect", "allow"]},
    "timeout": {"type": "str"},
    "allow_ips": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "ingress_class": {"type": "str"},
    "node_port": {"type": "int"},
    "dns": {"type": "str", "choices": ["ignore", "warn", "fail"], "default": "warn"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 60},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS))


if __name__ == "__main__":
    main()

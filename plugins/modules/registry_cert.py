# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module registry_cert."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_cert
short_description: Issue the certificate of an integrated image registry
description:
  - Issues a server certificate for every name under which the registry is reached (service IP, service names, route
    host, further hosts), signed by a CA given as files, and stores it with its key in a Secret. It does what
    C(oadm ca create-server-cert) and C(oc secrets new) do.
  - A new certificate is issued only for a reason, which RV(reason) tells. Other keys in the Secret stay.
  - The CA's public certificate is published in a ConfigMap, so that a node can be made to trust the registry with
    nothing but access to the cluster.
  - While a registry is there, its certificate is not replaced by one of another CA, since the nodes would refuse it
    until they trust that CA. C(playbooks/rotate_certificates.yml) changes the CA without a gap, with O(ca_bundle) and
    O(issue); O(allow_ca_change) changes it at once. Its certificate is the one in O(secret_name), or where that has
    none, as with a registry of another tool, the one in the Secret that its workload mounts.
  - A certificate that was made elsewhere is brought in with O(certificate) instead. Everything that would keep clients
    from accepting it is found before anything is written.
  - The private key goes nowhere but into the Secret, and into a file where O(key_path) asks for one; it is in no result
    and no difference.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._registry_common.endpoints
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
attributes:
  check_mode:
    support: full
    details:
      - Works before the Service exists; its address is then V((known after apply\)) unless O(cluster_ip) tells it.
  diff_mode:
    support: full
    details:
      - Certificates are shown as facts, Secret values as keyed hashes.
  idempotent:
    support: full
options:
  state:
    description:
      - With V(absent), Secret and ConfigMap are deleted where this module wrote them; one in which others have
        something too stays with that. The CA's files are kept, since nodes may still trust it.
    type: str
    choices: [present, absent]
    default: present
  ca:
    description:
      - The CA that signs, as files on the host that runs this module. Required with O(state=present), unless there is
        O(certificate).
      - With O(certificate), the CA that clients are to trust; only its certificate is read.
    type: dict
    suboptions:
      cert_path:
        description:
          - Certificate of the CA (PEM). Certificates after the first are taken as its chain.
        type: path
      cert_content:
        description:
          - The same as text, with O(certificate) alone.
        type: str
      key_path:
        description:
          - Private key of the CA (PEM). Required for a CA that signs.
        type: path
      serial_path:
        description:
          - File with the last serial number used, in hexadecimal, as C(oadm ca) keeps it (C(ca.serial.txt)).
          - Without it, serial numbers are random.
        type: path
      passphrase:
        description:
          - Passphrase of the key.
        type: str
      create:
        description:
          - Make a CA (RSA, five years) when there is no certificate at O(ca.cert_path).
          - The key is written first, readable for its owner alone; one that a killed run left behind is used.
        type: bool
        default: false
  certificate:
    description:
      - A certificate that was made elsewhere, instead of one that O(ca) signs. Files are on the host that runs this
        module.
      - It has to be accepted by clients under every name of the registry and under O(extra_names), by way of its chain
        to the CA. Key, dates, names, uses, and strength of key and signatures are looked at, and all that is wrong is
        named at once.
      - It is not renewed by this module; with fewer than O(renew_before_days) days left, there is a warning.
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
          - Certificates between it and its root (PEM), in any order. What has no part in the way up is left out.
          - Without O(ca), the root at the end of the chain is what clients are to trust.
        type: path
      chain_content:
        description:
          - The same as text.
        type: str
      passphrase:
        description:
          - Passphrase of the key. In the Secret the key has none, for the registry could not ask for it.
        type: str
  extra_names:
    description:
      - Names and addresses that the certificate covers beside those of the registry, without being endpoints that nodes
        are made to trust, or that are checked. Host names, V(*.) wildcards, IPv4 and IPv6 addresses.
    type: list
    elements: str
    default: []
  cert_path:
    description:
      - Keep a copy of C(registry.crt) (certificate and chain, mode 0644) in this file, where this module runs.
    type: path
  key_path:
    description:
      - Keep a copy of C(registry.key) (mode 0600) in this file, where this module runs.
      - The copies are made from the Secret, replaced in one step, and written again when they differ in content, mode
        or owner. A link or anything else that is no regular file is refused.
    type: path
  owner:
    description:
      - Who owns the copies, as name or number. By default who runs the module.
    type: str
  group:
    description:
      - Group of the copies, as name or number.
    type: str
  secret_name:
    description:
      - Name of the Secret, with the keys C(registry.crt) (certificate and chain) and C(registry.key).
    type: str
    default: registry-secret
  ca_config_map:
    description:
      - Name of the ConfigMap with the CA's certificate under C(ca.crt). By default O(name) with C(-ca) added.
    type: str
  cluster_ip:
    description:
      - The address that the Service is going to have. Used only in check mode, while there is no Service.
    type: str
  validity_days:
    description:
      - Days for which a new certificate is valid. It never outlives its CA.
    type: int
    default: 730
  renew_before_days:
    description:
      - A certificate with fewer days left is issued anew, unless it ends together with its CA.
    type: int
    default: 30
  key_type:
    description:
      - Kind of key. Without it, new keys are V(RSA), and an existing certificate may have any sound key.
    type: str
    choices: [RSA, ECDSA]
  key_size:
    description:
      - Bits of the key; an existing larger one is kept. By default 2048 for V(RSA) and 256 for V(ECDSA).
    type: int
  ca_bundle:
    description:
      - What the ConfigMap holds. With V(signer), the CA that signs, and nothing else.
      - With V(overlap), every CA that the ConfigMap holds now and that is in time, and then the one that signs, so that
        who trusts them all accepts the registry before, while and after its certificate is replaced. The CA of the
        certificate in use is added from the Secret where the ConfigMap lacks it.
    type: str
    choices: [signer, overlap]
    default: signer
  issue:
    description:
      - With V(false), the certificate stays as it is, and RV(reason) tells whether a new one is due. The CAs are
        published all the same. What would make the nodes refuse the certificate that stays is an error.
      - With V(true) and O(ca_bundle=overlap), a CA signs only when the ConfigMap has held it before this run. Whether
        the nodes trust it by now is for who calls this to know.
    type: bool
    default: true
  force:
    description:
      - Issue a new certificate even when the one at hand will do. Without meaning for one that is brought in.
    type: bool
    default: false
  allow_ca_change:
    description:
      - Let a certificate in use be replaced by one of another CA. Every pull and push fails from the rollout on until
        the node trusts the new CA.
      - Nothing need be allowed where no registry is there yet, where the certificate in use has expired, and where the
        nodes trust the new CA by the one of before (the same CA renewed with its key, or one above both).
    type: bool
    default: false
  placed:
    description:
      - For check mode alone. Earlier tasks of the same run do what comes before this call when a CA is replaced, so it
        is taken as done and not announced once more; all CAs are published and, with O(issue=false), the certificate
        is issued.
    type: bool
    default: false
requirements:
  - cryptography >= 38.0
seealso:
  - module: okd.registry.registry_service
  - module: okd.registry.registry_deploy
  - module: okd.registry.registry_trust
"""

EXAMPLES = r"""
- name: Certify the registry with the cluster's own signer
  okd.registry.registry_cert:
    ca:
      cert_path: /etc/origin/master/ca.crt
      key_path: /etc/origin/master/ca.key
      serial_path: /etc/origin/master/ca.serial.txt
    route_host: registry.apps.example.com

- name: Certify a second registry with a CA of its own
  okd.registry.registry_cert:
    name: team-registry
    namespace: team
    secret_name: team-registry-certificates
    ca:
      cert_path: /etc/pki/team-registry/ca.crt
      key_path: /etc/pki/team-registry/ca.key
      create: true
    extra_hosts:
      - registry.example.com:8443
      - 10.20.30.40:5000
    key_type: ECDSA

- name: Bring in a certificate of the company's own CA
  okd.registry.registry_cert:
    certificate:
      cert_path: /etc/pki/registry/registry.crt
      key_path: /etc/pki/registry/registry.key
      chain_path: /etc/pki/registry/intermediate.crt
    ca:
      cert_path: /etc/pki/company/root.crt

- name: Certify more than what nodes are made to trust, and keep a copy for a load balancer
  okd.registry.registry_cert:
    ca:
      cert_path: /etc/origin/master/ca.crt
      key_path: /etc/origin/master/ca.key
    extra_names:
      - "*.apps.example.com"
      - fd00:10::5
    cert_path: /etc/haproxy/registry.crt
    key_path: /etc/haproxy/registry.key
    owner: haproxy

- name: Publish a new CA beside the old one, the certificate still being of the old one
  okd.registry.registry_cert:
    ca:
      cert_path: /etc/pki/new/ca.crt
      key_path: /etc/pki/new/ca.key
    ca_bundle: overlap
    issue: false

- name: Have the new CA sign, when all nodes trust both
  okd.registry.registry_cert:
    ca:
      cert_path: /etc/pki/new/ca.crt
      key_path: /etc/pki/new/ca.key
    ca_bundle: overlap
"""

RETURN = r"""
changed:
  description: Whether anything was, or in check mode would be, changed.
  returned: success
  type: bool
reason:
  description: Why a certificate was issued, or with O(issue=false) is due; null when the one at hand will do.
  returned: success
  type: str
  sample: it does not cover registry.apps.example.com
issued:
  description: Whether a certificate was, or in check mode would be, issued.
  returned: success
  type: bool
certificate:
  description:
    - What the certificate in the Secret says. In check mode, values of a certificate still to be issued are
      V((known after apply\)).
  returned: success
  type: dict
  contains:
    subject:
      description: The certificate's subject.
      type: str
      sample: CN=docker-registry.default.svc
    sans:
      description: Names and addresses that it covers.
      type: list
      elements: str
      sample: [docker-registry.default.svc, docker-registry.default.svc.cluster.local, 172.30.124.220]
    issuer:
      description: Who signed it.
      type: str
      sample: CN=openshift-signer@1462549410
    serial:
      description: Its serial number, in hexadecimal.
      type: str
      sample: 1F
    not_before:
      description: When it becomes valid (UTC).
      type: str
      sample: '2026-05-01T11:00:00Z'
    not_after:
      description: When it ends (UTC).
      type: str
      sample: '2028-04-30T12:00:00Z'
    days_left:
      description: Whole days until then.
      type: int
      sample: 729
    sha256:
      description: SHA-256 fingerprint of the certificate.
      type: str
      sample: 3f8b0c5f0e0cbb9dfb0a3d3f6f3f2d1c9be9e0a6bd4c0f6a3c5b7d9e1f203142
    key_type:
      description: Kind of its key.
      type: str
      sample: RSA
    key_size:
      description: Bits of its key.
      type: int
      sample: 2048
    signature_algorithm:
      description: How it is signed.
      type: str
      sample: RSA_WITH_SHA256
    chain_length:
      description: How many certificates are in the Secret, this one included.
      type: int
      sample: 2
ca_cert:
  description:
    - Certificate of the CA (PEM), which clients have to trust; all that are published, one after another.
    - In check mode V((known after apply\)) while the CA is still to be made.
  returned: success
  type: str
ca:
  description: The published CAs in their order; in check mode without one that is still to be made.
  returned: success
  type: list
  elements: dict
  contains:
    subject:
      description: Its subject.
      type: str
    sha256:
      description: SHA-256 fingerprint of its certificate.
      type: str
    not_after:
      description: When it ends (UTC).
      type: str
    days_left:
      description: Whole days until then.
      type: int
    signs:
      description: Whether it signed the certificate in the Secret.
      type: bool
  sample:
    - subject: CN=registry-ca@1716000000
      sha256: 9c1f...
      not_after: "2029-05-17T02:40:00Z"
      days_left: 900
      signs: true
actions:
  description: What was, or would be, done, as sentences.
  returned: success
  type: list
  elements: str
diff:
  description: Differences, one entry for each changed object.
  returned: success
  type: list
  elements: dict
resources:
  description: The objects looked after, each with C(action) V(created), V(updated), V(unchanged) or V(deleted).
  returned: success
  type: list
  elements: dict
  sample:
    - {api_version: v1, kind: Secret, namespace: default, name: registry-secret, action: created}
registry:
  description: The registry's name, addresses and endpoints.
  returned: success
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
api_requests:
  description: Requests to the API server by verb.
  returned: always
  type: dict
  sample: {get: 3, post: 2, patch: 0, delete: 0, discovery: 0, waiting: 0}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils import _cabundle, _certify, _pem
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._options import certificate as _certoptions


def execute(module: AnsibleModule, api: Api) -> dict[str, Any]:
    """Issue, or take away."""
    _pem.require("to sign certificates")
    return _certify.run(module.params, api, check_mode=module.check_mode, warn=module.warn)


def main() -> None:
    """Entry point."""
    run_module(
        execute,
        argument_spec=argument_spec(
            COMMON,
            ENDPOINTS,
            _certoptions.SPEC,
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            extra_names={"type": "list", "elements": "str", "default": []},
            cert_path={"type": "path"},
            key_path={"type": "path", "no_log": False},
            owner={"type": "str"},
            group={"type": "str"},
            secret_name={"type": "str", "default": "registry-secret"},
            ca_config_map={"type": "str"},
            cluster_ip={"type": "str"},
            validity_days={"type": "int", "default": 730},
            renew_before_days={"type": "int", "default": 30},
            key_type={"type": "str", "choices": ["RSA", "ECDSA"]},
            key_size={"type": "int"},
            ca_bundle={"type": "str", "choices": [_cabundle.SIGNER, _cabundle.OVERLAP], "default": _cabundle.SIGNER},
            issue={"type": "bool", "default": True},
            force={"type": "bool", "default": False},
            allow_ca_change={"type": "bool", "default": False},
            placed={"type": "bool", "default": False},
        ),
        required_if=[("state", "present", ["ca", "certificate"], True)],
    )


if __name__ == "__main__":
    main()

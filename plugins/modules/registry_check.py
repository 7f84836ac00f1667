# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove by use that a node's docker can log in, push and pull (runs on the node, Python 3.6)."""

DOCUMENTATION = r"""
module: registry_check
short_description: Prove that this node's own docker can log in, push and pull through every name of the registry
description:
  - For each name of the registry, goes through TLS, the registry's API, login, push of a tiny image that is made in
    memory, and pull of it by the digest that the push gave. What is pulled must be what was pushed.
  - Uses the node's own docker over its socket, with its own certificates, resolver and proxy. No client, no file with
    credentials, nothing in an argument list.
  - Nothing stays in the node's docker. A registry has no way to delete an image that every user may take, so the probe
    image stays there; it is the same at every run, and RV(residue) names it.
  - The push is a means of looking, so this module never reports a change.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - okd.registry._attributes
  - okd.registry._attributes.node
options:
  endpoints:
    description:
      - The names to check, as docker writes them, C(host:port), or C(host) where the port is 443.
      - In check mode, a name may hold C((known after apply)).
    type: list
    elements: str
    required: true
  ca_cert:
    description:
      - PEM text of the CA that the certificate must come from, for the steps V(tls) and V(v2).
      - Left out, these two trust what docker trusts, which is C(/etc/docker/certs.d) and the system's CAs.
      - In check mode, it may be C((known after apply)).
    type: str
  username:
    description:
      - Who logs in. An OpenShift registry looks at the token alone.
    type: str
    default: okd-registry
  token:
    description:
      - The user's token or password. Without it only the steps V(tls) and V(v2) are gone through.
    type: str
  project:
    description:
      - The project, or namespace, into which the probe image is pushed. Needed with O(token).
    type: str
  image:
    description:
      - Name of the probe image in that project.
    type: str
    default: okd-registry-probe
  tag:
    description:
      - Tag of the probe image.
    type: str
    default: probe
  steps:
    description:
      - Which steps to go through. V(pull) needs V(push).
    type: list
    elements: str
    choices: [tls, v2, login, push, pull]
    default: [tls, v2, login, push, pull]
  fail_on:
    description:
      - When the module fails; V(any) name that does not work, only if V(all) do not, or V(none), so that RV(results) is
        all there is.
    type: str
    choices: [any, all, none]
    default: any
  timeout:
    description:
      - Seconds to wait for an answer; for each answer of docker during push and pull, ten times as long.
    type: int
    default: 15
attributes:
  check_mode:
    support: full
    details:
      - Nothing is asked, pushed or pulled. The module says so and is skipped.
  diff_mode:
    support: N/A
    details:
      - Nothing of the node or the cluster is configured by this module.
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_trust
"""

EXAMPLES = r"""
- name: Push and pull with this node's docker, by every name of the registry
  okd.registry.registry_check:
    endpoints: "{{ registry.endpoints }}"
    username: alice
    token: "{{ lookup('ansible.builtin.file', '/root/alice.token') }}"
    project: test

- name: Only see whether TLS works from here
  okd.registry.registry_check:
    endpoints: [registry.apps.example.com]
    steps: [tls]
    fail_on: none
"""

RETURN = r"""
results:
  description: What came out, name by name and step by step. The first step of a name that fails is its last.
  returned: always, empty in check mode
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    step:
      description: The step.
      type: str
    ok:
      description: Whether it worked.
      type: bool
    seconds:
      description: How long it took.
      type: float
    error:
      description: What went wrong, in the words of docker, the registry or the TLS library, and what to do next.
      type: str
    digest:
      description: Digest of the manifest that was pushed or pulled.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      step: push
      ok: true
      seconds: 0.21
      error: null
      digest: sha256:4e1f1d1ee0bd9ec0b0b9ae1d1a4c1a4f7a4b9c6f1c6e0b1a3d5e7f9012345678
residue:
  description: What stays in the registry, as C(project/image:tag@digest).
  returned: always
  type: list
  elements: str
  sample:
    - test/okd-registry-probe:probe@sha256:4e1f1d1ee0bd9ec0b0b9ae1d1a4c1a4f7a4b9c6f1c6e0b1a3d5e7f9012345678
leftovers:
  description: What could not be removed from this node's docker, and why. Empty unless docker refused.
  returned: always
  type: list
  elements: str
skipped_steps:
  description: Steps that were asked for and not gone through, because there is no token, or in check mode.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._node import check, endpoint, engine
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError


def argument_spec():
    """Give the options, as documented."""
    return {
        "endpoints": {"type": "list", "elements": "str", "required": True},
        "ca_cert": {"type": "str"},
        "username": {"type": "str", "default": "okd-registry"},
        "token": {"type": "str", "no_log": True},
        "project": {"type": "str"},
        "image": {"type": "str", "default": "okd-registry-probe"},
        "tag": {"type": "str", "default": "probe"},
        "steps": {"type": "list", "elements": "str", "choices": list(check.STEPS), "default": list(check.STEPS)},
        "fail_on": {"type": "str", "choices": ["any", "all", "none"], "default": "any"},
        "timeout": {"type": "int", "default": 15},
    }


def main():
    """Read the options, hand over to module_utils/_node/check.py, and return what it says."""
    module = AnsibleModule(argument_spec=argument_spec(), required_by={"token": ["project"]}, supports_check_mode=True)
    params = module.params
    try:
        for name in params["endpoints"]:
            if not (module.check_mode and endpoint.is_unknown(name)):
                endpoint.parse(name)
        if module.check_mode:
            module.exit_json(
                changed=False, skipped=True, msg="check mode: nothing is pushed or pulled, so nothing is proven",
                results=[], residue=[], leftovers=[], skipped_steps=params["steps"],
            )  # fmt: skip
        request = check.request(params)
        job = check.Check(request, engine.Engine(timeout=params["timeout"] * 10))
        job.run()
    except NodeError as exc:
        module.fail_json(msg=str(exc))
    result = job.outcome()
    if job.fails(params["fail_on"]):
        module.fail_json(**result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

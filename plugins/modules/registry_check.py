# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove by use that a host can log in, push and pull (runs on nodes, Python 3.6)."""

DOCUMENTATION = r"""
module: registry_check
short_description: Prove from this host, and by its own container engine, that every name of the registry works
description:
  - For each name of the registry, goes through name resolution, TLS, the registry's API, the trust of this host's
    container engine, login, push of a tiny image that is made in memory, and pull of it by its tag and by the digest
    that the push gave. What is pulled must be what was pushed.
  - Login, push (V(push)) and pull are done by the host's real engine - docker over its socket, containerd by C(ctr),
    podman or CRI-O by C(podman) or C(skopeo) - with its own certificates, resolver and proxy. Where there is none, or
    not its tool, the module's own client does it, with the engine's CA files.
  - The steps V(monolithic) and V(chunked) send every byte each time, by the module's own client, in one piece and in
    several; an engine leaves out layers that the registry has already. A large layer (O(layer_size)) is sent by these
    two, since it is the size and the time of a body at which routers and proxies fail.
  - All names are gone through at the same time, but for the pulls, which follow one another so that each fetches all.
  - Nothing stays in the host's engine. A registry has no way to delete an image that every user may take, so the probe
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
      - The names to check, as docker writes them, C(host:port), or C(host) where the port is 443. It may be empty where
        O(router_endpoints) is not.
      - In check mode, a name may hold C((known after apply)).
    type: list
    elements: str
    required: true
  ca_cert:
    description:
      - PEM text of the CA that the certificate must come from, for all steps that are not the engine's own.
      - Left out, these trust what the engine trusts, which are its files for the name and the system's CAs.
      - In check mode, it may be C((known after apply)).
    type: str
  router_endpoints:
    description:
      - More names to check, at which a router ends TLS, as with Routes of the terminations V(reencrypt) and V(edge), so
        that its certificate is seen and not the registry's.
      - They are gone through by the module's own client, without V(trust), since this host's engine need not know the
        router's CA.
    type: list
    elements: str
    default: []
  router_ca_cert:
    description:
      - PEM text of the CA that the certificate at O(router_endpoints) must come from.
      - Left out, that are the system's CAs, and those that the engine has for the name.
    type: str
  username:
    description:
      - Who logs in. An OpenShift registry looks at the token alone.
    type: str
    default: okd-registry
  token:
    description:
      - The user's token or password. Without it only the steps up to V(trust) are gone through.
    type: str
  project:
    description:
      - The project, or namespace, into which the probe image is pushed. Needed with O(token) and O(outsider_token).
    type: str
  outsider_username:
    description:
      - Name that goes with O(outsider_token).
    type: str
    default: okd-registry
  outsider_token:
    description:
      - Token of a user who has no rights in O(project), for the step V(refused). Without it, that step is left out.
      - That step asks for the image that the same run has pushed by the same name. Where there is none, since no such
        step was asked for or it failed, only the push is tried, and the step ends as a warning.
    type: str
  image:
    description:
      - Name of the probe image in that project.
    type: str
    default: okd-registry-probe
  tag:
    description:
      - Tag of the probe image. What docker does not pack itself has C(-v2) behind it, and the size where there is an
        O(layer_size), since these are other manifests.
    type: str
    default: probe
  engine:
    description:
      - Whose login, push and pull are to prove it. V(auto) takes docker where its socket is there, else what else is
        installed.
      - V(podman) stands for CRI-O, too. V(client) is the module's own client, as for a host that runs no containers.
    type: str
    choices: [auto, docker, containerd, podman, client]
    default: auto
  layer_size:
    description:
      - Size of another layer for V(monolithic) and V(chunked), in bytes or as C(64MiB). It is made while it is sent,
        and its content cannot be compressed. For each size that is asked for, one such layer stays in the registry.
      - The Route's timeout, or a limit of a proxy on the way, shows with layers as large as those that are used.
    type: str
    default: "0"
  chunk_size:
    description:
      - Size of the pieces of V(chunked). A layer that is smaller comes in two pieces.
    type: str
    default: 8MiB
  steps:
    description:
      - Which steps to go through. V(pull_tag) and V(pull), which is by digest, need V(push).
      - A step is left out where one that it needs went wrong; RV(not_run) says so.
    type: list
    elements: str
    choices: [resolve, tls, v2, trust, login, push, monolithic, chunked, refused, pull_tag, pull]
    default: [resolve, tls, v2, trust, login, push, monolithic, chunked, refused, pull_tag, pull]
  unreachable:
    description:
      - What a name counts to which no connection can be made from this host. V(fail), or V(skip) as for a host outside
        the cluster, where service addresses and service names lead nowhere. It is then told in RV(not_run).
    type: str
    choices: [fail, skip]
    default: fail
  fail_on:
    description:
      - When the module fails; V(any) step that does not work by any name, V(all) names have such a step, V(none), so
        that RV(results) is all there is, or the steps that are to work.
      - V(warning) is V(any), and also what works and should not be so - docker that does not verify a name, and images
        that could not be removed from the engine.
    type: list
    elements: str
    choices:
      [any, all, none, warning, resolve, tls, v2, trust, login, push, monolithic, chunked, refused, pull_tag, pull]
    default: [any]
  timeout:
    description:
      - Seconds to wait for an answer; for each answer of the engine during push and pull, ten times as long.
    type: int
    default: 15
attributes:
  check_mode:
    support: partial
    details:
      - Only the options are looked at. Nothing is asked, pushed or pulled, so nothing is proven; the module says so and
        is skipped.
  diff_mode:
    support: N/A
    details:
      - Nothing of the node or the cluster is configured by this module.
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_info
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

- name: Does a layer of 1 GiB pass the router, in one piece and in pieces?
  okd.registry.registry_check:
    endpoints: [registry.apps.example.com]
    username: alice
    token: "{{ lookup('ansible.builtin.file', '/root/alice.token') }}"
    project: test
    steps: [tls, monolithic, chunked]
    layer_size: 1GiB

- name: Also by a Route whose router ends TLS, and by its CA
  okd.registry.registry_check:
    endpoints: "{{ registry.endpoints }}"
    router_endpoints: [images.apps.example.com]
    router_ca_cert: "{{ lookup('ansible.builtin.file', '/etc/pki/apps-ca.crt') }}"

- name: From a bastion, which reaches the Route alone; and bob must not get in
  okd.registry.registry_check:
    endpoints: "{{ registry.endpoints }}"
    ca_cert: "{{ lookup('ansible.builtin.file', '/etc/origin/master/ca.crt') }}"
    engine: client
    unreachable: skip
    token: "{{ lookup('ansible.builtin.file', '/root/alice.token') }}"
    outsider_token: "{{ lookup('ansible.builtin.file', '/root/bob.token') }}"
    project: test
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description:
    - What came of it, as a sentence; of a failure, what went wrong and what to do next.
  returned: always
  type: str
  sample: Every step works by every name
engine:
  description: Whose login, push and pull it was - V(docker), V(containerd), V(podman), V(skopeo) or V(client).
  returned: success or failure of a step
  type: str
  sample: docker
seconds:
  description: How long all of it took.
  returned: success or failure of a step
  type: float
  sample: 1.21
results:
  description:
    - What came out, name by name and step by step.
    - As all that is returned of steps, it is not there where options are refused, or no engine can be asked.
  returned: success or failure of a step, empty in check mode
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
      description: Whether it worked; also where RV(results[].status) is V(warning).
      type: bool
    status:
      description: V(ok), V(warning) or V(failed).
      type: str
    reason:
      description:
        - What kind of fault it is, as one word; null where there is none.
        - Of the way there V(unresolved), V(unreachable), V(refused) (nothing listens), V(timeout), V(closed), V(proxy).
        - Of TLS V(unknown_authority), V(name_mismatch), V(expired), V(plain_http), V(client_certificate), V(ca_file),
          V(insecure) (docker does not verify).
        - Of the registry V(not_registry), V(unauthorized), V(denied), V(not_found), V(too_large), V(location) (it
          sends clients elsewhere than they came to), V(digest) (what came is not what went), V(status).
        - Of the user without rights V(not_refused), V(outsider) where that token is no good, and V(unproven) where
          that user may not push, and there was nothing to pull (a warning).
        - Of this host V(engine), V(reference), and V(other) for what is not known.
      type: str
    seconds:
      description: How long it took.
      type: float
    error:
      description: What went wrong, in the words of the engine, the registry or the TLS library, and what to do next.
      type: str
    digest:
      description: Digest of the manifest that was pushed or pulled.
      type: str
    certificate:
      description: Of the step V(tls), the SHA-256 of the certificate served, to compare with the Secret's.
      type: str
    by:
      description:
        - Who did it - RV(engine), V(client) for the module's own client, or V(host) for this host's resolver and TLS.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      step: push
      ok: true
      status: ok
      reason: null
      seconds: 0.21
      error: null
      digest: sha256:4e1f1d1ee0bd9ec0b0b9ae1d1a4c1a4f7a4b9c6f1c6e0b1a3d5e7f9012345678
      certificate: null
      by: docker
not_run:
  description: Steps that were not gone through, by name.
  returned: success or failure of a step, empty in check mode
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    step:
      description: The step.
      type: str
    status:
      description: V(skipped) after a step that it needs went wrong, V(unreachable) with O(unreachable=skip).
      type: str
    reason:
      description:
        - With V(unreachable), what kind of failure that is, one of V(unresolved), V(unreachable), V(refused) and
          V(timeout), as in RV(results). Else null.
      type: str
    error:
      description: Why.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      step: push
      status: skipped
      reason: null
      error: login did not work
residue:
  description: What stays in the registry, as C(project/image:tag@digest).
  returned: success or failure of a step, empty in check mode
  type: list
  elements: str
  sample:
    - test/okd-registry-probe:probe@sha256:4e1f1d1ee0bd9ec0b0b9ae1d1a4c1a4f7a4b9c6f1c6e0b1a3d5e7f9012345678
leftovers:
  description: What could not be removed from this host's engine, and why. Empty unless it refused.
  returned: success or failure of a step, empty in check mode
  type: list
  elements: str
skipped_steps:
  description:
    - Steps that were asked for and not gone through by any name, because a token is missing, there is no container
      engine whose trust could be looked at, or in check mode.
  returned: success or failure of a step
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._node import check, checkpick, checkway, endpoint, files
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError


def argument_spec():
    """Give the options, as documented."""
    return {
        "endpoints": {"type": "list", "elements": "str", "required": True},
        "ca_cert": {"type": "str"},
        "router_endpoints": {"type": "list", "elements": "str", "default": []},
        "router_ca_cert": {"type": "str"},
        "username": {"type": "str", "default": "okd-registry"},
        "token": {"type": "str", "no_log": True},
        "project": {"type": "str"},
        "outsider_username": {"type": "str", "default": "okd-registry"},
        "outsider_token": {"type": "str", "no_log": True},
        "image": {"type": "str", "default": "okd-registry-probe"},
        "tag": {"type": "str", "default": "probe"},
        "engine": {"type": "str", "choices": list(checkpick.NAMES), "default": "auto"},
        "layer_size": {"type": "str", "default": "0"},
        "chunk_size": {"type": "str", "default": "8MiB"},
        "steps": {"type": "list", "elements": "str", "choices": list(check.STEPS), "default": list(check.STEPS)},
        "unreachable": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
        "fail_on": {"type": "list", "elements": "str", "choices": list(check.FAIL_ON), "default": ["any"]},
        "timeout": {"type": "int", "default": 15},
    }


def main():
    """Read the options, hand over to module_utils/_node/check.py, and return what it says."""
    needs_project = {"token": ["project"], "outsider_token": ["project"]}
    module = AnsibleModule(argument_spec=argument_spec(), required_by=needs_project, supports_check_mode=True)
    params = module.params
    # A token is used without the line's end that it may have: so it is hidden, too.
    module.no_log_values.update(filter(None, ((params[one] or "").strip() for one in ("token", "outsider_token"))))
    names = params["endpoints"] + params["router_endpoints"]
    if not names:
        module.fail_json(msg="endpoints: there is no name in it, nor in router_endpoints, so nothing would be checked")
    try:
        for name in names:
            if not (module.check_mode and endpoint.is_unknown(name)):
                endpoint.parse(name)
        if module.check_mode:
            module.exit_json(
                changed=False, skipped=True, msg="check mode: nothing is pushed or pulled, so nothing is proven",
                results=[], not_run=[], residue=[], leftovers=[], skipped_steps=params["steps"],
            )  # fmt: skip
        request = check.request(params)
        picked = checkpick.pick(params["engine"], files.Tree(), params["timeout"])
        job = check.Check(request, picked.way, picked.folder, checkway.Access(request))
        job.run()
    except NodeError as exc:
        module.fail_json(msg=str(exc))
    result = job.outcome()
    if job.fails(params["fail_on"]):
        module.fail_json(**result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what a node trusts, and whose files these are (runs on the node, Python 3.6)."""

DOCUMENTATION = r"""
module: registry_trust_info
short_description: Say which registries a node's engines trust, whose files these are, and what keeps docker unverified
description:
  - For every container engine that is found on the node, lists the directories in which it looks for CAs, what is in
    them (certificates with subject, SHA-256 and days left), and whether a file was written by
    M(okd.registry.registry_trust), is of somebody else, or was changed since.
  - Names links to nowhere, directories in the place of files, keys that others can read, and configurations of
    containerd for which nothing can be placed.
  - Says which insecure flags and networks cover the registry, and whether docker runs with flags that no file has any
    more, and for which names docker, as it runs, asks an HTTP proxy.
  - Asks nothing over the network and changes nothing. Whether the registry really answers with a certificate that is
    trusted is for M(okd.registry.registry_trust) and M(okd.registry.registry_check).
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - okd.registry._attributes
  - okd.registry._attributes.node
  - okd.registry._attributes.info
options:
  endpoints:
    description:
      - The names to judge, as docker writes them, C(host:port), or C(host) where the port is 443.
      - Left out, with O(router_endpoints), those for which M(okd.registry.registry_trust) has written something on
        this node.
    type: list
    elements: str
    default: []
  ca_cert:
    description:
      - PEM text of the CA that is to be trusted. A name whose file trusts another one is then told as such.
    type: str
  router_endpoints:
    description:
      - More names to judge, at which a router ends TLS, as with Routes of the terminations V(reencrypt) and V(edge), so
        that the certificate seen there is the router's. A name that is in O(endpoints), too, is judged as one of these.
    type: list
    elements: str
    default: []
  router_ca_cert:
    description:
      - PEM text of the CA that is to be trusted for O(router_endpoints), in the place of O(ca_cert).
    type: str
  engines:
    description:
      - The engines to look at; V(auto) are those that are found on the node.
    type: list
    elements: str
    choices: [auto, docker, containerd, podman, crio]
    default: [auto]
seealso:
  - module: okd.registry.registry_trust
  - module: okd.registry.registry_check
"""

EXAMPLES = r"""
- name: Look at what this node trusts
  okd.registry.registry_trust_info:
  register: node_trust

- name: Judge the names of the registry by its CA
  okd.registry.registry_trust_info:
    endpoints: "{{ registry.endpoints }}"
    ca_cert: "{{ ca_cert }}"
  register: node_trust
  failed_when: node_trust.endpoints | rejectattr('state', 'equalto', 'trusted') | list | length > 0

- name: Judge the hosts of Routes whose router ends TLS by the router's CA
  okd.registry.registry_trust_info:
    router_endpoints: [images.apps.example.com]
    router_ca_cert: "{{ lookup('ansible.builtin.file', '/etc/pki/apps-ca.crt') }}"
"""

RETURN = r"""
engines:
  description: The engines that were found.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - One of C(docker), C(containerd), C(podman), C(crio). C(containerd) is there more than once where there are
          several, or where it takes the whole of its C(config_path) for one directory when it pulls in one way, and
          for several when it does in the other.
      type: str
    directories:
      description: Where it looks for CAs, in its own order.
      type: list
      elements: str
    problem:
      description: Why nothing can be placed for it, and what to do, or null.
      type: str
  sample:
    - name: docker
      directories: [/etc/docker/certs.d]
      problem: null
endpoints:
  description: A verdict for each name and engine.
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    engine:
      description: The engine.
      type: str
    at_router:
      description: Whether it is one of O(router_endpoints).
      type: bool
    state:
      description:
        - V(trusted), V(expired), V(other) (a CA, but not the one asked about), V(none), V(broken) (something there
          keeps the engine from the registry) or V(unknown).
      type: str
    reason:
      description: Why it is not trusted, or null.
      type: str
    path:
      description: The file that says so.
      type: str
    owner:
      description: Whose it is, as in RV(files[].owner).
      type: str
    days_left:
      description: Days until the last of its CAs expires.
      type: int
    verified:
      description: Whether the engine verifies the name at all; V(false) where docker runs with an insecure flag for it.
      type: bool
  sample:
    - endpoint: 172.30.124.220:5000
      engine: docker
      at_router: false
      state: trusted
      reason: null
      path: /etc/docker/certs.d/172.30.124.220:5000/ca.crt
      owner: ours
      days_left: 1800
      verified: true
files:
  description: Everything that lies in the engines' directories, whoever put it there.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where it is.
      type: str
    directory:
      description: The engine's directory that it is below.
      type: str
    endpoint:
      description: The name that it is for.
      type: str
    kind:
      description:
        - C(ca), C(client certificate), C(client key), C(hosts.toml), C(link) (of a whole directory) or C(other).
      type: str
    is:
      description: C(file), C(link), C(directory) or C(other).
      type: str
    target:
      description: Where a link leads.
      type: str
    dangling:
      description: Whether that is nowhere.
      type: bool
    owner:
      description:
        - V(ours) where it is what M(okd.registry.registry_trust) wrote, V(changed) where somebody changed that since,
          V(foreign) where it is on no record.
      type: str
    registry:
      description: For which registry (C(namespace/name)) it is on record.
      type: str
    certificates:
      description: The certificates in it. Nothing of a key is told.
      type: list
      elements: dict
      contains:
        subject:
          description: Whose it is.
          type: str
        sha256:
          description: Its fingerprint.
          type: str
        not_after:
          description: Until when it is valid, in UTC.
          type: str
        days_left:
          description: Days until then; negative when it has expired.
          type: int
    matches:
      description:
        - Whether it trusts O(ca_cert), or O(router_ca_cert) where it is for one of O(router_endpoints); null without
          that option.
      type: bool
    problem:
      description: What is wrong with it, or null.
      type: str
  sample:
    - path: /etc/docker/certs.d/172.30.124.220:5000/ca.crt
      directory: /etc/docker/certs.d
      endpoint: 172.30.124.220:5000
      kind: ca
      is: file
      target: null
      dangling: false
      owner: ours
      registry: default/docker-registry
      certificates:
        - subject: CN=registry CA
          sha256: 9d3f5f0c1d2e4b6a8c0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e
          not_after: "2031-10-31T12:00:00Z"
          days_left: 1800
      matches: true
      problem: null
anchors:
  description: Files in the system's own store that are ours, or hold O(ca_cert) or O(router_ca_cert).
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where it is.
      type: str
    owner:
      description: As in RV(files[].owner).
      type: str
    registry:
      description: For which registry it is on record.
      type: str
    certificates:
      description: As in RV(files[].certificates).
      type: list
      elements: dict
system_trusts:
  description:
    - Whether the system's own store, as its programs read it, has all of O(ca_cert), whoever put it there. Engines
      trust it beside what they have for a name. Null without O(ca_cert).
  returned: success
  type: bool
router_system_trusts:
  description: The same of O(router_ca_cert).
  returned: success
  type: bool
insecure:
  description: What keeps docker from verifying the names.
  returned: success
  type: dict
  contains:
    flags:
      description: Flags in files that name one of them, as M(okd.registry.registry_trust) returns them.
      type: list
      elements: dict
    networks:
      description: Flags in files that name a network which covers one of them.
      type: list
      elements: dict
    problems:
      description: What could not be read, or could not be taken away by M(okd.registry.registry_trust).
      type: list
      elements: str
    running:
      description: What docker runs with, at this moment, that names one of them.
      type: list
      elements: str
    stale:
      description:
        - Those of RV(insecure.running) that no file has any more, so that a restart or reload of docker ends them.
      type: list
      elements: str
    covered:
      description: The names that docker does not verify as it runs now.
      type: list
      elements: str
  sample:
    flags: []
    networks: []
    problems: []
    running: []
    stale: []
    covered: []
proxied:
  description:
    - The names for which an engine, as it runs now, asks an HTTP proxy, since none of its exceptions (C(NO_PROXY))
      holds for them. Whether that proxy leads to the registry is for M(okd.registry.registry_check).
    - Only docker is asked.
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    engine:
      description: The engine.
      type: str
    reason:
      description: Which proxy that is, by which variable, and what to set. A password in its URL is left out.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      engine: docker
      reason: >-
        As docker runs now, docker asks its proxy http://proxy.example.com:3128 (HTTPS_PROXY) for 172.30.124.220:5000:
        set NO_PROXY=localhost,172.30.124.220 where docker.service gets its environment from, and restart docker
registries:
  description: The registries (C(namespace/name)) that are on record on this node.
  returned: success
  type: list
  elements: str
  sample: [default/docker-registry]
problems:
  description: All that is wrong, as sentences.
  returned: success
  type: list
  elements: str
  sample:
    - "/etc/docker/certs.d/x.org/ca.crt: is a link to /nowhere, which is not there: docker does not use x.org"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._node import (
    endpoint,
    engine,
    files,
    look,
    pem,
    proxycheck,
    systemd,
    trust,
    which_engines,
)
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

_TIMEOUT = 5  # seconds that docker may be in the middle of a start


def argument_spec():
    """Give the options, as documented."""
    return {
        "endpoints": {"type": "list", "elements": "str", "default": []},
        "ca_cert": {"type": "str"},
        "router_endpoints": {"type": "list", "elements": "str", "default": []},
        "router_ca_cert": {"type": "str"},
        "engines": {
            "type": "list",
            "elements": "str",
            "choices": ["auto", *which_engines.NAMES],
            "default": ["auto"],
        },
    }


def _names(given):
    """Give those that are known, as a plan may not know all; raise NodeError for what is no name of a registry."""
    known = [name for name in given if not endpoint.is_unknown(name)]
    for name in known:
        endpoint.parse(name)
    return known


def _ca(text):
    """Give a CA as PEM bytes, or None where it is not said or not known."""
    return pem.bundle(text) if text and not endpoint.is_unknown(text) else None


def main():
    """Read the options, hand over to module_utils/_node/look.py, and return what it says."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    try:
        question = look.Question(
            _names(params["endpoints"]), _ca(params["ca_cert"]), params["engines"],
            _names(params["router_endpoints"]), _ca(params["router_ca_cert"]),
        )  # fmt: skip
        tree, control = files.Tree(), systemd.Systemd(systemd.run)
        options = dict.fromkeys(trust.Request._fields)
        options.update(registry="default/docker-registry", insecure_networks="keep", timeout=_TIMEOUT)
        docker, unit = engine.Engine(), control.settled_unit(_TIMEOUT)
        job = trust.Trust(trust.Request(**options), tree, control, docker)

        def proxied(names, survey):
            parsed = {name: endpoint.parse(name) for name in names}
            return proxycheck.ProxyCheck(tree, control, docker, parsed, survey.daemon_json).look(unit, False).now

        result = look.Look(question, tree, unit, job.look, proxied).run()
    except NodeError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

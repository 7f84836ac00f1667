# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a node's docker trust a registry (runs on the node, Python 3.6)."""

DOCUMENTATION = r"""
module: registry_trust
short_description: Make a node's engines trust the registry, and stop docker from using it unverified
description:
  - Writes the registry's CA to C(/etc/docker/certs.d/<endpoint>/ca.crt), and to where the node's other engines look,
    for every name of the registry, and proves from this node that TLS then works. The engines read these files at every
    request, so nothing is restarted.
  - With O(remove_insecure=true), takes C(--insecure-registry) out of C(/etc/sysconfig/docker) and its like where it
    names this registry, and restarts docker only if it runs with that flag. If docker does not come up again, or then
    cannot use the registry, the files are put back and docker is restarted on them.
  - Before a flag goes, docker's own proxy is looked at (environment, unit, C(daemon.json)). Where it would be asked for
    a name of the registry and that does not work, the error says what C(NO_PROXY) has to be, and where.
  - One call does all names of the registry. It is safe to be killed at any moment; running it again finishes the job.
  - Touches only what is its own. What it wrote is recorded, with hashes, in C(/var/lib/okd-registry) on the node, so
    that names the registry has no more are cleared away and nothing else is. A file of somebody else that trusts the
    very same certificates is taken over; any other in the way is named and refused, and so are links and directories.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - okd.registry._attributes
  - okd.registry._attributes.node
options:
  registry:
    description:
      - Which registry this is about, as C(namespace/name). What was written for one is never touched for another.
      - C(namespace/name.route) is a second record of the same registry, for the CA of a router that ends TLS before it.
        What one of the two has written, and is as it was written, is taken over when the other one wants it.
    type: str
    default: default/docker-registry
  endpoints:
    description:
      - All names of the registry as docker writes them, C(host:port), or C(host) where the port is 443; IPv6 addresses
        in brackets. RV(okd.registry.registry_info#module:registry.endpoints) is that list.
      - In check mode, a name may hold C((known after apply)).
      - Needed with O(state=present).
    type: list
    elements: str
  ca_cert:
    description:
      - The CA certificate as PEM text; several one after another while a CA is being replaced. No private key.
      - In check mode, it may be C((known after apply)).
      - Needed with O(state=present).
    type: str
  engines:
    description:
      - The container engines that are to trust the registry. What each of them reads, at every request and without a
        restart, is written and nothing else; C(docs/trust.md) of this collection has the paths.
      - V(auto) are those that are found on the node. containerd counts where its configuration has a C(config_path), or
        where the kubelet runs pods with it; that of k3s or RKE2 counts beside another one. V(podman) stands for Buildah
        and Skopeo as well.
      - containerd's configuration is read and never changed, since it would have to be restarted for that. Where
        nothing can be placed for it (no C(config_path), which only containerd 2.2 and later makes up for, or one beside
        inline C(mirrors), with which its CRI plugin does not load), the module says what to set, and fails if
        containerd is named here, runs the node's pods or is the only engine. Otherwise it is a warning.
    type: list
    elements: str
    choices: [auto, docker, containerd, podman, crio]
    default: [auto]
  system_anchors:
    description:
      - Whether the CA is also placed among those that every program of the node trusts, by C(update-ca-certificates) or
        C(update-ca-trust).
      - Docker takes notice of these only when it is restarted, which is not done for this.
    type: bool
    default: false
  client_cert:
    description:
      - PEM text of a certificate, with its chain if there is one, by which the node identifies itself to the registry.
        Written as C(client.cert) beside every C(ca.crt).
    type: str
  client_key:
    description:
      - PEM text of the key of O(client_cert), without a passphrase. Written as C(client.key), for root alone to read.
      - It is in no result and no diff. With pipelining, it is in no other file of the node.
    type: str
  remove_insecure:
    description:
      - Whether insecure flags that name this registry are taken away, and docker restarted where it runs with one.
      - An entry of C(insecure-registries) in C(/etc/docker/daemon.json), or in the file that dockerd's C(--config-file)
        names, goes with a reload of docker, not a restart.
      - Whatever it says, the flags are reported in RV(insecure) and RV(restart_needed).
      - An entry of C(/etc/containers/registries.conf) or of C(registries.conf.d) goes with a reload of CRI-O, if it
        runs here; Podman reads the files at every request. Where C(registries.service) makes flags for docker of it,
        docker is restarted.
      - A flag in a unit file or drop-in below C(/etc/systemd) goes as one in a variable does, with a daemon-reload. A
        unit file of a package is not edited; the error says which drop-in to write.
      - A flag goes only after TLS was proven from this node for every name (unless O(verify=false)).
    type: bool
    default: false
  restore_insecure:
    description:
      - With O(state=absent), whether the insecure flags that O(remove_insecure=true) took away on this node are put
        back, so that the registry can still be used where it must be. What was taken away is recorded beside the
        manifest, before it is.
      - A flag goes into today's file, at the end of the variable, setting or list that it was taken from; what others
        have changed since stays. Where that place is gone, a warning says so.
      - Docker is restarted, or reloaded, where it does not run with the flag; if it does not come up, the files are put
        back. With O(restart=false), a node that needs a restart for it is left as it is, its CA too, and told in
        RV(restart_needed).
    type: bool
    default: false
    version_added: 1.0.0
  restart:
    description:
      - Whether docker may be restarted for that. With V(false), what needs no restart is done, and what needs one is
        left as it is and told in RV(restart_needed). So all nodes can be asked at once, and those that need a restart
        one after another.
    type: bool
    default: true
  insecure_flags:
    description:
      - With O(state=insecure), the flags to put back, as RV(taken) of an earlier call gave them. Only what is on record
        as taken away on this node is put back, in the way that O(restore_insecure) does it.
      - Needed with O(state=insecure).
    type: list
    elements: dict
    version_added: 1.0.0
    suboptions:
      file:
        description: Where it stood.
        type: str
        required: true
      variable:
        description: In which variable, or key.
        type: str
        required: true
      value:
        description: What it names.
        type: str
        required: true
  insecure_networks:
    description:
      - What to do with a flag that names a network, such as V(172.30.0.0/16), which covers a name of this registry.
        Docker then uses the registry unverified, by address and by name alike, whatever else is configured.
      - V(keep) leaves it and reports it in RV(insecure.networks). It is right while other registries in that network
        have no TLS.
      - V(remove) takes it out as if it named this registry. It is right when this registry is the only one there, as on
        clusters whose installer put the whole service network in.
      - V(fail) refuses to do anything.
    type: str
    choices: [keep, remove, fail]
    default: keep
  placed:
    description:
      - For check mode alone. An earlier task of the same run places the CA, so that it is taken as placed and not
        announced once more.
    type: bool
    default: false
  verify:
    description:
      - Whether every name is asked over TLS from this node, and by docker itself, before a flag goes and after docker
        was restarted. Nothing is asked in check mode.
    type: bool
    default: true
  verify_ca:
    description:
      - PEM text of a CA certificate, one of those in O(ca_cert), by which alone what every name serves must be signed.
        So, while a CA is being replaced, it is proven that the one to come is enough. What docker is asked it answers
        by the files, with all of O(ca_cert).
      - Nothing is left unproven then. Where docker is down, the names are asked from this node all the same.
    type: str
    version_added: 1.0.0
  timeout:
    description:
      - For how many seconds a name that does not answer is asked again. A certificate that is wrong fails at once.
    type: int
    default: 30
  restart_timeout:
    description:
      - Within how many seconds docker must be healthy after a restart, and the kubelet where its health check answered
        at C(127.0.0.1:10248) before; otherwise the files are put back.
    type: int
    default: 120
  state:
    description:
      - V(present) makes this node trust the registry.
      - V(absent) removes the files that this module wrote for the registry, as far as nobody has changed them since,
        and the directories it made for them. A file that was right before this module came stays, unless it has been
        written anew since. Insecure flags are put back only with O(restore_insecure=true).
      - V(insecure) puts O(insecure_flags) back, and does nothing else. The CA stays. It is for a node that turned out
        not to do well without them, such as one that the control plane does not hold for ready after the restart.
    type: str
    choices: [present, absent, insecure]
    default: present
attributes:
  check_mode:
    support: full
    details:
      - Nothing is asked over the network, so RV(verified) is empty, and what only that would show is not predicted.
  diff_mode:
    support: full
    details:
      - Of a file that is not all ours only the lines that change are shown.
  idempotent:
    support: full
seealso:
  - module: okd.registry.registry_check
  - module: okd.registry.registry_cert
"""

EXAMPLES = r"""
- name: Trust the registry on this node; nothing is restarted
  okd.registry.registry_trust:
    endpoints:
      - 172.30.124.220:5000
      - docker-registry.default.svc:5000
      - docker-registry.default.svc.cluster.local:5000
      - registry.apps.example.com
    ca_cert: "{{ lookup('ansible.builtin.file', '/etc/origin/master/ca.crt') }}"
  register: trust

- name: Take the insecure flag away, which restarts docker where it runs with it
  okd.registry.registry_trust:
    endpoints: "{{ registry.endpoints }}"
    ca_cert: "{{ ca_cert }}"
    remove_insecure: true
    insecure_networks: remove
  when: trust.restart_needed
  register: trust_restarted

- name: Have it as before, where something else shows that the node does not do well
  okd.registry.registry_trust:
    state: insecure
    insecure_flags: "{{ trust_restarted.taken }}"

- name: Leave nothing of ours on this node
  okd.registry.registry_trust:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, as sentences.
  returned: always
  type: list
  elements: str
  sample:
    - "Write /etc/docker/certs.d/172.30.124.220:5000/ca.crt: CA for this name"
    - "Take --insecure-registry 172.30.124.220:5000 out of OPTIONS in /etc/sysconfig/docker"
diff:
  description: Differences, one entry for each changed file.
  returned: always
  type: list
  elements: dict
files:
  description: The files that are recorded as this registry's on this node.
  returned: always
  type: list
  elements: str
  sample:
    - /etc/docker/certs.d/172.30.124.220:5000/ca.crt
insecure:
  description: What was found that makes docker use the registry unverified, before anything was changed.
  returned: always
  type: dict
  contains:
    flags:
      description: Flags that name the registry.
      type: list
      elements: dict
      contains:
        file:
          description: Where it stands.
          type: str
        line:
          description: On which line, from 1.
          type: int
        variable:
          description: In which variable, or key.
          type: str
        value:
          description: What it names.
          type: str
    networks:
      description: Flags that name a network which covers the registry.
      type: list
      elements: dict
      contains:
        file:
          description: Where it stands.
          type: str
        line:
          description: On which line, from 1.
          type: int
        variable:
          description: In which variable, or key.
          type: str
        value:
          description: The network.
          type: str
        endpoints:
          description: The names that it covers.
          type: list
          elements: str
    problems:
      description: Why some of that cannot be taken away by this module, as sentences with file and line.
      type: list
      elements: str
  sample:
    flags:
      - file: /etc/sysconfig/docker
        line: 4
        variable: OPTIONS
        value: 172.30.124.220:5000
    networks: []
    problems: []
restart_needed:
  description:
    - Whether a call with O(remove_insecure=true) and O(restart=true) still has work on this node, which nearly always
      includes a restart of docker.
    - With O(state=absent), whether one with O(restore_insecure=true) and O(restart=true) has.
  returned: always
  type: bool
restarted:
  description: Whether docker was restarted, or would be in check mode.
  returned: always
  type: bool
taken:
  description:
    - The insecure flags that this call took away, or the killed one that it finished. With O(insecure_flags) and
      O(state=insecure), another call puts them back. Empty in check mode, and where docker did not do well without.
  returned: always
  type: list
  elements: dict
  contains:
    file:
      description: Where it stood.
      type: str
    variable:
      description: In which variable, or key.
      type: str
    value:
      description: What it names.
      type: str
  sample:
    - file: /etc/sysconfig/docker
      variable: OPTIONS
      value: 172.30.124.220:5000
unhealthy:
  description:
    - Whether docker, or the kubelet that was healthy before, came back neither without the flag nor with the files as
      they were.
  returned: always
  type: bool
verified:
  description:
    - What was proven from this node, name by name. Empty in check mode and with O(verify=false).
    - Empty with a warning, and RV(restart_needed) true, where docker is down because a run was killed while it
      restarted it. The registry may have run there, so only a call with O(remove_insecure=true), which starts docker,
      asks it.
  returned: always
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    ok:
      description: Whether it can be used, verified, from this node.
      type: bool
    error:
      description: What is wrong, and what to do next.
      type: str
    engine:
      description: What docker itself made of it, or why it was not asked.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      ok: true
      error: null
      engine: trusts it
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._node import (
    engine,
    files,
    selinux,
    systemd,
    trust,
    which_engines,
)
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError


def argument_spec():
    """Give the options, as documented."""
    return {
        "registry": {"type": "str", "default": "default/docker-registry"},
        "endpoints": {"type": "list", "elements": "str"},
        "ca_cert": {"type": "str"},
        "engines": {
            "type": "list",
            "elements": "str",
            "choices": ["auto", *which_engines.NAMES],
            "default": ["auto"],
        },
        "system_anchors": {"type": "bool", "default": False},
        "client_cert": {"type": "str"},
        "client_key": {"type": "str", "no_log": True},
        "remove_insecure": {"type": "bool", "default": False},
        "restore_insecure": {"type": "bool", "default": False},
        "restart": {"type": "bool", "default": True},
        "insecure_flags": {
            "type": "list",
            "elements": "dict",
            "options": {name: {"type": "str", "required": True} for name in ("file", "variable", "value")},
        },
        "insecure_networks": {"type": "str", "choices": ["keep", "remove", "fail"], "default": "keep"},
        "placed": {"type": "bool", "default": False},
        "verify": {"type": "bool", "default": True},
        "verify_ca": {"type": "str"},
        "timeout": {"type": "int", "default": 30},
        "restart_timeout": {"type": "int", "default": 120},
        "state": {"type": "str", "choices": ["present", "absent", "insecure"], "default": "present"},
    }


def main():
    """Read the options, hand over to module_utils/_node/trust.py, and return what it says."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ["endpoints", "ca_cert"]), ("state", "insecure", ["insecure_flags"])],
        required_together=[("client_cert", "client_key")],
        supports_check_mode=True,
    )
    owner = (os.geteuid(), os.getegid())  # root, where this is to be of any use
    request = trust.Request(check_mode=module.check_mode, owner=owner, **module.params)
    contexts = selinux.Contexts(module) if module.selinux_enabled() else None
    result = {}
    try:
        job = trust.Trust(request, files.Tree(contexts=contexts), systemd.Systemd(systemd.run), engine.Engine())
        result = job.result
        job.run()
    except NodeError as exc:
        module.fail_json(msg=str(exc), **result)
    except OSError as exc:
        module.fail_json(msg="{}: {}".format(exc.filename or "a file of this node", exc.strerror or exc), **result)
    for warning in job.warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log a host in to the registry (the files' part runs on the host, Python 3.6)."""

DOCUMENTATION = r"""
module: registry_login
short_description: Log a host in to the registry, or out, with the token of a user or a service account
description:
  - Does what C(oc login), C(oc whoami -t) and C(docker login) do, without any of them and without a docker daemon. Gets
    a token, and writes it into the file in which docker, podman, skopeo and buildah look for logins, for every name of
    the registry.
  - A token that is there already and still holds is used again; nothing changes then. Where it is near its end, is
    somebody else's, or neither the API server nor the registry takes it any more, a new one is got.
  - The file is written in one step, readable for its owner alone; entries of other registries and all other settings
    in it stay. Where it says that logins are with a credential helper, the helper gets them.
  - The token is in no result, no diff and no log, and in no argument of any command.
  - Runs for the user that it runs as; with C(become_user) for that one.
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
  method:
    description:
      - How to get what is logged in with. Left out, what else is given says it.
      - V(oauth) takes the user name and password of a regular user of OpenShift, and has its OAuth server issue a
        token.
      - V(token) takes the token in O(login_token), V(kubeconfig) the one of the connection to the API server, as
        C(oc whoami -t) does.
      - V(service_account) has the API server issue a token of O(service_account) that expires.
      - V(password) writes O(login_username) and O(login_password) as they are, for a registry with its own users
        (M(okd.registry.registry_htpasswd)). Nobody is asked for a token.
      - System users, such as C(system:admin), have no tokens, and are refused.
    type: str
    choices: [oauth, token, kubeconfig, service_account, password]
  login_username:
    description:
      - The user who logs in. OpenShift's registry looks at the token alone; with a token, this defaults to the name
        that the API server knows its user by.
      - With V(oauth), a token on the host that the API server says is another user's is not used again.
    type: str
  login_password:
    description:
      - Their password.
    type: str
  login_token:
    description:
      - A user's token, from C(oc whoami -t).
    type: str
  service_account:
    description:
      - Name of a ServiceAccount. Needs the right to create C(serviceaccounts/token).
      - Where the cluster is older than such tokens (OpenShift 3), the token in the account's own Secret is taken, which
        does not expire.
    type: str
  service_account_namespace:
    description:
      - Its namespace. Defaults to O(namespace).
    type: str
  expires_in:
    description:
      - How many seconds a ServiceAccount's token is asked to last.
    type: int
    default: 86400
  renew_before:
    description:
      - A token that lasts for less than so many seconds is not used again. Which time a token of OAuth has left cannot
        be seen; it is used as long as it is taken.
    type: int
    default: 3600
  endpoints:
    description:
      - The names to log in at, as docker writes them, C(host:port), or C(host) where the port is 443.
      - Left out, all names of the registry are taken from the cluster, its Routes and O(extra_hosts). This needs rights
        to read them, so a regular user names them.
    type: list
    elements: str
  auth_file:
    description:
      - The file that is written. V(docker) is C(config.json) in C($DOCKER_CONFIG) or C(~/.docker); V(podman) is
        C($REGISTRY_AUTH_FILE), or C(containers/auth.json) in C($XDG_RUNTIME_DIR), or else in C(/run) the one for this
        user's number. Anything else is a path.
      - C(credsStore) counts in all but files that are called C(auth.json), since podman does not know it.
    type: str
    default: docker
  obtain_on:
    description:
      - Where the token is got, V(controller), with kubeconfig, password and environment variables there, or the V(host)
        that is logged in, which then needs all of the requirements.
    type: str
    choices: [controller, host]
    default: controller
  verify:
    description:
      - Try each new login from the host before it is written. A registry that refuses it is an error. One that the host
        does not reach, or does not trust, is told in RV(logins), and no error.
    type: bool
    default: true
  registry_ca_cert:
    description:
      - PEM text of the registry's CA, for trying the logins.
      - Left out, it is the one that M(okd.registry.registry_cert) publishes; with O(endpoints), and where there is
        none, what docker on the host trusts.
    type: str
  router_endpoints:
    description:
      - More names to log in at, where a router ends TLS, as with Routes of the terminations V(reencrypt) and V(edge),
        so that its certificate is seen and not the registry's.
      - Where neither O(endpoints) nor these are given, hosts of such Routes are among what is read from the cluster.
    type: list
    elements: str
    default: []
  router_ca_cert:
    description:
      - PEM text of the CA of the certificates at O(router_endpoints), for trying the logins.
      - Left out, that is what docker on the host trusts, which are its files for the name and the system's CAs.
    type: str
  timeout:
    description:
      - Seconds to wait for each answer of the registry, and of the API server about a token.
    type: int
    default: 5
  reuse:
    description:
      - What the action plugin hands on to the host. Not for playbooks.
    type: dict
    suboptions:
      server:
        description: URL of the API server.
        type: str
      ca:
        description: PEM text of its CA.
        type: str
      verify:
        description: Whether its certificate counts.
        type: bool
        default: true
      proxy:
        description: URL of the HTTP proxy on the way there.
        type: str
      proxy_headers:
        description: What that proxy is sent.
        type: dict
      identity:
        description: Whose the token must be.
        type: str
      margin:
        description: Seconds that it must still last.
        type: int
        default: 0
  revoke:
    description:
      - With O(state=absent), have the API server revoke the tokens, too, before the logins go - those that OpenShift's
        OAuth server gave, by which C(oc) may be logged in as well. Tokens of service accounts expire by themselves.
      - One that could not be revoked is told in RV(actions), and is no error.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the logins at these endpoints from the file or its credential helper, whosever they are.
        Tokens are not revoked by that, unless O(revoke) says so. A file that has nothing else in it goes.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    details:
      - No token is got or revoked, and nothing is written. Tokens that are there are tried.
  diff_mode:
    support: full
    details:
      - Tells who is logged in where, and nothing of the tokens.
  idempotent:
    support: partial
    details:
      - Where an identity provider gives users other names than those they log in with, O(method=oauth) gets a new
        token in each run, since nothing tells beforehand whose a stored one should be.
requirements:
  - "For O(method=oauth): openshift >= 0.13.1, requests-oauthlib"
notes:
  - Only trying and writing logins is done on the host; this needs Python 3.6 and nothing beyond its standard library.
    All else is done where O(obtain_on) says.
  - The options are handed to the host through a pipe, also where pipelining is off, so that they lie in no file there.
    This cannot be where C(ANSIBLE_KEEP_REMOTE_FILES) is set. Where become wants a terminal, the variable
    C(ansible_pipelining=false) gives it up.
  - A password in a playbook belongs into a vault.
seealso:
  - module: okd.registry.registry_htpasswd
  - module: okd.registry.registry_check
"""

EXAMPLES = r"""
- name: Log this machine's docker in as alice
  okd.registry.registry_login:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    login_username: alice
    login_password: "{{ vault_alice_password }}"

- name: The same for somebody who may not look at the registry's objects
  okd.registry.registry_login:
    host: https://master.example.com:8443
    ca_cert: /etc/origin/master/ca.crt
    login_username: alice
    login_password: "{{ vault_alice_password }}"
    endpoints: [registry.apps.example.com]

- name: Log podman of a build host in, for a day, as a service account
  okd.registry.registry_login:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    service_account: builder
    service_account_namespace: test
    auth_file: podman
  delegate_to: build1.example.com
  become: true
  become_user: jenkins

- name: Log in with the token of my own kubeconfig, as docker login -p $(oc whoami -t) does
  okd.registry.registry_login:
    endpoints: [registry.apps.example.com]

- name: Log out again
  okd.registry.registry_login:
    kubeconfig: /etc/origin/master/admin.kubeconfig
    state: absent

- name: Log out, and have the token no longer hold anywhere
  okd.registry.registry_login:
    host: https://master.example.com:8443
    ca_cert: /etc/origin/master/ca.crt
    endpoints: [registry.apps.example.com]
    revoke: true
    state: absent
"""

RETURN = r"""
auth_file:
  description: The file, on the host.
  returned: success
  type: str
  sample: /root/.docker/config.json
username:
  description: Who is logged in.
  returned: success, if O(state=present)
  type: str
  sample: alice
method:
  description: How what is logged in with was got.
  returned: success, if O(state=present)
  type: str
  sample: oauth
reused:
  description: Whether a token that was on the host already is used again.
  returned: success, if O(state=present)
  type: bool
expires:
  description:
    - When the token expires, where it tells so, as those of service accounts do; V((known after apply\)) in check mode
      where a new one is needed.
  returned: success, if O(state=present)
  type: str
  sample: '2026-11-29T12:00:00Z'
logins:
  description: What came of trying the logins that were written; empty where none was, or without O(verify).
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: The name.
      type: str
    ok:
      description: Whether the registry took it.
      type: bool
    error:
      description: Why that is not known - the host does not reach the registry, or does not trust it.
      type: str
  sample:
    - endpoint: 172.30.124.220:5000
      ok: true
      error: null
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Logged in at 172.30.124.220:5000 as alice in /root/.docker/config.json."]
resources:
  description: The objects looked after - a ServiceAccount whose token is used, which does not change.
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
      description: V(unchanged).
      type: str
  sample:
    - {api_version: v1, kind: ServiceAccount, namespace: test, name: builder, action: unchanged}
registry:
  description: The registry as far as this module knows it.
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
      description: The Service's address; null where O(endpoints) are given.
      type: str
    port:
      description: The Service's port.
      type: int
    endpoints:
      description: The names that were looked after.
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
  description: Who is logged in where, before and after.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery, questions about tokens and OAuth apart.
  returned: always
  type: dict
  sample: {get: 2, post: 1, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._node import login
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

ARGUMENTS = {
    "method": {"type": "str", "choices": ["oauth", "token", "kubeconfig", "service_account", "password"]},
    "login_username": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_token": {"type": "str", "no_log": True},
    "service_account": {"type": "str"},
    "service_account_namespace": {"type": "str"},
    "expires_in": {"type": "int", "default": 86400},
    "renew_before": {"type": "int", "default": 3600},
    "endpoints": {"type": "list", "elements": "str"},
    "auth_file": {"type": "str", "default": "docker"},
    "obtain_on": {"type": "str", "choices": ["controller", "host"], "default": "controller"},
    "verify": {"type": "bool", "default": True},
    "registry_ca_cert": {"type": "str"},
    "router_endpoints": {"type": "list", "elements": "str", "default": []},
    "router_ca_cert": {"type": "str"},
    "timeout": {"type": "int", "default": 5},
    "reuse": {
        "type": "dict",
        "options": {
            "server": {"type": "str"},
            "ca": {"type": "str"},
            "verify": {"type": "bool", "default": True},
            "proxy": {"type": "str", "no_log": True},
            "proxy_headers": {"type": "dict", "no_log": True},
            "identity": {"type": "str"},
            "margin": {"type": "int", "default": 0},
        },
    },
    "revoke": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def on_this_host(module):
    """Do what the action plugin hands on, or what needs no cluster; give the module's result."""
    params = module.params
    registry = {key: params[key] for key in ("name", "namespace", "port")}
    registry["endpoints"] = list(dict.fromkeys([*(params["endpoints"] or []), *params["router_endpoints"]]))
    result = login.work(params, module.check_mode)
    if params["state"] == "present":
        result.update(username=params["login_username"], method=params["method"])
    return dict(result, resources=[], registry=dict(registry, cluster_ip=None), api_requests=login.NO_REQUESTS)


def main():
    """Read the options, and do the host's part, or all of it."""
    module = AnsibleModule(argument_spec=argument_spec(COMMON, ENDPOINTS, ARGUMENTS), supports_check_mode=True)
    params = module.params
    # The token is used without what stands around it: so it is hidden, too.
    module.no_log_values.update(filter(None, [(params["login_token"] or "").strip()]))
    out = params["state"] == "absent" and (not params["revoke"] or params["reuse"])
    if not (params["endpoints"] or params["router_endpoints"]) or not (out or params["method"] == "password"):
        # What is needed for the cluster's side only: it is for newer Pythons than hosts may have.
        from ansible_collections.okd.registry.plugins.module_utils import _kube, _login

        _kube.run(module, _login.execute)
    try:
        result = on_this_host(module)
    except NodeError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

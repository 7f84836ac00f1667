# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look after the users of a registry on plain Kubernetes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_htpasswd
short_description: Look after the users of a registry that has its own, in a Secret
description:
  - On plain Kubernetes a registry cannot ask the cluster who somebody is. It can have users of its own, in a file
    C(htpasswd) with bcrypt hashes. This module keeps that file as the key C(htpasswd) of a Secret.
  - A user whose password still fits is left alone, whatever the hash. Users and lines that are not named stay as they
    are.
  - By default the Secret is the one with the registry's certificate, which M(okd.registry.registry_deploy) mounts
    already; with RV(env) as its O(okd.registry.registry_deploy#module:env), the registry goes by the file. The other
    keys of the Secret stay.
  - The registry reads the file again by itself. The kubelet brings a changed Secret to the pod within about a minute.
  - On OpenShift the cluster's own users have access, and this is not needed; see M(okd.registry.registry_login).
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
options:
  users:
    description:
      - The users to look after. Needed with O(state=present), and not looked at otherwise.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the user; no blanks, no colon.
        type: str
        required: true
      password:
        description:
          - Their password, up to 72 bytes. Needed unless the user is to be V(absent).
        type: str
      state:
        description:
          - Whether the user is to be there.
        type: str
        choices: [present, absent]
        default: present
  secret_name:
    description:
      - The Secret. One that is not there is made.
    type: str
    default: registry-secret
  mount_path:
    description:
      - Where the registry's container has that Secret, for RV(env).
    type: str
    default: /etc/secrets
  cost:
    description:
      - How slow new hashes are to try, as bcrypt counts; each step doubles it. A registry tries one at each request.
    type: int
    default: 10
  state:
    description:
      - V(absent) takes the file away with all users in it, where this module has written it, and the Secret, too, where
        nothing else is in it.
      - A registry that goes by the file takes nobody from then on, so have M(okd.registry.registry_deploy) take RV(env)
        away first.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The file is shown as a keyed hash.
  idempotent:
    support: full
requirements:
  - "For users with a password: bcrypt >= 3.2"
notes:
  - A password in a playbook belongs into a vault.
seealso:
  - module: okd.registry.registry_login
  - module: okd.registry.registry_deploy
"""

EXAMPLES = r"""
- name: Two users, one of whom leaves
  okd.registry.registry_htpasswd:
    namespace: registry
    users:
      - name: ci
        password: "{{ vault_ci_password }}"
      - name: mallory
        state: absent
  register: users

- name: A registry that goes by them
  okd.registry.registry_deploy:
    namespace: registry
    image: registry:3
    tls_secret: registry-secret
    storage: {kind: pvc, claim_name: registry}
    env: "{{ users.env }}"

- name: Log this machine in
  okd.registry.registry_login:
    namespace: registry
    method: password
    login_username: ci
    login_password: "{{ vault_ci_password }}"

- name: No registry goes by these users any more
  okd.registry.registry_htpasswd:
    namespace: registry
    state: absent
"""

RETURN = r"""
users:
  description:
    - What was done to each user that was named, or would be in check mode; with O(state=absent), to each in the file.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the user.
      type: str
    action:
      description: V(added), V(updated), V(removed) or V(unchanged).
      type: str
  sample:
    - {name: ci, action: added}
    - {name: mallory, action: unchanged}
all_users:
  description: All users in the file; none where there is none any more.
  returned: success
  type: list
  elements: str
  sample: [ci]
env:
  description: The variables by which a registry goes by the file. Empty with O(state=absent).
  returned: success
  type: dict
  sample:
    REGISTRY_AUTH: htpasswd
    REGISTRY_AUTH_HTPASSWD_REALM: users-of-this-image-store
    REGISTRY_AUTH_HTPASSWD_PATH: /etc/secrets/htpasswd
actions:
  description: What was done, or would be done in check mode, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["Updated Secret registry/registry-secret: data.htpasswd.", "Added the user ci."]
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
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
  sample:
    - {api_version: v1, kind: Secret, namespace: registry, name: registry-secret, action: updated}
registry:
  description: The registry whose users they are.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace.
      type: str
  sample: {name: docker-registry, namespace: registry}
diff:
  description: The Secret before and after, as YAML, its values as keyed hashes.
  returned: success
  type: list
  elements: dict
api_requests:
  description: How many requests the API server got, by HTTP verb; discovery and waiting apart.
  returned: always
  type: dict
  sample: {get: 1, post: 0, patch: 1, delete: 0, discovery: 0, waiting: 0}
"""

from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._htpasswd import execute
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module

ARGUMENTS = {
    "users": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    },
    "secret_name": {"type": "str", "default": "registry-secret", "no_log": False},
    "mount_path": {"type": "str", "default": "/etc/secrets"},
    "cost": {"type": "int", "default": 10},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(execute, argument_spec=argument_spec(COMMON, ARGUMENTS), required_if=[("state", "present", ["users"])])


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module registry_migrate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_migrate
short_description: Copy a registry's images to another volume, losing no push
description:
  - Copies everything that a live registry keeps in its volume into another volume, at first while the registry serves;
    then keeps pushes out, copies the rest, compares all files, and verifies the digest of every blob in the new volume.
  - M(okd.registry.registry_deploy) with O(okd.registry.registry_deploy#module:migrate=true) does this by itself before
    it gives the registry its new storage. Alone, this module ends with the copy proven and pushes still kept out, for
    whatever switches then; O(state=finished) comes after that, O(state=undone) instead of it.
  - Where the old volume outlives its pods, pushes are kept out by making the registry read-only (one rollout; pulls go
    on). Where the images are in the pods themselves (C(emptyDir)), a rollout would lose them; there the Service stops
    leading to the pods, and the registry's process in them is ended, so that no connection is left.
  - Nothing is ever taken away from the old volume, and from the new one only copies of what was deleted from the old
    one meanwhile, such as pruned images. A run that failed or was killed is gone on with by the next one; files that
    are there in full are not copied again.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
attributes:
  check_mode:
    support: full
    details:
      - Says from where to where would be copied; it counts nothing.
  diff_mode:
    support: partial
    details:
      - Shows the objects of the API that it changes, not the files that it copies.
  idempotent:
    support: full
options:
  state:
    description:
      - V(copied) copies and proves; pushes are kept out from then on until the registry has its new storage.
      - V(finished), once the new pods serve, puts the Service's selector back to what it was.
      - V(undone) lets the registry serve from its old volume as before. The copy stays, and V(copied) goes on with it.
        Where the registry's workload is gone, the Service is as before, and the migration is forgotten.
    type: str
    choices: [copied, finished, undone]
    default: copied
  kind:
    description:
      - Kind of the workload. With V(auto), the one that is there.
    type: str
    choices: [auto, DeploymentConfig, Deployment, DaemonSet]
    default: auto
  storage:
    description:
      - The volume to copy to. It has to exist, and to be empty or hold nothing but copies of the same images.
      - Required with O(state=copied).
    type: dict
    suboptions:
      kind:
        description:
          - What it is.
        type: str
        choices: [pvc, nfs, host_path]
        required: true
      claim_name:
        description:
          - Name of the PersistentVolumeClaim, with V(pvc).
        type: str
      server:
        description:
          - Name or address of the server, with V(nfs).
        type: str
      path:
        description:
          - The export, with V(nfs), or the node's directory, with V(host_path).
        type: str
      node:
        description:
          - The node, with V(host_path).
        type: str
  template:
    description:
      - Template of the pods that are going to have the new volume. The pod that copies has their service account,
        security context, node selector, tolerations and image. By default the live template.
    type: dict
  helper_image:
    description:
      - Image of the pod that copies. It needs C(sh), C(tar), C(find), C(stat), C(dd), C(xargs) and C(sha256sum), of
        busybox or GNU, as registry images of OpenShift have them.
    type: str
  seconds:
    description:
      - For how long one step may go on. Between steps it is told how far the copy is.
    type: float
    default: 8
  run:
    description:
      - Tells the steps of one run from those of another. One that was killed may go on in part for a moment; it stops
        when a step of another run has taken over. The action plugin sets it.
    type: str
  take_over:
    description:
      - Whether this step takes the migration over from other runs. Only the first one of a run does.
    type: bool
    default: true
notes:
  - Runs as a row of short steps, from an action plugin; the task cannot be C(async).
  - Needs the right to run commands in the registry's pods (C(create) and C(get) of C(pods/exec)), to make Jobs, and to
    change Services and the workload.
  - Images in object storage, or to be moved there, are not copied; use the provider's tool or skopeo.
seealso:
  - module: okd.registry.registry_deploy
"""

EXAMPLES = r"""
- name: Copy the images to NFS; then, with any tool, switch, and put the Service's selector back
  okd.registry.registry_migrate:
    storage:
      kind: nfs
      server: nfs.example.com
      path: /exports/registry
  register: copied

- name: Give it up, and serve from the old volume as before
  okd.registry.registry_migrate:
    state: undone
"""

RETURN = r"""
migration:
  description: How far it is. Null with the other states.
  returned: with O(state=copied)
  type: dict
  contains:
    needed:
      description: Whether there are images to copy.
      type: bool
    done:
      description: Whether everything is copied and proven, or nothing is to be.
      type: bool
    phase:
      description: One of V(copying), V(closing), V(closed) and V(proved).
      type: str
    line:
      description: All this in one line.
      type: str
      sample: copied 120 of 431 files, 3.1 GiB of 7.2 GiB
    id:
      description: Tells this migration from others; value of the label C(okd.registry/storage).
      type: str
    from:
      description: The old volume.
      type: str
    to:
      description: The new volume.
      type: str
    repositories:
      description: Repositories copied.
      type: int
    blobs:
      description: Blobs in the new volume.
      type: int
    bytes:
      description: Size of all files.
      type: int
    verified:
      description: Blobs whose content has the digest that they are named by.
      type: int
    damaged:
      description: Blobs that have another content already in the old volume. They are copied as they are.
      type: list
      elements: str
    closed_seconds:
      description: For how long pushes have been kept out so far.
      type: float
    duration:
      description: Seconds since the migration was begun.
      type: float
leftovers:
  description: With O(state=finished), whether old pods are still there, so that it has to be called again.
  returned: with the other states
  type: bool
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
  description: The objects changed.
  returned: success
  type: list
  elements: dict
registry:
  description: Which registry it is.
  returned: success
  type: dict
  sample: {name: docker-registry, namespace: default}
api_requests:
  description: Requests to the API server by verb, of the last step.
  returned: always
  type: dict
  sample: {get: 8, post: 0, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._migrate import run


def execute(module: AnsibleModule, api: Api) -> dict[str, Any]:
    """Take one step."""
    return run.run(module.params, api, check_mode=module.check_mode)


def main() -> None:
    """Entry point."""
    run_module(
        execute,
        argument_spec=argument_spec(
            COMMON,
            state={"type": "str", "choices": ["copied", "finished", "undone"], "default": "copied"},
            kind={"type": "str", "choices": ["auto", *API_VERSIONS], "default": "auto"},
            storage={
                "type": "dict",
                "options": {
                    "kind": {"type": "str", "choices": ["pvc", "nfs", "host_path"], "required": True},
                    "claim_name": {"type": "str"},
                    "server": {"type": "str"},
                    "path": {"type": "str"},
                    "node": {"type": "str"},
                },
            },
            template={"type": "dict"},
            helper_image={"type": "str"},
            seconds={"type": "float", "default": 8},
            run={"type": "str"},
            take_over={"type": "bool", "default": True},
        ),
        required_if=[("state", "copied", ["storage"])],
    )


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module registry_rollout_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_rollout_info
short_description: Tell how far the rollout of an image registry is, and what keeps it
description:
  - Looks at the newest rollout of a registry's DeploymentConfig, Deployment or DaemonSet and tells how many pods are
    ready and, if some are not, why. The reason is the scheduler's, the kubelet's, the admission's or the program's own.
  - Can wait for the next change of state. M(okd.registry.registry_deploy) uses it for its own wait.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
  - okd.registry._attributes.info
options:
  kind:
    description:
      - Kind of the workload. With V(auto), the one that is there.
      - V(Config) is what the image-registry operator of OpenShift 4 is told, of which there is one; C(docs/operator.md)
        tells what its conditions mean here.
    type: str
    choices: [auto, DeploymentConfig, Deployment, DaemonSet, Config]
    default: auto
  wait:
    description:
      - Seconds to wait at most until RV(rollout.line) is another than O(seen), or the rollout is over.
      - Without O(seen), the first look is the answer.
    type: float
    default: 0
  seen:
    description:
      - RV(rollout.line) as known from the last call.
    type: str
  after:
    description:
      - Version of a DeploymentConfig before the last change; only a newer one counts as the rollout. Between a change
        and the start of its rollout there is a moment in which the old one still looks finished.
    type: int
seealso:
  - module: okd.registry.registry_deploy
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: Look how far the registry's rollout is
  okd.registry.registry_rollout_info:
  register: result

- name: Say it
  ansible.builtin.debug:
    msg: "{{ result.rollout.line }}{{ ' - ' ~ result.rollout.reason if result.rollout.reason else '' }}"
"""

RETURN = r"""
rollout:
  description: The state of the rollout.
  returned: success
  type: dict
  contains:
    revision:
      description: The ReplicationController, ReplicaSet or ControllerRevision; empty before there is one.
      type: str
      sample: docker-registry-1
    desired:
      description: Pods asked for; of a DaemonSet, the nodes that are to have one.
      type: int
    updated:
      description: Pods of this revision.
      type: int
    ready:
      description: Those of them that serve.
      type: int
    serving:
      description: Pods of older revisions that serve.
      type: int
    done:
      description: Whether the rollout is finished.
      type: bool
    failed:
      description: Whether it has ended without success.
      type: bool
    line:
      description: All this in one line, without any time in it, so that it changes exactly when the state does.
      type: str
      sample: 'docker-registry-1: 0/1 ready, pod docker-registry-1-x8k2p: ImagePullBackOff'
    reason:
      description: Why it is not finished, in the cluster's words; null when it is.
      type: str
      sample: 'pod docker-registry-1-x8k2p: Failed to pull image "registry:3": manifest unknown'
    stuck:
      description:
        - Kind of what stands in its way, one of V(image), V(config), V(crash), V(evicted), V(schedule), V(mount),
          V(probe), V(refused). Null while it goes its usual way.
      type: str
      sample: image
    grace:
      description: Seconds after which such a thing, if unchanged, can be taken for lasting. Null without one.
      type: int
      sample: 30
api_requests:
  description: Requests to the API server.
  returned: always
  type: dict
  sample: {get: 0, post: 0, patch: 0, delete: 0, discovery: 1, waiting: 4}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils import _observe
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module


def execute(module: AnsibleModule, api: Api) -> dict[str, Any]:
    """Look, and look again while nothing changes."""
    params = module.params
    ref = _observe.locate(api, params["kind"], params["name"], params["namespace"])
    state = _observe.watch(api, ref, seconds=params["wait"], seen=params["seen"], after=params["after"])
    return {"changed": False, "rollout": state.as_dict(), "api_requests": api.counts()}


def main() -> None:
    """Entry point."""
    run_module(
        execute,
        argument_spec=argument_spec(
            COMMON,
            kind={"type": "str", "choices": ["auto", *API_VERSIONS, "Config"], "default": "auto"},
            wait={"type": "float", "default": 0},
            seen={"type": "str"},
            after={"type": "int"},
        ),
    )


if __name__ == "__main__":
    main()

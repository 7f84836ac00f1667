# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module registry_deploy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_deploy
short_description: Deploy an integrated image registry
description:
  - Makes sure that the registry's workload runs as described, in one call for what C(oadm registry), C(oc volume),
    C(oc secrets add) and C(oc env) do one after the other. The service account, its rights and its link to the
    certificate come first, the workload last and in one write, so that there is one rollout, already on TLS.
  - An existing registry is taken over. Its kind, its selector, the names of its volumes and its HTTP secret are kept,
    and so is everything in it that others have set.
  - Waits until the rollout is done, with a line for each change of state. A rollout that cannot succeed ends the wait
    early, with the reason that the cluster gives.
  - The Service is the business of M(okd.registry.registry_service), the certificate that of
    M(okd.registry.registry_cert). Both come first.
author:
  - okd.registry contributors (@okd-registry)
version_added: 1.0.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - okd.registry._registry_common
  - okd.registry._registry_common.endpoints
  - okd.registry._registry_storage
  - okd.registry._registry_storage.guards
  - okd.registry._registry_pod
  - okd.registry._registry_settings
  - okd.registry._attributes
  - okd.registry._attributes.registry_group
attributes:
  check_mode:
    support: full
    details:
      - Plans against what there is. A certificate that is still to be issued, or a claim that is still to be made, is
        no error then.
      - Does not wait.
  diff_mode:
    support: full
    details:
      - Secret values, and values of variables that look like credentials, are shown as keyed hashes.
  idempotent:
    support: partial
    details:
      - Fully with O(state=present) and O(state=absent). Each run with O(state=redeployed) starts a new rollout.
options:
  state:
    description:
      - With V(present), the registry runs as described.
      - With V(redeployed), it does too, and its pods are started anew even where nothing else calls for it, as C(oc
        rollout latest) does. The Service, and so the address, stays. Pods with storage of kind V(ephemeral) take their
        images along, so that needs O(allow_data_loss).
      - With V(rolled_back), what a deployment with O(on_failure=rollback) has changed is put back, if it has not ended
        well, for instance because it was killed. O(on_failure=rollback) does so by itself.
      - With V(absent), the workload goes, and with it what was made for this registry alone, such as Secrets and
        ConfigMaps with its settings, the HTTP secret, its rights and the service account. A workload that this
        collection has never written goes only if O(kind) names its kind. Service and claims stay,
        unless O(remove_service) or O(remove_claims) is set; certificates, volumes of others and what is in storage
        stay. Images in storage of kind V(ephemeral) go with the pods. A migration of images (O(migrate)) that is not
        finished is given up.
      - With V(rendered), RV(objects) has the objects of a new registry, as C(oadm registry --dry-run --local -o yaml)
        prints them, and the Service with them. No cluster is asked, and none has to be there. With O(kind=auto) the
        workload is a DeploymentConfig, and O(cluster_role) is C(system:registry) where nothing is said.
    type: str
    choices: [present, redeployed, rolled_back, rendered, absent]
    default: present
  remove_service:
    description:
      - With O(state=absent), the Service goes too. Another one gets another address, which image streams, nodes and the
        certificate do not know.
    type: bool
    default: false
  remove_claims:
    description:
      - With O(state=absent), the claims that were made for this registry go too, and with them, or their volumes, the
        images. Refused where its images are in another claim.
    type: bool
    default: false
  kind:
    description:
      - Kind of the workload. With V(auto), the kind that exists stays; otherwise it is a DeploymentConfig on an
        OpenShift 3 cluster and a Deployment elsewhere.
      - A DaemonSet has one pod on each node that O(node_selector) and the like leave. All of them have to have the same
        storage, or a push to one is unknown to the others.
    type: str
    choices: [auto, DeploymentConfig, Deployment, DaemonSet]
    default: auto
  managed_by:
    description:
      - Whose the registry is. With V(operator), the image-registry operator of OpenShift 4 is told what it is to be, in
        C(configs.imageregistry.operator.openshift.io/cluster); with V(self), it is a workload of this module's.
      - With V(auto), it is the operator's where that looks after a registry and either O(namespace) is
        C(openshift-image-registry), or there is no workload of O(name) in O(namespace). With O(state=absent), the
        cluster's own registry is taken away only where its namespace is named, or V(operator).
      - Options that the operator has no equal for are then refused by name. C(docs/operator.md) tells which field of
        the operator's each option becomes.
    type: str
    choices: [auto, operator, self]
    default: auto
  image:
    description:
      - The registry's image. Required with O(state=present) and O(state=redeployed), but where the image-registry
        operator has the registry (O(managed_by)), which brings its own.
      - May have C(${component}) and C(${version}) in it, for which O(image_component) and O(image_version) are put.
    type: str
  image_component:
    description:
      - What stands for C(${component}) in O(image).
    type: str
    default: docker-registry
  image_version:
    description:
      - What stands for C(${version}) in O(image). By default the version of the cluster, which only OpenShift 3 tells;
        after an upgrade of the cluster, the next run then rolls out the new image.
    type: str
  latest_images:
    description:
      - Put V(latest) for C(${version}) in O(image).
    type: bool
    default: false
  replicas:
    description:
      - Number of pods. By default what there is, at first 1.
      - Refused with a DaemonSet, whose nodes decide.
    type: int
  labels:
    description:
      - Labels of the workload and its pods. By default C(<name>=default), which for V(docker-registry) is what
        C(oadm registry) has.
    type: dict
  selector:
    description:
      - Labels by which the workload finds its pods. By default the live ones, at first O(labels).
      - It cannot be changed later.
    type: dict
  service_account:
    description:
      - Service account of the pods. It is made if it is not there, and the Secret of O(tls_secret) is linked to it.
      - Another one than before takes its place. The former and its binding go once no pod needs them, if they were made
        for this registry and no other workload uses them.
    type: str
    default: registry
  cluster_role:
    description:
      - Cluster role that the service account is given. By default V(system:registry) where the cluster has OpenShift's
        API groups, and none elsewhere. An empty text means none.
      - Where none is asked for any more, the binding that was made for this registry goes.
      - The binding is called C(<service account>-registry-role), as C(oadm registry) calls it, with the namespace added
        where that is not C(default).
    type: str
  tls_secret:
    description:
      - Secret with the certificate and key to serve, as C(registry.crt) and C(registry.key) or as C(tls.crt) and
        C(tls.key). Without it, the registry serves plain HTTP.
      - When the certificate in it changes, the next run rolls it out.
    type: str
  tls_mount_path:
    description:
      - Where the container has that Secret.
    type: path
    default: /etc/secrets
  tls_fingerprint:
    description:
      - RV(okd.registry.registry_cert#module:certificate.sha256) of M(okd.registry.registry_cert). In check mode, it
        tells that a certificate which is still to be issued is going to be rolled out. Otherwise not used.
    type: str
  strategy:
    description:
      - How pods are replaced. By default V(Recreate) where O(storage.claim_name) can be mounted by one node only, else
        what there is, at first what the cluster takes by itself (V(Rolling)).
      - A DaemonSet has V(Rolling), which ends a node's pod before it starts the next one there, and V(OnDelete), with
        which old pods stay until somebody deletes them; the wait does not wait for that. V(Recreate) is for the other
        kinds, V(OnDelete) is not.
    type: str
    choices: [Rolling, Recreate, OnDelete]
  wait:
    description:
      - Wait for the rollout, also for one that an earlier run has left unfinished.
      - With V(false), what only the pods of before need (a Secret, the entry in an SCC) stays with them, and
        RV(leftovers) is true; the next run takes it away once the new pods serve.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait at most.
    type: int
    default: 600
  on_failure:
    description:
      - What to do when the rollout does not become ready, while O(wait=true). With V(keep), everything stays as it was
        written, so that it can be looked at, and the next run goes on from there.
      - With V(rollback), everything that this run has changed is put back (workload, Secrets, ConfigMaps, account,
        binding, claims made and not yet bound), and the wait goes on until that is ready. The task fails with the
        reason for which the rollout did.
      - After O(migrate), that is the registry as it was before it was made read-only. Images that were in the pods
        themselves (V(ephemeral)) are at stake then. Where all these pods are still ready, and are kept by going back,
        as those of a Deployment are with O(strategy=Rolling), they serve again, and so does the Service. Else the
        workload stays as it was written, with the new storage, which has all images; the Service leads to no pod until
        one with it is ready, so that the next run is to put right what the rollout failed of. The message says which.
      - What is going to change is kept in the Secret C(<name>-before) before the first write and until the new pods
        serve. After a run that was killed, the next one goes on; if it fails, it goes back to what served last.
    type: str
    choices: [keep, rollback]
    default: keep
notes:
  - The waiting is done on the controller, by an action plugin; the task cannot be C(async).
seealso:
  - module: okd.registry.registry_service
  - module: okd.registry.registry_cert
  - module: okd.registry.registry_rollout_info
  - module: okd.registry.registry_info
"""

EXAMPLES = r"""
- name: Deploy the registry on an existing claim, serving the certificate of registry_cert
  okd.registry.registry_deploy:
    image: registry.access.redhat.com/openshift3/ose-docker-registry:v3.11
    tls_secret: registry-secret
    storage:
      kind: pvc
      claim_name: registry-claim
    node_selector:
      node-role.kubernetes.io/infra: "true"

- name: Let images be deleted, and take away a variable that somebody set by hand
  okd.registry.registry_deploy:
    image: registry.access.redhat.com/openshift3/ose-docker-registry:v3.11
    tls_secret: registry-secret
    storage:
      kind: pvc
      claim_name: registry-claim
    env:
      REGISTRY_STORAGE_DELETE_ENABLED: true
      REGISTRY_LOG_LEVEL: null

- name: Start the registry's pods anew
  okd.registry.registry_deploy:
    state: redeployed
    image: registry.access.redhat.com/openshift3/ose-docker-registry:v3.11
    tls_secret: registry-secret
    storage:
      kind: pvc
      claim_name: registry-claim

- name: On OpenShift 4, give the operator's registry a claim, two pods and more to say
  okd.registry.registry_deploy:
    managed_by: operator
    replicas: 2
    storage:
      kind: pvc
      claim_name: registry-claim
    env:
      REGISTRY_LOG_LEVEL: debug

- name: What would be made for OpenShift 3.11, without a cluster
  okd.registry.registry_deploy:
    state: rendered
    image: registry.access.redhat.com/openshift3/ose-${component}:${version}
    image_version: v3.11
  register: rendered

- name: Take the registry away, keeping its address and its images
  okd.registry.registry_deploy:
    state: absent
"""

RETURN = r"""
changed:
  description: Whether anything was, or in check mode would be, changed.
  returned: success
  type: bool
rollout:
  description:
    - The finished rollout. Null in check mode, with O(wait=false) while it is not finished, and with O(state=absent).
  returned: success
  type: dict
  contains:
    revision:
      description: The ReplicationController, ReplicaSet or ControllerRevision.
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
      description: Whether it has failed.
      type: bool
    reason:
      description: Why it is not finished, in the cluster's words.
      type: str
    stuck:
      description: Kind of what stands in its way, such as V(image), V(schedule), V(crash) or V(refused).
      type: str
    grace:
      description: Seconds for which that may stand in its way before the wait is given up.
      type: int
    line:
      description: All this in one line.
      type: str
      sample: 'docker-registry-1: 1/1 ready, done'
    duration:
      description: Seconds waited.
      type: float
workload:
  description: The workload, and whether this run changes what its pods are made from. Null with O(state=absent).
  returned: success
  type: dict
  sample:
    api_version: apps.openshift.io/v1
    kind: DeploymentConfig
    name: docker-registry
    namespace: default
    rolls: true
    version_before: 0
layout:
  description: Which tool made the registry that was there before, and what about it matters.
  returned: with O(state=present) and O(state=redeployed), and always where the operator has the registry
  type: dict
  contains:
    name:
      description:
        - V(oadm-3.0) as the document of OpenShift 3.0 has it; V(oadm) and V(oadm-tls), of later versions without and
          with C(--tls-certificate); V(openshift-ansible); V(okd.registry), this collection; V(operator), the
          image-registry operator; V(plain), none of these; V(none) where there is no registry.
      type: str
    kind:
      description: Kind of the workload; V(Config) with the operator.
      type: str
    tls:
      description:
        - Whether it is told to serve TLS; null where only a configuration file would say so, and that cannot be read.
      type: bool
    tls_secret:
      description: The Secret with its certificate; null where it comes from elsewhere.
      type: str
    tls_mount_path:
      description: Where the container has that Secret.
      type: str
    storage:
      description: Kind of its storage; null where only a configuration file says it.
      type: str
    claim:
      description: The claim with its images.
      type: str
    service_account:
      description: That its pods run as; null for the namespace's default one.
      type: str
    config:
      description: The Secret or ConfigMap with its configuration file.
      type: str
      sample: Secret registry-config
    differences:
      description: What matters when it is taken over, as sentences.
      type: list
      elements: str
      sample:
        - credentials of openshift-registry in clear in the environment
        - volume v1 (claim registry-claim) is mounted at /registry2 and is not used for images
guards:
  description:
    - What O(ignore_guards) and O(allow_data_loss) have overridden, by name (V(volume) for the latter), with what it
      would have said.
  returned: with O(state=present), O(state=redeployed) and O(state=rendered), but where the operator has the registry
  type: list
  elements: dict
  sample:
    - name: replicas
      message: With 2 replicas, each has a storage of its own (emptyDir), so that a pull finds an image only by chance.
probe:
  description: What O(probe_storage) has found. Null where nothing was tried.
  returned: with O(state=present), O(state=redeployed) and O(state=rendered), but where the operator has the registry
  type: dict
  sample: {tried: true, skipped: null, uid: 1001, gid: 0, groups: [0], free_bytes: 5368709120, node: node1}
migration:
  description: What O(migrate) has copied, as of M(okd.registry.registry_migrate). Null where nothing was.
  returned: with O(state=present), O(state=redeployed) and O(state=rendered), but where the operator has the registry
  type: dict
leftovers:
  description:
    - Whether objects that the registry has no use for any more are still there, since the rollout is not finished, or
      pods with another O(service_account) have not ended.
    - After a wait, which takes them away at its end, it is true only where that took longer than O(wait_timeout). Run
      again then; with O(wait=false), when the rollout is done.
  returned: with O(state=present), O(state=redeployed) and O(state=rendered), but where the operator has the registry
  type: bool
rollback:
  description: What O(on_failure=rollback) has put back.
  returned: when the rollout has failed and O(on_failure=rollback)
  type: dict
  contains:
    done:
      description: Whether everything is as it was before, and serves.
      type: bool
    actions:
      description: What was put back, as sentences.
      type: list
      elements: str
    resources:
      description: The objects looked after.
      type: list
      elements: dict
    rollout:
      description: The rollout of the former state, as RV(rollout). Null where there was none.
      type: dict
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
    - api_version: apps.openshift.io/v1
      kind: DeploymentConfig
      namespace: default
      name: docker-registry
      action: created
registry:
  description: The registry's name, addresses and endpoints, its image, number of pods and storage.
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
    image: registry.access.redhat.com/openshift3/ose-docker-registry:v3.11
    replicas: 1
    storage:
      kind: pvc
      volume_name: registry-storage
      mount_path: /registry
      source: {claimName: registry-claim}
objects:
  description:
    - The objects as they are to be, in the order in which they are needed. Secret values are keyed hashes, and what
      only the cluster or a later step can know is V((known after apply\)). A Secret of O(tls_secret), which
      M(okd.registry.registry_cert) makes, and the Service, of M(okd.registry.registry_service), are there with
      O(state=rendered) only.
  returned: with O(state=rendered), and with O(state=present) and O(state=redeployed) in check mode
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: ServiceAccount
      metadata: {name: registry, namespace: default}
api_requests:
  description: Requests to the API server by verb, without those of the wait.
  returned: always
  type: dict
  sample: {get: 8, post: 4, patch: 0, delete: 0, discovery: 1, waiting: 0}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kube import run_module
from ansible_collections.okd.registry.plugins.module_utils._options import pod, settings, storage

STATES = ["present", "redeployed", "rolled_back", "rendered", "absent"]


def execute(module: AnsibleModule, api: Api) -> dict[str, Any]:
    """Deploy, or take away. Values of variables that hold credentials are kept out of every output.

    What only some runs need is imported by these alone: Python compiles the bundle anew each time.
    """
    storage.show_harmless(module)
    params = settings.show_harmless(module)
    module.no_log_values.update(storage.secret_values(params))
    state = params["state"]
    if state == "rendered":
        from ansible_collections.okd.registry.plugins.module_utils import _render

        return _render.run(params)
    if params["managed_by"] == "operator" or (params["managed_by"] == "auto" and api.has(operator_config.REF.group)):
        from ansible_collections.okd.registry.plugins.module_utils import _operator

        config = _operator.manages(params, api)
        if config is not None:
            return _operator.run(params, api, config, check_mode=module.check_mode)
    if state == "absent":
        from ansible_collections.okd.registry.plugins.module_utils import _undeploy

        return _undeploy.run(params, api, check_mode=module.check_mode)
    if state == "rolled_back":
        from ansible_collections.okd.registry.plugins.module_utils import _rollback

        return _rollback.run(params, api, check_mode=module.check_mode)
    from ansible_collections.okd.registry.plugins.module_utils import _deploy

    return _deploy.run(params, api, check_mode=module.check_mode)


def main() -> None:
    """Entry point."""
    run_module(
        execute,
        argument_spec=argument_spec(
            COMMON,
            ENDPOINTS,
            storage.SPEC,
            pod.SPEC,
            settings.SPEC,
            state={"type": "str", "choices": STATES, "default": "present"},
            managed_by={"type": "str", "choices": ["auto", "operator", "self"], "default": "auto"},
            kind={"type": "str", "choices": ["auto", *API_VERSIONS], "default": "auto"},
            image={"type": "str"},
            image_component={"type": "str", "default": "docker-registry"},
            image_version={"type": "str"},
            latest_images={"type": "bool", "default": False},
            replicas={"type": "int"},
            labels={"type": "dict"},
            selector={"type": "dict"},
            service_account={"type": "str", "default": "registry"},
            cluster_role={"type": "str"},
            tls_secret={"type": "str", "no_log": False},
            tls_mount_path={"type": "path", "default": "/etc/secrets"},
            tls_fingerprint={"type": "str"},
            strategy={"type": "str", "choices": ["Rolling", "Recreate", "OnDelete"]},
            wait={"type": "bool", "default": True},
            wait_timeout={"type": "int", "default": 600},
            remove_service={"type": "bool", "default": False},
            remove_claims={"type": "bool", "default": False},
            on_failure={"type": "str", "choices": ["keep", "rollback"], "default": "keep"},
        ),
    )


if __name__ == "__main__":
    main()

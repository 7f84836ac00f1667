# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on where a registry keeps its images. The argument spec is in ``module_utils/_options/storage.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_storage`` and ``okd.registry._registry_storage.guards``."""

    DOCUMENTATION = r"""
options:
  storage:
    description:
      - Where the images are kept. Each kind has its own options; one that does not belong to the kind is refused.
    type: dict
    suboptions:
      kind:
        description:
          - V(ephemeral) keeps them in the pod (C(emptyDir)), with which they are lost.
          - V(pvc) keeps them in the volume of a claim, which exists or, with O(storage.size), is made.
          - V(nfs) keeps them in an export, which the pod mounts itself or, with O(storage.options), through a
            PersistentVolume and a claim that are made for it.
          - V(host_path) keeps them in a directory of one node, which must exist, as C(oadm registry --mount-host) does.
            The container is privileged, and the service account is added to the users of the SCC C(privileged) where
            the cluster has SCCs.
          - V(s3), V(azure), V(gcs) and V(swift) keep them in object storage.
        type: str
        choices: [ephemeral, pvc, nfs, host_path, s3, azure, gcs, swift]
        default: ephemeral
      claim_name:
        description:
          - Name of the PersistentVolumeClaim, with O(storage.kind=pvc), and with O(storage.kind=nfs) where there are
            O(storage.options). By default C(<name>-storage) where the claim is made.
          - A claim outlives the registry. One that was made for it is deleted where C(remove_claims) asks for that, and
            where C(on_failure=rollback) takes it back before it is bound.
        type: str
      size:
        description:
          - Size of a claim that is to be made, such as V(20Gi). It may grow later where the StorageClass allows that,
            and never shrink.
          - With O(storage.kind=nfs), the size that is written into volume and claim, V(100Gi) by default; NFS has no
            use for it.
        type: str
      storage_class:
        description:
          - StorageClass of a claim that is to be made. By default the cluster's default class; an empty text is for a
            volume without class that somebody makes by hand.
        type: str
      access_modes:
        description:
          - Access modes of a claim that is to be made. By default V(ReadWriteOnce).
        type: list
        elements: str
        choices: [ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod]
      server:
        description:
          - Name or address of the NFS server.
        type: str
      path:
        description:
          - Path of the NFS export, or the directory of the node.
        type: str
      options:
        description:
          - Mount options of an export, such as V(nfsvers=4.1) and V(hard).
        type: list
        elements: str
      node:
        description:
          - Host name label (C(kubernetes.io/hostname)) of the node with the directory. Without it, O(node_selector) is
            required, and must have that label or lead to exactly one node (O(ignore_guards) V(node)).
        type: str
      parameters:
        description:
          - Parameters of the storage driver, by its own names in the documentation of the CNCF distribution, such as
            C(region), C(bucket), C(accesskey) and C(secretkey) of V(s3). Nested ones are nested maps.
          - All are kept in the Secret C(<name>-storage), from which the container's variables are taken. When one
            changes, the pods are started anew.
          - With V(gcs), C(keyfile) has the content of the JSON key file, which is mounted as a file.
        type: dict
      secret_name:
        description:
          - Name of an existing Secret with parameters of the driver under their own names, instead of
            O(storage.parameters) or in addition to them.
        type: str
      mount_path:
        description:
          - Where the container has the volume. By default where a live registry has it, at first C(/registry).
        type: path
      volume_name:
        description:
          - Name of the volume in the pod. By default that of the volume which is mounted there, at first
            C(registry-storage).
        type: str
"""

    GUARDS = r"""
options:
  migrate:
    description:
      - Where a change of O(storage) would leave images behind, copy them to the new volume first. They are copied while
        the registry serves, what came meanwhile is copied while nobody can push, each file is compared and each blob's
        digest verified, and only then is the workload switched. See M(okd.registry.registry_migrate).
      - From one volume to another (V(ephemeral), V(pvc), V(nfs), V(host_path)); not from or to object storage.
    type: bool
    default: false
  allow_data_loss:
    description:
      - Pushed images may be lost. Without it, a change that would replace the registry's volume or bucket, or the
        directory in it, is refused, and so is one that would replace, or take away, a pod of a registry with ephemeral
        storage. A new certificate, another image, other variables, fewer C(replicas) and an end of the registry are
        such changes.
      - A single pod with ephemeral storage in which there is nothing, as a command in it tells, may always go.
    type: bool
    default: false
  ignore_guards:
    description:
      - Names of guards that are not to count. Without this, what they find is refused before anything is written, all
        at once.
      - V(replicas) stands against several pods (and a DaemonSet) on storage that each has for itself, or that one node
        can mount.
      - V(strategy) stands against V(Rolling) on a claim that one node can mount.
      - V(claim) stands against a claim that does not exist, is lost, or can never be bound.
      - V(node) stands against a directory of a node without O(storage.node) where O(node_selector) does not lead to one
        node, or nodes may not be listed. A DaemonSet has a directory on each.
      - V(groups) stands against the supplemental group 0, and against supplemental groups beside a file system group,
        in the pods as this run would change them.
      - V(port) stands against a port on which the registry's user may not listen.
      - V(drain) stands against a disruption budget that lets no pod be evicted, so that no node could be drained.
      - V(probe) stands against storage to which a pod like the registry's cannot write.
    type: list
    elements: str
    default: []
  probe_storage:
    description:
      - Before the first deployment on a claim, an export or a node's directory, and before a change to one, start a pod
        like the registry's, and let it write there. What goes wrong is refused, with its cause, while the registry
        still runs as it was.
    type: bool
    default: true
  helper_image:
    description:
      - Image of the pods that look at storage; it needs a shell. By default that of the registry.
    type: str
"""

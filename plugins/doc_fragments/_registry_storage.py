# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on where a registry keeps its images. The argument spec is in ``module_utils/_options/storage.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_storage``."""

    DOCUMENTATION = r"""
options:
  storage:
    description:
      - Where the images are kept.
    type: dict
    suboptions:
      kind:
        description:
          - V(ephemeral) keeps them in the pod (C(emptyDir)), with which they are lost; V(pvc) in the volume of an
            existing claim.
        type: str
        choices: [ephemeral, pvc]
        default: ephemeral
      claim_name:
        description:
          - Name of the PersistentVolumeClaim, with O(storage.kind=pvc).
        type: str
      mount_path:
        description:
          - Where the container has them.
        type: path
        default: /registry
      volume_name:
        description:
          - Name of the volume in the pod. A volume that is already mounted at O(storage.mount_path) keeps its name.
        type: str
        default: registry-storage
  allow_data_loss:
    description:
      - Pushed images may be lost. Without it, a change that would replace the registry's volume is refused, and so is
        one that would replace, or take away, a pod of a registry with ephemeral storage. A new certificate, another
        image, other variables and fewer O(replicas) are such changes.
    type: bool
    default: false
"""

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects the controller writes: a ReplicationController for a version, and owner references."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

from standins.deploymentconfigs import model
from standins.kubeapi import Json


def controller_name(config_name: str, version: int) -> str:
    """Return the name of a version's ReplicationController."""
    return f"{config_name}-{version}"


def selector_of(dc: Json) -> Mapping[str, str]:
    """Return a DeploymentConfig's selector; without one it is the template's labels, as in the real API."""
    spec = dc["spec"]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    return spec.get("selector") or labels or {}


def selector_text(dc: Json) -> str:
    """Return the selector as a label query, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector_of(dc).items()))


def owner_reference(dc: Json) -> Json:
    """Return the reference that makes a DeploymentConfig the controller of an object."""
    return {
        "apiVersion": model.GROUP_VERSION,
        "kind": "DeploymentConfig",
        "name": dc["metadata"]["name"],
        "uid": dc["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def encode(dc: Json) -> str:
    """Return a DeploymentConfig as the text that its ReplicationControllers carry."""
    metadata = {key: value for key, value in dc["metadata"].items() if key != "managedFields"}
    kept = {
        "kind": "DeploymentConfig",
        "apiVersion": model.GROUP_VERSION,
        "metadata": metadata,
        "spec": dc["spec"],
        "status": dc.get("status") or {},
    }
    return json.dumps(kept, separators=(",", ":")) + "\n"


def new_controller(dc: Json, version: int, reason: str) -> Json:
    """Return the ReplicationController of a version: no pods yet, phase New."""
    config_name = dc["metadata"]["name"]
    name = controller_name(config_name, version)
    marks = {"deployment": name, "deploymentconfig": config_name}
    template = copy.deepcopy(dc["spec"]["template"])
    pod = template.setdefault("metadata", {})
    pod["labels"] = {**(pod.get("labels") or {}), **marks}
    pod["annotations"] = {
        **(pod.get("annotations") or {}),
        model.CONFIG_NAME: config_name,
        model.VERSION: str(version),
        model.DEPLOYMENT_NAME: name,
    }
    spec: Json = {"replicas": 0, "selector": {**selector_of(dc), **marks}, "template": template}
    if dc["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = dc["spec"]["minReadySeconds"]
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {
            "name": name,
            "namespace": dc["metadata"]["namespace"],
            "labels": {**(dc["metadata"].get("labels") or {}), model.CONFIG_NAME: config_name},
            "annotations": {
                **(dc["metadata"].get("annotations") or {}),
                model.CONFIG_NAME: config_name,
                model.VERSION: str(version),
                model.PHASE: model.NEW,
                model.STATUS_REASON: reason,
                model.ENCODED_CONFIG: encode(dc),
                model.DESIRED_REPLICAS: str(dc["spec"].get("replicas") or 0),
            },
            "ownerReferences": [owner_reference(dc)],
        },
        "spec": spec,
    }

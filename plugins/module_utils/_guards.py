# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy refuses, before anything is written: what would break the registry or lose images."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.okd.registry.plugins.module_utils._build import layout, place
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live, own_http_secret, wanted
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

OPERATOR_NAMESPACE = "openshift-image-registry"


def guard(spec: DeploySpec, live: Live) -> None:
    """Refuse, before anything is written, what would break the registry or lose images."""
    registry = spec.registry
    if registry.namespace == OPERATOR_NAMESPACE:
        raise RefusedError(
            f"The workloads in namespace {OPERATOR_NAMESPACE} belong to the image-registry operator, which would undo"
            " every change: set what you want in configs.imageregistry.operator.openshift.io/cluster."
        )
    there = layout.selector(live.workload)
    if spec.selector and there and spec.selector != there:
        raise RefusedError(
            f"{live.kind} {registry} selects its pods by {_text(there)}, which cannot become {_text(spec.selector)}:"
            " leave selector out to keep it, or delete the workload first (the Service, and so the address, stays)."
        )
    pods = {**spec.labels, **(spec.selector or there)}
    chosen = ((live.service or {}).get("spec") or {}).get("selector") or {}
    if chosen and not chosen.items() <= pods.items():
        raise RefusedError(
            f"Service {registry} leads to pods with {_text(chosen)}, but the pods would have {_text(pods)}, so nothing"
            " would be reached: give both the same labels."
        )
    if live.binding and live.binding.get("roleRef", {}).get("name") != live.role:
        name = live.binding["metadata"]["name"]
        raise RefusedError(
            f"ClusterRoleBinding {name} binds {live.binding.get('roleRef', {}).get('name')}, which cannot become"
            f" {live.role}: set cluster_role to the former, or delete the binding first."
        )
    _guard_images(spec, live)


def _guard_images(spec: DeploySpec, live: Live) -> None:
    if spec.allow_data_loss or live.workload is None:
        return
    known = ((live.http_secret or {}).get("metadata") or {}).get("uid") or KNOWN_AFTER_APPLY
    want = wanted(spec, live, known if own_http_secret(spec, live) else None)
    change = plan(live.workload, build.desired(want, live.workload))
    lost = place.abandons(
        spec.storage, live.workload, change.after, replicas=layout.replicas(change.after), rolls=build.rolls(change.fields)
    )
    if lost:
        what = ", ".join(field for field in change.fields if field.startswith(("spec.template", "spec.replicas")))
        raise RefusedError(
            f"{live.kind} {spec.registry}: {lost}; pushed images would be lost. Keep the storage as it is, copy the"
            f" images first, or say allow_data_loss: true. (The change: {what}.)"
        )


def _text(found: Mapping[str, str]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(found.items()))

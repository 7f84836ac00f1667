# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a DeploymentConfig's newest ReplicationController is made from what the DeploymentConfig says now. Pure.

Its status cannot tell: while it is paused, and for a moment after each write, everything there is of the last version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._fields import same_value, says_nothing
from ansible_collections.okd.registry.plugins.module_utils._patch import equal

#: Annotation with the DeploymentConfig from which a ReplicationController was made.
ENCODED = "openshift.io/encoded-deployment-config"
#: What a ReplicationController's template has beside that of its DeploymentConfig.
_LABELS, _NOTES = frozenset({"deployment", "deploymentconfig"}), "openshift.io/deployment"
#: Maps that the API fills nothing into: what is not there any more was taken away.
_WHOLE = frozenset({"labels", "annotations", "nodeSelector"})

Object = Mapping[str, Any]


def carries(controller: Object, workload: Object) -> bool:
    """Whether the controller's pods are those that the template of now asks for. Errs on the side of yes."""
    wanted = (workload.get("spec") or {}).get("template")
    has = (controller.get("spec") or {}).get("template")
    if not wanted or not has:
        return True
    return equal(_encoded(controller), wanted) or _covers(has, wanted, "", "template")


def _encoded(controller: Object) -> Any:
    """The template as the controller's maker has seen it; None where that is not told."""
    text = ((controller.get("metadata") or {}).get("annotations") or {}).get(ENCODED)
    try:
        return json.loads(text)["spec"]["template"] if text else None
    except (ValueError, KeyError, TypeError):
        return None


def _covers(has: Any, wanted: Any, parent: str, name: str) -> bool:
    """Whether a value is what is wanted, with the API's defaults beside it."""
    if isinstance(wanted, Mapping) and isinstance(has, Mapping):
        more = {key for key in has if key not in wanted and not _added(name, key)}
        whole: dict[str, Any] = {key: {} for key in _WHOLE & more if has[key]}
        return not (more and name in _WHOLE) and all(
            _covers(has.get(key), value, name, key) for key, value in {**wanted, **whole}.items()
        )
    if isinstance(wanted, list) and isinstance(has, list):
        return len(has) == len(wanted) and all(
            _covers(one, other, parent, name) for one, other in zip(has, wanted, strict=True)
        )
    if not isinstance(wanted, (Mapping, list)) and not isinstance(has, (Mapping, list)) and has is not None:
        return same_value(has, wanted, parent, name)
    return says_nothing(wanted, parent, name)


def _added(name: str, key: str) -> bool:
    return (name == "labels" and key in _LABELS) or (name == "annotations" and key.startswith(_NOTES))

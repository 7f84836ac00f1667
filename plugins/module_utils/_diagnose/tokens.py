# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token is worth: until when, by its own words, and to the cluster. The token itself is in no result."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.auth import GROUP
from ansible_collections.okd.registry.plugins.module_utils._node import bearer

#: What OpenShift's registry asks the cluster about before a pull and a push.
WANTED = ("get", "update")
_RESOURCE, _PART = "imagestreams", "layers"


def look(api: Api, token: str, project: str | None, now: float) -> dict[str, Any]:
    """Facts about a token; it goes to the API server, so it has to be meant for that one.

    Raises RegistryError where the cluster may not be asked.
    """
    until = bearer.expiry(token)
    past = until is not None and until < now
    found: dict[str, Any] = {"expired": bearer.stamp(until) if past else None, "project": project}
    if past:
        return found
    status = api.review("authentication.k8s.io/v1", "TokenReview", {"token": token})
    user = status.get("user") or {}
    accepted = bool(status.get("authenticated"))
    found.update(accepted=accepted, user=user.get("username"), error=status.get("error"))
    if accepted and project:
        found["lacking"] = [f"{verb} {_RESOURCE}/{_PART}" for verb in WANTED if not _may(api, user, verb, project)]
    return found


def _may(api: Api, user: dict[str, Any], verb: str, project: str) -> bool:
    asked = {"group": GROUP, "resource": _RESOURCE, "subresource": _PART, "verb": verb, "namespace": project}
    spec = {"resourceAttributes": asked, "user": user.get("username") or "", "groups": user.get("groups") or []}
    spec.update({key: user[key] for key in ("uid", "extra") if user.get(key)})
    return bool(api.review("authorization.k8s.io/v1", "SubjectAccessReview", spec).get("allowed"))

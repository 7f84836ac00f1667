# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token is worth: until when, by its own words, and to the cluster. The token itself is in no result."""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api

#: What OpenShift's registry asks the cluster about before a pull and a push.
WANTED = ("get", "update")
_GROUP, _RESOURCE, _PART = "image.openshift.io", "imagestreams", "layers"


def look(api: Api, token: str, project: str | None, now: float) -> dict[str, Any]:
    """Facts about a token. Raises RegistryError where the cluster may not be asked."""
    until = expiry(token)
    past = until is not None and until < now
    found: dict[str, Any] = {"expired": _utc(until) if until is not None and past else None, "project": project}
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
    asked = {"group": _GROUP, "resource": _RESOURCE, "subresource": _PART, "verb": verb, "namespace": project}
    spec = {"resourceAttributes": asked, "user": user.get("username") or "", "groups": user.get("groups") or []}
    spec.update({key: user[key] for key in ("uid", "extra") if user.get(key)})
    return bool(api.review("authorization.k8s.io/v1", "SubjectAccessReview", spec).get("allowed"))


def expiry(token: str) -> float | None:
    """When a token ends by its own words, in seconds since 1970; None for one that says nothing (it is no JWT)."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    until = claims.get("exp") if isinstance(claims, dict) else None
    return float(until) if isinstance(until, (int, float)) and not isinstance(until, bool) else None


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, min(seconds, 253402300799.0))))

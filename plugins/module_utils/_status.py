# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an HTTP status and body to a typed error with a useful sentence. Pure.

The API server answers errors with a ``Status`` object (kind, reason, message, details); anything in front of it
(a proxy, a wrong port) answers otherwise, and that difference is said too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    ServerError,
    UnauthorizedError,
)

# RBAC's own words, the same from 1.11 to today (there without "resource ..."); anything else under 403 is admission.
_RBAC_DENIAL = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>[a-z]+) ')
_RBAC_ESCALATION = "attempting to grant RBAC permissions not currently held"
_NO_BODY = "(no text)"
# The API server repeats what it refuses: of a Route's certificate that may not change, the private key, too.
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?(?:-----END \1-----(?:\\n|\s)*|\Z)", re.DOTALL)
_REFUSED = (400, 405, 406, 413, 415, 422)


@dataclass(frozen=True)
class Request:
    """What was asked, for the words of an error.

    :param verb: RBAC verb (get, list, create, patch, delete …).
    :param what: the object or collection as messages call it, such as ``Service default/docker-registry``.
    :param group: API group, ``""`` for the core group.
    :param resource: plural, with ``/subresource`` where there is one; empty for paths that are no resource.
    :param more_verbs: what the RBAC rule has to allow beside ``verb``.
    """

    verb: str
    what: str
    group: str = ""
    resource: str = ""
    namespace: str | None = None
    name: str | None = None
    more_verbs: tuple[str, ...] = ()


def parse_status(body: bytes) -> dict[str, Any]:
    """The ``Status`` object in a body, or ``{}`` when it is something else."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def is_missing_object(body: bytes) -> bool:
    """Whether a 404 means "no such object" rather than "no such API": only the first names an object in its details."""
    status = parse_status(body)
    return status.get("reason") == "NotFound" and bool((status.get("details") or {}).get("name"))


def rule_for(request: Request) -> str:
    """The RBAC rule, as YAML, that would allow a request."""
    verbs = ", ".join((request.verb, *request.more_verbs))
    return f'- apiGroups: ["{request.group}"]\n  resources: [{request.resource}]\n  verbs: [{verbs}]'


def error_from(code: int, body: bytes, request: Request) -> ApiError:
    """The error for an answer with status ``code`` >= 400.

    Source of the reasons: k8s.io/apimachinery ``metav1.StatusReason``.
    """
    status = parse_status(body)
    reason = str(status.get("reason") or "")
    said = _said(status, body)
    if code == 403:
        return _forbidden(said, request, reason)
    if code == 404:
        return _not_found(status, body, said, request)
    doing = _doing(request)
    kind: type[ApiError] = ApiError
    text, extra = f"Could not {doing}: HTTP {code}, {said}", {}
    if code == 401:
        kind = UnauthorizedError
        text = (
            f"The API server does not accept the credentials (401) for {doing}: {said}. "
            "Log in again, or check the token or client certificate of the kubeconfig or context in use."
        )
    elif code == 409:
        kind = AlreadyExistsError if reason == "AlreadyExists" else ConflictError
        text = f"Could not {doing}: {said}"
    elif code in _REFUSED:
        causes = (status.get("details") or {}).get("causes") or []
        kind, extra = InvalidError, {"fields": [c["field"] for c in causes if c.get("field")]}
        text = f"The API server refused to {doing} (HTTP {code}): {_causes(causes) or said}"
    elif code == 429 or code >= 500:
        kind = ServerError
        text = (
            f"The API server could not {doing} ({code} {reason or 'error'}, retried): {said}. "
            "Run again when the API server is healthy."
        )
    return kind(text, status=code, reason=reason, **extra)


def _doing(request: Request) -> str:
    return f"{request.verb} {request.what}"


def _said(status: dict[str, Any], body: bytes) -> str:
    """The message of the Status, else the first line of whatever came instead."""
    if status.get("message"):
        return _without_pem(str(status["message"])).rstrip(".")
    text = body[:400].decode("utf-8", "replace").strip()
    return _without_pem((text.splitlines() or [_NO_BODY])[0]).rstrip(".")


def _without_pem(text: str) -> str:
    return _PEM.sub(lambda found: f"({found[1].lower()}, not shown)", text)


def _causes(causes: list[dict[str, Any]]) -> str:
    """``field: message`` for each cause the API listed."""
    texts = [(c.get("field"), _without_pem(str(c.get("message", "")))) for c in causes]
    return "; ".join(f"{field}: {message}" if field else message for field, message in texts)


def _where(request: Request) -> str:
    return f" in namespace {request.namespace}" if request.namespace else ""


def _forbidden(said: str, request: Request, reason: str) -> ForbiddenError:
    denial = _RBAC_DENIAL.search(said)
    if denial:
        role = f"a Role in namespace {request.namespace} (or a ClusterRole)" if request.namespace else "a ClusterRole"
        text = (
            f"Not allowed: user {denial['user']} cannot {request.verb} {request.what} (HTTP 403). "
            f"This rule in {role}, bound to that user, would allow it:\n{rule_for(request)}\n"
            f"The API server said: {said}"
        )
        return ForbiddenError(text, status=403, reason=reason, rule=rule_for(request))
    if _RBAC_ESCALATION in said:
        rule = rule_for(replace(request, verb="bind", resource="clusterroles"))
        text = (
            f"Not allowed to {_doing(request)} (HTTP 403): nobody may grant rights that he does not have himself. "
            "Run this as a cluster administrator, or let one allow the verb bind on the role, by this rule in a "
            f"ClusterRole, to which resourceNames with the role's name may be added:\n{rule}\n"
            f"The API server said: {said}"
        )
        return ForbiddenError(text, status=403, reason=reason, rule=rule)
    text = f"Refused to {_doing(request)} (HTTP 403, by a policy or quota rather than missing rights): {said}"
    return ForbiddenError(text, status=403, reason=reason)


def _not_found(status: dict[str, Any], body: bytes, said: str, request: Request) -> NotFoundError:
    details = status.get("details") or {}
    if not is_missing_object(body):
        group = f"API group {request.group}" if request.group else "core API"
        text = (
            f"The cluster does not serve {request.resource or request.what} of the {group} (HTTP 404: {said}). "
            "Either the cluster has no such API, or the address is not that of a Kubernetes API server."
        )
        return KindNotServedError(text, status=404, reason=str(status.get("reason") or ""))
    if details.get("kind") == "namespaces" and details.get("name") == request.namespace:
        text = (
            f"Could not {_doing(request)}: namespace {request.namespace} does not exist. "
            "Create it (kubectl create namespace, or oc new-project), or name another one in the option namespace."
        )
        return NotFoundError(text, status=404, reason="NotFound")
    return NotFoundError(f"Could not {_doing(request)}{_where(request)}: {said}", status=404, reason="NotFound")

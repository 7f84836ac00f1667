# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does with state rendered: the objects of a new registry, without a word to any cluster.

It is the work of state present in check mode, on a cluster that has nothing yet and that nobody is asked about.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible_collections.okd.registry.plugins.module_utils import _deploy, _operator
from ansible_collections.okd.registry.plugins.module_utils._api import Api, Transport
from ansible_collections.okd.registry.plugins.module_utils._build import secrets
from ansible_collections.okd.registry.plugins.module_utils._build import service as services
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import ConfigurationError, ForbiddenError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import ServiceSpec
from ansible_collections.okd.registry.plugins.module_utils._redact import shown

Object = dict[str, Any]

#: What ``oadm registry`` knew, and what any cluster of today has.
_OPENSHIFT_3 = ("apps.openshift.io", "image.openshift.io", "route.openshift.io", "policy/v1beta1")
_KUBERNETES = ("policy/v1",)


class NoCluster(Api):
    """A cluster without objects, of which only the groups are known, and which is never asked."""

    def __init__(self, served: tuple[str, ...]) -> None:
        super().__init__(_no_connection)
        self._served = served

    def get(self, ref: ObjectRef) -> Object | None:  # noqa: ARG002 - nothing is there, whatever it is
        return None

    def list(self, api_version: str, kind: str, *_args: Any, **_options: Any) -> builtins.list[Object]:  # noqa: ARG002
        if kind in ("StorageClass", "PersistentVolume"):  # the administrator's; a cluster always has what it needs
            raise ForbiddenError(f"Without a cluster, nobody knows of any {kind}.", status=403)
        return []

    def groups(self) -> dict[str, builtins.list[str]]:
        return {group: [version] for group, _slash, version in (one.partition("/") for one in self._served)}

    def has(self, api_version: str) -> bool:
        return api_version in self._served

    def openshift_version(self) -> str | None:
        return None

    def may(self, *_args: Any, **_options: Any) -> bool:
        return True


def _no_connection() -> Transport:
    return _refuse()


def _refuse() -> NoReturn:
    raise ConfigurationError("With state: rendered no cluster is asked, but something wanted to; this is a mistake.")


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    """The module's work with state rendered; its return value, in which nothing has changed."""
    nothing: dict[str, Any] = {"changed": False, "diff": [], "actions": [], "resources": []}
    nothing |= {"workload": None, "rollout": None}
    if params.get("managed_by") == _operator.OPERATOR:
        return {**nothing, "objects": _operator.rendered(params), "api_requests": NoCluster(()).counts()}
    kind = "DeploymentConfig" if params["kind"] == "auto" else params["kind"]
    # Elsewhere than on OpenShift there is no role to bind, but rendered objects are to be read and may be cut.
    role = "system:registry" if params.get("cluster_role") is None else params["cluster_role"]
    asked = {**params, "kind": kind, "cluster_role": role, "probe_storage": False, "wait": False}
    api = NoCluster(_OPENSHIFT_3 if kind == "DeploymentConfig" else _KUBERNETES)
    result = _deploy.run(asked, api, check_mode=True)
    objects = [*_certificate(params), *result["objects"], _service(params)]
    return {**result, **nothing, "objects": objects, "api_requests": api.counts()}


def _certificate(params: Mapping[str, Any]) -> list[Object]:
    """The Secret that registry_cert makes."""
    if not params.get("tls_secret"):
        return []
    unknown = KNOWN_AFTER_APPLY.encode()
    made = secrets.certificate_secret(params["tls_secret"], params["namespace"], unknown, unknown)
    return [{**made, "data": dict.fromkeys(made["data"], KNOWN_AFTER_APPLY)}]


def _service(params: Mapping[str, Any]) -> Object:
    """The Service that registry_service makes, before its address is known."""
    selector = params.get("selector")
    return shown(services.desired(ServiceSpec.from_params({**params, "cluster_ip": None, "selector": selector})))

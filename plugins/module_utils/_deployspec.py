# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of registry_deploy as checked values. Pure."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _image, _settings
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import PodOptions
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Settings
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, default_labels, dns_name, labels
from ansible_collections.okd.registry.plugins.module_utils._options import pod, settings, storage
from ansible_collections.okd.registry.plugins.module_utils._options.checks import container_path

AUTO = "auto"


@dataclass(frozen=True)
class DeploySpec:
    """What registry_deploy was asked for.

    :param kind: ``auto``, ``DeploymentConfig``, ``Deployment`` or ``DaemonSet``.
    :param replicas: None where nothing is said: one, or with a DaemonSet one a node.
    :param selector: None keeps the live one.
    :param cluster_role: None for the cluster's usual one, "" for no binding.
    :param tls_fingerprint: in check mode, of the certificate that the Secret is going to hold.
    :param allow_data_loss: pushed images may be left behind.
    :param migrate: where storage changes, images are taken along.
    :param ignore_guards: names of guards that are not to count.
    :param probe_storage: whether to try, before the workload is written, if its pods will be able to write.
    :param helper_image: for pods that look at storage; "" for the registry's own.
    :param salt: for new Secrets of ours, see ``_build/salted``; KNOWN_AFTER_APPLY in check mode.
    :param restarted: with state redeployed, the time; KNOWN_AFTER_APPLY in check mode.
    :param rolls_back: a rollout that fails is to be undone.
    """

    registry: Registry
    kind: str
    image: str
    replicas: int | None
    labels: dict[str, str]
    selector: dict[str, str] | None
    service_account: str
    cluster_role: str | None
    storage: Storage
    pod: PodOptions
    settings: Settings
    tls_secret: str | None
    tls_mount_path: str
    tls_fingerprint: str | None
    strategy: str | None
    allow_data_loss: bool
    migrate: bool = False
    ignore_guards: frozenset[str] = frozenset()
    probe_storage: bool = True
    helper_image: str = ""
    naming: _image.Naming = field(default_factory=_image.Naming)
    salt: str = field(default_factory=lambda: secrets.token_hex(32))
    restarted: str | None = None
    rolls_back: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any], *, planned: bool = False) -> DeploySpec:
        """Raises OptionError, naming the option, for values that cannot work.

        :param planned: in check mode: generated values are known after apply.
        """
        replicas = params["replicas"]
        if replicas is not None and replicas < 0:
            raise OptionError("replicas", replicas, "must not be negative")
        chosen, secret = params.get("selector"), params.get("tls_secret")
        return cls(
            registry=Registry.from_params(params),
            kind=params["kind"],
            image=_image.checked("image", params.get("image")),
            naming=_image.Naming.from_params(params),
            replicas=replicas,
            labels=labels("labels", params.get("labels") or default_labels(params["name"])),
            selector=labels("selector", chosen) if chosen else None,
            service_account=dns_name("service_account", params["service_account"]),
            cluster_role=params.get("cluster_role"),
            storage=storage.from_params(params),
            pod=pod.from_params(params),
            settings=settings.from_params(params),
            tls_secret=dns_name("tls_secret", secret) if secret else None,
            tls_mount_path=container_path("tls_mount_path", params["tls_mount_path"]),
            tls_fingerprint=params.get("tls_fingerprint"),
            strategy=params.get("strategy"),
            allow_data_loss=params["allow_data_loss"],
            migrate=bool(params.get("migrate")),
            ignore_guards=storage.guards(params),
            probe_storage=params.get("probe_storage") is not False,
            helper_image=_image.checked("helper_image", params.get("helper_image")),
            **({"salt": KNOWN_AFTER_APPLY} if planned else {}),
            restarted=(KNOWN_AFTER_APPLY if planned else _now()) if params.get("state") == "redeployed" else None,
            rolls_back=params.get("on_failure") == "rollback",
        )

    def with_images(self, api: Api) -> DeploySpec:
        """With the names of images in full; a question to the cluster where they need its version."""
        helper = _image.full(self.helper_image, self.naming, api)
        return replace(self, image=_image.full(self.image, self.naming, api), helper_image=helper)

    def companions(self) -> list[Companion]:
        """The objects that features of this registry need beside the workload."""
        return [*_settings.companions(self.settings, self.registry, self.salt)]

    @property
    def http_secret_name(self) -> str:
        """The Secret with the value by which uploads are signed."""
        return f"{self.registry.name}-http-secret"


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DeploymentConfig, Deployment or DaemonSet of a registry, in the shape ``oadm registry`` gave it. Pure.

The result says only what this collection answers for; what others set on the live object is not in it and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import accounts, ending, layout
from ansible_collections.okd.registry.plugins.module_utils._build import pod as pods
from ansible_collections.okd.registry.plugins.module_utils._build import storage as storages
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part, joined
from ansible_collections.okd.registry.plugins.module_utils._build.place import NOTED
from ansible_collections.okd.registry.plugins.module_utils._build.pod import HTTP_SECRET_ENV, HTTP_SECRET_KEY
from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import PodOptions
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Settings
from ansible_collections.okd.registry.plugins.module_utils._build.storage import ROOT_ENV, Storage
from ansible_collections.okd.registry.plugins.module_utils._build.tls import Tls, is_served
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, group_of
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

API_VERSIONS = {"DeploymentConfig": "apps.openshift.io/v1", "Deployment": "apps/v1", "DaemonSet": "apps/v1"}
#: What the option ``strategy`` can say of each kind, and how its API calls that.
STRATEGIES: Mapping[str, Mapping[str, str]] = {
    "DeploymentConfig": {"Rolling": "Rolling", "Recreate": "Recreate"},
    "Deployment": {"Rolling": "RollingUpdate", "Recreate": "Recreate"},
    "DaemonSet": {"Rolling": "RollingUpdate", "OnDelete": "OnDelete"},
}


def ref(kind: str, name: str, namespace: str) -> ObjectRef:
    """Where a registry's workload of that kind is."""
    return ObjectRef(API_VERSIONS[kind], kind, name, namespace)


def served(has: Callable[[str], bool]) -> list[str]:
    """The kinds that a cluster has. Kubernetes' own are everywhere, so that a plain cluster costs no discovery.

    :param has: whether an API group is served.
    """
    return [kind for kind, version in API_VERSIONS.items() if "." not in group_of(version) or has(group_of(version))]


@dataclass(frozen=True)
class Workload:
    """Everything that goes into the object.

    :param kind: a key of :data:`API_VERSIONS`.
    :param replicas: pods; means nothing for a DaemonSet, which has one on each node it fits.
    :param pod_labels: of the pods alone, beside ``labels``.
    :param selector: None keeps the live one, or takes ``labels``.
    :param strategy: one of :data:`STRATEGIES` for the kind, or None to leave it alone.
    :param http_secret: name of the Secret with the HTTP secret; None where the live variable is kept as it is.
    :param fingerprint: of the certificate that ``tls`` serves.
    :param http_identity: of that Secret; another one starts the pods anew.
    :param settings: the user's, which win over all other parts.
    :param parts: what further features add.
    :param restarted: a time: pods of a live workload are started anew.
    :param leaves_accounts: whether nothing of ours is left of the accounts that pods ran as before.
    :param tls_by_file: whether the configuration file names a certificate to serve.
    :param images: where images are kept, for the annotation; None where the workload shows it itself.
    """

    kind: str
    name: str
    namespace: str
    image: str
    replicas: int = 1
    labels: Mapping[str, str] = field(default_factory=lambda: {"docker-registry": "default"})
    selector: Mapping[str, str] | None = None
    service_account: str = "registry"
    port: int = 5000
    storage: Storage = Storage()
    tls: Tls | None = None
    fingerprint: str | None = None
    pod: PodOptions = PodOptions()
    settings: Settings = Settings()
    strategy: str | None = None
    http_secret: str | None = None
    http_identity: str | None = None
    parts: tuple[Part, ...] = ()
    restarted: str | None = None
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    images: str | None = None
    tls_by_file: bool = False
    leaves_accounts: bool = False


def desired(want: Workload, live: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The object wanted; ``live`` lends the names and the selector that are kept."""
    if is_configured(want, live):
        return _desired(want, live, root=False)
    if live is None or storages.is_ours(live, ROOT_ENV):
        return _desired(want, live, root=True)
    # One that runs without being told knows its place; telling it is no reason for a rollout, but comes with one.
    plain = _desired(want, live, root=False)
    return _desired(want, live, root=True) if rolls(plan(live, plain).fields) else plain


def is_configured(want: Workload, live: Mapping[str, Any] | None) -> bool:
    """Whether variables or a configuration file say where images are kept, so that we do not."""
    told = joined((want.storage.part(live), *want.parts, want.settings.part()))
    return storages.is_configured(want.settings.beside_file(told.env), live, replaced=want.settings.replaces)


def rolls(fields: Iterable[str]) -> bool:
    """Whether a change of these fields replaces the pods."""
    return any(field.startswith("spec.template") for field in fields)


def _desired(want: Workload, live: Mapping[str, Any] | None, *, root: bool) -> dict[str, Any]:
    selector = dict(want.selector or layout.selector(live) or want.labels)
    daemons = want.kind == "DaemonSet"
    spec: dict[str, Any] = {} if daemons else {"replicas": want.replicas}
    spec["template"] = _template(want, live, {**want.labels, **want.pod_labels, **selector}, root=root)
    if want.kind == "DeploymentConfig":
        spec["selector"] = selector
        spec["triggers"] = _triggers(live)
    else:
        spec["selector"] = {"matchLabels": selector}
    if want.strategy:
        spec["updateStrategy" if daemons else "strategy"] = {"type": STRATEGIES[want.kind][want.strategy]}
    meta = {"name": want.name, "namespace": want.namespace, "labels": dict(want.labels)}
    former = [] if want.leaves_accounts else accounts.former(live, want.service_account)
    notes = {NOTED: want.images, accounts.FORMER: ",".join(former)}
    notes = {name: text for name, text in notes.items() if text}
    return {
        "apiVersion": API_VERSIONS[want.kind],
        "kind": want.kind,
        "metadata": {**meta, "annotations": notes} if notes else meta,
        "spec": spec,
    }


def part(want: Workload, live: Mapping[str, Any] | None = None, *, root: bool) -> Part:
    """All parts of the pod, joined: what every registry has, storage, TLS, further features, the user's variables.

    :param root: whether to tell the registry where its images are.
    """
    base: dict[str, Any] = {"REGISTRY_HTTP_ADDR": f":{want.port}", "REGISTRY_HTTP_NET": "tcp"}
    if want.http_secret:
        base[HTTP_SECRET_ENV] = {"secretKeyRef": {"name": want.http_secret, "key": HTTP_SECRET_KEY}}
    return joined(
        (
            Part(
                env=base,
                pod={"serviceAccountName": want.service_account},
                checksum={"http_secret": want.http_identity},
            ),
            ending.part(live, STRATEGIES[want.kind][want.strategy] if want.strategy else None),
            want.storage.part(live),
            *((want.tls.part(want.fingerprint),) if want.tls else ()),
            Part(env={ROOT_ENV: want.storage.mount_path} if root else {}),
            want.pod.part(want.port, live),
            *want.parts,
            want.settings.part(),
        )
    )


def _template(
    want: Workload, live: Mapping[str, Any] | None, labels: Mapping[str, str], *, root: bool
) -> dict[str, Any]:
    whole = part(want, live, root=root)
    return pods.template(
        whole, live, image=want.image, port=want.port, labels=labels,
        tls=is_served(whole.env, live, by_file=want.tls_by_file),
        checksum=pods.checksum(whole.checksum), restarted=want.restarted,
    )  # fmt: skip


def _triggers(live: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """A change of the template must roll out; other triggers of a live object stay beside that.

    What OpenShift itself writes into a trigger is left out, so that it is never ours.
    """
    others = []
    for trigger in layout.triggers(live):
        if trigger.get("type") != "ConfigChange":
            image = trigger.get("imageChangeParams") or {}
            kept = {k: v for k, v in image.items() if k != "lastTriggeredImage"}
            others.append({**trigger, **({"imageChangeParams": kept} if kept else {})})
    return [{"type": "ConfigChange"}, *others]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy looks at before it writes, and what it then wants. What it refuses is in ``_guards``."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _companion, _disruption, _storage
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import claim as claims
from ansible_collections.okd.registry.plugins.module_utils._build import layout, place, rbac, secrets
from ansible_collections.okd.registry.plugins.module_utils._build import pod as pods
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._build.tls import Tls
from ansible_collections.okd.registry.plugins.module_utils._deployspec import AUTO, DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ForbiddenError,
    NotFoundError,
    OptionError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import pending
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import State
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from ansible_collections.okd.registry.plugins.module_utils._storage import Stored

DEFAULT_ROLE = "system:registry"

Object = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """What there is, read before anything is written.

    :param kind: of the workload that is, or is going to be.
    :param role: cluster role to bind, None for none.
    :param binding: of the account; where there is no role to bind, one that an earlier run may have left.
    :param pair: names of certificate and key in the TLS Secret; None without TLS.
    :param fingerprint: of the certificates there; KNOWN_AFTER_APPLY in check mode; None without TLS.
    """

    kind: str
    workload: Object | None
    service: Object | None
    role: str | None
    binding: Object | None
    http_secret: Object | None
    pair: tuple[str, str] | None
    fingerprint: str | None
    storage: Stored
    companions: dict[ObjectRef, Object | None]
    disruption: _disruption.Disruption = field(default_factory=_disruption.Disruption)
    migration: State | None = None


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(spec: DeploySpec, api: Api, *, check_mode: bool) -> Live:
    """Look at everything that matters; what has to be there and is not is an error."""
    registry = spec.registry
    kind, workload = find(spec, api)
    fits(spec, kind)
    role = spec.cluster_role
    if role is None and any(group.endswith(".openshift.io") for group in api.groups()):
        role = DEFAULT_ROLE
    own_secret = spec.http_secret_name
    kept = pods.HTTP_SECRET_ENV in spec.settings.env or pods.keeps_http_secret(workload, own_secret)
    pair, fingerprint = _certificate(spec, api, check_mode=check_mode)
    companions = _companion.read(spec.companions(), api)
    stored = _storage.read(
        spec.storage, registry, spec.service_account, workload, api,
        salt=spec.salt, seen=companions, selector=spec.pod.node_selector,
    )  # fmt: skip
    return Live(
        kind=kind,
        workload=workload,
        service=api.get(ObjectRef("v1", "Service", registry.name, registry.namespace)),
        role=role or None,
        binding=_binding(spec, api, needed=bool(role)) if role or workload else None,
        http_secret=None if kept else api.get(ObjectRef("v1", "Secret", own_secret, registry.namespace)),
        pair=pair,
        fingerprint=fingerprint,
        storage=stored,
        companions=companions,
        migration=pending.read(api, registry.name, registry.namespace) if workload else None,
        disruption=_disruption.read(registry, spec.pod.budget, api),
    )


def _binding(spec: DeploySpec, api: Api, *, needed: bool) -> Object | None:
    """The account's cluster role binding. Who binds nothing need not have the right to look for it."""
    with contextlib.nullcontext() if needed else contextlib.suppress(ForbiddenError):
        return api.get(rbac.binding_ref(spec.service_account, spec.registry.namespace))
    return None


def find(spec: DeploySpec, api: Api) -> tuple[str, Object | None]:
    """The kind to use and the live workload. What exists wins; two at once are refused, since both would serve."""
    registry = spec.registry
    served = build.served(api.has)
    if spec.kind != AUTO and spec.kind not in served:
        raise OptionError("kind", spec.kind, "is not served by this cluster; it has " + ", ".join(served))
    found = {k: api.get(build.ref(k, registry.name, registry.namespace)) for k in served}
    there = [k for k in served if found[k] is not None]
    if len(there) > 1:
        raise RefusedError(
            f"{' and '.join(f'{k} {registry}' for k in there)} both exist, and both would be this registry:"
            " delete the one that is not, then run again."
        )
    if there and spec.kind not in (AUTO, there[0]):
        raise RefusedError(
            f"{there[0]} {registry} exists, but kind is {spec.kind}: leave kind out (auto) to keep what exists, or"
            f" delete the {there[0]} first (the Service, and so the address, stays)."
        )
    if there:
        return there[0], found[there[0]]
    if spec.kind != AUTO:
        return spec.kind, None
    old = "DeploymentConfig" in served and not api.has("config.openshift.io")
    return ("DeploymentConfig" if old else "Deployment"), None


def fits(spec: DeploySpec, kind: str) -> None:
    """Refuse options that mean nothing for the kind that is, or is going to be."""
    if kind == "DaemonSet" and spec.replicas is not None:
        raise OptionError(
            "replicas", spec.replicas,
            "means nothing for a DaemonSet, which has one pod on each node that fits: leave it out, and choose the"
            " nodes by node_selector, affinity and tolerations",
        )  # fmt: skip
    if kind == "DaemonSet" and spec.pod.budget:
        raise OptionError(
            "pod_disruption_budget", str(spec.pod.budget),
            "means nothing for a DaemonSet, whose pods a drain does not evict: leave it out",
        )  # fmt: skip
    if spec.strategy and spec.strategy not in build.STRATEGIES[kind]:
        known = " or ".join(build.STRATEGIES[kind])
        raise OptionError("strategy", spec.strategy, f"is nothing a {kind} has; it has {known}")


def _certificate(spec: DeploySpec, api: Api, *, check_mode: bool) -> tuple[tuple[str, str] | None, str | None]:
    """Key names of the TLS Secret, and what changes with the certificates in it."""
    if not spec.tls_secret:
        return None, None
    ref = ObjectRef("v1", "Secret", spec.tls_secret, spec.registry.namespace)
    secret = api.get(ref)
    if secret is None:
        if check_mode:
            return secrets.KEY_PAIRS[0], spec.tls_fingerprint or KNOWN_AFTER_APPLY
        raise NotFoundError(
            f"{ref}, which tls_secret names, does not exist: run registry_cert first, or name another Secret.",
            status=404,
        )
    pair = secrets.key_pair(secret)
    if pair is None:
        has = ", ".join(sorted(secret.get("data") or {})) or "nothing"
        wanted_keys = " or ".join(" and ".join(p) for p in secrets.KEY_PAIRS)
        raise OptionError("tls_secret", spec.tls_secret, f"has {has}; a registry needs {wanted_keys} in it")
    bundle = secrets.value(secret, pair[0])
    leaf = secrets.leaf_fingerprint(bundle)
    if leaf is None:
        raise OptionError("tls_secret", spec.tls_secret, f"has no certificate in PEM form under {pair[0]}")
    planned = spec.tls_fingerprint if check_mode else None
    return pair, planned if planned not in (None, leaf) else secrets.chain_fingerprint(bundle)


# ---- what is wanted ------------------------------------------------------------------------------------------------


def own_http_secret(spec: DeploySpec, live: Live) -> bool:
    """Whether the HTTP secret comes from a Secret of ours, not from the user or from what was there before us."""
    return pods.HTTP_SECRET_ENV not in spec.settings.env and not pods.keeps_http_secret(
        live.workload, spec.http_secret_name
    )


def replicas(spec: DeploySpec, workload: Object | None) -> int:
    """Pods asked for. Where nothing is said, a live workload keeps its number, whoever has scaled it, but for none."""
    return (layout.replicas(workload) or 1) if spec.replicas is None else spec.replicas


def wanted(spec: DeploySpec, live: Live, http_identity: str | None) -> build.Workload:
    """Everything that goes into the workload.

    :param http_identity: of the Secret with the HTTP secret; None where there is none of ours.
    """
    tls = Tls(spec.tls_secret, spec.tls_mount_path, *live.pair) if spec.tls_secret and live.pair else None
    file = spec.settings.config or live.storage.file
    want = build.Workload(
        kind=live.kind,
        name=spec.registry.name,
        namespace=spec.registry.namespace,
        image=spec.image,
        replicas=replicas(spec, live.workload),
        labels=spec.labels,
        pod_labels=pending.labels(live.workload, live.migration),
        selector=spec.selector,
        service_account=spec.service_account,
        port=spec.registry.port,
        storage=live.storage.want,
        tls=tls,
        tls_by_file=bool(file and file.facts and file.facts.tls),
        fingerprint=live.fingerprint,
        pod=spec.pod,
        settings=spec.settings,
        strategy=spec.strategy or _safe_strategy(live.kind, live.storage.planned_claim(spec.registry.namespace)),
        http_secret=spec.http_secret_name if http_identity else None,
        http_identity=http_identity,
        restarted=spec.restarted,
        parts=(
            Part(checksum=_companion.checksums(spec.companions(), live.companions)),
            Part(checksum=live.storage.checksums()),
            Part(env=pending.env(live.migration)),
        ),
    )
    return replace(want, images=_noted(spec, live, want))


def _noted(spec: DeploySpec, live: Live, want: build.Workload) -> str | None:
    """Where images are going to be kept; None where the workload itself shows it."""
    stored = live.storage
    if not (stored.file or spec.settings.config or stored.want.objects):
        return None
    planned = plan(live.workload, build.desired(want, live.workload)).after
    file = stored.planned_file(spec.settings, planned)
    if not (file or stored.want.objects):
        return None
    _before, after = place.leaves(
        stored.want, live.workload, planned, secrets=stored.secrets, new_secrets=stored.planned_secrets(),
        file=stored.file, new_file=file,
    )  # fmt: skip
    return after.note()


def _safe_strategy(kind: str, claim: Object | None) -> str | None:
    """A volume that only one node can mount has to be let go before the new pod can have it.

    A DaemonSet always ends a node's pod before it starts the next there.
    """
    if kind == "DaemonSet":
        return None
    return "Recreate" if claims.for_one_node(claim) else None

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One registry for each cause that the cluster can make: how it gets ill, what has to be told, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import harms
import sandbox
from registries import EXPORT

Object = Mapping[str, Any]
DOMAIN = "apps.sandbox.test"
SECOND = "/exports/second"
PRIVILEGED = "/var/lib/registry-scc"
DEPLOYMENT = {"registry_kind": "Deployment"}
NO_MATTER = {"registry_allow_data_loss": True}  # as the advice says where nothing is to be kept
REFUSED = {"registry_namespace": "refused", **DEPLOYMENT}
SLOW = 150  # seconds that a rollout is under way: longer than looking at all registries takes


def _s3() -> dict[str, Any]:
    keys = {
        name: (sandbox.STATE / f"s3/{name}").read_text(encoding="utf-8").strip()
        for name in ("access-key", "secret-key")
    }
    parameters = {
        "region": "us-east-1", "bucket": "registry", "regionendpoint": "https://s3.sandbox.test:9443",
        "forcepathstyle": True, "accesskey": keys["access-key"], "secretkey": keys["secret-key"],
    }  # fmt: skip
    return {"kind": "s3", "parameters": parameters}


@dataclass(frozen=True)
class Fault:
    """A registry with one cause.

    :param cause: its name, which is also that of the registry where there is no other.
    :param variables: of its inventory, when it is deployed first.
    :param unborn: whether it is ill from then on.
    :param before: done before that.
    :param harm: done after it.
    :param later: variables that are other ones by the time somebody asks what is wrong.
    :param seen: words that the evidence must have.
    :param says: words that the advice must have, for what is done beside the printed command.
    :param mend: variables as the advice says.
    :param repair: what else it says.
    :param only_looks: whether the printed command only looks again, so that there is nothing to be run.
    """

    cause: str
    variables: Object = field(default_factory=dict)
    unborn: bool = False
    before: harms.Harm | None = None
    harm: harms.Harm | None = None
    later: Object = field(default_factory=dict)
    seen: str = ""
    says: tuple[str, ...] = ()
    mend: Object = field(default_factory=dict)
    repair: harms.Harm | None = None
    only_looks: bool = False
    name: str = ""

    @property
    def registry(self) -> str:
        """Its registry's name in the inventory."""
        return self.name or self.cause


def _route(name: str) -> dict[str, str]:
    return {"registry_route_host": f"{name}.{DOMAIN}"}


def _ends_in_router(name: str) -> dict[str, str]:
    return {**_route(name), "registry_route_termination": "reencrypt"}


FAULTS = (
    # ---- the registry itself
    Fault("service_missing", harm=harms.deleted("service")),
    Fault("workload_missing", harm=harms.deleted("workload")),
    Fault("scaled_to_zero", DEPLOYMENT, harm=harms.scaled(0)),
    Fault(
        "quota", {"registry_namespace": "full"}, harm=harms.no_pods_allowed, seen="exceeded quota: none",
        says=("raise the quota",), repair=harms.pods_allowed_again,
    ),
    Fault(
        "scc_denied", {"registry_storage": {"kind": "host_path", "path": PRIVILEGED, "node": "node1"}},
        before=harms.directory("node1", PRIVILEGED), harm=harms.scc_taken, seen="security context constraint",
    ),
    Fault(
        "pod_refused", REFUSED, harm=harms.restricted, seen="violates PodSecurity",
        says=("mend what the cluster objects to",), repair=harms.unrestricted_again,
    ),
    Fault("image_pull", harm=harms.replaced("/image", "nowhere.sandbox.test/none:1"), seen="nowhere.sandbox.test/none"),
    Fault("config_missing", harm=harms.deleted("secret", "-http-secret", restart=True), seen="not found"),
    Fault(
        "config_missing", DEPLOYMENT, name="config_missing_volume",
        harm=harms.deleted("secret", "-tls", restart=True), seen="not found",
    ),
    Fault(
        "unschedulable", {**DEPLOYMENT, "registry_node_selector": {"region": "nowhere"}},
        unborn=True, seen="node affinity/selector", says=("registry_node_selector",),
        mend={"registry_node_selector": {"region": "infra"}},
    ),
    Fault(
        "volume_mount", DEPLOYMENT, harm=harms.on_a_lost_disk, seen='path "/nowhere" does not exist',
        says=("registry_storage", "registry_allow_data_loss"), mend=NO_MATTER,
    ),
    Fault(
        "crash", {**DEPLOYMENT, "registry_env": {"REGISTRY_LOG_LEVEL": "loud"}},
        unborn=True, seen="loud", says=("registry_env",),
        mend={"registry_env": {"REGISTRY_LOG_LEVEL": "info"}},
    ),
    Fault("rollout_failed", harm=harms.cancelled, seen="cancelled"),
    Fault(
        "rollout_running", says=("wait until it is done",), only_looks=True,
        harm=harms.patched({"op": "add", "path": "/readinessProbe/initialDelaySeconds", "value": SLOW}),
    ),
    Fault("probe_scheme", harm=harms.replaced("/readinessProbe/httpGet/scheme", "HTTP")),
    Fault("probe_scheme", DEPLOYMENT, name="probe_scheme_tls_lost", harm=harms.without_tls_variables),
    Fault(
        "probe_failing", DEPLOYMENT,
        harm=harms.replaced("/readinessProbe/httpGet/path", "/v2/none"), seen="Readiness probe failed",
    ),
    Fault("endpoints_differ", harm=harms.selects_nothing),
    # ---- storage
    Fault(
        "rwo_replicas", {"registry_storage": {"kind": "pvc", "size": "1Gi", "storage_class": "standard"}},
        harm=harms.scaled(2), seen="ReadWriteOnce",
    ),
    Fault(
        "storage_not_shared", {**DEPLOYMENT, "registry_storage": {"kind": "ephemeral"}}, harm=harms.scaled(2),
        seen="an emptyDir", says=("registry_allow_data_loss",), mend=NO_MATTER,
    ),
    Fault(
        "storage_permission", {"registry_storage": {**EXPORT, "path": SECOND}}, harm=harms.taken_by_others(SECOND),
        seen="user 1001", says=("owner 1001",), repair=harms.given_again(SECOND),
    ),
    Fault(
        "storage_permission", name="storage_not_exported", unborn=True,
        variables={"registry_storage": {**EXPORT, "path": "/exports/none"}},
        seen="access denied by server", says=("registry_storage", "registry_allow_data_loss"),
        mend={"registry_storage": EXPORT, **NO_MATTER},
    ),
    # ---- certificates
    Fault("not_secured", harm=harms.without_tls),
    Fault("certificate_expired", harm=harms.another_certificate(-2, restart=True)),
    Fault("certificate_expires", harm=harms.another_certificate(9, restart=True)),
    Fault("san_missing", later={"registry_extra_hosts": ["mirror.sandbox.test:5000"]}, seen="mirror.sandbox.test"),
    Fault("served_differs", harm=harms.another_certificate(300, restart=False)),
    Fault("ca_missing", harm=harms.deleted("configmap", "-ca")),
    Fault("ca_mismatch", harm=harms.ca_of_others),
    Fault("ca_expired", harm=harms.ca_ended, says=("registry_ca",)),
    Fault(
        "pod_lacks_ca", {"registry_storage": _s3()}, harm=harms.asked, seen="x509", says=("registry_extra_ca",),
        mend={"registry_extra_ca": {"content": (sandbox.STATE / "s3/ca.crt").read_text(encoding="utf-8")}},
    ),
    # ---- Route
    Fault("route_missing", _route("route-missing"), harm=harms.deleted("route")),
    Fault(
        "router_missing", _route("router-missing"), harm=harms.without_router, says=("run a router",),
        repair=harms.router_again,
    ),
    Fault(
        "route_not_admitted", _route("rival"), unborn=True,
        before=harms.claimed(f"rival.{DOMAIN}"), seen="HostAlreadyClaimed",
        says=("delete the Route that has this one",), repair=harms.left_again,
    ),
    Fault(
        "route_certificate_expired", _ends_in_router("route-expired"),
        harm=harms.another_route_certificate(-2), says=("registry_route_certificate",),
    ),
    Fault(
        "route_certificate_expires", _ends_in_router("route-expires"),
        harm=harms.another_route_certificate(9), says=("registry_route_certificate",),
    ),
    Fault(
        "route_san_missing", _ends_in_router("route-san"), seen="elsewhere.sandbox.test",
        harm=harms.another_route_certificate(90, "elsewhere.sandbox.test"), says=("registry_route_certificate",),
    ),
)  # fmt: skip

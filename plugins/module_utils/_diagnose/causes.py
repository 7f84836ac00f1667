# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All causes that can be named: how bad each is, what it is called, and what else it makes one see. Pure data.

The names are for machines and stay. docs/diagnose.md has the same table, which a contract test compares.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING = "error", "warning"

#: What is seen of a registry that does not serve, whatever the reason.
_SILENT = frozenset(
    [
        "endpoint_unreachable",
        "check_failed",
        "endpoints_differ",
        "served_differs",
        "push_failed",
        "rollout_running",
        "probe_failing",
    ]
)
#: What is seen at a node or client that cannot trust what is served, whatever the reason.
_DISTRUST = frozenset({"node_lacks_ca", "client_lacks_ca", "check_failed"})

#: What is seen at the host of a Route that leads nowhere, or at another's.
_ELSEWHERE = _SILENT | _DISTRUST | {"san_missing", "ca_mismatch", "route_san_missing", "router_ca_unknown"}


@dataclass(frozen=True)
class Cause:
    """A cause.

    :param severity: ``error`` where the registry or some of it does not work, ``warning`` where it is going to, or
        where it works unverified.
    :param title: for people, without a full stop.
    :param explains: causes that are only its symptoms, at the same host and by the same name of the registry.
    :param on_hosts: causes that are its symptoms where a host has seen them, and not where the cluster tells them.
    :param party: whose it is, where that does not follow from the host.
    """

    severity: str
    title: str
    explains: frozenset[str] = frozenset()
    on_hosts: frozenset[str] = frozenset()
    party: str = "cluster"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CAUSES: dict[str, Cause] = {
    # ---- the registry itself
    "service_missing": Cause(ERROR, "there is no Service", _SILENT | {"dns"}),
    "workload_missing": Cause(ERROR, "there is no workload", _SILENT),
    "scaled_to_zero": Cause(ERROR, "no pods are asked for", _SILENT),
    "quota": Cause(ERROR, "a quota lets no pod be made", _SILENT),
    "scc_denied": Cause(ERROR, "no SCC lets the pod be made", _SILENT),
    "pod_refused": Cause(ERROR, "the cluster refuses the pod", _SILENT),
    "image_pull": Cause(ERROR, "the registry's own image cannot be pulled", _SILENT),
    "config_missing": Cause(ERROR, "the pod needs an object that is not there", _SILENT),
    "unschedulable": Cause(ERROR, "no node takes the pod", _SILENT),
    "volume_mount": Cause(ERROR, "the pod's volume cannot be mounted", _SILENT),
    "crash": Cause(ERROR, "the registry's program ends", _SILENT),
    "evicted": Cause(ERROR, "the pod was evicted", _SILENT),
    "rollout_failed": Cause(ERROR, "the last rollout has failed", _SILENT),
    "rollout_running": Cause(WARNING, "a rollout is under way", _SILENT - {"rollout_running", "probe_failing"}),
    "probe_scheme": Cause(
        ERROR, "a probe asks by HTTP what is HTTPS, or the reverse", _SILENT | _words("crash rollout_failed")
    ),
    "probe_failing": Cause(ERROR, "a probe fails", _SILENT - {"probe_failing"}),
    "endpoints_differ": Cause(
        ERROR, "the Service leads elsewhere than to the pods", _words("endpoint_unreachable check_failed")
    ),
    # ---- storage
    "rwo_replicas": Cause(
        ERROR, "several pods on a claim for one node", _SILENT | _words("unschedulable volume_mount crash")
    ),
    "storage_not_shared": Cause(ERROR, "several pods, each with a storage of its own", _words("check_failed")),
    "storage_permission": Cause(
        ERROR, "the pod may not use its storage", _SILENT | _words("volume_mount crash rollout_failed")
    ),
    # ---- certificates
    "not_secured": Cause(
        ERROR,
        "it serves HTTP, not HTTPS",
        _SILENT
        | _DISTRUST
        | _words("ca_mismatch ca_missing san_missing certificate_expired probe_scheme crash rollout_failed"),
    ),
    "certificate_expired": Cause(ERROR, "its certificate has expired", _words("certificate_expires check_failed")),
    "certificate_expires": Cause(WARNING, "its certificate expires soon"),
    "san_missing": Cause(ERROR, "its certificate does not cover a name", _words("check_failed")),
    "served_differs": Cause(
        ERROR,
        "a pod serves another certificate than the Secret's",
        on_hosts=_DISTRUST | _words("san_missing certificate_expired ca_mismatch"),
    ),
    "ca_missing": Cause(WARNING, "its CA is not published"),
    "ca_mismatch": Cause(ERROR, "what is served does not come from the published CA", on_hosts=_DISTRUST),
    "ca_expired": Cause(ERROR, "a CA has expired", _DISTRUST | _words("ca_mismatch")),
    # ---- who lacks the CA
    "node_lacks_ca": Cause(ERROR, "a node lacks the CA", _words("check_failed"), party="node"),
    "client_lacks_ca": Cause(ERROR, "a client lacks the CA", _words("check_failed"), party="client"),
    "pod_lacks_ca": Cause(
        ERROR,
        "the registry's pod lacks a CA",
        _SILENT | _words("crash rollout_failed token_refused user_without_rights"),
        party="pod",
    ),
    "master_lacks_ca": Cause(ERROR, "the master lacks the CA", party="master"),
    "dangling_link": Cause(ERROR, "a link in certs.d leads nowhere", _DISTRUST | _words("certs_d_broken")),
    "certs_d_broken": Cause(ERROR, "a file in certs.d keeps the engine from the registry", _DISTRUST),
    "insecure_network": Cause(WARNING, "an insecure network covers it", _words("insecure_flag")),
    "insecure_flag": Cause(WARNING, "an insecure flag names it"),
    # ---- names
    "stale_certs_d": Cause(WARNING, "certs.d has a former address of it"),
    "stale_image_streams": Cause(ERROR, "image streams have a former address of it"),
    "route_missing": Cause(ERROR, "there is no Route of that host", on_hosts=_ELSEWHERE | {"dns"}),
    "router_missing": Cause(ERROR, "no router has seen the Route", on_hosts=_ELSEWHERE | {"dns"}),
    "route_not_admitted": Cause(ERROR, "a router refuses the Route", on_hosts=_ELSEWHERE),
    "route_certificate_expired": Cause(
        ERROR, "the Route's certificate has expired", _words("route_certificate_expires check_failed")
    ),
    "route_certificate_expires": Cause(WARNING, "the Route's certificate expires soon"),
    "route_san_missing": Cause(ERROR, "the router's certificate does not cover the host", _words("check_failed")),
    # By a CA that is not the router's, nobody can tell who lacks the router's.
    "router_ca_unknown": Cause(
        ERROR, "the router's certificate is of an unknown CA", _words("check_failed client_lacks_ca")
    ),
    "dns": Cause(ERROR, "a name does not resolve", _words("endpoint_unreachable check_failed push_failed")),
    "proxy": Cause(ERROR, "docker goes through a proxy", _words("endpoint_unreachable check_failed push_failed")),
    # ---- who uses it
    "token_expired": Cause(ERROR, "the token has expired", _words("token_refused user_without_rights")),
    "token_refused": Cause(ERROR, "the token is refused", _words("user_without_rights")),
    "user_without_rights": Cause(ERROR, "the user has no rights in the project", _words("push_failed")),
    # ---- the hosts
    "node_not_in_inventory": Cause(WARNING, "a node is not in the inventory"),
    "host_unreachable": Cause(WARNING, "a host cannot be reached"),
    "host_unknown": Cause(WARNING, "a host could not be looked at"),
    "docker_down": Cause(ERROR, "docker does not answer", _words("check_failed push_failed host_unknown")),
    # ---- what nothing above explains
    "endpoint_unreachable": Cause(ERROR, "it does not answer", _words("check_failed")),
    "push_failed": Cause(ERROR, "a push or pull fails"),
    "check_failed": Cause(ERROR, "a check fails"),
}

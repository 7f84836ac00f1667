# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the registry runs at all, and if not, what keeps it: admission, scheduling, images, probes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import (
    USUAL_ROOTS,
    Facts,
    Finding,
    Rollout,
    Workload,
)

_QUOTA = re.compile(r"exceeded quota|failed quota|maximum (cpu|memory) usage|is forbidden: \[?max", re.IGNORECASE)
_SCC = re.compile(r"security context constraint|SecurityContextConstraints|\bSCC\b", re.IGNORECASE)
_REFUSES = r"(?:permission denied|operation not permitted|read-only file system)"
_DENIED = re.compile(rf"{_REFUSES}|access denied by server", re.IGNORECASE)
#: That a CA is missing. One that has expired, or a name that a certificate has not, no CA would mend.
UNKNOWN_CA = re.compile(r"x509: (certificate signed by unknown authority|failed to load system roots)")
#: A volume of a Secret or ConfigMap that is not there, in the kubelet's words.
_NO_OBJECT = re.compile(r"\b(secret|configmap)s? \"[^\"]+\" not found|references non-existent", re.IGNORECASE)

_OTHER_STORAGE = (
    "take other storage (registry_storage; with registry_allow_data_loss=true where nothing is kept in the old one)"
)
_FIXES = {
    "image_pull": "say an image that the nodes can pull (registry_image), or the pull secret for it "
    "(registry_pull_secrets), and deploy again",
    "config_missing": "deploy again, which makes the Secrets and ConfigMaps that are the collection's; one that is "
    "named in variables has to be made first",
    "unschedulable": "mend registry_node_selector, registry_tolerations, registry_affinity or registry_resources so "
    "that a node fits, or free a node; then deploy again",
    "volume_mount": f"mend the volume, or {_OTHER_STORAGE}, and deploy again",
    "crash": "mend what its last words say; what the program is told is in registry_env and registry_config",
    "evicted": "free the node of what presses it (disk, memory); the pod is made anew by itself",
    "probe_failing": "look what keeps it from answering: storage, limits of CPU or memory (registry_resources); then "
    "deploy again, which sets the probes, too",
    "pod_refused": "mend what the cluster objects to, and deploy again",
    "quota": "raise the quota of the namespace, or ask for less (registry_resources, registry_replicas)",
    "scc_denied": "deploy again, which gives the registry's service account the SCC that its storage needs; or take "
    "storage that needs none (registry_storage)",
}


def presence(facts: Facts) -> Iterator[Finding]:
    """Service and workload are there, and pods are asked for."""
    if facts.has_service is False:
        yield Finding(
            "service_missing", f"Service {facts.registry} does not exist", "deploy it", play("deploy"),
            object=f"Service {facts.registry}",
        )  # fmt: skip
    if facts.has_workload is False:
        yield Finding(
            "workload_missing",
            f"there is no DeploymentConfig, Deployment or DaemonSet {facts.registry}",
            "deploy it",
            play("deploy"),
        )
    load = facts.workload
    if load and load.unwanted and load.kind != "Config":
        yield Finding(
            "scaled_to_zero", f"{load.ref} asks for 0 pods", "say how many there are to be, and deploy again",
            play("deploy", registry_replicas="1"), object=load.ref,
        )  # fmt: skip


def rollout(facts: Facts) -> Iterator[Finding]:
    """The newest rollout is done."""
    state = facts.rollout
    load = facts.workload
    if state is None or state.done or (load and load.unwanted):
        return
    name, said = _kind(state, load), state.reason or state.line
    if load and name == "unschedulable" and load.replicas == 0:
        said += f"; nodeSelector of {load.ref}: {_pairs(load.node_selector) or 'none'}"
    where = load.ref if load else None
    if name == "rollout_running":
        yield Finding(name, said, "wait until it is done, and look again", play("diagnose"), object=where)
    elif name == "storage_permission":
        yield Finding(name, said, STORAGE_FIX, play("deploy"), object=where)
    elif name == "pod_lacks_ca":
        yield Finding(name, said, POD_CA_FIX, play("deploy"), object=where)
    elif name == "rollout_failed":
        yield Finding(name, said, "mend what it says, and roll out anew", ANEW, object=where)
    elif name == "crash":
        yield Finding(name, said, _after(said), play("deploy"), object=where)
    else:
        yield Finding(name, said, _FIXES[name], ANEW if name in _REFUSED else play("deploy"), object=where)


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


#: What a program that ends says -> what mends it, where that is none of its settings.
_CRASHES = (
    (
        re.compile(r"\bbind: permission denied"),
        "only root may listen on a port below 1024: take a higher one (registry_port), and deploy again",
    ),
    (
        re.compile(r"\b(?:open|l?stat|read) /\S+: permission denied"),
        "let the pod's user read it (of a Secret or ConfigMap: its volume's defaultMode), and deploy again",
    ),
    (
        re.compile(r"x509: certificate has expired or is not yet valid"),
        "have those whom it asks renew their certificate, or mend the clock of the pod's node; then deploy again",
    ),
)
# Where nothing else changes, deploying begins no rollout; and who was refused tries again ever more rarely.
ANEW = play("deploy", registry_deploy_state="redeployed")
_REFUSED = ("quota", "scc_denied", "pod_refused")
STORAGE_FIX = (
    "give the directory to the user that the pod runs as (of an NFS export: owner 1001 or a group that "
    f"registry_supplemental_groups names, mode 2770, rw, and these nodes among its clients), or {_OTHER_STORAGE} and "
    "deploy again"
)
POD_CA_FIX = (
    "give the pod the CA of whom it asks (registry_extra_ca), such as that of its object storage or of an upstream "
    "registry, and deploy again"
)


def _kind(state: Rollout, load: Workload | None) -> str:
    """The name of what keeps a rollout, by its kind and by what the cluster said."""
    said = state.reason or ""
    if state.stuck == "refused":
        return "quota" if _QUOTA.search(said) else "scc_denied" if _SCC.search(said) else "pod_refused"
    if state.stuck == "mount" and _DENIED.search(said):
        return "storage_permission"
    if state.stuck == "crash" and _is_at_storage(said, load):
        return "storage_permission"
    if state.stuck == "crash" and UNKNOWN_CA.search(said):
        return "pod_lacks_ca"
    if state.stuck == "mount" and _NO_OBJECT.search(said):
        return "config_missing"
    kinds = {
        "image": "image_pull", "config": "config_missing", "schedule": "unschedulable", "mount": "volume_mount",
        "crash": "crash", "evicted": "evicted", "probe": "probe_failing",
    }  # fmt: skip
    return kinds.get(state.stuck or "", "rollout_failed" if state.failed else "rollout_running")


def _is_at_storage(said: str, load: Workload | None) -> bool:
    """Whether a program may not use what is at or below the directory of its images, by its own words."""
    roots = "|".join(map(re.escape, load.roots if load else USUAL_ROOTS))
    path = rf"""(?<![\w./-])(?:{roots})(?:/[^\s"']*?)?"""
    before, after = rf"""{path}\\?["']?: {_REFUSES}""", rf"""{_REFUSES}: ["']?{path}(?:["'\s]|$)"""
    return re.search(f"{before}|{after}", said, re.IGNORECASE) is not None


def _after(said: str) -> str:
    """What mends a crash, by the program's last words."""
    return next((fix for words, fix in _CRASHES if words.search(said)), _FIXES["crash"])


def probes(facts: Facts) -> Iterator[Finding]:
    """Probes of the registry's port speak what it serves."""
    load = facts.workload
    # While a rollout is under way, what serves may be pods of before; new ones do as they are told.
    rolling = facts.rollout is not None and not facts.rollout.done
    tls = load.tls if load and rolling and load.tls is not None else facts.tls
    if load is None or tls is None:
        return
    serves = "HTTPS" if tls else "HTTP"
    for name, scheme in load.probes.items():
        if scheme != serves:
            yield Finding(
                "probe_scheme", f"the {name} of {load.ref} asks by {scheme}, and port {facts.port} serves {serves}",
                "deploy again, which sets certificate, variables and probes together", play("deploy"), object=load.ref,
            )  # fmt: skip


def endpoints(facts: Facts) -> Iterator[Finding]:
    """The Service leads to the pods that are ready, and to no others."""
    if facts.backends is None or facts.pods is None or not (facts.rollout and facts.rollout.done):
        return
    known = {ip for pod in facts.pods for ip in pod.ips}
    # Endpoints are of the Service's first family alone.
    missing = [pod.name for pod in facts.pods if pod.ready and pod.ips and set(pod.ips).isdisjoint(facts.backends)]
    strange = [ip for ip in facts.backends if ip not in known]
    said = [f"it does not lead to {', '.join(sorted(missing))}"] if missing else []
    said += [f"it leads to {', '.join(sorted(strange))}, which is none of the registry's pods"] if strange else []
    if said:
        service = f"Service {facts.registry}"
        yield Finding("endpoints_differ", f"{service}: {' and '.join(said)}", *_lead(facts), object=service)


def _lead(facts: Facts) -> tuple[str, str | None]:
    """Fix and command for it."""
    labels = facts.workload.labels if facts.workload else {}
    if not labels or facts.selector.items() <= labels.items():
        return "delete Endpoints that were written by hand, and look whether the controller manager runs", None
    wanted = {key: labels[key] for key in facts.selector if key in labels} or dict(labels)
    change = json.dumps([{"op": "replace", "path": "/spec/selector", "value": wanted}])
    words = ["kubectl", "-n", facts.namespace, "patch", "service", facts.name, "--type=json", "-p", change]
    return "have it select its pods again", shlex.join(words)


RULES = (presence, rollout, probes, endpoints)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What image streams say of the registry, and what its own log does: who else lacks a CA, or knows a former address."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._build import imagestreams
from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding
from ansible_collections.okd.registry.plugins.module_utils._diagnose.network import may_be_a_service
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.workload import POD_CA_FIX, UNKNOWN_CA
from ansible_collections.okd.registry.plugins.module_utils._endpoints import host_of
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip

_SHOWN = 3  # of many alike
_WORDS = 300  # characters of a long line, at most twice


def addresses(facts: Facts) -> Iterator[Finding]:
    """Image streams lead to where the registry is, where it is the one that they are about."""
    others = facts.others
    if others is None or not facts.cluster_ips or not _is_integrated(facts):
        return
    stale: dict[str, list[str]] = {}
    for stream in facts.streams:
        for registry in stream.registries:
            host = host_of(registry)
            known = registry in facts.endpoints or host in facts.cluster_ips or host in others
            # The Service is to be deleted for it: never for what no Service can have, such as a registry outside.
            if not known and is_ip(host) and may_be_a_service(host, facts):
                stale.setdefault(registry, []).append(stream.ref)
    for registry, streams in stale.items():
        yield Finding(
            "stale_image_streams", f"{_some(streams)} lead to {registry}, which is no Service's address",
            *_give_back(host_of(registry), facts), object=f"Service {facts.registry}",
        )  # fmt: skip


def _is_integrated(facts: Facts) -> bool:
    hosts = {host_of(stream.repository) for stream in facts.streams if stream.repository}
    return imagestreams.is_integrated(facts.endpoints, hosts, others=facts.others or ())


def _give_back(address: str, facts: Facts) -> tuple[str, str]:
    """Fix and command for a former address. A Service that is there cannot be given another one, so it has to go."""
    present = ", ".join(facts.cluster_ips)
    fix = (
        f"delete the Service, deploy with {address}, which is free, and have every node trust it by that; until all is "
        "done, nobody reaches the registry by the Service's address and names, and image streams that lead to "
        f"{present} are stale then. Where the API server does not take that address, deploy without it. Or restart the "
        "masters, which remember it, and push or import these images anew"
    )
    away = shlex.join(["kubectl", "delete", "service", facts.name, "-n", facts.namespace])
    return fix, f"{away} && {play('deploy', registry_cluster_ip=address)} && {play('trust')}"


def imports(facts: Facts) -> Iterator[Finding]:
    """The master can import from the registry."""
    seen: dict[str, list[str]] = {}
    for stream in facts.streams:
        for host, said in stream.failures:
            if UNKNOWN_CA.search(said) and (host in facts.endpoints or host_of(host) in map(host_of, facts.endpoints)):
                seen.setdefault(host, []).append(f"{stream.ref}: {said}")
    for host, failed in seen.items():
        yield Finding(
            "master_lacks_ca", _some(failed),
            f"place the registry's CA (ConfigMap {facts.registry}-ca) in the system's store of every master and "
            "restart the API servers there; on OpenShift 4, playbooks/trust.yml has the cluster do it", endpoint=host,
        )  # fmt: skip


def log(facts: Facts) -> Iterator[Finding]:
    """The registry itself can verify whom it asks: the cluster, its object storage, upstream registries."""
    for pod, line in facts.log:
        said = UNKNOWN_CA.search(line)
        if said and "TLS handshake error from" not in line:
            begin = max(0, said.end() - _WORDS)  # whom it asked stands before it
            yield Finding(
                "pod_lacks_ca", f"the log of pod {pod} says: {'…' if begin else ''}{line[begin:begin + 2 * _WORDS]}",
                POD_CA_FIX, play("deploy"),
                object=facts.workload.ref if facts.workload else None,
            )  # fmt: skip
            return


def _some(texts: list[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


RULES = (addresses, imports, log)

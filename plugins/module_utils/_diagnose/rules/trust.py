# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every host's engines trust, and whether they verify at all."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils import _endpoints
from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import (
    CertFile,
    Facts,
    Finding,
    Host,
    Insecure,
    Verdict,
)
from ansible_collections.okd.registry.plugins.module_utils._diagnose.network import may_be_a_service
from ansible_collections.okd.registry.plugins.module_utils._model import is_ip

#: Tools and engines that read the files of another one.
_READS = {"crio": "podman", "skopeo": "podman"}


def lacks(host: Host) -> str:
    """The cause's name where a host trusts nothing that signed what is served."""
    return "client_lacks_ca" if host.client else "node_lacks_ca"


def place_ca(host: Host) -> tuple[str, str | None]:
    """Fix and command for it; no command for a host that the playbook would pass over."""
    if not host.listed:
        return "put the host into the inventory's group registry_clients, and run playbooks/trust_clients.yml", None
    if host.client:
        return "place it there; nothing is restarted for that", play("trust_clients", limit=host.name)
    return "place it on this node; nothing is restarted for that", play("trust", limit=host.name)


def place_router_ca(host: Host) -> tuple[str, str | None]:
    """The same of the router's CA, which is for those in registry_clients, nodes too."""
    fix = "place the router's CA there (registry_route_termination has to say reencrypt or edge); nothing is restarted"
    return fix, play("trust_clients", limit=host.name)


def mend_file(host: Host) -> tuple[str, str | None]:
    """Fix and command for a file that keeps the engine from using the CA."""
    return "mend or delete that file, then place the CA", place_ca(host)[1]


def is_inside(endpoint: str, facts: Facts) -> bool:
    """Whether a name leads to the registry within the cluster only, so that its clients have no use for it."""
    return _endpoints.is_inside(endpoint, facts.name, facts.namespace, facts.cluster_ips)


def is_of_no_use(endpoint: str, host: Host, facts: Facts) -> bool:
    """Whether a name is one that a host does not use, so that nothing about it is a cause there."""
    return host.client and is_inside(endpoint, facts)


def trusted(facts: Facts) -> Iterator[Finding]:
    """Every engine of every host has the CA for every name."""
    for host in facts.hosts:
        for one in host.verdicts:
            if is_of_no_use(one.endpoint, host, facts):
                continue
            said = f"{one.engine}: {one.reason or one.state}"
            if one.at_router:
                yield from _router_trusted(host, one, said, facts)
            elif one.state == "expired":
                yield Finding(
                    "ca_expired", said, "have it replaced by the published one", place_ca(host)[1], host.name,
                    one.endpoint,
                )  # fmt: skip
            elif one.state in ("none", "other") and facts.has_ca is not False and not _trusts_anyway(host, one):
                yield Finding(lacks(host), said, *place_ca(host), host.name, one.endpoint)


def _router_trusted(host: Host, one: Verdict, said: str, facts: Facts) -> Iterator[Finding]:
    """The engine has the router's CA for a name by which the router's certificate is seen."""
    end, (fix, command) = facts.at_router(one.endpoint), place_router_ca(host)
    where = (host.name, one.endpoint, end.ref if end else None)
    if one.state == "expired":
        yield Finding("ca_expired", said, "have it replaced by the router's that is valid now", command, *where)
    elif one.state in ("none", "other") and not host.router_trusted_anyway:
        yield Finding("client_lacks_ca", said, fix, command, *where)


def _trusts_anyway(host: Host, verdict: Verdict) -> bool:
    """Whether an engine needs no file of its own: the system's CAs are its, too."""
    if host.trusted_anyway:
        return True
    proven = host.proven.get(verdict.endpoint)
    if proven is None or not verdict.verified:
        return False
    engine = _READS.get(verdict.engine, verdict.engine)
    if proven:
        return _READS.get(proven, proven) == engine
    # Only its files and the system's CAs were tried, of whichever engine there is; a hosts.toml is not read for that.
    return engine != "containerd" and all(_READS.get(one.engine, one.engine) == engine for one in host.verdicts)


def files(facts: Facts) -> Iterator[Finding]:
    """No file in the directories of its names keeps an engine from it."""
    for host in facts.hosts:
        at_router = {one.endpoint for one in host.verdicts if one.at_router}
        for file in host.files:
            known = file.endpoint in at_router or file.endpoint in facts.endpoints
            if not known or is_of_no_use(file.endpoint, host, facts):
                continue
            command = (place_router_ca if file.endpoint in at_router else place_ca)(host)[1]
            if file.dangling:
                yield Finding(
                    "dangling_link", f"{file.path} is a link to {file.target}, which is not there",
                    "have the link replaced by the CA itself", command, host.name, file.endpoint,
                )  # fmt: skip
            elif file.problem and file.kind in ("ca", "client certificate"):
                yield Finding("certs_d_broken", file.problem, mend_file(host)[0], command, host.name, file.endpoint)


def insecure(facts: Facts) -> Iterator[Finding]:
    """Docker verifies every name."""
    for host in facts.hosts:
        at_router = {one.endpoint for one in host.verdicts if one.at_router}
        for flag in host.insecure:
            name, what = ("insecure_network", "network") if flag.network else ("insecure_flag", "flag")
            for endpoint in (each for each in flag.endpoints if not is_of_no_use(each, host, facts)):
                yield Finding(
                    name,
                    f"the {what} {flag.value} in {flag.where} keeps docker from verifying it",
                    *_take_out(host, flag, by_hand=host.client or endpoint in at_router),
                    host.name,
                    endpoint,
                )
        told = {endpoint for flag in host.insecure for endpoint in flag.endpoints}
        for endpoint in host.covered:
            if endpoint not in told and not is_of_no_use(endpoint, host, facts):
                yield Finding(
                    "insecure_flag", "docker runs with a flag for it, or a network that covers it, which no file has",
                    f"restart docker there, when its {'containers' if host.client else 'pods'} may be restarted",
                    "systemctl restart docker", host.name, endpoint,
                )  # fmt: skip


def _take_out(host: Host, flag: Insecure, *, by_hand: bool) -> tuple[str, str | None]:
    """Fix and command for an insecure flag. Those of clients are not the collection's to take away."""
    where = ", where no other registry needs it" if flag.network else ""
    if by_hand:
        return f"take {flag.value} out of {flag.where} there and restart docker{where}", None
    more = {"registry_trust_insecure_networks": "remove"} if flag.network else {}
    limit = f"{host.name},registry_control"
    command = play("trust", limit=limit, registry_trust_remove_insecure="true", **more)
    return f"take it out, which restarts docker there{where}", command


def stale(facts: Facts) -> Iterator[Finding]:
    """No directory is left for an address that the registry had once."""
    for host in facts.hosts:
        for file in host.files:
            if file.endpoint not in facts.endpoints and _was_ours(file, facts):
                yield Finding(
                    "stale_certs_d", f"{file.path} is for {file.endpoint}, which is none of its names",
                    "have it removed, where the collection wrote it"
                    if file.ours else f"delete {file.path.rpartition('/')[0]}, which the collection did not write",
                    place_ca(host)[1] if file.ours else None, host.name, file.endpoint,
                )  # fmt: skip


def _was_ours(file: CertFile, facts: Facts) -> bool:
    """Ours by the record; or an address with our CA that a Service may have had, and none has."""
    host = _endpoints.host_of(file.endpoint)
    if file.kind != "ca" or not facts.endpoints or file.theirs:
        return False
    # Where its names are not all known, this may be one of them.
    if (is_ip(host) and not facts.cluster_ips) or (not is_ip(host) and facts.routes is None):
        return False
    if file.ours:
        return True
    # A CA may be a company's, whose other registries are nobody's former addresses.
    free = facts.others is not None and host not in (*facts.others, *facts.cluster_ips)
    return file.matches and free and is_ip(host) and may_be_a_service(host, facts)


RULES = (trusted, files, insecure, stale)

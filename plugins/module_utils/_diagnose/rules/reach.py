# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts saw when they used the registry, and whether they could be looked at: mostly symptoms of other causes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding, Host, Step
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules import access
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.certificate import REISSUE
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.route import ANOTHER
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.trust import (
    is_inside,
    is_of_no_use,
    lacks,
    mend_file,
    place_ca,
    place_router_ca,
)

_CHECK = play("check")
_CANNOT_ASK = (
    "the cluster takes this token, so the registry cannot ask it: look at the registry's log (oc logs), and whether "
    "its pods reach the API server; then check again"
)
_DISTRUST = ("unknown_authority", "ca_file", "client_certificate")
_PUSHES = ("push", "monolithic", "chunked", "pull", "pull_tag")
#: Engines but docker, by where they have their proxy from.
_BY_THEIR_UNIT, _BY_WHO_CALLS = ("containerd", "crio"), ("podman", "skopeo")
#: How Go tells of a request that nobody has answered; an answer of the registry comes in other words.
_UNANSWERED = re.compile(r'\b[A-Z][a-z]+ \\?"?https://')
#: What a failed step says -> the cause's name, what mends it, and the command.
_KINDS: dict[str, tuple[str, str, str | None]] = {
    "name_mismatch": ("san_missing", REISSUE, play("deploy")),
    "expired": ("certificate_expired", REISSUE + "; or mend the clock of the host", play("deploy")),
    "unresolved": (
        "dns",
        "have the host ask the cluster's DNS for names of Services, and make the router's wildcard record",
        None,
    ),
    "unknown_authority": (
        "ca_mismatch",
        "deploy it, which publishes the CA that signs; or look who else answers under this name",
        play("deploy"),
    ),
    "plain_http": ("not_secured", "deploy it with a certificate", play("deploy")),
    "proxy": (
        "proxy",
        "add the registry's names and addresses to NO_PROXY of docker.service, and restart docker there",
        None,
    ),
    "refused": ("endpoint_unreachable", "look whether kube-proxy runs there, and whether pods are behind it", None),
    "closed": ("endpoint_unreachable", "look at the router and the pods behind it", None),
    "timeout": (
        "endpoint_unreachable",
        "look for a firewall or a missing route, and at kube-proxy there",
        None,
    ),
    "unreachable": ("endpoint_unreachable", "look whether kube-proxy and the pod network run there", None),
    "engine": (
        "docker_down",
        "start docker, and look at its journal: systemctl status docker",
        "systemctl start docker",
    ),
    "unauthorized": ("token_refused", "give a token that is valid in registry_check_token", None),
}
_WAY_IN = "look whether what leads there from outside runs (a router, a load balancer), and for a firewall before it"
#: The same of names that lead there from outside, where none of the cluster's own network is on the way.
_FROM_OUTSIDE: dict[str, tuple[str, str, str | None]] = {
    "unresolved": (
        "dns",
        "make a record of that name (for hosts of Routes, the router's wildcard record) in the DNS that the host asks",
        None,
    ),
    **dict.fromkeys(("refused", "timeout", "unreachable"), ("endpoint_unreachable", _WAY_IN, None)),
}
#: The same of what a router's certificate is blamed for, at a host where the router ends TLS.
_AT_ROUTER: dict[str, tuple[str, str, str | None]] = {
    "name_mismatch": ("route_san_missing", ANOTHER, play("expose")),
    "expired": ("route_certificate_expired", ANOTHER + "; or mend the clock of the host", play("expose")),
    "unknown_authority": (
        "router_ca_unknown",
        "name its CA's file in registry_route_ca_cert_path, or another certificate in registry_route_certificate",
        play("check"),
    ),
}
#: What mends the last one at a client, whose engine has to have that CA, too.
_PLACE_IT = (
    "name its CA's file in registry_route_ca_cert_path, and place it there (registry_route_termination has to say "
    "reencrypt or edge)"
)


def looked(facts: Facts) -> Iterator[Finding]:
    """Every host was looked at."""
    for host in facts.hosts:
        if host.unreachable:
            fix = "have Ansible reach it (ansible -m ping), and look again"
            yield Finding("host_unreachable", host.unreachable, fix, _again(host), host.name)
        elif host.failed:
            yield Finding("host_unknown", host.failed, "mend what it says, and look again", _again(host), host.name)
    for node in facts.uncovered:
        yield Finding(
            "node_not_in_inventory", f"Node {node} is no host of the group registry_nodes",
            "add it to the inventory's group registry_nodes (with registry_node_name, where the inventory knows it by "
            "another name), or have the agent care for it (playbooks/trust_agent.yml)", None, object=f"Node {node}",
        )  # fmt: skip


def _again(host: Host) -> str:
    return play("diagnose", limit=f"registry_control,{host.name}")


def used(facts: Facts) -> Iterator[Finding]:
    """Every step of the check went well."""
    for host in facts.hosts:
        for step in host.steps:
            # A client has no use for names that lead there within the cluster only: no way to them, and no CA for them.
            lacks_it = not step.reached or step.kind in _DISTRUST
            if not (lacks_it and is_of_no_use(step.endpoint, host, facts)):
                yield _seen(host, step, facts)


def proxied(facts: Facts) -> Iterator[Finding]:
    """Docker asks no proxy for a name that does not lead there.

    A proxy that leads there is no cause: only what failed by it counts, and what nobody has tried for names of within
    the cluster, to which hardly any proxy has a way.
    """
    for host in facts.hosts:
        failed = {step.endpoint for step in host.steps}
        refused = {step.endpoint for step in host.steps if _is_proxy(host, step)}
        for endpoint, said in host.proxied:
            inside = is_inside(endpoint, facts)
            tried = endpoint in failed or endpoint in host.used or host.failed
            if endpoint in refused or (inside and not host.client and not tried):
                _name, fix, command = _KINDS["proxy"]
                yield Finding("proxy", said, fix, command, host.name, endpoint)


def _is_proxy(host: Host, step: Step) -> bool:
    """Whether a proxy is why a step failed: by its words, or since docker, which asks one, has never got an answer.

    The host's own client, which asks none, was there before.
    """
    if step.kind == "proxy" or step.by not in (None, "docker") or not step.by_engine or step.step == "trust":
        return step.kind == "proxy"
    silent = step.kind in ("timeout", "closed") or (step.kind == "other" and bool(_UNANSWERED.search(step.error)))
    return silent and step.endpoint in dict(host.proxied) and step.endpoint not in host.used


def _seen(host: Host, step: Step, facts: Facts) -> Finding:
    where = None if step.kind == "engine" else step.endpoint
    name, fix, command = _by_proxy(step) if _is_proxy(host, step) else _told(host, step, facts)
    return Finding(name, f"{step.step}: {step.error}", fix, command, host.name, where)


def _by_proxy(step: Step) -> tuple[str, str, str | None]:
    """Name, fix and command where a proxy is in the way of an engine."""
    if step.by in _BY_THEIR_UNIT or step.by in _BY_WHO_CALLS:
        where = f"{step.by}.service, and restart it" if step.by in _BY_THEIR_UNIT else "whoever calls it"
        return "proxy", f"add the registry's names and addresses to NO_PROXY of {where}", None
    return _KINDS["proxy"]


def _told(host: Host, step: Step, facts: Facts) -> tuple[str, str, str | None]:
    """Name, fix and command."""
    if step.kind in _AT_ROUTER and facts.at_router(step.endpoint):
        name, fix, command = _AT_ROUTER[step.kind]
        # By that variable the check alone is mended; what the client's engine trusts is another thing.
        places = step.kind == "unknown_authority" and host.client and host.listed
        return (name, _PLACE_IT, place_router_ca(host)[1]) if places else (name, fix, command)
    if step.kind == "unknown_authority" and step.by_engine:
        return lacks(host), *place_ca(host)
    if step.kind in _FROM_OUTSIDE and not is_inside(step.endpoint, facts):
        return _FROM_OUTSIDE[step.kind]
    if _contradicts(step, facts):
        return _broken(step), _CANNOT_ASK, _CHECK
    if step.kind == "denied" or (step.kind == "unauthorized" and step.step != "login"):
        return "user_without_rights", *access.right(facts)
    file = ("certs_d_broken", *mend_file(host))
    kinds = {**_KINDS, "ca_file": file, "client_certificate": file}
    log = "look at the registry's log (oc logs), and check again"
    return kinds.get(step.kind, (_broken(step), log, _CHECK))


def _broken(step: Step) -> str:
    return "push_failed" if step.step in _PUSHES else "check_failed"


def _contradicts(step: Step, facts: Facts) -> bool:
    """Whether the registry refuses a token of which the cluster says that it is good for that."""
    held = facts.token
    if held is None or not held.accepted or not facts.asks_cluster:
        return False
    if step.step == "login":
        return step.kind == "unauthorized"
    return step.kind in ("unauthorized", "denied") and bool(held.project) and not held.lacking


RULES = (looked, used, proxied)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts saw when they used the registry, and whether they could be looked at: mostly symptoms of other causes."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding, Host, Step
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules import access
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.certificate import REISSUE
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules.trust import lacks, place_ca

_CHECK = play("check")
_PUSHES = ("push", "monolithic", "chunked", "pull", "pull_tag")
#: What a failed step says -> the cause's name, what mends it, and the command.
_KINDS: dict[str, tuple[str, str, str | None]] = {
    "name_mismatch": ("san_missing", REISSUE, play("deploy")),
    "expired": ("certificate_expired", REISSUE + "; or mend the clock of the host", play("deploy")),
    "unresolved": (
        "dns",
        "have the host ask the cluster's DNS for names of Services, and make the router's wildcard record",
        None,
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
            yield _seen(host, step, facts)


def _seen(host: Host, step: Step, facts: Facts) -> Finding:
    where = None if step.kind == "engine" else step.endpoint
    said = f"{step.step}: {step.error}"
    if step.kind == "unknown_authority":
        if not step.by_engine:
            fix = "deploy it, which publishes the CA that signs; or look who else answers under this name"
            return Finding("ca_mismatch", said, fix, play("deploy"), host.name, where)
        return Finding(lacks(host), said, *place_ca(host), host.name, where)
    if step.kind in ("ca_file", "client_certificate"):
        fix = "mend or delete that file, then place the CA"
        return Finding("certs_d_broken", said, fix, play("trust", limit=host.name), host.name, where)
    if step.kind == "denied" or (step.kind == "unauthorized" and step.step != "login"):
        known = facts.token
        advice = access.grant(known.user if known else None, known.project if known else None)
        return Finding("user_without_rights", said, *advice, host.name, where)
    if step.kind in _KINDS:
        name, mended, command = _KINDS[step.kind]
        return Finding(name, said, mended, command, host.name, where)
    broken = "push_failed" if step.step in _PUSHES else "check_failed"
    return Finding(broken, said, "look at the registry's log (oc logs), and check again", _CHECK, host.name, where)


RULES = (looked, used)

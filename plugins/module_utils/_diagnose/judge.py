# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all rules, leave out what is only a symptom of something else that was found, and join what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._diagnose.causes import CAUSES, ERROR, WARNING
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding
from ansible_collections.okd.registry.plugins.module_utils._diagnose.operators import fitted
from ansible_collections.okd.registry.plugins.module_utils._diagnose.rules import (
    access,
    certificate,
    images,
    reach,
    route,
    storage,
    trust,
    workload,
)

Rule = Callable[[Facts], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    *workload.RULES,
    *storage.RULES,
    *certificate.RULES,
    *trust.RULES,
    *images.RULES,
    *route.RULES,
    *access.RULES,
    *reach.RULES,
)
_SEVERITIES = (ERROR, WARNING)


def judge(facts: Facts) -> list[dict[str, Any]]:
    """All causes that are found, each once for each host and object, the worst first."""
    found = list(dict.fromkeys(fitted(finding, facts) for rule in RULES for finding in rule(facts)))
    causes = [one for one in found if not any(explains(other, one) for other in found)]
    return sorted(_joined(causes, facts), key=lambda one: _SEVERITIES.index(one["severity"]))


def explains(cause: Finding, seen: Finding) -> bool:
    """Whether what was seen is only what a cause makes one see, there and by that name."""
    if cause is seen or not (_holds(cause.host, seen.host) and _holds(cause.endpoint, seen.endpoint)):
        return False
    if cause.name == seen.name:  # the cluster tells what a host has seen, too
        return cause.host is None and seen.host is not None
    known = CAUSES[cause.name]
    return seen.name in known.explains or (seen.host is not None and seen.name in known.on_hosts)


def _holds(cause: str | None, seen: str | None) -> bool:
    return cause is None or cause == seen


def _joined(findings: Iterable[Finding], facts: Facts) -> Iterator[dict[str, Any]]:
    together: dict[tuple[str, str | None, str | None], list[Finding]] = {}
    for one in findings:
        together.setdefault((one.name, one.host, one.object), []).append(one)
    clients = {host.name for host in facts.hosts if host.client}
    for (name, host, obj), same in together.items():
        cause, named = CAUSES[name], {one.endpoint for one in same if one.endpoint}
        party = ("client" if host in clients else "node") if host and cause.party != "client" else cause.party
        yield {
            "name": name,
            "severity": cause.severity,
            "title": cause.title,
            "party": party,
            "host": host,
            "object": obj,
            "endpoints": [each for each in facts.endpoints if each in named] + sorted(named - set(facts.endpoints)),
            "evidence": list(dict.fromkeys(one.evidence for one in same)),
            "fix": same[0].fix,
            "command": same[0].command,
        }

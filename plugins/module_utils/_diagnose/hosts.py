# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host said: results of registry_trust_info and registry_check. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import (
    CertFile,
    Host,
    Insecure,
    Step,
    Verdict,
)
from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import entries, flag, mapping, texts, word

_ENGINE_STEPS = ("trust", "login", "push", "pull", "pull_tag")
#: Steps by which docker shows that it has a way to the registry.
_BY_DOCKER = ("login", "push", "pull_tag", "pull")


def host(name: str, found: Mapping[str, Any], endpoints: tuple[str, ...], registry: str) -> Host:
    """A host.

    :param found: ``trust`` and ``check`` as the modules gave them, ``client``, ``unreachable``.
    :param registry: ``namespace/name``.
    """
    trust, check = mapping(found.get("trust")), mapping(found.get("check"))
    insecure, results = mapping(trust.get("insecure")), entries(check.get("results"))
    covered = texts(insecure.get("covered"))
    away = [word(each.get("msg")) or "no answer" for each in (trust, check) if each.get("unreachable")]
    asked = ((trust, "endpoints"), (check, "results"))
    failed = [word(each.get("msg")) or "no reason" for each, answer in asked if each and _is_mute(each, answer)]
    return Host(
        name=name,
        client=bool(found.get("client")),
        listed=not found.get("unlisted"),
        unreachable=word(found.get("unreachable")) or (away[0] if away else None),
        failed=failed[0] if failed else None,
        verdicts=tuple(_verdict(each) for each in entries(trust.get("endpoints"))),
        files=tuple(_file(each, registry) for each in entries(trust.get("files"))),
        insecure=tuple(
            _insecure(each, endpoints, covered, network=network)
            for key, network in (("flags", False), ("networks", True))
            for each in entries(insecure.get(key))
        ),
        covered=covered,
        trusted_anyway=flag(trust.get("system_trusts")) is True,
        router_trusted_anyway=flag(trust.get("router_system_trusts")) is True,
        proven=_proven(results),
        worked=_worked(results),
        steps=(
            *(_step(each) for each in results if each.get("ok") is False),
            *_unreached(entries(check.get("not_run"))),
        ),
        used=tuple(
            dict.fromkeys(
                word(each.get("endpoint")) or "?"
                for each in results
                if each.get("ok") is True
                and each.get("step") in _BY_DOCKER
                and word(each.get("by")) in (None, "docker")
            )
        ),
        proxied=tuple(
            (word(each.get("endpoint")) or "?", word(each.get("reason")) or "it asks a proxy")
            for each in entries(trust.get("proxied"))
        ),
    )


def _is_mute(result: Mapping[str, Any], answer: str) -> bool:
    """Whether a module told nothing but an error; that a step of a check failed is another thing.

    The playbook asks with ``ignore_errors``, so that ``failed`` is not what tells.
    """
    return not result.get("unreachable") and answer not in result


def _verdict(found: Mapping[str, Any]) -> Verdict:
    return Verdict(
        endpoint=word(found.get("endpoint")) or "?",
        engine=word(found.get("engine")) or "?",
        state=word(found.get("state")) or "unknown",
        reason=word(found.get("reason")),
        path=word(found.get("path")),
        verified=flag(found.get("verified")) is not False,
        at_router=flag(found.get("at_router")) is True,
    )


def _file(found: Mapping[str, Any], registry: str) -> CertFile:
    recorded = found.get("owner") in ("ours", "changed")
    ours = recorded and found.get("registry") == registry
    return CertFile(
        path=word(found.get("path")) or "?",
        endpoint=word(found.get("endpoint")) or "?",
        kind=word(found.get("kind")) or "other",
        target=word(found.get("target")),
        dangling=bool(found.get("dangling")),
        ours=ours,
        matches=bool(found.get("matches")),
        problem=word(found.get("problem")),
        theirs=recorded and not ours,
    )


def _insecure(
    found: Mapping[str, Any], endpoints: tuple[str, ...], covered: tuple[str, ...], *, network: bool
) -> Insecure:
    value = word(found.get("value")) or "?"
    named = texts(found.get("endpoints")) or ((value,) if value in endpoints else covered or (value,))
    return Insecure(value, word(found.get("file")) or "docker's arguments", named, network)


def _proven(results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names by which the host's own engine was used, and nothing was amiss."""
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for each in results:
        if each.get("step") in _ENGINE_STEPS:
            steps.setdefault(word(each.get("endpoint")) or "?", []).append(each)
    found = {}
    for endpoint, gone in steps.items():
        engines = {word(each.get("by")) or "" for each in gone if each.get("step") != "trust"}
        engines -= {"", "client", "host"}
        proof = engines or any(each.get("step") == "trust" for each in gone)
        # Docker that does not verify warns, and what it does then is no proof.
        well = all(each.get("ok") is True and each.get("status") != "warning" for each in gone)
        if proof and well and len(engines) < 2:
            found[endpoint] = "".join(engines)
    return found


def _step(found: Mapping[str, Any]) -> Step:
    return Step(
        endpoint=word(found.get("endpoint")) or "?",
        step=word(found.get("step")) or "check",
        kind=word(found.get("reason")) or "other",
        error=word(found.get("error")) or "no reason",
        by=word(found.get("by")),
        by_engine=found.get("step") == "trust" or _is_engines(found),
    )


def _is_engines(found: Mapping[str, Any]) -> bool:
    """Whether it was the engine itself that a step was done by."""
    return word(found.get("by")) not in ("client", "host")


def _worked(results: list[dict[str, Any]]) -> frozenset[str]:
    steps = {ok: {word(each.get("step")) or "?" for each in results if each.get("ok") is ok} for ok in (True, False)}
    return frozenset(steps[True] - steps[False])


def _unreached(left: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Names to which a host found no way where that is told and not failed: the step that it was, once for each."""
    away = {word(each.get("endpoint")) or "?": each for each in left if each.get("status") == "unreachable"}
    for endpoint, each in away.items():
        kind = word(each.get("reason")) or "unreachable"
        error = f"{endpoint}: {word(each.get('error')) or 'no reason'}"
        step = "resolve" if kind == "unresolved" else "tls"
        yield Step(endpoint, step, kind, error, by_engine=False, reached=False)

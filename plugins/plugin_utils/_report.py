# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a registry: from what modules told to one dictionary (docs/report.schema.json), and to lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.layouts import ELSEWHERE
from ansible_collections.okd.registry.plugins.module_utils._diagnose.causes import ERROR
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect, router_ends
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import (
    entries,
    mapping,
    number,
    texts,
    word,
)
from ansible_collections.okd.registry.plugins.plugin_utils._columns import aligned, size

VERSION = 1
OK, PROBLEM, UNKNOWN = "ok", "problem", "unknown"
#: The one problem that is no cause of a diagnosis: only a report looks at what is stored.
BROKEN = "images_broken"
#: Phase -> the causes that are a matter of it, and that problem; tests compare them with all causes.
PHASES: dict[str, str] = {
    "address": "service_missing endpoints_differ stale_image_streams",
    "certificate": "not_secured certificate_expired certificate_expires san_missing served_differs ca_missing "
    "ca_mismatch ca_expired",
    "workload": "workload_missing scaled_to_zero quota scc_denied pod_refused image_pull config_missing "
    "unschedulable volume_mount crash evicted rollout_failed rollout_running probe_scheme probe_failing "
    "pod_lacks_ca",
    "storage": f"rwo_replicas storage_not_shared storage_permission {BROKEN}",
    "route": "route_missing router_missing route_not_admitted route_certificate_expired route_certificate_expires "
    "route_san_missing router_ca_unknown",
    "trust": "node_lacks_ca client_lacks_ca master_lacks_ca dangling_link certs_d_broken insecure_network "
    "insecure_flag stale_certs_d node_not_in_inventory host_unreachable host_unknown",
    "check": "dns proxy token_expired token_refused user_without_rights docker_down endpoint_unreachable push_failed "
    "check_failed",
}
_REGISTRY = ("name", "namespace", "cluster_ip", "port", "endpoints", "image", "replicas")
_TOTALS = ("repositories", "tags", "revisions", "blobs", "bytes", "unreferenced_blobs", "unreferenced_bytes", "broken")
_EVIDENCE = 10  # links and tags that a problem names; the report has all that were listed


def build(sources: Mapping[str, Any]) -> dict[str, Any]:
    """The report.

    :param sources: ``info`` (registry_info), ``hosts`` (as the filter registry_seen gives them), ``diagnosis``
        (registry_diagnose; left out, the same rules judge what is here), ``storage`` (registry_storage_info),
        ``route_host`` (the host of the Route that is asked for), ``soon`` (days), ``now``.
    """
    info, hosts = mapping(sources.get("info")), mapping(sources.get("hosts"))
    names = mapping(info.get("registry"))
    diagnosis = sources.get("diagnosis")
    if isinstance(diagnosis, Mapping) and "findings" in diagnosis:
        problems, unread = entries(diagnosis["findings"]), list(texts(diagnosis.get("unread")))
    else:
        problems, unread = (
            judge(collect({"info": info, "hosts": hosts, "soon": sources.get("soon")})),
            _unseen(info, hosts),
        )
    # At the latter a router's certificate is seen, so that they are no names of the registry's own.
    endpoints = list(dict.fromkeys([*texts(names.get("endpoints")), *(one.host for one in router_ends(info))]))
    workload, stored = mapping(info.get("workload")), mapping(sources.get("storage"))
    storage = _storage(stored)
    problems = sorted([*problems, *_broken(storage)], key=lambda one: one.get("severity") != ERROR)
    failed = [str(one["msg"]) for one in (info, mapping(diagnosis), stored) if _failed(one)]
    return {
        "version": VERSION,
        "generated_at": word(sources.get("now")),
        "registry": {
            **{key: names.get(key) for key in _REGISTRY},
            "ready_replicas": number(workload.get("ready_replicas")),
            "kind": word(workload.get("kind")),
            "revision": number(workload.get("revision")),
            "storage": word(mapping(names.get("storage")).get("kind")),
            "layout": word(mapping(info.get("layout")).get("name")),
        },
        "phases": _phases(info, hosts, storage, problems, word(sources.get("route_host"))),
        "matrix": [cell for host, told in hosts.items() for cell in _cells(str(host), mapping(told), endpoints)],
        "certificates": list(_certificates(info)),
        "storage": storage,
        "storage_unread": _unlooked(info, stored) if storage is None else None,
        "problems": problems,
        "unread": [*unread, *failed, *_partly(storage)],
    }


def _unseen(info: Mapping[str, Any], hosts: Mapping[str, Any]) -> list[str]:
    """What nothing can be said of, because no step of this run has looked at it."""
    seen = {"the cluster": any(info.values()), "hosts": any(mapping(told) for told in hosts.values())}
    return [f"no step of this run has looked at {what}" for what, is_seen in seen.items() if not is_seen]


def _failed(result: Mapping[str, Any]) -> bool:
    """Whether a module told no more than an error."""
    return bool(result.get("failed") and result.get("msg"))


def _phases(
    info: Mapping[str, Any],
    hosts: Mapping[str, Any],
    storage: Any,
    problems: Iterable[Mapping[str, Any]],
    asked: str | None,
) -> list[dict[str, Any]]:
    """Each phase with its state: a problem, or fine as far as it was looked at."""
    checks = [mapping(mapping(told).get("check")) for told in hosts.values()]
    hosts_of_routes = [word(route.get("host")) or "" for route in entries(info.get("routes"))]
    known = {
        "address": bool(mapping(info.get("registry")).get("cluster_ip")),
        "certificate": bool(info.get("certificate")),
        "workload": bool(info.get("workload")),
        "storage": storage is not None and storage["complete"],
        "route": any(not asked or host.lower() == asked.lower() for host in hosts_of_routes),
        "trust": any(mapping(told).get("trust") for told in hosts.values()) or _stepped(checks, "trust"),
        "check": _stepped(checks, "push"),
    }
    named = [str(one.get("name")) for one in problems]
    found = []
    for phase, causes in PHASES.items():
        own = list(dict.fromkeys(name for name in named if name in causes.split()))
        found.append({"name": phase, "state": PROBLEM if own else OK if known[phase] else UNKNOWN, "problems": own})
    return found


def _stepped(checks: Iterable[Mapping[str, Any]], step: str) -> bool:
    return any(one.get("step") == step for check in checks for one in entries(check.get("results")))


def _cells(host: str, told: Mapping[str, Any], endpoints: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What a host said of every name."""
    trust, check = mapping(told.get("trust")), mapping(told.get("check"))
    away = next((word(one.get("msg")) or "no answer" for one in (trust, check) if one.get("unreachable")), None)
    for endpoint in endpoints:
        results = [one for one in entries(check.get("results")) if one.get("endpoint") == endpoint]
        states = {str(one.get("state")) for one in entries(trust.get("endpoints")) if one.get("endpoint") == endpoint}
        failed = [f"{one.get('step')}: {one.get('error')}" for one in results if one.get("ok") is False]
        state = UNKNOWN if away or not results else PROBLEM if failed else OK
        yield {
            "host": host,
            "client": bool(told.get("client")),
            "endpoint": endpoint,
            "state": state,
            "trust": sorted(states),
            "steps": {str(one.get("step")): one.get("ok") is not False for one in results},
            "seconds": round(sum(_seconds(one.get("seconds")) for one in results), 3),
            "error": away or "; ".join(failed) or None,
        }


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _certificates(info: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The certificate in the Secret, the published CAs, what each pod serves, and the Routes' own ones."""
    held = mapping(info.get("certificate"))
    if held:
        yield _certificate("secret", held, texts(held.get("sans")))
    for one in entries(info.get("ca")):
        yield _certificate("ca", one, ())
    for one in entries(info.get("served")):
        if not one.get("sha256"):
            continue
        same = held and one.get("matches")
        facts = held if same else {"sha256": one.get("sha256")}
        yield _certificate(f"pod {one.get('pod')}", facts, texts(held.get("sans")) if same else ())
    for end in router_ends(info):
        if end.certificate:
            yield _certificate(end.ref.replace("Route", "route", 1), vars(end.certificate), end.certificate.sans)


def _certificate(where: str, facts: Mapping[str, Any], sans: Iterable[str]) -> dict[str, Any]:
    return {
        "where": where,
        "subject": word(facts.get("subject")),
        "sans": list(sans),
        "not_after": word(facts.get("not_after")),
        "days_left": number(facts.get("days_left")),
        "sha256": word(facts.get("sha256")),
    }


def _storage(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Totals, repositories and what is broken in them; None where nobody looked."""
    totals = mapping(found.get("totals"))
    if not totals:
        return None
    repositories = [
        {"name": word(one.get("name")) or "?", "tags": number(one.get("tags")) or 0, "bytes": number(one.get("bytes")),
         "broken": number(one.get("broken")) or 0}
        for one in entries(found.get("repositories"))
    ]  # fmt: skip
    return {
        "complete": found.get("complete") is not False,
        "reason": word(found.get("reason")),
        "totals": {key: number(totals.get(key)) for key in _TOTALS},
        "repositories": repositories,
        "broken": [
            {key: word(one.get(key)) or "?" for key in ("repository", "kind", "name", "reason")}
            for one in entries(found.get("broken"))
        ],
    }


def _unlooked(info: Mapping[str, Any], stored: Mapping[str, Any]) -> str | None:
    """Why it is not known what is stored, where that is more than that nobody looked."""
    if _failed(stored):
        return str(stored["msg"])
    kind = word(mapping(info.get("layout")).get("storage"))
    return f"images are kept in {kind}, which has no files to look at" if kind in ELSEWHERE else None


def _partly(storage: Mapping[str, Any] | None) -> list[str]:
    """That a part of what is stored was not seen."""
    if storage is None or storage["complete"]:
        return []
    return [f"not all that is stored could be looked at: {storage['reason'] or 'no reason'}"]


def _broken(storage: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The problem that images are broken. What seems so may not be where not everything was seen."""
    if storage is None or not storage["complete"] or not storage["totals"]["broken"]:
        return
    listed = storage["broken"][:_EVIDENCE]
    seen = [f"{one['repository']}: {one['kind']} {one['name']}: {one['reason']}" for one in listed]
    more = storage["totals"]["broken"] - len(seen)
    rest = f"and {more} more" if seen else f"{more} links and tags that lead nowhere"
    yield {
        "name": BROKEN,
        "severity": ERROR,
        "title": "images are broken in storage, and cannot be pulled",
        "party": "cluster",
        "host": None,
        "object": None,
        "endpoints": [],
        "evidence": [*seen, rest] if more else seen,
        "fix": "push these images again, or delete them",
        "command": None,
    }


# ---- for people


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report as aligned lines."""
    out = [heading(report), "", "PHASES"]
    out += aligned((one["name"], one["state"], ", ".join(one["problems"])) for one in report["phases"])
    out += ["", "HOSTS AND NAMES"]
    out += aligned((one["host"], one["endpoint"], _cell(one)) for one in report["matrix"]) or ["  none was asked"]
    out += ["", "CERTIFICATES", *certificate_lines(report)]
    return [*out, "", "STORAGE", *_stored(report["storage"], report["storage_unread"])]


def heading(report: Mapping[str, Any]) -> str:
    """Which registry it is, in one line."""
    registry = mapping(report.get("registry"))
    replicas = f"{registry.get('ready_replicas')}/{registry.get('replicas')} ready"
    about = [
        f"{registry.get('namespace')}/{registry.get('name')}",
        registry.get("image"),
        replicas,
        registry.get("layout"),
    ]
    return "REGISTRY  " + ", ".join(str(each) for each in about if each)


def certificate_lines(report: Mapping[str, Any]) -> list[str]:
    """Each certificate of a report in a line."""
    return aligned(
        (one["where"], one["subject"] or "?", "" if one["days_left"] is None else f"{one['days_left']} days left",
         (one["sha256"] or "")[:16], ", ".join(one["sans"]))
        for one in report["certificates"]
    ) or ["  none"]  # fmt: skip


def _cell(one: Mapping[str, Any]) -> str:
    if one["state"] == PROBLEM:
        return f"FAILED  {one['error']}"
    if one["state"] == UNKNOWN:
        return f"not checked{': ' + one['error'] if one['error'] else ''}"
    return f"ok      {', '.join(one['steps'])}, {one['seconds']:.2f} s"


def _stored(storage: Mapping[str, Any] | None, unread: str | None) -> list[str]:
    if storage is None:
        return [f"  {unread or 'nobody looked (playbooks/report.yml does)'}"]
    totals, whole = storage["totals"], storage["complete"]
    unused = f"of it {size(totals['unreferenced_bytes'])} unreferenced"
    counted = [(one["name"], one, "") for one in storage["repositories"]] + [("in all", totals, unused)]
    rows = [
        (name, f"{one['tags']} tags", ", ".join(filter(None, [size(one["bytes"]), more, _how_many(one, whole=whole)])))
        for name, one, more in counted
    ]
    return [*([] if whole else [f"  not all of it: {storage['reason'] or 'no reason'}"]), *aligned(rows)]


def _how_many(counted: Mapping[str, Any], *, whole: bool) -> str:
    """How much is broken, if anything."""
    return f"{counted['broken']} {'broken' if whole else 'seem broken'}" if counted["broken"] else ""

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_info read as lines that a person can read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import (
    entries,
    mapping,
    number,
    texts,
    word,
)
from ansible_collections.okd.registry.plugins.plugin_utils import _report
from ansible_collections.okd.registry.plugins.plugin_utils._columns import aligned, size


def lines(found: Mapping[str, Any]) -> list[str]:
    """The registry, its names, pods, certificates, Routes, how full its storage is, its image streams and its logs.

    :param found: what the module returned.
    """
    report = _report.build({"info": found})
    out = [_report.heading(report), "", "NAMES", *aligned((name,) for name in texts(report["registry"]["endpoints"]))]
    out += ["", "PODS", *(aligned(_pods(found)) or ["  none"])]
    out += ["", "CERTIFICATES", *_report.certificate_lines(report)]
    out += ["", "ROUTES", *(aligned(_routes(found)) or ["  none"])]
    out += _storage(mapping(found.get("storage")))
    out += _streams(entries(found.get("image_streams")))
    for log in entries(found.get("logs")):
        said = [f"  {line.get('text')}" for line in entries(log.get("lines"))]
        out += [
            "",
            f"LOG  {log.get('pod')}",
            *([f"  {log['error']}"] if log.get("error") else said or ["  no such line"]),
        ]
    return out


def _pods(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    served = {one.get("pod"): one for one in entries(found.get("served"))}
    for pod in entries(found.get("pods")):
        name = word(pod.get("name")) or "?"
        state = "ready" if pod.get("ready") else f"{word(pod.get('phase')) or '?'}, not ready"
        yield name, word(pod.get("node")) or "no node yet", state, _serves(served.get(name))


def _serves(served: Mapping[str, Any] | None) -> str:
    if served is None:
        return ""
    if served.get("error"):
        return str(served["error"])
    if not served.get("sha256"):
        return "serves no certificate"
    if served.get("matches") is None:
        return "serves a certificate, not compared: the Secret's is not known"
    return "serves the Secret's certificate" if served["matches"] else "serves another certificate than the Secret's"


def _routes(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for route in entries(found.get("routes")):
        said = ": ".join(filter(None, [word(route.get("reason")), word(route.get("message"))]))
        state = "admitted" if route.get("admitted") else f"not admitted{', ' + said if said else ''}"
        yield word(route.get("host")) or "no host", word(route.get("termination")) or "no TLS", state


def _storage(storage: Mapping[str, Any]) -> list[str]:
    if not storage:
        return []
    if storage.get("error"):
        said = str(storage["error"])
    else:
        used, total, free = (size(number(storage.get(f"{key}_bytes"))) for key in ("used", "total", "free"))
        said = f"{used} of {total} used, {free} free"
    return ["", "STORAGE", *aligned([(word(storage.get("kind")) or "?", word(storage.get("device")) or "", said)])]


def _streams(streams: list[dict[str, Any]]) -> list[str]:
    if not streams:
        return []
    rows = [
        (f"{one.get('namespace')}/{one.get('name')}", word(one.get("repository")) or "?",
         "by an address that the registry does not have" if one.get("stale") else "")
        for one in streams
    ]  # fmt: skip
    return ["", "IMAGE STREAMS", *aligned(rows)]

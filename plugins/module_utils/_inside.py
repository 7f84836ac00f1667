# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_info asks the pods themselves: their logs, and how full the storage is that they see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, layouts, place, registrylog
from ansible_collections.okd.registry.plugins.module_utils._build.storage import live_path
from ansible_collections.okd.registry.plugins.module_utils._content import pod_to_look_into
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError, RegistryError
from ansible_collections.okd.registry.plugins.module_utils._storage import file_of

#: Bytes of each log. The API counts them from the beginning of what is asked for, so what is cut off is the newest.
LONGEST_LOG = 10 * 1024 * 1024
TIMEOUT = 30.0  # seconds for df: on an NFS server that is gone it never ends
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
# Sizes in 1024 bytes; one line for each file system however long its name is. Busybox and GNU have both.
_DF = ("df", "-P", "-k")
_FIGURES = re.compile(
    r"(?P<device>.*?)\s+(?P<total>\d+)\s+(?P<used>\d+)\s+(?P<free>-?\d+)\s+(?:\d+%|-)\s+(?P<mount>/.*)\Z"
)


@dataclass(frozen=True)
class LogOptions:
    """Which part of a log: the API's query, and what is left of that."""

    query: Mapping[str, Any]
    grep: re.Pattern[str] | None


def log_options(params: Mapping[str, Any] | None) -> LogOptions:
    """The option ``logs``. Raises RefusedError where it cannot be understood."""
    asked = params or {}
    query: dict[str, Any] = {"tail": asked.get("tail"), "previous": bool(asked.get("previous"))}
    query["first_bytes"] = LONGEST_LOG
    if asked.get("tail") is not None and asked["tail"] < 1:
        raise RefusedError(f"logs.tail: {asked['tail']} is no number of lines; leave it out for all.")
    since = "" if asked.get("since") is None else str(asked["since"])
    if since:
        length = _DURATION.match(since)
        if length and not int(length[1]):
            raise RefusedError(f"logs.since: {since!r} is no length of time; leave it out for all of a log.")
        if length:
            query["since_seconds"] = int(length[1]) * _SECONDS[length[2]]
        elif _TIME.match(since):
            query["since_time"] = since
        else:
            raise RefusedError(
                f"logs.since: {since!r} is neither a time such as 2026-05-01T19:48:36Z nor a length such as 90s, 10m, "
                "2h or 1d."
            )
    try:
        grep = re.compile(asked["grep"]) if asked.get("grep") else None
    except re.error as exc:
        raise RefusedError(f"logs.grep: {asked['grep']!r} is no regular expression: {exc}.") from exc
    return LogOptions(query, grep)


def storage(api: Api, workload: Mapping[str, Any] | None, pods: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The ``storage`` return value: what kind it is, and how full, as one pod sees it; None without a workload."""
    if workload is None:
        return None
    live, namespace = dict(workload), str(workload["metadata"]["namespace"])
    root = place.root(live, file_of(live, namespace, api)) or live_path(live)
    kind = layouts.recognise(live).storage
    found: dict[str, Any] = {"kind": kind, "root": root}
    if kind in layouts.ELSEWHERE:
        return {**found, **_unknown(f"Images are in {kind}, which has no file system.")}
    return {**found, **usage(api, pod_to_look_into(pods), layout.container_name(live), root)}


def log(api: Api, pod: Mapping[str, Any], container: str, port: int, options: LogOptions) -> dict[str, Any]:
    """An entry of the ``logs`` return value. An error is part of the answer, not raised."""
    meta = pod["metadata"]
    found: dict[str, Any] = {
        "pod": meta["name"],
        "node": (pod.get("spec") or {}).get("nodeName"),
        "container": container,
        "listening": None,
        "tls": None,
        "lines": [],
        "truncated": False,
        "error": None,
    }
    try:
        text = api.log(meta["namespace"], meta["name"], container=container, **options.query)
    except RegistryError as exc:
        return {**found, "error": str(exc)}
    found["truncated"] = len(text.encode("utf-8", "replace")) >= LONGEST_LOG
    if found["truncated"]:
        text = text.rpartition("\n")[0]  # the last line is not whole
    found["listening"], found["tls"] = registrylog.listening(text, port)
    found["lines"] = [asdict(line) for line in registrylog.matching(registrylog.read(text), options.grep)]
    return found


def usage(api: Api, pod: Mapping[str, Any] | None, container: str, path: str) -> dict[str, Any]:
    """How full the file system is that a pod has at a path. An error is part of the answer, not raised."""
    if pod is None:
        return _unknown("No pod of the registry runs, so nobody can be asked how full its storage is.")
    found = _unknown(None)
    meta = pod["metadata"]
    found["pod"] = meta["name"]
    output: list[bytes] = []
    try:
        with api.exec(meta["namespace"], meta["name"], container, [*_DF, path], timeout=TIMEOUT) as running:
            output += running
            running.check()
    except RegistryError as exc:
        return {**found, "error": str(exc)}
    return {**found, **figures(b"".join(output).decode("utf-8", "replace"), path)}


def _unknown(why: str | None) -> dict[str, Any]:
    names = ("pod", "device", "mount", "total_bytes", "used_bytes", "free_bytes")
    return {**dict.fromkeys(names), "error": why}


def figures(text: str, path: str) -> dict[str, Any]:
    """What ``df -P -k`` says, in bytes."""
    lines = text.splitlines()
    said = _FIGURES.match(lines[-1]) if lines else None
    if not said:
        return {"error": f"df {path} printed nothing that can be read: {' '.join(text.split())[:200]}"}
    sizes = {f"{name}_bytes": int(said[name]) * 1024 for name in ("total", "used", "free")}
    return {"device": said["device"], "mount": said["mount"], **sizes}

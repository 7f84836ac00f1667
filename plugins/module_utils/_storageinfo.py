# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_storage_info does from the cluster's side: look into a pod, or see who else can."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _content
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, layouts, place
from ansible_collections.okd.registry.plugins.module_utils._build.storage import live_path
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    ForbiddenError,
    RefusedError,
    RegistryError,
    UnreachableError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._lookup import Lookup
from ansible_collections.okd.registry.plugins.module_utils._node import storagefind, storagelook, storagereport
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError
from ansible_collections.okd.registry.plugins.module_utils._podstate import name_of
from ansible_collections.okd.registry.plugins.module_utils._storage import file_of


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work through the API. Raises RegistryError."""
    params = module.params
    name, namespace = str(params["name"]), str(params["namespace"])
    reader = Lookup(module.warn)
    workload, guessed = layout.to_look_at(find_workload(api, name, namespace, partial(reader.read, "workload")))
    if workload is None and reader.first:
        raise reader.first
    if workload is None:
        raise RegistryError(f"There is no registry {name} in namespace {namespace}. {_WITHOUT}")
    if guessed:
        module.warn(guessed)
    kind = layouts.recognise(workload).storage
    if kind in layouts.ELSEWHERE:
        raise RefusedError(f"{workload['kind']} {namespace}/{name} keeps its images in {kind}, which has no files.")
    root = params["root"] or place.root(workload, file_of(workload, namespace, api)) or live_path(workload)
    pod = _content.pod_to_look_into(api.list("v1", "Pod", namespace, labels=layout.pods_selector(workload)))
    if pod is None:
        raise RegistryError(f"No pod of {workload['kind']} {namespace}/{name} runs. {_WITHOUT}")
    inside = InPod(api, pod, layout.container_name(workload), root, params["timeout"])
    options = storagereport.Options(params["stale_after"], params["limit"])
    where = inside.where("exec")
    try:
        found = _looked(lambda: storagelook.look(inside, options))
    except (ForbiddenError, ExecError) as exc:
        client = _client_here(params, name_of(pod))
        if client is None:
            raise _cannot(exc, where) from exc
        runtime, container = client
        other = storagelook.InContainer(runtime, container.id, root, params["timeout"])
        found = _looked(lambda: storagelook.look(other, options))
        where = {**inside.where(runtime), "container": container.id}
    except UnreachableError as exc:
        raise _cannot(exc, where, "Looking changes nothing: run it again.") from exc
    return {"changed": False, **where, **found, "api_requests": api.counts()}


class InPod:
    """The directory of a registry in one of its pods, as ``storagelook.look`` wants it."""

    def __init__(self, api: Api, pod: Mapping[str, Any], container: str, root: str, timeout: int) -> None:
        self._api = api
        self._pod = pod
        self._container = container
        self._root = root
        self._timeout = timeout

    def where(self, via: str) -> dict[str, Any]:
        """What is said of the way."""
        node = (self._pod.get("spec") or {}).get("nodeName")
        return {"via": via, "pod": name_of(self._pod), "node": node, "container": self._container, "root": self._root}

    def feed(self, walk: Any) -> str | None:
        """Walk; a sentence where not all could be read."""
        said: str | None = storagelook.judge(
            self._run(storagefind.listing(self._root), walk.feed), walk, self._root, self._what
        )
        return said

    def recheck(self, paths: list[str]) -> set[str]:
        """Those of the files that are there by now."""
        there: set[str] = storagelook.recheck(self._run, self._root, paths)
        return there

    @property
    def _what(self) -> str:
        return f"Pod {self._pod['metadata']['namespace']}/{name_of(self._pod)}"

    def _run(self, command: list[str], take: Callable[[bytes], None]) -> Any:
        end = time.monotonic() + self._timeout
        namespace = self._pod["metadata"]["namespace"]
        with self._api.exec(namespace, name_of(self._pod), self._container, command, timeout=self._timeout) as running:
            for piece in running:
                take(piece)
                if time.monotonic() > end:
                    raise WaitError(
                        f"Listing {self._root} in {self._what} took longer than {self._timeout} s (option timeout), "
                        "so it was given up."
                    )
            return running.ended


def _looked(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Its result; the node side's errors are ours."""
    try:
        return look()
    except storagelook.CannotRunError as exc:
        raise ExecError(str(exc)) from exc
    except NodeError as exc:
        raise RegistryError(str(exc)) from exc


def _client_here(params: Mapping[str, Any], pod: str) -> tuple[str, Any] | None:
    """The container engine's client of this host and the pod's container, where this host is the pod's node."""
    for client in storagelook.installed("auto"):
        try:
            found = storagelook.containers(client, params["name"], params["namespace"])
        except NodeError:
            continue
        for container in found:
            if container.pod == pod:
                return client, container
    return None


def _cannot(exc: RegistryError, where: Mapping[str, Any], first: str = "") -> RegistryError:
    """The error with what can be done about it."""
    on = f"node {where['node']}" if where["node"] else "its node"
    advice = f"Run this module on {on} with runtime=auto, or where the storage is mounted with path."
    said = " ".join(filter(None, (str(exc).rstrip(), first, advice)))
    return RegistryError(said, **{**exc.details, **where, "via": None})


_WITHOUT = "Where its storage is mounted, this module can look into it with path."

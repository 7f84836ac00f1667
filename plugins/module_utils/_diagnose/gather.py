# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_diagnose reads of the cluster itself, beside what other modules have told. Nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ansible_collections.okd.registry.plugins.module_utils import _observe
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import auth, configfile, layout, place
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._build.storage import live_path
from ansible_collections.okd.registry.plugins.module_utils._diagnose.facts import collect, suspects, unread
from ansible_collections.okd.registry.plugins.module_utils._diagnose.judge import judge
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts
from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import mapping
from ansible_collections.okd.registry.plugins.module_utils._diagnose.tokens import look as look_at_token
from ansible_collections.okd.registry.plugins.module_utils._errors import RegistryError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._podstate import is_ready, name_of
from ansible_collections.okd.registry.plugins.module_utils._storage import file_of

PODS = 3  # whose log is read and whose storage is looked at
LOG_LINES = 400
IMAGES = f"{auth.GROUP}/v1"
Object = dict[str, Any]
T = TypeVar("T")
_UNSEEN = (
    "The certificate that is served is in no Secret that is named or mounted for it, so it was not judged how long it "
    "is valid, and for which names."
)
_UNASKED = (
    "Whether the registry asks the cluster about tokens cannot be told, so the cluster was not asked about this one."
)

# Asks with the rights of the registry's own user, and writes nothing. The deepest directory that is there counts: in
# one that it may not enter, none below it is seen.
_MAY_WRITE = r"""
root=$1; top=$root/docker/registry/v2
[ -e "$root" ] || exit 0
there=$root; [ -e "$top" ] && there="$top $top/blobs $top/repositories"
for one in $there; do
  [ -e "$one" ] || continue
  [ -w "$one" ] && [ -x "$one" ] && continue
  echo "user $(id -u), groups $(id -G), may not write to $one: $(ls -ld "$one")"
done
"""


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work. Raises RegistryError where the cluster cannot be reached."""
    gather = Gather(api, module.params)
    facts = gather.facts()
    findings = judge(facts)
    return {"changed": False, "findings": findings, "unread": gather.unread, "api_requests": api.counts()}


class Gather:
    """Reads; what may not be read, or is not there on this cluster, is a fact that is not known.

    :param params: the module's options.
    :ivar unread: why something is not known, as sentences.
    """

    def __init__(self, api: Api, params: Mapping[str, Any]) -> None:
        self._api = api
        self._params = params
        self._name, self._namespace = str(params["name"]), str(params["namespace"])
        self.unread: list[str] = [reason for _what, reason in unread(mapping(params["info"]))]

    def facts(self) -> Facts:
        """All of them."""
        raw = self._raw()
        facts = collect(raw)
        if facts.certificate is None and any(one.sha256 for one in facts.served) and not self._hidden("certificate"):
            self.unread.append(_UNSEEN)
        token = (self._params["token"] or "").strip()  # as registry_check uses it
        if token:
            raw["token"] = self._token(token, asks=facts.asks_cluster)
            facts = collect(raw)
        if suspects(facts):
            services = self._read(lambda: self._api.list("v1", "Service"))
            facts = replace(facts, others=collect({**raw, "services": services}).others)
        return facts

    def _raw(self) -> Object:
        registry = Registry.from_params(self._params)
        service = self._there(build_service.ref(registry))
        workload = self._workload()
        file = self._read(lambda: file_of(workload, self._namespace, self._api, told=True)) if workload else None
        images = self._read(lambda: self._api.has(auth.GROUP))
        pods = self._pods(workload) if workload else None
        watched = [pod for pod in pods or [] if is_ready(pod)][:PODS]
        return {
            "info": self._params["info"],
            "service": service,
            "workload": workload,
            "rollout": self._rollout(workload) if workload else None,
            "pods": pods,
            "backends": self._there(ObjectRef("v1", "Endpoints", self._name, self._namespace)) if service else None,
            "claim": self._claim(workload) if workload else None,
            "config": _config(workload, file) if workload else None,
            "images": images,
            "streams": self._streams() if images else None,
            "logs": {name_of(pod): self._log(pod, workload) for pod in watched},
            "writable": self._writable(watched, workload, file) if workload else {},
            "hosts": self._params["hosts"],
            "asked_host": self._params["route_host"],
            "soon": self._params["renew_before_days"],
            "now": int(time.time()),
        }

    def _read(self, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except RegistryError as exc:
            self._lack(exc)
            return None

    def _hidden(self, what: str) -> bool:
        return any(told == what for told, _reason in unread(mapping(self._params["info"])))

    def _lack(self, exc: RegistryError) -> None:
        if str(exc) not in self.unread:  # registry_info may have said so
            self.unread.append(str(exc))

    def _workload(self) -> Any:
        """The workload; False where there is none, None where that is not known."""
        lacking: list[RegistryError] = []

        def read(look: Callable[[], Object | None]) -> Object | None:
            try:
                return look()
            except RegistryError as exc:
                lacking.append(exc)
                self._lack(exc)
                return None

        found, _guessed = layout.to_look_at(find_workload(self._api, self._name, self._namespace, read))
        return found or (None if lacking else False)

    def _there(self, ref: ObjectRef) -> Object | bool | None:
        """An object; False where there is none, None where that may not be asked."""
        return self._read(lambda: self._api.get(ref) or False)

    def _pods(self, workload: Any) -> list[Object] | None:
        def look() -> list[Object]:
            found = self._api.list("v1", "Pod", self._namespace, labels=layout.pods_selector(workload))
            alive = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
            return [pod for pod in alive if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]

        return self._read(look)

    def _rollout(self, workload: Any) -> Object | None:
        try:
            return _observe.look(self._api, ObjectRef.of(workload)).as_dict()
        except WaitError:
            return None
        except RegistryError as exc:
            self._lack(exc)
            return None

    def _claim(self, workload: Any) -> Object | bool | None:
        volume = layout.volume(workload, layout.mount_at(workload, live_path(workload)))
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        return self._there(ObjectRef("v1", "PersistentVolumeClaim", name, self._namespace)) if name else None

    def _streams(self) -> list[Object] | None:
        if not self._params["image_streams"]:
            return None
        return self._read(lambda: self._api.list(IMAGES, "ImageStream"))

    def _log(self, pod: Object, workload: Any) -> str | None:
        return self._read(
            lambda: self._api.log(self._namespace, name_of(pod), container=_container(pod, workload), tail=LOG_LINES)
        )

    def _writable(self, pods: list[Object], workload: Any, file: configfile.File | None) -> dict[str, list[str]]:
        """What pods may not write of their storage; no word of those that cannot be asked."""
        where = place.root(workload, file) or live_path(workload)
        if not self._params["look_inside"] or layout.mount_at(workload, live_path(workload)) is None:
            return {}
        answers = {name_of(pod): self._read(partial(self._inside, pod, workload, where)) for pod in pods}
        return {pod: said for pod, said in answers.items() if said}

    def _inside(self, pod: Object, workload: Any, root: str) -> list[str]:
        command = ["sh", "-c", _MAY_WRITE, "sh", root]
        out = bytearray()
        with self._api.exec(self._namespace, name_of(pod), _container(pod, workload), command, timeout=20) as running:
            for piece in running:
                out += piece
        return [line.strip() for line in out.decode("utf-8", "replace").splitlines() if line.strip()]

    def _token(self, token: str, *, asks: bool | None) -> Object | None:
        """What the cluster says of it. For other registries it may be a password, which is none of the cluster's."""
        if not asks:
            if asks is None:
                self.unread.append(_UNASKED)
            return None
        return self._read(lambda: look_at_token(self._api, token, self._params["project"], time.time()))


def _config(workload: Any, file: configfile.File | None) -> Object:
    """What is known of the configuration file; ``mounted`` says whether there is one over the image's own."""
    known = file.facts if file else None
    mounted = configfile.source(workload) is not None
    return {"mounted": mounted, "known": known is not None, "auth": known.auth if known else None}


def _container(pod: Object, workload: Any) -> str:
    return layout.container_in(pod, layout.container_name(workload))

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches Routes, Services and EndpointSlices; renders, reloads HAProxy, and writes hosts and status back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import quote

from standins import daemon
from standins.informer import Informer, Source
from standins.kubeapi import ApiError, Json
from standins.router import haproxy
from standins.router.admission import GENERATED, Verdict, ingress_of, key_of
from standins.router.render import Rendered, Settings, render
from standins.workqueue import WorkQueue

ROUTES = "/apis/route.openshift.io/v1"
PATHS = {
    "routes": f"{ROUTES}/routes",
    "services": "/api/v1/services",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
}
# Changes come in bursts: wait this many seconds for the rest of one.
GATHER = 0.05
# What is to be looked at: there is one configuration, so one key.
ALL = "all"
RACES = frozenset({404, 409})


class Api(Source, Protocol):
    """What the router needs of the API client."""

    def patch(self, path: str, body: Json) -> Json:
        """Merge a patch into an object."""


class Effect(Protocol):
    """How a configuration is put into effect."""

    def __call__(self, text: str, files: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Make it so, with the files it names; returns whether anything changed. Raises HaproxyError."""


def apply_to_haproxy(config: Path, master: Path, tls_dir: Path | None = None) -> Effect:
    """Return what writes the files and reloads HAProxy, until it took them over."""
    pending = True  # whether HAProxy runs with the file is unknown at first

    def effect(text: str, files: Mapping[str, str] = MappingProxyType({})) -> bool:
        nonlocal pending
        if not haproxy.write(config, text, files) and not pending:
            return False
        pending = True
        haproxy.reload(master)
        pending = False
        if tls_dir is not None:
            haproxy.forget(tls_dir, files)
        return True

    return effect


class Router:
    """Brings HAProxy and the Routes' status in line with the objects, again and again."""

    def __init__(
        self, api: Api, settings: Settings, effect: Effect, clock: Callable[[], datetime] = daemon.now
    ) -> None:
        """``clock`` gives the time; tests put their own."""
        self.queue: WorkQueue[str] = WorkQueue()
        self._api = api
        self._settings = settings
        self._effect = effect
        self._clock = clock
        self._informers = {name: Informer(api, path, self._changed) for name, path in PATHS.items()}

    def run(self) -> None:
        """Watch and work for ever."""
        for informer in self._informers.values():
            informer.start()
        for informer in self._informers.values():
            informer.synced.wait()
        # An empty cluster brings no event, and HAProxy may have an old file.
        self._changed({})
        while self.queue.get() is None:
            pass
        self.work()
        daemon.notify_ready()
        daemon.log("watching Routes")
        while True:
            if self.queue.get() is not None:
                time.sleep(GATHER)
                self.work()

    def work(self) -> None:
        """Do all there is to do; whatever goes wrong is tried again."""
        try:
            self.sync(*(self._informers[name].snapshot() for name in ("routes", "services", "slices")))
        except (ApiError, haproxy.HaproxyError) as error:
            wait = self.queue.retry(ALL)
            daemon.log(f"{error}; again in {wait:g} s")
        except Exception as error:
            wait = self.queue.retry(ALL)
            daemon.log(f"{error!r}; again in {wait:g} s")
        else:
            self.queue.forget(ALL)

    def sync(self, routes: list[Json], services: list[Json], slices: list[Json]) -> Rendered:
        """Render, put into effect, then tell the Routes: one that says Admitted is being served.

        Raises ApiError and HaproxyError.
        """
        rendered = render(routes, services, slices, self._settings)
        if self._effect(rendered.config, rendered.files):
            daemon.log(f"haproxy reloaded: {len(rendered.admission.admitted)} routes")
        by_key = {key_of(route): route for route in routes}
        for key, host in rendered.admission.hosts.items():
            self._give_host(by_key[key], host)
        for route, verdict in rendered.admission.verdicts:
            self._tell(route, verdict)
        return rendered

    def _give_host(self, route: Json, host: str) -> None:
        body = {
            "metadata": {"resourceVersion": route["metadata"]["resourceVersion"], "annotations": {GENERATED: "true"}},
            "spec": {"host": host},
        }
        self._patch(route, "", body, f"host {host} given")

    def _tell(self, route: Json, verdict: Verdict) -> None:
        ingress = ingress_of(route, verdict, self._settings.domain, self._clock())
        if ingress is None:
            return
        body = {"metadata": {"resourceVersion": route["metadata"]["resourceVersion"]}, "status": {"ingress": ingress}}
        said = "Admitted" if verdict.admitted else f"not admitted: {verdict.reason}: {verdict.message}"
        self._patch(route, "/status", body, said)

    def _patch(self, route: Json, subresource: str, body: Json, said: str) -> None:
        namespace, name = key_of(route)
        try:
            self._api.patch(f"{ROUTES}/namespaces/{quote(namespace)}/routes/{quote(name)}{subresource}", body)
        except ApiError as error:
            if error.status not in RACES:
                raise
            return  # changed or gone since it was read: its event comes, and with it the next round
        daemon.log(f"{namespace}/{name} {said}")

    def _changed(self, _item: Json) -> None:
        self.queue.add(ALL)

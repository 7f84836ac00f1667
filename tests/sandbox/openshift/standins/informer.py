# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a copy of one kind of object up to date by list and watch, through every way a watch can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from standins.daemon import log
from standins.kubeapi import ApiError, Json

GONE = 410
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


class Source(Protocol):
    """What an informer needs of the API client."""

    def get(self, path: str) -> Json:
        """Return a list object."""

    def watch(self, path: str, resource_version: str) -> Iterator[Json]:
        """Yield watch events."""


def key_of(item: Json) -> tuple[str, str]:
    """Return namespace (empty for cluster-wide objects) and name."""
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Informer:
    """A live copy of the objects at a path; ``changed`` is called with each object that came, changed or went."""

    def __init__(self, source: Source, path: str, changed: Callable[[Json], None]) -> None:
        """Nothing is read before start() or run()."""
        self.synced = threading.Event()
        self._source = source
        self._path = path
        self._changed = changed
        self._lock = threading.Lock()
        self._items: dict[tuple[str, str], Json] = {}
        self._version = ""
        self._complaint = ""

    def start(self) -> None:
        """Run in a thread of its own for as long as the process lives."""
        threading.Thread(target=self.run, args=(threading.Event(),), name=self._path, daemon=True).start()

    def snapshot(self) -> list[Json]:
        """Return the objects as they are now; they must not be changed."""
        with self._lock:
            return list(self._items.values())

    def run(self, stop: threading.Event) -> None:
        """List and watch until told to stop; no error of the API ends it."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                if not self._version:
                    self._list()
                self._watch(stop)
                pause = FIRST_PAUSE
            except ApiError as error:  # noqa: PERF203 - that is what the loop is for
                if error.status == GONE:  # the server no longer has the history since our version
                    self._version = ""
                    continue
                # After a broken connection the version still holds: the watch goes on where it was. Any other
                # answer (404 while the CRD is missing, 429, 403) means starting over.
                if error.status:
                    self._version = ""
                self._complain(str(error))
                stop.wait(max(error.retry_after, pause))
                pause = min(pause * 2, LONGEST_PAUSE)

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            log(f"{self._path}: {text}; trying again")
            self._complaint = text

    def _list(self) -> None:
        answer = self._source.get(self._path)
        # Items of a list have no kind of their own, and need none here.
        new = {key_of(item): item for item in answer.get("items") or []}
        with self._lock:
            old, self._items = self._items, new
        self._version = answer["metadata"]["resourceVersion"]
        self._complaint = ""
        for key in [*new, *(key for key in old if key not in new)]:
            if old.get(key) != new.get(key):
                self._changed(new.get(key) or old[key])
        self.synced.set()

    def _watch(self, stop: threading.Event) -> None:
        for event in self._source.watch(self._path, self._version):
            item: Json = event["object"]
            if event["type"] != "BOOKMARK":
                with self._lock:
                    if event["type"] == "DELETED":
                        self._items.pop(key_of(item), None)
                    else:
                        self._items[key_of(item)] = item
                self._changed(item)
            self._version = item["metadata"]["resourceVersion"]
            if stop.is_set():
                return

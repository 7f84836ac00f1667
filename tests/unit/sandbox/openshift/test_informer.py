# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of the cluster survives every way in which a list or a watch can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standins import informer as informer_module
from standins.informer import Informer
from standins.kubeapi import ApiError

Json = dict[str, Any]
Script = list[Json | ApiError]


def item(name: str, version: int, **extra: Any) -> Json:
    return {"metadata": {"namespace": "n", "name": name, "resourceVersion": str(version)}, **extra}


def event(kind: str, name: str, version: int) -> Json:
    return {"type": kind, "object": item(name, version)}


class Server:
    """Answers lists and watches from a script; when it is used up it tells the informer to stop."""

    def __init__(self, lists: list[list[Json] | ApiError], watches: list[Script]) -> None:
        self.lists = lists
        self.watches = watches
        self.asked: list[str] = []
        self.stop = threading.Event()

    def get(self, path: str) -> Json:
        self.asked.append("list")
        answer = self.lists.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return {"metadata": {"resourceVersion": "10"}, "items": answer}

    def watch(self, path: str, resource_version: str) -> Iterator[Json]:
        self.asked.append(f"watch {resource_version}")
        if not self.watches:
            self.stop.set()
            return
        for step in self.watches.pop(0):
            if isinstance(step, ApiError):
                raise step
            yield step


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer_module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(informer_module, "LONGEST_PAUSE", 0.0)


def follow(server: Server, changed: Callable[[Json], None] = lambda _item: None) -> Informer:
    informer = Informer(server, "/things", changed)
    runner = threading.Thread(target=informer.run, args=(server.stop,), daemon=True)
    runner.start()
    runner.join(10)
    assert not runner.is_alive(), server.asked
    return informer


def names(informer: Informer) -> list[str]:
    return sorted(thing["metadata"]["name"] for thing in informer.snapshot())


def test_it_lists_and_then_follows() -> None:
    seen: list[str] = []
    server = Server(
        [[item("a", 1), item("b", 2)]],
        [[event("ADDED", "c", 11), event("DELETED", "a", 12), event("MODIFIED", "b", 13)]],
    )
    informer = follow(server, lambda thing: seen.append(thing["metadata"]["name"]))
    assert names(informer) == ["b", "c"]
    assert seen == ["a", "b", "c", "a", "b"]
    assert informer.synced.is_set()
    assert server.asked == ["list", "watch 10", "watch 13"]


def test_a_bookmark_moves_on_without_a_change() -> None:
    seen: list[str] = []
    server = Server([[]], [[{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "50"}}}]])
    follow(server, lambda thing: seen.append(thing["metadata"]["name"]))
    assert seen == []
    assert server.asked[-1] == "watch 50"


@pytest.mark.parametrize(
    "error",
    [ApiError(410, "too old resource version"), ApiError(429, "storage is initializing"), ApiError(500, "boom")],
)
def test_after_an_answer_that_is_an_error_it_lists_anew(error: ApiError) -> None:
    server = Server([[item("a", 1)], [item("b", 2)]], [[event("ADDED", "c", 11), error]])
    seen: list[str] = []
    informer = follow(server, lambda thing: seen.append(thing["metadata"]["name"]))
    assert names(informer) == ["b"]
    assert server.asked == ["list", "watch 10", "list", "watch 10"]
    # what went while nobody watched is told too
    assert sorted(seen[2:]) == ["a", "b", "c"]


def test_after_a_broken_connection_it_goes_on_where_it_was() -> None:
    server = Server([[item("a", 1)]], [[event("ADDED", "c", 11), ApiError(0, "reset")], [event("ADDED", "d", 12)]])
    informer = follow(server)
    assert names(informer) == ["a", "c", "d"]
    assert server.asked == ["list", "watch 10", "watch 11", "watch 12"]


def test_it_waits_for_the_kind_to_exist_and_complains_once(capsys: pytest.CaptureFixture[str]) -> None:
    missing = ApiError(404, "page not found")
    server = Server([missing, missing, missing, [item("a", 1)]], [])
    informer = follow(server)
    assert names(informer) == ["a"]
    assert capsys.readouterr().err.count("page not found") == 1


def test_history_that_is_gone_is_no_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server([[], []], [[ApiError(410, "too old resource version")]])
    follow(server)
    assert capsys.readouterr().err == ""


def test_a_list_with_the_same_objects_tells_nothing() -> None:
    same = [item("a", 1)]
    seen: list[str] = []
    server = Server([same, same], [[ApiError(410, "gone")]])
    follow(server, lambda thing: seen.append(thing["metadata"]["name"]))
    assert seen == ["a"]

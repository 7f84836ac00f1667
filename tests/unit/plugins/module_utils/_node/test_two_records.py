# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Route's termination changes: the registry's other record has what is wanted now; killed at every change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Killer, Make

OWN, ROUTE = "default/docker-registry", "default/docker-registry.route"
BOTH_WAYS = pytest.mark.parametrize(("before", "now"), [(OWN, ROUTE), (ROUTE, OWN)], ids=["reencrypt", "passthrough"])


@pytest.fixture
def node(make: Make) -> FakeNode:
    """Give a node on which nothing is trusted yet, so that all directories are made for it."""
    made = make("OPTIONS=-D\n")
    shutil.rmtree(made.root / "etc/docker")
    return made


@pytest.fixture
def killer() -> Iterator[Killer]:
    """Give what runs the module and kills it."""
    started = Killer()
    yield started
    started.close()


def wants(registry: str, names: list[str], ca: bytes) -> dict[str, Any]:
    """Give the options by which a record has names."""
    return {"registry": registry, "endpoints": names, "ca_cert": ca.decode(), "verify": False}


def trusted(node: FakeNode) -> dict[str, bytes]:
    """Give the CA of every name."""
    found = (node.root / "etc/docker/certs.d").glob("*/ca.crt")
    return {path.parent.name: path.read_bytes() for path in found}


def recorded(node: FakeNode, registry: str) -> set[str]:
    """Give the names that a record has."""
    path = node.root / f"var/lib/okd-registry/{registry.replace('/', '_')}.json"
    return {name.split("/")[-2] for name in json.loads(path.read_text())["files"]} if path.exists() else set()


def is_bare(node: FakeNode, *registries: str) -> bool:
    """Take records away, one after the other, and say whether nothing is left of them."""
    for registry in registries:
        planned = gone(node, registry, check_mode=True)
        assert gone(node, registry)["actions"] == planned["actions"]
        assert not gone(node, registry)["changed"]
    return not (node.root / "etc/docker").exists() and not (node.root / "var/lib/okd-registry").exists()


def gone(node: FakeNode, registry: str, **options: Any) -> dict[str, Any]:
    """Take a record away."""
    return node.call(registry=registry, state="absent", endpoints=None, ca_cert=None, **options)


@BOTH_WAYS
def test_the_name_is_taken_over_and_nothing_is_left_whichever_record_goes_first(
    node: FakeNode, stranger: Any, tmp_path: Path, before: str, now: str
) -> None:
    other, name = node.names
    node.call(**wants(before, node.names, node.ca))
    options = wants(now, [name], stranger.pem)
    planned = node.call(check_mode=True, **options)
    assert trusted(node) == {other: node.ca, name: node.ca}
    done = node.call(**options)
    assert done["actions"] == [f"Write /etc/docker/certs.d/{name}/ca.crt: another CA"]
    assert {part: done[part] for part in ("actions", "diff", "files", "changed")} == {
        part: planned[part] for part in ("actions", "diff", "files", "changed")
    }
    assert trusted(node) == {other: node.ca, name: stranger.pem}
    assert (recorded(node, before), recorded(node, now)) == ({other}, {name})
    assert not node.call(**options)["changed"]
    assert not node.call(**wants(before, [other], node.ca))["changed"]
    assert is_bare(node.copy(tmp_path / "one"), before, now)
    assert is_bare(node.copy(tmp_path / "other"), now, before)


@BOTH_WAYS
def test_with_its_last_name_a_record_goes(node: FakeNode, stranger: Any, before: str, now: str) -> None:
    name = node.names[1]
    node.call(**wants(before, [name], node.ca))
    node.call(**wants(now, [name], stranger.pem))
    assert recorded(node, before) == set()
    assert not gone(node, before)["changed"]
    assert is_bare(node, now)


def test_a_name_of_another_registry_is_refused_with_its_name_and_left(node: FakeNode, stranger: Any) -> None:
    node.call(**wants("other/registry", node.names, stranger.pem))
    with pytest.raises(RefusedError, match=r"is on record for the registry other/registry, and trusts other"):
        node.call(**wants(OWN, node.names, node.ca))
    assert trusted(node) == dict.fromkeys(node.names, stranger.pem)
    assert is_bare(node, OWN, "other/registry")


def test_two_registries_that_share_a_name_leave_nothing_whichever_goes_first(node: FakeNode, tmp_path: Path) -> None:
    node.call(**wants("other/registry", node.names, node.ca))
    node.call(**wants(OWN, node.names, node.ca))
    assert is_bare(node.copy(tmp_path / "one"), OWN, "other/registry")
    assert is_bare(node.copy(tmp_path / "other"), "other/registry", OWN)


@BOTH_WAYS
def test_killed_before_any_of_its_changes_every_way_on_leads_to_its_end(
    node: FakeNode, killer: Killer, stranger: Any, tmp_path: Path, before: str, now: str
) -> None:
    """The run again, the change back, and the end of both records in either order."""
    other, name = node.names
    first, then = wants(before, node.names, node.ca), wants(now, [name], stranger.pem)
    node.call(**first)
    change, killed = 0, True
    while killed:
        change += 1
        left = node.copy(tmp_path / f"killed{change}")
        killed = killer.kills(left, change, **then)
        again, back, one, two = (left.copy(tmp_path / f"{way}{change}") for way in ("again", "back", "one", "two"))
        again.call(**then)
        assert trusted(again) == {other: node.ca, name: stranger.pem}
        assert (recorded(again, before), recorded(again, now)) == ({other}, {name})
        assert not again.call(**then)["changed"]
        assert is_bare(again, before, now)
        back.call(**first)
        assert trusted(back) == dict.fromkeys(node.names, node.ca)
        assert (recorded(back, before), recorded(back, now)) == (set(node.names), set())
        assert is_bare(back, now, before)
        assert is_bare(one, before, now)
        assert is_bare(two, now, before)
    assert change > 6

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ConfigMap that OpenShift 4's nodes take trust from: whose key is whose, and that nobody else's is touched."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import trusted_ca as build
from ansible_collections.okd.registry.plugins.module_utils._build.trusted_ca import Wanted
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]
ONE, TWO = "builds/one", "builds/two"
KEYS = st.sampled_from(["a.example", "a.example..5000", "b.example", "c.svc..5000", "172.30.1.2..5000"])
DATA = st.dictionaries(KEYS, st.sampled_from(["CA 1", "CA 2"]), max_size=4)


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        ("172.30.124.220:5000", "172.30.124.220..5000"), ("registry.apps.example.com", "registry.apps.example.com"),
        ("docker-registry.default.svc:5000", "docker-registry.default.svc..5000"), ("[fd00::1]:5000", None),
        ("[fd00::1]", None),
    ],
)  # fmt: skip
def test_a_key_has_two_dots_for_the_colon(endpoint: str, key: str | None) -> None:
    assert build.key_of(endpoint) == key


def live(data: dict[str, str]) -> Object:
    meta = {"name": "cas", "namespace": build.NAMESPACE, "resourceVersion": "1"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def after(there: Object | None, registry: str, values: dict[str, str]) -> Object:
    """The ConfigMap once a registry has said what it wants."""
    want = Wanted(registry, "cas", values)
    change = plan(there, build.config_map(want, there), owner=registry)
    return change.after or {}


@given(DATA, DATA, DATA)
def test_what_others_have_written_stays_whatever_we_want_and_no_longer_want(
    theirs: dict[str, str], first: dict[str, str], second: dict[str, str]
) -> None:
    one = after(live(theirs), ONE, first)
    assert theirs.items() <= one["data"].items()
    assert first.keys() <= one["data"].keys()
    two = after(one, ONE, second)
    assert theirs.items() <= (two.get("data") or {}).items()
    assert (two.get("data") or {}).keys() == theirs.keys() | second.keys()
    assert (after(two, ONE, {}).get("data") or {}) == theirs


@given(DATA, DATA)
def test_two_registries_share_it_and_neither_takes_what_the_other_has(
    first: dict[str, str], second: dict[str, str]
) -> None:
    one = after(None, ONE, first)
    two = after(one, TWO, second)
    assert first.items() <= (two.get("data") or {}).items()
    gone = after(two, ONE, {})
    assert (gone.get("data") or {}).keys() == second.keys() - first.keys()
    assert build.left(two, TWO) == sorted(first)


@given(DATA, DATA)
def test_saying_it_twice_changes_nothing(theirs: dict[str, str], wanted: dict[str, str]) -> None:
    once = after(live(theirs), ONE, wanted)
    assert not plan(once, build.config_map(Wanted(ONE, "cas", wanted), once), owner=ONE).changed


def test_a_name_that_somebody_has_set_stays_theirs() -> None:
    want = Wanted(ONE, "cas", {})
    theirs = {"apiVersion": "config.openshift.io/v1", "kind": "Image", "metadata": {"name": "cluster"},
              "spec": {"additionalTrustedCA": {"name": "cas"}}}  # fmt: skip
    assert "spec" not in build.images(want, theirs)
    assert build.images(want, None)["spec"] == {"additionalTrustedCA": {"name": "cas"}}

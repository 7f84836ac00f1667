# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image streams have a former address of a registry, by what registry_info tells of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import imagestreams

NOW, FORMER = "172.30.124.220:5000", "172.30.9.9:5000"
OURS = [NOW, "docker-registry.default.svc:5000", "docker-registry.default.svc.cluster.local:5000"]
SECOND = ["172.30.77.7:5000", "second.ci.svc:5000", "second.apps.example.com"]


def stream(name: str, registry: str) -> dict[str, Any]:
    status = {"dockerImageRepository": f"{registry}/test/{name}"}
    return {"metadata": {"name": name, "namespace": "test"}, "status": status}


@pytest.mark.parametrize(
    ("endpoints", "registries", "stale"),
    [
        (OURS, [NOW, NOW], [False, False]),
        (OURS, [FORMER, FORMER], [True, True]),  # the masters remember what the Service had
        (OURS, [NOW, FORMER], [False, True]),
        (OURS, ["172.30.124.220:5001"], [True]),
        (OURS, ["image-registry.openshift-image-registry.svc:5000"], [False]),
        (SECOND, [NOW, NOW], [False, False]),
        (SECOND, [FORMER, FORMER], [False, False]),
        (SECOND, ["second.ci.svc:5000", FORMER], [False, True]),
        ([], [FORMER], [False]),
    ],
)
def test_a_stream_is_stale_in_the_registry_that_it_is_in(
    endpoints: list[str], registries: list[str], stale: list[bool]
) -> None:
    found = imagestreams.values([stream(f"s{at}", each) for at, each in enumerate(registries)], endpoints)
    assert [one["stale"] for one in found] == stale
    assert [one["registry"] for one in found] == registries


def test_what_has_no_repository_is_none() -> None:
    assert imagestreams.values([{"metadata": {"name": "a"}, "status": {}}, {"metadata": {"name": "b"}}], OURS) == []

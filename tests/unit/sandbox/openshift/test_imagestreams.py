# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image streams by what a registry notifies."""

from __future__ import annotations

from typing import Any

import pytest
from standins.imagestreams.model import Push, pushes, status

REGISTRY = "172.30.124.220:5000"


def event(action: str = "push", repository: str = "test/busybox", **target: Any) -> dict[str, Any]:
    return {"action": action, "target": {"repository": repository, "digest": "sha256:1", "tag": "latest", **target}}


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (event(), 1),
        (event("pull"), 0),
        (event(tag=""), 0),
        (event(repository="busybox"), 0),
        (event(repository="a/b/c"), 0),
        ({"action": "push"}, 0),
    ],
)
def test_which_notifications_count(told: dict[str, Any], count: int) -> None:
    assert len(list(pushes({"events": [told]}))) == count


def test_a_tag_has_its_newest_image_first_and_others_stay() -> None:
    found: dict[str, Any] | None = None
    for tag, digest in (("latest", "sha256:1"), ("v1", "sha256:1"), ("latest", "sha256:2"), ("latest", "sha256:2")):
        found = status(found, Push("test", "busybox", tag, digest), REGISTRY, "2026-01-01T00:00:00Z")
    assert found is not None
    assert found["dockerImageRepository"] == f"{REGISTRY}/test/busybox"
    images = {tag["tag"]: [item["image"] for item in tag["items"]] for tag in found["tags"]}
    assert images == {"latest": ["sha256:2", "sha256:1"], "v1": ["sha256:1"]}
    assert found["tags"][0]["items"][0]["dockerImageReference"] == f"{REGISTRY}/test/busybox@sha256:2"

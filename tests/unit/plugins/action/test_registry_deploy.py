# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wait for a rollout looks for."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.action.registry_deploy import unmasked


@pytest.mark.parametrize(
    ("name", "args", "found"),
    [
        ("image-registry", {"namespace": "shop"}, "image-registry"),
        ("docker-********", {"namespace": "shop"}, "docker-registry"),
        ("********", {"name": "shop", "namespace": "shop"}, "shop"),
    ],
)
def test_a_password_that_is_part_of_a_name_does_not_hide_the_workload(
    name: str, args: dict[str, str], found: str
) -> None:
    assert unmasked({"name": name, "namespace": "shop"}, args) == {"name": found, "namespace": "shop"}

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names the inventory knows its hosts."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.filter.registry_host_names import host_names


def test_a_host_is_known_by_its_name_and_its_address() -> None:
    hostvars = {"a": {"ansible_host": "192.0.2.1"}, "b": {}, "192.0.2.3": {"ansible_host": "192.0.2.3"}, "d": {}}
    assert host_names(["a", "b", "192.0.2.3"], hostvars) == {
        "a": ["a", "192.0.2.1"],
        "b": ["b"],
        "192.0.2.3": ["192.0.2.3"],
    }


def test_what_is_said_aloud_is_all_that_counts() -> None:
    assert host_names(["a"], {"a": {"ansible_host": "192.0.2.1", "registry_node_name": "n1"}}) == {"a": ["n1"]}

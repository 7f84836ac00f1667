# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_htpasswd and its Secret: what it needs to work there, and whose the rest of it is."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _htpasswd
from ansible_collections.okd.registry.plugins.module_utils._build import htpasswd as build
from ansible_collections.okd.registry.plugins.module_utils._errors import MissingLibraryError
from memory_cluster import MemoryCluster

CI = {"name": "ci", "password": "x", "state": "present"}


def users(cluster: MemoryCluster, *wanted: dict[str, str], state: str = "present") -> dict[str, Any]:
    """The module's work."""
    asked = {
        "name": "docker-registry", "namespace": "default", "secret_name": "registry-secret", "state": state,
        "mount_path": "/etc/secrets", "cost": 4, "users": list(wanted) or None,
    }  # fmt: skip
    return _htpasswd.execute(SimpleNamespace(params=asked, check_mode=False), cluster.api())


def secret(cluster: MemoryCluster) -> dict[str, Any]:
    return cluster.find("v1", "Secret", "registry-secret") or {}


def test_where_no_password_is_given_bcrypt_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    cluster = MemoryCluster()
    cluster.put(build.secret("registry-secret", "default", "mallory:#1\nci:#2\n", None))
    assert users(cluster, {"name": "mallory", "state": "absent"})["all_users"] == ["ci"]
    with pytest.raises(MissingLibraryError, match="bcrypt"):
        users(cluster, CI)


def test_a_certificate_that_comes_while_the_file_goes_stays() -> None:
    cluster = MemoryCluster()
    users(cluster, CI)
    other = secret(cluster)
    other["data"]["registry.crt"] = "eA=="
    cluster.before_write = lambda: cluster.put(other) and None
    done = users(cluster, state="absent")
    assert [one["action"] for one in done["resources"]] == ["updated"]
    assert secret(cluster)["data"] == {"registry.crt": "eA=="}
    assert users(cluster, state="absent")["changed"] is False

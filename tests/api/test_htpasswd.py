# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_htpasswd on a real API server, in the Secret that registry_cert keeps the certificate in."""

from __future__ import annotations

import base64
import json
from typing import Any

import bcrypt
import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_cert, registry_htpasswd, registry_service

pytestmark = pytest.mark.cluster
CI = {"name": "ci", "password": "c1-password"}


def held(admin: Api, namespace: str) -> dict[str, str]:
    """The Secret's values."""
    live = admin.get(ObjectRef("v1", "Secret", "registry-secret", namespace))
    return {key: base64.b64decode(text).decode() for key, text in ((live or {}).get("data") or {}).items()}


def test_users_come_change_and_go_beside_the_certificate(run: Any, admin: Api, namespace: str, tmp_path: Any) -> None:
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    run(registry_service)
    assert run(registry_cert, ca=ca)["changed"]
    certificate = held(admin, namespace)
    planned = run(registry_htpasswd, check=True, users=[CI], cost=4)
    done = run(registry_htpasswd, users=[CI], cost=4)
    assert (planned["actions"], planned["changed"]) == (done["actions"], True)
    assert done["users"] == [{"name": "ci", "action": "added"}]
    assert done["env"]["REGISTRY_AUTH_HTPASSWD_PATH"] == "/etc/secrets/htpasswd"
    assert {k: v for k, v in done["api_requests"].items() if v} == {"get": 1, "patch": 1}
    now = held(admin, namespace)
    user, _colon, entry = now["htpasswd"].strip().partition(":")
    assert user == "ci"
    assert bcrypt.checkpw(b"c1-password", entry.encode())
    assert {**now, **certificate} == now
    assert entry not in json.dumps(done)
    assert "c1-password" not in json.dumps(done)

    again = run(registry_htpasswd, users=[CI], cost=5)
    assert (again["changed"], again["api_requests"]["patch"]) == (False, 0)
    assert not run(registry_cert, ca=ca)["changed"]
    assert held(admin, namespace) == now

    other = run(registry_htpasswd, users=[{"name": "dev", "password": "x"}, {**CI, "password": "new"}], cost=4)
    assert [one["action"] for one in other["users"]] == ["added", "updated"]
    gone = run(registry_htpasswd, users=[{"name": "ci", "state": "absent"}, {"name": "nobody", "state": "absent"}])
    assert [one["action"] for one in gone["users"]] == ["removed", "unchanged"]
    assert gone["all_users"] == ["dev"]
    assert run(registry_htpasswd, users=[{"name": "dev", "state": "absent"}])["all_users"] == []
    assert held(admin, namespace) == {**certificate, "htpasswd": "\n"}


def test_a_secret_is_made_only_for_somebody(run: Any, admin: Api, namespace: str) -> None:
    assert not run(registry_htpasswd, users=[{"name": "ci", "state": "absent"}])["changed"]
    assert held(admin, namespace) == {}
    assert run(registry_htpasswd, users=[CI], cost=4)["resources"][0]["action"] == "created"


def test_users_who_are_not_there_leave_a_secret_as_it_is(run: Any, admin: Api, namespace: str) -> None:
    """Neither is a file made in it, nor does one of somebody else's become ours."""
    for data in ({}, {"htpasswd": base64.b64encode(b"dev:x\n").decode()}):
        ref = ObjectRef("v1", "Secret", "registry-secret", namespace)
        admin.delete(ref)
        meta = {"name": ref.name, "namespace": namespace}
        before = admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
        done = run(registry_htpasswd, users=[{"name": "ci", "state": "absent"}])
        assert (done["changed"], done["all_users"]) == (False, ["dev"] if data else [])
        assert admin.get(ref) == before
        kept = run(registry_htpasswd, state="absent")
        assert (kept["changed"], admin.get(ref)) == (False, before)
        assert ("keeps its htpasswd" in " ".join(kept["actions"])) == bool(data)


@pytest.mark.parametrize("first", [registry_cert, registry_htpasswd])
def test_the_file_and_the_certificate_go_one_by_one_and_the_secret_with_the_last(
    run: Any, admin: Api, namespace: str, tmp_path: Any, first: Any
) -> None:
    ca = {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True}
    run(registry_service)
    run(registry_cert, ca=ca)
    certificate = held(admin, namespace)
    run(registry_htpasswd, users=[CI, {"name": "dev", "password": "x"}], cost=4)
    mine = {"registry_cert": certificate, "registry_htpasswd": {"htpasswd": held(admin, namespace)["htpasswd"]}}
    last = registry_htpasswd if first is registry_cert else registry_cert
    for module in (first, last):
        planned = run(module, check=True, state="absent")
        assert held(admin, namespace)
        done = run(module, state="absent")
        assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
        assert done["changed"]
        assert not run(module, state="absent")["changed"]
        if module is registry_htpasswd:
            assert done["users"] == [{"name": "ci", "action": "removed"}, {"name": "dev", "action": "removed"}]
            assert (done["all_users"], done["env"]) == ([], {})
        if module is first:
            assert held(admin, namespace) == mine[last.__name__.rpartition(".")[2]]
    assert admin.get(ObjectRef("v1", "Secret", "registry-secret", namespace)) is None


def test_what_cannot_be_done_is_said(run: Any) -> None:
    assert "users" in run(registry_htpasswd)["msg"]
    assert "no colon" in run(registry_htpasswd, users=[{"name": "a:b", "password": "x"}])["msg"]
    forbidden = run.as_user("carol")(registry_htpasswd, users=[CI])
    assert "secrets" in forbidden["msg"]
    assert "get" in forbidden["msg"]

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who logs in to the registry by registry_login, and what their docker then may do.

The tests run in the order in which they stand, from a pristine sandbox; the last gives the registry users of its own.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import sandbox
import snippets

ENDPOINT = sandbox.ENDPOINTS[0]
MASTER = "https://172.29.0.1:8443"
CA = sandbox.STATE / "control-plane/pki/ca.crt"
ADMIN = {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}
FILE = "/root/.docker/config.json"
PIECES = snippets.snippets("access.md")
PLACES = {
    "build1.example.com": "node1",
    "https://master.example.com:8443": MASTER,
    "/etc/origin/master/ca.crt": str(CA),
    "alice": "bob",
    "Alice": "Bob",
    "shop": "test",
    "docker.io/busybox": "sandbox/pause:1",
    "registry.example.com/registry:3": "openshift3/ose-docker-registry:v3",
}


def password(user: str) -> str:
    return (sandbox.STATE / "passwords" / user).read_text(encoding="utf-8")


def issued() -> int:
    """How many tokens OAuth has issued."""
    return (sandbox.STATE / "control-plane/oauth.log").read_text(encoding="utf-8").count("issued a token to ")


def login(node: str, **options: Any) -> dict[str, Any]:
    """Run the module on a node."""
    return sandbox.module(node, "registry_login", {"endpoints": [ENDPOINT], **options})


def logins(node: str) -> dict[str, str]:
    """What a node's docker logs in with, by endpoint: user and secret."""
    auths = json.loads(sandbox.on(node, f"cat {FILE}").stdout)["auths"]
    return {name: base64.b64decode(entry["auth"]).decode() for name, entry in auths.items()}


def pushes(node: str, name: str) -> str:
    """Push with a node's docker, and give what it said; without "digest:", it could not."""
    target = f"{ENDPOINT}/{name}:1"
    done = sandbox.on(node, f"docker tag sandbox/pause:1 {target}; timeout 30 docker push {target} 2>&1", check=False)
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def registry() -> None:
    """A registry that serves TLS, made by the modules alone. The nodes' docker takes it unverified, by their flags."""
    pki = sandbox.STATE / "pki"
    ca = {"cert_path": f"{pki}/ca.crt", "key_path": f"{pki}/ca.key", "create": True}
    steps = [
        ("registry_service", {"cluster_ip": sandbox.SERVICE_IP}),
        ("registry_cert", {"ca": ca}),
        ("registry_deploy", {
            "image": "openshift3/ose-docker-registry:v3", "tls_secret": "registry-secret", "wait_timeout": 90,
            "storage": {"kind": "pvc", "claim_name": "registry-claim"},
        }),
    ]  # fmt: skip
    for name, options in steps:
        done = sandbox.module("localhost", name, {**ADMIN, **options})
        assert not done["failed"], done["msg"]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extra variables with passwords, in a file as a vault would be."""
    path = tmp_path_factory.mktemp("vault") / "vault.json"
    path.write_text(json.dumps({"bob_password": password("bob"), "ci_password": "c1-passw0rd"}), encoding="utf-8")
    return path


def test_a_login_is_no_right() -> None:
    by = {"host": MASTER, "ca_cert": str(CA), "login_username": "bob", "login_password": password("bob")}
    done = login("node1", **by, registry_ca_cert=(sandbox.STATE / "pki/ca.crt").read_text(encoding="utf-8"))
    assert (done["failed"], done["changed"], done["logins"][0]["ok"]) == (False, True, True), done
    assert "unauthorized" in pushes("node1", "test/refused")
    assert login("node1", state="absent")["changed"]
    assert sandbox.on("node1", f"test -e {FILE}", check=False).returncode == 1


def test_the_document_s_access_steps_and_not_a_secret_in_what_ansible_says(tmp_path: Path, secrets: Path) -> None:
    piece, before = snippets.adapted(PIECES["access"], PLACES), issued()
    first = snippets.play(piece, tmp_path, "-e", f"@{secrets}", "-vvvv", "--diff")
    assert first.code == 0, first.output
    assert issued() == before + 1
    user, _colon, token = logins("node1")[ENDPOINT].partition(":")
    assert user == "bob"
    assert "digest: sha256:" in first.output
    for secret in (token, "sha256~", password("bob"), base64.b64encode(f"bob:{token}".encode()).decode()):
        assert secret not in first.output
    assert sandbox.on("node1", f"stat -c %a {FILE}").stdout == "600\n"
    leftovers = f"grep -rlF '{token}' /root /tmp /var/tmp /var/log /var/lib/okd-registry 2>/dev/null"
    assert sandbox.on("node1", leftovers, check=False).stdout == ""

    second = snippets.play(piece, tmp_path, "-e", f"@{secrets}")
    assert (second.code, second.changed, issued()) == (0, 0, before + 1), second.output


def test_a_service_account_logs_in_for_a_time() -> None:
    asked = {**ADMIN, "service_account": "builder", "service_account_namespace": "test", "expires_in": 3600}
    done = login("node2", **asked, renew_before=600)
    assert (done["failed"], done["changed"], done["username"]) == (False, True, "builder"), done
    assert done["expires"]
    assert "digest: sha256:" in pushes("node2", "test/by-account")
    assert "unauthorized" in pushes("node2", "default/by-account")
    again = login("node2", **asked, renew_before=600)
    assert (again["changed"], again["reused"]) == (False, True)


def test_logged_out_there_is_nothing_left() -> None:
    assert login("node2", state="absent")["changed"]
    assert not login("node2", state="absent")["changed"]
    assert "digest: sha256:" not in pushes("node2", "test/by-nobody")


def test_a_system_user_is_refused() -> None:
    done = login("node2", **ADMIN)
    assert done["failed"]
    assert "System users, such as system:admin" in done["msg"]


def test_the_hosts_of_a_group_are_logged_in_and_out_by_a_playbook(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text("registry_logins: {hosts: {node2: {}, node3: {}}}\n", encoding="utf-8")
    before = {node: sandbox.on(node, "docker ps -q").stdout for node in ("node2", "node3")}
    more = ("-i", str(hosts), "--diff", "-vvvv")
    planned = snippets.play(PIECES["login"], tmp_path, "--check", *more)
    first = snippets.play(PIECES["login"], tmp_path, *more)
    assert (planned.code, planned.changed, first.code, first.changed) == (0, 2, 0, 2), planned.output + first.output
    for node in before:
        kept = logins(node)
        assert len(kept) == len(sandbox.ENDPOINTS)
        (secret,) = set(kept.values())
        assert secret.startswith("builder:")
        assert secret.partition(":")[2] not in first.output
        assert "digest: sha256:" in pushes(node, f"test/from-{node}")
    second = snippets.play(PIECES["login"], tmp_path, *more)
    assert (second.code, second.changed) == (0, 0), second.output
    out = sandbox.playbook("login.yml", "-i", str(hosts), "--tags", "login", "-e", "registry_login_state=absent")
    assert (out.code, out.changed) == (0, 2), out.output
    for node in before:
        assert sandbox.on(node, f"test -e {FILE}", check=False).returncode == 1
    again = sandbox.playbook("login.yml", "-i", str(hosts), "-e", "registry_login_state=absent")
    assert (again.code, again.changed) == (0, 0), again.output


def test_a_token_is_revoked_where_that_is_asked_for() -> None:
    by = {"host": MASTER, "ca_cert": str(CA), "login_username": "bob", "login_password": password("bob")}
    ca = (sandbox.STATE / "pki/ca.crt").read_text(encoding="utf-8")
    login("node1", state="absent")
    assert login("node1", **by, registry_ca_cert=ca)["changed"]
    done = login("node1", host=MASTER, ca_cert=str(CA), state="absent", revoke=True)
    assert done["changed"]
    assert done["actions"][0] == "Revoked the token of bob."
    assert "forgot a token" in (sandbox.STATE / "control-plane/oauth.log").read_text(encoding="utf-8")


def test_a_registry_with_its_own_users(tmp_path: Path, secrets: Path) -> None:
    piece = snippets.adapted(PIECES["htpasswd"], PLACES)
    first = snippets.play(piece, tmp_path, "-e", f"@{secrets}", "-vvvv", "--diff")
    assert first.code == 0, first.output
    assert "c1-passw0rd" not in first.output
    assert "$2y$" not in first.output
    assert set(logins("node1").values()) == {"ci:c1-passw0rd"}
    assert len(logins("node1")) == 3
    assert "digest: sha256:" in pushes("node1", "any/image")
    second = snippets.play(piece, tmp_path, "-e", f"@{secrets}")
    assert (second.code, second.changed) == (0, 0), second.output
    refused = login("node2", **ADMIN, method="password", login_username="ci", login_password="wr0ng", endpoints=None)
    assert refused["failed"]
    assert f"{ENDPOINT}: refuses the login of ci" in refused["msg"]

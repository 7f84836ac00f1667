# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_login with a real API server, the OAuth stand-in, and a real registry that asks that API server."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._node import bearer
from ansible_collections.okd.registry.plugins.modules import (
    registry_htpasswd,
    registry_login,
    registry_route,
    registry_service,
)

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """Where the API server's files are, and its OAuth server."""

    directory: Path

    @property
    def ca(self) -> Path:
        return self.directory / "pki/ca.crt"

    @property
    def ports(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.directory / "ports.json").read_text())
        return found

    @property
    def master(self) -> str:
        """The address at which OAuth is found."""
        return f"https://127.0.0.1:{self.ports['oauth']}"

    def password(self, user: str) -> str:
        return (self.directory.parent / "passwords" / user).read_text()

    def token(self, user: str) -> str:
        """The one that the user has without OAuth."""
        return (self.directory.parent / "tokens" / user).read_text()

    def issued(self) -> int:
        """How many tokens OAuth has issued."""
        return (self.directory / "oauth.log").read_text().count("issued a token to ")


@pytest.fixture(scope="module")
def cluster(kubeconfig: str) -> Cluster:
    directory = Path(kubeconfig).parent
    if not (directory / "oauth.log").exists():
        pytest.skip(f"no OAuth server beside {kubeconfig}")
    return Cluster(directory)


@contextlib.contextmanager
def serving(cluster: Cluster, folder: Path, **variables: str) -> Iterator[list[str]]:
    """The sandbox's registry as a process of this machine; its endpoints."""
    for part in ("tests/sandbox/build", "tests/sandbox/cluster"):
        sys.path.append(str(ROOT / part))
    from sandboxlib import inputs, pki

    inputs.build(["dockerregistry"])
    authority = pki.Authority(cluster.directory / "pki")
    certificate, key = authority.issue("registry", common_name="registry", sans=["127.0.0.1", "localhost"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "version": 0.1,
        "http": {"addr": f"127.0.0.1:{port}", "tls": {"certificate": str(certificate), "key": str(key)}},
        "storage": {"inmemory": {}},
        "auth": {
            "openshift": {
                "realm": "openshift", "server": f"https://127.0.0.1:{cluster.ports['api']}", "ca": str(cluster.ca),
            }
        },
    }  # fmt: skip
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    off = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
    program = inputs._workshop().path("dockerregistry")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", folder / "config.yml"], stdout=log, stderr=log, env={**os.environ, **off, **variables}
        )
    try:
        deadline = time.monotonic() + 20
        while b"listening on" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield [f"127.0.0.1:{port}", f"localhost:{port}"]
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def registry(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """One that asks the API server."""
    with serving(cluster, tmp_path_factory.mktemp("registry")) as endpoints:
        yield endpoints


@pytest.fixture
def login(run: Any, cluster: Cluster, registry: list[str], tmp_path: Path) -> Callable[..., Object]:
    """Runs the module for a file of the test's own, as its own host."""

    def do(*, fails: bool | None = None, **params: Any) -> Object:
        asked = {
            "obtain_on": "host",
            "auth_file": str(tmp_path / "deep" / "config.json"),
            "endpoints": registry,
            "registry_ca_cert": cluster.ca.read_text(),
            **params,
        }
        result: Object = run(registry_login, **asked)
        assert result.get("failed") in (None, fails), result
        return result

    return do


@pytest.fixture
def oauth(login: Callable[..., Object], cluster: Cluster) -> Callable[..., Object]:
    """The same as somebody who knows a password and the master's address."""

    def do(user: str = "alice", **params: Any) -> Object:
        by = {"kubeconfig": None, "host": cluster.master, "ca_cert": str(cluster.ca)}
        return login(**{**by, "login_username": user, "login_password": cluster.password(user), **params})

    return do


@pytest.fixture
def builder(admin: Api, namespace: str) -> str:
    """A ServiceAccount."""
    meta = {"name": "builder", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    return f"system:serviceaccount:{namespace}:builder"


def entries(path: Path) -> dict[str, tuple[str, str]]:
    """Who is logged in where, and with what."""
    auths = json.loads(path.read_text())["auths"]
    found = {name: base64.b64decode(entry["auth"]).decode().split(":", 1) for name, entry in auths.items()}
    return {name: (user, secret) for name, (user, secret) in found.items()}


def test_a_user_of_oauth_is_logged_in_once(
    oauth: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "deep/config.json"
    before = cluster.issued()
    first = oauth()
    assert (first["changed"], first["reused"], first["username"]) == (True, False, "alice"), first
    assert [one for one in first["logins"] if not one["ok"]] == []
    written = entries(file)
    assert list(written) == registry
    assert {user for user, _secret in written.values()} == {"alice"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    token = written[registry[0]][1]
    assert bearer.who(bearer.Server(cluster.master, cluster.ca.read_text(), True), token).user == "alice"
    assert token not in json.dumps(first)
    assert cluster.password("alice") not in json.dumps(first)

    again = oauth()
    assert (again["changed"], again["reused"], again["diff"], again["actions"]) == (False, True, [], [])
    assert entries(file) == written
    more = oauth(endpoints=[*registry, "registry.example.com"])
    assert (more["changed"], more["reused"]) == (True, True)
    assert entries(file) == {**written, "registry.example.com": ("alice", token)}
    assert [one["endpoint"] for one in more["logins"] if not one["ok"]] == ["registry.example.com"]
    assert cluster.issued() == before + 1


def test_a_token_that_no_longer_holds_is_replaced(
    oauth: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "deep/config.json"
    old = base64.b64encode(b"alice:sha256~gone").decode()
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {name: {"auth": old} for name in registry}}))
    done = oauth()
    assert (done["changed"], done["reused"]) == (True, False)
    assert "does not accept the token" in done["actions"][0]
    assert all(secret != "sha256~gone" for _user, secret in entries(file).values())


def test_a_token_of_somebody_else_under_this_name_is_replaced(
    oauth: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    """The registry looks at the token alone, so the name beside it may be anybody's."""
    file = tmp_path / "deep/config.json"
    file.parent.mkdir()
    other = base64.b64encode(f"alice:{cluster.token('bob')}".encode()).decode()
    file.write_text(json.dumps({"auths": {name: {"auth": other} for name in registry}}))
    done = oauth()
    assert (done["changed"], done["reused"]) == (True, False)
    assert "is that of bob, not of alice" in done["actions"][0]
    token = entries(file)[registry[0]][1]
    assert bearer.who(bearer.Server(cluster.master, cluster.ca.read_text(), True), token).user == "alice"
    assert not oauth()["changed"]


def test_the_line_s_end_of_a_token_s_file_does_not_count(
    login: Callable[..., Object], cluster: Cluster, tmp_path: Path
) -> None:
    token = cluster.token("bob")
    own = {"kubeconfig": None, "host": cluster.master, "ca_cert": str(cluster.ca)}
    first = login(login_token=token + "\n")
    assert set(entries(tmp_path / "deep/config.json").values()) == {("bob", token)}
    second = login(**own, api_key=token + "\n")
    assert not second["changed"]
    for bad in (login(fails=True, login_token=f"{token}\nx"), login(fails=True, **own, api_key=f"{token}\nx")):
        assert "holds characters that no header can have" in bad["msg"]
        assert token not in json.dumps(bad)
    assert token not in json.dumps([first, second])


def test_check_mode_gets_no_token_and_says_the_same(
    run: Any, oauth: Callable[..., Object], cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cluster.issued()
    done = oauth(check=True)
    assert (done["changed"], done["reused"]) == (True, False)
    assert not (tmp_path / "deep").exists()
    assert cluster.issued() == before
    real = oauth()
    assert (real["actions"], real["diff"], real.keys()) == (done["actions"], done["diff"], done.keys())
    assert not oauth(check=True)["changed"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"login_password": "wrong-password"}, "does not accept user name and password of alice"),
        ({"login_username": "system:admin"}, "System users, such as system:admin, have a client certificate"),
        ({"login_token": "x"}, "different ways to log in"),
        ({"login_password": None, "method": "oauth"}, "needs login_password"),
    ],
)
def test_who_gets_no_token_is_told_why(oauth: Callable[..., Object], tmp_path: Path, params: Object, said: str) -> None:
    done = oauth(fails=True, **params)
    assert done["failed"], done
    assert said in done["msg"]
    assert "wrong-password" not in json.dumps(done)
    assert not (tmp_path / "deep").exists()


def test_a_cluster_without_oauth_is_told_apart(oauth: Callable[..., Object], cluster: Cluster) -> None:
    done = oauth(fails=True, host=f"https://127.0.0.1:{cluster.ports['api']}")
    assert "has no OAuth server" in done["msg"]


def test_a_client_certificate_is_no_login(login: Callable[..., Object]) -> None:
    done = login(fails=True)
    assert "There is no token in kubeconfig" in done["msg"]
    assert "system:admin" in done["msg"]


def test_the_token_of_the_kubeconfig_and_a_given_one(
    login: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    own = {"kubeconfig": None, "host": cluster.master, "ca_cert": str(cluster.ca), "api_key": cluster.token("bob")}
    done = login(**own)
    assert (done["method"], done["username"], done["changed"]) == ("kubeconfig", "bob", True), done
    assert set(entries(tmp_path / "deep/config.json").values()) == {("bob", cluster.token("bob"))}
    same = login(login_token=cluster.token("bob"))
    assert (same["method"], same["username"], same["changed"]) == ("token", "bob", False)
    other = login(login_token=cluster.token("alice"))
    assert other["changed"]
    assert set(entries(tmp_path / "deep/config.json").values()) == {("alice", cluster.token("alice"))}
    refused = login(fails=True, login_token="sha256~nobody")
    assert "does not accept the token" in refused["msg"]


def test_a_service_account_has_a_token_that_expires(
    login: Callable[..., Object], builder: str, registry: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "deep/config.json"
    asked = {"service_account": "builder", "expires_in": 3600, "renew_before": 600}
    done = login(**asked)
    assert (done["changed"], done["username"], done["method"]) == (True, "builder", "service_account"), done
    left = time.mktime(time.strptime(done["expires"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
    assert 3500 < left <= 3600
    token = entries(file)[registry[0]][1]
    assert bearer.claims(token)["sub"] == builder
    assert token not in json.dumps(done)
    again = login(**asked)
    assert (again["changed"], again["reused"], again["expires"]) == (False, True, done["expires"])
    later = login(**{**asked, "expires_in": 7200, "renew_before": 7100})
    assert (later["changed"], later["reused"]) == (True, False)
    assert "expires at" in later["actions"][0]
    assert entries(file)[registry[0]][1] != token


def test_the_token_of_another_account_is_not_used_again(
    login: Callable[..., Object], admin: Api, builder: str, namespace: str, registry: list[str], tmp_path: Path
) -> None:
    meta = {"name": "other", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    login(service_account="builder", login_username="ci")
    done = login(service_account="other", login_username="ci")
    assert done["changed"]
    assert f"is that of {builder}" in done["actions"][0]
    assert bearer.claims(entries(tmp_path / "deep/config.json")[registry[0]][1])["sub"].endswith(":other")


def test_no_such_account_and_no_right_to_its_token(
    login: Callable[..., Object], builder: str, namespace: str, kubeconfig: str
) -> None:
    missing = login(fails=True, service_account="nobody")
    assert f"There is no ServiceAccount {namespace}/nobody" in missing["msg"]
    forbidden = login(fails=True, service_account="builder", impersonate_user="carol")
    assert "serviceaccounts/token" in forbidden["msg"]
    assert "create" in forbidden["msg"]


def test_a_registry_that_refuses_leaves_the_file_alone(login: Callable[..., Object], tmp_path: Path) -> None:
    done = login(fails=True, method="password", login_username="alice", login_password="no-token-of-hers")
    assert "refuses the login of alice" in done["msg"]
    assert "no-token-of-hers" not in done["msg"]
    assert not (tmp_path / "deep/config.json").exists()


def test_a_registry_goes_by_its_own_users_as_they_are_kept(
    login: Callable[..., Object], run: Any, admin: Api, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """The Secret as a kubelet mounts it, and the variables that the module tells, in the place of another access."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()

    def keep(*users: Object) -> Object:
        done: Object = run(registry_htpasswd, users=list(users), cost=4, mount_path=str(mounted))
        live = admin.get(ObjectRef("v1", "Secret", "registry-secret", namespace))
        assert live
        (mounted / "htpasswd").write_bytes(base64.b64decode(live["data"]["htpasswd"]))
        return done

    def ci(password: str, **more: Any) -> Object:
        return login(method="password", login_username="ci", login_password=password, **more)

    env = keep({"name": "ci", "password": "c1-password"})["env"]
    with serving(cluster, tmp_path, **env) as endpoints:
        done = ci("c1-password", endpoints=endpoints)
        assert [one["ok"] for one in done["logins"]] == [True, True]
        assert not ci("c1-password", endpoints=endpoints)["changed"]
        assert "refuses the login" in ci("wr0ng-password", endpoints=endpoints, fails=True)["msg"]
        time.sleep(1.1)  # the registry looks at the file's time
        keep({"name": "ci", "password": "new-password"})
        assert ci("new-password", endpoints=endpoints)["changed"]
        time.sleep(1.1)
        keep({"name": "ci", "state": "absent"})
        assert "refuses the login" in ci("old-password", endpoints=endpoints, fails=True)["msg"]


def test_absent_takes_these_logins_and_no_others(
    login: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "deep/config.json"
    file.parent.mkdir()
    file.write_text('{"auths": {"quay.io": {"auth": "eDp5"}}, "HttpHeaders": {"A": "b"}}')
    login(login_token=cluster.token("bob"))
    assert list(entries(file)) == ["quay.io", *registry]
    assert login(state="absent", check=True)["changed"]
    done = login(state="absent")
    assert done["changed"]
    assert json.loads(file.read_text()) == {"auths": {"quay.io": {"auth": "eDp5"}}, "HttpHeaders": {"A": "b"}}
    assert not login(state="absent")["changed"]


def test_a_token_of_oauth_is_revoked_where_that_is_asked_for(
    oauth: Callable[..., Object], login: Callable[..., Object], cluster: Cluster, builder: str, tmp_path: Path,
    registry: list[str],
) -> None:  # fmt: skip
    def holds(token: str) -> bool:
        """Ask who gave it: the API server remembers for a while."""
        return "does not accept" not in bearer.revoke(api, token)

    api = bearer.Server(cluster.master, cluster.ca.read_text(), True)
    file = tmp_path / "deep/config.json"
    oauth()
    kept = entries(file)[registry[0]][1]
    assert [one.partition(" the ")[0] for one in oauth(state="absent")["actions"]] == ["Removed", "Removed"]
    assert holds(kept)
    oauth()
    token = entries(file)[registry[0]][1]
    planned = oauth(state="absent", revoke=True, check=True)
    done = oauth(state="absent", revoke=True)
    assert planned["actions"] == done["actions"]
    assert done["actions"][0] == "Revoked the token of alice."
    assert len(done["actions"]) == 1 + len(registry)
    assert not holds(token)
    assert token not in json.dumps([planned, done])
    assert oauth(state="absent", revoke=True)["actions"] == []

    login(service_account="builder")
    own = login(state="absent", revoke=True)
    assert own["changed"]
    assert "was not revoked: it is a service account's, which expires by itself" in own["actions"][0]


def test_where_a_router_ends_tls_its_own_ca_is_what_counts(
    login: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path
) -> None:
    names = {"endpoints": registry[:1], "router_endpoints": registry[1:], "login_token": cluster.token("bob")}
    done = login(**names)
    assert [(one["endpoint"], one["ok"]) for one in done["logins"]] == [(registry[0], True), (registry[1], False)]
    assert "no CA that is known here signed the router's certificate" in done["logins"][1]["error"]
    assert login(**names, state="absent")["changed"]
    done = login(**names, router_ca_cert=cluster.ca.read_text())
    assert [one["ok"] for one in done["logins"]] == [True, True]
    assert list(entries(tmp_path / "deep/config.json")) == registry == done["registry"]["endpoints"]


@pytest.mark.parametrize("method", ["token", "password"])
def test_a_router_s_name_may_be_the_only_one(
    login: Callable[..., Object], cluster: Cluster, registry: list[str], tmp_path: Path, method: str
) -> None:
    of = {"login_token": cluster.token("bob")}
    if method == "password":  # which asks no cluster at all
        of = {"method": method, "login_username": "bob", "login_password": cluster.token("bob"), "kubeconfig": "/none"}
    only = {"endpoints": None, "router_endpoints": registry[:1], "router_ca_cert": cluster.ca.read_text()}
    done = login(**only, **of)
    assert [one["ok"] for one in done["logins"]] == [True]
    assert list(entries(tmp_path / "deep/config.json")) == registry[:1] == done["registry"]["endpoints"]
    assert login(**only, state="absent")["changed"]


def test_all_names_of_the_registry_are_taken_from_the_cluster(
    login: Callable[..., Object], run: Any, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    missing = login(fails=True, endpoints=None, login_token=cluster.token("bob"))
    assert f"There is no Service {namespace}/docker-registry" in missing["msg"]
    run(registry_service)
    run(registry_route, route_host="router.example.com", termination="edge", wait=False, dns="ignore")
    done = login(endpoints=None, login_token=cluster.token("bob"), extra_hosts=["registry.example.com"], timeout=1)
    address = done["registry"]["cluster_ip"]
    names = [f"{address}:5000", f"docker-registry.{namespace}.svc:5000"]
    names += [f"docker-registry.{namespace}.svc.cluster.local:5000", "router.example.com", "registry.example.com"]
    assert done["registry"]["endpoints"] == names
    assert sorted(entries(tmp_path / "deep/config.json")) == sorted(names)
    assert [one["ok"] for one in done["logins"]] == [False] * 5
    assert login(endpoints=None, state="absent", extra_hosts=["registry.example.com"])["changed"]
    assert not (tmp_path / "deep/config.json").exists()


def test_no_secret_is_in_anything_that_ansible_prints(
    cluster: Cluster, registry: list[str], kubeconfig: str, builder: str, namespace: str, tmp_path: Path
) -> None:
    """The action plugin: with pipelining off, what it says at -vvvv, and what it leaves of files."""
    file = tmp_path / "config.json"
    common = {"endpoints": registry, "auth_file": str(file), "registry_ca_cert": cluster.ca.read_text()}
    by = {"host": cluster.master, "ca_cert": str(cluster.ca)}
    user = {"login_username": "alice", "login_password": "{{ lookup('file', password) }}"}
    account = {"kubeconfig": kubeconfig, "service_account": "builder", "service_account_namespace": namespace}
    tasks = [
        {"okd.registry.registry_login": {**common, **by, **user}, "register": "first"},
        {"okd.registry.registry_login": {**common, **by, **user}, "register": "second", "diff": True},
        {"okd.registry.registry_login": {**common, **account}, "register": "third", "diff": True},
        {"ansible.builtin.ping": {}},
        {"ansible.builtin.debug": {"msg": ["{{ first }}", "{{ second }}", "{{ third }}"]}},
        {"ansible.builtin.assert": {"that": ["first is changed", "second is not changed", "third is changed"]}},
        {"okd.registry.registry_login": {**common, **by, **user, "login_password": "wr0ng-password"},
         "ignore_errors": True},
    ]  # fmt: skip
    (tmp_path / "password").write_text(cluster.password("alice"))
    text = played(tmp_path, tasks, "-e", f"password={tmp_path}/password")
    token = entries(file)[registry[0]][1]
    issued = (cluster.directory / "oauth.log").read_text()
    assert "alice" in text
    for secret in (token, cluster.password("alice"), "wr0ng-password", base64.b64encode(token.encode()).decode()):
        assert secret not in text
        assert secret not in issued
    assert "sha256~" not in text
    # Nothing of the module lay in a file, although pipelining is off: only ping's did.
    assert text.count("PUT ") == 1
    gone = [{"okd.registry.registry_login": {**common, "state": "absent"}}]
    assert "PUT " in played(tmp_path, gone, "-e", "ansible_pipelining=false")
    assert not file.exists()


def played(folder: Path, tasks: list[Object], *arguments: str) -> str:
    """What ansible-playbook says at -vvvv; pipelining is off, as it is by itself."""
    (folder / "book.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    (folder / "ansible.cfg").write_text("[connection]\npipelining = false\n")
    (folder / "hosts").write_text(f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    command = [Path(sys.executable).with_name("ansible-playbook"), "-vvvv", "-i", folder / "hosts", *arguments]
    command.append(folder / "book.yml")
    environment = {**os.environ, "ANSIBLE_CONFIG": f"{folder}/ansible.cfg", "HOME": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr

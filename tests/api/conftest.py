# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests against a real API server: nothing here is simulated but a router's words.

They start etcd and an API server of their own (``tests/sandbox/sandbox api-up``), or use that of
``OKD_REGISTRY_TEST_KUBECONFIG`` (an administrator's; without controllers and router, whose part the tests play). Each
test has a namespace of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.right import Right
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from ansible_collections.okd.registry.tests.api import users
from ansible_collections.okd.registry.tests.api.users import RBAC
from inprocess import Modules

VARIABLE = "OKD_REGISTRY_TEST_KUBECONFIG"
ROOT = Path(__file__).resolve().parents[2]
SANDBOX = ROOT / "tests/sandbox/sandbox"
Object = dict[str, Any]
# Files of which the tests are few and take long, in the order in which they begin: each worker takes whole files.
LONG = ("test_uninstall_play.py", "test_trust_play.py", "test_route_play.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, so that none is left for the end."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The administrator's kubeconfig: the given one, or that of an API server which lives as long as the tests."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    state = {**os.environ, "OKD_REGISTRY_SANDBOX_STATE": str(tmp_path_factory.mktemp("api"))}
    # Where these tests are killed, nobody gets to the end of this function; so somebody else waits for that.
    afterwards = f"tail --pid={os.getpid()} -f /dev/null; exec {SANDBOX} api-down"
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["sh", "-c", afterwards], env=state, start_new_session=True, **quiet) as watcher:
        try:
            up = subprocess.run([SANDBOX, "api-up"], env=state, check=True, stdout=subprocess.PIPE, text=True)
            yield up.stdout.split()[-1]
        finally:
            try:
                subprocess.run([SANDBOX, "api-down"], env=state, check=True)
            finally:  # else it would be waited for, and it waits for this process
                os.killpg(watcher.pid, signal.SIGKILL)


@pytest.fixture
def admin(kubeconfig: str) -> Api:
    """An administrator's connection, with counters of its own."""
    return Api(lambda: connect({"kubeconfig": kubeconfig}))


@pytest.fixture
def namespace(admin: Api) -> Iterator[str]:
    """A namespace for one test."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    made = ObjectRef("v1", "Namespace", name)
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    left = (("v1", "Service"), ("route.openshift.io/v1", "Route"), ("networking.k8s.io/v1", "Ingress"))
    for api_version, kind in left:  # no garbage collector here
        for obj in admin.list(api_version, kind, name):
            admin.delete(ObjectRef.of(obj))
    admin.delete(made)


@pytest.fixture
def run(kubeconfig: str, namespace: str) -> Modules:
    """Runs a module's main() in the test's namespace."""
    return Modules(kubeconfig, namespace)


@pytest.fixture
def audit(kubeconfig: str, namespace: str) -> Callable[[], dict[str, int]]:
    """Requests on objects of the test's namespace as the API server's audit log has them, by HTTP verb.

    Counts those of modules only: what the test itself does goes before the mark that the first call sets.
    """
    near = Path(kubeconfig).parent
    places = [near / "audit.log", near / "control-plane" / "audit.log"]
    log = next((p for p in places if p.exists()), None)
    if log is None:
        pytest.skip(f"no audit log beside {kubeconfig}")
    start = log.stat().st_size
    verbs = {"get": "get", "list": "get", "create": "post", "patch": "patch", "delete": "delete"}

    def read() -> dict[str, int]:
        nonlocal start
        time.sleep(0.3)  # the log is written behind the answers
        found = dict.fromkeys(("get", "post", "patch", "delete"), 0)
        with log.open("rb") as lines:
            lines.seek(start)
            for line in lines:
                event = json.loads(line)
                ours = str(event.get("userAgent", "")).startswith("okd.registry")
                here = (event.get("objectRef") or {}).get("namespace") == namespace
                if ours and here and event["stage"] == "ResponseComplete":
                    found[verbs[event["verb"]]] += 1
            start = lines.tell()
        return found

    return read


@pytest.fixture
def grant(admin: Api, kubeconfig: str, namespace: str) -> Callable[[str, list[Mapping[str, Any]]], None]:
    """Gives a user rights in the test's namespace, beside those he has; they hold when it returns."""

    def give(user: str, rules: list[Mapping[str, Any]]) -> None:
        meta = {"name": f"grant-{uuid.uuid4().hex[:8]}", "namespace": namespace}
        admin.create({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": list(rules)})
        admin.create(
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": meta["name"]},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
            }
        )
        users.until_may(kubeconfig, user, namespace, (right for rule in rules for right in users.rights_of(rule)))

    return give


@pytest.fixture
def somebody(admin: Api, kubeconfig: str, namespace: str) -> Iterator[Callable[[str], users.Somebody]]:
    """Makes users of the test's namespace."""
    made: list[users.Somebody] = []

    def make(name: str) -> users.Somebody:
        made.append(users.Somebody(admin, kubeconfig, namespace, f"{name}-{namespace}"))
        return made[-1]

    yield make
    for one in made:
        one.forget()


@pytest.fixture
def requests(kubeconfig: str) -> Callable[[str], list[tuple[Right, int]]]:
    """What a user asked of the API server, by its audit log: the right it took, without a name, and the answer."""
    near = Path(kubeconfig).parent
    log = next((p for p in (near / "audit.log", near / "control-plane" / "audit.log") if p.exists()), None)
    if log is None:
        pytest.skip(f"no audit log beside {kubeconfig}")
    start = log.stat().st_size

    def read(user: str) -> list[tuple[Right, int]]:
        time.sleep(0.5)  # the log is written behind the answers
        found = []
        with log.open("rb") as lines:
            lines.seek(start)
            for line in lines:
                event = json.loads(line)
                asked, by = event.get("objectRef"), (event.get("impersonatedUser") or {}).get("username")
                if by == user and asked and event["stage"] == "ResponseComplete":
                    resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
                    right = Right(event["verb"], resource, asked.get("apiGroup", ""))
                    if resource != "selfsubjectaccessreviews":
                        found.append((right, event["responseStatus"]["code"]))
        return found

    return read


@pytest.fixture
def shell(kubeconfig: str, tmp_path: Path) -> Callable[[str], str]:
    """Runs a command line as the administrator would, with kubectl in his path; gives what it prints."""
    folder = str(ROOT / "tests/sandbox/cluster")
    if folder not in sys.path:
        sys.path += [folder, str(ROOT / "tests/sandbox/build")]
    from sandboxlib import inputs

    (tmp_path / "bin").mkdir()
    inputs.build(["sandbox-kube"])
    (tmp_path / "bin/kubectl").symlink_to(inputs.binary())

    def run(line: str) -> str:
        where = {**os.environ, "KUBECONFIG": kubeconfig, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", line], env=where, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def settle(admin: Api, namespace: str) -> Callable[..., None]:
    """Reports a registry's rollout as done, as its controller would."""

    def done(kind: str = "DeploymentConfig", name: str = "docker-registry") -> None:
        ref = ObjectRef(API_VERSIONS[kind], kind, name, namespace)
        live = admin.get(ref)
        assert live is not None
        pods = int(live["spec"].get("replicas", 1))
        reason = "NewReplicationControllerAvailable" if kind == "DeploymentConfig" else "NewReplicaSetAvailable"
        status = {
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods),
            "observedGeneration": live["metadata"]["generation"],
            "conditions": [{"type": "Progressing", "status": "True", "reason": reason}],
        }
        if kind == "DeploymentConfig":
            status["latestVersion"] = int((live.get("status") or {}).get("latestVersion") or 0) + 1
        patch = [{"op": "add", "path": "/status", "value": status}]
        path = f"{ref.path}/status"  # a controller's write, which the collection has no business with
        admin._send("PATCH", path, Request("patch", path), body=patch, content_type="application/json-patch+json")

    return done


@pytest.fixture
def cleared(admin: Api, namespace: str) -> Iterator[None]:
    """No controllers run here: what is not in the namespace, or would be kept by it, is taken away by hand."""
    yield
    admin.delete(ObjectRef("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"registry-registry-role:{namespace}"))
    for kind, version in API_VERSIONS.items():
        for obj in admin.list(version, kind, namespace):
            admin.delete(ObjectRef.of(obj))


@pytest.fixture
def router(kubeconfig: str, namespace: str) -> Iterator[None]:
    """Says of each Route of the namespace what a router would: the oldest with a host is admitted."""
    api = Api(lambda: connect({"kubeconfig": kubeconfig}))
    api.version()  # connected here: the kubernetes library's configuration is one for all threads
    stop = threading.Event()

    def say(route: Object, status: str, reason: str | None) -> None:
        condition = {"type": "Admitted", "status": status, **({"reason": reason, "message": "older"} if reason else {})}
        ingress = {"host": route["spec"]["host"], "routerName": "test", "conditions": [condition]}
        if [ingress] != (route.get("status") or {}).get("ingress"):
            ref = ObjectRef.of(route)
            api._send(  # a router's write, which the collection has no business with
                "PATCH",
                f"{ref.path}/status",
                api_request(ref),
                body=[{"op": "add", "path": "/status", "value": {"ingress": [ingress]}}],
                content_type="application/json-patch+json",
            )

    def work() -> None:
        while not stop.wait(0.1):
            routes = api.list("route.openshift.io/v1", "Route", namespace)
            seen: set[str] = set()
            for route in sorted(routes, key=lambda r: (r["metadata"]["creationTimestamp"], r["metadata"]["name"])):
                host = route["spec"].get("host")
                if not host:
                    generated = f"{route['metadata']['name']}-{namespace}.apps.test"
                    api.patch(ObjectRef.of(route), [{"op": "add", "path": "/spec/host", "value": generated}])
                elif host in seen:
                    say(route, "False", "HostAlreadyClaimed")
                else:
                    seen.add(host)
                    say(route, "True", None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()


def api_request(ref: ObjectRef) -> Request:
    """A write of the status."""
    return Request("patch", str(ref), ref.group, f"{ref.plural}/status", ref.namespace, ref.name)

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_trust_config on a real API server with OpenShift 4's own CRDs; no operator acts on what is said."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import trusted_ca as build
from ansible_collections.okd.registry.plugins.module_utils._errors import KindNotServedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._status import Request
from ansible_collections.okd.registry.plugins.modules import (
    registry_info,
    registry_service,
    registry_trust_agent,
    registry_trust_config,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
FETCH = ROOT / "tests/sandbox/openshift/fetch_crds.py"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMES = ["172.30.124.220:5000", "docker-registry.builds.svc:5000", "registry.apps.example.com"]
KEYS = ["172.30.124.220..5000", "docker-registry.builds.svc..5000", "registry.apps.example.com"]
SAME = ("actions", "resources", "diff", "changed")


def send(api: Api, method: str, path: str, body: Any) -> None:
    """A request that the collection has no business with: an installer's."""
    api._send(method, path, Request(method, path), body=body)


@pytest.fixture(scope="module", autouse=True)
def crds(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """OpenShift 4's kinds, for these tests alone."""
    from ansible_collections.okd.registry.plugins.module_utils._kube import connect

    api = Api(lambda: connect({"kubeconfig": kubeconfig}))
    directory = tmp_path_factory.mktemp("crds")
    subprocess.run([sys.executable, FETCH, "--operator", directory], check=True)
    files = ("images.config.crd.yaml", "configs.imageregistry.crd.yaml")
    definitions = [yaml.safe_load((directory / name).read_text()) for name in files]
    for definition in definitions:
        send(api, "POST", CRDS, definition)
    for ref in (build.IMAGES, configs.REF):
        for _attempt in range(100):
            with contextlib.suppress(KindNotServedError):
                api.get(ref)
                break
            time.sleep(0.1)
    yield
    for definition in definitions:
        send(api, "DELETE", f"{CRDS}/{definition['metadata']['name']}", {})


@pytest.fixture(autouse=True)
def openshift(admin: Api) -> Iterator[None]:
    """What every OpenShift 4 has."""
    for name in (build.NAMESPACE,):
        if admin.get(ObjectRef("v1", "Namespace", name)) is None:
            admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    meta = {"name": "cluster"}
    admin.create({"apiVersion": build.IMAGES.api_version, "kind": "Image", "metadata": meta, "spec": {}})
    yield
    admin.delete(build.IMAGES)
    admin.delete(configs.REF)
    for obj in admin.list("v1", "ConfigMap", build.NAMESPACE):
        admin.delete(ObjectRef.of(obj))


@pytest.fixture(scope="module")
def cas(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two CAs."""
    folder = tmp_path_factory.mktemp("cas")
    for name in "ab":
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2",
             "-keyout", "/dev/null", "-out", folder / name],
            check=True, capture_output=True,
        )  # fmt: skip
    return [(folder / name).read_text() for name in "ab"]


def named(admin: Api) -> str | None:
    return build.named(admin.get(build.IMAGES))


def data(admin: Api, name: str = build.DEFAULT_NAME) -> dict[str, str]:
    found = admin.get(ObjectRef("v1", "ConfigMap", name, build.NAMESPACE)) or {}
    return dict(found.get("data") or {})


def theirs(admin: Api, content: dict[str, str]) -> None:
    """An administrator's own ConfigMap, which image.config names."""
    meta = {"name": "registry-cas", "namespace": build.NAMESPACE}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": content})
    admin.patch(build.IMAGES, [{"op": "add", "path": "/spec/additionalTrustedCA", "value": {"name": "registry-cas"}}])


def test_there_and_back_where_there_was_none(run: Any, admin: Api, cas: list[str]) -> None:
    planned = run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0], check=True)
    assert named(admin) is None
    done = run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0])
    assert {k: planned[k] for k in SAME} == {k: done[k] for k in SAME}
    assert named(admin) == build.DEFAULT_NAME
    assert data(admin) == dict.fromkeys(KEYS, cas[0])
    assert done["config_map"]["keys"] == KEYS
    again = run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0])
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    planned = run(registry_trust_config, state="absent", check=True)
    gone = run(registry_trust_config, state="absent")
    assert not gone.get("failed"), gone
    assert {k: planned[k] for k in SAME} == {k: gone[k] for k in SAME}
    assert (named(admin), data(admin)) == (None, {})
    assert (admin.get(build.IMAGES) or {}).get("spec") in (None, {})
    assert not run(registry_trust_config, state="absent")["changed"]


def test_keys_of_others_and_the_name_they_gave_stay(run: Any, admin: Api, cas: list[str]) -> None:
    theirs(admin, {"other.example..5000": cas[1]})
    run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0])
    assert named(admin) == "registry-cas"
    assert data(admin, "registry-cas") == {"other.example..5000": cas[1], **dict.fromkeys(KEYS, cas[0])}
    assert data(admin) == {}
    run(registry_trust_config, endpoints=NAMES[:1], trusted_ca=cas[0])
    assert sorted(data(admin, "registry-cas")) == [KEYS[0], "other.example..5000"]
    run(registry_trust_config, state="absent")
    assert (named(admin), data(admin, "registry-cas")) == ("registry-cas", {"other.example..5000": cas[1]})


def test_a_key_of_others_with_the_same_ca_stays_theirs_and_another_is_refused(
    run: Any, admin: Api, cas: list[str]
) -> None:
    theirs(admin, {KEYS[0]: f"# ours\n{cas[0]}"})
    done = run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0])
    assert f"{KEYS[0]} has this CA already" in done["actions"][0]
    assert data(admin, "registry-cas")[KEYS[0]].startswith("# ours")
    refused = run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[1])
    assert f"{KEYS[0]} is there already, written by somebody else" in refused["msg"]
    assert data(admin, "registry-cas")[KEYS[1]] == cas[0]
    run(registry_trust_config, state="absent")
    assert list(data(admin, "registry-cas")) == [KEYS[0]]


def test_two_registries_share_the_config_map(run: Any, admin: Api, cas: list[str]) -> None:
    run(registry_trust_config, endpoints=NAMES[:1], trusted_ca=cas[0])
    run(registry_trust_config, name="second", endpoints=NAMES[1:], trusted_ca=cas[1])
    assert sorted(data(admin)) == sorted(KEYS)
    run(registry_trust_config, state="absent")
    assert (named(admin), sorted(data(admin))) == (build.DEFAULT_NAME, sorted(KEYS[1:]))
    run(registry_trust_config, name="second", state="absent")
    assert (named(admin), admin.get(ObjectRef("v1", "ConfigMap", build.DEFAULT_NAME, build.NAMESPACE))) == (None, None)


def test_while_a_ca_is_replaced_both_are_there_and_a_key_is_refused(run: Any, admin: Api, cas: list[str]) -> None:
    run(registry_trust_config, endpoints=NAMES, trusted_ca=cas[0] + cas[1])
    assert data(admin)[KEYS[0]] == cas[0] + cas[1]
    refused = run(registry_trust_config, endpoints=NAMES, trusted_ca="-----BEGIN PRIVATE KEY-----\nAA==\n")
    assert "holds a private key" in refused["msg"]


def test_an_ipv6_address_is_left_out_and_told(run: Any, admin: Api, cas: list[str]) -> None:
    done = run(registry_trust_config, endpoints=["[fd00::1]:5000", *NAMES], trusted_ca=cas[0])
    assert done["actions"][0].startswith("[fd00::1]:5000 is left out")
    assert sorted(data(admin)) == sorted(KEYS)


def test_nodes_are_not_written_to_where_the_operator_is(run: Any, admin: Api, namespace: str) -> None:
    run(registry_service)
    assert run(registry_info)["node_ca"] is False
    spec = {"managementState": "Removed", "replicas": 1, "logLevel": "Normal", "storage": {}, "proxy": {},
            "requests": {}, "httpSecret": "x", "rolloutStrategy": "RollingUpdate"}  # fmt: skip
    admin.create({"apiVersion": configs.API_VERSION, "kind": "Config", "metadata": {"name": "cluster"}, "spec": spec})
    assert run(registry_info)["node_ca"] is True
    refused = run(registry_trust_agent, image="python:3", wait=False)
    assert "node-ca" in refused["msg"]
    assert "write_nodes: true" in refused["msg"]
    told = run(registry_trust_agent, image="python:3", wait=False, write_nodes=True)
    assert "run registry_cert" in told["msg"]  # the next thing that is missing


def test_trust_yml_tells_the_cluster_and_connects_to_no_node(
    run: Any, admin: Api, kubeconfig: str, namespace: str, cas: list[str], tmp_path: Path
) -> None:
    """The nodes of this inventory cannot be reached, and need not be."""
    service = run(registry_service)
    spec = {"managementState": "Removed", "replicas": 1, "logLevel": "Normal", "storage": {}, "proxy": {},
            "requests": {}, "httpSecret": "x", "rolloutStrategy": "RollingUpdate"}  # fmt: skip
    admin.create({"apiVersion": configs.API_VERSION, "kind": "Config", "metadata": {"name": "cluster"}, "spec": spec})
    meta = {"name": "docker-registry-ca", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": cas[0]}})
    nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    inventory = {
        "registry_control": {"hosts": {"localhost": {"ansible_connection": "local"}}},
        "registry_nodes": {"hosts": {"n1": nowhere, "n2": nowhere}},
        "all": {"vars": {
            "registry_kubeconfig": kubeconfig, "registry_namespace": namespace,
            "ansible_python_interpreter": sys.executable,
        }},
    }  # fmt: skip
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    program = str(Path(sys.executable).with_name("ansible-playbook"))

    def play(*arguments: str, changed: int) -> None:
        ended = subprocess.run(
            [program, "-i", tmp_path / "hosts.yml", ROOT / "playbooks/trust.yml", *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        recap = ended.stdout.rpartition("PLAY RECAP")[2]
        assert sum(int(count) for count in re.findall(r"changed=(\d+)", recap)) == changed, ended.stdout
        assert not re.search(r"unreachable=[1-9]", recap)

    for changed in (1, 0):
        play(changed=changed)
    wanted = [name.replace(":", "..") for name in service["registry"]["endpoints"]]
    assert sorted(data(admin)) == sorted(wanted)
    assert named(admin) == build.DEFAULT_NAME
    for changed in (1, 0):
        play("-e", "registry_trust_state=absent", changed=changed)
    assert named(admin) != build.DEFAULT_NAME

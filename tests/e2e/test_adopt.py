# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry that the document of OpenShift 3.0 leaves, with images on a claim, is adopted by site.yml.

Its objects are those of tests/api/layouts.yml, before the document's "Securing the Registry". The tests run in order.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import images
import pytest
import sandbox
import yaml

NAMESPACE = "default"
NAME = "docker-registry"
CLAIM = "registry-claim"
#: What somebody has added since: to be found as it was in the end.
FOREIGN = {"team": "platform"}
SIDECAR = {"name": "theirs", "image": "sandbox/pause:1"}


def _objects() -> list[dict[str, Any]]:
    """The Service and the DeploymentConfig of the document, as the sandbox can run them, before they are secured."""
    layouts = yaml.safe_load((sandbox.ROOT / "tests/api/layouts.yml").read_text(encoding="utf-8"))
    found = next(one for one in layouts if one["name"] == "document")["objects"]
    service, config = (next(o for o in found if o["kind"] == kind) for kind in ("Service", "DeploymentConfig"))
    service["spec"]["clusterIP"] = sandbox.SERVICE_IP
    service["metadata"]["annotations"] = dict(FOREIGN)
    config["metadata"]["annotations"] = dict(FOREIGN)
    pod = config["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container["image"] = "openshift3/ose-docker-registry:v3"
    container["env"] = [e for e in container["env"] if not e["name"].startswith("REGISTRY_HTTP_TLS")]
    container["volumeMounts"] = [{"name": "registry-storage", "mountPath": "/registry"}]
    # oc volume --add --overwrite --name=registry-storage, and the document's own --name=v1 before somebody knew better
    pod["volumes"] = [
        {"name": "registry-storage", "persistentVolumeClaim": {"claimName": CLAIM}},
        {"name": "v1", "persistentVolumeClaim": {"claimName": CLAIM}},
    ]
    pod["nodeSelector"] = {"region": "infra"}
    pod["containers"].append(dict(SIDECAR))
    return [service, config]


def _config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sandbox.kubectl("get", "dc", NAME, "-n", NAMESPACE, "-o", "json"))
    return found


def _layout() -> dict[str, Any]:
    """What registry_info says of it."""
    done = sandbox.run(
        sandbox.ROOT / ".venv/bin/ansible", "localhost", "-c", "local", "-m", "okd.registry.registry_info",
        "-a", f"kubeconfig={sandbox.STATE / 'admin.kubeconfig'}", "-e", f"ansible_python_interpreter={sys.executable}",
        cwd=sandbox.ROOT, env=sandbox.environment(ANSIBLE_LOAD_CALLBACK_PLUGINS="1", ANSIBLE_STDOUT_CALLBACK="json"),
    )  # fmt: skip
    (task,) = json.loads(done.stdout)["plays"][0]["tasks"]
    layout: dict[str, Any] = task["hosts"]["localhost"]["layout"]
    return layout


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    """Deploy it as it was, and push into it, by plain http; give the digests by image."""
    for obj in _objects():
        sandbox.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(obj))
    deadline = time.monotonic() + 90
    while (_config().get("status") or {}).get("readyReplicas") != 1:
        assert time.monotonic() < deadline, _config().get("status")
        time.sleep(0.5)
    return {name: images.push(name, layers=layers) for name, layers in (("one", 1), ("two", 3), ("one-again", 1))}


@pytest.fixture(scope="module")
def before(digests: dict[str, str]) -> dict[str, Any]:
    """The DeploymentConfig as it was then."""
    assert len(digests) == 3
    return _config()


@pytest.fixture(scope="module")
def adopted(before: dict[str, Any]) -> sandbox.Run:
    """Run site.yml over it, with nothing but the sandbox's own variables."""
    assert before["status"]["latestVersion"] == 1
    return sandbox.playbook("site.yml")


def test_it_is_recognised(before: dict[str, Any]) -> None:
    assert before
    layout = _layout()
    assert (layout["name"], layout["storage"], layout["claim"], layout["tls"]) == ("oadm-3.0", "pvc", CLAIM, False)
    assert layout["differences"] == [
        "credentials of openshift-registry in clear in the environment",
        "plain http",
        "no probes",
        f"volume v1 (claim {CLAIM}) is mounted nowhere",
        "runs as the namespace's default service account",
        "no HTTP secret: each pod makes up its own, so uploads fail when several serve",
        "other containers beside the registry: theirs",
    ]


def test_the_check_run_touches_nothing(before: dict[str, Any], digests: dict[str, str]) -> None:
    since = sandbox.rfc3339(time.time())
    planned = sandbox.playbook("site.yml", "--check")
    assert planned.code == 0, planned.output
    assert sandbox.writes(since) == []
    assert _config()["metadata"]["generation"] == before["metadata"]["generation"]
    assert all(images.pulls(name, digest) for name, digest in digests.items())


def test_one_write_and_one_rollout(before: dict[str, Any], adopted: sandbox.Run) -> None:
    assert adopted.code == 0, adopted.output
    assert _config()["status"]["latestVersion"] == before["status"]["latestVersion"] + 1
    written = [
        event
        for event in sandbox.writes(before["metadata"]["creationTimestamp"])
        if event["objectRef"]["resource"] == "deploymentconfigs"
    ]
    assert [event["verb"] for event in written] == ["patch"]


def test_it_serves_tls(adopted: sandbox.Run) -> None:
    assert adopted.code == 0
    (pod,) = sandbox.pods("-n", NAMESPACE, "-l", "docker-registry=default")
    log = sandbox.kubectl("logs", "-n", NAMESPACE, pod["metadata"]["name"], "-c", "registry")
    assert re.search(r"listening on \S*:5000, tls", log), log
    assert {check["name"] for check in pod["status"]["containerStatuses"] if check["ready"]} == {"registry", "theirs"}


def test_every_image_is_pulled_by_digest_through_every_name(adopted: sandbox.Run, digests: dict[str, str]) -> None:
    assert adopted.code == 0
    for endpoint in sandbox.ENDPOINTS:
        for name, digest in digests.items():
            assert images.pulls(name, digest, endpoint=endpoint), (endpoint, name)


def test_the_address_is_the_same_and_nothing_of_others_is_lost(before: dict[str, Any], adopted: sandbox.Run) -> None:
    assert adopted.code == 0
    service = json.loads(sandbox.kubectl("get", "service", NAME, "-n", NAMESPACE, "-o", "json"))
    assert service["spec"]["clusterIP"] == sandbox.SERVICE_IP
    after = _config()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert all(FOREIGN.items() <= obj["metadata"]["annotations"].items() for obj in (service, after))
    old, new = (config["spec"]["template"]["spec"] for config in (before, after))
    env = {entry["name"]: entry for entry in new["containers"][0]["env"]}
    assert all(env[entry["name"]] == entry for entry in old["containers"][0]["env"])
    volumes = {volume["name"]: volume for volume in new["volumes"]}
    assert all(volumes[volume["name"]] == volume for volume in old["volumes"])
    assert [m["name"] for m in new["containers"][0]["volumeMounts"] if m["mountPath"] == "/registry"] == [
        "registry-storage"
    ]
    assert new["containers"][1]["name"] == "theirs"
    assert _layout()["name"] == "okd.registry"


def test_run_again_it_changes_nothing(adopted: sandbox.Run) -> None:
    assert adopted.code == 0
    since = sandbox.rfc3339(time.time())
    again = sandbox.playbook("site.yml")
    assert (again.code, again.changed) == (0, 0), again.output
    assert sandbox.writes(since) == []

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry built by the document's own commands, plain and ephemeral, becomes secure and moves to NFS in one run.

The commands are kubectl's equivalents of ``oadm registry`` and ``oc volume``. The tests run in their order.
"""

from __future__ import annotations

import json
import time
from typing import Any

import images
import pytest
import sandbox

NAMESPACE = "default"
LABELS = {"docker-registry": "default"}
#: What somebody else has put into the objects, and what must still be there at the end.
FOREIGN = {"team": "platform"}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "docker-registry", "labels": {**LABELS, **FOREIGN}},
    "spec": {
        "clusterIP": sandbox.SERVICE_IP,
        "selector": LABELS,
        "ports": [{"name": "5000-tcp", "port": 5000, "targetPort": 5000}],
    },
}
CONFIG = {
    "apiVersion": "apps.openshift.io/v1",
    "kind": "DeploymentConfig",
    "metadata": {"name": "docker-registry", "labels": LABELS, "annotations": FOREIGN},
    "spec": {
        "replicas": 1,
        "selector": LABELS,
        "triggers": [{"type": "ConfigChange"}],
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "containers": [
                    {
                        "name": "registry",
                        "image": "openshift3/ose-docker-registry:v3",
                        "ports": [{"containerPort": 5000}],
                        "env": [
                            {"name": "REGISTRY_HTTP_ADDR", "value": ":5000"},
                            {"name": "REGISTRY_HTTP_NET", "value": "tcp"},
                            {"name": "REGISTRY_HTTP_SECRET", "value": "Zm9yIHRlc3RzIG9ubHk="},
                            {"name": "SOMEBODYS", "value": "own"},
                        ],
                        "volumeMounts": [{"name": "registry-storage", "mountPath": "/registry"}],
                    }
                ],
                "nodeSelector": {"region": "infra"},
                "volumes": [{"name": "registry-storage", "emptyDir": {}}],
            },
        },
    },
}
BY_HAND = [{"op": "add", "path": "/spec/template/spec/volumes/-", "value": {
    "name": "v1", "persistentVolumeClaim": {"claimName": "registry-claim"}}}]  # fmt: skip
VARIABLES = {
    "registry_storage": {"kind": "nfs", "server": "nfs.sandbox.test", "path": "/exports/registry"},
    "registry_migrate": True,
}


def _config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sandbox.kubectl("get", "dc", "docker-registry", "-n", NAMESPACE, "-o", "json"))
    return found


def _answers() -> bool:
    """Say whether the one pod listens: it has no probes, so it counts as ready before it does."""
    alone = len(sandbox.objects("pods", "-n", NAMESPACE)) == 1
    asked = f"curl -so /dev/null --max-time 2 http://{sandbox.SERVICE_IP}:5000/v2/"
    return alone and sandbox.on("node1", asked, check=False).returncode == 0


def _wait_for_rollout(version: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        status = _config().get("status") or {}
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        done = conditions.get("Progressing", {}).get("reason") == "NewReplicationControllerAvailable"
        if status.get("latestVersion") == version and status.get("readyReplicas") == 1 and done and _answers():
            return
        time.sleep(0.5)
    raise AssertionError(f"version {version} did not become ready: {_config().get('status')}")


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    """Build the registry as an administrator did, and push into it; give the digests by image."""
    sandbox.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(SERVICE))
    sandbox.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(CONFIG))
    _wait_for_rollout(1)
    sandbox.kubectl("patch", "dc", "docker-registry", "-n", NAMESPACE, "--type=json", "-p", json.dumps(BY_HAND))
    _wait_for_rollout(2)
    return {name: images.push(name, layers=layers) for name, layers in (("one", 1), ("two", 3), ("one-again", 1))}


@pytest.fixture(scope="module")
def moved(digests: dict[str, str]) -> sandbox.Run:
    """Run site.yml over it."""
    assert len(digests) == 3
    return sandbox.playbook("site.yml", "-e", json.dumps(VARIABLES))


def test_the_check_run_plans_it_and_touches_nothing(digests: dict[str, str]) -> None:
    since = sandbox.rfc3339(time.time())
    planned = sandbox.playbook("site.yml", "--check", "-e", json.dumps(VARIABLES))
    assert planned.code == 0, planned.output
    assert sandbox.writes(since) == []
    assert all(images.pulls(name, digest) for name, digest in digests.items())


def test_without_leave_to_migrate_it_is_refused_before_anything_is_touched(digests: dict[str, str]) -> None:
    since = sandbox.rfc3339(time.time())
    refused = sandbox.playbook("site.yml", "-e", json.dumps({**VARIABLES, "registry_migrate": False}))
    assert refused.code != 0
    said = " ".join(refused.output.split())
    assert "would be lost" in said, refused.output
    assert "3 repositories" in said, refused.output
    assert sandbox.writes(since) == []
    assert all(images.pulls(name, digest) for name, digest in digests.items())


def test_one_run_and_one_rollout(moved: sandbox.Run) -> None:
    assert moved.code == 0, moved.output
    assert _config()["status"]["latestVersion"] == 3


def test_every_image_is_pulled_by_digest_through_every_name(moved: sandbox.Run, digests: dict[str, str]) -> None:
    assert moved.code == 0
    for endpoint in sandbox.ENDPOINTS:
        for name, digest in digests.items():
            assert images.pulls(name, digest, endpoint=endpoint), (endpoint, name)


def test_the_address_is_the_same_and_nothing_of_others_is_lost(moved: sandbox.Run) -> None:
    assert moved.code == 0
    service = json.loads(sandbox.kubectl("get", "service", "docker-registry", "-n", NAMESPACE, "-o", "json"))
    assert service["spec"]["clusterIP"] == sandbox.SERVICE_IP
    assert FOREIGN.items() <= service["metadata"]["labels"].items()
    config = _config()
    assert FOREIGN.items() <= config["metadata"]["annotations"].items()
    pod = config["spec"]["template"]["spec"]
    env = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    assert (env["SOMEBODYS"], env["REGISTRY_HTTP_SECRET"]) == ("own", "Zm9yIHRlc3RzIG9ubHk=")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["v1"]["persistentVolumeClaim"]["claimName"] == "registry-claim"
    mounted = [m["name"] for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == "/registry"]
    assert mounted == ["registry-storage"]
    assert volumes["registry-storage"]["nfs"]["path"] == "/exports/registry"


def test_nothing_of_the_migration_is_left(moved: sandbox.Run) -> None:
    assert moved.code == 0
    pods = [pod["metadata"]["name"] for pod in sandbox.pods("-n", NAMESPACE)]
    assert len(pods) == 1, pods


def test_run_again_it_changes_nothing(moved: sandbox.Run) -> None:
    assert moved.code == 0
    since = sandbox.rfc3339(time.time())
    again = sandbox.playbook("site.yml", "-e", json.dumps(VARIABLES))
    assert (again.code, again.changed) == (0, 0), again.output
    assert sandbox.writes(since) == []

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushed images move from one volume to another, and none is lost: also not when the run is killed on the way.

The switch, which is registry_deploy's, is made here by what ``_migrate.switch`` gives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import images
import pytest
import sandbox
import snippets
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _observe
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import amend
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._kube import connect
from ansible_collections.okd.registry.plugins.module_utils._migrate import pending, state, switch

KUBECONFIG = str(sandbox.STATE / "admin.kubeconfig")
NAME, NAMESPACE = "docker-registry", "default"
CONFIG = ObjectRef("apps.openshift.io/v1", "DeploymentConfig", NAME, NAMESPACE)
IMAGE, NOWHERE = "openshift3/ose-docker-registry:v3", "openshift3/ose-docker-registry:nowhere"
NFS = {"kind": "nfs", "server": "nfs.sandbox.test", "path": "/exports/registry"}
VOLUME = {"nfs": {"server": "nfs.sandbox.test", "path": "/exports/registry"}}
CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "images", "namespace": NAMESPACE},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}  # fmt: skip


@pytest.fixture(autouse=True)
def pristine() -> None:
    """Each test has a sandbox without a registry and without images."""
    sandbox.reset()


@pytest.fixture
def api() -> Api:
    """The cluster's administrator."""
    return Api(lambda: connect({"kubeconfig": KUBECONFIG}))


def _play(directory: Path, module: str, **options: Any) -> sandbox.Run:
    return snippets.play(_text(module, options), directory, "-v")


def _text(module: str, options: dict[str, Any]) -> str:
    task = {"name": "Do it", f"okd.registry.{module}": {"kubeconfig": KUBECONFIG, **options}}
    return yaml.safe_dump([{"name": "Play", "hosts": "localhost", "gather_facts": False, "tasks": [task]}])


def _deploy(directory: Path, storage: dict[str, Any], **options: Any) -> None:
    made = _play(directory, "registry_service", cluster_ip=sandbox.SERVICE_IP)
    assert made.code == 0, made.output
    done = _play(directory, "registry_deploy", image=IMAGE, storage=storage, **options)
    assert done.code == 0, done.output


def _selector() -> dict[str, str]:
    found: dict[str, str] = json.loads(sandbox.kubectl("get", "service", NAME, "-n", NAMESPACE, "-o", "json"))["spec"][
        "selector"
    ]
    return found


def _versions() -> int:
    config = json.loads(sandbox.kubectl("get", "deploymentconfig", NAME, "-n", NAMESPACE, "-o", "json"))
    return int(config["status"]["latestVersion"])


def _switch(api: Api, directory: Path) -> None:
    """What registry_deploy does once the copy is proven: one write of the workload, its rollout, the end."""
    live, noted = api.get(CONFIG), pending.read(api, NAME, NAMESPACE)
    assert live is not None
    assert switch.unproven(api, CONFIG, live, VOLUME, noted) is None

    def edit(now: dict[str, Any]) -> dict[str, Any]:
        template = now["spec"]["template"]
        template["metadata"]["labels"].update(pending.labels(now, noted))
        variables = pending.env(noted)
        container = template["spec"]["containers"][0]
        container["env"] = [e for e in container["env"] if variables.get(e["name"], 1) is not None]
        mount = next(m["name"] for m in container["volumeMounts"] if m["mountPath"] == "/registry")
        volumes = [v for v in template["spec"]["volumes"] if v["name"] != mount]
        template["spec"]["volumes"] = [*volumes, {"name": mount, **VOLUME}]
        return now

    before = live["status"]["latestVersion"]
    amend(api, CONFIG, edit)
    _wait_for_rollout(api, before)
    for _ in range(20):
        done = _play(directory, "registry_migrate", state="finished")
        assert done.code == 0, done.output
        if "leftovers: false" in done.output:
            break
        time.sleep(1)
    assert pending.read(api, NAME, NAMESPACE) is None, done.output
    assert _versions() == before + 1


def _wait_for_rollout(api: Api, before: int) -> None:
    end = time.monotonic() + 120
    while not (seen := _observe.look(api, CONFIG, after=before)).done:
        assert time.monotonic() < end, seen
        time.sleep(0.5)


def _all_there(pushed: dict[str, str]) -> None:
    for name, digest in pushed.items():
        assert images.pulls(name, digest), f"{name} is lost"


def _killed(directory: Path, line: str) -> None:
    """A run that is killed when it has told *line*."""
    path = directory / "killed.yml"
    path.write_text(_text("registry_migrate", {"storage": NFS, "seconds": 1}), encoding="utf-8")
    command = sandbox.playbook_command("site.yml")
    command[command.index(str(sandbox.ROOT / "playbooks/site.yml"))] = str(path)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=sandbox.ROOT,
        env=sandbox.environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    told = []
    for text in process.stdout:
        told.append(text)
        if line in text:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert line in told[-1], told


def test_from_the_pods_themselves_to_nfs(api: Api, tmp_path: Path) -> None:
    _deploy(tmp_path, {"kind": "ephemeral"})
    pushed = {name: images.push(name, layers=3) for name in ("one", "two")}
    selector, before = _selector(), _versions()
    done = _play(tmp_path, "registry_migrate", storage=NFS)
    assert done.code == 0, done.output
    assert _versions() == before
    noted = pending.read(api, NAME, NAMESPACE)
    assert noted is not None
    assert noted.totals["repositories"] == 2
    assert _selector() == {**selector, state.LABEL: noted.id}
    again = _play(tmp_path, "registry_migrate", storage=NFS)
    assert (again.code, again.changed) == (0, 0), again.output
    _switch(api, tmp_path)
    assert _selector() == selector
    _all_there(pushed)
    assert images.pulls("three", images.push("three"))


def test_from_a_claim_to_nfs(api: Api, tmp_path: Path) -> None:
    sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(CLAIM))
    _deploy(tmp_path, {"kind": "pvc", "claim_name": "images"})
    pushed = {name: images.push(name) for name in ("one", "two")}
    done = _play(tmp_path, "registry_migrate", storage=NFS)
    assert done.code == 0, done.output
    with pytest.raises(AssertionError, match=r"unsupported|405|read.?only"):
        images.push("refused")
    _all_there(pushed)
    _switch(api, tmp_path)
    _all_there(pushed)
    assert images.pulls("three", images.push("three"))


def test_killed_undone_and_killed_it_is_gone_on_with(api: Api, tmp_path: Path) -> None:
    """One registry from one stop to the next: a volume with other content, two kills, the undoing, one more kill."""
    _deploy(tmp_path, {"kind": "ephemeral"})
    pushed = {name: images.push(name, layers=4) for name in ("one", "two")}
    selector = _selector()
    sandbox.in_container("infra", "mkdir /exports/registry/photos && chown 1001 /exports/registry/photos")
    refused = _play(tmp_path, "registry_migrate", storage=NFS)
    assert refused.code != 0
    assert "photos" in refused.output
    assert _selector() == selector
    sandbox.in_container("infra", "rmdir /exports/registry/photos")

    _killed(tmp_path, "copied")  # it serves as before, and takes pushes
    pushed["meanwhile"] = images.push("meanwhile")
    _killed(tmp_path, "pushes are kept out")
    undone = _play(tmp_path, "registry_migrate", state="undone")
    assert undone.code == 0, undone.output
    assert _selector() == selector
    pushed["undone"] = images.push("undone")
    _all_there(pushed)

    _killed(tmp_path, "pushes are kept out")
    done = _play(tmp_path, "registry_migrate", storage=NFS)
    assert done.code == 0, done.output
    _switch(api, tmp_path)
    _all_there(pushed)


@pytest.mark.parametrize("kind", ["Deployment", "DeploymentConfig"])
def test_a_switch_that_does_not_become_ready(tmp_path: Path, kind: str) -> None:
    """The old pods have the images in themselves. Where going back keeps them, they serve again; else all stays, and it
    is said that the Service leads nowhere until a run with the right image.
    """
    options = {"kind": kind, "strategy": "Rolling"}
    _deploy(tmp_path, {"kind": "ephemeral"}, **options)
    pushed = {"one": images.push("one")}
    selector = _selector()
    wish = {**options, "storage": NFS, "migrate": True, "helper_image": IMAGE, "on_failure": "rollback"}
    failed = _play(tmp_path, "registry_deploy", image=NOWHERE, wait_timeout=20, **wish)
    assert failed.code != 0
    said = " ".join(failed.output.split())
    if kind == "Deployment":
        assert "is as it was before, and serves" in said, failed.output
        assert f"The selector of Service {NAMESPACE}/{NAME} is as before." in said
        assert _selector() == selector
        pushed["meanwhile"] = images.push("meanwhile")
    else:
        assert f"Service {NAMESPACE}/{NAME} leads to no pod until one with NFS" in said, failed.output
        assert state.LABEL in _selector()
    assert "Pods of the revision before still serve" not in said
    done = _play(tmp_path, "registry_deploy", image=IMAGE, **wish)
    assert done.code == 0, done.output
    assert _selector() == selector
    _all_there(pushed)

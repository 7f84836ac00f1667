# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml as a service account with exactly the documented rights: from an empty cluster on, and never refused."""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sandbox
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build.right import CLUSTER, Asked
from ansible_collections.okd.registry.plugins.module_utils._build.rights import needed
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._cluster import Cluster

NAME = "registry-deployer"
USER = f"system:serviceaccount:default:{NAME}"
BLOCK = re.compile(r"<!-- begin roles[^>]*-->\n```yaml\n(.*?)```", re.DOTALL)


def permissions() -> Any:
    """The program that makes docs/permissions.md."""
    spec = importlib.util.spec_from_file_location("permissions", sandbox.ROOT / "tests/unit/contract/permissions.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exact() -> str:
    """Roles for the variables of inventory/sandbox: DeploymentConfig, a claim that is there, a route."""
    version = json.loads(sandbox.kubectl("get", "--raw", "/version"))["gitVersion"]
    served = {g["name"] for g in json.loads(sandbox.kubectl("get", "--raw", "/apis"))["groups"]}
    assert "config.openshift.io" not in served
    asked = Asked(
        Cluster(version, 3, has_routes=True, has_deployment_configs=True), route=True,
        has_scc="security.openshift.io" in served, has_operator="imageregistry.operator.openshift.io" in served,
        storage=Storage(claim_name="registry-claim"),
    )  # fmt: skip
    assert {right.where for right in needed(asked)} == {"", CLUSTER}
    return permissions().roles(NAME, needed(asked)).removeprefix("```yaml\n").removesuffix("```")


def whole() -> str:
    """The roles that docs/permissions.md has for everything, as they stand there."""
    found = BLOCK.search((sandbox.ROOT / "docs/permissions.md").read_text(encoding="utf-8"))
    assert found
    return found[1]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """The service account with the roles given; its kubeconfig."""
    roles = ""

    def make(text: str) -> Path:
        nonlocal roles
        roles = text
        sandbox.kubectl("delete", "serviceaccount", NAME, "-n", "default", "--ignore-not-found")
        sandbox.kubectl("create", "serviceaccount", NAME, "-n", "default")
        sandbox.kubectl("apply", "-f", "-", stdin=roles)
        config = yaml.safe_load((sandbox.STATE / "admin.kubeconfig").read_text(encoding="utf-8"))
        token = sandbox.kubectl("create", "token", NAME, "-n", "default", "--duration=2h").strip()
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
        path = tmp_path / "deployer.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    yield make
    sandbox.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=roles)
    sandbox.kubectl("delete", "serviceaccount", NAME, "-n", "default", "--ignore-not-found")


def refused(since: str) -> list[str]:
    """What the account asked for and was not allowed."""
    time.sleep(1)  # the log is written behind the answers
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in sandbox.audit(since)
        if event["user"]["username"] == USER and event["responseStatus"]["code"] == 403
    ]


def now() -> str:
    return datetime.now(timezone.utc).isoformat()[:-6]


def test_site_with_exactly_these_rights(account: Callable[[str], Path]) -> None:
    sandbox.reset()
    since, kubeconfig = now(), account(exact())
    done = sandbox.playbook("site.yml", "-e", f"registry_kubeconfig={kubeconfig}")
    assert done.code == 0, done.output
    assert refused(since) == []
    written = {event["user"]["username"] for event in sandbox.writes(since)}
    assert written == {USER}, "nothing was done as somebody else"
    again = sandbox.playbook("site.yml", "-e", f"registry_kubeconfig={kubeconfig}")
    assert (again.code, again.changed) == (0, 0), again.output
    assert refused(since) == []


def test_the_roles_on_the_page_as_they_stand_there(account: Callable[[str], Path]) -> None:
    """The registry of the test before moves to NFS with its images: probe, migration and rollout, and no refusal."""
    since, kubeconfig = now(), account(whole())
    wanted = {
        "registry_kubeconfig": str(kubeconfig), "registry_migrate": True, "registry_on_failure": "rollback",
        "registry_storage": {"kind": "nfs", "server": "nfs.sandbox.test", "path": "/exports/registry"},
    }  # fmt: skip
    done = sandbox.playbook("deploy.yml", "-e", json.dumps(wanted))
    assert refused(since) == [], done.output
    assert done.code == 0, done.output
    assert done.changed
    moved = {event["objectRef"].get("name") for event in sandbox.writes(since) if event["verb"] == "delete"}
    assert {"docker-registry-migrate", "docker-registry-migration", "docker-registry-before"} <= moved


def test_one_right_less_ends_before_anything_is_touched(account: Callable[[str], Path]) -> None:
    less = re.sub(r"(resources: \[pods/portforward\]\n  verbs: )\[.*?\]", r"\1[list]", whole())
    since, kubeconfig = now(), account(less)
    done = sandbox.playbook("site.yml", "-e", f"registry_kubeconfig={kubeconfig}")
    assert done.code
    assert "1 problem(s), nothing was changed" in done.output
    assert "resources: [pods/portforward]" in done.output
    assert sandbox.writes(since) == []

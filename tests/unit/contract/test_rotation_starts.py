# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which registries a rotation begins, and what it says of the others: before.yml of registry_cert, by Ansible."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collection import ROOT, load_yaml
from evaluated import run


def there(secret: str | None, *, workload: bool = True, layout: str = "oadm-tls", **variables: Any) -> dict[str, Any]:
    """A control host's variables, with what the cluster has."""
    read = {
        "registry": {"name": "docker-registry", "namespace": "default"}, "layout": {"name": layout}, "node_ca": False,
        "workload": {"kind": "DeploymentConfig"} if workload else None, "certificate_secret": secret,
        "certificate": {"sha256": "x"} if secret else None,
    }  # fmt: skip
    return {"registry_cluster_read": read, "__registry_trust_agent_there": False, **variables}


NONE = "There is no registry default/docker-registry with a certificate that could be replaced"
#: Of each case the beginning of what is said; nothing where it begins.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "ours": (there("registry-secret", layout="okd.registry"), ""),
    "another tool's": (there("registry-certs"), ""),
    "another tool's, by its name": (there("registry-certs", registry_secret_name="registry-certs"), ""),
    "no certificate": (there(None), NONE),
    "no registry": (there("registry-secret", workload=False), NONE),
    "operator": (there("image-registry-tls", layout="operator"), "The registry default/docker-registry belongs to"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of every case: of all of them in one run."""
    found = load_yaml(ROOT / "roles/registry_cert/tasks/before.yml")
    steps = [task for task in found if "ansible.builtin.include_role" not in task]
    hosts = {name: variables for name, (variables, _said) in CASES.items()}
    folder = tmp_path_factory.mktemp("rotation")
    return run(folder, json.loads(json.dumps(hosts)), steps, "{{ __registry_cert_before.sha256 }}")


@pytest.mark.parametrize("name", CASES)
def test_where_it_begins(told: dict[str, Any], name: str) -> None:
    said = CASES[name][1]
    assert told[name].startswith(said or "x"), told[name]

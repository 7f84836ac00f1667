# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugins by way of ansible-playbook itself: which kubeconfig is used, and what stays of it.

The API server in the kubeconfigs does not exist: its address in the error tells which kubeconfig was read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ANSIBLE = Path(sys.executable).parent / "ansible-playbook"

pytestmark = pytest.mark.skipif(not ANSIBLE.exists(), reason="ansible-playbook is not beside this Python")


SECRETS = ("sha256~very-secret", "pass-phrase-1", "pass-word-1")


def kubeconfig(port):
    cluster = {"name": "some-cluster", "cluster": {"server": f"https://127.0.0.1:{port}"}}
    context = {"name": "some-context", "context": {"cluster": "some-cluster", "user": "somebody"}}
    user = {"name": "somebody", "user": {"token": SECRETS[0]}}
    return {
        "apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context], "users": [user],
        "current-context": "some-context",
    }  # fmt: skip


def task(name, module, keywords=None, /, **options):
    return {"name": name, f"okd.registry.{module}": options, "ignore_errors": True, **(keywords or {})}


CA = {"cert_path": "/nonexistent/ca.crt", "key_path": "/nonexistent/ca.key", "passphrase": SECRETS[1]}
DEFAULTS = {"group/okd.registry.registry": {"kubeconfig": kubeconfig(5)}}
TASKS = [
    task("beside", "registry_rollout_info", kubeconfig="beside.kubeconfig"),
    task("vaulted", "registry_service", kubeconfig="vaulted.kubeconfig"),
    task("joined", "registry_info", kubeconfig="third.kubeconfig:beside.kubeconfig"),
    task("missing", "registry_deploy", kubeconfig="nowhere.kubeconfig", image="r:3"),
    task("defaults", "registry_route", {"module_defaults": DEFAULTS}),
    task("deploy", "registry_deploy", kubeconfig="third.kubeconfig", image="r:3", env={"X_PASSWORD": SECRETS[2]}),
    task("async", "registry_deploy", {"async": 10, "poll": 1}, kubeconfig="third.kubeconfig", image="r:3"),
    task("cert", "registry_cert", kubeconfig="third.kubeconfig", ca=CA),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One playbook with all tasks; (results by name, all output, files left in the temporary directories)."""
    place = tmp_path_factory.mktemp("play")
    (place / "files").mkdir()
    (place / "tmp").mkdir()
    for name, port in {"files/beside": 1, "vaulted": 2, "third": 3}.items():
        (place / f"{name}.kubeconfig").write_text(yaml.safe_dump(kubeconfig(port)))
    (place / "password").write_text("geheim\n")
    vault = [
        str(ANSIBLE.parent / "ansible-vault"),
        "encrypt",
        "--vault-password-file",
        "password",
        "vaulted.kubeconfig",
    ]
    subprocess.run(vault, cwd=place, check=True, capture_output=True)
    (place / "hosts.yml").write_text("all: {hosts: {control: {ansible_connection: local}}}")
    (place / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": TASKS}]))
    environment = {
        **os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json", "TMPDIR": str(place / "tmp"),
        "ANSIBLE_LOCAL_TEMP": str(place / "tmp"), "ANSIBLE_REMOTE_TEMP": str(place / "tmp"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }  # fmt: skip
    for name in [n for n in environment if n.startswith(("K8S_AUTH_", "KUBE")) or n == "ANSIBLE_CONFIG"]:
        del environment[name]
    command = [str(ANSIBLE), "-i", "hosts.yml", "play.yml", "--vault-password-file", "password", "-vvvv"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout[done.stdout.index("\n{\n") :])
    results = {t["task"]["name"]: t["hosts"]["control"] for t in report["plays"][0]["tasks"]}
    left = [p for p in (place / "tmp").rglob("*") if p.is_file() and "very-secret" in p.read_text(errors="replace")]
    return results, done.stdout + done.stderr, left


def message(run, name):
    result = run[0][name]
    assert result["failed"]
    return result["msg"]


@pytest.mark.parametrize(("name", "port"), [("beside", 1), ("vaulted", 2), ("joined", 3), ("deploy", 3)])
def test_which_kubeconfig_is_read(run, name, port):
    assert message(run, name).startswith(f"The API server at https://127.0.0.1:{port} ")


def test_a_missing_path_is_named(run):
    assert "kubeconfig: there is no file nowhere.kubeconfig on the controller" in message(run, "missing")


def test_a_dictionary_from_the_defaults_of_the_action_group(run):
    assert "given as a dictionary" in message(run, "defaults")


def test_a_failed_write_is_not_waited_for(run):
    assert "rollout" not in run[0]["deploy"]


def test_async_is_refused(run):
    assert "does not support async" in message(run, "async")


def test_the_ca_is_looked_at_before_the_cluster(run):
    assert message(run, "cert").startswith("CA certificate /nonexistent/ca.crt does not exist")


@pytest.mark.parametrize("secret", SECRETS)
def test_no_credential_in_any_output_at_vvvv(run, secret):
    assert secret not in run[1]


def test_nothing_decrypted_is_left_behind(run):
    assert run[2] == []

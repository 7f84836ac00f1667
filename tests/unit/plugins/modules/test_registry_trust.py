# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_trust's main(): options, result and failure, on a node below a directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, systemd
from ansible_collections.okd.registry.plugins.modules import registry_trust
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.certificates import Authority
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeEngine, FakeNode

NAMES = ["172.30.124.220:5000", "docker-registry.default.svc:5000"]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Give a node on which the module works."""
    (tmp_path / "pki").mkdir()
    made = FakeNode(tmp_path / "node", NAMES, Authority("CA", tmp_path / "pki").pem)
    made.install(f"OPTIONS='--insecure-registry {NAMES[0]} -D'\n")
    tree, control = files.Tree(str(made.root)), systemd.Systemd(made.run, str(made.root))
    monkeypatch.setattr(registry_trust.files, "Tree", lambda **_options: tree)
    monkeypatch.setattr(registry_trust.systemd, "Systemd", lambda _run: control)
    monkeypatch.setattr(registry_trust.engine, "Engine", lambda: FakeEngine(made))
    return made


@pytest.fixture
def call(node: FakeNode, run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Give a function that calls the module with the options it needs and some more."""

    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        needed = {"endpoints": NAMES, "ca_cert": node.ca.decode(), "verify": False, "timeout": 0}
        given = {name: value for name, value in {**needed, **options}.items() if value is not None}
        return run_module(registry_trust, given, check=check, diff=True)

    return run


def test_the_result_is_what_the_documentation_says(call: Callable[..., dict[str, Any]]) -> None:
    result = call()
    assert set(result) >= {"changed", "diff", "actions", "insecure", "restart_needed", "restarted", "verified", "files"}
    assert result["files"] == sorted(f"/etc/docker/certs.d/{name}/ca.crt" for name in NAMES)
    assert (result["changed"], result["restart_needed"], result["restarted"]) == (True, True, False)
    assert [entry["after_header"] for entry in result["diff"]][-1].endswith("ca.crt")
    assert not call()["changed"]


def test_check_mode_writes_nothing(node: FakeNode, call: Callable[..., dict[str, Any]]) -> None:
    before = node.tree()
    result = call(check=True, remove_insecure=True)
    assert (result["changed"], result["restarted"]) == (True, True)
    assert node.tree() == before


def test_the_flag_goes_with_one_restart(node: FakeNode, call: Callable[..., dict[str, Any]]) -> None:
    assert call(remove_insecure=True)["restarted"]
    assert node.text() == "OPTIONS='-D'\n"
    assert not call(remove_insecure=True)["changed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"endpoints": None}, "state is present but all of the following are missing: endpoints"),
        ({"endpoints": []}, "endpoints, ca_cert: are both needed, and not empty"),
        ({"ca_cert": None}, "state is present but all of the following are missing: ca_cert"),
        ({"endpoints": ["https://x"]}, "endpoints: 'https://x' is not a registry's name in docker's form"),
        ({"endpoints": ["(known after apply):5000"]}, "only check mode takes it"),
        ({"registry": "docker-registry"}, "is not of the form namespace/name"),
        ({"ca_cert": "/etc/origin/master/ca.crt"}, "ca_cert: is not PEM text of certificates"),
        ({"insecure_networks": "drop"}, "value of insecure_networks must be one of: keep, remove, fail"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(
    node: FakeNode, call: Callable[..., dict[str, Any]], options: dict[str, Any], said: str
) -> None:
    before = node.tree()
    result = call(**options)
    assert result["failed"]
    assert said in result["msg"]
    assert node.tree() == before


def test_a_private_key_given_as_ca_is_refused_and_not_repeated(
    node: FakeNode, call: Callable[..., dict[str, Any]]
) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    result = call(ca_cert=node.ca.decode() + key)
    assert "holds a private key" in result["msg"]
    assert "c2VjcmV0" not in str({name: value for name, value in result.items() if name != "invocation"})


def test_a_failure_says_what_was_done_before_it(node: FakeNode, call: Callable[..., dict[str, Any]]) -> None:
    node.break_docker(without="--insecure-registry")
    result = call(remove_insecure=True, restart_timeout=1)
    assert result["failed"]
    assert "docker runs on them again" in result["msg"]
    assert f"Take --insecure-registry {NAMES[0]} out of OPTIONS in /etc/sysconfig/docker" in result["actions"]
    assert len(result["files"]) == 2


def test_an_error_of_the_system_names_the_file(
    call: Callable[..., dict[str, Any]], node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "mkdir", fail)
    result = call()
    assert result["failed"]
    assert result["msg"] == "/var/lib/okd-registry: cannot be changed, and is as it was: Permission denied"


def test_absent_needs_no_more_than_the_registry(node: FakeNode, call: Callable[..., dict[str, Any]]) -> None:
    before = node.tree()
    call()
    result = call(state="absent", endpoints=None, ca_cert=None)
    assert (result["changed"], result["files"]) == (True, [])
    assert node.tree() == before

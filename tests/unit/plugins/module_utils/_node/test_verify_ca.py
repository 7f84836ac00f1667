# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While a CA is being replaced: the files hold both, and it is proven that one of them is enough."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import files, manifest, tls
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError, VerifyError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Make


@pytest.fixture
def node(make: Make) -> FakeNode:
    """Give a node without insecure flags."""
    return make("OPTIONS=-D\n")


@pytest.fixture
def both(node: FakeNode, stranger: Any) -> str:
    """Give the CA that signs what is served, and another one."""
    return str((stranger.pem + node.ca).decode())


def test_the_ca_that_signs_is_enough_and_docker_is_asked_by_the_files(node: FakeNode, both: str) -> None:
    node.call(ca_cert=both)
    proven = node.call(ca_cert=both, verify_ca=node.ca.decode())
    assert (proven["changed"], {one["engine"] for one in proven["verified"]}) == (False, {"trusts it"})


def test_the_other_one_is_not_though_both_together_are(node: FakeNode, both: str, stranger: Any) -> None:
    assert node.call(ca_cert=both)["verified"]
    with pytest.raises(VerifyError, match="signed by unknown authority"):
        node.call(ca_cert=both, verify_ca=stranger.pem.decode())


def test_files_that_somebody_changed_are_put_right_before_it_is_proven(node: FakeNode, both: str) -> None:
    node.call(ca_cert=both)
    path = node.root / f"etc/docker/certs.d/{node.names[0]}/ca.crt"
    path.unlink()
    assert node.call(ca_cert=both, verify_ca=node.ca.decode())["changed"]
    assert node.ca in path.read_bytes()


def test_a_docker_that_refuses_is_no_proof(node: FakeNode, both: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = node.job(ca_cert=both, verify_ca=node.ca.decode())
    said = tls.Verdict(False, "unknown_authority", "x509: certificate signed by unknown authority")
    monkeypatch.setattr(job._engine, "probe", lambda name: said, raising=False)
    with pytest.raises(VerifyError, match="docker says: x509"):
        job.run()


@pytest.mark.parametrize("check_mode", [False, True])
def test_one_that_the_files_would_not_hold_is_refused(node: FakeNode, stranger: Any, check_mode: bool) -> None:
    """In check mode nothing is proven, and what is published may be a plan as yet."""
    before = node.tree()
    if check_mode:
        assert node.call(verify_ca=stranger.pem.decode(), check_mode=True)["verified"] == []
    else:
        with pytest.raises(RefusedError, match="verify_ca: is not among the certificates of ca_cert"):
            node.call(verify_ca=stranger.pem.decode())
    assert node.tree() == before


def test_nothing_is_left_unproven_where_a_killed_run_left_docker_down(node: FakeNode, both: str) -> None:
    tree = files.Tree(str(node.root))
    changes = [manifest.Change("/etc/sysconfig/docker", node.text().encode(), b"OPTIONS=\n")]
    manifest.Records(tree, "default/docker-registry").begin_restart(changes)
    node.stop_docker()
    assert node.call(ca_cert=both)["verified"] == []
    proven = node.call(ca_cert=both, verify_ca=node.ca.decode())["verified"]
    assert {one["engine"] for one in proven} == {"not asked: docker does not run"}

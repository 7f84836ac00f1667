# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenario "rotate" has left behind, and rotations that are stopped: no pull and no push fails meanwhile.

The first tests look at check, apply, check and apply of converge.yml, which brought in a second CA. The later ones
bring in a third and renew its certificate.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import plan
import pytest
import sandbox
import traffic
from ansible_collections.okd.registry.plugins.module_utils import _pem
from killing import killed_at

PKI = sandbox.STATE / "pki"
FIRST, SECOND, THIRD = (PKI / f"{name}.crt" for name in ("registry-ca", "rotate-2", "rotate-3"))
VARIABLES = f"@{sandbox.ROOT / 'extensions/molecule/rotate/vars/registry.yml'}"
SEED = int(os.environ.get("OKD_REGISTRY_KILL_SEED", "20260101"))
# Each kill is a run up to there: every second one, unless all are asked for.
EVERY = 1 if os.environ.get("OKD_REGISTRY_KILL_ALL") else 2
# The task or play at which a rotation is killed, and seconds within which that happens.
STEPS = {
    "overlap | Publish the CA beside those of before": 1.5,
    "Place the CA for every name": 1.5,
    "reissue | Certify every name": 1.5,
    # In the middle of the rollout: pods with the old certificate and with the new one.
    "Deploy the registry, already on TLS": 8.0,
    "PLAY [Prove the CA that remains]": 1.0,
    "withdraw | Publish the CA that signs": 1.5,
    "PLAY [Trust the CA that remains]": 4.0,
}


def rotate(ca: Path, *arguments: str) -> sandbox.Run:
    return sandbox.playbook("rotate_certificates.yml", *options(ca), *arguments)


def options(ca: Path) -> tuple[str, ...]:
    files = {"cert_path": ca, "key_path": ca.with_suffix(".key"), "serial_path": ca.with_suffix(".serial.txt")}
    chosen = {**{name: str(path) for name, path in files.items()}, "create": True}
    return "-e", VARIABLES, "-e", json.dumps({"registry_ca": chosen})


def certificates(pem: str) -> list[str]:
    """The fingerprints in a PEM text."""
    return [_pem.fingerprint(cert) for cert in _pem.parse_certificates(pem.encode(), "here")]


def fingerprint(ca: Path) -> str:
    return certificates(ca.read_text(encoding="utf-8"))[0]


def published() -> list[str]:
    """The CAs in the ConfigMap."""
    return certificates(json.loads(sandbox.kubectl("get", "cm", "docker-registry-ca", "-o", "json"))["data"]["ca.crt"])


def trusted(node: str) -> dict[str, list[str]]:
    """The CAs that a node's docker trusts for our names, by file."""
    files = [f"/etc/docker/certs.d/{endpoint}/ca.crt" for endpoint in sandbox.ENDPOINTS]
    return {path: certificates(sandbox.on(node, f"cat {path}").stdout) for path in files}


def served(node: str, ca: Path, endpoint: str = sandbox.ENDPOINTS[0]) -> str:
    """The fingerprint of what is served, as seen from a node that trusts one CA and no other."""
    where = endpoint if ":" in endpoint else f"{endpoint}:443"
    name = endpoint.partition(":")[0]
    check = f"-verify_ip {name}" if name[0].isdigit() else f"-verify_hostname {name} -servername {name}"
    command = (
        f"echo '{ca.read_text(encoding='utf-8')}' > /tmp/ca.crt; openssl s_client -connect {where} {check} "
        "-CAfile /tmp/ca.crt -no-CApath -verify_return_error </dev/null; code=$?; rm /tmp/ca.crt; exit $code"
    )
    return certificates(sandbox.on(node, command).stdout)[0]


def secret() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sandbox.kubectl("get", "secret", "registry-secret", "-o", "json"))
    return found


def only_trust(ca: Path) -> None:
    """Ask whether a CA, and no other, is trusted everywhere, and signed what every node is served by every name."""
    assert published() == [fingerprint(ca)]
    for node in sandbox.NODES:
        assert set(map(tuple, trusted(node).values())) == {(fingerprint(ca),)}, node
        assert len({served(node, ca, endpoint) for endpoint in sandbox.ENDPOINTS}) == 1


@pytest.fixture(scope="module")
def attempts() -> list[traffic.Attempt]:
    """What the clients saw that the scenario has started before it rotated."""
    return traffic.stop()


@pytest.fixture(scope="module")
def clients(attempts: list[traffic.Attempt]) -> None:
    """New clients, for the tests after the scenario's own rotation."""
    traffic.start()


def quiet(found: list[traffic.Attempt]) -> None:
    """Ask whether nothing failed, by clients that were at it all the time."""
    assert traffic.failures(found) == []
    counts = Counter((one.node, one.endpoint, one.verb) for one in found)
    assert len(counts) == len(sandbox.NODES) * len(traffic.ENDPOINTS) * 2
    assert min(counts.values()) >= 5, counts
    assert max(traffic.longest_pause(found, node) for node in sandbox.NODES) < 20


# ---- the rotation of converge.yml ------------------------------------------------------------------------------------


def test_no_pull_and_no_push_failed_meanwhile(attempts: list[traffic.Attempt]) -> None:
    quiet(attempts)
    began, _, _, last = map(sandbox.started, sandbox.converge_runs("rotate"))
    assert attempts[0].began < began
    assert attempts[-1].began > last


def test_the_plan_was_true() -> None:
    """But for the nodes' differences, which start from what is there and not from what a step before will place."""
    lines = (sandbox.ROOT / "tests/output/records/rotate.jsonl").read_text(encoding="utf-8").splitlines()
    problems = plan.judge(plan.read_runs(lines))
    assert [one for one in problems if "Place the CA for every name" not in one or ": diff" not in one] == []


@pytest.mark.usefixtures("attempts")
def test_the_new_ca_alone_is_trusted_and_signs_what_is_served() -> None:
    only_trust(SECOND)
    assert fingerprint(FIRST) != fingerprint(SECOND)


def test_docker_was_not_restarted() -> None:
    began = sandbox.first_run("rotate")
    assert [sandbox.docker_starts(node, began) for node in sandbox.NODES] == [0, 0, 0]


def test_run_again_it_writes_nothing() -> None:
    again = sandbox.started(sandbox.converge_runs("rotate")[2])
    assert sandbox.writes(sandbox.rfc3339(again)) == []


# ---- rotations that are stopped --------------------------------------------------------------------------------------


@pytest.fixture
def current() -> Path:
    """The CA before the third: the second, or the first where converge.yml was left out."""
    return next(ca for ca in (SECOND, FIRST) if ca.exists() and fingerprint(ca) in published())


@pytest.mark.usefixtures("clients")
def test_a_node_without_the_new_ca_stops_it_before_the_certificate_changes(current: Path, tmp_path: Path) -> None:
    before = secret()
    beyond = tmp_path / "unreachable.yml"
    beyond.write_text(json.dumps({"registry_nodes": {"hosts": {"node3": {"ansible_port": 1}}}}), encoding="utf-8")
    place = "/etc/docker/certs.d"
    sandbox.on("node2", f"mount --bind {place} {place} && mount -o remount,bind,ro {place}")
    try:
        ended = rotate(THIRD, "-i", str(beyond))
    finally:
        sandbox.on("node2", f"umount {place}")
    assert ended.code != 0
    stops = "The rotation stops before the certificate changes"
    told = next(line for line in ended.output.splitlines() if stops in line)
    assert "2 of 3 nodes" in told
    assert "node2: failed: " in told
    assert "node3: could not be reached: " in told
    assert secret() == before
    assert published() == [fingerprint(current), fingerprint(THIRD)]
    assert list(trusted("node1").values()) == [published()] * len(sandbox.ENDPOINTS)
    assert list(trusted("node2").values()) == [[fingerprint(current)]] * len(sandbox.ENDPOINTS)
    assert served("node2", current)


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("step", [*STEPS][::EVERY])
def test_a_killed_rotation_leaves_every_node_with_what_is_served(step: str) -> None:
    delay = random.Random(f"{SEED} {step}").uniform(0, STEPS[step])
    # The preflight before them writes nothing, so there is nothing to kill.
    arguments = (*options(THIRD), "--tags", "rotate")
    assert killed_at(step, delay, "rotate_certificates.yml", *arguments), f"it did not come to {step!r}"


@pytest.mark.usefixtures("clients")
def test_run_again_it_finishes() -> None:
    ended = rotate(THIRD)
    assert ended.code == 0, ended.output
    only_trust(THIRD)


@pytest.mark.usefixtures("clients")
def test_a_renewal_goes_the_same_way() -> None:
    before = served("node1", THIRD)
    ended = rotate(THIRD, "-e", '{"registry_certificate_force": true}')
    assert ended.code == 0, ended.output
    only_trust(THIRD)
    now = served("node1", THIRD)
    assert now != before
    assert f"Certificate before: {before}" in ended.output
    assert f"Certificate now: {now}" in ended.output


@pytest.mark.usefixtures("clients")
def test_no_pull_and_no_push_failed_through_all_of_that() -> None:
    quiet(traffic.stop())

# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust while something is wrong in the cluster or on a node.

After each fault the nodes and the registry work, and what was in the way is said. The tests run in the order in which
they stand, from a registry that no node trusts to nodes that all do.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sandbox
import trusting
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from trusting import CORDON, IN_SERVICE

HURRY = ("-e", "registry_trust_timeout=2")
CA_MAP = "docker-registry-ca"


def untouched(started: float) -> None:
    """No flag has gone, no docker was restarted, no Node is out of service, and all works."""
    assert [sandbox.sysconfig(name) for name in sandbox.NODES] == [sandbox.seed(name) for name in sandbox.NODES]
    assert [sandbox.docker_starts(name, started) for name in sandbox.NODES] == [0, 0, 0]
    assert [trusting.cordoned(name) for name in sandbox.NODES] == [IN_SERVICE] * 3
    trusting.works()


# ---- the cluster is not as it must be ------------------------------------------------------------------------------


@contextmanager
def ca_in_the_cluster(pem: str) -> Iterator[None]:
    before = sandbox.kubectl("get", "configmap", CA_MAP, "-n", "default", "-o", "jsonpath={.data.ca\\.crt}")
    patch("configmap", CA_MAP, {"data": {"ca.crt": pem}})
    try:
        yield
    finally:
        patch("configmap", CA_MAP, {"data": {"ca.crt": before}})


def patch(kind: str, name: str, change: dict[str, object]) -> None:
    sandbox.kubectl("patch", kind, name, "-n", "default", "--type=merge", "-p", json.dumps(change))


def another_ca(directory: Path) -> str:
    sandbox.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=another",
        "-addext", "basicConstraints=critical,CA:true", "-keyout", directory / "k", "-out", directory / "c",
    )  # fmt: skip
    return (directory / "c").read_text()


def expired_ca() -> str:
    """The registry's own CA, with the same key, of last year."""
    pki = sandbox.STATE / "pki"
    live = x509.load_pem_x509_certificate((pki / "registry-ca.crt").read_bytes())
    key = serialization.load_pem_private_key((pki / "registry-ca.key").read_bytes(), None)
    now = dt.datetime.now(dt.timezone.utc)
    made = x509.CertificateBuilder(
        live.subject, live.subject, live.public_key(), x509.random_serial_number(),
        now - dt.timedelta(days=400), now - dt.timedelta(days=30), list(live.extensions),
    )  # fmt: skip
    signed = made.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def no_registry() -> Iterator[None]:
    chosen = ("-n", "default", "-l", "docker-registry=default")
    patch("dc", "docker-registry", {"spec": {"replicas": 0}})
    # Not as gently as a registry's pods go, or it would serve on for some seconds.
    sandbox.kubectl("delete", "pod", *chosen, "--grace-period=0", "--force")
    try:
        yield
    finally:
        patch("dc", "docker-registry", {"spec": {"replicas": 1}})
        for _ in range(60):
            if sandbox.pods(*chosen):
                break
            time.sleep(0.5)
        sandbox.kubectl("wait", "pod", *chosen, "--for=condition=Ready", "--timeout=90s")


@pytest.mark.parametrize("fault", ["wrong CA", "expired CA", "registry down"])
def test_no_flag_goes_while_the_registry_cannot_be_verified(fault: str, tmp_path: Path) -> None:
    started = time.time()
    faults = {
        "wrong CA": lambda: ca_in_the_cluster(another_ca(tmp_path)),
        "expired CA": lambda: ca_in_the_cluster(expired_ca()),
        "registry down": no_registry,
    }
    said = {"wrong CA": "x509", "expired CA": "expired", "registry down": f"{sandbox.SERVICE_IP}:5000"}
    with faults[fault]():
        ended = trusting.trust(*CORDON, *HURRY)
    assert ended.code != 0
    assert said[fault] in trusting.text(ended.output), ended.output
    assert "no insecure flag is touched" in trusting.text(ended.output)
    untouched(started)


# ---- a node is not as it must be -----------------------------------------------------------------------------------

FULL = "mount -t tmpfs -o size=64k none {0} && cp -a /root/kept/. {0}/ && (cat /dev/zero > {0}/fill; true) 2>/dev/null"
READ_ONLY = "mount --bind {0} {0} && mount -o remount,bind,ro {0}"


@contextmanager
def mounted(name: str, path: str, how: str) -> Iterator[None]:
    sandbox.on(name, f"mkdir -p {path} && rm -rf /root/kept && cp -a {path} /root/kept && {how.format(path)}")
    try:
        yield
    finally:
        sandbox.on(name, f"umount {path}; rm -rf /root/kept")


@pytest.mark.parametrize(
    "faults",
    [
        {
            "node1": ("/etc/docker", FULL, "No space left on device"),
            "node2": ("/var/lib/okd-registry", FULL, "No space left on device"),
            "node3": ("/etc/docker", READ_ONLY, "Read-only file system"),
        },
        {"node2": ("/etc/sysconfig", READ_ONLY, "Read-only file system")},
    ],
    ids=["full or read-only", "flags read-only"],
)
def test_a_disk_that_cannot_be_written_stops_there(faults: dict[str, tuple[str, str, str]]) -> None:
    started = time.time()
    with ExitStack() as stack:
        for name, (path, how, _said) in faults.items():
            sandbox.on(name, trusting.FORGET, check=False)
            stack.enter_context(mounted(name, path, how))
        ended = trusting.trust("--limit", ",".join(faults), *CORDON)
    assert ended.code != 0
    for name, (path, _how, said) in faults.items():
        failed = trusting.text(ended.output).partition(f"[{name}]: FAILED!")[2].partition("]: FAILED!")[0]
        assert said in failed, ended.output
        assert path in failed, ended.output
    untouched(started)


DROP_IN = "/etc/systemd/system/docker.service.d/90-fault.conf"


@contextmanager
def drop_in(name: str, lines: str) -> Iterator[None]:
    sandbox.on(name, f"printf '[Service]\\n{lines}\\n' > {DROP_IN}; systemctl daemon-reload")
    try:
        yield
    finally:
        sandbox.on(name, f"rm {DROP_IN}; systemctl daemon-reload; systemctl reset-failed docker docker.socket; true")


def test_docker_that_does_not_come_back_ends_the_run() -> None:
    """One that starts with its old files is in service on these, one that starts no more is out of service.

    The node that comes after them is not touched; the next run, once docker starts again, does all there is to do.
    """
    started = time.time()
    with (
        drop_in("node2", f"ExecStartPre=/bin/grep -q {sandbox.SERVICE_IP} /etc/sysconfig/docker"),
        drop_in("node3", "ExecStartPre=/bin/false"),
    ):
        ended = trusting.trust(*CORDON, "-e", "registry_trust_serial=2")
        assert trusting.cordoned("node3") == (True, "default/docker-registry")
    assert ended.code != 0
    assert "docker runs on them again" in trusting.text(ended.output), ended.output
    assert "fails too" in trusting.text(ended.output), ended.output
    assert [sandbox.sysconfig(name) for name in sandbox.NODES] == [sandbox.seed(name) for name in sandbox.NODES]
    assert (trusting.flagged("node2"), trusting.cordoned("node2")) == (True, IN_SERVICE)
    assert (sandbox.docker_starts("node1", started), trusting.cordoned("node1")) == (0, IN_SERVICE)
    trusting.converged("-e", "registry_trust_serial=2")
    trusting.works()


def test_a_proxy_in_the_way_is_named_with_what_to_set() -> None:
    trusting.unready("node3")
    started = time.time() + 1
    time.sleep(1)
    missing = "NO_PROXY=localhost,172.30.124.220,docker-registry.default.svc,docker-registry.default.svc.cluster.local"
    with drop_in("node3", "Environment=HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=localhost"):
        sandbox.on("node3", "systemctl restart docker")
        ended = trusting.trust("--limit", "node3", *HURRY)
        assert ended.code != 0
        assert missing in trusting.text(ended.output), ended.output
        assert (sandbox.docker_starts("node3", started), trusting.flagged("node3")) == (1, True)
        advised = f"HTTPS_PROXY=http://127.0.0.1:9 {missing},registry.apps.sandbox.test"
        edit = f"sed -i 's|^Environment=.*|Environment={advised}|' {DROP_IN}"
        sandbox.on("node3", f"{edit} && systemctl daemon-reload && systemctl restart docker")
        trusting.converged("--limit", "node3")
    sandbox.on("node3", "systemctl restart docker")


# ---- the cluster's Nodes -------------------------------------------------------------------------------------------

LABELS = {"app": "guest"}
GUESTS = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "guest", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "terminationGracePeriodSeconds": 0, "nodeSelector": {"kubernetes.io/hostname": "node2"},
                "volumes": [{"name": "scratch", "emptyDir": {}}],
                "containers": [{"name": "guest", "image": "sandbox/pause:1"}],
            },
        },
    },
}  # fmt: skip


def guests() -> set[str]:
    pods = sandbox.objects("pods", "-n", "default", "-l", "app=guest")
    return {pod["metadata"]["uid"] for pod in pods}


def test_pods_leave_before_the_restart_and_come_back() -> None:
    """A pod that would lose something stops it, before the node is touched."""
    trusting.unready("node2")
    sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(GUESTS))
    ready = ("rollout", "status", "deployment/guest", "-n", "default", "--timeout=60s")
    sandbox.kubectl(*ready)
    drain = ("--limit", "node2", "-e", "registry_trust_drain=true")
    try:
        refused = trusting.trust(*drain)
        assert refused.code != 0
        assert "would lose what they keep in an emptyDir" in trusting.text(refused.output), refused.output
        assert (trusting.flagged("node2"), trusting.cordoned("node2")) == (True, IN_SERVICE)
        first = guests()
        trusting.converged(*drain, "-e", "registry_trust_drain_delete_emptydir_data=true")
        assert not first & guests()
        sandbox.kubectl(*ready)
    finally:
        sandbox.kubectl("delete", "deployment", "guest", "-n", "default", "--wait=false")


def test_in_the_end_nothing_is_left_to_do() -> None:
    again = trusting.trust(*CORDON)
    assert (again.code, again.changed) == (0, 0), again.output
